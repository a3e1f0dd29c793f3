"""The 16 textures and 6 held out, named as in the Describable Textures Dataset (DTD).

Each is a function ``(x, y, rng) -> pattern`` of coordinates in pixels of the 64-pixel image
(float32 arrays of one shape, finer than the image where it is supersampled). :func:`texture`
turns, shifts and scales the coordinates and normalises the pattern. Repeats are 4 to 12 pixels.
"""

from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree

Pattern = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def _wave(x: np.ndarray, period: float) -> np.ndarray:
    return np.sin(x * np.float32(2 * np.pi / period))


def _stripes(x: np.ndarray, period: float) -> np.ndarray:
    return np.sign(_wave(x, period))


def _cell(x: np.ndarray, size: float) -> np.ndarray:
    """Position within a repeating cell, from -size/2 to size/2."""
    return x - size * np.round(x / np.float32(size))


def _worley(
    x: np.ndarray, y: np.ndarray, size: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Distances to the nearest and second nearest of points jittered on a grid of cells."""
    column, row = np.floor(x / size).astype(int), np.floor(y / size).astype(int)
    column, row = column - column.min() + 1, row - row.min() + 1
    jitter = rng.uniform(0.15, 0.85, (2, row.max() + 2, column.max() + 2)).astype(np.float32)
    u, v = x / size - np.floor(x / size), y / size - np.floor(y / size)
    first = np.full(x.shape, np.inf, np.float32)
    second = first.copy()
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            px, py = jitter[:, row + dy, column + dx]
            square = (px + dx - u) ** 2 + (py + dy - v) ** 2
            second = np.minimum(second, np.maximum(first, square))
            first = np.minimum(first, square)
    return size * np.sqrt(first), size * np.sqrt(second)


def striped(x, y, rng):
    return _stripes(x, 4)


def lined(x, y, rng):
    return _stripes(y, 4)


def banded(x, y, rng):
    return np.where(_wave(x + y, 7) > 0.3, 1.0, -1.0)


def chequered(x, y, rng):
    return _stripes(x, 5) * _stripes(y, 5)


def polka_dotted(x, y, rng):
    return np.where(np.hypot(_cell(x, 6), _cell(y, 6)) < 1.8, 1.0, 0.0)


def zigzagged(x, y, rng):
    return _stripes(x + np.abs(_cell(y, 8)), 4)


def grid(x, y, rng):
    return np.where((np.abs(_cell(x, 5)) < 0.65) | (np.abs(_cell(y, 5)) < 0.65), 1.0, 0.0)


def cracked(x, y, rng):
    first, second = _worley(x, y, 6, rng)
    return np.where(second - first < 1.2, 1.0, 0.0)


def bubbly(x, y, rng):
    return 1 - _worley(x, y, 5, rng)[0] / 2


def honeycombed(x, y, rng):
    # The centres of the hexagons are two interleaved rectangular lattices.
    size, height = 6.0, 6.0 * np.sqrt(3)
    distances = []
    for shift in (0, 0.5):
        u, v = _cell(x - shift * size, size), _cell(y - shift * height, height)
        distances += [np.hypot(u, v), np.hypot(size - np.abs(u), v)]
    first, second = np.partition(np.stack(distances), 1, axis=0)[:2]
    return np.where(second - first < 1.3, 1.0, 0.0)


def crosshatched(x, y, rng):
    return np.maximum(_wave(x + y, 8), _wave(x - y, 8))


def sprinkled(x, y, rng):
    return rng.standard_normal(x.shape, np.float32)


def scaly(x, y, rng):
    # Rows of discs, each row over the next one down, brighter towards the rim.
    width, height, radius = 7.0, 4.0, 5.4
    row = np.floor(y / height)
    lower, upper = (
        np.hypot(_cell(x + width / 2 * (r % 2), width), y - r * height) for r in (row, row - 1)
    )
    return np.where(upper < radius, upper, lower) ** 2


def marbled(x, y, rng):
    swirl = 3 * _wave(y, 19) + 2.5 * _wave(x + 0.6 * y, 13) + 1.5 * _wave(x - y, 8.5)
    return (1 - np.abs(_wave(0.5 * x + swirl, 10))) ** 2


def spiralled(x, y, rng):
    u, v = _cell(x, 14), _cell(y, 14)
    return np.sign(np.sin(np.hypot(u, v) * np.float32(2 * np.pi / 4.4) - np.arctan2(v, u)))


def woven(x, y, rng):
    over = _stripes(x, 10) * _stripes(y, 10)
    return np.where(over > 0, _stripes(x, 3.3), _stripes(y, 3.3))


TEXTURES: dict[str, Pattern] = {
    f.__name__.replace("_", "-"): f
    for f in (
        striped, lined, chequered, polka_dotted, zigzagged, grid, cracked, bubbly,
        banded, honeycombed, crosshatched, sprinkled, scaly, marbled, spiralled, woven,
    )
}  # fmt: skip
"""Name -> pattern, in the order in which the 16 categories (alphabetical) own them."""


def pleated(x, y, rng):
    return _cell(0.5 * x + y, 7.5)


def flecked(x, y, rng):
    # A dash in each cell, turned one way or the other.
    u, v = _cell(x, 6), _cell(y, 6)
    column, row = np.round(x / 6).astype(int), np.round(y / 6).astype(int)
    turned = rng.random((64, 64))[row % 64, column % 64] < 0.5
    along, across = np.where(turned, u + v, u - v), np.where(turned, u - v, u + v)
    return np.where((np.abs(along) < 4.2) & (np.abs(across) < 1.3), 1.0, 0.0)


def studded(x, y, rng):
    # Rings, every other row shifted by half a cell.
    size = 8.0
    u = _cell(x + size / 2 * (np.round(y / size) % 2), size)
    return np.where(np.abs(np.hypot(u, _cell(y, size)) - 2.4) < 0.8, 1.0, 0.0)


def crystalline(x, y, rng):
    # Facets: the cells of points jittered on a grid, each shaded across in a direction of its own.
    size = 6.0
    corners = np.stack(np.meshgrid(np.arange(-10, 22), np.arange(-10, 22)), -1).reshape(-1, 2)
    centres = size * (corners + rng.uniform(0.15, 0.85, corners.shape))
    cell = cKDTree(centres).query(np.stack([x, y], -1))[1]
    turn = rng.uniform(0, 2 * np.pi, len(centres))[cell]
    return np.cos(turn) * (x - centres[cell, 0]) + np.sin(turn) * (y - centres[cell, 1])


def stratified(x, y, rng):
    # Layers of random thickness, gently bent.
    depth = y + 1.2 * _wave(x, 24)
    edges = np.cumsum(rng.uniform(1.5, 4.5, 64))
    return (np.searchsorted(edges, depth - depth.min()) % 2).astype(np.float32)


def blotchy(x, y, rng):
    # Plane waves of one period in all directions.
    angle, phase = rng.uniform(0, 2 * np.pi, (2, 24))
    waves = [
        np.sin(2 * np.pi / 7 * (np.cos(a) * x + np.sin(a) * y) + p)
        for a, p in zip(angle, phase, strict=True)
    ]
    return np.sign(sum(waves))


HELD_OUT: dict[str, Pattern] = {
    f.__name__: f for f in (pleated, flecked, studded, crystalline, stratified, blotchy)
}
"""Name -> pattern that no category owns: no network is trained on it."""


def surface(colour: np.ndarray, name: str, contrast: float, rng: np.random.Generator) -> np.ndarray:
    """The colour with the texture on it, ``(64, 64, 3)``; its gain differs among the channels."""
    gain = contrast * (1 + 0.3 * rng.standard_normal(3))
    return colour + texture(name, rng)[..., None] * gain


def texture(
    name: str, rng: np.random.Generator, size: int = 64, supersample: int = 2
) -> np.ndarray:
    """A ``(size, size)`` float32 patch of the texture with zero mean and unit variance.

    The coordinates are turned by up to 0.3 radians, shifted at random and stretched by 1.25
    times 0.9 to 1.1; the pattern is drawn `supersample` times larger and averaged down.
    """
    turn, scale = rng.uniform(-0.3, 0.3), 1.25 * rng.uniform(0.9, 1.1)
    shift = rng.uniform(0, 64, 2)
    line = (np.arange(size * supersample, dtype=np.float32) + 0.5) / supersample - size / 2
    cos, sin = np.cos(turn) / scale, np.sin(turn) / scale
    x = (cos * line[None] - sin * line[:, None] + shift[0]).astype(np.float32)
    y = (sin * line[None] + cos * line[:, None] + shift[1]).astype(np.float32)
    fine = (TEXTURES | HELD_OUT)[name](x, y, rng).astype(np.float32)
    pattern = fine.reshape(size, supersample, size, supersample).mean((1, 3))
    return (pattern - pattern.mean()) / pattern.std()
