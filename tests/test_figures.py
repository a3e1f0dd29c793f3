"""Figures show their tables' values in the records' colours, and are saved reproducibly."""

import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color, to_rgba
from matplotlib.figure import Figure
from PIL import Image

from shapebias_utils import figures
from shapebias_utils.categories import CATEGORIES
from shapebias_utils.networks import TRAINING_COLOURS, Network
from shapebias_utils.paths import ROOT

ORANGE, BLUE, GREY, RED = "#d9772b", "#2467b0", "#8a8a8a", "#a51e37"


def record(name, training, marker="o", colour=None):
    architecture = name.split("-")[0]
    colour = colour or TRAINING_COLOURS[training]
    facts = {"architecture": architecture, "training": training, "marker": marker}
    return Network(name, None, colour=colour, **facts)


NETWORKS = [
    record("AlexNet", "standard"),
    record("AlexNet-R", "robust"),
    record("AlexNet-control", "control"),
    record("ResNet", "standard", "^"),
    record("Mine", "standard", "P", "#008800"),
]
COLOURS = {
    "AlexNet": ORANGE, "AlexNet-R": BLUE, "AlexNet-control": GREY, "ResNet": ORANGE,
    "Mine": "#008800",
}  # fmt: skip
ABOUT = [{"network": n.name, "architecture": n.architecture, "training": n.training, "seed": 0}
         for n in NETWORKS]  # fmt: skip
HUMAN = {"network": "subject-01", "architecture": "human", "training": "human", "seed": 0}


def png_size(figure: Figure) -> tuple[int, int]:
    image = Image.open(io.BytesIO(figures.png(figure)))
    assert np.asarray(image.convert("L")).std() > 1, "something is drawn"
    return image.size


def log() -> pd.DataFrame:
    rows = [about | {"epoch": e, "accuracy": 0.2 * e} for about in ABOUT for e in (1, 2, 3)]
    return pd.DataFrame(rows)


def curve() -> pd.DataFrame:
    rows = [
        about | {"eps": eps, "accuracy": 0.9 - 0.2 * eps, "low": 0.8 - 0.2 * eps, "high": 0.95}
        for about in ABOUT
        for eps in (2.0, 0.0, 1.0)
    ]
    return pd.DataFrame(rows)


def bias() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng, observers = np.random.default_rng(0), [*ABOUT, HUMAN]
    rows = [o | {"category": c, "shape_bias": rng.random()} for o in observers for c in CATEGORIES]
    overall = [
        o | {"shape_bias": 0.1 + 0.15 * i, "low": 0.15 * i, "high": 0.2 + 0.15 * i}
        for i, o in enumerate(observers)
    ]
    return pd.DataFrame(rows), pd.DataFrame(overall)


def confusions() -> pd.DataFrame:
    rows = [
        {
            "network": name,
            "cue": cue,
            "category": c,
            "response": r,
            "share": 0.75 if c == r else 0.25,
        }
        for name in ("AlexNet", "AlexNet-R")
        for cue in ("shape", "texture")
        for c, r in [*zip(CATEGORIES, CATEGORIES, strict=True), ("cat", "dog"), ("cat", "na")]
    ]
    return pd.DataFrame(rows)


def decided() -> pd.DataFrame:
    rows = [
        {"network": name, "category": c, "probability": (i + shift) % 16 / 120}
        for name, shift in (("AlexNet", 0), ("AlexNet-R", 3))
        for i, c in enumerate(CATEGORIES)
    ]
    return pd.DataFrame(rows)


def study() -> pd.DataFrame:
    rows = [
        {"texture_contrast": c, "eps": eps, "shape_bias": b, "low": b - 0.1, "high": b + 0.1}
        for eps, b in ((2.5, 0.8), (0.0, 0.3), (1.25, 0.6))
        for c in (0.12, 0.06)
    ]
    return pd.DataFrame(rows)


class Stimuli:
    """Images of one brightness each: image i is i / 10."""

    table = pd.DataFrame({"imagename": [f"cat{i}-dog{i}.png" for i in range(8)]})

    def load(self, rows):
        import torch

        return torch.stack([torch.full((3, 4, 4), r / 10) for r in rows])


def examples() -> pd.DataFrame:
    facts = {"shape": "cat", "texture": "dog"}
    return pd.DataFrame(
        [
            {"architecture": a, "imagename": f"cat{i}-dog{i}.png"} | facts
            for a, wanted in (("AlexNet", [5, 2, 7]), ("ResNet", [1]))
            for i in wanted
        ]
    )


def by_level() -> pd.DataFrame:
    rows = [
        about | {"level": p, "accuracy": 1 - 0.1 * i, "low": 0.9 - 0.1 * i, "high": 1.0}
        for about in ABOUT
        for i, p in enumerate((1, 2, 4, 8))
    ]
    return pd.DataFrame(rows)


def said() -> pd.DataFrame:
    rows = [
        {"architecture": a, "category": "cat", "distortion": d, "level": p,
         "said_standard": "cat", "confidence_standard": 0.95, "said_robust": r,
         "confidence_robust": 0.4}
        for a in ("AlexNet", "ResNet")
        for d, p, r in (("real", 1, "cat"), ("scramble", 4, "dog"))
    ]  # fmt: skip
    return pd.DataFrame(rows[:3])


def preferred() -> pd.DataFrame:
    """Two channels that prefer other images, the second only three."""
    rows = [
        {"title": title, "rank": rank, "imagename": f"cat{i}-dog{i}.png",
         "top": 0, "left": 1, "bottom": 2, "right": 4}
        for title, order in (("conv1, 5", [3, 0, 7, 1]), ("conv2, 9", [2, 6, 4]))
        for rank, i in enumerate(order, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def channel_scores() -> pd.DataFrame:
    """Channels 0 to 5 of two networks: Shape score i, Texture score 2 i."""
    rows = [
        about | {"layer": "conv1", "unit": i, "shape_score": i, "texture_score": 2 * i,
                 "shape": 10, "texture": 30, "category": ["texture", "color", "none"][i % 3]}
        for about in ABOUT[:2]
        for i in range(6)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def category_scores() -> pd.DataFrame:
    rows = [
        about | {"category": category, "cue": cue, "quantity": quantity, "value": value,
                 "low": 0.8 * value, "high": 1.3 * value, "random_low": 0.1, "random_high": 0.4,
                 "n": n}
        for about, factor in zip(ABOUT[:2], (1, 2), strict=True)
        for category, n in (("all", 9), ("color", 3), ("texture", 6))
        for cue, value in (("shape", 0.2 * factor), ("texture", 0.5 * factor))
        for quantity in ("score", "share")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def removed() -> pd.DataFrame:
    rows = [
        about | {"order": order, "channels": k, "shape_bias": 0.3 + slope * k, "low": 0.2,
                 "high": 0.9}
        for about in ABOUT[:2]
        for order, slope in (("texture", 0.1), ("shape", -0.1), ("random 1", 0.0), ("random 2", 0))
        for k in (2, 0, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def unit_changes() -> pd.DataFrame:
    rows = [("AlexNet", "color", 4, 8, 100.0), ("AlexNet", "object", 9, 6, -100 / 3),
            ("ResNet", "color", 0, 3, np.nan)]  # fmt: skip
    return pd.DataFrame(rows, columns=["architecture", "category", "S", "R", "change"])


def concept_differences() -> pd.DataFrame:
    rows = [
        {
            "architecture": a,
            "category": c,
            "concept": f"{c}{i}",
            "S": 5,
            "R": 5 + d,
            "difference": d,
        }
        for a in ("AlexNet", "ResNet")
        for c in ("texture", "object")
        for i, d in enumerate((4, 1, 0, -3))
    ]
    return pd.DataFrame(rows)


GREY_IMAGES = np.full((3, 3, 4, 4), 0.5)


def corrupted() -> pd.DataFrame:
    rows = [
        about | {"distortion": d, "level": level, "accuracy": 1 - level / 10, "low": 0.4, "high": 1}
        for about in ABOUT
        for d in ("fog", "snow", "mean of 15")
        for level in (1, 3, 5)
    ]
    return pd.DataFrame(rows)


def led() -> pd.DataFrame:
    rows = [
        {"architecture": "AlexNet", "distortion": d, "difference": x, "low": x - 0.1,
         "high": x + 0.1, "paper": paper}
        for d, x, paper in (("fog", -0.3, -26.2), ("snow", 0.2, np.nan))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def layered() -> pd.DataFrame:
    rows = [
        about | {"layer": layer, "value": v, "low": v - 0.1, "high": v + 0.1}
        for i, about in enumerate(ABOUT)
        for layer, v in (("conv1", 1.0 + i), ("conv2", 2.0 + i))
    ]
    return pd.DataFrame(rows)


def channels() -> pd.DataFrame:
    rows = [
        about | {"layer": f"conv{layer}", "clean": 10.0 * c, "noisy": 12.0 * c}
        for about in ABOUT
        for layer in range(1, 8)
        for c in (0, 1, 2, 3)
    ]
    return pd.DataFrame(rows)


def powers() -> pd.DataFrame:
    rows = [
        about | {"frequency": f, "value": 2 - f, "low": 1.5 - f, "high": 2.5 - f}
        for about in ABOUT
        for f in (0.0, 0.25, 0.5, 0.7)
    ]
    return pd.DataFrame(rows)


BANKS = {n.name: np.full((5, 3, 4, 4), 0.5) for n in NETWORKS}
for _bank in BANKS.values():
    _bank[3] = -2.0  # the darkest, on its own scale
    _bank[4] = 0.0
MATCHED = pd.DataFrame(
    {"network": "AlexNet", "other": "AlexNet-R", "filter": range(5), "match": [4, 3, 2, 1, 0],
     "r": 0.5, "difference": [2.0, -1.0, 0.0, 1.0, 1.0]}
)  # fmt: skip
FULL = {
    "unit_changes": lambda: figures.unit_changes(unit_changes()),
    "concept_differences": lambda: figures.concept_differences(
        concept_differences(), ("texture", "object"), most=2
    ),
    "removal_curves": lambda: figures.removal_curves(removed(), NETWORKS),
    "score_scatter": lambda: figures.score_scatter(channel_scores(), ["AlexNet", "AlexNet-R"]),
    "scores_by_category": lambda: figures.scores_by_category(category_scores(), NETWORKS),
    "training_curves": lambda: figures.training_curves(log(), NETWORKS),
    "accuracy_against_eps": lambda: figures.accuracy_against_eps(curve(), NETWORKS),
    "shape_bias_by_category": lambda: figures.shape_bias_by_category(*bias(), NETWORKS),
    "confusion": lambda: figures.confusion(confusions(), ["AlexNet", "AlexNet-R"]),
    "image_grid": lambda: figures.image_grid(GREY_IMAGES, ["a", "b", "c"], columns=2, rows="xy"),
    "decisions": lambda: figures.decisions(GREY_IMAGES[0], decided(), NETWORKS),
    "sensitivity": lambda: figures.sensitivity(study()),
    "disagreements": lambda: figures.disagreements(examples(), Stimuli(), per_pair=2),
    "preferred_images": lambda: figures.preferred_images(preferred(), Stimuli(), columns=2),
    "accuracy_against_level": lambda: figures.accuracy_against_level(by_level(), NETWORKS, "p"),
    "what_is_said": lambda: figures.what_is_said(said(), GREY_IMAGES, "p"),
    "severity_curves": lambda: figures.severity_curves(corrupted(), NETWORKS, {"fog": "Fog"}),
    "leads": lambda: figures.leads(led(), NETWORKS, {"fog": "Fog"}),
    "filter_banks": lambda: figures.filter_banks(BANKS, NETWORKS),
    "matched_filters": lambda: figures.matched_filters(MATCHED, BANKS, per_row=3),
    "by_layer": lambda: figures.by_layer({"mean TV": layered()}, NETWORKS),
    "activation_tv": lambda: figures.activation_tv(channels(), NETWORKS),
    "spectra": lambda: figures.spectra({"filters": powers(), "gradient": powers()}, NETWORKS),
}
EMPTY = {
    "unit_changes": lambda: figures.unit_changes(unit_changes().iloc[:0]),
    "concept_differences": lambda: figures.concept_differences(
        concept_differences().iloc[:0], ("texture",)
    ),
    "removal_curves": lambda: figures.removal_curves(removed().iloc[:0], NETWORKS),
    "score_scatter": lambda: figures.score_scatter(channel_scores().iloc[:0], []),
    "scores_by_category": lambda: figures.scores_by_category(category_scores().iloc[:0], []),
    "training_curves": lambda: figures.training_curves(pd.DataFrame(), NETWORKS),
    "accuracy_against_eps": lambda: figures.accuracy_against_eps(curve().iloc[:0], []),
    "shape_bias_by_category": lambda: figures.shape_bias_by_category(
        *(table.iloc[:0] for table in bias()), []
    ),
    "confusion": lambda: figures.confusion(confusions().iloc[:0], []),
    "image_grid": lambda: figures.image_grid(GREY_IMAGES[:0], [], columns=4),
    "decisions": lambda: figures.decisions(GREY_IMAGES[0], decided().iloc[:0], []),
    "sensitivity": lambda: figures.sensitivity(pd.DataFrame()),
    "disagreements": lambda: figures.disagreements(examples().iloc[:0], Stimuli()),
    "preferred_images": lambda: figures.preferred_images(preferred().iloc[:0], Stimuli()),
    "accuracy_against_level": lambda: figures.accuracy_against_level(by_level().iloc[:0], [], "p"),
    "what_is_said": lambda: figures.what_is_said(said().iloc[:0], GREY_IMAGES[:0], "p"),
    "severity_curves": lambda: figures.severity_curves(corrupted().iloc[:0], [], {}),
    "leads": lambda: figures.leads(led().iloc[:0], [], {}),
    "filter_banks": lambda: figures.filter_banks({}, NETWORKS),
    "matched_filters": lambda: figures.matched_filters(MATCHED.iloc[:0], {}),
    "by_layer": lambda: figures.by_layer({"mean TV": layered().iloc[:0]}, []),
    "activation_tv": lambda: figures.activation_tv(channels().iloc[:0], []),
    "spectra": lambda: figures.spectra({"filters": powers().iloc[:0]}, []),
}


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
    assert isinstance(figure, Figure)
    width, height = png_size(figure)
    assert 200 < width < 1600 and 100 < height < 1200
    with mpl.rc_context({"font.size": 14, "axes.grid": False, "axes.spines.top": True}):
        assert figures.png(make()) == figures.png(figure)


@pytest.mark.parametrize("make", EMPTY.values(), ids=EMPTY)
def test_an_empty_table_gives_a_figure_too(make):
    figure = make()
    assert isinstance(figure, Figure)
    png_size(figure)


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


@pytest.mark.parametrize("crop", [False, True])
def test_preferred_images_stand_in_the_order_of_their_ranks(crop):
    shuffled = preferred().sample(frac=1, random_state=1).sort_values("title", kind="stable")
    figure = figures.preferred_images(shuffled, Stimuli(), columns=2, crop=crop)
    assert [axis.get_title() for axis in figure.axes] == ["conv1, 5", "conv2, 9"]
    for axis, order in zip(figure.axes, ([3, 0, 7, 1], [2, 6, 4]), strict=True):
        grid = axis.images[0].get_array()
        assert grid.shape == (131, 131, 3)
        shown = grid[[32, 32, 99, 99], [32, 99, 32, 99], 0].tolist()
        assert shown == ([round(25.5 * i) for i in order] + [255])[:4]


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
    png_size(figures.shape_bias_by_category(table, overall, NETWORKS))


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
        assert np.array_equal(axis.images[0].get_array(), expected)
        assert axis.images[0].get_clim() == (0, 1)


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


# --- saving ---------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("SHAPEBIAS_RENEW", raising=False)
    monkeypatch.setattr(figures.drawing, "FIGURES", tmp_path)
    return tmp_path


@pytest.fixture
def renewed(monkeypatch):
    """Figures are written also where their values are what they were."""
    monkeypatch.setenv("SHAPEBIAS_RENEW", "1")


def everything(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_a_figure_is_saved_in_three_formats_beside_its_values(folder):
    paths = figures.save(FULL["sensitivity"](), "01_sensitivity", "pictograms", study())
    stem = folder / "pictograms" / "01_sensitivity"
    assert paths == [stem.with_suffix(s) for s in (".csv", ".pdf", ".png", ".svg")]
    assert set(everything(folder)) == {
        f"pictograms/01_sensitivity.{s}" for s in ("csv", "pdf", "png", "svg")
    }
    pdf, png, svg = (path.read_bytes() for path in paths[1:])
    assert pdf.startswith(b"%PDF") and png.startswith(b"\x89PNG") and b"<svg" in svg
    pd.testing.assert_frame_equal(pd.read_csv(paths[0]), study(), rtol=1e-5)


def test_provenance_is_inside_each_format(folder):
    _, pdf, png, svg = figures.save(FULL["sensitivity"](), "01_s", "pictograms", study())
    values = hashlib.sha256((folder / "pictograms" / "01_s.csv").read_bytes()).hexdigest()[:16]
    description = Image.open(png).text["Description"]
    assert description.startswith("01_s of pictograms: shapebias-utils ")
    assert "torch" in description and description.endswith(f"values sha256 {values}")
    assert description.encode() in pdf.read_bytes()
    assert description.encode() in svg.read_bytes()


def test_another_commit_changes_no_byte(folder, renewed, monkeypatch):
    figures.save(FULL["decisions"](), "00_decisions", "pictograms", decided())
    before = everything(folder)
    facts = figures.drawing.provenance() | {
        "commit": "another",
        "device": "cuda",
        "machine": "other",
    }
    monkeypatch.setattr(figures.drawing, "provenance", lambda: facts)
    figures.save(FULL["decisions"](), "00_decisions", "pictograms", decided())
    assert everything(folder) == before


def test_saving_one_figure_twice_gives_the_same_bytes(folder, renewed):
    figure = FULL["shape_bias_by_category"]()
    figures.save(figure, "03_bias", "pictograms", bias()[0])
    before = everything(folder)
    figures.png(figure)  # as a notebook shows it in between
    figures.save(figure, "03_bias", "pictograms", bias()[0])
    assert everything(folder) == before


SCRIPT = """
import sys
sys.path.insert(0, "tests")
from test_figures import FULL, bias
from shapebias_utils import figures
for kind in ("shape_bias_by_category", "decisions", "confusion"):
    figures.save(FULL[kind](), kind, "pictograms", bias()[0])
"""


def test_two_processes_write_the_same_bytes(tmp_path):
    found = []
    for run in ("1", "2"):
        environment = os.environ | {
            "PYTHONHASHSEED": run,
            "SHAPEBIAS_FIGURES": str(tmp_path / run),
            "PYTHONPATH": str(ROOT),
            "MPLBACKEND": "agg",
        }
        subprocess.run([sys.executable, "-c", SCRIPT], env=environment, cwd=ROOT, check=True)
        found.append(everything(tmp_path / run))
    assert len(found[0]) == 12
    assert {k for k in found[0] if found[0][k] != found[1].get(k)} == set()


def values(**changed) -> pd.DataFrame:
    """A table of all that a table may hold, with some columns changed."""
    columns = {"network": ["AlexNet", "ResNet"], "robust": [True, False], "n": [1200, 42],
               "share": [0.5, 0.0], "score": [-19.0, np.nan], "paper": np.nan}  # fmt: skip
    return pd.DataFrame(columns | changed)


@pytest.mark.parametrize(
    "changed, written",
    [
        ({}, False),
        ({"share": [0.5005, 0.0]}, False),  # 0.1 %
        ({"share": [0.525, 0.0]}, True),  # 5 %
        ({"share": [0.5, 0.0009]}, False),  # of nothing; per cent would show 0.1
        ({"share": [0.5, 0.0011]}, True),
        ({"score": [-19.3, np.nan]}, False),
        ({"score": [19.0, np.nan]}, True),
        ({"score": [-19.0, 0.0]}, True),
        ({"n": [1201, 42]}, False),  # a decision of many
        ({"n": [1200, 43]}, True),  # or of few
        ({"network": ["AlexNet", "ResNet-R"]}, True),
        ({"robust": [True, True]}, True),
        ({"paper": 0.0}, True),
        ({"more": 1}, True),
    ],
)
def test_files_whose_values_are_the_same_within_the_tolerance_stay(folder, changed, written):
    figure = FULL["sensitivity"]()
    paths = figures.save(figure, "01_s", "pictograms", values())
    paths[2].write_bytes(b"what was there")
    before = everything(folder)
    assert figures.save(figure, "01_s", "pictograms", values(**changed)) == paths
    assert (everything(folder) == before) is not written
    assert (paths[2].read_bytes() == b"what was there") is not written, "all or none"


@pytest.mark.parametrize(
    "other", [values().iloc[:1], values().iloc[:0], values().iloc[::-1], values()[["n", "share"]]]
)
def test_other_rows_or_columns_are_written(folder, other):
    (path,) = figures.save(None, "t", "d", values())
    figures.save(None, "t", "d", other)
    assert len(path.read_text().splitlines()) == 1 + len(other)
    assert path.read_text().splitlines()[0] == ",".join(other)


@pytest.mark.parametrize("suffix", [".csv", ".pdf", ".png", ".svg"])
def test_a_figure_of_which_a_file_is_missing_is_written(folder, suffix):
    paths = figures.save(FULL["sensitivity"](), "01_s", "pictograms", values())
    before = everything(folder)
    paths[0].with_suffix(suffix).unlink()
    figures.save(FULL["sensitivity"](), "01_s", "pictograms", values())
    assert everything(folder) == before


@pytest.mark.parametrize(
    "damage", [b"", b"\xff\xfe", b"a,b\n1,2,3\n4\n", b"<<<<<<< HEAD\nnetwork\n"]
)
def test_a_damaged_csv_is_written_anew(folder, damage):
    (path,) = figures.save(None, "t", "d", values())
    whole = path.read_bytes()
    path.write_bytes(damage)
    figures.save(None, "t", "d", values())
    assert path.read_bytes() == whole


def test_a_figure_that_is_drawn_otherwise_is_written_where_that_is_asked_for(folder, renewed):
    table = values()
    paths = figures.save(FULL["sensitivity"](), "01_s", "pictograms", table)
    before = [path.read_bytes() for path in paths]
    figures.save(FULL["decisions"](), "01_s", "pictograms", table)
    after = [path.read_bytes() for path in paths]
    assert [a == b for a, b in zip(after, before, strict=True)] == [True, False, False, False]


def test_a_table_alone_is_saved_as_csv(folder):
    (path,) = figures.save(None, "03_table2_shape_bias", "pictograms", study())
    assert everything(folder) == {"pictograms/03_table2_shape_bias.csv": path.read_bytes()}


def test_names_in_the_index_are_written_and_row_numbers_are_not(folder):
    table = pd.DataFrame(
        {"images": [3, 5]}, index=pd.Index(["AlexNet", "ResNet"], name="architecture")
    )
    (path,) = figures.save(None, "02_sizes", "pictograms", table)
    assert path.read_bytes() == b"architecture,images\nAlexNet,3\nResNet,5\n"
    (path,) = figures.save(None, "02_rows", "pictograms", table.set_index(np.array([7, 9])))
    assert path.read_bytes() == b"images\n3\n5\n"


def test_values_are_written_to_six_digits(folder):
    (path,) = figures.save(None, "t", "d", pd.DataFrame({"bias": [829 / 862], "n": [1_234_567]}))
    assert path.read_text() == "bias,n\n0.961717,1234567\n"


@pytest.mark.parametrize("broken", ["pdf", "png", "svg"])
def test_nothing_is_left_where_a_figure_cannot_be_drawn(folder, monkeypatch, broken):
    figure = FULL["sensitivity"]()
    savefig = figure.savefig

    def fails(buffer, *, format, **options):
        if format == broken:
            raise RuntimeError("no such font")
        savefig(buffer, format=format, **options)

    monkeypatch.setattr(figure, "savefig", fails)
    with pytest.raises(RuntimeError, match="no such font"):
        figures.save(figure, "01_sensitivity", "pictograms", study())
    assert everything(folder) == {}


def test_what_was_there_stays_where_the_disk_is_full(folder, monkeypatch):
    figures.save(FULL["sensitivity"](), "01_sensitivity", "pictograms", study())
    before, write = everything(folder), Path.write_bytes

    def full(path, content):
        write(path, content[: len(content) // 2])
        if path.suffix == ".svg":
            raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        figures.save(FULL["sensitivity"](), "01_sensitivity", "pictograms", study().iloc[:2])
    assert everything(folder) == before


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("a file, not a folder")
    monkeypatch.setattr(figures.drawing, "FIGURES", tmp_path / "taken")
    with pytest.raises(OSError, match=r"cannot write in .*taken.*SHAPEBIAS_FIGURES"):
        figures.save(None, "t", "pictograms", study())


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
        equal, base = axis.lines
        assert np.allclose(equal.get_xdata(), equal.get_ydata())
        assert np.allclose(3 * np.array(base.get_xdata()), base.get_ydata()), "30 to 10 decided"
        points = {c.get_label(): c.get_offsets().tolist() for c in axis.collections}
        assert points == {"texture": [[0, 0], [3, 6]], "color": [[1, 2], [4, 8]],
                          "none": [[2, 4], [5, 10]]}  # fmt: skip


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
