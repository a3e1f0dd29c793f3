"""ImageNet on disk: labels, preprocessing and augmentation are torchvision's and `robustness`'s."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.stats import ks_2samp
from torchvision.transforms import CenterCrop, Compose, RandomResizedCrop, Resize, ToTensor

from shapebias_utils.attacks import Attack
from shapebias_utils.categories import IMAGENET_CLASSES
from shapebias_utils.datasets import augmentation, get_dataset, imagenet
from shapebias_utils.datasets.image_folders import labelled_images
from shapebias_utils.datasets.imagenet_c import LABELLED
from shapebias_utils.paths import ROOT

SAMPLES = ROOT.parent / "shared" / "data" / "imagenet_samples"
with_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no photographs at {SAMPLES}")

DATASET = get_dataset("imagenet")
FLAT = [f"ILSVRC2012_val_{i:08d}.JPEG" for i in (1, 2, 3)]


@pytest.fixture
def raw(tmp_path, monkeypatch):
    monkeypatch.setattr(imagenet, "RAW", tmp_path)
    return tmp_path


def photo(seed=0, width=320, height=280):
    """Smooth noise: JPEG keeps it nearly as it is."""
    small = np.random.default_rng(seed).integers(0, 256, (7, 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def write_flat(raw, labels=((2, 65), (1, 404), (3, 999))):
    folder = raw / "imagenet" / "val"
    folder.mkdir(parents=True)
    for i, name in enumerate(FLAT):
        photo(i).save(folder / name, "JPEG")
    rows = [(FLAT[i - 1], label) for i, label in labels]
    path = folder.with_name("val_labels.csv")
    pd.DataFrame(rows, columns=["imagename", "label"]).to_csv(path, index=False)
    return folder


def write_folders(raw, split="val", count=1000):
    """Class folders whose WNIDs, unlike their order of creation, sort as their labels."""
    folder = raw / "imagenet" / split
    for label in np.random.default_rng(0).permutation(count):
        (folder / f"n{label * 7 + 1_000_000:08d}").mkdir(parents=True)
    for label, image in ((404, "b.JPEG"), (404, "a.JPEG"), (0, "z.JPEG"), (999, "y.JPEG")):
        if label < count:
            photo(label).save(folder / f"n{label * 7 + 1_000_000:08d}" / image)
    return folder


def test_the_record_is_the_papers():
    assert DATASET.attack == Attack(eps=3.0, step_size=0.5, steps=7, constraint="2")
    assert (DATASET.size, DATASET.n_classes) == (224, 1000)
    assert DATASET.category_classes is IMAGENET_CLASSES
    assert DATASET.eps_grid[0] == 0 and max(DATASET.eps_grid) == 5 and 3 in DATASET.eps_grid


@pytest.mark.parametrize(("split", "folder"), [("validation", "val"), ("train", "train")])
def test_sorted_wnids_are_the_labels(raw, split, folder):
    write_folders(raw, folder)
    table = DATASET.images(split).table
    assert table[["imagename", "label", "category"]].to_numpy().tolist() == [
        ["z.JPEG", 0, ""],
        ["a.JPEG", 404, "airplane"],
        ["b.JPEG", 404, "airplane"],
        ["y.JPEG", 999, ""],
    ]


def test_flat_files_take_their_labels_from_the_csv(raw):
    write_flat(raw)
    table = DATASET.images("validation").table
    assert table[["imagename", "label", "category"]].to_numpy().tolist() == [
        [FLAT[0], 404, "airplane"],
        [FLAT[1], 65, ""],
        [FLAT[2], 999, ""],
    ]


def test_evaluation_resizes_to_256_and_crops_224_as_torchvision(raw):
    folder = write_flat(raw)
    exif = Image.Exif()
    exif[0x0112] = 6  # torchvision does not turn images, and the published accuracies are its
    photo(1).save(folder / FLAT[1], "JPEG", exif=exif)
    Image.new("L", (500, 300), 90).save(folder / FLAT[2], "JPEG")
    x = DATASET.images("validation").load([0, 1, 2])
    transform = Compose([Resize(256), CenterCrop(224), ToTensor()])
    for i, name in enumerate(FLAT):
        wanted = transform(Image.open(folder / name).convert("RGB"))
        assert torch.equal(x[i], wanted), name


def test_the_digest_changes_with_names_labels_and_sizes(tmp_path, monkeypatch):
    digests = set()
    for case in ("as it is", "again", "label", "file"):
        monkeypatch.setattr(imagenet, "RAW", tmp_path / case)
        folder = write_flat(tmp_path / case, ((2, 65), (1, 5 if case == "label" else 404), (3, 9)))
        if case == "file":
            photo(8, 400, 300).save(folder / FLAT[0], "JPEG")
        digests.add(DATASET.images("validation").digest)
    assert len(digests) == 3


def test_cue_conflict_is_read_from_raw(raw):
    with pytest.raises(FileNotFoundError, match="git clone .*texture-vs-shape.*`stimuli`"):
        DATASET.images("cue_conflict")
    released = raw / "texture-vs-shape" / "stimuli" / "style-transfer-preprocessed-512" / "cat"
    released.mkdir(parents=True)
    photo().save(released / "cat1-dog1.png")
    assert DATASET.images("cue_conflict").table["imagename"].tolist() == ["cat1-dog1.png"]
    (raw / "cue_conflict" / "dog").mkdir(parents=True)
    photo().save(raw / "cue_conflict" / "dog" / "dog1-cat1.png")
    assert DATASET.images("cue_conflict").table["category"].tolist() == ["dog"]


@pytest.mark.parametrize(("split", "folder"), [("validation", "val"), ("train", "train")])
def test_missing_images_are_named_with_their_origin(raw, split, folder):
    wanted = re.escape(str(raw / "imagenet" / folder)) + ".*image-net.org.*SHAPEBIAS_RAW"
    with pytest.raises(FileNotFoundError, match=wanted):
        DATASET.images(split)


def test_an_unknown_split_lists_the_known_ones():
    with pytest.raises(ValueError, match="'test'; choose one of train, validation, cue_conflict"):
        DATASET.images("test")


CSV_FAULTS = {
    "no csv": (None, r"no class folders and no .*val_labels\.csv"),
    "column": (f"filename,label\n{FLAT[0]},1\n", "lacks the column imagename"),
    "no rows": ("imagename,label\n", "has no rows"),
    "nothing": ("", "not a CSV file"),
    "1 to 1000": (f"imagename,label\n{FLAT[0]},1000\n", f"gives {FLAT[0]} the label 1000"),
    "a name": (f"imagename,label\n{FLAT[0]},tench\n", f"gives {FLAT[0]} the label tench"),
    "absent": ("imagename,label\nx.JPEG,1\n", r"lacks x\.JPEG \(1 of 1"),
    "twice": (f"imagename,label\n{FLAT[0]},1\n{FLAT[0]},2\n", f"two images named {FLAT[0]}"),
}


@pytest.mark.parametrize("fault", CSV_FAULTS)
def test_what_is_wrong_with_the_labels_is_said_in_one_line(raw, fault):
    contents, message = CSV_FAULTS[fault]
    csv = write_flat(raw).with_name("val_labels.csv")
    csv.unlink() if contents is None else csv.write_text(contents)
    with pytest.raises(ValueError, match=message) as error:
        DATASET.images("validation")
    assert "\n" not in str(error.value)


def test_class_folders_that_would_give_wrong_labels_are_refused(raw):
    folder = write_folders(raw, count=10)
    with pytest.raises(ValueError, match=r"val has 10 class folders, expected are 1,000"):
        DATASET.images("validation")
    (folder / "tench").mkdir()
    with pytest.raises(ValueError, match="tench is not named by a WNID"):
        DATASET.images("validation")
    shutil.rmtree(folder)
    folder.mkdir()
    with pytest.raises(ValueError, match="no class folders"):
        DATASET.images("validation")


@pytest.mark.parametrize("other", [{"resize": 300}, {"size": 128}, {"categories": ("cat",) * 1000}])
def test_images_that_are_prepared_otherwise_have_another_digest(tmp_path, other):
    labels = tmp_path / "val_labels.csv"
    labels.write_text("imagename,label\na.png,7\n")
    (tmp_path / "val").mkdir()
    photo().save(tmp_path / "val" / "a.png")
    how = {"resize": 256, **LABELLED}
    first, second = (
        labelled_images(tmp_path / "val", labels, "validation", **given)
        for given in (how, how | other)
    )
    assert first.digest != second.digest


# Augmentation


def test_augmentation_is_keyed_by_seed_and_name_not_by_batch(raw):
    write_flat(raw)
    images = DATASET.images("validation")
    x = images.augment([0, 1, 2], 7)
    assert x.shape == (3, 3, 224, 224) and x.dtype == torch.float32
    assert 0 <= x.min() and x.max() <= 1
    for rows in ([2, 0, 1], [1], [1, 2]):
        assert torch.equal(images.augment(rows, 7), x[rows])
    assert not torch.equal(images.augment([0], 8), x[:1])
    assert not torch.equal(x[0], x[1])


def test_random_boxes_are_distributed_as_torchvisions():
    torch.manual_seed(0)
    width, height, n = 500, 375, 3000
    image = torch.empty(1, height, width)
    theirs = np.array(
        [RandomResizedCrop.get_params(image, (0.08, 1.0), (3 / 4, 4 / 3)) for _ in range(n)]
    )  # top, left, height, width
    generator = np.random.default_rng(0)
    ours = np.array([augmentation.random_box((width, height), generator) for _ in range(n)])
    left, top, right, bottom = ours.T
    assert left.min() >= 0 and top.min() >= 0 and right.max() <= width and bottom.max() <= height
    for mine, other in zip((top, left, bottom - top, right - left), theirs.T, strict=True):
        assert ks_2samp(mine, other).pvalue > 1e-3


@pytest.mark.parametrize("size", [(1000, 20), (20, 1000), (1, 1), (3, 200)])
def test_where_no_box_fits_the_central_one_is_taken(size):
    generator = np.random.default_rng(0)
    for _ in range(20):
        left, top, right, bottom = augmentation.random_box(size, generator)
        assert 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]
        assert 0.5 <= (right - left) / (bottom - top) <= 2


def test_colours_vary_by_a_tenth_and_lighting_by_its_components():
    """On a uniform grey, crop, flip and saturation do nothing and contrast keeps the mean."""
    grey, n = Image.new("RGB", (40, 40), (128, 128, 128)), 200
    generator = np.random.default_rng(0)
    shades = torch.stack(
        [augmentation.augmented(grey, 224, generator)[:, 5, 5] for _ in range(n)]
    ).double()
    brightness = shades.mean(1) / (128 / 255)
    lightness = 0.05 * 0.2175 * 0.577 / (128 / 255)  # the first component is all but grey
    assert brightness.std().item() == pytest.approx(np.hypot(0.2 / 12**0.5, lightness), rel=0.15)
    assert brightness.mean().item() == pytest.approx(1, abs=0.02)
    assert (brightness - 1).abs().max() < 0.1 + 4 * lightness
    # What is left is lighting: its covariance, by Krizhevsky's definition.
    values, vectors = augmentation._EIGENVALUES, augmentation._EIGENVECTORS
    wanted = vectors @ np.diag((0.05 * values) ** 2) @ vectors.T
    tint = (shades[:, 0] - shades[:, 2]).std().item()
    assert tint == pytest.approx(np.sqrt(np.array([1, 0, -1]) @ wanted @ [1, 0, -1]), rel=0.25)


def test_lighting_is_that_of_the_robustness_library():
    from importlib.util import find_spec
    from pathlib import Path

    folder = Path(find_spec("robustness").submodule_search_locations[0])
    source = (folder / "data_augmentation.py").read_text()
    scope = {}
    exec(source[: source.index("# Special transforms")], scope)  # the package's own __init__ fails
    theirs = scope["IMAGENET_PCA"]
    assert np.allclose(theirs["eigval"], augmentation._EIGENVALUES)
    assert np.allclose(theirs["eigvec"], augmentation._EIGENVECTORS)
    assert "Lighting(0.05, IMAGENET_PCA" in source and "RandomResizedCrop(224)" in source


def test_half_of_the_images_are_mirrored_and_none_turned():
    ramp = np.tile(np.linspace(0, 255, 256, dtype=np.uint8)[None, :, None], (256, 1, 3))
    generator = np.random.default_rng(0)
    found = [augmentation.augmented(Image.fromarray(ramp), 224, generator)[0] for _ in range(100)]
    rising = [bool(x[:, -1].mean() > x[:, 0].mean()) for x in found]
    assert 30 < sum(rising) < 70
    assert all((x[0] - x[-1]).abs().max() < 0.02 for x in found)


@with_samples
def test_real_photographs_load_with_their_labels(tmp_path):
    labels = pd.read_csv(SAMPLES / "labels.csv")
    csv = tmp_path / "val_labels.csv"
    renamed = labels.rename(columns={"filename": "imagename", "imagenet_index": "label"})
    renamed.to_csv(csv, index=False)
    images = labelled_images(SAMPLES, csv, "validation", resize=256, **LABELLED)
    assert len(images) == len(labels) == 47
    joined = images.table.merge(renamed, on="imagename", suffixes=("", "_wanted"))
    assert len(joined) == 47 and (joined["category"] == joined["category_wanted"]).all()
    assert images.load([0, 46]).shape == (2, 3, 224, 224)
