"""CIFAR-10 in its published form; files from elsewhere are not unpickled."""

import hashlib
import pickle

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import CIFAR10

from shapebias_utils.categories import CATEGORIES
from shapebias_utils.datasets import cifar10, decoded, get_dataset, imagenet


@pytest.fixture
def raw(tmp_path, monkeypatch):
    for module in (cifar10, imagenet):
        monkeypatch.setattr(module, "RAW", tmp_path)
    monkeypatch.setattr(decoded, "DECODED", tmp_path / "decoded")
    return tmp_path


LABELS = {"data_batch_1": [3, 0], "test_batch": [1, 4, 8]}


@pytest.fixture
def miniature(raw):
    """A reader of two training and three test images in the published form, its hashes its own."""
    folder, hashes = raw / "cifar-10-batches-py", {}
    folder.mkdir()
    for name, labels in LABELS.items():
        generator = np.random.default_rng(len(labels))
        data = generator.integers(0, 256, (len(labels), 3072), dtype=np.uint8)
        names = [f"{i}.png" for i in labels]
        batch = {"data": data, "labels": labels, "filenames": names, "batch_label": "of 1"}
        (folder / name).write_bytes(pickle.dumps(batch, 2))
    meta = {"label_names": list(cifar10.CLASSES)}
    (folder / "batches.meta").write_bytes(pickle.dumps(meta, 2))
    for file in folder.iterdir():
        hashes[file.name] = hashlib.md5(file.read_bytes()).hexdigest()

    class Miniature(CIFAR10):
        train_list = (("data_batch_1", hashes["data_batch_1"]),)
        test_list = (("test_batch", hashes["test_batch"]),)

    Miniature.meta = {
        "filename": "batches.meta", "key": "label_names", "md5": hashes["batches.meta"],
    }  # fmt: skip
    return Miniature


def test_cifar10_is_read_in_its_published_form(raw, miniature):
    images = cifar10.cifar10("validation", miniature)
    assert images.table.to_numpy().tolist() == [
        ["validation_00000.png", 1, "car"],
        ["validation_00001.png", 4, ""],
        ["validation_00002.png", 8, "boat"],
    ]
    with open(raw / "cifar-10-batches-py" / "test_batch", "rb") as file:
        planes = pickle.load(file)["data"]  # red, green, blue, row by row
    x = images.load([2, 0])
    assert x.shape == (2, 3, 32, 32)
    assert (x[1].numpy() * 255).round().ravel().tolist() == planes[0].tolist()
    train = cifar10.cifar10("train", miniature)
    assert train.table["category"].tolist() == ["cat", "airplane"] and train.digest != images.digest
    assert train.augment([0], 1).shape == (1, 3, 32, 32)


def test_cifar10s_record():
    record = get_dataset("cifar10")
    assert (record.size, record.n_classes) == (32, 10)
    known = {c: [cifar10.CLASSES[i] for i in own] for c, own in record.category_classes.items()}
    assert {c: own for c, own in known.items() if own} == {
        "airplane": ["airplane"], "bird": ["bird"], "boat": ["ship"], "car": ["automobile"],
        "cat": ["cat"], "dog": ["dog"], "truck": ["truck"],
    }  # fmt: skip
    assert tuple(known) == CATEGORIES


def test_cifar10_from_elsewhere_is_not_unpickled(raw, miniature, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (tmp_path.joinpath("exploded").touch, ())

    file = raw / "cifar-10-batches-py" / "test_batch"
    file.write_bytes(pickle.dumps({"data": Bomb()}))
    wanted = r"cifar-10-batches-py is not the published CIFAR-10 \(.*\): move it away, and `shapeb"
    with pytest.raises(ValueError, match=wanted):
        cifar10.cifar10("validation", miniature)
    assert not (tmp_path / "exploded").exists()
    with pytest.raises(ValueError, match="is not the published CIFAR-10"):
        get_dataset("cifar10").images("train")  # the miniature is not the published one


def test_cifar10_missing_or_an_unknown_split(raw):
    with pytest.raises(FileNotFoundError, match="no CIFAR-10 at .*`shapebias fetch cifar10`"):
        get_dataset("cifar10").images("train")
    with pytest.raises(ValueError, match="unknown split 'test'; choose one of train, validation"):
        get_dataset("cifar10").images("test")
    (raw / "cue_conflict" / "cat").mkdir(parents=True)
    for name in ("cat1-dog1.png", "cat2-bear1.png"):
        Image.new("RGB", (64, 64), "red").save(raw / "cue_conflict" / "cat" / name)
    images = get_dataset("cifar10").images("cue_conflict")
    assert images.table["imagename"].tolist() == ["cat1-dog1.png"]
    assert images.load([0]).shape == (1, 3, 32, 32)
