"""The 15 + 4 corruptions of ImageNet-C (Hendrycks & Dietterich 2019), at five severities each.

`CONSTANTS` are those of ImageNet-C for images of 224 pixels, and those of Tiny-ImageNet-C for
images of 64. An image of another size has the constants of the nearer of the two: 64's below a
shorter side of 120, their geometric mean, 224's from there. Corruptions start from 8-bit images
and end in them, rounded down, as theirs do. The published ImageNet-C was besides saved as JPEG of
quality 85, which is left out here.

All follow their code, whose quirks are part of what was published (see glass_blur), with draws of
our own; only frost is another: their photographs of it are not shipped (see frost_texture).
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...datasets import ImageSet
from ...datasets.joined import joined
from .. import Distortion, distorted
from .blur import defocus_blur, gaussian_blur, glass_blur, motion_blur, zoom_blur
from .constants import CONSTANTS
from .digital import brightness, contrast, elastic_transform, jpeg_compression, pixelate, saturate
from .noise import gaussian_noise, impulse_noise, shot_noise, speckle_noise
from .weather import fog, frost, snow, spatter

if TYPE_CHECKING:
    from torch import Tensor

    from ...datasets import Dataset

Corrupt = Callable[[np.ndarray, object, np.random.Generator], np.ndarray]

CORRUPTIONS: dict[str, tuple[str, Corrupt]] = {
    "gaussian_noise": ("Gaussian noise", gaussian_noise),
    "shot_noise": ("Shot noise", shot_noise),
    "impulse_noise": ("Impulse noise", impulse_noise),
    "defocus_blur": ("Defocus blur", defocus_blur),
    "glass_blur": ("Glass blur", glass_blur),
    "motion_blur": ("Motion blur", motion_blur),
    "zoom_blur": ("Zoom blur", zoom_blur),
    "snow": ("Snow", snow),
    "frost": ("Frost", frost),
    "fog": ("Fog", fog),
    "brightness": ("Brightness", brightness),
    "contrast": ("Contrast", contrast),
    "elastic_transform": ("Elastic", elastic_transform),
    "pixelate": ("Pixelate", pixelate),
    "jpeg_compression": ("JPEG", jpeg_compression),
    "speckle_noise": ("Speckle noise", speckle_noise),
    "gaussian_blur": ("Gaussian blur", gaussian_blur),
    "spatter": ("Spatter", spatter),
    "saturate": ("Saturate", saturate),
}
"""Name, which is that of the folder in ImageNet-C -> (title, function), in the paper's order."""

MAIN = tuple(CORRUPTIONS)[:15]
"""The 15 that mCE is defined over; the four others are ImageNet-C's extra ones, for validation."""

SEVERITIES = (1, 2, 3, 4, 5)


def constants_of(name: str, size: int) -> tuple:
    """The corruption's constants for images with a shorter side of so many pixels, by severity."""
    return CONSTANTS[64 if size**2 < 64 * 224 else 224][name]


def corrupt(
    image: np.ndarray, severity: int, generator: np.random.Generator, *, name: str
) -> np.ndarray:
    """The corrupted image, float32 ``(H, W, 3)`` in [0, 1], in steps of 1/255."""
    constants = constants_of(name, min(image.shape[:2]))[severity - 1]
    image = np.rint(255 * image) / np.float32(255)
    found = CORRUPTIONS[name][1](image, constants, generator)
    # The small term, since 7 / 255 * 255 may be a little less than 7.
    return np.floor(255 * found.clip(0, 1) + 1e-3).astype(np.float32) / 255


DISTORTIONS = tuple(
    Distortion(
        name=name,
        title=title,
        apply=partial(corrupt, name=name),
        levels=SEVERITIES,
        axis="severity",
        reference="ImageNet-C, Hendrycks & Dietterich 2019",
    )
    for name, (title, _) in CORRUPTIONS.items()
)

KEPT_BYTES = 2**30
"""Up to this size :func:`corrupted` images are kept in memory once they have been loaded."""


def corrupted(dataset: "Dataset", images: ImageSet, name: str, seed: int = 0) -> ImageSet:
    """The images at severities 1 to 5 of a corruption, one severity after the other, as one set.

    Where the dataset has them on disk (`Dataset.corrupted`), those of the same names are taken.
    The table has the images' columns, `imagename` with the severity before it ("3/cat7.png"), the
    name as it was in `original`, and `level`, the severity. Loaded images are kept, so that
    several networks can see them in turn. ValueError for an unknown corruption, or names the first
    image that is not on disk.
    """
    if name not in CORRUPTIONS:
        raise ValueError(f"unknown corruption {name!r}; choose one of {', '.join(CORRUPTIONS)}")
    sets = [
        _alike(dataset.corrupted(name, severity), images)
        if dataset.corrupted
        else distorted(dataset, images, name, severity, seed)
        for severity in SEVERITIES
    ]
    every = joined(dict(zip(SEVERITIES, sets, strict=True)), f"{images.name}-{name}")
    level = np.array(SEVERITIES)[every.table["part"]]
    names = [f"{own}/{of}" for own, of in zip(level, every.table["original"], strict=True)]
    table = every.table.assign(imagename=names, level=level).drop(columns="part")
    kept, fits = {}, len(every) * 3 * dataset.size**2 <= KEPT_BYTES

    def load(rows: Sequence[int]) -> "Tensor":
        import torch

        found = kept if fits else {}
        if missing := sorted({*rows} - {*found}):
            found.update(zip(missing, (255 * every.load(missing)).round().byte(), strict=True))
        return torch.stack([found[row] for row in rows]).float() / 255

    return replace(every, table=table, load=load)


def there(dataset: "Dataset", names: Sequence[str] = tuple(CORRUPTIONS)) -> tuple[str, ...]:
    """Those of the corruptions that the dataset can show: all where it makes them itself.

    Where they come on disk, those whose folders are there, with a warning of which are left out and
    why; FileNotFoundError where none is.
    """
    found, absent = [], {}
    for name in names:
        try:
            if dataset.corrupted:
                dataset.corrupted(name, SEVERITIES[0])
            found.append(name)
        except FileNotFoundError as error:
            absent[name] = str(error)
    if absent and not found:
        raise FileNotFoundError(next(iter(absent.values())))
    if absent:
        why = next(iter(absent.values()))
        warnings.warn(f"left out are {', '.join(absent)}: {why}", stacklevel=2)
    return tuple(found)


def _alike(published: ImageSet, images: ImageSet) -> ImageSet:
    """The published images that have the names of `images`, in their order."""
    position = pd.Series(range(len(published)), index=published.table["imagename"])
    names = images.table["imagename"]
    absent = names[~names.isin(position.index)]
    if len(absent):
        raise ValueError(
            f"{published.name} lacks {absent.iloc[0]} and {len(absent) - 1} more of "
            f"{len(names)} images: unpack its archive again"
        )
    return published.subset(position[names].tolist(), published.name)
