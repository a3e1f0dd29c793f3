"""Folders of labelled photographs: a folder a class, or flat with a CSV of labels."""

import hashlib
import re
import zlib
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..files import TABLE, check_bytes, line
from . import ImageSet
from .augmentation import augmented
from .image_files import SUFFIXES, in_threads, load_images, read_image

if TYPE_CHECKING:
    from torch import Tensor


@lru_cache(maxsize=64)
def labelled_images(
    folder: Path,
    labels: Path | None,
    name: str,
    *,
    n_classes: int,
    categories: tuple[str, ...],
    size: int,
    resize: int | None = None,
    classes: tuple[str, ...] = (),
    wnids: bool = True,
) -> ImageSet:
    """The photographs in `folder`: class folders, or flat files with a CSV of labels.

    Class folders go first: a label is the place of its folder among `classes`, or among all
    folders, sorted, if none are named (those that are not named are passed over). The files lie in
    the folder of their class or in one named "images" within it. `categories` has the category of
    each class, "" where it is of none. The shorter side is resized to `resize` and the central
    `size` x `size` pixels are taken; where `resize` is None images are taken as they are. With
    `wnids` folders must be named by WNIDs. ValueError where the classes are not `n_classes`, where
    the CSV lacks columns, names files that are not there or labels that are none, where none of
    the two is there, or two images have one name.
    """
    found = sorted(f.name for f in folder.iterdir() if f.is_dir() and not f.name.startswith("."))
    if found:
        listed = _from_class_folders(folder, classes or tuple(found), n_classes, wnids)
    elif labels is not None and labels.is_file():
        listed = _from_csv(folder, labels, n_classes)
    else:
        flat = f" and no {labels} (imagename, label)" if labels else ""
        raise ValueError(f"{folder} has no class folders{flat}: sort the images by WNID")
    paths, marks = zip(*listed, strict=True)
    table = pd.DataFrame({"imagename": [p.name for p in paths], "label": marks})
    table["category"] = [categories[label] for label in marks]
    twice = table["imagename"][table["imagename"].duplicated()]
    if len(twice):
        raise ValueError(f"{folder} has two images named {twice.iloc[0]}: remove one")
    # The same files are other images where they are cut otherwise or stand for other categories.
    digest = hashlib.sha256(repr((resize, size if resize else None, categories)).encode())
    for path, label in listed:
        digest.update(f"{path.name} {label} {path.stat().st_size}\n".encode())

    def load(rows: Sequence[int]) -> "Tensor":
        # As they are stored: torchvision, whose accuracies are the paper's, ignores EXIF as well.
        return load_images([paths[i] for i in rows], resize, size, upright=False)

    def augment(rows: Sequence[int], seed: int) -> "Tensor":
        import torch

        jobs = [partial(_load_augmented, paths[i], size, seed) for i in rows]
        return torch.stack(in_threads(jobs))

    return ImageSet(name, table, load, digest.hexdigest(), augment)


def _from_class_folders(
    folder: Path, classes: Sequence[str], n_classes: int, wnids: bool
) -> list[tuple[Path, int]]:
    strange = [c for c in classes if not re.fullmatch(r"n\d{8}", c)]
    if strange and wnids:
        raise ValueError(
            f"{folder / strange[0]} is not named by a WNID such as n01440764: labels are the ranks "
            "of the sorted WNIDs, so rename or move it"
        )
    if len(classes) != n_classes:
        raise ValueError(
            f"{folder} has {len(classes)} class folders, expected are {n_classes:,}: labels are "
            "the ranks of their sorted names"
        )
    listed = []
    for label, name in enumerate(classes):
        own = folder / name
        if not own.is_dir():
            raise ValueError(f"{folder} lacks the class folder {name}: unpack the archive again")
        inner = own / "images"
        files = sorted((inner if inner.is_dir() else own).iterdir())
        listed += [(path, label) for path in files if path.suffix.lower() in SUFFIXES]
    if not listed:
        raise ValueError(f"the class folders in {folder} are empty: unpack the archive again")
    return listed


def _from_csv(folder: Path, labels: Path, n_classes: int) -> list[tuple[Path, int]]:
    check_bytes(labels, TABLE, "a table")
    try:
        table = pd.read_csv(labels, dtype={"imagename": str})
    except ValueError as error:  # of the parser, and of the text's encoding
        raise ValueError(f"{labels} is not a CSV file of labels: {line(error)}") from None
    missing = [c for c in ("imagename", "label") if c not in table]
    if missing or table.empty:
        lack = f"lacks the column {missing[0]}" if missing else "has no rows"
        raise ValueError(f"{labels} {lack}: it must have imagename and label, a row an image")
    wrong = ~table["label"].isin(range(n_classes))
    if wrong.any():
        row = table[wrong].iloc[0]
        raise ValueError(
            f"{labels} gives {line(row['imagename'])} the label {line(row['label'])}: labels are "
            f"0 to {n_classes - 1}, ranks of the sorted names of the classes"
        )
    there = {p.name for p in folder.iterdir()}
    absent = table["imagename"][~table["imagename"].isin(there)]
    if len(absent):
        raise ValueError(
            f"{folder} lacks {line(absent.iloc[0])} ({len(absent)} of "
            f"{len(table)} images that {labels} names): unpack the archive again"
        )
    names = table.sort_values("imagename")
    return [(folder / n, int(i)) for n, i in zip(names["imagename"], names["label"], strict=True)]


def _load_augmented(path: Path, size: int, seed: int) -> "Tensor":
    generator = np.random.default_rng([seed, zlib.crc32(path.name.encode())])
    return augmented(read_image(path, upright=False), size, generator)
