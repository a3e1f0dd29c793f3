"""Stylized photographs: the published networks' structure, their arithmetic, and the paintings."""

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torchvision.models import vgg

from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.distortions import distort, distorted, external, stylize
from shapebias_utils.distortions.stylize import adain, adain_stylized, gatys, gram

RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.random((32, 40, 3), np.float32)


@pytest.fixture(scope="module")
def networks():
    """Encoder, decoder and VGG-19 with random weights."""
    torch.manual_seed(0)
    made = [f().eval() for f in (stylize.encoder, stylize.decoder, stylize.vgg19)]
    for module in (m for network in made for m in network.requires_grad_(False)):
        if isinstance(module, torch.nn.Conv2d):  # else activations vanish on their way
            torch.nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
    return made


def batch(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


# Structure: as in the published files, module by module


@pytest.mark.parametrize(
    ("build", "modules", "convolutions"),
    [
        (stylize.encoder, 31, {0: (3, 3), 2: (3, 64), 5: (64, 64), 9: (64, 128), 12: (128, 128),
                               16: (128, 256), 19: (256, 256), 22: (256, 256), 25: (256, 256),
                               29: (256, 512)}),
        (stylize.decoder, 29, {1: (512, 256), 5: (256, 256), 8: (256, 256), 11: (256, 256),
                               14: (256, 128), 18: (128, 128), 21: (128, 64), 25: (64, 64),
                               28: (64, 3)}),
    ],
)  # fmt: skip
def test_adains_networks_have_the_modules_of_the_published_files(build, modules, convolutions):
    network = build()
    found = {
        i: (m.in_channels, m.out_channels)
        for i, m in enumerate(network)
        if isinstance(m, torch.nn.Conv2d)
    }
    assert len(network) == modules and found == convolutions


def test_vgg19_is_torchvisions_up_to_relu5_1(networks):
    theirs = vgg.make_layers(vgg.cfgs["E"])[:30].eval()
    theirs.load_state_dict(networks[2].state_dict())
    x = batch(1, 3, 32, 32)
    assert torch.allclose(networks[2](x), theirs(x))
    after = {i: f"relu{b}_1" for b, i in enumerate((1, 6, 11, 20, 29), 1)}
    assert list(stylize.STYLE_LAYERS) == list(after)


# AdaIN


@pytest.mark.parametrize("size", [(8, 8), (5, 11)])
def test_adain_gives_the_content_the_mean_and_deviation_of_the_style(size):
    content, style = batch(2, 6, 7, 9) * 4, batch(2, 6, *size, seed=1) - 3
    found = adain(content, style).numpy()
    wanted = style.numpy()
    assert np.allclose(found.mean((2, 3)), wanted.mean((2, 3)), atol=1e-5)
    assert np.allclose(found.std((2, 3), ddof=1), wanted.std((2, 3), ddof=1), rtol=1e-3)
    assert torch.allclose(adain(content, content), content, atol=1e-5)


def test_adain_is_its_formula_on_two_numbers():
    """Content 0, 2: mean 1, unbiased variance 2; style 5, 5: mean 5, variance 0."""
    content, style = torch.tensor([0.0, 2.0]), torch.tensor([5.0, 5.0])
    found = adain(content.view(1, 1, 1, 2), style.view(1, 1, 1, 2)).flatten()
    spread = (1e-5 / (2 + 1e-5)) ** 0.5
    assert found.tolist() == pytest.approx([5 - spread, 5 + spread], abs=1e-6)


def test_stylizing_decodes_the_mixed_features(networks):
    encoder, decoder, _ = networks
    content, style = batch(1, 3, 32, 32), batch(1, 3, 48, 32, seed=1)
    features = encoder(content)
    for alpha, wanted in (
        (0.0, features),
        (1.0, adain(features, encoder(style))),
        (0.25, 0.25 * adain(features, encoder(style)) + 0.75 * features),
    ):
        found = adain_stylized(content, style, encoder, decoder, alpha)
        assert torch.allclose(found, decoder(wanted).clamp(0, 1), atol=1e-6)


@pytest.mark.parametrize("size", [(16, 16), (33, 50), (64, 17)])
def test_stylized_images_keep_their_size_and_range(networks, size):
    content, style = batch(1, 3, *size), batch(1, 3, 20, 20, seed=1)
    found = adain_stylized(content, style, *networks[:2])
    assert found.shape == content.shape and 0 <= found.min() and found.max() <= 1
    assert found.equal(adain_stylized(content, style, *networks[:2]))


def test_images_without_a_deviation_at_relu4_1_are_refused(networks):
    with pytest.raises(ValueError, match="16 x 16 pixels or more"):
        adain_stylized(batch(1, 3, 15, 32), batch(1, 3, 32, 32), *networks[:2])


# Gatys


def test_the_gram_matrix_is_the_mean_product_of_channels():
    features = batch(2, 3, 4, 5)
    wanted = np.einsum("nchw,ndhw->ncd", features.numpy(), features.numpy()) / 20
    assert np.allclose(gram(features).numpy(), wanted, atol=1e-6)


def test_the_loss_falls_and_begins_as_the_formula_says(networks):
    network = networks[2]
    content, style = batch(1, 3, 20, 16), batch(1, 3, 24, 16, seed=1) ** 3
    found, losses = gatys(content, style, network, iterations=10)
    assert found.shape == content.shape and 0 <= found.min() and found.max() <= 1
    assert losses[-1] < 0.5 * losses[0]
    again, same = gatys(content, style, network, iterations=10)
    assert again.equal(found) and same == losses

    def grams(image):
        x = 255 * (image.numpy()[0, ::-1] - np.reshape(stylize.CAFFE_MEAN, (3, 1, 1)))
        x, found = torch.from_numpy(x.copy()).float()[None], []
        for i, module in enumerate(network):
            x = module(x)
            if i in (1, 6, 11, 20, 29):
                features = x[0].flatten(1).double().numpy()
                found.append(features @ features.T / features.shape[1])
        return found

    pairs = zip(grams(content), grams(style), strict=True)
    wanted = sum(1e3 / len(a) ** 2 * ((a - b) ** 2).mean() for a, b in pairs)
    assert losses[0] == pytest.approx(wanted, rel=1e-3)  # the content is still its own


def test_an_image_in_its_own_style_stays_as_it_is(networks):
    content = batch(1, 3, 32, 32)
    found, losses = gatys(content, content, networks[2], iterations=20)
    assert torch.allclose(found, content, atol=1e-5) and max(losses) < 1e-3


# Paintings


def save(path, size, colour):
    Image.new("RGB", size, colour).save(path)


@pytest.fixture
def paintings(tmp_path, monkeypatch):
    folder = tmp_path / "paintings"
    folder.mkdir()
    monkeypatch.setattr(external, "PAINTINGS", folder)
    monkeypatch.setattr(external, "DISTORTED", tmp_path / "distorted")
    return folder


def test_a_painting_is_its_largest_central_square(paintings):
    pixels = np.zeros((30, 50, 3), np.uint8)
    pixels[:, 10:40] = 255
    Image.fromarray(pixels).save(paintings / "a.png")
    found = external.painting(15, np.random.default_rng(0))
    assert found.shape == (15, 15, 3) and found.dtype == np.float32 and found.min() == 1


def test_paintings_too_small_or_broken_are_passed_over(paintings):
    save(paintings / "a.png", (30, 20), "red")
    save(paintings / "b.png", (90, 90), "blue")
    (paintings / "c.jpg").write_bytes(b"no picture")
    (paintings / "d.txt").write_text("no picture at all")
    assert external.paintings()[0] == ["a.png", "b.png", "c.jpg"]
    for seed in range(6):
        found = external.painting(32, np.random.default_rng(seed))
        assert (found == (0, 0, 1)).all()
    with pytest.raises(ValueError, match="no painting of 99 x 99 pixels or more"):
        external.painting(99, np.random.default_rng(0))


def test_all_paintings_have_their_turn(paintings):
    for i in range(4):
        save(paintings / f"{i}.png", (32, 32), (i, 0, 0))
    generator = np.random.default_rng(0)
    drawn = [int(255 * external.painting(32, generator)[0, 0, 0] + 0.5) for _ in range(200)]
    assert min(np.bincount(drawn, minlength=4)) > 30


# As distortions


@pytest.fixture
def files(networks, paintings, tmp_path, monkeypatch):
    """Random weights and two paintings where the user would put them."""
    for name, network, prefix in zip(
        ("ENCODER", "DECODER", "VGG19"), networks, ("", "", "features."), strict=True
    ):
        path = tmp_path / f"{name}.pth"
        state = {prefix + key: value for key, value in network.state_dict().items()}
        torch.save(state | {"classifier.0.weight": torch.ones(1)}, path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        record = replace(getattr(external, name), path=path, sha256=sha256)
        monkeypatch.setattr(stylize, name, record)
    noise = RANDOM.integers(0, 255, (32, 32, 3), np.uint8)
    Image.fromarray(noise).save(paintings / "noise.png")
    save(paintings / "plain.png", (64, 64), "orange")
    monkeypatch.setattr(stylize, "GATYS_SIZE", 16)
    caches = (stylize._adain_networks, stylize._gatys_network)
    for cached in caches:
        cached.cache_clear()
    yield tmp_path
    for cached in caches:
        cached.cache_clear()


@pytest.mark.parametrize("name", ["stylized", "stylized_gatys"])
def test_a_photograph_is_stylized_once_by_a_painting_chosen_by_its_name(name, files, monkeypatch):
    distortion = stylize.by_adain if name == "stylized" else stylize.by_gatys
    level = 1 if name == "stylized" else 3
    first = {}
    for seed in range(4):
        found = distortion(IMAGE, level, np.random.default_rng(seed))
        assert found.shape == IMAGE.shape and found.dtype == np.float32
        assert 0 <= found.min() and found.max() <= 1 and np.ptp(found) > 0
        first[found.tobytes()] = seed
    assert len(first) == 2  # paintings
    monkeypatch.setattr(stylize, "_adain_networks", None)  # asked again it would fail
    monkeypatch.setattr(stylize, "_gatys_network", None)
    for seed in first.values():
        assert distortion(IMAGE, level, np.random.default_rng(seed)).tobytes() in first


def test_the_distortions_do_what_their_functions_do(files, networks):
    style = external.painting(32, np.random.default_rng(0))
    content = torch.from_numpy(IMAGE).permute(2, 0, 1)[None]
    painted = torch.from_numpy(style).permute(2, 0, 1)[None]
    wanted = adain_stylized(content, painted, *networks[:2])[0].permute(1, 2, 0).numpy()
    found = stylize.by_adain(IMAGE, 1, np.random.default_rng(0))
    assert np.abs(found - wanted).max() <= 0.5 / 255 + 1e-6
    style = external.painting(16, np.random.default_rng(0))
    same = stylize.by_gatys(style, 1, np.random.default_rng(0))  # in its own style
    assert np.abs(same - style).max() <= 0.5 / 255 + 1e-5


def photographs():
    pixels = torch.from_numpy(RANDOM.random((3, 3, 32, 32), np.float32))
    table = pd.DataFrame({"imagename": ["a.JPEG", "b.JPEG", "c.JPEG"]})
    return ImageSet("photos", table, lambda rows: pixels[list(rows)], "digest")


def test_sets_of_photographs_are_stylized(files):
    images = photographs()
    found = distorted(get_dataset("imagenet"), images, "stylized", 1)
    together = found.load([0, 1, 2])
    assert together.shape == (3, 3, 32, 32) and together[1].equal(found.load([1])[0])
    alone = distort(images.load([2])[0].permute(1, 2, 0).numpy(), "stylized", 1, "c.JPEG")
    assert np.array_equal(together[2].permute(1, 2, 0).numpy(), alone)


def test_other_paintings_make_other_results(files, paintings):
    before = distorted(get_dataset("imagenet"), photographs(), "stylized", 1).digest
    assert distorted(get_dataset("imagenet"), photographs(), "stylized", 1).digest == before
    save(paintings / "plain.png", (65, 64), "green")
    save(paintings / "more.png", (64, 64), "green")
    assert distorted(get_dataset("imagenet"), photographs(), "stylized", 1).digest != before


@pytest.mark.parametrize(
    ("name", "lost", "says"),
    [
        ("stylized", "ENCODER", "`shapebias fetch adain_encoder` brings them .*MIT"),
        ("stylized", "DECODER", "`shapebias fetch adain_decoder` brings them .*MIT"),
        ("stylized_gatys", "VGG19", "`shapebias fetch vgg19_caffe` brings them .*CC BY 4.0"),
        ("stylized", "paintings", "no paintings at .*kaggle.com/c/painter-by-numbers"),
        ("stylized_gatys", "paintings", "no paintings at .*kaggle.com/c/painter-by-numbers"),
    ],
)
def test_what_is_missing_is_named_with_what_brings_it(name, lost, says, files, monkeypatch):
    if lost == "paintings":
        monkeypatch.setattr(external, "PAINTINGS", files / "nowhere")
    else:
        getattr(stylize, lost).path.unlink()
    with pytest.raises(FileNotFoundError, match=says):
        distort(IMAGE, name, 1 if name == "stylized" else 500)
    with pytest.raises(FileNotFoundError, match=says):
        distorted(get_dataset("imagenet"), photographs(), name, 1 if name == "stylized" else 500)
    assert not (files / "distorted").exists()


def test_other_weights_than_recorded_are_refused(files):
    with open(stylize.DECODER.path, "ab") as file:
        file.write(b"!")
    with pytest.raises(ValueError, match=r"has SHA-256 \w+, expected is .*fetch adain_decoder"):
        stylize.by_adain(IMAGE, 1, np.random.default_rng(0))


def test_a_file_of_another_network_is_refused(files, monkeypatch):
    record = replace(stylize.DECODER, path=stylize.VGG19.path, sha256=stylize.VGG19.sha256)
    monkeypatch.setattr(stylize, "DECODER", record)
    with pytest.raises(ValueError, match=r"VGG19.pth has no weights 1.weight"):
        stylize.by_adain(IMAGE, 1, np.random.default_rng(0))
