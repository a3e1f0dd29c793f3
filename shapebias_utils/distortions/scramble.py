"""Shape-less images: the image is cut into p x p even patches, which change places."""

import numpy as np

from . import Distortion, generator_of


def scrambled(image: np.ndarray, p: int, order: np.ndarray) -> np.ndarray:
    """The image ``(H, W, C)`` with patch ``order[k]`` in place k, counted row by row.

    `order` is a permutation of the p * p patches. ValueError where p does not divide H and W.
    """
    height, width, channels = image.shape
    if height % p or width % p:
        raise ValueError(
            f"an image of {height} x {width} pixels cannot be cut into {p} x {p} even patches: "
            f"crop or resize it so that {p} divides both"
        )
    cut = image.reshape(p, height // p, p, width // p, channels).swapaxes(1, 2)
    moved = cut.reshape(p * p, *cut.shape[2:])[order].reshape(cut.shape)
    return moved.swapaxes(1, 2).reshape(image.shape)


def unscrambled(image: np.ndarray, p: int, order: np.ndarray) -> np.ndarray:
    """The image that :func:`scrambled` made this of, bit for bit."""
    return scrambled(image, p, np.argsort(order))


def patch_order(p: int, imagename: str, seed: int = 0) -> np.ndarray:
    """The permutation by which ``distort(image, "scramble", p, imagename, seed)`` scrambles."""
    return generator_of("scramble", imagename, seed).permutation(p * p)


def paper_order(p: int) -> np.ndarray:
    """The one permutation for all images of the paper's code: numpy's first after seed 212.

    For 2 x 2 it is that of the paper's published sample; 4 x 4 and 8 x 8 are taken to be alike.
    """
    return np.random.RandomState(212).permutation(p * p)


DISTORTIONS = (
    Distortion(
        name="scramble",
        title="Scrambled",
        apply=lambda image, p, generator: scrambled(image, p, generator.permutation(p * p)),
        levels=(2, 4, 8),
        axis="p (p x p patches)",
        reference="Zhang & Zhu 2019; Chen et al., Sec. 3.2.1: each image in an order of its own",
    ),
    Distortion(
        name="scramble_paper",
        title="Scrambled, one order",
        apply=lambda image, p, generator: scrambled(image, p, paper_order(p)),
        levels=(2, 4, 8),
        axis="p (p x p patches)",
        reference="Chen et al., official code: all images in the order of seed 212",
    ),
)
