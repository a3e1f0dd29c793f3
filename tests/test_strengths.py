"""Strengths of noise and penalties: what they cost in clean accuracy, and what was chosen by it."""

from dataclasses import replace

import pandas as pd
import pytest

from shapebias_utils import results
from shapebias_utils.datasets import get_dataset
from shapebias_utils.networks import get_network
from shapebias_utils.results import stored
from shapebias_utils.tables import routes as tables
from shapebias_utils.training import strengths as module
from shapebias_utils.training.recipes import recipe_of
from shapebias_utils.training.strengths import COSTS, SWEPT, strengths

DATA = get_dataset("pictograms")


@pytest.fixture
def swept(tmp_path, monkeypatch):
    """Two strengths of one field; the accuracies are made, and who was trained is noted."""
    right = {"AlexNet-control": 80, "AlexNet-R": 40, "noise-0.1": 70, "noise-0.2": 55}
    trained = []

    def collect(networks, images):
        (name,) = (n.name for n in networks)
        n = len(images)
        return pd.DataFrame({"correct": [i < n * right[name] / 100 for i in range(n)]})

    def train(build, images, recipe, path, seed, start, label):
        trained.append((label, recipe.noise, start))

    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(module, "collect", collect)
    monkeypatch.setattr(module, "train", train)
    monkeypatch.setattr(module, "SWEPT", {"noise": (0.1, 0.2)})
    return trained


def test_costs_are_shares_of_what_r_costs_and_only_new_strengths_are_trained(swept, monkeypatch):
    table = strengths(DATA)
    start = get_network("AlexNet", "pictograms").path()
    assert swept == [("noise-0.1", 0.1, start), ("noise-0.2", 0.2, start)]
    assert table["field"].tolist() == ["", "attack", "noise", "noise"]
    assert table["clean"].tolist() == [0.8, 0.4, 0.7, 0.55]
    assert table["cost"].tolist() == [0, 1, 0.25, 0.625]
    strengths(DATA)
    assert len(swept) == 2, "kept is kept"
    monkeypatch.setattr(module, "SWEPT", {"noise": (0.1, 0.3, 0.2)})
    with pytest.raises(KeyError, match=r"noise-0\.3"):
        strengths(DATA)
    assert [label for label, *_ in swept] == ["noise-0.1", "noise-0.2", "noise-0.3"]


def test_what_is_tried_differs_from_the_control_in_one_field():
    control = recipe_of(DATA, "AlexNet", "control")
    for regime in COSTS:
        recipe = recipe_of(DATA, "AlexNet", regime)
        (field,) = (f for f in SWEPT if getattr(recipe, f))
        assert replace(recipe, **{field: 0.0}) == control
        assert getattr(recipe, field) in SWEPT[field]


def test_the_table_says_which_regime_took_a_strength():
    kept = pd.DataFrame(
        {"field": [None, "noise", "noise"], "strength": [0.0, 0.125, 0.29],
         "clean": [0.8, 0.7, 0.4], "cost": [0.0, 0.25, 1.0]}
    )  # fmt: skip
    table = tables.strengths(kept, DATA)
    assert table.index.tolist() == [("control", "0"), ("noise", "0.125"), ("noise", "0.29")]
    assert table["of R's cost"].tolist() == ["0%", "25%", "100%"]
    assert table["regime"].tolist() == ["", "", "noise"]
    assert tables.strengths(pd.DataFrame(), DATA).empty


def test_the_recipes_strengths_are_those_whose_costs_are_nearest_to_what_was_wanted():
    kept = stored("pictograms", "strengths")
    for regime, cost in COSTS.items():
        recipe = recipe_of(DATA, "AlexNet", regime)
        (field,) = (f for f in SWEPT if getattr(recipe, f))
        tried = kept[kept["field"] == field].set_index("strength")["cost"]
        assert (tried - cost).abs().idxmin() == getattr(recipe, field), regime
