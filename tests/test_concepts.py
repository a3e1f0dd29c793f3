"""Images with concepts: those of Pictogram-16, and how labels are kept on disk."""

import json
import sys
from dataclasses import replace

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
from shapebias_utils.datasets.pictograms.broden_like import BrodenLike, broden_like
from shapebias_utils.datasets.pictograms.concepts import PLANES, annotations, labelled
from shapebias_utils.datasets.pictograms.render import factors
from shapebias_utils.datasets.pictograms.textures import HELD_OUT

broden_module = sys.modules[BrodenLike.__module__]  # whose function has its name


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


# --- as Broden labels -----------------------------------------------------------------------------


@pytest.fixture
def few(tmp_path, monkeypatch):
    """Five natural images and seven swatches, kept in a folder of the test."""
    monkeypatch.setattr(broden_module, "RAW", tmp_path)
    monkeypatch.setattr(broden_module, "on_all_cores", lambda work, n, label: [work(range(n))])
    broden_like.cache_clear()
    yield BrodenLike("few", natural=5, swatches=7)
    broden_like.cache_clear()


def test_natural_images_have_no_texture_and_swatches_nothing_but_texture_and_colour(few):
    concepts = broden_like(few)
    table = concepts.concepts.set_index("number")
    planes, whole = concepts.labels(range(12))
    kinds = concepts.images.table["kind"]
    assert kinds.tolist() == ["natural"] * 5 + ["swatch"] * 7 == concepts.strata().tolist()
    assert (planes[:, 0] > 0).all(), "colours are everywhere"
    assert planes[:5, 1:].any((2, 3)).all() and not planes[5:, 1:].any()
    assert table.loc[whole[:5, 0], "category"].eq("scene").all()
    assert table.loc[whole[5:, 0], "category"].eq("texture").all()
    assert not (table.loc[np.unique(planes[planes > 0]), "category"] == "texture").any()
    names = concepts.images.table["texture"]
    assert table.loc[whole[5:, 0], "name"].tolist() == names[5:].tolist()
    assert names[:5].tolist() == [
        concepts.wears[c][0] for c in concepts.images.table["category"][:5]
    ]


def test_natural_images_are_labelled_as_pictograms_are(few):
    concepts = broden_like(few)
    for row in range(5):
        f = factors("validation", row, broden_module.SETTINGS)
        maps, (plane,) = annotate(f), concepts.labels([row])[0]
        assert f.whole and (plane[1] > 0).tolist() == (maps["object"] > 0).tolist()
        names = dict(zip(concepts.concepts["number"], concepts.concepts["name"], strict=True))
        assert {names[n] for n in np.unique(plane[1]) if n} == {f.category}
        parts = {CONCEPTS["part"][k - 1] for k in np.unique(maps["part"]) if k}
        assert {names[n] for n in np.unique(plane[2]) if n} == parts


def test_swatches_are_full_of_a_texture_of_the_contrast_that_is_asked_for(few):
    plain = broden_like(replace(few, name="plain", contrast=0.0)).images.load(range(5, 12))
    strong = broden_like(replace(few, name="strong", contrast=0.25)).images.load(range(5, 12))
    usual = broden_like(few).images.load(range(5, 12))
    spread = [x.std((2, 3)).mean().item() for x in (plain, usual, strong)]
    assert spread[0] < 0.01 < 0.08 < spread[1] < 0.16 < spread[2]
    corners = usual[:, :, [0, 0, -9, -9], [0, -9, 0, -9]]
    assert (corners.std(2) > 0).any(1).all(), "texture reaches the corners"


def test_held_out_textures_have_numbers_of_their_own(few):
    held_out = broden_like(replace(few, name="held", textures=tuple(HELD_OUT)))
    table = held_out.concepts
    assert table["name"].tolist()[90:] == list(HELD_OUT) and table["number"].tolist()[-1] == 96
    own = table.set_index("number").loc[held_out.labels(range(5, 12))[1][:, 0], "name"]
    assert own.tolist() == [*HELD_OUT, next(iter(HELD_OUT))]
    assert held_out.digest != broden_like(few).digest


def test_natural_images_are_drawn_once_for_all_designs_with_as_many(few, monkeypatch):
    held = replace(few, name="held", textures=tuple(HELD_OUT), swatches=4)
    drawn = broden_like(held)
    broden_like.cache_clear()
    monkeypatch.setattr(broden_module, "DEFAULT", few)
    natural, work = broden_like(few), broden_module.on_all_cores
    counts = []
    monkeypatch.setattr(broden_module, "on_all_cores",
                        lambda *a: counts.append(a[1]) or work(*a))  # fmt: skip
    (pixels,) = broden_module.RAW.rglob("held-*/pixels.npy")
    pixels.unlink()
    taken = broden_like(held)
    assert counts == [4], "only swatches are drawn"
    assert taken.digest == drawn.digest
    assert taken.images.load(range(9)).equal(drawn.images.load(range(9)))
    assert taken.images.load(range(5)).equal(natural.images.load(range(5)))
    assert taken.images.table.equals(drawn.images.table)


def test_a_design_that_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match=r"textures = \('tweed',\): choose among striped"):
        BrodenLike(textures=("tweed",))
    with pytest.raises(ValueError, match="0 natural images and 0 swatches"):
        BrodenLike(natural=0, swatches=0)


def test_what_is_drawn_is_kept_until_it_is_damaged(few, monkeypatch):
    first = broden_like(few)
    broden_like.cache_clear()
    calls = []
    work = broden_module.on_all_cores
    monkeypatch.setattr(broden_module, "on_all_cores", lambda *a: calls.append(1) or work(*a))
    assert broden_like(few).digest == first.digest and not calls
    broden_like.cache_clear()
    (pixels,) = broden_module.RAW.rglob("pixels.npy")
    pixels.write_bytes(pixels.read_bytes()[:-1])
    assert broden_like(few).images.load([11]).equal(first.images.load([11])) and calls == [1]


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
