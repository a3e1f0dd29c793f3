"""Adversarial images by moving pixels instead of changing them (stAdv, Xiao et al. 2018)."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Flow:
    """Settings of the attack: each pixel is fetched from up to `eps` pixels away, x and y apart.

    In `steps` steps of `step_size` pixels along the gradient of the cross-entropy less `smooth`
    times the flow's total variation. stAdv's own search (L-BFGS, 50 evaluations) is too slow to
    train with; what it may do to an image is the same.
    """

    eps: float = 1.5
    step_size: float = 0.75
    steps: int = 3
    smooth: float = 0.05

    def scaled(self, eps: float) -> "Flow":
        """The same attack at another eps, its step scaled along."""
        return replace(self, eps=eps, step_size=self.step_size * (eps / self.eps))


def moved(images: Tensor, flow: Tensor) -> Tensor:
    """The images ``(N, C, H, W)``, each pixel fetched from where `flow` points.

    `flow` is ``(N, 2, H, W)``: how many pixels to the right (0) and down (1), in between read
    bilinearly, beyond the edge from the edge. `grid_sample` wants (x, y), in that order: released
    code for this attack (AT-CNN's) gives (row, column), and so transposes every image.
    """
    n, _, height, width = images.shape
    still = torch.eye(2, 3, device=images.device).expand(n, 2, 3)
    where = F.affine_grid(still, [n, 1, height, width], align_corners=False)
    unit = torch.tensor([2 / width, 2 / height], device=images.device)
    where = where + flow.permute(0, 2, 3, 1) * unit
    return F.grid_sample(images, where, padding_mode="border", align_corners=False)


def roughness(flow: Tensor) -> Tensor:
    """Total variation of each flow, ``(N,)``: mean absolute difference of neighbours, in pixels."""
    down, right = flow.diff(dim=2).abs(), flow.diff(dim=3).abs()
    return down.mean((1, 2, 3)) + right.mean((1, 2, 3))


def spatial(
    network: nn.Module, images: Tensor, labels: Tensor, attack: Flow, bf16: bool = False
) -> Tensor:
    """The images moved so that the cross-entropy rises; in [0, 1] as they are.

    As for :func:`shapebias_utils.attacks.pgd`, the network should be in eval mode, and its weights
    need no gradients.
    """
    n, _, height, width = images.shape
    flow = torch.zeros(n, 2, height, width, device=images.device)
    for _ in range(attack.steps):
        flow = flow.detach().requires_grad_(True)
        with torch.enable_grad():
            with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
                logits = network(moved(images, flow))
            loss = F.cross_entropy(logits.float(), labels, reduction="sum")
            (gradient,) = torch.autograd.grad(loss - attack.smooth * roughness(flow).sum(), flow)
        # Along the gradient, its largest component a full step: still pixels stay still.
        largest = gradient.abs().amax((1, 2, 3), keepdim=True)
        flow = flow.detach() + attack.step_size * gradient / (largest + 1e-10)
        flow = flow.clamp(-attack.eps, attack.eps)
    return moved(images, flow.detach())
