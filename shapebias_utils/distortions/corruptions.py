"""The 15 + 4 corruptions of ImageNet-C (Hendrycks & Dietterich 2019), at five severities each.

`CONSTANTS` are those of ImageNet-C for images of 224 pixels, and those of Tiny-ImageNet-C for
images of 64. An image of another size has the constants of the nearer of the two: 64's below a
shorter side of 120, their geometric mean, 224's from there. Corruptions start from 8-bit images
and end in them, rounded down, as theirs do. The published ImageNet-C was besides saved as JPEG of
quality 85, which is left out here.

All follow their code, whose quirks are part of what was published (see glass_blur), with draws of
our own; only frost is another: their photographs of it are not shipped (see frost_texture).
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from . import Distortion
from .corruption_blur import defocus_blur, gaussian_blur, glass_blur, motion_blur, zoom_blur
from .corruption_digital import (
    brightness,
    contrast,
    elastic_transform,
    jpeg_compression,
    pixelate,
    saturate,
)
from .corruption_noise import gaussian_noise, impulse_noise, shot_noise, speckle_noise
from .corruption_weather import fog, frost, snow, spatter

Corrupt = Callable[[np.ndarray, object, np.random.Generator], np.ndarray]

CORRUPTIONS: dict[str, tuple[str, Corrupt]] = {
    "gaussian_noise": ("Gaussian noise", gaussian_noise),
    "shot_noise": ("Shot noise", shot_noise),
    "impulse_noise": ("Impulse noise", impulse_noise),
    "defocus_blur": ("Defocus blur", defocus_blur),
    "glass_blur": ("Glass blur", glass_blur),
    "motion_blur": ("Motion blur", motion_blur),
    "zoom_blur": ("Zoom blur", zoom_blur),
    "snow": ("Snow", snow),
    "frost": ("Frost", frost),
    "fog": ("Fog", fog),
    "brightness": ("Brightness", brightness),
    "contrast": ("Contrast", contrast),
    "elastic_transform": ("Elastic", elastic_transform),
    "pixelate": ("Pixelate", pixelate),
    "jpeg_compression": ("JPEG", jpeg_compression),
    "speckle_noise": ("Speckle noise", speckle_noise),
    "gaussian_blur": ("Gaussian blur", gaussian_blur),
    "spatter": ("Spatter", spatter),
    "saturate": ("Saturate", saturate),
}
"""Name, which is that of the folder in ImageNet-C -> (title, function), in the paper's order."""

MAIN = tuple(CORRUPTIONS)[:15]
"""The 15 that mCE is defined over; the four others are ImageNet-C's extra ones, for validation."""

SEVERITIES = (1, 2, 3, 4, 5)

# fmt: off
CONSTANTS: dict[int, dict[str, tuple]] = {
    224: {
        "gaussian_noise": (0.08, 0.12, 0.18, 0.26, 0.38),
        "shot_noise": (60, 25, 12, 5, 3),
        "impulse_noise": (0.03, 0.06, 0.09, 0.17, 0.27),
        "defocus_blur": ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
        "glass_blur": ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
        "motion_blur": ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
        "zoom_blur": ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)),
        "snow": (
            (0.1, 0.3, 3, 0.5, 10, 4, 0.8), (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
            (0.55, 0.3, 4, 0.9, 12, 8, 0.7), (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
            (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
        ),
        "frost": ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
        "fog": ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)),
        "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),
        "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),
        "elastic_transform": (
            (488, 170.8, 24.4), (488, 19.52, 48.8), (12.2, 2.44, 4.88), (17.08, 2.44, 4.88),
            (29.28, 2.44, 4.88),
        ),
        "pixelate": (0.6, 0.5, 0.4, 0.3, 0.25),
        "jpeg_compression": (25, 18, 15, 10, 7),
        "speckle_noise": (0.15, 0.2, 0.35, 0.45, 0.6),
        "gaussian_blur": (1, 2, 3, 4, 6),
        "spatter": (
            (0.65, 0.3, 4, 0.69, 0.6, 0), (0.65, 0.3, 3, 0.68, 0.6, 0),
            (0.65, 0.3, 2, 0.68, 0.5, 0), (0.65, 0.3, 1, 0.65, 1.5, 1),
            (0.67, 0.4, 1, 0.65, 1.5, 1),
        ),
        "saturate": ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)),
    },
    64: {
        "gaussian_noise": (0.04, 0.08, 0.12, 0.15, 0.18),
        "shot_noise": (250, 100, 50, 30, 15),
        "impulse_noise": (0.01, 0.02, 0.05, 0.08, 0.14),
        "defocus_blur": ((0.5, 0.6), (1, 0.1), (1.5, 0.1), (2.5, 0.01), (3, 0.1)),
        "glass_blur": ((0.1, 1, 1), (0.5, 1, 1), (0.6, 1, 2), (0.7, 2, 1), (0.9, 2, 2)),
        "motion_blur": ((10, 1), (10, 1.5), (10, 2), (10, 2.5), (12, 3)),
        "zoom_blur": ((1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)),
        "snow": (
            (0.1, 0.2, 1, 0.6, 8, 3, 0.8), (0.1, 0.2, 1, 0.5, 10, 4, 0.8),
            (0.15, 0.3, 1.75, 0.55, 10, 4, 0.7), (0.25, 0.3, 2.25, 0.6, 12, 6, 0.65),
            (0.3, 0.3, 1.25, 0.65, 14, 12, 0.6),
        ),
        "frost": ((1, 0.3), (0.9, 0.4), (0.8, 0.45), (0.75, 0.5), (0.7, 0.55)),
        "fog": ((0.4, 3), (0.7, 3), (1, 2.5), (1.5, 2), (2, 1.75)),
        "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),
        "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),
        "elastic_transform": (
            (0, 0, 5.12), (3.2, 19.2, 3.84), (6.4, 5.12, 3.84), (6.4, 1.92, 1.92),
            (10.24, 1.92, 1.28),
        ),
        "pixelate": (0.9, 0.8, 0.7, 0.6, 0.5),
        "jpeg_compression": (65, 58, 50, 40, 25),
        "speckle_noise": (0.15, 0.2, 0.25, 0.3, 0.35),
        "gaussian_blur": (0.5, 0.75, 1, 1.25, 1.5),
        "spatter": (
            (0.62, 0.1, 0.7, 0.7, 0.6, 0), (0.65, 0.1, 0.8, 0.7, 0.6, 0),
            (0.65, 0.3, 1, 0.69, 0.6, 0), (0.65, 0.1, 0.7, 0.68, 0.6, 1),
            (0.65, 0.1, 0.5, 0.67, 0.6, 1),
        ),
        "saturate": ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (30, 0.2)),
    },
}
# fmt: on
"""Size -> corruption -> what its function is given at severities 1 to 5."""


def constants_of(name: str, size: int) -> tuple:
    """The corruption's constants for images with a shorter side of so many pixels, by severity."""
    return CONSTANTS[64 if size**2 < 64 * 224 else 224][name]


def corrupt(
    image: np.ndarray, severity: int, generator: np.random.Generator, *, name: str
) -> np.ndarray:
    """The corrupted image, float32 ``(H, W, 3)`` in [0, 1], in steps of 1/255."""
    constants = constants_of(name, min(image.shape[:2]))[severity - 1]
    image = np.rint(255 * image) / np.float32(255)
    found = CORRUPTIONS[name][1](image, constants, generator)
    # The small term, since 7 / 255 * 255 may be a little less than 7.
    return np.floor(255 * found.clip(0, 1) + 1e-3).astype(np.float32) / 255


DISTORTIONS = tuple(
    Distortion(
        name=name,
        title=title,
        apply=partial(corrupt, name=name),
        levels=SEVERITIES,
        axis="severity",
        reference="ImageNet-C, Hendrycks & Dietterich 2019",
    )
    for name, (title, _) in CORRUPTIONS.items()
)
