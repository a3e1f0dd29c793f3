"""Datasets: where images, stimuli, attack budgets and the mapping to categories come from.

A dataset is a record; notebooks take its name as their one `dataset` parameter and never branch
on it. Its images come as an :class:`ImageSet`: a table with a row of facts per image, and a
function that loads rows of it.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from torch import Tensor

    from ..attacks import Attack
    from ..networks import Network
    from ..training.recipes import Recipe
    from .concepts import ConceptSet
    from .regions import Regions


HELD = 2**29
"""Bytes of images that are kept in memory, at most, for the next network."""


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

    def evenly(self, n: int) -> "ImageSet":
        """`n` of the images, evenly spread over them; all if there are no more, or `n` is 0."""
        if not 0 < n < len(self):
            return self
        rows = np.linspace(0, len(self) - 1, n).astype(int)
        return self.subset(rows, f"{self.name}_{n}")

    def held(self, most: int = HELD) -> "ImageSet":
        """The same images for several networks: what was loaded for the first is kept for the
        others, batch by batch, as long as all of it takes at most so many bytes."""
        batches: dict[tuple[int, ...], Tensor] = {}

        def load(rows: Sequence[int]) -> "Tensor":
            key = tuple(rows)
            if key in batches:
                return batches[key].clone()
            loaded = self.load(rows)
            if sum(kept.nbytes for kept in batches.values()) + loaded.nbytes <= most:
                batches[key] = loaded.clone()
            return loaded

        return replace(self, load=load)

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
class Origin:
    """A file or folder that a dataset reads, and the command or page that brings it.

    Without a `remedy` it comes by itself, on first use; `detail` says what it is, and of what comes
    from elsewhere its size, licence and hash.
    """

    name: str
    path: Path
    remedy: str = ""
    detail: str = ""

    def there(self) -> bool:
        """Whether the file is there, or the folder with something in it."""
        return any(self.path.iterdir()) if self.path.is_dir() else self.path.exists()


@dataclass(frozen=True)
class Dataset:
    """Everything that there is to know about a dataset: nothing else knows it by its name.

    `images(split)` returns an :class:`ImageSet`; every dataset has the splits "train",
    "validation" and "cue_conflict". `subsets` names parts of the validation images, each by a
    pandas query of their table. `category_classes` maps each of the 16 categories to the classes
    (network outputs) that belong to it; a category without classes is never decided for. `attack`
    is the evaluation attack, `eps_grid` the budgets of curves of accuracy against eps. `renditions`
    maps names of distortions to functions from an image set and a level to the same images as the
    dataset itself renders them, where it can. `rearranged` maps "local shape" and "global shape" to
    functions from an image set to the same images with that of their shape shuffled, and
    "untextured", "untextured, parts moved" and "untextured, another's places" to such that draw
    objects without texture, as they are, with their parts in each other's places and in those of
    another category's, where the dataset can draw them. `concepts` returns the images with concepts
    for dissection; its argument is a folder, "" for the dataset's own; `concept_sets` are several
    such labellings by name, the one to set beside the paper's first, and `factorial` returns images
    in which shape, texture and colour are crossed, where the dataset can draw them. `corrupted`
    returns the validation images that come corrupted on disk, given the name of a corruption of
    ImageNet-C and its severity; None where they are made.
    `cue_axes` maps names of axes ("texture contrast") to their levels and the cue-conflict images
    at a level, all else being kept, where the dataset can draw them. `compose` draws one image
    ``(3, H, W)`` of any shape and texture, in one of a few poses, with settings of its own.
    `regions` returns the masks of the images of a set, where they are known exactly, `cue_norms`
    how large each cue of so many validation images is in L2. `notes` maps a notebook's number to
    what its reader must know of this dataset alone, in Markdown. `networks` returns the records of
    its networks, `recipes` how they are trained (architecture -> training -> recipe), `origins`
    what it reads from disk. These are functions, since networks and training build on datasets and
    not the other way round. `most` is how many images of each set are looked at, 0 where it is all
    of them (see :meth:`limited`).
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
    rearranged: Mapping[str, Callable[[ImageSet], ImageSet]] = field(default_factory=dict)
    concepts: "Callable[[str], ConceptSet] | None" = None
    concept_sets: "Mapping[str, Callable[[], ConceptSet]]" = field(default_factory=dict)
    factorial: Callable[[], ImageSet] | None = None
    corrupted: Callable[[str, int], ImageSet] | None = None
    cue_axes: Mapping[str, tuple[tuple[float, ...], Callable[[float], ImageSet]]] = field(
        default_factory=dict
    )
    compose: "Callable[..., Tensor] | None" = None
    regions: "Callable[[ImageSet], Regions] | None" = None
    cue_norms: Callable[[int], pd.DataFrame] | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    networks: "Callable[[], Sequence[Network]]" = tuple
    recipes: "Callable[[], Mapping[str, Mapping[str, Recipe]]]" = dict
    origins: Callable[[], Sequence[Origin]] = tuple
    most: int = 0

    def limited(self, n: int) -> "Dataset":
        """The dataset with at most `n` images of each of its sets but the factorial one, evenly
        spread, for a quick look; itself if `n` is 0."""
        if n <= 0:
            return self

        def concepts(folder: str) -> "ConceptSet":
            return self.concepts(folder).evenly(n)

        return replace(
            self,
            most=n,
            images=lambda split: self.images(split).evenly(n),
            concepts=self.concepts and concepts,
            concept_sets={
                name: (lambda make=make: make().evenly(n))
                for name, make in self.concept_sets.items()
            },
            cue_axes={
                axis: (levels, lambda level, at=at: at(level).evenly(n))
                for axis, (levels, at) in self.cue_axes.items()
            },
        )

    def categories(self) -> list[str]:
        """The categories that have classes: those that can be decided for."""
        return [category for category, classes in self.category_classes.items() if classes]


SHIPPED = {
    "pictograms": ".pictograms:DATASET",
    "tiny_imagenet": ".tiny_imagenet:DATASET",
    "tiny_imagenet_200": ".tiny_imagenet:ALL_CLASSES",
    "cifar10": ".cifar10:DATASET",
    "imagenet": ".imagenet:DATASET",
}
"""Name -> the module that holds the record and what it calls it; imported when asked for."""

DEFAULT = "pictograms"
"""The dataset of the default run."""

_OWN: dict[str, Dataset] = {}  # those registered by the user


def register(dataset: Dataset) -> Dataset:
    """The dataset, from now on known by its name; ValueError if a shipped one has that name."""
    if dataset.name in SHIPPED:
        raise ValueError(f"a dataset named {dataset.name!r} exists already; choose another name")
    _OWN[dataset.name] = dataset
    return dataset


def dataset_names() -> list[str]:
    """The names of all datasets, the user's own last."""
    return [*SHIPPED, *_OWN]


def get_dataset(name: str, n_images: int = 0) -> Dataset:
    """The dataset of that name, :meth:`Dataset.limited` to so many images of each set, all if 0.

    ValueError lists the known ones.
    """
    if name in _OWN:
        return _OWN[name].limited(n_images)
    if name not in SHIPPED:
        raise ValueError(f"unknown dataset {name!r}; choose one of {', '.join(dataset_names())}")
    module, record = SHIPPED[name].split(":")
    return getattr(import_module(module, __name__), record).limited(n_images)
