"""Ground truth of each pixel: object, part, texture, colour and scene."""

import numpy as np
import pytest

from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets.pictograms.annotate import COLOURS, CONCEPTS, annotate, name_colours
from shapebias_utils.datasets.pictograms.render import factors, object_mask
from shapebias_utils.datasets.pictograms.shapes import PARTS, SHAPES


@pytest.mark.parametrize("split, index", [("train", i) for i in range(16)] + [("cue_conflict", 77)])
def test_maps_agree_with_the_factors_and_the_mask(split, index):
    f = factors(split, index)
    maps = annotate(f)
    assert {m.shape for m in maps.values()} == {(64, 64)}
    assert {m.dtype for m in maps.values()} == {np.dtype("uint8")}
    inside = maps["object"] > 0
    for kind, name in (("object", f.category), ("texture", f.texture)):
        assert set(maps[kind][inside]) == {1 + CONCEPTS[kind].index(name)}
        assert not maps[kind][~inside].any()
    assert ((maps["part"] > 0) == inside).all()
    own = {1 + PARTS.index(part.name) for part in SHAPES[f.category]}
    assert set(maps["part"][inside]) <= own
    assert (maps["scene"] == 1 + CONCEPTS["scene"].index(f.scene)).all()
    covered = object_mask(f)[..., 0]
    assert inside[covered == 1].all() and not inside[covered == 0].any()


def test_every_part_of_every_category_is_seen_somewhere():
    for position, category in enumerate(CATEGORIES):
        seen = set()
        for k in range(12):
            f = factors("validation", position + 16 * k)
            seen |= set(np.unique(annotate(f)["part"])) if f.whole else set()
        assert {1 + PARTS.index(part.name) for part in SHAPES[category]} <= seen, category


def test_colours_are_named_by_the_nearest_term():
    names = list(COLOURS)
    focal = np.array(list(COLOURS.values()))
    assert [names[i] for i in name_colours(focal)] == names
    dark_red, sky = np.array([[0.8, 0.05, 0.1], [0.1, 0.15, 0.9]])
    assert [names[i] for i in name_colours(np.stack([dark_red, sky]))] == ["red", "blue"]


def test_the_object_has_one_colour_whatever_its_texture():
    f = next(f for i in range(99) if (f := factors("validation", i)).whole)
    full = object_mask(f)[..., 0] == 1
    assert set(annotate(f)["color"][full]) == {1 + int(name_colours(np.clip(f.colour, 0, 1)))}
