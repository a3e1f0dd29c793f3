"""Calibrated thresholds: by hand, and the rate that they keep on channels that detect nothing."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from test_dissection import ECHO

from shapebias_utils.datasets import ImageSet
from shapebias_utils.datasets.concepts import ConceptSet
from shapebias_utils.measures.dissection.calibration import calibrated, permutations
from shapebias_utils.measures.dissection.detectors import above_chance, count_detectors
from shapebias_utils.measures.dissection.dissect import dissect
from shapebias_utils.measures.dissection.rules import Rules

HALF = Rules(geometry="half-pixel", top=0.02)


def concepts_of(maps: np.ndarray, planes: np.ndarray, kinds=None, names=None) -> ConceptSet:
    """Images that are their own maps, with 6 objects; `kinds` are the images' strata."""
    maps, n = torch.as_tensor(maps), len(maps)
    facts = {"imagename": names or [f"{i:04d}.png" for i in range(n)]}
    table = pd.DataFrame(facts | ({"kind": kinds} if kinds is not None else {}))
    images = ImageSet("toy", table, lambda r: maps[list(r)], "d")
    numbers = range(1, 7)
    about = pd.DataFrame({"number": numbers, "name": [f"c{i}" for i in numbers]})
    about["category"] = ["object"] * 4 + ["part"] * 2
    planes = np.asarray(planes, np.uint16)
    whole = np.zeros((n, 0), np.uint16)
    return ConceptSet(images, about, lambda r: (planes[list(r)], whole[list(r)]), "l")


def smooth(rng: np.random.Generator, n: int, units: int, size: int = 12) -> np.ndarray:
    noise = rng.standard_normal((n, units, size + 2, size + 2), dtype=np.float32)
    return sum(noise[:, :, i : i + size, j : j + size] for i in range(3) for j in range(3))


def blobs(rng: np.random.Generator, n: int, size: int = 12) -> np.ndarray:
    """A rectangle of one of six labels in each image, 1 and 2 often and large, 6 seldom."""
    planes = np.zeros((n, 1, size, size), int)
    for plane in planes[:, 0]:
        label = rng.choice(6, p=[0.3, 0.25, 0.2, 0.15, 0.07, 0.03]) + 1
        height, width = rng.integers(2, 9 if label < 3 else 5, 2)
        top, left = rng.integers(0, size - height), rng.integers(0, size - width)
        plane[top : top + height, left : left + width] = label
    return planes


def test_thresholds_by_hand():
    """40 draws of two concepts; at a rate of 1 in 10 four of them may be exceeded."""
    null = np.zeros((40, 2))
    null[:, 0] = np.arange(40) / 100
    null[:, 1] = np.arange(40)[::-1] / 1000
    # With k = 2 the two best draws of either concept are exceeded, four in all; with 3, six.
    assert calibrated(null, 0.1).tolist() == [0.37, 0.037]
    null[:, 1] = null[:, 0] / 10  # the same draws are best: then k may be 4
    assert calibrated(null, 0.1).tolist() == pytest.approx([0.35, 0.035])
    null[:, 1] = 0  # what is never reached costs nothing
    assert calibrated(null, 0.1).tolist() == [0.35, 0]
    with pytest.raises(ValueError, match="no permutations"):
        calibrated(null[:0])


SIZES = st.tuples(st.integers(1, 80), st.integers(1, 6))
VALUES = st.floats(0, 1).map(lambda value: round(value, 2))


@given(arrays(float, SIZES, elements=VALUES), st.floats(0.01, 0.99))
def test_no_more_draws_exceed_any_threshold_than_may(null, rate):
    exceeded = (null > calibrated(null, rate)).any(1)
    assert exceeded.sum() <= rate * len(null)


def test_labels_are_exchanged_within_kinds_by_name_whatever_the_order():
    kinds = ["natural"] * 20 + ["swatch"] * 10
    concepts = concepts_of(np.zeros((30, 1, 4, 4), np.float32), np.zeros((30, 1, 4, 4)), kinds)
    found = permutations(concepts, 3)
    assert found.shape == (3, 30)
    for row in found:
        assert sorted(row[:20]) == list(range(20)) and sorted(row[20:]) == list(range(20, 30))
    assert len({tuple(row) for row in found}) == 3
    order = np.random.default_rng(0).permutation(30)
    other = permutations(concepts.subset(order, "toy"), 3)
    assert (order[other] == found[:, order]).all()
    names = [f"dtd/{i}.png" for i in range(5)] + [f"ade20k/a/{i}.png" for i in range(7)]
    folders = concepts_of(np.zeros((12, 1, 4, 4), np.float32), np.zeros((12, 1, 4, 4)), names=names)
    assert folders.strata().tolist() == ["dtd"] * 5 + ["ade20k"] * 7


def test_the_rate_is_kept_on_random_channels_and_a_planted_one_is_found():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(4):
        planes = blobs(rng, 150)
        maps = smooth(rng, 150, 60)
        maps[:, 0] += 6 * (planes[:, 0] == 3)
        table = dissect(ECHO, concepts_of(maps, planes), rules=HALF, permuted=10, draws=20)
        labels = count_detectors(table.assign(network="N", architecture="N", training="s", seed=0),
                                 "above chance")  # fmt: skip
        found.append(labels["count"].sum() - 1)
        planted = above_chance(table)
        assert planted[planted["unit"] == 0].dropna(subset=["concept"])["concept"].tolist() == [
            "c3"
        ]
    # 236 channels at a rate of .05: 12 are expected, and 21 in less than 1 of 100 cases.
    assert 1 <= sum(found) <= 21


def test_a_table_without_permutations_has_no_thresholds():
    rng = np.random.default_rng(0)
    table = dissect(ECHO, concepts_of(smooth(rng, 9, 2), blobs(rng, 9)), rules=HALF)
    assert table["chance"].isna().all() and table["drawn_detectors"].eq("").all()
    with pytest.raises(ValueError, match="dissect with permuted"):
        above_chance(table)


def test_letters_say_which_category_is_best_in_each_resample():
    rng = np.random.default_rng(1)
    planes, maps = blobs(rng, 80), smooth(rng, 80, 3)
    maps[:, 1] += 9 * (planes[:, 0] == 1)
    table = dissect(ECHO, concepts_of(maps, planes), rules=HALF, permuted=10, draws=30)
    texts = table[table["drawn"] != ""].set_index("unit")["drawn"]
    assert len(texts) == 3 and set(map(len, texts)) == {30}
    assert texts[1] == "A" * 30 and set("".join(texts)) <= set("AB-")
    for row in table.loc[table["drawn"] != ""].itertuples():
        share = row.drawn.count("A" if row.category == "object" else "B") / 30
        assert share >= row.survival  # the label's category is drawn as often as the label
