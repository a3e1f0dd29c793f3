"""What the scores of channels say together, against numbers by hand and independent code."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.datasets.cue_conflict import balanced
from shapebias_utils.measures.ablation import importance
from shapebias_utils.tables import ablation as report

OBSERVER = {"network": "A", "architecture": "AlexNet", "training": "standard", "seed": 0}


def channels(shape, texture, categories, layers=None, iou=None, **about) -> pd.DataFrame:
    n = len(shape)
    table = pd.DataFrame({"layer": layers or ["conv1"] * n, "unit": range(n)})
    table = table.assign(shape_score=shape, texture_score=texture, shape=10, texture=40)
    table = table.assign(concept="c", category=categories, iou=iou or [0.1] * n)
    for cue in ("shape", "texture"):
        table[f"{cue}_share"] = table[f"{cue}_score"] / table[cue]
    return table.assign(**OBSERVER | about)


def test_labels_are_joined_by_channel_and_shares_are_of_the_decided_images():
    scores = channels([1, 2, 0], [4, 0, 8], ["-"] * 3).drop(columns=["concept", "category", "iou"])
    dissected = pd.DataFrame(
        [("conv1", 1, "red", "color", 0.2), ("conv1", 1, "cat", "object", 0.3),
         ("conv1", 0, "dots", "texture", 0.01), ("conv2", 0, "cat", "object", 0.9)],
        columns=["layer", "unit", "concept", "category", "iou"],
    ).assign(**OBSERVER)  # fmt: skip
    table = importance.with_labels(scores, dissected)
    assert table["concept"].fillna("").tolist() == ["dots", "cat", ""]
    assert table["category"].tolist() == ["texture", "object", "none"]
    assert table["shape_share"].tolist() == [0.1, 0.2, 0.0]
    assert table["texture_share"].tolist() == [0.1, 0.0, 0.2]


def test_a_network_that_decides_nothing_by_a_cue_has_no_share_of_it():
    scores = channels([0], [4], ["-"]).assign(shape=0).drop(columns=["concept", "category", "iou"])
    none = pd.DataFrame(columns=[*OBSERVER, "layer", "unit", "concept", "category", "iou"])
    table = importance.with_labels(scores, none.astype({"seed": int, "unit": int}))
    assert np.isnan(table["shape_share"].iloc[0]) and table["category"].tolist() == ["none"]


def test_means_by_category_by_hand():
    table = channels([1, 3, 5, 7], [8, 0, 4, 4], ["texture", "texture", "color", "color"])
    found = importance.by_category(table).set_index(["category", "cue", "quantity"])
    assert found["value"].to_dict() == pytest.approx({
        ("all", "shape", "score"): 4, ("all", "shape", "share"): 0.4,
        ("all", "texture", "score"): 4, ("all", "texture", "share"): 0.1,
        ("texture", "shape", "score"): 2, ("texture", "shape", "share"): 0.2,
        ("texture", "texture", "score"): 4, ("texture", "texture", "share"): 0.1,
        ("color", "shape", "score"): 6, ("color", "shape", "share"): 0.6,
        ("color", "texture", "score"): 4, ("color", "texture", "share"): 0.1,
    })  # fmt: skip
    assert found["n"].to_dict()[("all", "shape", "score")] == 4
    assert (found["low"] <= found["value"]).all() and (found["value"] <= found["high"]).all()
    assert found.loc[("color", "texture", "score"), ["low", "high"]].tolist() == [4, 4]
    everyone = found.loc[("all", "shape", "score")]
    assert everyone["random_low"] == everyone["random_high"] == 4, "all channels are all channels"


def test_random_channels_are_of_the_same_layers():
    """conv1 scores 100, conv2 0: what is in conv2 is not unimportant against its own layer."""
    layers = ["conv1"] * 20 + ["conv2"] * 20
    table = channels([100] * 20 + [0] * 20, [0] * 40, ["color"] * 20 + ["texture"] * 20, layers)
    found = importance.by_category(table).query("cue == 'shape' and quantity == 'score'")
    found = found.set_index("category")
    assert found.loc["texture", ["value", "random_low", "random_high"]].tolist() == [0, 0, 0]
    assert found.loc["color", ["value", "random_low", "random_high"]].tolist() == [100] * 3


def test_a_category_that_matters_more_than_chance_stands_outside_of_it():
    rng = np.random.default_rng(0)
    scores = np.r_[rng.poisson(9, 30), rng.poisson(3, 70)]
    table = channels(scores, scores, ["texture"] * 30 + ["color"] * 70)
    rows = importance.by_category(table).query("quantity == 'score'").set_index("category")
    assert (rows.loc["texture", "low"] > rows.loc["texture", "random_high"]).all()
    assert (rows.loc["color", "high"] < rows.loc["color", "random_low"]).all()


@given(
    values=st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=12
    )
)  # fmt: skip
def test_rank_correlation_is_scipys(values):
    iou, scores = (list(v) for v in zip(*values, strict=True))
    table = channels(scores, [0] * len(scores), ["texture"] * len(scores), iou=iou)
    row = importance.correlation(table, draws=50).set_index("cue").loc["shape"]
    if len(set(iou)) == 1 or len(set(scores)) == 1:
        assert np.isnan(row["rho"]) and np.isnan(row["low"])
    else:
        assert row["rho"] == pytest.approx(spearmanr(iou, scores).statistic)
        assert -1 - 1e-9 <= row["low"] <= row["high"] <= 1 + 1e-9


def test_correlation_among_texture_detectors_only_and_none_for_two():
    table = channels([1, 2, 3, 9], [0, 1, 2, 0], ["texture"] * 3 + ["color"], iou=[1, 2, 3, 0])
    found = importance.correlation(table).set_index("cue")
    assert found.loc["shape", ["rho", "n"]].tolist() == [pytest.approx(1), 3]
    few = importance.correlation(table.iloc[1:])
    assert few["rho"].isna().all() and few["n"].tolist() == [2, 2]


def test_most_important_channels_the_first_of_equals():
    table = channels([5, 5, 0, 1], [0, 3, 7, 7], ["color"] * 4, ["conv1"] * 3 + ["conv2"])
    found = importance.most_important(table)
    assert found[["layer", "cue", "unit"]].to_numpy().tolist() == [
        ["conv1", "shape", 0], ["conv1", "texture", 2], ["conv2", "shape", 3],
        ["conv2", "texture", 3],
    ]  # fmt: skip


def test_examples_follow_their_rules():
    table = channels([18, 3, 30, 40], [22, 17, 4, 50], ["texture"] * 3 + ["object"])
    found = importance.examples(table)
    assert found[["role", "unit"]].to_numpy().tolist() == [["both cues", 0], ["texture", 1]]
    assert importance.examples(table.iloc[3:]).empty
    table = pd.concat([table.assign(layer=layer) for layer in ("conv3", "conv1", "conv4")])
    found = importance.examples(table.reset_index(drop=True), last=2)
    assert found["layer"].tolist() == ["conv1", "conv1"], "of the last two in the table's order"


@pytest.mark.parametrize("per_pair, n", [(1, 240), (2, 480), (0, 1200)])
def test_stimuli_are_balanced_over_the_pairs(per_pair, n):
    images = get_dataset("pictograms").images("cue_conflict")
    chosen = balanced(images, per_pair)
    pairs = chosen.table.groupby(["category", "texture_category"]).size()
    assert len(chosen) == n and len(pairs) == 240 and pairs.nunique() == 1
    assert (chosen.table["category"] != chosen.table["texture_category"]).all()
    names = images.table["imagename"].tolist()
    assert chosen.table["imagename"].map(names.index).is_monotonic_increasing


def test_names_of_subsets_differ():
    table = pd.DataFrame({"imagename": ["a"], "category": ["cat"], "texture_category": ["dog"]})
    images = ImageSet("s", table, None, "d")
    assert balanced(images, 0).name != balanced(images, 1).name


# --- in words -------------------------------------------------------------------------------------


def test_the_ratio_of_scores_is_judged_by_the_ratio_of_decisions():
    table = channels([1, 3], [8, 8], ["texture", "texture"])
    ratios = report.ratios(importance.by_category(table), table)
    assert ratios.loc["A"].to_dict() == pytest.approx(
        {"shape": 2, "texture": 8, "ratio": 4, "decisions": 4, "relative": 1}
    )
    said = report.ratio_sentences(ratios)
    assert "of equally many, 1.00 texture decisions turn" in said
    assert "in a ratio of 2.79 and 0.53" in said, "the paper's Table 2: 73.60 to 26.39, and so on"


def test_the_bias_is_read_where_half_of_the_decisions_are_left():
    rows = [
        ("A", order, k, bias, bias - 0.1, bias + 0.1, 100, shape, 10)
        for order, bias in (("texture", 0.8), ("shape", 0.2), ("random 1", 0.4), ("random 2", 0.5))
        for k, shape in ((0, 50), (2, 40), (5, 20), (9, 19))
    ]
    columns = ["network", "order", "channels", "shape_bias", "low", "high", "n", "shape", "texture"]
    sentence = report.shifts(pd.DataFrame(rows, columns=columns))["A"]
    assert sentence == (
        "A: from 80.0 % to 80.0 % [70.0, 90.0] without the 5 channels of the highest Texture "
        "scores, to 20.0 % without those of the highest Shape scores, to between 40.0 and 50.0 % "
        "without as many random ones"
    )


def test_a_category_without_detectors_has_no_ratio():
    table = channels([1, 3], [8, 8], ["color", "color"])
    ratios = report.ratios(importance.by_category(table), table)
    assert ratios.empty
    assert report.matter_for_both(ratios).startswith("No channel of these networks is labelled")


def test_texture_channels_that_turn_no_shape_decision_make_no_ratio():
    table = channels([0, 0], [8, 8], ["texture", "texture"])
    ratios = report.ratios(importance.by_category(table), table)
    assert report.matter_for_both(ratios) == "**It fails for all of A.**"
    first = report.ratio_sentences(ratios).splitlines()[0]
    assert first == (
        "- A: a texture channel turns 8.00 texture and 0.00 shape decisions on average; that makes "
        "no ratio."
    )


def test_a_network_that_decides_by_no_cue_has_no_bias_to_move():
    columns = ["network", "order", "channels", "shape_bias", "low", "high", "shape", "texture"]
    rows = [("A", "texture", k, np.nan, np.nan, np.nan, 0, 0) for k in (0, 2)]
    said = report.shifts(pd.DataFrame(rows, columns=columns))
    assert said == {"A": "A decides none of these images by a cue: it has no bias to move"}


def test_figure_8_as_a_table():
    table = report.figure8(importance.by_category(channels([1, 3], [8, 8], ["texture"] * 2)))
    assert table.index.tolist() == [("A", "all"), ("A", "texture")]
    row = table.loc[("A", "texture")]
    assert row["channels"] == 2 and row["Texture score"] == "8.00 [8.00, 8.00]"
    assert row["of shape (%)"].startswith("20.0 [")


def test_grids_of_examples():
    examples = channels([2, 0], [1, 1], ["texture"] * 2).assign(role="texture")
    preferred = pd.DataFrame(
        {"layer": "conv1", "unit": [0, 0, 1, 5], "rank": [1, 2, 1, 1], "imagename": list("abcd")}
    )
    flipped = pd.DataFrame(
        {"network": "A", "layer": "conv1", "unit": [0, 0, 0, 1, 7], "imagename": list("uvwxy"),
         "cue": ["shape", "texture", "shape", "texture", "shape"]}
    )  # fmt: skip
    liked, turned = report.example_grids(examples, {"A": preferred}, flipped)
    assert liked["imagename"].tolist() == ["a", "b", "c"]
    assert liked["title"].iloc[0] == "A conv1 0, c\nShape 2, Texture 1"
    assert turned[["title", "rank", "imagename"]].to_numpy().tolist() == [
        ["A conv1 0: 2 by shape", 1, "u"], ["A conv1 0: 2 by shape", 2, "w"],
        ["A conv1 0: 1 by texture", 1, "v"], ["A conv1 1: 1 by texture", 1, "x"],
    ]  # fmt: skip


def test_the_papers_examples_stand_below_ours():
    table = report.beside_the_papers(channels([2], [1], ["texture"]).assign(role="both cues"))
    assert len(table) == 4
    assert table.iloc[-1][["unit", "shape_score", "texture_score"]].tolist() == [221, 3, 17]
