"""What every figure is made with: the style, axes, the observers' colours, and `save`.

A figure is returned, not shown, and `save` writes it as PDF, PNG and SVG beside a CSV of what it
shows.
"""

import hashlib
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from .. import __version__
from ..files import atomic, provenance
from ..paths import FIGURES
from ..tolerance import same_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from ..networks import Network

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.hashsalt": "shapebias",
    "pdf.fonttype": 42,
    "figure.dpi": 100,
    "savefig.dpi": 160,
}
HUMAN, OTHER = "#a51e37", "#4d4d4d"

LABELS = {"standard": "S", "control": "control", "robust": "R", "blurred": "S, blurred"}
"""Training -> what it is called in legends of all architectures."""

styled = mpl.rc_context(STYLE)
"""Decorates each function that draws: what it makes has the style, and nothing else gets it."""

FORMATS = ("pdf", "png", "svg")


def save(figure: Figure | None, stem: str, dataset: str, table: pd.DataFrame) -> list[Path]:
    """The paths under ``figures/<dataset>/``: a CSV of `table`, then the figure as PDF, PNG, SVG.

    `figure` None saves the table alone. An index of names is written as the first column.
    Files whose CSV says the same as `table` (``tolerance.same_values``) stay as they are, so that
    another CPU does not rewrite them; ``make notebooks`` and the environment variable
    SHAPEBIAS_RENEW=1 write them anyway, as is needed where a figure is drawn in another way. The
    files are the same, byte for byte, whenever the figure and the table are; each figure carries
    stem, dataset, versions, and the start of the CSV's SHA-256. All are written or none.
    """
    named = not pd.api.types.is_integer_dtype(table.index)
    values = table.to_csv(index=named, float_format="%.6g", lineterminator="\n").encode()
    kinds = ("csv", *FORMATS) if figure is not None else ("csv",)
    paths = [FIGURES / dataset / f"{stem}.{kind}" for kind in kinds]
    if not os.environ.get("SHAPEBIAS_RENEW") and _said_by(paths, values):
        return paths
    about = f"{stem} of {dataset}: shapebias-utils {__version__}, torch {provenance()['torch']}"
    about += f", values sha256 {hashlib.sha256(values).hexdigest()[:16]}"
    metadata = {
        "pdf": {"CreationDate": None, "Subject": about},
        "png": {"Software": f"Matplotlib {mpl.__version__}", "Description": about},
        "svg": {"Date": None, "Description": about},
    }
    contents = [values] + [_render(figure, kind, metadata=metadata[kind]) for kind in kinds[1:]]
    with ExitStack() as stack:  # nothing is put in place before everything is written
        for path, content in zip(paths, contents, strict=True):
            stack.enter_context(atomic(path)).write_bytes(content)
    return paths


def _said_by(paths: list[Path], values: bytes) -> bool:
    """Whether all files are there, and the first, a CSV, says what these values say."""
    if not all(path.exists() for path in paths):
        return False
    stored = paths[0].read_bytes()
    try:
        return stored == values or same_values(*(pd.read_csv(BytesIO(v)) for v in (stored, values)))
    except ValueError:  # no CSV, but half a file, or one that git could not merge
        return False


def png(figure: Figure) -> bytes:
    """The figure as a PNG file's bytes, at the size notebooks show it in (100 dots an inch)."""
    return _render(figure, "png", dpi="figure", metadata={"Software": None})


@styled
def _render(figure: Figure, kind: str, **options: object) -> bytes:
    _fix_layout(figure)
    buffer = BytesIO()
    figure.savefig(buffer, format=kind, bbox_inches="tight", **options)
    return buffer.getvalue()


def _fix_layout(figure: Figure) -> None:
    """Lay the figure out to the end, once: else each drawing shifts it, and none is like another.

    A constrained layout starts from the last one; with images in it, it settles in the fourth.
    """
    if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        for _ in range(4):
            figure.draw_without_rendering()
        figure.set_layout_engine("none")


def _show_in_notebooks() -> None:
    """Tell IPython, if it runs, how to show a figure: only pyplot would, and that is not used."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        shell.display_formatter.formatters["image/png"].for_type(Figure, png)


_show_in_notebooks()


def panels(
    rows: int = 1, columns: int = 1, size: tuple[float, float] = (4.2, 3.2), **share: object
) -> tuple[Figure, np.ndarray]:
    """A figure of `size` inches a panel, and its axes (rows, columns); `share` as in subplots."""
    figure = Figure((size[0] * columns, size[1] * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **share)


def styles_of(networks: "Sequence[Network]", names: Sequence[str]) -> dict[str, dict]:
    """Colour and marker of each observer, its record's; humans and strangers have their own."""
    known = {n.name: n for n in networks}
    styles = {}
    for name in names:
        if name in known:
            styles[name] = {"color": known[name].colour, "marker": known[name].marker}
        else:
            human = str(name).startswith("subject-")
            styles[name] = {"color": HUMAN if human else OTHER, "marker": "D" if human else "X"}
    return styles


def curve(
    axis: "Axes",
    x: Sequence[float],
    rows: pd.DataFrame,
    value: str,
    style: dict,
    alpha: float = 0.18,
    **line: object,
) -> "Line2D":
    """The line of the column `value` over `x`, with a band from `low` to `high` behind it."""
    axis.fill_between(x, rows["low"], rows["high"], color=style["color"], alpha=alpha, lw=0)
    return axis.plot(x, rows[value], **style, **line)[0]


def crossing_bar(axis: "Axes", crossings: pd.DataFrame, ends: Sequence[float], colour: str) -> None:
    """A thick bar at one half from `low` to `high` of each crossing, within `ends`.

    An arrowhead stands where it goes on beyond. Nothing is drawn of what may lie anywhere.
    """
    known = np.isfinite(crossings[["low", "high"]]).any(axis=1)
    known |= crossings["low"] == crossings["high"]  # beyond the same end
    for row in crossings[known].itertuples():
        low, high = np.clip([row.low, row.high], *ends)
        axis.hlines([0.5], [low], [high], color=colour, lw=5, alpha=0.6)
        for beyond, at, head in ((row.low, low, "<"), (row.high, high, ">")):
            if np.isinf(beyond) and beyond == {"<": -np.inf, ">": np.inf}[head]:
                axis.plot([at], [0.5], head, color=colour, ms=8, alpha=0.8, clip_on=False, zorder=4)


def whiskers(rows: pd.DataFrame, value: str) -> np.ndarray:
    """How far `low` and `high` are from the column `value`, as errorbar wants it: (2, rows)."""
    lengths = [rows[value] - rows["low"], rows["high"] - rows[value]]
    return np.clip(lengths, 0, None)  # a Wilson interval of 1 may end a rounding error before it


def legend_below(figure: Figure) -> None:
    """One legend of all panels, each label once."""
    found = {}
    for axis in figure.axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    figure.legend(found.values(), found, loc="outside lower center", ncols=4, fontsize=8)


def nothing(message: str) -> Figure:
    """A figure that says why there is nothing to show."""
    figure, axes = panels(size=(5, 0.6))
    axes[0, 0].set_axis_off()
    axes[0, 0].text(0, 0.5, message, va="center")
    return figure
