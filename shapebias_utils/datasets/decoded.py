"""Small photographs as one array: decoded once, kept under ``data/raw/decoded``.

To decode a JPEG of 64 pixels takes longer than a small network takes to see it, and in training it
is seen in every epoch.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..files import atomic, locked, sha256
from ..paths import RAW
from . import ImageSet
from .augmentation import random_resized_crop
from .raster import contents_of

if TYPE_CHECKING:
    from torch import Tensor

DECODED = RAW / "decoded"

VERSION = 1
"""Raised whenever photographs are decoded or resized in another way."""


def content_digest(paths: Iterable[Path], *facts: object) -> str:
    """SHA-256 of the files' names and bytes, and of what besides them determines an image set.

    ValueError names a file that cannot be read.
    """
    digest = hashlib.sha256(repr((VERSION, *facts)).encode())
    for path in paths:
        contents = contents_of(path)
        digest.update(f"{path.name} {len(contents)}\n".encode() + contents)
    return digest.hexdigest()


def decoded(
    dataset: str,
    name: str,
    table: pd.DataFrame,
    digest: str,
    decode: Callable[[Sequence[int]], "Tensor"],
    part: int = 512,
) -> ImageSet:
    """The dataset's image set of that name and table, held in memory as 8-bit pixels.

    `decode(rows)` returns float RGB ``(len(rows), 3, H, W)`` in [0, 1], in steps of 1/255; it is
    asked once for all rows, part by part, and never again while the file under
    ``data/raw/decoded`` is whole and of this digest.
    """
    import torch
    from tqdm.auto import tqdm

    path = DECODED / f"{dataset}-{name}-{digest[:12]}.npy"
    with locked(path):
        pixels = _kept(path, digest)
        if pixels is None:
            starts = range(0, len(table), part)
            bar = tqdm(starts, desc=f"decoding {dataset} {name}", leave=False)
            parts = [decode(range(i, min(i + part, len(table)))) for i in bar]
            pixels = torch.cat([(255 * p).round().byte() for p in parts]).numpy()
            with atomic(path) as temporary:
                np.save(temporary, pixels)
            with atomic(path.with_suffix(".json")) as temporary:
                temporary.write_text(json.dumps({"digest": digest, "sha256": sha256(path)}))
    return in_memory(name, table, digest, torch.from_numpy(pixels))


def in_memory(name: str, table: pd.DataFrame, digest: str, pixels: "Tensor") -> ImageSet:
    """The image set whose pixels are these: uint8 ``(N, 3, H, W)``."""

    def load(rows: Sequence[int]) -> "Tensor":
        return pixels[list(rows)].float() / 255

    def augment(rows: Sequence[int], seed: int) -> "Tensor":
        return random_resized_crop(load(rows), seed)

    return ImageSet(name, table, load, digest, augment)


def _kept(path: Path, digest: str) -> np.ndarray | None:
    """The pixels in the file; None if it is not there, damaged or of another digest."""
    try:
        facts = json.loads(path.with_suffix(".json").read_text())
        if facts["digest"] == digest and facts["sha256"] == sha256(path):
            return np.load(path)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def known_stimuli(stimuli: ImageSet, known: Iterable[str], size: int, dataset: str) -> ImageSet:
    """The stimuli both of whose cues are among the `known` categories, at `size` x `size` pixels.

    Made smaller (bilinear, antialiased) for networks of a small input, and decoded once. ValueError
    where there are none, or they are not square or smaller than `size`.
    """
    import torch.nn.functional as F

    known = sorted(known)
    table = stimuli.table
    fits = table["category"].isin(known) & table["texture_category"].isin(known)
    if not fits.any():
        raise ValueError(
            f"none of the {len(table)} cue-conflict stimuli has both cues among "
            f"{', '.join(known)}: put all of the release there"
        )
    chosen = stimuli.subset(fits.to_numpy().nonzero()[0], stimuli.name)
    digest = hashlib.sha256(f"{VERSION} {chosen.digest} {size}".encode()).hexdigest()

    height, width = chosen.load([0]).shape[-2:]  # as of all of them
    if height != width or height < size:
        raise ValueError(
            f"{chosen.table['imagename'].iloc[0]} is {width}x{height}: to be made {size}x{size}, "
            "stimuli must be square and not smaller; make all of them so"
        )

    def decode(rows: Sequence[int]) -> "Tensor":
        x = F.interpolate(chosen.load(rows), (size, size), mode="bilinear", antialias=True)
        return (255 * x).round().clamp(0, 255) / 255

    return replace(decoded(dataset, stimuli.name, chosen.table, digest, decode), augment=None)
