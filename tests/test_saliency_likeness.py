"""How alike maps are: of images in their patches, of two networks, and maps kept as text."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from shapebias_utils.datasets import ImageSet
from shapebias_utils.measures import saliency_likeness as measure
from shapebias_utils.measures.saliency import as_shown
from shapebias_utils.networks import Network, get_network

SIZE = 16


class Powers(nn.Module):
    """A logit whose gradient is a power of the pixels, times a weight at each place."""

    def __init__(self, power: float = 2.0, weighted: bool = False) -> None:
        super().__init__()
        places = torch.rand(SIZE, SIZE, generator=torch.Generator().manual_seed(1))
        self.power = power
        self.weights = nn.Parameter(places if weighted else torch.ones_like(places))

    def forward(self, x):
        value = (x**self.power * self.weights).sum((1, 2, 3))
        return torch.stack([value, 0 * value], 1)


def network(name: str = "P", **facts) -> Network:
    return Network(name, lambda: Powers(**facts), "pictograms", n_classes=2)


def images(n: int = 4) -> ImageSet:
    pixels = torch.rand(n, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(4))
    table = pd.DataFrame({"imagename": [f"{i}.png" for i in range(n)], "label": 0, "category": ""})
    return ImageSet("made", table, lambda rows: pixels[list(rows)], digest="made")


def test_a_map_is_like_itself_and_its_multiples():
    maps = np.random.default_rng(0).random((3, SIZE, SIZE)).astype(np.float32)
    ranks, ssim = measure.likeness(maps, 7 * maps)
    assert ranks == pytest.approx([1] * 3) and ssim == pytest.approx([1] * 3, abs=1e-4)
    ranks, ssim = measure.likeness(maps, maps.max() - maps)
    assert ranks == pytest.approx([-1] * 3) and max(ssim) < 0
    ranks, _ = measure.likeness(maps, np.roll(maps, 1, 0))
    assert np.abs(ranks).max() < 0.2
    assert np.isnan(measure.likeness(np.ones_like(maps), maps)[0]).all()


def test_rank_correlation_is_spearmans():
    from scipy.stats import spearmanr

    a, b = np.random.default_rng(1).integers(0, 6, (2, 1, SIZE, SIZE)).astype(np.float32)
    (found,), _ = measure.likeness(a, a + b)
    assert found == pytest.approx(spearmanr(a.ravel(), (a + b).ravel()).statistic)


@pytest.mark.parametrize("p", [2, 4])
def test_what_moves_with_its_patch_stays_the_same(p):
    """The gradient of a sum of squares is the image, and is scrambled with it."""
    how = {"distortion": "scramble", "level": p, "of": "logit"}
    moved = measure.similarity(network(), images(), **how)
    assert moved["rank"].tolist() == pytest.approx([1] * 4)
    assert moved["ssim"].tolist() == pytest.approx([1] * 4, abs=1e-5)
    fixed = measure.similarity(network(power=1.0, weighted=True), images(), **how)
    assert fixed["rank"].median() < 0.6, "weights that stay in their places do not move along"


def test_what_hangs_on_no_pixel_is_not_moved_by_saturation():
    how = {"distortion": "saturation", "level": 8, "of": "logit"}
    table = measure.similarity(network(power=1.0, weighted=True), images(), **how)
    assert table["rank"].tolist() == pytest.approx([1] * 4)
    assert table["imagename"].tolist() == [f"{i}.png" for i in range(4)]


def test_two_networks_agree_as_their_maps_do():
    s = get_network("AlexNet", "pictograms")
    from shapebias_utils.datasets import get_dataset

    chosen = get_dataset("pictograms").images("validation").subset(range(3), "three")
    to = {"other": s.name, "checkpoint": s.checkpoint_hash()}
    assert measure.agreement(s, chosen, **to)["rank"].tolist() == pytest.approx([1] * 3)
    r = get_network("AlexNet-R", "pictograms")
    found = measure.agreement(r, chosen, **to)
    maps = [measure.strengths(n, chosen, method="gradient") for n in (r, s)]
    assert found["rank"].tolist() == pytest.approx(measure.likeness(*maps)[0])
    assert found["rank"].max() < 0.9
    with pytest.raises(ValueError, match="AlexNet has other weights than those asked for"):
        measure.agreement(r, chosen, other="AlexNet", checkpoint="0" * 64)


def test_maps_are_kept_as_text_in_256_steps():
    table = measure.drawn(network(), images(), method="gradient", of="logit")
    strong = measure.strengths(network(), images(), method="gradient", of="logit")
    again = measure.pictures(pd.read_csv(pd.io.common.StringIO(table.to_csv(index=False))))
    assert again.shape == (4, SIZE, SIZE)
    assert np.abs(again - as_shown(strong)).max() <= 0.5 / 255 + 1e-6
