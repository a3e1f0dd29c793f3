"""Every notebook on ImageNet in miniature: from the files as they are published to the figures."""

import shutil

import nbformat
import pytest
import torch
from helpers import mini_imagenet
from helpers.mini_imagenet import LABELS, OWN

from shapebias_utils import networks as records
from shapebias_utils import notebooks as runner
from shapebias_utils.datasets import broden, get_dataset, imagenet, imagenet_c
from shapebias_utils.distortions.imagenet_c import CORRUPTIONS, there
from shapebias_utils.networks import get_network
from shapebias_utils.paths import ROOT

S_AND_R = "{0}-S, {0}-R"
ALEXNET, RESNET, GOOGLENET = (S_AND_R.format(a) for a in ("AlexNet", "ResNet", "GoogLeNet"))
EVERY = f"{ALEXNET}, {GOOGLENET}, {RESNET}"

RUNS = {
    "00": {"networks": ALEXNET},
    "01": {"networks": EVERY, "images_attacked": 2, "images_per_eps": 1, "images_checked": 1},
    "02": {"networks": EVERY, "images_attacked": 2},
    "03": {"networks": EVERY, "initialisations": 1},
    "04": {"networks": ALEXNET, "images_attacked": 2, "n_whole": 6, "n_contrast": 2},
    "05": {"networks": EVERY, "images_measured": 2},
    "06": {"networks": f"{ALEXNET}, {RESNET}", "n_labelled": 6},
    "07": {"networks": ALEXNET, "n_labelled": 6, "n_images": 4},
    "08": {"networks": f"{ALEXNET}, {RESNET}", "images_per_set": 1},
    "09": {"networks": ALEXNET, "accuracy_images": 4, "mask_images": 2, "images_shown": 1},
    "10": {},
    "11": {"networks": ALEXNET, "photographs": 3, "objects": 3, "n_images": 8},
    "12": {"networks": f"{ALEXNET}, ResNet-R", "images_certified": 1, "n_images": 5},
}
"""Notebook -> its parameters: as few images as show what it shows."""


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imagenet")
    yield mini_imagenet.make(folder)
    shutil.rmtree(folder)  # hundreds of megabytes


@pytest.fixture
def here(mini, monkeypatch):
    """This process, too, reads the miniature."""
    for module in (imagenet, imagenet_c, broden):
        monkeypatch.setattr(module, "RAW", mini.folder / "raw")
    monkeypatch.setattr(records, "CHECKPOINTS", mini.folder / "checkpoints")
    monkeypatch.setattr(records, "_OWN", dict(records._OWN))
    exec(OWN, {})
    return mini


@pytest.mark.slow
def test_it_is_read_as_imagenet_is(here):
    data = get_dataset("imagenet")
    validation = data.images("validation")
    assert validation.table["label"].tolist() == list(LABELS)
    assert validation.load([0, 19]).shape == (2, 3, 224, 224)
    assert len(data.images("cue_conflict")) == 18
    assert there(data) == tuple(CORRUPTIONS)
    fog = data.corrupted("fog", 5).table
    assert set(fog["label"]) == set(LABELS) and set(fog["imagename"]) == set(
        validation.table["imagename"]
    )
    planes, whole = data.concepts("").labels([0])
    assert planes.shape == (1, 4, 112, 112) and whole.any()


@pytest.mark.slow
@pytest.mark.parametrize("name", [n.strip() for n in EVERY.split(",")])
def test_checkpoints_of_every_published_form_load(here, name):
    validation = get_dataset("imagenet").images("validation")
    with torch.no_grad():
        said = get_network(name, "imagenet").load()(validation.load(range(4)))
    assert said.argmax(1).tolist() == list(LABELS[:4])


@pytest.mark.slow
@pytest.mark.parametrize("number", RUNS)
def test_every_notebook_runs_on_it(mini, monkeypatch, number):
    for name, folder in mini.environment().items():
        monkeypatch.setenv(name, folder)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # of the kernel, which runs elsewhere
    (notebook,) = runner.find_notebooks(number)
    known = runner.parameters_of(notebook)
    given = {"dataset": "imagenet", "own_networks": str(mini.own_networks), **RUNS[number]}
    assert set(RUNS[number]) <= set(known)
    given = {k: v for k, v in given.items() if k in known}
    copy, _ = runner.run(notebook, given, mini.folder / "build")
    cells = nbformat.read(copy, as_version=4).cells
    assert all(cell.execution_count for cell in cells if cell.cell_type == "code")
    assert list((mini.folder / "figures" / "imagenet").glob(f"{number}_*.csv"))
