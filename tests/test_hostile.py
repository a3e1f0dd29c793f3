"""Hostile input on every way in: one line with the file and the remedy, in bounded time."""

import ast
import json
import os
import pickle
import time

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from shapebias_utils import notebooks, site
from shapebias_utils.cli import main
from shapebias_utils.datasets import broden, tiny_imagenet
from shapebias_utils.datasets.broden import read_broden
from shapebias_utils.datasets.cue_conflict import read_stimuli
from shapebias_utils.datasets.image_folders import labelled_images
from shapebias_utils.measures.schema import read_trials
from shapebias_utils.networks.checkpoints import load_into, trained_hash


def refused(call, *args, **options) -> str:
    """The one line with which the call refuses, within seconds."""
    began = time.process_time()
    with pytest.raises((ValueError, OSError)) as caught:
        call(*args, **options)
    assert time.process_time() - began < 5
    line = str(caught.value)
    assert "\n" not in line and len(line) < 1000, line
    return line


# Broden's form

TABLES = {
    "index": "image,ih,iw,sh,sw,object\na.png,8,8,4,4,plane.png\n",
    "category": "name\nobject\n",
    "label": "number,name\n1,cat\n",
    "c_object": "number,coverage\n1,1\n",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in Broden's form, which can be read."""
    monkeypatch.setattr(broden, "RAW", tmp_path / "raw")
    (tmp_path / "set" / "images").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "set" / "images" / "a.png")
    Image.new("RGB", (4, 4), (1, 0, 0)).save(tmp_path / "set" / "images" / "plane.png")
    Image.new("RGB", (4, 4), (1, 0, 0)).save(tmp_path / "outside.png")
    for name, text in TABLES.items():
        (tmp_path / "set" / f"{name}.csv").write_text(text)
    assert len(read_broden(tmp_path / "set")) == 1
    return tmp_path / "set"


INDEXES = {
    "a plane elsewhere": ("plane.png", "../../outside.png", "which is no file within"),
    "an absolute plane": ("plane.png", "{set}/../outside.png", "which is no file within"),
    "an image elsewhere": ("a.png", "../../outside.png", "which is no file within"),
    "a NUL": ("plane.png", "pla\0ne.png", ""),
    "a line break": ("plane.png", '"pla\nne.png"', "which is no file within"),
    "a digit that is none": ("plane.png", "²", "it has no images/²"),
    "a number of 5,000 digits": ("plane.png", "9" * 5000, "label 999999999 is not known"),
    "a negative height": ("4,4,plane", "-4,4,plane", "sh and sw are to be"),
    "no height": ("4,4,plane", ",4,plane", "sh is '', not a number"),
    "a height that is none": ("4,4,plane", "nan,4,plane", "sh is 'nan', not a number"),
    "an infinite height": ("4,4,plane", "inf,4,plane", "sh and sw are to be"),
    "an enormous height": ("4,4,plane", "60000,60000,plane", "more than 64 megapixels"),
    "planes without end": ("plane.png", ";".join(["plane.png"] * 5_000_000), "megapixels"),
}


@pytest.mark.parametrize("case", INDEXES)
def test_an_index_cannot_lead_elsewhere_or_fill_the_memory(folder, case):
    old, new, message = INDEXES[case]
    text = TABLES["index"].replace(old, new.replace("{set}", str(folder)))
    (folder / "index.csv").write_text(text)
    assert message in refused(read_broden, folder)


def test_a_category_is_no_path(folder):
    (folder / "category.csv").write_text("name\n../../outside\n")
    (folder / "index.csv").write_text(TABLES["index"].replace("object", "../../outside"))
    assert "'../../outside', which is no category" in refused(read_broden, folder)


# Photographs


def test_links_out_of_a_folder_are_followed_to_images_alone(tmp_path):
    """Folders of links are how photographs are brought: what they lead to is still an image."""
    (tmp_path / "n00000001").mkdir()
    (tmp_path / "n00000001" / "a.png").symlink_to("/etc/passwd")
    images = labelled_images.__wrapped__(
        tmp_path, None, "x", n_classes=1, categories=("",), size=8, resize=8
    )
    assert "it is no PNG, JPEG or WebP" in refused(images.load, [0])


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "a\nb.png", "..", "a\tb.png"])
def test_labels_name_files_of_their_folder_alone(tmp_path, name):
    (tmp_path / "val").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "secret.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "val" / "a.png")
    (tmp_path / "labels.csv").write_text(f'imagename,label\n"{name}",0\n')
    line = refused(
        lambda: labelled_images.__wrapped__(
            tmp_path / "val", tmp_path / "labels.csv", "x", n_classes=1, categories=("",), size=8
        )
    )
    assert "unpack the archive again" in line


@pytest.mark.parametrize("label", ["a\nb", "1e400", "\0", "-1", "0.5", "True\n"])
def test_labels_that_are_none_are_told_in_a_line(tmp_path, label):
    (tmp_path / "val").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "val" / "a.png")
    (tmp_path / "labels.csv").write_text(f'imagename,label\n"a.png","{label}"\n')
    read = labelled_images.__wrapped__
    arguments = (tmp_path / "val", tmp_path / "labels.csv", "x")
    line = refused(read, *arguments, n_classes=1, categories=("",), size=8)
    assert "labels.csv" in line


@pytest.mark.parametrize("name", ["../x.JPEG", "/etc/passwd", "..", "a\0b", ""])
def test_tiny_imagenets_annotations_too(tmp_path, monkeypatch, name):
    (tmp_path / "val" / "images").mkdir(parents=True)
    (tmp_path / "val" / "val_annotations.txt").write_text(f"{name}\tn02123045\t0\t0\t1\t1\n")
    line = refused(tiny_imagenet._validation, tmp_path, ("n02123045",))
    assert "val_annotations.txt" in line


# Stimuli and trials


@pytest.mark.parametrize("name", ["cat1-dog1\n.png", "cat1-dog1.png\n", "cat¹-dog1.png"])
def test_stimuli_with_odd_names_are_told_in_a_line(tmp_path, name):
    (tmp_path / "cat").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "cat" / "ok.png")
    os.rename(tmp_path / "cat" / "ok.png", tmp_path / "cat" / name)
    with pytest.raises(ValueError, match="rename it to|expected are"):
        read_stimuli(tmp_path)


@pytest.mark.parametrize("make", [os.mkfifo, lambda p: p.symlink_to("/dev/zero"), os.mkdir])
def test_trials_are_read_from_files_alone(tmp_path, make):
    make(tmp_path / "trials.csv")
    assert "no trials at" in refused(read_trials, tmp_path / "trials.csv")


HEADER = "subj,session,trial,rt,object_response,category,condition,imagename\n"


@pytest.mark.parametrize(
    "contents",
    [b"", b"\xff\xfe\0\0", HEADER.encode(), HEADER.encode() + b'A,1,1,,"cat', b"\0" * 100,
     HEADER.encode() + b"A,1,1,,cat,cat,0," + b"x" * 10 + b"\0" + b"\n", b"," * 10_000],
)  # fmt: skip
def test_damaged_trials_name_the_file(tmp_path, contents):
    (tmp_path / "trials.csv").write_bytes(contents)
    assert "trials.csv" in refused(read_trials, tmp_path / "trials.csv")


# Checkpoints


class Evil:
    def __reduce__(self):
        return os.system, ("touch executed",)


def nested(path, depth=100_000):
    path.write_bytes(b"\x80\x02" + b"(" * depth + b"t" * depth + b".")


def laughs(path):
    """Lists of lists of lists: 2^40 leaves, should anything walk them."""
    value = ["ha"]
    for _ in range(40):
        value = [value, value]
    torch.save({"a": value}, path)


def claims_much(path):
    """A safetensors header that promises 10^15 bytes."""
    header = {"a": {"dtype": "F32", "shape": [250_000_000_000_000], "data_offsets": [0, 10**15]}}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)


def long_header(path):
    path.write_bytes((2**62).to_bytes(8, "little") + b"{}")


def stretched(path):
    """One number that claims to be 10^12, by a stride of 0."""
    torch.save({"weight": torch.ones(1).expand(10**6, 10**6), "bias": torch.ones(2)}, path)


CHECKPOINTS = {
    "pickle.pt": lambda p: p.write_bytes(pickle.dumps({"weight": Evil()})),
    "protocol0.pt": lambda p: p.write_bytes(pickle.dumps(Evil(), 0)),
    "nested.pt": nested,
    "laughs.pt": laughs,
    "stretched.pt": stretched,
    "much.safetensors": claims_much,
    "header.safetensors": long_header,
    "pickle.safetensors": lambda p: p.write_bytes(pickle.dumps(Evil())),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoints_that_are_meant_to_harm(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    CHECKPOINTS[name](tmp_path / name)
    assert name in refused(load_into, nn.Linear(3, 2), tmp_path / name)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("card", ["[]", '{"sha256": 5}', "[" * 100_000, "\0", '{"sha256": [1]}'])
def test_a_damaged_card_is_told(tmp_path, card):
    save_file(nn.Linear(3, 2).state_dict(), tmp_path / "a.safetensors")
    (tmp_path / "a.json").write_text(card)
    for read in (lambda p: load_into(nn.Linear(3, 2), p), trained_hash):
        assert "a.json is damaged" in refused(read, tmp_path / "a.safetensors")


# Notebooks' parameters

CODE = [
    '"; import os; os.system("touch executed"); "', "'''", '"""', "\\", "\\\"", "a\nb", "\r", "\0",
    "{x}", "%s", "\u2028", "#", "$(touch executed)", "`touch executed`", "__import__('os')",
]  # fmt: skip


@pytest.mark.parametrize("text", CODE)
def test_parameters_are_injected_as_literals(tmp_path, monkeypatch, text):
    import nbformat
    from papermill.translators import PythonTranslator

    cell = nbformat.v4.new_code_cell(
        'image: str = ""\nlevels = [1]', metadata={"tags": ["parameters"]}
    )
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "3"}
    nbformat.write(notebook, tmp_path / "00_a.ipynb")
    listed = json.dumps([text, {text: text}])
    given = {"image": text, "levels": listed}
    values = notebooks.values_for(tmp_path / "00_a.ipynb", given)
    tree = ast.parse(PythonTranslator.codify(values))
    found = {node.targets[0].id: ast.literal_eval(node.value) for node in tree.body}
    assert found == values and found["image"] == text


# The command line


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["distort", "/dev/zero"], "there is no image file /dev/zero"),
        (["distort", "pipe.png"], "there is no image file pipe.png"),
        (["distort", "bomb.png", "--only", "greyscale"], "more than 64 megapixels"),
        (["distort", "eps.png", "--only", "greyscale"], "it is no PNG, JPEG or WebP"),
        (["distort", "line\nbreak.png", "--only", "greyscale"], "is not a readable image"),
        (["run", "../../etc/passwd"], "unknown notebook"),
        (["run", "0\n"], "unknown notebook"),
        (["fetch", "../alexnet"], "unknown download"),
        (["clean", "../data"], "cannot clean"),
        (["networks", "--dataset", "../x"], "unknown dataset"),
        (["site", "--out", "occupied"], "holds something else than a site"),
        (["export-broden", "--out", "occupied", "-n", "1"], "is not empty"),
    ],
)
def test_the_command_line_refuses_in_one_line(tmp_path, monkeypatch, capsys, args, says):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.png")
    Image.new("1", (9000, 9000)).save("bomb.png")
    Image.new("RGB", (8, 8)).save("eps.png", "EPS")
    (tmp_path / "line\nbreak.png").write_bytes(b"")
    (tmp_path / "occupied").mkdir()
    (tmp_path / "occupied" / "mine.txt").write_text("mine")
    monkeypatch.setattr(site, "BUILD", tmp_path / "build")
    with pytest.raises(SystemExit) as caught:
        main(args)
    out, err = capsys.readouterr()
    assert caught.value.code == 1 and len(err.splitlines()) == 1, err
    assert err.startswith("shapebias: ") and says in err and "Traceback" not in out
    assert (tmp_path / "occupied" / "mine.txt").read_text() == "mine"
    assert os.listdir("occupied") == ["mine.txt"]
