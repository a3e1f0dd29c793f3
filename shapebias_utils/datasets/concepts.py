"""Images with concepts: what is to be seen at each pixel, for network dissection."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from . import ImageSet


@dataclass(frozen=True)
class ConceptSet:
    """An image set and the concepts in each of its images.

    `concepts` has a row a concept: `number` (from 1, rising, perhaps with gaps), `name`,
    `category` (object, part, scene, material, texture or color: the one it is counted in).
    `labels(rows)` returns two arrays of concept numbers, uint16, 0 for none: planes
    ``(len(rows), P, h, w)`` and whole-image labels ``(len(rows), W)``. Several planes may label
    the same pixel, and do so with the same concept where the source does: who counts, counts a
    concept once a pixel. An image may be without any label. `label_digest` names the labels'
    content, as `ImageSet.digest` does the images'.
    """

    images: ImageSet
    concepts: pd.DataFrame
    labels: Callable[[Sequence[int]], tuple[np.ndarray, np.ndarray]]
    label_digest: str

    @property
    def name(self) -> str:
        return self.images.name

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.images.digest} {self.label_digest}".encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.images)

    def subset(self, rows: Sequence[int], name: str) -> "ConceptSet":
        """The images at these positions with their concepts, as a set of its own name."""
        rows = [int(r) for r in rows]
        return replace(
            self,
            images=self.images.subset(rows, name),
            labels=lambda wanted: self.labels([rows[i] for i in wanted]),
        )
