"""The studies that are kept with the repository, and that they fit what the notebooks show."""

import pandas as pd
import pytest

from shapebias_utils import studies
from shapebias_utils.networks import get_network, network_names
from shapebias_utils.paths import ROOT
from shapebias_utils.results import stored

SEEDS = stored("pictograms", "seeds")


def test_all_nine_networks_are_in_the_table_of_seeds():
    assert set(SEEDS["network"]) == set(network_names("pictograms"))
    assert SEEDS["n"].eq(1200).all()
    assert SEEDS["shape_bias"].between(SEEDS["low"], SEEDS["high"]).all()


def test_seed_0_is_what_notebook_03_shows():
    shown = pd.read_csv(ROOT / "figures/pictograms/03_table2_shape_bias.csv").set_index("network")
    kept = SEEDS[SEEDS["seed"] == 0].set_index("network").loc[shown.index]
    assert (kept["shape_bias"] - shown["shape_bias"]).abs().max() < 1e-4


@pytest.mark.parametrize("architecture", ["AlexNet", "GoogLeNet", "ResNet"])
def test_standard_networks_go_by_texture_robust_ones_by_shape_and_controls_stay(architecture):
    mean = SEEDS[SEEDS["architecture"] == architecture].groupby("training").mean(numeric_only=True)
    assert mean.loc["standard", "shape_bias"] <= 0.35
    assert mean.loc["robust", "shape_bias"] >= 0.70
    assert abs(mean.loc["control", "shape_bias"] - mean.loc["standard", "shape_bias"]) < 0.1
    assert mean.loc["robust", "adversarial"] >= 0.7 and mean.loc["standard", "adversarial"] <= 0.2


def test_a_study_of_eps_begins_with_the_standard_network():
    with pytest.raises(ValueError, match="eps must begin with 0"):
        studies.sensitivity(eps=(2.5,))


def test_published_weights_are_not_trained_over():
    with pytest.raises(ValueError, match="published weights"):
        studies.train_network("AlexNet", "imagenet")


def test_shipped_checkpoints_are_those_of_their_cards():
    for name in network_names("pictograms"):
        get_network(name, "pictograms").load()
