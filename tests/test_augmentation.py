"""Random crops and flips, against torchvision's and read off images of coordinates."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from torchvision.transforms import RandomResizedCrop

from shapebias_utils.datasets.augmentation import random_resized_crop

SIZE = 64


def coordinates(n, height=SIZE, width=SIZE):
    """Images whose first channel is x and whose second is y, 0 to 1 from edge to edge."""
    x = ((torch.arange(width) + 0.5) / width).expand(height, -1)
    y = ((torch.arange(height) + 0.5) / height)[:, None].expand(-1, width)
    return torch.stack([x, y, torch.zeros_like(x)]).expand(n, -1, -1, -1)


def crops(n, seed=0, **options):
    """Left, top, width, height (shares of the image) and mirrored, read off the crops.

    A bilinear sample of a ramp is exact inside the image, so two inner columns tell all.
    """
    found = random_resized_crop(coordinates(n), seed, **options).double()
    a, b = SIZE // 4, 3 * SIZE // 4

    def line(first, last):  # the edges of the crop, from its values at pixels a and b
        slope = (last - first) / (b - a)
        return first - slope * (a + 0.5), slope * SIZE

    left, width = line(found[:, 0, SIZE // 2, a], found[:, 0, SIZE // 2, b])
    top, height = line(found[:, 1, a, SIZE // 2], found[:, 1, b, SIZE // 2])
    mirrored = width < 0
    left = torch.where(mirrored, left + width, left)
    return left, top, width.abs(), height, mirrored


@pytest.mark.parametrize("area", [(0.5, 1.0), (0.2, 0.6), (1.0, 1.0)])
def test_crops_lie_in_the_image_and_keep_to_area_and_aspect(area):
    left, top, width, height, _ = crops(2000, area=area)
    slack = 1e-4
    assert min(left.min(), top.min()) >= -slack
    assert max((left + width).max(), (top + height).max()) <= 1 + slack
    share, aspect, fits = width * height, width / height, (width < 1 - 1e-3) & (height < 1 - 1e-3)
    assert share.max() <= area[1] + slack
    assert ((aspect >= 3 / 4 - slack) & (aspect <= 4 / 3 + slack)).all()
    # Only what would stick out of the image is cut back, and then it is less than was drawn.
    assert not fits.any() or share[fits].min() >= area[0] - slack
    assert share.min() >= area[0] * 3 / 4 - slack


def test_crops_that_fit_are_distributed_as_torchvisions():
    """torchvision draws again what does not fit in the image, here it is cut back to its edge."""
    torch.manual_seed(0)
    image = torch.empty(1, 4000, 4000)  # large, since torchvision rounds to whole pixels
    drawn = [RandomResizedCrop.get_params(image, (0.5, 1.0), (3 / 4, 4 / 3)) for _ in range(3000)]
    top, left, height, width = (torch.tensor(v) / 4000 for v in zip(*drawn, strict=True))
    ours = crops(6000)
    fits = (ours[2] < 1 - 1e-3) & (ours[3] < 1 - 1e-3)
    inside = (width < 1 - 1e-3) & (height < 1 - 1e-3)
    assert fits.sum() > 3000 and inside.sum() > 2500
    theirs = [v[inside] for v in (left, top, width, height, width * height, width / height)]
    mine = [v[fits] for v in (*ours[:4], ours[2] * ours[3], ours[2] / ours[3])]
    names = ("left", "top", "width", "height", "area", "aspect")
    for name, a, b in zip(names, mine, theirs, strict=True):
        assert ks_2samp(a.numpy(), b.numpy()).pvalue > 1e-3, name


def test_half_of_the_images_are_mirrored():
    mirrored = crops(4000)[4].float().mean().item()
    assert abs(mirrored - 0.5) < 4 * 0.5 / 4000**0.5


def test_the_same_seed_gives_the_same_crops_and_another_does_not():
    x = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(random_resized_crop(x, 5), random_resized_crop(x, 5))
    assert not torch.equal(random_resized_crop(x, 5), random_resized_crop(x, 6))
    state = torch.random.get_rng_state()
    random_resized_crop(x, 5)
    assert torch.equal(torch.random.get_rng_state(), state), "no other randomness is touched"


def test_the_crop_is_drawn_for_the_place_in_the_batch_not_for_the_image():
    one = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    found = random_resized_crop(one.expand(4, -1, -1, -1), 0)
    assert not torch.equal(found[0], found[1])


def test_the_whole_area_leaves_only_the_aspect_to_chance():
    """At area (1, 1) one side stays whole and the other is cut by the aspect, down to sqrt(3/4)."""
    _, _, width, height, _ = crops(500, area=(1.0, 1.0))
    assert torch.allclose(torch.maximum(width, height), torch.ones(500).double(), atol=1e-4)
    shorter = torch.minimum(width, height)
    assert shorter.min() >= (3 / 4) ** 0.5 - 1e-4 and shorter.std() > 0.02


def test_images_are_not_changed_and_a_constant_image_stays_constant():
    x = torch.full((6, 3, 20, 30), 0.3)
    found = random_resized_crop(x, 1)
    assert found.shape == x.shape and torch.allclose(found, x, atol=1e-6)
    assert torch.equal(x, torch.full_like(x, 0.3))


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 5), st.integers(2, 40), st.integers(2, 40)),
    seed=st.integers(0, 2**47),
    kind=st.sampled_from(["random", "black or white", "white"]),
)
def test_the_range_stays_within_0_and_1(size, seed, kind):
    n, height, width = size
    x = torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(seed))
    x = {"random": x, "black or white": (x > 0.5).float(), "white": torch.ones_like(x)}[kind]
    found = random_resized_crop(x, seed)
    assert found.shape == x.shape and found.dtype == torch.float32
    assert found.min() >= -1e-6 and found.max() <= 1 + 1e-6
