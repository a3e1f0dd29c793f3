"""The figures of notebook 11 show their tables' values."""

import numpy as np
import pandas as pd
import pytest
from figure_cases import (
    BLUE,
    GREY,
    NETWORKS,
    ORANGE,
    PAPERS,
    PRINTED,
    hybrids,
    kappas,
    low_passed,
    on_stimuli,
    parts_of_gains,
    statistics,
)
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from shapebias_utils import figures
from shapebias_utils.figures.drawing import crossing_bar


def lines_of(axis, colour, marker):
    return [x for x in axis.lines if to_hex(x.get_color()) == colour and x.get_marker() == marker]


def test_bias_is_drawn_against_the_accuracy_that_the_s_of_the_architecture_has_lost():
    table = low_passed()
    robust = table["network"] == "AlexNet-R"
    table.loc[robust, "accuracy"] -= 0.15
    figure = figures.more_than_blur(table, NETWORKS, on_stimuli(), PAPERS)
    alexnet, resnet, published = figure.axes
    assert [a.get_title() for a in figure.axes[:2]] == ["AlexNet", "ResNet"]
    (curve,) = [x for x in lines_of(alexnet, ORANGE, ".")]
    np.testing.assert_allclose(curve.get_xdata(), [0, 20, 40])
    (as_it_is,) = lines_of(alexnet, BLUE, "o")
    assert as_it_is.get_xdata()[0] == pytest.approx(15)
    assert not lines_of(resnet, BLUE, "o")  # there is no ResNet-R in the table
    (paper,) = lines_of(published, BLUE, "^")
    assert paper.get_xydata().tolist() == [[18.0, 0.7]]
    assert "all images" in alexnet.get_xlabel()


def test_dots_stand_at_their_values_a_line_a_quantity():
    figure = figures.dots(statistics(), NETWORKS, "architecture", "quantity", "share",
                          {"lost without texture": "texture"})  # fmt: skip
    axis = figure.axes[0]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["texture", "lost without colour"]
    marks = lines_of(axis, BLUE, "o")
    assert [round(m.get_xdata()[0], 3) for m in marks] == [0.3, 0.3]
    assert [round(m.get_ydata()[0]) for m in marks] == [0, 1]


def test_bars_are_the_parts_of_the_gain():
    (axis,) = figures.gains(parts_of_gains()).axes
    assert [bar.get_height() for bar in axis.patches] == [0.2, 0.2]
    assert axis.get_title() == "R against S"


def spans(axis):
    lines = [c for c in axis.collections if hasattr(c, "get_segments")]
    return [s[:, 0].tolist() for c in lines for s in c.get_segments()]


def test_bars_of_crossings_end_with_what_was_drawn():
    figure = figures.frequency_conflict(*hybrids(), NETWORKS)
    alexnet = figure.axes[0]
    assert spans(alexnet) == [[8.0, 11.0], [8.0, 12.0], [8.0, 16.0]]  # the last goes on: an arrow
    (head,) = lines_of(alexnet, GREY, ">")
    assert head.get_xdata().tolist() == [16.0]
    assert alexnet.get_xscale() == "log"


@pytest.mark.parametrize(
    "low, high, bar, heads",
    [
        (3.0, 5.0, [[3.0, 5.0]], []),
        (3.0, np.inf, [[3.0, 10.0]], [(">", 10.0)]),
        (-np.inf, 5.0, [[1.0, 5.0]], [("<", 1.0)]),
        (np.inf, np.inf, [[10.0, 10.0]], [(">", 10.0)]),  # beyond what was drawn, for sure
        (-np.inf, np.inf, [], []),  # it may lie anywhere
    ],
)
def test_a_bar_has_an_arrowhead_where_its_crossing_lies_beyond(low, high, bar, heads):
    axis = Figure().subplots()
    crossing_bar(axis, pd.DataFrame({"low": [low], "high": [high]}), (1.0, 10.0), BLUE)
    assert spans(axis) == bar
    assert [(x.get_marker(), float(x.get_xdata()[0])) for x in axis.lines] == heads


def test_printed_values_stand_beside_ours():
    figure = figures.error_consistency(kappas(), kappas(), PRINTED, "Here")
    left, right = figure.axes
    assert [t.get_text() for t in right.get_yticklabels()][-1] == "human with human, printed (R/M)"
    assert left.get_title() == "Here"
    (printed,) = [x for x in right.lines if x.get_marker() == "D"]
    assert printed.get_xdata().tolist() == [0.331]


def test_without_stored_results_the_dataset_is_shown_alone():
    figure = figures.error_consistency(kappas(), pd.DataFrame(), PRINTED, "Here")
    assert [t.get_text() for t in figure.axes[1].get_yticklabels()] == [
        "human with human, printed (R/M)"
    ]
    assert len(figures.more_than_blur(low_passed(), NETWORKS, pd.DataFrame(), PAPERS).axes) == 2


def test_other_datasets_have_panels_of_their_own():
    table = low_passed()
    others = {"photographs": table[table["network"] != "AlexNet-control"]}
    figure = figures.more_than_blur(table, NETWORKS, on_stimuli(), PAPERS, others)
    assert [a.get_title() for a in figure.axes[2:]] == [
        "Published stimuli (ImageNet)",
        "photographs",
    ]
    both = figure.axes[-1]
    assert len(lines_of(both, ORANGE, ".")) == 2  # AlexNet and ResNet
    assert [t.get_text() for t in both.texts if t.get_text().isalpha()] == ["AlexNet"]  # by its R
    shares, crossing = hybrids()
    figure = figures.frequency_conflict(shares, crossing, NETWORKS, {"photographs": hybrids()})
    assert figure.axes[-1].get_title() == "photographs"
    foreign = shares.assign(network=shares["network"] + "?")
    figure = figures.frequency_conflict(shares, crossing, NETWORKS, {"": (foreign, crossing)})
    assert lines_of(figure.axes[-1], BLUE, "o")  # by its training and architecture


def test_losses_on_few_photographs_have_whiskers():
    stimuli = on_stimuli().assign(accuracy_low=0.3, accuracy_high=0.95)
    stimuli["top1"] = (0.9 - 0.1 * stimuli["level"]).where(stimuli["kind"] == "blur")
    figure = figures.more_than_blur(low_passed(), NETWORKS, stimuli, PAPERS)
    published = figure.axes[-1]
    (bars,) = [c for c in published.containers if len(c[2][0].get_segments())]
    assert len(bars[2][0].get_segments()) == 1  # resizing by 2; by 1 changes nothing
