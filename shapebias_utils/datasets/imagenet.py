"""ImageNet (ILSVRC 2012): your copy under ``data/raw/imagenet``, as the paper's networks see it.

``train`` and ``val`` hold one folder per class, named by its WNID (n01440764, ...); the rank of a
WNID among all 1,000, sorted, is the label. ``val`` may instead be flat, as it is published
(ILSVRC2012_val_00000001.JPEG, ...), with the labels beside it in ``val_labels.csv``: columns
`imagename` and `label`, the same 0 to 999 (and not the ILSVRC ids of the development kit, which
are in another order).
"""

import hashlib
import re
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image, ImageEnhance

from ..attacks import Attack
from ..categories import IMAGENET_CLASSES
from ..paths import RAW
from . import Dataset, ImageSet
from .broden import broden
from .cue_conflict import read_stimuli
from .image_folders import SUFFIXES, in_threads, load_images, read_image, to_tensor

if TYPE_CHECKING:
    from torch import Tensor

RESIZE, SIZE, N_CLASSES = 256, 224, 1000

CATEGORY_OF = {i: category for category, classes in IMAGENET_CLASSES.items() for i in classes}
"""Class -> its category, for the 207 classes that have one."""

_HOW = "get it from https://image-net.org/download-images (registration; research use)"
_WHERE = "put or link it there, or set SHAPEBIAS_RAW to the folder that holds it"


def imagenet(split: str) -> ImageSet:
    """The images of a split: "train", "validation" or "cue_conflict" (see :func:`read_stimuli`).

    Evaluation takes the central 224 x 224 pixels of the image, its shorter side resized to 256;
    `augment` is :func:`augmented`. `category` is the one of the 16 that the class belongs to, ""
    where there is none. The digest is of names, labels and file sizes: to read 1.3 million files
    would take an hour. FileNotFoundError names the folder that is missing and where the images
    come from; ValueError an unknown split, or what is wrong in a folder.
    """
    if split == "cue_conflict":
        return _cue_conflict()
    if split not in ("train", "validation"):
        raise ValueError(f"unknown split {split!r}; choose one of train, validation, cue_conflict")
    folder = RAW / "imagenet" / {"train": "train", "validation": "val"}[split]
    if not folder.is_dir():
        raise FileNotFoundError(f"no ImageNet at {folder}: {_HOW}, and {_WHERE}")
    labels = folder.with_name("val_labels.csv")
    return labelled_images(folder, labels if split == "validation" else None, split)


def _cue_conflict() -> ImageSet:
    folders = (RAW / "cue_conflict", RAW / "texture-vs-shape")
    folder = next((f for f in folders if f.is_dir()), None)
    if folder is None:
        raise FileNotFoundError(
            f"no cue-conflict stimuli at {folders[0]}: `git clone --depth 1 "
            f"https://github.com/rgeirhos/texture-vs-shape {folders[1]}` brings them, or give a "
            "folder of them as the parameter `stimuli`"
        )
    return read_stimuli(folder)


def _imagenet_c(corruption: str, severity: int) -> ImageSet:
    from .imagenet_c import imagenet_c  # which builds on this module

    return imagenet_c(corruption, severity)


@lru_cache(maxsize=8)
def labelled_images(
    folder: Path, labels: Path | None, name: str, resize: int | None = RESIZE
) -> ImageSet:
    """The ImageNet photographs in `folder`: class folders, or flat files with a CSV of labels.

    Their shorter side is resized to `resize`, or not at all if it is None. Class folders go first.
    ValueError where these are not the 1,000 of ILSVRC 2012, named by WNIDs, or where the CSV lacks
    columns, names files that are not there or labels outside 0 to 999, or none of the two is there.
    """
    classes = sorted(f.name for f in folder.iterdir() if f.is_dir() and not f.name.startswith("."))
    if classes:
        listed = _from_class_folders(folder, classes)
    elif labels is not None and labels.is_file():
        listed = _from_csv(folder, labels)
    else:
        flat = f" and no {labels} (imagename, label)" if labels else ""
        raise ValueError(f"{folder} has no class folders{flat}: sort the images by WNID")
    paths, marks = zip(*listed, strict=True)
    table = pd.DataFrame({"imagename": [p.name for p in paths], "label": marks})
    table["category"] = table["label"].map(CATEGORY_OF).fillna("")
    twice = table["imagename"][table["imagename"].duplicated()]
    if len(twice):
        raise ValueError(f"{folder} has two images named {twice.iloc[0]}: remove one")
    digest = hashlib.sha256()
    for path, label in listed:
        digest.update(f"{path.name} {label} {path.stat().st_size}\n".encode())

    def load(rows: Sequence[int]) -> "Tensor":
        # As they are stored: torchvision, whose accuracies are the paper's, ignores EXIF as well.
        return load_images([paths[i] for i in rows], resize, SIZE, upright=False)

    def augment(rows: Sequence[int], seed: int) -> "Tensor":
        import torch

        jobs = [partial(_load_augmented, paths[i], seed) for i in rows]
        return torch.stack(in_threads(jobs))

    return ImageSet(name, table, load, digest.hexdigest(), augment)


def _from_class_folders(folder: Path, classes: list[str]) -> list[tuple[Path, int]]:
    strange = [c for c in classes if not re.fullmatch(r"n\d{8}", c)]
    if strange:
        raise ValueError(
            f"{folder / strange[0]} is not named by a WNID such as n01440764: labels are the ranks "
            "of the sorted WNIDs, so rename or move it"
        )
    if len(classes) != N_CLASSES:
        raise ValueError(
            f"{folder} has {len(classes)} class folders, expected are the {N_CLASSES} of ILSVRC "
            "2012: labels are the ranks of the sorted WNIDs"
        )
    listed = []
    for label, name in enumerate(classes):
        files = sorted(p for p in (folder / name).iterdir() if p.suffix.lower() in SUFFIXES)
        listed += [(path, label) for path in files]
    if not listed:
        raise ValueError(f"the class folders in {folder} are empty: {_HOW}")
    return listed


def _from_csv(folder: Path, labels: Path) -> list[tuple[Path, int]]:
    try:
        table = pd.read_csv(labels, dtype={"imagename": str})
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{labels} is not a CSV file of labels: {error}") from None
    missing = [c for c in ("imagename", "label") if c not in table]
    if missing or table.empty:
        lack = f"lacks the column {missing[0]}" if missing else "has no rows"
        raise ValueError(f"{labels} {lack}: it must have imagename and label, a row an image")
    wrong = ~table["label"].isin(range(N_CLASSES))
    if wrong.any():
        row = table[wrong].iloc[0]
        raise ValueError(
            f"{labels} gives {row['imagename']} the label {row['label']}: labels are 0 to "
            f"{N_CLASSES - 1}, ranks of the sorted WNIDs"
        )
    there = {p.name for p in folder.iterdir()}
    absent = table["imagename"][~table["imagename"].isin(there)]
    if len(absent):
        raise ValueError(
            f"{folder} lacks {absent.iloc[0]} ({len(absent)} of {len(table)} images that {labels} "
            "names): unpack the archive again"
        )
    names = table.sort_values("imagename")
    return [(folder / n, int(i)) for n, i in zip(names["imagename"], names["label"], strict=True)]


def _load_augmented(path: Path, seed: int) -> "Tensor":
    generator = np.random.default_rng([seed, zlib.crc32(path.name.encode())])
    return augmented(read_image(path, upright=False), generator)


_EIGENVALUES = np.array([0.2175, 0.0188, 0.0045])
_EIGENVECTORS = np.array(
    [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
)
"""Principal components of ImageNet's colours (Krizhevsky et al. 2012), a column each."""


def augmented(image: Image.Image, generator: np.random.Generator) -> "Tensor":
    """Float32 ``(3, 224, 224)`` in [0, 1], changed at random as the paper's networks were trained.

    RandomResizedCrop, horizontal flip, brightness, contrast and saturation by up to 10 % in random
    order, and lighting: noise of scale 0.05 along the principal colours (`robustness`'s
    data_augmentation.py; the clamp to [0, 1] it does when it normalises).
    """
    import torch

    box = random_box(image.size, generator)
    image = image.crop(box).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    if generator.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    enhancers: list[Callable] = [ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color]
    for i in generator.permutation(3):
        image = enhancers[i](image).enhance(generator.uniform(0.9, 1.1))
    shift = _EIGENVECTORS @ (generator.normal(0, 0.05, 3) * _EIGENVALUES)
    light = torch.tensor(shift, dtype=torch.float32)[:, None, None]
    return (to_tensor(image) + light).clamp(0, 1)


def random_box(
    size: tuple[int, int],
    generator: np.random.Generator,
    area: tuple[float, float] = (0.08, 1.0),
    aspect: tuple[float, float] = (3 / 4, 4 / 3),
) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of a random crop, drawn as torchvision's RandomResizedCrop does.

    Ten times a share of the area (uniform) and an aspect ratio (log-uniform) are drawn until the
    crop fits in an image of `size` (width, height); else it is the largest central one.
    """
    width, height = size
    for _ in range(10):
        share = width * height * generator.uniform(*area)
        ratio = np.exp(generator.uniform(*np.log(aspect)))
        w, h = round(np.sqrt(share * ratio)), round(np.sqrt(share / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, top = generator.integers(width - w + 1), generator.integers(height - h + 1)
            return int(left), int(top), int(left) + w, int(top) + h
    ratio = np.clip(width / height, *aspect)
    w, h = min(width, round(height * ratio)), min(height, round(width / ratio))
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h


DATASET = Dataset(
    name="imagenet",
    title="ImageNet",
    size=SIZE,
    n_classes=N_CLASSES,
    category_classes=IMAGENET_CLASSES,
    images=imagenet,
    attack=Attack(eps=3.0, step_size=0.5, steps=7),
    eps_grid=(0.0, 1.0, 2.0, 3.0, 4.0, 5.0),
    concepts=broden,
    corrupted=_imagenet_c,
)
