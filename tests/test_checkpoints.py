"""Checkpoints of every origin load exactly; what is damaged or dangerous changes nothing."""

import hashlib
import json
import os
import pickle
import zipfile
from collections import OrderedDict
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from helpers.checkpoint_files import (
    MEAN,
    STD,
    attacker_model,
    before_counters,
    data_parallel,
    googlenet,
    plain,
    robustness,
    save_robustness,
    state_of,
)
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from shapebias_utils.files import sha256
from shapebias_utils.networks import (
    Network,
    checkpoints,
    get_network,
    mini,
    network_names,
    zoo,
)
from shapebias_utils.networks.checkpoints import file_hash, load_into, save, weights_hash
from shapebias_utils.networks.normalised import normalised


class Small(nn.Sequential):
    def __init__(self, channels=4, seed=0):
        torch.manual_seed(seed)
        super().__init__(
            OrderedDict(
                conv=nn.Conv2d(3, channels, 3), norm=nn.BatchNorm2d(channels), relu=nn.ReLU(),
                pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), last=nn.Linear(channels, 5),
            )
        )  # fmt: skip
        nn.init.normal_(self.norm.running_mean)
        self.eval()


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def images(n=2, size=64):
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(3))


def safetensors(module, path):
    save(module, path)


FORMATS = {
    "safetensors": (safetensors, "x.safetensors"),
    "state dict": (plain, "x.pth"),
    "DataParallel": (data_parallel, "x.pth.tar"),
    "before PyTorch 0.4.1": (before_counters, "x.pth"),
}


@pytest.mark.parametrize("wrap", [lambda m: m, normalised], ids=["bare", "normalised"])
@pytest.mark.parametrize("kind", FORMATS)
def test_weights_come_back_bit_for_bit(tmp_path, kind, wrap):
    write, name = FORMATS[kind]
    source, target = Small(seed=1), wrap(Small(seed=2)).eval()
    write(source, tmp_path / name)
    load_into(target, tmp_path / name)
    assert torch.equal(target(images()), wrap(source).eval()(images()))


def test_a_wrapped_networks_file_is_that_of_the_network_itself(tmp_path):
    network = Small()
    save(network, tmp_path / "bare.safetensors")
    save(normalised(network), tmp_path / "wrapped.safetensors")
    assert file_hash(tmp_path / "bare.safetensors") == file_hash(tmp_path / "wrapped.safetensors")


def test_a_network_of_ones_own_may_call_a_part_model(tmp_path):
    source, target = (nn.ModuleDict({"model": Small(seed=s)}) for s in (1, 2))
    plain(source, tmp_path / "x.pt")
    load_into(target, tmp_path / "x.pt")
    assert same(state_of(source), state_of(target))


def test_the_hash_of_weights_tells_weights_and_preparation_apart():
    hashes = {
        weights_hash(module)
        for module in (
            Small(), Small(), Small(seed=1), normalised(Small()), normalised(Small(), bgr=True),
            normalised(Small(), scale=255), normalised(Small(), mean=(0, 0, 0)),
        )
    }  # fmt: skip
    assert len(hashes) == 6
    assert weights_hash(Small().to(torch.bfloat16)) not in hashes


def test_a_file_is_hashed_once_and_again_when_it_changes(tmp_path, monkeypatch):
    path, read = tmp_path / "x.pt", []
    path.write_bytes(b"weights")
    monkeypatch.setattr(checkpoints, "sha256", lambda p: read.append(p) or sha256(p))
    first = file_hash(path)
    assert file_hash(path) == first == sha256(path) and len(read) == 1
    modified = path.stat().st_mtime_ns
    for contents, time in ((b"Weights", modified + 1), (b"weights!", modified)):
        path.write_bytes(contents)
        os.utime(path, ns=(time, time))
        assert file_hash(path) == sha256(path) != first
    assert len(read) == 3
    path.unlink()
    with pytest.raises(FileNotFoundError, match="no checkpoint at .*x"):
        file_hash(path)


def own(tmp_path, **changes):
    facts = {"build": Small, "dataset": "pictograms", "layers": {"relu": "relu"}} | changes
    return Network("Own", checkpoint=tmp_path / "x.pt", **facts)


def test_a_network_is_built_once_to_be_known(tmp_path):
    built = []
    plain(Small(), tmp_path / "x.pt")

    def build():
        built.append(1)
        return Small()

    assert len({own(tmp_path, build=build).checkpoint_hash() for _ in range(3)}) == 1
    assert len(built) == 1


def test_what_a_network_is_known_by(tmp_path):
    """Its weights, its structure, its probed layers and which outputs make which category."""
    plain(Small(), tmp_path / "x.pt")
    networks = [
        own(tmp_path),
        own(tmp_path, build=lambda: normalised(Small())),
        own(tmp_path, build=lambda: normalised(Small(), bgr=True)),
        own(tmp_path, layers={"relu": "norm"}),
        own(tmp_path, layers={"relu": "relu", "norm": "norm"}),
        own(tmp_path, category_classes={"cat": (0, 1)}),
    ]
    hashes = {network.checkpoint_hash() for network in networks}
    plain(Small(seed=1), tmp_path / "x.pt")
    os.utime(tmp_path / "x.pt", ns=(0, 0))
    hashes.add(own(tmp_path).checkpoint_hash())
    assert len(hashes) == 7
    assert own(tmp_path, colour="#000000").checkpoint_hash() in hashes


@pytest.mark.parametrize("constant", ["mean", "scale"])
def test_the_constants_of_the_small_networks_are_in_what_they_are_known_by(monkeypatch, constant):
    network = get_network("AlexNet", "pictograms")
    builds = [lambda: mini.AlexNet(), lambda: mini.AlexNet()]  # each is built once
    before = replace(network, build=builds[0]).checkpoint_hash()
    monkeypatch.setattr(mini.Normalise, constant, 0.25, raising=False)
    assert replace(network, build=builds[1]).checkpoint_hash() != before


@pytest.mark.parametrize("name", ["pictograms", "imagenet"])
def test_modules_of_our_own_print_their_constants(name):
    """Those without weights or parts, of which nothing else would be in the key of a result."""
    for build in {n.build for n in map(partial(get_network, dataset=name), network_names(name))}:
        for module in build().modules():
            if type(module).__module__.startswith("shapebias_utils"):
                assert list(module.children()) or "=" in repr(module), repr(module)


# torchvision and robustness


def slim(network, last):
    """AlexNet, its fully connected layers with 32 units instead of 4,096: 3 MB, not 244."""
    network.classifier[1], network.classifier[4] = nn.Linear(9216, 32), nn.Linear(32, 32)
    parent, name = last
    setattr(network.get_submodule(parent), name, nn.Linear(32, 1000))
    return network


def slim_alexnet():
    network = zoo.alexnet()
    slim(network.network, ("classifier", "6"))
    return network


ROBUST = {
    "AlexNet": (lambda: slim(robustness("alexnet")(), ("", "last_layer")), slim_alexnet),
    "GoogLeNet": (googlenet, zoo.googlenet),
    "GoogLeNet with branch4_conv": (lambda: googlenet(split=True), zoo.googlenet),
    "ResNet": (lambda: robustness("resnet50")(), zoo.resnet50),
}
"""The architecture that a file of `robustness` was saved from, and the package's."""


def lively(network):
    """Its batch norms as after training: random weights alone give logits of almost 0."""
    torch.manual_seed(5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
            nn.init.uniform_(module.bias, -0.5, 0.5)
    network.train()(images(2, 96))
    return network.eval()


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", ROBUST)
def test_a_file_of_the_robustness_library_gives_its_networks_outputs(tmp_path, name):
    theirs, build = ROBUST[name]
    reference = attacker_model(lively(theirs()))
    save_robustness(reference, tmp_path / "x.pt")
    ours = build().eval()
    load_into(ours, tmp_path / "x.pt")
    with torch.no_grad():
        wanted, found = reference(images())[0], ours(images())
    assert wanted.std() > 1e-3, "no case: the outputs say nothing"
    assert torch.allclose(found, wanted, rtol=0, atol=1e-6 * max(1, wanted.abs().max().item()))


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("key", ["model", "state_dict"])
def test_old_and_new_files_of_the_library_load(tmp_path, key, legacy):
    source, target = attacker_model(Small(seed=1)), normalised(Small(seed=2))
    save_robustness(source, tmp_path / "x.ckpt", key, legacy)
    load_into(target, tmp_path / "x.ckpt")
    assert same(state_of(target.network), state_of(source.model))


def test_a_file_without_data_parallel_loads(tmp_path):
    source, target = attacker_model(Small(seed=1)), Small(seed=2)
    torch.save(source.state_dict(), tmp_path / "x.pt")
    load_into(target, tmp_path / "x.pt")
    assert same(state_of(target), state_of(source.model))


def test_another_normalisation_than_the_files_is_refused(tmp_path):
    save_robustness(attacker_model(Small(seed=1)), tmp_path / "x.pt")
    for options in ({"mean": (0.5,) * 3, "std": (0.5,) * 3}, {"bgr": True}, {"scale": 255.0}):
        target = normalised(Small(seed=2), **options)
        before = state_of(target)
        with pytest.raises(ValueError, match=r"mean \[0\.485, 0\.456, 0\.406\] and std \[0\.229, "):
            load_into(target, tmp_path / "x.pt")
        assert same(state_of(target), before)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_torchvisions_googlenet_loads_without_its_heads_and_sees_what_it_saw(tmp_path):
    """With `transform_input`, which the pretrained network has, and ImageNet's normalisation."""
    theirs = lively(models.googlenet(aux_logits=True, init_weights=True, transform_input=True))
    plain(theirs, tmp_path / "googlenet.pth")
    assert any(k.startswith("aux1.") for k in theirs.state_dict())
    ours = zoo.ported_googlenet().eval()
    load_into(ours, tmp_path / "googlenet.pth")
    x = images()
    with torch.no_grad():
        wanted = theirs((x - MEAN.view(1, 3, 1, 1)) / STD.view(1, 3, 1, 1))
        assert torch.allclose(ours(x), wanted, atol=1e-5 * wanted.abs().max().item())
        load_into(other := zoo.googlenet().eval(), tmp_path / "googlenet.pth")
        assert (other(x) - wanted).std() > 0.01 * wanted.std(), "no case: all is the same"


# Faults


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def planted(path, marker, function=os.system, legacy=False, inside=True):
    argument = (
        f"touch {marker}"
        if function is os.system
        else f"__import__('pathlib').Path({str(marker)!r}).touch()"
    )
    trap = Malicious(function, argument)
    contents = state_of(Small()) | {"trap": trap} if inside else trap
    torch.save(contents, path, _use_new_zipfile_serialization=not legacy)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("function", [os.system, eval, exec], ids=["system", "eval", "exec"])
@pytest.mark.parametrize("inside", [True, False])
def test_a_file_that_would_execute_code_is_refused_and_does_not(tmp_path, function, legacy, inside):
    path, marker = tmp_path / "x.pt", tmp_path / "executed"
    planted(path, marker, function, legacy, inside)
    target = Small(seed=2)
    before = state_of(target)
    with pytest.raises(ValueError, match=f"{path} is refused: .*execute code.*{function.__name__}"):
        load_into(target, path)
    assert not marker.exists() and same(state_of(target), before)
    torch.load(path, weights_only=False)
    assert marker.exists(), "no case: the file is harmless"


def test_a_bare_pickle_is_not_executed_either(tmp_path):
    path, marker = tmp_path / "x.pth", tmp_path / "executed"
    path.write_bytes(pickle.dumps(Malicious(os.system, f"touch {marker}")))
    with pytest.raises(ValueError, match="refused|no checkpoint"):
        load_into(Small(), path)
    assert not marker.exists()
    path.rename(path.with_suffix(".safetensors"))
    with pytest.raises(ValueError, match="no safetensors file"):
        load_into(Small(), path.with_suffix(".safetensors"))
    assert not marker.exists()


def write_with(change):
    """A writer of a Small's state dict with something changed in it."""

    def write(path):
        state = state_of(Small(seed=1))
        torch.save(change(state) or state, path)

    return write


def cut(size, legacy=False):
    def write(path):
        state = state_of(Small(seed=1))
        torch.save(state, path, _use_new_zipfile_serialization=not legacy)
        path.write_bytes(path.read_bytes()[:size])

    return write


def cut_safetensors(path):
    save(Small(seed=1), path)
    path.write_bytes(path.read_bytes()[:-9])


def with_value(value, key="conv.weight"):
    """A writer of a Small's state dict in which one weight is what `value` makes of it."""
    return write_with(lambda state: state.update({key: value(state[key])}))


def bomb(path):
    """A small archive that unpacks to 150 MB of zeros, under a checkpoint's names."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 150_000_000)


def later_zip(path):
    """As plain, but the archive's directory asks for a version of zip that there is not yet."""
    plain(Small(seed=1), path)
    contents = bytearray(path.read_bytes())
    contents[contents.index(b"PK\1\2") + 6] = 127
    path.write_bytes(contents)


def misnamed(path):
    """As plain, but the name of a part is no text."""
    plain(Small(seed=1), path)
    contents = bytearray(path.read_bytes())
    at = contents.index(b"PK\1\2")
    contents[at + 9] |= 8  # the flag that says that names are UTF-8
    contents[at + 46] = 0xBB
    path.write_bytes(contents)


ANOTHER = r"another architecture"
DENSE, FINITE = "expected is a dense one", "values that are not finite"
FAULTS = {
    "truncated zip": ("x.pt", cut(-200), "is truncated or no checkpoint"),
    "half a zip": ("x.pt", cut(1500), "is truncated or no checkpoint"),
    "truncated legacy": ("x.pt", cut(-50, legacy=True), "is truncated or no checkpoint"),
    "start of legacy": ("x.pt", cut(60, legacy=True), "is truncated or no checkpoint"),
    "empty": ("x.pt", cut(0), "is truncated or no checkpoint"),
    "truncated safetensors": ("x.safetensors", cut_safetensors, "is truncated or no safetensors"),
    "empty safetensors": ("x.safetensors", lambda p: p.write_bytes(b""), "no safetensors file"),
    "web page": ("x.pt", lambda p: p.write_text("<!DOCTYPE html>"), "or no checkpoint"),
    "a tensor": ("x.pt", lambda p: torch.save(torch.ones(3), p), "holds a Tensor, expected"),
    "nothing in it": ("x.pt", lambda p: torch.save({}, p), "holds no state dict: it is empty"),
    "no weights": ("x.pt", lambda p: torch.save({"epoch": 3}, p), ".*'epoch' is no tensor"),
    "shape": (
        "x.pt", lambda p: torch.save(Small(channels=6).state_dict(), p),
        rf"'conv\.weight' has shape \(6, 3, 3, 3\), the network's is \(4, 3, 3, 3\): .*{ANOTHER}",
    ),
    "last shape": (
        "x.pt", write_with(lambda s: s.update({"last.bias": torch.ones(7)})),
        r"'last\.bias' has shape \(7,\), the network's is \(5,\)",
    ),
    "missing": (
        "x.pt", write_with(lambda s: {k: v for k, v in s.items() if k != "norm.bias"}),
        rf"lacks 'norm\.bias': .*{ANOTHER}",
    ),
    "unknown": (
        "x.pt", write_with(lambda s: s.update({"extra.weight": torch.ones(1)})),
        rf"has 'extra\.weight', which the network has not: {ANOTHER}",
    ),
    "of another network": (
        "x.pt", lambda p: torch.save({"fc.weight": torch.ones(2)}, p), r"lacks 'conv\.weight'",
    ),
    "NaN": ("x.pt", with_value(lambda v: v * np.nan), rf"'conv\.weight' has {FINITE}"),
    "infinite": (
        "x.pt", with_value(lambda v: v / 0, "norm.running_var"),
        rf"'norm\.running_var' has {FINITE}",
    ),
    "NaN in safetensors": (
        "x.safetensors",
        lambda p: save_file(state_of(Small()) | {"last.bias": torch.full((5,), np.nan)}, p),
        rf"'last\.bias' has {FINITE}",
    ),
    "int8": (
        "x.pt", with_value(lambda v: v.to(torch.int8)),
        r"'conv\.weight' is of torch\.int8, the network's of torch\.float32",
    ),
    "complex": ("x.pt", with_value(lambda v: v + 1j), r"'conv\.weight' is of torch\.complex64"),
    "meta": ("x.pt", with_value(lambda v: v.to("meta")), rf"'conv\.weight' is a meta .*{DENSE}"),
    "sparse": (
        "x.pt", with_value(lambda v: v.to_sparse(), "last.weight"),
        rf"'last\.weight' is a sparse_coo tensor, {DENSE}",
    ),
    "swelling": ("x.pt", bomb, "is refused: it unpacks to 150 MB"),
    "a later zip": ("x.pt", later_zip, "is truncated or no checkpoint: zip file version"),
    "a name that is no text": ("x.pt", misnamed, "is truncated or no checkpoint"),
    "folder": ("x.pt", lambda p: p.mkdir(), "is no regular file"),
    "pipe": ("x.pt", os.mkfifo, "is no regular file"),
    "device": ("x.pt", lambda p: p.symlink_to("/dev/zero"), "is no regular file"),
    "damaged card": (
        "x.pt", lambda p: (plain(Small(), p), p.with_suffix(".json").write_text("{")),
        r"x\.json is damaged",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_in_one_line_and_nothing_is_changed(tmp_path, fault):
    name, write, message = FAULTS[fault]
    path = tmp_path / name
    write(path)
    for target in (Small(seed=2), normalised(Small(seed=2))):
        before = state_of(target)
        with pytest.raises(ValueError, match=message) as error:
            load_into(target, path)
        assert "\n" not in str(error.value) and len(str(error.value)) < 500
        assert str(tmp_path) in str(error.value)
        assert same(state_of(target), before)


def test_a_missing_file_says_who_knows_where_it_is(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint at .*x\.pt: `shapebias doctor`"):
        load_into(Small(), tmp_path / "x.pt")


def test_the_hash_decides_whether_a_file_is_the_one(tmp_path):
    path, target = tmp_path / "x.pt", Small(seed=2)
    plain(Small(seed=1), path)
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    assert file_hash(path) == right
    before, wrong = state_of(target), "0" * 64
    card = path.with_suffix(".json")
    for given, stored in (
        (wrong, None),
        (wrong[:8], None),
        ("", None),
        (None, wrong),
        (wrong, right),
    ):
        card.unlink(missing_ok=True)
        if stored:
            card.write_text(json.dumps({"sha256": stored}))
        with pytest.raises(
            ValueError, match=f"has SHA-256 {right}, expected is {given or stored or ''}"
        ):
            load_into(target, path, given)
        assert same(state_of(target), before)
    for given, stored in (
        (right, wrong),
        (right[:8], wrong),
        (right.upper(), wrong),
        (None, right),
    ):
        card.write_text(json.dumps({"sha256": stored}))
        load_into(target, path, given)
    assert same(state_of(target), state_of(Small(seed=1)))
