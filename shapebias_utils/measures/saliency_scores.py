"""Where saliency lies: on the contour, inside, on clutter or background, on which part, how fine.

Scored by exact masks: a region's share of all absolute saliency, relative to its share of the
image. Evenly spread saliency has 1 everywhere. A network without training has not: borders, pooling
and receptive fields leave their mark, and so what it has (``networks.randomised``) is chance.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..datasets import Dataset, ImageSet, get_dataset
from ..datasets.regions import Regions
from ..distributed import merge, shard
from ..networks import Network
from .saliency import NOISE, SAMPLES, saliency, strength
from .schema import OBSERVER
from .smoothness.spectra import ring_power

if TYPE_CHECKING:
    from torch import Tensor

VERSION = 1

BANDS = (1, 2, 3)
"""Half-widths of the contour's band that are scored, in pixels either side of the contour."""

BAND = 2
"""The one that is judged by: narrower than the objects' parts, wider than a pixel's error."""

ZONES = ("contour", "interior", "clutter", "background")
"""What an image is shared out to: the band about the contour first, then what it leaves."""

HIGH = 0.25
"""Cycles a pixel: above it are waves shorter than four pixels."""

COLUMNS = ["imagename", "kind", "item", "band", "share", "area", "peak"]


def zones(regions: Regions, band: int) -> dict[str, np.ndarray]:
    """Bool masks ``(N, H, W)`` of `ZONES`; every pixel is in one.

    The contour's are those, on either side, whose centre is at most `band` pixels from the centre
    of one on the other side. Clutter whose own edges these are not has no band.
    """
    from scipy.ndimage import distance_transform_edt

    near = np.zeros(regions.object.shape, bool)
    for own, mask in zip(near, regions.object, strict=True):
        for side in (mask, ~mask):
            if not side.all():
                own |= side & (distance_transform_edt(side) <= band)
    rest = {
        "interior": regions.object & ~near,
        "clutter": regions.clutter & ~(regions.object | near),
        "background": ~(regions.object | regions.clutter | near),
    }
    return {"contour": near} | rest


def scores(
    network: Network,
    images: ImageSet,
    *,
    method: str = "gradient",
    of: str = "loss",
    target: str = "label",
    samples: int = SAMPLES,
    noise: float = NOISE,
    seed: int = 0,
    batch_size: int = 32,
) -> pd.DataFrame:
    """How saliency is shared out in each image, by :func:`saliency.saliency`: a row an item.

    `kind` "zone" (`item` one of `ZONES`, at each `band` of `BANDS`), "part" (the part's name), both
    only where the dataset knows its images' regions, and "ring" (spatial frequencies of `item`
    cycles an image, where images are square). `share` is that of the absolute saliency summed over
    colours, of a ring that of the signed map's power; `area` that of the pixels, or of the
    frequencies; `peak` is 1 where the strongest pixel is the item's (the pointing game). Images
    whose saliency is zero or not finite are left out. Sharded over processes, the same for any
    number of them.
    """
    known, rows = get_dataset(network.dataset).regions, []
    masks = known(images) if known else None
    how = {"method": method, "of": of, "target": target, "samples": samples, "noise": noise}
    mine, names = shard(range(len(images))), images.table["imagename"].to_numpy()
    found = saliency(network, images, **how, seed=seed, rows=mine, batch_size=batch_size)
    for chunk, maps in found:
        strong = strength(maps).double().cpu().numpy()
        own = list(_rings(maps, chunk))
        if masks is not None:
            own += _on_regions(strong, masks.subset(chunk), chunk)
        total = dict(zip(chunk, strong.sum((1, 2)), strict=True))
        rows += [r for r in own if 0 < total[r[0]] < np.inf]
    table = pd.DataFrame(rows, columns=["row", *COLUMNS[1:]])
    table.insert(1, "imagename", names[table["row"].astype(int)])
    table = table.sort_values("row", kind="stable", ignore_index=True)
    table["key"] = table["row"].astype(float) + table.groupby("row").cumcount() / 1e6
    return merge(table, "key")[COLUMNS]


def _on_regions(strong: np.ndarray, masks: Regions, chunk: Sequence[int]) -> list[tuple]:
    items = [
        ("zone", name, band, mask) for band in BANDS for name, mask in zones(masks, band).items()
    ]
    items += [("part", name, 0, masks.parts == 1 + i) for i, name in enumerate(masks.names)]
    flat = strong.reshape(len(strong), -1)
    peaks = flat.argmax(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        flat = flat / flat.sum(1, keepdims=True)
    rows = []
    for kind, name, band, mask in items:
        mask = mask.reshape(flat.shape)
        for i, row in enumerate(chunk):
            if mask[i].any():
                share, area = flat[i, mask[i]].sum(), mask[i].mean()
                rows.append((row, kind, name, band, share, area, int(mask[i, peaks[i]])))
    return rows


def _rings(maps: "Tensor", chunk: Sequence[int]) -> Iterable[tuple]:
    import torch

    height, width = maps.shape[-2:]
    if height != width:
        return
    point = torch.zeros(1, 1, height, width)
    point[..., 0, 0] = 1  # has all frequencies alike
    area = ring_power(point)[0].numpy()
    power = ring_power(maps).numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        power = power / power.sum(1, keepdims=True)
    for row, own in zip(chunk, power, strict=True):
        for ring, share in enumerate(own):
            yield row, "ring", str(ring), 0, share, area[ring], 0


def on_zones(table: pd.DataFrame, band: int = BAND) -> pd.DataFrame:
    """An observation table (``measures.statistics``) of the zones, from :func:`scores` attributed.

    "saliency: contour" is the region's share over its area, "peak: contour" the share of images
    whose strongest pixel lies there over the same. "contour, not inside" is the contour's part of
    what lies on contour and interior, over its part of their area: what is beside the object does
    not count.
    """
    own = table[(table["kind"] == "zone") & (table["band"] == band)]
    parts = contour_parts(table, band)
    found = [
        _observed(own, "saliency: " + own["item"].astype(str), own["share"], own["area"]),
        _observed(own, "peak: " + own["item"].astype(str), own["peak"], own["area"]),
        _observed(parts, "contour, not inside", parts["share"], parts["area"]),
    ]
    return pd.concat(found, ignore_index=True)


def contour_parts(table: pd.DataFrame, band: int = BAND) -> pd.DataFrame:
    """The contour's part of contour and interior: of their `share` of saliency, of their `area`.

    A row an observer and image, of those that have both.
    """
    own = table[(table["kind"] == "zone") & (table["band"] == band)]
    keys = [*OBSERVER, "imagename"]
    contour, interior = (
        own[own["item"] == zone].set_index(keys)[["share", "area"]].astype(float)
        for zone in ("contour", "interior")
    )
    return (contour / (contour + interior)).dropna().reset_index()


def on_parts(table: pd.DataFrame) -> pd.DataFrame:
    """As :func:`on_zones`, of the objects' parts: "part: wheel"."""
    own = table[table["kind"] == "part"]
    return _observed(own, "part: " + own["item"].astype(str), own["share"], own["area"])


def fineness(table: pd.DataFrame, size: int) -> pd.DataFrame:
    """As :func:`on_zones`, of the power of a map above `HIGH` cycles a pixel: "fine detail".

    `size` is that of the images.
    """
    own = table[table["kind"] == "ring"]
    own = own[own["item"].astype(float) > HIGH * size]
    sums = own.groupby([*OBSERVER, "imagename"], sort=False)["share"].sum().reset_index()
    return _observed(sums, "fine detail", sums["share"], 1.0)


def _observed(
    table: pd.DataFrame, quantity: pd.Series | str, value: pd.Series, weight: pd.Series | float
) -> pd.DataFrame:
    found = table[OBSERVER].assign(quantity=quantity, unit=table["imagename"])
    return found.assign(value=value.astype(float), weight=weight, chance=np.nan)


def masks_note(dataset: Dataset) -> str:
    """A sentence for datasets without masks; "" for those that have them."""
    if dataset.regions:
        return ""
    return f"{dataset.title} has no exact masks: what needs them is left out here."


def spectra(table: pd.DataFrame, size: int) -> pd.DataFrame:
    """The mean power of maps by spatial frequency, as ``smoothness.spectra`` has it: a row a ring.

    Columns: the observer, `frequency` (cycles a pixel), `share`, `value` (1: white noise) with the
    normal 95 % interval of the mean over images `low`, `high`, and `n`.
    """
    own = table[table["kind"] == "ring"].assign(frequency=lambda t: t["item"].astype(float) / size)
    groups = own.groupby([*OBSERVER, "frequency"], sort=False)
    found = groups.agg(share=("share", "mean"), half=("share", "sem"), area=("area", "first"),
                       n=("share", "size")).reset_index()  # fmt: skip
    half = 1.96 * found["half"]
    ends: Mapping[str, pd.Series] = {"value": found["share"], "low": found["share"] - half,
                                     "high": found["share"] + half}  # fmt: skip
    found = found.assign(**{name: end / found["area"] for name, end in ends.items()})
    return found[[*OBSERVER, "frequency", "share", "value", "low", "high", "n"]]
