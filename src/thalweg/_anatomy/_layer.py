"""One layer of a network, and what it costs at one input size."""

from dataclasses import dataclass

from thalweg._anatomy._receptive_field import ReceptiveField


@dataclass(frozen=True)
class Layer:
    """One layer of a network, at one input size."""

    name: str
    """Where the network keeps it; empty for the network itself."""
    kind: str
    output_shape: tuple[int, ...] | None
    """Of one example; None for a layer that was not used."""
    parameters: int
    """Numbers that it can learn and no layer before it in the list has."""
    macs: int | None
    """Multiply-accumulates for one example; None for a layer that cannot be priced."""
    activation_bytes: int = 0
    """What its outputs take for one example, over all its calls."""
    receptive_field: ReceptiveField | None = None
    """What one of its units sees of the input; None where an operation could not be followed."""
    not_priced: tuple[str, ...] = ()
    """Operations of it whose cost is unknown, and so missing in `macs`."""

    @property
    def flops(self) -> int | None:
        """Floating-point operations for one example: each MAC is a product and a sum."""
        return None if self.macs is None else 2 * self.macs
