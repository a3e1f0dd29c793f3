"""Total variation, and how much of an image's noise shows in it layer by layer (Figures 5, A4)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ...datasets import Dataset, ImageSet
from ...distortions import distorted
from ...distributed import add, shard
from ...networks import Network
from ...results import cached
from ..schema import OBSERVER, attributed
from ..stream import activations

if TYPE_CHECKING:
    from torch import Tensor

VERSION = 1


def total_variation(maps: "Tensor", isotropic: bool = False) -> "Tensor":
    """Total variation of each 2-D map, float64 ``(...)`` from ``(..., H, W)``.

    Summed over the map: of ``|differences|`` between neighbours in a column and in a row, or, if
    `isotropic`, of the length of the gradient by forward differences, 0 beyond the border (Rudin,
    Osher & Fatemi 1992). In the units of the maps; 0 for a map of one pixel.
    """
    import torch
    import torch.nn.functional as F

    down, across = maps.diff(dim=-2), maps.diff(dim=-1)
    if isotropic:
        size = torch.hypot(F.pad(down, (0, 0, 0, 1)), F.pad(across, (0, 1)))
        return size.sum((-2, -1), dtype=torch.float64)
    return sum(d.abs().sum((-2, -1), dtype=torch.float64) for d in (down, across))


def exact(values: "Tensor", bits: int) -> "Tensor":
    """The values as whole multiples of 2^-bits, int64.

    Sums of these are the same in any order, and so under any number of processes.
    """
    import torch

    return (values.double() * 2.0**bits).round().to(torch.int64)


def activation_tv(
    network: Network, images: ImageSet, *, layers: Sequence[str] = (), batch_size: int = 64
) -> pd.DataFrame:
    """Total variation of each channel's map in the probed layers, averaged over the images.

    Columns `layer`, `channel`, `value` (in units of the activations; anisotropic and summed over
    the map, as in the paper's code) and `n` images. Maps are post-ReLU. `layers` are some of the
    network's probed layers, all if empty. Streamed: memory does not grow with the images. Sharded
    over processes, the same for any number of them. ValueError for layers that the network does
    not have, if its record names none, and if there are no images.
    """
    if not len(images):
        raise ValueError(f"{images.name} has no images")
    mine, sums = shard(range(len(images))), {}
    # A rank without a share runs one image all the same, to know the shapes of what all add up.
    for _, maps in activations(network, images, mine or [0], layers, batch_size):
        for layer, values in maps.items():
            variation = exact(total_variation(values), BITS).sum(0)
            sums[layer] = sums.get(layer, 0) + (variation if mine else 0 * variation)
    tables = []
    for layer, total in sums.items():
        value = add(total).numpy() / 2**BITS / len(images)
        facts = {"layer": layer, "channel": range(len(value)), "value": value, "n": len(images)}
        tables.append(pd.DataFrame(facts))
    return pd.concat(tables, ignore_index=True)


BITS = 20
"""Behind the binary point of a summed variation: an error of 5e-7, and room for 1e12 in all."""


def clean_and_noisy(
    networks: Sequence[Network],
    dataset: Dataset,
    images: ImageSet,
    deviation: float = 0.08,
    seed: int = 0,
) -> pd.DataFrame:
    """The cached activation TV of all channels on the images, `clean` and `noisy`.

    Columns: the observer, `layer`, `channel`, `clean`, `noisy`, `n`. The noise is the distortion
    "noise", N(0, `deviation`), the same for all networks. Networks whose records name no layers
    are left out.
    """
    noise = distorted(dataset, images, "noise", deviation, seed)
    tables = [pd.DataFrame(columns=[*OBSERVER, "layer", "channel", "clean", "noisy", "n"])]
    for network in networks:
        if not network.layers:
            continue
        clean, noisy = (cached(activation_tv, network, i) for i in (images, noise))
        table = clean.rename(columns={"value": "clean"}).assign(noisy=noisy["value"])
        tables.append(attributed(table, network)[tables[0].columns])
    return pd.concat(tables[1:] or tables, ignore_index=True)
