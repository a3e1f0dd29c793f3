"""What is measured on photographs, of networks whose answers are known."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from shapebias_utils import results
from shapebias_utils.attacks import Attack
from shapebias_utils.datasets import Dataset, ImageSet
from shapebias_utils.measures import photographs
from shapebias_utils.measures.photographs import observations
from shapebias_utils.networks import Network

COLOURS = torch.tensor([[0.9, 0.1, 0.1], [0.1, 0.9, 0.1], [0.1, 0.1, 0.9]])
NAMES = ("bird", "cat", "dog")


class ByColour(nn.Module):
    """Sees the mean colour, and takes `mistaken` for the class behind it."""

    def __init__(self, mistaken: int = -1) -> None:
        super().__init__()
        order = [0, 1, 2]
        if mistaken >= 0:
            order[mistaken] = (mistaken + 1) % 3
        weight = torch.zeros(3, 3)
        for seen, said in enumerate(order):
            weight[said] = torch.maximum(weight[said], COLOURS[seen])
        self.weight = nn.Parameter(9 * weight, requires_grad=False)

    def forward(self, x):
        return x.mean((2, 3)) @ self.weight.T

    def extra_repr(self):
        return str(self.weight.tolist())


def images(split):
    label = np.arange(12) % 3
    table = pd.DataFrame({"label": label, "category": np.array(NAMES)[label]})
    table["texture_category"] = np.roll(table["category"], 1)
    rows = table.itertuples()
    table["imagename"] = [
        f"{r.category}{i}-{r.texture_category}{i}.png" for i, r in enumerate(rows)
    ]
    if split == "cue_conflict":
        table["label"] = -1
    pixels = COLOURS[label][:, :, None, None].expand(-1, -1, 32, 32)
    return ImageSet(split, table, lambda rows: pixels[list(rows)].clone(), f"plain {split}")


DATA = Dataset(
    "plain", "Plain", 32, 3, {c: (i,) for i, c in enumerate(NAMES)}, images=images,
    attack=Attack(eps=0.5, step_size=0.25, steps=2), eps_grid=(0.0, 0.5),
)  # fmt: skip


@pytest.fixture
def networks(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)

    def network(name, training, mistaken):
        return Network(
            name, lambda: ByColour(mistaken), "plain", "A", training, n_classes=3,
            category_classes=DATA.category_classes,
        )  # fmt: skip

    return [
        network("A", "standard", -1), network("A-R", "robust", 0), network("A-c", "control", -1),
    ]  # fmt: skip


def test_each_quantity_by_hand(networks, monkeypatch):
    monkeypatch.setattr(photographs, "TRANSFORMED", (("noise", 0.02), ("scramble", 2)))
    table = observations(networks, DATA)
    sums = table.groupby(["quantity", "network"])[["value", "weight"]].sum()
    assert tuple(sums.loc["top-1", "A"]) == (12, 12)
    assert tuple(sums.loc["top-1", "A-R"]) == (8, 12)  # birds are taken for cats
    assert tuple(sums.loc["categories", "A-R"]) == (8, 12)
    # By its colour each stimulus is what its shape is; A-R calls the four birds cats: their
    # texture is that of dogs, so that neither cue decides.
    assert tuple(sums.loc["shape bias", "A"]) == (12, 12)
    assert tuple(sums.loc["shape bias", "A-R"]) == (8, 8)
    # Transformed are those that all label correctly: cats and dogs.
    for quantity in ("noise 0.02", "scramble 2"):
        own = table[table["quantity"] == quantity]
        assert sorted({u[:3] for u in own["unit"]}) == ["cat", "dog"]
        assert own.groupby("network").size().eq(8).all() and own["value"].eq(1).all()
    assert sums.loc["adversarial", "A"]["value"] <= 12


def test_without_an_image_that_all_label_correctly_nothing_is_transformed(networks):
    wrong = [*networks[:1]]
    wrong += [
        Network(
            "A-R", lambda: Never(), "plain", "A", "robust", n_classes=3,
            category_classes=DATA.category_classes,
        )
    ]  # fmt: skip
    found = observations(wrong, DATA)["quantity"].unique().tolist()
    assert found == ["shape bias", "top-1", "categories", "adversarial"]


class Never(ByColour):
    """Never right: it says the class behind."""

    def forward(self, x):
        return super().forward(x).roll(1, 1)
