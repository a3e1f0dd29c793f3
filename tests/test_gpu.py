"""On a GPU measures compute what they do on the CPU, in float32; skipped where there is none."""

from dataclasses import replace

import pandas as pd
import pytest
import torch
from helpers.every_measure import MEASURES
from helpers.toy_training import ROBUST, toy_images, toy_network
from torch import nn

from shapebias_utils import distributed, hardware, results
from shapebias_utils.datasets import get_dataset
from shapebias_utils.measures.stream import activations, loaded
from shapebias_utils.networks import Network
from shapebias_utils.training.loop import train

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def results_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)


def on_the_cpu(monkeypatch) -> None:
    """From here on in the test, as on a machine without a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_convolutions_are_not_rounded_to_tf32(monkeypatch):
    """As torch does by default: TF32 keeps 10 bits, which shows in sums of 4,608 products."""

    def build() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 512, 3, padding=1), nn.Conv2d(512, 64, 3, padding=1))

    network = Network("wide", build, dataset="pictograms", layers={"last": "1"})
    images = get_dataset("pictograms").images("validation").subset(range(2), "two")
    ((_, there),) = activations(network, images)
    assert there["last"].is_cuda
    with torch.no_grad():
        coarse = loaded(network)(images.load([0, 1]).cuda())
    on_the_cpu(monkeypatch)
    ((_, here),) = activations(network, images)
    scale = here["last"].abs().max()
    assert (there["last"].cpu() - here["last"]).abs().max() <= 1e-5 * scale
    if torch.cuda.get_device_capability() >= (8, 0):  # where there is TF32, it would be seen
        assert (coarse.cpu() - here["last"]).abs().max() > 3e-5 * scale


@pytest.mark.parametrize("name", MEASURES)
def test_a_measures_table_is_that_of_the_cpu(name, monkeypatch, tmp_path):
    """But for rounding, by which a pixel at a threshold and the slope of a ReLU at 0 tip over."""
    assert hardware.device().type == "cuda"
    there = MEASURES[name](5)
    on_the_cpu(monkeypatch)
    monkeypatch.setattr(results, "RESULTS", tmp_path / "cpu")
    here = MEASURES[name](5)
    if name == "dissect":
        keys = ["layer", "unit", "concept", "category"]
        both = here.merge(there, on=keys, suffixes=("", "_there"))
        assert len(both) > 0.98 * max(len(here), len(there))
        pd.testing.assert_series_equal(
            both["threshold_there"], both["threshold"], rtol=1e-4, atol=1e-5, check_names=False
        )
        assert ((both["iou"] - both["iou_there"]).abs() < 1e-3).mean() > 0.98
    else:
        within = 1e-3 if name in ("predict, attacked", "gradient_spectrum") else 1e-4
        pd.testing.assert_frame_equal(there, here, rtol=within, atol=within)


def test_a_network_trains_there_and_its_weights_come_back(tmp_path, monkeypatch):
    out = train(toy_network, toy_images(), replace(ROBUST, epochs=8), tmp_path / "toy.safetensors")
    log = pd.read_csv(out.with_suffix(".csv"))
    assert log["loss"].iloc[-1] < 0.7 * log["loss"].iloc[0]
    on_the_cpu(monkeypatch)
    assert distributed.world_size() == 1
    network = Network("toy", toy_network, dataset="pictograms", checkpoint=out, n_classes=4)
    labels, x = torch.tensor(toy_images().table["label"].to_numpy()), toy_images().load(range(64))
    with torch.no_grad():
        assert (network.load()(x).argmax(1) == labels).float().mean() > 0.5
