"""Several sets of images as one, so that a network is loaded and its results written once."""

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from . import ImageSet

if TYPE_CHECKING:
    from torch import Tensor


def joined(sets: Mapping[Hashable, ImageSet], name: str) -> ImageSet:
    """The images of all sets, one set after the other, all of one size.

    The table has the sets' columns, `imagename` with the number of its set before it
    ("3/cat7.png"), the name as it was in `original`, and that number, from 0, in `part`.
    ValueError if there are none.
    """
    if not sets:
        raise ValueError(f"{name} is of no sets of images")
    every = list(sets.values())
    tables = [
        own.table.assign(
            imagename=f"{part}/" + own.table["imagename"],
            original=own.table["imagename"],
            part=part,
        )
        for part, own in enumerate(every)
    ]
    first = np.cumsum([0, *map(len, every)])
    digest = hashlib.sha256("".join(own.digest for own in every).encode()).hexdigest()

    def load(rows: Sequence[int]) -> "Tensor":
        import torch

        parts = (np.searchsorted(first, rows, side="right") - 1).tolist()
        runs = groupby(zip(parts, rows, strict=True), key=lambda pair: pair[0])
        return torch.cat(
            [every[part].load([int(row - first[part]) for _, row in run]) for part, run in runs]
        )

    return ImageSet(name, pd.concat(tables, ignore_index=True), load, digest)
