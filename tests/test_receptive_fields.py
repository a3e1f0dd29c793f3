"""What a unit sees of an image, and the patches that are shown of it."""

import numpy as np
import pandas as pd
import pytest
import torch
from test_dissection import POOLED, seen_by

from shapebias_utils.datasets import ImageSet
from shapebias_utils.measures.dissection.detectors import best_channels
from shapebias_utils.measures.dissection.preferred_images import preferred_images
from shapebias_utils.measures.dissection.receptive_fields import (
    composition,
    crops,
    most_by_chance,
    receptive_fields,
    several,
)
from shapebias_utils.networks import get_networks


def numbered(n: int = 32, size: int = 64) -> ImageSet:
    pixels = torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(0))
    names = [f"{i:02d}.png" for i in range(n)]
    table = pd.DataFrame({"imagename": names, "category": ["cat", "dog"] * (n // 2), "label": -1})
    return ImageSet("numbered", table, lambda rows: pixels[list(rows)], "n")


@pytest.mark.parametrize("network", get_networks("pictograms")[::2], ids=lambda n: n.name)
def test_fields_are_what_not_a_number_spreads_from(network):
    fields = receptive_fields(network, numbered())
    for layer, span in seen_by(network, 64).items():
        first, behind = span[len(span) // 2]
        assert fields[layer] == ((first, behind - 1), (first, behind - 1)), layer


def test_of_a_network_that_pools_by_a_function():
    """3x3, then every second of pairs, then 3x3 of these: 3 + 1 + 2 x 2 = 8 pixels."""
    fields = receptive_fields(POOLED, numbered(2, 32))
    assert [b - a + 1 for a, b in fields["first"]] == [3, 3]
    (top, bottom), _ = fields["second"]
    assert bottom - top + 1 in (7, 8)  # of a pair's equal values one is the maximum


def test_crops_are_the_patches_under_the_central_unit():
    network, images = get_networks("pictograms")[0], numbered()
    table = preferred_images(network, images, k=12)
    table = table[(table["layer"] == "conv1") & table["unit"].isin([0, 1])]
    table = table.assign(title="unit " + table["unit"].astype(str), network=network.name)
    shown, patches = crops(network, images, table, k=4)
    active = table[(table["activation"] > 0) & (table["rank"] <= 4)]
    assert shown["source"].tolist() == active["imagename"].tolist() and len(shown) == len(patches)
    (top, bottom), (left, right) = receptive_fields(network, images)["conv1"]
    assert bottom - top == right - left == 6
    own = images.load([images.row(shown["source"][0])])[0, :, top : bottom + 1, left : right + 1]
    patch = patches.load([0])[0]
    assert patch.shape == (3, 64, 64)
    assert set(np.unique(patch.numpy())) == set(np.unique(own.numpy()))
    for corner in (0, -1):
        assert torch.equal(patch[:, corner, corner], own[:, corner, corner])
    both, joined = several([network], images, table, k=4)
    assert both.equals(shown) and torch.equal(joined.load([1]), patches.load([1]))


def test_images_that_do_not_activate_a_unit_are_not_shown():
    network, images = get_networks("pictograms")[0], numbered()
    facts = {"layer": "conv1", "unit": 0, "title": "t", "network": network.name}
    rows = [facts | {"rank": i + 1, "imagename": f"{i:02d}.png", "activation": float(i < 2)}
            for i in range(5)]  # fmt: skip
    assert len(crops(network, images, pd.DataFrame(rows))[0]) == 2


@pytest.mark.parametrize("groups, n, bound", [(1, 9, 9), (2, 1, 1), (16, 1, 1)])
def test_the_most_frequent_by_chance_in_cases_without_chance(groups, n, bound):
    assert most_by_chance(groups, n) == bound


def test_the_most_frequent_by_chance_against_all_cases():
    """Of 4 draws from 3 groups: the most frequent has 4 in 3 of 81 cases, 3 in 24."""
    assert most_by_chance(3, 4, rate=0.2) == 3
    assert most_by_chance(3, 4, rate=0.5) == 2
    assert most_by_chance(3, 4, rate=0.01) == 4


def test_composition_names_the_most_frequent():
    table = pd.DataFrame({"title": ["a"] * 3 + ["b"], "source": ["00.png", "02.png", "01.png", "03.png"]})  # fmt: skip  # noqa: E501
    found = composition(table, numbered())
    assert found[["title", "most", "count", "n"]].to_numpy().tolist() == [
        ["a", "cat", 2, 3], ["b", "dog", 1, 1],
    ]  # fmt: skip
    stimuli = numbered()
    stimuli.table["texture_category"] = "bear"
    assert composition(table, stimuli, "texture")["most"].tolist() == ["bear", "bear"]
    stimuli.table["texture"] = "striped"
    assert composition(table, stimuli, "texture")["most"].tolist() == ["striped", "striped"]


def test_a_network_without_a_channel_for_the_concept_has_no_crops():
    network, images = get_networks("pictograms")[0], numbered()
    preferred = preferred_images(network, images, k=2).assign(network=network.name)
    dissected = pd.DataFrame(
        {"network": network.name, "layer": "conv1", "unit": [0], "concept": ["sky"], "iou": [0.1]}
    )
    best = best_channels(dissected, "striped")
    columns = ["network", "layer", "unit"]
    table = preferred.merge(best[[*columns, "title"]], on=columns)
    shown, patches = several([network], images, table)
    assert shown.empty and len(patches) == 0
    assert composition(shown, images).empty
