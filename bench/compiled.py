"""Whole steps compiled, several per call: how much of a tiny network's step is left.

The compiled training is `tw.fit(…, compiled=True)` as it comes, doctor and progress on; what
compiling took is told apart, with the number of steps after which it has paid.
"""

from bench import workloads
from bench.figures import Figure, in_turns, ratio
from bench.loops import trained, usual_loop


def figures(rounds: int) -> list[Figure]:
    """Time the smallest workload compiled, against the usual loop."""
    work = workloads.tiny_mlp(epochs=60)
    compiling: list[float] = []
    worst: list[float] = []

    def compiled() -> float:
        run = trained(work, as_it_comes=True, compiled=True)
        compiling.append(run.timing["trying arrangements"])
        if not worst:
            plain = trained(work, as_it_comes=True, compiled=False)
            pairs = zip(run.history.steps, plain.history.steps, strict=True)
            worst.append(max(abs(one["loss"] / two["loss"] - 1) for one, two in pairs))
        return run.timing["training"] / (work.steps - 1)

    ways = {
        "compiled": compiled,
        "usual": lambda: usual_loop(work).seconds_per_step,
        "usual again": lambda: usual_loop(work).seconds_per_step,
    }
    seconds = in_turns(ways, max(3, rounds // 3))
    value = ratio(seconds["compiled"], seconds["usual"])
    control = ratio(seconds["usual again"], seconds["usual"])[0]
    saved = min(seconds["usual"]) - min(seconds["compiled"])
    note = (
        f"{1e6 * min(seconds['compiled']):.0f} µs a step; compiling took {min(compiling):.1f} s, "
        f"paid after {min(compiling) / saved:,.0f} steps; losses agree to {worst[0]:.0e}"
    )
    name = f"{work.name}: tw.fit(compiled=True) ÷ usual loop"
    return [Figure(name, *value, target=0.15, control=control, note=note)]
