"""What an observer may be told."""

from thalweg.train._state import State


class Observer:
    """Told of each event of the loop; does nothing unless a method says otherwise.

    A state's losses of the last few steps may still be on the device: an observer that needs
    them calls `state.want()`, at the price of waiting for the device.
    """

    def start(self, state: State) -> None:
        """Training begins, or goes on."""

    def step(self, state: State) -> None:
        """An optimizer step was taken, or several at once where they are compiled."""

    def epoch(self, state: State) -> None:
        """An epoch was completed and validated."""

    def end(self, state: State) -> None:
        """Training ended; `state.stopped` says why if early."""
