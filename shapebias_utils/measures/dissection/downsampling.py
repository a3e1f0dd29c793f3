"""Where maps larger than the labels, shrunk to their size, exceed thresholds: without shrinking.

A shrunk pixel is a weighted mean of a few values, and exceeds no threshold that none of them does.
"""

import torch
from torch import Tensor

from .sparse import IN_CACHE, exceed, nonzero, split


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

    `maps` is float32 (maps, h, w), `thresholds` (maps,). In the order of maps and pixels.
    """
    (h, w), width, where = maps.shape[1:], shape[1], maps.device
    (top, down), (left, across) = (taps(*sizes) for sizes in zip(shape, (h, w), strict=True))
    pixel_at = _pixels(top, h)[:, None] * width + _pixels(left, w)
    pixel_at[(_pixels(top, h) < 0)[:, None] | (_pixels(left, w) < 0)] = -1
    pixel_at = pixel_at.flatten().to(where)
    down, across = (weights.T.contiguous().to(where) for weights in (down, across))
    top, left = ((low + torch.arange(k)[:, None]).clamp(max=n - 1).to(where)
                 for low, k, n in ((top, len(down), h), (left, len(across), w)))  # fmt: skip
    at, place = split(_near(maps, thresholds, len(down), len(across)), h * w)
    pixel = pixel_at.index_select(0, place)
    flat, own = maps.flatten(), nonzero(pixel >= 0)
    found = [(at[:0], at[:0])]
    for some in own.split(chunk):
        own_at, own_pixel = at.index_select(0, some), pixel.index_select(0, some)
        i, j = split(own_pixel, width)
        start = own_at * (h * w)
        columns = [own.index_select(0, j) for own in left]
        weights = [own.index_select(0, j) for own in across]
        values = torch.zeros(len(some), device=where)
        for rows, heights in zip(top, down, strict=True):
            line = start + rows.index_select(0, i) * w
            row = torch.zeros_like(values)
            for column, weight in zip(columns, weights, strict=True):
                row.addcmul_(flat.index_select(0, line + column), weight)
            values.addcmul_(row, heights.index_select(0, i))
        above = nonzero(values > thresholds.index_select(0, own_at))
        found.append((own_pixel.index_select(0, above), own_at.index_select(0, above)))
    return tuple(torch.cat(parts) for parts in zip(*found, strict=True))


def _pixels(low: Tensor, n: int) -> Tensor:
    """The pixel whose values begin at each of n places, -1 for none."""
    found = torch.full((n,), -1)
    found[low] = torch.arange(len(low))
    return found


def _near(maps: Tensor, thresholds: Tensor, high: int, wide: int) -> Tensor:
    """The places from which `high` rows and `wide` columns on a value exceeds its map's threshold.

    Beyond a row's end the next one is looked at, too: what is found there in excess is harmless.
    """
    _, h, w = maps.shape
    step = max(1, IN_CACHE // (h * w))
    hot = torch.zeros(step * h * w + high * w + wide, dtype=torch.bool, device=maps.device)
    parts = []
    for start in range(0, len(maps), step):
        some = maps[start : start + step]
        size = len(some) * h * w
        hot[size:] = False
        exceed(some, thresholds[start : start + step], hot[:size].view(some.shape))
        rows = hot[: size + high * w].clone()
        for k in range(1, wide):
            rows |= hot[k : k + len(rows)]
        found = rows[:size].clone()
        for k in range(1, high):
            found |= rows[k * w : k * w + size]
        parts.append(nonzero(found) + start * h * w)
    return torch.cat(parts)
