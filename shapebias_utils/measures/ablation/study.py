"""The scores of Pictogram-16's own networks, kept with the repository.

All channels on all 1,200 stimuli take a minute or two of a core for AlexNet and a quarter of an
hour for GoogLeNet, which is no time for a notebook. What is kept is what a figure needs, a row a
channel; the images whose decisions change are found again where they are shown.
"""

from collections.abc import Callable, Sequence
from itertools import product

import pandas as pd

from ...datasets import Dataset, ImageSet
from ...datasets.cue_conflict import balanced
from ...networks import (
    Network,
    get_network,
    get_networks,
    network_names,
    pairs,
    standard_and_robust,
    with_controls,
)
from ...results import cached, entry, store, stored
from ..dissection.preferred_images import preferred_images
from ..schema import attributed
from . import cumulative, scores
from .cumulative import half_scores

NAME, REMOVAL = "ablation", "ablation_removal"
"""The tables under ``data/results/<dataset>/``."""

PLAN = (("AlexNet", (0,)), ("ResNet", (0,)), ("AlexNet", (1, 2)), ("GoogLeNet", (0,)))
"""Architectures and the seeds of their networks, in the order in which they are measured: what
takes longest comes last."""


def scored(networks: Sequence[Network], images: ImageSet) -> pd.DataFrame:
    """The scores of all channels of the networks, kept ones where they are of the same weights and
    images, else computed: a row a channel.

    Columns as of ``scores.scores`` but `flipped`, behind the observer's, and `shape_first`,
    `texture_first`: the scores on every second image alone (``cumulative.half_scores``).
    ValueError if there is no network with a probed layer.
    """
    networks = [n for n in networks if n.layers]
    if not networks:
        raise ValueError("no networks with probed layers are given (Network(layers=...))")
    return _collected(NAME, networks, images, lambda n: half_scores(n, images))


def removed(networks: Sequence[Network], images: ImageSet) -> pd.DataFrame:
    """The tables of ``cumulative.cumulative_ablation``, kept ones where there are, else computed.

    Behind the observer's columns.
    """
    measure = cumulative.cumulative_ablation
    return _collected(REMOVAL, networks, images, lambda n: cached(measure, n, images))


def measured(dataset: str, images: ImageSet, names: str = "", seed: int = 0) -> list[Network]:
    """The networks of these names; without, the S, R and controls that are :func:`done`.

    Where none is, those of the first architecture, which then take some minutes.
    """
    if names:
        return get_networks(dataset, names, seed)
    networks = _trained(dataset, seed)
    first = [n for n in networks if n.architecture == networks[0].architecture]
    return done(networks, images) or first


def missing(dataset: str, chosen: Sequence[Network], seed: int = 0) -> list[str]:
    """The names of the dataset's S, R and controls that are not among the chosen."""
    names = {n.name for n in chosen}
    return [n.name for n in _trained(dataset, seed) if n.name not in names]


def _trained(dataset: str, seed: int) -> list[Network]:
    """The S, R and control networks in the dataset's order."""
    order = network_names(dataset)
    networks = with_controls(standard_and_robust(dataset, seed))
    return sorted(networks, key=lambda n: order.index(n.name))


def done(networks: Sequence[Network], images: ImageSet) -> list[Network]:
    """Those of the networks whose scores on the images are kept, or measured here already."""
    kept = {d: _kept(NAME, d, images) for d in {n.dataset for n in networks}}
    return [n for n in networks if not _of(kept[n.dataset], n).empty or _cached(n, images)]


def _cached(network: Network, images: ImageSet) -> bool:
    path = network.path()
    return (
        bool(network.layers)
        and (path is None or path.exists())
        and all(
            entry(scores.scores, network, images, layer=layer)[0].exists()
            for layer in network.layers
        )
    )


def study(dataset: Dataset) -> pd.DataFrame:
    """Measure what is not kept yet, network by network, and keep it; the table of scores.

    In the order of `PLAN`; a layer that is done is not done again, so that the study may be stopped
    at any time.
    """
    images = balanced(dataset.images("cue_conflict"), 0)
    for network in _networks(dataset.name):
        for name, measure in ((NAME, scored), (REMOVAL, removed)):
            kept = _kept(name, dataset.name, images)
            if _of(kept, network).empty:
                found = measure([network], images)
                found = found.drop(columns=["architecture", "training"])
                kept = pd.concat([kept, found.apply(_rounded)], ignore_index=True)
                store(kept, dataset.name, name, _about(images, _networks(dataset.name)))
    return _kept(NAME, dataset.name, images)


def again(networks: Sequence[Network], images: ImageSet) -> pd.DataFrame:
    """The scores of the last probed layer of the first S and R, measured whatever is kept."""
    first = next((pair for pair in pairs(networks)), networks[:1])
    tables = [attributed(scores.scores(n, images, layer=list(n.layers)[-1]), n) for n in first]
    return pd.concat(tables, ignore_index=True)


def shown(
    networks: Sequence[Network], examples: pd.DataFrame, images: ImageSet, natural: ImageSet
) -> list[tuple[pd.Series, list[str], pd.DataFrame]]:
    """Of each row of ``importance.examples``: the row, the names of the natural images with the
    highest activation, and the images whose decision it changes (``scores.flips``)."""
    by_name, found = {n.name: n for n in networks}, []
    for _, row in examples.iterrows():
        network, layer, unit = by_name[row["network"]], row["layer"], int(row["unit"])
        own = cached(scores.scores, network, images, layer=layer, units=[unit])
        best = cached(preferred_images, network, natural)
        best = best[(best["layer"] == layer) & (best["unit"] == unit)]
        found.append((row, best["imagename"].tolist(), scores.flips(own)))
    return found


def _rounded(column: pd.Series) -> pd.Series:
    """Fractions to four digits: as many as float32 passes on another machine agree in."""
    if column.dtype.kind != "f":
        return column
    return column.map(lambda x: float(f"{x:.4g}"))


def _networks(dataset: str) -> list[Network]:
    """All that the study measures, in its order; none where the dataset has no such networks."""
    found = []
    for architecture, seeds in PLAN:
        for seed, name in product(seeds, network_names(dataset)):
            network = get_network(name, dataset)
            kind = network.architecture, network.training in ("standard", "robust", "control")
            if kind == (architecture, True) and "seed0" in str(network.checkpoint):
                found.append(get_network(name, dataset, seed))
    return [network for network in found if network.path().exists()]


def _about(images: ImageSet, networks: Sequence[Network]) -> dict:
    """What the rows depend on: other weights or other images are another study."""
    weights = {f"{n.name} {n.seed}": n.checkpoint_hash()[:16] for n in networks}
    return {"images": images.digest, "version": scores.VERSION, "networks": weights}


def _kept(name: str, dataset: str, images: ImageSet) -> pd.DataFrame:
    networks = _networks(dataset)
    return stored(dataset, name, _about(images, networks)) if networks else pd.DataFrame()


def _of(kept: pd.DataFrame, network: Network) -> pd.DataFrame:
    if kept.empty:
        return kept
    return kept[(kept["network"] == network.name) & (kept["seed"] == network.seed)]


def _collected(
    name: str, networks: Sequence[Network], images: ImageSet,
    compute: Callable[[Network], pd.DataFrame],
) -> pd.DataFrame:  # fmt: skip
    tables, kept = [], {d: _kept(name, d, images) for d in {n.dataset for n in networks}}
    for network in networks:
        own = _of(kept[network.dataset], network).drop(columns=["network", "seed"], errors="ignore")
        own = compute(network) if own.empty else own.reset_index(drop=True)
        tables.append(attributed(own, network))
    return pd.concat(tables, ignore_index=True)
