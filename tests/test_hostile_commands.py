"""Hostile files by way of the commands that a user types: each is refused in one line with the file
and a remedy, most before a kernel starts, and in bounded time and memory."""

import json
import os
import pickle
import shutil
import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.commands import Shell
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from shapebias_utils import downloads
from shapebias_utils.cli import main
from shapebias_utils.datasets.tiny_imagenet import CATEGORISED
from shapebias_utils.doctor import checkpoint_state
from shapebias_utils.files import sha256
from shapebias_utils.networks import get_network
from shapebias_utils.paths import Download

SECONDS = 60
"""Of the processor, imports and the kernel's start included."""

MEGABYTES = 2500

REMEDY = (
    "replace it", "make all", "remove", "rename", "name a", "name the", "get it again", "save ",
    "copy the set", "unpack the archive", "give ", "expected ", "trials have", "correct ",
    "choose ",
)  # fmt: skip
"""One of these stands in every refusal."""

# Files. Each function writes one under the name that it is given.


def picture(path, size=(64, 64), kind="PNG"):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path, kind)


def cut(path):
    """An image whose last chunk is missing."""
    picture(path)
    path.write_bytes(path.read_bytes()[:-12])


def enormous(path):
    """A PNG of 170 megapixels and 20 kilobytes."""
    Image.new("1", (17_000, 10_000)).save(path)


def sparse(path):
    """A file of 10^12 bytes that takes no room on the disk."""
    with open(path, "wb") as file:
        file.truncate(10**12)


def zeros(path):
    path.symlink_to("/dev/zero")


FILES = {"a pipe": os.mkfifo, "a link to /dev/zero": zeros, "a folder": os.mkdir, "10^12": sparse}
"""What is no file of its kind, wherever it stands."""

PICTURES = FILES | {
    "cut at its end": cut,
    "170 megapixels in 20 KB": enormous,
    "PostScript": lambda path: picture(path, kind="EPS"),
    "20,000 x 1": lambda path: picture(path, (20_000, 1)),
    "a link to a text": lambda path: path.symlink_to("/etc/passwd"),
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
}


class Evil:
    def __reduce__(self):
        return os.system, ("touch executed",)


def network():
    """The one that `mine.py` registers."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 16)
    )


def with_weight(change):
    def write(path):
        state = network().state_dict()
        torch.save(state | {"0.weight": change(state["0.weight"])}, path)

    return write


def bomb(path):
    """An archive of 300 kilobytes that unpacks to 300 megabytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(300_000_000))


def laughs(path):
    """Lists of lists of lists: 2^40 leaves, should anything walk them."""
    value = ["ha"]
    for _ in range(40):
        value = [value, value]
    torch.save({"a": value}, path)


def promises(path):
    """A safetensors header that promises 10^15 bytes."""
    header = {"a": {"dtype": "F32", "shape": [250_000_000_000_000], "data_offsets": [0, 10**15]}}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)


def infinite(path):
    state = network().state_dict()
    save_file(state | {"3.bias": state["3.bias"] / 0}, path)


CHECKPOINTS = {f"{name}.pt": write for name, write in FILES.items()} | {
    "NaN.pt": with_weight(lambda w: w * np.nan),
    "infinite.safetensors": infinite,
    "int8.pt": with_weight(lambda w: w.to(torch.int8)),
    "complex.pt": with_weight(lambda w: w + 1j),
    "meta.pt": with_weight(lambda w: w.to("meta")),
    "sparse.pt": with_weight(lambda w: w.to_sparse()),
    "stretched.pt": with_weight(lambda w: torch.ones(1).expand(10**6, 10**6)),
    "bomb.pth": bomb,
    "laughs.pt": laughs,
    "pickle.pt": lambda path: path.write_bytes(pickle.dumps({"0.weight": Evil()})),
    "pickle.safetensors": lambda path: path.write_bytes(pickle.dumps(Evil())),
    "promises.safetensors": promises,
}

HEADER = "subj,session,trial,rt,object_response,category,condition,imagename\n"
ROW = "A,1,1,0.5,cat,cat,0,cat1-dog1.png\n"
TRIALS = FILES | {
    name: lambda path, text=text: path.write_text(text)
    for name, text in {
        "subj and SUBJ": HEADER.replace("imagename", "imagename,SUBJ") + ROW.strip() + ",B\n",
        "NaN": HEADER + ROW.replace("cat1-dog1.png", "NaN"),
        "a NUL": HEADER + ROW.replace("dog1", "dog\0"),
        "a header alone": HEADER,
        "an image twice": HEADER + ROW + ROW,
        "no cues": HEADER + ROW.replace("cat1-dog1.png", "../../etc/passwd"),
        "other columns": "a,b\n1,2\n",
    }.items()
}

BRODEN = {
    "index.csv": "image,ih,iw,sh,sw,object\na.png,64,64,32,32,plane.png\n",
    "category.csv": "name\nobject\n",
    "label.csv": "number,name\n1,cat\n",
    "c_object.csv": "number,coverage\n1,1\n",
}
CONCEPTS = {
    "a plane elsewhere": ("index.csv", "plane.png", "../../outside.png"),
    "an absolute image": ("index.csv", "a.png", "/etc/passwd"),
    "a line break": ("index.csv", "plane.png", '"pla\nne.png"'),
    "an enormous height": ("index.csv", "32,32,plane", "60000,60000,plane"),
    "no number": ("index.csv", "32,32,plane", "nan,32,plane"),
    "a category that is a path": ("category.csv", "object", "../../object"),
    "an unknown label": ("index.csv", "plane.png", "7"),
}
IN_BRODEN = {
    ("index.csv", "10^12"): sparse,
    ("label.csv", "a link to /dev/zero"): zeros,
    ("images/plane.png", "a pipe"): os.mkfifo,
    ("images/plane.png", "170 megapixels in 20 KB"): enormous,
    ("images/a.png", "a link to /dev/zero"): zeros,
    ("images/a.png", "PostScript"): PICTURES["PostScript"],
}
ANNOTATIONS = {
    "no annotations": None,
    "a path upwards": "../../../a.JPEG\tn02123045\t0\t0\t1\t1\n",
    "an absolute path": "/etc/passwd\tn02123045\t0\t0\t1\t1\n",
    "one that is not there": "val_7777.JPEG\tn02123045\t0\t0\t1\t1\n",
}

UNCHANGED = ("index.csv", "", "")

# Commands: each lays out its folder with the hostile file and says what to type, and the name of
# the file that the line must have.


def in_place_of(path, write):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    write(path)


def stimuli(folder, write):
    """Two stimuli, the second hostile."""
    picture(folder / "set" / "cat" / "cat1-dog1.png")
    in_place_of(folder / "set" / "dog" / "dog1-cat1.png", write)


def run_on_stimuli(folder, write):
    stimuli(folder, write)
    return ["run", "3", "-p", "stimuli", "set"], "dog1-cat1.png"


def bias_on_stimuli(folder, write):
    stimuli(folder, write)
    return ["bias", "AlexNet", "--dataset", "pictograms", "--stimuli", "set"], "dog1-cat1.png"


def distort(folder, write):
    in_place_of(folder / "photo.png", write)
    return ["distort", "photo.png", "--only", "greyscale", "--out", "sheet.png"], "photo.png"


def observers(folder, write):
    in_place_of(folder / "trials.csv", write)
    return ["run", "3", "-p", "observers", "trials.csv"], "trials.csv"


MINE = """
from torch import nn
from shapebias_utils.networks import Network, register
build = lambda: nn.Sequential(
    nn.Conv2d(3, 16, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 16)
)
register(Network("Mine", build, "pictograms", n_classes=16, checkpoint={checkpoint!r}))
"""


def own_network(folder, write, name):
    in_place_of(folder / name, write)
    (folder / "mine.py").write_text(MINE.format(checkpoint=str(folder / name)))


def run_own_network(folder, write, name):
    own_network(folder, write, name)
    return ["run", "3", "-p", "own_networks", "mine.py", "-p", "networks", "AlexNet,Mine"], name


def bias_of_own_network(folder, write, name):
    own_network(folder, write, name)
    names = ["bias", "AlexNet", "Mine", "--dataset", "pictograms"]
    return [*names, "--own-networks", "mine.py"], name


def registering_file(folder, write):
    in_place_of(folder / "mine.py", write)
    return ["run", "3", "-p", "own_networks", "mine.py"], "mine.py"


def bias_of_registering_file(folder, text):
    (folder / "mine.py").write_text(text)
    names = ["bias", "Mine", "--dataset", "pictograms"]
    return [*names, "--own-networks", "mine.py"], "mine.py"


def concepts(folder, change, place="", write=None):
    picture(folder / "set" / "images" / "a.png")
    Image.new("RGB", (32, 32), (1, 0, 0)).save(folder / "set" / "images" / "plane.png")
    for name, text in BRODEN.items():
        (folder / "set" / name).write_text(text.replace(*change[1:]) if name == change[0] else text)
    if place:
        in_place_of(folder / "set" / place, write)
    return ["run", "6", "-p", "concepts", "set", "-p", "networks", "AlexNet"], place or change[0]


def tiny_imagenet(folder, annotations="", write=None):
    """A Tiny ImageNet of one photograph a class; one of them is hostile, or the annotations are."""
    val = folder.parent / "raw" / "tiny-imagenet-200" / "val"
    shutil.rmtree(val, ignore_errors=True)
    lines = [f"val_{i}.JPEG\t{wnid}\t0\t0\t1\t1\n" for i, wnid in enumerate(CATEGORISED)]
    for i in range(len(lines)):
        picture(val / "images" / f"val_{i}.JPEG", kind="JPEG")
    if annotations is not None:
        (val / "val_annotations.txt").write_text("".join(lines) + annotations)
    if write:
        in_place_of(val / "images" / "val_20.JPEG", write)
    command = ["run", "1", "-p", "dataset", "tiny_imagenet", "-p", "networks", "AlexNet"]
    return command, "val_20.JPEG" if write else "val_annotations.txt"


def narrow_stimuli(folder, size):
    """All of them of the same odd size."""
    picture(folder / "set" / "cat" / "cat1-dog1.png", size)
    names = ["bias", "AlexNet", "--dataset", "pictograms"]
    return [*names, "--stimuli", "set"], "cat1-dog1.png"


def parameter(folder, name, code):
    return ["run", "3", "-p", name, code], code


CODE = """__import__('os').system('touch executed')"""


def cases():
    """(label, layout, its arguments, whether a kernel runs until then)."""
    for name, write in PICTURES.items():
        yield f"distort: {name}", distort, [write], False
        yield f"run 3 -p stimuli: {name}", run_on_stimuli, [write], False
    for name in ("a pipe", "a link to a text"):
        yield f"bias --stimuli: {name}", bias_on_stimuli, [PICTURES[name]], False
    for size in ((20_000, 1), (1, 20_000)):
        yield f"bias --stimuli: {size[0]} x {size[1]} all", narrow_stimuli, [size], False
    for name in ("stimuli", "observers", "own_networks", "networks", "decision"):
        yield f"run 3 -p {name}: code", parameter, [name, CODE], False
    for name, write in TRIALS.items():
        yield f"run 3 -p observers: {name}", observers, [write], False
    for name, write in CHECKPOINTS.items():
        yield f"bias --own-networks: {name}", bias_of_own_network, [write, name], False
    yield "run 3 -p own_networks: NaN.pt", run_own_network, [CHECKPOINTS["NaN.pt"], "NaN.pt"], True
    for name in ("a pipe", "a link to /dev/zero", "a folder"):
        yield f"run 3 -p own_networks: {name}", registering_file, [FILES[name]], False
    for name, text in {"a slip": "nothing\n", "no Python": "<!DOCTYPE>", "a NUL": "\0"}.items():
        yield f"bias --own-networks: {name}", bias_of_registering_file, [text], False
    for name, change in CONCEPTS.items():
        yield f"run 6 -p concepts: {name}", concepts, [change], name == "an unknown label"
    for (place, name), write in IN_BRODEN.items():
        in_kernel = name in ("170 megapixels in 20 KB", "PostScript")
        yield f"run 6 -p concepts: {place}, {name}", concepts, [UNCHANGED, place, write], in_kernel
    label = "run 1 -p dataset tiny_imagenet"
    for name, text in ANNOTATIONS.items():
        yield f"{label}: {name}", tiny_imagenet, [text], True
    for name in ("a link to a text", "cut at its end", "a link to /dev/zero"):
        yield f"{label}: {name}", tiny_imagenet, ["", PICTURES[name]], True


CASES = {
    label: pytest.param(layout, arguments, marks=[pytest.mark.slow] if in_kernel else [])
    for label, layout, arguments, in_kernel in cases()
}


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    shell = Shell(tmp_path_factory.mktemp("home"))
    yield shell
    shell.close()


@pytest.mark.parametrize(("layout", "arguments"), CASES.values(), ids=CASES)
def test_a_command_refuses_in_one_line_with_file_and_remedy(shell, layout, arguments):
    folder = shell.folder()
    command, name = layout(folder, *arguments)
    ended = shell(*command, cwd=folder)
    lines = ended.err.splitlines()
    assert ended.code == 1 and len(lines) == 1 and "Traceback" not in ended.out, ended
    assert name in lines[0] and any(word in lines[0] for word in REMEDY), ended
    assert ended.seconds < SECONDS and ended.megabytes < MEGABYTES, ended
    assert not (folder / "executed").exists()


@pytest.mark.parametrize("make", [os.mkfifo, zeros, os.mkdir])
def test_the_doctor_names_what_is_no_checkpoint_and_does_not_wait_for_it(tmp_path, make):
    """Nor does `shapebias networks`, which looks at the same."""
    make(path := tmp_path / "a.safetensors")
    state, why = checkpoint_state(replace(get_network("AlexNet", "pictograms"), checkpoint=path))
    assert state == "broken" and f"{path} is no regular file: remove it" in why


def member(name, kind=tarfile.REGTYPE, link=""):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return entry


MEMBERS = {
    "an absolute path": lambda outside: [member(str(outside))],
    "a path upwards": lambda outside: [member("photos/../../../outside")],
    "a link out of it": lambda outside: [member("photos/a", tarfile.SYMTYPE, str(outside))],
    "a link upwards": lambda outside: [member("photos/a", tarfile.SYMTYPE, "../../../outside")],
    "a file behind a link": lambda outside: [
        member("photos/a", tarfile.SYMTYPE, str(outside.parent)), member("photos/a/outside"),
    ],
    "a hard link": lambda outside: [member("photos/a", tarfile.LNKTYPE, str(outside))],
    "a pipe": lambda outside: [member("photos/a", tarfile.FIFOTYPE)],
    "a device": lambda outside: [member("photos/a", tarfile.CHRTYPE)],
}  # fmt: skip


@pytest.mark.parametrize("name", MEMBERS)
def test_fetch_unpacks_nothing_elsewhere(tmp_path, monkeypatch, capsys, name):
    path = tmp_path / "raw" / "photos.tar"
    path.parent.mkdir()
    with tarfile.open(path, "w") as archive:
        for entry in MEMBERS[name](tmp_path / "outside"):
            archive.addfile(entry)
    record = Download("photos", "", sha256(path), path, 1, "", unpacks=("photos",))
    monkeypatch.setattr(downloads, "DOWNLOADS", {"photos": record})
    with pytest.raises(SystemExit, match="1"):
        main(["fetch", "photos"])
    (said,) = capsys.readouterr().err.splitlines()
    assert str(path) in said and ("remove it" in said or "look into it" in said)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["raw"]
    assert [p.name for p in path.parent.iterdir() if not p.name.startswith(".photos.tar.l")] == [
        "photos.tar"
    ]
