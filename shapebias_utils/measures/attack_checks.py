"""Is the attack strong enough to be believed? Table 1's adversary held against itself.

A network can look robust because its gradients lead the attack astray (Athalye et al. 2018). Then
more steps, restarts, or images attacked by way of another network do more harm than the attack
does, or a budget that hides the whole picture leaves it right (Carlini et al. 2019).
"""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd
import torch

from ..attacks import Attack, pgd
from ..datasets import ImageSet
from ..distributed import merge, shard
from ..networks import Network, get_network
from .predictions import collect
from .robustness import accuracy
from .schema import OBSERVER, collected
from .stream import loaded, stream

VERSION = 1

AS_IT_IS, TRANSFER = "as in Table 1", "by way of another network"


def variants(attack: Attack) -> dict[str, Attack]:
    """Name -> the attack as it is, and in the ways that must not differ much from it.

    Five times the steps, at the same step size; five restarts, four of them from random starts; and
    eight times the budget, which must leave next to nothing.
    """
    return {
        AS_IT_IS: attack,
        "5 x the steps": replace(attack, steps=5 * attack.steps),
        "5 restarts": replace(attack, restarts=5),
        "8 x the budget": attack.scaled(8 * attack.eps),
    }


def transferred(
    network: Network, images: ImageSet, *, source: str, weights: str, attack: Attack,
    batch_size: int = 64,
) -> pd.DataFrame:  # fmt: skip
    """Whether the network labels images correctly that were attacked by way of another network.

    `source` is the other network's name, of the same dataset and seed, `weights` its checkpoint
    hash, which belongs to the key of the result. Columns `trial`, `imagename`, `correct`.
    """
    ours, theirs = loaded(network), loaded(get_network(source, network.dataset, network.seed))
    labels = torch.tensor(images.table["label"].to_numpy())
    names = images.table["imagename"]

    def forward(x: torch.Tensor, rows: list[int]) -> torch.Tensor:
        y = labels[rows].to(x.device)
        x = pgd(theirs, x, y, attack, names.iloc[rows].tolist())
        with torch.no_grad():
            return ours(x).argmax(1) == y

    rows, title = list(shard(range(len(images)))), f"{network.name} on images against {source}"
    right = [r for _, own in stream(images, forward, rows=rows, batch_size=batch_size, label=title)
             for r in own.tolist()]  # fmt: skip
    facts = {"trial": [r + 1 for r in rows], "imagename": names.iloc[rows].to_numpy()}
    return merge(pd.DataFrame(facts | {"correct": right}), by="trial")


def attack_checks(networks: Iterable[Network], images: ImageSet, attack: Attack) -> pd.DataFrame:
    """Accuracy of each network under the attack, its :func:`variants`, and attacks on the others.

    An image attacked by way of others counts as right if it is right against every one of them (the
    other networks of the list). Columns: the observer, `check`, `accuracy`, `low`, `high`, `n`. A
    network alone has no others, and no row for them.
    """
    networks = list(networks)
    tables = []
    for name, variant in variants(attack).items():
        tables.append(collect(networks, images, (variant,)).assign(check=name))
    for network in networks:
        by_source = [
            collected(
                transferred, [network], images, source=other.name,
                weights=other.checkpoint_hash(), attack=attack,
            )
            for other in networks
            if other is not network
        ]  # fmt: skip
        if by_source:
            every = pd.concat(by_source).groupby([*OBSERVER, "imagename"], sort=False)["correct"]
            tables.append(every.all().reset_index().assign(check=TRANSFER))
    return accuracy(pd.concat(tables, ignore_index=True), by=["check"])
