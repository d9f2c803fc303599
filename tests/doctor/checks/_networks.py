"""Networks of linear layers made by hand, as the graph of their loss shows them."""

from dataclasses import replace

from _made import operation, record

from thalweg.doctor.record import ModuleFacts, Node, ParameterFacts, Record

SIZES = {"first": (16, 32), "second": (32, 32), "head": (32, 10)}


def network(*parts: str | Node, **sizes: tuple[int, int]) -> Record:
    """Return the record of a network, its parts in the order of use; layers are named."""
    sizes = SIZES | sizes
    graph = [operation("NllLoss", None, 1), operation("LogSoftmax", [32, 10], 2, dim=1.0)]
    for part in reversed(parts):
        at = len(graph)
        if isinstance(part, str):
            graph += _layer(part, at, sizes[part])
        else:
            graph.append(replace(part, inputs=part.inputs or [at + 1]))
    for node in graph:  # The data have no gradient.
        node.inputs = [each for each in node.inputs if each < len(graph)]
    names = [part for part in parts if isinstance(part, str)]
    return record(
        [],
        graph=graph,
        modules={name: _module(name, *sizes[name]) for name in names},
        parameters={
            f"{name}.weight": ParameterFacts([sizes[name][1], sizes[name][0]], True, 0, 1)
            for name in names
        },
    )


def _layer(name: str, at: int, widths: tuple[int, int]) -> list[Node]:
    return [
        operation("Addmm", [32, widths[1]], at + 1, at + 4, at + 2, module=name),
        operation("Parameter", [widths[1]], parameter=f"{name}.bias"),
        operation("T", [*widths], at + 3),
        operation("Parameter", [widths[1], widths[0]], parameter=f"{name}.weight"),
    ]


def _module(name: str, inputs: int, outputs: int) -> ModuleFacts:
    options = {"inputs": float(inputs), "outputs": float(outputs)}
    return ModuleFacts("Linear", "linear", [f"{name}.weight"], True, options)
