"""S and R on distorted images, of those that both label correctly (the paper's Table 3)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..datasets import Dataset, ImageSet
from ..distortions import distorted, get_distortion
from ..networks import Network
from .predictions import collect
from .robustness import accuracy as plain_accuracy
from .robustness import on_subset
from .schema import OBSERVER
from .statistics import wilson_interval

IN_CATEGORIES = ("silhouette", "silhouette_white")
"""Distortions on which a prediction is right if its class belongs to the image's category."""

Pairs = Sequence[tuple[Network, Network]]


def at_most(subset: Mapping[str, pd.Index], n: int) -> dict[str, pd.Index]:
    """The subset with no more than `n` images an architecture, evenly spread over it; 0: all."""
    return {
        architecture: names[np.linspace(0, len(names) - 1, n).astype(int)] if 0 < n < len(names)
        else names
        for architecture, names in subset.items()
    }  # fmt: skip


def on_distorted(
    pairs: Pairs,
    dataset: Dataset,
    images: ImageSet,
    subset: Mapping[str, pd.Index],
    levels: Mapping[str, Sequence[float]],
    after: str = "",
) -> pd.DataFrame:
    """The cached trials of S and R on their architecture's subset, distorted in several ways.

    `subset` as from ``robustness.correctly_labelled``; `levels` maps names of distortions to the
    levels wanted; `after` names one that all images undergo first. Columns as from
    ``predictions.collect``, and `distortion`, `level`, and `said`: the category that the predicted
    class belongs to, or "class 17". Silhouettes are scored in the 16 categories, among images
    that have one (Sec. 3.2.2): `correct` is whether `said` is the image's category.
    """
    tables = []
    for s, r in pairs:
        rows = images.table["imagename"].isin(subset[s.architecture]).to_numpy().nonzero()[0]
        kept = images.subset(rows, f"{images.name}-CL{len(rows)}-{s.name}-{r.name}")
        if after:
            kept = distorted(dataset, kept, after, get_distortion(after).levels[0])
        for name, level in [(n, k) for n, own in levels.items() for k in own if len(kept)]:
            table = collect((s, r), distorted(dataset, kept, name, level))
            tables.append(table.assign(distortion=name, level=level))
    if not tables:
        columns = [*OBSERVER, "imagename", "category", "confidence", "distortion", "level", "said"]
        return pd.DataFrame(columns=columns).assign(correct=np.zeros(0, bool))
    table = _with_words(pd.concat(tables, ignore_index=True), pairs)
    coarse = table["distortion"].isin(IN_CATEGORIES) | (after in IN_CATEGORIES)
    table.loc[coarse, "correct"] = table["said"] == table["category"]
    return table[~coarse | table["category"].isin(dataset.category_classes)]


def undistorted(trials: pd.DataFrame, pairs: Pairs, subset: Mapping[str, pd.Index]) -> pd.DataFrame:
    """The trials on the subset's images as they are and attacked, as :func:`on_distorted` has them.

    `distortion` is "real" (eps 0) or "adversarial", `level` 1.
    """
    kept = _with_words(on_subset(trials, subset), pairs)
    return kept.assign(distortion=np.where(kept["eps"] > 0, "adversarial", "real"), level=1)


def _with_words(trials: pd.DataFrame, pairs: Pairs) -> pd.DataFrame:
    words = {
        network.name: {i: name for name, classes in network.mapping().items() for i in classes}
        for pair in pairs
        for network in pair
    }
    said = [
        words[network].get(i, f"class {i}")
        for network, i in zip(trials["network"], trials["prediction"], strict=True)
    ]
    return trials.assign(said=said)


def accuracy(trials: pd.DataFrame, by: Sequence[str] = ("distortion",)) -> pd.DataFrame:
    """Accuracy in [0, 1] of each observer on each distortion, the mean over levels of each image.

    Columns: the observer, `by`, `accuracy`, `low`, `high`, and `n` images. The 95 % interval is
    Wilson's for as many images as would have the same standard error if each were right or wrong:
    the levels of one image go together. With one level that is n.
    """
    keys = [*OBSERVER, *by]
    scores = trials.groupby([*keys, "imagename"], sort=False)["correct"].mean()
    groups = scores.groupby(keys, sort=False)
    table = groups.agg(accuracy="mean", n="count").reset_index()
    mean, variance = table["accuracy"], groups.var(ddof=0).to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        effective = table["n"] * np.where(variance > 0, mean * (1 - mean) / variance, 1)
    low, high = wilson_interval(mean * effective, effective)
    return table.assign(low=low, high=high)[[*keys, "accuracy", "low", "high", "n"]]


def differences(trials: pd.DataFrame, pairs: Pairs) -> pd.DataFrame:
    """Accuracy of S and of R on the same images, and R's minus S's, by architecture and distortion.

    Columns `architecture`, `distortion`, `S`, `R`, `difference`, its 95 % interval `low`, `high`
    (normal, image by image in pairs), and `n` images.
    """
    columns = ["architecture", "distortion", "S", "R", "difference", "low", "high", "n"]
    rows = []
    for s, r in pairs:
        own = trials[trials["network"].isin((s.name, r.name))]
        for distortion, part in own.groupby("distortion", sort=False):
            scores = part.pivot_table(
                index="imagename", columns="network", values="correct", aggfunc="mean"
            ).astype(float)
            change = scores[r.name] - scores[s.name]
            mean, half = change.mean(), 1.96 * change.std() / np.sqrt(len(change))
            row = [s.architecture, distortion, scores[s.name].mean(), scores[r.name].mean()]
            rows.append([*row, mean, mean - half, mean + half, len(change)])
    return pd.DataFrame(rows, columns=columns)


def only_one_right(trials: pd.DataFrame, pairs: Pairs, name: str, level: float) -> pd.DataFrame:
    """The images, distorted so, that one of S and R labels correctly and the other does not.

    Columns `architecture`, `imagename`, `category`, `right` ("S" or "R") and the `confidence` of
    who is right; the surest first.
    """
    columns = ["architecture", "imagename", "category", "right", "confidence"]
    tables = [pd.DataFrame(columns=columns)] if not pairs else []
    at = trials[(trials["distortion"] == name) & (trials["level"] == level)]
    for pair in pairs:
        own = at[at["network"].isin([n.name for n in pair])]
        alone = own.groupby("imagename")["correct"].transform("sum") == 1
        found = own[alone & own["correct"].astype(bool)]
        right = found["network"].map(dict(zip([n.name for n in pair], "SR", strict=True)))
        found = found.assign(right=right).sort_values(
            ["confidence", "imagename"], ascending=[False, True]
        )
        tables.append(found[columns])
    return pd.concat(tables, ignore_index=True)


def examples(
    trials: pd.DataFrame, pairs: Pairs, name: str, level: float, per_pair: int = 2
) -> pd.DataFrame:
    """What S and R say about a few images as they are, and at each level of a distortion.

    Of each architecture the images, of different categories, that S alone labels correctly at
    `level`, and is surest of. A row an image and level: `architecture`, `imagename`, `category`,
    `distortion` (`name` or "real"), `level`, and `said_standard`, `confidence_standard`,
    `said_robust`, `confidence_robust`.
    """
    found = only_one_right(trials, pairs, name, level).query("right == 'S' and category != ''")
    found = found.drop_duplicates(["architecture", "category"])
    keys = ["architecture", "imagename", "category"]
    chosen = found.groupby("architecture", sort=False).head(per_pair)[keys]
    wanted = [*keys, "distortion", "level", "said", "confidence"]
    shown = trials[trials["distortion"].isin(["real", name])]
    s, r = (shown.loc[shown["training"] == kind, wanted] for kind in ("standard", "robust"))
    both = s.merge(r, on=wanted[:5], suffixes=("_standard", "_robust"))
    return chosen.merge(both, on=keys)


def contact_sheet(
    images: ImageSet, subset: Mapping[str, pd.Index], levels: Mapping[str, float]
) -> pd.DataFrame:
    """For each category an image, as it is and in each of these distortions at these levels.

    The first that all architectures' subsets have. A row an image and distortion: `imagename`,
    `category`, `distortion`, `level`.
    """
    names = images.table["imagename"]
    common = np.logical_and.reduce([names.isin(kept) for kept in subset.values()] or [names != ""])
    first = images.table[common].query("category != ''").drop_duplicates("category")
    shown = pd.DataFrame({"distortion": ["real", *levels], "level": [1, *levels.values()]})
    return first.sort_values("category")[["imagename", "category"]].merge(shown, how="cross")


def pictures(dataset: Dataset, images: ImageSet, table: pd.DataFrame) -> np.ndarray:
    """The images that the rows of a table name, each so distorted: float32 ``(N, 3, H, W)``.

    Columns `imagename`, `distortion` ("real": as it is) and `level`.
    """
    found = np.zeros((len(table), 3, dataset.size, dataset.size), np.float32)
    for (name, level), rows in table.groupby(["distortion", "level"]).indices.items():
        own = images.subset([images.row(n) for n in table["imagename"].iloc[rows]], "shown")
        changed = own if name == "real" else distorted(dataset, own, name, level)
        found[rows] = changed.load(range(len(own))).numpy()
    return found


def cues_alone(
    networks: Sequence[Network], dataset: Dataset, images: ImageSet, names: Sequence[str]
) -> pd.DataFrame:
    """Accuracy of each network on the images as they are and with one cue changed, all else kept.

    `names` are renditions at level 1. Columns: the observer, `rendition` ("real" first),
    `accuracy` with its 95 % Wilson interval `low`, `high`, and `n` images. No image is left out for
    being labelled wrongly before: every network answers to the same images.
    """
    sets = {"real": images} | {name: distorted(dataset, images, name, 1) for name in names}
    trials = [collect(networks, own).assign(rendition=name) for name, own in sets.items()]
    table = plain_accuracy(pd.concat(trials, ignore_index=True), by=["rendition"])
    return table.sort_values(
        "rendition", key=lambda r: r.map(list(sets).index), kind="stable", ignore_index=True
    )
