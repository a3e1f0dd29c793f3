"""Shape bias: shape decisions among those for a cue, on images whose cues conflict."""

import numpy as np
import pandas as pd
import pytest

from shapebias_utils.categories import CATEGORIES
from shapebias_utils.measures.schema import OBSERVER, read_trials
from shapebias_utils.measures.shape_bias import (
    by_pair,
    by_texture,
    confusion,
    disagreements,
    response_counts,
    shape_bias,
)
from shapebias_utils.measures.statistics import bootstrap_interval
from shapebias_utils.networks import Network
from shapebias_utils.paths import ROOT

HUMANS = ROOT / ".." / "shared" / "data" / "trials"
needs_humans = pytest.mark.skipif(not HUMANS.is_dir(), reason=f"no observers' trials in {HUMANS}")

CUES = [(s, t) for s in CATEGORIES for t in CATEGORIES]  # 240 conflicts and 16 without
NAMES = [f"{s}1-{t}1.png" for s, t in CUES]


def trials(responses, names=NAMES, network="A", architecture="AlexNet", training="standard"):
    """Trials of one observer; the confidence falls from image to image."""
    return pd.DataFrame(
        {
            "object_response": list(responses),
            "category": [n.split("1-")[0] for n in names],
            "imagename": names,
            "confidence": np.linspace(0.9, 0.3, len(names)),
            "network": network,
            "architecture": architecture,
            "training": training,
            "seed": 0,
        }
    )


BY_HAND = [
    # image, decision, what it counts as
    ("cat1-dog1.png", "cat", "shape"),
    ("cat2-dog2.png", "cat", "shape"),
    ("dog1-car1.png", "dog", "shape"),
    ("dog1-cat1.png", "cat", "texture"),
    ("car1-dog1.png", "oven", "other"),
    ("car1-cat1.png", "na", "other"),
    ("cat1-cat1.png", "cat", "no conflict"),
    ("dog1-dog1.png", "car", "no conflict"),
]


def test_an_example_by_hand():
    names, responses, _ = zip(*BY_HAND, strict=True)
    table = shape_bias(trials(responses, names))
    (row,) = table.to_dict("records")
    assert list(table.columns) == [*OBSERVER, "shape_bias", "low", "high", "n", "shape", "texture"]
    assert (row["n"], row["shape"], row["texture"]) == (6, 3, 1)
    assert row["shape_bias"] == 3 / 4
    assert 0 <= row["low"] <= 0.75 <= row["high"] <= 1


@pytest.mark.parametrize(
    "who, decide, bias, shape, texture",
    [
        ("always shape", lambda s, t: s, 1.0, 240, 0),
        ("always texture", lambda s, t: t, 0.0, 0, 240),
        ("shape of cats only", lambda s, t: s if s == "cat" else t, 15 / 240, 15, 225),
    ],
)
def test_observers_of_known_bias(who, decide, bias, shape, texture):
    (row,) = shape_bias(trials(decide(s, t) for s, t in CUES)).to_dict("records")
    assert (row["shape_bias"], row["shape"], row["texture"], row["n"]) == (
        bias,
        shape,
        texture,
        240,
    )
    if bias in (0, 1):
        assert row["low"] == row["high"] == bias


def test_who_follows_neither_cue_has_no_bias_but_keeps_its_images():
    neither = [next(c for c in CATEGORIES if c not in cues) for cues in CUES]
    (row,) = shape_bias(trials(neither)).to_dict("records")
    assert np.isnan([row["shape_bias"], row["low"], row["high"]]).all()
    assert (row["n"], row["shape"], row["texture"]) == (240, 0, 0)


@needs_humans
@pytest.mark.parametrize(
    "observer, bias, shape, texture",
    [
        ("subject-01", 0.961717, 829, 33),
        ("subject-02", 0.943809, 907, 54),
        ("subject-03", 0.967308, 1006, 34),
    ],
)
def test_the_three_human_observers(observer, bias, shape, texture):
    table = shape_bias(read_trials(HUMANS)).set_index("network")
    row = table.loc[observer]
    assert round(row["shape_bias"], 6) == bias
    assert (row["shape"], row["texture"], row["n"]) == (shape, texture, 1200)
    assert row["low"] < row["shape_bias"] < row["high"]


def test_the_observers_stay_in_their_order():
    order = ["ResNet", "AlexNet-R", "AlexNet", "mine"]
    table = pd.concat([trials((s for s, _ in CUES), network=n) for n in order])
    assert shape_bias(table)["network"].tolist() == order
    assert list(dict.fromkeys(shape_bias(table, by=["category"])["network"])) == order
    assert list(dict.fromkeys(confusion(table)["network"])) == order


def test_by_category_sums_to_the_pooled_counts():
    rng = np.random.default_rng(4)
    table = pd.concat(
        [trials((rng.choice([*cues, "oven"]) for cues in CUES), network=n) for n in ("B", "A")]
    )
    pooled, by = shape_bias(table).set_index("network"), shape_bias(table, by=["category"])
    assert len(by) == 2 * 16
    counts = ["n", "shape", "texture"]
    sums = by.groupby("network")[counts].sum().loc[pooled.index]
    assert sums.to_numpy().tolist() == pooled[counts].to_numpy().tolist()
    cat = table[(table["network"] == "A") & table["imagename"].str.startswith("cat1-")]
    assert (
        by.set_index(["network", "category"]).loc[("A", "cat"), "shape_bias"]
        == (shape_bias(cat)["shape_bias"].iloc[0])
    )


# --- the interval ---------------------------------------------------------------------------------


def image_by_image(shape: int, texture: int, other: int, draws: int = 1500) -> list[float]:
    """The 95 % percentile interval by drawing n images with replacement, one by one."""
    decided = np.repeat(["shape", "texture", "other"], [shape, texture, other])
    rng, found = np.random.default_rng(11), []
    for _ in range(draws):
        drawn = decided[rng.integers(0, len(decided), len(decided))]
        s, t = (drawn == "shape").sum(), (drawn == "texture").sum()
        if s + t:
            found.append(s / (s + t))
    return np.percentile(found, [2.5, 97.5]).tolist()


@pytest.mark.parametrize("counts", [(300, 700, 200), (829, 33, 338), (5, 20, 30), (12, 12, 0)])
def test_the_interval_is_that_of_resampling_the_images(counts):
    width = np.subtract(*image_by_image(*counts)[::-1])
    found = bootstrap_interval(*counts)
    assert found == pytest.approx(image_by_image(*counts), abs=max(0.08 * width, 1e-9))
    estimate = counts[0] / (counts[0] + counts[1])
    assert found[0] < estimate < found[1]
    assert found == bootstrap_interval(*counts), "the seed is fixed"
    assert found != bootstrap_interval(*counts, seed=1) or sum(counts) < 100


@pytest.mark.parametrize(
    "counts, expected",
    [
        ((0, 0, 9), (np.nan, np.nan)),
        ((0, 0, 0), (np.nan, np.nan)),
        ((7, 0, 3), (1, 1)),
        ((0, 1, 0), (0, 0)),
    ],
)
def test_intervals_at_the_edges(counts, expected):
    assert bootstrap_interval(*counts) == pytest.approx(expected, nan_ok=True)


def test_more_images_narrow_the_interval():
    widths = [np.subtract(*bootstrap_interval(3 * n, 7 * n, n)[::-1]) for n in (10, 40, 160)]
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.15)
    assert widths[1] / widths[2] == pytest.approx(2, rel=0.1)


def test_names_that_do_not_parse_are_named():
    broken = trials(["cat", "dog"], ["cat1-dog1.png", "photo.png"])
    for measure in (shape_bias, confusion):
        with pytest.raises(ValueError, match=r"'photo\.png' does not name two cues"):
            measure(broken)


def test_trials_without_any_conflict_give_an_empty_table():
    same = [f"{c}1-{c}1.png" for c in CATEGORIES]
    for measure in (shape_bias, confusion):
        assert measure(trials(CATEGORIES, same)).empty


# --- what is decided instead ----------------------------------------------------------------------


def test_the_rows_of_the_confusion_sum_to_1_and_count_every_conflict_image():
    rng = np.random.default_rng(2)
    table = confusion(trials(rng.choice([*CATEGORIES, "na"], len(CUES))))
    assert list(table.columns) == [*OBSERVER, "cue", "category", "response", "count", "share"]
    assert table.index.equals(pd.RangeIndex(len(table)))
    for _, own in table.groupby(["cue", "category"]):
        assert own["share"].sum() == pytest.approx(1)
        assert own["count"].sum() == 15
    assert table.groupby("cue")["count"].sum().to_dict() == {"shape": 240, "texture": 240}


def test_the_confusion_of_one_who_always_goes_by_shape_is_a_diagonal():
    table = confusion(trials(s for s, _ in CUES))
    by_shape = table[table["cue"] == "shape"]
    assert (by_shape["category"] == by_shape["response"]).all() and (by_shape["share"] == 1).all()
    by_texture = table[table["cue"] == "texture"]
    assert (by_texture["category"] != by_texture["response"]).all()
    assert by_texture["share"].to_numpy() == pytest.approx(1 / 15)


# --- where S and R disagree -----------------------------------------------------------------------

S = Network("AlexNet", None, architecture="AlexNet")
R = Network("AlexNet-R", None, architecture="AlexNet", training="robust")
COLUMNS = [
    "architecture", "imagename", "shape", "texture", "confidence_standard", "confidence_robust",
]  # fmt: skip


def test_disagreements_by_hand_the_surest_first():
    names = ["cat1-dog1.png", "dog1-car1.png", "car1-oven1.png", "oven1-cat1.png", "cat1-cat1.png"]
    s = trials(["dog", "car", "car", "cat", "cat"], names, "AlexNet")
    r = trials(["cat", "dog", "car", "bear", "cat"], names, "AlexNet-R", training="robust")
    s["confidence"], r["confidence"] = [0.5, 0.6, 0.9, 0.9, 0.9], [0.9, 0.8, 0.9, 0.9, 0.9]
    table = disagreements(pd.concat([s, r]), [(S, R)])
    assert list(table.columns) == COLUMNS
    assert table.to_numpy().tolist() == [
        ["AlexNet", "dog1-car1.png", "dog", "car", 0.6, 0.8],  # .48
        ["AlexNet", "cat1-dog1.png", "cat", "dog", 0.5, 0.9],  # .45
    ]


@pytest.mark.parametrize("pairs", [[], [(S, R)]])
def test_without_disagreement_the_table_is_empty_and_has_its_columns(pairs):
    both = [trials((s for s, _ in CUES), network=n) for n in ("AlexNet", "AlexNet-R")]
    table = disagreements(pd.concat(both), pairs)
    assert table.empty and list(table.columns) == COLUMNS


def test_by_pair_by_texture_and_by_response_by_hand():
    names, responses, _ = zip(*BY_HAND, strict=True)
    table = trials(responses, names)
    leads = by_pair(table).set_index(["shape", "texture"])
    assert leads["lead"].to_dict() == {
        ("cat", "dog"): 1, ("dog", "car"): 1, ("dog", "cat"): -1, ("car", "dog"): 0,
        ("car", "cat"): 0,
    }  # fmt: skip
    assert leads["n"].to_dict()["cat", "dog"] == 2
    bias = by_texture(table).set_index("category")["shape_bias"]
    assert bias["dog"] == 1 and bias["car"] == 1 and bias["cat"] == 0
    counts = response_counts(table).set_index("response")
    assert counts.loc[["cat", "dog", "oven", "bear"], "count"].tolist() == [3, 1, 1, 0]
    assert len(counts) == 16 and counts["share"]["cat"] == 3 / 6  # "na" is no category
