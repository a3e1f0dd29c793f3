"""A network and images by hand, whose every decision can be read off, and a few real stimuli."""

import pandas as pd
import torch
from torch import nn

from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.networks import Network

CAT, DOG, CAR = (CATEGORIES.index(c) for c in ("cat", "dog", "car"))


class ByHand(nn.Module):
    """Channel 0 is red and speaks for cat, 1 is green and for dog, 2 is blue and for neither;

    3 is always zero. Where red and green are gone, all say car.
    """

    def __init__(self) -> None:
        super().__init__()
        self.see, self.relu = nn.Conv2d(3, 4, 1), nn.ReLU()
        self.pool, self.flatten, self.say = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 16)
        with torch.no_grad():
            self.see.weight.copy_(torch.eye(4, 3)[:, :, None, None])
            self.see.bias.copy_(torch.tensor([0, 0, 0, -1.0]))
            self.say.weight.zero_()
            self.say.weight[CAT, 0] = self.say.weight[DOG, 1] = 10
            self.say.weight[:, 3] = torch.randn(16, generator=torch.Generator().manual_seed(0))
            self.say.bias.zero_()
            self.say.bias[CAR] = 1

    def forward(self, x):
        return self.say(self.flatten(self.pool(self.relu(self.see(x)))))


COLOURS = {
    # red, green, blue; decided with all channels -> without red -> without green
    "cat1-dog1.png": (0.9, 0.5, 0.9),  # cat, its shape -> dog -> cat
    "cat2-dog2.png": (0.5, 0.9, 0.0),  # dog, its texture -> dog -> cat
    "cat3-cat3.png": (0.9, 0.0, 0.0),  # no conflict
    "dog1-cat1.png": (0.8, 0.0, 0.3),  # cat, its texture -> car -> cat
    "oven1-bear1.png": (0.8, 0.0, 0.3),  # cat, neither
}


def image_set(colours: dict, size: int = 4) -> ImageSet:
    names = list(colours)
    pixels = torch.tensor([colours[n] for n in names], dtype=torch.float32)
    table = pd.DataFrame({"imagename": names, "category": [n.split("1")[0] for n in names]})
    return ImageSet(
        "by_hand", table.assign(label=-1),
        lambda rows: pixels[list(rows), :, None, None].expand(-1, -1, size, size).clone(),
        "by hand",
    )  # fmt: skip


def by_hand(build=ByHand, **layers) -> Network:
    layers = layers or {"relu": "relu"}
    return Network("ByHand", build, dataset="pictograms", layers=layers, n_classes=16)


def stimuli(n: int) -> ImageSet:
    """Some `n` of the pictograms' cue-conflict images, or a few more."""
    images = get_dataset("pictograms").images("cue_conflict")
    return images.subset(range(0, len(images), len(images) // n), "some")
