"""How alike saliency maps are: of an image and its distorted version, of two networks, to look at.

Two maps are compared by the rank correlation of their pixels' strength, which hangs on no scale,
and by the structural similarity (SSIM) of the maps as they are shown.
"""

import base64

import numpy as np
import pandas as pd

from ..datasets import ImageSet, get_dataset
from ..distortions import distorted
from ..distortions.scramble import patch_order, unscrambled
from ..distributed import merge, shard
from ..networks import Network, get_network
from .saliency import NOISE, SAMPLES, as_shown, saliency, strength

VERSION = 1


def strengths(network: Network, images: ImageSet, **how: object) -> np.ndarray:
    """The strengths of this rank's images, float32 ``(n, H, W)``; `how` goes to ``saliency``."""
    mine = shard(range(len(images)))
    found = [
        strength(maps).cpu().numpy() for _, maps in saliency(network, images, rows=mine, **how)
    ]
    return np.concatenate(found) if found else np.zeros((0, 1, 1), np.float32)


def likeness(one: np.ndarray, other: np.ndarray) -> tuple[list[float], list[float]]:
    """(Rank correlation, SSIM) of each pair of strengths ``(N, H, W)``.

    nan where a map is the same everywhere.
    """
    from scipy.stats import rankdata
    from skimage.metrics import structural_similarity

    ranks = []
    for a, b in zip(one, other, strict=True):
        a, b = (rankdata(m).astype(float) for m in (a.ravel(), b.ravel()))
        a, b = a - a.mean(), b - b.mean()
        norm = np.sqrt((a**2).sum() * (b**2).sum())
        ranks.append(float((a * b).sum() / norm) if norm > 0 else np.nan)
    shown = zip(as_shown(one), as_shown(other), strict=True)
    return ranks, [float(structural_similarity(a, b, data_range=1)) for a, b in shown]


def similarity(
    network: Network,
    images: ImageSet,
    *,
    distortion: str,
    level: float,
    method: str = "gradient",
    of: str = "loss",
    target: str = "label",
    samples: int = SAMPLES,
    noise: float = NOISE,
) -> pd.DataFrame:
    """How alike the map of each image is to that of its distorted version: `imagename`, `rank`,

    `ssim` (:func:`likeness`). The map of a scrambled image is put together again first, so that
    what moved with its patch counts as the same. SmoothGrad's noise is the same for both.
    """
    how = {"method": method, "of": of, "target": target, "samples": samples, "noise": noise}
    changed = distorted(get_dataset(network.dataset), images, distortion, level)
    one, other = strengths(network, images, **how), strengths(network, changed, **how)
    if distortion == "scramble":
        for i, name in enumerate(shard(images.table["imagename"].tolist())):
            order = patch_order(int(level), name)
            other[i] = unscrambled(other[i][..., None], int(level), order)[..., 0]
    return _by_image(images, *likeness(one, other))


def agreement(
    network: Network,
    images: ImageSet,
    *,
    other: str,
    checkpoint: str,
    method: str = "gradient",
    of: str = "loss",
    target: str = "label",
    samples: int = SAMPLES,
    noise: float = NOISE,
) -> pd.DataFrame:
    """How alike a network's map of each image is to another's, as from :func:`similarity`.

    `other` is the name of a network of the same dataset and seed, `checkpoint` its
    ``checkpoint_hash()``, by which a kept result is known to be of these weights.
    """
    how = {"method": method, "of": of, "target": target, "samples": samples, "noise": noise}
    rival = get_network(other, network.dataset, network.seed)
    if rival.checkpoint_hash() != checkpoint:
        raise ValueError(f"{other} has other weights than those asked for: give its own hash")
    return _by_image(images, *likeness(*(strengths(n, images, **how) for n in (network, rival))))


def _by_image(images: ImageSet, rank: list[float], ssim: list[float]) -> pd.DataFrame:
    rows = list(shard(range(len(images))))
    names = images.table["imagename"].to_numpy()[rows]
    table = pd.DataFrame({"row": rows, "imagename": names, "rank": rank, "ssim": ssim})
    return merge(table, "row")[["imagename", "rank", "ssim"]]


def drawn(
    network: Network,
    images: ImageSet,
    *,
    method: str = "smoothgrad",
    of: str = "loss",
    target: str = "label",
    samples: int = SAMPLES,
    noise: float = NOISE,
) -> pd.DataFrame:
    """The maps as they are shown, in 256 steps, to be kept: `imagename`, `height`, `width`, `map`.

    `map` is text; :func:`pictures` reads it.
    """
    how = {"method": method, "of": of, "target": target, "samples": samples, "noise": noise}
    maps = np.rint(255 * as_shown(strengths(network, images, **how))).astype(np.uint8)
    rows = list(shard(range(len(images))))
    facts = {
        "row": rows,
        "imagename": images.table["imagename"].to_numpy()[rows],
        "height": maps.shape[1],
        "width": maps.shape[2],
        "map": [base64.b64encode(m.tobytes()).decode() for m in maps],
    }
    return merge(pd.DataFrame(facts), "row").drop(columns="row")


def pictures(table: pd.DataFrame) -> np.ndarray:
    """The maps of :func:`drawn`, float32 ``(N, H, W)`` in [0, 1]."""
    maps = [
        np.frombuffer(base64.b64decode(row.map), np.uint8).reshape(row.height, row.width)
        for row in table.itertuples()
    ]
    return np.stack(maps).astype(np.float32) / 255
