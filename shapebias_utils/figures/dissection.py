"""What channels detect: changes from S to R by category and by concept."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..networks import TRAINING_COLOURS
from .drawing import nothing, panels, styled

COLOURS = {"S": TRAINING_COLOURS["standard"], "R": TRAINING_COLOURS["robust"]}


@styled
def unit_changes(table: pd.DataFrame) -> Figure:
    """Channels that detect each category in S and in R, with the change in per cent over them.

    `table` as from ``detectors.changes``; one panel an architecture.
    """
    if table.empty:
        return nothing("There is no S/R pair to compare.")
    import seaborn as sns

    groups = list(table.groupby("architecture", sort=False))
    figure, axes = panels(1, len(groups), (3.1, 2.9))
    for axis, (architecture, own) in zip(axes[0], groups, strict=True):
        bars = own.melt("category", ["S", "R"], "kind", "channels")
        sns.barplot(bars, x="category", y="channels", hue="kind", palette=COLOURS, saturation=1,
                    ax=axis)  # fmt: skip
        for x, row in enumerate(own.itertuples()):
            text = "new" if np.isnan(row.change) else f"{row.change:+.0f} %"
            axis.text(x, max(row.S, row.R), text, ha="center", va="bottom", fontsize=7.5)
        axis.set(title=architecture, xlabel="category of the label")
        axis.tick_params(axis="x", rotation=90)
        axis.grid(axis="x", visible=False)
        axis.margins(y=0.1)
        axis.legend()
    return figure


@styled
def concept_differences(table: pd.DataFrame, categories: tuple[str, ...], most: int = 12) -> Figure:
    """Channels of a concept in R less those in S: a row an architecture, a column a category.

    `table` as from ``detectors.by_concept``. At most `most` concepts a panel, those that
    change most, the largest gain of R on the left.
    """
    table = table[table["category"].isin(categories) & (table["difference"] != 0)]
    if table.empty:
        return nothing("There is no S/R pair whose channels changed their concepts.")
    architectures = list(table["architecture"].unique())
    figure, axes = panels(len(architectures), len(categories), (4.4, 2.3))
    for line, architecture in zip(axes, architectures, strict=True):
        for axis, category in zip(line, categories, strict=True):
            own = table[(table["architecture"] == architecture) & (table["category"] == category)]
            kept = own["difference"].abs().nlargest(most, keep="first").index
            own = own.loc[own.index.isin(kept)]
            colours = np.where(own["difference"] > 0, COLOURS["R"], COLOURS["S"])
            axis.bar(own["concept"], own["difference"], color=colours)
            axis.axhline(0, color="black", lw=0.8)
            axis.tick_params(axis="x", rotation=90, labelsize=7.5)
            axis.set_title(f"{architecture}: {category}", fontsize=9)
            axis.grid(axis="x", visible=False)
        line[0].set_ylabel("channels, R − S")
    return figure
