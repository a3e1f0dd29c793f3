"""Is the attack strong enough to be believed? Table 1's adversary held against itself.

A network can look robust because its gradients lead the attack astray (Athalye et al. 2018). Then
more steps, restarts, or images attacked by way of another network do more harm than the attack
does, or a budget that hides the whole picture leaves it right (Carlini et al. 2019).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd
import torch

from ..attacks import Attack, pgd
from ..datasets import ImageSet
from ..distributed import merge, shard
from ..networks import Network, get_network
from ..results import cached
from .robustness import accuracy, under_attack
from .schema import OBSERVER
from .stream import loaded, stream

VERSION = 2

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
    network: Network, images: ImageSet, *, targets: Mapping[str, str], attack: Attack,
    batch_size: int = 32,
) -> pd.DataFrame:  # fmt: skip
    """Whether other networks label images correctly that were attacked by way of this one.

    `targets` maps the others' names, of the same dataset and seed, to their checkpoint hashes,
    which belong to the key of the result. Columns `trial`, `imagename`, `target`, `correct`.
    """
    attacked = loaded(network)
    others = [loaded(get_network(name, network.dataset, network.seed)) for name in targets]
    labels = torch.tensor(images.table["label"].to_numpy())
    names = images.table["imagename"]

    def forward(x: torch.Tensor, rows: list[int]) -> torch.Tensor:
        y = labels[rows].to(x.device)
        x = pgd(attacked, x, y, attack, names.iloc[rows].tolist())
        with torch.no_grad():
            return torch.stack([other(x).argmax(1) == y for other in others], 1)

    rows, title = list(shard(range(len(images)))), f"by way of {network.name} on {images.name}"
    right = [r for _, own in stream(images, forward, rows=rows, batch_size=batch_size, label=title)
             for r in own.tolist()]  # fmt: skip
    table = pd.DataFrame(right, columns=list(targets), dtype=bool)
    table.insert(0, "trial", [r + 1 for r in rows])
    table.insert(1, "imagename", names.iloc[rows].to_numpy())
    table = merge(table, by="trial")
    return table.melt(["trial", "imagename"], var_name="target", value_name="correct")


def attack_checks(networks: Iterable[Network], images: ImageSet, attack: Attack) -> pd.DataFrame:
    """Accuracy under the attack, its :func:`variants`, and attacks by way of the other networks.

    Of the robust networks, whose accuracy is in doubt; where none is robust, of all. All networks
    are attacked for each other: an image counts as right if it is right against every one of them.
    Images that are wrong as they are count as wrong. Columns: the observer, `check`, `accuracy`,
    `low`, `high`, `n`. A network alone has no others, and no row for them.
    """
    networks = list(networks)
    checked = [n for n in networks if n.training == "robust"] or networks
    tables = []
    for name, variant in variants(attack).items():
        trials = under_attack(checked, images, (variant,))
        tables.append(trials[trials["eps"] > 0].assign(check=name))
    clean = trials.loc[trials["eps"] == 0, [*OBSERVER, "imagename", "correct"]]
    for network in networks:
        targets = {n.name: n.checkpoint_hash() for n in checked if n is not network}
        if targets:
            table = cached(transferred, network, images, targets=targets, attack=attack)
            tables.append(_of_targets(table, clean))
    table = pd.concat(tables, ignore_index=True)
    keys = [*OBSERVER, "check", "imagename"]
    worst = table.groupby(keys, sort=False)["correct"].all().reset_index()
    return accuracy(worst, by=["check"])


def _of_targets(table: pd.DataFrame, clean: pd.DataFrame) -> pd.DataFrame:
    """The trials of :func:`transferred`, the targets being the observers."""
    table = table.rename(columns={"target": "network", "correct": "survived"})
    both = clean.merge(table, on=["network", "imagename"])
    right = both["correct"].astype(bool) & both["survived"].astype(bool)
    return both.assign(correct=right, check=TRANSFER)[[*OBSERVER, "imagename", "correct", "check"]]
