"""Accuracy with its interval, and the subset that S and R both label correctly."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from shapebias_utils.datasets import ImageSet
from shapebias_utils.measures.robustness import (
    accuracy,
    agreement,
    by_subset,
    correctly_labelled,
    on_subset,
    subset_composition,
    subset_sizes,
)
from shapebias_utils.measures.statistics import wilson_interval
from shapebias_utils.networks import Network

CASES = [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (50, 100), (99, 100), (829, 862), (11, 50_000)]


@pytest.mark.parametrize("right, n", CASES)
def test_the_interval_is_wilsons(right, n):
    expected = binomtest(right, n).proportion_ci(confidence_level=0.95, method="wilson")
    low, high = wilson_interval(np.array([right]), np.array([n]))
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= low[0] <= right / n <= high[0] <= 1


def test_intervals_come_elementwise_and_are_nan_without_trials():
    low, high = wilson_interval([0, 3, 0], [5, 5, 0])
    assert low.shape == high.shape == (3,)
    assert low[1] == wilson_interval([3], [5])[0][0]
    assert np.isnan([low[2], high[2]]).all()


NAMES = list("abcdefgh")
RIGHT = {  # clean, attacked: which of the images a to h are labelled correctly
    "AlexNet": ("abcdef", "a"),
    "AlexNet-R": ("bcdgh", "bcd"),
    "ResNet": ("abcdefgh", ""),
}
RECORDS = {
    "AlexNet": Network("AlexNet", None, architecture="AlexNet"),
    "AlexNet-R": Network("AlexNet-R", None, architecture="AlexNet", training="robust"),
    "ResNet": Network("ResNet", None, architecture="ResNet"),
    "ResNet-R": Network("ResNet-R", None, architecture="ResNet", training="robust"),
}


def trials() -> pd.DataFrame:
    tables = []
    for name, both in RIGHT.items():
        for eps, right in zip((0.0, 1.0), both, strict=True):
            facts = {"imagename": NAMES, "correct": [n in right for n in NAMES], "eps": eps}
            record = RECORDS[name]
            about = {"architecture": record.architecture, "training": record.training, "seed": 0}
            tables.append(pd.DataFrame(facts | {"network": name} | about))
    return pd.concat(tables, ignore_index=True)


def images() -> ImageSet:
    table = pd.DataFrame({"imagename": NAMES, "whole": [n < "e" for n in NAMES]})
    return ImageSet("validation", table, lambda rows: None, "digest")


def test_accuracy_by_hand():
    table = accuracy(trials())
    columns = "network architecture training seed eps accuracy low high n".split()
    assert list(table.columns) == columns
    assert table["network"].tolist() == [n for n in RIGHT for _ in range(2)], "in their order"
    found = table.set_index(["network", "eps"])["accuracy"].to_dict()
    assert found == {
        ("AlexNet", 0.0): 6 / 8, ("AlexNet", 1.0): 1 / 8,
        ("AlexNet-R", 0.0): 5 / 8, ("AlexNet-R", 1.0): 3 / 8,
        ("ResNet", 0.0): 1.0, ("ResNet", 1.0): 0.0,
    }  # fmt: skip
    assert (table["n"] == 8).all()
    expected = binomtest(6, 8).proportion_ci(method="wilson")
    assert table.iloc[0][["low", "high"]].tolist() == pytest.approx([expected.low, expected.high])


def test_accuracy_by_other_columns():
    table = trials().assign(half=lambda t: np.where(t["imagename"] < "e", "first", "second"))
    found = accuracy(table, by=["eps", "half"]).set_index(["network", "eps", "half"])
    assert found.loc[("AlexNet", 0.0, "second"), "accuracy"] == 2 / 4
    assert found.loc[("AlexNet-R", 1.0, "first"), "accuracy"] == 3 / 4
    assert (found["n"] == 4).all()
    pooled = accuracy(table, by=[])
    assert pooled["accuracy"].tolist() == [7 / 16, 8 / 16, 8 / 16]


def test_accuracy_of_each_subset():
    table = by_subset(trials(), images(), {"all images": "index >= 0", "whole objects": "whole"})
    columns = "network architecture training seed subset eps accuracy low high n".split()
    assert list(table.columns) == columns
    found = table.set_index(["subset", "network", "eps"])
    assert found.loc[("all images", "AlexNet-R", 0.0), "accuracy"] == 5 / 8
    assert found.loc[("whole objects", "AlexNet-R", 0.0), "accuracy"] == 3 / 4
    assert found.loc[("whole objects", "AlexNet-R", 1.0), "n"] == 4


PAIR = (RECORDS["AlexNet"], RECORDS["AlexNet-R"])


def test_the_correctly_labelled_subset_by_hand():
    subset = correctly_labelled(trials(), [PAIR, (RECORDS["ResNet"], RECORDS["ResNet-R"])])
    assert {a: sorted(names) for a, names in subset.items()} == {
        "AlexNet": ["b", "c", "d"],  # right when clean; what the attack does to them is no matter
        "ResNet": [],  # there are no trials of ResNet-R
    }
    assert correctly_labelled(trials(), []) == {}


def test_on_the_subset_both_start_at_100_per_cent():
    everything = trials()
    kept = on_subset(everything, correctly_labelled(everything, [PAIR]))
    assert set(kept["network"]) == {"AlexNet", "AlexNet-R"}
    assert set(kept["imagename"]) == set("bcd")
    found = accuracy(kept).set_index(["network", "eps"])["accuracy"]
    assert found[:, 0.0].tolist() == [1, 1]
    assert found[:, 1.0].to_dict() == {"AlexNet": 0.0, "AlexNet-R": 1.0}
    nothing = on_subset(everything, {})
    assert nothing.empty and list(nothing.columns) == list(everything.columns)


def test_the_sizes_beside_the_papers():
    subset = correctly_labelled(trials(), [PAIR]) | {"own": pd.Index(["a"])}
    table = subset_sizes(subset, images())
    assert table.index.tolist() == ["AlexNet", "own"] and table.index.name == "architecture"
    assert table.loc["AlexNet"].tolist() == [3, 8, 37.5, 17693, 35.4]
    assert table.loc["own"].tolist()[:3] == [1, 8, 12.5]
    assert table.loc["own"].isna().tolist() == [False, False, False, True, True]


def test_the_composition_is_the_share_of_each_part_that_is_left():
    subset = correctly_labelled(trials(), [PAIR])
    parts = {"all images": "index >= 0", "whole objects": "whole", "fragments": "not whole"}
    table = subset_composition(subset, images(), parts)
    assert table.index.name == "architecture"
    assert table.loc["AlexNet"].to_dict() == {
        "all images": 37.5, "whole objects": 75.0, "fragments": 0.0,
    }  # fmt: skip


def test_which_of_s_and_r_are_right_by_hand():
    pair = [(RECORDS["AlexNet"], RECORDS["AlexNet-R"])]
    subsets = {"all": "index >= 0", "whole": "whole", "none": "imagename == 'z'"}
    table = agreement(trials(), pair, images(), subsets).set_index(["subset", "outcome"])
    assert table.loc["all", "count"].to_dict() == {
        "both": 3,
        "S only": 3,
        "R only": 2,
        "neither": 0,
    }
    assert table.loc["whole", "count"].to_dict() == {
        "both": 3, "S only": 1, "R only": 0, "neither": 0,
    }  # fmt: skip
    assert table.loc[("whole", "S only"), "share"] == 1 / 4
    assert table.loc["none", "share"].isna().all() and (table.loc["none", "n"] == 0).all()
