"""Masks that are looked at are those that dissection counts."""

import numpy as np
import pytest

from shapebias_utils.datasets import get_dataset
from shapebias_utils.measures.dissection import masks
from shapebias_utils.measures.dissection.dissect import dissect
from shapebias_utils.measures.schema import collected
from shapebias_utils.networks import get_network

NETWORK = get_network("AlexNet-R", "pictograms")


@pytest.fixture(scope="module")
def concepts():
    return get_dataset("pictograms").concepts("").subset(range(12), "twelve")


@pytest.mark.parametrize("rules", ["default", "netdissect_lite"])
def test_pixels_of_the_masks_are_those_that_were_counted(concepts, rules):
    table = dissect(NETWORK, concepts, rules=rules, draws=0)
    colours = table[(table["category"] == "color") & (table["intersection"] > 0)]
    chosen = colours.groupby("layer").head(2).reset_index(drop=True)
    assert set(chosen["layer"]) == set(NETWORK.layers)
    planes, _ = concepts.labels(range(len(concepts)))
    number = concepts.concepts.set_index("name")["number"]
    names = concepts.images.table[["imagename"]]
    for row in chosen.itertuples():
        asked = names.assign(layer=row.layer, unit=row.unit, threshold=row.threshold)
        found = masks.masks(NETWORK, concepts.images, asked, rules)
        assert found.sum() == row.activated  # every image has colours, and so counts
        assert (found & (planes == number[row.concept]).any(1)).sum() == row.intersection


def test_examples_are_dark_outside_of_their_masks(concepts):
    table = collected(dissect, [NETWORK], concepts, draws=0)
    shown, lit = masks.examples([NETWORK], concepts.images, table, n=3, k=4)
    assert len(shown) == len(lit) == 12 and lit.table["imagename"].is_unique
    assert shown["concept"].nunique() == shown["title"].nunique() == 3
    best = table["iou"].nlargest(1).iloc[0]
    assert shown["iou"].max() == best and shown["rank"].tolist() == [1, 2, 3, 4] * 3
    original = [name.rsplit(": ", 1)[1] for name in shown["imagename"]]
    whole = concepts.images.load([concepts.images.row(name) for name in original]).numpy()
    seen = lit.load(range(12)).numpy()
    kept = (seen == whole).all(1)
    dark = np.isclose(seen, masks.DARK * whole).all(1)
    assert (kept | dark).all() and 0 < kept.mean() < 1


def test_an_image_that_is_not_there_is_named(concepts):
    table = collected(dissect, [NETWORK], concepts, draws=0)[:1].assign(imagename="no.png")
    with pytest.raises(ValueError, match=r"twelve has no image 'no.png'"):
        masks.masks(NETWORK, concepts.images, table)
