"""Verdicts as a reader sees them: a claim a row, against S and against the control side by side."""

import pandas as pd

from ..claims import summed
from . import percent

FIRST = {"standard": "against S", "control": "against the control"}
"""What claims are held against on the README's first screen."""

AGAINST = FIRST | {
    "advprop-pgd1": "against PGD1", "advprop-pgd5": "against PGD5", "sin-in": "against SIN+IN",
}  # fmt: skip


def verdicts(judged: pd.DataFrame, points: bool = True) -> pd.DataFrame:
    """What each claim comes to, of ``claims.judged``: a row a claim and architecture.

    For each network that it is held against, the effect with its 95 % interval (in percentage
    points; as it is if not `points`) and the verdict; `n` units, `seeds`.
    """
    if judged.empty:
        return pd.DataFrame(columns=["n", "seeds"])
    cells = [_cell(row, points) for row in judged.itertuples()]
    shown = judged.assign(cell=cells, against=judged["against"].map(lambda a: AGAINST.get(a, a)))
    keys = ["statement", "architecture"]
    wide = shown.pivot(index=keys, columns="against", values=["cell", "verdict"])
    order = list(dict.fromkeys(shown["against"]))
    wide = wide.swaplevel(axis=1)[[(a, what) for a in order for what in ("cell", "verdict")]]
    wide.columns = pd.MultiIndex.from_tuples(
        [(a, {"cell": "effect", "verdict": "verdict"}[what]) for a, what in wide.columns]
    )
    counts = shown.groupby(keys, sort=False)[["n", "seeds"]].max().astype("Int64").astype(object)
    wide["", "n"], wide["", "seeds"] = counts["n"], counts["seeds"]
    wide = wide.reindex(counts.index).astype(object)
    return wide.where(wide.notna(), "–").rename_axis(["claim", ""])


def _cell(row: object, points: bool) -> str:
    if pd.isna(row.effect):
        return "–"
    if points:
        return percent(row.effect, row.low, row.high)
    return f"{row.effect:.3g} [{row.low:.3g}, {row.high:.3g}]"


def replicated(ledger: pd.DataFrame) -> pd.DataFrame:
    """What the README's first screen shows: a row a claim, how it fared against S and control.

    `ledger` as from ``claims.ledger``, of one dataset; claims that nothing was tested of are left
    out. Columns `claim` (its statement), `section`, and one for each kind of comparison: "3 of 3"
    where all verdicts are "reproduced", else what they are.
    """
    shown = ledger.assign(against=ledger["against"].map(lambda a: AGAINST.get(a, a)))
    keys = ["statement", "section", "notebook"]
    rows = shown.groupby([*keys, "against"], sort=False)["verdict"].agg(summed)
    wide = rows.unstack().reindex(shown.set_index(keys).index.unique())
    wide = wide[[a for a in FIRST.values() if a in wide]]
    return wide[(wide.notna() & wide.ne("not tested")).any(axis=1)].fillna("–").reset_index()


def markdown(table: pd.DataFrame) -> str:
    """The table in Markdown."""
    lines = [list(table.columns), ["---"] * len(table.columns), *table.astype(str).to_numpy()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
