"""Silhouettes of photographs: what is joined into one object, and what is drawn of it."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision.models import detection

from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import ImageSet, get_dataset
from shapebias_utils.distortions import distort, distorted, external, silhouette
from shapebias_utils.distortions.silhouette import COCO_CLASSES, object_mask

PERSON, DOG, CAT = 1, 18, 17


def test_classes_are_those_that_torchvision_names():
    names = detection.MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1.meta["categories"]
    assert {c: names[i] for c, i in COCO_CLASSES.items()} == {c: c for c in CATEGORIES}


@pytest.mark.parametrize(
    ("found", "seen"),
    [
        ([], ""),
        ([(PERSON, 0.99)], ""),
        ([(DOG, 0.9)], "0"),
        ([(DOG, 0.2)], "0"),
        ([(PERSON, 0.99), (DOG, 0.3)], "1"),
        ([(DOG, 0.7), (DOG, 0.9)], "01"),
        ([(DOG, 0.9), (DOG, 0.49)], "0"),
        ([(DOG, 0.3), (DOG, 0.2)], "0"),
        ([(DOG, 0.9), (CAT, 0.95), (DOG, 0.8)], "1"),
        ([(CAT, 0.6), (PERSON, 0.8), (DOG, 0.7), (DOG, 0.6)], "23"),
    ],
)
def test_the_surest_of_the_16_categories_is_drawn_with_all_its_confident_instances(found, seen):
    """Detection i is seen at pixel (0, i)."""
    labels = np.array([label for label, _ in found], int)
    scores = np.array([score for _, score in found], np.float32)
    masks = np.zeros((len(found), 2, 5), np.float32)
    for i in range(len(found)):
        masks[i, 0, i] = 0.9
    mask = object_mask(labels, scores, masks)
    assert mask.shape == (2, 5) and mask.dtype == bool
    assert "".join(str(i) for i in range(5) if mask[0, i]) == seen and not mask[1].any()


def test_a_pixel_is_the_objects_from_one_half_on():
    masks = np.array([[[0.0, 0.49, 0.5, 1.0]]], np.float32)
    mask = object_mask(np.array([DOG]), np.array([0.9]), masks)
    assert mask.tolist() == [[False, False, True, True]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A record of a file of random weights."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "maskrcnn.pth"
    model = detection.maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None)
    state = model.state_dict()
    state["roi_heads.box_predictor.cls_score.bias"][DOG] = 1e4  # it sees dogs, whole ones
    state["roi_heads.mask_predictor.mask_fcn_logits.bias"][DOG] = 9.0
    torch.save(state, path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return replace(external.MASK_RCNN, path=path, sha256=sha256)


@pytest.fixture
def network(weights, tmp_path, monkeypatch):
    """The network with random weights, at 64 pixels; the number of times it was asked."""
    build, asked = detection.maskrcnn_resnet50_fpn_v2, []
    detect = silhouette.detect

    def small(**given):
        return build(min_size=64, rpn_post_nms_top_n_test=200, box_detections_per_img=5, **given)

    def spy(*given):
        asked.append(given)
        return detect(*given)

    monkeypatch.setattr(detection, "maskrcnn_resnet50_fpn_v2", small)
    monkeypatch.setattr(silhouette, "detect", spy)
    monkeypatch.setattr(silhouette, "MASK_RCNN", weights)
    monkeypatch.setattr(external, "DISTORTED", tmp_path)
    silhouette._mask_rcnn.cache_clear()
    yield asked
    silhouette._mask_rcnn.cache_clear()


IMAGE = np.random.default_rng(0).random((48, 64, 3), np.float32)


def test_it_is_two_valued_of_the_images_size_and_computed_once(network):
    black = distort(IMAGE, "silhouette", 1)
    assert black.shape == IMAGE.shape and set(np.unique(black)) == {0.0, 1.0}
    assert (black == black[..., :1]).all()
    assert np.array_equal(distort(IMAGE, "silhouette", 1, "another name", seed=3), black)
    assert len(network) == 1
    assert np.array_equal(distort(IMAGE, "silhouette_white", 1), 1 - black)
    assert len(network) == 2


def test_what_the_network_detects_is_what_is_drawn(network, monkeypatch):
    masks = np.zeros((1, 48, 64), np.float32)
    masks[0, 10:20, 30:40] = 1
    found = {"labels": np.array([DOG]), "scores": np.array([0.9]), "masks": masks}
    monkeypatch.setattr(silhouette, "detect", lambda *given: found)
    black = distort(IMAGE, "silhouette", 1)
    assert (black[10:20, 30:40] == 0).all() and black.sum() == 3 * (48 * 64 - 100)


def test_where_no_object_is_found_the_image_is_blank(network, monkeypatch):
    nothing = {"labels": np.array([PERSON]), "scores": np.ones(1), "masks": np.ones((1, 48, 64))}
    monkeypatch.setattr(silhouette, "detect", lambda *given: nothing)
    assert (distort(IMAGE, "silhouette", 1) == 1).all()
    assert (distort(IMAGE, "silhouette_white", 1) == 0).all()


@pytest.mark.parametrize("name", ["silhouette", "silhouette_white"])
def test_missing_weights_are_named_with_the_command_that_brings_them(name, tmp_path, monkeypatch):
    absent = replace(external.MASK_RCNN, path=tmp_path / "maskrcnn.pth")
    monkeypatch.setattr(silhouette, "MASK_RCNN", absent)
    monkeypatch.setattr(external, "DISTORTED", tmp_path)
    wanted = r"no weights at .*maskrcnn.pth: `shapebias fetch maskrcnn` brings them"
    with pytest.raises(FileNotFoundError, match=wanted):
        distort(IMAGE, name, 1)
    images = ImageSet("photos", get_dataset("pictograms").images("validation").table, None, "0")
    with pytest.raises(FileNotFoundError, match=wanted):
        distorted(get_dataset("imagenet"), images, name, 1)
    assert not list(tmp_path.iterdir())
