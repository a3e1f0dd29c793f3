"""How a run is watched: accuracy, clean and attacked, on images outside of training."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from ..attacks import Attack, pgd
from ..datasets import Dataset, ImageSet
from ..hardware import device, float32

COUNT = 128
"""Validation images by which a run is watched: accuracy to about .04, in a few seconds."""


@dataclass(frozen=True)
class Watch:
    """Images outside of training, and the attack on them, for two columns of a run's log."""

    images: ImageSet
    attack: Attack


def watch_for(dataset: Dataset) -> Watch:
    """`COUNT` validation images spread over the set, under a short form of the dataset's attack:
    its eps in three steps of half that length."""
    validation = dataset.images("validation")
    rows = np.linspace(0, len(validation) - 1, min(COUNT, len(validation))).round().astype(int)
    attack = replace(dataset.attack, steps=3, step_size=dataset.attack.eps / 2, use_best=False)
    return Watch(validation.subset(np.unique(rows), "validation_watched"), attack)


def watched(network: nn.Module, watch: Watch, batch_size: int = 64) -> dict[str, float]:
    """Accuracies `clean` and `adversarial`, in float32. Draws no random number and leaves weights
    and statistics as they are; the network is left in eval mode."""
    where, right = device(), {"clean": 0, "adversarial": 0}
    labels = torch.tensor(watch.images.table["label"].to_numpy())
    network.eval().requires_grad_(False)
    for first in range(0, len(labels), batch_size):
        rows = range(first, min(first + batch_size, len(labels)))
        x = watch.images.load(rows).to(where, memory_format=torch.channels_last)
        y = labels[rows.start : rows.stop].to(where)
        with float32(), torch.no_grad():
            right["clean"] += int((network(x).argmax(1) == y).sum())
            worst = pgd(network, x, y, watch.attack)
            right["adversarial"] += int((network(worst).argmax(1) == y).sum())
    network.requires_grad_(True)
    return {name: count / len(labels) for name, count in right.items()}
