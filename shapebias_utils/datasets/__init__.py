"""Datasets: where images, stimuli, attack budgets and the mapping to categories come from.

A dataset is a record; notebooks take its name as their one `dataset` parameter and never branch
on it. Its images come as an :class:`ImageSet`: a table with a row of facts per image, and a
function that loads rows of it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from torch import Tensor

    from ..attacks import Attack
    from .concepts import ConceptSet


@dataclass(frozen=True)
class ImageSet:
    """Images and what is known about them; row i of `table` describes image i.

    `table` has `imagename` (unique) and `category`, `label` (class index, -1 where there is
    none), and whatever else the dataset knows. `load(rows)` returns float32 RGB
    ``(len(rows), 3, H, W)`` in [0, 1]; `augment(rows, seed)` the same, randomly cropped and
    flipped for training. `digest` names the content: results computed from one digest are never
    mistaken for another's.
    """

    name: str
    table: pd.DataFrame
    load: Callable[[Sequence[int]], "Tensor"]
    digest: str
    augment: Callable[[Sequence[int], int], "Tensor"] | None = None

    def __len__(self) -> int:
        return len(self.table)

    def subset(self, rows: Sequence[int], name: str) -> "ImageSet":
        """The images at these positions, as a set of its own name."""
        rows = [int(r) for r in rows]
        chosen = self.table.iloc[rows].reset_index(drop=True)
        names = "\n".join(chosen["imagename"])
        digest = hashlib.sha256(f"{self.digest}\n{names}".encode()).hexdigest()
        return replace(
            self,
            name=name,
            table=chosen,
            digest=digest,
            load=lambda wanted: self.load([rows[i] for i in wanted]),
            augment=self.augment
            and (lambda wanted, seed: self.augment([rows[i] for i in wanted], seed)),
        )

    def row(self, imagename: str) -> int:
        """The position of the image of that name; ValueError if there is none."""
        found = (self.table["imagename"] == imagename).to_numpy().nonzero()[0]
        if not len(found):
            like = self.table["imagename"].iloc[0]
            raise ValueError(f"{self.name} has no image {imagename!r}; its names are like {like!r}")
        return int(found[0])

    def where(self, query: str, name: str, n: int | None = None) -> "ImageSet":
        """The images whose row of `table` fits the pandas query, at most the first `n`."""
        fits = self.table.eval(query).to_numpy()
        return self.subset(fits.nonzero()[0][:n], name)


@dataclass(frozen=True)
class Dataset:
    """Everything that a notebook needs to know about where its images come from.

    `images(split)` returns an :class:`ImageSet`; every dataset has the splits "train",
    "validation" and "cue_conflict". `subsets` names parts of the validation images, each by a
    pandas query of their table. `category_classes` maps each of the 16 categories to the classes
    (network outputs) that belong to it. `attack` is the evaluation attack, `eps_grid` the budgets
    of curves of accuracy against eps. `renditions` maps names of distortions to functions from an
    image set and a level to the same images as the dataset itself renders them, where it can.
    `concepts` returns the images with concepts for dissection; its argument is a folder, "" for
    the dataset's own. `corrupted` returns the validation images that come corrupted on disk, given
    the name of a corruption of ImageNet-C and its severity; None where they are made.
    """

    name: str
    title: str
    size: int
    n_classes: int
    category_classes: Mapping[str, tuple[int, ...]]
    images: Callable[[str], ImageSet]
    attack: "Attack"
    eps_grid: tuple[float, ...]
    subsets: Mapping[str, str] = field(default_factory=lambda: {"all images": "index >= 0"})
    renditions: Mapping[str, Callable[[ImageSet, float], ImageSet]] = field(default_factory=dict)
    concepts: "Callable[[str], ConceptSet] | None" = None
    corrupted: Callable[[str, int], ImageSet] | None = None


DATASETS = {"pictograms": ".pictograms", "imagenet": ".imagenet"}
"""Name -> the module that holds the record, as `DATASET`; imported when asked for."""


def get_dataset(name: str) -> Dataset:
    """The dataset of that name; ValueError lists the known ones."""
    if name not in DATASETS:
        raise ValueError(f"unknown dataset {name!r}; choose one of {', '.join(DATASETS)}")
    return import_module(DATASETS[name], __name__).DATASET


def batches(
    images: ImageSet, size: int = 64, rows: Sequence[int] | None = None, label: str = ""
) -> Iterator[tuple[list[int], "Tensor"]]:
    """Yield (rows, float32 images) in batches, behind a progress bar if there is a `label`."""
    from tqdm.auto import tqdm

    rows = list(range(len(images)) if rows is None else rows)
    starts = range(0, len(rows), size)
    for start in tqdm(starts, desc=label, unit="batch", leave=False, disable=not label):
        chunk = rows[start : start + size]
        yield chunk, images.load(chunk)
