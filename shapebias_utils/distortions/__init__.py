"""Distortions of images: one function and one record each, for any size of image.

A module of this package that has a tuple `DISTORTIONS` of records is found by itself, so that a
new distortion is a function and a record, and no other edit.
"""

import hashlib
import pkgutil
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..datasets import Dataset, ImageSet

SMALLEST = 8
"""Pixels of the shorter side of an image that can be distorted, at least."""


@dataclass(frozen=True)
class Distortion:
    """A way to distort an image.

    `apply(image, level, generator)` takes and returns float32 RGB ``(H, W, 3)`` in [0, 1]; all its
    randomness comes from the generator. It is None where only a dataset that draws its images can
    do it (`Dataset.renditions`). `levels` are those that are measured, the mildest first
    ((1,) where there is nothing to choose); `axis` names them on a plot's axis. `reference` says
    whose recipe it is. `version` is raised whenever the result changes. `needs()` names what else
    the result hangs on (files of yours, programs) and raises FileNotFoundError, with the remedy,
    where it is missing.
    """

    name: str
    title: str
    apply: Callable[[np.ndarray, float, np.random.Generator], np.ndarray] | None
    levels: tuple
    axis: str
    reference: str
    version: int = 1
    needs: Callable[[], str] = str


@cache
def _known() -> dict[str, Distortion]:
    known = {}
    for found in pkgutil.iter_modules(__path__):
        module = import_module(f".{found.name}", __name__)
        for distortion in getattr(module, "DISTORTIONS", ()):
            if distortion.name in known:
                raise ValueError(f"two distortions are named {distortion.name!r}: rename one")
            known[distortion.name] = distortion
    return known


def distortion_names() -> list[str]:
    """The names of all distortions of any image: not of those that only a dataset can draw."""
    return [name for name, distortion in _known().items() if distortion.apply]


def get_distortion(name: str) -> Distortion:
    """The distortion of that name; ValueError lists the known ones."""
    if name not in _known():
        raise ValueError(f"unknown distortion {name!r}; choose one of {', '.join(_known())}")
    return _known()[name]


def lacking(dataset: "Dataset", names: Iterable[str]) -> dict[str, str]:
    """Those of the distortions that cannot be made here -> what is missing, and its remedy.

    Weights, paintings or a program that are yours to bring; what the dataset renders needs none.
    """
    missing = {}
    for name in names:
        try:
            if name not in dataset.renditions:
                get_distortion(name).needs()
        except FileNotFoundError as error:
            missing[name] = str(error)
    return missing


def generator_of(name: str, imagename: str, seed: int = 0) -> np.random.Generator:
    """All the randomness of the distortion of that name on the image of that name."""
    key = [seed, zlib.crc32(name.encode()), zlib.crc32(imagename.encode())]
    return np.random.default_rng(key)


def _at_level(name: str, level: float) -> tuple[Distortion, float]:
    """The distortion and the level, as its record writes it (2, where 2.0 is given)."""
    distortion = get_distortion(name)
    if level not in distortion.levels:
        listed = ", ".join(map(str, distortion.levels))
        raise ValueError(f"{name} has no level {level!r}; choose one of {listed}")
    return distortion, distortion.levels[distortion.levels.index(level)]


def distort(
    image: np.ndarray, name: str, level: float, imagename: str = "", seed: int = 0
) -> np.ndarray:
    """The distorted image, float32 ``(H, W, 3)`` in [0, 1], from one of the same form.

    Pure: its randomness is keyed by seed, distortion and the image's name, and is the same at
    every level. ValueError for an unknown distortion, a level that is none of its levels, or an
    image that is not finite RGB in [0, 1] of at least 8 x 8 pixels; FileNotFoundError, with the
    remedy, where something that it needs is missing.
    """
    distortion, level = _at_level(name, level)
    if distortion.apply is None:
        distortion.needs()
    image = np.asarray(image, np.float32)
    if image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < SMALLEST:
        raise ValueError(
            f"{imagename or 'the image'} is {image.shape}; expected is (H, W, 3), H and W from "
            f"{SMALLEST} up"
        )
    if not (image.min() >= 0 and image.max() <= 1):  # so written, NaN is refused too
        raise ValueError(
            f"{imagename or 'the image'} has values from {image.min():g} to {image.max():g}; "
            "expected are finite ones in [0, 1]"
        )
    result = distortion.apply(image, level, generator_of(name, imagename, seed))
    return np.ascontiguousarray(result, np.float32)


def distorted(
    dataset: "Dataset", images: "ImageSet", name: str, level: float, seed: int = 0
) -> "ImageSet":
    """The same images, distorted as they are loaded.

    Where the dataset knows better how its images look so distorted (`Dataset.renditions`:
    pictograms are repainted, their silhouettes are drawn), it is asked. ValueError for an unknown
    distortion or level; FileNotFoundError, with the remedy, where something is missing.
    """
    import torch

    distortion, level = _at_level(name, level)
    title = f"{images.name}-{name}-{level}"
    if name in dataset.renditions:
        return replace(dataset.renditions[name](images, level), name=title)
    facts = [images.digest, name, distortion.version, level, seed, distortion.needs()]
    names = images.table["imagename"].tolist()

    def load(rows):
        loaded = images.load(rows).permute(0, 2, 3, 1).numpy()
        found = [
            distort(image, name, level, names[row], seed)
            for image, row in zip(loaded, rows, strict=True)
        ]
        return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2)

    digest = hashlib.sha256(repr(facts).encode()).hexdigest()
    return replace(images, name=title, load=load, digest=digest, augment=None)
