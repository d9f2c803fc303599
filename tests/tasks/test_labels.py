import numpy as np
import pytest

from thalweg.tasks._labels import labels


@pytest.mark.parametrize(
    "classes",
    [(3, 7), (0.5, 1.5), ("a", "long name"), (False, True), (1, "one", 1.5), (2**70, 2**71)],
)
def test_labels_come_back_as_they_were_written(classes):
    read = labels(classes, np.arange(len(classes))).tolist()
    assert read == list(classes)
    assert [type(label) for label in read] == [type(label) for label in classes]
