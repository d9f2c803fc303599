"""A network that was trained before, made ready for other data."""

from torch import nn

from thalweg import models, train
from thalweg._core.choices import Choice
from thalweg.data import Splits
from thalweg.train import Config


def fit_head(model: nn.Module, data: Splits, config: Config) -> list[Choice]:
    """Replace the output layer where it does not fit the data and the network is to be tuned.

    It fits where it gives as many outputs as the data need and, if it is known what they were
    trained to mean, for the same classes.

    Raises:
        SettingError: The network's last layer cannot be replaced.
    """
    if config.tune is None:
        return []
    target = data.schema.target
    output, needed = train.probe(model, data), models.outputs_for(target)
    given = output.shape[1] if output.ndim == 2 else None
    learned = train.learned_classes(model)
    if given == needed and learned in (None, tuple(target.classes)):
        return []
    names = models.replace_head(model, needed, train.example(model, data), config.seed)
    reason = f"it gave {given} outputs, and {needed} are needed"
    if given == needed:
        reason = "it was trained for other classes"
    return [Choice("head", "new", f"{', '.join(names)}: {reason}")]
