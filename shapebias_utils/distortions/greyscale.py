"""Images without colour, in full and in lower contrast."""

import numpy as np

from . import Distortion

WEIGHTS = np.array([0.2125, 0.7154, 0.0721], np.float32)
"""Of red, green and blue in grey: scikit-image's, as Geirhos et al. used them."""


def grey(image: np.ndarray) -> np.ndarray:
    """The grey values ``(H, W)`` of an RGB image ``(H, W, 3)``."""
    return np.clip(image @ WEIGHTS, 0, 1)


def stacked(values: np.ndarray) -> np.ndarray:
    """Grey values ``(H, W)`` as an RGB image ``(H, W, 3)``, clipped to [0, 1]."""
    return np.repeat(np.clip(values, 0, 1)[..., None], 3, axis=2)


def with_contrast(values: np.ndarray, contrast: float) -> np.ndarray:
    """The values, drawn towards middle grey: ``(1 - c) / 2 + c v``."""
    return (1 - contrast) / 2 + contrast * values


DISTORTIONS = (
    Distortion(
        name="greyscale",
        title="Greyscale",
        apply=lambda image, level, generator: stacked(grey(image)),
        levels=(1,),
        axis="",
        reference="Geirhos et al. 2018",
    ),
    Distortion(
        name="grey_contrast",
        title="Low contrast, grey",
        apply=lambda image, contrast, generator: stacked(with_contrast(grey(image), contrast)),
        levels=(1.0, 0.5, 0.3, 0.15, 0.1, 0.05, 0.03, 0.01),
        axis="contrast",
        reference="Geirhos et al. 2018",
    ),
)
