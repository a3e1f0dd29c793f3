"""Images changed as they are loaded, and whole objects."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ...datasets import Dataset, ImageSet

if TYPE_CHECKING:
    from torch import Tensor


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


def whole_objects(dataset: Dataset, n: int) -> ImageSet:
    """`n` validation images of the dataset's last subset: whole objects, where it knows them."""
    name, query = list(dataset.subsets.items())[-1]
    images = dataset.images("validation")
    return images.where(query, f"validation-{name.replace(' ', '_')}").evenly(n)
