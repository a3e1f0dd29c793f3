"""Shape bias: the share of shape decisions among those for one of the two cues (Sec. 3.1)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..categories import CATEGORIES
from ..networks import Network
from .schema import OBSERVER, with_cues
from .statistics import bootstrap_interval


def shape_bias(trials: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Shape bias with its coverage: a row an observer (and a value of the columns `by`).

    `shape_bias` in [0, 1] with its 95 % bootstrap interval `low`, `high`; `n` conflict images, of
    which `shape` and `texture` were decided by that cue. Pooled over trials; images without
    conflict are excluded (Geirhos et al. 2019; the paper's Table 2).
    """
    cues = with_cues(trials)
    keys = [*OBSERVER, *by]
    counts = cues.groupby(keys, sort=False)["decided"].value_counts().unstack(fill_value=0)
    counts = counts.reindex(columns=["shape", "texture", "other"], fill_value=0)
    bias = counts["shape"] / (counts["shape"] + counts["texture"])
    intervals = [bootstrap_interval(*map(int, row)) for row in counts.to_numpy()]
    table = pd.DataFrame(
        {
            "shape_bias": bias,
            "low": [low for low, _ in intervals],
            "high": [high for _, high in intervals],
            "n": counts.sum(axis=1),
            "shape": counts["shape"],
            "texture": counts["texture"],
        }
    )
    return table.reset_index()


def disagreements(trials: pd.DataFrame, pairs: Sequence[tuple[Network, Network]]) -> pd.DataFrame:
    """The conflict images that S decides by texture and R by shape, pair by pair.

    Columns `architecture`, `imagename`, `shape`, `texture`, and both networks' confidences,
    `confidence_standard` and `confidence_robust`; the surest (by their product) first.
    """
    cues = with_cues(trials)
    facts = ["imagename", "shape", "texture", "confidence"]
    columns = ["architecture", *facts[:3], "confidence_standard", "confidence_robust"]
    tables = [pd.DataFrame(columns=columns)] if not pairs else []
    for s, r in pairs:
        standard = cues[(cues["network"] == s.name) & (cues["decided"] == "texture")][facts]
        robust = cues[(cues["network"] == r.name) & (cues["decided"] == "shape")][facts]
        both = standard.merge(robust, on=facts[:3], suffixes=("_standard", "_robust"))
        sureness = both["confidence_standard"] * both["confidence_robust"]
        both = both.iloc[np.argsort(-sureness.to_numpy(), kind="stable")]
        tables.append(both.assign(architecture=s.architecture)[columns])
    return pd.concat(tables, ignore_index=True)


def confusion(trials: pd.DataFrame) -> pd.DataFrame:
    """How often each observer answers `response` to a conflict image of that `cue` category.

    Tidy: the observer, `cue` ("shape" or "texture"), `category`, `response`, `count` and
    `share` of the images with that cue.
    """
    cues = with_cues(trials)
    tables = []
    for cue in ("shape", "texture"):
        keys = [*OBSERVER, cue]
        counts = cues.groupby(keys, sort=False)["object_response"].value_counts()
        share = counts / counts.groupby(keys).transform("sum")
        table = pd.DataFrame({"count": counts, "share": share}).reset_index()
        table = table.rename(columns={cue: "category", "object_response": "response"})
        tables.append(table.assign(cue=cue))
    columns = [*OBSERVER, "cue", "category", "response", "count", "share"]
    return pd.concat(tables, ignore_index=True)[columns]


def by_pair(trials: pd.DataFrame) -> pd.DataFrame:
    """Which cue wins for each pair of categories: a row an observer, `shape` and `texture`.

    `lead`: the share of the pair's `n` images decided by shape less that decided by texture, from
    -1 (all by texture) to 1 (all by shape).
    """
    cues = with_cues(trials)
    vote = cues["decided"].map({"shape": 1, "texture": -1, "other": 0})
    groups = cues.assign(vote=vote).groupby([*OBSERVER, "shape", "texture"], sort=False)["vote"]
    return groups.agg(lead="mean", n="size").reset_index()


def by_texture(trials: pd.DataFrame) -> pd.DataFrame:
    """Shape bias as :func:`shape_bias` gives it, by the `category` that owns the texture."""
    cues = with_cues(trials)
    return shape_bias(cues.assign(category=cues["texture"]), by=["category"])


def response_counts(trials: pd.DataFrame, known: Sequence[str] = CATEGORIES) -> pd.DataFrame:
    """How often each observer answers each category to conflict images: a bias of response shows.

    Columns: the observer, `response`, `count`, its `share` of the `n` conflict images. Of the
    `known` categories those that are never answered have a row of 0.
    """
    cues = with_cues(trials)
    tables = []
    for key, own in cues.groupby(OBSERVER, sort=False):
        counts = own["object_response"].value_counts().reindex(known, fill_value=0)
        table = counts.rename_axis("response").rename("count").reset_index()
        table = table.assign(share=table["count"] / len(own), n=len(own))
        tables.append(table.assign(**dict(zip(OBSERVER, key, strict=True))))
    columns = [*OBSERVER, "response", "count", "share", "n"]
    return (
        pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)
    )
