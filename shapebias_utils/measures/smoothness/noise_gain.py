"""How much of an image's pixel-wise noise gets through to a layer (Sec. 3.3.1, Figures 5 and A4).

The paper compares total variations on clean and noisy images channel by channel. A mean of their
relative changes is carried by channels that hardly respond at all; here noise and signal are
measured in the same units, and pooled before they are divided.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...datasets import ImageSet, get_dataset
from ...distortions import distorted
from ...distributed import add, merge, shard
from ...networks import Network
from ..schema import OBSERVER, collected
from ..stream import activations
from .activation_tv import exact

if TYPE_CHECKING:
    from torch import Tensor

VERSION = 2
BITS = 20
"""Behind the binary point of a channel's power, which is summed over images."""


def noise_power(
    network: Network,
    images: ImageSet,
    *,
    deviations: Sequence[float] = (0.08,),
    seed: int = 0,
    batch_size: int = 64,
) -> pd.DataFrame:
    """Power of signal and of noise in the maps of the probed layers: by image, and by channel.

    `noise` is the mean square of what N(0, `deviation`) in the pixels (the distortion "noise")
    changes in a map, `signal` that of the clean map around its own mean: a constant carries no
    picture, and a large bias would make any layer look deaf to noise. Maps are post-ReLU. For
    ``over == "image"`` both are means over a layer's channels, and `item` is the image's name; for
    "channel" means over images, and `item` the channel. Columns `deviation`, `layer`, `over`,
    `item`, `signal`, `noise`, `n` (what the mean is over). Clean maps are computed once for all
    `deviations`. ValueError if there are no images.
    """
    import torch

    if not len(images):
        raise ValueError(f"{images.name} has no images")
    data = get_dataset(network.dataset)
    sets = [images, *(distorted(data, images, "noise", d, seed) for d in deviations)]
    mine, names = shard(range(len(images))), images.table["imagename"].to_numpy()
    rows, sums = [], {}
    streams = (activations(network, i, mine or [0], batch_size=batch_size) for i in sets)
    # A rank without a share runs one image all the same, to know the shapes of what all add up.
    for (chunk, clean), *noisy in zip(*streams, strict=True):
        for layer, maps in clean.items():
            signal = _power(maps - maps.mean((2, 3), keepdim=True))
            for deviation, (_, changed) in zip(deviations, noisy, strict=True):
                power = torch.stack([signal, _power(changed[layer] - maps)])
                key, pooled = (deviation, layer), power.mean(2).cpu().numpy()
                sums[key] = sums.get(key, 0) + exact(power, BITS).sum(1) * bool(mine)
                for i, row in enumerate(chunk if mine else []):
                    rows.append((*key, row, names[row], *pooled[:, i], maps.shape[1]))
    order = sorted(sums, key=lambda key: deviations.index(key[0]))  # stable: layers stay in theirs
    place = {key: i for i, key in enumerate(order)}
    columns = ["deviation", "layer", "row", "item", "signal", "noise", "n"]
    by_image = pd.DataFrame(rows, columns=columns)
    keys = zip(by_image["deviation"], by_image["layer"], strict=True)
    by_image["key"] = [place[key] * float(len(images)) for key in keys] + by_image["row"]
    by_image = merge(by_image, "key").drop(columns=["key", "row"]).assign(over="image")
    tables = [by_image]
    for deviation, layer in order:
        total = add(sums[deviation, layer]).cpu().numpy()
        signal, noise = total / 2**BITS / len(images)
        facts = {"deviation": deviation, "layer": layer, "over": "channel"}
        facts |= {"item": [str(i) for i in range(len(signal))]}
        facts |= {"signal": signal, "noise": noise, "n": len(images)}
        tables.append(pd.DataFrame(facts))
    table = pd.concat(tables, ignore_index=True)
    return table[["deviation", "layer", "over", "item", "signal", "noise", "n"]]


def _power(maps: "Tensor") -> "Tensor":
    """Mean square of each map, float64 ``(N, C)``."""
    import torch

    return maps.square().mean((2, 3), dtype=torch.float64)


def over_deviations(
    networks: Sequence[Network], images: ImageSet, deviations: Sequence[float]
) -> pd.DataFrame:
    """The cached :func:`noise_power` of all networks with probed layers."""
    probed = [network for network in networks if network.layers]
    if not probed:
        return pd.DataFrame(columns=[*OBSERVER, "deviation", "layer", "over", "item"])
    return collected(noise_power, probed, images, deviations=tuple(deviations))


QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of the channels' own ratios."""


def noise_to_signal(table: pd.DataFrame, draws: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Amplitude of the noise in that of the signal, pooled over a layer's channels and images.

    The root of the ratio of the mean powers. `table` as from :func:`over_deviations`. A row an
    observer, deviation and `layer`: `value`, its 95 % bootstrap interval `low`, `high` over the
    `n` images, and of the channels' own ratios the `median`, the quartiles `lower`, `upper` and
    the 5th and 95th percentile `least`, `most` (those that respond to no image left out, `silent`
    in number).
    """
    keys = [*OBSERVER, "deviation", "layer"]
    rows = []
    for key, own in table.groupby(keys, sort=False):
        images, channels = (own[own["over"] == over] for over in ("image", "channel"))
        power = images[["noise", "signal"]].to_numpy(float)
        n = len(power)
        weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), draws)
        sums = np.concatenate([power.sum(0)[None], weights @ power])
        with np.errstate(invalid="ignore", divide="ignore"):
            ratios = np.sqrt(sums[:, 0] / sums[:, 1])
        low, high = np.quantile(ratios[1:], [0.025, 0.975])
        alive = channels[channels["signal"] > 0]
        spread = np.sqrt(alive["noise"] / alive["signal"]).quantile(QUANTILES).tolist()
        rows.append([*key, ratios[0], low, high, n, *spread, len(channels) - len(alive)])
    names = ["value", "low", "high", "n", "least", "lower", "median", "upper", "most", "silent"]
    return pd.DataFrame(rows, columns=[*keys, *names])
