"""Table 4 and where R is smoother, as readers see them."""

from dataclasses import replace

import numpy as np
import pandas as pd

from shapebias_utils.measures.evidence.smoothness import NOISE
from shapebias_utils.measures.statistics import EFFECTS
from shapebias_utils.networks import Network
from shapebias_utils.tables.smoothness import (
    about_matches,
    by_layer,
    definitions,
    more_noise,
    over_definitions,
    over_seeds,
    table4,
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


def test_definitions_are_folded_away_where_weights_are_our_own():
    table = pd.DataFrame(
        {"isotropic": [False, True], "AlexNet": [1.0, 2.0], "AlexNet-R": [0.5, 2.5]}
    )
    theirs = [(S, replace(R, checkpoint="imagenet/r.pt"))]
    ours = [(replace(S, checkpoint="pictograms/s.safetensors"), R)]
    assert "<details open>" in definitions(table, theirs)
    assert "<details>" in definitions(table, ours)
    assert "R is smoother than S by 1 for AlexNet" in definitions(table, ours)
    assert "The 1 of 2 definitions" in definitions(table, ours, most=1)


def test_changes_by_layer_in_full_with_the_verdict_of_the_rule():
    rows = [
        {"quantity": f"{what}: {layer}", "architecture": a, "training": "robust",
         "against": against, "effect": value - 1, "low": value - 1.01, "high": value - 0.99,
         "p_holm": 0.001, "value": value, "versus": 1.0}
        for a, layers in (("AlexNet", ("conv1", "conv3")), ("GoogLeNet", ("conv1", "inception3a")))
        for what, value in (("kernel TV", 0.81), ("noise / signal", 0.25))
        for layer in [*layers[:1], *(["conv2"] if what == NOISE else []), *layers[1:]]
        for against in ("standard", "control")
    ]  # fmt: skip
    table = by_layer(pd.DataFrame(rows).reindex(columns=EFFECTS))
    assert table.index.tolist() == [
        ("AlexNet", "conv1"), ("AlexNet", "conv2"), ("AlexNet", "conv3"),
        ("GoogLeNet", "conv1"), ("GoogLeNet", "conv2"), ("GoogLeNet", "inception3a"),
    ]  # fmt: skip
    kernel, noise = ((what, "against the control") for what in ("kernel TV", "noise / signal"))
    assert table[kernel].tolist()[:2] == ["-19 %, reproduced", "–"], "conv2 has 1x1 kernels"
    assert set(table[noise]) == {"-50 %, reproduced"}, "of the amplitude: the root of a quarter"
    assert by_layer(pd.DataFrame(columns=EFFECTS)).empty


def test_where_more_noise_gets_through_r():
    rows = [
        {"network": n.name, "deviation": d, "low": v - 0.1, "high": v + 0.1}
        for n, values in ((S, (1, 1, 1, 1)), (R, (0.5, 1.15, 1.5, 2)))
        for d, v in zip((0.02, 0.08, 0.16, 0.32), values, strict=True)
    ]
    table = pd.DataFrame(rows)
    said = more_noise(
        {"first layer": table[table["deviation"] < 0.1], "last layer": table}, [(S, R)]
    )
    assert said.endswith("first layer: AlexNet nowhere; last layer: AlexNet at 0.16 and 0.32."), (
        "at .08 the intervals meet"
    )
    assert more_noise({"last layer": table}, []).startswith("There is no S/R pair")


def test_quantities_over_seeds_have_their_spread():
    rows = [(q, t, value, sd) for q in ("kernel TV", f"{NOISE}: conv1", "kernel TV: conv1")
            for t, value, sd in (("standard", 24.917, 0.123), ("robust", 23.5, 0.4))]  # fmt: skip
    levels = pd.DataFrame(rows, columns=["quantity", "training", "value", "sd"])
    table = over_seeds(levels.assign(architecture="AlexNet", n=376, seeds=3))
    assert [q for q, _ in table.index] == ["kernel TV", f"{NOISE}: conv1"]
    assert table.iloc[0].to_dict() == {"S": "24.9 ± 0.12", "R": "23.5 ± 0.4", "n": 376, "seeds": 3}
    assert over_seeds(pd.DataFrame()).empty
