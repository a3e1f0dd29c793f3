"""Accuracy on clean and adversarial images, and the correctly labelled subset (Sec. 2)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..datasets import ImageSet
from ..networks import Network
from ..results import reported
from .schema import OBSERVER
from .statistics import wilson_interval


def accuracy(trials: pd.DataFrame, by: Sequence[str] = ("eps",)) -> pd.DataFrame:
    """Top-1 accuracy in [0, 1] of each observer (and value of the columns `by`).

    Columns: the observer, `by`, `accuracy`, its 95 % Wilson interval `low`, `high`, and `n`.
    """
    groups = trials.groupby([*OBSERVER, *by], sort=False)["correct"]
    table = groups.agg(right="sum", n="count").reset_index()
    low, high = wilson_interval(table["right"], table["n"])
    return table.assign(accuracy=table["right"] / table["n"], low=low, high=high)[
        [*OBSERVER, *by, "accuracy", "low", "high", "n"]
    ]


def by_subset(trials: pd.DataFrame, images: ImageSet, subsets: Mapping[str, str]) -> pd.DataFrame:
    """Accuracy as :func:`accuracy` gives it, once for each subset of the images.

    `subsets` maps names to pandas queries of the images' table (`Dataset.subsets`); the name
    stands in the column `subset`.
    """
    tables = []
    for name, query in subsets.items():
        wanted = images.table.query(query)["imagename"]
        table = accuracy(trials[trials["imagename"].isin(wanted)])
        tables.append(table.assign(subset=name))
    table = pd.concat(tables, ignore_index=True)
    return table[[*OBSERVER, "subset", "eps", "accuracy", "low", "high", "n"]]


def correctly_labelled(
    trials: pd.DataFrame, pairs: Sequence[tuple[Network, Network]]
) -> dict[str, pd.Index]:
    """Architecture -> names of the images that both S and R label correctly (ImageNet-CL).

    `trials` are those of clean images. The largest subset on which both are 100 % right (Sec. 2).
    """
    right = trials[trials["correct"] & (trials["eps"] == 0)]
    names = {n: pd.Index(g["imagename"]) for n, g in right.groupby("network")}
    none = pd.Index([], dtype=object)
    return {
        s.architecture: names.get(s.name, none).intersection(names.get(r.name, none))
        for s, r in pairs
    }


def on_subset(trials: pd.DataFrame, subset: Mapping[str, pd.Index]) -> pd.DataFrame:
    """The trials of S and R on the images of their architecture's subset."""
    mine = [
        trials[(trials["architecture"] == architecture) & trials["imagename"].isin(names)]
        for architecture, names in subset.items()
    ]
    return pd.concat(mine, ignore_index=True) if mine else trials.iloc[:0]


def subset_sizes(subset: Mapping[str, pd.Index], images: ImageSet) -> pd.DataFrame:
    """Size of each architecture's subset, its share of the images, and the paper's of 50,000."""
    paper = reported("section2_correctly_labelled").set_index("architecture")["images"]
    rows = {
        architecture: {
            "images": len(names),
            "of": len(images),
            "share (%)": round(100 * len(names) / len(images), 1),
            "paper, of 50,000": paper.get(architecture),
            "paper (%)": round(paper.get(architecture, np.nan) / 500, 1),
        }
        for architecture, names in subset.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("architecture")


def subset_composition(
    subset: Mapping[str, pd.Index], images: ImageSet, subsets: Mapping[str, str]
) -> pd.DataFrame:
    """Per cent of each of the dataset's `subsets` that is in each architecture's subset."""
    columns = {}
    for name, query in subsets.items():
        wanted = images.table.query(query)["imagename"]
        columns[name] = {a: round(100 * wanted.isin(kept).mean(), 1) for a, kept in subset.items()}
    return pd.DataFrame(columns).rename_axis("architecture")


OUTCOMES = ("both", "S only", "R only", "neither")


def agreement(
    trials: pd.DataFrame,
    pairs: Sequence[tuple[Network, Network]],
    images: ImageSet,
    subsets: Mapping[str, str],
) -> pd.DataFrame:
    """Which of S and R label each clean image correctly: a row a pair, subset and outcome.

    Columns `architecture`, `subset` (of the images, as in :func:`by_subset`), `outcome` (of
    `OUTCOMES`), `count`, and its `share` of the subset's `n` images.
    """
    clean = trials[trials["eps"] == 0]
    right = clean.pivot(index="imagename", columns="network", values="correct")
    rows = []
    for s, r in pairs:
        for name, query in subsets.items():
            own = right.reindex(images.table.query(query)["imagename"])
            by_s, by_r = own[s.name].astype(bool), own[r.name].astype(bool)
            cases = (by_s & by_r, by_s & ~by_r, ~by_s & by_r, ~by_s & ~by_r)
            for outcome, case in zip(OUTCOMES, cases, strict=True):
                count = int(case.sum())
                share = count / len(own) if len(own) else np.nan
                rows.append([s.architecture, name, outcome, count, share, len(own)])
    columns = ["architecture", "subset", "outcome", "count", "share", "n"]
    return pd.DataFrame(rows, columns=columns)
