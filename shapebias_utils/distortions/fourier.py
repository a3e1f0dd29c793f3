"""Images of their low or of their high spatial frequencies alone, in colour, cut off sharply.

The released code of Zhang & Zhu (2019) measures radii from the corner of a spectrum that was never
shifted, about a centre half a pixel off: what it calls a low-pass keeps a corner that is no disc,
and images do not stay real. Here the disc lies about frequency 0; radii are not comparable.
"""

import numpy as np

from . import Distortion


def frequencies(height: int, width: int) -> np.ndarray:
    """The frequency of each place of a spectrum of numpy's, in cycles an image: ``(H, W)``."""
    return np.hypot(np.fft.fftfreq(height)[:, None] * height, np.fft.fftfreq(width) * width)


def banded(image: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The image ``(H, W, C)`` with the frequencies that are `kept` ``(H, W)``, clipped to [0, 1].

    Frequency 0, the mean of each channel, always stays.
    """
    kept = kept | (frequencies(*kept.shape) == 0)
    spectrum = np.fft.fft2(image, axes=(0, 1)) * kept[..., None]
    return np.clip(np.fft.ifft2(spectrum, axes=(0, 1)).real, 0, 1)


def low_frequencies(image: np.ndarray, radius: float) -> np.ndarray:
    """The frequencies of at most so many cycles an image."""
    return banded(image, frequencies(*image.shape[:2]) <= radius)


def high_frequencies(image: np.ndarray, radius: float) -> np.ndarray:
    """The frequencies above so many cycles an image, around the mean colour."""
    return banded(image, frequencies(*image.shape[:2]) > radius)


DISTORTIONS = (
    Distortion(
        name="low_frequencies",
        title="Low frequencies alone",
        apply=lambda image, radius, generator: low_frequencies(image, radius),
        levels=(64, 32, 24, 16, 12, 8, 4),
        axis="radius (cycles an image)",
        reference="Zhang & Zhu 2019, with a disc about frequency 0",
    ),
    Distortion(
        name="high_frequencies",
        title="High frequencies alone",
        apply=lambda image, radius, generator: high_frequencies(image, radius),
        levels=(2, 4, 8, 12, 16, 24, 32, 64),
        axis="radius (cycles an image)",
        reference="Zhang & Zhu 2019, with a disc about frequency 0",
    ),
)
