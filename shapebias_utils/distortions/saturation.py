"""Saturated images: every channel is driven to black or white, which leaves edges and shapes."""

import numpy as np

from . import Distortion


def saturated(image: np.ndarray, p: float) -> np.ndarray:
    """``sign(2v - 1) |2v - 1|^(2/p) / 2 + 1/2`` of every value v in [0, 1].

    p = 2 is the identity, p below 2 greys, and with p to infinity each channel becomes two-valued.
    This is not the saturation of colours.
    """
    centred = 2 * image - 1
    return np.clip(np.sign(centred) * np.abs(centred) ** (2 / p) / 2 + 0.5, 0, 1)


DISTORTIONS = (
    Distortion(
        name="saturation",
        title="Saturated",
        apply=lambda image, p, generator: saturated(image, p),
        levels=(1, 2, 4, 8, 16, 64, 1024),
        axis="p",
        reference="Zhang & Zhu 2019",
    ),
)
