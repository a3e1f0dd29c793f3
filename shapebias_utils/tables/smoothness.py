"""Smoothness for readers: Table 4 beside the paper's, and where R's filters are smoother."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from . import beside_the_paper

if TYPE_CHECKING:
    from ..networks import Network


def table4(tv: pd.DataFrame) -> pd.DataFrame:
    """Mean total variation of the kernels with its interval, a row a network, beside the paper's.

    `tv` as from ``filter_tv.network_tv``.
    """
    titles = {"value": "mean TV", "low": "from", "high": "to", "n": "filters"}
    paper = "table4_total_variation", "mean_tv", "paper (ImageNet)"
    return beside_the_paper(tv, titles, 2, paper)


def over_definitions(table: pd.DataFrame, pairs: "Sequence[tuple[Network, Network]]") -> str:
    """A sentence: by how many definitions of total variation R is smoother than S.

    `table` as from ``filter_tv.closeness``.
    """
    if not pairs:
        return "There is no S/R pair among these networks, so there is nothing to compare."
    counts = [f"{(table[r.name] < table[s.name]).sum()} for {s.architecture}" for s, r in pairs]
    return f"Of {len(table)} definitions, R is smoother than S by {', '.join(counts)}."


def about_matches(matches: pd.DataFrame) -> str:
    """A sentence on matched filters: how many of R are smoother, and of the same number as S's.

    `matches` as from ``filter_matching.with_tv``.
    """
    if matches.empty:
        return "There is no S/R pair among these networks, so no filters are matched."
    smoother = 100 * (matches["difference"] > 0).mean()
    same = 100 * (matches["filter"] == matches["match"]).mean()
    return (
        f"R's filter is the smoother one in {smoother:.0f} % of {len(matches)} pairs; {same:.0f} % "
        f"of S's filters match R's of the same number. The median r is {matches['r'].median():.2f}."
    )


def where_smoother(tests: pd.DataFrame) -> pd.DataFrame:
    """The layers in which the second network's filters are smoother, rougher, or undecided.

    `tests` as from ``filter_matching.compare``. A row a pair of networks.
    """
    rows = {}
    for (network, other), own in tests.groupby(["network", "other"], sort=False):
        layers, verdicts = own["layer"].tolist(), own["verdict"].to_numpy()
        rows[f"{other} against {network}"] = {
            verdict: _runs(layers, (verdicts == verdict).nonzero()[0])
            for verdict in ("smoother", "rougher", "undecided")
        } | {"first layer": f"{100 * own['change'].iloc[0]:+.1f} %"}
    return pd.DataFrame.from_dict(rows, orient="index")


def _runs(layers: Sequence[str], chosen: Sequence[int]) -> str:
    """The layers at these positions; three or more in a row as "first to last"."""
    runs: list[list[int]] = []
    for i in chosen:
        if runs and i == runs[-1][-1] + 1:
            runs[-1].append(i)
        else:
            runs.append([i])
    names = [
        f"{layers[run[0]]} to {layers[run[-1]]}"
        if len(run) > 2
        else ", ".join(layers[i] for i in run)
        for run in runs
    ]
    return ", ".join(names) or "–"


def let_through(table: pd.DataFrame, pairs: "Sequence[tuple[Network, Network]]") -> pd.DataFrame:
    """How much noise R lets through beside another network, in per cent: a row a pair.

    `table` as from ``noise_to_signal`` at one deviation, `pairs` as from ``rivals``. The first
    layer of both with its interval, their means over layers, in how many layers R lets less
    through, and in how many of these the two intervals do not meet.
    """
    rows = {}
    for other, r in pairs:
        both = [table[table["network"] == n.name].reset_index(drop=True) for n in (other, r)]
        if both[0].empty or both[1].empty:
            continue
        facts = {}
        for who, own in zip(("other", "R"), both, strict=True):
            low, value, high = (100 * own[c].iloc[0] for c in ("low", "value", "high"))
            facts[f"first layer, {who}"] = f"{value:.0f} [{low:.0f}, {high:.0f}]"
        for who, own in zip(("other", "R"), both, strict=True):
            facts[f"all layers, {who}"] = f"{100 * own['value'].mean():.0f}"
        less = (both[1]["value"] < both[0]["value"]).sum()
        apart = (both[1]["high"] < both[0]["low"]).sum()
        facts["R lets less through"] = f"{less} of {len(both[0])} layers"
        facts["intervals apart"] = f"{apart}"
        rows[f"{r.name} against {other.name}"] = facts
    return pd.DataFrame.from_dict(rows, orient="index")
