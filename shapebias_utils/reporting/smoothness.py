"""Smoothness for readers: Table 4 beside the paper's, and where R's filters are smoother."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from ..results import reported

if TYPE_CHECKING:
    from ..networks import Network


def table4(tv: pd.DataFrame) -> pd.DataFrame:
    """Mean total variation of the kernels with its interval, a row a network, beside the paper's.

    `tv` as from ``kernels.network_tv``.
    """
    paper = reported("table4_total_variation").set_index(["architecture", "training"])["mean_tv"]
    rows = [
        {
            "mean TV": round(row.value, 2),
            "from": round(row.low, 2),
            "to": round(row.high, 2),
            "filters": row.n,
            "paper (ImageNet)": paper.get((row.architecture, row.training), float("nan")),
        }
        for row in tv.itertuples()
    ]
    return pd.DataFrame(rows, index=list(tv["network"]))


def over_definitions(table: pd.DataFrame, pairs: "Sequence[tuple[Network, Network]]") -> str:
    """A sentence: by how many definitions of total variation R is smoother than S.

    `table` as from ``kernels.closeness``.
    """
    if not pairs:
        return "There is no S/R pair among these networks, so there is nothing to compare."
    counts = [f"{(table[r.name] < table[s.name]).sum()} for {s.architecture}" for s, r in pairs]
    return f"Of {len(table)} definitions, R is smoother than S by {', '.join(counts)}."


def where_smoother(tests: pd.DataFrame) -> pd.DataFrame:
    """The layers in which the second network's filters are smoother, rougher, or undecided.

    `tests` as from ``filters.compare``. A row a pair of networks.
    """
    rows = {}
    for (network, other), own in tests.groupby(["network", "other"], sort=False):
        layers = own.groupby("verdict")["layer"].agg(", ".join)
        first = own.iloc[0]
        rows[f"{other} against {network}"] = {
            verdict: layers.get(verdict, "–") for verdict in ("smoother", "rougher", "undecided")
        } | {f"change in {first['layer']}": f"{100 * first['change']:+.1f} %"}
    return pd.DataFrame.from_dict(rows, orient="index").fillna("–")


def let_through(table: pd.DataFrame, pairs: "Sequence[tuple[Network, Network]]") -> pd.DataFrame:
    """How much noise S and R let through, in per cent: a row an architecture.

    `table` as from ``smoothness.noise_let_through``. The first layer of S and of R with their
    intervals, the mean over layers, and in how many layers R lets less through, and how many with
    intervals that do not meet.
    """
    rows = {}
    for s, r in pairs:
        ours, theirs = (table[table["network"] == n.name].set_index("layer") for n in (s, r))
        if ours.empty or theirs.empty:
            continue
        facts = {}
        for name, own in (("S", ours), ("R", theirs)):
            first = own.iloc[0]
            low, value, high = (100 * first[c] for c in ("low", "value", "high"))
            facts[f"first layer, {name}"] = f"{value:.0f} [{low:.0f}, {high:.0f}]"
        facts |= {f"all layers, {n}": f"{100 * own['value'].mean():.0f}"
                  for n, own in (("S", ours), ("R", theirs))}  # fmt: skip
        less = theirs["value"] < ours["value"]
        facts["R lets less through in"] = f"{less.sum()} of {len(ours)} layers"
        facts["intervals apart in"] = int((theirs["high"] < ours["low"]).sum())
        rows[s.architecture] = facts
    return pd.DataFrame.from_dict(rows, orient="index")
