"""The same pictograms with the pieces of their shape elsewhere: texture, colour and ground stay.

What patches of a photograph cannot do: the pieces are moved before the object is painted, so that
its texture runs on through all of them and no seam is drawn.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from ...categories import CATEGORIES
from ..patches import shuffled_patches, shuffled_within
from .cues import pieces
from .masks import SUPERSAMPLE, average_down, paint_parts

if TYPE_CHECKING:
    from .render import Factors

VERSION = 1
"""Raised whenever a drawing changes: it is in the digest of the images."""

CELLS = 8
"""Cells a side within which local shape is shuffled; each is cut into 4 x 4 squares (2 pixels)."""

PATCHES = 4
"""Patches a side that change places where global shape is shuffled (16 pixels)."""


def local_shuffled(f, skin, contrast, rng):
    """The skin on the object's mask, its small squares shuffled within cells: the outline stays."""
    return average_down(shuffled_within(_fine(f), CELLS, rng)[..., 0]), skin


def global_shuffled(f, skin, contrast, rng):
    """The skin on the object's mask, whose large patches have changed places."""
    return average_down(shuffled_patches(_fine(f), PATCHES, rng)[..., 0]), skin


def arranged_as_another(f, skin, contrast, rng):
    """The skin on the object's own pieces, in the places that those of :func:`another` have.

    The largest goes to the place of the largest, and so on. The shorter list starts again at its
    end, so that all pieces are there and all places are filled. Of a fragment the whole is drawn.
    """
    own, others = (_by_size(replace(f, category=c)) for c in (f.category, another(f)))
    moved = np.zeros_like(own[0])
    for k in range(max(len(own), len(others))):
        piece, place = own[k % len(own)], others[k % len(others)]
        step = np.rint(_centre(place) - _centre(piece)).astype(int)
        moved |= ndimage.shift(piece.astype(np.uint8), step, order=0).astype(bool)
    return average_down(moved), skin


FIGURES = {f.__name__: f for f in (local_shuffled, global_shuffled, arranged_as_another)}
"""Paint -> what stands in the object's place, as in ``cues.FIGURES``."""


def another(f: "Factors") -> str:
    """The category whose arrangement an object is given: each of the 15 others in turn."""
    place = CATEGORIES.index(f.category)
    return CATEGORIES[(place + 1 + f.index // 16 % 15) % 16]


def _fine(f: "Factors") -> np.ndarray:
    """The object's supersampled mask, bool ``(256, 256, 1)``."""
    return (paint_parts(f.category, f.pose, f.fragment) > 0)[..., None]


def _by_size(f: "Factors") -> list[np.ndarray]:
    """The pieces of the object, supersampled bool maps, the largest first."""
    found = [piece for _, piece in pieces(f) if piece.sum() >= SUPERSAMPLE**2]  # a pixel at least
    return sorted(found, key=lambda piece: -int(piece.sum()))


def _centre(piece: np.ndarray) -> np.ndarray:
    return np.mean(np.nonzero(piece), axis=1)
