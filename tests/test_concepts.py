"""Images with concepts: those of Pictogram-16, and how labels are kept on disk."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shapebias_utils.datasets import get_dataset
from shapebias_utils.datasets.labels_on_disk import keep, kept
from shapebias_utils.datasets.pictograms import concepts as labelled_pictograms
from shapebias_utils.datasets.pictograms import images as pictograms
from shapebias_utils.datasets.pictograms.annotate import CONCEPTS, annotate
from shapebias_utils.datasets.pictograms.concepts import PLANES, annotations, labelled
from shapebias_utils.datasets.pictograms.render import factors


@pytest.fixture(scope="module")
def validation():
    return labelled("validation")


# --- Pictogram-16 ---------------------------------------------------------------------------------


def test_the_concepts_are_numbered_from_1_across_all_kinds(validation):
    table = validation.concepts
    assert table["number"].tolist() == list(range(1, 91))
    assert table["name"].is_unique
    found = {kind: tuple(rows["name"]) for kind, rows in table.groupby("category")}
    assert found == CONCEPTS


def test_the_images_are_the_validation_images(validation):
    images = pictograms.pictograms("validation")
    assert (validation.name, len(validation)) == ("validation", len(images))
    assert validation.images.digest == images.digest != validation.digest


@pytest.mark.parametrize("row", [0, 1, 7, 799, 800, 1599])
def test_each_pixel_has_the_names_that_the_image_was_made_from(validation, row):
    names = dict(zip(validation.concepts["number"], validation.concepts["name"], strict=True))
    (planes,), ((scene,),) = validation.labels([row])
    assert planes.shape == (4, 64, 64) and planes.dtype == np.uint16
    f = factors("validation", row)
    assert names[scene] == f.scene
    maps = annotate(f)
    for kind, plane in zip(PLANES, planes, strict=True):
        own = np.array(["", *CONCEPTS[kind]])[maps[kind]]
        assert (np.vectorize(lambda number: names.get(number, ""))(plane) == own).all()


def test_objects_and_textures_to_dissect_networks_on_are_of_different_categories():
    concepts = get_dataset("pictograms").concepts("")
    assert concepts.images.digest == pictograms.pictograms("cue_conflict").digest
    texture = concepts.images.table.groupby("category")["texture"].nunique()
    assert (texture == 16).all()


def test_rows_come_in_the_order_asked_for(validation):
    planes, whole = validation.labels([5, 3, 5])
    for position, row in enumerate([5, 3, 5]):
        alone = validation.labels([row])
        assert (planes[position] == alone[0][0]).all() and whole[position] == alone[1][0]
    planes, whole = validation.labels([])
    assert planes.shape == (0, 4, 64, 64) and whole.shape == (0, 1)


def test_a_subset_keeps_images_and_labels_together(validation):
    subset = validation.subset([9, 2], "two")
    assert (subset.name, len(subset)) == ("two", 2) and subset.digest != validation.digest
    assert (subset.labels([1])[0] == validation.labels([2])[0]).all()
    assert subset.images.load([0]).equal(validation.images.load([9]))


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A validation split of 16 images, its labels kept in a folder of the test."""
    monkeypatch.setattr(pictograms, "SPLITS", {"validation": 16})
    for module in (pictograms, labelled_pictograms):
        monkeypatch.setattr(module, "RAW", tmp_path)
    pictograms.pictograms.cache_clear()
    labelled.cache_clear()
    yield tmp_path
    pictograms.pictograms.cache_clear()
    labelled.cache_clear()


def test_the_labels_are_drawn_once_and_again_when_damaged(small, monkeypatch):
    drawn = []

    def here(split, count):
        drawn.append(count)
        for row in annotations(split, range(count)):
            yield row[:-1].reshape(4, 64, 64), row[-1:]

    monkeypatch.setattr(labelled_pictograms, "_annotated", here)
    first = labelled("validation")
    labelled.cache_clear()
    again = labelled("validation")
    assert drawn == [16] and first.digest == again.digest
    (file,) = small.rglob("planes.bin")
    file.write_bytes(file.read_bytes()[:-1])
    labelled.cache_clear()
    assert (labelled("validation").labels([15])[0] == first.labels([15])[0]).all()
    assert drawn == [16, 16]


def test_all_cores_together_annotate_the_same(small, monkeypatch):
    monkeypatch.setattr(pictograms, "cores", lambda: 3)
    planes, whole = labelled("validation").labels(range(16))
    alone = annotations("validation", range(16))
    assert (np.column_stack([planes.reshape(16, -1), whole]) == alone).all()


def test_an_annotation_that_stops_is_an_error_and_leaves_nothing(small, monkeypatch):
    def broken(split, rows):
        raise RuntimeError(f"no {split} today")

    monkeypatch.setattr(pictograms, "cores", lambda: 1)
    monkeypatch.setattr(labelled_pictograms, "annotations", broken)
    with pytest.raises(RuntimeError, match="no validation today"):
        labelled("validation")
    assert not list(small.rglob("facts.json"))


# --- labels on disk -------------------------------------------------------------------------------

NUMBERS = st.integers(0, 65535)


@given(
    planes=st.integers(0, 3).flatmap(lambda p: st.lists(
        arrays(np.uint16, (p, 3, 5), elements=NUMBERS), min_size=1, max_size=4)),
    wholes=st.lists(st.lists(NUMBERS, max_size=3), min_size=4, max_size=4),
)  # fmt: skip
def test_what_is_kept_comes_back(tmp_path_factory, planes, wholes):
    folder = tmp_path_factory.mktemp("labels")
    keep(folder, {"k": 1}, zip(planes, wholes, strict=False), {"lost": ["a"]})
    found = kept(folder, {"k": 1})
    assert found.facts == {"lost": ["a"]}
    rows = list(range(len(planes)))[::-1]
    got, whole = found.load(rows)
    assert got.dtype == whole.dtype == np.uint16
    assert np.array_equal(got, np.stack(planes[::-1]))
    for i, own in zip(rows, whole, strict=True):
        assert own[: len(wholes[i])].tolist() == wholes[i] and not own[len(wholes[i]) :].any()


def test_another_key_or_a_damaged_file_is_not_what_is_asked_for(tmp_path):
    def write(number):
        keep(tmp_path, {"k": 1}, [(np.full((1, 2, 2), number), [number])], {})
        return kept(tmp_path, {"k": 1})

    assert kept(tmp_path, {"k": 1}) is None
    digest = write(7).digest
    assert write(7).digest == digest != write(8).digest
    assert kept(tmp_path, {"k": 2}) is None
    for name in ("planes.bin", "index.npz", "facts.json"):
        write(7)
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-3])
        assert kept(tmp_path, {"k": 1}) is None
    write(7)
    about = json.loads((tmp_path / "facts.json").read_text())
    (tmp_path / "facts.json").write_text(json.dumps(about | {"files": None}))
    assert kept(tmp_path, {"k": 1}) is None


def test_labels_that_fail_midway_leave_no_file(tmp_path):
    def broken():
        yield np.zeros((1, 2, 2)), []
        raise ValueError("no second image")

    with pytest.raises(ValueError, match="no second"):
        keep(tmp_path, {}, broken(), {})
    assert list(tmp_path.iterdir()) == []
