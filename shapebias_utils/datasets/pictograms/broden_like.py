"""Pictograms labelled as Broden labels photographs: textures stand on swatches of their own.

In Broden an object of a photograph has no texture label; textures are separate images, each full
of one. There, a channel that reads an object's texture is called a detector of that object.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from sys import modules

import numpy as np
import pandas as pd

from ...categories import CATEGORIES
from ...files import atomic, locked, sha256
from ...paths import RAW
from .. import ImageSet
from ..concepts import ConceptSet
from ..labels_on_disk import concept_set, keep, kept
from . import annotate as annotate_module
from . import concepts as concepts_module
from .annotate import CONCEPTS, annotate, name_colours
from .concepts import concept_table
from .images import definition, on_all_cores, source_hash
from .render import SIZE, TEXTURE_OF, Factors, RenderSettings, factors, render
from .shapes import SHAPES
from .textures import HELD_OUT, TEXTURES, surface

VERSION = 1
"""Raised whenever a design would give other images or labels."""

PLANES = ("color", "object", "part")
"""Kinds of the planes; the one whole-image label is the scene of a picture, a swatch's texture."""

SETTINGS = replace(RenderSettings(), fragments=0.0)


@dataclass(frozen=True)
class BrodenLike:
    """Whole natural images and full-field swatches, and how many of each.

    The natural ones are validation images in which every object is whole. `contrast` is the
    standard deviation of the swatches' texture, by default that of the objects'; `textures` are
    their names, also of those that no category owns.
    """

    name: str = "broden_like"
    natural: int = 960
    swatches: int = 480
    contrast: float = RenderSettings().texture_contrast
    textures: tuple[str, ...] = tuple(TEXTURES)

    def __post_init__(self) -> None:
        unknown = set(self.textures) - {*TEXTURES, *HELD_OUT}
        if unknown or not self.textures:
            known = ", ".join((*TEXTURES, *HELD_OUT))
            raise ValueError(f"textures = {self.textures}: choose among {known}")
        if min(self.natural, self.swatches) < 0 or self.natural + self.swatches == 0:
            raise ValueError(f"{self.natural} natural images and {self.swatches} swatches: too few")

    def digest(self) -> str:
        """SHA-256 of all that determines the images."""
        facts = [VERSION, definition("validation", SETTINGS, "natural"), asdict(self)]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


DEFAULT = BrodenLike()
"""The design whose natural images others with as many take over, so that they are drawn once."""

HELD_OUT_SWATCHES = BrodenLike("held_out", textures=tuple(HELD_OUT))
"""The same natural images with swatches of textures that no network has been trained on."""


def wears() -> dict[str, tuple[str, ...]]:
    """Object or part -> the textures that it wears in natural images: those of its owners."""
    found: dict[str, tuple[str, ...]] = {c: (TEXTURE_OF[c],) for c in CATEGORIES}
    for category, parts in SHAPES.items():
        for part in {p.name for p in parts}:
            found[part] = (*found.get(part, ()), TEXTURE_OF[category])
    return found


def table_of(design: BrodenLike) -> pd.DataFrame:
    """The concepts: those of :func:`concept_table`, then the held-out textures the design uses."""
    table = concept_table()
    more = [t for t in design.textures if t not in TEXTURES]
    numbers = np.arange(1, 1 + len(more)) + len(table)
    extra = pd.DataFrame({"number": numbers, "name": more, "category": "texture"})
    return pd.concat([table, extra], ignore_index=True) if more else table


def swatch(design: BrodenLike, index: int) -> tuple[Factors, str, np.ndarray]:
    """Factors (of which the colour counts), texture and image, uint8 (3, SIZE, SIZE)."""
    f = factors("swatches", index, SETTINGS)
    name = design.textures[index % len(design.textures)]
    rng = np.random.default_rng([*f.seed, 0])
    image = surface(f.colour, name, design.contrast, rng)
    image = image + SETTINGS.noise * rng.standard_normal((SIZE, SIZE, 1))
    return f, name, np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8).transpose(2, 0, 1)


def draw(design: BrodenLike, rows: range) -> list[tuple[np.ndarray, np.ndarray, int, dict]]:
    """Of each of these rows the pixels, the planes (as in `PLANES`), the label and the facts."""
    table = table_of(design)
    number = {(r.category, r.name): r.number for r in table.itertuples()}
    first = {kind: number[kind, names[0]] - 1 for kind, names in CONCEPTS.items()}
    found = []
    for row in rows:
        planes = np.zeros((len(PLANES), SIZE, SIZE), np.uint16)
        if row < design.natural:
            f = factors("validation", row, SETTINGS)
            maps = annotate(f)
            for plane, kind in zip(planes, PLANES, strict=True):
                plane[:] = np.where(maps[kind] > 0, maps[kind].astype(int) + first[kind], 0)
            facts = {"kind": "natural", "category": f.category, "texture": f.texture}
            facts["imagename"] = f"natural_{row:05d}_{f.category}.png"
            found.append((render(f, SETTINGS), planes, number["scene", f.scene], facts))
        else:
            f, name, image = swatch(design, row - design.natural)
            planes[0] = 1 + first["color"] + int(name_colours(np.clip(f.colour, 0, 1)))
            facts = {"kind": "swatch", "category": "", "texture": name}
            facts["imagename"] = f"swatch_{row - design.natural:05d}_{name}.png"
            found.append((image, planes, number["texture", name], facts))
    return found


@lru_cache(maxsize=4)
def broden_like(design: BrodenLike = BrodenLike()) -> ConceptSet:
    """The images of a design with their concepts; drawn on first use and kept under ``data/raw``.

    Every image has a colour plane; natural images have objects, parts and a scene, swatches a
    texture. `kind` in the table says which is which.
    """
    import torch

    digest = design.digest()
    source = source_hash(modules[__name__], annotate_module, concepts_module)
    folder = RAW / "pictograms" / f"{design.name}-{digest[:12]}"
    with locked(folder):
        key = {"design": digest, "source": source}
        labels = kept(folder, key)
        if labels is None or labels.facts["pixels"] != _hash(folder / "pixels.npy"):
            keep(folder, key, _drawn(design, folder, facts := {}), facts)
            labels = kept(folder, key)
    pixels = torch.from_numpy(np.load(folder / "pixels.npy"))
    table = pd.DataFrame(labels.facts["table"]).assign(label=-1)
    images = ImageSet(design.name, table, lambda rows: pixels[list(rows)].float() / 255, digest)
    return replace(concept_set(images, table_of(design), labels), wears=wears())


def _from(design: BrodenLike, first: int, rows: range) -> list:
    """As :func:`draw`, of rows counted from `first` on."""
    return draw(design, range(first + rows.start, first + rows.stop))


def _hash(path) -> str:
    return sha256(path) if path.exists() else ""


def _drawn(
    design: BrodenLike, folder, facts: dict
) -> Iterator[tuple[np.ndarray, list[int]]]:  # fmt: skip
    """Planes and whole-image label of each image; the pixels are written when all are drawn."""
    pixels, table, first = [], [], 0
    if design.natural == DEFAULT.natural and design != DEFAULT:
        base, first = broden_like(DEFAULT), design.natural
        for row in range(first):
            planes, whole = base.labels([row])
            pixels.append(np.rint(255 * base.images.load([row])[0].numpy()).astype(np.uint8))
            table.append(base.images.table.iloc[row].to_dict())
            yield planes[0], [int(whole[0, 0])]
    work, count = partial(_from, design, first), design.natural + design.swatches - first
    for part in on_all_cores(work, count, f"drawing {design.name}"):
        for image, planes, whole, about in part:
            pixels.append(image)
            table.append(about)
            yield planes, [whole]
    with atomic(folder / "pixels.npy") as path:
        np.save(path, np.stack(pixels))
    columns = ("imagename", "category", "texture", "kind")
    facts["table"] = {c: [about[c] for about in table] for c in columns}
    facts["pixels"] = sha256(folder / "pixels.npy")
