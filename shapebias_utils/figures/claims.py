"""The ledger at a glance: each claim's verdicts as a row of cells."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ..measures.statistics import OUTCOMES
from .drawing import nothing, panels, styled

CELLS = dict(
    zip(
        OUTCOMES,
        (
            ("#2a9d8f", "✓"), ("#c0503c", "✗"), ("#d9d9d9", "?"), ("#f0e6c8", "≈"),
            ("#ffffff", "·"),
        ),
        strict=True,
    )
)  # fmt: skip
"""Outcome -> its colour, and the sign that says the same without it."""

HEADINGS = ("against S", "against control")


@styled
def verdict_grid(ledger: pd.DataFrame) -> Figure:
    """A row a claim, a cell each architecture, in a column of panels for S and one for control.

    `ledger` as from ``claims.ledger``, of one dataset. Claims held against something else (a
    constant, another training) stand in the first panel.
    """
    tested = ledger[ledger["verdict"] != OUTCOMES[-1]]
    if tested.empty:
        return nothing("No claim has been tested on this dataset yet.")
    claims = list(dict.fromkeys(ledger["claim"]))
    titles = ledger.drop_duplicates("claim").set_index("claim")
    labels = [f"{titles.loc[c, 'notebook']}  {titles.loc[c, 'statement']}" for c in claims]
    control = ledger["against"].eq("control")
    columns = sorted(tested["architecture"].unique())
    figure, axes = panels(1, 2, size=(4.75, 0.9 + 0.215 * len(claims)), sharey=True)
    for axis, title, own in zip(
        axes[0], HEADINGS, (ledger[~control], ledger[control]), strict=True
    ):
        for row in own.itertuples():
            if row.architecture not in columns:
                continue
            x, y = columns.index(row.architecture), claims.index(row.claim)
            colour, sign = CELLS[row.verdict]
            at, box = (x - 0.46, y - 0.44), {"facecolor": colour, "edgecolor": "#bbbbbb", "lw": 0.5}
            axis.add_patch(Rectangle(at, 0.92, 0.88, **box))
            axis.text(x, y, sign, ha="center", va="center", fontsize=8)
        axis.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(claims) - 0.5, -0.5))
        axis.set_xticks(range(len(columns)), columns, rotation=30, ha="left", fontsize=8)
        axis.xaxis.tick_top()
        axis.set_yticks(range(len(claims)), labels, fontsize=8)
        axis.tick_params(length=0)
        axis.grid(False)
        axis.spines[:].set_visible(False)
        axis.set_title(title, fontsize=9)
    shown = [name for name in OUTCOMES if name in set(ledger["verdict"])]
    handles = [
        Patch(facecolor=CELLS[n][0], edgecolor="#999999", label=f"{CELLS[n][1]}  {n}")
        for n in shown
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure
