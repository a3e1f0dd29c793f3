"""Checks that tell a robust network from one whose gradients lead the attack astray."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from shapebias_utils import networks as registry
from shapebias_utils import results
from shapebias_utils.attacks import Attack
from shapebias_utils.datasets import ImageSet
from shapebias_utils.measures.attack_checks import AS_IT_IS, TRANSFER, attack_checks, variants
from shapebias_utils.networks import Network

ATTACK = Attack(eps=1.5, step_size=0.5, steps=5)


class Linear(nn.Module):
    """Class 0 where the left half is darker than the right one; `step` hides the gradient."""

    def __init__(self, step: float = 0.0) -> None:
        super().__init__()
        self.step = step
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x):
        if self.step:  # rounding has no gradient, and what is added for it points nowhere
            x = (x / self.step).round() * self.step + 1e-9 * x.flip(3)
        left, right = x[..., :4].mean((1, 2, 3)), x[..., 4:].mean((1, 2, 3))
        return 50 * self.weight * torch.stack([right - left, left - right], 1)


def images() -> ImageSet:
    rng = np.random.default_rng(0)
    pixels = torch.full((8, 3, 8, 8), 0.5)
    pixels[::2, ..., 4:] += 0.04
    pixels[1::2, ..., :4] += 0.04
    pixels += torch.from_numpy(rng.normal(0, 0.001, pixels.shape).astype(np.float32))
    table = pd.DataFrame({"imagename": [f"{i}.png" for i in range(8)], "category": "",
                          "label": [0, 1] * 4})  # fmt: skip
    return ImageSet("halves", table, lambda rows: pixels[list(rows)], "digest")


@pytest.fixture
def networks(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(registry, "_OWN", {})
    two = {"dataset": "pictograms", "n_classes": 2,
           "category_classes": {"airplane": (0,), "bear": (1,)}}  # fmt: skip
    plain = Network("Plain", Linear, **two)
    masked = Network("Masked", lambda: Linear(0.02), **two)
    return [registry.register(plain), registry.register(masked)]


def test_gradients_that_lead_nowhere_are_found_out(networks):
    table = attack_checks(networks, images(), ATTACK)
    found = table.pivot(index="check", columns="network", values="accuracy")
    assert found.loc[AS_IT_IS].to_dict() == {"Plain": 0, "Masked": 1}  # looks robust
    assert found.loc[TRANSFER, "Masked"] == 0  # and is not
    assert set(found.index) == {*variants(ATTACK), TRANSFER} and (table["n"] == 8).all()


def test_where_there_are_robust_networks_they_alone_are_checked_against_all_others(networks):
    plain, masked = networks
    robust = replace(masked, training="robust")
    table = attack_checks([plain, robust], images(), ATTACK)
    assert set(table["network"]) == {"Masked"} and set(table["training"]) == {"robust"}
    found = table.set_index("check")["accuracy"]
    assert found[AS_IT_IS] == 1 and found[TRANSFER] == 0, "attacked by way of the plain one"


def test_what_is_wrong_as_it_is_counts_as_wrong_in_every_check(networks):
    flipped = images()
    flipped.table.loc[:1, "label"] = [1, 0]
    table = attack_checks(networks, flipped, ATTACK.scaled(0.01))
    assert (table["accuracy"] <= 6 / 8).all()
    assert (table.set_index("check").loc[[AS_IT_IS, TRANSFER], "accuracy"] == 6 / 8).all()


def test_a_network_alone_is_checked_against_itself(networks):
    table = attack_checks(networks[:1], images(), ATTACK)
    assert list(table["check"]) == list(variants(ATTACK))


def test_the_variants_change_one_thing_each():
    found = variants(ATTACK)
    assert found[AS_IT_IS] == ATTACK
    assert found["5 x the steps"] == Attack(eps=1.5, step_size=0.5, steps=25)
    assert found["5 restarts"] == Attack(eps=1.5, step_size=0.5, steps=5, restarts=5)
    assert found["8 x the budget"] == Attack(eps=12.0, step_size=4.0, steps=5)
