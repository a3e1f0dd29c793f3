"""The cue mixer of the site: any shape with any texture, at several contrasts; what S and R say.

Everything is computed before: :func:`mixed` (a study, kept with the repository) asks the networks,
:func:`write` draws the images when the site is built. The page needs no kernel.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ..categories import CATEGORIES
from ..datasets import Dataset, ImageSet
from ..measures.predictions import responses, scores_of
from ..measures.schema import attributed
from ..networks import get_networks
from ..results import store, stored

AXIS, EVERY = "texture contrast", 2
"""Of the dataset's axes of cues, and which of its levels are shown: every second."""


def stimuli(dataset: Dataset) -> list[tuple[float, ImageSet]]:
    """(level, images): at each level the first image of each pair of cues, by shape and texture."""
    if AXIS not in dataset.cue_axes:
        return []
    levels, images_at = dataset.cue_axes[AXIS]
    sets = []
    for level in levels[::EVERY]:
        images = images_at(level)
        first = images.table.drop_duplicates(["category", "texture_category"])
        first = first.sort_values(["category", "texture_category"])
        sets.append((level, images.subset(first.index, f"{images.name}_mixer")))
    return sets


def mixed(dataset: Dataset) -> pd.DataFrame:
    """What all S and R say: a row a network, level, `shape` and `texture`; a column a category.

    Probabilities in per cent, rounded. Kept as ``data/results/<dataset>/mixer.csv``.
    """
    tables = []
    for level, images in stimuli(dataset):
        cues = images.table[["category", "texture_category"]].set_axis(["shape", "texture"], axis=1)
        for network in get_networks(dataset.name):
            said = (100 * scores_of(responses(network, images))).round().astype(int)
            table = pd.concat([cues.reset_index(drop=True), said], axis=1)
            tables.append(attributed(table, network).assign(level=level))
    table = pd.concat(tables, ignore_index=True)
    store(table, dataset.name, "mixer", {"images": [s.digest for _, s in stimuli(dataset)]})
    return table


def write(folder: Path, dataset: Dataset) -> bool:
    """Write ``mixer.js`` and a sheet of images for each level into the folder; False without data.

    The sheets are 16 x 16 images, a row a shape and a column a texture.
    """
    table = stored(dataset.name, "mixer")
    if table.empty:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    sheets = []
    for level, images in stimuli(dataset):
        _sheet(images).save(folder / f"{level:g}.jpg", quality=90)
        sheets.append({"level": level, "file": f"{level:g}.jpg"})
    order = ["network", "level", "shape", "texture"]
    networks = list(dict.fromkeys(table["network"]))
    said = {n: _bytes(table[table["network"] == n].sort_values(order)) for n in networks}
    kinds = table.drop_duplicates("network").set_index("network")[["architecture", "training"]]
    data = {
        "categories": list(CATEGORIES), "size": dataset.size, "sheets": sheets,
        "networks": kinds.reset_index().to_dict("records"), "said": said,
    }  # fmt: skip
    (folder / "mixer-data.js").write_text(f"const MIXER = {json.dumps(data)};\n")
    return True


def _sheet(images: ImageSet) -> Image.Image:
    """All images of a level on one sheet, in the order of the set."""
    pixels = images.load(range(len(images))).permute(0, 2, 3, 1).numpy()
    n, size = len(CATEGORIES), pixels.shape[1]
    sheet = pixels.reshape(n, n, size, size, 3).swapaxes(1, 2).reshape(n * size, n * size, 3)
    return Image.fromarray((255 * sheet).round().astype(np.uint8))


def _bytes(rows: pd.DataFrame) -> str:
    """Per cent as text: a character a category, level by level, shape by shape."""
    values: Sequence[int] = rows[list(CATEGORIES)].to_numpy().ravel().tolist()
    return "".join(chr(40 + value) for value in values)
