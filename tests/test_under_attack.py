"""Accuracy under several budgets: whom the attacks spare, on which images, on which scale."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from shapebias_utils import results
from shapebias_utils.attacks import Attack
from shapebias_utils.datasets import Dataset, ImageSet, get_dataset
from shapebias_utils.datasets.image_folders import labelled_images
from shapebias_utils.datasets.imagenet_c import LABELLED
from shapebias_utils.measures import predictions, robustness
from shapebias_utils.measures.evidence import correctly_labelled, training
from shapebias_utils.networks import Network
from shapebias_utils.paths import ROOT

SAMPLES = ROOT.parent / "shared" / "data" / "imagenet_samples"
ATTACK = Attack(eps=1.0, step_size=0.25, steps=10)
MARGINS = [-0.05, 0.02, 0.08, 0.14, 0.3, 0.3, 0.02, -0.05]
"""How much lighter the half is that is the label's: wrong where below 0."""


class Halves(nn.Module):
    """Class 0 where the right half is lighter. Of 3x8x8 pixels, a margin m is gone at eps 6.9 m."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x):
        left, right = x[..., :4].mean((1, 2, 3)), x[..., 4:].mean((1, 2, 3))
        return 50 * self.weight * torch.stack([right - left, left - right], 1)


TWO = {"dataset": "pictograms", "n_classes": 2, "architecture": "AlexNet",
       "category_classes": {"airplane": (0,), "bear": (1,)}}  # fmt: skip
S = Network("Plain", Halves, **TWO)
R = Network("Plain-R", Halves, training="robust", **TWO)
PARTS = {"all images": "index >= 0", "first": "index < 6", "rest": "index >= 6"}


def images() -> ImageSet:
    pixels = torch.full((8, 3, 8, 8), 0.4)
    for i, margin in enumerate(MARGINS):
        half = slice(4, 8) if i % 2 == 0 else slice(0, 4)
        pixels[i, ..., half] += margin
    table = pd.DataFrame(
        {"imagename": [f"{i}.png" for i in range(8)], "category": "", "label": [0, 1] * 4}
    )
    return ImageSet("halves", table, lambda rows: pixels[list(rows)], "digest")


@pytest.fixture
def attacked(tmp_path, monkeypatch):
    """How many images each attack met: a list of (eps, steps, images)."""
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    met, plain = [], predictions.responses

    def responses(network, images, *, attack=None, batch_size=64):
        if attack:
            met.append((attack.eps, attack.steps, len(images)))
        return plain(network, images, attack=attack, batch_size=batch_size)

    responses.__module__ = plain.__module__
    monkeypatch.setattr(robustness, "responses", responses)
    return met


def test_who_is_wrong_is_spared_and_the_accuracy_is_that_of_attacking_all(attacked):
    budgets = [ATTACK.scaled(eps) for eps in (1.0, 0.25)]
    trials = robustness.under_attack([S], images(), budgets)
    right = trials.groupby("eps")["correct"].sum()
    # eps / 6.93: .036 takes the margins of .02, .144 those up to .14
    assert right.to_dict() == {0: 6, 0.25: 4, 1: 2}
    assert attacked == [(0.25, 3, 6), (0.25, 10, 4), (1, 3, 4), (1, 10, 2)]
    assert list(trials["eps"].unique()) == [0, 0.25, 1], "the weakest first"
    plainly = predictions.collect([S], images(), (None, *budgets))
    assert plainly.groupby("eps")["correct"].sum().to_dict() == right.to_dict()
    assert set(plainly.columns) == set(trials.columns)
    spared = trials[(trials["imagename"] == "0.png")]
    assert spared["prediction"].nunique() == 1 and not spared["correct"].any()


def test_what_cannot_be_attacked_in_order_is_refused(attacked):
    with pytest.raises(ValueError, match="several constraints"):
        robustness.under_attack([S], images(), [ATTACK, replace(ATTACK, constraint="inf")])
    with pytest.raises(ValueError, match="no networks"):
        robustness.under_attack([], images(), [ATTACK])


@pytest.mark.parametrize(
    "subsets, n, rows",
    [
        (PARTS, 4, [0, 5, 6, 7]),
        (PARTS, 0, range(8)),
        (PARTS, 100, range(8)),
        (PARTS, 6, [0, 2, 5, 6, 7]),  # the rest are two only
        ({"all images": "index >= 0"}, 3, [0, 3, 7]),
        ({}, 2, [0, 7]),
    ],
)
def test_as_many_of_each_part_evenly_spread(subsets, n, rows):
    found = robustness.evenly(images(), subsets, n)
    assert found.table["imagename"].tolist() == [f"{i}.png" for i in rows]


def test_budgets_are_those_of_evaluation_and_of_training():
    assert [a.eps for a in robustness.budgets(get_dataset("pictograms"))] == [1, 2.5]
    assert [a.eps for a in robustness.budgets(get_dataset("imagenet"))] == [3]
    own = Dataset("d", "", 8, 2, {}, None, ATTACK, ())
    assert robustness.budgets(own) == (ATTACK,)


def test_the_distance_between_classes_is_the_median_over_pairs_of_two_classes():
    def grey(values, labels):
        pixels = torch.tensor(values)[:, None, None, None].expand(-1, 3, 2, 2)
        table = pd.DataFrame({"imagename": [str(i) for i in range(len(values))], "label": labels})
        return ImageSet("grey", table, lambda rows: pixels[list(rows)], "")

    # 12 values an image; of two classes are 0-.5, 0-.9, .1-.5, .1-.9
    found = robustness.class_distance(grey([0.0, 0.1, 0.5, 0.9], [0, 0, 1, 1]))
    assert found == pytest.approx(np.median([0.5, 0.9, 0.4, 0.8]) * 12**0.5)
    assert np.isnan(robustness.class_distance(grey([0.0, 0.1], [3, 3])))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no photographs at {SAMPLES}")
def test_the_distance_of_imagenet_is_that_of_its_photographs(tmp_path: Path):
    labels = pd.read_csv(SAMPLES / "labels.csv")
    csv = tmp_path / "labels.csv"
    labels.rename(columns={"filename": "imagename", "imagenet_index": "label"}).to_csv(csv)
    photographs = labelled_images(SAMPLES, csv, "validation", resize=256, **LABELLED)
    found = robustness.class_distance(photographs)
    assert found == pytest.approx(robustness.IMAGENET_DISTANCE, abs=0.05)


def test_accuracies_are_observed_by_part_and_budget(attacked):
    recipe = type("Recipe", (), {"attack": replace(ATTACK, eps=2.0)})
    data = Dataset("pictograms", "", 8, 2, TWO["category_classes"], lambda split: images(), ATTACK,
                   (), PARTS)  # fmt: skip
    data = replace(data, recipes=lambda: {"AlexNet": {"robust": recipe}})
    found = training.observations([S, R], data, images=0)
    means = found[found["network"] == "Plain"].groupby("quantity", sort=False)["value"].sum()
    assert means["accuracy, clean: all images"] == 6
    assert means["accuracy, adversarial: first"] == 2
    assert means["accuracy, adversarial at the eps of training: all images"] == 2
    assert (found["chance"] == 0.5).all() and (found["weight"] == 1).all()
    kept = correctly_labelled.observations([S, R], data, images=0)
    own = kept[kept["network"] == "Plain-R"].set_index(["quantity", "unit"])["value"]
    quantity = "accuracy, adversarial: correctly labelled"
    assert sorted(own[quantity].index) == [f"{i}.png" for i in range(1, 7)]
    assert own[quantity].sum() == 2


def test_kept_are_images_that_s_and_r_of_one_seed_label_correctly_the_controls_too():
    rows = [
        (training_, seed, name, 0.0, correct)
        for training_, seed, right in (
            ("standard", 0, "ab"), ("robust", 0, "bc"), ("control", 0, ""), ("standard", 1, "c"),
            ("robust", 1, "c"),
        )
        for name in "abc"
        for correct in [name in right]
    ]  # fmt: skip
    columns = ["training", "seed", "imagename", "eps", "correct"]
    trials = pd.DataFrame(rows, columns=columns).assign(architecture="AlexNet")
    trials = pd.concat([trials, trials.assign(eps=1.0, correct=False)])
    kept = correctly_labelled.kept(trials)
    found = set(kept[["training", "seed", "imagename"]].itertuples(index=False, name=None))
    assert found == {("standard", 0, "b"), ("robust", 0, "b"), ("control", 0, "b"),
                     ("standard", 1, "c"), ("robust", 1, "c")}  # fmt: skip
    assert len(kept) == 10, "clean and attacked"
    alone = trials[trials["training"] == "standard"]
    assert correctly_labelled.kept(alone).empty
