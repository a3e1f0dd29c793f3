"""Which layers of any network are probed, and how their outputs are seen as maps of channels.

A network works stage by stage, each on a coarser grid than the one before; what is probed is the
last output of each, under the rule of :func:`layers_of`. Outputs that are no maps ``(N, C, H, W)``
pass, for a moment, as such through a module of their own, where they can be looked at and changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import torch
from torch import Tensor, nn

STAGES = 3
"""A network with fewer grids than this is one of blocks that all work on the same."""


@dataclass(frozen=True)
class Layer:
    """The module at `path` of a network, whose output has the form "maps" ``(N, C, H, W)``,
    "channels last" ``(N, H, W, C)`` or "tokens" ``(N, first + H * W, C)``.

    The `first` tokens are of no place (class, distillation, registers).
    """

    path: str
    form: str
    side: int
    first: int = 0

    @property
    def name(self) -> str:
        """How tables call it: "layer4", "blocks.11"."""
        parts = self.path.split(".")
        return ".".join(parts[-2:]) if parts[-1].isdigit() else parts[-1]

    @property
    def where(self) -> str:
        """The module that puts it out as maps, in a network that :func:`shown_as_maps` made."""
        return f"network.{self.path if self.form == 'maps' else self._maps}"

    @property
    def _maps(self) -> str:
        return f"as_maps.{self.path.replace('.', '_')}"


def layers_of(network: nn.Module, side: int, paths: Sequence[str] = ()) -> list[Layer]:
    """The layers at these paths, else those of the rule; in the order in which they finish.

    The rule looks at the modules that stand side by side in some part of the network, where the
    most different grids follow each other, and takes of each grid the last that is no pooling. If
    there are fewer than three grids, as in a ViT, it takes the blocks: the most modules with parts
    of their own that stand in one list and put out the same. Where tokens are of no place, the
    last block is left out: what it makes of places does not reach the logits. None may be found.
    ValueError for paths that are not there or put out no grid.
    """
    found = _outputs(network, side)
    for path in paths:
        if path not in dict(network.named_modules()):
            raise ValueError(f"no layer {path!r}; there are such as {', '.join(list(found)[-8:])}")
        if path not in found:
            raise ValueError(f"layer {path!r} puts out no grid: choose one of {', '.join(found)}")
    if paths:
        return [layer for path, layer in found.items() if path in paths]
    children = [
        [found[path] for path in found if path.rpartition(".")[0] == parent]
        for parent, _ in network.named_modules()
    ]
    staged = max(children, key=lambda layers: len({layer.side for layer in layers}))
    if len({layer.side for layer in staged}) >= STAGES:
        kept = [k for k in staged if "pool" not in _kind(network, k.path).lower()]
        return list({layer.side: layer for layer in kept}.values())
    blocks = max((_blocks(network, layers) for layers in children), key=len, default=[])
    return blocks[:-1] if blocks and blocks[0].first else blocks


def _kind(network: nn.Module, path: str) -> str:
    return type(network.get_submodule(path)).__name__


def _blocks(network: nn.Module, layers: Sequence[Layer]) -> list[Layer]:
    """Those of the layers in a list that have parts, if they put out the same."""
    kept = [k for k in layers if next(network.get_submodule(k.path).children(), None) is not None]
    listed = kept and isinstance(
        network.get_submodule(kept[0].path.rpartition(".")[0]), nn.Sequential | nn.ModuleList
    )
    same = {(k.form, k.side, k.first) for k in kept}
    return kept if listed and len(same) == 1 else []


def _outputs(network: nn.Module, side: int) -> dict[str, Layer]:
    """Path -> what that module puts out, of all that put out a grid larger than a point; in the
    order in which they finish, once for each."""
    found: dict[str, Layer] = {}
    handles = []
    for path, module in network.named_modules():

        def note(_: nn.Module, __: object, output: object, path: str = path) -> None:
            found.pop(path, None)
            if (layer := _seen(path, output)) is not None:
                found[path] = layer

        if path:
            handles.append(module.register_forward_hook(note))
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.full((1, 3, side, side), 0.5))
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return found


def _seen(path: str, output: object) -> Layer | None:
    """The layer whose output that is; None unless it is a square grid of channels."""
    value = output[0] if isinstance(output, tuple) and output else output
    if not isinstance(value, Tensor):
        return None
    shape = tuple(value.shape)
    if len(shape) == 4 and shape[2] == shape[3] > 1:
        return Layer(path, "maps", shape[2])
    if len(shape) == 4 and shape[1] == shape[2] > 1:
        return Layer(path, "channels last", shape[1])
    if len(shape) == 3 and shape[1] > 3:
        side = isqrt(shape[1])
        return Layer(path, "tokens", side, shape[1] - side**2)
    return None


class AsMaps(nn.Module):
    """The identity, through which a layer's output passes as maps ``(N, C, H, W)``.

    What is recorded here is the layer's output, and what is changed here is changed in the network.
    Tokens of no place pass first, by themselves: a channel that is zeroed is zero in them, too.
    """

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.layer = layer

    def extra_repr(self) -> str:
        return f"{self.layer.path}, {self.layer.form}, first={self.layer.first}"

    def forward(self, maps: Tensor) -> Tensor:
        return maps

    def through(self, module: nn.Module, inputs: object, output: object) -> object:
        """As a forward hook of the layer's module: its output, having passed here."""
        if isinstance(output, tuple):
            return (self._passed(output[0]), *output[1:])
        return self._passed(output)

    def _passed(self, value: Tensor) -> Tensor:
        if self.layer.form == "channels last":
            return self(value.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        first, places = value.split([self.layer.first, value.shape[1] - self.layer.first], 1)
        side = isqrt(places.shape[1])
        if side**2 != places.shape[1]:
            raise ValueError(
                f"{self.layer.path} puts out {places.shape[1]} tokens, which are no square grid: "
                "give square images"
            )
        if self.layer.first:
            first = self(first.mT.unsqueeze(3)).squeeze(3).mT
        places = self(places.mT.unflatten(2, (side, side))).flatten(2).mT
        return torch.cat([first, places], 1)


def shown_as_maps(network: nn.Module, layers: Sequence[Layer]) -> nn.Module:
    """The network; its layers that are no maps pass as such through modules in ``as_maps``.

    Its weights keep their names, and its outputs their values.
    """
    others = [layer for layer in layers if layer.form != "maps"]
    if others:
        network.add_module("as_maps", nn.Module())
    for layer in others:
        passing = AsMaps(layer)
        network.as_maps.add_module(layer.path.replace(".", "_"), passing)
        network.get_submodule(layer.path).register_forward_hook(passing.through)
    return network
