"""Which pixels a polygon, a part or the object covers, drawn 4x finer and averaged down."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from .shapes import PARTS, SHAPES, Part

if TYPE_CHECKING:
    from .render import Factors

SIZE = 64
SUPERSAMPLE = 4


def _fill(draw: ImageDraw.ImageDraw, corners: np.ndarray, value: int) -> None:
    draw.polygon([tuple(c) for c in corners * SUPERSAMPLE], fill=value)


def _canvas() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("L", (SIZE * SUPERSAMPLE,) * 2)
    return image, ImageDraw.Draw(image)


def paint_parts(category: str, pose: np.ndarray, fragment: np.ndarray | None = None) -> np.ndarray:
    """Supersampled uint8 map: 0 outside the object, else 1 + the index of the part in PARTS."""
    fine = paint(SHAPES[category], pose)
    return fine if fragment is None else fine * cover_fine(fragment)


def paint(parts: Iterable[Part], pose: np.ndarray) -> np.ndarray:
    """Supersampled uint8 map of some parts, painted in their order, as :func:`paint_parts`."""
    image, draw = _canvas()
    for part in parts:
        for shape, value in ((part.polygons, 1 + PARTS.index(part.name)), (part.holes, 0)):
            for corners in shape:
                _fill(draw, corners @ pose[:, :2].T + pose[:, 2], value)
    return np.asarray(image)


def cover_fine(corners: np.ndarray) -> np.ndarray:
    """Supersampled uint8 map: 1 inside a polygon (in pixels), 0 outside."""
    image, draw = _canvas()
    _fill(draw, corners, 1)
    return np.asarray(image)


def average_down(fine: np.ndarray) -> np.ndarray:
    """The share of each pixel, float32 (SIZE, SIZE, 1), from a supersampled map of 0 and 1."""
    shape = (SIZE, SUPERSAMPLE, SIZE, SUPERSAMPLE)
    return fine.reshape(shape).mean((1, 3), dtype=np.float32)[..., None]


def cover(corners: np.ndarray) -> np.ndarray:
    """Share of each pixel that a polygon (in pixels) covers: float32 (SIZE, SIZE, 1) in [0, 1]."""
    return average_down(cover_fine(corners))


def object_mask(f: "Factors") -> np.ndarray:
    """Share of each pixel that the object covers: float32 (SIZE, SIZE, 1) in [0, 1]."""
    return average_down(paint_parts(f.category, f.pose, f.fragment) > 0)
