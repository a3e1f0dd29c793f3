"""What is there, what is missing, and how it comes."""

import platform
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from .datasets import Origin
from .distortions.external import PAINTINGS, PAINTINGS_FROM, WEIGHTS
from .downloads import DOWNLOADS
from .files import sha256
from .paths import RAW, ROOT

if TYPE_CHECKING:
    from .networks import Network


def _short(path: Path) -> str:
    """The path as seen from the repository root."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


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

    from .hardware import cores, device, fast_bf16

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    bf16 = "fast bfloat16" if fast_bf16(device()) else "no fast bfloat16: computes in float32"
    threads = f"{torch.get_num_threads()} threads on {cores()} cores"
    yield Finding("machine", "device", "ok", "; ".join([*(gpus or ["CPU"]), bf16, threads]))


FURTHER = (
    Origin(
        "paintings", PAINTINGS, PAINTINGS_FROM,
        "38 GB; WikiArt's, not to be passed on; no hash is published, results know names and sizes",
    ),
    Origin(
        "caltech-256", RAW / "256_ObjectCategories",
        "https://data.caltech.edu/records/nyy15-4j048, for a dataset of your own",
        "Zhang & Zhu's third dataset, of which neither split nor networks are published; 1.2 GB; "
        "CC BY 4.0; the archive has MD5 67b4f42ca05d46448c6bb8ecd2220f6d",
    ),
)  # fmt: skip
"""What belongs to no dataset of the package."""


def _datasets() -> Iterable[Finding]:
    from .datasets import dataset_names, get_dataset

    # Once each: several datasets share the stimuli.
    found = dict.fromkeys(o for name in dataset_names() for o in get_dataset(name).origins())
    for origin in [*found, *FURTHER]:
        there = origin.there()
        state = "ok" if there or not origin.remedy else "missing"
        download = DOWNLOADS.get(origin.remedy.removeprefix("shapebias fetch "))
        facts = [origin.detail, download.facts() if download else ""]
        detail = "; ".join(filter(None, facts)) or _short(origin.path)
        if not origin.remedy:
            detail += ", there" if there else ", made on first use"
        how = "" if state == "ok" else f"{origin.remedy} -> {_short(origin.path)}"
        yield Finding("dataset", origin.name, state, detail, how)


def _checkpoints() -> Iterable[Finding]:
    from .datasets import DEFAULT, dataset_names
    from .networks import get_network, network_names

    for dataset in dataset_names():
        for name in network_names(dataset, further=True):
            network = get_network(name, dataset)
            # Of further regimes those that somebody published.
            if network.path() is None or (network.further and not network.origin):
                continue
            needed = dataset == DEFAULT
            state, detail = checkpoint_state(network)
            how = "" if state == "ok" else _remedy(network)
            yield Finding("checkpoint", f"{dataset} {name}", state, detail, how, needed)
    for record in WEIGHTS:
        state = "ok" if record.path.exists() else "missing"
        how = "" if state == "ok" else f"shapebias fetch {record.name}"
        yield Finding("weights", record.name, state, record.facts(), how)


def checkpoint_state(network: "Network") -> tuple[str, str]:
    """("ok", "missing" or "broken", why) of a network's checkpoint."""
    import json

    path = network.path()
    if path is None:
        return "ok", "needs none"
    if not path.exists():
        download = next((d for d in DOWNLOADS.values() if d.path.name == path.name), None)
        about = download.facts() if download else network.terms
        return "missing", f"{_short(path)}; {about}" if about else _short(path)
    if not path.is_file():  # a pipe or a device would be read for ever
        return "broken", f"{_short(path)} is no regular file: remove it"
    card = path.with_suffix(".json")
    try:
        expected = network.sha256 or (
            json.loads(card.read_text()).get("sha256") if card.exists() else None
        )
    except (ValueError, AttributeError):
        return "broken", f"{_short(card)} is damaged: `git checkout` it, or remove it"
    found = sha256(path)
    if expected is None:
        return "ok", f"SHA-256 {found[:8]}, not checked: none is on record"
    if not found.startswith(expected):
        return "broken", f"SHA-256 {found[:8]}, expected is {expected[:8]}"
    return "ok", f"SHA-256 {found[:8]}"


def _remedy(network: "Network") -> str:
    from .datasets import DEFAULT, get_dataset

    for record in DOWNLOADS.values():
        if record.path.name == network.path().name:
            return f"shapebias fetch {record.name}"
    if network.origin:
        return f"{network.origin} -> {_short(network.path())}"
    if network.training not in get_dataset(network.dataset).recipes().get(network.architecture, {}):
        return ""
    where = f" --dataset {network.dataset}" if network.dataset != DEFAULT else ""
    force = " --force" if network.path().exists() else ""
    return (
        f"shapebias train --architecture {network.architecture.lower()} "
        f"--training {network.training}{where}{force}"
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

EXTRAS = {
    "timm": ("timm", "networks by their names there (timm:resnet50.a1_in1k)"),
    "hf": ("transformers", "networks of the Hugging Face hub (hf:ORG/NAME@REVISION)"),
    "bench": ("foolbox", "the attack beside foolbox's in `make bench`"),
    "site": ("sphinx", "`shapebias site`"),
}
"""Extras of the package: what each brings that else is not there, and what it is for."""


def _tools() -> Iterable[Finding]:
    for name, (programs, remedy, purpose) in TOOLS.items():
        path = next(filter(None, map(shutil.which, programs)), None)
        if path:
            yield Finding("tool", name, "ok", path)
        else:
            yield Finding("tool", name, "missing", f"optional: {purpose}", remedy)
    for extra, (package, purpose) in EXTRAS.items():
        name, remedy = f"extra [{extra}]", f'pip install -e ".[{extra}]"'
        try:
            yield Finding("tool", name, "ok", f"{package} {version(package)}")
        except PackageNotFoundError:
            yield Finding("tool", name, "missing", f"optional: {purpose}", remedy)
