"""What each notebook's claims rest on: one file a notebook, each with ``observations``.

``observations(networks, data)`` is an observation table (``measures.statistics``) of all the
quantities that the notebook's claims are about, from cached measures. The notebook calls it for the
networks of its seed; :func:`over_seeds` for those of several, once, to be kept with the repository.
A file that defines ``compared(observations)`` turns them into effects in its own way (channels that
do not correspond, other pairs of trainings); all others are compared S against R and R against the
control. One that observes further networks beside those it is given names them by
``looks_at(networks)``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from inspect import signature
from types import ModuleType
from typing import TYPE_CHECKING

import pandas as pd

from ...networks import (
    ADVPROP,
    Network,
    get_network,
    standard_and_robust,
    with_controls,
    with_regimes,
)
from ...results import store, stored, stored_about
from .. import statistics

if TYPE_CHECKING:
    from ...datasets import Dataset

EVIDENCE: dict[str, str] = {
    "01": "training",
    "02": "correctly_labelled",
    "03": "cue_conflict",
    "04": "distortions",
    "05": "smoothness",
    "06": "dissection",
    "07": "ablation",
    "08": "corruptions",
    "09": "saliency",
    "11": "doubts",
    "12": "routes",
}
"""A notebook's number -> the module of this package that observes for it."""

SEEDS = (0, 1, 2)
"""Of the networks whose effects are kept with the repository."""

WITH_LEVELS = ("04", "05")
"""Notebooks whose quantities themselves are kept over seeds, besides their effects."""

_KEYS = ["quantity", "architecture", "training", "against"]


def with_advprop(networks: Sequence[Network]) -> list[Network]:
    """The networks and, behind them, AdvProp's whose weights are there: those of Tables 1 and 2."""
    return with_regimes(networks, trainings=ADVPROP)


def observed(
    notebook: str, networks: Sequence[Network], data: "Dataset", **how: object
) -> pd.DataFrame:
    """The effects of a notebook's quantities on these networks, as ``statistics.effects`` gives.

    `how`: further arguments of its ``observations``. KeyError where the notebook has no evidence.
    """
    module = _module(notebook)
    return _compared(module)(module.observations(networks, data, **how))


def _module(notebook: str) -> ModuleType:
    return import_module(f".{EVIDENCE[notebook]}", __name__)


def _compared(module: ModuleType) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return getattr(module, "compared", statistics.effects)


def shown(
    notebook: str,
    networks: Sequence[Network],
    data: "Dataset",
    sample: Mapping[str, int] | None = None,
    **how: object,
) -> pd.DataFrame:
    """The effects that a notebook shows: of its networks, or of their kind over seeds if kept.

    What is kept was observed with the defaults, so that it is not taken where `how`, which comes
    from the notebook's parameters, is anything else. It is taken all the same in place of a
    `sample` of the images, such as {"n_images": 320}.
    """
    found = observed(notebook, networks, data, **how, **(sample or {}))
    usual = signature(_module(notebook).observations).parameters
    if any(usual[name].default != value for name, value in how.items()):
        return found
    both = with_seeds(notebook, data, found)
    return both[both["architecture"].isin(found["architecture"])].reset_index(drop=True)


def over_seeds(
    dataset: "Dataset",
    notebooks: Iterable[str] = (),
    architectures: Sequence[str] = (),
    seeds: Sequence[int] = SEEDS,
) -> pd.DataFrame:
    """The effects of all notebooks (or of these), over all the seeds whose weights are there.

    Of all architectures or of some. A row a comparison, as ``statistics.effects`` gives it, behind
    `notebook`. Kept as ``data/results/<dataset>/effects.csv``, with the weights of all networks
    that were looked at, and beside it, of the notebooks of `WITH_LEVELS`, ``levels.csv``, as
    ``statistics.levels`` gives them; the rows of other notebooks and architectures stay, unless
    they were computed with other weights.
    """
    networks = [
        n for n in _networks(dataset, seeds) if not architectures or n.architecture in architectures
    ]
    for notebook in notebooks or EVIDENCE:
        module = _module(notebook)
        observations = module.observations(networks, dataset)
        _keep(_compared(module)(observations), "effects", notebook, dataset, networks)
        if notebook in WITH_LEVELS:
            _keep(statistics.levels(observations), "levels", notebook, dataset, networks)
    return _kept(dataset, "effects")[0]


def _keep(
    found: pd.DataFrame, name: str, notebook: str, dataset: "Dataset", networks: Sequence[Network]
) -> None:
    """Keep the rows in place of those of the same notebook and architectures."""
    kept, weights = _kept(dataset, name)
    if not kept.empty:
        again = kept["architecture"].isin(found["architecture"])
        kept = kept[(kept["notebook"] != notebook) | ~again]
    looked = getattr(_module(notebook), "looks_at", list)(networks)
    for architecture in found["architecture"].unique():
        weights[f"{notebook} {architecture}"] = {
            f"{n.name} {n.seed}": n.checkpoint_hash()[:16]
            for n in looked
            if n.architecture == architecture
        }
    rows = pd.concat([kept, found.assign(notebook=notebook)], ignore_index=True)
    rows = rows[["notebook", *found.columns]].sort_values("notebook", kind="stable")
    store(rows, dataset.name, name, {"weights": weights})


def levels_kept(notebook: str, dataset: "Dataset") -> pd.DataFrame:
    """The quantities of a notebook over seeds, with their standard deviation `sd` over these.

    As ``statistics.levels`` gives them, where :func:`over_seeds` kept them of the dataset's
    networks as they are now; else empty.
    """
    return _of(notebook, dataset, "levels")


def with_seeds(notebook: str, dataset: "Dataset", effects: pd.DataFrame) -> pd.DataFrame:
    """The effects, each in place of which there is one kept over more seeds replaced by that.

    Only what :func:`over_seeds` kept of the dataset's networks as they are now counts. Holm's
    correction is that over the rows that are returned.
    """
    kept = _of(notebook, dataset, "effects")
    if kept.empty:
        return effects
    both = pd.concat([kept[kept["seeds"] > 1], effects], ignore_index=True)
    both = both.drop_duplicates(_KEYS, ignore_index=True)
    order = {key: i for i, key in enumerate(effects[_KEYS].itertuples(index=False, name=None))}
    places = [order.get(key, len(order)) for key in both[_KEYS].itertuples(index=False, name=None)]
    both = both.iloc[sorted(range(len(both)), key=places.__getitem__)].reset_index(drop=True)
    return statistics.corrected(both)


def _networks(dataset: "Dataset", seeds: Sequence[int]) -> list[Network]:
    """The S, R and control networks of these seeds whose weights are there."""
    found = []
    for network in with_controls(standard_and_robust(dataset.name)):
        for seed in seeds:
            try:
                own = get_network(network.name, dataset.name, seed)
            except ValueError:  # it comes with one set of weights
                continue
            if own.path() is not None and own.path().exists():
                found.append(own)
    return found


def _kept(dataset: "Dataset", name: str) -> tuple[pd.DataFrame, dict[str, dict[str, str]]]:
    """What is kept under that name of networks as they are now, and their weights.

    The latter by notebook and architecture ("03 ResNet"), of each network by name and seed. One
    that is not there (not all seeds are shipped) is taken for what it was.
    """
    table = stored(dataset.name, name)
    if table.empty or dataset.most:  # a quick look: of other images
        return table.iloc[:0], {}
    weights = stored_about(dataset.name, name).get("weights", {})
    weights = {key: own for key, own in weights.items() if _unchanged(own, dataset)}
    numbers = table["notebook"].astype(str).str.zfill(2)  # a CSV does not tell "03" from 3
    texts = {c: table[c].astype(str) for c in ("against",) if c in table}
    table = table.assign(notebook=numbers, **texts)
    known = (table["notebook"] + " " + table["architecture"]).isin(weights)
    return table[known].reset_index(drop=True), weights


def _unchanged(weights: Mapping[str, str], dataset: "Dataset") -> bool:
    for of, expected in weights.items():
        name, seed = of.rsplit(" ", 1)
        try:
            network = get_network(name, dataset.name, int(seed))
        except ValueError:  # it has another name by now
            return False
        path = network.path()
        if path and path.exists() and network.checkpoint_hash()[:16] != expected:
            return False
    return True


def _of(notebook: str, dataset: "Dataset", name: str) -> pd.DataFrame:
    kept, _ = _kept(dataset, name)
    return kept if kept.empty else kept[kept["notebook"] == notebook].drop(columns="notebook")
