"""Table 4 and where R is smoother, as readers see them."""

import numpy as np
import pandas as pd

from shapebias_utils.networks import Network
from shapebias_utils.tables.smoothness import (
    about_matches,
    let_through,
    over_definitions,
    table4,
    where_smoother,
)

S = Network("AlexNet", None, architecture="AlexNet")
R = Network("AlexNet-R", None, architecture="AlexNet", training="robust")


def test_table4_stands_beside_the_papers():
    facts = {"seed": 0, "value": 24.917, "low": 24.16, "high": 25.67, "n": 376}
    rows = [{"network": n.name, "architecture": n.architecture, "training": n.training} | facts
            for n in (S, R, Network("mine", None))]  # fmt: skip
    table = table4(pd.DataFrame(rows))
    assert table.loc["AlexNet"].tolist() == [24.92, 24.16, 25.67, 376, 110.2]
    assert table.loc["AlexNet-R", "paper (ImageNet)"] == 63.59
    assert np.isnan(table.loc["mine", "paper (ImageNet)"])


def test_definitions_are_counted():
    table = pd.DataFrame({"AlexNet": [1.0, 2.0, 3.0], "AlexNet-R": [0.5, 2.5, 2.9]})
    said = over_definitions(table, [(S, R)])
    assert said == "Of 3 definitions, R is smoother than S by 2 for AlexNet."
    assert over_definitions(table, []).startswith("There is no S/R pair")


def test_matches_in_a_sentence():
    facts = {"filter": [0, 1, 2, 3], "match": [0, 1, 2, 0], "r": [0.9, 0.8, 0.7, 0.1]}
    table = pd.DataFrame(facts | {"difference": [1.0, -1.0, 2.0, 0.0]})
    said = about_matches(table)
    assert "smoother one in 50 % of 4 pairs" in said
    assert "75 % of S's filters match R's of the same number" in said and "0.75" in said
    assert about_matches(table.iloc[:0]).startswith("There is no S/R pair")


def test_layers_in_a_row_are_named_by_their_ends():
    verdicts = ["smoother", "smoother", "undecided", "rougher", "rougher", "rougher", "smoother"]
    rows = [{"network": "AlexNet", "other": "AlexNet-R", "layer": f"conv{i}", "verdict": v,
             "change": -0.1312} for i, v in enumerate(verdicts, 1)]  # fmt: skip
    other = [row | {"network": "control", "verdict": "undecided"} for row in rows]
    table = where_smoother(pd.DataFrame(rows + other))
    assert table.loc["AlexNet-R against AlexNet"].tolist() == [
        "conv1, conv2, conv7", "conv4 to conv6", "conv3", "-13.1 %",
    ]  # fmt: skip
    assert table.loc["AlexNet-R against control"].tolist()[:3] == ["–", "–", "conv1 to conv7"]


def test_noise_let_through_in_per_cent():
    rows = [
        {"network": n.name, "layer": layer, "value": v, "low": v - 0.1, "high": v + 0.1}
        for n, values in ((S, (0.6, 0.5)), (R, (0.5, 0.1)))
        for layer, v in zip(("conv1", "conv2"), values, strict=True)
    ]
    table = let_through(pd.DataFrame(rows), [(S, R), (Network("x", None), R)])
    assert table.index.tolist() == ["AlexNet-R against AlexNet"], "x was not measured"
    assert table.iloc[0].tolist() == [
        "60 [50, 70]",
        "50 [40, 60]",
        "55",
        "30",
        "2 of 2 layers",
        "1",
    ]
