"""Images changed as they are loaded, and loaded once for all networks that see them."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...datasets import Dataset, ImageSet

if TYPE_CHECKING:
    from torch import Tensor

HELD = 2**30
"""Bytes of images that are held in memory at most."""


def changed(
    images: ImageSet, name: str, change: "Callable[[Tensor], Tensor]", version: int = 1
) -> ImageSet:
    """The same images under a function of batches ``(N, 3, H, W)``, named so."""
    digest = hashlib.sha256(f"{images.digest} {name} {version}".encode()).hexdigest()
    return replace(
        images,
        name=f"{images.name}-{name}",
        load=lambda rows: change(images.load(rows)),
        digest=digest,
        augment=None,
    )


def held(images: ImageSet) -> ImageSet:
    """The same images, each batch of which is loaded once as long as this set lives.

    So what is drawn or blurred for one network is there for the next. Sets of more than `HELD`
    bytes are left as they are.
    """
    if not len(images) or len(images) * images.load([0]).nbytes > HELD:
        return images
    memory: dict[tuple[int, ...], Tensor] = {}

    def load(rows: Sequence[int]) -> "Tensor":
        key = tuple(rows)
        if key not in memory:
            memory[key] = images.load(rows)
        return memory[key]

    return replace(images, load=load)


def whole_objects(dataset: Dataset, n: int) -> ImageSet:
    """`n` validation images of the dataset's last subset: whole objects, where it knows them."""
    name, query = list(dataset.subsets.items())[-1]
    images = dataset.images("validation")
    return images.where(query, f"validation-{name.replace(' ', '_')}").evenly(n)
