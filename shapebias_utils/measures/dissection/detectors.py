"""What dissected channels are detectors of: labels, counts, diversity, and what comes by chance."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ...datasets.concepts import ConceptSet
from ...networks import Network
from ..schema import OBSERVER
from ..statistics import wilson_interval


def unit_labels(dissected: pd.DataFrame) -> pd.DataFrame:
    """The row of each channel's label: its concept of highest IoU, of equals the first.

    `dissected` as from ``dissect.dissect``, or collected of several networks. A channel without a
    concept keeps its row, with an IoU of 0.
    """
    keys = [c for c in (*OBSERVER, "layer", "unit") if c in dissected]
    best = dissected.sort_values("iou", ascending=False, kind="stable").drop_duplicates(keys)
    return best.sort_index().reset_index(drop=True)


def above_chance(dissected: pd.DataFrame) -> pd.DataFrame:
    """The table with no concept where the IoU is not above `chance`, its calibrated threshold.

    ValueError where there are none: the table was made without permuted labels.
    """
    if dissected["chance"].isna().all() and dissected["concept"].notna().any():
        raise ValueError("there are no calibrated thresholds: dissect with permuted = 5 or more")
    kept = dissected["iou"] > dissected["chance"]
    found = dissected.assign(iou=dissected["iou"].where(kept, 0.0))
    return found.assign(**{c: found[c].where(kept, None) for c in ("concept", "category")})


def count_detectors(
    dissected: pd.DataFrame, count: str = "best category", iou: float = 0.04,
    inclusive: bool = False, by: Sequence[str] = (),
) -> pd.DataFrame:  # fmt: skip
    """How many channels of each network (and value of `by`: "layer") detect each category.

    `count` "best category": by their label, where its IoU is above `iou` (or, if `inclusive`, at
    least that); "per category": in every category in which the best concept's is; "all": by their
    label, whatever its IoU, as the paper's Figures 6 and A3; "above chance": by the concept of
    highest IoU of those above their calibrated thresholds (:func:`above_chance`). Columns
    `category`, `count`, its `share` of the `n` channels with the 95 % Wilson interval `low`,
    `high`. Categories are those of the table (no rows where no channel has a concept); of which
    there is no detector the count is 0. ValueError for another `count`.
    """
    ways = ("best category", "per category", "all", "above chance")
    if count not in ways:
        raise ValueError(f"unknown count {count!r}; choose {', '.join(ways)}")
    keys = [*OBSERVER, *by]
    rows = unit_labels(above_chance(dissected) if count == "above chance" else dissected)
    units = rows.groupby(keys, sort=False).size()
    if count == "per category":
        found = [*keys, *(["layer"] if "layer" not in keys else []), "unit", "category"]
        rows = dissected.sort_values("iou", ascending=False, kind="stable").drop_duplicates(found)
    if count not in ("all", "above chance"):
        rows = rows[(rows["iou"] >= iou) if inclusive else (rows["iou"] > iou)]
    categories = pd.DataFrame({"category": sorted(dissected["category"].dropna().unique())})
    table = units.rename("n").reset_index().merge(categories, how="cross")
    rows = rows.astype({"category": categories["category"].dtype})  # without concepts all NaN
    counts = rows.groupby([*keys, "category"]).size().rename("count").reset_index()
    table = table.merge(counts, on=[*keys, "category"], how="left")
    table["count"] = table["count"].fillna(0).astype(int)
    low, high = wilson_interval(table["count"], table["n"])
    table = table.assign(share=table["count"] / table["n"], low=low, high=high)
    return table[[*keys, "category", "count", "share", "low", "high", "n"]]


def changes(
    counts: pd.DataFrame, pairs: Sequence[tuple[Network, Network]], by: Sequence[str] = ()
) -> pd.DataFrame:
    """Detectors of S and of R and the change in per cent, a row an architecture and category.

    Columns `architecture`, `by`, `category`, `S`, `R`, `change`; the change is nan where S has
    none.
    """
    keys = [*by, "category"]
    tables = [pd.DataFrame(columns=["architecture", *keys, "S", "R", "change"])] * (not pairs)
    for s, r in pairs:
        both = [
            counts[counts["network"] == n.name].set_index(keys)["count"].rename(kind)
            for n, kind in ((s, "S"), (r, "R"))
        ]
        table = pd.concat(both, axis=1).fillna(0).astype(int).reset_index()
        table.insert(0, "architecture", s.architecture)
        change = 100 * (table["R"] - table["S"]) / table["S"].where(table["S"] > 0)
        tables.append(table.assign(change=change))
    return pd.concat(tables, ignore_index=True)


def by_concept(dissected: pd.DataFrame, pairs: Sequence[tuple[Network, Network]]) -> pd.DataFrame:
    """Channels labelled with each concept in S and in R, whatever the IoU (Fig. A10).

    Columns `architecture`, `category`, `concept`, `S`, `R`, `difference` (R - S), the largest
    difference first.
    """
    labels = unit_labels(dissected).dropna(subset=["concept"])
    columns = ["architecture", "category", "concept", "S", "R", "difference"]
    tables = [pd.DataFrame(columns=columns)] * (not pairs)
    for s, r in pairs:
        both = [
            labels[labels["network"] == n.name].groupby(["category", "concept"]).size().rename(kind)
            for n, kind in ((s, "S"), (r, "R"))
        ]
        table = pd.concat(both, axis=1).fillna(0).astype(int).reset_index()
        table = table.assign(architecture=s.architecture, difference=table["R"] - table["S"])
        tables.append(table.sort_values(["difference", "concept"], ascending=[False, True]))
    return pd.concat(tables, ignore_index=True)[columns]


def diversity(dissected: pd.DataFrame, by: Sequence[str] = (), iou: float = 0.01) -> pd.DataFrame:
    """Mean over channels of the number of concepts that each detects with at least that IoU.

    A row a network (and value of `by`: "layer"), `diversity` with the 95 % normal interval `low`,
    `high` of the mean over `n` channels (Fig. A12). ValueError for an `iou` below that from which
    on the table lists all concepts.
    """
    if iou < 0.01:
        raise ValueError(f"iou = {iou}: tables list all concepts from 0.01 on only")
    unit = [*OBSERVER, "layer", "unit"]
    concepts = dissected.assign(many=dissected["iou"] >= iou).groupby(unit, sort=False)["many"]
    groups = concepts.sum().groupby([*OBSERVER, *by], sort=False)
    table = groups.agg(diversity="mean", spread="sem", n="count").reset_index()
    half = 1.96 * table.pop("spread").fillna(0)
    return table.assign(low=table["diversity"] - half, high=table["diversity"] + half)[
        [*OBSERVER, *by, "diversity", "low", "high", "n"]
    ]


def survival(dissected: pd.DataFrame) -> pd.DataFrame:
    """How far the labels of a network's channels are the same on other images: a row a network.

    `survival`: the share of labels that a bootstrap resample of the images leaves as they are;
    `detectors`: the same among labels with an IoU above .04; `n` labelled channels.
    """
    labels = unit_labels(dissected).dropna(subset=["concept"])
    labels["detectors"] = labels["survival"].where(labels["iou"] > 0.04)
    groups = labels.groupby(OBSERVER, sort=False)
    return groups.agg(
        survival=("survival", "mean"), detectors=("detectors", "mean"), n=("unit", "size")
    ).reset_index()


def best_channels(dissected: pd.DataFrame, concept: str) -> pd.DataFrame:
    """The channel of highest IoU with the concept in each layer of each network (Fig. 10).

    Rows of `dissected`, with a `title` that says which. None where no channel is listed with it.
    """
    own = dissected[dissected["concept"] == concept]
    best = own.sort_values("iou", ascending=False, kind="stable")
    best = best.drop_duplicates(["network", "layer"]).sort_index()
    about = zip(best["network"], best["layer"], best["unit"], best["iou"], strict=True)
    titles = [f"{n} {a}, channel {u}\nIoU {i:.3f}" for n, a, u, i in about]
    return best.assign(title=pd.Series(titles, best.index, str))  # text also where there is none


def some_images(concepts: ConceptSet, n: int, seed: int = 0) -> ConceptSet:
    """So many of the images, drawn at random; all of them if `n` is 0 or not fewer than all."""
    if not 0 < n < len(concepts):
        return concepts
    rows = np.sort(np.random.default_rng(seed).permutation(len(concepts))[:n])
    return concepts.subset(rows, f"{concepts.name}-{n}")


def mismatched(concepts: ConceptSet, seed: int = 0) -> ConceptSet:
    """The images, each with the labels of another one, chosen by the images' names and the seed.

    What a channel detects on these it detects by chance, or because images have something in
    common, such as objects in the middle.
    """
    names = concepts.images.table["imagename"]
    keys = [hashlib.sha256(f"{seed} {name}".encode()).hexdigest() for name in names]
    order = np.argsort(keys)
    other = np.empty(len(names), int)
    other[order] = np.roll(order, 1)
    return replace(
        concepts,
        images=replace(concepts.images, name=f"{concepts.name}-mismatched"),
        labels=lambda rows: concepts.labels([int(other[row]) for row in rows]),
        label_digest=f"{concepts.label_digest} mismatched {seed}",
    )


def untrained(networks: Sequence[Network], seed: int = 0) -> list[Network]:
    """Each architecture among the networks with the random weights that training starts from."""

    def build(network: Network):
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return network.build()

    first = {network.architecture: network for network in reversed(networks)}
    return [
        replace(
            network, name=f"{architecture}-untrained", training="untrained", checkpoint=None,
            sha256=None, colour="#8a8a8a", build=lambda network=network: build(network),
        )
        for architecture, network in reversed(first.items())
    ]  # fmt: skip
