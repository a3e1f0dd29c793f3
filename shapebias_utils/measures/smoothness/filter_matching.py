"""The filters of a network's convolutions, and which of R is which of S (Figures 4 and A2)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata

from ...datasets import get_dataset
from ...hooks import record
from ...networks import Network, pairs, with_controls

MATCH = ["architecture", "network", "other", "layer", "convolution", "filter", "match", "r"]
PAIRINGS = ("index", "nearest", "one-to-one")


@dataclass(frozen=True)
class Convolution:
    """The weights ``(filters, inputs, height, width)`` of the convolution at `path`.

    `layer` is the probed layer that it works for.
    """

    layer: str
    path: str
    weights: np.ndarray

    @property
    def is_pointwise(self) -> bool:
        return self.weights.shape[2:] == (1, 1)


def convolutions(network: Network) -> list[Convolution]:
    """The network's convolutions, in the order in which they run.

    Each belongs to the first probed layer that is ready after it has run (one inside of a block
    belongs to the block); those behind the last probed layer are layers of their own, named by
    their path, and so are all where the network names no layers. ValueError if there is none.
    """
    import torch

    module = network.load()
    found = {("convolution", path): path for path, part in module.named_modules()
             if isinstance(part, torch.nn.Conv2d)}  # fmt: skip
    if not found:
        raise ValueError(
            f"{network.name} has no convolution (Conv2d), so there are no kernels to measure"
        )
    probed = {("layer", name): path for name, path in network.layers.items()}
    size = get_dataset(network.dataset).size
    with torch.no_grad(), record(module, found | probed) as outputs:
        module(torch.full((1, 3, size, size), 0.5).to(memory_format=torch.channels_last))
    ordered, waiting = [], []
    for kind, name in outputs:  # a dict keeps the order in which its keys came
        if kind == "layer":
            ordered += [(name, path) for path in waiting]
            waiting = []
        else:
            waiting.append(name)
    ordered += [(path, path) for path in waiting]
    weights = {path: module.get_submodule(path).weight.numpy() for _, path in ordered}
    return [Convolution(layer, path, weights[path]) for layer, path in ordered]


def filter_bank(network: Network) -> np.ndarray:
    """The filters of the first convolution as RGB, ``(filters, 3, height, width)``.

    In the units of the weights. ValueError if the network has none over three colours.
    """
    first = convolutions(network)[0].weights
    if first.shape[1] != 3:
        raise ValueError(
            f"the first convolution of {network.name} has {first.shape[1]} inputs, not 3 colours"
        )
    return first[:, ::-1] if getattr(network.build(), "bgr", False) else first


def rivals(networks: Sequence[Network]) -> list[tuple[Network, Network]]:
    """The pairs (S, R) among the networks and, behind them, (control, R) where there is a control.

    The control trained on from S for as long as R, without an adversary: what it shares with R
    is no work of the adversary.
    """
    found = pairs(networks)
    controls = [(c, r) for _, r in found for c in with_controls([r]) if c.training == "control"]
    return found + controls


def spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of all filters of one bank with all of another, ``(N, M)``.

    Filters are flattened. 0 where one of the two is constant.
    """
    ranks = [rankdata(w.reshape(len(w), -1), axis=1) for w in (first, second)]
    ranks = [r - r.mean(axis=1, keepdims=True) for r in ranks]
    norms = [np.maximum(np.linalg.norm(r, axis=1, keepdims=True), 1e-12) for r in ranks]
    return (ranks[0] / norms[0]) @ (ranks[1] / norms[1]).T


def match(
    first: Network, second: Network, how: str = "nearest", layers: Sequence[str] = ()
) -> pd.DataFrame:
    """Which filter of the second network corresponds to each of the first's: a row a filter.

    Columns `architecture`, `network`, `other`, `layer`, `convolution`, `filter`, `match` and `r`,
    Spearman's correlation of the two. `how`: "nearest" is the most correlated filter, which may
    serve several (the paper's Fig. 4); "one-to-one" the assignment with the largest sum of
    correlations; "index" the filter of the same number, which corresponds where the one network
    was trained on from the other. Only kernels larger than 1x1, of these `layers` (all if empty).
    Beyond the first convolution a correlation means something only if the inputs correspond too.
    ValueError for an unknown `how`, an unknown layer, or convolutions of different shapes.
    """
    if how not in PAIRINGS:
        raise ValueError(f"unknown pairing {how!r}; choose one of {', '.join(PAIRINGS)}")
    ours, theirs = ([c for c in convolutions(n) if not c.is_pointwise] for n in (first, second))
    if [c.weights.shape for c in ours] != [c.weights.shape for c in theirs]:
        raise ValueError(
            f"{first.name} and {second.name} have convolutions of different shapes: filters are "
            "matched between networks of one architecture"
        )
    known = dict.fromkeys(c.layer for c in ours)
    if unknown := [layer for layer in layers if layer not in known]:
        raise ValueError(
            f"{first.name} has no layer {unknown[0]!r} with kernels larger than 1x1; it has "
            f"{', '.join(known)}"
        )
    tables = []
    for a, b in zip(ours, theirs, strict=True):
        if layers and a.layer not in layers:
            continue
        r, filters = spearman(a.weights, b.weights), np.arange(len(a.weights))
        if how == "nearest":
            matched = r.argmax(axis=1)
        elif how == "one-to-one":
            matched = linear_sum_assignment(r, maximize=True)[1]
        else:
            matched = filters
        facts = {"layer": a.layer, "convolution": a.path, "filter": filters, "match": matched}
        tables.append(pd.DataFrame(facts | {"r": r[filters, matched]}))
    about = {"architecture": first.architecture, "network": first.name, "other": second.name}
    return pd.concat(tables, ignore_index=True).assign(**about)[MATCH]


def match_pairs(
    couples: Sequence[tuple[Network, Network]], how: str = "nearest", first: bool = False
) -> pd.DataFrame:
    """The matches of several pairs, one behind the other, columns as :func:`match` has them.

    With `first`, of the filters over colours alone: those of the first convolution's layer.
    """
    tables = []
    for one, other in couples:
        layers = [convolutions(one)[0].layer] if first else []
        tables.append(match(one, other, how, layers))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=MATCH)


def with_tv(matches: pd.DataFrame, tv: pd.DataFrame) -> pd.DataFrame:
    """The matches with both filters' total variation: `tv`, `tv_match`, `difference`.

    `tv` as from ``filter_tv.filter_tv``, of both networks of each match; matches of filters that it
    leaves out are left out. The difference is tv - tv_match: positive where the second network's
    filter is the smoother one.
    """
    values = tv[["network", "convolution", "filter", "value"]]
    renamed = values.set_axis(["other", "convolution", "match", "tv_match"], axis=1)
    table = matches.merge(values.rename(columns={"value": "tv"})).merge(renamed)
    return table.assign(difference=table["tv"] - table["tv_match"])


def correspond(networks: Sequence[Network]) -> bool:
    """Whether filters of one number correspond, as where R and the control go on from S.

    So it is if, in the first layer of R and each other network of its architecture and seed, more
    than half of the best one-to-one matches are of one number. False where R has no other.
    """
    shares = []
    for r in (network for network in networks if network.training == "robust"):
        for one in networks:
            alike = (one.architecture, one.seed) == (r.architecture, r.seed)
            if alike and one.training in ("standard", "control"):
                matched = match_pairs([(one, r)], "one-to-one", first=True)
                shares.append((matched["filter"] == matched["match"]).mean())
    return bool(shares) and min(shares) > 0.5
