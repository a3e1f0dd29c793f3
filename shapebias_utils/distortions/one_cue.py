"""Images that lack one cue, as far as any image can be made to: local shape, or texture."""

import numpy as np

from ..datasets.patches import SQUARES, shuffled_within
from . import Distortion

TONES = 0.2
"""Standard deviation of the bilateral filter in values of [0, 1]: larger steps are edges."""


def without_local_shape(image: np.ndarray, p: int, generator: np.random.Generator) -> np.ndarray:
    """The image ``(H, W, 3)``, shuffled within p x p patches; what does not divide stays as it is.

    That is fewer than 4 p rows at the bottom and columns on the right.
    """
    height, width = (n // (p * SQUARES) * p * SQUARES for n in image.shape[:2])
    found = image.copy()
    if height and width:
        found[:height, :width] = shuffled_within(image[:height, :width], p, generator)
    return found


def smoothed(image: np.ndarray, deviation: float) -> np.ndarray:
    """The image ``(H, W, 3)`` under a bilateral filter of that standard deviation in pixels.

    A mean over what is near in place and in colour (Tomasi & Manduchi 1998), applied twice: small
    variation goes, edges stay. Mirrored at the edges of the image.
    """
    reach = int(np.ceil(2 * deviation))
    steps = range(-reach, reach + 1)
    height, width, _ = image.shape
    for _ in range(2):
        padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="symmetric")
        total, weights = np.zeros_like(image), np.zeros((height, width, 1), np.float32)
        for down in steps:
            for right in steps:
                other = padded[reach + down :, reach + right :][:height, :width]
                apart = np.square(other - image).sum(2, keepdims=True) / TONES**2
                near = (down**2 + right**2) / deviation**2
                weight = np.exp(-0.5 * (apart + np.float32(near)))
                total += weight * other
                weights += weight
        image = total / weights
    return np.clip(image, 0, 1)


DISTORTIONS = (
    Distortion(
        name="shuffle_within",
        title="Shuffled within patches",
        apply=without_local_shape,
        levels=(16, 8, 4),
        axis="p (p x p patches)",
        reference="after Burgert et al. 2025: local shape is lost, global shape stays",
    ),
    Distortion(
        name="smooth",
        title="Smoothed",
        apply=lambda image, deviation, generator: smoothed(image, deviation),
        levels=(1, 2, 4),
        axis="standard deviation (pixels)",
        reference="bilateral filter, as in Burgert et al. 2025: texture is lost, edges stay",
    ),
)
