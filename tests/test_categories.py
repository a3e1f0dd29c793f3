"""The mapping from ImageNet's 1,000 classes to 16 categories is that of Geirhos et al."""

import json
from pathlib import Path

import pytest

from shapebias_utils.categories import CATEGORIES, IMAGENET_CLASSES

PUBLISHED = json.loads((Path(__file__).parent / "oracles" / "class16.json").read_text())["classes"]

COUNTS = {
    "airplane": 1, "bear": 4, "bicycle": 2, "bird": 49, "boat": 5, "bottle": 7, "car": 3, "cat": 6,
    "chair": 4, "clock": 3, "dog": 109, "elephant": 2, "keyboard": 2, "knife": 1, "oven": 1,
    "truck": 8,
}  # fmt: skip
"""Classes of each category, as the paper's sources count them: 207."""


def test_there_are_sixteen_categories_in_alphabetical_order():
    assert len(CATEGORIES) == 16 and list(CATEGORIES) == sorted(CATEGORIES)
    assert tuple(IMAGENET_CLASSES) == CATEGORIES, "arg max takes the first of equals"


def test_every_category_has_as_many_classes_as_published():
    assert {c: len(classes) for c, classes in IMAGENET_CLASSES.items()} == COUNTS
    assert sum(COUNTS.values()) == 207


def test_no_class_belongs_to_two_categories():
    classes = [i for members in IMAGENET_CLASSES.values() for i in members]
    assert len(set(classes)) == len(classes) and 0 <= min(classes) and max(classes) < 1000
    assert all(list(members) == sorted(members) for members in IMAGENET_CLASSES.values())


@pytest.mark.parametrize(
    ("index", "category"),
    [
        (404, "airplane"),
        (286, "cat"),  # cougar
        (151, None),  # Chihuahua
        (152, "dog"),
        (268, "dog"),
        (269, None),  # timber wolf
        (8, "bird"),  # hen
        (7, None),  # cock
        (17, None),  # jay
        (134, None),  # crane
        (145, "bird"),  # king penguin
        (146, None),  # albatross
    ],
)
def test_classes_at_the_edges_of_categories(index, category):
    found = [c for c, members in IMAGENET_CLASSES.items() if index in members]
    assert found == ([category] if category else [])


def test_the_mapping_is_the_published_one():
    published = {c: tuple(index for index, *_ in rows) for c, rows in PUBLISHED.items()}
    assert dict(IMAGENET_CLASSES) == published
