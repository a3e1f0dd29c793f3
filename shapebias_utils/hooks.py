"""Looking into a network and changing it, for the time of a ``with`` block."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

VERSION = 1


def find_module(network: nn.Module, path: str) -> nn.Module:
    """The submodule at that path ("layer1.relu"); ValueError lists those there are."""
    modules = dict(network.named_modules())
    if path not in modules:
        raise ValueError(f"no module {path!r}; there are {', '.join(filter(None, modules))}")
    return modules[path]


@contextmanager
def record(network: nn.Module, layers: Mapping[str, str]) -> Iterator[dict[str, Tensor]]:
    """A dict that holds, after each forward pass, the outputs of these modules.

    `layers` maps the names to be used to modules' paths, as `Network.layers` does. A tensor is
    what the module returned, not a copy: a later operation in place would change it.
    """
    activations: dict[str, Tensor] = {}
    with ExitStack() as stack:
        for name, path in layers.items():

            def keep(module, inputs, output, name=name):
                activations[name] = output

            handle = find_module(network, path).register_forward_hook(keep)
            stack.callback(handle.remove)
        yield activations


@contextmanager
def ablate(network: nn.Module, path: str, channels: int | Sequence[int] | Tensor) -> Iterator[None]:
    """Within the block, these channels of the module's output ``(N, C, ...)`` are zero.

    One channel or several, the same for every image; or int64 ``(N, k)``, of each image its own.
    ValueError where the output has no such channel.
    """
    wanted = torch.as_tensor(channels, dtype=torch.long)
    own = wanted.ndim == 2

    def zero(module, inputs, output):
        if wanted.numel() and not 0 <= int(wanted.min()) <= int(wanted.max()) < output.shape[1]:
            raise ValueError(
                f"{path} has channels 0 to {output.shape[1] - 1}, not {wanted.tolist()}"
            )
        where = wanted.to(output.device)
        if not own:
            return output.index_fill(1, where.reshape(-1), 0)
        rows = torch.arange(len(output), device=output.device)[:, None]
        return output.index_put((rows, where), output.new_zeros(()))

    handle = find_module(network, path).register_forward_hook(zero)
    try:
        yield
    finally:
        handle.remove()
