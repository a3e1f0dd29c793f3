"""Explorers show another image, and what the networks make of it, when something is moved."""

import asyncio
import html
import io
from dataclasses import replace
from datetime import UTC, datetime

import ipywidgets
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from shapebias_utils import results
from shapebias_utils.attacks import pgd
from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.distortions import distort, get_distortion
from shapebias_utils.hooks import ablate
from shapebias_utils.measures import predictions
from shapebias_utils.measures.dissection.masks import DARK, masks
from shapebias_utils.measures.dissection.preferred_images import preferred_images
from shapebias_utils.measures.schema import read_trials
from shapebias_utils.networks import Network, get_networks, mini
from shapebias_utils.widgets import (
    attack_scrubber,
    cue_mixer,
    distorter,
    eraser,
    explore,
    panel,
    unit_microscope,
    you_against_the_networks,
)
from shapebias_utils.widgets.cue_mixer import CONTRASTS
from shapebias_utils.widgets.observer import Session
from shapebias_utils.widgets.panel import picture


def build():
    torch.manual_seed(0)
    return mini.AlexNet()


NETWORK = Network("Untrained", build, dataset="pictograms", n_classes=16)


def images(n: int) -> ImageSet:
    table = pd.DataFrame({"imagename": [f"cat{i}-dog{i}.png" for i in range(n)]})
    table = table.assign(category="cat", label=7)

    def load(rows):
        return torch.stack([torch.full((3, 32, 32), r / 10) for r in rows])

    return ImageSet("stimuli", table, load, "digest")


def parts(explorer):
    (slider, label), (picture, bars) = (row.children for row in explorer.children)
    return slider, label, picture, bars


def test_moving_the_slider_shows_another_image_and_its_decisions():
    shown = images(5)
    slider, label, image, bars = parts(explore([NETWORK], shown))
    assert (slider.min, slider.max, slider.value) == (0, 4, 0)
    assert label.value == "cat0-dog0.png"
    first, said = image.value, bars.value
    slider.value = 3
    assert label.value == "cat3-dog3.png"
    assert image.value == picture(shown.load([3])[0]) != first
    with torch.no_grad():
        best = NETWORK.load()(shown.load([3])).softmax(1).max().item()
    assert f"{best:.2f}" in bars.value
    slider.value = 0
    assert (image.value, bars.value) == (first, said), "the same image, the same answers"


def test_one_image_can_be_explored_and_none_is_refused():
    slider, label, _, _ = parts(explore([NETWORK], images(1)))
    assert slider.max == 0 and label.value == "cat0-dog0.png"
    with pytest.raises(ValueError, match="stimuli has no images to explore"):
        explore([NETWORK], images(0))
    with pytest.raises(ValueError, match="no networks are given"):
        explore([], images(2))


# The explorers


def find(widget, kind, description=None):
    """The first widget of that kind (and description) inside a widget."""
    if isinstance(widget, kind) and description in (None, getattr(widget, "description", None)):
        return widget
    for child in getattr(widget, "children", ()):
        if (found := find(child, kind, description)) is not None:
            return found
    return None


@pytest.fixture
def few(monkeypatch, tmp_path):
    """Three whole objects of the validation images."""
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    return PICTOGRAMS.images("validation").where("whole", "three", 3)


PICTOGRAMS = get_dataset("pictograms")
PAIR = get_networks("pictograms", "AlexNet, AlexNet-R")


def test_the_mixer_shows_another_image_and_other_answers(few):
    mixer = cue_mixer(PAIR, PICTOGRAMS)
    image = find(mixer, ipywidgets.Image)
    before, said = image.value, bars(mixer)
    find(mixer, ipywidgets.Dropdown, "texture of").value = "elephant"
    assert image.value != before and bars(mixer) != said
    assert "elephant (shape)" in bars(mixer), "where the cues agree, it is the shape's"
    find(mixer, ipywidgets.SelectionSlider, "texture").value = 0.0
    assert image.value != before


def test_the_mixer_says_where_decisions_tip(few):
    mixer = cue_mixer(PAIR, PICTOGRAMS)
    settings = dict(object_contrast=0.33)
    x = torch.stack(
        [PICTOGRAMS.compose("elephant", "clock", 0, texture_contrast=c, **settings)
         for c in CONTRASTS]
    )  # fmt: skip
    tips = "".join(w.value for w in every(mixer, ipywidgets.HTML)[:-1])
    for network in PAIR:
        with torch.no_grad():
            said = network.load()(x).argmax(1).tolist()
        own = tips.split(f"<b>{network.name}</b>")[1].split("<br>")[0]
        changes = [i for i in range(1, len(said)) if said[i] != said[i - 1]]
        assert own.count("&rarr;") == len(changes)
        assert all(f"{CATEGORIES[said[i]]} at {CONTRASTS[i]:g}" in own for i in changes)


def test_the_mixers_answers_are_the_networks(few):
    mixer = cue_mixer(PAIR[:1], PICTOGRAMS)
    x = PICTOGRAMS.compose("elephant", "clock", 0, texture_contrast=0.12, object_contrast=0.33)
    with torch.no_grad():
        best = PAIR[0].load()(x[None]).softmax(1)[0].max().item()
    assert f"{best:.2f}" in bars(mixer)


def test_a_dataset_that_draws_nothing_says_so():
    assert "cannot draw" in cue_mixer(PAIR, replace(PICTOGRAMS, compose=None)).value


def test_the_scrubber_starts_at_the_image_and_walks_away_from_it(few):
    scrubber = attack_scrubber(PAIR, few, PICTOGRAMS)
    eps, first = find(scrubber, ipywidgets.SelectionSlider), every(scrubber, ipywidgets.Image)
    assert first[0].value == first[2].value == picture(few.load([0])[0])
    assert first[1].value == picture(np.full((3, 64, 64), 0.5)), "nothing is changed at eps 0"
    before = [image.value for image in first]
    eps.value = PICTOGRAMS.eps_grid[-1]
    assert all(image.value != old for image, old in zip(first, before, strict=True))
    eps.value = 0.0
    assert [image.value for image in first] == before


def test_the_scrubber_shows_the_datasets_attack_and_before_it_is_there_one_that_is_close(few):
    exact, eps = PICTOGRAMS.eps_grid[-1], PICTOGRAMS.eps_grid[-2]
    x, label = few.load([0]), torch.tensor([int(few.table["label"].iloc[0])])
    attacked = {e: pgd(PAIR[0].load(), x, label, PICTOGRAMS.attack.scaled(e)) for e in (eps, exact)}

    async def scrub():
        scrubber = attack_scrubber(PAIR[:1], few, PICTOGRAMS)
        image, title = find(scrubber, ipywidgets.Image), every(scrubber, ipywidgets.Label)[1]
        slider = find(scrubber, ipywidgets.SelectionSlider)
        seen = []
        for level in (exact, eps):
            slider.value = level
            while not title.value.endswith("about"):
                await asyncio.sleep(0)
            seen.append(image.value)
            while title.value.endswith("about"):
                await asyncio.sleep(0)
            assert image.value == picture(attacked[level][0])
        assert seen[0] == picture(x[0]), "nothing is known yet"
        assert seen[1] == picture(x[0] + (attacked[exact] - x)[0] * eps / exact)

    asyncio.run(scrub())


def test_an_image_without_a_label_cannot_be_attacked(few):
    unknown = replace(few, table=few.table.assign(label=-1))
    with pytest.raises(ValueError, match="has no label to attack"):
        attack_scrubber(PAIR, unknown, PICTOGRAMS)


def test_the_eraser_takes_away_what_is_chosen_and_nothing_else(few):
    panel = eraser(PAIR, few, PICTOGRAMS)
    boxes, image = find(panel, ipywidgets.SelectMultiple), find(panel, ipywidgets.Image)
    assert {"contour", "interior", "background"} <= set(boxes.options)
    x = few.load([0])[0].numpy()
    assert image.value == picture(x)
    boxes.value = ["interior"]
    assert image.value != picture(x)
    find(panel, ipywidgets.Button, "All back").click()
    assert boxes.value == () and image.value == picture(x)


def test_the_brush_takes_the_patch_away_and_brings_it_back(few):
    panel = eraser(PAIR, few, PICTOGRAMS)
    image, patches = find(panel, ipywidgets.Image), every(panel, ipywidgets.Button)[1:]
    x = few.load([0])[0].numpy().copy()
    edge = np.ones(x.shape[1:], bool)
    edge[1:-1, 1:-1] = False
    twice = edge.astype(int)
    twice[[0, 0, -1, -1], [0, -1, 0, -1]] = 2  # corners belong to two edges
    mean = (x * twice).sum((1, 2)) / twice.sum()
    erased = x.copy()
    erased[:, 8:16, 24:32] = mean[:, None, None]
    patch = next(p for p in patches if p.tooltip == "patch in row 2, column 4")
    patch.click()
    assert image.value == picture(erased)
    assert "2% erased" in "".join(w.value for w in every(panel, ipywidgets.Label))
    patch.click()
    assert image.value == picture(x)


def test_the_distorter_draws_what_distort_does(few):
    panel = distorter(PAIR, few, 64)
    find(panel, ipywidgets.Dropdown, "distorted").value = "greyscale"
    shown = every(panel, ipywidgets.Image)
    x = few.load([0])[0].permute(1, 2, 0).numpy()
    level = get_distortion("greyscale").levels[0]
    wanted = distort(x, "greyscale", level, few.table["imagename"].iloc[0]).transpose(2, 0, 1)
    assert shown[1].value == picture(wanted)


def test_a_photograph_of_yours_is_cut_and_a_text_is_refused(few):
    panel = distorter(PAIR, few, 64)
    upload, shown = find(panel, ipywidgets.FileUpload), every(panel, ipywidgets.Image)
    buffer = io.BytesIO()
    Image.new("RGB", (80, 60), (200, 10, 10)).save(buffer, "PNG")
    upload.value = [uploaded("red.png", buffer.getvalue())]
    assert shown[0].value == picture(np.full((3, 64, 64), [[[200]], [[10]], [[10]]]) / 255)
    upload.value = [uploaded("words.png", b"no picture")]
    assert "words.png is not a readable image (it is no PNG, JPEG or WebP)" in "".join(
        w.value for w in every(panel, ipywidgets.HTML)
    )


def uploaded(name, content):
    return {"name": name, "type": "image/png", "size": len(content), "content": memoryview(content),
            "last_modified": datetime.now(UTC)}  # fmt: skip


def test_a_session_ends_with_your_bias_and_a_file_that_03_reads(tmp_path):
    images = PICTOGRAMS.images("cue_conflict").subset(range(240), "one_a_pair")
    trials = predictions.collect(PAIR, images)
    panel = you_against_the_networks(trials, images, tmp_path / "mine" / "you.csv")
    start = find(panel, ipywidgets.Button, "Show the next image")
    session_rows = Session(trials, images, tmp_path / "x.csv", "subject-you", 0).rows
    for row in session_rows:
        start.click()
        assert start.disabled
        find(panel, ipywidgets.Button, images.table["category"].iloc[row]).click()
    text = find(panel, ipywidgets.HTML).value
    assert "<b>subject-you</b>: 100.0 [100.0, 100.0] % by shape (20 shape, 0 texture" in text
    assert "<b>AlexNet-R</b>" in text
    read = read_trials(tmp_path / "mine" / "you.csv")
    assert len(read) == 20 and set(read["training"]) == {"human"}


FACTS = {"network": "AlexNet-R", "layer": "conv5", "unit": 3, "concept": "striped",
         "category": "texture", "iou": 0.123, "threshold": 1.5}  # fmt: skip
SCORES = {"shape_score": 4, "texture_score": 9, "shape": 20, "texture": 30}


def microscope(few, at="AlexNet-R/conv5/3"):
    dissected = {"Broden-like": pd.DataFrame([FACTS, FACTS | {"concept": "cat", "iou": 0.1}])}
    scores = pd.DataFrame([{"network": "AlexNet-R", "layer": "conv5", "unit": 3} | SCORES])
    stimuli = PICTOGRAMS.images("cue_conflict").subset(range(48), "stimuli")
    return unit_microscope(PAIR, dissected, few, stimuli, at, scores=scores), stimuli


def said(panel):
    return "".join(w.value for w in every(panel, ipywidgets.HTML))


def test_the_microscope_names_and_zeroes_the_channel_that_is_asked_for(few):
    panel, stimuli = microscope(few)
    assert "striped (texture), IoU 0.123" in said(panel), "the label of the highest IoU"
    assert "<b>Texture score</b> 9 of 30" in said(panel)
    module = PAIR[1].load()
    x, changed = stimuli.load(range(0, 48, 2)), []
    for unit in range(3, 12):
        find(panel, ipywidgets.BoundedIntText).value = unit
        with torch.no_grad():
            before = module(x).argmax(1)
            with ablate(module, PAIR[1].layers["conv5"], unit):
                after = module(x).argmax(1)
        count = int((before != after).sum())
        assert said(panel).count("&rarr;") == count
        changed.append(count)
    assert any(changed), "no case: no channel changes a decision"


def test_the_microscope_lights_what_the_channel_sees_and_where_it_is_active(few):
    panel, _ = microscope(few)
    seen, active = every(panel, ipywidgets.Image)
    best = preferred_images(PAIR[1], few)
    best = best[(best["layer"] == "conv5") & (best["unit"] == 3)]
    lit = masks(PAIR[1], few, best.assign(threshold=FACTS["threshold"]))
    x = few.load([few.row(name) for name in best["imagename"]]).numpy()
    assert lit.any() and not lit.all()
    row = np.concatenate(list(np.where(lit[:, None], x, DARK * x)), axis=2)  # (3, 64, 3 * 64)
    pixels = np.asarray(Image.open(io.BytesIO(active.value)))[: 2 * 64 : 2, ::2] / 255
    assert np.abs(pixels.transpose(2, 0, 1) - row).max() < 0.003
    sheet = seen.value
    find(panel, ipywidgets.Dropdown, "layer").value = "conv1"
    assert seen.value != sheet and active.layout.visibility == "hidden", "no threshold is known"


def test_a_place_opens_the_same_channel_again(few):
    panel, _ = microscope(few)
    place = find(panel, ipywidgets.Text)
    assert place.value == "AlexNet-R/conv5/3"
    here = every(panel, ipywidgets.Image)[0].value
    find(panel, ipywidgets.Dropdown, "network").value = "AlexNet"
    find(panel, ipywidgets.Dropdown, "layer").value = "conv2"
    find(panel, ipywidgets.BoundedIntText).value = 7
    assert place.value == "AlexNet/conv2/7"
    place.value = "AlexNet-R/conv5/3"
    assert find(panel, ipywidgets.BoundedIntText).value == 3
    assert every(panel, ipywidgets.Image)[0].value == here
    place.value = "AlexNet-R/conv9/3"
    assert "no place 'AlexNet-R/conv9/3'" in html.unescape(said(panel))
    find(panel, ipywidgets.BoundedIntText).value = 9999
    assert "has no channel 9999" in said(panel)
    with pytest.raises(ValueError, match="no place 'conv5'; one is 'AlexNet/conv5/0'"):
        microscope(few, at="conv5")


def test_no_picture_has_a_tooltip(few):
    """The front end of ipywidgets 8.1 fails at one: it reads a description, which Image lacks."""
    made = [cue_mixer(PAIR, PICTOGRAMS), eraser(PAIR, few, PICTOGRAMS), distorter(PAIR, few, 64)]
    assert not any(image.tooltip for panel in made for image in every(panel, ipywidgets.Image))


def test_of_many_changes_the_latest_counts(monkeypatch):
    monkeypatch.setattr(panel, "PAUSE", 0.01)
    seen, value = [], [0]
    changed = panel.latest(lambda: seen.append(value[0]))

    async def drag():
        for value[0] in range(50):
            changed()
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)

    asyncio.run(drag())
    assert seen == [49]
    value[0] = 7
    changed()  # without an event loop, at once
    assert seen == [49, 7]


def test_what_takes_longer_is_done_bit_by_bit_and_ended_by_the_next_change(monkeypatch):
    monkeypatch.setattr(panel, "PAUSE", 0.01)
    monkeypatch.setattr(panel, "REST", 0.01)
    seen = []

    def finish():
        for step in range(3):
            seen.append(step)
            yield

    changed = panel.latest(lambda: seen.append("answer"), finish)

    async def move():
        changed()
        while seen[-1:] != [1]:
            await asyncio.sleep(0)
        changed()
        await asyncio.sleep(0.1)

    asyncio.run(move())
    assert seen == ["answer", 0, 1, "answer", 0, 1, 2]
    seen.clear()
    changed()  # without an event loop, at once
    assert seen == ["answer", 0, 1, 2]


def every(widget, kind):
    """All widgets of that kind inside a widget, in their order."""
    own = [widget] if isinstance(widget, kind) else []
    return own + [w for child in getattr(widget, "children", ()) for w in every(child, kind)]


def bars(widget):
    """What the networks say, as the last panel's HTML."""
    return every(widget, ipywidgets.HTML)[-1].value
