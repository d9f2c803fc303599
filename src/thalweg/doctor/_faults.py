"""What can be wrong with a training, in the order in which one thing leads to another."""

from dataclasses import dataclass

STAGES = ("data", "initialization", "wiring", "step size", "dynamics", "generalization")
"""Earlier stages cause what shows in later ones."""


@dataclass(frozen=True)
class Fault:
    """One way for a training to fail."""

    code: str
    stage: str
    title: str
    """What is wrong, in a few words."""

    @property
    def rank(self) -> int:
        """Place of the fault's stage in the order of causes."""
        return STAGES.index(self.stage)


def _faults(stage: str, **titles: str) -> list[Fault]:
    return [Fault(code.replace("_", "-"), stage, title) for code, title in titles.items()]


FAULTS: dict[str, Fault] = {
    fault.code: fault
    for fault in [
        *_faults(
            "data",
            nan_input="NaN or infinity in inputs or targets",
            leakage="validation examples, or the answers, are among the training inputs",
            repeated_batch="the same batch again and again",
            not_shuffled="the examples come in order",
            label_noise="labels contradict the data",
            class_imbalance="one class drowns the others",
            input_constant="inputs that never vary",
            input_scale="inputs far from unit scale",
            target_scale="targets far from the scale of the output",
        ),
        *_faults(
            "initialization",
            init_symmetric="units that are equal and stay equal",
            init_scale="weights of the wrong size",
            initial_loss="a first loss far above that of a guess",
        ),
        *_faults(
            "wiring",
            missing_zero_grad="gradients pile up from step to step",
            missing_step="the parameters never change",
            stale_forward="steps, backward passes and schedule out of order",
            not_in_optimizer="parameters that no optimizer owns",
            detached="a part that gets no gradient",
            unused_module="a module that is never called",
            wrong_mode="training in evaluation mode, or the reverse",
            double_softmax="probabilities where the loss expects logits",
            wrong_loss="a loss that does not fit output or targets",
            output_clamped="an output that cannot reach the targets",
            broadcast_loss="every output is compared with every target",
            negated_loss="the loss is maximized",
            loss_scale="a loss whose size depends on the batch",
            missing_nonlinearity="linear layers with nothing between them",
            input_ignored="the output does not depend on the input",
            batch_mixing="examples of a batch influence each other",
            batch_norm_small_batch="too few examples for batch normalization",
        ),
        *_faults(
            "step size",
            lr_too_high="a learning rate that is too high",
            lr_too_low="a learning rate that is too low",
            lr_decayed_early="a schedule that ended too early",
        ),
        *_faults(
            "dynamics",
            non_finite="NaN or infinity arose in the network",
            exploding_gradient="gradients that grow without bound",
            vanishing_gradient="gradients that die out in the early layers",
            dead_units="units that answer nothing to every example",
            saturated_units="units stuck at their bounds",
            over_regularized="regularization that overwhelms the data",
            plateau="progress that stopped far from the floor",
            underfitting="a network that cannot fit its training data",
            slow_input="the device waits for data",
            sync_every_step="the host waits for the device at every step",
        ),
        *_faults("generalization", overfitting="validation gets worse while training improves"),
    ]
}
"""Every fault by its code."""
