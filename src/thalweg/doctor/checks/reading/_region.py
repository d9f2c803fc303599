"""The part of a loss graph between the last weights and the loss."""

from thalweg.doctor.record import Node, Record

# These move numbers to other places, or to another type, and leave their values alone.
NEUTRAL = {
    "View", "UnsafeView", "ReshapeAlias", "Transpose", "Permute", "T", "Squeeze", "Unsqueeze",
    "Expand", "Slice", "Select", "Index", "IndexSelect", "Gather", "Clone", "Alias", "ToCopy",
    "AsStrided", "Split", "SplitWithSizes", "Unbind", "MaskedSelect", "Cat", "Stack", "Repeat",
    "Narrow", "Swapaxes", "Movedim", "Mt",
}  # fmt: skip
# With these the graph says nothing of what is inside.
OPAQUE = ("CompiledFunction", "GraphModule", "CppFunction", "CheckpointFunction")
# Operations with weights, or with a whole network inside.
HEAVY = {
    "Addmm", "Mm", "Bmm", "Baddbmm", "Addbmm", "Linear", "Convolution", "Embedding", "CudnnRnn",
    "MkldnnRnnLayer", "NativeLayerNorm", "NativeBatchNorm", "CudnnBatchNorm", "NativeGroupNorm",
    "Dot", "Mv", "Addmv", "FusedRmsNorm",
}  # fmt: skip


def base(node: Node) -> str:
    """Return the name of an operation without the number of its variant.

    Example:
        >>> base(Node("ClampBackward1", [], []))
        'Clamp'
    """
    return node.name.split("Backward")[0]


def below(graph: list[Node], place: int, through: frozenset[str] = frozenset()) -> int | None:
    """Return the operation whose values a node takes, however they were rearranged in between.

    Args:
        graph: With the node.
        place: Of the node.
        through: Further operations to be passed.
    """
    for _ in range(len(graph)):
        if not graph[place].inputs:
            return None
        place = graph[place].inputs[0]
        if base(graph[place]) not in NEUTRAL and base(graph[place]) not in through:
            return place
    return None


def region(graph: list[Node]) -> list[int]:
    """Return the operations that lie between the root and the last weights, those included."""
    if not graph:
        return []
    found: dict[int, None] = {0: None}
    queue = [0]
    while queue:
        place = queue.pop(0)
        if place and is_weighted(graph, place):
            continue
        for each in graph[place].inputs:
            if each not in found:
                found[each] = None
                queue.append(each)
    return list(found)


def is_weighted(graph: list[Node], place: int) -> bool:
    """Return whether an operation applies weights; a single number is none."""
    if base(graph[place]) in HEAVY:
        return True
    return any(
        graph[each].parameter is not None and size(graph[each].shape) > 1
        for each in graph[place].inputs
    )


def size(shape: list[int]) -> int:
    """Return how many entries a shape has."""
    entries = 1
    for length in shape:
        entries *= length
    return entries


def is_opaque(record: Record) -> bool:
    """Return whether the graph is missing, or hides what is between network and loss."""
    nodes = [record.graph[place] for place in region(record.graph)]
    return not nodes or any(base(node).startswith(OPAQUE) for node in nodes)


def where(node: Node) -> str:
    """Return the module that an operation belongs to, or that it happens at the loss."""
    return node.module or "loss"
