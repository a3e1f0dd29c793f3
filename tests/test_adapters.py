"""Published networks by their names: the library's own pipeline, its classes, and no download."""

import socket
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from helpers.published import cached_as, randomised, vit
from PIL import Image
from torchvision import models

from shapebias_utils.cli import main
from shapebias_utils.networks import adapters, get_networks
from shapebias_utils.networks.adapters import classes
from shapebias_utils.networks.checkpoints import file_hash, load_into
from shapebias_utils.paths import ROOT

PHOTOGRAPHS = ROOT.parent / "shared" / "data" / "imagenet_samples"
NAMES = models.ResNet50_Weights.IMAGENET1K_V1.meta["categories"]


@pytest.fixture
def caches(tmp_path, monkeypatch):
    """Empty caches of torch's and Hugging Face's hubs, no record remembered, and no network."""

    def refuse(*address):
        raise AssertionError(f"something wants to connect to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    forget()
    try:
        from huggingface_hub import constants
    except ImportError:
        pass
    else:
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    yield tmp_path
    forget()


def forget():
    for known in (adapters.published, adapters.named, adapters._probed):
        known.cache_clear()


def photographs() -> list[Image.Image]:
    paths = sorted(PHOTOGRAPHS.glob("*.JPEG"))[::12]
    if not paths:
        pytest.skip(f"no photographs at {PHOTOGRAPHS}")
    return [Image.open(path).convert("RGB") for path in paths]


def assert_alike(name: str, network: torch.nn.Module, see) -> None:
    """Through our record the logits are those of the library's network behind its own transform."""
    ours = adapters.here(name)
    module = ours.load()
    shown = photographs()
    assert len(shown) == 4
    with torch.no_grad():
        for image in shown:
            wanted = network(see(image)[None])
            found = module(ours.preset.see(image)[None])
            spread = wanted.std().item()
            assert spread > 0.001, "a network that says the same of everything shows nothing"
            assert (found - wanted).abs().max() < 1e-4 * spread


# --- torchvision ----------------------------------------------------------------------------------


def injected(folder: Path, monkeypatch, seed=0) -> tuple[torch.nn.Module, object]:
    """(SqueezeNet with random weights, its weights as torchvision would publish them)."""
    network = randomised(models.squeezenet1_1(), seed)
    (folder / "checkpoints").mkdir(exist_ok=True)
    torch.save(network.state_dict(), folder / "checkpoints" / "weights.pth")
    digits = file_hash(folder / "checkpoints" / "weights.pth")[:8]
    file = folder / "checkpoints" / f"squeezenet-{digits}.pth"
    (folder / "checkpoints" / "weights.pth").rename(file)
    known = models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    weights = replace(
        known.value,
        url=f"https://example.org/{file.name}",
        transforms=partial(known.transforms.func, crop_size=96, resize_size=112),
        meta={"categories": NAMES, "min_size": (21, 21)},
    )
    offered = type(known).__base__("Offered", {"IMAGENET1K_V1": weights})
    monkeypatch.setattr(models, "get_model_weights", lambda name: offered)
    return network, offered["IMAGENET1K_V1"]


def test_logits_are_those_of_torchvisions_own_pipeline(caches, monkeypatch):
    network, weights = injected(caches, monkeypatch)
    assert_alike("torchvision:squeezenet1_1/IMAGENET1K_V1", network, weights.transforms())


def test_weights_tell_results_apart(caches, monkeypatch):
    hashes = set()
    for seed in (0, 1):
        injected(caches, monkeypatch, seed=seed)
        forget()
        hashes.add(adapters.here("torchvision:squeezenet1_1/IMAGENET1K_V1").checkpoint_hash())
    assert len(hashes) == 2


def test_a_file_of_another_hash_is_refused(caches, monkeypatch):
    injected(caches, monkeypatch)
    network = adapters.here("torchvision:squeezenet1_1/IMAGENET1K_V1")
    torch.save(models.squeezenet1_1().state_dict(), network.path())
    with pytest.raises(ValueError, match="another file or a broken download"):
        network.load()


RECORDS = [  # mean and std apart, torchvision publishes two sets of ResNet-50 that are fed alike
    ("alexnet/IMAGENET1K_V1", "shorter side 256 px, bilinear; central 224 x 224 px", False),
    ("resnet50/IMAGENET1K_V2", "shorter side 232 px, bilinear; central 224 x 224 px", False),
    ("vit_b_16/IMAGENET1K_SWAG_E2E_V1", "shorter side 384 px, bicubic; central 384 x 384 px", True),
    ("inception_v3/IMAGENET1K_V1", "shorter side 342 px, bilinear; central 299 x 299 px", False),
]


@pytest.mark.parametrize("spec, preset, fixed", RECORDS)
def test_what_torchvision_records_of_its_weights(spec, preset, fixed):
    found = adapters.published(f"torchvision:{spec}")
    assert (found.preset.text, found.fixed) == (preset, fixed)
    assert found.order is None and found.mean == (0.485, 0.456, 0.406)
    assert ("SWAG" in found.licence) == ("SWAG" in spec)


OLD_NAMES = {
    "DenseNet": (
        partial(models.DenseNet, 4, (1, 1), 4),
        {"norm1": "norm.1", "norm2": "norm.2", "conv1": "conv.1", "conv2": "conv.2"},
    ),
    "ViT": (vit, {"mlp.0": "mlp.linear_1", "mlp.3": "mlp.linear_2"}),
    "MNASNet": (partial(models.MNASNet, 0.5), {}),
}
"""Architecture, and parts of its weights' names -> what they are in the files that it publishes."""


@pytest.mark.parametrize("build, old", OLD_NAMES.values(), ids=OLD_NAMES)
def test_files_are_read_whose_names_are_older_than_torchvisions_code(tmp_path, build, old):
    one, other = build(), build()
    state = {}
    for key, value in one.state_dict().items():
        for name, before in old.items():
            key = key.replace(f".{name}.", f".{before}.")
        state[key] = value
    assert bool(old) == (state.keys() != one.state_dict().keys())
    torch.save(state, tmp_path / "weights.pth")
    load_into(other, tmp_path / "weights.pth")
    assert all(torch.equal(v, other.state_dict()[k]) for k, v in one.state_dict().items())


# --- timm -----------------------------------------------------------------------------------------


@pytest.fixture
def timm():
    return pytest.importorskip("timm", reason="the extra [timm] is not installed")


@pytest.mark.parametrize("spec", ["test_vit.r160_in1k", "test_resnet.r160_in1k"])
def test_logits_are_those_of_timms_own_pipeline(timm, caches, spec):
    from safetensors.torch import save_file

    network = randomised(timm.create_model(spec))
    folder = cached_as(caches, f"timm/{spec}")
    save_file(network.state_dict(), folder / "model.safetensors")
    config = timm.data.resolve_model_data_config(network)
    assert_alike(f"timm:{spec}", network, timm.data.create_transform(**config))


def test_what_timm_records_of_its_weights(timm):
    found = adapters.published("timm:resnet50.a1_in1k")
    text = "center crop of 0.95, bicubic; 224 x 224 px"
    assert (found.preset.text, found.side, found.fixed) == (text, 224, False)
    assert found.licence == "apache-2.0" and found.order is None


def test_classes_are_found_among_others_by_their_wnids(timm):
    from timm.data import ImageNetInfo

    wanted = ImageNetInfo("imagenet-1k").label_names()
    outputs = ImageNetInfo("imagenet-22k-ms").label_names()
    order = classes.by_wnid(outputs, wanted, "it")
    assert [outputs[i] for i in order] == wanted
    with pytest.raises(ValueError, match="it has no output for n04399382, ImageNet's class 850"):
        classes.by_wnid(ImageNetInfo("imagenet-22k").label_names(), wanted, "it")


# --- Hugging Face ---------------------------------------------------------------------------------


@pytest.fixture
def transformers():
    return pytest.importorskip("transformers", reason="the extra [hf] is not installed")


def saved(transformers, folder: Path, labels=None, kind="ViT") -> None:
    """A small network, its processor and its card, as they lie in a repository."""
    small = {
        "ViT": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
                "intermediate_size": 32, "image_size": 64, "patch_size": 16},
        "ConvNext": {"hidden_sizes": [8, 8, 16, 16], "depths": [1, 1, 1, 1]},
    }[kind]  # fmt: skip
    config = getattr(transformers, f"{kind}Config")(**small)
    config.id2label = dict(enumerate(classes.imagenet_names() if labels is None else labels))
    config.label2id = {label: i for i, label in config.id2label.items()}
    network = getattr(transformers, f"{kind}ForImageClassification")(config)
    randomised(network).save_pretrained(folder)
    size = {"height": 64, "width": 64} if kind == "ViT" else {"shortest_edge": 64}
    processor = getattr(transformers, f"{kind}ImageProcessor")(size=size, resample=3)
    processor.save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")


@pytest.mark.parametrize("kind", ["ViT", "ConvNext"])
def test_logits_are_those_of_transformers_own_pipeline(transformers, caches, kind):
    folder = cached_as(caches, "someone/some", "v1")
    saved(transformers, folder, kind=kind)
    network = transformers.AutoModelForImageClassification.from_pretrained(folder)
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    assert_alike(
        "hf:someone/some@v1",
        lambda x: network(x).logits,
        lambda image: processor(image, return_tensors="pt").pixel_values[0],
    )
    found = adapters.published("hf:someone/some@v1")
    assert (found.licence, found.revision) == ("mit", folder.name)
    assert found.fixed == (kind == "ViT")


def test_a_background_class_in_front_is_left_out(transformers, caches):
    folder = cached_as(caches, "someone/some", "v1")
    saved(transformers, folder, ["background", *classes.imagenet_names()])
    network = transformers.AutoModelForImageClassification.from_pretrained(folder)
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    assert_alike(
        "hf:someone/some@v1",
        lambda x: network(x).logits[:, 1:],
        lambda image: processor(image, return_tensors="pt").pixel_values[0],
    )


def test_a_classifier_that_would_be_random_is_refused(transformers, caches):
    from safetensors.torch import load_file, save_file

    folder = cached_as(caches, "someone/some", "v1")
    saved(transformers, folder)
    state = load_file(folder / "model.safetensors")
    headless = {k: v for k, v in state.items() if not k.startswith("classifier")}
    save_file(headless, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"lacks 'classifier\.bias', which would be random"):
        adapters.here("hf:someone/some@v1").load()


SHUFFLED = [*classes.imagenet_names()[::-1]]
LABELS = {
    "shuffled": (SHUFFLED, "an output 'toilet tissue.*' where ImageNet's class 0 is 'tench"),
    "unnamed": ([f"LABEL_{i}" for i in range(1000)], "an output 'LABEL_0' where"),
    "fewer": (classes.imagenet_names()[:10], "has 10 outputs and ImageNet 1,000"),
}


@pytest.mark.parametrize("labels, message", LABELS.values(), ids=LABELS)
def test_other_classes_are_refused_by_the_first_that_does_not_fit(labels, message):
    with pytest.raises(ValueError, match=message):
        classes.by_name(labels, "it")


# --- names ----------------------------------------------------------------------------------------

WRONG = {
    "onnx:resnet50": "published ones are named as torchvision:resnet50/IMAGENET1K_V1, timm:",
    "torchvision:resnet49/IMAGENET1K_V1": "torchvision has no network 'resnet49'",
    "torchvision:resnet50": "write torchvision:resnet50/IMAGENET1K_V1, torchvision:resnet50/IM",
    "torchvision:resnet50/DEFAULT": "does not name its weights",
    "torchvision:vgg16/IMAGENET1K_FEATURES": "no output for 'tench', ImageNet's class 0",
    "torchvision:squeezenet1_1/IMAGENET1K_V1#layer9": "no layer 'layer9'",
    "timm:resnet50": "with their tag; there are .*timm:resnet50.a1_in1k",
    "hf:microsoft/resnet-50": "does not say which revision",
}


@pytest.mark.parametrize("name, message", WRONG.items(), ids=WRONG)
def test_a_name_that_is_none_is_answered_by_those_there_are(caches, name, message):
    if name.startswith(("timm", "hf")):
        pytest.importorskip({"timm": "timm", "hf": "transformers"}[name.split(":")[0]])
    with pytest.raises(ValueError, match=message):
        adapters.named(name)


ABSENT = ["torchvision:alexnet/IMAGENET1K_V1", "timm:resnet18.a1_in1k", "hf:microsoft/resnet-50@v1"]


@pytest.mark.parametrize("name", ABSENT)
def test_nothing_is_downloaded_unasked(caches, monkeypatch, name, capsys):
    monkeypatch.setattr("shapebias_utils.networks.adapters.torchvision.CHECKPOINTS", caches)
    if name.startswith(("timm", "hf")):
        pytest.importorskip({"timm": "timm", "hf": "transformers"}[name.split(":")[0]])
    with pytest.raises(FileNotFoundError, match=f"`shapebias fetch {name}`"):
        get_networks("imagenet", name)
    with pytest.raises(SystemExit):
        main(["bias", name, "--stimuli", "nowhere"])
    assert f"shapebias fetch {name}" in capsys.readouterr().err


def test_fetch_brings_the_weights_by_the_library_and_says_whose_they_are(
    caches, monkeypatch, capsys
):
    name = "torchvision:squeezenet1_1/IMAGENET1K_V1"
    injected(caches, monkeypatch)
    (file,) = (caches / "checkpoints").iterdir()
    file.rename(caches / "elsewhere")
    assert not adapters.is_here(name)
    library = "shapebias_utils.networks.adapters.torchvision.fetch"
    monkeypatch.setattr(library, lambda spec: (caches / "elsewhere").rename(file))
    with pytest.raises(SystemExit) as ended:
        main(["fetch", name])
    said = capsys.readouterr().out
    assert ended.value.code == 0 and adapters.is_here(name)
    assert "licence BSD-3-Clause" in said and said.rstrip().endswith(file.name)

    def fails(spec):
        raise RuntimeError("no route")

    monkeypatch.setattr(library, fails)
    with pytest.raises(OSError, match=f"cannot fetch {name}: no route; the same command"):
        adapters.fetch(name)


@pytest.mark.parametrize("package, extra", [("timm", "timm"), ("transformers", "hf")])
def test_the_core_runs_without_the_extras_and_names_the_one_that_is_missing(
    monkeypatch, package, extra
):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(ValueError, match=rf"needs the extra \[{extra}\], .*pip install"):
        get_networks("imagenet", f"{extra}:some/network.tag@v1")


def test_they_answer_with_imagenets_classes_alone():
    with pytest.raises(ValueError, match="ImageNet's classes, not those of pictograms"):
        get_networks("pictograms", "torchvision:alexnet/IMAGENET1K_V1")


def test_licence_size_preset_and_layers_are_said(caches, monkeypatch):
    injected(caches, monkeypatch)
    said = adapters.described("torchvision:squeezenet1_1/IMAGENET1K_V1#features.4+features.12")
    assert said.startswith("licence BSD-3-Clause") and "1.2 M parameters; 5 MB" in said
    assert said.endswith("central 96 x 96 px; probed: features.4, features.12")
