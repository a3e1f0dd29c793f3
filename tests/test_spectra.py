"""Spatial frequencies: where power of known patterns lies, of filters and of gradients."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.filters import bank, record
from torch import nn

from shapebias_utils.datasets import ImageSet
from shapebias_utils.measures.smoothness.spectra import (
    filter_spectra,
    gradient_spectrum,
    median_frequency,
    ring_power,
)
from shapebias_utils.networks import Network

SIZE = 32


def wave(cycles: int, size: int = SIZE) -> np.ndarray:
    """A cosine of so many cycles along the rows."""
    return np.cos(2 * np.pi * cycles * np.arange(size) / size) * np.ones((size, 1))


@pytest.mark.parametrize("cycles", [0, 1, 5, 16])
def test_a_wave_has_its_power_on_its_ring(cycles):
    power = ring_power(torch.tensor(wave(cycles)).expand(1, 3, -1, -1))[0]
    assert int(power.argmax()) == cycles
    assert float(power[cycles]) == pytest.approx(3 * (wave(cycles) ** 2).sum())
    assert float(power.sum()) == pytest.approx(float(power[cycles]))


def test_the_rings_share_out_all_of_the_power():
    x = torch.randn(4, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    assert ring_power(x).sum(1).tolist() == pytest.approx(x.square().sum((1, 2, 3)).tolist())


def test_an_impulse_passes_all_frequencies_alike_as_white_noise():
    weights = np.zeros((4, 3, 3, 3))
    weights[:, :, 1, 1] = 1
    table = filter_spectra([record(weights)], size=SIZE)
    assert table["value"].tolist() == pytest.approx([1] * len(table))
    assert table["low"].tolist() == pytest.approx([1] * len(table))
    assert table["share"].sum() == pytest.approx(1) and (table["n"] == 4).all()
    (row,) = median_frequency(table).to_dict("records")
    assert row["frequency"] == pytest.approx((0.5 / np.pi) ** 0.5, abs=0.01), "a disc of half"
    assert row["above"] == pytest.approx(1 - np.pi / 16, abs=0.03)


def test_smoothing_takes_the_high_frequencies_away_and_differences_the_low():
    smooth = np.ones((2, 3, 5, 5))
    edges = np.zeros((2, 3, 5, 5))
    edges[:, :, 2, 2], edges[:, :, 2, 3] = 1, -1
    table = filter_spectra([record(smooth), record(edges, "E")], size=SIZE)
    smooth, edges = (table[table["network"] == n] for n in ("S", "E"))
    assert edges["value"].iloc[0] == pytest.approx(0, abs=1e-12)
    assert smooth["value"].iloc[0] == pytest.approx(25) == smooth["value"].max()
    found = median_frequency(table).set_index("network")["frequency"]
    assert found["S"] < 0.15 < 0.4 < found["E"]
    assert list(found.index) == ["S", "E"], "in their order"


def test_the_interval_covers_the_mean_and_narrows_with_more_filters():
    widths = []
    for n in (10, 160):
        table = filter_spectra([record(bank(n))], size=SIZE)
        assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()
        widths.append((table["high"] - table["low"]).mean())
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.4)


class Linear(nn.Module):
    """Two logits: the images' products with a wave, and with its negative."""

    def __init__(self, cycles: int) -> None:
        super().__init__()
        self.pattern = nn.Parameter(torch.tensor(wave(cycles), dtype=torch.float32))

    def forward(self, x):
        product = (x.mean(1) * self.pattern).sum((1, 2))
        return torch.stack([product, -product], 1) * 100  # so sure that cross-entropy is flat


def linear(cycles: int = 5) -> Network:
    return Network("L", lambda: Linear(cycles), dataset="pictograms", n_classes=2)


def images(n: int = 6, label: int = 0, size: int = SIZE) -> ImageSet:
    pixels = torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(4))
    names = [f"{i}.png" for i in range(n)]
    table = pd.DataFrame({"imagename": names, "category": "cat", "label": label})
    return ImageSet("made", table, lambda rows: pixels[list(rows)], digest="made")


@pytest.mark.parametrize("label", [0, 1])
def test_the_gradient_of_a_linear_network_is_its_pattern(label):
    table = gradient_spectrum(linear(5), images(label=label), batch_size=4)
    assert table["share"].idxmax() == 5
    assert table.loc[5, "share"] == pytest.approx(1) and (table["n"] == 6).all()
    assert (table["high"] - table["low"]).max() < 1e-3, "the same for every image"
    assert table.loc[5, "frequency"] == 5 / SIZE


def test_images_without_a_gradient_do_not_count():
    class Half(Linear):
        def forward(self, x):
            return super().forward(x) * (x[:, 0, 0, 0] > 0.5)[:, None]

    shown = images(20)
    expected = int((shown.load(range(20))[:, 0, 0, 0] > 0.5).sum())
    record = Network("H", lambda: Half(3), dataset="pictograms", n_classes=2)
    table = gradient_spectrum(record, shown)
    assert 0 < expected < 20 and (table["n"] == expected).all()
    assert table["share"].sum() == pytest.approx(1)


def convolving(scale: float = 1.0) -> Network:
    """A network whose gradients differ from image to image, and are so many times as long."""

    def build():
        torch.manual_seed(1)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 30**2, 2), Times(scale)
        )

    return Network("N", build, dataset="pictograms", n_classes=2)


class Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x


def test_the_interval_over_images_is_the_normal_one_of_the_mean():
    shown = images(7)
    x = shown.load(range(7)).requires_grad_()
    logits = convolving().load()(x)
    (gradient,) = torch.autograd.grad((logits[:, 0] - logits[:, 1]).sum(), x)
    power = ring_power(gradient)
    share = pd.DataFrame((power / power.sum(1, keepdim=True)).numpy())
    table = gradient_spectrum(convolving(), shown)
    assert table["share"].to_numpy() == pytest.approx(share.mean().to_numpy(), abs=1e-6)
    white = table["share"] / table["value"]  # what white noise would have on the ring
    for end, side in (("low", -1), ("high", 1)):
        expected = share.mean() + side * 1.96 * share.sem()
        assert (table[end] * white).to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-6)


def test_how_steep_the_network_is_makes_no_difference():
    found = gradient_spectrum(convolving(1e-4), images())
    pd.testing.assert_frame_equal(found, gradient_spectrum(convolving(), images()), rtol=1e-4)


@pytest.mark.parametrize("batch_size", [1, 2, 6])
def test_any_batch_size_gives_the_same_spectrum(batch_size):
    found = gradient_spectrum(convolving(), images(), batch_size=batch_size)
    expected = gradient_spectrum(convolving(), images(), batch_size=4)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    "given, said",
    [
        (images(label=-1), "made has no images, or some without a label"),
        (images(0), "made has no images"),
    ],
)
def test_images_that_have_no_loss_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        gradient_spectrum(linear(), given)
