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
    "matched_filters", "channel_examples", "verdict_grid",
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted({*FULL} - WITHOUT_AXES))
def test_axes_are_labelled(kind):
    figure = FULL[kind]()
    figures.png(figure)
    labels = [axis.get_xlabel() for axis in figure.axes]
    labels += [axis.get_ylabel() for axis in figure.axes]
    named_rows = kind in (
        "agreement",
        "cue_norms",
        "decisions",
        "leads",
        "lead_heatmap",
        "ratios",
        "shape_bias_by_category",
    )  # each row, or bar, has a name
    assert sum(bool(label) for label in labels) >= (1 if named_rows else 2)
    if kind == "accuracy_against_eps":
        assert all("L2, pixels in [0, 1]" in axis.get_xlabel() for axis in figure.axes)


# --- colours --------------------------------------------------------------------------------------


def test_the_colours_of_the_records_are_those_expected_here():
    assert TRAINING_COLOURS == {"standard": ORANGE, "robust": BLUE, "control": GREY}


def test_curves_have_the_colours_of_the_records():
    figure = FULL["accuracy_against_eps"]()
    lines = {line.get_label(): line for axis in figure.axes for line in axis.lines}
    assert set(lines) == set(COLOURS)
    assert {n: line.get_color() for n, line in lines.items()} == COLOURS
    assert [axis.get_title() for axis in figure.axes] == ["AlexNet", "ResNet", "Mine"]
    assert lines["Mine"].get_marker() == "P"
    assert lines["ResNet"].get_xdata().tolist() == [0, 1, 2], "from the smallest eps on"
    assert lines["ResNet"].get_ydata() == pytest.approx([0.9, 0.7, 0.5])
    for axis in figure.axes:
        for band, line in zip(axis.collections, axis.lines, strict=True):
            assert same_color(band.get_facecolor()[0][:3], line.get_color())


def test_training_curves_have_clean_images_above_and_adversarial_ones_below():
    figure = FULL["training_curves"]()
    clean, attacked = figure.axes[:3], figure.axes[3:]
    assert [axis.get_title() for axis in clean] == ["AlexNet", "ResNet", "Mine"]
    assert ["clean" in clean[0].get_ylabel(), "adv" in attacked[0].get_ylabel()] == [True, True]
    own = [{line.get_label(): line for axis in row for line in axis.lines}
           for row in (clean, attacked)]  # fmt: skip
    assert set(own[0]) == {"AlexNet", "AlexNet-control", "ResNet", "Mine", "_AlexNet-R"}
    assert set(own[1]) == {"AlexNet-R", "_AlexNet-R"}, "R alone is trained on adversarial images"
    for lines in own:
        assert all(line.get_color() == COLOURS[n.removeprefix("_")] for n, line in lines.items())
    assert own[1]["AlexNet-R"].get_ydata() == pytest.approx([0.2, 0.4, 0.6])
    for lines, slope in zip(own, (0.3, 0.1), strict=True):  # of validation, where it was logged
        assert lines["_AlexNet-R"].get_ydata() == pytest.approx([slope, 2 * slope, 3 * slope])
        assert lines["_AlexNet-R"].get_linestyle() == ":"


def test_bars_of_agreement_stack_to_one():
    figure = FULL["agreement"]()
    assert [a.get_title() for a in figure.axes] == [
        "fragments (n = 100)",
        "whole objects (n = 100)",
    ]
    for axis in figure.axes:
        stacks = {c.get_label(): c for c in axis.containers}
        assert list(stacks) == ["S only", "both", "R only", "neither"]
        assert same_color(stacks["S only"][0].get_facecolor(), ORANGE)
        assert same_color(stacks["R only"][0].get_facecolor(), BLUE)
        assert [b.get_height() for b in stacks["both"]] == [0.5, 0.5]
        ends = [b.get_y() + b.get_height() for b in stacks["neither"]]
        assert ends == pytest.approx([1, 1])
        assert [t.get_text() for t in axis.texts] == ["30"] * 2 + ["50"] * 2 + ["15"] * 2


def test_norms_of_cues_stand_beside_the_budgets():
    (axis,) = FULL["cue_norms"]().axes
    assert [t.get_text() for t in axis.get_yticklabels()] == ["figure on ground", "texture"]
    fragment, whole = (c.lines[0] for c in axis.containers)
    assert fragment.get_xdata().tolist() == whole.get_xdata().tolist() == [6, 2]
    assert (np.array(fragment.get_ydata()) < np.array(whole.get_ydata())).all()
    budgets = [line.get_xdata()[0] for line in axis.lines if line.get_linestyle() == "--"]
    assert budgets == [1, 2.5]


def test_along_eps_the_published_curve_shares_a_scale_and_stands_in_its_own():
    figure = FULL["eps_curve"]()
    raw, common = figure.axes[2], figure.axes[5]
    assert raw.lines[0].get_xdata().tolist() == [0, 3]
    found = {line.get_label(): line for line in common.lines}
    assert list(found) == ["AlexNet", "ResNet", "ResNet-50, ImageNet"]
    assert found["AlexNet"].get_xdata() == pytest.approx([0, 1 / 28, 2.5 / 28])
    assert found["AlexNet"].get_ydata() == pytest.approx([0.3, 0.5, 0.8]), "mean of two seeds"
    assert found["ResNet-50, ImageNet"].get_xdata() == pytest.approx([0, 3 / 134])
    bare = figures.eps_curve(*FULL["eps_curve"].args[:2])
    assert not bare.axes[5].lines, "without a scale there is nothing to compare"


def test_beside_the_curves_stand_the_shares_that_they_are_ratios_of():
    figure = FULL["psychometric"]()
    left, right = figure.axes[:2]
    bias = {line.get_label(): line for line in left.lines}["AlexNet"]
    assert bias.get_ydata() == pytest.approx([0.8, 0.4])
    solid = [line for line in right.lines if line.get_linestyle() == "-"]
    dashed = [line for line in right.lines if line.get_linestyle() == "--"]
    assert len(solid) == len(dashed) == 3, "S, R and the control of AlexNet"
    assert solid[0].get_ydata() == pytest.approx([0.48, 0.24])
    assert dashed[0].get_ydata() == pytest.approx([0.12, 0.36])


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


def test_scrambled_fragments_stand_in_a_row_of_their_own():
    figure = FULL["scrambled"]()
    assert len(figure.axes) == 6, "two subsets, three architectures"
    assert [a.get_ylabel() for a in figure.axes[::3]] == [
        "accuracy, whole objects", "accuracy, fragments",
    ]  # fmt: skip
    for axis in figure.axes:
        for line in axis.lines:
            assert line.get_xdata().tolist() == [0, 1, 2, 3]
            assert line.get_ydata() == pytest.approx([1, 0.9, 0.8, 0.7])


def test_silhouettes_stand_at_their_contrast_and_the_datasets_own_is_marked():
    figure = FULL["contrast"]()
    for axis, ends in ((figure.axes[0], [0.5, 1]), (figure.axes[3], [0.15, 0.3])):
        found = {line.get_label(): line for line in axis.lines}
        assert found["AlexNet"].get_xdata() == pytest.approx(ends)
        assert found["AlexNet"].get_ydata() == pytest.approx([0.45, 0.7])
        (own,) = [line for line in axis.lines if line.get_linestyle() == "--"]
        assert own.get_xdata()[0] == pytest.approx(0.3)
    assert "own colours" in figure.axes[3].get_ylabel()


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


def test_each_network_begins_a_row_of_its_own():
    table = preferred().assign(network=["S"] * 4 + ["R"] * 3)
    more = table[table["network"] == "R"].assign(title="conv3, 1")
    figure = figures.preferred_images(pd.concat([table, more]), Stimuli(), columns=2, by="network")
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["conv1, 5", "", "conv2, 9", "conv3, 1"]


def test_panels_of_a_line_share_a_scale_that_holds_all_of_it():
    figure = FULL["channels_by_layer"]()
    for axis in figure.axes:
        low, high = axis.get_ylim()
        assert low <= 0 and high > 4.1, "the highest interval ends at 4.1"


def test_channels_of_s_control_and_r_stand_side_by_side_with_the_change_over_them():
    first, second = FULL["channels_by_category"]().axes
    wanted = ((ORANGE, [4, 9]), (GREY, [5, 8]), (BLUE, [8, 6]))
    bars = [c for c in first.containers if hasattr(c, "datavalues") and hasattr(c[0], "get_width")]
    for own, (colour, heights) in zip(bars, wanted, strict=True):
        assert own.datavalues.tolist() == heights
        assert all(same_color(bar.get_facecolor(), colour) for bar in own)
    assert [text.get_text() for text in first.texts] == ["+100 %\n(+117 %)", "-33 %"]
    assert [text.get_text() for text in second.texts] == ["new"]
    assert [text.get_text() for text in first.get_xticklabels()] == ["color", "object"]


def test_layers_stand_in_their_order_with_one_legend():
    figure = FULL["channels_by_layer"]()
    assert [axis.get_title() for axis in figure.axes] == ["AlexNet: color", "AlexNet: object"]
    assert len(figure.legends) == 1 and not any(axis.get_legend() for axis in figure.axes)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["S", "control", "R"]
    for axis in figure.axes:
        assert [line.get_ydata().tolist() for line in axis.lines] == [[1, 2], [3, 4], [2, 3]]


def test_a_cell_of_the_cross_labelling_has_the_number_of_its_channels():
    figure = FULL["cross_labelling"]()
    assert [axis.get_title() for axis in figure.axes] == [
        "AlexNet: S", "AlexNet: control", "AlexNet: R",
    ]  # fmt: skip
    axis = figure.axes[0]
    columns = [text.get_text() for text in axis.get_xticklabels()]
    rows = [text.get_text() for text in axis.get_yticklabels()]
    assert columns == ["its texture", "texture", "object", "part", "none"]
    assert rows == ["texture", "object", "part"]
    cells = {(rows[round(t.get_position()[1])], columns[round(t.get_position()[0])]): t.get_text()
             for t in axis.texts if t.get_text()}  # fmt: skip
    assert cells == {("object", "its texture"): "6", ("object", "object"): "4",
                     ("part", "part"): "9", ("part", "none"): "1",
                     ("texture", "texture"): "10"}  # fmt: skip


# --- the plot by category -------------------------------------------------------------------------


def categories(figure) -> dict[str, float]:
    axis = figure.axes[0]
    return {t.get_text(): y for t, y in zip(axis.get_yticklabels(), axis.get_yticks(), strict=True)}


def test_markers_stand_at_the_texture_fraction_of_their_category_and_lines_at_the_pooled():
    table, overall = bias()
    figure = figures.shape_bias_by_category(table, overall, NETWORKS)
    ticks, shown = categories(figure), {}
    for axis in figure.axes:
        points = {c.get_label(): c for c in axis.collections if not c.get_label().startswith("_")}
        shown |= points
        for name, own in points.items():
            (row,) = overall[overall["network"] == name].itertuples()
            colour = COLOURS.get(name, RED)
            lines = [k for k in axis.lines if list(k.get_xdata()) == [1 - row.shape_bias] * 2]
            assert len(lines) == 1 and same_color(lines[0].get_color(), colour)
            bands = [(b.get_x(), b.get_x() + b.get_width()) for b in axis.patches]
            assert any(band == pytest.approx((1 - row.high, 1 - row.low)) for band in bands)
            x, y = np.array(own.get_offsets()).T
            mine = table[table["network"] == name]
            assert x == pytest.approx(1 - mine["shape_bias"])
            assert abs(y - mine["category"].map(ticks).to_numpy()).max() < 0.5, "in its row"
            assert same_color(own.get_facecolor()[0], colour)
        assert axis.get_xlim() == (0, 1) and "texture" in axis.get_xlabel()
        assert "subject-01" in points, "humans stand in every panel"
    assert set(shown) == {*COLOURS, "subject-01"}
    assert len(figure.axes) == 3, "a panel an architecture"


def test_intervals_and_numbers_of_decisions_stand_with_the_markers_apart_from_each_other():
    table, overall = bias()
    table.loc[table["network"] == "AlexNet", ["shape", "texture"]] = [4, 6]
    axis = figures.shape_bias_by_category(table, overall, NETWORKS).axes[0]
    points = {c.get_label(): c for c in axis.collections if not c.get_label().startswith("_")}
    assert points["AlexNet"].get_sizes()[0] < points["AlexNet-R"].get_sizes()[0]
    heights = [np.array(points[n].get_offsets())[0, 1]
               for n in ("AlexNet", "AlexNet-control", "AlexNet-R")]  # fmt: skip
    assert heights[0] - heights[1] > 0.2 and heights[1] - heights[2] > 0.2
    segments = [s for c in axis.collections if hasattr(c, "get_segments") for s in c.get_segments()]
    own = table[table["network"] == "AlexNet"]
    ends = {(round(s[0][0], 6), round(s[1][0], 6)) for s in segments}
    assert {(round(1 - r.high, 6), round(1 - r.low, 6)) for r in own.itertuples()} <= ends


def test_the_papers_values_are_crosses_in_the_networks_colours():
    table, overall = bias()
    paper = pd.DataFrame({"architecture": ["AlexNet", "AlexNet", "VGG"], "shape": [26.39, 65.32, 1],
                          "training": ["standard", "robust", "standard"]})  # fmt: skip
    axis = figures.shape_bias_by_category(table, overall, NETWORKS, paper).axes[0]
    crosses = [line for line in axis.lines if line.get_label() == "_paper"]
    assert [line.get_xdata()[0] for line in crosses] == pytest.approx([0.7361, 0.3468])
    assert [line.get_color() for line in crosses] == [ORANGE, BLUE]


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
    assert {e for e in entries if not e.startswith("n =")} == {*COLOURS, "humans", "resnet50"}
    colours = {c.get_label(): c.get_facecolor()[0] for c in figure.axes[0].collections
               if not c.get_label().startswith("_")}  # fmt: skip
    assert same_color(colours["subject-01"], RED) and same_color(colours["subject-02"], RED)
    assert same_color(colours["resnet50"], "#4d4d4d")


def test_humans_alone_have_a_panel_of_their_own():
    table, overall = (t[t["training"] == "human"] for t in bias())
    assert len(figures.shape_bias_by_category(table, overall, NETWORKS).axes) == 1


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


@pytest.mark.parametrize("quantity, times", [("score", 1), ("share", 0.5)])
def test_scores_of_s_and_r_stand_in_panels_that_name_them_over_what_chance_gives(quantity, times):
    full = FULL["scores_by_category"]
    figure = full.func(*full.args, quantity)
    assert [axis.get_title() for axis in figure.axes] == ["AlexNet", "AlexNet-R"]
    assert quantity in figure.axes[0].get_ylabel()
    for axis, factor in zip(figure.axes, (1, 2), strict=True):
        assert [t.get_text() for t in axis.get_xticklabels()] == ["all", "texture", "color"]
        found = {c.get_label(): c.lines[0] for c in axis.containers if hasattr(c, "has_yerr")}
        name = axis.get_title()
        assert list(found) == [f"{name}, shape", f"{name}, texture"]
        for (label, line), value in zip(found.items(), (0.2, 0.5), strict=True):
            assert line.get_ydata() == pytest.approx([value * factor * times] * 3)
            assert same_color(line.get_color(), BLUE if "-R" in name else ORANGE)
            assert line.get_marker() == ("o" if "shape" in label else "^")
        assert {(b.get_y(), round(b.get_height(), 6)) for b in axis.patches} == {(0.1, 0.3)}
        assert axis.get_ylim() == figure.axes[0].get_ylim() and axis.get_ylim()[0] == 0


def test_panels_are_a_row_an_architecture_and_a_column_a_training():
    full = FULL["scores_by_category"]
    table = full.args[0]
    other = table[table["network"] == "AlexNet-R"].assign(network="ResNet-R", architecture="ResNet")
    third = table[table["network"] == "AlexNet"].assign(network="AlexNet-control",
                                                       training="control")  # fmt: skip
    figure = full.func(pd.concat([other, table, third]), NETWORKS)
    shown = [axis.get_title() if axis.axison else None for axis in figure.axes]
    assert shown == [None, None, "ResNet-R", "AlexNet", "AlexNet-control", "AlexNet-R"]


def test_the_points_of_the_scatter_are_margins_and_its_line_is_where_they_are_equal():
    figure = FULL["margin_scatter"]()
    assert [axis.get_title() for axis in figure.axes] == ["AlexNet", "AlexNet-R"]
    for axis in figure.axes:
        equal = axis.lines[0]
        assert np.allclose(equal.get_xdata(), equal.get_ydata())
        found = {c.get_label(): c for c in axis.collections}
        assert list(found) == ["texture", "color", "none"]
        for first, (label, points) in enumerate(found.items()):
            expected = [[i / 10, i / 5] for i in (first, first + 3)]
            assert np.allclose(points.get_offsets(), expected), label
        colours = [to_hex(c.get_facecolor()[0]) for c in found.values()]
        assert colours == ["#e7298a", "#e6ab02", "#9a9a9a"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(found)


def test_curves_of_removal_go_from_no_channel_on_and_random_ones_are_thin():
    full = FULL["removal_curves"]
    figure = full.func(*full.args, 1)
    for axis, colour in zip(figure.axes, (ORANGE, BLUE), strict=True):
        found = {c.get_label(): c.lines[0] for c in axis.containers}
        assert list(found) == [
            "highest Texture scores", "highest Shape scores", "texture rather than shape",
            "shape rather than texture",
        ]  # fmt: skip
        for line, end in zip(found.values(), (0.5, 0.1, 0.4, 0.2), strict=True):
            assert list(line.get_xdata()) == [0, 1, 2]
            assert line.get_ydata()[-1] == pytest.approx(end)
            assert same_color(line.get_color(), colour)
        random = [line for line in axis.lines if same_color(line.get_color(), "black")]
        assert [line.get_linestyle() for line in random] == ["-", "-", ":"]
        assert any(list(line.get_xdata()) == [1, 1] for line in axis.lines), "the k that is read"


def test_a_channels_images_have_captions_and_its_blocks_headings():
    figure = FULL["channel_examples"]()
    assert figure.get_suptitle() == "conv1 7"
    preferred, shape, texture = figure.axes
    titles = [axis.get_title("left") for axis in figure.axes]
    assert titles == ["highest activation", "by shape", "by texture"]
    assert [i.get_array().max() for i in preferred.images] == pytest.approx([0.1, 0.2])
    assert [t.get_text() for t in shape.texts] == ["cat/dog:\ncat → car"] * 3
    assert [i.get_array().max() for i in shape.images] == pytest.approx([0, 0.1, 0.2])
    assert [t.get_text() for t in texture.texts] == ["none"] and not texture.images
    for axis in (preferred, shape):
        box = axis.get_window_extent()
        wide = box.width / (axis.get_xlim()[1] - axis.get_xlim()[0])
        assert wide >= 64, "dots an image at the size that a notebook shows it in"


# --- corruptions ----------------------------------------------------------------------------------


def test_the_heat_map_has_points_in_the_order_given_and_bold_where_sure():
    figure = FULL["lead_heatmap"]()
    panels = [axis for axis in figure.axes if axis.images]
    titles = ["AlexNet\nR – S", "AlexNet\nR – control", "ResNet\nR – S", "ResNet\nR – control"]
    assert [axis.get_title() for axis in panels] == titles
    for axis in panels:
        assert np.asarray(axis.images[0].get_array()).tolist() == [[2] * 5, [-50] * 5]
        said = {(t.get_text(), t.get_fontweight()) for t in axis.texts}
        assert said == {("2", "normal"), ("–50", "bold")}
    assert [text.get_text() for text in panels[0].get_yticklabels()] == ["snow", "Fog"]


def test_gains_stand_over_their_share_of_high_frequencies_with_the_correlation():
    figure = FULL["lead_against_frequency"]()
    first, *others = figure.axes
    fog, snow = (container.lines[0] for container in first.containers)
    assert (list(fog.get_xdata()), list(fog.get_ydata())) == ([10], [-50])
    assert (list(snow.get_xdata()), list(snow.get_ydata())) == ([40], [2])
    assert same_color(snow.get_markerfacecolor(), "white"), "it is not among the 15"
    (text,) = first.texts
    assert text.get_text() == "rank correlation 0.50 [0.10, 0.80]"
    assert not any(axis.texts for axis in others), "of these none was computed"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["weather", "extra"]


# --- smoothness -----------------------------------------------------------------------------------


def test_channels_of_s_and_r_stand_on_the_same_two_equal_axes():
    figure = FULL["activation_tv"]()
    columns = np.array(figure.axes).reshape(3, 5).T
    assert [c[0].get_title() for c in columns] == ["conv1", "conv6", "conv4", "conv2", "conv7"]
    for column in columns:
        assert len({(*axis.get_xlim(), *axis.get_ylim()) for axis in column}) == 1
        assert column[0].get_xlim() == column[0].get_ylim(), "the diagonal is the diagonal"
    for axis, colour in zip(columns[0], (ORANGE, BLUE, GREY), strict=True):
        (points,) = axis.collections
        assert same_color(points.get_facecolor()[0][:3], colour)
        assert points.get_offsets().tolist() == [[10 * c, 12 * c] for c in (1, 2, 3)], "not 0"
        assert axis.texts[0].get_text().startswith("AlexNet")


def test_quantiles_of_channels_stand_side_by_side_around_their_layer():
    figure = FULL["by_layer"]()
    below = figure.axes[3]  # the second row's first panel: AlexNet
    ends = [line for c in below.collections for line in c.get_segments()]
    x, *_ = zip(*(segment[0] for segment in ends), strict=True)
    assert all(abs(place - round(place)) < 0.35 for place in x) and len(set(x)) == 6
    assert {tuple(segment[:, 1]) for segment in ends} == {(0.1, 0.5), (0.2, 0.4)}
    medians = [line for line in below.lines if line.get_marker() == "_"]
    assert [line.get_color() for line in medians] == [ORANGE, BLUE, GREY]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["S", "R", "control"]


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
