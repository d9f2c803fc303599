"""A fast part of what `make doctor-bench` runs: a program per fault, and healthy ones.

Every fifth step is looked at closely, whatever that costs, so that a busy machine sees the same.
"""

import importlib
import sys
from pathlib import Path

import pytest

import thalweg as tw
from thalweg.doctor import FAULTS

FOLDER = Path(__file__).parent / "programs"
EVERY = 5
# For each fault, the program of the suite that is over soonest.
SICK = {
    "batch-mixing": "softmax_over_the_batch",
    "batch-norm-small-batch": "pairs_of_patients",
    "broadcast-loss": "hinge_of_a_linear_machine",
    "class-imbalance": "severe_progression",
    "dead-units": "prototypes_of_wine",
    "detached": "loss_made_anew",
    "double-softmax": "two_sigmoids",
    "exploding-gradient": "autoencoder_with_variance",
    "init-scale": "deep_tanh_with_tiny_weights",
    "init-symmetric": "autoencoder_of_equal_weights",
    "initial-loss": "bias_for_another_prior",
    "input-constant": "mlp_on_the_empty_corner",
    "input-ignored": "weights_by_whole_division",
    "input-scale": "mlp_on_raw_measurements",
    "label-noise": "labels_off_by_one_row",
    "leakage": "score_made_of_the_outcome",
    "loss-scale": "regression_with_squares_of_its_own",
    "lr-decayed-early": "linear_decay_counted_in_epochs",
    "lr-too-high": "momentum_on_diabetes",
    "lr-too-low": "mlp_on_digits",
    "missing-nonlinearity": "regression_with_discarded_activations",
    "missing-step": "cleared_before_the_step",
    "missing-zero-grad": "regression_with_logging",
    "nan-input": "regression_with_missing_answers",
    "negated-loss": "mlp_with_a_log_likelihood_of_its_own",
    "non-finite": "half_precision_with_a_fixed_scale",
    "not-in-optimizer": "optimizer_of_a_copy",
    "not-shuffled": "patients_sorted_by_outcome",
    "output-clamped": "sigmoid_on_a_regression",
    "over-regularized": "penalty_by_hand",
    "overfitting": "large_mlp_on_diabetes",
    "plateau": "frequency_of_a_tone",
    "repeated-batch": "first_batch_of_a_new_iterator",
    "saturated-units": "steep_sigmoid",
    "slow-input": "files_on_a_network_disk",
    "stale-forward": "regression_one_step_late",
    "target-scale": "diabetes_in_its_own_units",
    "underfitting": "line_through_rings",
    "unused-module": "tower_never_asked",
    "vanishing-gradient": "deep_sigmoid_mlp",
    "wrong-loss": "cross_entropy_on_one_output",
    "wrong-mode": "batch_norm_at_validation",
}
# There is nothing to wait for on a processor; its check has tests on records.
NEEDS_AN_ACCELERATOR = {"sync-every-step"}


def programs():
    sys.path.insert(0, str(FOLDER))
    for path in sorted(FOLDER.glob("[a-z]*.py")):
        importlib.import_module(path.stem)
    return {each.name: each for each in sys.modules["_suite"].PROGRAMS}


PROGRAMS = programs()
HEALTHY = [name for name, program in PROGRAMS.items() if program.fault is None][::4]


def faults(name: str, is_sick: bool) -> list[str]:
    training = PROGRAMS[name].start(0, is_sick)
    model, optimizer = next(training)
    with tw.watch(model, optimizer, every=EVERY) as doctor:
        for _ in training:
            pass
    return [finding.fault for finding in doctor.diagnosis.findings]


def test_every_fault_has_three_programs_and_there_are_sixty_healthy_ones():
    assert set(SICK) | NEEDS_AN_ACCELERATOR == set(FAULTS)
    for fault in FAULTS:
        assert sum(each.fault == fault for each in PROGRAMS.values()) >= 3, fault
    assert sum(each.fault is None for each in PROGRAMS.values()) >= 60


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fault", SICK)
def test_a_fault_is_named_first(fault):
    assert faults(f"{fault}: {SICK[fault]}", is_sick=True)[:1] == [fault]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fault", SICK)
def test_without_the_fault_nothing_is_found(fault):
    assert faults(f"{fault}: {SICK[fault]}", is_sick=False) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_found_in_a_healthy_training(name):
    assert faults(name, is_sick=False) == []
