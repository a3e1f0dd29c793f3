"""Images with concepts: what is to be seen at each pixel, for network dissection."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

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
    content, as `ImageSet.digest` does the images'. `wears` maps an object or a part to the textures
    that it always wears in these images, where that is known.
    """

    images: ImageSet
    concepts: pd.DataFrame
    labels: Callable[[Sequence[int]], tuple[np.ndarray, np.ndarray]]
    label_digest: str
    wears: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        return self.images.name

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.images.digest} {self.label_digest}".encode()).hexdigest()

    def strata(self) -> np.ndarray:
        """The kind of each image, within which labels may be exchanged: text (images,).

        The column `kind` of the images' table; else the folder that an image is in, which in
        Broden is its source.
        """
        table = self.images.table
        if "kind" in table:
            return table["kind"].to_numpy(str)
        names = table["imagename"].astype(str)
        return names.str.rpartition("/")[0].str.split("/").str[0].to_numpy(str)

    def __len__(self) -> int:
        return len(self.images)

    def evenly(self, n: int) -> "ConceptSet":
        """`n` of the images, evenly spread over them; all if there are no more, or `n` is 0."""
        if not 0 < n < len(self):
            return self
        return self.subset(np.linspace(0, len(self) - 1, n).astype(int), f"{self.name}_{n}")

    def subset(self, rows: Sequence[int], name: str) -> "ConceptSet":
        """The images at these positions with their concepts, as a set of its own name."""
        rows = [int(r) for r in rows]
        return replace(
            self,
            images=self.images.subset(rows, name),
            labels=lambda wanted: self.labels([rows[i] for i in wanted]),
        )
