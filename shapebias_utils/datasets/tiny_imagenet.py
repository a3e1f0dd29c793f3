"""Tiny ImageNet: photographs of 64 x 64 pixels, your copy under ``data/raw/tiny-imagenet-200``.

As it is published: ``train/<WNID>/images/*.JPEG``, 500 a class; ``val/images`` with 10,000 files
and ``val/val_annotations.txt`` (file name, WNID and a box, separated by tabs); ``wnids.txt``, the
200 classes. Of these, 26 belong to one of the 16 categories, to 11 of them in all. The dataset
`tiny_imagenet` is of these 26, `tiny_imagenet_200` of all: in both, the 26 are the first classes,
so that a label means the same in either.

Cue-conflict images are those of Geirhos et al. whose two cues the dataset knows, made small.
"""

import re
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from pkgutil import resolve_name

import pandas as pd

from ..attacks import Attack
from ..categories import CATEGORIES
from ..files import TABLE, check_bytes
from ..paths import RAW
from . import Dataset, ImageSet, Origin
from .decoded import content_digest, decoded, known_stimuli
from .image_files import SUFFIXES, load_images
from .imagenet import released_stimuli, stimuli_origin
from .photograph_notes import TINY_IMAGENET

SIZE = 64

CATEGORY_WNIDS: dict[str, tuple[str, ...]] = {
    "bear": ("n02132136",),
    "bird": ("n01855672", "n02002724", "n02056570"),
    "boat": ("n03662601",),
    "bottle": ("n02823428", "n03937543", "n03983396", "n04560804"),
    "car": ("n02814533", "n03100240", "n04285008"),
    "cat": ("n02123045", "n02123394", "n02124075", "n02125311"),
    "chair": ("n04099969",),
    "dog": ("n02094433", "n02099601", "n02099712", "n02106662", "n02113799"),
    "elephant": ("n02504458",),
    "keyboard": ("n03085013",),
    "truck": ("n03796401", "n03977966"),
}
"""Category -> its classes among the 200, by the mapping of Geirhos et al. (`categories`)."""

CATEGORY_OF = {wnid: category for category, own in CATEGORY_WNIDS.items() for wnid in own}

CATEGORISED = tuple(sorted(CATEGORY_OF))
"""The 26 WNIDs that have a category; the place of a WNID is its label."""

CATEGORY_CLASSES = {
    category: tuple(CATEGORISED.index(wnid) for wnid in CATEGORY_WNIDS.get(category, ()))
    for category in CATEGORIES
}

_HOW = "`shapebias fetch tiny_imagenet` brings it (research use), or link your copy there"
_AGAIN = "unpack the archive again (`shapebias fetch tiny_imagenet`)"


def folder() -> Path:
    """Where the user's copy lies."""
    return RAW / "tiny-imagenet-200"


def tiny_imagenet(split: str, n_classes: int = len(CATEGORISED)) -> ImageSet:
    """The images of a split: "train", "validation" or "cue_conflict".

    With `n_classes` 26 those of the classes that have a category (13,000 and 1,300 images), with
    200 all of them. The digest is of names, labels and bytes. FileNotFoundError names the folder or
    file that is missing and where it comes from; ValueError an unknown split, or what is wrong in
    a file.
    """
    if split == "cue_conflict":
        return known_stimuli(released_stimuli(), CATEGORY_WNIDS, SIZE, "tiny_imagenet")
    if split not in ("train", "validation"):
        raise ValueError(f"unknown split {split!r}; choose one of train, validation, cue_conflict")
    return _photographs(folder(), split, n_classes)


@lru_cache(maxsize=8)
def _photographs(root: Path, split: str, n_classes: int) -> ImageSet:
    if not root.is_dir():
        raise FileNotFoundError(f"no Tiny ImageNet at {root}: {_HOW}")
    classes = CATEGORISED if n_classes == len(CATEGORISED) else _all_classes(root, n_classes)
    listed = (_train if split == "train" else _validation)(root, classes)
    paths = [path for path, _ in listed]
    labels = [label for _, label in listed]
    table = pd.DataFrame({"imagename": [p.name for p in paths], "label": labels})
    table["category"] = [CATEGORY_OF.get(classes[label], "") for label in labels]
    digest = content_digest(paths, split, labels, table["category"].tolist())

    def decode(rows):
        own = [paths[i] for i in rows]
        pixels = load_images(own, upright=False)
        if pixels.shape[-2:] != (SIZE, SIZE):
            height, width = pixels.shape[-2:]
            raise ValueError(f"{own[0]} is {width}x{height}, expected is {SIZE}x{SIZE}: {_AGAIN}")
        return pixels

    return decoded("tiny_imagenet", split, table, digest, decode)


def _all_classes(root: Path, n_classes: int) -> tuple[str, ...]:
    """All WNIDs of ``wnids.txt``, those with a category first."""
    path = root / "wnids.txt"
    if not path.is_file():
        raise FileNotFoundError(f"no {path}, which lists the {n_classes} classes: {_AGAIN}")
    check_bytes(path, TABLE, "a table")
    found = sorted(path.read_text(errors="replace").split())
    strange = [wnid for wnid in found if not re.fullmatch(r"n\d{8}", wnid)]
    if strange:
        raise ValueError(f"{path} lists {strange[0]!r}, which is no WNID: {_AGAIN}")
    if len(set(found)) != n_classes or not {*CATEGORISED} <= {*found}:
        raise ValueError(
            f"{path} lists {len(set(found))} classes, expected are {n_classes} with the "
            f"{len(CATEGORISED)} that have a category: {_AGAIN}"
        )
    return (*CATEGORISED, *(wnid for wnid in found if wnid not in CATEGORY_OF))


def _train(root: Path, classes: tuple[str, ...]) -> list[tuple[Path, int]]:
    listed = []
    for label, wnid in enumerate(classes):
        own = root / "train" / wnid / "images"
        if not own.is_dir():
            raise FileNotFoundError(f"no folder {own} with images of the class {wnid}: {_AGAIN}")
        files = sorted(p for p in own.iterdir() if p.suffix.lower() in SUFFIXES)
        if not files:
            raise ValueError(f"{own} holds no images: {_AGAIN}")
        listed += [(path, label) for path in files]
    return listed


def _validation(root: Path, classes: tuple[str, ...]) -> list[tuple[Path, int]]:
    """The images that the annotations give one of the classes; those of others are passed over."""
    annotations = root / "val" / "val_annotations.txt"
    if not annotations.is_file():
        raise FileNotFoundError(f"no {annotations}, which has the labels of the images: {_AGAIN}")
    check_bytes(annotations, TABLE, "a table")
    labels, listed = {wnid: i for i, wnid in enumerate(classes)}, {}
    lines = annotations.read_text(errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        name, wnid = [*line.split("\t"), "", ""][:2]
        if not re.fullmatch(r"n\d{8}", wnid) or Path(name).name != name or not name:
            raise ValueError(
                f"{annotations}, line {number}, is {line[:60]!r}, expected are a file name, a WNID "
                f"and a box, separated by tabs: {_AGAIN}"
            )
        path = annotations.with_name("images") / name
        if path in listed:
            raise ValueError(f"{annotations}, line {number}, names {name} a second time: {_AGAIN}")
        if wnid in labels:
            listed[path] = labels[wnid]
    there = {p.name for p in annotations.with_name("images").glob("*")}
    absent = [path.name for path in listed if path.name not in there]
    if absent:
        raise FileNotFoundError(
            f"{annotations.with_name('images')} lacks {absent[0]} ({len(absent)} of {len(listed)} "
            f"images that {annotations.name} names): {_AGAIN}"
        )
    if not listed:
        raise ValueError(f"{annotations} names no image of the {len(classes)} classes: {_AGAIN}")
    return sorted(listed.items())


def origins() -> list[Origin]:
    """The folders of yours that this dataset reads."""
    return [
        Origin("tiny_imagenet", folder(), "shapebias fetch tiny_imagenet"),
        stimuli_origin(),
    ]


DATASET = Dataset(
    name="tiny_imagenet",
    title="Tiny ImageNet, classes with a category",
    size=SIZE,
    n_classes=len(CATEGORISED),
    category_classes=CATEGORY_CLASSES,
    images=partial(tiny_imagenet),
    attack=Attack(eps=1.0, step_size=0.25, steps=10),
    eps_grid=(0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0),
    notes=TINY_IMAGENET,
    networks=lambda: resolve_name("shapebias_utils.networks.tiny_imagenet:NETWORKS"),
    recipes=lambda: resolve_name("shapebias_utils.training.photographs:TINY_IMAGENET"),
    origins=origins,
)

ALL_CLASSES = replace(
    DATASET,
    name="tiny_imagenet_200",
    title="Tiny ImageNet",
    n_classes=200,
    images=partial(tiny_imagenet, n_classes=200),
    networks=tuple,
    recipes=dict,
    origins=tuple,
)
"""All classes; labels of the first 26 are those of :data:`DATASET`. For networks of your own."""
