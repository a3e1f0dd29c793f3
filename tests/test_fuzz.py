"""Ten thousand files and texts at random: each is read, or refused in a line that names it.

Images and checkpoints are whole ones in which a few bytes were changed, most of them in the
header; tables and parameters are drawn by hypothesis.
"""

import os
import random
import re
import time
from collections import Counter

import nbformat
import numpy as np
import pytest
import torch
from helpers.faults import Trials
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from shapebias_utils import notebooks
from shapebias_utils.datasets import broden
from shapebias_utils.datasets.image_files import read_image
from shapebias_utils.datasets.image_folders import labelled_images
from shapebias_utils.distortions import distort, distortion_names, get_distortion
from shapebias_utils.measures.schema import SCHEMA, read_trials
from shapebias_utils.networks.checkpoints import load_into

pytestmark = pytest.mark.slow

SHARE = float(os.environ.get("SHAPEBIAS_FUZZ", 1))
"""Of the cases that are run: less, to try the harness; more, to look for longer."""

IMAGES, CHECKPOINTS, TEXTS, PICTURES = (round(SHARE * n) for n in (1000, 700, 700, 400))
"""Cases: of each format of images and of checkpoints, of each kind of text, of distortions."""

DRAWN = Counter()
"""Check -> how many cases hypothesis has drawn for it."""


def cases(number: int):
    """Settings for so many cases, the same in each run; hypothesis draws them, and shrinks one."""

    def decorate(test):
        test = settings(
            max_examples=number, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        )(test)  # fmt: skip
        return test

    return decorate


def refuses_by_name(read, path) -> None:
    """Reads the file, or raises ValueError in one line with its name and within a second."""
    began = time.process_time()
    try:
        read(path)
    except (ValueError, FileNotFoundError) as error:
        text = str(error)
        assert "\n" not in text and path.name in text and len(text) < 600, text
    assert time.process_time() - began < 2


def mutated(contents: bytes, chance: random.Random) -> bytes:
    """The bytes with some changed, cut or doubled, three in four of them within the first 100."""
    found = bytearray(contents)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(min(len(found), 100) if chance.random() < 0.75 else len(found))
        match chance.randrange(5):
            case 0:
                found[at] = chance.randrange(256)
            case 1:
                found[at] ^= 1 << chance.randrange(8)
            case 2:
                found[at : at + 4] = chance.choice(
                    (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0")
                )
            case 3:
                del found[at : at + chance.choice((1, 4, 100))]
            case _:
                found[at:at] = found[at : at + chance.choice((1, 4, 100))]
        found = found or bytearray(b"\0")
    return bytes(found)


def attempt(fault: str, of: str, number: int, path, original: bytes, read, unchanged=None) -> None:
    """So many mutations of a file, each read."""
    trials, chance = Trials(fault, of), random.Random(of)
    for case in range(number):
        path.write_bytes(mutated(original, chance))
        trials.judge(f"case {case}", lambda: refuses_by_name(read, path))
        if unchanged:
            trials.judge(f"case {case} changed the network", unchanged)
    trials.end()


PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 9, 3), np.uint8))
KINDS = {
    "PNG": {}, "JPEG": {}, "WEBP": {}, "PNG of a palette": {"mode": "P"},
    "PNG of 16 bits": {"mode": "I;16"},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_images_whose_bytes_are_changed(tmp_path, kind):
    path = tmp_path / "x.png"
    mode = KINDS[kind].get("mode", "RGB")
    image = Image.new("I;16", (9, 12), 300) if mode == "I;16" else PICTURE.convert(mode)
    image.save(path, kind.split()[0])
    attempt("bytes changed", kind, IMAGES, path, path.read_bytes(), read_image)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


WRITERS = {
    "x.safetensors": lambda state, path: save_file(state, path),
    "x.pt": torch.save,
    "legacy.pth": lambda state, path: torch.save(state, path, _use_new_zipfile_serialization=False),
}


@pytest.mark.parametrize("name", WRITERS)
def test_checkpoints_whose_bytes_are_changed(tmp_path, name):
    path, target = tmp_path / name, network()
    WRITERS[name](network().state_dict(), path)
    attempt(
        "bytes changed", f"checkpoint {name}", CHECKPOINTS, path, path.read_bytes(),
        lambda p: load_into(target, p),
    )  # fmt: skip


CELLS = st.one_of(
    st.sampled_from(["", "cat", "dog", "nan", "0", "1", "-1", "1e999", "cat1-dog1.png",
                     "subject-01", '"', '""', "a.png", "plane.png", "True", "\0", "\ufeff",
                     "1;2", "2.5"]),
    st.text(max_size=12),
    st.integers().map(str),
    st.floats().map(str),
)  # fmt: skip


def tables(columns, rows=4):
    """CSV texts: mostly of these columns, with cells of every kind, some quoted, some cut."""
    header = st.one_of(
        st.just(list(columns)), st.permutations(columns), st.lists(st.sampled_from(columns))
    )
    body = st.lists(st.lists(CELLS, min_size=1, max_size=len(columns) + 1), max_size=rows)
    whole = st.lists(st.tuples(*[CELLS] * len(columns)).map(list), max_size=rows)
    return st.builds(
        lambda head, lines, end: "\n".join(",".join(line) for line in [head, *lines]) + end,
        header, st.one_of(whole, body), st.sampled_from(["\n", "", '"', "\r\n", "\0"]),
    )  # fmt: skip


def write(path, text: str):
    path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@given(text=tables(SCHEMA))
@cases(TEXTS)
def check_trials(folder, text):
    DRAWN[check_trials] += 1
    refuses_by_name(read_trials, write(folder / "trials.csv", text))


@given(text=tables(("imagename", "label")))
@cases(TEXTS)
def check_labels(folder, text):
    DRAWN[check_labels] += 1
    images = folder / "labelled"
    if not images.exists():
        images.mkdir()
        PICTURE.save(images / "a.png")

    def read(labels):
        labelled_images.__wrapped__(
            images, labels, "x", n_classes=3, categories=("", "", ""), size=8
        )

    refuses_by_name(read, write(images.with_name("labelled.csv"), text))


INDEX = ("image", "ih", "iw", "sh", "sw", "object")


@given(
    index=tables(INDEX),
    label=st.one_of(st.just("number,name\n1,cat\n"), tables(("number", "name"))),
)
@cases(TEXTS)
def check_broden(folder, index, label):
    DRAWN[check_broden] += 1
    place = folder / "broden"
    (place / "images").mkdir(parents=True, exist_ok=True)
    PICTURE.save(place / "images" / "a.png")
    Image.new("RGB", (1, 1), (1, 0, 0)).save(place / "images" / "plane.png")
    for name, text in {
        "index": index, "label": label, "category": "name\nobject\n",
        "c_object": "number,coverage\n1,1\n",
    }.items():  # fmt: skip
        write(place / f"{name}.csv", text)
    refuses_by_name(broden.read_broden, place)


PARAMETERS = """\
dataset: str = "pictograms"
n: int = 3
share: float = 0.5
sure: bool = False
place: str = ""
levels = [1, 2]"""


YAML = st.text(alphabet="[]{}:,&*!|>'\"%@`#-?0 1ab\n", max_size=30)
NAMES = st.sampled_from(["dataset", "n", "share", "sure", "place", "levels"])


@given(name=NAMES, text=st.one_of(CELLS, YAML))
@cases(TEXTS)
def check_parameters(folder, name, text):
    DRAWN[check_parameters] += 1
    path = folder / "00_a.ipynb"
    if not path.exists():
        cell = nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
        nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=notebooks.METADATA), path)
    try:
        notebooks.values_for(path, {name: text})
    except ValueError as error:
        assert re.search(rf"parameter {name} of 00_a|unknown dataset", str(error))


TEXT_CHECKS = {
    "tables of trials": check_trials,
    "tables of labels": check_labels,
    "tables in Broden's form": check_broden,
    "notebooks' parameters": check_parameters,
}


@pytest.mark.parametrize("of", TEXT_CHECKS)
def test_texts_of_every_kind(folder, monkeypatch, of):
    monkeypatch.setattr(broden, "RAW", folder / "raw")
    trials = Trials("drawn at random", of)
    trials.judge("hypothesis", lambda: TEXT_CHECKS[of](folder))
    trials.count = DRAWN[TEXT_CHECKS[of]]
    trials.end()
    assert trials.count >= TEXTS


def test_distortions_of_pictures_of_every_size():
    """The result is a finite image in [0, 1] of the same size, at every level."""
    made = {
        (name, level)
        for name in distortion_names()
        if not needs_something(name)
        for level in get_distortion(name).levels
    }

    @seed(0)
    @given(
        image=arrays(
            np.float32,
            st.tuples(st.integers(8, 20), st.integers(8, 20), st.just(3)),
            elements=st.floats(0, 1, width=32),
        ),
        which=st.sampled_from(sorted(made, key=str)),
    )
    @cases(PICTURES)
    def check(image, which):
        DRAWN[PICTURES] += 1
        try:
            found = distort(image, *which, imagename="x.png")
        except ValueError as error:  # of patches that do not fit
            assert "\n" not in str(error)
            return
        assert found.shape == image.shape and found.dtype == np.float32, which
        assert np.isfinite(found).all() and 0 <= found.min() and found.max() <= 1, which

    trials = Trials("drawn at random", "pictures for distortions")
    trials.judge("hypothesis", check)
    trials.count = DRAWN[PICTURES]
    trials.end()
    assert trials.count >= PICTURES


def needs_something(name: str) -> bool:
    try:
        get_distortion(name).needs()
    except FileNotFoundError:
        return True
    return False


def test_there_are_ten_thousand_cases():
    texts = TEXTS * len(TEXT_CHECKS)
    all_of_them = IMAGES * len(KINDS) + CHECKPOINTS * len(WRITERS) + texts + PICTURES
    assert all_of_them >= 10_000 * SHARE
