"""ImageNet-C's blurs (Hendrycks & Dietterich 2019), and the filters that other corruptions share.

All are linear but glass_blur, so they are done as products with small matrices, by Fourier
transform, or as sums of shifted images, whichever is fastest; the results are those of the filters
of scikit-image, SciPy, OpenCV and ImageMagick that ImageNet-C was made with, but for rounding.
"""

from functools import lru_cache

import numpy as np
from scipy import fft
from scipy.ndimage import correlate1d, gaussian_filter1d


@lru_cache(maxsize=64)
def _gaussian_matrix(size: int, sigma: float, mode: str, truncate: float) -> np.ndarray:
    """The matrix that blurs a column of so many pixels."""
    unit = np.eye(size, dtype=np.float32)
    if sigma == 0:
        return unit
    return gaussian_filter1d(unit, sigma, axis=0, mode=mode, truncate=truncate)


def gaussian(
    image: np.ndarray, sigma: float, mode: str = "nearest", truncate: float = 4.0
) -> np.ndarray:
    """The image ``(H, W)`` or ``(H, W, C)``, float32, blurred as ``skimage.filters.gaussian``."""
    height, width = image.shape[:2]
    planes = np.ascontiguousarray(image.reshape(height, width, -1).transpose(2, 0, 1), np.float32)
    rows = _gaussian_matrix(height, sigma, mode, truncate)
    columns = _gaussian_matrix(width, sigma, mode, truncate)
    return (rows @ planes @ columns.T).transpose(1, 2, 0).reshape(image.shape)


def gaussian_blur(
    image: np.ndarray, constants: float, generator: np.random.Generator
) -> np.ndarray:
    """The image blurred by a Gaussian of that standard deviation in pixels."""
    return gaussian(image, constants)


@lru_cache(maxsize=16)
def disk(radius: float, alias_blur: float) -> np.ndarray:
    """A disk of that radius, its edge blurred, on 17 x 17 pixels or more.

    It sums to 1 before its blur, which is of 3 x 3 pixels (5 x 5 above radius 8) and mirrored at
    the edges: where the disk touches them (radius 8 and 10) the sum is 1.01, as in ImageNet-C.
    """
    reach, taps = (8, 3) if radius <= 8 else (int(radius), 5)
    along = np.arange(-reach, reach + 1)
    flat = (along[:, None] ** 2 + along**2 <= radius**2).astype(np.float64)
    flat /= flat.sum()
    offsets = np.arange(taps) - taps // 2
    weights = np.exp(-(offsets**2) / (2 * alias_blur**2))
    weights /= weights.sum()
    for axis in (0, 1):
        flat = correlate1d(flat, weights, axis=axis, mode="mirror")
    return flat.astype(np.float32)


def defocus_blur(
    image: np.ndarray, constants: tuple[float, float], generator: np.random.Generator
) -> np.ndarray:
    """The image as a lens shows it out of focus: blurred by a disk (radius, blur of its edge)."""
    kernel = disk(*constants)
    reach = len(kernel) // 2
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="reflect")
    height, width = image.shape[:2]
    shape = [fft.next_fast_len(n, real=True) for n in padded.shape[:2]]
    transfer = fft.rfft2(kernel, shape)[..., None]
    spectrum = fft.rfft2(padded, shape, axes=(0, 1)) * transfer
    blurred = fft.irfft2(spectrum, shape, axes=(0, 1))
    return blurred[2 * reach : 2 * reach + height, 2 * reach : 2 * reach + width]


def glass_blur(
    image: np.ndarray, constants: tuple[float, int, int], generator: np.random.Generator
) -> np.ndarray:
    """The image as through frosted glass: blurred, its pixels displaced, and blurred again.

    (sigma, largest displacement, iterations). ImageNet-C means to swap each pixel with one nearby,
    from the last to the first, but its ``x[h, w], x[h2, w2] = x[h2, w2], x[h, w]`` on views of an
    array copies the one over the other and not back. So does this, for it is what was published.
    """
    sigma, reach, iterations = constants
    shaken = np.floor(255 * gaussian(image, sigma) + 1e-3)
    height, width = image.shape[:2]
    rows, columns = np.arange(height - reach, reach, -1), np.arange(width - reach, reach, -1)
    for _ in range(iterations):
        right, down = generator.integers(-reach, reach, (2, len(rows), len(columns)))
        sources = (rows[:, None] + down) * width + columns + right
        visited = rows[:, None] * width + columns
        shaken = _copied(shaken.reshape(height * width, -1), visited.ravel(), sources.ravel())
    return gaussian((shaken.reshape(image.shape) / 255).astype(np.float32), sigma)


def _copied(pixels: np.ndarray, visited: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """What the loop ``for v, s in zip(visited, sources): pixels[v] = pixels[s]`` makes of pixels.

    The new value at v is the new value at s where s was visited before v, else the old. Such
    chains are followed for all pixels at once: with each turn every pointer is replaced by what
    it points to, so that it reaches twice as far.
    """
    n = len(pixels)
    turn = np.full(n, len(visited))
    turn[visited] = np.arange(len(visited))
    pointer = np.arange(2 * n)  # the first n: new values; the others: old ones
    pointer[:n] += n
    pointer[visited] = np.where(turn[sources] < turn[visited], sources, sources + n)
    while True:
        further = pointer[pointer[:n]]
        if (further == pointer[:n]).all():
            return pixels[further - n]
        pointer[:n] = further


def motion(image: np.ndarray, radius: int, sigma: float, angle: float) -> np.ndarray:
    """The image ``(H, W)`` or ``(H, W, C)``, blurred along a line as ImageMagick's motion blur.

    The line begins at the pixel and is 2 radius + 1 long, its weights half a Gaussian; `angle` in
    degrees. Beyond the edge the image goes on with its outermost pixels.
    """
    length = 2 * radius + 1
    weights = np.exp(-(np.arange(length) ** 2) / (2 * sigma**2))
    weights = (weights / weights.sum()).astype(np.float32)
    steps = np.arange(length)
    down = np.ceil(steps * np.sin(np.deg2rad(angle)) - 0.5).astype(int)
    right = np.ceil(steps * np.cos(np.deg2rad(angle)) - 0.5).astype(int)
    height, width = image.shape[:2]
    pad = ((max(0, -down.min()), max(0, down.max())), (max(0, -right.min()), max(0, right.max())))
    padded = np.pad(image, pad + ((0, 0),) * (image.ndim - 2), mode="edge")
    blurred = np.zeros(image.shape, np.float32)
    for weight, i, j in zip(weights, down + pad[0][0], right + pad[1][0], strict=True):
        blurred += weight * padded[i : i + height, j : j + width]
    return blurred


def motion_blur(
    image: np.ndarray, constants: tuple[int, float], generator: np.random.Generator
) -> np.ndarray:
    """The image as from a moving camera (radius, sigma), within 45 degrees of horizontally."""
    return np.round(255 * motion(image, *constants, generator.uniform(-45, 45))) / 255


def zoomed(image: np.ndarray, factor: float) -> np.ndarray:
    """The centre of the image ``(H, W, C)``, enlarged by the factor to the image's own size.

    Linear, as ``scipy.ndimage.zoom`` of a crop that is large enough, of which the surplus is cut
    off on all sides.
    """
    for axis in (0, 1):
        size = image.shape[axis]
        crop = int(np.ceil(size / factor))
        large = round(crop * factor)
        at = np.arange(size) + (large - size) // 2
        at = at * ((crop - 1) / max(large - 1, 1))
        low = np.minimum(at.astype(int), crop - 1)
        weight = (at - low).astype(np.float32).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        first = low + (size - crop) // 2
        second = np.minimum(low + 1, crop - 1) + (size - crop) // 2
        before, after = image.take(first, axis), image.take(second, axis)
        after -= before
        after *= weight
        after += before
        image = after
    return image


def zoom_blur(
    image: np.ndarray, constants: tuple[float, float], generator: np.random.Generator
) -> np.ndarray:
    """The mean of the image and its enlargements from 1 up to (end, step), as of a fast zoom."""
    factors = np.arange(1, *constants)
    total = image.copy()
    for factor in factors:
        total += zoomed(image, factor)
    return total / np.float32(len(factors) + 1)
