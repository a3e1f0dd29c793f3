"""Maps larger than the labels: as PIL shrinks them, pixel by pixel."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shapebias_utils.measures.dissection import sparse
from shapebias_utils.measures.dissection.downsampling import shrunk, taps
from shapebias_utils.measures.dissection.sparse import exceed, near, nonzero, split
from shapebias_utils.measures.dissection.upsampling import active, grid


def by_pil(maps: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    size, how = shape[::-1], Image.Resampling.BILINEAR
    return np.stack([np.asarray(Image.fromarray(m).resize(size, how)) for m in maps])


@pytest.mark.parametrize("size, n", [(112, 113), (112, 224), (8, 20), (5, 5), (1, 9), (7, 8)])
def test_taps_rise_and_their_weights_are_those_of_pil(size, n):
    low, weights = taps(size, n)
    assert (low.diff() > 0).all() and low[0] >= 0
    assert weights.sum(1).tolist() == pytest.approx([1] * size)
    dense = np.zeros((size, n))
    for i, (first, own) in enumerate(zip(low.tolist(), weights.tolist(), strict=True)):
        for k, weight in enumerate(own):
            if weight:
                dense[i, first + k] = weight
    expected = by_pil(np.eye(n, dtype=np.float32)[:, None].repeat(1, 1), (1, size))[:, 0].T
    assert dense == pytest.approx(expected, abs=1e-6)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**31),
    sizes=st.tuples(*[st.integers(1, 14)] * 2),
    more=st.tuples(*[st.integers(0, 20)] * 2),
    chunk=st.sampled_from([1, 7, 1 << 18]),
)
def test_what_exceeds_is_what_exceeds_when_pil_shrinks(seed, sizes, more, chunk):
    rng = np.random.default_rng(seed)
    maps = rng.random((3, sizes[0] + more[0], sizes[1] + more[1]), dtype=np.float32)
    thresholds = rng.uniform(0.4, 0.9, 3).astype(np.float32)
    small = by_pil(maps, sizes)
    pixel, at = shrunk(torch.from_numpy(maps), torch.from_numpy(thresholds), sizes, chunk)
    found = np.zeros(small.shape, int)
    np.add.at(found.reshape(3, -1), (at.numpy(), pixel.numpy()), 1)
    assert found.max(initial=0) <= 1, "none is found twice"
    close = np.abs(small - thresholds[:, None, None]) < 1e-6
    assert ((found == 1) == (small > thresholds[:, None, None]))[~close].all()


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**31),
    short=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    more=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    turned=st.booleans(),
)
def test_maps_larger_along_one_axis_alone_are_shrunk_along_it_and_stretched_along_the_other(
    seed, short, more, turned
):
    """As PIL does both at once: labels 3x8 on maps 7x4."""
    size, shape = (short[0] + more[0], short[1]), (short[0], short[1] + more[1])
    if turned:
        size, shape = size[::-1], shape[::-1]
    rng = np.random.default_rng(seed)
    maps = rng.random((2, 3, *size), dtype=np.float32)
    thresholds = rng.uniform(0.4, 0.9, 3).astype(np.float32)
    resized = np.stack([by_pil(own, shape) for own in maps])
    laid = grid("half-pixel", shape, size, size, None)
    pixel, pair = active(torch.from_numpy(maps), torch.from_numpy(thresholds), laid)
    found, area = np.zeros(resized.shape, int), shape[0] * shape[1]
    image, unit = np.divmod(pair.numpy(), 3)
    np.add.at(found.reshape(2, 3, -1), (image, unit, pixel.numpy() - image * area), 1)
    assert found.max(initial=0) <= 1, "none is found twice"
    close = np.abs(resized - thresholds[:, None, None]) < 1e-6
    assert ((found == 1) == (resized > thresholds[:, None, None]))[~close].all()


def test_few_among_many():
    rng = np.random.default_rng(0)
    mask = torch.from_numpy(rng.random((5, 7, 3)) > 0.8)
    assert nonzero(mask).tolist() == np.flatnonzero(mask).tolist()
    assert nonzero(mask.transpose(0, 2)).tolist() == np.flatnonzero(mask.numpy().T).tolist()
    quotient, rest = split(torch.tensor([0, 6, 7, 20]), 7)
    assert (quotient.tolist(), rest.tolist()) == ([0, 0, 1, 2], [0, 6, 0, 6])
    out = torch.zeros(2, 3, 3, dtype=torch.bool)
    maps = torch.arange(8.0).view(2, 2, 2)
    exceed(maps, torch.tensor([1.0, 6.0])[:, None, None], out[:, 1:, :2])
    assert out.nonzero().tolist() == [[0, 2, 0], [0, 2, 1], [1, 2, 1]]


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**31),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 6), st.integers(1, 6)),
    window=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    step=st.sampled_from([1, 40, 1 << 20]),
)
def test_windows_with_a_value_above_are_found_across_blocks(seed, shape, window, step):
    rng = np.random.default_rng(seed)
    maps = rng.integers(0, 9, shape).astype(np.float32)
    limits = rng.integers(5, 10, shape[0]).astype(np.float32)
    (high, wide), width, flat = window, shape[2], (maps > limits[:, None, None]).ravel()
    back = (high - 1) * width + wide - 1
    expected = [
        end
        for end in range(len(flat) + back)
        if any(
            0 <= end - i * width - j < len(flat) and flat[end - i * width - j]
            for i in range(high)
            for j in range(wide)
        )
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse, "IN_CACHE", step)
        found = near(torch.from_numpy(maps), torch.from_numpy(limits), high, wide)
    assert found.tolist() == expected
