"""What is missing is found and named with its remedy; downloads resume, and are checked."""

import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import threading
import tomllib
import zipfile
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest

from shapebias_utils import cleaning, doctor, downloads, networks
from shapebias_utils.cli import main
from shapebias_utils.datasets import cifar10, imagenet, tiny_imagenet
from shapebias_utils.downloads import Download, fetch
from shapebias_utils.paths import ROOT

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch):
    """A web server of one file, which can break off, and notes the ranges it is asked for."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    state = SimpleNamespace(break_after=None, ranges=[], resumable=True, content=CONTENT)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path != "/weights.pth":
                return self.send_error(404)
            state.ranges.append(asked := self.headers.get("Range"))
            start = (
                int(asked.removeprefix("bytes=").rstrip("-")) if asked and state.resumable else 0
            )
            if start >= len(state.content):
                return self.send_error(416)
            rest = state.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(rest)))
            if start:
                whole = f"{start}-{len(state.content) - 1}/{len(state.content)}"
                self.send_header("Content-Range", f"bytes {whole}")
            self.end_headers()
            self.wfile.write(rest[: state.break_after])

        def log_message(self, *args):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    state.url = f"http://127.0.0.1:{http.server_port}/weights.pth"
    yield state
    http.shutdown()
    http.server_close()


@pytest.fixture
def record(server, tmp_path):
    return Download("weights", server.url, SHA256[:8], tmp_path / "data" / "weights.pth", 1, "")


def there(record):
    """The files in the target's folder, locks aside."""
    return sorted(f for f in os.listdir(record.path.parent) if not f.endswith(".lock"))


def test_a_download_arrives_whole_and_is_not_repeated(record, server):
    assert fetch(record).read_bytes() == CONTENT
    assert fetch(record) == record.path
    assert server.ranges == [None]
    assert there(record) == ["weights.pth"]


def test_an_interrupted_download_goes_on_where_it_stopped(record, server):
    server.break_after = 100_000
    with pytest.raises(
        OSError, match="broke after 100000 of 300000 bytes; what has come so far is"
    ):
        fetch(record)
    assert there(record) == ["weights.pth.part"]
    with pytest.raises(OSError, match="broke after 200000 of 300000"):
        fetch(record)
    server.break_after = None
    assert fetch(record).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=100000-", "bytes=200000-"]
    assert there(record) == ["weights.pth"]


def test_a_server_that_cannot_resume_sends_all_again(record, server):
    server.break_after = 100_000
    with pytest.raises(OSError, match="broke"):
        fetch(record)
    server.break_after, server.resumable = None, False
    assert fetch(record).read_bytes() == CONTENT


def test_a_part_that_is_complete_is_not_asked_for_again(record):
    record.path.parent.mkdir()
    record.path.with_name("weights.pth.part").write_bytes(CONTENT)
    assert fetch(record).read_bytes() == CONTENT


def test_another_file_than_recorded_is_refused_and_removed(record, server):
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(ValueError, match=rf"has SHA-256 \w+, expected is {SHA256[:8]}.*removed"):
        fetch(record)
    assert there(record) == []


def test_a_file_that_is_there_but_another_is_left_alone(record, server):
    record.path.parent.mkdir()
    record.path.write_bytes(b"mine")
    with pytest.raises(ValueError, match="move it away"):
        fetch(record)
    assert record.path.read_bytes() == b"mine"
    assert server.ranges == []


def test_without_network_or_page_one_line_says_so(record, monkeypatch, capsys):
    for url, reason in (
        ("http://127.0.0.1:1/weights.pth", "Connection refused"),
        (record.url.replace("weights", "nothing"), "Not Found"),
    ):
        monkeypatch.setattr(downloads, "DOWNLOADS", {"weights": replace(record, url=url)})
        with pytest.raises(SystemExit, match="1"):
            main(["fetch", "weights"])
        error = capsys.readouterr().err
        assert error.startswith(f"shapebias: cannot fetch weights from {url}: ")
        assert reason in error
        assert error.count("\n") == 1
        assert there(record) == []


def zipped(names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, f"of {name}")
    return file.getvalue()


def tarred(names):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name in names:
            contents = f"of {name}".encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(contents)
            archive.addfile(entry, io.BytesIO(contents))
    return file.getvalue()


def archive_of(record, server, content):
    server.content = content
    return replace(record, sha256=hashlib.sha256(content).hexdigest(), unpacks=("photos",))


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_goes_on_too_and_leaves_the_folder_that_it_brings(record, server, pack):
    record = archive_of(record, server, pack(["photos/a.txt", "photos/b/c.txt", "other/d.txt"]))
    server.break_after = 50
    with pytest.raises(OSError, match="broke after 50 of"):
        fetch(record)
    server.break_after = None
    folder = record.path.parent / "photos"
    left = record.path.with_name(".weights.pth.unpacking") / "photos"
    left.mkdir(parents=True)  # of a run that was killed
    (left / "half.txt").touch()
    assert fetch(record) == folder and server.ranges == [None, "bytes=50-"]
    assert sorted(str(p.relative_to(folder)) for p in folder.rglob("*.txt")) == ["a.txt", "b/c.txt"]
    assert (folder / "b" / "c.txt").read_text() == "of photos/b/c.txt"
    assert there(record) == ["photos"]
    assert fetch(record) == folder and len(server.ranges) == 2  # there already


def test_an_archive_that_came_by_itself_is_checked_and_unpacked(record, server):
    record = archive_of(record, server, zipped(["photos/a.txt"]))
    record.path.parent.mkdir()
    record.path.write_bytes(server.content)
    assert fetch(record).name == "photos" and not server.ranges


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_without_the_folder_or_with_paths_out_of_it(record, server, pack):
    with pytest.raises(ValueError, match=r"weights.pth holds no folder photos"):
        fetch(archive_of(record, server, pack(["other/a.txt"])))
    record.path.unlink()
    outside = record.path.parent.parent / "outside.txt"
    with suppress(ValueError):  # zipfile leaves such paths out, tarfile refuses
        fetch(archive_of(record, server, pack(["photos/a.txt", "../../outside.txt"])))
    assert not outside.exists() and ".weights.pth.unpacking" not in there(record)


def test_datasets_unpack_to_where_they_are_read(monkeypatch):
    for name, module in (("tiny_imagenet", tiny_imagenet), ("cifar10", cifar10)):
        download = downloads.DOWNLOADS[name]
        assert download.path.parent / download.unpacks[0] == module.folder()
        assert len(download.sha256) == 64


def test_torchvision_files_are_those_that_torchvision_names():
    from torchvision import models
    from torchvision.models.detection import MaskRCNN_ResNet50_FPN_V2_Weights as MaskRCNN

    for name, weights in (
        ("alexnet", models.AlexNet_Weights.IMAGENET1K_V1),
        ("googlenet", models.GoogLeNet_Weights.IMAGENET1K_V1),
        ("resnet50", models.ResNet50_Weights.IMAGENET1K_V1),
        ("maskrcnn", MaskRCNN.COCO_V1),
    ):
        record = doctor.DOWNLOADS[name]
        assert record.url == weights.url
        assert record.path.name == weights.url.rsplit("/", 1)[1]
        assert record.sha256 == weights.url.rsplit("-", 1)[1].removesuffix(".pth")
        assert record.megabytes == round(weights.meta["_file_size"] * 1.048576)


def network(**changes):
    return replace(networks.get_network("AlexNet", "pictograms"), **changes)


@pytest.mark.parametrize(
    ("file", "card", "state"),
    [
        (None, None, "missing"),
        (b"weights", None, "ok"),
        (b"weights", hashlib.sha256(b"weights").hexdigest(), "ok"),
        (b"weight", hashlib.sha256(b"weights").hexdigest(), "broken"),
    ],
)
def test_a_checkpoint_is_ok_missing_or_broken(tmp_path, file, card, state):
    path = tmp_path / "alexnet.safetensors"
    if file:
        path.write_bytes(file)
    if card:
        path.with_suffix(".json").write_text(f'{{"sha256": "{card}"}}')
    assert doctor.checkpoint_state(network(checkpoint=path))[0] == state


def test_a_damaged_card_is_said_to_be_damaged(tmp_path):
    path = tmp_path / "alexnet.safetensors"
    path.write_bytes(b"weights")
    path.with_suffix(".json").write_text("{")
    state, why = doctor.checkpoint_state(network(checkpoint=path))
    assert state == "broken" and "alexnet.json is damaged" in why


def test_every_missing_thing_names_what_brings_it(monkeypatch, tmp_path):
    monkeypatch.setattr(networks, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr(imagenet, "RAW", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    findings = {f"{f.topic} {f.name}": f for f in doctor.examine()}
    assert [k for k, f in findings.items() if f.state == "broken"] == []
    assert [k for k, f in findings.items() if f.state == "missing" and not f.remedy] == []
    assert findings["tool potrace"].remedy == "apt-get install potrace"
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for extra, (package, _) in doctor.EXTRAS.items():
        assert package in extras["optional-dependencies"][extra]
        found = findings[f"tool extra [{extra}]"]
        assert found.remedy.endswith(f'".[{extra}]"') if found.state == "missing" else found.detail
    robust = findings["checkpoint pictograms AlexNet-R"]
    assert (robust.state, robust.needed) == ("missing", True)
    assert robust.remedy == "shapebias train --architecture alexnet --training robust"
    assert not findings["dataset imagenet validation"].needed


ITEMS = {
    "checkpoint imagenet": (
        "AlexNet", "AlexNet-R", "GoogLeNet", "GoogLeNet-R", "ResNet", "ResNet-R", "ResNet-SIN",
        "ResNet-SIN-and-IN", "ResNet-SIN+IN-joint", "ResNet-AdvProp1", "ResNet-AdvProp5",
    ),
    "dataset": (
        "imagenet validation", "imagenet train", "cue-conflict stimuli", "broden", "paintings",
        "tiny_imagenet", "cifar10", "caltech-256",
        *(f"imagenet-c {archive}" for archive in ("blur", "digital", "extra", "noise", "weather")),
    ),
    "weights": ("maskrcnn", "adain_encoder", "adain_decoder", "vgg19_caffe"),
}  # fmt: skip
"""What both papers used, and what stands in for it."""

SIZE = re.compile(r"\d MB|\d GB|1,280 stimuli|[Ss]ize (and hash )?not published")
LICENCE = re.compile(
    r"MIT|BSD|CC BY|research use|no licence stated|not to be passed on|none stated"
)
HASH = re.compile(
    r"SHA-256 ([0-9a-f]{8}|recorded at first download)|MD5 [0-9a-f]{8}|git commit|know"
)


def test_every_item_of_both_papers_is_known_with_size_licence_and_hash(monkeypatch, tmp_path):
    monkeypatch.setattr(networks, "CHECKPOINTS", tmp_path)
    findings = {f"{f.topic} {f.name}": f for f in doctor.examine()}
    for topic, names in ITEMS.items():
        for name in names:
            detail = findings[f"{topic} {name}"].detail
            for part in (SIZE, LICENCE, HASH):
                assert part.search(detail), (name, part.pattern, detail)


@pytest.mark.parametrize(
    ("md5", "recorded", "message"),
    [
        ("", "", None),
        (hashlib.md5(CONTENT).hexdigest(), "", None),
        ("0" * 32, "", r"has MD5 \w+, expected is 0000.*removed"),
        ("", "f" * 64, r"has SHA-256 \w+, expected is ffff.*removed"),
        (hashlib.md5(CONTENT).hexdigest(), SHA256, None),
    ],
)
def test_where_no_sha256_is_published_that_of_the_first_download_counts(
    record, md5, recorded, message
):
    record = replace(record, sha256="", md5=md5)
    card = record.path.with_suffix(".json")
    card.parent.mkdir()
    if recorded:
        card.write_text(json.dumps({"sha256": recorded}))
    if message:
        with pytest.raises(ValueError, match=message):
            fetch(record)
        assert not record.path.exists()
    else:
        assert fetch(record).read_bytes() == CONTENT
        assert json.loads(card.read_text())["sha256"] == SHA256


@pytest.mark.parametrize(("strict", "code"), [([], 0), (["--strict"], 1)])
def test_the_doctor_fails_only_when_asked_to(monkeypatch, tmp_path, capsys, strict, code):
    monkeypatch.setattr(networks, "CHECKPOINTS", tmp_path)
    with pytest.raises(SystemExit, match=str(code)):
        main(["doctor", *strict])
    assert "The default run lacks pictograms AlexNet," in capsys.readouterr().out


def test_an_examination_that_breaks_is_itself_a_finding(monkeypatch):
    def _tools():
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(doctor, "_tools", _tools)
    broken = doctor.examine()[-1]
    assert (broken.state, broken.topic, broken.detail) == (
        "broken",
        "tools",
        "RuntimeError: two lines",
    )


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A git checkout with committed and other files in all folders that hold caches."""
    files = {
        "figures/pictograms/a.png": True,
        "figures/pictograms/b.png": False,
        "data/results/pictograms/seeds.csv": True,
        "data/results/pictograms/mine.csv": False,
        "data/results/pictograms/predict/a.csv": False,
        "data/results/pictograms/predict/a.csv.json": False,
        "data/raw/pictograms/train/pixels.npy": False,
        "data/raw/distorted/stylized/0a/0a1b.png": False,
        "data/raw/broden_labels/broden-0a/labels.npy": False,
        "data/raw/decoded/tiny_imagenet-train-0a.npy": False,
        "data/raw/imagenet/val/a.png": False,
        "data/checkpoints/pictograms/a.safetensors": False,
        "build/pictograms/00.ipynb": False,
    }
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", *[n for n, committed in files.items() if committed]], check=True)
    monkeypatch.setattr(cleaning, "ROOT", tmp_path)
    for name, folder in (
        ("FIGURES", "figures"), ("RESULTS", "data/results"), ("BUILD", "build"),
        ("PICTOGRAMS", "data/raw/pictograms"), ("DISTORTED", "data/raw/distorted"),
        ("LABELS", "data/raw/broden_labels"),
        ("DECODED", "data/raw/decoded"),
    ):  # fmt: skip
        monkeypatch.setattr(cleaning, name, tmp_path / folder)
    return tmp_path, set(files)


@pytest.mark.parametrize(
    ("what", "gone", "kept"),
    [
        ("results", {"data/results/pictograms/predict/a.csv",
                     "data/results/pictograms/predict/a.csv.json"}, 0),
        ("figures", {"figures/pictograms/b.png"}, 1),
        ("images", {"data/raw/pictograms/train/pixels.npy",
                    "data/raw/distorted/stylized/0a/0a1b.png",
                    "data/raw/broden_labels/broden-0a/labels.npy",
                    "data/raw/decoded/tiny_imagenet-train-0a.npy"}, 0),
        ("build", {"build/pictograms/00.ipynb"}, 0),
    ],
)  # fmt: skip
def test_clean_removes_caches_and_nothing_else(checkout, capsys, what, gone, kept):
    root, files = checkout
    with pytest.raises(SystemExit, match="0"):
        main(["clean", what])
    left = {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}
    assert {f for f in left if not f.startswith(".git/")} == files - gone
    assert capsys.readouterr().out.startswith(f"{len(gone)} file")
    assert cleaning.clean(what) == (0, kept)


def test_figures_are_not_cleaned_where_nothing_tells_which_are_committed(checkout, tmp_path):
    (tmp_path / ".git" / "HEAD").unlink()
    with pytest.raises(ValueError, match="no git checkout"):
        cleaning.clean("figures")
    assert (tmp_path / "figures/pictograms/b.png").exists()
