"""Folders of runs that somebody made with ill intent: refused in a line, nothing executed."""

import copy
import json
import os
import pickle
import shutil
import struct
import tomllib
import zlib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import torch

import thalweg as tw
from thalweg._core.seals import sealed
from thalweg.cli import main
from thalweg.errors import CheckpointError, RunError, SettingError, ThalwegError, WeightsError
from thalweg.train import _checkpoint, make_optimizer
from thalweg.train._state import State


@pytest.fixture(scope="session")
def original(three_classes, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "run"
    tw.fit("mlp", three_classes, epochs=1, out=folder, progress=False)
    return folder


@pytest.fixture
def run(original, tmp_path) -> Path:
    """A copy of a run, to be altered."""
    return shutil.copytree(original, tmp_path / "run")


def replace_weights(run: Path, content: bytes) -> None:
    """Put a file in place of the weights, with the checksum that belongs to it."""
    (run / "model.safetensors").write_bytes(content)
    alter(run / "status.json", ["checksum"], zlib.crc32(content))


def replace_tensors(checkpoint: Path, content: bytes) -> None:
    """Put a file in place of a checkpoint's tensors, with checksum and seal that belong to it."""
    (checkpoint / "tensors.safetensors").write_bytes(content)
    plain = json.loads((checkpoint / "state.json").read_text())
    plain["checksums"]["tensors.safetensors"] = zlib.crc32(content)
    (checkpoint / "state.json").write_text(json.dumps(sealed(plain)))


def alter(path: Path, keys: list[str], value: object) -> None:
    """Replace one value in a file of JSON, whose seal says nothing of who wrote it."""
    content = json.loads(path.read_text())
    at = content
    for key in keys[:-1]:
        at = at[key]
    at[keys[-1]] = value
    path.write_text(json.dumps(sealed(content) if "seal" in content else content))


def refuse_line(error: pytest.ExceptionInfo[BaseException]) -> None:
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)


def new_state() -> State:
    model = torch.nn.Linear(4, 2)
    return State(model, make_optimizer(model, "adamw", learning_rate=0.1))


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    """The only checkpoint of a folder."""
    _checkpoint.save(new_state(), tmp_path / "checkpoint")
    return tmp_path / "checkpoint" / "step-000000000"


# Code


class Canary:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("disguise", ["pickle", "torch.save", "old torch.save"])
def test_a_pickle_in_place_of_tensors_is_refused_and_not_executed(
    run, checkpoint, tmp_path, disguise
):
    canary, path = tmp_path / "canary", tmp_path / "bad"
    if disguise == "pickle":
        path.write_bytes(pickle.dumps(Canary(canary)))
    else:
        is_new = disguise == "torch.save"
        torch.save(Canary(canary), path, _use_new_zipfile_serialization=is_new)
    replace_weights(run, path.read_bytes())
    with pytest.raises(WeightsError, match="cannot read the weights") as error:
        tw.Run.load(run)
    refuse_line(error)
    replace_tensors(checkpoint, path.read_bytes())
    with pytest.raises(CheckpointError, match="damaged") as error:
        _checkpoint.restore(new_state(), checkpoint.parent)
    refuse_line(error)
    assert not canary.exists()
    pickle.loads(pickle.dumps(Canary(canary)))
    assert canary.exists()  # It would have been noticed.


AUDIT = """
forbidden = ("pickle.", "marshal.load", "socket.", "urllib.", "subprocess.", "os.system",
             "os.exec", "os.posix_spawn", "os.fork", "ctypes.dlopen")
executes = ("pickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "socket", "ssl")
events = []
def listen(name, arguments):
    if name.startswith(forbidden):
        events.append(name)
    elif name == "import" and arguments[0].split(".")[0] in executes:
        events.append(f"import {arguments[0]}")
# torch has imported pickle long ago: forgotten, whoever wants it has to ask again.
for name in [each for each in sys.modules if each.split(".")[0] in executes]:
    del sys.modules[name]
sys.addaudithook(listen)
"""


def test_nothing_is_unpickled_or_started_and_no_socket_opened(run_to_end, tmp_path):
    setup = "tw.fit('mlp', DATA, out='run', epochs=2, progress=False, checkpoint_every=1)\n"
    kill = "die_at_call(250)\ntw.fit('mlp', DATA, out='cut', epochs=2, progress=False, "
    code = f"""
pid = os.fork()
if pid == 0:
    {kill.replace(chr(10), chr(10) + "    ")}checkpoint_every=1)
os.waitpid(pid, 0)
{setup}
tw.Run.load("run").report("warm.html")
{AUDIT}
run = tw.Run.load("run")
run.predict([[0.0, 1.0, 2.0, 3.0]])
run.diagnosis
run.report("page.html")
tw.resume("cut", DATA, progress=False)
seen = set(events)
import pickle
pickle.loads(pickle.dumps(os.getcwd))
print(seen, "import pickle" in events, "pickle.find_class" in events)
"""
    assert run_to_end(code) == "set() True True\n"
    assert (tmp_path / "page.html").exists()


# Tensors


def safetensors(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(start: int, stop: int, shape: tuple[int, ...] = (1,), dtype: str = "F32") -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop]}


ONE = b'"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}'
HOSTILE_TENSORS = {
    "overlap": safetensors({"a": tensor(0, 4), "b": tensor(0, 4)}, bytes(4)),
    "hole": safetensors({"a": tensor(0, 4), "b": tensor(8, 12)}, bytes(12)),
    "bytes behind the last": safetensors({"a": tensor(0, 4)}, bytes(8)),
    "beyond the end": safetensors({"a": tensor(0, 400, (100,))}, bytes(4)),
    "negative offset": safetensors({"a": tensor(-4, 0)}, bytes(4)),
    "offsets backwards": safetensors({"a": tensor(4, 0)}, bytes(4)),
    "more values than bytes": safetensors({"a": tensor(0, 4, (2,))}, bytes(4)),
    "product that overflows": safetensors({"a": tensor(0, 4, (2**62, 4))}, bytes(4)),
    "unknown type": safetensors({"a": tensor(0, 4, dtype="X99")}, bytes(4)),
    "type that torch lacks": safetensors({"a": tensor(0, 4, (8,), "F4")}, bytes(4)),
    "header of an exbibyte": safetensors(b"{}", length=2**60),
    "header of more than there is": safetensors(b"{}", length=10**8),
    "deep nesting": safetensors(b"[" * 10**5),
    "twice the same name": safetensors(b"{" + ONE + b"," + ONE + b"}", bytes(4)),
    "a hundred thousand names": safetensors({str(n): tensor(0, 0, (0,)) for n in range(10**5)}),
    "an empty tensor of great shape": safetensors({"a": tensor(0, 0, (0, 2**40))}),
    "no tensor at all": safetensors({}),
}


@pytest.mark.parametrize("case", HOSTILE_TENSORS)
def test_a_hostile_file_of_tensors_is_refused(run, checkpoint, case):
    replace_weights(run, HOSTILE_TENSORS[case])
    with pytest.raises(WeightsError) as error:
        tw.Run.load(run)
    refuse_line(error)
    replace_tensors(checkpoint, HOSTILE_TENSORS[case])
    with pytest.raises(CheckpointError, match="step-000000000") as error:
        _checkpoint.restore(new_state(), checkpoint.parent)
    refuse_line(error)


# Settings and JSON

DEEP = "[" * 50_000 + "]" * 50_000
LONG = "9" * 5000
"""More digits than Python reads into a number."""


@pytest.mark.parametrize("value", [DEEP, LONG, '{"a": ' * 5000 + "1" + "}" * 5000])
@pytest.mark.parametrize("name", ["schema.json", "status.json", "choices.json", "timing.json"])
def test_json_that_exhausts_its_reader_is_refused(run, name, value):
    (run / name).write_text(value)
    with pytest.raises(RunError, match=name) as error:
        tw.Run.load(run)
    refuse_line(error)


@pytest.mark.parametrize("value", [DEEP, LONG, '{"step": ' + LONG + "}"])
def test_a_history_or_a_state_that_exhausts_its_reader_is_refused(run, checkpoint, value):
    (run / "history.jsonl").write_text(value)
    with pytest.raises(RunError, match=r"history\.jsonl") as error:
        tw.Run.load(run)
    refuse_line(error)
    (checkpoint / "state.json").write_text(value)
    with pytest.raises(CheckpointError, match="damaged") as error:
        _checkpoint.restore(new_state(), checkpoint.parent)
    refuse_line(error)


@pytest.mark.parametrize(
    "value",
    [
        DEEP,
        "{a=" * 2000 + "1" + "}" * 2000,
        LONG,
    ],
)
def test_settings_that_exhaust_their_reader_are_refused(run, value):
    (run / "config.toml").write_text(f"[train]\nepochs = {value}\n")
    with pytest.raises(SettingError) as error:
        tw.Run.load(run)
    refuse_line(error)


HOSTILE = (
    *(-1, 10**18, 2**63 - 1, float("inf"), float("nan"), True, [], {}, "", "../../x", "con"),
    *("/etc/passwd", "os:system", "__import__('os').system('x')", "!!python/object:os.system"),
    *({"_target_": "os.system"}, {"__class__": "os.system"}, "\x1b[31m\nred"),
)


# Types at calls are not checked where people use it.
@pytest.mark.usefixtures("unchecked")
def test_no_setting_of_a_run_executes_anything_or_ends_in_a_trace(run):
    document = tomllib.loads((run / "config.toml").read_text())
    loaded = 0
    for section in ("data", "model", "task", "train", "made_with"):
        for name in (*document[section], "_target_", "__class__", "__proto__"):
            for value in HOSTILE:
                altered = copy.deepcopy(document)
                altered[section][name] = value
                (run / "config.toml").write_text(tomli_w.dumps(altered))
                try:
                    tw.Run.load(run)
                    loaded += 1
                except ThalwegError as error:
                    assert "\n" not in str(error), (section, name, value)
                    assert "\x1b" not in str(error), (section, name, value)
    assert loaded  # Some make no difference, such as what the versions were.


@pytest.mark.parametrize("name", ["model", "task", "train"])
@pytest.mark.parametrize("value", ["../../x", "os.system", "thalweg.train:Run", "\x1b[31mx"])
def test_a_name_is_looked_up_and_never_imported(run, name, value):
    document: dict[str, Any] = tomllib.loads((run / "config.toml").read_text())
    document[name]["optimizer" if name == "train" else "name"] = value
    (run / "config.toml").write_text(tomli_w.dumps(document))
    with pytest.raises(ThalwegError, match=r"known|there is no|unknown") as error:
        tw.Run.load(run)
    refuse_line(error)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "step-000000000/../../secret"])
def test_a_checkpoint_opens_no_file_but_its_own(checkpoint, tmp_path, name):
    (tmp_path / "secret").write_bytes(b"")
    (tmp_path / "checkpoint" / "secret").write_bytes(b"")
    path = checkpoint / "state.json"
    plain = json.loads(path.read_text())
    before = json.dumps(sealed(plain))
    plain["checksums"] = {name: 0}
    path.write_text(json.dumps(sealed(plain)))
    with pytest.raises(CheckpointError, match="damaged"):
        _checkpoint.restore(new_state(), checkpoint.parent)
    path.write_text(before)
    assert _checkpoint.restore(new_state(), checkpoint.parent) == []


PARTS = ("format", "checksums", "epoch", "loss_sum", "best", "optimizer", "streams", "seal")


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("part", PARTS)
def test_a_sealed_state_of_the_wrong_shape_is_refused(checkpoint, part):
    path = checkpoint / "state.json"
    original = json.loads(path.read_text())
    for value in (None, "x", [], {}, [[[]]], {"tensor": "none"}, {"items": 3}, {"keys": [1]}):
        if original[part] == value:
            continue
        plain = {**original, part: value}
        path.write_text(json.dumps(plain if part == "seal" else sealed(plain)))
        with pytest.raises(CheckpointError) as error:
            _checkpoint.restore(new_state(), checkpoint.parent)
        refuse_line(error)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("value", [{"tensor": "optimizer/0/step"}, {"items": [0.0]}, None])
def test_an_average_that_a_kernel_would_run_past_is_refused(tmp_path, value):
    state = new_state()
    state.model(torch.ones(1, 4)).sum().backward()
    state.optimizer.step()
    _checkpoint.save(state, tmp_path)
    (path,) = tmp_path.glob("*/state.json")
    plain = json.loads(path.read_text())
    entry = plain["optimizer"]["values"][0]
    assert "optimizer/0/step" in json.dumps(entry)
    entry["values"][entry["keys"].index("exp_avg")] = value
    path.write_text(json.dumps(sealed(plain)))
    with pytest.raises(CheckpointError, match="exp_avg of parameter 0 must be") as error:
        _checkpoint.restore(new_state(), tmp_path)
    refuse_line(error)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("keys", "value"),
    [(["target", "kind"], "spell"), (["target", "classes"], 3), (["target", "names"], None)],
)
def test_a_schema_of_another_shape_is_refused(run, keys, value):
    alter(run / "schema.json", keys, value)
    with pytest.raises(RunError, match=r"schema\.json is damaged") as error:
        tw.Run.load(run)
    refuse_line(error)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("value", [None, "x", [], {}, 10**400, [[3]], {"a": "b"}])
@pytest.mark.parametrize("part", ["steps", "samples", "modules", "optimizers", "count", "graph"])
def test_a_record_of_another_shape_is_refused_or_says_nothing(run, part, value):
    alter(run / "record.json", [part], value)
    try:
        assert isinstance(str(tw.Run.load(run).diagnosis), str)
    except RunError as error:
        assert "record.json" in str(error)
        assert "\n" not in str(error)


# Names

ESCAPES = "\x1b]0;title\x07\x1b[31mred\x1b[0m\r\n\x9b2J\u202egnp"


def test_names_of_classes_cannot_steer_a_terminal(run, capsys, tmp_path):
    alter(run / "schema.json", ["target", "classes"], [ESCAPES, f"{ESCAPES}2", "../../x"])
    (tmp_path / "points.csv").write_text("a,b,c,d\n0,0,0,0\n3,3,3,3\n")
    for words in (["predict", run, "points.csv"], ["resume", run, "--no-report", "--quiet"]):
        main([str(word) for word in words])
        out, err = capsys.readouterr()
        for text in (out, err):
            assert not set("\x1b\x07\x9b\r\u202e") & set(text), words


def test_a_reason_and_the_name_of_a_folder_cannot_steer_a_terminal(run, capsys, tmp_path):
    alter(run / "status.json", ["reason"], ESCAPES)
    moved = run.rename(tmp_path / "r\x1b[31mun\r")
    for words in (["resume", moved, "--no-report"], ["compare", moved, moved], ["train", moved]):
        main([str(word) for word in words])
        out, err = capsys.readouterr()
        for text in (out, err):
            assert not set("\x1b\x07\x9b\r\u202e") & set(text), words
