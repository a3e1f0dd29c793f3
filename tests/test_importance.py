"""What the scores of channels say together, against numbers by hand and independent code."""

import re

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
        table[f"{cue}_margin"] = table[f"{cue}_score"] / 100
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


def test_without_labels_there_is_no_category_and_no_column_for_them():
    table = channels([1, 3], [8, 0], ["none"] * 2).assign(concept=np.nan, iou=np.nan)
    assert set(importance.by_category(table)["category"]) == {"all"}
    shown = report.channels(table.assign(cue="shape"))
    assert list(shown) == ["unit", "shape_score", "texture_score"]


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
        ("all", "shape", "margin"): 0.04, ("all", "texture", "margin"): 0.04,
        ("texture", "shape", "margin"): 0.02, ("texture", "texture", "margin"): 0.04,
        ("color", "shape", "margin"): 0.06, ("color", "texture", "margin"): 0.04,
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
    assert (rows["p"][["texture", "color"]] < 0.01).all() and (rows["p"]["all"] == 1).all()
    excess = rows.loc["texture", "excess"].to_numpy()
    assert excess == pytest.approx(scores[:30].mean() - scores.mean(), abs=0.1)


def test_a_random_category_is_rarely_beyond_chance():
    """The p-values of labels dealt out within layers are those of a test: 5 % are below .05."""
    rng, low = np.random.default_rng(1), 0
    scores = np.r_[rng.poisson(20, 20), rng.poisson(2, 60)]
    layers = ["conv1"] * 20 + ["conv2"] * 60
    for _ in range(60):
        labels = np.r_[rng.permutation(["texture"] * 10 + ["color"] * 10),
                       rng.permutation(["texture"] * 30 + ["color"] * 30)]  # fmt: skip
        found = importance.by_category(channels(scores, scores, labels, layers), draws=200)
        rows = found.query("category == 'texture' and cue == 'shape' and quantity == 'score'")
        low += rows["p"].iloc[0] < 0.05
    assert low <= 9, "of 60, three are expected"


def test_what_is_above_the_layers_is_held_against_the_own_layer_of_the_own_network():
    a = channels([1, 3, 10, 30], [0] * 4, ["texture"] * 4, ["conv1"] * 2 + ["conv2"] * 2)
    b = a.assign(network="B", shape_score=[5, 5, 0, 8])
    found = importance.above_layers(pd.concat([a, b], ignore_index=True), "shape_score")
    assert found.tolist() == [-1, 1, -10, 10, 0, 0, -4, 4]


def test_channels_that_matter_are_those_whose_margin_is_far_from_zero():
    table = channels([1, 0, 0, 2, 0, 0, 0], [3, 0, 0, 0, 0, 0, 1], ["texture"] * 7)
    table = table.assign(
        shape_margin=[1, 1, 0.1, 1, -1, 0.1, -1], texture_margin=[1, 0.1, 1, -1, 0, 0, -1],
        shape_margin_se=0.1, texture_margin_se=0.1,
    )  # fmt: skip
    (row,) = importance.significant(table).to_dict("records")
    kinds = ("both", "shape only", "texture only", "opposed", "raises", "none", "flips both", "n")
    assert [row[kind] for kind in kinds] == [1, 1, 1, 1, 2, 1, 1, 7]
    noisy = table.assign(shape_margin_se=0.5, texture_margin_se=0.5)
    assert importance.significant(noisy)["none"].tolist() == [7], "2 errors are not enough of 14"


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
    assert found[["figure", "role", "unit"]].to_numpy().tolist() == [
        ["A6", "both cues", 0], ["A8", "texture", 1],
    ]  # fmt: skip
    robust = importance.examples(table.assign(training="robust"))
    assert robust[["figure", "role", "unit"]].to_numpy().tolist() == [["A7", "both cues", 0]]
    assert importance.examples(table.assign(training="control")).empty
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


REMOVED = ["network", "order", "channels", "n", "shape", "texture", "shape_kept", "texture_kept",
           "shape_chance", "texture_chance"]  # fmt: skip


def removal(**shapes: float) -> pd.DataFrame:
    """Curves of one network that decides 20 of 100 images by shape and 60 by texture; without ten
    channels of an order `shapes` of 40."""
    rows = []
    for order, shape in shapes.items():
        order = order.replace("_", " ")
        rows.append(("A", order, 0, 100, 20, 60, 20, 60, 5.0, 5.0))
        rows.append(("A", order, 10, 100, shape, 40 - shape, shape / 2, 20, 8.0, 8.0))
    return pd.DataFrame(rows, columns=REMOVED)


def test_curves_are_read_at_one_k_and_random_sets_as_one():
    table = removal(shape=30, as_shape_1=8, as_shape_2=12, shape_only=4)
    found = report.at_k(table, 10).loc["A"]
    assert found.index.tolist() == ["all channels", "shape", "as shape", "shape only"]
    assert found["bias (%)"].tolist() == [25, 75, 25, 10]
    assert found["decided (%)"].tolist() == [80, 40, 40, 40]
    assert found["as before (%)"].tolist() == [100, 87.5, 62.5, 55]
    assert found["by chance (%)"].tolist() == [12.5, 40, 40, 40]
    # 15 and 55 beyond chance; 22 and 2; 2 and 22; none and 28
    assert found["bias beyond chance (%)"].tolist() == [21.4, 91.7, 8.3, 0]


@pytest.mark.parametrize(
    "shape, random, only, said",
    [
        (8, 10, 4, "It falls, as one would expect; 40 % of the decisions"),
        (30, 12, 4, r"It rises, and neither the layers \(\+5.0\) nor chance \(\+70.3 beyond it"),
        (30, 28, 4, r"were not chosen for shape \(\+45.0\): most of the rise is the layers'"),
        (20, 10, 4, r"It rises, and neither the layers \(\+0.0\)"),
        (13, 10, 4, r"more than half of it by chance, which is 50 %"),
        (11, 10, 4, r"more than half of it by chance, which is 50 %"),
    ],
)
def test_a_rise_without_shape_channels_is_explained_or_said_not_to_be(shape, random, only, said):
    table = removal(shape=shape, as_shape_1=random, shape_only=only)
    (line,) = report.shape_removal(table, 10).splitlines()
    bias = shape / 0.4
    assert line.startswith(f"- A: 25.0 -> {bias:.1f} % ({bias - 25:+.1f}) without the 10 channels")
    assert re.search(said, line), line


def test_removal_without_the_orders_that_explain_it_says_nothing():
    assert report.shape_removal(removal(texture=10), 10) == ""


def test_a_category_without_detectors_has_no_ratio_and_no_verdict():
    by_category = importance.by_category(channels([1, 3], [8, 8], ["color", "color"]))
    assert report.ratios(by_category, channels([1, 3], [8, 8], ["color", "color"])).empty
    found = report.against_chance(by_category)
    assert report.matter_for_both(found).startswith("No channel of these networks is labelled")


def test_texture_channels_that_turn_no_shape_decision_make_no_ratio():
    table = channels([0, 0], [8, 8], ["texture", "texture"])
    ratios = report.ratios(importance.by_category(table), table)
    first = report.ratio_sentences(ratios).splitlines()[0]
    assert first == (
        "- A: a texture channel turns 8.00 texture and 0.00 shape decisions on average; that makes "
        "no ratio."
    )


def test_matter_for_both_is_held_against_random_channels_of_the_same_layers():
    """Scores above zero are not enough: only what random channels have not is said to matter."""
    rng, labels = np.random.default_rng(0), ["texture"] * 30 + ["color"] * 70
    same = rng.poisson(6, 100)
    more = np.r_[rng.poisson(9, 30), rng.poisson(3, 70)]
    kinds = {
        "both": (more, more),
        "shape": (more, same),
        "texture": (same, more),
        "neither": (same, same),
        "less": (12 - more.clip(max=12), 12 - more.clip(max=12)),
    }
    tables = [channels(s, t, labels, network=name) for name, (s, t) in kinds.items()]
    found = report.against_chance(importance.by_category(pd.concat(tables, ignore_index=True)))
    assert found["matters for"].tolist() == [
        "both", "shape", "texture", "neither", "less than chance",
    ]  # fmt: skip
    excess = 100 * (more[:30].mean() - more.mean()) / 10
    assert found.loc["both", "shape"] == pytest.approx(excess, abs=1)
    assert report.matter_for_both(found) == (
        "They matter more than random channels of their layers for both kinds of decision in both; "
        "for shape decisions alone in shape; for texture decisions alone in texture; for neither "
        "that could be told from chance in neither; less than chance for both in less."
    )


def test_scores_measured_again_are_counted_where_they_agree():
    kept = channels([1, 2, 3], [4, 5, 6], ["texture"] * 3)
    again = kept.iloc[1:].assign(texture_score=[5, 7], shape_margin=kept["shape_margin"] + 0.002)
    said = report.checked(kept, again)
    assert said == (
        "Measured again here, A conv1: 1 of 2 channels have the very scores that are kept, and "
        "margins differ by 0.002 nats at most."
    )


def test_what_the_scores_are_of_is_said():
    table = channels([1], [2], ["texture"]).assign(images=1200)
    assert report.decided(table, ["broden_like", "cue_conflict"]) == (
        "1200 images with conflicting cues. Decided by shape and by texture: A 10 and 40. Labels "
        "of channels by broden_like and cue_conflict; figures and claims take broden_like."
    )
    said = report.decided(table, ["broden"], ["B", "C"])
    assert said.endswith("take broden. Not shown: B and C (`shapebias study ablation`).")


def test_figure_8_as_a_table():
    table = report.figure8(importance.by_category(channels([1, 3], [8, 8], ["texture"] * 2)))
    assert table.index.tolist() == [("A", "all"), ("A", "texture")]
    row = table.loc[("A", "texture")]
    assert row["channels"] == 2 and row["Texture score"] == "8.00 [8.00, 8.00]"
    assert row["of shape (%)"].startswith("20.0 [")


def test_images_that_a_channel_decides_are_spread_over_those_that_there_are():
    flipped = pd.DataFrame({"imagename": list("abcdefg"), "cue": ["shape"] * 6 + ["texture"]})
    (one, shape), (other, texture) = report.flipped_blocks(flipped, 3).items()
    assert "decided by shape" in one and one.endswith("3 of 6")
    assert "decided by texture" in other and other.endswith(": 1")
    assert shape["imagename"].tolist() == ["a", "c", "f"] and texture["imagename"].tolist() == ["g"]
    assert all(own.empty for own in report.flipped_blocks(flipped.iloc[:0], 3).values())


def test_the_papers_examples_stand_below_ours():
    table = report.beside_the_papers(
        channels([2], [1], ["texture"]).assign(role="both cues", figure="A6")
    )
    assert len(table) == 4
    assert table.iloc[-1][["unit", "shape_score", "texture_score"]].tolist() == [221, 3, 17]
