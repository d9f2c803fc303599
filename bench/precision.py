"""What shorter types cost in accuracy: the same trainings in each, seed by seed."""

import contextlib
import io
import statistics

import thalweg as tw
from bench.figures import Figure, interval

SHORTER = ("bfloat16", "bfloat16-matmul")
TRAININGS = (("glyphs", "mlp", 30), ("glyphs", "lenet", 6), ("digits", "mlp", 60))


def figures(rounds: int) -> list[Figure]:
    """Train with as many seeds as there are rounds, and compare what is reached on the test part.

    A seed draws the data where they are drawn, their parts, the weights and the order.
    """
    found = []
    for source, model, epochs in TRAININGS:
        scores: dict[str, list[float]] = {each: [] for each in ("float32", *SHORTER)}
        for seed in range(rounds):
            for precision, reached in scores.items():
                reached.append(_accuracy(source, model, epochs, precision, seed))
        usual = scores["float32"]
        note = f"{100 * statistics.mean(usual):.1f} % in float32"
        for precision in SHORTER:
            gaps = [100 * (a - b) for a, b in zip(scores[precision], usual, strict=True)]
            name = f"{model} on {source}: test accuracy in {precision} − in float32"
            found.append(Figure(name, *interval(gaps), unit=" points", note=note))
    return found


def _accuracy(source: str, model: str, epochs: int, precision: str, seed: int) -> float:
    with contextlib.redirect_stderr(io.StringIO()):
        run = tw.fit(
            model,
            tw.load(source, seed=seed),
            epochs=epochs,
            seed=seed,
            precision=precision,
            measure_speed=False,
            progress=False,
            doctor=False,
            out=False,
        )
    return run.score("test")["accuracy"]
