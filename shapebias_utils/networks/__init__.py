"""Networks: one record each, S and R being two records over one architecture.

A network takes float RGB ``(N, 3, H, W)`` in [0, 1], normalises inside and returns logits.
To add one, `register(Network(...))`: every notebook then takes its name. Those that torchvision,
timm and Hugging Face publish need not be added: see `adapters`.
"""

import hashlib
import json
import runpy
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..datasets import get_dataset
from ..files import line
from ..paths import CHECKPOINTS

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from .presets import Preset

CORE = ("standard", "robust", "control")
"""The trainings that every notebook compares; all others are shown where they are asked for."""

TRAINING_COLOURS = {"standard": "#d9772b", "robust": "#2467b0", "control": "#8a8a8a"}
"""The one place where the colours of S, R and the control are chosen."""

REGIME_COLOURS = {
    "robust-eps2": "#123a6b", "advprop-pgd1": "#8fc1e3", "advprop-pgd5": "#4f9bd0",
    "advprop-pgd1-aux": "#b5a4d6", "advprop-pgd5-aux": "#7b5fb5",
    "advprop-1step": "#a6d5d8", "advprop-5steps": "#5aaab0",
    "sin": "#2e8b57", "sin-in": "#8fbf6f", "sin-and-in": "#5fa86a", "sin-in-joint": "#b9cf8a",
    "linf2": "#9db7dd", "linf4": "#6f93c9", "linf8": "#3d6bb0", "fgsm4": "#b0a3c9",
    "fgsm8": "#8d79b5", "spatial": "#b5578f", "underfit": "#e8b98e", "noise": "#c9a227",
    "smooth-filters-weak": "#d7b49e", "smooth-filters": "#b07d5c",
    "smooth-gradients-weak": "#c99a9a", "smooth-gradients": "#a85c5c", "joint": "#17557a",
}  # fmt: skip
"""And those of the further regimes: blue what sees an adversary, green what sees images without
their texture, brown what is kept smooth."""

COLOURS = TRAINING_COLOURS | REGIME_COLOURS

SUFFIXES = {
    "standard": "", "robust": "-R", "control": "-control", "robust-eps2": "-R-eps2",
    "advprop-pgd1": "-AdvProp1", "advprop-pgd5": "-AdvProp5",
    "advprop-pgd1-aux": "-AdvProp1-aux", "advprop-pgd5-aux": "-AdvProp5-aux",
    "advprop-1step": "-AdvProp-1step", "advprop-5steps": "-AdvProp-5steps",
    "sin": "-SIN", "sin-in": "-SIN+IN", "sin-and-in": "-SIN-and-IN",
    "sin-in-joint": "-SIN+IN-joint",
}  # fmt: skip
"""Training -> what stands behind the architecture in a network's name; others as "-noise"."""

ADVPROP = ("advprop-pgd1", "advprop-pgd5")
"""Those of the paper's Tables 1 and 2, from the weaker adversary to the stronger."""

STYLIZED = ("sin", "sin-in")
"""Those of the paper's Figure 7, the second finetuned from the first."""

AUXILIARY = "-aux"
"""Behind a training: the same file, seen through the batch norms of its adversarial images."""

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
    offers the checkpoint, where neither training nor `shapebias fetch` may bring it, and `terms`
    are its size, licence and hash. A `further` network takes part only where it is asked for by
    its name. `loader` puts the checkpoint into what `build` returned where that is another
    library's business. `preset` is how images are prepared for it where it was published;
    `stimuli_transform` says whether cue-conflict stimuli are ("preset") or not ("native"), see
    `presets`.
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
    terms: str = field(default="", repr=False)
    further: bool = False
    loader: "Callable[[nn.Module, Path], None] | None" = field(default=None, repr=False)
    preset: "Preset | None" = field(default=None, repr=False)
    stimuli_transform: str = "native"

    def path(self) -> Path | None:
        """The checkpoint's absolute path, None where the network needs none."""
        return None if self.checkpoint is None else CHECKPOINTS / self.checkpoint

    def is_there(self) -> bool:
        """Whether its checkpoint is there, or it needs none."""
        return self.path() is None or self.path().exists()

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
        if self.path() is not None and self.loader is not None:
            self.loader(module, self.path())
        elif self.path() is not None:
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


def network_names(dataset: str, further: bool = False) -> list[str]:
    """The names of the dataset's networks, S and R side by side, the user's own last.

    With `further` also those of further regimes.
    """
    return [name for name, n in _known(dataset).items() if further or not n.further]


def get_network(name: str, dataset: str, seed: int = 0) -> Network:
    """The network of that name; ValueError lists the known ones.

    `seed` other than 0 is the same network trained from another seed (`shapebias train --seed`).
    A name with a colon is that of a published one, see :func:`adapters.named`; FileNotFoundError
    if its weights are not here.
    """
    known = _known(dataset)
    if ":" in name and name not in known:
        from .adapters import here

        known = {name: here(name, dataset)}
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
    """The networks of these names (a list, or one string with commas).

    Without names all S and R: where some have no checkpoint the others, with a warning of which
    are left out and why; where none has, all. ValueError for an unknown name, for one that is there
    twice, and for commas without names.
    """
    if isinstance(names, str):
        given, names = names, [n.strip() for n in names.split(",") if n.strip()]
        if given.strip() and not names:
            raise ValueError(f"networks {given!r} names none: leave it empty for S and R")
    twice = [n for i, n in enumerate(names) if n in names[:i]]
    if twice:
        raise ValueError(f"networks has {twice[0]} twice: name each once")
    if names:
        return [get_network(name, dataset, seed) for name in names]
    everyone = standard_and_robust(dataset, seed)
    there = [network for network in everyone if network.is_there()]
    if there and len(there) < len(everyone):
        absent = [f"{n.name} ({n.path().name})" for n in everyone if not n.is_there()]
        warnings.warn(
            f"left out, for want of checkpoints in {everyone[0].path().parent}: "
            f"{', '.join(absent)}; `shapebias doctor` says what brings them",
            stacklevel=2,
        )
    return there or everyone


def standard_and_robust(dataset: str, seed: int = 0) -> list[Network]:
    """All S and R of the dataset, whether their checkpoints are there or not."""
    names = [n for n, k in _known(dataset).items() if k.training in ("standard", "robust")]
    return [get_network(name, dataset, seed) for name in names]


def networks_there(dataset: str, seeds: Iterable[int] = (0, 1, 2)) -> list[Network]:
    """All networks of the dataset, further regimes too, from these seeds, whose weights are
    there and finished."""
    found = []
    for name in network_names(dataset, further=True):
        for seed in seeds:
            try:
                network = get_network(name, dataset, seed)
            except ValueError:  # it comes with one set of weights
                continue
            if network.path() is not None and network.path().exists():
                found.append(network)
    return found


def with_controls(networks: Sequence[Network]) -> list[Network]:
    """The networks and, behind them, the controls of their architectures, where there are any."""
    found = list(networks)
    for network in networks:
        for other in _known(network.dataset).values():
            if (other.training, other.architecture) == ("control", network.architecture):
                found.append(get_network(other.name, network.dataset, network.seed))
    return list({n.name: n for n in found}.values())


def with_regimes(
    networks: Sequence[Network], names: str = "", trainings: Sequence[str] = ()
) -> list[Network]:
    """The networks and, behind them, those of further regimes: of these names (with commas), or
    if there are none all of the same architectures and seeds whose weights are there; of these
    `trainings` alone, if any are given."""
    found = list(networks)
    if names:
        first = found[0]
        found += get_networks(first.dataset, names, first.seed)
    for network in () if names else networks:
        for other in _known(network.dataset).values():
            if not other.further or other.architecture != network.architecture:
                continue
            if trainings and other.training not in trainings:
                continue
            try:
                own = get_network(other.name, network.dataset, network.seed)
            except ValueError:  # it comes with one set of weights
                continue
            if own.path() is not None and own.path().exists():
                found.append(own)
    return list({(n.name, n.seed): n for n in found}.values())


def pairs(networks: Sequence[Network]) -> list[tuple[Network, Network]]:
    """The (S, R) pairs of one architecture among the networks, in their order."""
    robust = {n.architecture: n for n in networks if n.training == "robust"}
    standard = [n for n in networks if n.training == "standard"]
    return [(s, robust[s.architecture]) for s in standard if s.architecture in robust]


def register_from(path: str) -> list[str]:
    """The names of the networks that a Python file of your own registers; none if `path` is "".

    The file is run, so that it may call :func:`register`, and those of the networks are loaded once
    whose checkpoints are there: else one that is damaged would be found after others have been
    measured for long. FileNotFoundError if there is no such file, ValueError where it fails.
    """
    if not path:
        return []
    if not Path(path).is_file():
        raise FileNotFoundError(f"no file {path} that registers networks of your own")
    before = dict(_OWN)
    try:
        runpy.run_path(path)
    except Exception as error:
        own = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
        where = f"{path}, line {own[-1]}" if own else path
        raise ValueError(
            f"{where}, fails: {type(error).__name__}: {line(error)}; correct it there"
        ) from error
    found = [network for key, network in _OWN.items() if network is not before.get(key)]
    for network in found:
        if network.path() is not None and network.is_there():
            network.load()
    return [network.name for network in found]


def training_log(networks: Sequence[Network]) -> "pd.DataFrame":
    """The logs written beside the networks' checkpoints: a row an epoch and network.

    Columns `network`, `architecture`, `training`, `epoch`, `eps`, `loss`, `accuracy`, `rate`,
    `seconds`, and `clean` and `adversarial`, the accuracies on validation images: of a run that
    was not watched, those of its repetition (``training_curves.csv``), where there is one. Epochs
    count on from those of the network that a run started from. Empty where there is no log.
    """
    import pandas as pd

    from ..results import stored

    logs, last = [pd.DataFrame()], {}
    for network in sorted(networks, key=lambda n: n.training != "standard"):
        path = network.path() and network.path().with_suffix(".csv")
        if path is None or not path.exists() or not path.with_suffix(".json").exists():
            continue  # comes without a log, or is being trained
        log, repeated = pd.read_csv(path), stored(network.dataset, "training_curves")
        if "clean" not in log and not repeated.empty:
            for field in ("architecture", "training", "seed"):
                repeated = repeated[repeated[field] == getattr(network, field)]
            log = log.merge(repeated[["epoch", "clean", "adversarial"]], on="epoch", how="left")
        started = json.loads(path.with_suffix(".json").read_text())["recipe"]["start"]
        log["epoch"] += last.get((network.architecture, started), 0)
        last[network.architecture, network.training] = log["epoch"].iloc[-1]
        about = {f: getattr(network, f) for f in ("architecture", "training")}
        logs.append(log.assign(network=network.name, **about))
    return pd.concat(logs, ignore_index=True)
