"""Units that say nothing to any example."""

from dataclasses import replace

from _made import classes, falling, found, record, sample, unchecked

from thalweg.doctor.record import Activation, Activity, ModuleFacts

LAYERS = {
    "spare": ModuleFacts("Linear", "linear", ["spare.weight"], True, order=-1),
    "flat": ModuleFacts("Flatten", "other", [], False, order=0),
    "first": ModuleFacts("Linear", "linear", ["first.weight"], True, order=1),
    "head": ModuleFacts("Linear", "linear", ["head.weight"], True, order=2),
}


def layer(dead, units=8, zero=0.5, kind="relu", module="first"):
    return Activation(kind, module, zero, 0.0, units, dead)


def watched(*layers, losses=None, count=5, floor=True, **facts):
    value = losses[-1] if losses else 1.0
    compared = [classes(value)] if floor else []
    samples = [
        sample(step, activations=[*layers], losses=compared, **facts)
        for step in range(1, count + 1)
    ]
    return record(samples, losses, modules=LAYERS)


def test_finds_a_layer_half_of_which_is_dead():
    (finding,) = found("dead-units", watched(layer(4), modules={}))
    assert finding.where == "first"
    assert finding.evidence == {"dead units": 4, "units": 8, "step": 5}


def test_some_dead_units_are_fine():
    assert not found("dead-units", watched(layer(3)))


def test_finds_a_layer_that_now_gives_nothing():
    (finding,) = found("dead-units", watched(layer(0, zero=0.995)))
    assert finding.evidence["dead units"] == 8


def test_a_sparse_layer_is_fine():
    assert not found("dead-units", watched(layer(0, zero=0.98)))


def test_names_the_layer_with_most_dead_units():
    (finding,) = found("dead-units", watched(layer(5), layer(7, module="second")))
    assert finding.where == "second"


def test_units_that_live_again_are_fine():
    seen = watched(layer(8))
    seen.samples[-1].activations = [layer(0)]
    assert not found("dead-units", seen)


def test_it_takes_most_of_a_layer_where_the_floor_of_the_loss_is_unknown():
    assert found("dead-units", watched(layer(6)))
    assert not found("dead-units", watched(layer(6), floor=False))
    assert found("dead-units", watched(layer(7), floor=False))


def test_dead_units_that_nobody_misses_are_fine():
    assert not found("dead-units", watched(layer(8), losses=falling(last=0.15)))
    assert found("dead-units", watched(layer(8), losses=falling(last=0.4)))


def test_only_rectifiers_die():
    assert not found("dead-units", watched(layer(8, kind="tanh")))


def test_a_few_units_are_no_layer():
    assert not found("dead-units", watched(layer(3, units=3)))
    did = {"head": Activity(True, None, None, units=3, silent=3)}
    assert not found("dead-units", watched(modules=did))


def test_finds_features_that_a_later_layer_gets_and_that_never_vary():
    did = {"head": Activity(True, None, None, units=8, silent=6)}
    (finding,) = found("dead-units", watched(modules=did))
    assert (finding.where, finding.evidence["dead units"]) == ("head", 6)


def test_columns_of_the_data_are_no_units():
    did = {"first": Activity(True, None, None, units=8, silent=6)}
    assert not found("dead-units", watched(modules=did))


def test_what_frozen_layers_learned_elsewhere_is_no_fault_of_this_training():
    did = {"head": Activity(True, None, None, units=8, silent=6)}
    seen = watched(modules=did)
    seen.modules = {**LAYERS, "first": replace(LAYERS["first"], is_trainable=False)}
    assert not found("dead-units", seen)


def test_few_close_looks_tell_nothing():
    assert unchecked("dead-units", watched(layer(8), count=3))
    assert unchecked("dead-units", watched(modules={}))
