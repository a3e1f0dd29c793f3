"""S and R on distorted images: who is counted, with which interval, beside the paper's numbers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shapebias_utils.datasets import Dataset, ImageSet
from shapebias_utils.distortions import distort
from shapebias_utils.measures import distorted as measure
from shapebias_utils.measures.schema import OBSERVER
from shapebias_utils.measures.statistics import wilson_interval
from shapebias_utils.networks import Network
from shapebias_utils.results import reported
from shapebias_utils.tables import distortions as tables

TWO = {"cat": (0, 1), "dog": (2,)}  # class 3 has no category
FACTS = {"architecture": "AlexNet", "category_classes": TWO, "n_classes": 4}
S = Network("AlexNet", None, **FACTS)
R = Network("AlexNet-R", None, training="robust", **FACTS)
PAIRS = [(S, R)]
NAMES = ["cat1.png", "cat2.png", "dog1.png", "dog2.png", "tree1.png"]
DATA = Dataset("d", "", 8, 4, TWO, None, None, ())


def image_set(names=NAMES) -> ImageSet:
    import torch

    category = [n[:3] if n[:3] in TWO else "" for n in names]
    label = [{"cat": 0, "dog": 2, "": 3}[c] for c in category]
    table = pd.DataFrame({"imagename": names, "category": category, "label": label})
    pixels = torch.rand(len(names), 3, 8, 8, generator=torch.Generator().manual_seed(0))
    return ImageSet("few", table, lambda rows: pixels[list(rows)], "digest")


def trials(network: Network, said, names=NAMES, distortion="noise", level=1, confidence=None):
    """Trials of which `said` gives the predicted classes."""
    images = image_set(names).table
    return images.assign(
        network=network.name,
        architecture=network.architecture,
        training=network.training,
        seed=0,
        prediction=said,
        correct=np.array(said) == images["label"],
        confidence=confidence or np.linspace(0.9, 0.5, len(names)),
        eps=0.0,
        distortion=distortion,
        level=level,
        said=[{0: "cat", 1: "cat", 2: "dog", 3: "class 3"}[i] for i in said],
    )


@pytest.fixture
def collected(monkeypatch):
    """Stands in for networks: they say class 1 of every image; what they were shown is kept."""
    shown = []

    def collect_each(networks, sets, by):
        shown.extend(sets.values())
        made = [
            trials(n, [1] * len(images), list(images.table["imagename"])).assign(
                distortion=name, level=level
            )
            for (name, level), images in sets.items()
            for n in networks
        ]
        return pd.concat(made, ignore_index=True).drop(columns="said")

    monkeypatch.setattr(measure, "collect_each", collect_each)
    return shown


def test_silhouettes_are_right_if_the_class_belongs_to_the_category(collected):
    data = replace(DATA, renditions={"silhouette": lambda images, level: images})
    table = measure.of_all([S, R], data, image_set(), {"silhouette": (1,)})
    real, drawn = (table[table["distortion"] == d] for d in ("real", "silhouette"))
    assert drawn["imagename"].tolist() == NAMES[:4] * 2, "the tree has no category"
    assert drawn["correct"].tolist() == [True, True, False, False] * 2
    assert len(real) == 10 and not real["correct"].any(), "the class is another"
    assert set(table["said"]) == {"cat"}


def test_a_class_without_a_category_is_said_by_its_number(monkeypatch):
    given = trials(S, [3, 0, 2, 1, 3]).drop(columns="said")
    monkeypatch.setattr(measure, "collect_each", lambda networks, sets, by: given)
    said = measure.of_all([S], DATA, image_set(), {})["said"].tolist()
    assert said == ["class 3", "cat", "dog", "cat", "class 3"]


def test_all_networks_answer_to_all_images_as_they_are_and_distorted(collected):
    levels = {"scramble": (2, 4), "noise": (0.08,)}
    table = measure.of_all([S, R], DATA, image_set(), levels)
    kinds = [("real", 1), ("scramble", 2), ("scramble", 4), ("noise", 0.08)]
    assert list(dict.fromkeys(zip(table["distortion"], table["level"], strict=True))) == kinds
    assert table.groupby(["network", "distortion", "level"]).size().tolist() == [5] * 8
    attacked = trials(S, [0] * 5).assign(eps=1.0).drop(columns="distortion")
    more = pd.concat([attacked, attacked.iloc[:1].assign(imagename="another.png")])
    both = measure.with_attacked(table, more)
    assert list(dict.fromkeys(both["distortion"])) == ["real", "adversarial", "scramble", "noise"]
    assert (both["distortion"] == "adversarial").sum() == 5, "of these images alone"


def test_contrast_of_silhouettes_is_measured_in_both_polarities_and_own_colours(collected):
    import torch

    disc = torch.zeros(5, 3, 8, 8)
    disc[..., 2:6, 2:6] = 1
    own = 0.4 + 0.2 * disc * torch.tensor([1.0, 1.0, -1.0])[:, None, None]

    def shown(pixels):
        return lambda images, level: replace(images, load=lambda rows: pixels[list(rows)] * 1.0)

    renditions = {
        "silhouette": shown(1 - disc),
        "silhouette_white": shown(disc),
        "silhouette_low": lambda images, level: replace(
            images, load=lambda rows: 0.4 + level * (own[list(rows)] - 0.4)
        ),
    }
    data = replace(DATA, renditions=renditions)
    table = measure.by_contrast([S], data, image_set(), (1.0, 0.5), (2, 1))
    found = table.set_index(["polarity", "level"])
    assert found["contrast"].to_dict() == pytest.approx({
        ("black on white", 1): 1, ("black on white", 0.5): 0.5, ("white on black", 1): 1,
        ("white on black", 0.5): 0.5, ("own colours", 2): 0.4, ("own colours", 1): 0.2,
    })  # fmt: skip
    assert (found["n"] == 4).all(), "the tree has no category"
    assert found["accuracy"].tolist() == [0.5] * 6, "cat is said of all"
    assert measure.by_contrast([S], replace(DATA, renditions={}), image_set()).empty


# --- accuracy, and its interval -------------------------------------------------------------------


def test_with_one_level_the_interval_is_wilsons():
    names = [f"cat{i}.png" for i in range(40)]
    table = measure.accuracy(trials(S, [0] * 13 + [2] * 27, names))
    (row,) = table.to_dict("records")
    assert list(table.columns) == [*OBSERVER, "distortion", "accuracy", "low", "high", "n"]
    assert (row["accuracy"], row["n"]) == (13 / 40, 40)
    assert (row["low"], row["high"]) == pytest.approx(wilson_interval(13, 40))


@pytest.mark.parametrize("right", [0, 40])
def test_the_interval_of_none_and_of_all_is_wilsons_too(right):
    names = [f"cat{i}.png" for i in range(40)]
    (row,) = measure.accuracy(trials(S, [0] * right + [2] * (40 - right), names)).itertuples()
    assert (row.low, row.high) == pytest.approx(wilson_interval(right, 40))


def test_levels_of_an_image_that_go_together_count_as_one():
    """Three levels that all agree say no more than one; independent ones say more."""
    rng, names = np.random.default_rng(0), [f"cat{i}.png" for i in range(600)]
    alike = rng.integers(0, 2, 600) * 2
    same = pd.concat([trials(S, alike, names, level=p) for p in (2, 4, 8)])
    other = pd.concat([trials(S, rng.integers(0, 2, 600) * 2, names, level=p) for p in (2, 4, 8)])
    one, (all_alike,), (free,) = (
        measure.accuracy(trials(S, alike, names)).iloc[0],
        measure.accuracy(same).itertuples(),
        measure.accuracy(other).itertuples(),
    )
    assert (all_alike.low, all_alike.high, all_alike.n) == pytest.approx(
        (one["low"], one["high"], 600)
    )
    ratio = (free.high - free.low) / (one["high"] - one["low"])
    assert ratio == pytest.approx(3**-0.5, rel=0.08)


def test_differences_are_of_the_same_images_in_pairs():
    names = [f"cat{i}.png" for i in range(4)]
    both = pd.concat([trials(S, [0, 0, 0, 2], names), trials(R, [0, 2, 2, 0], names)])
    (row,) = measure.differences(both, PAIRS).to_dict("records")
    change = np.array([0, -1, -1, 1])
    half = 1.96 * change.std(ddof=1) / 2
    assert (row["S"], row["R"], row["difference"], row["n"]) == (0.75, 0.5, -0.25, 4)
    assert (row["low"], row["high"]) == pytest.approx((-0.25 - half, -0.25 + half))


def test_who_alone_is_right_the_surest_first():
    names = ["cat1.png", "cat2.png", "dog1.png", "dog2.png"]
    s = trials(S, [0, 0, 2, 0], names, "scramble", 4, [0.5, 0.9, 0.7, 0.9])
    r = trials(R, [2, 2, 2, 2], names, "scramble", 4, [0.9, 0.9, 0.9, 0.6])
    elsewhere = trials(S, [0, 0, 0, 0], names, "scramble", 2)
    table = measure.only_one_right(pd.concat([s, r, elsewhere]), PAIRS, "scramble", 4)
    assert table[["imagename", "right", "confidence"]].to_numpy().tolist() == [
        ["cat2.png", "S", 0.9], ["dog2.png", "R", 0.6], ["cat1.png", "S", 0.5],
    ]  # fmt: skip
    assert measure.only_one_right(s, [], "scramble", 4).empty


def test_examples_show_each_image_at_every_level_and_one_of_a_category():
    names = ["cat1.png", "cat2.png", "dog1.png"]
    given = [
        trials(network, said, names, distortion, level)
        for network, said in ((S, [0, 0, 2]), (R, [2, 2, 0]))
        for distortion, level in (("real", 1), ("scramble", 2), ("scramble", 4), ("noise", 1))
    ]
    table = measure.examples(pd.concat(given), PAIRS, "scramble", 4)
    assert table["imagename"].tolist() == ["cat1.png"] * 3 + ["dog1.png"] * 3
    assert table["level"].tolist() == [1, 2, 4] * 2
    assert table["said_standard"].tolist() == ["cat"] * 3 + ["dog"] * 3
    assert table["said_robust"].tolist() == ["dog"] * 3 + ["cat"] * 3


def test_the_contact_sheet_has_the_first_common_image_of_each_category():
    subset = {
        "A": pd.Index(NAMES),
        "B": pd.Index(["cat2.png", "dog1.png", "dog2.png", "tree1.png"]),
    }
    sheet = measure.contact_sheet(image_set(), subset, {"noise": 0.08, "scramble": 4})
    assert sheet["imagename"].tolist() == ["cat2.png"] * 3 + ["dog1.png"] * 3
    assert sheet["distortion"].tolist() == ["real", "noise", "scramble"] * 2
    assert len(measure.contact_sheet(image_set(), {}, {})) == 2, "without pairs, of all images"


def test_pictures_are_those_that_the_rows_name():
    images = image_set()
    rows = [("dog1.png", "real", 1), ("cat1.png", "scramble", 2), ("dog1.png", "scramble", 2.0)]
    found = measure.pictures(
        DATA, images, pd.DataFrame(rows, columns=["imagename", "distortion", "level"])
    )
    originals = {n: images.load([images.row(n)])[0].numpy() for n in NAMES}
    assert (found[0] == originals["dog1.png"]).all()
    for picture, name in zip(found[1:], ("cat1.png", "dog1.png"), strict=True):
        wanted = distort(originals[name].transpose(1, 2, 0), "scramble", 2, name)
        assert (picture.transpose(1, 2, 0) == wanted).all()


# --- for readers ----------------------------------------------------------------------------------


def leads(**intervals) -> pd.DataFrame:
    """Differences of AlexNet on each distortion with this interval."""
    columns = ["architecture", "distortion", "S", "R", "difference", "low", "high", "n"]
    return pd.DataFrame(
        [["AlexNet", d, 0.6, 0.3, (low + high) / 2, low, high, 100]
         for d, (low, high) in intervals.items()],
        columns=columns,
    )  # fmt: skip


def test_table3_has_a_row_a_distortion_and_architecture_and_a_column_a_training():
    control = Network("AlexNet-control", None, training="control", **FACTS)
    given = pd.concat([trials(n, said, distortion=d)
                       for n, said in ((S, [0, 0, 2, 0, 0]), (R, [0, 0, 2, 2, 3]))
                       for d in ("real", "black_and_white_untraced")]
                      + [trials(control, [0] * 5, distortion="real")])  # fmt: skip
    table = tables.table3(measure.accuracy(given))
    assert table.index.tolist() == [("Real", "AlexNet"), ("B&W (untraced)", "AlexNet")]
    assert table.columns.tolist() == ["S", "control", "R", "n", "paper S", "paper R"]
    assert table.iloc[0][["S", "n"]].tolist() == ["60.0 [23.1, 88.2]", 5]
    assert table.iloc[0]["control"].startswith("40.0") and pd.isna(table.iloc[1]["control"])
    assert table["paper S"].tolist() == [100, 20.08] and table["paper R"].tolist() == [100, 35.25]


def test_accuracies_over_seeds_are_those_behind_the_effects():
    row = {"quantity": "accuracy: flat", "architecture": "AlexNet", "training": "robust",
           "value": 0.6, "value_low": 0.5, "value_high": 0.7, "n": 770, "seeds": 3}  # fmt: skip
    versus = {"standard": 0.3, "control": 0.35}
    effects = pd.DataFrame(
        [row | {"against": a, "versus": v, "versus_low": v - 0.1, "versus_high": v + 0.1}
         for a, v in versus.items()]
        + [row | {"quantity": "accuracy, correctly labelled: flat", "against": "standard",
                  "versus": 0, "versus_low": 0, "versus_high": 0}]
    )  # fmt: skip
    table = tables.over_seeds(effects, pd.DataFrame())
    assert table.index.tolist() == [("No texture", "AlexNet")]
    assert table.iloc[0].to_dict() == {
        "S": "30.0 [20.0, 40.0]", "control": "35.0 [25.0, 45.0]", "R": "60.0 [50.0, 70.0]",
        "n": 770, "seeds": 3,
    }  # fmt: skip
    levels = pd.DataFrame({"quantity": "accuracy: flat", "architecture": "AlexNet",
                           "training": ["standard", "robust"], "sd": [0.02, 0.031]})  # fmt: skip
    row = tables.over_seeds(effects, levels).iloc[0]
    assert row["S"] == "30.0 ± 2.0 [20.0, 40.0]" and row["R"] == "60.0 ± 3.1 [50.0, 70.0]"
    alone = effects.assign(seeds=1)
    assert tables.over_seeds(alone, levels).empty, "one seed is what Table 3 shows"


def test_the_conclusion_says_where_r_leads_and_in_how_many_comparisons():
    rows = [("flat", "standard", 0.3, 0.2, 0.4), ("flat", "control", 0.3, 0.2, 0.4),
            ("stylized", "standard", 0.01, -0.1, 0.1), ("scramble", "control", -0.3, -0.4, -0.2),
            ("scramble", "standard", -0.25, -0.4, -0.2)]  # fmt: skip
    columns = ["quantity", "against", "effect", "low", "high"]
    effects = pd.DataFrame(rows, columns=columns).assign(
        architecture="AlexNet", training="robust", p_holm=0.001, chance=0.06, value_low=0.5,
        versus_low=0.5,
    )  # fmt: skip
    effects["quantity"] = "accuracy: " + effects["quantity"]
    other = effects.assign(quantity="accuracy, correctly labelled: flat")
    assert tables.conclusion(pd.concat([effects, other])).split("\n") == [
        "- **No texture**: R less S +30 points (AlexNet); R ahead in 2 and behind in 0 of 2 "
        "comparisons.",
        "- **Stylized**: R less S +1 points (AlexNet); R ahead in 0 and behind in 0 of 1 "
        "comparisons.",
        "- **Scrambled**: R less S -25 points (AlexNet); R ahead in 0 and behind in 2 of 2 "
        "comparisons.",
    ]
    assert tables.conclusion(other) == ""


def test_the_papers_numbers_stand_beside_ours():
    given = leads(adversarial=(0.1, 0.3), silhouette_white=(-0.1, 0.3), noise=(0, 0.1))
    table = tables.table3_against_paper(given)
    assert table.loc[("Adversarial", "AlexNet")].tolist() == [
        "60.0", "30.0", "20.0 [10.0, 30.0]", 0.18, 22.27, 22.09,
    ]  # fmt: skip
    paper = table.loc[("Silhouette, white on black", "AlexNet")][["paper S", "paper R"]]
    assert paper.tolist() == [7.72, 9.30]
    assert table.loc[("Noise", "AlexNet")][["paper S", "paper R"]].isna().all()


def test_how_many_times_as_accurate_s_is_on_scrambled_images_stands_beside_the_papers():
    text = tables.times_as_accurate(leads(real=(0, 0), scramble=(-0.4, -0.2)))
    assert text == (
        "On scrambled images S is 2.00 times as accurate as R (AlexNet); paper: 2.04, 1.60, 1.68."
    )
    assert tables.times_as_accurate(leads(scramble_paper=(0, 0))).startswith("On scrambled")
    assert tables.times_as_accurate(leads(real=(0, 0))) == ""


def test_a_network_that_is_never_right_makes_no_ratio():
    none = leads(scramble=(0.2, 0.4)).assign(S=0.0, R=0.0)
    assert "S is – times as accurate as R (AlexNet); paper: 2.04" in tables.times_as_accurate(none)


def test_what_is_left_out_is_listed_with_its_remedy():
    subset = {"AlexNet": pd.Index(list("abc"))}
    text = tables.subset_sentences(subset, 5, {})
    assert text == "5 images; labelled correctly by S and by R: AlexNet 3."
    lines = tables.subset_sentences({}, 5, {"silhouette": "no weights: fetch them"}).splitlines()
    assert lines[0].startswith("There is no S/R pair among these networks")
    assert lines[2:] == ["*Silhouette* is left out: no weights: fetch them."]


def test_the_papers_table_is_complete_and_repeats_table_1():
    paper = reported("table3_distortions")
    assert (
        len(paper) == 36 and not paper.duplicated(["architecture", "training", "distortion"]).any()
    )
    assert paper["accuracy"].between(0, 100).all()
    keys = ["architecture", "training"]
    table1 = reported("table1_accuracy").set_index(keys)["adversarial"]
    attacked = paper[paper["distortion"] == "adversarial"].set_index(keys)["accuracy"]
    assert (attacked == table1[attacked.index]).all(), "which is what the audit says"
    assert tables.table3_audit().count("\n- **(") == 5
