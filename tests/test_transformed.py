"""Accuracy on transformed images: what is measured, and the ratio over images right as they are."""

import pandas as pd
import pytest

from shapebias_utils import results
from shapebias_utils.datasets import get_dataset
from shapebias_utils.distortions import get_distortion
from shapebias_utils.measures import transformed as measure
from shapebias_utils.measures.statistics import levels
from shapebias_utils.networks import get_network

ABOUT = {"network": "A", "architecture": "A", "training": "standard", "seed": 0}


def trials(rows) -> pd.DataFrame:
    columns = ["imagename", "family", "level", "correct"]
    return pd.DataFrame(rows, columns=columns).assign(**ABOUT)


BY_HAND = trials(
    [(name, measure.CLEAN, 1.0, clean) for name, clean in (("a", 1), ("b", 1), ("c", 0), ("d", 0))]
    + [(name, "saturated", 1.0, 1) for name in "abcd"]
    + [(name, "saturated", 4.0, right) for name, right in (("a", 1), ("b", 0), ("c", 1), ("d", 0))]
    + [(name, "saturated", 8.0, right) for name, right in (("a", 1), ("b", 1), ("c", 0), ("d", 0))]
)


def test_of_all_images_and_of_those_right_as_they_are():
    found = levels(measure.observed(BY_HAND)).set_index("quantity")["value"]
    assert found["accuracy: as they are"] == 0.5 and found["accuracy: saturated"] == 0.5
    assert found["kept: saturated"] == 0.75, "p = 1 greys images, and does not count"
    assert "kept: as they are" not in found


def test_each_level_on_its_own():
    found = measure.curves(BY_HAND).set_index(["measure", "family", "level"])["value"]
    assert found["kept", "saturated", 1.0] == 1 and found["kept", "saturated", 4.0] == 0.5
    assert found["accuracy", "saturated", 8.0] == 0.5 and found["accuracy", measure.CLEAN, 1] == 0.5


def test_a_network_that_is_never_right_keeps_nothing():
    wrong = BY_HAND.assign(correct=0)
    found = levels(measure.observed(wrong)).set_index("quantity")["value"]
    assert found["accuracy: saturated"] == 0 and pd.isna(found["kept: saturated"])


@pytest.mark.parametrize(
    "distortion, size, expected",
    [
        ("saturation", 64, (1, 4, 8, 16, 64, 1024)),
        ("low_frequencies", 64, (24, 16, 12, 8, 4)),
        ("high_frequencies", 64, (2, 4, 8, 12, 16, 24)),
        ("high_frequencies", 16, (2, 4)),
        ("scramble", 64, (2, 4, 8)),
        ("silhouette_low", 64, (1,)),
    ],
)
def test_levels_without_those_that_change_nothing_or_leave_nothing(distortion, size, expected):
    assert measure.levels_of(distortion, size) == expected
    assert set(expected) <= set(get_distortion(distortion).levels)


def test_every_family_is_measured_level_by_level(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    data, network = get_dataset("pictograms"), get_network("AlexNet", "pictograms")
    images = data.images("validation").where("whole", "two", 2)
    table = measure.on_transformed([network], data, images)
    found = table.groupby("family", sort=False)["level"].nunique()
    families = {f.name: f.distortion for f in measure.FAMILIES}
    assert list(found.index) == [measure.CLEAN, *families, *measure.ALONE]
    for family, distortion in families.items():
        assert found[family] == len(measure.levels_of(distortion, data.size))
    assert (table.groupby(["family", "level"]).size() == 2).all()


def test_what_is_missing_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(measure, "lacking", lambda data, names: {"stylized": "no paintings"})
    data, network = get_dataset("pictograms"), get_network("AlexNet", "pictograms")
    monkeypatch.setattr(measure, "FAMILIES", measure.FAMILIES[:1])
    monkeypatch.setattr(measure, "ALONE", ())
    images = data.images("validation").subset([0], "one")
    table = measure.on_transformed([network], data, images)
    assert table["family"].unique().tolist() == [measure.CLEAN]


def test_recipes_are_named():
    table = measure.described()
    assert list(table.index) == [f.name for f in measure.FAMILIES]
    assert table["recipe"].str.contains("Zhang & Zhu|Geirhos").all()
