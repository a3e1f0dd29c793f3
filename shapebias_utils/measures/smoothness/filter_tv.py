"""Total variation of convolution kernels, under every definition (Table 4, Figure A9).

The paper does not say how it takes the total variation of a kernel. Here a :class:`Definition`
names each choice, and :func:`closeness` sets all of them beside the paper's numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from ...networks import Network
from ..schema import OBSERVER, attributed
from .activation_tv import total_variation
from .filter_matching import convolutions


@dataclass(frozen=True)
class Definition:
    """What is meant by the total variation of a filter and of a network.

    Over the pixels of a kernel and over a filter's input channels it is summed or averaged;
    `pointwise` counts 1x1 kernels, whose variation is always 0; `convolutions` is "all" or "main",
    the last one larger than 1x1 of each probed layer; the mean of a network is over all its
    "filters" alike, or over its probed "layers" alike. `relative` divides a filter's variation by
    the sum of its absolute weights (in place of any averaging): the smoothness of the pattern,
    whatever its scale, which a batch norm behind the convolution takes away.

    The default is the paper's as far as its code tells: ``|differences|`` summed, as its only
    function for total variation does, and networks averaged over filters, as its comments do. Input
    channels are summed, since that is the variation of the filter as a whole. 1x1 kernels are left
    out: they have no neighbours, so that they would only tell how many there are.
    """

    isotropic: bool = False
    over_pixels: str = "sum"
    over_inputs: str = "sum"
    pointwise: bool = False
    convolutions: str = "all"
    mean_over: str = "filters"
    relative: bool = False

    def __post_init__(self) -> None:
        for field, allowed in CHOICES.items():
            if getattr(self, field) not in allowed:
                raise ValueError(
                    f"{field} = {getattr(self, field)!r}: choose {' or '.join(map(repr, allowed))}"
                )


CHOICES = {
    "isotropic": (False, True),
    "over_pixels": ("sum", "mean"),
    "over_inputs": ("sum", "mean"),
    "pointwise": (False, True),
    "convolutions": ("all", "main"),
    "mean_over": ("filters", "layers"),
}
"""What the paper leaves open: the fields of a `Definition` and their values."""


def kernels(networks: Sequence[Network]) -> pd.DataFrame:
    """What every definition of total variation is computed from: a row a filter.

    Columns: the observer, `layer`, `convolution` (its path), `filter`, `height`, `width`,
    `inputs`, `main` (see `Definition`), and, summed over pixels and inputs, the `anisotropic` and
    the `isotropic` variation and the `norm` (sum of absolute weights). In the units of the
    weights. It takes no images, and so little time that it is not cached.
    """
    import torch

    tables = []
    for network in networks:
        found = convolutions(network)
        main = {c.layer: c.path for c in sorted(found, key=lambda c: not c.is_pointwise)}
        for c in found:
            weights = torch.from_numpy(c.weights)
            filters, inputs, height, width = weights.shape
            facts = {"layer": c.layer, "convolution": c.path, "filter": range(filters)}
            facts |= {"height": height, "width": width, "inputs": inputs}
            facts["main"] = main[c.layer] == c.path
            for name, isotropic in (("anisotropic", False), ("isotropic", True)):
                facts[name] = total_variation(weights, isotropic).sum(1).numpy()
            facts["norm"] = weights.abs().sum((1, 2, 3), dtype=torch.float64).numpy()
            tables.append(attributed(pd.DataFrame(facts), network))
    if not tables:
        raise ValueError("no networks are given")
    return pd.concat(tables, ignore_index=True)


def filter_tv(kernels: pd.DataFrame, definition: Definition = Definition()) -> pd.DataFrame:
    """The total variation `value` of each filter that the definition counts.

    Columns: the observer, `layer`, `convolution`, `filter`, `value`.
    """
    counts = (kernels["height"] * kernels["width"] > 1) | definition.pointwise
    counts &= kernels["main"] | (definition.convolutions == "all")
    kept = kernels[counts]
    value = kept["isotropic" if definition.isotropic else "anisotropic"]
    if definition.relative:
        value = value / kept["norm"].where(kept["norm"] > 0)
    else:
        if definition.over_pixels == "mean":
            value = value / (kept["height"] * kept["width"])
        if definition.over_inputs == "mean":
            value = value / kept["inputs"]
    columns = [*OBSERVER, "layer", "convolution", "filter"]
    return kept[columns].assign(value=value).reset_index(drop=True)


def layer_tv(tv: pd.DataFrame) -> pd.DataFrame:
    """Mean of :func:`filter_tv` in each layer: the observer, `layer`, `value`, `low`, `high`, `n`.

    The 95 % interval is the normal one of the mean, the filters being seen as a sample of those
    that training might have found.
    """
    groups = tv.groupby([*OBSERVER, "layer"], sort=False)["value"]
    table = groups.agg(value="mean", spread="sem", n="count").reset_index()
    half = 1.96 * table["spread"].fillna(0)
    table = table.assign(low=table["value"] - half, high=table["value"] + half)
    return table[[*OBSERVER, "layer", "value", "low", "high", "n"]]


def network_tv(kernels: pd.DataFrame, definition: Definition = Definition()) -> pd.DataFrame:
    """Mean total variation of each network (Table 4): the observer, `value`, `low`, `high`, `n`.

    `n` filters; the 95 % interval as in :func:`layer_tv`, from the spread within layers.
    """
    layers = layer_tv(filter_tv(kernels, definition))
    weights = layers["n"] if definition.mean_over == "filters" else 1.0
    half = layers["high"] - layers["value"]
    sums = layers[[*OBSERVER, "n"]].assign(
        weight=weights, value=weights * layers["value"], half=(weights * half) ** 2
    )
    table = sums.groupby(OBSERVER, sort=False).sum().reset_index()
    value, half = table["value"] / table["weight"], np.sqrt(table["half"]) / table["weight"]
    table = table.assign(value=value, low=value - half, high=value + half)
    return table[[*OBSERVER, "value", "low", "high", "n"]]


def closeness(kernels: pd.DataFrame, paper: pd.DataFrame) -> pd.DataFrame:
    """Every definition that Table 4 may mean, the closest to the paper's numbers first.

    `paper` has `architecture`, `training`, `mean_tv`. A row a definition: its choices, a column a
    network with its mean, and `deviation`, the largest ``|ours / the paper's - 1|`` over the
    networks that the paper has. With the paper's weights the first row tells what it computed.
    """
    about = kernels[OBSERVER].drop_duplicates()
    printed = about.merge(paper, how="left").set_index("network")["mean_tv"]
    rows = []
    for values in product(*CHOICES.values()):
        choice = dict(zip(CHOICES, values, strict=True))
        means = network_tv(kernels, Definition(**choice)).set_index("network")["value"]
        means = means.reindex(printed.index)
        rows.append(choice | means.to_dict() | {"deviation": (means / printed - 1).abs().max()})
    return pd.DataFrame(rows).sort_values("deviation", kind="stable", ignore_index=True)
