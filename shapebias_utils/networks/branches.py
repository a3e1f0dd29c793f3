"""Two sets of batch norms in one network: AdvProp's (Xie et al. 2020).

Clean and adversarial images differ in their statistics; with batch norms of their own they share
all other weights and do not spoil each other's. The main branch is the network that is used; the
auxiliary one saw the adversarial images. Weights carry the names of the published code: those of
the plain network, and ``<batch norm>.aux_bn.*``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

BRANCHES = ("main", "auxiliary", "both")


class TwoBranches(nn.BatchNorm2d):
    """A batch norm, itself the main branch, with that of the auxiliary branch as `aux_bn`.

    Which is used says `branch`: "main", "auxiliary", or "both" (the first half of the batch goes
    through the main one, the second through the other).
    """

    def __init__(self, plain: nn.BatchNorm2d, branch: str = "main") -> None:
        super().__init__(plain.num_features, plain.eps, plain.momentum)
        self.load_state_dict(plain.state_dict())
        self.aux_bn = nn.BatchNorm2d(plain.num_features, plain.eps, plain.momentum)
        self.aux_bn.load_state_dict(plain.state_dict())
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        if self.branch == "main":
            return super().forward(x)
        if self.branch == "auxiliary":
            return self.aux_bn(x)
        half = len(x) // 2
        return torch.cat([super().forward(x[:half]), self.aux_bn(x[half:])])

    def extra_repr(self) -> str:  # the key of a result holds what a network prints
        return f"{super().extra_repr()}, branch={self.branch}"


def two_branches(network: nn.Module, branch: str = "main") -> nn.Module:
    """The network, each of its batch norms replaced by two that are alike."""
    for name, child in list(network.named_children()):
        if isinstance(child, nn.BatchNorm2d) and not isinstance(child, TwoBranches):
            setattr(network, name, TwoBranches(child, branch))
        else:
            two_branches(child, branch)
    return network


def _built(build: Callable[[], nn.Module]) -> nn.Module:
    return two_branches(build(), "auxiliary")


def auxiliary(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """A builder of the network that looks through its auxiliary branch."""
    return partial(_built, build)


@contextmanager
def through(network: nn.Module, branch: str) -> Iterator[None]:
    """Within the block the network goes through that branch; nothing where it has only one."""
    own = [m for m in network.modules() if isinstance(m, TwoBranches)]
    before = [m.branch for m in own]
    for module in own:
        module.branch = branch
    try:
        yield
    finally:
        for module, was in zip(own, before, strict=True):
            module.branch = was
