from thalweg.doctor.checks._check import Note, Unchecked
from thalweg.doctor.checks.wiring._detached import check_detached
from thalweg.doctor.checks.wiring._unused_module import check_unused_module
from thalweg.doctor.record import ModuleFacts, Motion, ParameterFacts


def test_finds_a_module_that_is_never_called(loop, cut):
    [finding] = check_unused_module(cut(loop(), "trunk", called=False))
    assert finding.where == "trunk"
    assert not list(check_detached(cut(loop(), "trunk", called=False)))


def test_names_the_topmost_idle_module_once(loop, cut):
    record = cut(loop(), "trunk", called=False)
    record.modules["trunk.norm"] = ModuleFacts("LayerNorm", "norm", ["trunk.norm.weight"], True)
    record.parameters["trunk.norm.weight"] = ParameterFacts(
        [8], True, 0, 1, moved=False, is_fresh=True
    )
    for sample in record.samples:
        sample.parameters["trunk.norm.weight"] = Motion(1.0, None, 0.0, 0)
    [finding] = check_unused_module(record)
    assert (finding.where, finding.evidence["parameters"]) == ("trunk", 2)


def test_is_silent_about_a_layer_whose_weights_are_used_without_calling_it(loop):
    record = loop()
    record.modules["trunk"].calls = 0
    assert not list(check_unused_module(record))


def test_is_silent_about_a_part_that_has_its_turn_in_other_steps(loop, cut):
    record = cut(loop(), "trunk", called=False)
    record.parameters["trunk.weight"].moved = True
    assert not list(check_unused_module(record))


def test_only_notes_a_pretrained_part(loop, cut):
    [answer] = check_unused_module(cut(loop(), "trunk", called=False, fresh=False))
    assert isinstance(answer, Note)


def test_is_silent_beside(loop):
    assert not list(check_unused_module(loop()))


def test_does_not_judge_a_compiled_network(loop, cut):
    record = cut(loop(), "trunk", called=False)
    record.limits["modules"] = "it is compiled"
    for facts in record.modules.values():
        facts.calls = 0
    [answer] = check_unused_module(record)
    assert isinstance(answer, Unchecked)
    assert "it is compiled" in answer.reason
