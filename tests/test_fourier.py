"""Discs in the plane of frequencies: what is in them stays, what is not goes."""

import numpy as np
import pytest

from shapebias_utils.distortions import distort
from shapebias_utils.distortions.fourier import frequencies, high_frequencies, low_frequencies


def wave(cycles_down: int, cycles_across: int, size: int = 32) -> np.ndarray:
    """A wave of amplitude .3 about mid-grey, in red; green is constant, blue its negative."""
    y, x = np.mgrid[:size, :size]
    own = 0.3 * np.cos(2 * np.pi * (cycles_down * y + cycles_across * x) / size)
    return np.stack([0.5 + own, np.full_like(own, 0.2), 0.5 - own], -1).astype(np.float32)


@pytest.mark.parametrize("cycles", [(0, 3), (3, 4), (-4, 6), (8, 0)])
def test_a_wave_is_kept_by_one_disc_and_taken_by_the_other(cycles):
    image, radius = wave(*cycles), np.hypot(*cycles)
    mean = np.broadcast_to(image.mean((0, 1)), image.shape)
    for keeps, takes in (
        (low_frequencies(image, radius), low_frequencies(image, radius - 0.1)),
        (high_frequencies(image, radius - 0.1), high_frequencies(image, radius)),
    ):
        assert keeps == pytest.approx(image, abs=1e-6)
        assert takes == pytest.approx(mean, abs=1e-5), "the mean colour stays"


def test_the_two_bands_make_up_the_image():
    image = 0.4 + 0.2 * np.random.default_rng(0).random((32, 24, 3)).astype(np.float32)
    mean = image.mean((0, 1))
    both = low_frequencies(image, 5) + high_frequencies(image, 5) - mean
    assert both == pytest.approx(image, abs=1e-6)


def test_frequencies_are_counted_either_way_up_to_the_corner():
    found = frequencies(8, 6)
    assert found[0, 0] == 0 and found[1, 0] == found[-1, 0] == found[0, 1] == found[0, -1] == 1
    assert found.max() == pytest.approx(5), "4 down and 3 across"


def test_as_distortions_they_are_clipped_and_random_in_nothing():
    image = np.random.default_rng(0).integers(0, 2, (64, 64, 3)).astype(np.float32)
    for name, level in (("low_frequencies", 12), ("high_frequencies", 12)):
        found = distort(image, name, level, "a.png")
        assert found.min() == 0 and found.max() == 1
        assert (found == distort(image, name, level, "b.png", seed=3)).all()
    assert distort(image, "low_frequencies", 64) == pytest.approx(image, abs=1e-5)
