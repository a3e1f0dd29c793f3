"""Routes to a shape bias: what goes with it, mixtures of S and R, certified radii."""

from itertools import product
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from ..networks import MARKERS, TRAINING_COLOURS
from .drawing import curve, nothing, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AXES = {
    "clean": "accuracy, clean",
    "adversarial": "accuracy under attack",
    "corrupted": "accuracy, corrupted",
}
"""Column -> what the figure calls it."""

PUBLISHED = {"clean": -0.76, "corrupted": -0.37}
"""Rank correlation with shape bias over 55 ResNet-50 on ImageNet (Gavrikov & Keuper 2024)."""

FAMILIES = {
    **TRAINING_COLOURS,
    "linf|fgsm|spatial": "#56a5c9", "advprop": "#7b5fb5", "sin": "#2e8b57",
    "smooth|noise": "#b8912b", "joint|underfit": "#a23b3b",
}  # fmt: skip
"""What a training's name begins with -> the colour of its family."""

TITLES = {
    "linf|fgsm|spatial": "Linf, FGSM, spatial", "advprop": "AdvProp", "sin": "SIN, SIN+IN",
    "smooth|noise": "smoothness, noise", "joint|underfit": "joint, underfit",
}  # fmt: skip
"""A family -> what the legend calls it, where that is another word."""

ALONG = "L2, other eps"
"""What the legend calls the networks along the eps of training."""

_HALO = withStroke(linewidth=1.5, foreground="white")

_OTHER = "#c4d3e6"  # networks along eps, which have no colour of their own


@styled
def routes(points: pd.DataFrame, correlations: pd.DataFrame) -> Figure:
    """Accuracy of three kinds against shape bias; one point a network and seed.

    `points` as from ``measures.routes.points``, `correlations` as from its ``correlations``. Over
    each panel the rank correlation with its interval, and the published one where there is one.
    """
    if points.empty:
        return nothing("No network was measured.")
    figure, axes = panels(1, len(AXES), (3.4, 3.3))
    for axis, (column, label) in zip(axes[0], AXES.items(), strict=True):
        known = points.dropna(subset=["shape_bias", column])
        for row in known.itertuples():
            axis.plot(
                row.shape_bias, getattr(row, column), MARKERS.get(row.architecture, "D"), ms=5.5,
                color=_colour(row.training), mec="white", mew=0.5,
            )  # fmt: skip
        least = min(0.9, points[column].min())  # of a narrow range its own part of the scale
        axis.set(xlabel="shape bias", ylabel=label, xlim=(-0.02, 1.02), ylim=(least - 0.07, 1.03))
        axis.set_title(_said(correlations, column), fontsize=8)
        if column == "adversarial":  # where the points lie farthest apart
            _name(axis, known, column)
    named = _keys(points)
    figure.legend(
        named.values(), named, loc="outside lower center", ncols=-(-len(named) // 2), fontsize=8
    )
    return figure


def _family(training: str) -> str | None:
    """The family of a training, None of those along eps and those that are not known."""
    for family in FAMILIES:
        if training.startswith(tuple(family.split("|"))):
            return family
    return None


def _colour(training: str) -> str:
    return FAMILIES.get(_family(training), _OTHER)


def _name(axis: "Axes", points: pd.DataFrame, column: str) -> None:
    """Write the trainings of the regimes beside their points, of several seeds once.

    On the side, and as high, as leaves the points and the names before it legible.
    """
    usual = ("standard", "control", "robust")
    regimes = points[points["training"].map(lambda t: t not in usual and _family(t) is not None)]
    places = points[["shape_bias", column]].itertuples(index=False)
    taken = [(x - 0.012, x + 0.012, y) for x, y in places]
    for row in regimes.drop_duplicates("training").sort_values(column).itertuples():
        x, y, width = row.shape_bias, getattr(row, column), 0.016 * len(row.training)
        for side, rise in product((1, -1), (0, 0.035, -0.035, 0.07, -0.07)):
            begin = x + 0.02 if side > 0 else x - 0.02 - width
            if begin < 0 or begin + width > 1.02:
                continue
            if all(abs(h - y - rise) > 0.03 or e < begin or begin + width < b for b, e, h in taken):
                break
        taken.append((begin, begin + width, y + rise))
        axis.text(begin, y + rise, row.training, va="center", fontsize=5, zorder=5,
                  color=_colour(row.training), path_effects=[_HALO])  # fmt: skip


def _said(correlations: pd.DataFrame, column: str) -> str:
    own = correlations.query("x == 'shape_bias' and y == @column")
    lines = []
    for row in own.itertuples():
        known = row.correlation == row.correlation
        text = f"{row.correlation:.2f} ({row.low:.2f} to {row.high:.2f})" if known else "too few"
        lines.append(f"rank correlation {text}")
    if column in PUBLISHED:
        lines.append(f"published, ImageNet: {PUBLISHED[column]:.2f}")
    return "\n".join(lines or [""])


def _keys(points: pd.DataFrame) -> dict[str, Line2D]:
    """What the legend explains: a colour each family, a marker each architecture."""
    there = {_family(training) for training in points["training"]}
    families = [family for family in [*FAMILIES, None] if family in there]
    titles = {None: ALONG} | TITLES
    named = {
        titles.get(f, f): Line2D([], [], ls="", marker="o", color=FAMILIES.get(f, _OTHER), mec="w")
        for f in families
    }
    for architecture in dict.fromkeys(points["architecture"]):
        marker = MARKERS.get(architecture, "D")
        named[architecture] = Line2D([], [], ls="", marker=marker, color="#4d4d4d", mec="white")
    return named


@styled
def fusion(table: pd.DataFrame, singles: pd.DataFrame) -> Figure:
    """Mixtures of S and R against R's weight, and beside the single networks.

    `table` has a row a mixture: `architecture`, `weight`, and the columns of ``routes.points``;
    `singles` the same of single networks, for the right panel: accuracy under attack against clean
    accuracy.
    """
    if table.empty:
        return nothing("No pair was mixed.")
    figure, axes = panels(1, 2, (3.8, 3.5))
    left, right = axes[0]
    styles = {"shape_bias": ("shape bias", "-", "#4d4d4d")}
    colours = {"clean": "#d9772b", "adversarial": "#2467b0", "corrupted": "#2e8b57"}
    styles |= {column: (AXES[column], "-", colour) for column, colour in colours.items()}
    for architecture, own in table.groupby("architecture", sort=False):
        own = own.sort_values("weight")
        marker = MARKERS.get(architecture, "D")
        for column, (label, line, colour) in styles.items():
            left.plot(own["weight"], own[column], line, marker=marker, ms=4, color=colour,
                      label=label)  # fmt: skip
        right.plot(own["clean"], own["adversarial"], "-", marker=marker, ms=5, color="#7b5fb5",
                   label=f"{architecture}: mixtures")  # fmt: skip
        _single(right, singles[singles["architecture"] == architecture], marker)
    left.set(xlabel="weight of R in the mixture", ylabel="share", ylim=(-0.02, 1.05))
    # Single networks that are far less accurate than any mixture have no part in the comparison.
    right.set(xlabel=AXES["clean"], ylabel=AXES["adversarial"], ylim=(-0.02, 1.05))
    right.set_xlim(left=table["clean"].min() - 0.03)
    for axis in (left, right):
        lines = {line.get_label(): line for line in axis.get_lines()}
        lines = {k: v for k, v in lines.items() if not k.startswith("_")}
        axis.legend(
            lines.values(), lines, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2,
            fontsize=8,
        )  # fmt: skip
    return figure


def _single(axis: "Axes", singles: pd.DataFrame, marker: str) -> None:
    label = "single networks"
    for row in singles.itertuples():
        colour = _colour(row.training)
        axis.plot(
            row.clean, row.adversarial, marker, ms=5.5, color=colour, mec="white", label=label
        )
        label = "_"


@styled
def certified(table: pd.DataFrame) -> Figure:
    """Share of images that are right and certified, against the radius; a line a network, with the
    95 % interval of the share.

    `table` as from ``measures.certified.certified_accuracy``.
    """
    if table.empty:
        return nothing("No network was certified.")
    figure, axes = panels(1, 1, (4.2, 3.0))
    axis = axes[0, 0]
    for name, own in table.groupby("network", sort=False):
        colour = _colour(own["training"].iloc[0])
        style = {"color": colour, "marker": "o", "ms": 4, "label": name}
        curve(axis, own["radius"], own, "accuracy", style, alpha=0.12)
    axis.set(
        xlabel="certified radius (L2, pixels in [0, 1])",
        ylabel="share right and certified beyond it",
        ylim=(-0.02, 1.05),
    )
    axis.legend(loc="upper right", fontsize=8)
    return figure
