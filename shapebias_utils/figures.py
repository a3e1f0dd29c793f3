"""Figures from tables: one function per kind of figure, and `save`.

Colours and markers come from the networks' records; nothing here runs a network. A figure is
returned, not shown, and `save` writes it as PDF, PNG and SVG beside a CSV of what it shows.
"""

import hashlib
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from io import BytesIO
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from . import __version__
from .categories import CATEGORIES
from .networks import TRAINING_COLOURS
from .paths import FIGURES
from .results import atomic, provenance

if TYPE_CHECKING:
    from pathlib import Path

    from .datasets import ImageSet
    from .networks import Network

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
LINES = {"AlexNet": "-", "GoogLeNet": "--", "ResNet": ":"}
"""How the lines of architectures differ where networks of several share a panel, and a colour."""


def save(figure: Figure | None, stem: str, dataset: str, table: pd.DataFrame) -> "list[Path]":
    """The paths written under ``figures/<dataset>/``: a CSV of `table`, then PDF, PNG and SVG.

    `figure` None saves the table alone. An index of names is written as the first column. The
    files are the same, byte for byte, whenever the figure and the table are; each figure carries
    stem, dataset, versions, and the start of the CSV's SHA-256. All are written or none.
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
    with ExitStack() as stack:  # nothing is put in place before everything is written
        for path, content in zip(paths, contents.values(), strict=True):
            stack.enter_context(atomic(path)).write_bytes(content)
    return paths


def png(figure: Figure) -> bytes:
    """The figure as a PNG file's bytes, at the size notebooks show it in (100 dots an inch)."""
    return _render(figure, "png", dpi="figure", metadata={"Software": None})


def _render(figure: Figure, suffix: str, **options: object) -> bytes:
    buffer = BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format=suffix, bbox_inches="tight", **options)
    return buffer.getvalue()


def _show_in_notebooks() -> None:
    """Tell IPython, if it runs, how to show a figure: only pyplot would, and that is not used."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        shell.display_formatter.formatters["image/png"].for_type(Figure, png)


_show_in_notebooks()


def _axes(rows: int = 1, columns: int = 1, size: tuple[float, float] = (4.2, 3.2), **share):
    with mpl.rc_context(STYLE):
        figure = Figure((size[0] * columns, size[1] * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, **share)
    return figure, axes


def _styles(networks: "Sequence[Network]", names: Sequence[str]) -> dict[str, dict]:
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


def _nothing(message: str) -> Figure:
    """A figure that says why there is nothing to show."""
    figure, axes = _axes(size=(5, 0.6))
    axes[0, 0].set_axis_off()
    axes[0, 0].text(0, 0.5, message, va="center")
    return figure


def training_curves(log: pd.DataFrame, networks: "Sequence[Network]") -> Figure:
    """Accuracy on what each network is trained on, over epochs; one panel an architecture.

    `log` as from ``networks.training_log``: R and the control go on where S ends.
    """
    if log.empty:
        return _nothing("These networks come without a training log.")
    styles = _styles(networks, log["network"].unique())
    architectures = list(dict.fromkeys(log["architecture"]))
    with mpl.rc_context(STYLE):
        figure, axes = _axes(1, len(architectures), (3.1, 2.9), sharey=True)
        for axis, architecture in zip(axes[0], architectures, strict=True):
            own = log[log["architecture"] == architecture]
            for name, rows in own.groupby("network", sort=False):
                axis.plot(rows["epoch"], rows["accuracy"], color=styles[name]["color"], label=name)
            axis.set(
                title=architecture, xlabel="epoch (R and control go on from S)", ylim=(0, 1.02)
            )
        axes[0, 0].set_ylabel("accuracy on the images trained on")
        lines = {line.get_label(): line for axis in axes[0] for line in axis.get_lines()}
        kinds = {n.training: lines[n.name] for n in networks if n.name in lines}
        figure.legend(kinds.values(), kinds, loc="outside lower center", ncols=len(kinds))
    return figure


def accuracy_against_eps(table: pd.DataFrame, networks: "Sequence[Network]") -> Figure:
    """Accuracy with its interval against the L2 budget of the attack, one panel an architecture.

    `table` as from ``measures.robustness.accuracy``.
    """
    if table.empty:
        return _nothing("No network was attacked.")
    architectures = list(dict.fromkeys(table["architecture"]))
    styles = _styles(networks, table["network"].unique())
    with mpl.rc_context(STYLE):
        figure, axes = _axes(1, len(architectures), (3.1, 2.9), sharey=True)
        for axis, architecture in zip(axes[0], architectures, strict=True):
            own = table[table["architecture"] == architecture]
            for name, rows in own.groupby("network", sort=False):
                rows, colour = rows.sort_values("eps"), styles[name]["color"]
                axis.plot(rows["eps"], rows["accuracy"], ms=4, label=name, **styles[name])
                axis.fill_between(
                    rows["eps"], rows["low"], rows["high"], color=colour, alpha=0.18, lw=0
                )
            axis.set(title=architecture, xlabel="eps (L2, pixels in [0, 1])", ylim=(0, 1.02))
            axis.legend(loc="upper right")
        axes[0, 0].set_ylabel("accuracy")
    return figure


def shape_bias_by_category(
    table: pd.DataFrame, overall: pd.DataFrame, networks: "Sequence[Network]"
) -> Figure:
    """The plot of model-vs-human: a row a category, a marker an observer, a line its pooled bias.

    `table` has a row for each observer and `category`, `overall` one for each observer (both from
    ``measures.shape_bias.shape_bias``). The categories are sorted by the mean shape bias of the
    humans, or of all observers where there is no human, the most shape-biased on top.
    """
    if table.empty or overall.empty:
        return _nothing("There are no decisions on images with conflicting cues.")
    human = table[table["training"] == "human"]
    order = (human if len(human) else table).groupby("category")["shape_bias"].mean()
    order = order.reindex(dict.fromkeys([*order.index, *table["category"]])).sort_values(
        na_position="first", kind="stable"
    )
    rows = {category: i for i, category in enumerate(order.index)}
    styles = _styles(networks, overall["network"])
    with mpl.rc_context(STYLE):
        figure, axes = _axes(size=(6.4, 0.24 * len(rows) + 2.4))
        axis = axes[0, 0]
        handles = {}
        for row in overall.itertuples():
            style, own = styles[row.network], table[table["network"] == row.network]
            line = LINES.get(row.architecture, "-")
            axis.axvspan(
                1 - row.high, 1 - row.low, color=style["color"], alpha=0.10, lw=0, zorder=1
            )
            axis.axvline(1 - row.shape_bias, color=style["color"], ls=line, lw=1.4, zorder=2)
            axis.plot(1 - own["shape_bias"], own["category"].map(rows), ls="", ms=7, mec="white",
                      mew=0.6, zorder=3, clip_on=False, label=row.network, **style)  # fmt: skip
            label = "humans" if row.training == "human" else row.network
            handles[label] = mpl.lines.Line2D([], [], ls=line, mec="white", ms=7, **style)
        axis.set(
            xlim=(0, 1), ylim=(-0.7, len(rows) - 0.3), xlabel='fraction of "texture" decisions'
        )
        axis.set_yticks(list(rows.values()), list(rows))
        axis.grid(axis="x", visible=False)
        axis.grid(axis="y", ls=":", color="#bbbbbb")
        top = axis.secondary_xaxis("top", functions=(lambda x: 1 - x, lambda x: 1 - x))
        top.set_xlabel('fraction of "shape" decisions')
        many = len(handles) > 4  # then in columns of three, as architectures come
        figure.legend(
            handles.values(), handles, loc="outside lower center", handlelength=3,
            ncols=-(-len(handles) // 3) if many else len(handles),
        )  # fmt: skip
    return figure


def confusion(table: pd.DataFrame, networks: Sequence[str]) -> Figure:
    """Share of each response among the images of a cue: a row of panels a cue, a column a network.

    `table` as from ``measures.shape_bias.confusion``; over each panel the share decided by the cue.
    """
    if table.empty or not len(networks):
        return _nothing("There are no decisions on images with conflicting cues.")
    with mpl.rc_context(STYLE):
        figure, axes = _axes(2, len(networks), (3.0, 2.75), sharex=True, sharey=True)
        for column, name in enumerate(networks):
            for row, cue in enumerate(("shape", "texture")):
                own = table[(table["network"] == name) & (table["cue"] == cue)]
                grid = own.pivot(index="category", columns="response", values="share")
                grid = grid.reindex(index=CATEGORIES, columns=CATEGORIES).fillna(0)
                axis = axes[row, column]
                picture = axis.imshow(grid, cmap="Greys", vmin=0, vmax=1)
                axis.grid(visible=False)
                axis.set_xticks(range(16), CATEGORIES, rotation=90, fontsize=7)
                axis.set_yticks(range(16), CATEGORIES, fontsize=7)
                diagonal = np.diag(grid).mean()
                axis.set_title(f"{name}: {diagonal:.0%} by {cue}", fontsize=9)
                if column == 0:
                    axis.set_ylabel(f"{cue} of the image")
                if row == 1:
                    axis.set_xlabel("decision")
        figure.colorbar(picture, ax=axes, label="share of the row's images", shrink=0.6)
    return figure


def image_grid(
    images: np.ndarray,
    titles: Sequence[str],
    columns: int,
    rows: Sequence[str] = (),
    size: float = 1.1,
) -> Figure:
    """A contact sheet: images float ``(N, 3, H, W)`` in [0, 1], row by row, a title over each.

    `rows` labels the rows at their left.
    """
    n = len(images)
    if not n:
        return _nothing("There are no images to show.")
    with mpl.rc_context(STYLE):
        figure, axes = _axes(max(1, -(-n // columns)), columns, (size, size * 1.18))
        for i, axis in enumerate(axes.flat):
            axis.set_axis_off()
            if i < n:
                axis.imshow(
                    np.asarray(images[i]).transpose(1, 2, 0).clip(0, 1), interpolation="nearest"
                )
                axis.set_title(titles[i], fontsize=7, pad=2)
        for axis, label in zip(axes[:, 0], rows, strict=False):
            axis.text(
                -0.08, 0.5, label, transform=axis.transAxes, ha="right", va="center", fontsize=8
            )
    return figure


def decisions(image: np.ndarray, table: pd.DataFrame, networks: "Sequence[Network]") -> Figure:
    """An image (float ``(3, H, W)``) and, beside it, the probability of each category by network.

    `table` as from ``measures.predictions.decide``.
    """
    styles = _styles(networks, table["network"].unique())
    with mpl.rc_context(STYLE):
        figure, axes = _axes(1, 1 + len(styles), (2.4, 2.8))
        axes[0, 0].imshow(np.asarray(image).transpose(1, 2, 0).clip(0, 1), interpolation="nearest")
        axes[0, 0].set_axis_off()
        for axis, (name, style) in zip(axes[0, 1:], styles.items(), strict=True):
            own = table[table["network"] == name]
            axis.barh(own["category"], own["probability"], color=style["color"])
            said = own.loc[own["probability"].idxmax(), "category"] if len(own) else "nothing"
            axis.set(title=f"{name}: {said}", xlim=(0, 1), xlabel="probability")
            axis.invert_yaxis()
            axis.tick_params(axis="y", labelsize=7, length=0)
            axis.grid(axis="y", visible=False)
    return figure


def sensitivity(table: pd.DataFrame) -> Figure:
    """Shape bias with its interval against texture contrast, a line for each training eps."""
    if table.empty:
        return _nothing("There is no sensitivity study for this dataset.")
    robust = np.array(mpl.colors.to_rgb(TRAINING_COLOURS["robust"]))
    with mpl.rc_context(STYLE):
        figure, axes = _axes(size=(4.6, 3.2))
        for eps, rows in table.sort_values("texture_contrast").groupby("eps"):
            paler = 0.65 * (1 - eps / table["eps"].max()) if eps else 0.0  # the largest eps in full
            colour = tuple(robust + (1 - robust) * paler) if eps else TRAINING_COLOURS["standard"]
            error = [rows["shape_bias"] - rows["low"], rows["high"] - rows["shape_bias"]]
            label = f"R, trained at eps {eps:g}" if eps else "S"
            axes[0, 0].errorbar(rows["texture_contrast"], rows["shape_bias"], error, color=colour,
                                marker="o", ms=4, capsize=2, label=label)  # fmt: skip
        axes[0, 0].set(xlabel="texture contrast of the dataset", ylabel="shape bias", ylim=(0, 1))
        axes[0, 0].legend(fontsize=8)
    return figure


def disagreements(table: pd.DataFrame, images: "ImageSet", per_pair: int = 8) -> Figure:
    """The first images of each architecture in the table of ``shape_bias.disagreements``.

    Under each image what S says (its texture) and what R says (its shape).
    """
    if table.empty:
        return _nothing("There is no S/R pair, or no image that S gives to texture and R to shape.")
    first = table.groupby("architecture", sort=False).head(per_pair)
    position = pd.Series(images.table.index, index=images.table["imagename"])
    architectures = list(first["architecture"].unique())
    with mpl.rc_context(STYLE):
        figure, axes = _axes(len(architectures), per_pair, (1.15, 1.75))
        for axis in axes.flat:
            axis.set_axis_off()
        for i, architecture in enumerate(architectures):
            rows = first[first["architecture"] == architecture]
            loaded = images.load(list(position[rows["imagename"]])).numpy()
            axes[i, 0].set_title(architecture, loc="left", fontsize=9, fontweight="bold", pad=4)
            for axis, row, image in zip(axes[i], rows.itertuples(), loaded, strict=False):
                axis.imshow(image.transpose(1, 2, 0).clip(0, 1), interpolation="nearest")
                for line, (who, said, training) in enumerate(
                    (("S", row.texture, "standard"), ("R", row.shape, "robust"))
                ):
                    axis.text(0.5, -0.05 - 0.15 * line, f"{who}: {said}", transform=axis.transAxes,
                              ha="center", va="top", fontsize=7.5,
                              color=TRAINING_COLOURS[training])  # fmt: skip
    return figure
