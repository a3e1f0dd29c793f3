"""Patches: nothing is lost, what is local or global alone is moved."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapebias_utils.datasets.patches import cut, joined, shuffled_patches, shuffled_within
from shapebias_utils.distortions.one_cue import without_local_shape

IMAGE = np.arange(32 * 64 * 3, dtype=np.float32).reshape(32, 64, 3)


@pytest.mark.parametrize("p", [1, 2, 8, 32])
def test_joined_undoes_cut(p):
    patches = cut(IMAGE, p)
    assert patches.shape == (p * p, 32 // p, 64 // p, 3)
    assert (joined(patches, p) == IMAGE).all()
    assert (patches[0] == IMAGE[: 32 // p, : 64 // p]).all()


@given(st.integers(0, 100))
def test_shuffling_moves_pixels_and_makes_none(seed):
    for shuffle in (shuffled_patches, shuffled_within):
        found = shuffle(IMAGE, 2, np.random.default_rng(seed))
        assert found.shape == IMAGE.shape and (np.sort(found, None) == IMAGE.ravel()).all()


def test_within_patches_stays_within_them():
    found = shuffled_within(IMAGE, 2, np.random.default_rng(0))
    for before, after in zip(cut(IMAGE, 2), cut(found, 2), strict=True):
        assert not (before == after).all() and (np.sort(before, None) == np.sort(after, None)).all()
        squares = {square.tobytes() for square in cut(before, 4)}
        assert squares == {square.tobytes() for square in cut(after, 4)}  # whole squares move


def test_patches_move_whole():
    found = shuffled_patches(IMAGE, 4, np.random.default_rng(0))
    assert {p.tobytes() for p in cut(IMAGE, 4)} == {p.tobytes() for p in cut(found, 4)}


def test_what_cannot_be_cut_is_refused():
    with pytest.raises(ValueError, match="32 x 64 pixels cannot be cut into 5 x 5"):
        cut(IMAGE, 5)


def test_what_does_not_divide_stays_as_it_is():
    found = without_local_shape(IMAGE[:20, :38], 2, np.random.default_rng(0))
    assert not (found[:16, :32] == IMAGE[:16, :32]).all()
    assert (found[16:] == IMAGE[16:20, :38]).all() and (found[:, 32:] == IMAGE[:20, 32:38]).all()
    assert (without_local_shape(IMAGE[:7], 2, np.random.default_rng(0)) == IMAGE[:7]).all()
