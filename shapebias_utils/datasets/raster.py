"""Raster images in files that need not be trusted: of three formats, whole, of bounded size.

Pillow by itself chooses a decoder by what a file holds, whatever the file is called, and one of
its decoders (of PostScript) starts another program. Here the decoders that are named are the only
ones that ever see a file.
"""

import os
from io import BytesIO
from math import prod
from pathlib import Path
from stat import S_ISREG

from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ..files import line

DECODERS = {
    b"\x89PNG\r\n\x1a\n": PngImageFile,
    b"\xff\xd8\xff": JpegImageFile,
    b"RIFF": WebPImageFile,
}
"""First bytes of a file -> what decodes it."""

PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
"""The last chunk of a PNG, whose checksum Pillow does not look at."""

MEGAPIXELS = 64.0
"""Of the largest image that is taken, unless SHAPEBIAS_MEGAPIXELS says otherwise."""


def check_size(path: str | Path, size: tuple[int, int], why: str = "") -> None:
    """ValueError where an image of that (width, height) is larger than the limit."""
    limit = _limit()
    if prod(size) > 1e6 * limit:
        raise ValueError(
            f"{path} is {size[0]}x{size[1]} pixels{why}, more than {limit:g} megapixels: replace "
            "it by a smaller copy, or set SHAPEBIAS_MEGAPIXELS"
        )


def _limit() -> float:
    text = os.environ.get("SHAPEBIAS_MEGAPIXELS") or str(MEGAPIXELS)
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"SHAPEBIAS_MEGAPIXELS is {text!r}: it must be a number") from None


def contents_of(path: str | Path) -> bytes:
    """The bytes of an image's file; ValueError names one that cannot be read, is no regular file,
    or larger than any image within the limit is."""
    most = 8e6 * _limit() + 1e6  # 16 bits of red, green, blue and opacity a pixel, uncompressed
    try:
        facts = os.stat(path)
        if not S_ISREG(facts.st_mode):  # a pipe or a device would be read for ever
            raise OSError("it is no regular file")
        if facts.st_size > most:
            raise OSError(f"it has {facts.st_size / 1e6:,.0f} MB, more than an image may have")
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        raise unreadable(path, error) from None


def open_image(path: str | Path, contents: bytes, decode: bool = True) -> ImageFile:
    """The image that a file's `contents` are, decoded.

    Without `decode`, its pixels are decoded only where nothing else tells whether it is whole: a
    PNG has checksums, which are ten times faster. ValueError names the file and says what is
    wrong: no PNG, JPEG or WebP, larger than the limit (by its header, before anything is decoded),
    not whole.
    """
    decoder = next((d for first, d in DECODERS.items() if contents.startswith(first)), None)
    if decoder is None:
        raise unreadable(path, ValueError("it is no PNG, JPEG or WebP"))
    try:
        image = decoder(BytesIO(contents))
    except Exception as error:  # Pillow's decoders raise whatever they stumble over
        raise unreadable(path, error) from None
    check_size(path, image.size)
    try:
        if decoder is PngImageFile:
            PngImageFile(BytesIO(contents)).verify()  # which leaves an image that cannot be decoded
            if PNG_END not in contents:
                raise ValueError("its end is missing or damaged")
        if decode or decoder is not PngImageFile:
            image.load()
    except Exception as error:
        raise unreadable(path, error) from None
    return image


def unreadable(path: str | Path, error: Exception) -> ValueError:
    """What to raise where a file is no readable image: one line with the file and the remedy."""
    reason = getattr(error, "strerror", None) or line(error)[:200]
    return ValueError(
        f"{path} is not a readable image ({reason}): replace it by a whole copy or remove it"
    )
