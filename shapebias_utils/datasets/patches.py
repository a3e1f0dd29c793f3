"""Images cut into even patches and put together again."""

import numpy as np

SQUARES = 4
"""Squares a side into which a cell is cut where its inside is shuffled."""


def cut(image: np.ndarray, p: int) -> np.ndarray:
    """The p * p patches of an image ``(H, W, C)``, row by row: ``(p * p, H / p, W / p, C)``.

    ValueError where p does not divide H and W.
    """
    height, width, channels = image.shape
    if height % p or width % p:
        raise ValueError(
            f"an image of {height} x {width} pixels cannot be cut into {p} x {p} even patches: "
            f"crop or resize it so that {p} divides both"
        )
    rows = image.reshape(p, height // p, p, width // p, channels).swapaxes(1, 2)
    return rows.reshape(p * p, height // p, width // p, channels)


def joined(patches: np.ndarray, p: int) -> np.ndarray:
    """The image that :func:`cut` made these of."""
    _, height, width, channels = patches.shape
    rows = patches.reshape(p, p, height, width, channels).swapaxes(1, 2)
    return rows.reshape(p * height, p * width, channels)


def shuffled_patches(image: np.ndarray, p: int, generator: np.random.Generator) -> np.ndarray:
    """The image's p x p patches in a random order: what is global is lost."""
    return joined(cut(image, p)[generator.permutation(p * p)], p)


def shuffled_within(image: np.ndarray, p: int, generator: np.random.Generator) -> np.ndarray:
    """The 4 x 4 squares of each of the p x p patches in a random order: what is local is lost.

    What is in each patch, and so the image at a coarse look, stays.
    """
    patches = [shuffled_patches(patch, SQUARES, generator) for patch in cut(image, p)]
    return joined(np.stack(patches), p)
