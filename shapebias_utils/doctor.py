"""What is there, what is missing, and how it comes: findings, downloads, and clearing of caches."""

import http.client
import os
import platform
import shutil
import subprocess
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError

from .distortions.supplied import DISTORTED, PAINTINGS, PAINTINGS_FROM, WEIGHTS
from .paths import BUILD, CHECKPOINTS, FIGURES, RAW, RESULTS, ROOT, Download
from .results import locked

if TYPE_CHECKING:
    from .networks import Network

PICTOGRAMS = RAW / "pictograms"


def _torchvision(name: str, file: str, megabytes: int) -> Download:
    """torchvision puts the first eight digits of the SHA-256 into the file's name."""
    return Download(
        name,
        f"https://download.pytorch.org/models/{file}",
        file.rsplit("-", 1)[1].removesuffix(".pth"),
        CHECKPOINTS / "imagenet" / file,
        megabytes,
        "torchvision, BSD-3-Clause; trained on ImageNet (research use)",
    )


DOWNLOADS = {
    d.name: d
    for d in (
        _torchvision("alexnet", "alexnet-owt-7be5be79.pth", 244),
        _torchvision("googlenet", "googlenet-1378be20.pth", 52),
        _torchvision("resnet50", "resnet50-0676ba61.pth", 103),
        Download(
            "resnet50_l2_eps3",
            "https://huggingface.co/madrylab/robust-imagenet-models/resolve/"
            "3f04ac96136001cfe402022100728124cbe3fac5/resnet50_l2_eps3.ckpt",
            "380b14e6f9750bffa1447cf7017f65da4dc5ce71a3dd112f107515dcf7b14d9d",
            CHECKPOINTS / "imagenet" / "resnet50_l2_eps3.ckpt",
            205,
            "Salman et al. 2020, MIT; a sister of the paper's ResNet-R (62.8 % clean, not 57.9 %)",
        ),
        *WEIGHTS,
    )
}
"""Name -> what `shapebias fetch` brings."""


def fetch(record: Download) -> Path:
    """The path of the downloaded file, checked against its hash.

    What an interrupted download has brought stays beside it as ``.part``, and the next one goes
    on from there; the file itself appears whole or not at all. OSError if it cannot be had,
    ValueError if it is another file than the record describes.
    """
    target, part = record.path, record.path.with_name(record.path.name + ".part")
    with locked(target):
        if target.exists():
            if (found := _sha256(target)).startswith(record.sha256):
                return target
            raise ValueError(
                f"{target} has SHA-256 {found}, expected is {record.sha256}...: move it away and "
                f"`shapebias fetch {record.name}` again"
            )
        try:
            _download(record, part)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise OSError(
                f"cannot fetch {record.name} from {record.url}: {reason}; what has come so far is "
                "kept, the same command goes on from there"
            ) from error
        if not (found := _sha256(part)).startswith(record.sha256):
            part.unlink()
            raise ValueError(
                f"{record.url} has SHA-256 {found}, expected is {record.sha256}...: removed; try "
                "again, and if it stays so do not use that file"
            )
        os.replace(part, target)
    return target


def _download(record: Download, part: Path) -> None:
    from tqdm import tqdm

    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(record.url, headers={"Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=30)
    except HTTPError as error:
        if error.code == 416 and have:  # nothing is left to come: the hash decides
            return
        raise
    with response:
        goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        have = have if have and response.status == 206 and goes_on else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        bar = tqdm(
            desc=record.name, total=total, initial=have, unit="B", unit_scale=True, disable=None
        )
        with bar, open(part, "ab" if have else "wb") as file:
            while chunk := response.read(1 << 16):
                file.write(chunk)
                bar.update(len(chunk))
            size = file.tell()
    if total is not None and size < total:
        raise ConnectionError(f"the connection broke after {size} of {total} bytes")


def _short(path: Path) -> str:
    """The path as seen from the repository root."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def _sha256(path: Path) -> str:
    import hashlib

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's table: `state` is "ok", "missing" or "broken".

    `remedy` is the command or the link that brings it; `needed` where the default run needs it.
    """

    topic: str
    name: str
    state: str
    detail: str
    remedy: str = ""
    needed: bool = False


def examine() -> list[Finding]:
    """All findings; one that cannot be made is itself a finding."""
    found: list[Finding] = []
    for topic in (_machine, _datasets, _checkpoints, _tools):
        try:
            found += topic()
        except Exception as error:  # the doctor never falls ill
            text = " ".join(f"{type(error).__name__}: {error}".split())
            found.append(
                Finding(topic.__name__.strip("_"), "examination", "broken", text, needed=True)
            )
    return found


def _machine() -> Iterable[Finding]:
    yield Finding("machine", "python", "ok", f"{platform.python_version()}, {platform.platform()}")
    for package in ("torch", "torchvision", "robustness", "papermill"):
        try:
            yield Finding("machine", package, "ok", version(package), needed=True)
        except PackageNotFoundError:
            how = "pip install -r requirements.lock"
            yield Finding("machine", package, "missing", "not installed", how, needed=True)
    import torch

    from .hardware import device, fast_bf16

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    bf16 = "fast bfloat16" if fast_bf16(device()) else "no fast bfloat16: computes in float32"
    threads = f"{torch.get_num_threads()} threads on {os.cpu_count()} cores"
    yield Finding("machine", "device", "ok", "; ".join([*(gpus or ["CPU"]), bf16, threads]))


IMAGENET = "https://image-net.org/download-images (registration; research use)"
STIMULI = "git clone --depth 1 https://github.com/rgeirhos/texture-vs-shape {folder}"


def _datasets() -> Iterable[Finding]:
    from .datasets.broden import ARCHIVE
    from .datasets.imagenet_c import ORIGIN
    from .datasets.pictograms import SPLITS, Knobs, definition

    for split, count in SPLITS.items():
        folder = PICTOGRAMS / f"{split}-natural-{definition(split, Knobs(), 'natural')[:12]}"
        there = (folder / "hashes.json").exists()
        detail = f"{count:,} images, " + ("rendered" if there else "rendered on first use")
        yield Finding("dataset", f"pictograms {split}", "ok", detail)
    stimuli = RAW / "cue_conflict", RAW / "texture-vs-shape"
    for name, folder, remedy in (
        ("imagenet validation", RAW / "imagenet" / "val", IMAGENET),
        ("imagenet train", RAW / "imagenet" / "train", IMAGENET),
        ("imagenet-c", RAW / "imagenet-c", f"{ORIGIN} (five archives) -> {{folder}}"),
        ("broden", RAW / "broden1_224", f"{ARCHIVE} (1 GB) -> {{folder}}"),
        ("cue-conflict stimuli", stimuli[0] if stimuli[0].is_dir() else stimuli[1], STIMULI),
        ("paintings", PAINTINGS, PAINTINGS_FROM),
    ):
        there = folder.is_dir() and any(folder.iterdir())
        state = "ok" if there else "missing"
        how = "" if there else remedy.format(folder=_short(folder))
        yield Finding("dataset", name, state, _short(folder), how)


def _checkpoints() -> Iterable[Finding]:
    from .networks import get_network, network_names

    for dataset in ("pictograms", "imagenet"):
        for name in network_names(dataset):
            network = get_network(name, dataset)
            if network.path() is None:
                continue
            needed = dataset == "pictograms"
            state, detail = checkpoint_state(network)
            how = "" if state == "ok" else _remedy(network)
            yield Finding("checkpoint", f"{dataset} {name}", state, detail, how, needed)
    for record in WEIGHTS:
        state = "ok" if record.path.exists() else "missing"
        how = "" if state == "ok" else f"shapebias fetch {record.name}"
        yield Finding("weights", record.name, state, record.note, how)


def checkpoint_state(network: "Network") -> tuple[str, str]:
    """("ok", "missing" or "broken", why) of a network's checkpoint."""
    import json

    path = network.path()
    if path is None:
        return "ok", "needs none"
    if not path.exists():
        return "missing", _short(path)
    card = path.with_suffix(".json")
    try:
        expected = network.sha256 or (
            json.loads(card.read_text()).get("sha256") if card.exists() else None
        )
    except (ValueError, AttributeError):
        return "broken", f"{_short(card)} is damaged: `git checkout` it, or remove it"
    found = _sha256(path)
    if expected is None:
        return "ok", f"SHA-256 {found[:8]}, not checked: none is on record"
    if not found.startswith(expected):
        return "broken", f"SHA-256 {found[:8]}, expected is {expected[:8]}"
    return "ok", f"SHA-256 {found[:8]}"


ORIGINS = {
    "AlexNet-R": "https://github.com/anguyen8/shape-bias (the authors' checkpoints)",
    "GoogLeNet-R": "https://github.com/anguyen8/shape-bias (the authors' checkpoints)",
    "ResNet-R": "https://github.com/MadryLab/robustness#pretrained-models (ImageNet, L2, eps 3.0)",
}
"""ImageNet network -> the page that offers its checkpoint, where `fetch` may not bring it."""


def _remedy(network: "Network") -> str:
    for record in DOWNLOADS.values():
        if record.path.name == network.path().name:
            return f"shapebias fetch {record.name}"
    if network.dataset == "imagenet":
        return (
            f"{ORIGINS[network.name]} -> {_short(network.path())}"
            if network.name in ORIGINS
            else ""
        )
    force = " --force" if network.path().exists() else ""
    return (
        f"shapebias train --architecture {network.architecture.lower()} "
        f"--training {network.training}{force}"
    )


TOOLS = {
    "potrace": (("potrace",), "apt-get install potrace", "traces black-and-white images"),
    "rsvg-convert": (("rsvg-convert",), "apt-get install librsvg2-bin", "renders traced images"),
    "chromium": (
        ("chromium", "chromium-browser", "google-chrome"), "apt-get install chromium",
        "the test in a real browser",
    ),
}  # fmt: skip
"""Optional programs: their names, how they come, what they are for."""


def _tools() -> Iterable[Finding]:
    for name, (programs, remedy, purpose) in TOOLS.items():
        path = next(filter(None, map(shutil.which, programs)), None)
        if path:
            yield Finding("tool", name, "ok", path)
        else:
            yield Finding("tool", name, "missing", f"optional: {purpose}", remedy)


def _caches(what: str) -> list[Path]:
    """The folders that hold nothing but caches of a kind (and, for figures, committed files)."""
    if what == "results":  # tables directly in a dataset's folder are part of the repository
        return [p for p in RESULTS.glob("*/*") if p.is_dir()]
    folders = {"figures": [FIGURES], "images": [PICTOGRAMS, DISTORTED], "build": [BUILD]}
    if what not in folders:
        raise ValueError(f"cannot clean {what!r}; choose results, {', '.join(folders)}")
    return folders[what]


def clean(what: str) -> tuple[int, int]:
    """Remove caches: "results", "figures", "images" or "build"; (files removed, files kept).

    Kept are committed files; there are neither these nor checkpoints among results, images
    and build. ValueError for figures outside a git checkout, where no file tells whether it was
    committed.
    """
    removed = kept = 0
    for folder in _caches(what):
        committed = _committed(folder)
        if committed is None and what == "figures":
            raise ValueError(
                f"{ROOT} is no git checkout, so nothing tells which figures belong to it"
            )
        for where, _, files in os.walk(folder, topdown=False):
            for path in (Path(where) / name for name in files):
                if path in (committed or ()):
                    kept += 1
                else:
                    path.unlink()
                    removed += 1
            if not os.listdir(where):
                os.rmdir(where)
    return removed, kept


def _committed(folder: Path) -> set[Path] | None:
    """The files of the folder that git tracks, None where git does not tell."""
    if not folder.is_relative_to(ROOT):
        return set()
    git = ["git", "-C", str(ROOT), "ls-files", "-z", "--", str(folder)]
    try:
        listed = subprocess.run(git, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return {ROOT / name for name in listed.split("\0") if name}
