"""How much a network can hold, as far as its shape tells."""

from thalweg.doctor.record import Record

WEIGHTED = ("linear", "convolution", "recurrent", "embedding", "attention")
# So few numbers between input and output carry a line or a plane.
NARROW = 2


def shortage(record: Record) -> dict[str, str | int] | None:
    """Return where a network is too small for all but the simplest tasks; None if nowhere.

    That is a single layer with weights, or a layer through which only one or two numbers pass.
    """
    called = sorted(
        (facts.order, path)
        for path, facts in record.modules.items()
        if facts.family in WEIGHTED and facts.order >= 0
    )
    loose = [
        name
        for name, facts in record.parameters.items()
        if name.rpartition(".")[0] not in {path for _, path in called} and len(facts.shape) > 1
    ]
    if not called or loose:
        return None
    if len(called) == 1:
        return {"layers with weights": 1, "layer": called[0][1] or "the network itself"}
    for place, (_, path) in enumerate(called):
        options = record.modules[path].options
        width = options.get("inputs") if place else None
        width = width if width is not None else NARROW + 1
        if place < len(called) - 1:
            width = min(width, options.get("outputs", NARROW + 1))
        if width <= NARROW:
            return {"numbers that pass": int(width), "layer": path}
    return None
