"""Those who watch training: they are told of events and change nothing."""

from thalweg.train.observers._isolated import Isolated, isolated
from thalweg.train.observers._observer import Observer
from thalweg.train.observers._progress import Progress
from thalweg.train.observers._recorder import Recorder
from thalweg.train.observers._saver import Saver
from thalweg.train.observers._stopwatch import Stopwatch

__all__ = ["Isolated", "Observer", "Progress", "Recorder", "Saver", "Stopwatch", "isolated"]
