"""Which channels matter for shape and which for texture: zero each, count the decisions it changes.

Section 3.4 of the paper and its Appendix G. Channels are zeroed behind their ReLU, one at a time,
in eval mode. The scores are those of full forward passes; `suffix` is the shorter way to them.
"""

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ...categories import CATEGORIES
from ...datasets import ImageSet
from ...distributed import add, merge, shard
from ...hardware import float32
from ...hooks import ablate, record
from ...networks import Network
from ...results import cached
from ..predictions import category_probabilities
from ..schema import attributed, with_cues
from ..stream import loaded, stream
from .split import UnsplittableError, split_at
from .suffix import Suffix

VERSION = 2

ROUNDING = 1e-4
"""By this share of the largest logit those of a suffix may differ from those of the whole network.
Sums of up to 10,000 fp32 products in another order make a difference of some 1e-6."""

MEMORY = 128 * 2**20
"""Bytes that a value near the layer may take for the channels that run as one batch."""

UNIT = 1e-6
"""Changes of margins are added up in whole numbers of so many nats."""

MARGINS = ["to_shape", "to_texture", "of_decision"]

_NUMBER = {category: i for i, category in enumerate(CATEGORIES)}


def scores(
    network: Network,
    images: ImageSet,
    *,
    layer: str,
    units: Sequence[int] | None = None,
    decision: str = "mean",
    batch_size: int = 16,
) -> pd.DataFrame:
    """What each channel of a layer (or those in `units`) does for shape and texture: a row each.

    Columns `layer`, `unit` (from 0), `shape_score` and `texture_score`: of the conflict images that
    the network decides by shape (texture), `shape` (`texture`) in number, so many are decided
    differently when the channel is zero. The same without flips, in nats: `shape_margin` and
    `texture_margin`, by how much the channel raises the log score of that cue's category above the
    best of the categories of *neither* cue, mean over all conflict images (`images`), with its
    standard error in `shape_margin_se`, `texture_margin_se`; `shape_gap` and `texture_gap`, by how
    much it raises the decision above the next best, mean over the images decided by that cue (nan
    without any). Last `flipped`, for :func:`flips` to read.

    The same as by full forward passes, and for any number of processes. Warns where the network
    cannot be split at the layer, and full forward passes have to do. ValueError if there is no such
    layer.
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
            table = _scores(run, images, f"{network.name} {layer}", units)
        except UnsplittableError as reason:
            warnings.warn(
                f"{network.name}, {layer}: each channel takes full forward passes ({reason})",
                stacklevel=2,
            )
            run = _Run(network, module, path, decision, batch_size)
            table = _scores(run, images, f"{network.name} {layer}, full passes", units)
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

    def by_suffix(self, activation: Tensor, at: Tensor, units: Tensor) -> Tensor:
        """Logits without the channel in `units` on the images in `at`, which is sorted."""
        logits = []
        for image in at.unique():
            values = self.suffix.values(activation[image : image + 1])
            largest = max(v.nbytes for v in values.values())
            for some in units[at == image].split(max(1, MEMORY // largest)):
                logits.append(self.suffix.without(values, some))
        return torch.cat(logits)

    def judge(self, logits: Tensor) -> tuple[np.ndarray, np.ndarray, int]:
        """The decisions by a suffix; which of them are too close to tell by it; the closest."""
        apart = ROUNDING * logits.abs().amax(1).cpu().numpy()
        after, gap = self.decide(logits)
        return after, gap <= 2 * apart + 1e-5, int(gap.argmin())

    def margins(self, logits: Tensor, trials: pd.DataFrame) -> np.ndarray:
        """Of each row the margins ``(rows, 3)``: towards its shape, towards its texture, and that
        of the decision in `object_response` above all others.

        `trials` has the two categories in `shape` and `texture`.
        """
        logs = log_scores(logits, self.network.mapping(), self.decision)
        rows = np.arange(len(logs))
        shape, texture, said = (
            trials[c].map(_NUMBER).to_numpy(int) for c in ("shape", "texture", "object_response")
        )
        neither, others = logs.copy(), logs.copy()
        neither[rows, shape] = neither[rows, texture] = others[rows, said] = -np.inf
        best = neither.max(1)
        found = logs[rows, shape] - best, logs[rows, texture] - best
        return np.stack([*found, logs[rows, said] - others.max(1)], 1)

    def whole(self, x: Tensor, units: Tensor) -> Tensor:
        """Logits of the images, each without the channel in `units`, by a full forward pass."""
        with ablate(self.module, self.path, units[:, None]):
            return self.module(x)

    def check(self, x: Tensor, unit: Tensor, found: Tensor) -> None:
        """UnsplittableError unless the image's logits are those found, but for rounding."""
        error = (self.whole(x, unit)[0] - found).abs().max()
        if not error <= ROUNDING * found.abs().max():
            raise UnsplittableError(f"its suffix is off by {error:.1e}, more than by rounding")


def _scores(run: _Run, images: ImageSet, label: str, wanted: Sequence[int] | None) -> pd.DataFrame:
    """The columns of :func:`scores` but `layer`."""
    named = images.table[["imagename"]].assign(object_response="", row=range(len(images)))
    names = named["imagename"].to_numpy()

    def forward(x: Tensor, rows: list[int]) -> dict[str, Tensor]:
        with record(run.module, {"layer": run.path}) as seen:
            logits = run.module(x)
        return {"images": x, "logits": logits, "activation": seen["layer"]}

    decided, pairs, sums = [], [], None
    mine = shard(with_cues(named)["row"].tolist())
    # A rank without a share runs one image all the same, to know how many channels there are.
    for chunk, found in stream(images, forward, rows=mine or [0], batch_size=run.size, label=label):
        x, activation = found["images"], found["activation"]
        channels = activation.shape[1]
        sums = torch.zeros(channels, 6, dtype=torch.long) if sums is None else sums
        before, _ = run.decide(found["logits"])
        trials = pd.DataFrame({"imagename": names[chunk], "object_response": before, "row": chunk})
        trials = with_cues(trials)[: None if mine else 0]
        at = torch.as_tensor(trials.index.tolist(), dtype=torch.long, device=x.device)
        trials[MARGINS] = run.margins(found["logits"][at], trials)
        decided.append(trials[["row", "decided"]])
        alive = activation.flatten(2).any(2)[at]  # a channel that is zero anyway changes nothing
        if wanted is not None:
            alive &= torch.isin(torch.arange(channels), torch.tensor(list(wanted))).to(x.device)
        which, units = alive.nonzero().T
        table = trials.iloc[which.cpu().numpy()].assign(unit=units.cpu().numpy())
        table = table.assign(after="", unsure=True, key=table["row"] * channels + table["unit"])
        if run.suffix is not None and len(table):
            logits = run.by_suffix(activation, at[which], units)
            table["after"], table["unsure"], k = run.judge(logits)
            run.check(x[at[which[k]]][None], units[k, None], logits[k])
            _add_up(sums, table, run.margins(logits, table))
        kept = table["unsure"] | (table["after"] != table["object_response"])
        if run.suffix is not None:  # else all are needed, to add up
            kept &= table["decided"] != "other"
        pairs.append(table[kept])
    pairs = pd.concat(pairs)
    _decide_by_whole(run, images, pairs, label, None if run.suffix is not None else sums)
    flipped = pairs[(pairs["after"] != pairs["object_response"]) & (pairs["decided"] != "other")]
    decided, flipped = merge(pd.concat(decided), "row"), merge(flipped, "key")
    table = _count(decided, flipped, range(len(sums)) if wanted is None else sorted(set(wanted)))
    return _with_margins(table, add(sums), len(decided))


def _add_up(sums: Tensor, pairs: pd.DataFrame, after: np.ndarray) -> None:
    """Add what the channels of the pairs change: to shape, its square, texture, its square, and to
    decisions by shape and by texture. In whole numbers, which add up the same in any order."""
    change = np.nan_to_num(pairs[MARGINS].to_numpy() - after)
    shape, texture, gap = change.T
    by = [gap * (pairs["decided"] == cue).to_numpy() for cue in ("shape", "texture")]
    values = np.stack([shape, shape**2, texture, texture**2, *by], 1)
    whole = torch.from_numpy(np.rint(values / UNIT).astype(np.int64))
    sums.index_add_(0, torch.tensor(pairs["unit"].tolist()), whole)


def _with_margins(table: pd.DataFrame, sums: Tensor, n: int) -> pd.DataFrame:
    """The counts with the means of what :func:`_add_up` added, `flipped` last."""
    total = UNIT * sums.numpy()[table["unit"].to_numpy()]
    found = {"images": n}
    with np.errstate(invalid="ignore", divide="ignore"):
        for i, cue in enumerate(("shape", "texture")):
            mean = total[:, 2 * i] / n
            spread = np.sqrt(np.clip(total[:, 2 * i + 1] / n - mean**2, 0, None))
            found |= {f"{cue}_margin": mean, f"{cue}_margin_se": spread / np.sqrt(n)}
        for i, cue in enumerate(("shape", "texture")):
            found[f"{cue}_gap"] = total[:, 4 + i] / table[cue].to_numpy()
    flipped = table.pop("flipped")
    return table.assign(**found, flipped=flipped)


def _decide_by_whole(
    run: _Run, images: ImageSet, pairs: pd.DataFrame, label: str, sums: Tensor | None
) -> None:
    """Fill in `after` where it is `unsure`, by full forward passes; with `sums`, add up to them."""
    unsure = pairs[pairs["unsure"]]
    left, decisions = unsure["unit"].tolist(), []  # used up in order: `forward` is once a batch

    def forward(x: Tensor, rows: list[int]) -> Tensor:
        units = [left.pop(0) for _ in rows[: len(left)]]
        units += units[:1] * (len(rows) - len(units))
        return run.whole(x, torch.tensor(units, device=x.device))

    rows, title, done = unsure["row"].tolist(), f"{label}, whole", 0
    for chunk, logits in stream(images, forward, rows=rows, batch_size=run.size, label=title):
        decisions += run.decide(logits)[0].tolist()
        own = unsure.iloc[done : done + len(chunk)]
        done += len(chunk)
        if sums is not None:
            _add_up(sums, own, run.margins(logits, own))
    pairs.loc[pairs["unsure"].to_numpy(bool), "after"] = decisions


def _count(decided: pd.DataFrame, flipped: pd.DataFrame, units: Sequence[int]) -> pd.DataFrame:
    table = pd.DataFrame({"unit": list(units)})
    for cue in ("shape", "texture"):
        counts = flipped[flipped["decided"] == cue]["unit"].value_counts()
        table[f"{cue}_score"] = table["unit"].map(counts).fillna(0).astype(int)
    for cue in ("shape", "texture"):
        table[cue] = int((decided["decided"] == cue).sum())
    found: dict[int, dict] = {unit: {} for unit in table["unit"]}
    columns = flipped[["unit", "imagename", "object_response", "after"]]
    for unit, name, *decisions in columns.itertuples(index=False):
        found[unit][name] = decisions
    return table.assign(flipped=[json.dumps(found[unit]) for unit in table["unit"]])


def log_scores(
    logits: Tensor, mapping: Mapping[str, Sequence[int]], decision: str = "mean"
) -> np.ndarray:
    """Logarithms of ``predictions.category_probabilities``, float64 ``(N, 16)``, from logits."""
    logs = logits.double().log_softmax(1)
    found = logs.new_full((len(logs), len(CATEGORIES)), -torch.inf)
    for i, category in enumerate(CATEGORIES):
        if classes := list(mapping.get(category, ())):
            own = logs[:, classes]
            found[:, i] = own.amax(1) if decision == "max" else own.logsumexp(1)
            if decision == "mean":
                found[:, i] -= np.log(len(classes))
    return found.cpu().numpy()
