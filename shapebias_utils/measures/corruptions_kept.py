"""Decisions on corrupted images that are kept with the repository, since they take long to make.

Nine networks on 19 corruptions of 400 images at five severities are 342,000 decisions, a quarter of
an hour of one core. Each is one bit, so all of them fit into a small table: a row a network and
corruption, and one that says of which images.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..datasets import Dataset, ImageSet
from ..distortions import get_distortion
from ..distortions.imagenet_c import SEVERITIES
from ..networks import Network
from ..results import store, stored
from .schema import OBSERVER

TRIALS = [*OBSERVER, "distortion", "level", "imagename", "correct"]
"""The columns of trials on corrupted images."""

STEM, SAMPLE = "corruptions", "images"
"""Where they are kept, and in place of a corruption's name: which images were shown."""


def packed(bits: np.ndarray) -> str:
    """Truth values as text: "x" and hexadecimal digits, the first value being the highest bit."""
    return "x" + np.packbits(np.asarray(bits, bool)).tobytes().hex()


def unpacked(text: str, n: int) -> np.ndarray:
    """The first `n` truth values that :func:`packed` made a text of."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(text[1:]), np.uint8), count=n).astype(bool)


def keep(
    trials: pd.DataFrame,
    networks: Sequence[Network],
    dataset: Dataset,
    images: ImageSet,
    seed: int = 0,
) -> pd.DataFrame:
    """The table kept as ``data/results/<dataset>/corruptions.csv``; other networks' rows stay.

    `trials` as from ``corruptions.on_corrupted``, each network's whole: all its images under each
    of its corruptions at five severities. Columns: the observer, `checkpoint` and `digest` (the
    first digits of the hashes of network and images), `distortion`, `made` (see :func:`_made`) and
    the bits `right`, of the images in their order, severity by severity.
    """
    place = pd.Series(range(len(images)), index=images.table["imagename"])
    rows = []
    for network in networks:
        own = trials[(trials["network"] == network.name) & (trials["seed"] == network.seed)]
        shown = np.isin(np.arange(len(images)), place[own["imagename"].unique()])
        bits = {SAMPLE: shown}
        for name, some in own.groupby("distortion", sort=False):
            wide = some.pivot(index="level", columns="imagename", values="correct")
            order = place[wide.columns].sort_values().index
            bits[name] = wide.loc[list(SEVERITIES), order].to_numpy(bool).ravel()
        facts = _key(network, images)
        for name, right in bits.items():
            made = {"distortion": name, "made": _made(dataset, name, seed)}
            rows.append(facts | made | {"right": packed(right)})
    table, before = pd.DataFrame(rows), stored(dataset.name, STEM)
    if not before.empty:
        new = set(zip(table["network"], table["seed"], strict=True))
        old = [key not in new for key in zip(before["network"], before["seed"], strict=True)]
        table = pd.concat([before[old], table], ignore_index=True)
    store(table, dataset.name, STEM, {"severities": list(SEVERITIES), "images": images.name})
    return table


def kept_trials(
    networks: Sequence[Network], dataset: Dataset, images: ImageSet, seed: int = 0
) -> pd.DataFrame:
    """The trials that are kept of these networks as they are now, on these images (`TRIALS`)."""
    table, tables = stored(dataset.name, STEM), [pd.DataFrame(columns=TRIALS)]
    for network in networks if len(table) else ():
        key = _key(network, images)
        own = table[np.logical_and.reduce([table[k] == v for k, v in key.items()])]
        right = own.set_index("distortion")["right"]
        if SAMPLE not in right:
            continue
        names = images.table["imagename"].to_numpy()[unpacked(right[SAMPLE], len(images))]
        for name, made in zip(own["distortion"], own["made"], strict=True):
            if name == SAMPLE or made != _made(dataset, name, seed):
                continue
            bits = unpacked(right[name], len(SEVERITIES) * len(names))
            facts = {k: key[k] for k in OBSERVER} | {"distortion": name}
            facts |= {"level": np.repeat(SEVERITIES, len(names))}
            facts |= {"imagename": np.tile(names, len(SEVERITIES)), "correct": bits}
            tables.append(pd.DataFrame(facts)[TRIALS])
    return pd.concat(tables[1:] or tables, ignore_index=True)


def _key(network: Network, images: ImageSet) -> dict:
    facts = {column: getattr(network, column, None) for column in OBSERVER[1:]}
    facts |= {"checkpoint": network.checkpoint_hash()[:12], "digest": images.digest[:12]}
    return {"network": network.name} | facts


def _made(dataset: Dataset, name: str, seed: int) -> str:
    """What a corruption's images hang on besides the images: its version and seed, or the files."""
    if name == SAMPLE:
        return "-"
    if dataset.corrupted:
        return "published"
    return f"version {get_distortion(name).version} seed {seed}"
