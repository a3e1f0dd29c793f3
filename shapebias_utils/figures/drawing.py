"""What every figure is made with: the style, axes, the observers' colours, and `save`.

A figure is returned, not shown, and `save` writes it as PDF, PNG and SVG beside a CSV of what it
shows. Importing this module sets the style of all that matplotlib draws, as seaborn.set_theme does.
"""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from io import BytesIO
from typing import TYPE_CHECKING

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from .. import __version__
from ..files import atomic, provenance
from ..paths import FIGURES
from ..tolerance import figure_difference, same_values

if TYPE_CHECKING:
    from pathlib import Path

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
mpl.rcParams.update(STYLE)

HUMAN, OTHER = "#a51e37", "#4d4d4d"


def save(figure: Figure | None, stem: str, dataset: str, table: pd.DataFrame) -> "list[Path]":
    """The paths under ``figures/<dataset>/`` of a CSV of `table`, then of PDF, PNG and SVG.

    `figure` None saves the table alone. An index of names is written as the first column. Where
    the files that are there already have the same values and look the same, within what nbval
    allows (``tolerance``), they stay as they are: another machine leaves them alone unless its
    numbers have really moved. What is written is the same, byte for byte, whenever the figure and
    the table are; each figure carries stem, dataset, versions, and the start of the CSV's SHA-256.
    All are written or none.
    """
    named = not pd.api.types.is_integer_dtype(table.index)
    values = table.to_csv(index=named, float_format="%.6g", lineterminator="\n").encode()
    contents = {"csv": values}
    if figure is not None:
        about = f"{stem} of {dataset}: shapebias-utils {__version__}, torch {provenance()['torch']}"
        about += f", values sha256 {hashlib.sha256(values).hexdigest()[:16]}"
        for suffix, metadata in (
            ("pdf", {"CreationDate": None, "Subject": about}),
            ("png", {"Software": f"Matplotlib {mpl.__version__}", "Description": about}),
            ("svg", {"Date": None, "Description": about}),
        ):
            contents[suffix] = _render(figure, suffix, metadata=metadata)
    paths = [FIGURES / dataset / f"{stem}.{suffix}" for suffix in contents]
    if _unchanged({path.suffix[1:]: path for path in paths}, contents):
        return paths
    with ExitStack() as stack:  # nothing is put in place before everything is written
        for path, content in zip(paths, contents.values(), strict=True):
            stack.enter_context(atomic(path)).write_bytes(content)
    return paths


def _unchanged(paths: "Mapping[str, Path]", contents: Mapping[str, bytes]) -> bool:
    """Whether all files are there with the same values, drawn in the same way.

    How they are drawn can be told only where the values are exactly the same.
    """
    if not all(path.is_file() for path in paths.values()):
        return False
    stored = paths["csv"].read_bytes()
    if stored != contents["csv"]:
        return same_values(stored.decode(), contents["csv"].decode())
    try:
        return "png" not in contents or not figure_difference(
            paths["png"].read_bytes(), contents["png"]
        )
    except OSError:  # what is there is no picture
        return False


def png(figure: Figure) -> bytes:
    """The figure as a PNG file's bytes, at the size notebooks show it in (100 dots an inch)."""
    return _render(figure, "png", dpi="figure", metadata={"Software": None})


def _render(figure: Figure, suffix: str, **options: object) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=suffix, bbox_inches="tight", **options)
    return buffer.getvalue()


def _show_in_notebooks() -> None:
    """Tell IPython, if it runs, how to show a figure: only pyplot would, and that is not used."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        shell.display_formatter.formatters["image/png"].for_type(Figure, png)


_show_in_notebooks()


def panels(rows: int = 1, columns: int = 1, size: tuple[float, float] = (4.2, 3.2), **share):
    figure = Figure((size[0] * columns, size[1] * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **share)
    return figure, axes


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


def nothing(message: str) -> Figure:
    """A figure that says why there is nothing to show."""
    figure, axes = panels(size=(5, 0.6))
    axes[0, 0].set_axis_off()
    axes[0, 0].text(0, 0.5, message, va="center")
    return figure
