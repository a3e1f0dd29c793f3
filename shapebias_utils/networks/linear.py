"""A linear classifier of pixels, which knows neither parts nor textures."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..datasets import Dataset, ImageSet
from ..files import atomic, locked
from ..paths import RAW
from . import Network

if TYPE_CHECKING:
    from torch import Tensor, nn

COLOUR = "#6b8e5a"

SIDE = 64
"""Pixels a side of what the linear classifier sees: larger images are averaged down."""

IMAGES = 3000
"""Images that the linear classifier is trained on at most, evenly spread over those given."""

RIDGE = 0.1
"""Its penalty, as a share of the mean squared length of an image."""

VERSION = 1


def linear(dataset: Dataset, images: ImageSet) -> Network:
    """A linear classifier of pixels: the ridge regression of these images' classes, closed form.

    Trained within seconds on first use, on `IMAGES` of the images at most, and kept under
    ``data/raw``.
    """
    stem = f"linear-{dataset.name}-{images.digest[:12]}-{VERSION}"
    path = RAW / "baselines" / f"{stem}.safetensors"
    with locked(path):
        if not path.exists():
            _train(dataset, images, path)
    return Network(
        name="Linear",
        build=partial(_linear, min(dataset.size, SIDE), dataset.n_classes),
        dataset=dataset.name,
        architecture="linear",
        training="linear",
        checkpoint=path,
        n_classes=dataset.n_classes,
        colour=COLOUR,
    )


def _linear(side: int, n_classes: int) -> "nn.Module":
    from torch import nn

    return nn.Sequential(
        nn.AdaptiveAvgPool2d(side), nn.Flatten(), nn.Linear(3 * side**2, n_classes)
    )


def _train(dataset: Dataset, images: ImageSet, path: Path) -> None:
    import numpy as np
    import torch

    from .checkpoints import file_hash, save

    rows = np.linspace(0, len(images) - 1, min(IMAGES, len(images))).astype(int)
    module = _linear(min(dataset.size, SIDE), dataset.n_classes)
    chunks = [rows[i : i + 256] for i in range(0, len(rows), 256)]
    pixels = torch.cat([module[:2](images.load(chunk)) for chunk in chunks])
    labels = torch.tensor(images.table["label"].to_numpy()[rows])
    weight, bias = _ridge(pixels, torch.nn.functional.one_hot(labels, dataset.n_classes).float())
    with torch.no_grad():
        module[2].weight.copy_(weight)
        module[2].bias.copy_(bias)
    with atomic(path) as temporary:
        save(module, temporary)
    card = {"sha256": file_hash(path), "images": len(rows), "ridge": RIDGE}
    with atomic(path.with_suffix(".json")) as beside:
        beside.write_text(json.dumps(card, indent=1) + "\n")


def _ridge(pixels: "Tensor", wanted: "Tensor") -> "tuple[Tensor, Tensor]":
    """(weight, bias) of the ridge regression of ``wanted (n, classes)`` on ``pixels (n, d)``.

    In its dual form, of n x n, since an image has more pixels than there are images.
    """
    import torch

    mean, level = pixels.mean(0), wanted.mean(0)
    centred = pixels - mean
    kernel = centred @ centred.T
    penalty = RIDGE * kernel.diagonal().mean()
    kernel.diagonal().add_(penalty)
    weight = torch.linalg.solve(kernel, wanted - level).T @ centred
    return weight, level - weight @ mean
