"""What networks say about images: one row an image, in the schema of model-vs-human."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from typing import TypeVar

import numpy as np
import pandas as pd

from ..attacks import Attack, pgd
from ..categories import CATEGORIES
from ..datasets import HELD, ImageSet
from ..datasets.joined import joined
from ..distributed import world_size
from ..networks import Network
from ..networks.presets import seen_by
from ..results import cached, in_parts
from .schema import attributed
from .stream import loaded, stream

VERSION = 2

DECISIONS = ("mean", "max", "sum")

T = TypeVar("T")


def category_probabilities(
    probabilities: np.ndarray, mapping: Mapping[str, Sequence[int]], decision: str = "mean"
) -> np.ndarray:
    """Score of each of the 16 categories: ``(N, 16)`` from class probabilities ``(N, classes)``.

    The mean over a category's classes (the paper's Sec. 3.1, and model-vs-human's), or their
    "max" or "sum"; -inf for a category that the mapping does not have, so that it never wins.
    ValueError for any other `decision`, and for a mapping that has none of the categories.
    """
    if decision not in DECISIONS:
        raise ValueError(f"unknown decision {decision!r}; choose {', '.join(DECISIONS)}")
    if not any(mapping.get(category) for category in CATEGORIES):
        raise ValueError(f"the mapping has classes for none of {', '.join(CATEGORIES)}")
    scores = np.full((len(probabilities), len(CATEGORIES)), -np.inf, probabilities.dtype)
    for i, category in enumerate(CATEGORIES):
        if classes := list(mapping.get(category, ())):
            scores[:, i] = getattr(probabilities[:, classes], decision)(axis=1)
    return scores


def responses(
    network: Network, images: ImageSet, *, attack: Attack | None = None, batch_size: int = 64
) -> pd.DataFrame:
    """What a network says about each image, before any decision: a row an image.

    Columns `trial` (from 1), `imagename`, `category`, `label`, `prediction` (class index),
    `confidence` (its softmax probability), and for each kind of decision and each category that
    the network has outputs for its score, as ``mean airplane``. With an `attack` the images are
    perturbed first, towards a higher loss of their label. Shared out over processes, the same for
    any number of them, and what a process that died had finished is not computed again. ValueError
    if images without a label (-1) are to be attacked.
    """
    said = partial(_said, network, images, attack, batch_size)
    return in_parts(len(images), said, by="trial")


def _said(
    network: Network, images: ImageSet, attack: Attack | None, batch_size: int, rows: Sequence[int]
) -> pd.DataFrame:
    """The :func:`responses` to these images."""
    classes = _probabilities(network, images, rows, attack, batch_size)
    mine = images.table.iloc[rows]
    known = [c for c in CATEGORIES if network.mapping().get(c)]
    facts = {
        "trial": np.array(rows, int) + 1,
        **{c: mine[c].to_numpy() for c in ("imagename", "category", "label")},
        "prediction": classes.argmax(1),
        "confidence": np.round(classes.max(1).astype(float), 6),
    }
    for decision in DECISIONS:
        scores = category_probabilities(classes, network.mapping(), decision)
        facts |= {f"{decision} {c}": scores[:, CATEGORIES.index(c)] for c in known}
    return pd.DataFrame(facts)


def scores_of(responses: pd.DataFrame, decision: str = "mean") -> pd.DataFrame:
    """The score of each category, a column each, by that decision; a row an image.

    `responses` as from :func:`responses`. ValueError for an unknown decision.
    """
    if decision not in DECISIONS:
        raise ValueError(f"unknown decision {decision!r}; choose {', '.join(DECISIONS)}")
    own = responses.filter(regex=f"^{decision} ")
    return own.set_axis([c.removeprefix(f"{decision} ") for c in own], axis=1)


def trials_of(
    responses: pd.DataFrame,
    network: Network,
    condition: str,
    decision: str = "mean",
    eps: float = 0.0,
) -> pd.DataFrame:
    """The trials of :func:`predict`, decided from the :func:`responses` of a network."""
    scores = scores_of(responses, decision)
    said = np.array(scores.columns, object)[scores.to_numpy().argmax(1)] if len(scores) else []
    return pd.DataFrame(
        {
            "subj": network.name,
            "session": 1,
            "trial": responses["trial"],
            "rt": np.nan,
            "object_response": said,
            "category": responses["category"],
            "condition": condition,
            "imagename": responses["imagename"],
            "label": responses["label"],
            "prediction": responses["prediction"],
            "correct": responses["prediction"] == responses["label"],
            "confidence": responses["confidence"],
            "eps": eps,
        }
    )


def predict(
    network: Network,
    images: ImageSet,
    *,
    attack: Attack | None = None,
    decision: str = "mean",
    batch_size: int = 64,
) -> pd.DataFrame:
    """Trials: a row an image, in the columns of ``schema.SCHEMA`` and, behind them,

    `label` and `prediction` (class indices), `correct`, `confidence` (softmax probability of the
    prediction) and `eps`. `object_response` is the decision among the categories that the network
    has outputs for: arg max of :func:`category_probabilities`. Attack and errors as for
    :func:`responses`.
    """
    found = responses(network, images, attack=attack, batch_size=batch_size)
    return trials_of(found, network, images.name, decision, attack.eps if attack else 0.0)


def _probabilities(
    network: Network,
    images: ImageSet,
    rows: Sequence[int],
    attack: Attack | None = None,
    batch_size: int = 1,
) -> np.ndarray:
    """Softmax over the network's classes of each row of the images, float32 ``(rows, classes)``."""
    import torch

    labels = torch.tensor(images.table["label"].to_numpy())
    if attack is not None and (labels < 0).any():
        raise ValueError(f"{images.name} has images without a label: there is nothing to attack")
    names, module = images.table["imagename"], loaded(network)

    def forward(x: torch.Tensor, rows: list[int]) -> torch.Tensor:
        if attack is not None and attack.eps > 0:
            x = pgd(module, x, labels[rows].to(x.device), attack, names.iloc[rows].tolist())
        with torch.no_grad():
            return module(x).float().softmax(1)

    title = f"{network.name} on {images.name}" + (f", eps {attack.eps:g}" if attack else "")
    found = [np.empty((0, network.n_classes), np.float32)]
    for _, p in stream(images, forward, rows=rows, batch_size=batch_size, label=title):
        found.append(p.cpu().numpy())
    return np.concatenate(found)


def decide(networks: Iterable[Network], images: ImageSet, row: int) -> pd.DataFrame:
    """What each network makes of one image: `network`, `category`, `probability`.

    The scores of :func:`category_probabilities` (mean over a category's classes), which sum to 1
    where the categories share out all classes.
    """
    tables = []
    for network in networks:
        classes = _probabilities(network, images, [row])
        scores = category_probabilities(classes, network.mapping())[0]
        table = pd.DataFrame({"category": CATEGORIES, "probability": scores})
        table = table[table["category"].isin([c for c, own in network.mapping().items() if own])]
        tables.append(table.assign(network=network.name))
    if not tables:
        raise ValueError("no networks are given")
    return pd.concat(tables, ignore_index=True)[["network", "category", "probability"]]


def collect(
    networks: Iterable[Network],
    images: ImageSet,
    attacks: Iterable[Attack | None] = (None,),
    decision: str = "mean",
) -> pd.DataFrame:
    """The trials of all networks under all attacks, from cached :func:`responses`.

    A network whose `stimuli_transform` is "preset" sees the images so, and `condition` says it.
    Columns as in :func:`predict`, behind `network`, `architecture`, `training`, `seed`. ValueError
    if no networks are given.
    """
    networks, images = list(networks), images.held()
    jobs = [(network, seen_by(network, images), attack)
            for network, attack in product(networks, attacks)]  # fmt: skip
    found = in_any_order(
        [partial(cached, responses, network, seen, attack=attack) for network, seen, attack in jobs]
    )
    tables = []
    for (network, seen, attack), said in zip(jobs, found, strict=True):
        eps = attack.eps if attack else 0.0
        tables.append(attributed(trials_of(said, network, seen.name, decision, eps), network))
    if not tables:
        raise ValueError("no networks are given")
    return pd.concat(tables, ignore_index=True)


def collect_each(
    networks: Iterable[Network], sets: Mapping[T, ImageSet], by: Sequence[str] = ("part",)
) -> pd.DataFrame:
    """The trials of all networks on each of several sets of images, measured as one set.

    As :func:`collect`, and the columns `by` with the set's key, or what a key that is a tuple is
    made of: ``collect_each(networks, {("blur", 1.0): blurred}, ["kind", "level"])``.
    """
    networks = list(networks)
    tables = [_collected(networks, some, by) for some in _that_fit(sets)]
    return pd.concat(tables, ignore_index=True)


def _that_fit(sets: Mapping[T, ImageSet]) -> Iterator[dict[T, ImageSet]]:
    """The sets, as many at a time as are held in memory for all networks (`HELD`), at least one."""
    some, size = {}, 0
    for key, images in sets.items():
        own = len(images) * images.load([0]).nbytes if len(images) else 0
        if some and size + own > HELD:
            yield some
            some, size = {}, 0
        some[key] = images
        size += own
    if some:
        yield some


def _collected(
    networks: Sequence[Network], sets: Mapping[T, ImageSet], by: Sequence[str]
) -> pd.DataFrame:
    """:func:`collect_each` of sets that fit into memory."""
    keys, names = list(sets), [own.name for own in sets.values()]
    images = joined(sets, f"{names[0]}-and-{len(names) - 1}-more" if names[1:] else names[0])
    table = collect(networks, images)
    about = images.table.set_index("imagename").loc[table["imagename"]]
    parts = about["part"].tolist()
    seen = table["condition"].str.removeprefix(images.name)  # how a preset shows it
    table = table.assign(
        imagename=about["original"].to_numpy(),
        condition=pd.Series([names[part] for part in parts], table.index) + seen,
    )
    values = [key if isinstance(key, tuple) else (key,) for key in keys]
    return table.assign(**{c: [values[part][i] for part in parts] for i, c in enumerate(by)})


def in_any_order(jobs: Sequence[Callable[..., T]]) -> list[T]:
    """What the jobs return, in their order; each is called with ``wait=False`` first.

    Of two notebooks that want the same, neither waits for the other while it can do something:
    what another process is computing just now (TimeoutError) comes last, with ``wait=True``.
    """
    found: dict[int, T] = {}
    for wait in (world_size() > 1, True):
        for i, job in enumerate(jobs):
            if i in found:
                continue
            try:
                found[i] = job(wait=wait)
            except TimeoutError:
                if wait:
                    raise
    return [found[i] for i in range(len(jobs))]
