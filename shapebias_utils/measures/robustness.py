"""Accuracy on clean and adversarial images, and the correctly labelled subset (Sec. 2)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from ..attacks import Attack
from ..datasets import Dataset, ImageSet
from ..networks import Network
from ..results import cached, reported
from .predictions import in_any_order, responses, trials_of
from .schema import OBSERVER, attributed
from .statistics import wilson_interval

IMAGENET_DISTANCE = 133.6
"""What :func:`class_distance` gives for photographs of ImageNet of 224 pixels (47, all classes)."""

FIRST_STEPS = 3
"""Of the short attack that every image meets before the full one."""


def budgets(dataset: Dataset) -> tuple[Attack, ...]:
    """The dataset's attack and, where its robust networks are trained at another eps, that at it.

    The weakest first.
    """
    recipes = [of["robust"].attack for of in dataset.recipes().values() if "robust" in of]
    same = {a.eps for a in recipes if a and a.constraint == dataset.attack.constraint}
    return tuple(dataset.attack.scaled(eps) for eps in sorted({dataset.attack.eps, *same}))


def evenly(images: ImageSet, subsets: Mapping[str, str], n: int) -> ImageSet:
    """`n` of the images, as many of each part that the dataset names, evenly spread over it.

    Parts are those of its `subsets` that do not hold all images; without any it is `n` of all.
    0: all images.
    """
    table = images.table
    parts = [table.eval(query).to_numpy().nonzero()[0] for query in subsets.values()]
    parts = [rows for rows in parts if 0 < len(rows) < len(table)] or [np.arange(len(table))]
    each = n // len(parts)
    if not 0 < each < max(map(len, parts)):
        return images
    taken = [
        rows[np.linspace(0, len(rows) - 1, min(each, len(rows))).astype(int)] for rows in parts
    ]
    return images.subset(np.sort(np.concatenate(taken)), f"{images.name}_{n}")


def class_distance(images: ImageSet, n: int = 256) -> float:
    """The median L2 distance between two images of different classes: a scale for eps.

    Over all such pairs of `n` images, evenly spread. nan where there are none.
    """
    import torch

    rows = np.linspace(0, len(images) - 1, min(n, len(images))).astype(int)
    flat = images.load(list(rows)).flatten(1).double()
    labels = images.table["label"].to_numpy()[rows]
    first, second = np.triu_indices(len(rows), 1)
    apart = labels[first] != labels[second]
    distances = torch.cdist(flat, flat).numpy()[first[apart], second[apart]]
    return float(np.median(distances)) if len(distances) else np.nan


def under_attack(
    networks: Iterable[Network], images: ImageSet, attacks: Iterable[Attack]
) -> pd.DataFrame:
    """The trials of all networks on the images as they are (eps 0) and under each attack.

    Columns as from ``predictions.collect``. The attacks come from the weakest to the strongest,
    each after a short one within the same budget (`FIRST_STEPS` long steps). What is wrong already
    is wrong within a larger budget too, and is not attacked again: its row stays as it is. So the
    accuracy is that on the worst image found, at a third of the time. ValueError if no networks
    are given, or attacks of several constraints.
    """
    attacks = sorted(attacks, key=lambda attack: attack.eps)
    if len({attack.constraint for attack in attacks}) > 1:
        raise ValueError("budgets of several constraints have no order: attack by one at a time")
    tables = in_any_order([partial(_weathered, n, images, attacks) for n in networks])
    if not tables:
        raise ValueError("no networks are given")
    return pd.concat(tables, ignore_index=True)


def _weathered(
    network: Network, images: ImageSet, attacks: Sequence[Attack], wait: bool
) -> pd.DataFrame:
    """The trials of one network, as :func:`under_attack` has them."""
    now = trials_of(
        cached(responses, network, images, wait=wait, attack=None), network, images.name
    )
    tables = [now]
    for attack in attacks:
        now = now.assign(eps=attack.eps)
        steps = min(FIRST_STEPS, attack.steps)
        for variant in (replace(attack, steps=steps, step_size=attack.eps / 2), attack):
            right = now["correct"].to_numpy().nonzero()[0]
            if not len(right):
                break
            left = images.subset(right, f"{images.name}-{len(right)}")
            said = cached(responses, network, left, wait=wait, attack=variant, batch_size=32)
            said = trials_of(said, network, images.name, eps=attack.eps)
            for column in ("object_response", "prediction", "correct", "confidence"):
                now.iloc[right, now.columns.get_loc(column)] = said[column].to_numpy()
        tables.append(now)
    return attributed(pd.concat(tables, ignore_index=True), network)


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
