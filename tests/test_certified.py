"""The certified radius, against Cohen et al.'s formula and a classifier whose radius is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import binom, norm
from torch import nn

from shapebias_utils.datasets import ImageSet
from shapebias_utils.measures.certified import certified, certified_accuracy, radius
from shapebias_utils.networks import Network

SIZE = 4


class Half(nn.Module):
    """Class 1 where the mean of all pixels is above 1/2: a plane, so all radii are known."""

    def forward(self, x):
        margin = x.flatten(1).mean(1) - 0.5
        return torch.stack([-margin, margin], 1)


NETWORK = Network("Half", Half, "pictograms", "Half", n_classes=2)


def images(levels, labels) -> ImageSet:
    """Plain images of these levels; their distance from the plane is |level - 1/2| sqrt(48)."""
    names = [f"{i}.png" for i in range(len(levels))]
    table = pd.DataFrame({"imagename": names, "category": "cat", "label": labels})
    pixels = torch.tensor(levels)[:, None, None, None].expand(-1, 3, SIZE, SIZE).float()
    return ImageSet("plain", table, lambda rows: pixels[list(rows)].clone(), "plain")


def test_the_radius_is_the_papers_formula():
    """sigma ppf(lower bound); the bound is the p at which `count` or more has probability alpha."""
    for count, n, sigma, alpha in (
        (99, 100, 0.5, 0.001),
        (80, 100, 0.25, 0.05),
        (200, 200, 1, 0.001),
    ):
        reach = float(radius(np.array([count]), n, sigma, alpha)[0])
        lower = norm.cdf(reach / sigma)
        assert binom.sf(count - 1, n, lower) == pytest.approx(alpha, rel=1e-6)


@pytest.mark.parametrize("count", [0, 1, 40, 50, 55])
def test_without_a_clear_majority_it_abstains(count):
    assert radius(np.array([count]), 100, 0.5)[0] == 0


def test_all_copies_alike_certify_what_can_be_certified():
    assert radius(np.array([1000]), 1000, 1.0)[0] == pytest.approx(norm.ppf(0.001 ** (1 / 1000)))


def test_a_plane_is_certified_up_to_its_distance_and_never_beyond():
    levels = [0.5, 0.53, 0.56, 0.45, 0.4]
    data = images(levels, [1, 1, 1, 0, 1])
    sigma, distance = 0.3, np.abs(np.array(levels) - 0.5) * np.sqrt(3 * SIZE**2)
    table = certified(NETWORK, data, sigma=sigma, copies=4000)
    assert (table["radius"] <= distance + 1e-6).all()
    p = norm.cdf(distance / sigma)
    spread = 4 * np.sqrt(p * (1 - p) / 4000) + 1e-3  # what a bound from 4000 copies falls short by
    least = sigma * norm.ppf(np.maximum(p - 1.9 * spread, 0.5))
    assert (table["radius"] >= least - 1e-9).all()
    assert table["prediction"].tolist() == [-1, 1, 1, 0, 0]
    assert table["correct"].tolist() == [False, True, True, True, False]


def test_noise_is_keyed_by_name_not_by_place_or_batch():
    data = images([0.52, 0.55, 0.47], [1, 1, 0])
    whole = certified(NETWORK, data, sigma=0.4, copies=60).set_index("imagename")
    part = certified(NETWORK, data.subset([2, 0], "part"), sigma=0.4, copies=60, batch_size=7)
    found = part.set_index("imagename")["radius"]
    assert found.to_dict() == whole["radius"].loc[found.index].to_dict()
    other = certified(NETWORK, data, sigma=0.4, copies=60, seed=1)
    assert not np.array_equal(other["radius"], whole["radius"])


def test_certified_accuracy_falls_with_the_radius_as_counted_by_hand():
    table = pd.DataFrame(
        {"network": "N", "architecture": "A", "training": "t", "seed": 0,
         "correct": [True, True, False, True], "radius": [0.5, 0.2, 0.9, 0.1]}
    )  # fmt: skip
    found = certified_accuracy(table, (0.0, 0.15, 0.2, 0.6))
    assert found["accuracy"].tolist() == [0.75, 0.5, 0.25, 0.0] and found["n"].eq(4).all()


def test_a_sigma_that_is_none_is_refused():
    with pytest.raises(ValueError, match="sigma = 0: noise must have a standard deviation above 0"):
        certified(replace(NETWORK), images([0.6], [1]), sigma=0)
