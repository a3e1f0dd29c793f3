"""Figures show their tables' values in the records' colours."""

import io
import os
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from figure_cases import (
    BLUE,
    COLOURS,
    EMPTY,
    FULL,
    GREY,
    NETWORKS,
    ORANGE,
    RED,
    Stimuli,
    bias,
    preferred,
    study,
)  # fmt: skip
from matplotlib.colors import same_color, to_hex, to_rgba
from PIL import Image

from shapebias_utils import figures
from shapebias_utils.categories import CATEGORIES
from shapebias_utils.networks import TRAINING_COLOURS
from shapebias_utils.paths import ROOT


def png_size(picture: bytes) -> tuple[int, int]:
    image = Image.open(io.BytesIO(picture))
    assert np.asarray(image.convert("L")).std() > 1, "something is drawn"
    return image.size


def test_every_kind_of_figure_is_listed_here():
    public = {
        name
        for name, function in vars(figures).items()
        if getattr(function, "__module__", "").startswith(figures.__name__)
        and not name.startswith("_")
    }
    assert public - {"save", "png"} == set(FULL) == set(EMPTY)


@pytest.mark.parametrize("make", FULL.values(), ids=FULL)
def test_a_table_gives_a_figure_in_the_style_whatever_is_set_elsewhere(make):
    figure = make()
    picture = figures.png(figure)
    width, height = png_size(picture)
    assert 200 < width < 1600 and 100 < height < 1200
    with mpl.rc_context({"font.size": 14, "axes.grid": False, "axes.spines.top": True}):
        assert figures.png(make()) == picture
    assert figures.png(figure) == picture, "drawn once more"


@pytest.mark.parametrize("make", EMPTY.values(), ids=EMPTY)
def test_an_empty_table_gives_a_figure_too(make):
    png_size(figures.png(make()))


@pytest.mark.parametrize(
    "make, said",
    [
        ("training_curves", "These networks come without a training log."),
        ("sensitivity", "There is no sensitivity study for this dataset."),
        ("disagreements", "There is no S/R pair, or no image that S gives to texture"),
        ("accuracy_against_level", "There are no images that S and R of a pair both label"),
        ("what_is_said", "There is no image that only S labels correctly"),
        ("shape_bias_by_category", "There are no decisions on images with conflicting cues."),
    ],
)
def test_an_empty_figure_says_why(make, said):
    (axis,) = EMPTY[make]().axes
    assert axis.texts[0].get_text().startswith(said)


WITHOUT_AXES = {
    "image_grid", "disagreements", "what_is_said", "preferred_images", "filter_banks",
    "matched_filters",
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted({*FULL} - WITHOUT_AXES))
def test_axes_are_labelled(kind):
    figure = FULL[kind]()
    figures.png(figure)
    labels = [axis.get_xlabel() for axis in figure.axes]
    labels += [axis.get_ylabel() for axis in figure.axes]
    named_rows = kind in ("decisions", "leads", "shape_bias_by_category")  # each has a name
    assert sum(bool(label) for label in labels) >= (1 if named_rows else 2)
    if kind == "accuracy_against_eps":
        assert all("L2, pixels in [0, 1]" in axis.get_xlabel() for axis in figure.axes)


# --- colours --------------------------------------------------------------------------------------


def test_the_colours_of_the_records_are_those_expected_here():
    assert TRAINING_COLOURS == {"standard": ORANGE, "robust": BLUE, "control": GREY}


@pytest.mark.parametrize("kind", ["training_curves", "accuracy_against_eps"])
def test_curves_have_the_colours_of_the_records(kind):
    figure = FULL[kind]()
    lines = {line.get_label(): line for axis in figure.axes for line in axis.lines}
    assert set(lines) == set(COLOURS)
    assert {n: line.get_color() for n, line in lines.items()} == COLOURS
    assert [axis.get_title() for axis in figure.axes] == ["AlexNet", "ResNet", "Mine"]
    if kind == "accuracy_against_eps":
        assert lines["Mine"].get_marker() == "P"
        assert lines["ResNet"].get_xdata().tolist() == [0, 1, 2], "from the smallest eps on"
        assert lines["ResNet"].get_ydata() == pytest.approx([0.9, 0.7, 0.5])
        for axis in figure.axes:
            for band, line in zip(axis.collections, axis.lines, strict=True):
                assert same_color(band.get_facecolor()[0][:3], line.get_color())


def test_bars_of_decisions_have_the_colours_of_the_records():
    figure = FULL["decisions"]()
    assert [a.get_title() for a in figure.axes] == ["", "AlexNet: truck", "AlexNet-R: keyboard"]
    for axis, colour, shift in zip(figure.axes[1:], (ORANGE, BLUE), (0, 3), strict=True):
        assert all(same_color(bar.get_facecolor(), colour) for bar in axis.patches)
        widths = [bar.get_width() for bar in axis.patches]
        assert widths == [(i + shift) % 16 / 120 for i in range(16)]
        assert axis.yaxis_inverted() and axis.get_xlim() == (0, 1)
    shown = figure.axes[0].images[0].get_array()
    assert shown.shape == (4, 4, 3) and (shown == 0.5).all()


def test_the_study_of_sensitivity_has_s_in_its_colour_and_the_strongest_r_in_its():
    containers = FULL["sensitivity"]().axes[0].containers
    found = {c.get_label(): c.lines[0] for c in containers}
    assert list(found) == ["S", "R, trained at eps 1.25", "R, trained at eps 2.5"]
    assert same_color(found["S"].get_color(), ORANGE)
    assert same_color(found["R, trained at eps 2.5"].get_color(), BLUE)
    paler = to_rgba(found["R, trained at eps 1.25"].get_color())
    assert all(p > b for p, b in zip(paler[:3], to_rgba(BLUE)[:3], strict=True))
    for line, value in zip(found.values(), (0.3, 0.6, 0.8), strict=True):
        assert line.get_xdata().tolist() == [0.06, 0.12] and (line.get_ydata() == value).all()


def test_a_study_without_s_has_no_line_in_its_colour():
    figure = figures.sensitivity(study().query("eps > 0"))
    assert not any(same_color(c.lines[0].get_color(), ORANGE) for c in figure.axes[0].containers)


def test_what_s_and_r_say_is_in_their_colours_under_their_images():
    figure = FULL["disagreements"]()
    assert len(figure.axes) == 4, "two architectures, two images each"
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["AlexNet", "", "ResNet", ""]
    for i, axis in enumerate(figure.axes[:3]):
        (said_s, said_r) = axis.texts
        assert (said_s.get_text(), said_r.get_text()) == ("S: dog", "R: cat")
        assert same_color(said_s.get_color(), ORANGE) and same_color(said_r.get_color(), BLUE)
        assert axis.images[0].get_array()[0, 0, 0] == pytest.approx((0.5, 0.2, 0.1)[i])
    assert not figure.axes[3].images, "ResNet has one example only"


def test_levels_are_evenly_spaced_from_the_mildest_on():
    figure = FULL["accuracy_against_level"]()
    lines = {line.get_label(): line for axis in figure.axes for line in axis.lines}
    assert {n: line.get_color() for n, line in lines.items()} == COLOURS
    for axis in figure.axes:
        assert [text.get_text() for text in axis.get_xticklabels()] == ["1", "2", "4", "8"]
        for line in axis.lines:
            assert line.get_xdata().tolist() == [0, 1, 2, 3]
            assert line.get_ydata() == pytest.approx([1, 0.9, 0.8, 0.7])


def test_what_is_said_of_a_distorted_image_is_bold_where_it_is_right():
    figure = FULL["what_is_said"]()
    assert [axis.get_title() for axis in figure.axes] == ["cat", "p = 4", "cat", ""]
    s, r = figure.axes[1].texts
    assert (s.get_text(), r.get_text()) == ("S: cat 0.95", "R: dog 0.40")
    assert (s.get_fontweight(), r.get_fontweight()) == ("bold", "normal")
    assert same_color(s.get_color(), ORANGE) and same_color(r.get_color(), BLUE)


def test_preferred_images_stand_in_the_order_of_their_ranks():
    shuffled = preferred().sample(frac=1, random_state=1).sort_values("title", kind="stable")
    figure = figures.preferred_images(shuffled, Stimuli(), columns=2)
    assert [axis.get_title() for axis in figure.axes] == ["conv1, 5", "conv2, 9"]
    for axis, order in zip(figure.axes, ([3, 0, 7, 1], [2, 6, 4]), strict=True):
        grid = axis.images[0].get_array()
        assert grid.shape == (131, 131, 3)
        shown = grid[[32, 32, 99, 99], [32, 99, 32, 99], 0].tolist()
        assert shown == ([round(25.5 * i) for i in order] + [255])[:4]


def test_channels_of_s_and_r_stand_side_by_side_with_the_change_over_them():
    first, second = FULL["unit_changes"]().axes
    for axis, s, r in ((first, [4, 9], [8, 6]), (second, [0], [3])):
        for bars, colour, heights in zip(axis.containers, (ORANGE, BLUE), (s, r), strict=True):
            assert bars.datavalues.tolist() == heights
            assert all(same_color(bar.get_facecolor(), colour) for bar in bars)
    assert [text.get_text() for text in first.texts] == ["+100 %", "-33 %"]
    assert [text.get_text() for text in second.texts] == ["new"]
    assert [text.get_text() for text in first.get_xticklabels()] == ["color", "object"]


# --- the plot by category -------------------------------------------------------------------------


def test_markers_stand_at_the_texture_fraction_of_their_category_and_lines_at_the_pooled():
    table, overall = bias()
    figure = figures.shape_bias_by_category(table, overall, NETWORKS)
    axis = figure.axes[0]
    ticks = {
        text.get_text(): y
        for text, y in zip(axis.get_yticklabels(), axis.get_yticks(), strict=True)
    }
    markers = {
        line.get_label(): line for line in axis.lines if not line.get_label().startswith("_")
    }
    vertical = [line for line in axis.lines if line.get_label().startswith("_")]
    assert set(markers) == {*COLOURS, "subject-01"}
    for name, line in markers.items():
        own = table[table["network"] == name]
        assert line.get_xdata() == pytest.approx(1 - own["shape_bias"])
        assert list(line.get_ydata()) == [ticks[c] for c in own["category"]]
        assert same_color(line.get_color(), COLOURS.get(name, RED))
    assert markers["ResNet"].get_marker() == "^" and markers["subject-01"].get_marker() == "D"
    assert len(vertical) == len(overall)
    for line, row in zip(vertical, overall.itertuples(), strict=True):
        assert list(line.get_xdata()) == [1 - row.shape_bias] * 2
        assert same_color(line.get_color(), COLOURS.get(row.network, RED))
    for band, row in zip(axis.patches, overall.itertuples(), strict=True):
        edges = (band.get_x(), band.get_x() + band.get_width())
        assert edges == pytest.approx((1 - row.high, 1 - row.low))
    assert axis.get_xlim() == (0, 1) and "texture" in axis.get_xlabel()


def test_the_upper_axis_counts_shape_decisions_the_other_way():
    axis = FULL["shape_bias_by_category"]().axes[0]
    (top,) = axis.child_axes
    figures.png(axis.figure)
    for shape in (0.0, 0.25, 1.0):
        above, below = top.transData.transform((shape, 0)), axis.transData.transform((1 - shape, 0))
        assert above[0] == pytest.approx(below[0])
    assert "shape" in top.get_xlabel() and "texture" in axis.get_xlabel()


@pytest.mark.parametrize("with_human", [True, False])
def test_categories_are_sorted_by_the_humans_or_else_by_all(with_human):
    table, overall = bias()
    if not with_human:
        table, overall = (t[t["training"] != "human"] for t in (table, overall))
    sorts = table[table["training"] == "human"] if with_human else table
    expected = sorts.groupby("category")["shape_bias"].mean().sort_values().index.tolist()
    axis = figures.shape_bias_by_category(table, overall, NETWORKS).axes[0]
    assert [text.get_text() for text in axis.get_yticklabels()] == expected


def test_humans_are_red_and_one_entry_of_the_legend_and_strangers_grey():
    table, overall = bias()
    more = [t.query("training == 'human'").assign(network="subject-02") for t in (table, overall)]
    alien = {"network": "resnet50", "architecture": "other", "training": "other"}
    other = [t.query("training == 'human'").assign(**alien) for t in (table, overall)]
    table, overall = (
        pd.concat([t, m, o]) for t, m, o in zip((table, overall), more, other, strict=True)
    )
    figure = figures.shape_bias_by_category(table, overall, NETWORKS)
    entries = [text.get_text() for text in figure.legends[0].get_texts()]
    assert entries == [*COLOURS, "humans", "resnet50"]
    colours = {line.get_label(): line.get_color() for line in figure.axes[0].lines}
    assert same_color(colours["subject-01"], RED) and same_color(colours["subject-02"], RED)
    assert same_color(colours["resnet50"], "#4d4d4d")


def test_lines_of_one_colour_differ_in_style():
    lines = [line for line in FULL["shape_bias_by_category"]().axes[0].lines
             if line.get_label().startswith("_") and line.get_color() == ORANGE]  # fmt: skip
    assert len(lines) == 2 and lines[0].get_linestyle() != lines[1].get_linestyle()


def test_an_observer_without_a_bias_is_drawn_without_a_line():
    table, overall = bias()
    for t in (table, overall):
        t.loc[t["network"] == "Mine", ["shape_bias", "low", "high"]] = np.nan
    png_size(figures.png(figures.shape_bias_by_category(table, overall, NETWORKS)))


# --- confusion and grids --------------------------------------------------------------------------


def test_the_panels_of_the_confusion_show_the_shares():
    figure = FULL["confusion"]()
    panels = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in panels] == [
        "AlexNet: 75% by shape", "AlexNet-R: 75% by shape",
        "AlexNet: 75% by texture", "AlexNet-R: 75% by texture",
    ]  # fmt: skip
    expected = 0.75 * np.eye(16)
    expected[CATEGORIES.index("cat"), CATEGORIES.index("dog")] = 0.25
    for axis in panels:
        (grid,) = axis.collections
        assert np.array_equal(grid.get_array(), expected)
        assert grid.get_clim() == (0, 1)
        assert axis.yaxis_inverted(), "the first category on top, as in a table"
    for labels in (panels[2].get_xticklabels(), panels[2].get_yticklabels()):
        assert [text.get_text() for text in labels] == list(CATEGORIES)


def test_a_grid_shows_the_images_row_by_row_with_titles_and_row_labels():
    images = np.stack([np.full((3, 4, 4), v) for v in (0.1, 0.2, 0.3)])
    figure = figures.image_grid(images, ["a", "b", "c"], columns=2, rows=["first", "second"])
    assert [axis.get_title() for axis in figure.axes] == ["a", "b", "c", ""]
    assert [float(a.images[0].get_array()[0, 0, 0]) for a in figure.axes[:3]] == [0.1, 0.2, 0.3]
    labels = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert labels == ["first", "second"]


def test_titles_may_stand_over_the_first_row_alone_and_break_where_they_are_wide():
    images = np.full((4, 3, 4, 4), 0.5)
    figure = figures.image_grid(images, ["white on black", "b"], columns=2, size=0.5)
    assert [axis.get_title() for axis in figure.axes] == ["white on\nblack", "b", "", ""]


# --- ablation -------------------------------------------------------------------------------------


def test_scores_of_s_and_r_stand_side_by_side_over_what_chance_gives():
    figure = FULL["scores_by_category"]()
    score, share = figure.axes
    assert [t.get_text() for t in score.get_xticklabels()] == ["all", "texture", "color"]
    assert "score" in score.get_ylabel() and "share" in share.get_ylabel()
    for axis in (score, share):
        found = {c.get_label(): c.lines[0] for c in axis.containers if hasattr(c, "has_yerr")}
        assert list(found) == [
            "AlexNet, shape", "AlexNet, texture", "AlexNet-R, shape", "AlexNet-R, texture",
        ]  # fmt: skip
        for (label, line), value in zip(found.items(), (0.2, 0.5, 0.4, 1.0), strict=True):
            assert line.get_ydata() == pytest.approx([value] * 3)
            assert same_color(line.get_color(), BLUE if "-R" in label else ORANGE)
            assert line.get_marker() == ("o" if "shape" in label else "^")
        assert {(b.get_y(), round(b.get_height(), 6)) for b in axis.patches} == {(0.1, 0.3)}


def test_the_lines_of_the_scatter_are_equal_scores_and_equal_shares():
    figure = FULL["score_scatter"]()
    for axis in figure.axes:
        equal, base = axis.lines[-2:]  # behind those of the legend
        assert np.allclose(equal.get_xdata(), equal.get_ydata())
        assert np.allclose(3 * np.array(base.get_xdata()), base.get_ydata()), "30 to 10 decided"
        (points,) = axis.collections
        assert points.get_offsets().tolist() == [[i, 2 * i] for i in range(6)]
        found = map(to_hex, points.get_facecolors())
        assert list(found) == ["#e7298a", "#e6ab02", "#9a9a9a"] * 2, "texture, color, none"
    entries = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    assert entries == ["texture", "color", "none"] and figure.axes[0].get_legend() is None


def test_curves_of_removal_go_from_no_channel_on():
    for axis, colour in zip(FULL["removal_curves"]().axes, (ORANGE, BLUE), strict=True):
        found = {c.get_label(): c.lines[0] for c in axis.containers}
        assert list(found) == ["highest Texture scores", "highest Shape scores"]
        for line, end in zip(found.values(), (0.5, 0.1), strict=True):
            assert list(line.get_xdata()) == [0, 1, 2]
            assert line.get_ydata()[-1] == pytest.approx(end)
            assert same_color(line.get_color(), colour)
        grey = [line for line in axis.lines if same_color(line.get_color(), "#9a9a9a")]
        assert len(grey) == 2


# --- in a notebook ------------------------------------------------------------------------------


def test_in_a_notebook_a_figure_is_shown_as_a_picture_without_pyplot():
    code = (
        "from IPython.core.interactiveshell import InteractiveShell as Shell\n"
        "shell = Shell.instance()\n"
        "from shapebias_utils import figures\n"
        "import sys, pandas\n"
        "data, _ = shell.display_formatter.format(figures.sensitivity(pandas.DataFrame()))\n"
        "assert data['image/png'][:4] == b'\\x89PNG', data\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, check=True)
