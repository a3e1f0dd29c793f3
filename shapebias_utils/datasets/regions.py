"""Which pixels of an image are the object, its parts, and other things: exact masks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Regions:
    """The masks of some images, in their order.

    `object` and `clutter` (other things, where the object does not cover them) are bool
    ``(N, H, W)``; `parts` is ``(N, H, W)`` of integers, 0 where there is no part, else 1 + the
    index of the part in `names`.
    """

    object: np.ndarray
    clutter: np.ndarray
    parts: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.object)

    def subset(self, rows: Sequence[int]) -> "Regions":
        """Those of the images at these positions."""
        rows = list(rows)
        own = {kind: getattr(self, kind)[rows] for kind in ("object", "clutter", "parts")}
        return replace(self, **own)
