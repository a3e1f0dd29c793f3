"""What networks say about images: one row an image, in the schema of model-vs-human."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from ..attacks import Attack, pgd
from ..categories import CATEGORIES
from ..datasets import ImageSet, batches
from ..distributed import merge, shard, world_size
from ..networks import Network
from ..results import cached

VERSION = 1


def category_probabilities(
    probabilities: np.ndarray, mapping: Mapping[str, Sequence[int]], decision: str = "mean"
) -> np.ndarray:
    """Score of each of the 16 categories: ``(N, 16)`` from class probabilities ``(N, classes)``.

    The mean over a category's classes (the paper's Sec. 3.1, and model-vs-human's), or their
    "max" or "sum". ValueError for any other `decision`.
    """
    if decision not in ("mean", "max", "sum"):
        raise ValueError(f"unknown decision {decision!r}; choose mean, max or sum")
    columns = [getattr(probabilities[:, list(mapping[c])], decision)(axis=1) for c in CATEGORIES]
    return np.stack(columns, axis=1)


def predict(
    network: Network,
    images: ImageSet,
    *,
    attack: Attack | None = None,
    decision: str = "mean",
    batch_size: int = 64,
) -> pd.DataFrame:
    """Trials: a row an image, in the columns of `SCHEMA` and, behind them,

    `label` and `prediction` (class indices), `correct`, `confidence` (softmax probability of the
    prediction) and `eps`. `object_response` is the decision among the 16 categories: arg max of
    :func:`category_probabilities`. With an `attack` the images are perturbed first, towards a
    higher loss of their label. Sharded over processes, the same for any number of them.
    ValueError if images without a label (-1) are to be attacked.
    """
    rows = shard(range(len(images)))
    classes = _probabilities(network, images, rows, attack, min(batch_size, len(images) or 1))
    by_category = category_probabilities(classes, network.mapping(), decision)
    prediction, mine = classes.argmax(1), images.table.iloc[list(rows)]
    table = pd.DataFrame(
        {
            "subj": network.name,
            "session": 1,
            "trial": np.array(rows, int) + 1,
            "rt": np.nan,
            "object_response": np.array(CATEGORIES)[by_category.argmax(1)],
            "category": mine["category"].to_numpy(),
            "condition": images.name,
            "imagename": mine["imagename"].to_numpy(),
            "label": mine["label"].to_numpy(),
            "prediction": prediction,
            "correct": prediction == mine["label"].to_numpy(),
            "confidence": np.round(classes.max(1).astype(float), 6),
            "eps": attack.eps if attack else 0.0,
        }
    )
    return merge(table, by="trial")


def _probabilities(
    network: Network,
    images: ImageSet,
    rows: Sequence[int],
    attack: Attack | None = None,
    batch_size: int = 1,
) -> np.ndarray:
    """Softmax over the network's classes of each row of the images, float32 ``(rows, classes)``.

    The last batch is filled up with its first image: kernels round differently in batches of
    another size, and the last of a rank's share would differ from that of one process.
    """
    import torch

    from ..hardware import device, fast_bf16, keep_freed_memory

    labels = torch.tensor(images.table["label"].to_numpy())
    if attack is not None and (labels < 0).any():
        raise ValueError(f"{images.name} has images without a label: there is nothing to attack")
    keep_freed_memory()
    where = device()
    module = network.load().to(where)
    title = f"{network.name} on {images.name}" + (f", eps {attack.eps:g}" if attack else "")
    found = [np.empty((0, network.n_classes), np.float32)]
    for chunk, x in batches(images, batch_size, rows, title):
        n, filling = len(chunk), batch_size - len(chunk)
        chunk = chunk + chunk[:1] * filling
        x = torch.cat([x, x[:1].expand(filling, -1, -1, -1)])
        x = x.to(where, memory_format=torch.channels_last)
        if attack is not None and attack.eps > 0:
            names = images.table["imagename"].iloc[chunk].tolist()
            y = labels[chunk].to(where)
            x = pgd(module, x, y, attack, names=names, bf16=fast_bf16(where))
        with torch.no_grad():
            found.append(module(x)[:n].float().softmax(1).cpu().numpy())
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
        tables.append(table.assign(network=network.name))
    if not tables:
        raise ValueError("no networks are given")
    return pd.concat(tables, ignore_index=True)[["network", "category", "probability"]]


def collect(
    networks: Iterable[Network],
    images: ImageSet,
    attacks: Iterable[Attack | None] = (None,),
    **parameters: object,
) -> pd.DataFrame:
    """The cached trials of all networks under all attacks, with the networks' attributes.

    Columns as in :func:`predict`, and `network`, `architecture`, `training`, `seed`.
    """
    jobs, found = list(product(networks, attacks)), {}
    # Of two notebooks that want the same, neither waits for the other while it can do something.
    for wait in (world_size() > 1, True):
        for i, (network, attack) in enumerate(jobs):
            given = parameters if attack is None else parameters | {"attack": attack}
            if i in found:
                continue
            try:
                found[i] = cached(predict, network, images, wait=wait, **given)
            except TimeoutError:
                if wait:
                    raise
    about = ("name", "architecture", "training", "seed")
    tables = [
        found[i].assign(**{f: getattr(network, f) for f in about})
        for i, (network, _) in enumerate(jobs)
    ]
    if not tables:
        raise ValueError("no networks are given")
    return pd.concat(tables, ignore_index=True).rename(columns={"name": "network"})
