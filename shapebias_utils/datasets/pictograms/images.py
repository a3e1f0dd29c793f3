"""Pictogram-16: 16 categories, rendered 64x64, where shape and texture are known by construction.

A split is rendered once by all cores and kept under ``data/raw/pictograms`` beside a hash of its
definition and one of its bytes; it is rendered again when either no longer holds.
"""

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from ...categories import CATEGORIES
from ...files import atomic, locked, sha256
from ...paths import RAW
from .. import ImageSet
from ..augmentation import random_resized_crop
from . import cues, masks, shapes, textures
from . import render as render_module
from .render import PAINTS, SIZE, TEXTURE_OF, Knobs
from .shapes import SHAPES
from .textures import TEXTURES

VERSION = 1
"""Raised whenever the rendering changes, so that no result outlives the images it came from."""

SPLITS = {"train": 10_000, "validation": 1_600, "cue_conflict": 1_280}
"""Split -> number of images; multiples of 16, so that the categories are balanced."""


def definition(split: str, knobs: Knobs, paint: str) -> str:
    """SHA-256 of all that determines the images of a split: version, knobs, drawings, textures."""
    drawings = {
        category: [
            (part.name, [np.round(p, 6).tolist() for p in (*part.polygons, *part.holes)])
            for part in parts
        ]
        for category, parts in SHAPES.items()
    }
    facts = [VERSION, split, SPLITS[split], paint, asdict(knobs), list(TEXTURES), drawings]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _name(split: str, index: int, category: str, texture_category: str) -> str:
    """As the cue-conflict stimuli are named, ``cat7-dog7.png``: shape, then texture."""
    if split == "cue_conflict":
        number = 1 + index % 15 + 15 * (index // 240) if index < 1200 else 76 + (index - 1200) // 16
        return f"{category}{number}-{texture_category}{number}.png"
    return f"{split}_{index:05d}_{category}.png"


def _render_split(split: str, knobs: Knobs, paint: str, folder: Path) -> None:
    """Render a split into `folder`: pixels.npy, table.csv and, last, hashes.json."""
    pixels, facts = _draw_on_all_cores(split, knobs, paint)
    table, owners = pd.DataFrame(facts), {t: c for c, t in TEXTURE_OF.items()}
    table.insert(1, "label", table["category"].map(CATEGORIES.index))
    table.insert(2, "texture_category", table["texture"].map(owners))
    cues = zip(table["category"], table["texture_category"], strict=True)
    table.insert(0, "imagename", [_name(split, i, *pair) for i, pair in enumerate(cues)])
    with atomic(folder / "pixels.npy") as path:
        np.save(path, pixels)
    with atomic(folder / "table.csv") as path:
        table.to_csv(path, index=False)
    hashes = {"definition": definition(split, knobs, paint), "source": _source_hash()}
    hashes |= {f: sha256(folder / f) for f in ("pixels.npy", "table.csv")}
    with atomic(folder / "hashes.json") as path:
        path.write_text(json.dumps(hashes, indent=1))


def _draw_on_all_cores(split: str, knobs: Knobs, paint: str) -> tuple[np.ndarray, list[dict]]:
    """What `draw` returns for the whole split, drawn by one process a core.

    Processes of their own, not a multiprocessing pool: a pool runs the caller's script again in
    each worker, which hangs where the script has no ``if __name__ == "__main__"``.
    """
    from tqdm.auto import tqdm

    from ...hardware import cores

    count = SPLITS[split]
    bounds = np.linspace(0, count, cores() + 1).astype(int)
    bar = tqdm(total=count, desc=f"rendering {split}", unit="image", leave=False)

    def work(start: int, stop: int) -> tuple[np.ndarray, list[dict]]:
        job = {"split": split, "knobs": asdict(knobs), "paint": paint}
        job |= {"start": int(start), "stop": int(stop)}
        command = [sys.executable, "-m", render_module.__name__, json.dumps(job)]
        where = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=where) as process:
            parts = []
            while len(header := process.stdout.readline()) > 1:
                facts = json.loads(header)
                pixels = process.stdout.read(len(facts) * 3 * SIZE * SIZE)
                parts.append((np.frombuffer(pixels, np.uint8).reshape(-1, 3, SIZE, SIZE), facts))
                bar.update(len(facts))
        if process.returncode or sum(len(f) for _, f in parts) != stop - start:
            raise RuntimeError(f"rendering {split} stopped (exit status {process.returncode})")
        return np.concatenate([p for p, _ in parts]), [fact for _, facts in parts for fact in facts]

    with bar, ThreadPoolExecutor(cores()) as pool:
        drawn = list(pool.map(work, bounds[:-1], bounds[1:]))
    return np.concatenate([p for p, _ in drawn]), [fact for _, facts in drawn for fact in facts]


def _source_hash() -> str:
    """Of the code that draws, so that a local cache never survives an edit."""
    files = [Path(module.__file__) for module in (render_module, cues, masks, shapes, textures)]
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
def pictograms(split: str, knobs: Knobs = Knobs(), paint: str = "natural") -> ImageSet:  # noqa: B008
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
    wanted = {"definition": definition(split, knobs, paint), "source": _source_hash()}
    folder = RAW / "pictograms" / f"{split}-{paint}-{wanted['definition'][:12]}"
    with locked(folder):
        if not _is_current(folder, wanted):
            _render_split(split, knobs, paint, folder)
    pixels = torch.from_numpy(np.load(folder / "pixels.npy"))
    table = pd.read_csv(folder / "table.csv")

    def load(rows):
        return pixels[list(rows)].float() / 255

    def augment(rows, seed):
        return random_resized_crop(load(rows), seed)

    name = split if paint == "natural" else f"{split}_{paint}"
    return ImageSet(name, table, load, wanted["definition"], augment)
