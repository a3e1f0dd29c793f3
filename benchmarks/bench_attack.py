"""PGD of the package beside AttackerModel of the `robustness` library, at the same settings.

Prints seconds, the ratio to the library, and how far the adversarial images are from its own.
"""

import argparse
import sys
import time
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import torch
from torch import Tensor, nn

from shapebias_utils.attacks import Attack, pgd
from shapebias_utils.hardware import cores
from shapebias_utils.training.loop import fast_bf16, keep_freed_memory

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


class StayPut:
    """A tensor whose `.cuda()` leaves it where it is: the library runs on GPUs only without it."""

    def __init__(self, x: Tensor) -> None:
        self.x = x

    def cuda(self) -> Tensor:
        return self.x


def seconds(work: Callable[[], Tensor], repeats: int, where: torch.device) -> tuple[float, Tensor]:
    """The fastest of some runs after one to warm up, and what the work returns."""
    best, result = float("inf"), work()
    for _ in range(repeats):
        began = time.perf_counter()
        result = work()
        if where.type == "cuda":
            torch.cuda.synchronize(where)
        best = min(best, time.perf_counter() - began)
    return best, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", default="resnet18", choices=["resnet18", "resnet50"])
    parser.add_argument("--images", type=int, default=4, help="batch size (default 4)")
    parser.add_argument("--size", type=int, default=224, help="pixels a side (default 224)")
    parser.add_argument("--repeats", type=int, default=2, help="timed runs, fastest kept")
    parser.add_argument("--constraint", default="2", choices=["2", "inf"])
    chosen = parser.parse_args()

    # The released library imports a module that torchvision no longer has.
    shim = ModuleType("torchvision.models.utils")
    shim.load_state_dict_from_url = torch.hub.load_state_dict_from_url
    sys.modules[shim.__name__] = shim
    from robustness import imagenet_models
    from robustness.attacker import AttackerModel
    from robustness.tools.helpers import InputNormalize

    where = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    model = getattr(imagenet_models, chosen.architecture)().eval().requires_grad_(False).to(where)
    x = torch.rand(chosen.images, 3, chosen.size, chosen.size).to(where)
    y = torch.randint(1000, (chosen.images,)).to(where)
    settings = {} if chosen.constraint == "2" else {"eps": 8 / 255, "step_size": 2 / 255}
    attack = Attack(constraint=chosen.constraint, **settings)
    reference = AttackerModel(model, SimpleNamespace(mean=MEAN, std=STD)).eval().to(where)
    network = nn.Sequential(InputNormalize(MEAN, STD), model).eval().to(where)

    def library() -> Tensor:
        return reference(
            x, y, make_adv=True, orig_input=StayPut(x), constraint=attack.constraint,
            eps=attack.eps, step_size=attack.step_size, iterations=attack.steps,
            use_best=attack.use_best,
        )[1]  # fmt: skip

    def ours(bf16: bool) -> Tensor:
        last = torch.channels_last if bf16 else torch.contiguous_format
        return pgd(network.to(memory_format=last), x.to(memory_format=last), y, attack, bf16=bf16)

    name = torch.cuda.get_device_name() if where.type == "cuda" else f"{cores()} cores"
    print(
        f"{chosen.architecture}, {chosen.images} images of {chosen.size} px, {attack}, "
        f"{name}, {torch.get_num_threads()} threads"
    )
    base, wanted = seconds(library, chosen.repeats, where)
    print(f"{'robustness.AttackerModel, fp32':32} {base:8.2f} s")
    keep_freed_memory()
    for title, bf16 in (("pgd, fp32", False), ("pgd, bf16, channels last", True)):
        if bf16 and not fast_bf16(where):
            print(f"{title:32} left out: this machine has no bfloat16 arithmetic")
            continue
        took, found = seconds(lambda bf16=bf16: ours(bf16), chosen.repeats, where)
        apart = (found - wanted).abs().max().item()
        print(f"{title:32} {took:8.2f} s  {base / took:5.2f}x  largest difference {apart:.1e}")


if __name__ == "__main__":
    main()
