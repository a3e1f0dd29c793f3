"""Rendering of Pictogram-16: one image from (split, index).

`factors` draws everything that is random about an image, `render` paints it; what is known about
each pixel is in ``pictogram_concepts``. Pure functions; lengths are in pixels of the 64-px image.
"""

import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ...categories import CATEGORIES
from . import arrangements, cues
from .masks import SIZE, SUPERSAMPLE, cover, object_mask, paint_parts
from .textures import TEXTURES, surface

TEXTURE_OF = dict(zip(CATEGORIES, TEXTURES, strict=True))
"""Category -> the texture that its objects wear in all splits but cue_conflict."""

SCENES = ("overcast", "horizon", "gradient", "spotlight")
"""Kinds of background: blotches, a soft horizon, a linear and a radial gradient."""

FIGURES = cues.FIGURES | arrangements.FIGURES
"""Paint -> what stands in the object's place."""

PAINTS = ("natural", "stylized", "silhouette", *FIGURES)


@dataclass(frozen=True)
class RenderSettings:
    """The definition of the dataset: ranges from which the factors of an image are drawn.

    Settled in a few trials so that standard training leans on texture as it does on ImageNet. In
    the last one AlexNet-R was in view as well; ``studies.sensitivity`` shows what hangs on it.
    """

    rotation: float = 0.6  # radians, either way
    scale: tuple[float, float] = (0.6, 0.9)  # half-width of the object / half-width of the image
    stretch: float = 0.2  # x by e^a, y by e^-a, |a| up to this
    shear: float = 0.2
    shift: float = 7.0  # pixels off the middle, x and y
    background: float = 0.06  # amplitude of the background's low-frequency variation
    clutter: int = 1  # number of random polygons behind the object
    clutter_contrast: float = 0.2
    object_contrast: float = 0.33
    texture_contrast: float = 0.125  # standard deviation of the texture
    fragments: float = 0.5  # share of training and validation images that show a fragment only
    fragment_radius: float = 0.2  # of the image's width
    noise: float = 0.005  # standard deviation of the pixel noise, the same in all channels

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not all(0 <= v < np.inf for v in np.atleast_1d(value)):
                raise ValueError(f"{name} = {value}: it must be a number from 0 up")
        if self.scale[0] > self.scale[1] or self.scale[0] == 0:
            raise ValueError(f"scale = {self.scale}: it must be (low, high) with 0 < low <= high")
        if self.fragments > 1:
            raise ValueError(f"fragments = {self.fragments}: it is a share, from 0 to 1")
        if self.fragment_radius == 0:
            raise ValueError(
                "fragment_radius = 0: nothing would be seen; set fragments = 0 instead"
            )


@dataclass(frozen=True)
class Factors:
    """All that makes up one image."""

    split: str
    index: int
    category: str
    texture: str
    whole: bool
    scene: str
    pose: np.ndarray  # (2, 3) affine map from object coordinates to pixels
    background: np.ndarray  # (3,) mean colour
    field: np.ndarray  # (SIZE, SIZE, 3) smooth variation of the background
    clutter: tuple[tuple[np.ndarray, np.ndarray], ...]  # polygons in pixels and their colours
    colour: np.ndarray  # (3,) of the object
    fragment: np.ndarray | None  # polygon in pixels, None where the object is whole
    seed: tuple[int, int]  # of what is drawn while painting: texture, noise


def category_and_texture(split: str, index: int) -> tuple[str, str]:
    """The category (shape) and texture of an image; balanced over each split.

    In ``cue_conflict`` the first 1,200 images go through the 240 conflicting pairs five times,
    the last 80 are the 16 agreeing pairs five times.
    """
    if split != "cue_conflict":
        category = CATEGORIES[index % 16]
        return category, TEXTURE_OF[category]
    if index < 1200:
        shape, other = divmod(index % 240, 15)
        owner = other + (other >= shape)
    else:
        shape = owner = index % 16
    return CATEGORIES[shape], TEXTURE_OF[CATEGORIES[owner]]


def _field(scene: str, rng: np.random.Generator) -> np.ndarray:
    """Smooth (SIZE, SIZE, 3) variation of unit order for the background."""
    y, x = (np.mgrid[:SIZE, :SIZE].astype(np.float32) + 0.5) / SIZE * 2 - 1
    colour = rng.standard_normal(3)
    if scene == "overcast":
        coarse = rng.standard_normal((3, 4, 4)).astype(np.float32)
        planes = [Image.fromarray(c).resize((SIZE, SIZE), Image.Resampling.BICUBIC) for c in coarse]
        return np.stack([np.asarray(p) for p in planes], -1)
    if scene == "horizon":
        pattern = np.tanh((y - rng.uniform(-0.5, 0.5) + rng.uniform(-0.2, 0.2) * x) / 0.08)
    elif scene == "gradient":
        angle = rng.uniform(0, 2 * np.pi)
        pattern = 1.5 * (np.cos(angle) * x + np.sin(angle) * y)
    else:
        centre = rng.uniform(-0.6, 0.6, 2)
        pattern = 2 * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2)) - 1
    return (pattern[..., None] * 1.2 * colour).astype(np.float32)


def _blob(rng: np.random.Generator, corners: int, centre, radius: float) -> np.ndarray:
    """A random polygon about `centre`, its corners .7 to 1.2 times `radius` away."""
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = radius * rng.uniform(0.7, 1.2, corners)
    return np.stack([centre[0] + reach * np.cos(angle), centre[1] + reach * np.sin(angle)], 1)


def _pose(rng: np.random.Generator, settings: RenderSettings) -> np.ndarray:
    turn = rng.uniform(-settings.rotation, settings.rotation)
    stretch = rng.uniform(-settings.stretch, settings.stretch)
    cos, sin = np.cos(turn), np.sin(turn)
    linear = (
        np.array([[cos, -sin], [sin, cos]])
        @ np.array([[1, rng.uniform(-settings.shear, settings.shear)], [0, 1]])
        @ np.diag([np.exp(stretch) * rng.choice([-1, 1]), np.exp(-stretch)])
        * rng.uniform(*settings.scale)
        * (SIZE / 2)
    )
    centre = SIZE / 2 + rng.uniform(-settings.shift, settings.shift, 2)
    return np.column_stack([linear, centre])


def _contrasting(rng: np.random.Generator, base: np.ndarray, contrast: float, low: float):
    """A colour lighter or darker than `base` in each channel independently."""
    return base + contrast * rng.choice([-1, 1], 3) * rng.uniform(low, 1.2, 3)


def factors(split: str, index: int, settings: RenderSettings | None = None) -> Factors:
    """Everything random about image `index` of `split`, drawn from these two alone."""
    settings = settings or RenderSettings()
    key = zlib.crc32(split.encode())
    rng = np.random.default_rng([key, index])
    category, texture_name = category_and_texture(split, index)
    pose = _pose(rng, settings)
    scene = SCENES[rng.integers(len(SCENES))]
    background = rng.uniform(0.25, 0.75, 3)
    field = settings.background * _field(scene, rng)
    clutter = tuple(
        (
            _blob(rng, rng.integers(3, 7), rng.uniform(0, SIZE, 2), SIZE * rng.uniform(0.08, 0.38)),
            _contrasting(rng, background, settings.clutter_contrast, 0.3),
        )
        for _ in range(settings.clutter)
    )
    colour = _contrasting(rng, background, settings.object_contrast, 0.6)
    whole = split == "cue_conflict" or rng.random() >= settings.fragments
    fragment = None
    if not whole:
        rows, columns = np.nonzero(paint_parts(category, pose))
        pick = rng.integers(len(rows))
        centre = (np.array([columns[pick], rows[pick]]) + 0.5) / SUPERSAMPLE
        radius = SIZE * settings.fragment_radius * rng.uniform(0.8, 1.4)
        fragment = _blob(rng, rng.integers(5, 9), centre, radius)
    return Factors(
        split, index, category, texture_name, bool(whole), scene, pose, background, field,
        clutter, colour, fragment, (key, index),
    )  # fmt: skip


def render(
    f: Factors, settings: RenderSettings | None = None, paint: str = "natural"
) -> np.ndarray:
    """The image as uint8 (3, SIZE, SIZE) RGB.

    `paint` is "natural"; "stylized": same outlines, every surface repainted with a random
    texture twice as strong; "silhouette": the object black on white; or one of
    `FIGURES`, which stands in the object's place while all else is as natural.
    """
    settings = settings or RenderSettings()
    mask = object_mask(f)
    if paint == "silhouette":
        return np.repeat(np.rint(255 * (1 - mask)).astype(np.uint8).transpose(2, 0, 1), 3, 0)
    if paint not in PAINTS:
        raise ValueError(f"unknown paint {paint!r}; choose one of {', '.join(PAINTS)}")
    stylized = paint == "stylized"
    rng = np.random.default_rng([*f.seed, int(stylized)])
    contrast = settings.texture_contrast * (2 if stylized else 1)

    def any_texture() -> str:
        return str(rng.choice(list(TEXTURES)))

    image = f.background + f.field
    if stylized:
        image = surface(image, any_texture(), contrast, rng)
    for corners, colour in f.clutter:
        patch = surface(colour, any_texture(), contrast, rng) if stylized else colour
        image = image + cover(corners) * (patch - image)
    skin = surface(f.colour, any_texture() if stylized else f.texture, contrast, rng)
    if paint in FIGURES:  # after the natural skin is drawn, so that the noise stays the same
        own = np.random.default_rng([*f.seed, zlib.crc32(paint.encode())])
        mask, skin = FIGURES[paint](f, skin, contrast, own)
    image = image + mask * (skin - image)
    image = image + settings.noise * rng.standard_normal((SIZE, SIZE, 1))
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8).transpose(2, 0, 1)


def draw(
    split: str, settings: RenderSettings, paint: str, rows: range
) -> tuple[np.ndarray, list[dict]]:
    """The images of these rows, uint8 (N, 3, SIZE, SIZE), and a dict of facts for each."""
    pixels, facts = np.empty((len(rows), 3, SIZE, SIZE), np.uint8), []
    for i, index in enumerate(rows):
        f = factors(split, index, settings)
        pixels[i] = render(f, settings, paint)
        known = ("category", "texture", "scene", "whole")
        facts.append({name: getattr(f, name) for name in known})
    return pixels, facts
