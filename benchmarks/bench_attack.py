"""PGD of the package beside AttackerModel of `robustness`, and foolbox, at the same settings.

Prints seconds, the ratio to the library, and how far the adversarial images are from its own.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import pandas as pd
import torch
from timing import left_out, row, seconds
from torch import Tensor, nn

from shapebias_utils.attacks import Attack, pgd
from shapebias_utils.hardware import fast_bf16, keep_freed_memory

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


class StayPut:
    """A tensor whose `.cuda()` leaves it where it is: the library runs on GPUs only without it."""

    def __init__(self, x: Tensor) -> None:
        self.x = x

    def cuda(self) -> Tensor:
        return self.x


def model_of(architecture: str) -> nn.Module:
    """A network of the library, which imports a module that torchvision no longer has."""
    shim = ModuleType("torchvision.models.utils")
    shim.load_state_dict_from_url = torch.hub.load_state_dict_from_url
    sys.modules[shim.__name__] = shim
    from robustness import imagenet_models

    return getattr(imagenet_models, architecture)().eval().requires_grad_(False)


def foolboxs(network: nn.Module, x: Tensor, y: Tensor, attack: Attack) -> Tensor:
    """What foolbox's PGD finds; it takes the last step's images, and no random start here."""
    import foolbox

    kind = {"2": foolbox.attacks.L2PGD, "inf": foolbox.attacks.LinfPGD}[attack.constraint]
    search = kind(abs_stepsize=attack.step_size, steps=attack.steps, random_start=False)
    model = foolbox.PyTorchModel(network, bounds=(0, 1), device=x.device)
    return search.run(model, x, foolbox.Misclassification(y), epsilon=attack.eps)


def rows(
    architecture: str = "resnet18", images: int = 2, size: int = 224, repeats: int = 2,
    constraint: str = "2",
) -> Iterator[dict]:  # fmt: skip
    where = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    model = model_of(architecture).to(where)
    from robustness.attacker import AttackerModel
    from robustness.tools.helpers import InputNormalize

    x = torch.rand(images, 3, size, size).to(where)
    y = torch.randint(1000, (images,)).to(where)
    settings = {} if constraint == "2" else {"eps": 8 / 255, "step_size": 2 / 255}
    attack = Attack(constraint=constraint, **settings)
    last = replace(attack, use_best=False)
    reference = AttackerModel(model, SimpleNamespace(mean=MEAN, std=STD)).eval().to(where)
    network = nn.Sequential(InputNormalize(MEAN, STD), model).eval().to(where)

    def library() -> Tensor:
        return reference(
            x, y, make_adv=True, orig_input=StayPut(x), constraint=attack.constraint,
            eps=attack.eps, step_size=attack.step_size, iterations=attack.steps,
            use_best=attack.use_best,
        )[1]  # fmt: skip

    def ours(attack: Attack, bf16: bool = False) -> Tensor:
        kind = torch.channels_last if bf16 else torch.contiguous_format
        return pgd(network.to(memory_format=kind), x.to(memory_format=kind), y, attack, bf16=bf16)

    case = f"{architecture}, {images} images of {size} px, L{constraint}, {attack.steps} steps"
    base, wanted = seconds(library, repeats)
    keep_freed_memory()
    took, found = seconds(lambda: ours(attack), repeats)
    apart = f"largest difference {(found - wanted).abs().max().item():.0e}"
    yield row(f"pgd, float32: {case}", "robustness.AttackerModel", took, base, 1.0, apart)
    if fast_bf16(where):
        fast, _ = seconds(lambda: ours(attack, True), repeats)
        yield row(f"pgd, bfloat16: {case}", "robustness.AttackerModel", fast, base, 2.0)
    else:
        why = "this machine has no bfloat16 arithmetic"
        yield left_out(f"pgd, bfloat16: {case}", "robustness.AttackerModel", why)
    network.to(memory_format=torch.contiguous_format)  # for both
    try:
        base, wanted = seconds(lambda: foolboxs(network, x, y, last), repeats)
    except ImportError:
        yield left_out(f"pgd, last step: {case}", "foolbox", "it is not installed")
        return
    took, found = seconds(lambda: ours(last), repeats)
    apart = f"largest difference {(found - wanted).abs().max().item():.0e}"
    yield row(f"pgd, last step: {case}", "foolbox", took, base, 1.0, apart)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", default="resnet18", choices=["resnet18", "resnet50"])
    parser.add_argument("--images", type=int, default=4, help="batch size (default 4)")
    parser.add_argument("--size", type=int, default=224, help="pixels a side (default 224)")
    parser.add_argument("--repeats", type=int, default=2, help="timed runs, fastest kept")
    parser.add_argument("--constraint", default="2", choices=["2", "inf"])
    print(pd.DataFrame(rows(**vars(parser.parse_args()))).to_string(index=False))


if __name__ == "__main__":
    main()
