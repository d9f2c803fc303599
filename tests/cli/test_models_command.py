import json

import thalweg as tw


def test_every_network_has_a_line(call):
    shown = call("models")
    assert shown.code == 0
    names = [line.split()[0] for line in shown.out.splitlines()]
    assert names == tw.models.networks.names()


def test_json_holds_name_and_summary(call):
    rows = json.loads(call("models", "--json").out)
    assert {row["name"]: row["summary"] for row in rows} == {
        entry.name: entry.summary for entry in tw.models.networks
    }
