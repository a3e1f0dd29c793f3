"""Networks before training: which, how many, and the same each time."""

import pandas as pd
import torch
from torch import nn

from shapebias_utils import results
from shapebias_utils.datasets import ImageSet
from shapebias_utils.measures.untrained import bias_before_training, untrained
from shapebias_utils.networks import Network


def build() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 16))


FACTS = {"dataset": "pictograms", "architecture": "A", "n_classes": 16, "checkpoint": "none.pt"}
NETWORKS = [
    Network("A", build, **FACTS),
    Network("A-R", build, training="robust", **FACTS),
    Network("B", build, **(FACTS | {"architecture": "B", "checkpoint": None})),
]


def weights(network: Network) -> torch.Tensor:
    return network.load()[1].weight


def test_each_architecture_is_there_with_as_many_random_weights_as_asked_for():
    found = untrained(NETWORKS, 2)
    assert [(n.name, n.training, n.seed) for n in found] == [
        ("A, untrained", "untrained", 0), ("A, untrained", "untrained", 1),
    ]  # fmt: skip
    before = torch.random.get_rng_state()
    first, again, other = weights(found[0]), weights(found[0]), weights(found[1])
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), before), "the random state stays"
    assert len({n.checkpoint_hash() for n in found}) == 2, "their results are told apart"


def test_their_shape_bias_is_that_of_any_observer(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    names = [f"cat{i}-dog{i}.png" for i in range(6)]
    pixels = torch.rand(6, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    table = pd.DataFrame({"imagename": names, "category": "cat", "label": -1})
    images = ImageSet("few", table, lambda rows: pixels[list(rows)], "digest")
    bias = bias_before_training(NETWORKS, images, draws=3)
    assert bias["seed"].tolist() == [0, 1, 2] and (bias["n"] == 6).all()
    none = bias_before_training(NETWORKS[2:], images)
    assert none.empty and list(none.columns) == list(bias.columns)
