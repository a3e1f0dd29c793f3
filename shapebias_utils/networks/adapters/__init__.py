"""Published networks by their names, without any code: what their libraries' own records say.

``torchvision:resnet50/IMAGENET1K_V1``, ``timm:resnet50.a1_in1k``, ``hf:ORG/NAME@REVISION``, each
with ``#layer3+layer4`` behind it to probe other layers than the rule's. Names are exact: under
``DEFAULT``, a name without its tag or that of a branch a library may offer other weights tomorrow.
Nothing is downloaded unless :func:`fetch` is called; weights are looked for where their libraries
keep them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from .. import Network
from ..presets import Preset

if TYPE_CHECKING:
    from torch import nn

    from .probing import Layer

LIBRARIES = {
    "torchvision": (".torchvision", "torchvision", "torchvision:resnet50/IMAGENET1K_V1"),
    "timm": (".timm", "timm", "timm:resnet50.a1_in1k"),
    "hf": (".hf", "transformers", "hf:microsoft/resnet-50@REVISION"),
}
"""Prefix -> the module with its `find` and `fetch`, the package that it needs, an example."""

COLOURS = (
    "#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#76b7b2", "#e15759", "#9c755f", "#edc948",
)  # fmt: skip


@dataclass(frozen=True)
class Published:
    """What a library's record says of one of its networks.

    `build` returns it as the library makes it, with random weights, from ``(N, 3, H, W)`` to
    logits; `loader` puts the file `weights`, which may not be here, into that (None: it is a state
    dict under the network's own names). `mean` and `std` are what [0, 1] RGB is normalised with,
    `side` is the size of the images that the `preset` makes; `fixed` where the network takes no
    others. `order` has the output of each of ImageNet's classes, None if they are in that order.
    """

    build: "Callable[[], nn.Module]"
    weights: Path
    mean: tuple[float, ...]
    std: tuple[float, ...]
    side: int
    fixed: bool
    preset: Preset
    order: tuple[int, ...] | None
    licence: str
    loader: "Callable[[nn.Module, Path], None] | None" = None
    sha256: str | None = None
    revision: str = ""


def _library(name: str) -> tuple[ModuleType, str, str]:
    """(its adapter, the name without prefix and layers, these); ValueError for unknown prefixes
    and where the library is not installed."""
    prefix, _, rest = name.partition(":")
    if prefix not in LIBRARIES:
        known = ", ".join(example for *_, example in LIBRARIES.values())
        raise ValueError(f"unknown network {name!r}: published ones are named as {known}")
    module, package, _ = LIBRARIES[prefix]
    try:
        import_module(package)
    except ImportError:
        raise ValueError(
            f"{name} needs the extra [{prefix}], which is not installed: "
            f'`pip install -e ".[{prefix}]"`'
        ) from None
    spec, _, layers = rest.partition("#")
    return import_module(module, __name__), spec, layers


@cache
def published(name: str) -> Published:
    """The record of that name; its weights need not be here.

    ValueError where there is none, where it does not fit ImageNet's classes (the first that does
    not is named), or where its library is not installed; FileNotFoundError where the record itself
    has to be fetched.
    """
    library, spec, _ = _library(name)
    return library.find(spec)


@cache
def _probed(name: str) -> "tuple[list[Layer], int]":
    """(the layers that are probed, the number of parameters)."""
    from . import probing

    found, paths = published(name), _library(name)[2]
    network = found.build()
    count = sum(p.numel() for p in network.parameters())
    return probing.layers_of(network, found.side, paths.split("+") if paths else ()), count


@cache
def named(name: str) -> Network:
    """The network of that name as a record, for dataset "imagenet"; its weights need not be here.

    Probed are the layers behind ``#``, else those of the rule of :func:`probing.layers_of`. What
    identifies it in a result is the hash of its weights. Errors as for :func:`published`, and
    ValueError for layers that are not there.
    """
    found, (layers, _) = published(name), _probed(name)
    return Network(
        name=name,
        build=partial(_built, found, layers),
        architecture=name,
        checkpoint=found.weights,
        sha256=found.sha256,
        layers={layer.name: layer.where for layer in layers},
        colour=COLOURS[sum(name.encode()) % len(COLOURS)],
        loader=found.loader and partial(_loaded, found.loader),
        preset=found.preset,
    )


def _built(found: Published, probed: "Sequence[Layer]") -> "nn.Module":
    from . import probing
    from .wrapped import Wrapped

    size = found.side if found.fixed else None
    network = probing.shown_as_maps(found.build(), probed)
    return Wrapped(network, found.mean, found.std, size, found.order)


def _loaded(loader: "Callable[[nn.Module, Path], None]", module: "nn.Module", path: Path) -> None:
    from ..normalised import unwrapped

    loader(unwrapped(module), path)


def is_here(name: str) -> bool:
    """Whether nothing has to be fetched for that network; errors as for :func:`published`."""
    try:
        return published(name).weights.exists()
    except FileNotFoundError:
        return False


def here(name: str, dataset: str = "imagenet") -> Network:
    """The network of that name for a dataset; FileNotFoundError unless its weights are here.

    ValueError for other datasets than ImageNet, whose classes published networks answer with.
    """
    if dataset != "imagenet":
        raise ValueError(
            f"{name} answers with ImageNet's classes, not those of {dataset}: take dataset imagenet"
        )
    if not is_here(name):
        raise FileNotFoundError(
            f"the weights of {name} are not here: `shapebias fetch {name}` brings them"
        )
    return named(name)


def fetch(name: str) -> Path:
    """Download what the network needs into its library's cache; the file of its weights.

    OSError where it cannot be had, ValueError where it is not in a form that is read.
    """
    library, spec, _ = _library(name)
    try:
        library.fetch(spec)
    except ValueError:
        raise
    except Exception as error:  # each library and its client have errors of their own
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise OSError(f"cannot fetch {name}: {reason}; the same command tries again") from error
    for known in (published, named, _probed):
        known.cache_clear()
    weights = published(name).weights
    if not weights.exists():
        raise ValueError(f"{name} comes without {weights.name}, the only form that is read")
    return weights


def described(name: str) -> str:
    """One line on a network: its licence and size, what it sees, where it is probed."""
    found, (layers, count) = published(name), _probed(name)
    facts = [f"licence {found.licence}", f"{count / 1e6:.1f} M parameters"]
    if found.weights.exists():
        facts.append(f"{found.weights.stat().st_size / 1e6:,.0f} MB")
    if found.revision:
        facts.append(f"revision {found.revision}")
    sizes = f"only {found.side} px" if found.fixed else "any size"
    facts.append(f"takes {sizes}, preset: {found.preset.text}")
    probed = ", ".join(layer.name for layer in layers) or "nothing"
    as_maps = any(layer.form == "tokens" for layer in layers)
    return "; ".join([*facts, f"probed: {probed}" + " (tokens as maps)" * as_maps])
