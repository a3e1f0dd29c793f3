"""Networks: one record each, S and R being two records over one architecture.

A network takes float RGB ``(N, 3, H, W)`` in [0, 1], normalises inside and returns logits.
To add one, `register(Network(...))`: every notebook then takes its name.
"""

import hashlib
import json
import runpy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..datasets import get_dataset
from ..paths import CHECKPOINTS

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

TRAINING_COLOURS = {"standard": "#d9772b", "robust": "#2467b0", "control": "#8a8a8a"}
"""The one place where the colours of S, R and the control are chosen."""

MARKERS = {"AlexNet": "o", "GoogLeNet": "s", "ResNet": "^"}


@dataclass(frozen=True)
class Network:
    """A network and all that a notebook needs to know about it.

    `build()` returns an untrained ``nn.Module`` over [0, 1] RGB; `checkpoint` is a file that
    :func:`shapebias_utils.networks.checkpoints.load_into` reads, relative to ``data/checkpoints``
    (None: what `build` returns is already trained), `sha256` its hash or the first digits of it
    (None: that in the JSON file beside it, if there is one). `layers` maps the paper's names of
    the probed layers (Appendix A) to modules whose output is post-ReLU. `category_classes` maps
    categories to outputs where the dataset's own mapping does not fit. `origin` is the page that
    offers the checkpoint, where neither training nor `shapebias fetch` may bring it.
    """

    name: str
    build: Callable[[], "nn.Module"] = field(repr=False)
    dataset: str = "imagenet"
    architecture: str = "own"
    training: str = "standard"
    checkpoint: str | Path | None = None
    sha256: str | None = None
    layers: Mapping[str, str] = field(default_factory=dict, repr=False)
    n_classes: int = 1000
    category_classes: Mapping[str, tuple[int, ...]] | None = field(default=None, repr=False)
    colour: str = "#4d4d4d"
    marker: str = "D"
    seed: int = 0
    origin: str = field(default="", repr=False)

    def path(self) -> Path | None:
        """The checkpoint's absolute path, None where the network needs none."""
        return None if self.checkpoint is None else CHECKPOINTS / self.checkpoint

    def mapping(self) -> Mapping[str, tuple[int, ...]]:
        """Category -> the outputs that belong to it."""
        return self.category_classes or get_dataset(self.dataset).category_classes

    def checkpoint_hash(self) -> str:
        """What identifies the network in the key of a result.

        Its checkpoint and its structure, since the same weights do something else behind another
        normalisation; its probed layers; and which outputs belong to which category.
        """
        from .checkpoints import file_hash, structure, weights_hash

        if self.path() is None:
            weights = weights_hash(self.build())
        else:
            weights = f"{file_hash(self.path())} {structure(self.build)}"
        outputs = {category: list(map(int, own)) for category, own in self.mapping().items()}
        identity = f"{weights} {dict(self.layers)} {outputs}"
        return hashlib.sha256(identity.encode()).hexdigest()

    def load(self) -> "nn.Module":
        """The trained network in eval mode, channels last, parameters without gradients."""
        import torch

        from .checkpoints import load_into

        module = self.build()
        if self.path() is not None:
            load_into(module, self.path(), self.sha256)
        return module.eval().requires_grad_(False).to(memory_format=torch.channels_last)


_OWN: dict[tuple[str, str], Network] = {}  # those registered by the user


def _known(dataset: str) -> dict[str, Network]:
    own = {name: network for (where, name), network in _OWN.items() if where == dataset}
    return {network.name: network for network in get_dataset(dataset).networks()} | own


def register(network: Network) -> Network:
    """The network, from now on known by its name; ValueError if a shipped one has that name."""
    if network.name in _known(network.dataset) and (network.dataset, network.name) not in _OWN:
        raise ValueError(f"a network named {network.name!r} exists already; choose another name")
    _OWN[network.dataset, network.name] = network
    return network


def network_names(dataset: str) -> list[str]:
    """The names of the dataset's networks, S and R side by side, the user's own last."""
    return list(_known(dataset))


def get_network(name: str, dataset: str, seed: int = 0) -> Network:
    """The network of that name; ValueError lists the known ones.

    `seed` other than 0 is the same network trained from another seed (`shapebias train --seed`).
    """
    known = _known(dataset)
    if name not in known:
        raise ValueError(f"unknown network {name!r} for {dataset}; choose from {', '.join(known)}")
    network = known[name]
    if seed == network.seed:
        return network
    checkpoint = str(network.checkpoint).replace(f"seed{network.seed}", f"seed{seed}")
    if checkpoint == str(network.checkpoint):
        raise ValueError(f"{name} comes with one set of weights: seed {network.seed}, not {seed}")
    return replace(network, seed=seed, checkpoint=checkpoint, sha256=None)


def get_networks(dataset: str, names: str | Sequence[str] = "", seed: int = 0) -> list[Network]:
    """The networks of these names (a list, or one string with commas); all S and R if empty."""
    if isinstance(names, str):
        names = [n.strip() for n in names.split(",") if n.strip()]
    if not names:
        names = [n for n, k in _known(dataset).items() if k.training in ("standard", "robust")]
    return [get_network(name, dataset, seed) for name in names]


def with_controls(networks: Sequence[Network]) -> list[Network]:
    """The networks and, behind them, the controls of their architectures, where there are any."""
    found = list(networks)
    for network in networks:
        for other in _known(network.dataset).values():
            if (other.training, other.architecture) == ("control", network.architecture):
                found.append(get_network(other.name, network.dataset, network.seed))
    return list({n.name: n for n in found}.values())


def pairs(networks: Sequence[Network]) -> list[tuple[Network, Network]]:
    """The (S, R) pairs of one architecture among the networks, in their order."""
    robust = {n.architecture: n for n in networks if n.training == "robust"}
    standard = [n for n in networks if n.training == "standard"]
    return [(s, robust[s.architecture]) for s in standard if s.architecture in robust]


def register_from(path: str) -> list[str]:
    """The names of the networks that a Python file of your own registers; none if `path` is "".

    The file is run, so that it may call :func:`register`. FileNotFoundError if there is none.
    """
    if not path:
        return []
    if not Path(path).is_file():
        raise FileNotFoundError(f"no file {path} that registers networks of your own")
    before = dict(_OWN)
    runpy.run_path(path)
    return [network.name for key, network in _OWN.items() if network is not before.get(key)]


def training_log(networks: Sequence[Network]) -> "pd.DataFrame":
    """The logs written beside the networks' checkpoints: a row an epoch and network.

    Columns `network`, `architecture`, `training`, `epoch`, `eps`, `loss`, `accuracy`, `rate`,
    `seconds`. Epochs count on from those of the network that a run started from. Empty where
    there is no log.
    """
    import pandas as pd

    logs, last = [pd.DataFrame()], {}
    for network in sorted(networks, key=lambda n: n.training != "standard"):
        path = network.path() and network.path().with_suffix(".csv")
        if path is None or not path.exists() or not path.with_suffix(".json").exists():
            continue  # comes without a log, or is being trained
        log = pd.read_csv(path)
        started = json.loads(path.with_suffix(".json").read_text())["recipe"]["start"]
        log["epoch"] += last.get((network.architecture, started), 0)
        last[network.architecture, network.training] = log["epoch"].iloc[-1]
        about = {f: getattr(network, f) for f in ("architecture", "training")}
        logs.append(log.assign(network=network.name, **about))
    return pd.concat(logs, ignore_index=True)
