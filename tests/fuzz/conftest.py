"""The targets lie beside the tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import tempfile

import pytest
from targets import TARGETS, seeds


@pytest.fixture(scope="session", autouse=True)
def warm():
    """Let everything be imported that is imported late: torch makes a folder of its own then."""
    for name in ("page config.toml", "parquet"):
        with tempfile.TemporaryDirectory() as folder:
            TARGETS[name](seeds(name)[0], Path(folder))
