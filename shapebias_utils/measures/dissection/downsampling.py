"""Where maps larger than the labels, shrunk to their size, exceed thresholds: without shrinking.

A shrunk pixel is a weighted mean of a few values, and exceeds no threshold that none of them does.
"""

import torch
from torch import Tensor

from .sparse import exceed, near, nonzero, split


def taps(size: int, n: int) -> tuple[Tensor, Tensor]:
    """The first of the values that each of `size` pixels is a mean of, and the weights of these.

    Of `n` values along one axis, as PIL resizes with a bilinear filter (and PyTorch with
    `antialias`): a triangle as wide as two pixels. `low` (size,) rises strictly; `weights`
    (size, taps) are 0 where there is no value.
    """
    scale = n / size
    centre = (torch.arange(size, dtype=torch.float64) + 0.5) * scale
    low = (centre - scale + 0.5).floor().long()
    many = torch.arange(int(2 * scale) + 2)

    def weigh(low: Tensor) -> Tensor:
        at = low[:, None] + many
        weights = (1 - ((at - centre[:, None] + 0.5) / scale).abs()).clamp(min=0)
        return weights * ((at >= 0) & (at < n))

    low = low + (weigh(low) > 0).long().argmax(1)  # from the first that counts
    weights = weigh(low)
    last = int((weights > 0).any(0).nonzero().max())
    return low, (weights / weights.sum(1, keepdim=True))[:, : last + 1].float()


def shrunk(
    maps: Tensor, thresholds: Tensor, shape: tuple[int, int], chunk: int
) -> tuple[Tensor, Tensor]:
    """The pixels above the thresholds: number in their map on `shape`, and number of their map.

    `maps` is float32 (maps, h, w), contiguous, `thresholds` (maps,).
    """
    (h, w), where = maps.shape[1:], maps.device
    # By row and by column of the value that a window begins with: its pixel, and the weights.
    (row, down), (column, across) = (
        (placed.to(where) for placed in _windows(*sizes))
        for sizes in zip(shape, (h, w), strict=True)
    )
    high, wide = len(down), len(across)
    starts = near(maps, thresholds, high, wide) - ((high - 1) * w + wide - 1)
    flat, found = maps.flatten(), [(starts[:0], starts[:0])]
    for first in starts[int((starts < 0).sum()) :].split(chunk):
        line, x = split(first, w)
        at, y = split(line, h)
        if 2 * shape[0] * shape[1] < h * w:  # most windows are no pixel's
            own = nonzero((row.index_select(0, y) >= 0) & (column.index_select(0, x) >= 0))
            first, at, y, x = (values.index_select(0, own) for values in (first, at, y, x))
        weights, values = across.index_select(1, x), torch.zeros(len(at), device=where)
        for i, heights in enumerate(down.index_select(1, y)):
            line = torch.zeros_like(values)
            for j, weight in enumerate(weights):
                begin = i * w + j  # beyond the end the weight is 0
                tap = flat[begin:].index_select(0, first.clamp(max=len(flat) - begin - 1))
                line.addcmul_(tap, weight)
            values.addcmul_(line, heights)
        limits, above = thresholds.index_select(0, at), torch.empty_like(at, dtype=torch.bool)
        above = nonzero(exceed(values, limits, above))
        at, y, x = (values.index_select(0, above) for values in (at, y, x))
        found.append((row.index_select(0, y) * shape[1] + column.index_select(0, x), at))
    return tuple(torch.cat(parts) for parts in zip(*found, strict=True))


def _windows(size: int, n: int) -> tuple[Tensor, Tensor]:
    """Along an axis, of each of n places the pixel (-1 for none) whose values begin there.

    And these values' weights (taps, n), NaN for none: that exceeds no threshold.
    """
    low, weights = taps(size, n)
    pixel, placed = torch.full((n,), -1), torch.full((weights.shape[1], n), torch.nan)
    pixel[low], placed[:, low] = torch.arange(size), weights.T
    return pixel, placed
