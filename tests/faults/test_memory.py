"""Too little memory in the middle of a step: the step is taken again, in more pieces."""

import errno
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import thalweg as tw
from thalweg.errors import MemoryShortageError
from thalweg.train import _loop
from thalweg.train._checkpoint import checkpoints

SETTINGS = {
    "epochs": 2,
    "batch_size": 32,
    "learning_rate": 0.01,
    "restore_best": False,
    "progress": False,
}
AT = 4
"""The step that finds no memory, by those completed before: the second of the second epoch."""
ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't allocate "
        f"memory: you tried to allocate 9 bytes. Error code {errno.ENOMEM}"
    ),
    MemoryError(),
]


class PowerCutError(Exception):
    """The end, in the middle of a step."""


class Noise(nn.Module):
    """Draws from NumPy's stream, as somebody's network might.

    Not from Python's, which the checks of types at calls draw from too.
    """

    def forward(self, inputs):
        if not self.training:
            return inputs
        return inputs + 0.01 * np.random.rand()


def network(*, is_random: bool = True) -> nn.Module:
    torch.manual_seed(5)
    middle = [nn.BatchNorm1d(16), Noise(), nn.Dropout(0.4)] if is_random else []
    return nn.Sequential(nn.Linear(4, 16), *middle, nn.ReLU(), nn.Linear(16, 3))


class Raise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs, error):
        ctx.error = error
        return inputs.clone()

    @staticmethod
    def backward(ctx, gradient):
        raise ctx.error


def fail_in_forward(state, error):
    def fail(*_):
        handle.remove()
        raise error

    # The last layer: normalization and the random layers have done their work by then.
    handle = state.model[-1].register_forward_pre_hook(fail)


def fail_in_backward(state, error):
    def fail(module, given, output):
        handle.remove()
        return Raise.apply(output, error)

    handle = state.model[0].register_forward_hook(fail)


def fail_in_step(state, error):
    """Half of the parameters and all of the optimizer are changed."""

    def fail(optimizer, *_):
        handle.remove()
        with torch.no_grad():
            next(state.model.parameters()).add_(1.0)
            for entry in optimizer.state.values():
                for value in entry.values():
                    value.add_(1.0)
        raise error

    handle = state.optimizer.register_step_pre_hook(fail)


def everything(state) -> list:
    streams, plain = tw._core.seeds.state()
    own = [*state.model.state_dict().values()]
    own += [value for entry in state.optimizer.state.values() for value in entry.values()]
    return [value.clone() for value in (*own, *streams.values())] + [plain["numpy"]]


def same(left: list, right: list) -> bool:
    return left[-1] == right[-1] and all(map(torch.equal, left[:-1], right[:-1]))


def shortage(monkeypatch, how, error, at: int = AT) -> list[list]:
    """Fail once in a step; return what the state was before it and before its repetition."""
    update, before = _loop.update, []

    def failing(plan, state, *rest):
        if state.step == at:
            before.append(everything(state))
            if len(before) == 1:
                how(state, error)
        return update(plan, state, *rest)

    monkeypatch.setattr(_loop, "update", failing)
    return before


@pytest.mark.parametrize(
    ("how", "error", "every"),
    [
        (fail_in_forward, ERRORS[0], 1),
        (fail_in_forward, ERRORS[1], 3),
        (fail_in_forward, ERRORS[2], None),
        (fail_in_backward, ERRORS[0], None),
        (fail_in_backward, ERRORS[1], 1),
        (fail_in_step, ERRORS[1], 3),
        (fail_in_step, ERRORS[0], None),
    ],
)
def test_before_it_is_taken_again_all_is_as_before_the_step(
    three_classes, monkeypatch, how, error, every
):
    before = shortage(monkeypatch, how, error)
    run = tw.fit(
        network(), three_classes, out="run", checkpoint_every=every, optimizer="adam", fused=False,
        **SETTINGS,
    )  # fmt: skip
    assert len(before) == 2
    assert same(*before)
    assert run.status.state == "finished"
    assert [row["step"] for row in run.history.steps] == [1, 2, 3, 4, 5, 6]
    (choice,) = [each for each in run.choices if each.setting == "accumulate"]
    assert choice.value == 2
    assert choice.reason.startswith(
        f"too little memory at step {AT + 1}, which is taken again in pieces of 16 examples, which "
        "batch normalization takes its means over; the gradient is that of the whole batch"
    )
    assert choice in tw.train.Run.peek("run").choices


@pytest.mark.parametrize("out", ["run", None])
@pytest.mark.parametrize("how", [fail_in_forward, fail_in_backward, fail_in_step])
def test_the_gradient_is_that_of_the_whole_batch(three_classes, monkeypatch, how, out, capsys):
    calm = tw.fit(network(is_random=False), three_classes, out="calm", **SETTINGS)
    task, config = calm.task, calm.settings.train
    shortage(monkeypatch, how, ERRORS[1])
    model = network(is_random=False)
    if out is None:
        run = tw.train.fit(model, three_classes, task, config, choices=[])
    else:
        run = tw.fit(model, three_classes, out=out, **{**SETTINGS, "progress": True})
        assert "accumulate" in capsys.readouterr().err
        assert run.diagnosis.brief() == calm.diagnosis.brief()
    for name, value in run.model.state_dict().items():
        torch.testing.assert_close(value, calm.model.state_dict()[name], rtol=1e-4, atol=1e-6)


def cut_power(patch, at):
    """End the process, as it were, before a step."""
    update = _loop.update

    def failing(plan, state, *rest):
        if state.step == at:
            raise PowerCutError
        return update(plan, state, *rest)

    patch.setattr(_loop, "update", failing)


def test_pieces_are_doubled_again_and_a_resumed_run_keeps_to_them(three_classes, monkeypatch):
    pieces, original = [], _loop._pieces

    def noting(*arguments):
        cut = original(*arguments)
        pieces.append(len(cut[0]))
        return cut

    monkeypatch.setattr(_loop, "_pieces", noting)
    ends = []
    for name in ("whole", "cut"):
        with monkeypatch.context() as patch:
            shortage(patch, fail_in_forward, ERRORS[0], at=1)
            shortage(patch, fail_in_step, ERRORS[0], at=3)
            if name == "whole":
                run = tw.fit(network(), three_classes, out=name, checkpoint_every=1, **SETTINGS)
                assert pieces == [1, 1, 2, 2, 2, 4, 4, 4]
            else:
                cut_power(patch, at=5)
                with pytest.raises(PowerCutError):
                    tw.fit(network(), three_classes, out=name, checkpoint_every=1, **SETTINGS)
        if name == "cut":
            run = tw.resume(name, three_classes, network(), progress=False)
        ends.append(torch.cat([value.flatten() for value in run.model.state_dict().values()]))
    assert torch.equal(*ends)


def test_killed_before_the_next_checkpoint_a_resumed_run_keeps_to_the_pieces(
    three_classes, monkeypatch
):
    ends = []
    for name in ("whole", "cut"):
        with monkeypatch.context() as patch:
            shortage(patch, fail_in_forward, ERRORS[0], at=1)
            if name == "whole":
                run = tw.fit(network(), three_classes, out=name, **SETTINGS)
            else:
                cut_power(patch, at=3)
                with pytest.raises(PowerCutError):
                    tw.fit(network(), three_classes, out=name, **SETTINGS)
        if name == "cut":
            assert [path.name for path in checkpoints(Path("cut/checkpoint"))] == ["step-000000000"]
            run = tw.resume(name, three_classes, network(), progress=False)
        ends.append(torch.cat([value.flatten() for value in run.model.state_dict().values()]))
    assert torch.equal(*ends)


def test_where_it_cannot_be_cut_further_one_line_says_what_to_lower(three_classes):
    model = network()
    model[-1].register_forward_pre_hook(refuse)
    with pytest.raises(MemoryShortageError) as caught:
        tw.fit(model, three_classes, out="run", **SETTINGS)
    message = str(caught.value)
    assert message.startswith("too little memory for step 1 in pieces of 2 (")
    assert "Use a smaller batch_size than 32" in message
    assert len(message.splitlines()) == 1
    # Nothing is lost: with more memory it goes on.
    assert tw.resume("run", three_classes, network(), progress=False).status.steps == 6


def refuse(module, given):
    if module.training:
        raise ERRORS[1]


def test_another_error_is_not_taken_for_it(three_classes, monkeypatch):
    shortage(monkeypatch, fail_in_forward, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        tw.fit(network(), three_classes, out="run", **SETTINGS)


LIMITED = """
import resource

torch.manual_seed(0)
wide = 400_000
model = nn.Sequential(nn.Linear(4, wide), nn.ReLU(), nn.Linear(wide, 3))
used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
begin = tw.train._loop.State.begin

def limiting(state):
    begin(state)
    resource.setrlimit(resource.RLIMIT_AS, (used + (spare << 20), -1))

if spare:
    tw.train._loop.State.begin = limiting
run = tw.fit(
    model, DATA, out=out, epochs=1, batch_size=90, learning_rate=0.001, progress=False,
    optimizer="sgd", doctor=False,
)
print([each.value for each in run.choices if each.setting == "accumulate"])
print(run.history.steps[-1]["loss"], float(model[2].weight.detach().double().norm()))
"""


def test_with_memory_for_half_a_batch_it_trains_as_with_enough(run_to_end):
    """The kernel refuses what exceeds the limit: a layer's values for 90 examples take 137 MiB."""
    told, ends = [], []
    for spare in (0, 320):
        choices, numbers = run_to_end(LIMITED, out=f"run-{spare}", spare=spare).splitlines()
        told.append(choices)
        ends.append([float(each) for each in numbers.split()])
    assert told == ["[]", "[2]"]
    assert ends[1] == pytest.approx(ends[0], rel=1e-5)
