"""What notebook 05 rests on: kernels filter by filter, activations channel by channel and image by
image.

Quantities end in the layer's name, ": conv1"; without one they are of all layers. Smooth is what
has little of any of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ...distortions import get_distortion
from ...networks import Network
from ..schema import OBSERVER
from ..smoothness.activation_tv import clean_and_noisy
from ..smoothness.filter_matching import correspond
from ..smoothness.filter_tv import Definition, filter_tv, kernels
from ..smoothness.noise_gain import over_deviations
from ..statistics import effects

if TYPE_CHECKING:
    from ...datasets import Dataset, ImageSet

KERNEL, RELATIVE = "kernel TV", "kernel TV / |weights|"
NOISE, CHANGED = "noise / signal", "TV changed by noise"
"""Quantities: of filters (the first two); of powers in the maps of an image; of channels."""

COLUMNS = ["quantity", *OBSERVER, "unit", "value", "weight"]


def drawn(data: "Dataset", n: int = 96) -> "ImageSet":
    """So many of the dataset's validation images, drawn at random, in their order."""
    validation = data.images("validation")
    chosen = validation.table.sample(min(n, len(validation)), random_state=0)
    return validation.subset(sorted(chosen.index), f"validation_{n}_drawn")


def observations(
    networks: Sequence[Network], data: "Dataset", n: int = 96, deviation: float = 0.08
) -> pd.DataFrame:
    """Of the networks: TV of each filter, as it is and relative to its weights; noise and signal in
    each image's maps; what noise changes of each channel's TV.

    `n` images; noise of that `deviation`, one of the levels of the distortion "noise". Units that
    do not correspond, as channels of networks that were trained apart, bear their network's name.
    """
    images, own = drawn(data, n), "" if correspond(networks) else "{} "
    measured = kernels(networks)
    tables = []
    for what, definition in ((KERNEL, Definition()), (RELATIVE, Definition(relative=True))):
        tv = filter_tv(measured, definition).dropna(subset="value").assign(weight=1.0)
        unit = tv["convolution"] + " " + tv["filter"].astype(str)
        tv["unit"] = [own.format(name) + u for name, u in zip(tv["network"], unit, strict=True)]
        tables += [tv.assign(quantity=what), tv.assign(quantity=what + ": " + tv["layer"])]
    power = over_deviations(networks, images, get_distortion("noise").levels)
    power = power[(power["over"] == "image") & (power["deviation"] == deviation)]
    if len(power):
        columns = {"noise": "value", "signal": "weight", "item": "unit"}
        tables.append(power.assign(quantity=NOISE + ": " + power["layer"]).rename(columns=columns))
    channels = clean_and_noisy(networks, data, images, deviation)
    if len(channels):
        change = (channels["noisy"] - channels["clean"]).abs()
        channels = channels.assign(value=change, weight=channels["clean"])
        unit = channels["layer"] + " " + channels["channel"].astype(str)
        channels["unit"] = [
            own.format(name) + u for name, u in zip(channels["network"], unit, strict=True)
        ]
        tables.append(channels.assign(quantity=CHANGED + ": " + channels["layer"]))
    return pd.concat([t[COLUMNS] for t in tables], ignore_index=True)


def compared(observations: pd.DataFrame) -> pd.DataFrame:
    """R against S and the control: in pairs of units where these correspond, else apart."""
    shared = observations.groupby(["quantity", "unit"])["training"].transform("nunique") > 1
    together = observations[shared | observations["quantity"].str.startswith(NOISE)]
    apart = observations[~observations["quantity"].isin(together["quantity"])]
    found = [effects(together), effects(apart, paired=False)]
    return pd.concat([f for f in found if len(f)] or found[:1], ignore_index=True)
