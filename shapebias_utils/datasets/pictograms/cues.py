"""One cue of an image changed, all else kept: what only a dataset that draws its images can do.

A rendition is one record. Most put another figure in the object's place, a function of this
module; some are the natural drawing under other settings.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from .masks import (
    SIZE,
    SUPERSAMPLE,
    average_down,
    cover,
    object_mask,
    paint,
    paint_parts,
)
from .shapes import SHAPES
from .textures import HELD_OUT, surface

if TYPE_CHECKING:
    from .render import Factors, RenderSettings

Figure = Callable[
    ["Factors", np.ndarray, float, np.random.Generator], tuple[np.ndarray, np.ndarray]
]
"""``(factors, natural skin (SIZE, SIZE, 3), texture contrast, rng) -> (mask, skin)``.

The mask is float32 ``(SIZE, SIZE, 1)`` in [0, 1]; the generator is of the image and the paint.
"""

BAND = 1.5
"""Width of the outline, pixels inwards from the contour."""

ORDERS = 32
"""Random orders of an object's pieces among which the least crowded is taken."""


def retextured(f, skin, contrast, rng):
    """The object in one of the held-out textures."""
    return object_mask(f), surface(f.colour, str(rng.choice(list(HELD_OUT))), contrast, rng)


def texture_blob(f, skin, contrast, rng):
    """The skin on a random polygon of the object's area, its centre as far off the middle."""
    corners = rng.integers(5, 9)
    angle = 2 * np.pi * (np.arange(corners) + rng.uniform(-0.3, 0.3, corners) + rng.random())
    angle /= corners
    blob = rng.uniform(0.7, 1.2, corners)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    x, y = blob.T
    area = 0.5 * np.abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
    centre = SIZE / 2 + (f.pose[:, 2] - SIZE / 2) * rng.choice([-1, 1], 2)
    return cover(centre + blob * np.sqrt(object_mask(f).sum() / area)), skin


def texture_field(f, skin, contrast, rng):
    """The skin everywhere."""
    return np.ones((SIZE, SIZE, 1), np.float32), skin


def ground(f, skin, contrast, rng):
    """Nothing: the background and the clutter alone."""
    return np.zeros((SIZE, SIZE, 1), np.float32), skin


def outline(f, skin, contrast, rng):
    """The object's colour in a band along its contour."""
    fine = paint_parts(f.category, f.pose, f.fragment) > 0
    inwards = ndimage.distance_transform_edt(fine)
    return average_down(fine & (inwards <= BAND * SUPERSAMPLE)), f.colour


def pieces(f: "Factors") -> list[tuple[str, np.ndarray]]:
    """(name of the part, supersampled bool map) of each connected piece of each part of an object.

    The pieces are in full, also what other parts hide.
    """
    found = []
    for part in SHAPES[f.category]:
        labels, count = ndimage.label(paint((part,), f.pose))
        found += [(part.name, labels == k) for k in range(1, count + 1)]
    return found


def shuffled(f: "Factors", rng: np.random.Generator) -> tuple[list[np.ndarray], np.ndarray]:
    """(The pieces of the object, each moved to the centroid of another, their new places).

    Of some random orders the one in which fewest pieces come to a place of their own part and,
    among these, that shows most. Where most pieces are of one part, as the keys of a keyboard, or
    one is far larger than the others, as the body of a bottle, much of the whole remains.
    """
    names, maps = zip(*pieces(f), strict=True)
    names = np.array(names)
    centres = np.array([np.mean(np.nonzero(m), axis=1) for m in maps])
    orders = [rng.permutation(len(maps)) for _ in range(ORDERS)]

    def moved(order: np.ndarray) -> list[np.ndarray]:
        steps = np.rint(centres[order] - centres).astype(int)
        return [_shift(m, step) for m, step in zip(maps, steps, strict=True)]

    at_home = [(names[order] == names).sum() for order in orders]
    best = [order for order, n in zip(orders, at_home, strict=True) if n == min(at_home)]
    order = max(best, key=lambda order: np.any(moved(order), axis=0).sum())
    return moved(order), order


def _shift(fine: np.ndarray, step: np.ndarray) -> np.ndarray:
    """The map moved by so many rows and columns; what leaves it is lost."""
    margins = [(max(s, 0), max(-s, 0)) for s in step]
    height, width = fine.shape
    (top, bottom), (left, right) = margins
    return np.pad(fine[bottom : height - top, right : width - left], margins)


def parts_shuffled(f, skin, contrast, rng):
    """The skin on the object's pieces in each other's places; a fragment stays as it is."""
    if not f.whole:
        return object_mask(f), skin
    return average_down(np.any(shuffled(f, rng)[0], axis=0)), skin


FIGURES: dict[str, Figure] = {
    figure.__name__: figure
    for figure in (retextured, texture_blob, texture_field, outline, parts_shuffled, ground)
}
"""Paint -> what stands in the object's place."""


def as_they_are(settings: "RenderSettings", level: float) -> "RenderSettings":
    return settings


def without_texture(settings: "RenderSettings", level: float) -> "RenderSettings":
    return replace(settings, texture_contrast=0.0)


def on_plain_ground(settings: "RenderSettings", level: float) -> "RenderSettings":
    """No texture, clutter or variation of the background; the object's contrast times `level`."""
    plain = {"texture_contrast": 0.0, "clutter_contrast": 0.0, "background": 0.0}
    return replace(settings, object_contrast=level * settings.object_contrast, **plain)


@dataclass(frozen=True)
class Rendition:
    """The same pictograms with one cue changed.

    `paint` is that of :func:`render.render`; `settings(default, level)` are those it is painted
    with. `keeps` and `changes` complete a sentence. `levels` and `axis` as of a ``Distortion``.
    """

    name: str
    title: str
    paint: str
    keeps: str
    changes: str
    settings: Callable[["RenderSettings", float], "RenderSettings"] = as_they_are
    levels: tuple = (1,)
    axis: str = ""


RENDITIONS = (
    Rendition(
        name="flat",
        title="No texture",
        paint="natural",
        keeps="all but the texture",
        changes="the texture's contrast to 0",
        settings=without_texture,
    ),
    Rendition(
        name="retextured",
        title="New texture",
        paint="retextured",
        keeps="all but the texture",
        changes="the texture to one of six that no category owns",
    ),
    Rendition(
        name="outline",
        title="Outline",
        paint="outline",
        keeps="the object's contour, its colour, the background",
        changes=f"the inside to the background, but for a band of {BAND} pixels without texture",
        settings=without_texture,
    ),
    Rendition(
        name="silhouette_low",
        title="Silhouette, own contrast",
        paint="natural",
        keeps="the object's outline, its colour and contrast, times the level",
        changes="texture, clutter and background to plain colours",
        settings=on_plain_ground,
        levels=(2, 1, 0.5, 0.25, 0.125),
        axis="contrast of the silhouette (1: the dataset's own)",
    ),
    Rendition(
        name="parts_shuffled",
        title="Parts shuffled",
        paint="parts_shuffled",
        keeps="each part's form, the texture, the colour, the background",
        changes="the places of the parts, which are each other's",
    ),
    Rendition(
        name="parts_shuffled_flat",
        title="Parts shuffled, no texture",
        paint="parts_shuffled",
        keeps="each part's form, the colour, the background",
        changes="the places of the parts, which are each other's, and the texture's contrast to 0",
        settings=without_texture,
    ),
    Rendition(
        name="texture_blob",
        title="Texture on a blob",
        paint="texture_blob",
        keeps="texture, colour and area of the object, the background",
        changes="the object's form and place to those of a random polygon",
    ),
    Rendition(
        name="texture_field",
        title="Texture everywhere",
        paint="texture_field",
        keeps="the texture, its contrast and the object's colour",
        changes="the object's form and the background: the texture fills the image",
    ),
)
"""All renditions that exist for pictograms alone, those that keep the shape first."""
