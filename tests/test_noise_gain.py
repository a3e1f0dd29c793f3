"""How much noise a layer lets through, against networks whose gain is known."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from shapebias_utils import results
from shapebias_utils.datasets import ImageSet
from shapebias_utils.measures.smoothness import noise_gain
from shapebias_utils.measures.smoothness.noise_gain import noise_power, noise_to_signal
from shapebias_utils.networks import Network


class Filters(nn.Module):
    """Red (or its mean over boxes), a silent channel, and red with a large bias."""

    def __init__(self, box: int = 1) -> None:
        super().__init__()
        self.box, self.layer = box, nn.Identity()

    def forward(self, x):
        red = nn.functional.avg_pool2d(x[:, :1], self.box, 1) if self.box > 1 else x[:, :1]
        return self.layer(torch.cat([red, 0 * red, red + 100], 1)).mean((2, 3))


def network(box: int = 1, name: str = "A") -> Network:
    return Network(name, lambda: Filters(box), "pictograms", layers={"conv1": "layer"}, n_classes=3)


def image_set(n: int = 5, size: int = 32) -> ImageSet:
    """Broad waves in mid-grey, far enough from black and white that noise is not clipped."""
    x = torch.linspace(0, 6.28, size)
    phases = torch.linspace(0, 3, n)[:, None, None, None]
    pixels = (0.5 + 0.2 * torch.sin(x + phases)).expand(n, 3, size, size).contiguous()
    table = pd.DataFrame({"imagename": [f"{i}.png" for i in range(n)], "category": "", "label": 0})
    return ImageSet("waves", table, lambda rows: pixels[list(rows)], f"digest {n} {size}")


def test_of_the_pixels_themselves_the_noise_is_its_deviation():
    table = noise_power(network(), image_set(), deviations=(0.04,))
    channels = table[table["over"] == "channel"].set_index("item")
    assert np.sqrt(channels.loc["0", "noise"]) == pytest.approx(0.04, rel=0.02)
    assert np.sqrt(channels.loc["0", "signal"]) == pytest.approx(0.2 / np.sqrt(2), rel=0.05)
    assert tuple(channels.loc["1", ["signal", "noise"]]) == (0, 0)
    # A bias of 100 is no signal; only single precision shows in the last digits.
    assert channels.loc["2", "signal"] == pytest.approx(channels.loc["0", "signal"], rel=1e-3)
    images = table[table["over"] == "image"]
    assert images["item"].tolist() == [f"{i}.png" for i in range(5)]
    mean = channels["noise"].mean()  # over channels here and over images there
    assert images["noise"].mean() == pytest.approx(mean, rel=1e-4)


@pytest.mark.parametrize("box", [2, 3, 4])
def test_a_box_filter_divides_white_noise_by_its_width(box):
    ratio = {}
    for width in (1, box):
        table = noise_power(network(width), image_set()).assign(
            network="A", architecture="a", training="standard", seed=0
        )
        (row,) = noise_to_signal(table).itertuples()
        ratio[width] = row.value
        assert row.low <= row.value <= row.high and row.n == 5 and row.silent == 1
    assert ratio[box] == pytest.approx(ratio[1] / box, rel=0.1)


def test_pooled_by_hand():
    facts = {"network": "A", "architecture": "a", "training": "standard", "seed": 0}
    power = [("image", "a", 4.0, 1.0), ("image", "b", 12.0, 3.0), ("channel", "0", 16.0, 1.0),
             ("channel", "1", 4.0, 4.0), ("channel", "2", 0.0, 0.0)]  # fmt: skip
    table = pd.DataFrame(power, columns=["over", "item", "signal", "noise"])
    (row,) = noise_to_signal(table.assign(**facts, deviation=0.08, layer="conv1")).itertuples()
    assert row.value == 0.5 and (row.low, row.high) == (0.5, 0.5)
    assert (row.median, row.silent, row.n) == (0.625, 1, 2)


def test_networks_without_layers_are_left_out_and_no_images_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    bare = Network("Bare", Filters, "pictograms", n_classes=3)
    table = noise_gain.over_deviations([bare, network()], image_set(2), (0.02, 0.08))
    assert set(table["network"]) == {"A"} and set(table["deviation"]) == {0.02, 0.08}
    assert noise_gain.over_deviations([bare], image_set(2), (0.02,)).empty
    with pytest.raises(ValueError, match="waves has no images"):
        noise_power(network(), image_set().subset([], "waves"))
