"""S and R on distorted images: who is counted, with which interval, beside the paper's numbers."""

import numpy as np
import pandas as pd
import pytest

from shapebias_utils.datasets import Dataset, ImageSet
from shapebias_utils.distortions import distort, get_distortion
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

    def collect(networks, images, attacks=(None,)):
        shown.append(images)
        made = [trials(n, [1] * len(images), list(images.table["imagename"])) for n in networks]
        return pd.concat(made).drop(columns=["distortion", "level", "said"])

    monkeypatch.setattr(measure, "collect", collect)
    return shown


SUBSET = {"AlexNet": pd.Index(["dog1.png", "cat1.png", "tree1.png"])}


def test_both_of_a_pair_see_their_subset_at_every_level_asked_for(collected):
    levels = {"scramble": (2, 4), "noise": (0.08,)}
    table = measure.on_distorted(PAIRS, DATA, image_set(), SUBSET, levels)
    assert [images.name for images in collected] == [
        f"few-CL3-AlexNet-AlexNet-R-{d}" for d in ("scramble-2", "scramble-4", "noise-0.08")
    ]
    assert all(i.table["imagename"].tolist() == ["cat1.png", "dog1.png", "tree1.png"]
               for i in collected)  # fmt: skip
    assert table.groupby(["network", "distortion", "level"]).size().tolist() == [3] * 6
    assert set(table["said"]) == {"cat"} and not table["correct"].any(), "the class is another"


def test_silhouettes_are_right_if_the_class_belongs_to_the_category(collected):
    own = Dataset("d", "", 8, 4, TWO, None, None, (), renditions={"silhouette": lambda i, level: i})
    for given in ({"levels": {"silhouette": (1,)}},
                  {"levels": {"grey_contrast": (0.3,)}, "after": "silhouette"}):  # fmt: skip
        table = measure.on_distorted(PAIRS, own, image_set(), SUBSET, **given)
        assert table["imagename"].tolist() == ["cat1.png", "dog1.png"] * 2, "the tree has none"
        assert table["correct"].tolist() == [True, False] * 2
    assert collected[-1].name.endswith("-silhouette-1-grey_contrast-0.3")


def test_one_distortion_after_another(collected):
    measure.on_distorted(PAIRS, DATA, image_set(), SUBSET, {"greyscale": (1,)}, after="saturation")
    (images,) = collected
    original = image_set().load([0])[0].permute(1, 2, 0).numpy()
    first = distort(original, "saturation", get_distortion("saturation").levels[0])
    wanted = distort(first, "greyscale", 1)
    assert (images.load([0])[0].permute(1, 2, 0).numpy() == wanted).all()


@pytest.mark.parametrize("pairs, subset", [([], {}), (PAIRS, {"AlexNet": pd.Index([])})])
def test_without_a_pair_or_an_image_the_table_is_empty(collected, pairs, subset):
    table = measure.on_distorted(pairs, DATA, image_set(), subset, {"noise": (0.08,)})
    assert table.empty and measure.accuracy(table, ["level"]).empty
    assert not collected


@pytest.mark.parametrize("n, wanted", [(0, "abcdefg"), (9, "abcdefg"), (3, "adg"), (1, "a")])
def test_at_most_so_many_images_evenly_spread(n, wanted):
    found = measure.at_most({"AlexNet": pd.Index(list("abcdefg"))}, n)
    assert "".join(found["AlexNet"]) == wanted


def test_images_as_they_are_and_attacked():
    clean, attacked = trials(S, [0, 0, 2, 2, 3]), trials(S, [3, 2, 2, 2, 3]).assign(eps=1.0)
    given = pd.concat([clean, attacked]).drop(columns=["distortion", "level", "said"])
    table = measure.undistorted(given, PAIRS, SUBSET)
    assert table["distortion"].tolist() == ["real"] * 3 + ["adversarial"] * 3
    assert table["said"].tolist() == ["cat", "dog", "class 3", "class 3", "dog", "class 3"]


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


def test_table3_has_a_row_a_network_and_a_column_a_distortion():
    given = pd.concat([trials(n, [0, 0, 2, 0, 0], distortion=d)
                       for n in (S, R) for d in ("real", "black_and_white_untraced")])  # fmt: skip
    table = tables.table3(measure.accuracy(given))
    assert table.index.tolist() == ["AlexNet", "AlexNet-R"]
    assert table.columns.tolist() == ["Real", "B&W (untraced)"]
    assert table.iloc[0, 0] == "60.0 [23.1, 88.2]"


def test_the_papers_numbers_stand_beside_ours():
    given = leads(adversarial=(0.1, 0.3), silhouette_white=(-0.1, 0.3), noise=(0, 0.1))
    table = tables.table3_against_paper(given)
    assert table.loc[("Adversarial", "AlexNet")].tolist() == [
        "60.0", "30.0", "20.0 [10.0, 30.0]", 0.18, 22.27, 22.09,
    ]  # fmt: skip
    paper = table.loc[("Silhouette, white on black", "AlexNet")][["paper S", "paper R"]]
    assert paper.tolist() == [7.72, 9.30]
    assert table.loc[("Noise", "AlexNet")][["paper S", "paper R"]].isna().all()


def test_who_is_ahead_is_said_with_the_papers_own_numbers():
    text = tables.table3_verdicts(
        leads(real=(0, 0), scramble=(-0.4, -0.2), stylized=(-0.1, 0.1), silhouette=(0.1, 0.2))
    )
    assert text.splitlines() == [
        "- **Scrambled**: R is behind S for AlexNet; paper: R is behind S for AlexNet, "
        "GoogLeNet and ResNet. S is 2.00 times as accurate as R; paper: 2.04, 1.60, 1.68.",
        "- **Stylized**: no clear difference for AlexNet; paper: R is ahead of S for AlexNet and "
        "ResNet, R is behind S for GoogLeNet.",
        "- **Silhouette**: R is ahead of S for AlexNet.",
    ]
    assert tables.table3_verdicts(leads()).startswith("There is no S/R pair")


def test_a_network_that_is_never_right_makes_no_ratio():
    none = leads(scramble=(0.2, 0.4)).assign(S=0.0, R=0.0)
    assert "S is – times as accurate as R; paper: 2.04" in tables.table3_verdicts(none)


def test_what_is_left_out_is_listed_with_its_remedy():
    subset = {"AlexNet": pd.Index(list("abc"))}
    text = tables.subset_sentences(subset, {"AlexNet": subset["AlexNet"][:2]}, {})
    assert text == "Correctly labelled by S and by R, and shown here: AlexNet 3, 2"
    lines = tables.subset_sentences({}, {}, {"silhouette": "no weights: fetch them"}).splitlines()
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
