"""The images that a recipe trains on."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ..datasets import Dataset, ImageSet
from .recipes import Recipe


def images_for(recipe: Recipe, dataset: Dataset) -> ImageSet:
    """The training images, as the recipe paints them.

    ValueError where the dataset has no such rendition of them.
    """
    natural = dataset.images("train")
    if recipe.images == ("natural",):
        return natural
    unknown = [p for p in recipe.images if p != "natural" and p not in dataset.renditions]
    if unknown:
        raise ValueError(
            f"{dataset.name} cannot paint its training images {unknown[0]!r}: give its record a "
            f"rendition of that name; it has {', '.join(dataset.renditions) or 'none'}"
        )
    painted = [
        natural if paint == "natural" else dataset.renditions[paint](natural, 1)
        for paint in recipe.images
    ]
    return mixture(painted)


def mixture(sets: Sequence[ImageSet]) -> ImageSet:
    """One image set of as many images, each drawn from one of the sets at random in training.

    All sets have the same images in the same order, painted otherwise. `load` takes the first.
    """
    if len(sets) == 1:
        return sets[0]
    first = sets[0]
    digest = hashlib.sha256("\n".join(s.digest for s in sets).encode()).hexdigest()

    def augment(rows: Sequence[int], seed: int) -> torch.Tensor:
        choice = np.random.default_rng([seed, 1]).integers(len(sets), size=len(rows))
        views = torch.stack([s.augment(rows, seed) for s in sets])
        return views[torch.from_numpy(choice), torch.arange(len(rows))]

    name = " and ".join(s.name for s in sets)
    return replace(first, name=name, digest=digest, augment=augment)
