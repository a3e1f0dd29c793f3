"""The suffix of a network behind a layer, run on one image with channels zeroed one by one.

What lies in front of the layer is the same for all its channels and is not run again. A zeroed
channel stays zero where channels are treated one by one (ReLU, pooling), and its share in the next
convolution or linear layer is taken off what that layer made of the whole image. Only from there
on the copies of the image, one a channel, differ throughout and run as one batch.
"""

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

KEEP_ZERO = (
    nn.ReLU, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Dropout, nn.Identity,
    F.relu, torch.relu, F.max_pool2d, F.avg_pool2d, F.adaptive_avg_pool2d, F.dropout, "relu",
)  # fmt: skip
"""Modules, functions and methods that make of each channel one channel, and of zeros zeros."""

PURE = {
    operator.iadd: operator.add, operator.isub: operator.sub, operator.imul: operator.mul,
    operator.itruediv: operator.truediv,
}  # fmt: skip
"""Operations in place, which would spoil what is kept of the image -> the same out of place."""


@dataclass(frozen=True)
class Zeroed:
    """Copies of one image's value ``(1, C, ...)``: in copy k channel ``channels[k]`` is zero.

    A channel may be several neighbouring features; there are `groups` channels.
    """

    value: Tensor
    channels: Tensor
    groups: int

    def dense(self) -> Tensor:
        """The copies, ``(K, C, ...)``."""
        copies = self.value.expand(len(self.channels), *self.value.shape[1:])
        copies = copies.clone(memory_format=torch.contiguous_format)
        rows = torch.arange(len(copies), device=copies.device)
        copies.unflatten(1, (self.groups, -1))[rows, self.channels] = 0
        return copies


@dataclass(frozen=True)
class Suffix:
    """The graph behind a layer: `layer` is its output, `nodes` all that follows, in order."""

    layer: fx.Node
    nodes: list[fx.Node]
    modules: Mapping[str, nn.Module]
    _weights: dict[fx.Node, Tensor] = field(default_factory=dict)

    def values(self, activation: Tensor) -> dict[fx.Node, Tensor]:
        """What the nodes make of one image's activation ``(1, C, H, W)`` of the layer.

        Not all nodes: those that a zeroed channel reaches as one, up to where it is mixed with
        the others, which is all that :meth:`without` needs.
        """
        values, separate = {self.layer: activation}, {self.layer}
        for node in self.nodes:
            before = node.args[0] if node.args else None
            if before in separate and (role := self._role(node, values[before])):
                values[node] = self._call(node, values)
                if role == "keeps":
                    separate.add(node)
        return values

    def without(self, values: Mapping[fx.Node, Tensor], channels: Tensor) -> Tensor:
        """Logits ``(K, classes)`` of the image with these `values`, K channels zeroed one by one.

        `channels` is int64 ``(K,)``.
        """
        known = {self.layer: Zeroed(values[self.layer], channels, values[self.layer].shape[1])}
        last = {node: i for i, node in enumerate(self.nodes) for node in node.all_input_nodes}
        for i, node in enumerate(self.nodes):
            known[node] = self._step(node, known, values)
            for used in node.all_input_nodes:
                if last[used] == i:  # of a deep network not all values fit in memory
                    del known[used]
        return _dense(known[self.nodes[-1] if self.nodes else self.layer])

    def _role(self, node: fx.Node, x: Tensor) -> str:
        """What the node does to a zeroed channel of its first input, whose value is `x`.

        "keeps": it stays zero and by itself; "linear" or "conv": a layer that adds up the channels'
        shares; "": anything else.
        """
        module = self.modules[node.target] if node.op == "call_module" else None
        kind = type(module) if module is not None else node.target
        if kind in KEEP_ZERO or _flattens(node, module):
            return "keeps"
        if kind is nn.Linear and x.ndim == 2:
            return "linear"
        if kind is nn.Conv2d and module.groups == 1 and module.padding_mode == "zeros":
            return "" if isinstance(module.padding, str) else "conv"
        return ""

    def _step(self, node: fx.Node, known: Mapping, values: Mapping) -> Tensor | Zeroed:
        """The node's value in all copies; `Zeroed` as long as that says it all."""
        first = known.get(node.args[0]) if node.args else None
        module = self.modules[node.target] if node.op == "call_module" else None
        if isinstance(first, Zeroed):
            role = self._role(node, first.value)
            if role == "keeps":
                return Zeroed(values[node], first.channels, first.groups)
            if role == "linear":
                return values[node] - self._linear_share(module, first)
            if role == "conv":
                return self._without_convolved(node, module, first, values[node])
        return self._call(node, {n: _dense(known[n]) for n in node.all_input_nodes})

    def _linear_share(self, module: nn.Linear, x: Zeroed) -> Tensor:
        """What each of the channels adds to the layer's output, ``(K, out)``."""
        weight = module.weight.unflatten(1, (x.groups, -1)).permute(1, 2, 0)
        return torch.bmm(x.value.reshape(x.groups, 1, -1), weight)[x.channels, 0]

    def _without_convolved(
        self, node: fx.Node, module: nn.Conv2d, x: Zeroed, whole: Tensor
    ) -> Tensor:
        """The convolution's output `whole`, less what each of the channels adds to it."""
        if node not in self._weights:  # (C, kernel, out)
            self._weights[node] = module.weight.flatten(2).permute(1, 2, 0).contiguous()
        geometry = module.kernel_size, module.dilation, module.padding, module.stride
        patches = F.unfold(x.value.contiguous(), *geometry).unflatten(1, (x.groups, -1))[0]
        k, (_, outputs, height, width) = len(x.channels), whole.shape
        pixels = whole.permute(0, 2, 3, 1).reshape(1, -1, outputs).expand(k, -1, -1)
        weights = self._weights[node][x.channels]
        copies = torch.baddbmm(pixels, patches[x.channels].mT, weights, alpha=-1)
        return copies.view(k, height, width, outputs).permute(0, 3, 1, 2)

    def _call(self, node: fx.Node, values: Mapping[fx.Node, Tensor]) -> Tensor:
        args = fx.node.map_arg(node.args, values.__getitem__)
        kwargs = fx.node.map_arg(node.kwargs, values.__getitem__)
        if node.op == "get_attr":
            return operator.attrgetter(node.target)(self.modules[""])
        if node.op == "call_module":
            return self.modules[node.target](*args, **kwargs)
        if node.op == "call_method":  # a view there may be none of what is channels last here
            name = "reshape" if node.target == "view" else node.target
            return getattr(args[0], name)(*args[1:], **kwargs)
        if kwargs.get("inplace"):
            kwargs = {**kwargs, "inplace": False}
        return PURE.get(node.target, node.target)(*args, **kwargs)


def _dense(value: Tensor | Zeroed) -> Tensor:
    return value.dense() if isinstance(value, Zeroed) else value


def _flattens(node: fx.Node, module: nn.Module | None) -> bool:
    """Whether the node makes one dimension of all but the first."""
    if isinstance(module, nn.Flatten):
        return (module.start_dim, module.end_dim) == (1, -1)
    return node.target in (torch.flatten, "flatten") and (
        (node.args[1:], node.kwargs) in (((1,), {}), ((), {"start_dim": 1}), ((1, -1), {}))
    )
