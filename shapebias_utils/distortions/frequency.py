"""Grey images without their fine structure, without their coarse one, or without their phases."""

import numpy as np

from . import Distortion
from .greyscale import grey, stacked

MEAN_GREY = 0.4423
"""Of ImageNet: what surrounds an image, and the mean of a high-pass filtered one (Geirhos)."""


def blurred(values: np.ndarray, deviation: float) -> np.ndarray:
    """The values ``(H, W)`` under a Gaussian, in pixels; beyond the edges all is `MEAN_GREY`."""
    from scipy.ndimage import gaussian_filter

    if np.isinf(deviation):
        return np.full_like(values, MEAN_GREY)
    return gaussian_filter(values, deviation, mode="constant", cval=MEAN_GREY)


def low_pass(image: np.ndarray, deviation: float) -> np.ndarray:
    """Grey, under a Gaussian of this standard deviation in pixels."""
    return stacked(blurred(grey(image), deviation))


def high_pass(image: np.ndarray, deviation: float) -> np.ndarray:
    """Grey, less its :func:`low_pass`, moved to a mean of `MEAN_GREY`."""
    fine = grey(image) - blurred(grey(image), deviation)
    return stacked(fine + MEAN_GREY - fine.mean())


def phase_noise(image: np.ndarray, width: float, generator: np.random.Generator) -> np.ndarray:
    """Grey, each phase of its spectrum turned by up to `width` degrees, either way, at random.

    The turns of opposite frequencies are opposite, so that the image stays real and keeps its
    amplitudes, but for what is clipped to [0, 1].
    """
    values = grey(image)
    turns = np.deg2rad(generator.uniform(-width, width, values.shape))
    opposite = tuple(np.ix_(*[-np.arange(n) % n for n in values.shape]))
    number = np.arange(values.size).reshape(values.shape)
    turns = np.where(number < number[opposite], turns, -turns[opposite])
    turns[number == number[opposite]] = 0  # such a frequency is its own opposite: it is real
    return stacked(np.fft.ifft2(np.fft.fft2(values) * np.exp(1j * turns)).real)


DISTORTIONS = (
    Distortion(
        name="low_pass",
        title="Low-pass, grey",
        apply=lambda image, deviation, generator: low_pass(image, deviation),
        levels=(0, 1, 3, 5, 7, 10, 15, 40),
        axis="standard deviation (pixels)",
        reference="Geirhos et al. 2018",
    ),
    Distortion(
        name="high_pass",
        title="High-pass, grey",
        apply=lambda image, deviation, generator: high_pass(image, deviation),
        levels=(float("inf"), 3, 1.5, 1, 0.7, 0.55, 0.45, 0.4),
        axis="standard deviation (pixels)",
        reference="Geirhos et al. 2018",
    ),
    Distortion(
        name="phase_noise",
        title="Phase noise, grey",
        apply=phase_noise,
        levels=(0, 30, 60, 90, 120, 150, 180),
        axis="half-width (degrees)",
        reference="Geirhos et al. 2018",
    ),
)
