"""Where activation maps, upsampled bilinearly, exceed their thresholds: without upsampling them.

A map's values are the corners of cells; an upsampled pixel lies in one cell and cannot exceed a
threshold that none of its four corners exceeds. Half a per cent of the values does, so that few
cells are looked at.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor, nn

from ...hardware import float32
from .downsampling import shrunk
from .sparse import exceed, near, nonzero, split

GEOMETRIES = ("receptive-field", "half-pixel", "align-corners")


@dataclass(frozen=True)
class Axis:
    """How pixels lie in the n + 1 cells between (and beyond) n values along one axis.

    Cell i has corners `low[i]` and `high[i]`, and `first[i]` is the first of its pixels; column i
    of `weights` has the weights of the high corner for each of its pixels, then NaN.
    """

    low: Tensor
    high: Tensor
    first: Tensor
    weights: Tensor


@dataclass(frozen=True)
class Grid:
    """How the pixels of labels of `shape` lie on a layer's maps.

    `smaller`: the labels are, along one axis at least, so that maps are first shrunk along it
    (half-pixel only).
    """

    rows: Axis
    columns: Axis
    shape: tuple[int, int]
    smaller: bool = False


def grid(
    geometry: str,
    shape: tuple[int, int],
    maps: tuple[int, int],
    image: tuple[int, int],
    centres: Sequence[tuple[float, float]] | None,
    where: torch.device | str = "cpu",
) -> Grid:
    """The grid of labels of `shape` on maps of size `maps` of images of size `image`.

    `centres` as :func:`receptive_centres` gives them for these maps; only "receptive-field" needs
    them.
    """
    if maps == (1, 1):  # it is the same everywhere, wherever it lies
        geometry = "half-pixel"
    smaller = geometry == "half-pixel" and (shape[0] < maps[0] or shape[1] < maps[1])
    if smaller:
        maps = (min(shape[0], maps[0]), min(shape[1], maps[1]))
    axes = [
        axis(coordinates(geometry, shape[i], maps[i], image[i], centres and centres[i]), maps[i])
        for i in (0, 1)
    ]
    axes = [Axis(*(tensor.to(where) for tensor in vars(a).values())) for a in axes]
    return Grid(*axes, shape, smaller)


def grids(
    geometry: str,
    shape: tuple[int, int],
    maps: Mapping[str, tuple[int, int]],
    module: nn.Module,
    image: Tensor,
) -> dict[str, Grid]:
    """Layer -> the :func:`grid` of labels of `shape` on its maps, on the device of `image`.

    `maps` has the size of each layer's maps, `image` (1, 3, H, W) is one that `module` takes.
    Where the geometry is "receptive-field" and :func:`receptive_centres` cannot follow the module
    to a layer (behind resizing, or pooling by a function), its maps are laid by "half-pixel", with
    one warning for all such layers.
    """
    centres, lost = receptive_centres(module, image), []
    if geometry == "receptive-field":
        lost = [layer for layer, own in maps.items() if own not in {*centres, (1, 1)}]
    if lost:
        warnings.warn(
            f"where the receptive fields of {', '.join(lost)} lie is not known, since the image is "
            "resized or pooled by a function on the way: their maps are laid on the image by half "
            "pixels instead",
            stacklevel=2,
        )
    size = tuple(image.shape[2:])
    return {
        layer: grid(
            "half-pixel" if layer in lost else geometry, shape, own, size, centres.get(own),
            image.device,
        )
        for layer, own in maps.items()
    }  # fmt: skip


def axis(coordinates: Tensor, n: int) -> Axis:
    """The cells of pixels that lie at these ascending coordinates (float64) among n values.

    Beyond the first and the last value, the map goes on as it is there.
    """
    below = coordinates.floor()
    cell = below.clamp(-1, n - 1).long() + 1
    counts = torch.bincount(cell, minlength=n + 1)
    first = counts.cumsum(0) - counts
    weights = torch.full((int(counts.max()), n + 1), torch.nan)
    weights[torch.arange(len(cell)) - first[cell], cell] = (coordinates - below).float()
    corner = torch.arange(n + 1)
    return Axis((corner - 1).clamp(min=0), corner.clamp(max=n - 1), first, weights)


def coordinates(
    geometry: str, size: int, n: int, image: int, centre: tuple[float, float] | None = None
) -> Tensor:
    """Where the centres of `size` pixels lie among n values of a map, along one axis; float64.

    "half-pixel": pixels and values share out the same length (PIL, `align_corners=False`);
    "align-corners": the first and the last of both coincide; "receptive-field": a value lies at
    the centre of its receptive field, the first at pixel `centre[1]` of the image's `image`,
    the next `centre[0]` further on. ValueError for another geometry.
    """
    pixel = torch.arange(size, dtype=torch.float64)
    if geometry == "half-pixel":
        return (pixel + 0.5) * n / size - 0.5
    if geometry == "align-corners":
        return pixel * (n - 1) / max(size - 1, 1)
    if geometry != "receptive-field":
        raise ValueError(f"unknown geometry {geometry!r}; choose {', '.join(GEOMETRIES)}")
    stride, first = centre
    return ((pixel + 0.5) * image / size - 0.5 - first) / stride


def receptive_centres(
    module: nn.Module, image: Tensor
) -> dict[tuple[int, int], tuple[tuple[float, float], tuple[float, float]]]:
    """Map size (h, w) -> (stride, first) of its receptive fields' centres, in y and in x.

    In pixels of `image` (1, 3, H, W), as if it went on beyond its border. Follows convolutions and
    pooling as the network runs; other layers keep their map's grid, and maps of one size share
    one, so that branches and shortcuts need no care.
    """
    size = tuple(image.shape[-2:])
    centres = {size: ((1.0, 0.0), (1.0, 0.0))}

    def follow(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        before = centres.get(tuple(inputs[0].shape[-2:]))
        if before is None or isinstance(layer.padding, str):
            return
        after = []
        for i, (stride, first) in enumerate(before):
            kernel, step, padding, dilation = (
                value if isinstance(value, int) else value[i]
                for value in (
                    layer.kernel_size, layer.stride, layer.padding, getattr(layer, "dilation", 1)
                )
            )  # fmt: skip
            offset = dilation * (kernel - 1) / 2 - padding
            after.append((stride * step, first + stride * offset))
        centres[tuple(output.shape[-2:])] = tuple(after)

    kinds = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
    handles = [m.register_forward_hook(follow) for m in module.modules() if isinstance(m, kinds)]
    try:
        with torch.no_grad(), float32():
            module(image)
    finally:
        for handle in handles:
            handle.remove()
    return centres


def active(
    maps: Tensor, thresholds: Tensor, grid: Grid, chunk: int = 1 << 17
) -> tuple[Tensor, Tensor]:
    """Where upsampled maps exceed their units' thresholds: `pixel` and `pair`, int64, of each such.

    `maps` is float32 ``(N, units, h, w)``, `thresholds` ``(units,)``. Pixels are numbered image by
    image and row by row, and a pair is image * units + unit; they come in any order. About `chunk`
    pixels are evaluated at a time.
    """
    (n, units), (h, w) = maps.shape[:2], maps.shape[2:]
    rows, columns, (height, width) = grid.rows, grid.columns, grid.shape
    mixed = grid.smaller and (h < height or w < width)
    if mixed:  # larger than the labels along one axis, smaller along the other
        h, w = min(h, height), min(w, width)
        maps = nn.functional.interpolate(maps, (h, w), mode="bilinear", antialias=True)
    maps, thresholds = maps.contiguous().view(-1, h, w), thresholds.repeat(n)
    # The first pixel of the image of each map.
    image = torch.arange(n, device=maps.device).repeat_interleave(units) * (height * width)
    if grid.smaller and not mixed:
        pixel, pair = shrunk(maps, thresholds, grid.shape, chunk)
        return pixel.add_(_take(image, pair)), pair
    pair, y, x = _cells(maps, thresholds)
    found = [(pair[:0], pair[:0])]
    for (tall, down), (wide, across) in product(_kinds(rows), _kinds(columns)):
        some = nonzero(_take(tall, y) & _take(wide, x))
        parts = (pair, y, x) if len(some) == len(pair) else (_take(v, some) for v in (pair, y, x))
        offset = torch.arange(len(down), device=maps.device)[:, None] * width
        offset = (offset + torch.arange(len(across), device=maps.device)).flatten()
        size = max(1, chunk // len(offset))
        for cells in zip(*(part.split(size) for part in parts), strict=True):
            found.append(_above(maps, thresholds, cells, grid, image, offset, down, across))
    return tuple(torch.cat(parts) for parts in zip(*found, strict=True))


def _cells(maps: Tensor, thresholds: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Map, row and column of the cells with a corner above the map's threshold.

    `maps` is (maps, h, w). A cell (y, x) has the corners (y - 1, x - 1) to (y, x), some of them
    beyond the edge where y is 0 or h, x is 0 or w: a window that ends at x = 0 is also that which
    ends a row before at x = w, and likewise from map to map.
    """
    n, h, w = maps.shape
    line, x = split(near(maps, thresholds, 2, 2), w)
    edge = nonzero(x == 0)
    line = torch.cat([line, _take(line, edge) - 1])
    x = torch.cat([x, torch.full_like(edge, w)])
    pair, y = split(line, h)
    edge = nonzero(y == 0)
    pair = torch.cat([pair, _take(pair, edge) - 1])
    y, x = torch.cat([y, torch.full_like(edge, h)]), torch.cat([x, _take(x, edge)])
    inside = nonzero((pair >= 0) & (pair < n))
    return _take(pair, inside), _take(y, inside), _take(x, inside)


def _kinds(axis: Axis) -> list[tuple[Tensor, Tensor]]:
    """Which of the n + 1 cells (bool) have few pixels, and which many, with the weights of these.

    Most cells have one number of pixels and some have one more: together, all would be looked at
    as if they had that many. The weights are (pixels, n + 1).
    """
    many = (~axis.weights.isnan()).sum(0)
    usual, most = int(many.mode().values), len(axis.weights)
    if usual in (0, most):
        return [(many >= 0, axis.weights)]
    return [(many <= usual, axis.weights[:usual]), (many > usual, axis.weights)]


def _above(
    maps: Tensor, thresholds: Tensor, cells: tuple[Tensor, Tensor, Tensor], grid: Grid,
    image: Tensor, offset: Tensor, down: Tensor, across: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The pixels above the thresholds in these cells (map, row, column), as :func:`active`.

    `offset` is from a cell's first pixel to each. Cells are the last axis of all, the long one,
    along which processors are fast.
    """
    rows, columns, (_, width), (_, h, w) = grid.rows, grid.columns, grid.shape, maps.shape
    pair, y, x = cells
    maps, down, across = maps.flatten(), down.index_select(1, y), across.index_select(1, x)
    left, right = _take(columns.low, x), _take(columns.high, x)
    upper, lower = ((pair * h + _take(corner, y)) * w for corner in (rows.low, rows.high))
    # In the form a + w (b - a), not fused, no value exceeds the larger of a and b.
    top = _between(_take(maps, upper + left), _take(maps, upper + right), across)
    bottom = _between(_take(maps, lower + left), _take(maps, lower + right), across)
    values = _between(top, bottom, down[:, None])
    above = exceed(values, _take(thresholds, pair), torch.empty_like(values, dtype=torch.bool))
    which, cell = split(nonzero(above), len(pair))
    first = _take(image, pair) + _take(rows.first, y) * width + _take(columns.first, x)
    return _take(first, cell).add_(_take(offset, which)), _take(pair, cell)


def _take(values: Tensor, at: Tensor) -> Tensor:
    return values.index_select(0, at)


def _between(start: Tensor, stop: Tensor, weight: Tensor) -> Tensor:
    return ((stop - start) * weight).add_(start)
