"""Stimuli are read as they are named, and a folder that is not as it should be is refused."""

import re
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import get_dataset
from shapebias_utils.datasets.cue_conflict import read_stimuli, stimuli
from shapebias_utils.datasets.image_files import load_images, read_image, resize_and_crop
from shapebias_utils.paths import ROOT

REAL = ROOT.parent / "shared" / "data" / "cue_conflict"
with_real = pytest.mark.skipif(not REAL.is_dir(), reason=f"no real stimuli at {REAL}")

NAMES = ["cat/cat1-dog2.png", "cat/cat2-cat1.png", "dog/dog10-oven3.png", "car/car1-cat1.png"]


def picture(seed=0, width=20, height=20, mode="RGB"):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def write(folder, names=NAMES, **options):
    for i, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        picture(i, **options).save(folder / name)
    return folder


def test_shape_and_texture_are_read_from_the_names(tmp_path):
    images = read_stimuli(write(tmp_path))
    assert images.name == "cue_conflict" and len(images) == 4
    columns = ["imagename", "category", "label", "texture_category"]
    assert images.table[columns].to_numpy().tolist() == [
        ["car1-cat1.png", "car", -1, "cat"],
        ["cat1-dog2.png", "cat", -1, "dog"],
        ["cat2-cat1.png", "cat", -1, "cat"],
        ["dog10-oven3.png", "dog", -1, "oven"],
    ]


def test_images_are_loaded_bit_for_bit_at_their_own_size(tmp_path):
    images = read_stimuli(write(tmp_path, width=31, height=17))
    x = images.load([2, 0])
    assert x.dtype == torch.float32 and x.shape == (2, 3, 17, 31)
    for found, seed in zip(x, (1, 3), strict=True):  # cat2-cat1 and car1-cat1
        wanted = np.asarray(picture(seed, 31, 17)).transpose(2, 0, 1)
        assert (found.mul(255).round().numpy() == wanted).all()


def test_the_digest_tells_names_and_bytes_apart_and_nothing_else(tmp_path):
    digest = read_stimuli(write(tmp_path / "a")).digest
    moved = tmp_path / "b"
    shutil.copytree(tmp_path / "a", moved)
    (moved / "README.txt").write_text("no image")
    (moved / "cat" / ".hidden.png").write_text("nor this")
    assert read_stimuli(moved).digest == digest
    (moved / "cat" / "cat1-dog2.png").rename(moved / "cat" / "cat3-dog2.png")
    renamed = read_stimuli(moved).digest
    picture(99).save(moved / "cat" / "cat3-dog2.png")
    assert len({digest, renamed, read_stimuli(moved).digest}) == 3


@pytest.mark.parametrize(
    "inside", ["style-transfer-preprocessed-512", "stimuli/style-transfer-preprocessed-512"]
)
def test_a_copy_of_the_release_is_found_out(tmp_path, inside):
    write(tmp_path / inside)
    (tmp_path / inside).parent.joinpath("edges", "cat").mkdir(parents=True)
    assert len(read_stimuli(tmp_path)) == 4


def truncated(path):
    path.write_bytes(path.read_bytes()[:-40])


def flipped(path):
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)


FAULTS = {
    "missing": (lambda f: shutil.rmtree(f), r"no folder {f} .*cat/cat4-dog2\.png"),
    "empty": (lambda f: [shutil.rmtree(p) for p in f.iterdir()], r"no cue-conflict images in {f}"),
    "flat": (
        lambda f: [shutil.move(f / NAMES[0], f), *map(shutil.rmtree, f.glob("*/"))],
        r"no cue-conflict images in {f} \(cat1-dog2\.png lies in the folder itself\)",
    ),
    "no image": (lambda f: (f / NAMES[0]).write_text("no"), r"{f}/cat/cat1-dog2\.png is not a"),
    "empty file": (lambda f: (f / NAMES[0]).write_text(""), r"{f}/cat/cat1-dog2\.png is not a"),
    "truncated": (lambda f: truncated(f / NAMES[2]), r"{f}/dog/dog10-oven3\.png is not a readable"),
    "bit flipped": (lambda f: flipped(f / NAMES[2]), r"{f}/dog/dog10-oven3\.png is not a readable"),
    "one cue": (
        lambda f: picture().save(f / "dog/dog1.png"),
        r"{f}/dog/dog1\.png does not name its two cues: .*<shape>/<shape><i>-<texture><j>\.png",
    ),
    "no number": (lambda f: picture().save(f / "dog/dog1-cat.png"), r"dog1-cat\.png does not name"),
    "unknown": (
        lambda f: picture().save(f / "dog/dog1-zebra1.png"),
        r"{f}/dog/dog1-zebra1\.png names 'zebra', which is none of the 16 categories \(airplane, ",
    ),
    "misplaced": (
        lambda f: picture().save(f / "dog/cat9-oven1.png"),
        r"{f}/dog/cat9-oven1\.png has the shape 'cat' by its name and 'dog' by its folder",
    ),
    "size": (
        lambda f: picture(width=21).save(f / "dog/dog1-cat1.png"),
        r"{f}/dog/dog1-cat1\.png is 21x20, car1-cat1\.png is 20x20",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_a_folder_is_said_in_one_line(tmp_path, fault):
    folder = write(tmp_path / "stimuli")
    spoil, message = FAULTS[fault]
    spoil(folder)
    with pytest.raises(ValueError, match=message.replace("{f}", re.escape(str(folder)))) as error:
        read_stimuli(folder)
    assert "\n" not in str(error.value)


def test_of_several_bad_names_the_first_is_named(tmp_path):
    write(tmp_path)
    for name in ("dog/x.png", "bear/y.png", "truck/z.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture().save(tmp_path / name)
    with pytest.raises(ValueError, match=r"bear/y\.png"):
        read_stimuli(tmp_path)


def test_without_a_folder_the_datasets_own_images_are_taken(tmp_path):
    class Own:
        size, most = 224, 0
        images = staticmethod(lambda split: f"own {split}")

    assert stimuli(Own, "") == "own cue_conflict"
    assert len(stimuli(Own, write(tmp_path))) == 4


# Images as they come


@pytest.mark.parametrize(
    ("mode", "pixel", "expected"),
    [
        ("RGB", (200, 100, 50), (200, 100, 50)),
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
        ("LA", (77, 255), (77, 77, 77)),
        ("LA", (77, 0), (255, 255, 255)),
        ("RGBA", (200, 100, 50, 255), (200, 100, 50)),
        ("RGBA", (0, 0, 0, 0), (255, 255, 255)),  # as potrace and rsvg-convert leave the ground
        ("RGBA", (0, 0, 0, 51), (204, 204, 204)),
        ("I;16", 257 * 99, (99, 99, 99)),
    ],
)
def test_every_mode_becomes_rgb_with_transparency_on_white(tmp_path, mode, pixel, expected):
    path = tmp_path / "x.png"
    Image.new(mode, (5, 4), pixel).save(path)
    x = load_images([path])
    assert x.shape == (1, 3, 4, 5) and 0 <= x.min() and x.max() <= 1
    assert x[0, :, 2, 2].mul(255).round().tolist() == list(expected)


def test_palettes_keep_their_transparency_and_cmyk_its_colours(tmp_path):
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.save(tmp_path / "opaque.png")
    palette.save(tmp_path / "clear.png", transparency=1)
    Image.new("CMYK", (4, 4), (255, 0, 0, 0)).save(tmp_path / "cyan.jpg", quality=100)
    x = load_images([tmp_path / n for n in ("opaque.png", "clear.png", "cyan.jpg")]) * 255
    assert x[0, :, 0, 0].round().tolist() == [10, 20, 30]
    assert x[1].min() == 255
    assert torch.allclose(x[2, :, 0, 0], torch.tensor([0.0, 255, 255]), atol=3)


def test_photographs_are_turned_upright_on_demand(tmp_path):
    image, exif = picture(width=6, height=4), Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    image.save(tmp_path / "x.png", exif=exif)
    turned = np.asarray(read_image(tmp_path / "x.png"))
    assert (turned == np.rot90(np.asarray(image), -1)).all()
    assert (np.asarray(read_image(tmp_path / "x.png", upright=False)) == np.asarray(image)).all()


@pytest.mark.parametrize(
    "size", [(300, 400), (401, 299), (256, 256), (256, 777), (31, 500), (225, 64)]
)
def test_resizing_and_cropping_are_torchvisions(size):
    from torchvision.transforms import CenterCrop, Compose, Resize

    image = picture(1, *size)
    wanted = Compose([Resize(64), CenterCrop(56)])(image)
    assert (np.asarray(resize_and_crop(image, 64, 56)) == np.asarray(wanted)).all()


def test_a_crop_larger_than_the_image_is_refused():
    with pytest.raises(ValueError, match="crop = 65 is larger than resize = 64"):
        resize_and_crop(picture(), 64, 65)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_order_is_kept_by_any_number_of_threads(tmp_path, threads):
    write(tmp_path)
    paths = [tmp_path / n for n in NAMES] * 5
    together = load_images(paths, threads=threads)
    for x, path in zip(together, paths, strict=True):
        assert (x == load_images([path])[0]).all()


def test_images_of_several_sizes_are_resized_or_refused(tmp_path):
    picture(width=30).save(tmp_path / "a.png")
    picture(width=40).save(tmp_path / "b.png")
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    assert load_images(paths, resize=16).shape == (2, 3, 16, 16)
    with pytest.raises(ValueError, match=r"b\.png is 40x20, .*a\.png is 30x20"):
        load_images(paths)
    assert load_images([]).shape[:2] == (0, 3)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_broken_image_is_named_when_it_is_loaded(tmp_path, suffix):
    good, bad = tmp_path / f"good{suffix}", tmp_path / f"bad{suffix}"
    for path in (good, bad):
        picture(width=200, height=200).save(path)
    bad.write_bytes(bad.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=re.escape(f"{bad} is not a readable image")) as error:
        load_images([good, bad, good])
    assert "\n" not in str(error.value) and "replace it" in str(error.value)
    with pytest.raises(ValueError, match="No such file"):
        load_images([tmp_path / "absent.png"])


# The real stimuli


@with_real
def test_the_192_real_stimuli_are_176_of_conflict_and_16_without():
    images = read_stimuli(REAL)
    agree = images.table["category"] == images.table["texture_category"]
    assert (len(images), (~agree).sum(), agree.sum()) == (192, 176, 16)
    assert images.table["imagename"].is_unique
    assert images.table["category"].value_counts().to_dict() == dict.fromkeys(CATEGORIES, 12)
    x = stimuli(get_dataset("imagenet"), str(REAL)).load([0, 191])
    assert x.shape == (2, 3, 224, 224) and 0 <= x.min() and x.max() <= 1 and x.std() > 0.05
