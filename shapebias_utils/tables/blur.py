"""Is R more than a blur, as a reader sees it: what blur leaves of what S and R differ in."""

import numpy as np
import pandas as pd

from ..results import reported
from . import percent


def papers_networks() -> pd.DataFrame:
    """The S and R networks of the paper's Tables 1 and 2: `architecture`, `training`, `shape_bias`
    in [0, 1], and `lost`, the points of clean accuracy below the S of the architecture."""
    accuracy = reported("table1_accuracy").set_index(["architecture", "training"])["clean"]
    bias = reported("table2_shape_bias").set_index(["architecture", "training"])["shape"]
    rows = [
        (architecture, training, bias[architecture, training] / 100,
         accuracy[architecture, "standard"] - accuracy[architecture, training])
        for architecture, training in bias.index
        if training in ("standard", "robust")
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["architecture", "training", "shape_bias", "lost"])


def with_loss(stimuli: pd.DataFrame) -> pd.DataFrame:
    """The stored curve of the published stimuli with `lost`, points of accuracy below level 0.

    On the 1,000 photographs of ``data/reported/blurred_squeezenet.csv`` where that has the blur
    (their accuracy is `top1`), else on the few that the curve was computed on (theirs is
    `accuracy`, with its interval); `photographs` says on how many.
    """
    if stimuli.empty:
        return stimuli
    more = reported("blurred_squeezenet").set_index("sigma")["top1"]
    keys = [stimuli[c] for c in ("network", "stimuli", "kind")]
    first = stimuli["level"].groupby(keys).transform("min")
    base = stimuli["accuracy"].where(stimuli["level"] == first).groupby(keys).transform("first")
    lost = 100 * (base - stimuli["accuracy"])
    known = stimuli["kind"].eq("blur") & stimuli["level"].isin(more.index)
    lost = lost.where(~known, more[0] - stimuli["level"].map(more))
    top1 = (stimuli["level"].map(more) / 100).where(known)
    photographs = stimuli["images"].where(~known, 1000)
    return stimuli.assign(lost=lost, top1=top1, photographs=photographs)


def at_the_papers_losses(stimuli: pd.DataFrame, paper: pd.DataFrame) -> pd.DataFrame:
    """What blur makes of a network's shape bias where it costs as much as R costs in the paper.

    `stimuli` as from :func:`with_loss`, `paper` from :func:`papers_networks`. Linear between the
    levels of the blur; in per cent, a row an architecture of the paper and a set of stimuli. "of
    its gain" is what blur gains of what R gains over S in the paper.
    """
    wide = paper.pivot(index="architecture", columns="training", values=["shape_bias", "lost"])
    rows = {}
    curves = stimuli[stimuli["kind"] == "blur"] if len(stimuli) else stimuli
    keys = ["network", "stimuli"]
    for (name, which), own in curves.groupby(keys, sort=False) if len(curves) else ():
        own = own.sort_values("lost")
        for architecture, row in wide.iterrows():
            lost = row["lost", "robust"]
            value, low, high = (
                np.interp(lost, own["lost"], own[c]) for c in ("shape_bias", "low", "high")
            )
            gain = row["shape_bias", "robust"] - row["shape_bias", "standard"]
            first = own["shape_bias"].iloc[0]
            rows[f"{architecture} in the paper", f"{name} on {which}"] = {
                "lost (points)": round(lost, 1),
                "S": percent(row["shape_bias", "standard"]),
                "R": percent(row["shape_bias", "robust"]),
                "as it is": percent(first),
                "blurred": percent(value, low, high),
                "up to": round(100 * high, 1),
                "of its gain (%)": f"{100 * (value - first) / gain:.0f}",
            }
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.rename_axis([None, None]) if rows else table


def at_equal(curves: pd.DataFrame, equal: pd.DataFrame, kind: str = "blur") -> pd.DataFrame:
    """Shape bias where S, or the control, equals R in accuracy or response, in per cent: a row a
    comparison.

    `curves` and `equal` as from ``evidence.doubts.Doubts``. "decided" is the coverage, "left" the
    share of the difference to R that the low pass leaves.
    """
    rows = {}
    for row in equal[equal["kind"] == kind].itertuples():
        alike = curves["kind"].eq(kind) & curves["subset"].eq(row.subset)
        alike &= curves["seed"].eq(row.seed) & curves["architecture"].eq(row.architecture)
        own, robust = (
            curves[alike & fits].sort_values("level")
            for fits in (curves["network"].eq(row.network), curves["training"].eq("robust"))
        )
        first, robust = own.iloc[0], robust.iloc[0]
        facts = {
            "accuracy": percent(first["accuracy"]),
            "shape bias": percent(first["shape_bias"]),
            f"{kind} of": row.level,
        }
        then = own[own["level"] == row.level].iloc[:1]
        facts |= _state(then.iloc[0] if len(then) else None, "then") | _state(robust, "of R")
        facts["left (%)"] = "–"
        whole = robust["shape_bias"] - first["shape_bias"]
        if len(then) and abs(whole) > 0:
            left = robust["shape_bias"] - then["shape_bias"].iloc[0]
            facts["left (%)"] = f"{100 * left / whole:.0f}"
        rows[row.by, row.network] = facts
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.rename_axis(["equal in", None]) if rows else table


def _state(row: pd.Series | None, when: str) -> dict[str, str]:
    """Accuracy, coverage and shape bias of a network at one level; dashes for None."""
    facts = {"accuracy": "–", "decided": "–", "shape bias": "–"}
    if row is not None:
        bias = percent(*row[["shape_bias", "low", "high"]])
        values = percent(row["accuracy"]), percent(row["coverage"]), bias
        facts = dict(zip(facts, values, strict=True))
    return {f"{name} {when}": value for name, value in facts.items()}


LEFT = (
    "shape bias", "decided by shape", "decided by texture", "right by shape alone",
    "right by texture alone", "lost without global shape", "lost without texture",
    "lost without arrangement, textured", "decided by low frequencies",
)  # fmt: skip
"""Quantities of ``evidence.doubts`` in which S and R may differ."""


def what_is_left(effects: pd.DataFrame) -> pd.DataFrame:
    """Of each difference between R and S, what is left where S is blurred: in points, a row a
    quantity and architecture.

    `effects` as from ``evidence.doubts.compared``: R against S as it is, and against S behind the
    blur by R's frequency response. "left" only where R and S differ clearly (the interval).
    """
    mine = effects[(effects["training"] == "robust") & effects["quantity"].isin(LEFT)]
    plain, behind = (
        mine[mine["against"] == against].set_index(["quantity", "architecture"])
        for against in ("standard", "blurred")
    )
    rows = []
    for key in plain.index[plain.index.isin(behind.index)]:
        whole, left = plain.loc[key], behind.loc[key]
        apart = whole["low"] * whole["high"] > 0
        ends = [percent(d["effect"], d["low"], d["high"]) for d in (whole, left)]
        values = [percent(v) for v in (whole["versus"], left["versus"], whole["value"])]
        share = f"{100 * left['effect'] / whole['effect']:.0f}" if apart else "–"
        rows.append([*key, *values, *ends, share])
    columns = ["S", "S, blurred", "R", "R - S", "R - S, blurred", "left (%)"]
    return pd.DataFrame(rows, columns=["quantity", "architecture", *columns])


def on_the_stimuli(at_losses: pd.DataFrame) -> str:
    """What blur makes of the published stimuli, in a sentence.

    `at_losses` as from :func:`at_the_papers_losses`; "" if it is empty.
    """
    if at_losses.empty:
        return ""
    gains = at_losses["of its gain (%)"].astype(float)
    above = at_losses["R"].astype(float) > at_losses["up to"]
    return (
        f"On the published stimuli, blur that costs a standard network as much accuracy as R costs "
        f"in the paper brings {gains.min():.0f} to {gains.max():.0f} % of what R gains there in "
        f"shape bias; in {above.sum()} of {len(above)} comparisons the paper's R is above the "
        f"interval of the blurred network. Other stimuli, another architecture: no verdict."
    )
