"""Files from elsewhere: fetched, gone on with after an interruption, and checked."""

import http.client
import os
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

from .distortions.external import WEIGHTS
from .files import locked, sha256
from .paths import CHECKPOINTS, Download


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
        *WEIGHTS,
    )
}
"""Name -> what `shapebias fetch` brings."""


def fetch(record: Download) -> Path:
    """The path of the downloaded file, checked against its hash.

    What an interrupted download has brought stays beside it as ``.part``, and the next one goes
    on from there; the file itself appears whole or not at all. OSError if it cannot be had,
    ValueError if it is another file than the record describes.
    """
    target, part = record.path, record.path.with_name(record.path.name + ".part")
    with locked(target):
        if target.exists():
            if (found := sha256(target)).startswith(record.sha256):
                return target
            raise ValueError(
                f"{target} has SHA-256 {found}, expected is {record.sha256}...: move it away and "
                f"`shapebias fetch {record.name}` again"
            )
        try:
            _download(record, part)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise OSError(
                f"cannot fetch {record.name} from {record.url}: {reason}; what has come so far is "
                "kept, the same command goes on from there"
            ) from error
        if not (found := sha256(part)).startswith(record.sha256):
            part.unlink()
            raise ValueError(
                f"{record.url} has SHA-256 {found}, expected is {record.sha256}...: removed; try "
                "again, and if it stays so do not use that file"
            )
        os.replace(part, target)
    return target


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
