"""A dataset as a user would bring it: one record, its images, and two networks over them."""

import numpy as np
import pandas as pd
import torch
from torch import nn

from shapebias_utils.attacks import Attack
from shapebias_utils.datasets import Dataset, ImageSet, register
from shapebias_utils.networks import Network

CATEGORIES = ("bird", "cat", "dog")


def images(split: str) -> ImageSet:
    pixels = np.random.default_rng(len(split)).random((12, 3, 16, 16), dtype=np.float32)
    table = pd.DataFrame({"label": [0, 1, 2] * 4, "category": CATEGORIES * 4})
    table["texture_category"] = np.roll(table["category"], 1)
    table["imagename"] = [
        f"{row.category}{i}-{row.texture_category}{i}.png"
        for i, row in enumerate(table.itertuples())
    ]
    return ImageSet(
        split, table, lambda rows: torch.from_numpy(pixels[list(rows)]), f"noise {split}"
    )


def build(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(4, 3))  # fmt: skip


NETWORKS = [
    Network("Tiny", lambda: build(0), "noise", "Tiny", "standard", n_classes=3),
    Network("Tiny-R", lambda: build(1), "noise", "Tiny", "robust", n_classes=3),
]

# These five lines are all that a dataset needs.
register(Dataset(
    name="noise", title="Noise", size=16, n_classes=3, images=images, networks=lambda: NETWORKS,
    category_classes={c: (i,) for i, c in enumerate(CATEGORIES)},
    attack=Attack(eps=0.5, step_size=0.25, steps=2), eps_grid=(0.0, 0.5),
))  # fmt: skip
