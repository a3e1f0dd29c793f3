"""Networks on ImageNet-C's corruptions, of images that they label correctly (Table A1)."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ..datasets import Dataset, ImageSet
from ..distortions.imagenet_c import CORRUPTIONS, MAIN, corrupted
from ..networks import Network
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


def on_corrupted(
    networks: Sequence[Network],
    dataset: Dataset,
    images: ImageSet,
    subset: Mapping[str, pd.Index],
    names: Sequence[str] = tuple(CORRUPTIONS),
    seed: int = 0,
) -> pd.DataFrame:
    """Whether each network labels each image of its architecture's subset, corrupted.

    A row a network, corruption, severity and image: the observer, `distortion` (its name),
    `level` (its severity), `imagename` and `correct`. Each corruption is made once, for all
    networks; the trials are cached, a table a network and corruption.
    """
    from tqdm.auto import tqdm

    wanted = {name for chosen in subset.values() for name in chosen}
    rows = images.table["imagename"].isin(wanted).to_numpy().nonzero()[0]
    kept = images.subset(rows, images.name)
    tables = [pd.DataFrame(columns=[*OBSERVER, "distortion", "level", "imagename", "correct"])]
    for name in tqdm(names if len(kept) else (), desc="corruptions", leave=False):
        everything = corrupted(dataset, kept, name, seed)
        facts = everything.table.set_index("imagename")[["original", "level"]]
        for architecture, chosen in subset.items():
            rows = everything.table["original"].isin(chosen).to_numpy().nonzero()[0]
            own = everything.subset(rows, everything.name)
            own = replace(own, name=f"{own.name}-{own.digest[:8]}")  # there are other samples
            trials = collect([n for n in networks if n.architecture == architecture], own)
            trials = trials.join(facts, on="imagename").drop(columns="imagename")
            trials = trials.rename(columns={"original": "imagename"}).assign(distortion=name)
            tables.append(trials[tables[0].columns])
    return pd.concat(tables[1:] or tables, ignore_index=True)


MEANS = {"mean of 15": MAIN, "mean of 19": tuple(CORRUPTIONS)}
"""The mean rows of Table A1: over the 15 corruptions of the benchmark, and over all it lists."""

GROUPS = {"noise": MAIN[:3], "blur": MAIN[3:7], "weather": MAIN[7:11], "digital": MAIN[11:]}
"""ImageNet-C's kinds of corruptions, of the 15."""


def with_means(trials: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The trials and, behind them, those of each group of corruptions under the group's name.

    So that what is done by `distortion` is done for the groups too.
    """
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
