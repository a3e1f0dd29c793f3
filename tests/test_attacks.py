"""PGD is the `robustness` library's, stays where it may, and does what its settings say."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from shapebias_utils.attacks import Attack, pgd

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


class Small(nn.Module):
    """A network for images of any size; called as `robustness` calls its own."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.last = nn.Linear(8, 5)
        nn.init.normal_(self.last.weight, std=2.0)
        self.eval()

    def forward(self, x, with_latent=False, fake_relu=False, no_relu=False):
        return self.last(F.relu(self.norm(self.conv(x))).mean((2, 3)))


class StayPut:
    """A tensor whose `.cuda()` leaves it on the CPU, where the library insists on a GPU."""

    def __init__(self, x):
        self.x = x

    def cuda(self):
        return self.x


def robustness_adversaries(model, x, y, a: Attack):
    """What AttackerModel makes of the images: the oracle."""
    from robustness.attacker import AttackerModel

    reference = AttackerModel(model, SimpleNamespace(mean=MEAN, std=STD)).eval()
    return reference(
        x, y, make_adv=True, orig_input=StayPut(x.detach()), constraint=a.constraint, eps=a.eps,
        step_size=a.step_size, iterations=a.steps, targeted=a.targeted, use_best=a.use_best,
    )[1]  # fmt: skip


def normalised(model):
    from robustness.tools.helpers import InputNormalize

    return nn.Sequential(InputNormalize(MEAN, STD), model).eval()


def batch(n=4, height=12, width=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 3, height, width or height, generator=generator)
    return x, torch.arange(n) % 5


def losses(network, x, y):
    with torch.no_grad():
        return F.cross_entropy(network(x), y, reduction="none")


def within(adversary, x, a: Attack) -> bool:
    """An independent measure of the two promises: the eps ball and [0, 1]."""
    far = (adversary - x).double().flatten(1)
    length = far.norm(dim=1) if a.constraint == "2" else far.abs().amax(1)
    in_ball = (length <= a.eps * (1 + 1e-5) + 1e-6).all()
    return bool(in_ball and adversary.min() >= 0 and adversary.max() <= 1)


PAPER_L2 = {"eps": 3.0, "step_size": 0.5, "steps": 7, "constraint": "2"}
LINF = {"eps": 8 / 255, "step_size": 2 / 255, "steps": 7, "constraint": "inf"}


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("use_best", [True, False])
@pytest.mark.parametrize("setting", [PAPER_L2, LINF], ids=["L2", "Linf"])
def test_pgd_is_the_robustness_librarys(setting, use_best, targeted):
    a = Attack(**setting, use_best=use_best, targeted=targeted)
    x, y = batch(6, 32)
    wanted = robustness_adversaries(Small(), x.clone(), y, a)
    found = pgd(normalised(Small()), x, y, a)
    assert (found - wanted).abs().max() <= 1e-6
    assert not torch.equal(found, x)


@pytest.mark.parametrize("use_best", [True, False])
@pytest.mark.parametrize("setting", [PAPER_L2, LINF], ids=["L2", "Linf"])
def test_pgd_is_the_robustness_librarys_on_its_resnet18(monkeypatch, setting, use_best):
    # The released library imports a module that torchvision no longer has.
    shim = ModuleType("torchvision.models.utils")
    shim.load_state_dict_from_url = torch.hub.load_state_dict_from_url
    monkeypatch.setitem(sys.modules, shim.__name__, shim)
    from robustness.imagenet_models import resnet18

    torch.manual_seed(0)
    model = resnet18(num_classes=10).eval().requires_grad_(False)
    a = Attack(**setting, use_best=use_best)
    x, y = batch(2, 64)
    wanted = robustness_adversaries(model, x.clone(), y, a)
    assert (pgd(normalised(model), x, y, a) - wanted).abs().max() <= 1e-6


def test_the_defaults_are_the_papers():
    assert Attack() == Attack(**PAPER_L2, random_start=False, restarts=1, use_best=True)


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 20)),
    a=st.builds(
        Attack,
        eps=st.floats(0, 6),
        step_size=st.floats(0, 3),
        steps=st.integers(0, 3),
        constraint=st.sampled_from(["2", "inf"]),
        random_start=st.booleans(),
        restarts=st.integers(1, 2),
        targeted=st.booleans(),
        use_best=st.booleans(),
    ),
    kind=st.sampled_from(["random", "black", "white"]),
)
def test_adversaries_stay_within_eps_and_within_0_and_1(size, a, kind):
    x, y = batch(*size)
    x = {"random": x, "black": torch.zeros_like(x), "white": torch.ones_like(x)}[kind]
    found = pgd(Small(), x, y, a)
    assert found.shape == x.shape and found.dtype == x.dtype
    assert within(found, x, a)


@settings(max_examples=20, deadline=None)
@given(eps=st.floats(0, 4), step=st.floats(0, 4), seed=st.integers(0, 99), targeted=st.booleans())
def test_with_use_best_the_loss_never_falls(eps, step, seed, targeted):
    network, (x, y) = Small(seed), batch(seed=seed)
    a = Attack(eps=eps, step_size=step, steps=3, targeted=targeted)
    gained = losses(network, pgd(network, x, y, a), y) - losses(network, x, y)
    assert ((-gained if targeted else gained) >= -1e-6).all()


@pytest.mark.parametrize("constraint", ["2", "inf"])
def test_use_best_returns_the_iterate_of_highest_loss(constraint):
    # A step far too large, so that the loss goes up and down on the way.
    a = Attack(eps=1.0, step_size=1.5, steps=6, constraint=constraint, use_best=False)
    network, (x, y) = Small(), batch(8)
    path = [pgd(network, x, y, Attack(**{**vars(a), "steps": k})) for k in range(a.steps + 1)]
    highest = torch.stack([losses(network, p, y) for p in path]).amax(0)
    best = pgd(network, x, y, Attack(**{**vars(a), "use_best": True}))
    assert torch.allclose(losses(network, best, y), highest, atol=1e-6)
    assert (losses(network, path[-1], y) < highest - 1e-3).any(), "the last is not the best here"


def test_a_targeted_attack_lowers_the_loss_of_the_target():
    network, (x, _) = Small(), batch()
    target = torch.full((len(x),), 3)
    found = pgd(network, x, target, Attack(eps=2.0, step_size=0.5, targeted=True))
    assert (losses(network, found, target) < losses(network, x, target) - 0.1).all()


@pytest.mark.parametrize("random_start", [False, True])
@pytest.mark.parametrize("use_best", [False, True])
@pytest.mark.parametrize("targeted", [False, True])
def test_restarts_keep_the_worst_of_each_image(random_start, use_best, targeted):
    given = {"eps": 1.0, "step_size": 0.05, "steps": 1, "use_best": use_best, "targeted": targeted}
    network, (x, y) = Small(), batch(12)
    names = [f"image{i}" for i in range(len(x))]
    runs = [
        pgd(network, x, y, Attack(**given, random_start=random_start or k > 0), names, seed=5 + k)
        for k in range(4)
    ]
    sign = -1 if targeted else 1
    every = sign * torch.stack([losses(network, r, y) for r in runs])
    assert len(set(every.argmax(0).tolist())) > 1, "no case: one run is the worst throughout"
    a = Attack(**given, random_start=random_start, restarts=4)
    found = pgd(network, x, y, a, names, seed=5)
    assert torch.allclose(sign * losses(network, found, y), every.amax(0), atol=1e-6)
    assert all(any(torch.equal(f, r[i]) for r in runs) for i, f in enumerate(found))


class Indifferent(nn.Module):
    """All classes are alike, whatever the image; it counts how often it is asked."""

    asked = 0

    def forward(self, x):
        self.asked += 1
        return 0 * x.mean((1, 2, 3))[:, None].expand(-1, 5)


@pytest.mark.parametrize("use_best", [True, False])
def test_of_equal_losses_the_first_is_kept(use_best):
    x, y = batch()
    found = pgd(Indifferent(), x, y, Attack(steps=2, restarts=3, use_best=use_best))
    assert torch.allclose(found, x, atol=1e-6), "the first start is the image, the others random"


@pytest.mark.parametrize(
    ("settings", "passes"),
    [
        ({"use_best": False}, 7),
        ({}, 8),
        ({"use_best": False, "restarts": 2}, 16),
        ({"steps": 0}, 1),
    ],
)
def test_an_attack_takes_a_pass_a_step_and_one_to_compare(settings, passes):
    network = Indifferent()
    pgd(network, *batch(), Attack(**settings))
    assert network.asked == passes


@pytest.mark.parametrize("constraint", ["2", "inf"])
def test_a_random_start_belongs_to_the_image_not_to_its_batch(constraint):
    a = Attack(eps=0.3, steps=0, constraint=constraint, random_start=True, use_best=False)
    network, (x, y) = Small(), batch(5)
    names = [f"image{i}" for i in range(5)]
    together = pgd(network, x, y, a, names)
    for i in range(5):
        alone = pgd(network, x[i : i + 1], y[i : i + 1], a, names[i : i + 1])
        assert torch.equal(alone[0], together[i])
    turned = pgd(network, x.flip(0), y.flip(0), a, names[::-1])
    assert torch.equal(turned.flip(0), together)
    assert not torch.equal(pgd(network, x, y, a, names, seed=1), together)
    same = pgd(network, x[:1].expand(2, -1, -1, -1), y[:2], a, ["one", "two"])
    assert not torch.equal(same[0], same[1])


def test_random_starts_fill_the_ball():
    grey, y = torch.full((64, 3, 16, 16), 0.5), torch.zeros(64, dtype=torch.int64)
    given = {"steps": 0, "random_start": True, "use_best": False}
    offset = pgd(Small(), grey, y, Attack(eps=0.2, constraint="inf", **given)) - grey
    assert offset.abs().max() <= 0.2 + 1e-6
    assert abs(offset.std().item() - 0.2 / 3**0.5) < 0.002, "uniform, so eps / sqrt(3)"
    offset = pgd(Small(), grey, y, Attack(eps=0.4, constraint="2", **given)) - grey
    assert torch.allclose(offset.flatten(1).norm(dim=1), torch.tensor(0.4), atol=1e-5)


@pytest.mark.parametrize("constraint", ["2", "inf"])
@pytest.mark.parametrize("random_start", [False, True])
def test_eps_0_changes_nothing(constraint, random_start):
    x, y = batch()
    a = Attack(eps=0.0, constraint=constraint, random_start=random_start, restarts=2)
    assert torch.equal(pgd(Small(), x, y, a), x)


def test_channels_last_images_give_the_same_adversaries():
    network, (x, y) = Small(), batch(4, 16)
    for constraint in ("2", "inf"):
        a = Attack(eps=0.5, step_size=0.2, steps=3, constraint=constraint, use_best=False)
        found = pgd(network, x.to(memory_format=torch.channels_last), y, a)
        # Sums run in another order, and the sign of a vanishing gradient may tip over.
        assert ((found - pgd(network, x, y, a)).abs() > 1e-5).float().mean() < 0.01


def test_in_bf16_the_network_only_is_less_exact():
    network, (x, y) = Small(), batch(8, 16)
    a = Attack(eps=1.0, step_size=0.25, steps=5)
    found = pgd(network, x, y, a, bf16=True)
    assert found.dtype == torch.float32 and within(found, x, a)
    gained = losses(network, found, y) - losses(network, x, y)
    exact = losses(network, pgd(network, x, y, a), y) - losses(network, x, y)
    assert (gained > 0.9 * exact).all()


def test_network_and_images_are_left_as_they_were():
    network, (x, y) = Small(), batch()
    network.last.train()
    network.conv.requires_grad_(False)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    modes = [m.training for m in network.modules()]
    kept = x.clone()
    pgd(network, x, y, Attack(restarts=2))
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    assert [m.training for m in network.modules()] == modes
    assert [p.requires_grad for p in network.parameters()] == [False, False, True, True, True, True]
    assert all(p.grad is None for p in network.parameters())
    assert torch.equal(x, kept) and not x.requires_grad and x.grad is None


def test_the_attack_works_where_gradients_are_switched_off():
    network, (x, y) = Small().requires_grad_(False), batch()
    with torch.no_grad():
        found = pgd(network, x, y, Attack())
        assert not torch.is_grad_enabled()
    assert torch.equal(found, pgd(network, x, y, Attack())) and not found.requires_grad


def test_scaled_keeps_the_ratio_of_step_to_eps():
    a = Attack(eps=3.0, step_size=0.5, steps=7).scaled(1.5)
    assert (a.eps, a.step_size, a.steps) == (1.5, 0.25, 7)
    assert Attack(eps=2.0).scaled(0.0).eps == 0 and Attack(eps=0.0).scaled(0.0).eps == 0


BAD_SETTINGS = {
    "eps = -1": {"eps": -1},
    "eps = nan": {"eps": float("nan")},
    "eps = inf": {"eps": float("inf")},
    "step_size = -0.1": {"step_size": -0.1},
    "step_size = nan": {"step_size": float("nan")},
    "steps = -1": {"steps": -1},
    "steps = 2.5": {"steps": 2.5},
    "restarts = 0": {"restarts": 0},
    "constraint '1' is not known; choose '2' or 'inf'": {"constraint": "1"},
    "constraint 2 is not known": {"constraint": 2},
}


@pytest.mark.parametrize(("message", "settings"), BAD_SETTINGS.items(), ids=BAD_SETTINGS)
def test_settings_that_make_no_sense_are_refused_in_one_line(message, settings):
    with pytest.raises(ValueError) as error:
        Attack(**settings)
    assert message in str(error.value) and "\n" not in str(error.value)


def _nan_image():
    x, _ = batch()
    x[1, 0, 0, 0] = float("nan")
    return x


X, Y = batch()
BAD_INPUT = {
    "images lie in [0, 255]": (X.mul(255).round() / X.mul(255).round().max() * 255, Y, None),
    "images lie in [-2,": (X * 3 - 2 - X.min() * 3, Y, None),
    "images lie in [nan, nan]": (_nan_image(), Y, None),
    "images are uint8 (4, 3, 12, 12)": ((X * 255).byte(), Y, None),
    "images are float32 (3, 12, 12)": (X[0], Y[:1], None),
    "labels are int64 (4, 1)": (X, Y[:, None], None),
    "labels are int64 (3)": (X, Y[:3], None),
    "labels are float32 (4)": (X, Y.float(), None),
    "there are 3 names for 4 images": (X, Y, ["a", "b", "c"]),
}


@pytest.mark.parametrize(("message", "given"), BAD_INPUT.items(), ids=BAD_INPUT)
def test_input_that_makes_no_sense_is_refused_in_one_line(message, given):
    images, labels, names = given
    with pytest.raises(ValueError) as error:
        pgd(Small(), images, labels, Attack(), names)
    assert message in str(error.value).replace(",)", ")") and "\n" not in str(error.value)


def test_rounding_beyond_1_is_no_error():
    x, y = batch()
    x[0, 0, 0, 0] = 1 + 1e-7
    assert within(pgd(Small(), x, y, Attack()), x, Attack())
