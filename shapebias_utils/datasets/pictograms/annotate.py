"""What is known about each pixel of a pictogram image, by construction: concepts for dissection."""

from collections.abc import Mapping

import numpy as np

from ...categories import CATEGORIES
from .masks import SIZE, SUPERSAMPLE, cover, object_mask, paint_parts
from .render import SCENES, Factors
from .shapes import PARTS
from .textures import TEXTURES

COLOURS: Mapping[str, tuple[float, float, float]] = {
    "black": (0, 0, 0),
    "blue": (0, 0, 1),
    "brown": (0.5, 0.4, 0.25),
    "green": (0, 1, 0),
    "grey": (0.5, 0.5, 0.5),
    "orange": (1, 0.5, 0),
    "pink": (1, 0.5, 1),
    "purple": (1, 0, 1),
    "red": (1, 0, 0),
    "white": (1, 1, 1),
    "yellow": (1, 1, 0),
}
"""The 11 basic colour terms, with the sRGB colours that van de Weijer et al. (2009) show."""

CONCEPTS: Mapping[str, tuple[str, ...]] = {
    "object": CATEGORIES,
    "part": PARTS,
    "texture": tuple(TEXTURES),
    "color": tuple(COLOURS),
    "scene": SCENES,
}
"""Kind of concept -> names; label k of a map of that kind is the k-th name, from 1 (0: none)."""


def annotate(f: Factors) -> dict[str, np.ndarray]:
    """Label maps, uint8 (SIZE, SIZE), of the kinds in `CONCEPTS`; 0 where there is no such concept.

    "object", "part" and "texture" are labelled where the object covers the pixel's centre; "color"
    everywhere, as the basic term nearest in CIELAB to what is painted there without texture and
    noise; "scene" is the same in the whole image.
    """
    centre = SUPERSAMPLE // 2
    part = paint_parts(f.category, f.pose, f.fragment)[centre::SUPERSAMPLE, centre::SUPERSAMPLE]
    inside = part > 0
    whole = np.ones((SIZE, SIZE), np.uint8)
    return {
        "object": np.uint8(inside * (1 + CATEGORIES.index(f.category))),
        "part": part,
        "texture": np.uint8(inside * (1 + list(TEXTURES).index(f.texture))),
        "color": 1 + name_colours(_without_texture(f)),
        "scene": whole * np.uint8(1 + SCENES.index(f.scene)),
    }


def name_colours(image: np.ndarray) -> np.ndarray:
    """Index into `COLOURS` of each pixel's nearest term in CIELAB: uint8, from RGB (..., 3)."""
    from skimage.color import rgb2lab

    focal = rgb2lab(np.array(list(COLOURS.values()), float))
    distance = np.linalg.norm(rgb2lab(np.clip(image, 0, 1))[..., None, :] - focal, axis=-1)
    return distance.argmin(-1).astype(np.uint8)


def _without_texture(f: Factors) -> np.ndarray:
    image = f.background + f.field
    for corners, colour in f.clutter:
        image = image + cover(corners) * (colour - image)
    return image + object_mask(f) * (f.colour - image)
