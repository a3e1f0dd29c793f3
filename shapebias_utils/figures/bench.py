"""Times side by side: how many times faster, case by case."""

import pandas as pd
from matplotlib.figure import Figure

from .drawing import nothing, panels, styled

KEPT, MISSED = "#2467b0", "#d9772b"


@styled
def ratios(bench: pd.DataFrame) -> Figure:
    """A dot a row of the benchmarks' table, on a logarithmic axis; a bar is the ratio wanted.

    Blue where that is reached (or none is stated), orange where it is missed. Rows without a ratio
    are left out.
    """
    known = bench.dropna(subset=["ratio"]).iloc[::-1]
    if known.empty:
        return nothing("Nothing was timed: make bench.")
    figure, axes = panels(size=(7.2, 0.9 + 0.2 * len(known)))
    axis = axes[0, 0]
    for at, row in enumerate(known.itertuples()):
        missed = row.ratio < row.target
        axis.plot(row.ratio, at, "o", ms=5, color=MISSED if missed else KEPT)
        axis.annotate(
            f"{row.ratio:.2g}", (row.ratio, at), (6, 0), textcoords="offset points", va="center",
            fontsize=7,
        )  # fmt: skip
        if row.target == row.target:
            axis.plot(row.target, at, "|", ms=9, mew=1.5, color="#4d4d4d")
    axis.axvline(1, color="#4d4d4d", lw=0.7)
    labels = known["case"] + " – " + known["against"]
    axis.set_yticks(range(len(known)), labels, fontsize=7)
    axis.set(xscale="log", xlabel="times faster (bar: what is wanted)", ylim=(-0.7, len(known)))
    return figure
