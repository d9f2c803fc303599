"""Topic V14: what was learned on one half of an alphabet helps with the other."""

import copy

import thalweg as tw

WIDTHS = [16, 32, 64]


def test_a_network_that_knows_half_the_letters_learns_the_others_from_few():
    known = tw.load("glyphs", alphabet="ABCDEFGHIJKLM", n=3500, seed=1, valid=0.05, test=0.05)
    first = tw.fit(
        tw.build("convnet", known, widths=WIDTHS), known, epochs=5, progress=False, doctor=False
    )
    gains = []
    for seed in range(5):
        few = tw.load("glyphs", alphabet="NOPQRSTUVWXYZ", n=800, seed=seed, valid=0.05, test=0.87)
        assert len(few.train) == 64
        settings = {
            "epochs": 30, "batch_size": 16, "seed": seed, "restore_best": False, "progress": False
        }  # fmt: skip
        fresh = tw.fit(tw.build("convnet", few, widths=WIDTHS, seed=seed), few, **settings)
        tuned = tw.fit(copy.deepcopy(first.model), few, tune="last:2", **settings)
        assert not tuned.diagnosis.findings
        gains.append(tuned.score("test")["accuracy"] - fresh.score("test")["accuracy"])
    assert min(gains) > 0
    assert sum(gains) / len(gains) > 0.1
