"""Pictograms with moved pieces: only the shape is another, and only in the way that is said."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import ImageSet
from shapebias_utils.datasets.pictograms import arrangements
from shapebias_utils.datasets.pictograms.masks import average_down, object_mask
from shapebias_utils.datasets.pictograms.render import RenderSettings, factors, render
from shapebias_utils.datasets.pictograms.renditions import rearranged
from shapebias_utils.measures.schema import with_cues

SPLIT, SETTINGS = "cue_conflict", RenderSettings()  # all are whole
SOME = [factors(SPLIT, i, SETTINGS) for i in range(0, 240, 37)]


def mask_of(f, paint):
    skin = np.zeros((64, 64, 3), np.float32)
    return arrangements.FIGURES[paint](f, skin, 0.0, np.random.default_rng(0))[0]


@pytest.mark.parametrize("f", SOME, ids=lambda f: f.category)
def test_local_shuffling_keeps_how_full_each_cell_is(f):
    before, after = object_mask(f), mask_of(f, "local_shuffled")
    coarse = [m[..., 0].reshape(8, 8, 8, 8).mean((1, 3)) for m in (before, after)]
    np.testing.assert_allclose(*coarse, atol=1e-6)
    edge = [np.abs(np.diff(m[..., 0], axis=1)).sum() for m in (before, after)]
    assert edge[1] > 1.2 * edge[0]  # the contour is frayed


@pytest.mark.parametrize("f", SOME, ids=lambda f: f.category)
def test_global_shuffling_keeps_what_is_in_the_patches(f):
    before, after = object_mask(f), mask_of(f, "global_shuffled")
    patches = [
        {p.tobytes() for p in m[..., 0].reshape(4, 16, 4, 16).swapaxes(1, 2).reshape(16, 16, 16)}
        for m in (before, after)
    ]
    assert patches[0] == patches[1] and not np.array_equal(before, after)


def test_an_arrangement_of_another_fills_the_places_of_the_other():
    """The largest piece of a bottle is in the place of the largest of the other's."""
    f = next(f for f in SOME if f.category != "knife")
    other = replace(f, category=arrangements.another(f))
    own, places = arrangements._by_size(f), arrangements._by_size(other)
    moved = mask_of(f, "arranged_as_another")[..., 0]
    row, column = np.mean(np.nonzero(average_down(places[0])[..., 0] > 0), axis=1)
    piece = average_down(own[0])[..., 0]
    middle = np.mean(np.nonzero(piece > 0), axis=1)
    down, right = np.rint([row - middle[0], column - middle[1]]).astype(int)
    expected = np.roll(piece > 0.9, (down, right), (0, 1))
    assert (moved[expected] > 0).mean() > 0.8
    assert moved.sum() >= 0.5 * piece.sum()


def test_an_object_arranged_as_itself_is_as_it_was(monkeypatch):
    monkeypatch.setattr(arrangements, "another", lambda f: f.category)
    for f in SOME:
        whole = np.any(arrangements._by_size(f), axis=0)
        np.testing.assert_array_equal(mask_of(f, "arranged_as_another"), average_down(whole))


def test_each_category_takes_the_places_of_all_others_in_turn():
    some = [factors("validation", i, SETTINGS) for i in range(0, 240)]
    pairs = {(f.category, arrangements.another(f)) for f in some}
    assert len(pairs) == 240 and all(a != b for a, b in pairs)


@pytest.mark.parametrize("paint", arrangements.FIGURES)
def test_beyond_both_objects_nothing_changes(paint):
    f = SOME[1]
    natural, found = render(f), render(f, paint=paint)
    far = (object_mask(f)[..., 0] == 0) & (mask_of_image(f, paint) == 0)
    assert far.mean() > 0.2 and np.array_equal(natural[:, far], found[:, far])
    assert not np.array_equal(natural, found)


def mask_of_image(f, paint):
    import zlib

    rng = np.random.default_rng([*f.seed, zlib.crc32(paint.encode())])
    skin = np.zeros((64, 64, 3), np.float32)
    return arrangements.FIGURES[paint](f, skin, 0.0, rng)[0][..., 0]


def test_a_set_of_them_is_drawn_as_it_is_loaded(monkeypatch):
    names = [f"validation_{i:05d}_{CATEGORIES[i % 16]}.png" for i in range(1600)]
    table = pd.DataFrame(
        {"imagename": names, "category": [CATEGORIES[i % 16] for i in range(1600)]}
    )
    table = table.assign(label=[i % 16 for i in range(1600)])
    natural = ImageSet("validation", table, None, "natural")
    monkeypatch.setattr("shapebias_utils.datasets.pictograms.images.pictograms", lambda s: natural)
    images = natural.subset([40, 3, 19], "three")
    found = rearranged(images, paint="arranged_as_another", flat=True)
    f, flat = factors("validation", 3, SETTINGS), replace(SETTINGS, texture_contrast=0.0)
    drawn = render(f, flat, "arranged_as_another")
    np.testing.assert_allclose(found.load([1])[0].numpy(), drawn / np.float32(255), atol=1e-7)
    cues = with_cues(found.table.assign(object_response="cat"))
    assert cues["texture"].tolist() == images.table["category"].tolist()
    assert cues["shape"].tolist() == [arrangements.another(factors("validation", i, SETTINGS))
                                      for i in (40, 3, 19)]  # fmt: skip
    other = rearranged(images, paint="local_shuffled")
    assert other.table is images.table and len({found.digest, other.digest, images.digest}) == 3
    stranger = ImageSet("photos", table.assign(imagename="a.jpg")[:1], None, "x")
    with pytest.raises(ValueError, match="a.jpg is no pictogram"):
        rearranged(stranger, paint="local_shuffled")
