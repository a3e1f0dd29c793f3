"""The registry of networks: one record each, found by name; one's own beside those shipped."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from shapebias_utils import networks as registry
from shapebias_utils import results
from shapebias_utils.categories import CATEGORIES
from shapebias_utils.networks import (
    MARKERS,
    TRAINING_COLOURS,
    Network,
    get_network,
    get_networks,
    network_names,
    pairs,
    register,
    register_from,
    training_log,
    with_controls,
)
from shapebias_utils.results import store

ARCHITECTURES = ["AlexNet", "GoogLeNet", "ResNet"]
S_AND_R = [*ARCHITECTURES, *(f"{a}-R" for a in ARCHITECTURES)]
ALL = [*S_AND_R, *(f"{a}-control" for a in ARCHITECTURES)]


@pytest.fixture(autouse=True)
def own(monkeypatch):
    """What a test registers is gone after it."""
    monkeypatch.setattr(registry, "_OWN", {})


def mine(name="Mine", **changes) -> Network:
    return Network(**{"name": name, "build": nn.Identity, "dataset": "pictograms"} | changes)


# --- the records ----------------------------------------------------------------------------------


def test_the_networks_of_pictograms_are_three_architectures_trained_in_three_ways():
    assert sorted(network_names("pictograms")) == sorted(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_record_is_complete_and_consistent(name):
    network = get_network(name, "pictograms")
    architecture, _, suffix = name.partition("-")
    training = {"": "standard", "R": "robust", "control": "control"}[suffix]
    assert (network.name, network.architecture, network.training) == (name, architecture, training)
    assert (network.dataset, network.n_classes, network.seed) == ("pictograms", 16, 0)
    assert network.colour == TRAINING_COLOURS[training] and network.marker == MARKERS[architecture]
    stem = f"{architecture.lower()}_{training}_seed0.safetensors"
    assert network.path().name == stem and network.path().is_absolute()
    assert network.mapping() == {c: (i,) for i, c in enumerate(CATEGORIES)}
    modules = dict(network.build().named_modules())
    counts = {"AlexNet": 5, "GoogLeNet": 12, "ResNet": 5}
    assert len(network.layers) == counts[architecture]
    assert set(network.layers.values()) <= set(modules), "probed layers exist"


def test_s_and_r_differ_in_their_training_only():
    for s, r in pairs(get_networks("pictograms")):
        assert s.build is r.build and s.layers == r.layers and s.marker == r.marker


def test_another_seed_is_the_same_network_from_another_checkpoint():
    network = get_network("ResNet-R", "pictograms", seed=2)
    assert network.path().name == "resnet_robust_seed2.safetensors"
    assert (network.name, network.seed, network.sha256) == ("ResNet-R", 2, None)
    assert [n.seed for n in get_networks("pictograms", seed=1)] == [1] * 6


# --- finding --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names, expected",
    [
        ("", S_AND_R),
        ([], S_AND_R),
        ("ResNet-R", ["ResNet-R"]),
        (" ResNet , AlexNet-R,", ["ResNet", "AlexNet-R"]),
        (["GoogLeNet-control", "AlexNet"], ["GoogLeNet-control", "AlexNet"]),
    ],
)
def test_networks_by_name_in_the_order_asked_for(names, expected):
    found = [n.name for n in get_networks("pictograms", names)]
    assert found == expected if names else sorted(found) == sorted(expected)


def test_an_unknown_name_lists_the_known_ones():
    register(mine())
    with pytest.raises(ValueError, match="unknown network 'VGG' for pictograms") as raised:
        get_networks("pictograms", "AlexNet, VGG")
    for name in [*ALL, "Mine"]:
        assert name in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_unknown_dataset_lists_the_known_ones():
    for call in (lambda: get_network("AlexNet", "cifar"), lambda: register(mine(dataset="cifar"))):
        with pytest.raises(ValueError, match="unknown dataset 'cifar'; choose one of pictograms"):
            call()


# --- one's own ------------------------------------------------------------------------------------


def test_a_registered_network_is_found_by_its_name():
    network = mine()
    assert register(network) is network
    assert get_network("Mine", "pictograms") is network
    assert network_names("pictograms")[-1] == "Mine"
    assert get_networks("pictograms", "AlexNet, Mine")[1] is network
    assert "Mine" in [n.name for n in get_networks("pictograms")], "a standard network of its own"


def test_the_name_of_a_shipped_network_is_refused():
    with pytest.raises(ValueError, match="a network named 'AlexNet-R' exists already; choose"):
        register(mine("AlexNet-R"))
    assert get_network("AlexNet-R", "pictograms").architecture == "AlexNet"


def test_ones_own_can_be_registered_anew_as_when_a_cell_is_run_again():
    register(mine(colour="#111111"))
    register(mine(colour="#222222"))
    assert get_network("Mine", "pictograms").colour == "#222222"
    assert network_names("pictograms").count("Mine") == 1


def test_a_network_without_a_checkpoint_is_used_as_built_and_hashed_by_its_weights():
    def build(fill):
        module = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
        nn.init.constant_(module[0].weight, fill)
        nn.init.zeros_(module[0].bias)
        return module

    network = mine(build=lambda: build(0.5))
    assert network.path() is None
    assert network.checkpoint_hash() == mine("Other", build=lambda: build(0.5)).checkpoint_hash()
    assert network.checkpoint_hash() != mine(build=lambda: build(0.6)).checkpoint_hash()
    module = network.load()
    assert not module.training and not any(p.requires_grad for p in module.parameters())
    x = torch.rand(2, 3, 4, 4)
    assert torch.allclose(module(x), 0.5 * x.sum(1, keepdim=True).expand(-1, 2, -1, -1), atol=1e-4)


def test_ones_own_network_has_one_seed():
    register(mine())
    with pytest.raises(ValueError, match="Mine comes with one set of weights: seed 0, not 1"):
        get_network("Mine", "pictograms", seed=1)
    register(mine("Third", seed=3))
    assert get_network("Third", "pictograms", seed=3).seed == 3


def test_its_own_mapping_goes_before_the_datasets():
    mapping = {c: (i, i + 16) for i, c in enumerate(CATEGORIES)}
    assert mine(category_classes=mapping).mapping() == mapping


OWN = """
from torch import nn
from shapebias_utils.networks import Network, register
for name in ("Second", "First"):
    register(Network(name, nn.Identity, dataset="pictograms"))
"""


def test_a_file_of_ones_own_registers_its_networks_also_when_run_again(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OWN)
    assert register_from(str(path)) == ["Second", "First"]
    assert get_network("First", "pictograms").build is nn.Identity
    assert register_from(str(path)) == ["Second", "First"]
    assert register_from("") == []


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*nowhere\.py that registers networks"):
        register_from(str(tmp_path / "nowhere.py"))


# --- pairs and controls ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names, expected",
    [
        ("", [(a, f"{a}-R") for a in ARCHITECTURES]),
        (
            "ResNet-R, AlexNet, ResNet, AlexNet-R",
            [("AlexNet", "AlexNet-R"), ("ResNet", "ResNet-R")],
        ),
        ("AlexNet, ResNet-R", []),
        ("AlexNet-control, AlexNet-R", []),
        ("AlexNet, AlexNet-control, AlexNet-R", [("AlexNet", "AlexNet-R")]),
    ],
)
def test_pairs_are_s_and_r_of_one_architecture(names, expected):
    assert [(s.name, r.name) for s, r in pairs(get_networks("pictograms", names))] == expected
    assert pairs([]) == []


def test_controls_come_behind_once_and_of_the_same_seed():
    chosen = get_networks("pictograms", "ResNet, ResNet-R, AlexNet", seed=1)
    found = with_controls(chosen)
    assert [n.name for n in found] == [
        "ResNet", "ResNet-R", "AlexNet", "ResNet-control", "AlexNet-control",
    ]  # fmt: skip
    assert {n.seed for n in found} == {1}
    assert with_controls(found) == found, "none is added twice"
    assert with_controls([mine()]) == [mine()], "a network of one's own has no control"


# --- the training log -----------------------------------------------------------------------------


@pytest.fixture
def logs(tmp_path, monkeypatch):
    """Logs of AlexNet (3 epochs), and of R and the control, which go on from it (2 each)."""
    monkeypatch.setattr(registry, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")

    def write(training, epochs, start, seed=0):
        path = tmp_path / "pictograms" / f"alexnet_{training}_seed{seed}.csv"
        path.parent.mkdir(exist_ok=True)
        table = pd.DataFrame({"epoch": range(1, epochs + 1), "accuracy": 0.5, "loss": 1.0})
        table.assign(eps=0.0, rate=0.1, seconds=9.0).to_csv(path, index=False)
        path.with_suffix(".json").write_text(json.dumps({"recipe": {"start": start}}))

    write("standard", 3, None)
    write("robust", 2, "standard")
    write("control", 2, "standard")
    return tmp_path / "pictograms"


def test_epochs_count_on_from_those_of_the_network_a_run_started_from(logs):
    names = "AlexNet-R, AlexNet, AlexNet-control"
    log = training_log(get_networks("pictograms", names))
    found = {name: own["epoch"].tolist() for name, own in log.groupby("network")}
    assert found == {"AlexNet": [1, 2, 3], "AlexNet-R": [4, 5], "AlexNet-control": [4, 5]}
    columns = "network architecture training epoch eps loss accuracy rate seconds".split()
    assert set(log.columns) == set(columns)
    assert set(log["architecture"]) == {"AlexNet"}


def test_a_run_that_was_not_watched_takes_the_accuracies_of_its_repetition(logs):
    repeated = pd.DataFrame({"architecture": "AlexNet", "training": "standard", "seed": [0, 0, 1]})
    repeated = repeated.assign(epoch=[1, 3, 2], clean=[0.1, 0.3, 0.9], adversarial=[0, 0.05, 0.9])
    store(repeated, "pictograms", "training_curves", {})
    log = training_log(get_networks("pictograms", "AlexNet, AlexNet-R"))
    own = log[log["network"] == "AlexNet"].set_index("epoch")
    assert own["clean"].to_dict() == pytest.approx({1: 0.1, 2: np.nan, 3: 0.3}, nan_ok=True)
    assert own["adversarial"].tolist() == pytest.approx([0, np.nan, 0.05], nan_ok=True)
    assert log[log["network"] == "AlexNet-R"]["clean"].isna().all()


def test_networks_without_a_log_are_left_out(logs):
    assert training_log(get_networks("pictograms", "ResNet, ResNet-R")).empty
    assert training_log([mine()]).empty
    log = training_log([*get_networks("pictograms", "AlexNet, ResNet"), mine()])
    assert set(log["network"]) == {"AlexNet"}


def test_a_network_that_is_still_being_trained_has_no_log_yet(logs):
    (logs / "alexnet_robust_seed0.json").unlink()
    log = training_log(get_networks("pictograms", "AlexNet, AlexNet-R"))
    assert set(log["network"]) == {"AlexNet"}


def test_networks_that_are_not_there_are_left_out_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "CHECKPOINTS", tmp_path)
    assert len(get_networks("imagenet")) == 6, "where none is there, to say what is missing"
    (tmp_path / "imagenet").mkdir()
    (tmp_path / "imagenet" / "imagenet_l2_3_0.pt").touch()
    wanted = r"AlexNet \(alexnet-owt-7be5be79\.pth\), AlexNet-R .*GoogLeNet-R.*shapebias doctor"
    with pytest.warns(UserWarning, match=wanted):
        found = get_networks("imagenet")
    assert [n.name for n in found] == ["ResNet-R"]
    named = get_networks("imagenet", "AlexNet, ResNet-R")
    assert [n.name for n in named] == ["AlexNet", "ResNet-R"], "asked for by name"
