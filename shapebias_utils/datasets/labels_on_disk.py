"""Label planes on disk: decoded once, each image's compressed on its own, all in one file.

A folder holds ``planes.bin``, ``index.npz`` and, written last, ``facts.json`` with the key that
says what the labels were made from and a hash of each file.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..files import atomic, sha256
from . import ImageSet
from .concepts import ConceptSet

VERSION = 1
"""Of the form of these files."""


@dataclass(frozen=True)
class Labels:
    """`load(rows)` as `ConceptSet.labels`; `digest` of the labels; `facts` that were kept."""

    load: Callable[[Sequence[int]], tuple[np.ndarray, np.ndarray]]
    digest: str
    facts: dict


def keep(
    folder: Path, key: dict, labels: Iterable[tuple[np.ndarray, np.ndarray]], facts: dict
) -> None:
    """Write the labels of one image after another: planes ``(P, h, w)`` and whole-image ``(W,)``.

    All planes are of one shape; W may differ. `facts` is written when the labels are through, so
    that what yields them may fill it.
    """
    digest, lengths, wholes, shape = hashlib.sha256(), [], [], (0, 0, 0)
    with atomic(folder / "planes.bin") as path, open(path, "wb") as file:
        for planes, whole in labels:
            shape = planes.shape
            raw = planes.astype("<u2").tobytes()
            digest.update(repr((shape, sorted(map(int, whole)))).encode() + raw)
            lengths.append(file.write(zlib.compress(raw, 3)))
            wholes.append(np.asarray(whole, np.uint16))
    padded = np.zeros((len(wholes), max(map(len, wholes), default=0)), np.uint16)
    for row, whole in zip(padded, wholes, strict=True):
        row[: len(whole)] = whole
    with atomic(folder / "index.npz") as path:
        np.savez(path, bounds=np.cumsum([0, *lengths]), shape=shape, whole=padded)
    about = {"key": key | {"form": VERSION}, "digest": digest.hexdigest(), "facts": facts}
    about["files"] = {name: sha256(folder / name) for name in ("planes.bin", "index.npz")}
    with atomic(folder / "facts.json") as path:
        path.write_text(json.dumps(about, indent=1))


def kept(folder: Path, key: dict) -> Labels | None:
    """What :func:`keep` wrote under the same key; None if that is not there, or damaged."""
    try:
        about = json.loads((folder / "facts.json").read_text())
        if about["key"] != key | {"form": VERSION}:
            return None
        if any(sha256(folder / name) != found for name, found in about["files"].items()):
            return None
        with np.load(folder / "index.npz") as index:
            bounds, shape, whole = index["bounds"], tuple(index["shape"]), index["whole"]
        digest, facts = about["digest"], about["facts"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None

    def load(rows: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        planes = np.empty((len(rows), *shape), np.uint16)
        with open(folder / "planes.bin", "rb") as file:
            for own, i in zip(planes, rows, strict=True):
                file.seek(bounds[i])
                raw = zlib.decompress(file.read(bounds[i + 1] - bounds[i]))
                own[:] = np.frombuffer(raw, "<u2").reshape(shape)
        return planes, whole[list(rows)]

    return Labels(load, digest, facts)


def concept_set(images: ImageSet, concepts: pd.DataFrame, labels: Labels) -> ConceptSet:
    """The images with these labels; the same concepts and labels have the same `label_digest`."""
    table = hashlib.sha256(concepts.to_csv(index=False).encode())
    digest = hashlib.sha256(f"{table.hexdigest()} {labels.digest}".encode())
    return ConceptSet(images, concepts, labels.load, digest.hexdigest())
