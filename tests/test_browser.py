"""The explorers in JupyterLab in a real browser: something is moved, pictures and numbers change.

One server, one kernel and one page for all of them. Needs Chromium (``helpers.browser`` looks for
it); skipped without it.
"""

import io
import re
from types import SimpleNamespace

import nbformat
import pytest
from helpers.lab import browser_page, jupyterlab, run_all, wait_for
from PIL import Image

pytestmark = pytest.mark.browser

SETUP = """\
from pathlib import Path
import pandas as pd
from shapebias_utils import widgets
from shapebias_utils.datasets import get_dataset
from shapebias_utils.measures import predictions
from shapebias_utils.networks import get_networks

data, pair = get_dataset("pictograms"), get_networks("pictograms", "AlexNet, AlexNet-R")
whole = data.images("validation").where("whole", "whole", 12)
stimuli = data.images("cue_conflict").subset(range(0, 240, 5), "stimuli")
trials = predictions.collect(pair, stimuli)
channels = [{"network": n.name, "layer": "conv5", "unit": u} for n in pair for u in range(9)]
labels = dict(concept="striped", category="texture", threshold=0.5)
ious = [i / 100 for i in range(len(channels))]
dissected = {"broden_like": pd.DataFrame(channels).assign(**labels, iou=ious)}
"""

EXPLORERS = {
    "explore": (
        "widgets.explore(pair, stimuli)",
        [("slider", "image", 2)],
    ),
    "cue_mixer": (
        "widgets.cue_mixer(pair, data)",
        [("choose", "shape", "knife"), ("choose", "texture of", "oven"), ("slider", "pose", 3),
         ("slider", "texture", 4), ("slider", "shape contrast", 5)],
    ),
    "attack_scrubber": (
        "widgets.attack_scrubber(pair, whole, data)",
        [("slider", "eps", 3), ("type", "image", "5")],
    ),
    "eraser": (
        "widgets.eraser(pair, whole, data)",
        [("press", "patch in row 4, column 5", ""), ("choose", "erase", "contour"),
         ("press", "All back", ""), ("type", "image", "3")],
    ),
    "distorter": (
        "widgets.distorter(pair, whole, data.size)",
        [("slider", "level", 1), ("choose", "distorted", "greyscale"), ("type", "or image", "4"),
         ("upload", "", (200, 60, 10))],
    ),
    "unit_microscope": (
        "widgets.unit_microscope(pair, dissected, whole, stimuli)",
        [("type", "channel", "3"), ("choose", "network", "AlexNet-R"), ("choose", "layer", "conv2"),
         ("type", "place", "AlexNet/conv5/7")],
    ),
    "you_against_the_networks": (
        "widgets.you_against_the_networks(trials, stimuli, Path('you.csv'))",
        [("press", "Show the next image", ""), ("press", "knife", ""),
         ("press", "Show the next image", ""), ("press", "clock", "")],
    ),
}  # fmt: skip
"""Name -> its cell, and what is moved: how, by its label, and whereto."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """All explorers in one notebook that has been run: the page, its errors, outputs by name."""
    folder = tmp_path_factory.mktemp("lab")
    cells = [SETUP, *(cell for cell, _ in EXPLORERS.values())]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=kernel
    )
    nbformat.write(notebook, folder / "explore.ipynb")
    with jupyterlab(folder) as address, browser_page(folder) as (page, errors):
        run_all(page, address, "explore.ipynb")
        own = page.locator(".jp-CodeCell")
        outputs = {
            name: own.nth(i).locator(".jp-OutputArea").first for i, name in enumerate(EXPLORERS, 1)
        }
        yield SimpleNamespace(page=page, errors=errors, outputs=outputs)


def slide(output, label, presses):
    row = output.locator(".widget-inline-hbox")
    row = row.filter(has=output.page.get_by_text(label, exact=True))
    row.locator(".noUi-handle").focus()
    for _ in range(presses):
        output.page.keyboard.press("ArrowRight")


def choose(output, label, value):
    output.get_by_label(label, exact=True).select_option(label=value)


def type_in(output, label, value):
    box = output.get_by_label(label, exact=True)
    box.fill(value)
    box.press("Enter")


def press(output, label, _):
    # Patches have a title and no text.
    named = output.get_by_role("button", name=label, exact=isinstance(label, str))
    button = named.or_(output.get_by_title(label, exact=isinstance(label, str))).first
    wait_for(button.is_enabled, f"the button {label}")  # one answers when the image is gone
    button.focus()
    output.page.keyboard.press("Space")


def upload(output, _, colour):
    buffer = io.BytesIO()
    Image.new("RGB", (80, 60), colour).save(buffer, "PNG")
    photograph = {"name": "red.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    with output.page.expect_file_chooser() as chooser:
        press(output, re.compile("your photograph"), "")
    chooser.value.set_files(photograph)


HOW = {"slider": slide, "choose": choose, "type": type_in, "press": press, "upload": upload}
"""As a user without a mouse does it."""

RECORD = """output => {
  output.shown = [];
  new MutationObserver(changes => changes.forEach(c => output.shown.push(c.target.src)))
    .observe(output, {subtree: true, attributes: true, attributeFilter: ["src"]});
}"""
"""Note each new picture, also those that are seen for a moment only."""


@pytest.mark.parametrize("name", EXPLORERS)
def test_what_is_moved_is_answered_by_pictures_and_numbers(lab, name):
    output, moves = lab.outputs[name], EXPLORERS[name][1]
    assert not lab.page.locator("[data-mime-type*=error]").count(), "a cell ended with an error"
    pictures, numbers = output.locator("img"), output.locator(".widget-html-content")
    pictures.first.wait_for()
    assert all(
        p.evaluate("img => img.naturalWidth") >= 192 for p in pictures.all() if p.is_visible()
    )
    output.evaluate(RECORD)
    for how, label, value in moves:
        said = numbers.all_inner_texts()
        HOW[how](output, label, value)
        wait_for(lambda s=said: numbers.all_inner_texts() != s, f"other numbers: {label or how}")
    wait_for(lambda: len(output.evaluate("o => o.shown")) >= len(moves), "as many new pictures")
    assert lab.errors == []
