"""A mixture of two networks: its ends are the networks themselves, and an attack sees it whole."""

from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch import nn

from shapebias_utils.attacks import Attack, pgd
from shapebias_utils.measures import fusion
from shapebias_utils.networks import Network


def linear(seed: int, name: str, training: str) -> Network:
    def build():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 6 * 6, 16))

    return Network(name, build, "pictograms", "Linear", training, n_classes=16)


S, R = linear(0, "Linear", "standard"), linear(1, "Linear-R", "robust")
X = torch.rand(8, 3, 6, 6, generator=torch.Generator().manual_seed(0))
Y = torch.arange(8)


@pytest.mark.parametrize(("weight", "member"), [(0.0, S), (1.0, R)])
def test_at_its_ends_it_is_the_network_itself(weight, member):
    mixture, alone = fusion.fused(S, R, weight).load(), member.load()
    assert torch.equal(mixture(X), alone(X))
    attack = Attack(eps=0.5, step_size=0.2, steps=3)
    assert torch.equal(pgd(mixture, X, Y, attack), pgd(alone, X, Y, attack))


@pytest.mark.parametrize("weight", [0.01, 0.25, 0.5, 0.9])
def test_in_between_probabilities_are_mixed(weight):
    found = fusion.fused(S, R, weight).load()(X).softmax(1)
    wanted = (1 - weight) * S.load()(X).softmax(1) + weight * R.load()(X).softmax(1)
    torch.testing.assert_close(found, wanted)


def test_the_attack_sees_the_mixture():
    """It raises the mixture's loss more than attacks on either network do."""
    mixture, attack = fusion.fused(S, R, 0.5).load(), Attack(eps=0.5, step_size=0.15, steps=8)
    losses = []
    for network in (mixture, S.load(), R.load()):
        worst = pgd(network, X, Y, attack)
        losses.append(nn.functional.cross_entropy(mixture(worst), Y, reduction="none"))
    assert (losses[0] >= torch.maximum(losses[1], losses[2]) - 1e-4).all()
    assert losses[0].sum() > losses[1].sum() and losses[0].sum() > losses[2].sum()


def test_no_confidence_is_too_great_to_be_mixed():
    """Softmax of such logits is 0 and 1 in float32; the mixture stays finite, gradient too."""
    sure = replace(S, build=lambda: nn.Sequential(nn.Flatten(), Loud()))
    x = X.clone().requires_grad_(True)
    loss = nn.functional.cross_entropy(fusion.fused(sure, R, 0.5).load()(x), Y)
    (slope,) = torch.autograd.grad(loss, x)
    assert loss.isfinite() and slope.isfinite().all() and slope.any()


class Loud(nn.Module):
    def forward(self, x):
        return 1000 * x[:, :16]


def test_results_of_different_mixtures_are_told_apart():
    hashes = {fusion.fused(S, R, w).checkpoint_hash() for w in (0.0, 0.25, 0.5, 1.0)}
    hashes.add(fusion.fused(R, S, 0.25).checkpoint_hash())
    assert len(hashes) == 5


@pytest.mark.parametrize("weight", [-0.1, 1.5, float("nan")])
def test_weights_that_are_none_are_refused(weight):
    with pytest.raises(ValueError, match="it is R's share, from 0 to 1"):
        fusion.fused(S, R, weight)


def test_networks_of_other_classes_are_refused():
    with pytest.raises(ValueError, match="Linear and Linear-R do not answer with the same classes"):
        fusion.fused(S, replace(R, n_classes=3), 0.5)


def test_each_mixture_stands_beside_the_best_single_network_as_accurate():
    singles = pd.DataFrame(
        {"network": ["S", "half", "R", "other"], "architecture": ["A", "A", "A", "B"],
         "clean": [0.99, 0.95, 0.90, 1.0], "adversarial": [0.05, 0.5, 0.7, 0.99]}
    )  # fmt: skip
    mixtures = pd.DataFrame(
        {"network": ["m1", "m2", "m3"], "architecture": "A", "clean": [0.96, 0.90, 0.995],
         "adversarial": [0.2, 0.6, 0.0]}
    )  # fmt: skip
    found = fusion.against_single(mixtures, singles)
    assert found["single"].tolist()[:2] == ["S", "R"] and found["single"].isna().tolist()[2]
    assert found["gain"].tolist()[:2] == pytest.approx([0.15, -0.1])
