"""Pictogram-16: 16 categories, rendered 64x64, where shape and texture are known by construction.

A split is rendered once by all cores and kept under ``data/raw/pictograms`` beside a hash of its
definition and one of its bytes; it is rendered again when either no longer holds.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import lru_cache, partial
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import numpy as np
import pandas as pd

from ...categories import CATEGORIES
from ...files import atomic, locked, sha256
from ...hardware import cores
from ...paths import RAW
from .. import ImageSet, Origin
from ..augmentation import random_resized_crop
from . import arrangements, cues, masks, shapes, textures
from . import render as render_module
from .render import PAINTS, TEXTURE_OF, RenderSettings, draw
from .shapes import SHAPES
from .textures import TEXTURES

T = TypeVar("T")

VERSION = 1
"""Raised whenever the rendering changes, so that no result outlives the images it came from."""

SPLITS = {"train": 10_000, "validation": 1_600, "cue_conflict": 1_280}
"""Split -> number of images; multiples of 16, so that the categories are balanced."""


def definition(split: str, settings: RenderSettings, paint: str) -> str:
    """SHA-256 of all that determines a split's images: version, settings, drawings, textures."""
    drawings = {
        category: [
            (part.name, [np.round(p, 6).tolist() for p in (*part.polygons, *part.holes)])
            for part in parts
        ]
        for category, parts in SHAPES.items()
    }
    facts = [VERSION, split, SPLITS[split], paint, asdict(settings), list(TEXTURES), drawings]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _name(split: str, index: int, category: str, texture_category: str) -> str:
    """As the cue-conflict stimuli are named, ``cat7-dog7.png``: shape, then texture."""
    if split == "cue_conflict":
        number = 1 + index % 15 + 15 * (index // 240) if index < 1200 else 76 + (index - 1200) // 16
        return f"{category}{number}-{texture_category}{number}.png"
    return f"{split}_{index:05d}_{category}.png"


def _render_split(split: str, settings: RenderSettings, paint: str, folder: Path) -> None:
    """Render a split into `folder`: pixels.npy, table.csv and, last, hashes.json."""
    work = partial(draw, split, settings, paint)
    drawn = list(on_all_cores(work, SPLITS[split], f"rendering {split}"))
    pixels = np.concatenate([part for part, _ in drawn])
    table = pd.DataFrame([fact for _, facts in drawn for fact in facts])
    owners = {t: c for c, t in TEXTURE_OF.items()}
    table.insert(1, "label", table["category"].map(CATEGORIES.index))
    table.insert(2, "texture_category", table["texture"].map(owners))
    cues = zip(table["category"], table["texture_category"], strict=True)
    table.insert(0, "imagename", [_name(split, i, *pair) for i, pair in enumerate(cues)])
    with atomic(folder / "pixels.npy") as path:
        np.save(path, pixels)
    with atomic(folder / "table.csv") as path:
        table.to_csv(path, index=False)
    hashes = {"definition": definition(split, settings, paint), "source": source_hash()}
    hashes |= {f: sha256(folder / f) for f in ("pixels.npy", "table.csv")}
    with atomic(folder / "hashes.json") as path:
        path.write_text(json.dumps(hashes, indent=1))


def on_all_cores(work: Callable[[range], T], count: int, label: str, part: int = 50) -> Iterator[T]:
    """What `work` makes of the numbers from 0 to `count`, part by part in their order.

    By one process a core, behind a progress bar. `work` must be picklable.
    """
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    parts = [range(i, min(i + part, count)) for i in range(0, count, part)]
    pool = Parallel(n_jobs=min(cores(), len(parts)), return_as="generator")
    with tqdm(total=count, desc=label, unit="image", leave=False) as bar:
        for rows, found in zip(parts, pool(delayed(work)(rows) for rows in parts), strict=True):
            bar.update(len(rows))
            yield found


def source_hash(*more: ModuleType) -> str:
    """Of the code that draws (and `more`), so that a local cache never survives an edit."""
    files = [
        Path(module.__file__)
        for module in (render_module, arrangements, cues, masks, shapes, textures, *more)
    ]
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()


def _is_current(folder: Path, wanted: dict[str, str]) -> bool:
    try:
        hashes = json.loads((folder / "hashes.json").read_text())
        return all(hashes[k] == v for k, v in wanted.items()) and all(
            hashes[f] == sha256(folder / f) for f in ("pixels.npy", "table.csv")
        )
    except (OSError, ValueError, KeyError):
        return False


@lru_cache(maxsize=16)
def pictograms(
    split: str,
    settings: RenderSettings = RenderSettings(),  # noqa: B008
    paint: str = "natural",
) -> ImageSet:
    """The images of a split: "train" (10,000), "validation" (1,600) or "cue_conflict" (1,280).

    The table has, besides the columns of every image set, `texture` (its name), `texture_category`
    (the category that owns it), `scene`, and `whole` (False where only a fragment is seen).
    `paint` is one of ``render.PAINTS``. Rendered on first use: 10,000 images take
    about 20 s on two cores.
    """
    import torch

    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; choose one of {', '.join(SPLITS)}")
    if paint not in PAINTS:
        raise ValueError(f"unknown paint {paint!r}; choose one of {', '.join(PAINTS)}")
    wanted = {"definition": definition(split, settings, paint), "source": source_hash()}
    folder = _folder(split, paint, wanted["definition"])
    with locked(folder):
        if not _is_current(folder, wanted):
            _render_split(split, settings, paint, folder)
    pixels = torch.from_numpy(np.load(folder / "pixels.npy"))
    table = pd.read_csv(folder / "table.csv")

    def load(rows):
        return pixels[list(rows)].float() / 255

    def augment(rows, seed):
        return random_resized_crop(load(rows), seed)

    name = split if paint == "natural" else f"{split}_{paint}"
    return ImageSet(name, table, load, wanted["definition"], augment)


def _folder(split: str, paint: str, digest: str) -> Path:
    return RAW / "pictograms" / f"{split}-{paint}-{digest[:12]}"


def origins() -> list[Origin]:
    """Where the rendered images lie: they come by themselves."""
    settings, found = RenderSettings(), []
    for split, count in SPLITS.items():
        folder = _folder(split, "natural", definition(split, settings, "natural"))
        detail = f"{count:,} images, rendered"
        found.append(Origin(f"pictograms {split}", folder / "hashes.json", detail=detail))
    return found
