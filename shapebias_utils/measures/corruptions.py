"""Networks on ImageNet-C's corruptions, of images that they label correctly (Table A1)."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ..datasets import Dataset, ImageSet
from ..distortions.imagenet_c import CORRUPTIONS, MAIN, corrupted, there
from ..networks import Network, get_networks, with_controls
from .corruptions_kept import TRIALS, keep, kept_trials
from .predictions import collect
from .schema import OBSERVER


def labelled_by_all(trials: pd.DataFrame) -> dict[str, pd.Index]:
    """Architecture -> images that all its networks label correctly, of trials of clean images.

    Of S and R, the paper's -CL subset (``robustness.correctly_labelled``); of a network that is
    alone, the images that it labels correctly.
    """
    right = trials.groupby(["architecture", "imagename"], sort=False)["correct"].all()
    return {
        architecture: pd.Index(own.index.get_level_values("imagename")[own])
        for architecture, own in right.groupby("architecture", sort=False)
    }


def sampled(subset: Mapping[str, pd.Index], n: int, seed: int = 0) -> dict[str, pd.Index]:
    """Architecture -> `n` of its subset's images, drawn at random; all of them if `n` is 0.

    The draw is keyed by the images' names, so that the samples of the architectures overlap as
    much as their subsets do. ValueError if `n` is negative.
    """
    if n < 0:
        raise ValueError(f"{n} images cannot be drawn: give a number from 1 up, or 0 for all")
    drawn = {}
    for architecture, names in subset.items():
        key = [zlib.crc32(f"{seed} {name}".encode()) for name in names]
        drawn[architecture] = names[np.sort(np.argsort(key, kind="stable")[: n or None])]
    return drawn


IMAGES = {0: 400, 1: 100, 2: 100}
"""Seed of the networks -> images of each architecture that the study keeps the decisions on."""


def on_corrupted(
    networks: Sequence[Network],
    dataset: Dataset,
    images: ImageSet,
    subset: Mapping[str, pd.Index],
    names: Sequence[str] = tuple(CORRUPTIONS),
    seed: int = 0,
    anew: bool = False,
) -> pd.DataFrame:
    """Whether each network labels each image of its architecture's subset, corrupted.

    A row a network, corruption, severity and image: the observer, `distortion` (its name),
    `level` (its severity), `imagename` and `correct`. What the study kept (``corruptions_kept``) is
    taken from there, image by image, unless it is to be made `anew`. Of the rest each corruption is
    made once, for all networks; their trials are cached, a table a network and corruption. Those
    that should be on disk and are not are left out, with a warning.
    """
    from tqdm.auto import tqdm

    names = there(dataset, names)
    kept = kept_trials([] if anew else networks, dataset, images, seed)
    tables = [pd.DataFrame(columns=TRIALS)]
    for name in tqdm(names, desc="corruptions", leave=False):
        wanted = []
        for network in networks:
            chosen = subset.get(network.architecture, pd.Index([]))
            own = kept[(kept["network"] == network.name) & (kept["seed"] == network.seed)]
            own = own[(own["distortion"] == name) & own["imagename"].isin(chosen)]
            tables.append(own)
            wanted.append(chosen[~chosen.isin(own["imagename"])])
        tables += _made(networks, dataset, images, name, wanted, seed)
    found = pd.concat([t for t in tables if len(t)] or tables, ignore_index=True)
    order = {n: i for i, n in enumerate([*names, *(network.name for network in networks)])}
    found = found.sort_values(["distortion", "network"], key=lambda c: c.map(order), kind="stable")
    return found.reset_index(drop=True)


def _made(
    networks: Sequence[Network],
    dataset: Dataset,
    images: ImageSet,
    name: str,
    wanted: Sequence[pd.Index],
    seed: int,
) -> list[pd.DataFrame]:
    """The trials of networks on the images wanted of each, so corrupted: a table a network."""
    union = {imagename for chosen in wanted for imagename in chosen}
    if not union:
        return []
    rows = images.table["imagename"].isin(union).to_numpy().nonzero()[0]
    everything = corrupted(dataset, images.subset(rows, images.name), name, seed)
    facts, tables = everything.table.set_index("imagename")[["original", "level"]], []
    for network, chosen in zip(networks, wanted, strict=True):
        rows = everything.table["original"].isin(chosen).to_numpy().nonzero()[0]
        if not len(rows):
            continue
        own = everything.subset(rows, everything.name)
        own = replace(own, name=f"{own.name}-{own.digest[:8]}")  # there are other samples
        trials = collect([network], own).join(facts, on="imagename").drop(columns="imagename")
        trials = trials.rename(columns={"original": "imagename"}).assign(distortion=name)
        tables.append(trials[TRIALS])
    return tables


def agreement(
    trials: pd.DataFrame,
    networks: Sequence[Network],
    dataset: Dataset,
    images: ImageSet,
    subset: Mapping[str, pd.Index],
    n: int = 8,
    names: Sequence[str] = tuple(CORRUPTIONS)[::6],
) -> tuple[int, int]:
    """How many of the trials on `n` images of each architecture come out again, and of how many.

    Under a few corruptions, made anew, whether kept or not: so that what is kept cannot part from
    what the code does.
    """
    again = on_corrupted(networks, dataset, images, sampled(subset, n), names, anew=True)
    both = again.merge(trials, on=TRIALS[:-1], suffixes=("", "_before"))
    return int((both["correct"] == both["correct_before"]).sum()), len(again)


def study(dataset: Dataset, seeds: Sequence[int] = tuple(IMAGES)) -> pd.DataFrame:
    """Keep the decisions of all networks of these seeds with the repository; their accuracies.

    On `IMAGES` of each architecture that its S, R and control all label correctly when clean: half
    an hour of one core. What is kept or cached already is not computed again.
    """
    images, found = dataset.images("validation"), []
    for seed in seeds:
        networks = with_controls(get_networks(dataset.name, "", seed))
        subset = sampled(labelled_by_all(collect(networks, images)), IMAGES[seed])
        trials = on_corrupted(networks, dataset, images, subset)
        keep(trials, networks, dataset, images)
        found.append(trials.groupby(OBSERVER, sort=False)["correct"].mean().reset_index())
    return pd.concat(found, ignore_index=True)


MEANS = {"mean of 15": MAIN, "mean of 19": tuple(CORRUPTIONS)}
"""The mean rows of Table A1: over the 15 corruptions of the benchmark, and over all it lists."""

GROUPS = {"noise": MAIN[:3], "blur": MAIN[3:7], "weather": MAIN[7:11], "digital": MAIN[11:]}
"""ImageNet-C's kinds of corruptions, of the 15."""


def over_severities(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials with `correct` averaged over the severities of each image and corruption."""
    keys = [*OBSERVER, "distortion", "imagename"]
    return trials.groupby(keys, sort=False)["correct"].mean().reset_index()


def on_common(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials on the images that all networks were shown."""
    shown = trials.groupby("imagename")["network"].nunique()
    return trials[trials["imagename"].isin(shown.index[shown == trials["network"].nunique()])]


def leads(trials: pd.DataFrame, against: Sequence[str] = ("standard", "control")) -> pd.DataFrame:
    """R's accuracy less that of others on the same images, by corruption and severity.

    Columns `architecture`, `against`, `distortion`, `level`, `difference` and its 95 % interval
    `low`, `high` (normal, image by image in pairs), and `n` images.
    """
    keys = ["architecture", "distortion", "level"]
    scores = trials.assign(correct=trials["correct"].astype(float)).pivot_table(
        index=[*keys, "imagename"], columns="training", values="correct", sort=False
    )
    tables = [pd.DataFrame(columns=[*keys, "difference", "low", "high", "n", "against"])]
    for other in against:
        if not {"robust", other} <= set(scores):
            continue
        change = (scores["robust"] - scores[other]).dropna().groupby(level=keys, sort=False)
        table = change.agg(difference="mean", half="sem", n="count").reset_index()
        half = 1.96 * table["half"].fillna(0)
        facts = {"low": table["difference"] - half, "high": table["difference"] + half}
        tables.append(table.drop(columns="half").assign(against=other, **facts))
    table = pd.concat(tables[1:] or tables, ignore_index=True)
    return table[["architecture", "against", *keys[1:], "difference", "low", "high", "n"]]


def with_means(trials: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The trials and, behind them, those of each group of corruptions under the group's name.

    So that what is done by `distortion` is done for the groups too. A group that is not there whole
    is left out: its mean would be another than its name says.
    """
    known = set(trials["distortion"])
    groups = {name: group for name, group in groups.items() if known.issuperset(group)}
    parts = [trials[trials["distortion"].isin(names)] for names in groups.values()]
    named = [part.assign(distortion=name) for name, part in zip(groups, parts, strict=True)]
    return pd.concat([trials, *named], ignore_index=True)


def corruption_errors(
    trials: pd.DataFrame,
    reference: str = "AlexNet",
    names: Sequence[str] = MAIN,
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """mCE: mean over corruptions of a network's error relative to that of the reference.

    Columns: the observer, `mce`, its 95 % interval `low`, `high`, and `n` images. Errors are means
    over severities and images; the reference has 1 by definition. The interval is a bootstrap over
    images, the same draws for both networks. A corruption on which the reference makes no error
    has no ratio and is left out. Empty where the reference is not among the networks.
    """
    columns = [*OBSERVER, "mce", "low", "high", "n"]
    main = trials[trials["distortion"].isin(names)]
    if reference not in set(main["network"]):
        return pd.DataFrame(columns=columns)
    error = (1 - main["correct"].astype(float)).rename("error")
    wide = (
        main.assign(error=error)
        .groupby(["imagename", "network", "distortion"], sort=False)["error"]
        .mean()
        .unstack(["network", "distortion"])
    )
    n = len(wide)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), draws)
    weights = np.concatenate([np.ones((1, n)), weights])  # first, the images as they are
    with np.errstate(invalid="ignore", divide="ignore"):
        means = weights @ wide.fillna(0).to_numpy() / (weights @ wide.notna().to_numpy())
    means = pd.DataFrame(means, columns=wide.columns)
    base = means[reference].where(means[reference] > 0)
    about = main[OBSERVER].drop_duplicates().set_index("network", drop=False)
    rows = []
    for name in about.index:
        ratios = (means[name] / base).mean(axis=1)
        low, high = np.nanquantile(ratios[1:], [0.025, 0.975])
        rows.append([*about.loc[name, OBSERVER], ratios[0], low, high, len(wide[name].dropna())])
    return pd.DataFrame(rows, columns=columns)
