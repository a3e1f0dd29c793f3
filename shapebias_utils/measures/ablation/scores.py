"""Which channels matter for shape and which for texture: zero each, count the decisions it changes.

Section 3.4 of the paper and its Appendix G. Channels are zeroed behind their ReLU, one at a time,
in eval mode. The scores are those of full forward passes; `suffix` is the shorter way to them.
"""

import json
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ...categories import CATEGORIES
from ...datasets import ImageSet
from ...distributed import merge, shard
from ...hardware import float32
from ...hooks import ablate, record
from ...networks import Network
from ...results import cached
from ..predictions import category_probabilities
from ..schema import attributed, with_cues
from ..stream import loaded, stream
from .split import UnsplittableError, split_at
from .suffix import Suffix

VERSION = 1

ROUNDING = 1e-4
"""By this share of the largest logit those of a suffix may differ from those of the whole network.
Sums of up to 10,000 fp32 products in another order make a difference of some 1e-6."""

MEMORY = 128 * 2**20
"""Bytes that a value near the layer may take for the channels that run as one batch."""


def scores(
    network: Network,
    images: ImageSet,
    *,
    layer: str,
    decision: str = "mean",
    batch_size: int = 16,
) -> pd.DataFrame:
    """Shape and Texture score of each channel of a layer: a row a channel.

    Columns `layer`, `unit` (from 0), `shape_score` and `texture_score`: of the conflict images that
    the network decides by shape (texture), `shape` (`texture`) in number, so many are decided
    differently when the channel is zero; and `flipped`, for :func:`flips` to read. The same as by
    full forward passes, and for any number of processes. Warns where the network cannot be split at
    the layer, and full forward passes have to do. ValueError if there is no such layer.
    """
    if layer not in network.layers:
        known = ", ".join(network.layers) or "none: give its record layers={name: module}"
        raise ValueError(f"{network.name} has no probed layer {layer!r}; there are {known}")
    path = network.layers[layer]
    module = loaded(network)
    with torch.no_grad(), float32():
        try:
            suffix = split_at(module, path)
            run = _Run(network, module, path, decision, batch_size, suffix)
            table = _scores(run, images, f"{network.name} {layer}")
        except UnsplittableError as reason:
            warnings.warn(
                f"{network.name}, {layer}: each channel takes full forward passes ({reason})",
                stacklevel=2,
            )
            run = _Run(network, module, path, decision, batch_size)
            table = _scores(run, images, f"{network.name} {layer}, full passes")
    table.insert(0, "layer", layer)
    return table


def collect(networks: Iterable[Network], images: ImageSet, **parameters: object) -> pd.DataFrame:
    """The scores of all probed layers of all networks, layer by layer from disk where they are.

    As :func:`scores` gives them, behind `network`, `architecture`, `training` and `seed`.
    ValueError if there is no network with a probed layer.
    """
    tables = []
    for network in networks:
        for layer in network.layers:
            table = cached(scores, network, images, layer=layer, **parameters)
            tables.append(attributed(table, network))
    if not tables:
        raise ValueError("no networks with probed layers are given (Network(layers=...))")
    return pd.concat(tables, ignore_index=True)


def flips(table: pd.DataFrame) -> pd.DataFrame:
    """The images behind the scores: a row for each channel and image whose decision changes.

    The columns of `table` that say which channel it is, then `imagename`, `cue` (by which it was
    decided, "shape" or "texture"), and the decisions `before` and `after`.
    """
    about = [
        c for c in ("network", "architecture", "training", "seed", "layer", "unit") if c in table
    ]
    rows = [
        (*key, imagename, *decisions)
        for *key, flipped in table[[*about, "flipped"]].itertuples(index=False)
        for imagename, decisions in json.loads(flipped).items()
    ]
    found = pd.DataFrame(rows, columns=[*about, "imagename", "before", "after"])
    cue = with_cues(found.assign(object_response=found["before"]))["decided"]
    found.insert(len(about) + 1, "cue", cue)
    return found


@dataclass(frozen=True)
class _Run:
    """A network, in which channels behind the module at `path` are zeroed; all by full forward
    passes where there is no `suffix`."""

    network: Network
    module: nn.Module
    path: str
    decision: str
    size: int
    suffix: Suffix | None = None

    def decide(self, logits: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Category of each row, and by how much its log score is above the next one's."""
        classes = logits.float().softmax(1).cpu().numpy()
        by_category = category_probabilities(classes, self.network.mapping(), self.decision)
        second, first = np.partition(by_category, -2, axis=1)[:, -2:].T
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = np.nan_to_num(np.log(first) - np.log(second))
        return np.array(CATEGORIES, object)[by_category.argmax(1)], gap

    def by_suffix(
        self, activation: Tensor, at: Tensor, units: Tensor
    ) -> tuple[np.ndarray, np.ndarray, tuple[int, Tensor]]:
        """The decisions without the channel in `units` on the images in `at`, which is sorted.

        And which of them are too close to tell by it; and the closest, with its logits.
        """
        logits = []
        for image in at.unique():
            values = self.suffix.values(activation[image : image + 1])
            largest = max(v.nbytes for v in values.values())
            for some in units[at == image].split(max(1, MEMORY // largest)):
                logits.append(self.suffix.without(values, some))
        logits = torch.cat(logits)
        apart = ROUNDING * logits.abs().amax(1).cpu().numpy()
        after, gap = self.decide(logits)
        closest = int(gap.argmin())
        return after, gap <= 2 * apart + 1e-5, (closest, logits[closest])

    def whole(self, x: Tensor, units: Tensor) -> Tensor:
        """Logits of the images, each without the channel in `units`, by a full forward pass."""
        with ablate(self.module, self.path, units[:, None]):
            return self.module(x)

    def check(self, x: Tensor, unit: Tensor, found: Tensor) -> None:
        """UnsplittableError unless the image's logits are those found, but for rounding."""
        error = (self.whole(x, unit)[0] - found).abs().max()
        if not error <= ROUNDING * found.abs().max():
            raise UnsplittableError(f"its suffix is off by {error:.1e}, more than by rounding")


def _scores(run: _Run, images: ImageSet, label: str) -> pd.DataFrame:
    """The columns of :func:`scores` but `layer`."""
    names = images.table["imagename"].to_numpy()

    def forward(x: Tensor, rows: list[int]) -> dict[str, Tensor]:
        with record(run.module, {"layer": run.path}) as seen:
            logits = run.module(x)
        return {"images": x, "logits": logits, "activation": seen["layer"]}

    decided, pairs, channels = [], [], 0
    mine = shard(range(len(images)))
    # A rank without a share runs one image all the same, to know how many channels there are.
    for chunk, found in stream(images, forward, rows=mine or [0], batch_size=run.size, label=label):
        x, activation = found["images"], found["activation"]
        before, _ = run.decide(found["logits"])
        channels = activation.shape[1]
        trials = pd.DataFrame({"imagename": names[chunk], "object_response": before, "row": chunk})
        trials = with_cues(trials).query("decided != 'other'")[: None if mine else 0]
        decided.append(trials[["row", "imagename", "object_response", "decided"]])
        alive = activation.flatten(2).any(2)  # a channel that is zero anyway changes nothing
        at = torch.as_tensor(trials.index.tolist(), dtype=torch.long, device=x.device)
        which, units = alive[at].nonzero().T
        table = trials.iloc[which.cpu().numpy()].assign(unit=units.cpu().numpy())
        table = table.assign(after="", unsure=True, key=table["row"] * channels + table["unit"])
        if run.suffix is not None and len(table):
            after, unsure, (k, logits) = run.by_suffix(activation, at[which], units)
            table["after"], table["unsure"] = after, unsure
            run.check(x[at[which[k]]][None], units[k, None], logits)
        pairs.append(table[table["unsure"] | (table["after"] != table["object_response"])])
    pairs = pd.concat(pairs)
    unsure = pairs["unsure"].to_numpy(bool)
    pairs.loc[unsure, "after"] = _decide_by_whole(run, images, pairs[unsure], label)
    flipped = pairs[pairs["after"] != pairs["object_response"]]
    return _count(merge(pd.concat(decided), "row"), merge(flipped, "key"), channels)


def _decide_by_whole(run: _Run, images: ImageSet, pairs: pd.DataFrame, label: str) -> np.ndarray:
    """The decision without `unit` on the image in `row`, of each pair, by full forward passes."""
    left = pairs["unit"].tolist()  # used up in order: `stream` calls `forward` once a batch

    def forward(x: Tensor, rows: list[int]) -> Tensor:
        units = [left.pop(0) for _ in rows[: len(left)]]
        units += units[:1] * (len(rows) - len(units))
        return run.whole(x, torch.tensor(units, device=x.device))

    decisions = [np.array([], object)]
    rows, title = pairs["row"].tolist(), f"{label}, whole"
    for _, logits in stream(images, forward, rows=rows, batch_size=run.size, label=title):
        decisions.append(run.decide(logits)[0])
    return np.concatenate(decisions)


def _count(decided: pd.DataFrame, flipped: pd.DataFrame, channels: int) -> pd.DataFrame:
    table = pd.DataFrame({"unit": range(channels)})
    for cue in ("shape", "texture"):
        counts = flipped[flipped["decided"] == cue]["unit"].value_counts()
        table[f"{cue}_score"] = table["unit"].map(counts).fillna(0).astype(int)
    for cue in ("shape", "texture"):
        table[cue] = int((decided["decided"] == cue).sum())
    found: dict[int, dict] = {unit: {} for unit in range(channels)}
    columns = flipped[["unit", "imagename", "object_response", "after"]]
    for unit, name, *decisions in columns.itertuples(index=False):
        found[unit][name] = decisions
    return table.assign(flipped=[json.dumps(found[unit]) for unit in range(channels)])
