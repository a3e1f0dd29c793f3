"""Files from elsewhere: fetched, gone on with after an interruption, and checked."""

import hashlib
import http.client
import json
import os
import shutil
import tarfile
import urllib.request
import zipfile
from pathlib import Path
from urllib.error import HTTPError

from .datasets.broden import ARCHIVE
from .datasets.imagenet_c import ARCHIVES, ORIGIN
from .distortions.external import WEIGHTS
from .files import atomic, locked, sha256
from .paths import CHECKPOINTS, RAW, Download


def _torchvision(name: str, file: str, megabytes: int) -> Download:
    """torchvision puts the first eight digits of the SHA-256 into the file's name."""
    return Download(
        name,
        f"https://download.pytorch.org/models/{file}",
        file.rsplit("-", 1)[1].removesuffix(".pth"),
        CHECKPOINTS / "imagenet" / file,
        megabytes,
        "torchvision, BSD-3-Clause; trained on ImageNet (research use)",
    )


def _geirhos(name: str, commit: str, file: str) -> Download:
    where = "https://bitbucket.org/robert_geirhos/texture-vs-shape-pretrained-models/raw"
    note = "Geirhos et al. 2019, no licence stated; trained on Stylized-ImageNet"
    return Download(name, f"{where}/{commit}/{file}", "", CHECKPOINTS / "imagenet" / file, 0, note)


_IMAGENET_C = {
    "blur": (7113, "2d8e81fdd8e07fef67b9334fa635e45c"),
    "digital": (7758, "89157860d7b10d5797849337ca2e5c03"),
    "extra": (15789, "d492dfba5fc162d8ec2c3cd8ee672984"),
    "noise": (22566, "e80562d7f6c3f8834afb1ecf27252745"),
    "weather": (12797, "33ffea4db4d93fe4a428c40a6ce0c25d"),
}
"""Archive -> megabytes and MD5, as Zenodo lists them."""


def _imagenet_c(archive: str) -> Download:
    megabytes, md5 = _IMAGENET_C[archive]
    return Download(
        f"imagenet_c_{archive}",
        f"{ORIGIN}/files/{archive}.tar?download=1",
        "",
        RAW / "imagenet-c" / f"{archive}.tar",
        megabytes,
        "Hendrycks & Dietterich 2019, CC BY 4.0; the photographs ImageNet's (research use)",
        unpacks=ARCHIVES[archive],
        md5=md5,
    )


_SIN_AND_IN = "60b770e128fffcbd8562a3ab3546c1a735432d03"

DOWNLOADS = {
    d.name: d
    for d in (
        _torchvision("alexnet", "alexnet-owt-7be5be79.pth", 244),
        _torchvision("googlenet", "googlenet-1378be20.pth", 52),
        _torchvision("resnet50", "resnet50-0676ba61.pth", 103),
        Download(
            "resnet50_l2_eps3",
            "https://huggingface.co/madrylab/robust-imagenet-models/resolve/"
            "3f04ac96136001cfe402022100728124cbe3fac5/resnet50_l2_eps3.ckpt",
            "380b14e6f9750bffa1447cf7017f65da4dc5ce71a3dd112f107515dcf7b14d9d",
            CHECKPOINTS / "imagenet" / "resnet50_l2_eps3.ckpt",
            205,
            "Salman et al. 2020, MIT; a sister of the paper's ResNet-R (62.8 % clean, not 57.9 %)",
        ),
        Download(
            "tiny_imagenet",
            "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
            "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
            RAW / "tiny-imagenet-200.zip",
            248,
            "Stanford CS231n; ImageNet's terms (research use)",
            unpacks=("tiny-imagenet-200",),
        ),
        Download(
            "cifar10",
            "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            RAW / "cifar-10-python.tar.gz",
            170,
            "Krizhevsky 2009, no licence stated",
            unpacks=("cifar-10-batches-py",),
        ),
        _geirhos(
            "resnet50_sin",
            "6f41d2e86fc60566f78de64ecff35cc61eb6436f",
            "resnet50_train_60_epochs-c8e5653e.pth.tar",
        ),
        _geirhos(
            "resnet50_sin_and_in",
            _SIN_AND_IN,
            "resnet50_train_45_epochs_combined_IN_SF-2a0d100e.pth.tar",
        ),
        _geirhos(
            "resnet50_sin_in_joint",
            _SIN_AND_IN,
            "resnet50_finetune_60_epochs_lr_decay_after_30_start_resnet50_train_45_epochs_"
            "combined_IN_SF-ca06340c.pth.tar",
        ),
        Download(
            "broden",
            ARCHIVE,
            "",
            RAW / "broden1_224.zip",
            1000,
            "Bau et al. 2017; research use, as of its sources (ADE, Pascal, OpenSurfaces, DTD)",
            unpacks=("broden1_224",),
        ),
        *map(_imagenet_c, ARCHIVES),
        *WEIGHTS,
    )
}
"""Name -> what `shapebias fetch` brings."""


def fetch(record: Download) -> Path:
    """The path of the downloaded file, checked against its hash, or of the (first) folder that it
    unpacks to.

    What an interrupted download has brought stays beside it as ``.part``, and the next one goes
    on from there; the file itself appears whole or not at all, and so does the folder. A folder
    that is there already is not looked into. OSError if it cannot be had, ValueError if it is
    another file than the record describes, or than came the first time where no hash is
    published: that is recorded beside it, in a JSON file.
    """
    target, part = record.path, record.path.with_name(record.path.name + ".part")
    with locked(target):
        if record.unpacks and all((target.parent / name).is_dir() for name in record.unpacks):
            shutil.rmtree(_unpacking(record), ignore_errors=True)  # of a fetch that was killed
            target.unlink(missing_ok=True)
            return target.parent / record.unpacks[0]
        if target.exists():
            if wrong := _mismatch(record, target):
                raise ValueError(
                    f"{target} {wrong}: move it away and `shapebias fetch {record.name}` again"
                )
            return _unpacked(record) if record.unpacks else target
        try:
            _download(record, part)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise OSError(
                f"cannot fetch {record.name} from {record.url}: {reason}; what has come so far is "
                "kept, the same command goes on from there"
            ) from error
        if wrong := _mismatch(record, part):
            part.unlink()
            raise ValueError(
                f"{record.url} {wrong}: removed; try again, and if it stays so do not use that file"
            )
        os.replace(part, target)
        return _unpacked(record) if record.unpacks else target


def _unpacking(record: Download) -> Path:
    return record.path.with_name(f".{record.path.name}.unpacking")


def _mismatch(record: Download, file: Path) -> str:
    """In which hash the file is another than the record's, "" if in none; an unknown one is
    recorded."""
    card = record.path.with_suffix(".json")
    found, wanted = sha256(file), record.sha256
    if not wanted and card.exists():
        wanted = json.loads(card.read_text())["sha256"]
    if not found.startswith(wanted):
        return f"has SHA-256 {found}, expected is {wanted}..."
    if record.md5 and not wanted:
        with open(file, "rb") as stream:
            md5 = hashlib.file_digest(stream, "md5").hexdigest()
        if md5 != record.md5:
            return f"has MD5 {md5}, expected is {record.md5}"
    if not wanted:
        with atomic(card) as path:
            path.write_text(json.dumps({"sha256": found, "url": record.url}, indent=1) + "\n")
    return ""


def _unpacked(record: Download) -> Path:
    """The first folder that the checked archive brings; the archive is gone then.

    The folders may lie within one of the archive's own. ValueError if it does not bring one of
    them.
    """
    beside = _unpacking(record)
    shutil.rmtree(beside, ignore_errors=True)  # of a fetch that was killed
    try:
        if zipfile.is_zipfile(record.path):
            with zipfile.ZipFile(record.path) as archive:
                archive.extractall(beside)
        else:
            with tarfile.open(record.path) as archive:
                archive.extractall(beside, filter="data")
        for name in record.unpacks:
            inside = [p for p in (beside / name, *beside.glob(f"*/{name}")) if p.is_dir()]
            if not inside:
                raise ValueError(f"{record.path} holds no folder {name}: look into it")
            if not (record.path.parent / name).is_dir():
                os.replace(inside[0], record.path.parent / name)
    except (tarfile.TarError, zipfile.BadZipFile) as error:
        raise ValueError(f"{record.path} is refused: {error}; remove it") from error
    except OSError as error:
        reason = error.strerror or error
        raise OSError(
            f"cannot unpack {record.path} ({reason}): make room there, and "
            f"`shapebias fetch {record.name}` again"
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    record.path.unlink()
    return record.path.parent / record.unpacks[0]


def _download(record: Download, part: Path) -> None:
    from tqdm import tqdm

    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(record.url, headers={"Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=30)
    except HTTPError as error:
        if error.code == 416 and have:  # nothing is left to come: the hash decides
            return
        raise
    with response:
        goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        have = have if have and response.status == 206 and goes_on else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        bar = tqdm(
            desc=record.name, total=total, initial=have, unit="B", unit_scale=True, disable=None
        )
        with bar, open(part, "ab" if have else "wb") as file:
            while chunk := response.read(1 << 16):
                file.write(chunk)
                bar.update(len(chunk))
            size = file.tell()
    if total is not None and size < total:
        raise ConnectionError(f"the connection broke after {size} of {total} bytes")
