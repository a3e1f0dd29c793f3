"""Noise in every pixel."""

import numpy as np

from . import Distortion
from .greyscale import grey, stacked, with_contrast


def gaussian(image: np.ndarray, deviation: float, generator: np.random.Generator) -> np.ndarray:
    """The image plus N(0, deviation), drawn for each value of each pixel, clipped to [0, 1]."""
    added = generator.standard_normal(image.shape, np.float32)
    return np.clip(image + np.float32(deviation) * added, 0, 1)


def uniform(image: np.ndarray, width: float, generator: np.random.Generator) -> np.ndarray:
    """Grey, at a contrast of 30 %, plus the same U(-width, width) in all three channels."""
    added = generator.uniform(-width, width, image.shape[:2])
    return stacked(with_contrast(grey(image), 0.3) + added)


DISTORTIONS = (
    Distortion(
        name="noise",
        title="Noise",
        apply=gaussian,
        levels=(0.02, 0.04, 0.08, 0.16, 0.32),
        axis="standard deviation",
        reference="Chen et al., Fig. 5",
    ),
    Distortion(
        name="uniform_noise",
        title="Uniform noise, grey",
        apply=uniform,
        levels=(0.0, 0.03, 0.05, 0.1, 0.2, 0.35, 0.6, 0.9),
        axis="half-width",
        reference="Geirhos et al. 2018",
    ),
)
