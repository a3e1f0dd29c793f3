"""A network split at a layer: the graph of what follows, as torch.fx traces it."""

import copy

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ...hooks import find_module
from ...networks.normalised import unwrapped
from .suffix import Suffix


class UnsplittableError(ValueError):
    """The network has no part behind this layer that can be run by itself."""


def split_at(network: nn.Module, path: str) -> Suffix:
    """The suffix behind the module at `path` of a network in eval mode, which stays as it is.

    It works on a copy whose batch norms are folded into the convolutions before them. ValueError
    where there is no such module; `UnsplittableError` where torch.fx cannot trace the network, or
    where the layer is not the only way from the images to the logits.
    """
    layer = find_module(network, path)
    inner = unwrapped(network)
    memo: dict[int, object] = {}
    inner = copy.deepcopy(inner, memo)
    layer = memo[id(layer)]
    for module in inner.modules():
        if getattr(module, "inplace", False):
            module.inplace = False
    tracer = _Tracer()
    try:
        graph = tracer.trace(inner)
    except Exception as error:  # tracing runs the network's own code, which may raise anything
        raise UnsplittableError(f"torch.fx cannot trace it: {error}") from error
    outputs = tracer.outputs.get(layer, [])
    if len(outputs) != 1 or not isinstance(outputs[0], fx.Proxy):
        raise UnsplittableError(f"{path} is called {len(outputs)} times, or returns no tensor")
    modules = dict(inner.named_modules())
    nodes = _behind(graph, outputs[0].node)
    return Suffix(outputs[0].node, _fold_batch_norms(nodes, modules), modules)


class _Tracer(fx.Tracer):
    """Remembers what each module returned."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: dict[nn.Module, list] = {}

    def call_module(self, m, forward, args, kwargs):
        output = super().call_module(m, forward, args, kwargs)
        self.outputs.setdefault(m, []).append(output)
        return output


def _behind(graph: fx.Graph, layer: fx.Node) -> list[fx.Node]:
    """All that the logits depend on behind the layer, in the order of the graph."""
    (output,) = (node for node in graph.nodes if node.op == "output")
    found, left = set(), list(output.all_input_nodes)
    while left:
        node = left.pop()
        if node is layer or node in found:
            continue
        if node.op == "placeholder":
            raise UnsplittableError("the logits depend on the images in other ways than this layer")
        name = node.target if isinstance(node.target, str) else node.target.__name__
        if node.op != "call_module" and name.endswith("_") and not name.endswith("__"):
            raise UnsplittableError(f"it uses {name}, which works in place")
        found.add(node)
        left += node.all_input_nodes
    if not isinstance(output.args[0], fx.Node):
        raise UnsplittableError("it returns something else than one tensor")
    return [node for node in graph.nodes if node in found]


def _fold_batch_norms(nodes: list[fx.Node], modules: dict[str, nn.Module]) -> list[fx.Node]:
    """The nodes without batch norms that follow a convolution, which takes their part."""
    kept = []
    for node in nodes:
        before = node.args[0] if node.args else None
        pair = tuple(modules.get(n.target) for n in (before, node) if isinstance(n, fx.Node))
        if (
            [type(m) for m in pair] == [nn.Conv2d, nn.BatchNorm2d]
            and before in nodes
            and len(before.users) == 1
        ):
            modules[before.target] = fuse_conv_bn_eval(*pair)
            node.replace_all_uses_with(before)
        else:
            kept.append(node)
    return kept
