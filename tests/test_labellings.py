"""The same channels under two labellings, by hand."""

import pandas as pd
import pytest

from shapebias_utils.datasets.pictograms.broden_like import wears
from shapebias_utils.measures.dissection.labellings import cross_labels, destinations

WEARS = {"cat": ("striped",), "leg": ("striped", "banded")}
KIND = {"cat": "object", "dog": "object", "leg": "part", "striped": "texture",
        "banded": "texture", "red": "color"}  # fmt: skip
CASES = [
    # first label, second label, relation, destination
    ("cat", "striped", "its texture", "its texture"),
    ("cat", "banded", "another", "texture"),
    ("cat", "cat", "the same", "object"),
    ("cat", "dog", "another", "object"),
    ("cat", None, "none", "none"),
    ("leg", "banded", "its texture", "its texture"),
    ("leg", "leg", "the same", "part"),
    ("striped", "striped", "the same", "texture"),
    ("dog", "striped", "another", "texture"),
    ("red", "cat", "another", "object"),
    (None, "red", "another", "color"),
    (None, None, "none", "none"),
]


def dissected(column: int) -> pd.DataFrame:
    """Two rows a channel: its label, and a concept of lower IoU."""
    rows = []
    for unit, case in enumerate(CASES):
        label = case[column]
        rows.append((unit, label, 0.3 if label else 0.0))
        rows.append((unit, "red", 0.02) if label else (unit, None, 0.0))
    table = pd.DataFrame(rows, columns=["unit", "concept", "iou"])
    about = {"network": "N", "architecture": "N", "training": "standard", "seed": 0}
    return table.assign(category=table["concept"].map(KIND), layer="conv1", **about)


def test_what_becomes_of_each_label():
    crossed = cross_labels(dissected(0), dissected(1), WEARS)
    assert crossed["relation"].tolist() == [case[2] for case in CASES]
    kinds = [KIND.get(case[0], "none") for case in CASES]
    assert crossed["category"].tolist() == kinds


def test_destinations_add_up():
    table = destinations(cross_labels(dissected(0), dissected(1), WEARS))
    found = table.set_index(["category", "to"])["count"].to_dict()
    expected: dict = {}
    for case in CASES:
        key = KIND.get(case[0], "none"), case[3]
        expected[key] = expected.get(key, 0) + 1
    assert found == expected
    assert table.groupby("category")["share"].sum().tolist() == pytest.approx([1] * 5)
    objects = table[table["category"] == "object"]
    assert (objects["n"] == 6).all()


def test_every_object_wears_one_texture_and_a_part_those_of_its_owners():
    worn = wears()
    assert len(worn["cat"]) == 1 and len(worn["wheel"]) > 1
    assert set(worn["wheel"]) == {worn[c][0] for c in ("bicycle", "car", "truck")}
