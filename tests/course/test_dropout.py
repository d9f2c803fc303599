"""Topic R2 of the course: one mask for a layer, forward and backward (Z12)."""

import torch

import thalweg as tw


def test_the_backward_pass_uses_the_mask_of_the_forward_pass():
    network = tw.build("mlp", features=2, outputs=1, hidden=[1000], dropout=0.2).train()
    torch.manual_seed(0)
    hidden = torch.ones(1, 1000, requires_grad=True)
    kept = network.get_submodule("dropout1")(hidden)
    kept.sum().backward()
    assert hidden.grad is not None
    # Ones came in, so that what comes out is the mask itself, and so is the gradient.
    torch.testing.assert_close(hidden.grad, kept.detach())
    # Inverted dropout: those kept are scaled up by 1/(1 − 0.2), so that the mean stays.
    assert kept.unique().tolist() == [0.0, 1.25]
    # 1,000 throws: five standard deviations are 1.25 · 5 · √(0.2 · 0.8 / 1000) = 0.08.
    assert abs(float(kept.mean().detach()) - 1) < 0.08


def test_at_prediction_nothing_is_dropped():
    network = tw.build("mlp", features=2, outputs=1, hidden=[50], dropout=0.5).eval()
    hidden = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network.get_submodule("dropout1")(hidden), hidden)
