"""A network and images that train in a second."""

import pandas as pd
import torch
from torch import nn

from shapebias_utils.attacks import Attack
from shapebias_utils.datasets import ImageSet
from shapebias_utils.datasets.augmentation import random_resized_crop
from shapebias_utils.training.recipes import Recipe

CLASSES, IMAGES, BATCH = 4, 64, 16
STEPS = IMAGES // BATCH
ATTACK = Attack(eps=1.0, step_size=0.5, steps=2, use_best=False)
STANDARD = Recipe(epochs=3, rate=0.1, batch_size=BATCH)
ROBUST = Recipe(epochs=3, rate=0.1, batch_size=BATCH, attack=ATTACK, ramp=0.5)


def toy_network() -> nn.Module:
    """With batch norm and dropout, whose state and randomness must survive too."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(8, CLASSES),
    )  # fmt: skip


def toy_images(at_augment=None, digest="toy") -> ImageSet:
    """64 noisy images; the class is the colour. `at_augment(call)` sees every batch."""
    labels = torch.arange(IMAGES) % CLASSES
    colours = torch.tensor([[0.8, 0.2, 0.2], [0.2, 0.8, 0.2], [0.2, 0.2, 0.8], [0.7, 0.7, 0.2]])
    noise = torch.rand(IMAGES, 3, 16, 16, generator=torch.Generator().manual_seed(0)) - 0.5
    pixels = (colours[labels][:, :, None, None] + 0.3 * noise).clamp(0, 1)
    table = pd.DataFrame({"imagename": [f"{i}.png" for i in range(IMAGES)], "label": labels})
    calls = []

    def augment(rows, seed):
        calls.append(rows)
        if at_augment:
            at_augment(len(calls))
        return random_resized_crop(pixels[list(rows)], seed)

    return ImageSet("toy", table, lambda rows: pixels[list(rows)], digest, augment)
