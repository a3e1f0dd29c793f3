"""ImageNet-C's weather (Hendrycks & Dietterich 2019): snow, frost, fog, and spatter.

Frost is ours: ImageNet-C lays one of five photographs of frost over the image, which are not
shipped here. The crystals are drawn instead, and mixed with the image by ImageNet-C's constants.
"""

from functools import lru_cache

import numpy as np
from scipy import fft
from scipy.ndimage import correlate, distance_transform_edt, label, sobel, uniform_filter

from .blur import gaussian, motion, zoomed

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
WATER, MUD = np.array([175, 238, 238]) / 255, np.array([63, 42, 20]) / 255


def snow(image: np.ndarray, constants: tuple, generator: np.random.Generator) -> np.ndarray:
    """The image, paler, behind two layers of flakes driven by wind.

    (mean, deviation) of the noise that flakes are, how far it is enlarged, the least value of a
    flake, (radius, sigma) of their motion, and the share of the image that stays as it was.
    """
    mean, deviation, factor, least, radius, sigma, share = constants
    noise = generator.standard_normal(image.shape[:2], dtype=np.float32) * deviation + mean
    flakes = zoomed(noise[..., None], factor)[..., 0].clip(max=1)
    flakes[flakes < least] = 0
    flakes = np.floor(255 * flakes) / np.float32(255)
    flakes = motion(flakes, radius, sigma, generator.uniform(-135, -45))
    flakes = np.round(255 * flakes)[..., None] / np.float32(255)
    pale = np.maximum(image, 1.5 * (image @ LUMA)[..., None] + 0.5)
    return share * image + (1 - share) * pale + flakes + flakes[::-1, ::-1]


@lru_cache(maxsize=8)
def _needles(size: int) -> tuple[np.ndarray, ...]:
    """Filters of noise in frequency: long thin crystals in three directions, and their clumps."""
    down, right = np.meshgrid(fft.fftfreq(size), fft.rfftfreq(size), indexing="ij")
    filters = []
    for angle in np.deg2rad([20, 80, 140]):
        along = right * np.cos(angle) + down * np.sin(angle)
        across = down * np.cos(angle) - right * np.sin(angle)
        filters.append(np.exp(-((along / 0.03) ** 2) - (across / 0.28) ** 2))
    filters.append(np.exp(-((np.hypot(down, right) / (3 / size)) ** 2)))
    return tuple(f.astype(np.float32) for f in filters)


def frost_texture(shape: tuple[int, int], generator: np.random.Generator) -> np.ndarray:
    """Bluish white crystals on dark, float32 ``(H, W, 3)`` in [0, 1]: ours, not ImageNet-C's.

    Ridges of noise stretched in three directions 60 degrees apart, as ice crystals grow, the
    strongest of them at each pixel, thicker where coarse noise is high.
    """
    size = fft.next_fast_len(max(shape), real=True)
    layers = []
    for transfer in _needles(size):
        spectrum = fft.rfft2(generator.standard_normal((size, size), dtype=np.float32))
        layer = fft.irfft2(spectrum * transfer, (size, size))
        layers.append(layer / layer.std())
    *needles, clumps = (layer[: shape[0], : shape[1]] for layer in layers)
    ice = 0.27 + 0.2 * np.maximum.reduce(needles) * (1 + clumps / 2) + 0.16 * clumps
    return ice.clip(0, 1)[..., None] * np.array([0.88, 0.95, 1.0], np.float32)


def frost(
    image: np.ndarray, constants: tuple[float, float], generator: np.random.Generator
) -> np.ndarray:
    """The image times the first constant, and :func:`frost_texture` times the second."""
    return constants[0] * image + constants[1] * frost_texture(image.shape[:2], generator)


def plasma(size: int, decay: float, generator: np.random.Generator) -> np.ndarray:
    """Clouds ``(size, size)`` in [0, 1] by the diamond-square algorithm; a power of two.

    The midpoints' random part shrinks by `decay` from each scale to the next. As ImageNet-C's,
    edges wrap around.
    """
    heights = np.zeros((size, size))
    step, wibble = size, 100.0
    while step >= 2:
        half = step // 2

        def middle(total: np.ndarray, wibble: float = wibble) -> np.ndarray:
            return total / 4 + wibble * generator.uniform(-wibble, wibble, total.shape)

        corners = heights[::step, ::step]
        across = corners + np.roll(corners, -1, axis=0)
        heights[half::step, half::step] = middle(across + np.roll(across, -1, axis=1))
        centres = heights[half::step, half::step]
        above = centres + np.roll(centres, 1, axis=0)
        heights[::step, half::step] = middle(above + corners + np.roll(corners, -1, axis=1))
        beside = centres + np.roll(centres, 1, axis=1)
        heights[half::step, ::step] = middle(beside + corners + np.roll(corners, -1, axis=0))
        step, wibble = half, wibble / decay
    heights -= heights.min()
    return heights / heights.max()


def fog(
    image: np.ndarray, constants: tuple[float, float], generator: np.random.Generator
) -> np.ndarray:
    """The image and clouds (thickness, decay of :func:`plasma`), darkened to the image's range."""
    thickness, decay = constants
    height, width = image.shape[:2]
    size = 1 << (max(height, width) - 1).bit_length()
    clouds = plasma(size, decay, generator)[:height, :width, None].astype(np.float32)
    brightest = image.max()
    return (image + thickness * clouds) * (brightest / (brightest + thickness))


def spatter(image: np.ndarray, constants: tuple, generator: np.random.Generator) -> np.ndarray:
    """The image behind drops of water (severities 1 to 3) or of mud.

    (mean, deviation, sigma) of the blurred noise that drops are, its least value in a drop, how
    strong water is or how soft mud's edges are, and whether it is mud.
    """
    mean, deviation, sigma, least, strength, mud = constants
    noise = generator.standard_normal(image.shape[:2], dtype=np.float32) * deviation + mean
    liquid = gaussian(noise, sigma)
    liquid[liquid < least] = 0
    if mud:
        cover = gaussian((liquid > least).astype(np.float32), strength)
        cover[cover < 0.8] = 0
        return image * (1 - cover[..., None]) + cover[..., None] * MUD.astype(np.float32)
    drops = np.floor(255 * liquid.clip(0, 1))
    light = drops * _glitter(drops)
    light *= strength / max(light.max(), 1e-6)
    return image + light[..., None] * WATER.astype(np.float32)


def _glitter(drops: np.ndarray) -> np.ndarray:
    """How light falls on drops (0 to 255), lit from the upper left; 0 to 255.

    OpenCV's sequence: Canny edges, distance to the nearest (here exact, there to 2 %), at most 20;
    equalised, embossed, and smoothed, all in 8 bits.
    """
    edges = canny(drops, 50, 150)
    distance = distance_transform_edt(~edges) if edges.any() else np.full(drops.shape, 20.0)
    distance = np.floor(uniform_filter(distance.clip(max=20), 3, mode="mirror") + 1e-6)
    counts = np.bincount(distance.astype(int).ravel(), minlength=256)
    first = counts.nonzero()[0][0]
    if counts[first] == distance.size:
        equal = distance
    else:
        after = np.cumsum(counts) - counts[: first + 1].sum()
        table = np.round(after.clip(0) * 255 / (distance.size - counts[first]))
        equal = table[distance.astype(int)]
    light_from = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
    embossed = correlate(equal, light_from, mode="mirror").clip(0, 255)
    return np.round(uniform_filter(embossed, 3, mode="mirror"))


def canny(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Edges as OpenCV's Canny finds them: 3 x 3 Sobel, ``|dx| + |dy|``, no blur before; bool."""
    down = sobel(values, 0, mode="nearest")
    right = sobel(values, 1, mode="nearest")
    size = np.abs(down) + np.abs(right)
    padded = np.pad(size, 1)
    height, width = values.shape

    def beside(i: int, j: int) -> np.ndarray:
        return padded[1 + i : 1 + i + height, 1 + j : 1 + j + width]

    steepness, flat = np.abs(down), np.abs(right)
    horizontal = steepness < np.tan(np.pi / 8) * flat
    vertical = steepness > np.tan(3 * np.pi / 8) * flat
    same = (down < 0) == (right < 0)
    falling = (size > beside(-1, -1)) & (size > beside(1, 1))
    rising = (size > beside(-1, 1)) & (size > beside(1, -1))
    peak = np.where(same, falling, rising)
    peak = np.where(vertical, (size > beside(-1, 0)) & (size >= beside(1, 0)), peak)
    peak = np.where(horizontal, (size > beside(0, -1)) & (size >= beside(0, 1)), peak)
    regions, _ = label(peak & (size > low), np.ones((3, 3)))
    strong = np.unique(regions[peak & (size > high)])
    return np.isin(regions, strong[strong > 0])
