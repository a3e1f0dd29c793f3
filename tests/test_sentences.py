"""What notebooks 01 to 03 say in words follows from their tables."""

import numpy as np
import pandas as pd
import pytest

from shapebias_utils.measures.shape_bias import by_texture, response_counts
from shapebias_utils.tables import cue_conflict, training

KINDS = {"standard": "", "robust": "-R", "control": "-control"}


def accuracies(values: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Of AlexNet, and of ResNet .1 less; `values`: subset -> training -> accuracy."""
    rows = [
        {"network": a + KINDS[t], "architecture": a, "training": t, "subset": subset, "eps": 0.0,
         "accuracy": share - 0.1 * (a == "ResNet")}
        for subset, of in values.items() for t, share in of.items() for a in ("AlexNet", "ResNet")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_accuracy_on_each_part_and_what_r_gives_up():
    table = accuracies({
        "fragments": {"standard": 0.7, "robust": 0.2, "control": 0.75},
        "whole objects": {"standard": 0.9, "robust": 0.95},
    })  # fmt: skip
    attacked = table.assign(eps=1.0, accuracy=0.0)
    text = training.by_part(pd.concat([table, attacked]), ["fragments", "whole objects"])
    assert text.splitlines() == [
        "- On **fragments**, of AlexNet and ResNet, right: S 70 and 60; R 20 and 10; the control "
        "75 and 65 %. R gives up 50.0 points on average.",
        "- On **whole objects**, of AlexNet and ResNet, right: S 90 and 80; R 95 and 85 %.",
    ]
    assert training.by_part(table, []) == ""
    alone = table[table["training"] == "robust"]
    assert "gives up" not in training.by_part(alone, ["fragments"])


def test_cues_that_an_attack_may_cancel_are_named():
    norms = pd.DataFrame(
        {"cue": ["figure_ground", "texture", "texture"], "whole": [True, True, False],
         "median": [14.2, 5.3, 2.41]}
    )  # fmt: skip
    assert training.fooled(norms, [1, 2.5]) == (
        "Not larger than eps 1 in the median: none of the cues. Not larger than eps 2.5 in the "
        "median: texture of fragments (2.4)."
    )
    assert training.fooled(None, [1]) == ""


def test_what_the_correctly_labelled_subset_leaves_out():
    rows = [("AlexNet", "fragments", o, s) for o, s in
            (("both", 0.08), ("S only", 0.55), ("R only", 0.01), ("neither", 0.36))]  # fmt: skip
    table = pd.DataFrame(rows, columns=["architecture", "subset", "outcome", "share"])
    assert training.left_out(table) == (
        "- Of **fragments**, 92 % are left out (AlexNet): 55 % that S alone labels correctly, 1 % "
        "that R alone does."
    )
    assert training.left_out(table.iloc[:0]) == ""


ALONG = pd.DataFrame(
    {"architecture": ["AlexNet"] * 4, "seed": [0, 1, 0, 1], "eps": [0, 0, 1, 1],
     "shape_bias": [0.2, 0.4, 0.6, 0.8]}
)  # fmt: skip
CONTRASTS = pd.DataFrame(
    {"texture_contrast": [0.1, 0.2, 0.1, 0.2], "eps": [0, 0, 2.5, 2.5],
     "shape_bias": [0.5, 0.1639, 0.9, 0.7]}
)  # fmt: skip


def test_the_operating_point_is_that_of_s_and_of_the_scale_of_images():
    first, second = training.operating_point(ALONG, CONTRASTS, (20, 120), 1.0).splitlines()
    # the paper's AlexNet has 26.39 %: .1 of .3361 above .1639, so at .2 - .1 * .1 / .3361
    assert (
        "AlexNet (26.4 %) at 0.2, with 16.4 %; by interpolation it would meet it at 0.170" in first
    )
    # eps 3 of 120 is .5 of 20, half-way between .3 and .7; published at eps 3: 64.8
    assert "eps 3 there is 0.50 here" in second
    assert "AlexNet 50 % (70 % at eps 1); ResNet-50 on ImageNet, published: 65 %." in second
    assert training.operating_point(pd.DataFrame(), pd.DataFrame(), (20, 120), 1.0) == ""
    assert training.operating_point(ALONG, pd.DataFrame(), (np.nan, 120), 1.0) == ""


def test_how_shape_bias_moves_along_both_axes():
    assert training.along_both(ALONG, CONTRASTS).splitlines() == [
        "- AlexNet, at eps 0, 1: shape bias 30 → 70 %.",
        "- S, at texture contrast 0.1, 0.2: shape bias 50 → 16 %.",
        "- R trained at eps 2.5, at texture contrast 0.1, 0.2: shape bias 90 → 70 %.",
    ]
    assert training.along_both(pd.DataFrame(), pd.DataFrame()) == ""


@pytest.mark.parametrize("at, value", [(0.5, 0.5), (1, 0.7), (1.5, np.nan)])
def test_between_two_rows_it_is_a_line_and_beyond_them_unknown(at, value):
    assert training.interpolated(ALONG, "eps", "shape_bias", at) == pytest.approx(
        value, nan_ok=True
    )


ABOUT = {"network": "A-R", "architecture": "A", "training": "robust", "seed": 0, "confidence": 1.0}


def decided() -> pd.DataFrame:
    """Ten stimuli of cats: seven in dog's texture are called dogs, two are cats, one an oven."""
    said = ["dog"] * 7 + ["cat"] * 2 + ["oven"]
    textures = ["dog"] * 7 + ["bear", "car", "boat"]
    names = [f"cat{i}-{t}{i}.png" for i, t in enumerate(textures)]
    return pd.DataFrame({"imagename": names, "object_response": said}).assign(**ABOUT)


def test_favourite_answers_are_counted():
    text = cue_conflict.favourites(response_counts(decided()))
    assert text.startswith(
        "- A-R says dog most, 7 times in 10 (70.0%), and airplane least, 0 times."
    )
    assert "6.2%" in text
    assert cue_conflict.favourites(response_counts(decided()).iloc[:0]) == ""


@pytest.mark.parametrize("n, rank", [(1, 1), (2, 0.75), (16, 0.211295), (11, 0.274534)])
def test_the_reciprocal_rank_by_chance(n, rank):
    assert cue_conflict.rank_by_chance(n) == pytest.approx(rank, abs=1e-6)


def test_the_textures_that_are_still_read_are_named_by_their_owners_and_as_they_are_called():
    table, plain = by_texture(decided()), pd.DataFrame({"imagename": []})
    text = cue_conflict.still_read(table, plain)
    assert text.startswith("- Of the 7 texture decisions of A-R, 100% come from 4 of 4 textures: ")
    assert "those of dog (7)" in text
    known = pd.DataFrame({"texture_category": ["dog"], "texture": ["striped"]})
    assert "those of dog, striped (7)" in cue_conflict.still_read(table, known)
    assert cue_conflict.still_read(table, plain, training="standard") == ""


def test_shape_bias_stands_with_the_share_of_images_that_it_rests_on():
    bias = pd.DataFrame(
        {"network": "A0", "architecture": "A", "training": "untrained", "shape_bias": [0.2, 0.6],
         "shape": [1, 6], "texture": [4, 4], "n": 100}
    )  # fmt: skip
    (row,) = cue_conflict.coverage(bias).to_dict("records")
    assert list(row.values()) == [20.0, 60.0, 7.5, 2, 100]
