"""Projected gradient descent (Madry et al. 2018), the adversary of the paper's Eq. 2.

Images are float RGB in [0, 1], and so are all lengths: a network normalises inside, so an epsilon
means the same for every network. Steps and projections are those of the `robustness` library.
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VERSION = 1


@dataclass(frozen=True)
class Attack:
    """Settings of PGD; the defaults are the paper's (Sec. 2: L2, eps 3, step 0.5, 7 steps).

    `use_best` returns the iterate of highest loss instead of the last; `restarts` repeats the
    attack and keeps, image by image, the worst (highest loss); all restarts but the first start
    at random. A targeted attack lowers the loss of the given labels instead of raising it.
    """

    eps: float = 3.0
    step_size: float = 0.5
    steps: int = 7
    constraint: str = "2"
    random_start: bool = False
    restarts: int = 1
    targeted: bool = False
    use_best: bool = True

    def __post_init__(self) -> None:
        if self.constraint not in ("2", "inf"):
            raise ValueError(f"constraint {self.constraint!r} is not known; choose '2' or 'inf'")
        for name in ("eps", "step_size"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} = {getattr(self, name)}: it must be a number from 0 up")
        for name, least in (("steps", 0), ("restarts", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} = {value}: it must be a whole number from {least} up")

    def scaled(self, eps: float) -> "Attack":
        """The same attack at another eps, its step scaled along."""
        ratio = eps / self.eps if self.eps else 0.0
        return replace(self, eps=eps, step_size=self.step_size * ratio)


def pgd(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    attack: Attack,
    names: Sequence[str] | None = None,
    seed: int = 0,
    bf16: bool = False,
) -> Tensor:
    """Adversarial images: within eps of `images`, in [0, 1], with high cross-entropy.

    `images` is float ``(N, 3, H, W)`` in [0, 1]; `labels` int64 ``(N,)``: true classes, or the
    targets of a targeted attack. The network should be in eval mode, as in the `robustness`
    library. `names` and `seed` key the random starts, which are then the same in any batch;
    `bf16` runs the network (not the steps) in bfloat16. With `use_best` and no random start the
    loss never falls below the clean image's. Weights, gradients and mode of the network stay as
    they are. ValueError where images, labels or names are not as described.
    """
    from robustness.attack_steps import L2Step, LinfStep

    _check(images, labels, names)
    step_class = {"2": L2Step, "inf": LinfStep}[attack.constraint]
    step = step_class(images.detach(), attack.eps, attack.step_size)
    sign = -1 if attack.targeted else 1

    def loss_of(x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=bf16):
            logits = network(x)
        return sign * F.cross_entropy(logits.float(), labels, reduction="none")

    def climb(x: Tensor) -> tuple[Tensor, Tensor | None]:
        best, best_loss = x, None
        for _ in range(attack.steps):
            x = x.detach().requires_grad_(True)
            with torch.enable_grad():
                losses = loss_of(x)
                (gradient,) = torch.autograd.grad(losses.mean(), x)
            x, losses = x.detach(), losses.detach()
            if attack.use_best:
                best, best_loss = _worse(best, best_loss, x, losses)
            x = step.project(step.step(x, gradient.contiguous()))
        if attack.use_best or attack.restarts > 1:
            with torch.no_grad():
                losses = loss_of(x)
            if attack.use_best:
                return _worse(best, best_loss, x, losses)
            return x, losses
        return x, None

    worst, worst_loss = None, None
    for restart in range(attack.restarts):
        start = images.detach()
        if attack.random_start or restart:
            start = step.project(start + _random_offset(images, attack, names, seed + restart))
        found, losses = climb(start)
        if worst is None:
            worst, worst_loss = found, losses
        else:
            worst, worst_loss = _worse(worst, worst_loss, found, losses)
    return worst.detach()


def _check(images: Tensor, labels: Tensor, names: Sequence[str] | None) -> None:
    if images.ndim != 4 or not images.is_floating_point():
        raise ValueError(f"images are {_kind(images)}; expected are float (N, C, H, W) in [0, 1]")
    n = len(images)
    if labels.shape != (n,) or labels.dtype != torch.int64:
        raise ValueError(f"labels are {_kind(labels)}; expected are {n} int64, one an image")
    if names is not None and len(names) != n:
        raise ValueError(f"there are {len(names)} names for {n} images; give one an image")
    if n:
        low, high = (v.item() for v in images.detach().aminmax())
        if not (low >= -1e-6 and high <= 1 + 1e-6):  # so written, NaN is refused too
            raise ValueError(
                f"images lie in [{low:g}, {high:g}], expected is [0, 1]: divide by 255, and leave "
                "normalisation to the network"
            )


def _kind(x: Tensor) -> str:
    return f"{str(x.dtype).removeprefix('torch.')} {tuple(x.shape)}"


def _worse(x: Tensor, loss: Tensor | None, other: Tensor, other_loss: Tensor):
    """Image by image, the one of higher loss; the first where they are equal."""
    if loss is None:
        return other, other_loss
    take = other_loss > loss
    return torch.where(take[:, None, None, None], other, x), torch.where(take, other_loss, loss)


def _random_offset(images: Tensor, attack: Attack, names: Sequence[str] | None, seed: int):
    """Uniform in the Linf ball; on the L2 sphere of radius eps, as `robustness` starts."""
    offsets = []
    for i in range(len(images)):
        key = zlib.crc32(f"{seed}:{names[i] if names is not None else i}".encode())
        generator = torch.Generator().manual_seed(key)
        draw = torch.rand if attack.constraint == "inf" else torch.randn
        offsets.append(draw(images.shape[1:], generator=generator))
    offset = torch.stack(offsets).to(images)
    if attack.constraint == "inf":
        return (2 * offset - 1) * attack.eps
    return attack.eps * offset / (offset.flatten(1).norm(dim=1)[:, None, None, None] + 1e-10)
