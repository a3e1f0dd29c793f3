"""CIFAR-10: photographs of 32 x 32 pixels, your copy under ``data/raw/cifar-10-batches-py``.

Read by torchvision's class, which checks the files' hashes before it unpickles them. Seven of the
ten classes belong to one of the 16 categories; deer, frogs and horses to none.
"""

import hashlib
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..attacks import Attack
from ..categories import CATEGORIES
from ..paths import RAW
from . import Dataset, ImageSet, Origin
from .decoded import VERSION, in_memory, known_stimuli
from .imagenet import released_stimuli, stimuli_origin

if TYPE_CHECKING:
    from torchvision.datasets import CIFAR10

SIZE = 32

CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
"""In the order of their labels."""

_RENAMED = {"automobile": "car", "ship": "boat"}

CLASS_CATEGORIES = tuple(
    _RENAMED.get(name, name) if _RENAMED.get(name, name) in CATEGORIES else "" for name in CLASSES
)
"""The category of each class, "" where it is of none."""

CATEGORY_CLASSES = {
    category: tuple(i for i, own in enumerate(CLASS_CATEGORIES) if own == category)
    for category in CATEGORIES
}


def folder() -> Path:
    """Where the user's copy lies."""
    return RAW / "cifar-10-batches-py"


def cifar10(split: str, reader: "type[CIFAR10] | None" = None) -> ImageSet:
    """The images of a split: "train" (50,000), "validation" (10,000, its test) or "cue_conflict".

    `reader` is torchvision's class, or one of its kind. Images are named by split and position,
    ``train_00007.png``; the digest is of labels and pixels. Cue-conflict images are those of
    Geirhos et al. whose cues are both among its categories, made small. FileNotFoundError names the
    folder that is missing and how it comes; ValueError an unknown split, or files that are not the
    published ones.
    """
    if split == "cue_conflict":
        return known_stimuli(released_stimuli(), filter(None, CLASS_CATEGORIES), SIZE, "cifar10")
    if split not in ("train", "validation"):
        raise ValueError(f"unknown split {split!r}; choose one of train, validation, cue_conflict")
    if not folder().is_dir():
        raise FileNotFoundError(
            f"no CIFAR-10 at {folder()}: `shapebias fetch cifar10` brings it, or link your copy "
            "there"
        )
    return _photographs(folder().parent, split, reader)


@lru_cache(maxsize=4)
def _photographs(root: Path, split: str, reader: "type[CIFAR10] | None") -> ImageSet:
    import torch
    from torchvision.datasets import CIFAR10

    try:
        found = (reader or CIFAR10)(str(root), train=split == "train")
    except Exception as error:  # torchvision's own of a hash, pickle's of anything
        reason = " ".join(str(error).split()).split(".")[0]
        raise ValueError(
            f"{folder()} is not the published CIFAR-10 ({reason}): move it away, and `shapebias "
            "fetch cifar10`"
        ) from None
    labels = np.asarray(found.targets)
    table = pd.DataFrame({"imagename": [f"{split}_{i:05d}.png" for i in range(len(labels))]})
    table["label"] = labels
    table["category"] = [CLASS_CATEGORIES[label] for label in labels]
    digest = hashlib.sha256(f"{VERSION} {split} {CLASS_CATEGORIES} {labels.tolist()}".encode())
    digest.update(found.data.tobytes())
    pixels = torch.from_numpy(found.data).permute(0, 3, 1, 2)
    return in_memory(split, table, digest.hexdigest(), pixels)


def origins() -> list[Origin]:
    """The folder of yours that this dataset reads, besides the stimuli."""
    return [Origin("cifar10", folder(), "shapebias fetch cifar10"), stimuli_origin()]


DATASET = Dataset(
    name="cifar10",
    title="CIFAR-10",
    size=SIZE,
    n_classes=len(CLASSES),
    category_classes=CATEGORY_CLASSES,
    images=partial(cifar10),
    attack=Attack(eps=0.5, step_size=0.125, steps=10),
    eps_grid=(0.0, 0.125, 0.25, 0.5, 0.75, 1.0),
    origins=origins,
)
