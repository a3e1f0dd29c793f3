"""Saliency of images as they are and transformed: maps to look at, and how alike they are."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..datasets import Dataset, ImageSet
from ..distortions import distorted, lacking
from ..networks import Network
from ..results import cached
from .saliency_likeness import drawn, pictures, similarity
from .schema import OBSERVER, collected
from .transformed import CLEAN

TRANSFORMED = {"stylized": 1, "saturation": 1024, "scramble": 4}
"""Distortion -> the level at which maps are shown: without texture, shades, and shape."""


def shown(
    networks: Sequence[Network], data: Dataset, trials: pd.DataFrame, images: ImageSet, n: int = 2
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """A few images as they are and transformed, and every network's SmoothGrad maps of them.

    The first `n`, of different categories, that all networks label correctly as they are, by the
    `trials` of ``transformed.on_transformed``. A table with `imagename`, `category`, `distortion`
    ("real" or one of `TRANSFORMED`), `level`, `network`, and a row of it each the images ``(N, 3,
    H, W)`` and the maps ``(N, H, W)`` in [0, 1].
    """
    clean = trials[trials["family"] == CLEAN].groupby("imagename")["correct"].all()
    chosen = images.table[images.table["imagename"].map(clean).fillna(False).astype(bool)]
    chosen = chosen.drop_duplicates("category").head(n)
    own = images.subset([images.row(name) for name in chosen["imagename"]], f"shown_{n}")
    lacks = lacking(data, TRANSFORMED)
    wanted = {"real": 1.0} | {k: v for k, v in TRANSFORMED.items() if k not in lacks}
    tables, pixels, maps = [], [], []
    for name, level in wanted.items() if len(own) else ():
        changed = own if name == "real" else distorted(data, own, name, level)
        for network in networks:
            found = cached(drawn, network, changed)
            tables.append(chosen[["imagename", "category"]].reset_index(drop=True).assign(
                distortion=name, level=level, network=network.name))  # fmt: skip
            pixels.append(changed.load(range(len(own))).numpy())
            maps.append(pictures(found))
    columns = ["imagename", "category", "distortion", "level", "network"]
    if not tables:
        return pd.DataFrame(columns=columns), np.zeros((0, 3, 1, 1)), np.zeros((0, 1, 1))
    table = pd.concat(tables, ignore_index=True)[columns]
    order = {name: i for i, name in enumerate(chosen["imagename"])}
    rows = table["imagename"].map(order).argsort(kind="stable").to_numpy()
    table = table.iloc[rows].reset_index(drop=True)
    return table, np.concatenate(pixels)[rows], np.concatenate(maps)[rows]


def over_transformed(networks: Sequence[Network], data: Dataset, images: ImageSet) -> pd.DataFrame:
    """Observations of `similarity` for each of `TRANSFORMED`: "rank: stylized", "ssim: ..."."""
    lacks, tables = lacking(data, TRANSFORMED), []
    for name, level in TRANSFORMED.items():
        if name in lacks:
            continue
        table = collected(similarity, networks, images, distortion=name, level=level)
        for how in ("rank", "ssim"):
            known = table.dropna(subset=how)
            found = known[OBSERVER].assign(quantity=f"{how}: {name}", unit=known["imagename"])
            tables.append(found.assign(value=known[how], weight=1.0))
    return pd.concat(tables, ignore_index=True)
