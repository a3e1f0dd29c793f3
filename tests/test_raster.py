"""Image files that need not be trusted: one way in, three formats, whole, of bounded size."""

import os
import resource
import struct
import time
import zlib
from functools import partial
from subprocess import CalledProcessError

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from shapebias_utils.datasets.broden import read_broden
from shapebias_utils.datasets.cue_conflict import read_stimuli
from shapebias_utils.datasets.image_files import load_images, photographs, read_image
from shapebias_utils.datasets.image_folders import labelled_images


def picture(width=20, height=20, mode="RGB"):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def grey_png(path, width, height):
    """A black PNG, written row by row: a bomb takes no memory here."""
    packer = zlib.compressobj(9)
    rows = b"".join([*(packer.compress(bytes(width + 1)) for _ in range(height)), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", rows), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


# Each takes a folder and what writes a file there, and reads that file as it is read in use.


def as_stimulus(folder, write):
    (folder / "cat").mkdir()
    write(folder / "cat" / "cat1-dog1.png")
    return read_stimuli(folder).load([0])


def as_photograph(folder, write):
    write(folder / "photo.png")
    return photographs([folder / "photo.png"]).load([0])


def as_labelled(folder, write):
    (folder / "n00000001").mkdir()
    write(folder / "n00000001" / "photo.png")
    images = labelled_images(
        folder, None, "labelled", n_classes=1, categories=("",), size=16, resize=16
    )
    return images.load([0])


def as_augmented(folder, write):
    (folder / "n00000001").mkdir()
    write(folder / "n00000001" / "photo.png")
    images = labelled_images(
        folder, None, "labelled", n_classes=1, categories=("",), size=16, resize=16
    )
    return images.augment([0], 0)


def as_label_plane(folder, write):
    (folder / "images").mkdir()
    picture().save(folder / "images" / "a.png")
    write(folder / "images" / "plane.png")
    tables = {
        "index": "image,ih,iw,sh,sw,object\na.png,20,20,20,20,plane.png\n",
        "category": "name\nobject\n",
        "label": "number,name\n1,cat\n",
        "c_object": "number,coverage\n1,1\n",
    }
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)
    return read_broden(folder)


WAYS = [as_stimulus, as_photograph, as_labelled, as_augmented, as_label_plane]
every_way = pytest.mark.parametrize("way", WAYS)


def refused(way, folder, write) -> str:
    """The line with which the file is refused."""
    with pytest.raises(ValueError) as caught:
        way(folder, write)
    line = str(caught.value)
    assert "\n" not in line and ("photo.png" in line or "cat1-dog1" in line or "plane" in line)
    assert "replace it" in line
    return line


@every_way
@pytest.mark.parametrize("kind", ["EPS", "TIFF", "GIF", "BMP", "PPM", "ICO", "TGA", "PCX"])
def test_no_other_format_is_opened_under_whatever_name(tmp_path, way, kind):
    line = refused(way, tmp_path, partial(picture().save, format=kind))
    assert "it is no PNG, JPEG or WebP" in line


@pytest.mark.parametrize("way", [as_stimulus, as_photograph])
def test_postscript_named_png_starts_no_program(tmp_path, monkeypatch, way):
    ghostscript, images = tmp_path / "bin" / "gs", tmp_path / "images"
    ghostscript.parent.mkdir()
    images.mkdir()
    ghostscript.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\nexit 1\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", str(ghostscript.parent), prepend=os.pathsep)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)  # not looked for yet
    picture().save(tmp_path / "any.eps")
    with Image.open(tmp_path / "any.eps") as image, pytest.raises(CalledProcessError):
        image.load()  # Pillow by itself starts it
    (tmp_path / "started").unlink()
    refused(way, images, partial(picture().save, format="EPS"))
    assert not (tmp_path / "started").exists()


@every_way
@pytest.mark.parametrize("cut", [1, 12, 20, 200, 0.5, 0.9])
def test_a_png_that_lacks_its_end_is_refused_in_the_same_words_on_every_way(tmp_path, way, cut):
    def write(path):
        picture().save(path)
        contents = path.read_bytes()
        path.write_bytes(contents[: -cut if cut >= 1 else int(len(contents) * (1 - cut))])

    assert "is not a readable image" in refused(way, tmp_path, write)


@every_way
def test_a_png_with_a_wrong_checksum_is_refused_on_every_way(tmp_path, way):
    def write(path):
        picture().save(path)
        contents = bytearray(path.read_bytes())
        contents[-1] ^= 1  # of the last chunk, which holds nothing
        path.write_bytes(contents)

    assert "is not a readable image" in refused(way, tmp_path, write)


@every_way
def test_an_enormous_image_is_refused_by_its_header(tmp_path, way):
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    line = refused(way, tmp_path, partial(grey_png, width=13_000, height=13_000))
    assert "is 13000x13000 pixels, more than 64 megapixels" in line
    assert "SHAPEBIAS_MEGAPIXELS" in line
    assert time.process_time() - began < 5  # most of it to write the bomb; to decode it took 12
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_an_image_that_resizing_would_blow_up_is_refused(tmp_path):
    grey_png(tmp_path / "line.png", 20_000, 1)
    line = str(read_image(tmp_path / "line.png").size)
    assert line == "(20000, 1)", "no case: as such it is small"
    with pytest.raises(ValueError, match=r"line.png is 5120000x256 pixels with its shorter side"):
        photographs([tmp_path / "line.png"]).load([0])


@pytest.mark.parametrize(("limit", "taken"), [("0.0003", False), ("0.0004", True), ("", True)])
def test_the_limit_is_what_the_variable_says(tmp_path, monkeypatch, limit, taken):
    monkeypatch.setenv("SHAPEBIAS_MEGAPIXELS", limit)
    picture(20, 20).save(tmp_path / "x.png")
    if taken:
        assert load_images([tmp_path / "x.png"]).shape == (1, 3, 20, 20)
    else:
        with pytest.raises(ValueError, match="20x20 pixels, more than 0.0003 megapixels"):
            load_images([tmp_path / "x.png"])


def test_a_limit_beyond_pillows_own_is_kept_without_a_warning(tmp_path, monkeypatch, recwarn):
    monkeypatch.setenv("SHAPEBIAS_MEGAPIXELS", "200")
    grey_png(tmp_path / "x.png", 10_000, 9_000)
    (tmp_path / "cat").mkdir()
    os.rename(tmp_path / "x.png", tmp_path / "cat" / "cat1-dog1.png")
    assert len(read_stimuli(tmp_path)) == 1 and not recwarn.list


def test_a_limit_that_is_no_number_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("SHAPEBIAS_MEGAPIXELS", "many")
    picture().save(tmp_path / "x.png")
    with pytest.raises(ValueError, match="SHAPEBIAS_MEGAPIXELS is 'many': it must be a number"):
        read_image(tmp_path / "x.png")


@pytest.mark.parametrize("way", [as_labelled, as_label_plane])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_would_be_read_for_ever_is_refused(tmp_path, way, kind):
    def write(path):
        os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")

    assert "it is no regular file" in refused(way, tmp_path, write)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_three_formats_are_read_under_any_name(tmp_path, kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    picture().save(tmp_path / "x.jpg", kind, **options)
    found = np.asarray(read_image(tmp_path / "x.jpg"), int)
    with Image.open(tmp_path / "x.jpg") as image:
        assert (found == np.asarray(image.convert("RGB"))).all()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_other_formats_that_lack_their_end_are_refused_too(tmp_path, kind, share):
    def write(path):
        picture(100, 100).save(path, kind)
        contents = path.read_bytes()
        path.write_bytes(contents[: int(share * len(contents))])

    refused(as_stimulus, tmp_path, write)


def test_the_first_picture_of_a_phones_pair_is_read(tmp_path):
    first, second = picture(), picture(8, 8)
    first.save(tmp_path / "x.jpg", "MPO", save_all=True, append_images=[second])
    assert read_image(tmp_path / "x.jpg").size == (20, 20)
