"""Tables and sentences for readers: in per cent, ours beside the paper's."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from shapebias_utils.datasets import ImageSet
from shapebias_utils.networks import Network
from shapebias_utils.networks.normalised import normalised
from shapebias_utils.tables import (
    listed,
    on_average,
    over_seeds,
    percent,
    resized,
    s_and_r,
    table1,
    table2,
    verdict,
)


@pytest.mark.parametrize(
    "share, interval, text",
    [
        (0.337, (), "33.7"),
        (0.337, (0.3104, 0.3639), "33.7 [31.0, 36.4]"),
        (1.0, (), "100.0"),
        (0.0, (0.0, 0.0), "0.0 [0.0, 0.0]"),
        (np.nan, (), "–"),
        (np.nan, (np.nan, np.nan), "–"),
    ],
)
def test_percent(share, interval, text):
    assert percent(share, *interval) == text


OBSERVERS = [
    ("ResNet", "ResNet", "standard"),
    ("AlexNet-R", "AlexNet", "robust"),
    ("mine", "own", "standard"),
]


def accuracies() -> pd.DataFrame:
    rows = []
    for i, (network, architecture, training) in enumerate(OBSERVERS):
        for subset, more in (("all images", 0), ("whole objects", 0.1)):
            for eps in (0.0, 1.0):
                value = (0.8 if eps == 0 else 0.3123) + more - i / 100
                rows.append((network, architecture, training, 0, subset, eps, value))
    columns = ["network", "architecture", "training", "seed", "subset", "eps", "accuracy"]
    table = pd.DataFrame(rows, columns=columns)
    n = (table["eps"] == 0).map({True: 50, False: 40})
    return table.assign(low=table["accuracy"] - 0.1, high=table["accuracy"] + 0.1, n=n)


def test_table1_has_a_row_a_subset_and_network_with_the_papers_numbers_beside_all_and_whole():
    table = table1(accuracies())
    subsets = ["all images"] * 3 + ["whole objects"] * 3
    rows = list(zip(subsets, ["ResNet", "AlexNet-R", "mine"] * 2, strict=True))
    assert table.index.tolist() == rows, "in the order they came"
    columns = ["clean", "n, clean", "eps 1", "n, eps 1", "paper, clean", "paper, adversarial"]
    assert table.columns.tolist() == columns
    first = ["80.0 [70.0, 90.0]", 50, "31.2 [21.2, 41.2]", 40, 76.13, 0.35]
    assert table.iloc[0].tolist() == first
    whole = table.loc["whole objects", "AlexNet-R"]
    assert whole[["clean", "eps 1"]].tolist() == ["89.0 [79.0, 99.0]", "40.2 [30.2, 50.2]"]
    paper = table[["paper, clean", "paper, adversarial"]]
    assert paper.loc["all images", "mine"].isna().all(), "the paper has no such network"
    assert paper.loc["whole objects", "AlexNet-R"].tolist() == [39.83, 22.27]


def test_no_number_of_the_paper_stands_beside_fragments():
    whole = accuracies().query("subset == 'whole objects'")
    three = pd.concat([accuracies().query("subset == 'all images'"),
                       whole.assign(subset="fragments"), whole])  # fmt: skip
    paper = table1(three)[["paper, clean", "paper, adversarial"]]
    assert paper.loc["fragments"].isna().all(axis=None)
    assert paper.loc["whole objects", "ResNet"].tolist() == [76.13, 0.35]


def test_table1_of_clean_images_alone_and_without_the_paper():
    table = table1(accuracies().query("eps == 0"), paper=False)
    assert table.columns.tolist() == ["clean", "n, clean"]


def bias() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "network": ["AlexNet", "AlexNet-R", "subject-01", "AlexNet"],
            "architecture": ["AlexNet", "AlexNet", "human", "other"],
            "training": ["standard", "robust", "human", "other"],
            "seed": 0,
            "shape_bias": [0.2984, 0.751, 829 / 862, np.nan],
            "low": [0.27, 0.72, 0.94, np.nan],
            "high": [0.33, 0.78, 0.98, np.nan],
            "n": 1200,
            "shape": [300, 751, 829, 0],
            "texture": [705, 249, 33, 0],
        }
    )


def test_table2_shows_the_bias_with_its_interval_and_coverage():
    table = table2(bias())
    assert table.columns.tolist() == [
        "shape bias (%)", "from", "to", "shape", "texture", "of n", "paper (%)",
    ]  # fmt: skip
    assert table.iloc[0].tolist() == [29.8, 27.0, 33.0, 300, 705, 1200, 26.39]
    assert table.iloc[1].tolist() == [75.1, 72.0, 78.0, 751, 249, 1200, 65.32]
    assert table.iloc[2].tolist()[:6] == [96.2, 94.0, 98.0, 829, 33, 1200]
    assert np.isnan(table.iloc[2]["paper (%)"])


def test_table2_keeps_two_observers_of_one_name_and_those_without_a_bias():
    table = table2(bias())
    assert table.index.tolist() == ["AlexNet", "AlexNet-R", "subject-01", "AlexNet"]
    assert table.iloc[3][["shape bias (%)", "from", "to"]].isna().all()
    assert table.iloc[3]["of n"] == 1200


S = Network("AlexNet", None, architecture="AlexNet")
R = Network("AlexNet-R", None, architecture="AlexNet", training="robust")


def test_s_and_r_side_by_side():
    table = s_and_r(bias().iloc[:3], [(S, R)], "shape_bias")
    assert table.index.tolist() == ["AlexNet"] and table.columns.tolist() == [
        "S",
        "R",
        "difference",
    ]
    assert table.loc["AlexNet"].tolist() == pytest.approx([0.2984, 0.751, 0.4526])
    none = s_and_r(bias(), [], "shape_bias")
    assert none.empty and none.columns.tolist() == ["S", "R", "difference"]
    assert verdict((none["difference"] > 0).to_dict()).startswith("There is no S/R pair")


def test_a_sentence_on_averages_is_left_out_where_there_are_none():
    sentence = "S {:.1f} %, R {:.1f} % (paper: {paper:.1f})."
    change = s_and_r(bias().iloc[:3], [(S, R)], "shape_bias")
    assert on_average(sentence, change["S"], change["R"], paper=24.56) == (
        "S 29.8 %, R 75.1 % (paper: 24.6)."
    )
    none = s_and_r(bias(), [], "shape_bias")
    assert on_average(sentence, none["S"], none["R"], paper=24.56) == ""
    assert on_average(sentence, change["S"], change["R"] * np.nan, paper=24.56) == ""


def test_networks_that_resize_the_images_are_named():
    images = ImageSet(
        "few", pd.DataFrame({"imagename": ["a"]}), lambda r: torch.zeros(1, 3, 24, 24), ""
    )
    networks = [
        Network(str(side), lambda side=side: normalised(nn.Identity(), size=side))
        for side in (None, 24, 27)
    ]
    plain = Network("plain", nn.Identity)
    assert (
        resized([plain, *networks], images) == " 27 sees them resized from 24x24 to 27x27 pixels."
    )
    assert resized([plain, *networks[:2]], images) == ""


def seeds(values: list[float], network: str = "AlexNet") -> pd.DataFrame:
    about = {"network": network, "architecture": "AlexNet", "training": "standard"}
    return pd.DataFrame({"seed": range(len(values)), "shape_bias": values, "clean": 0.5} | about)


def test_over_seeds_is_mean_and_standard_deviation_by_hand():
    # mean .30; deviations -.02, .03, -.01; squares .0004 + .0009 + .0001 over n - 1 = 2: .0007
    table = pd.concat([seeds([0.28, 0.33, 0.29], "B"), seeds([0.9, 0.7], "A")])
    found = over_seeds(table, ["shape_bias", "clean"])
    assert np.sqrt(0.0007) == pytest.approx(0.026, abs=0.0005)
    assert found.to_dict("index") == {
        "B": {"shape_bias": "30.0 ± 2.6", "clean": "50.0 ± 0.0", "seeds": 3},
        "A": {"shape_bias": "80.0 ± 14.1", "clean": "50.0 ± 0.0", "seeds": 2},
    }
    assert found.index.tolist() == ["B", "A"], "in the order they came"


def test_one_seed_has_no_standard_deviation():
    assert over_seeds(seeds([0.3]), ["shape_bias"]).loc["AlexNet"].tolist() == ["30.0", 1]


def test_without_a_study_of_seeds_the_table_is_empty():
    table = over_seeds(pd.DataFrame(), ["shape_bias"])
    assert table.empty and table.columns.tolist() == ["shape_bias", "seeds"]


@pytest.mark.parametrize(
    "holds, sentence",
    [
        ({"AlexNet": True, "ResNet": True}, "It holds for all of AlexNet and ResNet."),
        ({"AlexNet": False, "ResNet": False}, "**It fails for all of AlexNet and ResNet.**"),
        ({"AlexNet": True, "ResNet": False, "own": True},
         "It holds for AlexNet and own; **it fails for ResNet.**"),
        ({}, "There is no S/R pair among these networks, so there is nothing to compare."),
        ({"AlexNet": np.bool_(False), "ResNet": np.bool_(True)},
         "It holds for ResNet; **it fails for AlexNet.**"),
    ],
)  # fmt: skip
def test_a_verdict_says_where_a_claim_holds_and_where_it_fails(holds, sentence):
    assert verdict(holds) == sentence


@pytest.mark.parametrize(
    "names, text",
    [([], ""), (["A"], "A"), (["A", "B"], "A and B"), (["A", "B", "C"], "A, B and C")],
)
def test_names_in_a_sentence(names, text):
    assert listed(list(names)) == text
