"""What is made of dissected channels: labels, changes from S to R, diversity, tables."""

import numpy as np
import pandas as pd
import pytest

from shapebias_utils.measures.dissection import intervals
from shapebias_utils.measures.dissection.detectors import (
    above_chance,
    best_channels,
    by_concept,
    changes,
    count_detectors,
    diversity,
    survival,
    unit_labels,
)
from shapebias_utils.measures.dissection.masks import top_concepts
from shapebias_utils.measures.statistics import EFFECTS
from shapebias_utils.networks import Network
from shapebias_utils.tables import dissection as tables

S = Network("AlexNet", None, architecture="AlexNet")
R = Network("AlexNet-R", None, architecture="AlexNet", training="robust")
ROWS = [
    # network, layer, unit, concept, IoU, survival
    ("AlexNet", "conv1", 0, "red", 0.10, 1.0),
    ("AlexNet", "conv1", 0, "dog", 0.02, 0.0),
    ("AlexNet", "conv1", 1, "dog", 0.30, 0.8),
    ("AlexNet", "conv1", 1, "striped", 0.30, 0.2),
    ("AlexNet", "conv2", 0, "dog", 0.03, 0.5),
    ("AlexNet", "conv2", 1, None, 0.0, 1.0),
    ("AlexNet-R", "conv1", 0, "red", 0.20, 1.0),
    ("AlexNet-R", "conv1", 1, "blue", 0.05, 0.6),
    ("AlexNet-R", "conv2", 0, "striped", 0.009, 0.4),
    ("AlexNet-R", "conv2", 1, "dog", 0.06, 0.4),
    ("AlexNet-R", "conv2", 1, "blue", 0.05, 0.4),
]
CHANCE = {"red": 0.05, "blue": 0.05, "dog": 0.31, "striped": 0.005}
CATEGORY = {"red": "color", "blue": "color", "dog": "object", "striped": "texture"}


@pytest.fixture
def dissected():
    names = ["network", "layer", "unit", "concept", "iou", "survival"]
    table = pd.DataFrame(ROWS, columns=names)
    training = np.where(table["network"] == "AlexNet", "standard", "robust")
    about = {"architecture": "AlexNet", "training": training, "seed": 0}
    chance = table["concept"].map(CHANCE)
    return table.assign(category=table["concept"].map(CATEGORY), chance=chance, **about)


def test_a_label_is_the_concept_of_highest_iou_and_of_equals_the_first(dissected):
    labels = unit_labels(dissected)
    assert labels["concept"].tolist()[:3] == ["red", "dog", "dog"]
    assert pd.isna(labels["concept"][3]) and labels["concept"].tolist()[4:] == [
        "red", "blue", "striped", "dog",
    ]  # fmt: skip
    assert len(unit_labels(dissected[["layer", "unit", "concept", "iou"]][:6])) == 4


@pytest.mark.parametrize(
    "count, standard, robust",
    [
        ("all", [1, 2, 0], [2, 1, 1]),
        ("best category", [1, 1, 0], [2, 1, 0]),
        ("per category", [1, 1, 1], [3, 1, 0]),
    ],
)
def test_counts_of_colours_objects_and_textures(dissected, count, standard, robust):
    counts = count_detectors(dissected, count)
    assert counts["category"].tolist() == ["color", "object", "texture"] * 2
    assert counts["count"].tolist() == standard + robust
    assert (counts["n"] == 4).all() and (counts["share"] == counts["count"] / 4).all()
    assert (counts["low"] <= counts["share"]).all() and (counts["share"] <= counts["high"]).all()
    by_layer = count_detectors(dissected, count, by=["layer"])
    assert len(by_layer) == 12 and (by_layer["n"] == 2).all()
    sums = by_layer.groupby(["network", "category"], sort=False)["count"].sum()
    assert sums.tolist() == standard + robust


@pytest.mark.parametrize("none", [None, np.nan], ids=["as computed", "as read from disk"])
@pytest.mark.parametrize("count", ["all", "best category", "per category"])
def test_where_no_channel_has_a_concept_nothing_is_counted(dissected, count, none):
    """As of a network whose channels are all dead, beside which there is no other."""
    dead = dissected[:6].assign(concept=none, category=none, iou=0.0)
    counts = count_detectors(dead, count)
    assert counts.empty and list(counts) == list(count_detectors(dissected, count))
    assert changes(counts, []).empty
    assert by_concept(dead, []).empty and survival(dead).empty
    assert tables.ways_to_count({"found": counts}, []).empty
    assert top_concepts(dead, S).empty


def test_a_way_to_count_that_is_not_known(dissected):
    with pytest.raises(ValueError, match="unknown count 'most'; choose best category"):
        count_detectors(dissected, "most")


def test_changes_from_s_to_r(dissected):
    table = changes(count_detectors(dissected, "all"), [(S, R)]).set_index("category")
    assert table[["S", "R"]].to_numpy().tolist() == [[1, 2], [2, 1], [0, 1]]
    assert table["change"].tolist()[:2] == [100, -50] and np.isnan(table["change"]["texture"])
    assert changes(count_detectors(dissected, "all"), []).empty
    beside = tables.ways_to_count({"all": count_detectors(dissected, "all")}, [(S, R)])
    beside = beside.set_index(["architecture", "category"])
    assert beside.loc[("AlexNet", "color")].tolist() == [100, 117]
    assert np.isnan(beside.loc[("AlexNet", "texture"), "all"])


def test_differences_by_concept(dissected):
    table = by_concept(dissected, [(S, R)])
    rows = table[["concept", "S", "R", "difference"]].to_numpy().tolist()
    assert rows == [["blue", 0, 1, 1], ["striped", 0, 1, 1], ["red", 1, 1, 0], ["dog", 2, 1, -1]]
    assert by_concept(dissected, []).empty


def test_diversity_counts_concepts_from_one_hundredth_on(dissected):
    table = diversity(dissected).set_index("network")
    assert table["diversity"].to_dict() == {"AlexNet": 5 / 4, "AlexNet-R": 4 / 4}
    assert (table["n"] == 4).all() and (table["low"] < table["diversity"]).all()
    by_layer = diversity(dissected, by=["layer"])
    assert by_layer["diversity"].tolist() == [2, 0.5, 1, 1]
    assert diversity(dissected, iou=0.25)["diversity"].tolist() == [0.5, 0]
    with pytest.raises(ValueError, match=r"iou = 0.001: tables list all concepts from 0.01 on"):
        diversity(dissected, iou=0.001)
    beside = tables.figure_a12(table.reset_index())
    assert beside["paper (of 1,197 concepts)"].tolist() == [26.07, 22.43]


def test_survival_is_that_of_labels(dissected):
    table = survival(dissected).set_index("network")
    assert table.loc["AlexNet", ["survival", "detectors", "n"]].tolist() == pytest.approx(
        [(1 + 0.8 + 0.5) / 3, 0.9, 3]
    )
    kept = tables.by_chance({"first": dissected}, {"found": count_detectors(dissected)})
    assert kept.loc["AlexNet"].tolist() == [50, 0.05, 0.005, 0.31, 76.7, 60]


def test_the_best_channels_of_a_concept(dissected):
    best = best_channels(dissected, "dog")
    assert best[["layer", "unit"]].to_numpy().tolist() == [["conv1", 1], ["conv2", 0], ["conv2", 1]]
    assert best["title"].tolist()[0] == "AlexNet conv1, channel 1\nIoU 0.300"
    assert best_channels(dissected, "sky").empty


def test_labels_above_chance(dissected):
    """Thresholds .05 for colours, .31 for dogs, .005 for stripes: a channel falls back on what is
    above its own."""
    labels = unit_labels(above_chance(dissected))
    assert labels["concept"].fillna("").tolist() == [
        "red", "striped", "", "", "red", "", "striped", "",
    ]  # fmt: skip
    counts = count_detectors(dissected, "above chance")
    assert counts["count"].tolist() == [1, 0, 1, 1, 0, 1]
    with pytest.raises(ValueError, match="no calibrated thresholds"):
        above_chance(dissected.assign(chance=np.nan))


@pytest.fixture
def drawn(dissected):
    """Two layers of two channels, with their labels in four resamples: A is a colour."""
    kinds = {"color": "A", "object": "B", "texture": "C"}
    first = dissected.groupby(["network", "layer", "unit"])["iou"].transform("idxmax")
    letters = dissected["category"].map(kinds).fillna("-") * 4
    letters = letters.where(first == dissected.index, "")
    return dissected.assign(drawn=letters, drawn_detectors=letters)


KINDS = ["color", "object", "texture"]


def test_shares_of_channels_by_category(drawn):
    rows = intervals.indicators(drawn, KINDS)
    assert len(rows) == 8 * 3 and set(map(len, rows["drawn"])) == {4}
    assert rows.groupby("network")["value"].sum().tolist() == [3, 4], "one has no label"
    table = intervals.shares(rows).set_index(["network", "category"])
    assert table.loc["AlexNet", "count"].to_dict() == {"color": 1, "object": 2, "texture": 0}
    assert table.loc["AlexNet-R", "count"].to_dict() == {"color": 2, "object": 1, "texture": 1}
    row = table.loc[("AlexNet-R", "color")]
    assert (row["share"], row["n"]) == (0.5, 4) and 0 <= row["low"] < 0.5 < row["high"] <= 1
    nothing = table.loc[("AlexNet", "texture")]
    assert nothing["share"] == nothing["low"] == nothing["high"] == 0


def test_images_that_decide_labels_widen_their_interval(drawn):
    """Four channels of a colour: drawn again they stay that; on other images none of them is."""
    colours = drawn[drawn["concept"] == "red"].iloc[[0] * 4].assign(unit=range(4))
    widths = []
    for letters in ("AAAA", "AABB"):
        (row,) = intervals.shares(intervals.indicators(colours.assign(drawn=letters), ["color"]))[
            ["count", "low", "high"]
        ].to_numpy()
        assert row[0] == 4
        widths.append(row[2] - row[1])
    assert widths == [0, 1]


def test_effects_of_channels_that_correspond(drawn):
    many = pd.concat([drawn.assign(unit=drawn["unit"] + 2 * i) for i in range(40)])
    rows = intervals.indicators(many, KINDS)
    rows = rows.assign(quantity="channels: " + rows["category"], weight=1.0)
    rows["unit"] = rows["layer"] + " " + rows["unit"].astype(str)
    found = intervals.effects(rows).set_index("quantity")
    assert list(found.reset_index()[list(EFFECTS)]) == list(EFFECTS)
    assert found["effect"].tolist() == pytest.approx([0.25, -0.25, 0.25])
    assert found["value"].tolist() == pytest.approx([0.5, 0.25, 0.25])
    assert (found["n"] == 160).all() and (found["p_holm"] < 0.05).all()
    same = pd.concat([rows[rows["training"] == "standard"].assign(training=t, network=t)
                      for t in ("standard", "robust")])  # fmt: skip
    none = intervals.effects(same)
    assert (none["effect"] == 0).all() and (none["p_holm"] == 1).all()
    assert (none["low"] == 0).all(), "the same channels and images are drawn for both"
