"""Tiny ImageNet as it is published; what is wrong with a copy, in one line."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from shapebias_utils import doctor
from shapebias_utils.datasets import cue_conflict, decoded, get_dataset, imagenet, tiny_imagenet
from shapebias_utils.datasets.image_files import to_tensor
from shapebias_utils.measures.evidence import ablation, dissection
from shapebias_utils.measures.shape_bias import response_counts
from shapebias_utils.networks import get_networks, network_names, standard_and_robust
from shapebias_utils.paths import ROOT
from shapebias_utils.tables.ablation import decided
from shapebias_utils.tables.cue_conflict import favourites

DATA = ROOT.parent / "shared" / "data"
with_photographs = pytest.mark.skipif(
    not (DATA / "tiny-imagenet-200").is_dir(), reason=f"no photographs in {DATA}"
)
OTHERS = [f"n{i:08d}" for i in range(1, 175)]  # before, between and behind those with a category
OTHERS[-1] = "n99999999"
DATASET, ALL = get_dataset("tiny_imagenet"), get_dataset("tiny_imagenet_200")


@pytest.fixture
def raw(tmp_path, monkeypatch):
    for module in (tiny_imagenet, imagenet):
        monkeypatch.setattr(module, "RAW", tmp_path)
    monkeypatch.setattr(decoded, "DECODED", tmp_path / "decoded")
    return tmp_path


def photo(path, seed, mode="RGB", size=(64, 64)):
    """Smooth noise, which JPEG hardly changes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).convert(mode).save(path)


@pytest.fixture
def copy(raw):
    """Two images a class, all 200 classes, and a grey one; three validation images."""
    root, last = raw / "tiny-imagenet-200", b""
    for i, wnid in enumerate([*tiny_imagenet.CATEGORISED, *OTHERS]):
        folder = root / "train" / wnid / "images"
        folder.mkdir(parents=True)
        for j in (0, 1):
            if i < 26:
                mode = "L" if (i, j) == (0, 1) else "RGB"
                photo(folder / f"{wnid}_{j}.JPEG", 2 * i + j, mode)
            else:  # all the same: it is quicker
                (folder / f"{wnid}_{j}.JPEG").write_bytes(last)
        last = (folder / f"{wnid}_1.JPEG").read_bytes()
        (root / "train" / wnid / f"{wnid}_boxes.txt").write_text(f"{wnid}_0.JPEG\t0\t0\t9\t9\n")
    for i in range(3):
        photo(root / "val" / "images" / f"val_{i}.JPEG", 900 + i)
    wnids = ("n04285008", OTHERS[3], "n02123045")
    lines = "".join(f"val_{i}.JPEG\t{w}\t0\t32\t44\t62\n" for i, w in enumerate(wnids))
    (root / "val" / "val_annotations.txt").write_text(lines)
    (root / "wnids.txt").write_text("\n".join([*OTHERS, *tiny_imagenet.CATEGORISED][::-1]) + "\n")
    return root


def test_the_classes_with_a_category_are_those_of_the_published_mapping():
    file = Path(__file__).parent / "oracles" / "class16.json"
    classes = json.loads(file.read_text())["classes"]
    published = {wnid: c for c, rows in classes.items() for _, wnid, _ in rows}
    assert {w: published[w] for w in tiny_imagenet.CATEGORISED} == tiny_imagenet.CATEGORY_OF
    for category, classes in DATASET.category_classes.items():
        wnids = {tiny_imagenet.CATEGORISED[i] for i in classes}
        assert wnids == set(tiny_imagenet.CATEGORY_WNIDS.get(category, ()))
    assert sum(map(len, DATASET.category_classes.values())) == DATASET.n_classes == 26
    assert ALL.category_classes == DATASET.category_classes and ALL.n_classes == 200


@with_photographs
def test_the_list_has_every_class_that_has_images_and_a_category():
    found = {p.name for p in (DATA / "tiny-imagenet-200" / "train").iterdir()}
    assert found == set(tiny_imagenet.CATEGORISED)


def test_training_images_of_26_classes_and_of_200(copy):
    table = DATASET.images("train").table
    assert len(table) == 52 and table["label"].tolist() == [i // 2 for i in range(52)]
    row = table[table["imagename"] == "n02123045_1.JPEG"].iloc[0]
    assert (row["category"], row["label"]) == ("cat", tiny_imagenet.CATEGORISED.index("n02123045"))
    every = ALL.images("train").table
    assert len(every) == 400 and every.iloc[:52].equals(table)
    assert set(every["category"].iloc[52:]) == {""} and sorted(set(every["label"])) == [*range(200)]


def test_validation_takes_its_labels_from_the_annotations(copy):
    table = DATASET.images("validation").table
    assert table.to_numpy().tolist() == [
        ["val_0.JPEG", tiny_imagenet.CATEGORISED.index("n04285008"), "car"],
        ["val_2.JPEG", tiny_imagenet.CATEGORISED.index("n02123045"), "cat"],
    ]
    every = ALL.images("validation").table
    assert every["imagename"].tolist() == ["val_0.JPEG", "val_1.JPEG", "val_2.JPEG"]
    assert every["label"].iloc[1] == 26 + sorted(OTHERS).index(OTHERS[3])


def test_pixels_are_the_files_and_come_from_the_array_kept_of_them(copy, raw):
    images = DATASET.images("train")
    x = images.load([0, 1, 17])
    assert x.shape == (3, 3, 64, 64) and x.dtype == torch.float32
    for i, row in enumerate((0, 1, 17)):
        name = images.table["imagename"].iloc[row]
        file = copy / "train" / name.split("_")[0] / "images" / name
        assert torch.equal(x[i], to_tensor(Image.open(file).convert("RGB"))), name
    assert torch.equal(x[1, 0], x[1, 1])  # the grey one
    crops = images.augment([0, 17], 3)
    assert torch.equal(crops, images.augment([0, 17], 3)) and not torch.equal(crops, x[::2])
    kept = next((raw / "decoded").glob("*.npy"))
    changed = np.load(kept)
    changed[0] = 7
    np.save(kept, changed)  # damaged: another hash
    tiny_imagenet._photographs.cache_clear()
    assert torch.equal(DATASET.images("train").load([0, 1, 17]), x)


def test_the_digest_names_the_bytes(copy):
    digests = {DATASET.images("train").digest, ALL.images("train").digest}
    tiny_imagenet._photographs.cache_clear()
    assert DATASET.images("train").digest in digests
    photo(copy / "train" / "n02123045" / "images" / "n02123045_0.JPEG", 77)
    tiny_imagenet._photographs.cache_clear()
    assert DATASET.images("train").digest not in digests and len(digests) == 2


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def retype(path, old, new):
    path.write_text(path.read_text().replace(old, new))


TRAIN, ANNOTATIONS = "train/n02123045/images", "val/val_annotations.txt"
WRONG = {
    "no copy": ("train", lambda c: c.rename(c.with_name("x")), "no Tiny ImageNet at .*200"),
    "no class": ("train", lambda c: (c / TRAIN).rename(c / "x"), "no folder .*n02123045/images"),
    "empty class": (
        "train",
        lambda c: [p.unlink() for p in (c / TRAIN).iterdir()],
        "n02123045/images holds no images",
    ),
    "cut off": ("train", lambda c: cut(c / TRAIN / "n02123045_1.JPEG"), "n02123045_1.JPEG is not"),
    "no image": (
        "train",
        lambda c: (c / TRAIN / "n02123045_1.JPEG").write_text("<html>"),
        "n02123045_1.JPEG is not a readable image .*remove it",
    ),
    "larger": (
        "train",
        lambda c: photo(c / TRAIN / "n02123045_1.JPEG", 0, size=(80, 64)),
        "n02123045_1.JPEG is 80x64",
    ),
    "no annotations": ("validation", lambda c: (c / ANNOTATIONS).unlink(), "no .*annotations.txt"),
    "no tabs": (
        "validation",
        lambda c: retype(c / ANNOTATIONS, "\t", " "),
        "val_annotations.txt, line 1, is 'val_0.JPEG n04285008",
    ),
    "a path": (
        "validation",
        lambda c: retype(c / ANNOTATIONS, "val_2", "../../val_2"),
        "val_annotations.txt, line 3, is '../../val_2",
    ),
    "no WNID": (
        "validation",
        lambda c: retype(c / ANNOTATIONS, "n02123045", "tabby"),
        "val_annotations.txt, line 3, is 'val_2.JPEG.ttabby",
    ),
    "twice": (
        "validation",
        lambda c: retype(c / ANNOTATIONS, "val_2", "val_0"),
        "line 3, names val_0.JPEG a second time",
    ),
    "no file": (
        "validation",
        lambda c: (c / "val/images/val_0.JPEG").unlink(),
        r"lacks val_0.JPEG \(1 of 2",
    ),
    "no category": (
        "validation",
        lambda c: [retype(c / ANNOTATIONS, w, OTHERS[0]) for w in ("n04285008", "n02123045")],
        "names no image of the 26 classes",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_copy_is_one_line_with_file_and_remedy(copy, case):
    split, spoil, message = WRONG[case]
    spoil(copy)
    with pytest.raises((ValueError, FileNotFoundError), match=message) as raised:
        DATASET.images(split)
    said = str(raised.value)
    assert "\n" not in said and str(copy) in said
    assert re.search("fetch tiny_imagenet|remove it|make all images of one size", said)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no .*wnids.txt, which lists the 200 classes"),
        ("n00000001\n", "wnids.txt lists 1 classes, expected are 200 with the 26"),
        ("bear\n", "wnids.txt lists 'bear', which is no WNID"),
    ],
)
def test_all_200_classes_need_the_list_of_them(copy, text, message):
    (copy / "wnids.txt").unlink() if text is None else (copy / "wnids.txt").write_text(text)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        ALL.images("train")
    assert len(DATASET.images("train")) == 52  # the 26 are known anyway


def test_an_unknown_split_is_refused(raw):
    with pytest.raises(ValueError, match="unknown split 'val'; choose one of train, validation"):
        DATASET.images("val")


def stimuli(raw, names, size=(128, 128)):
    for i, name in enumerate(names):
        photo(raw / "cue_conflict" / re.match("[a-z]+", name)[0] / name, i, size=size)


def test_stimuli_are_those_whose_cues_are_both_known_made_small(raw):
    stimuli(raw, ["cat1-dog1.png", "cat2-cat1.png", "oven1-cat1.png", "bear1-clock1.png"])
    images = DATASET.images("cue_conflict")
    assert images.table["imagename"].tolist() == ["cat1-dog1.png", "cat2-cat1.png"]
    assert images.table["texture_category"].tolist() == ["dog", "cat"]
    x, whole = images.load([0]), imagenet.released_stimuli().load([1])
    assert x.shape == (1, 3, 64, 64) and images.augment is None
    # Halved by a triangle over four pixels: far from the border, weights 1, 3, 3, 1.
    rows = [w * whole[0, 0, 59 + i, 59:63] for i, w in enumerate((1, 3, 3, 1))]
    wanted = (sum(rows) * torch.tensor([1, 3, 3, 1])).sum() / 64
    assert abs(x[0, 0, 30, 30] - wanted) < 1 / 255


def test_stimuli_of_a_folder_are_made_small_too(raw):
    stimuli(raw, ["cat1-dog1.png", "oven1-cat1.png"])
    given = cue_conflict.stimuli(DATASET, raw / "cue_conflict")
    own = DATASET.images("cue_conflict")
    assert torch.equal(given.load([0]), own.load([0])) and len(given) == len(own) == 1
    large = cue_conflict.stimuli(get_dataset("imagenet"), raw / "cue_conflict")
    assert large.load([0, 1]).shape == (2, 3, 128, 128)


def test_stimuli_of_other_categories_or_too_small_are_refused(raw):
    stimuli(raw, ["oven1-cat1.png"])
    with pytest.raises(ValueError, match="none of the 1 .* has both cues among bear, .*release"):
        DATASET.images("cue_conflict")
    stimuli(raw, ["oven1-cat1.png", "cat1-dog1.png"], (48, 48))
    with pytest.raises(ValueError, match="cat1-dog1.png is 48x48: to be made 64x64"):
        DATASET.images("cue_conflict")


def test_the_doctor_says_how_it_comes_and_names_the_stimuli_once(raw):
    def found(name):
        return [f for f in doctor._datasets() if f.name == name]

    (missing,) = found("tiny_imagenet")
    assert missing.state == "missing" and not missing.needed
    assert missing.remedy.startswith("shapebias fetch tiny_imagenet -> ")
    photo(raw / "tiny-imagenet-200" / "a.JPEG", 0)
    assert [f.state for f in found("tiny_imagenet")] == ["ok"]
    assert len(found("cue-conflict stimuli")) == 1


@with_photographs
@pytest.mark.slow
def test_the_photographs_and_stimuli_that_there_are(raw):
    (raw / "tiny-imagenet-200").symlink_to(DATA / "tiny-imagenet-200")
    (raw / "cue_conflict").symlink_to(DATA / "cue_conflict_11")
    validation, conflict = DATASET.images("validation"), DATASET.images("cue_conflict")
    assert len(validation) == 1300 and validation.table["label"].value_counts().eq(50).all()
    differs = conflict.table["category"] != conflict.table["texture_category"]
    assert (len(conflict), differs.sum()) == (605, 550)
    assert conflict.load([0, 604]).shape == (2, 3, 64, 64)


def test_networks_are_records_of_26_outputs_and_r_of_the_pair_is_that_of_eps_1():
    assert [n.name for n in standard_and_robust("tiny_imagenet", 0)] == [
        "AlexNet", "AlexNet-R", "ResNet", "ResNet-R",
    ]  # fmt: skip
    assert {"AlexNet-R-eps2", "ResNet-control"} <= set(network_names("tiny_imagenet", further=True))
    recipes = DATASET.recipes()
    for network in DATASET.networks():
        recipe = recipes[network.architecture][network.training]
        eps = {"robust": 1.0, "robust-eps2": 2.0}.get(network.training)
        assert (recipe.attack and recipe.attack.eps) == eps
        if network.training != "standard":  # as long as each other, from the same weights
            assert (recipe.epochs, recipe.start) == (6, "standard")
    assert get_networks("tiny_imagenet", "AlexNet")[0].build()(torch.rand(2, 3, 64, 64)).shape == (
        2, 26,
    )  # fmt: skip


def test_without_concepts_06_says_so_and_channels_have_no_labels():
    with pytest.raises(ValueError, match="no concepts in Tiny ImageNet.*parameter `concepts`"):
        dissection.labellings(DATASET)
    empty = dissection.observations([], DATASET)
    assert empty.empty and dissection.compared(empty).empty
    about = {"network": "A", "architecture": "A", "training": "standard", "seed": 0}
    scores = pd.DataFrame([about | {
        "layer": "conv1", "unit": 0, "shape": 4, "texture": 0, "shape_score": 1,
        "texture_score": 0, "shape_margin": 0.5, "texture_margin": 0.25,
    }])  # fmt: skip
    labels = ablation.labelled(scores, [], DATASET)
    assert decided(scores.assign(images=8), list(labels)).endswith("so channels have no labels.")
    (table,) = labels.values()
    assert table["category"].tolist() == ["none"] and table["iou"].isna().all()
    assert table["shape_share"].tolist() == [0.25] and table["texture_share"].isna().all()
    found = ablation.of_channels({"no labels": table})
    assert {q.split(":")[0] for q in found["quantity"]} == {"all channels"}


def test_chance_and_answers_are_of_the_categories_that_are_known():
    assert len(DATASET.categories()) == 11 and len(get_dataset("imagenet").categories()) == 16
    about = {"network": "A", "architecture": "A", "training": "standard", "seed": 0}
    trials = pd.DataFrame([about | {
        "imagename": "cat1-dog1.png", "category": "cat", "object_response": "cat",
    }])  # fmt: skip
    counts = response_counts(trials, DATASET.categories())
    assert len(counts) == 11 and counts["count"].sum() == 1
    assert "9.1%" in favourites(counts)
