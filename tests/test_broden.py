"""Folders in Broden's form: read as they are meant, refused where they break it, written back."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from shapebias_utils.cli import main
from shapebias_utils.datasets import ImageSet, broden, get_dataset, image_files
from shapebias_utils.datasets.broden import read_broden
from shapebias_utils.datasets.broden_export import export_broden
from shapebias_utils.datasets.concepts import ConceptSet
from shapebias_utils.datasets.pictograms.concepts import labelled

INDEX = ["image", "split", "ih", "iw", "sh", "sw"]
CATEGORIES = ("object", "part", "scene", "texture")
COVERAGE = {
    "object": {1: 2.0, 300: 1.0, 6: 1.0, 8: 0.0},
    "part": {2: 1.0, 6: 2.0, 7: 5.0},
    "scene": {3: 1.0, 7: 5.0},
    "texture": {4: 9e-05, 5: 1.0},
}
"""Category -> number -> coverage. 6 is in two categories, 7 in two to the same extent, 8 covers
nothing, and 9 is in none."""

GREEN = np.array([[0, 300, 300], [1, 0, 0]])  # 300 = R 44, G 1
PARTS = np.array([[0, 2, 2], [0, 0, 0]]), np.array([[2, 2, 0], [0, 0, 6]])
ROWS = [
    {"image": "ade/a.png", "object": GREEN, "texture": "4;5", "scene": "3"},
    {"image": "b.png", "part": PARTS, "scene": "0", "texture": " 0;4; ;"},
    {"image": "c.jpg"},
]


def pixels(number, blue=0):
    number = np.asarray(number)
    return np.stack([number % 256, number // 256, blue + 0 * number], -1).astype(np.uint8)


def write(folder, rows=ROWS, coverage=COVERAGE):
    """The folder, with these rows; a plane or a tuple of planes is written and its name noted."""
    index = []
    for row in rows:
        path = folder / "images" / row["image"]
        path.parent.mkdir(parents=True, exist_ok=True)
        generator = np.random.default_rng(len(index))
        Image.fromarray(generator.integers(0, 256, (4, 6, 3), np.uint8)).save(path)
        cells = dict(zip(INDEX, (row["image"], "train", 4, 6, 2, 3), strict=True))
        for category in coverage:
            cell = row.get(category, "")
            if not isinstance(cell, str):
                names = []
                for k, plane in enumerate(cell if isinstance(cell, tuple) else (cell,)):
                    names.append(f"{path.stem}_{category}_{k}.png")
                    Image.fromarray(pixels(plane)).save(folder / "images" / names[-1])
                cell = ";".join(names)
            cells[category] = cell
        index.append(cells)
    pd.DataFrame(index).to_csv(folder / "index.csv", index=False)
    numbers = sorted({n for listed in coverage.values() for n in listed} | {9})
    names = [f"concept {n}" for n in numbers]
    pd.DataFrame({"number": numbers, "name": names}).to_csv(folder / "label.csv", index=False)
    pd.DataFrame({"name": list(coverage)}).to_csv(folder / "category.csv", index=False)
    for category, listed in coverage.items():
        table = pd.DataFrame({"number": list(listed), "coverage": list(listed.values())})
        table.to_csv(folder / f"c_{category}.csv", index=False)
    return folder


@pytest.fixture(autouse=True)
def raw(tmp_path, monkeypatch):
    monkeypatch.setattr(broden, "RAW", tmp_path / "raw")
    return tmp_path / "raw"


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "set")


# --- reading --------------------------------------------------------------------------------------


def test_planes_stand_in_the_order_of_the_columns(folder):
    planes, _ = read_broden(folder).labels([0, 1, 2])
    assert planes.shape == (3, 3, 2, 3) and planes.dtype == np.uint16
    assert (planes[0] == [GREEN, 0 * GREEN, 0 * GREEN]).all()
    assert (planes[1] == [0 * GREEN, *PARTS]).all(), "both keep the pixel that both label 2"
    assert not planes[2].any()


def test_numbers_label_whole_images_and_0_is_dropped(folder):
    _, whole = read_broden(folder).labels([0, 1, 2])
    assert whole.dtype == np.uint16
    assert [sorted(w[w > 0].tolist()) for w in whole] == [[3, 4, 5], [4], []]


def test_a_concept_counts_where_it_covers_most(folder):
    table = read_broden(folder).concepts
    assert list(table.columns) == ["number", "name", "category"]
    assert table["number"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 300]
    assert table["name"].tolist() == [f"concept {n}" for n in table["number"]]
    assert dict(zip(table["number"], table["category"], strict=True)) == {
        1: "object", 2: "part", 3: "scene", 4: "texture", 5: "texture", 300: "object",
        6: "part", 7: "scene", 8: "texture", 9: "texture",
    }  # fmt: skip


def test_the_images_are_as_they_are_stored(folder):
    images = read_broden(folder).images
    assert images.name == "set"
    assert images.table["imagename"].tolist() == ["ade/a.png", "b.png", "c.jpg"]
    assert set(images.table["label"]) == {-1} and set(images.table["category"]) == {""}
    loaded = images.load([1, 0])
    assert loaded.shape == (2, 3, 4, 6) and loaded.dtype == torch.float32
    with Image.open(folder / "images" / "b.png") as image:
        assert (loaded[0].numpy() * 255 == np.asarray(image).transpose(2, 0, 1)).all()


def test_some_categories_only(folder):
    texture = read_broden(folder, ["texture"])
    assert texture.concepts["number"].tolist() == [4, 5, 9]
    planes, whole = texture.labels([0, 1, 2])
    assert planes.shape == (3, 0, 2, 3)
    assert [w[w > 0].tolist() for w in whole] == [[4, 5], [4], []]
    part = read_broden(folder, ["part", "object"])
    assert dict(zip(part.concepts["number"], part.concepts["category"], strict=True))[7] == "part"
    assert part.labels([0])[0].shape == (1, 3, 2, 3) and part.labels([0])[1].shape == (1, 0)
    assert len({s.digest for s in (read_broden(folder), texture, part)}) == 3


def test_a_label_of_0_in_the_list_is_no_concept(folder):
    table = pd.read_csv(folder / "label.csv")
    table.loc[len(table)] = [0, "-"]
    table.to_csv(folder / "label.csv", index=False)
    assert 0 not in set(read_broden(folder).concepts["number"])


def test_labels_are_decoded_once_and_again_when_a_file_changes(folder, raw, monkeypatch):
    decoded, plane = [], broden._plane

    def spy(path, *rest):
        decoded.append(path.name)
        return plane(path, *rest)

    monkeypatch.setattr(broden, "_plane", spy)
    first = read_broden(folder)
    assert sorted(decoded) == ["a_object_0.png", "b_part_0.png", "b_part_1.png"]
    assert read_broden(folder).digest == first.digest and len(decoded) == 3
    other = np.array([[0, 1, 1], [1, 0, 0]])
    Image.fromarray(pixels(other)).save(folder / "images" / "a_object_0.png")
    changed = read_broden(folder)
    assert len(decoded) == 6 and (changed.labels([0])[0][0, 0] == other).all()
    assert changed.digest != first.digest
    (file,) = raw.rglob("planes.bin")
    file.write_bytes(b"damaged")
    assert read_broden(folder).digest == changed.digest and len(decoded) == 9


def test_threads_decode_the_same(folder, raw, monkeypatch):
    first = read_broden(folder)
    shutil.rmtree(raw)
    monkeypatch.setattr(broden, "in_threads", lambda jobs: image_files.in_threads(jobs, 1))
    assert read_broden(folder).label_digest == first.label_digest


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["index.csv", "label.csv", "category.csv", "c_part.csv", "images/ade/a.png",
             "images/b_part_1.png"],
)  # fmt: skip
def test_a_file_that_is_missing_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"set is incomplete: it has no {name}.*broden1"):
        read_broden(folder)


def test_no_folder_says_what_goes_there(tmp_path, raw):
    with pytest.raises(FileNotFoundError, match="no Broden folder .*nowhere: unpack http"):
        read_broden(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=f"no Broden folder {raw}/broden1_224"):
        get_dataset("imagenet").concepts("")


def cell(column, value, row=0):
    def change(folder):
        table = pd.read_csv(folder / "index.csv", dtype=str, keep_default_na=False)
        table.loc[row, column] = value
        table.to_csv(folder / "index.csv", index=False)

    return change


def plane(array):
    return lambda folder: Image.fromarray(array).save(folder / "images" / "a_object_0.png")


def text(name, content):
    return lambda folder: (folder / name).write_text(content)


def without(name, column):
    def change(folder):
        pd.read_csv(folder / name).drop(columns=column).to_csv(folder / name, index=False)

    return change


REFUSED = {
    "planes of another size": (plane(pixels(np.ones((4, 4)))), r"a_object_0.png is 4x4.*it is 3x2"),
    "sizes that differ": (cell("sw", "9", 1), r"labels of b.png the size 9x2, those of ade/a.png"),
    "a grey plane": (plane(np.ones((2, 3), np.uint8)), "a_object_0.png is no label plane.*R . 256"),
    "a blue byte": (plane(pixels(GREEN, 1)), "a_object_0.png is no label plane"),
    "a broken plane": (
        text("images/a_object_0.png", "x"),
        "a_object_0.png is not a readable",
    ),
    "an unknown number": (plane(pixels(0 * GREEN + 44)), "a_object_0.png: label 44 is not known"),
    "an unknown label": (cell("scene", "3;77", 1), "index.csv, line 3: label 77 is not known"),
    "a number too large": (cell("scene", "70000"), "index.csv, line 2: label 70000 is not known"),
    "a size in words": (cell("sh", "two"), "index.csv, line 2: sh is 'two', not a number"),
    "an image twice": (cell("image", "b.png"), "index.csv lists b.png twice"),
    "no column": (without("index.csv", "part"), "index.csv lacks the column part"),
    "no coverage": (without("c_part.csv", "coverage"), "c_part.csv lacks the column coverage"),
    "a number twice": (text("label.csv", "number,name\n1,a\n1,b\n"), "label.csv has the number 1"),
    "a number from 65536": (text("label.csv", "number,name\n65536,a\n"), "the number 65536"),
    "an empty table": (text("label.csv", ""), "label.csv is not a CSV table"),
    "no images": (text("index.csv", "image,sh,sw,object,part,scene,texture\n"), "lists no images"),
}


@pytest.mark.parametrize("change, said", REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_named(folder, raw, change, said):
    change(folder)
    with pytest.raises(ValueError, match=said):
        read_broden(folder)
    assert list(raw.rglob("planes.bin")) == []


def test_an_unknown_category_lists_the_known_ones(folder):
    with pytest.raises(ValueError, match="no category 'colour'; choose from object, part, scene"):
        read_broden(folder, ["colour"])


def test_an_image_that_cannot_be_read_is_named_when_it_is_wanted(folder):
    (folder / "images" / "b.png").write_bytes(b"no image")
    images = read_broden(folder).images
    assert images.load([0, 0]).shape == (2, 3, 4, 6)
    with pytest.raises(ValueError, match="b.png is not a readable image"):
        images.load([0, 1])


# --- writing, and reading what was written --------------------------------------------------------


def same(one: ConceptSet, found: ConceptSet) -> None:
    """Images, labels, and the concepts that any image has."""
    rows = list(range(len(one)))
    labels = one.labels(rows)
    for a, b in zip(labels, found.labels(rows), strict=True):
        assert np.array_equal(a, b)
    seen = one.concepts["number"].isin(np.concatenate([a.ravel() for a in labels]))
    pd.testing.assert_frame_equal(one.concepts[seen].reset_index(drop=True), found.concepts)
    assert one.images.load(rows).equal(found.images.load(rows))
    assert one.images.table["imagename"].tolist() == found.images.table["imagename"].tolist()


def test_pictograms_come_back_bit_for_bit(tmp_path, capsys):
    out = tmp_path / "exported"
    with pytest.raises(SystemExit, match="0"):
        main(["export-broden", "--out", str(out), "-n", "40"])
    assert capsys.readouterr().out.strip().endswith("exported")
    found = get_dataset("pictograms").concepts(str(out))
    same(labelled("validation").subset(range(40), "first"), found)
    assert found.digest == get_dataset("imagenet").concepts(out).digest


@pytest.mark.slow
def test_all_of_pictograms_has_the_digest_it_came_with(tmp_path):
    concepts = get_dataset("pictograms").concepts("")
    found = read_broden(export_broden(concepts, tmp_path / "all"))
    same(concepts, found)
    assert found.label_digest == concepts.label_digest


def test_the_tables_are_those_of_broden(tmp_path):
    out = export_broden(labelled("validation").subset(range(24), "some"), tmp_path / "out")
    read = {p.stem: pd.read_csv(p, keep_default_na=False) for p in out.glob("*.csv")}
    assert list(read["index"].columns) == [
        *INDEX, "color", "object", "part", "material", "scene", "texture"
    ]  # fmt: skip
    assert list(read["label"].columns) == [
        "number", "name", "category", "frequency", "coverage", "syns"
    ]  # fmt: skip
    assert list(read["category"].columns) == ["name", "first", "last", "count", "frequency"]
    assert read["category"]["first"].is_monotonic_increasing
    assert (out / "README.txt").read_text().startswith("24 images")
    table, label = labelled("validation").concepts, read["label"].set_index("number")
    planes, whole = labelled("validation").labels(range(24))
    assert 50 < len(label) < 90, "what no image has is left out"
    for number, category in zip(table["number"], table["category"], strict=True):
        inside = (whole == number) if category == "scene" else (planes == number).any((1, 2, 3))
        if not inside.any():
            assert number not in label.index
            continue
        area = (whole == number).sum() if category == "scene" else (planes == number).sum() / 4096
        row = label.loc[number]
        assert row["category"] == f"{category}({inside.sum()})" and row["frequency"] == inside.sum()
        assert row["coverage"] == pytest.approx(area)
        own = read[f"c_{category}"].set_index("number").loc[number]
        assert (own["name"], own["coverage"]) == (row["name"], row["coverage"])
    for row in read["category"].itertuples():
        own = read[f"c_{row.name}"]
        assert own["code"].tolist() == list(range(1, row.count + 1))
        assert (row.first, row.last) == (own["number"].min(), own["number"].max())
        assert row.frequency == own["frequency"].sum()
    assert {*read["index"]["split"]} == {"train", "val"} and not any(read["index"]["material"])


def made(planes, whole, categories):
    """A set of these labels; concept 1, 2, ... and 65535 are of `categories` in turn."""
    numbers = [1, 2, 255, 256, 300, 65535]
    table = pd.DataFrame({"number": numbers, "name": [f"n{n}" for n in numbers]})
    table["category"] = [categories[i % len(categories)] for i in range(len(numbers))]
    pictures = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (len(planes), 3, 3, 5)))
    names = [f"folder/image{i}.png" for i in range(len(planes))]
    facts = pd.DataFrame({"imagename": names, "category": "", "label": -1})
    images = ImageSet("made", facts, lambda rows: pictures[list(rows)].float() / 255, "d")
    return ConceptSet(images, table, lambda rows: (planes[list(rows)], whole[list(rows)]), "l")


@settings(max_examples=15)
@given(
    color=arrays(np.uint16, (3, 2, 4), elements=st.sampled_from([1, 255, 300])),
    texture=arrays(np.uint16, (3, 2, 4), elements=st.sampled_from([0, 2, 256, 65535])),
    whole=arrays(np.uint16, (3, 1), elements=st.sampled_from([1, 2, 300])),
)
def test_any_set_comes_back_bit_for_bit(tmp_path_factory, color, texture, whole):
    texture[0, 0, 0] = 2  # of a category that labels nothing there is no plane to come back
    concepts = made(np.stack([color, texture], 1), whole, ["color", "texture"])
    folder = tmp_path_factory.mktemp("set")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(broden, "RAW", folder / "raw")
        same(concepts, read_broden(export_broden(concepts, folder / "out")))


def test_nothing_is_written_over_or_left_half_written(tmp_path):
    planes, whole = np.ones((3, 1, 2, 2), np.uint16), np.zeros((3, 0), np.uint16)
    good = made(planes, whole, ["color"])
    out = export_broden(good, tmp_path / "out")
    with pytest.raises(ValueError, match="out is not empty: remove it"):
        export_broden(good, out)
    mixed = planes * np.array([[1, 2], [1, 2]], np.uint16)
    with pytest.raises(ValueError, match="labels color and texture: in Broden's form each"):
        export_broden(made(mixed, whole, ["color", "texture"]), tmp_path / "other")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
