"""Nothing but edges."""

import numpy as np

from . import Distortion
from .greyscale import grey, stacked


def canny(image: np.ndarray, sigma: float) -> np.ndarray:
    """Canny's edges of the grey image, white on black (thresholds .35 and .9)."""
    from skimage import feature

    found = feature.canny(grey(image), sigma, low_threshold=0.35, high_threshold=0.9)
    return stacked(found.astype(np.float32))


DISTORTIONS = (
    Distortion(
        name="edges",
        title="Edges",
        apply=lambda image, sigma, generator: canny(image, sigma),
        levels=(0.4,),
        axis="standard deviation (pixels)",
        reference="Chen et al., official code (in no table of the paper)",
    ),
)
