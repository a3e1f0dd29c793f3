"""Networks on distorted images (the paper's Table 3), and on images of one cue."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..datasets import Dataset, ImageSet
from ..distortions import distorted, get_distortion, lacking
from ..networks import Network
from .predictions import collect_each
from .robustness import accuracy as plain_accuracy
from .schema import OBSERVER
from .statistics import wilson_interval

IN_CATEGORIES = ("silhouette", "silhouette_white")
"""Distortions on which a prediction is right if its class belongs to the image's category."""

IN_PAPER = {"scramble_paper": "scramble", "black_and_white_untraced": "black_and_white"}
"""Distortion -> the one of the paper's Table 3 that it stands for, where names differ."""

Pairs = Sequence[tuple[Network, Network]]


def of_all(
    networks: Sequence[Network],
    dataset: Dataset,
    images: ImageSet,
    levels: Mapping[str, Sequence[float]],
) -> pd.DataFrame:
    """The cached trials of all networks on the images as they are and distorted in several ways.

    `levels` maps names of distortions to the levels wanted. Every network answers to the same
    images, whether anyone labels them correctly or not. Columns as from ``predictions.collect``,
    and `distortion` ("real" first), `level`, and `said`: the category that the predicted class
    belongs to, or "class 17". Silhouettes are scored in the 16 categories, among images that have
    one (Sec. 3.2.2): `correct` is whether `said` is the image's category.
    """
    sets = {("real", 1): images}
    sets |= {
        (name, k): distorted(dataset, images, name, k) for name, own in levels.items() for k in own
    }
    return _scored(networks, dataset, sets)


def with_attacked(trials: pd.DataFrame, attacked: pd.DataFrame) -> pd.DataFrame:
    """The trials of :func:`of_all` with those of attacked images, as "adversarial" behind "real".

    Of `attacked` (any trials under one attack) those on the same images count.
    """
    same = attacked[attacked["imagename"].isin(trials["imagename"])]
    same = same.assign(distortion="adversarial", level=1)
    real = trials["distortion"] == "real"
    return pd.concat([trials[real], same, trials[~real]], ignore_index=True)


def _scored(
    networks: Sequence[Network],
    dataset: Dataset,
    sets: Mapping[tuple[str, float], ImageSet],
    coarse: Sequence[str] = IN_CATEGORIES,
) -> pd.DataFrame:
    """The trials on these sets, by their distortion and level; those of the names in `coarse` are
    right where the predicted class belongs to the image's category, of images that have one."""
    table = _with_words(collect_each(networks, sets, ["distortion", "level"]), networks)
    by_category = table["distortion"].isin(coarse)
    table.loc[by_category, "correct"] = table["said"] == table["category"]
    return table[~by_category | table["category"].isin(dataset.category_classes)]


SILHOUETTES = {"silhouette": "black on white", "silhouette_white": "white on black"}
OWN_COLOURS = "silhouette_low"
"""Rendition -> what its polarity is called; and the one that has the images' own colours."""


def by_contrast(
    networks: Sequence[Network],
    dataset: Dataset,
    images: ImageSet,
    levels: Sequence[float] = (1.0, 0.5, 0.3, 0.15),
    own_levels: Sequence[float] = (2, 1, 0.5),
) -> pd.DataFrame:
    """Accuracy on silhouettes of less and less contrast, in both polarities and their own colours.

    Black on white and white on black are drawn towards middle grey (`levels`); where the dataset
    draws them in the images' own colours, their contrast is multiplied (`own_levels`, 1 being the
    dataset's own). Columns: the observer, `polarity`, `level`, `contrast` (:func:`rms_contrast`),
    `accuracy`, `low`, `high`, `n`. Empty where there are no silhouettes to be had.
    """
    sets, names = {}, [n for n in SILHOUETTES if n not in lacking(dataset, SILHOUETTES)]
    for name in names:
        drawn = distorted(dataset, images, name, get_distortion(name).levels[0])
        for level in levels:
            sets[SILHOUETTES[name], level] = distorted(dataset, drawn, "grey_contrast", level)
    contrasts = {key: key[1] for key in sets}  # of black and white it is the level
    if OWN_COLOURS in dataset.renditions and "silhouette" in dataset.renditions:
        mask = distorted(dataset, images, "silhouette", 1)
        for level in own_levels:
            own = distorted(dataset, images, OWN_COLOURS, level)
            sets["own colours", level] = own
            contrasts["own colours", level] = rms_contrast(own, mask)
    columns = [*OBSERVER, "polarity", "level", "contrast", "accuracy", "low", "high", "n"]
    if not sets:
        return pd.DataFrame(columns=columns)
    polarities = [*SILHOUETTES.values(), "own colours"]
    trials = _scored(networks, dataset, sets, polarities)
    table = accuracy(trials.rename(columns={"distortion": "polarity"}), ["polarity", "level"])
    keys = zip(table["polarity"], table["level"], strict=True)
    return table.assign(contrast=[contrasts[key] for key in keys])[columns]


def rms_contrast(images: ImageSet, silhouettes: ImageSet, n: int = 64) -> float:
    """Contrast of object and ground: root mean square difference of their mean colours.

    Over channels and the first `n` images; `silhouettes` are the same images in black on white.
    """
    rows = range(min(n, len(images)))
    x, ground = images.load(rows).double(), silhouettes.load(rows).double()
    inside, outside = (
        (x * part).sum((2, 3)) / part.sum((2, 3)).clamp_min(1e-9) for part in (1 - ground, ground)
    )
    return float((inside - outside).pow(2).mean().sqrt())


def _with_words(trials: pd.DataFrame, networks: Sequence[Network]) -> pd.DataFrame:
    words = {
        network.name: {i: name for name, classes in network.mapping().items() for i in classes}
        for network in networks
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


def cues_alone(trials: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Accuracy of each network on the images as they are and with one cue changed, all else kept.

    `trials` as from :func:`of_all`, of which `names` are the renditions at level 1. Columns: the
    observer, `rendition` ("real" first), `accuracy` with its 95 % Wilson interval `low`, `high`,
    and `n` images. No image is left out for being labelled wrongly before: every network answers
    to the same images.
    """
    order = ["real", *names]
    own = trials[trials["distortion"].isin(order) & (trials["level"] == 1)]
    table = plain_accuracy(own.rename(columns={"distortion": "rendition"}), by=["rendition"])
    return table.sort_values(
        "rendition", key=lambda r: r.map(order.index), kind="stable", ignore_index=True
    )
