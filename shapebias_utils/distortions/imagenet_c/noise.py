"""ImageNet-C's noises (Hendrycks & Dietterich 2019): functions of 8-bit images in [0, 1].

As in all files of corruptions, a function takes the image, its constants of one severity
(``corruptions.CONSTANTS``) and the generator, and may leave [0, 1]: who calls it clips.
"""

import numpy as np


def gaussian_noise(
    image: np.ndarray, constants: float, generator: np.random.Generator
) -> np.ndarray:
    """The image with noise of that standard deviation, as sensors have it in low light."""
    return image + constants * generator.standard_normal(image.shape, dtype=np.float32)


def shot_noise(image: np.ndarray, constants: float, generator: np.random.Generator) -> np.ndarray:
    """What is counted of each value where full brightness is so many photons: Poisson noise."""
    return (generator.poisson(image * constants) / constants).astype(np.float32)


def impulse_noise(
    image: np.ndarray, constants: float, generator: np.random.Generator
) -> np.ndarray:
    """The image with that share of its values (not pixels) replaced by 0 or 1, in equal parts."""
    drawn = generator.random(image.shape, dtype=np.float32)
    noisy = np.where(drawn < constants / 2, np.float32(0), image)
    return np.where(drawn > 1 - constants / 2, np.float32(1), noisy)


def speckle_noise(
    image: np.ndarray, constants: float, generator: np.random.Generator
) -> np.ndarray:
    """The image with noise in proportion to each value."""
    return image + constants * image * generator.standard_normal(image.shape, dtype=np.float32)
