"""Psychometric curves: a made observer's known weights are found again."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from shapebias_utils import results
from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.datasets.pictograms.images import definition
from shapebias_utils.datasets.pictograms.render import RenderSettings, draw
from shapebias_utils.measures import psychometric
from shapebias_utils.measures.psychometric import balance, curves, reciprocal_ranks
from shapebias_utils.measures.schema import OBSERVER
from shapebias_utils.networks import Network

LEVELS = [0.0, 0.06, 0.125, 0.25, 0.5]
ABOUT = {"network": "A", "architecture": "AlexNet", "training": "standard", "seed": 0,
         "axis": "texture contrast"}  # fmt: skip


def observer(texture_weight: float, n: int = 400, seed: int = 0, other: float = 0.0):
    """Decides by shape where shape's evidence 1 + noise exceeds texture's weight times contrast."""
    rng = np.random.default_rng(seed)
    noise, lost = rng.normal(0, 0.3, n), rng.random(n) < other
    rows = []
    for level in LEVELS:
        by_shape = 1 + noise > texture_weight * level
        said = np.where(lost, "oven", np.where(by_shape, "cat", "dog"))
        rows += [
            {"imagename": f"cat{i}-dog{i}.png", "object_response": s, "level": level, **ABOUT}
            for i, s in enumerate(said)
        ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("weight", [4.0, 6.0, 10.0])
@pytest.mark.parametrize("other", [0.0, 0.4])
def test_the_contrast_at_which_both_cues_weigh_the_same_is_recovered(weight, other):
    (row,) = balance(observer(weight, other=other)).itertuples()
    assert row.level == pytest.approx(1 / weight, rel=0.12)  # interpolated between five levels
    assert row.low <= row.level <= row.high and row.high - row.low < 0.4 / weight


def test_one_observer_by_hand():
    said = {0.0: "cat cat cat cat", 0.1: "cat cat cat dog", 0.3: "cat dog dog oven"}
    rows = [
        {"imagename": f"cat{i}-dog1.png", "object_response": word, "level": level, **ABOUT}
        for level, words in said.items()
        for i, word in enumerate(words.split())
    ]
    table = curves(pd.DataFrame(rows)).set_index("level")
    assert table["shape_bias"].tolist() == [1, 0.75, 1 / 3]
    assert table["by_shape"].tolist() == [1, 0.75, 0.25]
    assert table["by_texture"].tolist() == [0, 0.25, 0.5]
    (row,) = balance(pd.DataFrame(rows)).itertuples()
    assert row.level == pytest.approx(0.1 + 0.2 * (0.25 / (0.25 + 1 / 6)))
    assert row.n == 4


@pytest.mark.parametrize("weight, level", [(0.5, np.inf), (1e6, -np.inf)])
def test_a_balance_beyond_the_levels_is_said_to_be_beyond_them(weight, level):
    (row,) = balance(observer(weight).query("level > 0")).itertuples()
    assert (row.low, row.level, row.high) == (level, level, level)


def test_along_shape_the_bias_rises_and_a_lacking_image_is_named():
    rising = observer(6.0).assign(level=lambda t: 1 - t["level"])
    (row,) = balance(rising).itertuples()
    assert row.level == pytest.approx(1 - 1 / 6, rel=0.1)
    with pytest.raises(ValueError, match="A has no decision on cat7-dog7.png at some level"):
        balance(observer(6.0).drop(7))


def test_neither_the_order_of_rows_nor_other_observers_matter():
    one, two = observer(6.0), observer(9.0, seed=1).assign(network="B")
    alone = balance(one)
    both = balance(pd.concat([two, one.sample(frac=1, random_state=0)]))
    pd.testing.assert_frame_equal(both[both["network"] == "A"].reset_index(drop=True), alone)


class Says(torch.nn.Module):
    """Logits that put shape first and texture third."""

    def forward(self, x):
        return x[:, 0, 0, :16]


def test_reciprocal_ranks_of_both_labels(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    shape, texture, second = (CATEGORIES.index(c) for c in ("cat", "dog", "oven"))
    pixels = torch.zeros(2, 3, 16, 16)
    for i, row in enumerate(((3, 2, 1), (3, 1, 2))):
        for at, value in zip((shape, second, texture), row, strict=True):
            pixels[i, 0, 0, at] = value / 3
    names = ["cat1-dog1.png", "cat2-dog2.png"]
    table = pd.DataFrame({"imagename": names, "category": "cat", "label": -1})
    images = ImageSet("two", table, lambda rows: pixels[list(rows)], "digest")
    found = reciprocal_ranks([Network("Says", Says, "pictograms", n_classes=16)], images)
    assert list(found.columns) == [*OBSERVER, "cue", "rank", "low", "high", "n"]
    assert found["rank"].tolist() == [1, pytest.approx((1 / 3 + 1 / 2) / 2)]
    with pytest.raises(ValueError, match="no networks"):
        reciprocal_ranks([], images)


def test_along_the_axes_of_pictograms_only_one_contrast_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    stripes = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    names = ["cat1-dog1.png", "dog1-cat1.png", "cat2-cat2.png"]
    table = pd.DataFrame({"imagename": names, "category": ["cat", "dog", "cat"], "label": -1})
    table["texture_category"] = ["dog", "cat", "cat"]

    def at(level):
        return ImageSet(f"at {level}", table, lambda r: level * stripes[list(r)], f"{level}")

    dataset = replace(get_dataset("pictograms"), cue_axes={"contrast": ((0.2, 0.9), at)})
    network = Network("Says", Says, "pictograms", n_classes=16)
    trials = psychometric.along([network], dataset, per_pair=1)
    assert len(trials) == 4 and set(trials["level"]) == {0.2, 0.9}  # the third is no conflict
    assert set(trials["axis"]) == {"contrast"}
    none = psychometric.along([network], replace(dataset, cue_axes={}))
    assert none.empty and curves(none).empty and balance(none).empty


def test_the_records_axes_meet_where_the_dataset_is():
    for axis, (levels, _) in get_dataset("pictograms").cue_axes.items():
        own = {"texture contrast": "texture_contrast", "shape contrast": "object_contrast"}[axis]
        assert getattr(RenderSettings(), own) in levels and list(levels) == sorted(levels)


@pytest.mark.parametrize("axis", ["texture contrast", "shape contrast"])
def test_along_an_axis_images_are_the_split_at_that_setting(axis):
    levels, images_at = get_dataset("pictograms").cue_axes[axis]
    own = {"texture contrast": "texture_contrast", "shape contrast": "object_contrast"}[axis]
    default, rows = getattr(RenderSettings(), own), [7, 1279, 0]
    for level in (levels[0], default, levels[-1]):
        images = images_at(level)
        settings = replace(RenderSettings(), **{own: level})
        drawn = [draw("cue_conflict", settings, "natural", range(r, r + 1))[0] for r in rows]
        assert (
            (255 * images.load(rows)).round().byte().equal(torch.from_numpy(np.concatenate(drawn)))
        )
        assert images.digest == definition("cue_conflict", settings, "natural")
