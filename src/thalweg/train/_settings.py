"""A run's settings: one file that says everything, and repeats the run."""

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
import tomli_w
import torch

from thalweg._core import formats, toml
from thalweg._core.choices import Choice
from thalweg._core.files import write_atomically
from thalweg._core.reading import JSON_SHARE, read
from thalweg.errors import DataNotFoundError, SettingError
from thalweg.models import Recipe
from thalweg.train._config import Config

SECTIONS = ("data", "model", "task", "train", "reasons", "made_with")
NO_OPTIONS = ("name", "seed", "outputs", "weights", "head")
"""What a network's settings hold besides its options."""


@dataclass(frozen=True)
class Settings:
    """What a run was made from: data, network, task and training."""

    data: dict[str, Any]
    """The options of `tw.load`, with "source"; "object" where the data came from Python."""
    model: dict[str, Any]
    """"name", "seed" and options of a registered network, with "weights" (a file, or "given") where
    it did not begin with those of its seed; "class" for any other."""
    task: dict[str, Any]
    """"name" and options."""
    train: Config

    def recipe(self, shape: tuple[int, ...], outputs: int) -> Recipe | None:
        """Return how to build the network for inputs of this shape; None if it is not ours."""
        if "name" not in self.model:
            return None
        options = {name: value for name, value in self.model.items() if name not in NO_OPTIONS}
        return Recipe(
            name=self.model["name"],
            shape=shape,
            outputs=self.model.get("outputs", outputs),
            seed=self.model.get("seed", 0),
            options=options,
        )

    def sections(self) -> dict[str, dict[str, Any]]:
        """Return them by section, as a file can hold them."""
        return _writable(
            {
                "data": self.data,
                "model": self.model,
                "task": self.task,
                "train": self.train.to_settings(),
            }
        )

    def write(self, path: Path, choices: list[Choice], processes: int = 1) -> None:
        """Write the settings as TOML, with the reasons of those that nobody asked for.

        Args:
            path: The file.
            choices: The reasons.
            processes: How many train together.

        Raises:
            RunError: The file cannot be written.
        """
        document = {
            **self.sections(),
            "reasons": {
                choice.setting: f"{formats.setting(choice.value)}: {choice.reason}"
                for choice in choices
            },
            "made_with": made_with(processes, self.train.threads),
        }
        write_atomically(path, tomli_w.dumps(_writable(document)))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the settings that `write` wrote, or that a person did.

        Raises:
            DataNotFoundError: There is no such file.
            SettingError: It is not TOML, or has a section or setting that is not known.
        """
        document = read_toml(path)
        return cls(
            data=document.get("data", {}),
            model=document.get("model", {}),
            task=document.get("task", {}),
            train=Config.from_settings(document.get("train", {})),
        )


def read_toml(path: Path) -> dict[str, Any]:
    """Return a file of settings as plain data, its sections checked.

    Raises:
        DataNotFoundError: There is no such file.
        SettingError: It is not TOML, or has an unknown section.
    """
    try:
        # Editors on Windows put a mark at the front, which the -sig swallows.
        document = toml.loads(read(path, JSON_SHARE).decode("utf-8-sig"))
    except FileNotFoundError:
        raise DataNotFoundError(f"there is no file of settings {path}.") from None
    except (OSError, ValueError) as error:  # What no TOML is, and a number of too many digits.
        raise SettingError(f"{path} is not a file of settings in TOML: {error}.") from None
    except RecursionError:
        raise SettingError(f"{path} nests lists or tables too deeply to be settings.") from None
    for section, content in document.items():
        if section not in SECTIONS or not isinstance(content, dict):
            raise SettingError(
                f"{path} has {section!r} at its top level; the sections are "
                f"{', '.join(f'[{name}]' for name in SECTIONS[:4])}."
            )
    return document


def made_with(processes: int = 1, threads: int | None = None) -> dict[str, Any]:
    """Return what decides the last bit of a result besides the settings.

    Args:
        processes: How many train together.
        threads: Those that the settings ask for; None for those that there are.
    """
    return {
        "thalweg": version("thalweg"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "threads": threads or torch.get_num_threads(),
        "processes": processes,
    }


def _writable(value: Any) -> Any:
    """Return a value as TOML can hold it: no None, tuple, path, number of NumPy's, half letter."""
    if isinstance(value, dict):
        return {str(k): _writable(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [_writable(each) for each in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (str, Path)):
        return str(value).encode(errors="replace").decode()
    return value
