"""Safe reading and writing of weights: no file that is loaded can execute code.

A file holds the weights of the network itself, under its own names, without the prefix of
:func:`shapebias_utils.networks.normalised.normalised` around it.
"""

import hashlib
import json
import re
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from stat import S_ISREG
from zipfile import ZipFile, is_zipfile

import numpy as np
import torch
from torch import Tensor, nn

from ..files import check_bytes, sha256
from .normalised import Normalised, unwrapped

_PREFIXES = ("", "module.model.", "module.", "model.")
"""Before the keys of a file: none, `robustness`, DataParallel, `robustness` without the latter."""

_RENAMED = (
    ("last_layer.", "classifier.6."), (".branch4_conv.", ".branch4.1."),
    (".norm.1.", ".norm1."), (".norm.2.", ".norm2."), (".conv.1.", ".conv1."),
    (".conv.2.", ".conv2."), (".mlp.linear_1.", ".mlp.0."), (".mlp.linear_2.", ".mlp.3."),
)  # fmt: skip
"""Parts of keys in the architectures of `robustness` and of the paper, and in the files of
torchvision's DenseNets and ViTs -> in torchvision's architectures."""

_PASSED_OVER = re.compile(r"^aux[12]\.|\.aux_bn\.")
"""What a file may have more than the network: GoogLeNet's auxiliary heads, AdvProp's auxiliary
batch norms."""

_NUMBERS = [
    (np._core.multiarray.scalar, "numpy.core.multiarray.scalar"),  # its name before numpy 2
    np._core.multiarray.scalar,
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("float64", "float32", "int64")),
]
"""Numpy numbers, which files of `robustness` may hold: harmless, but not on torch's list."""


_AGAIN = "; get it again, or save it anew"

_RIGHT = "; name the right file"

SWELLING = 100_000_000
"""Bytes by which an archive may unpack to more than twice its size."""

MOST = 20
"""Times the size of a network's weights that its file may have, beside `SWELLING`: files of
`robustness` hold the weights twice, and the optimiser's state."""

_REFUSALS = r"GLOBAL (\S+)|reduce for unrecognized|Can only (create|build)"
"""Of torch's safe unpickler, on meeting something else than weights and plain values."""


def file_hash(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits; FileNotFoundError says how to get the file.

    Read once in a process, and again when its size or time of modification is another.
    """
    try:
        state = path.stat()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"no checkpoint at {path}: `shapebias doctor` says how to get it"
        ) from None
    if not S_ISREG(state.st_mode):  # a pipe or a device would be read for ever
        raise ValueError(f"{path} is no regular file: name the file that holds the weights")
    return _hash_of(path, state.st_size, state.st_mtime_ns)


@cache
def _hash_of(path: Path, size: int, modified: int) -> str:
    return sha256(path)


@cache
def structure(build: Callable[[], nn.Module]) -> str:
    """What a network prints of itself: its layers and their constants. Built once in a process."""
    return repr(build())


def weights_hash(module: nn.Module) -> str:
    """SHA-256 of a module's weights and structure, for networks that come without a file.

    The structure, since the same weights do something else behind another normalisation.
    """
    digest = hashlib.sha256(repr(module).encode())
    for key, value in sorted(module.state_dict().items()):
        digest.update(f"{key} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(
            value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
        )
    return digest.hexdigest()


def trained_hash(path: Path) -> str:
    """The hash of the weights as they were trained, for what went on from them.

    Of the file, or of that which its card says it was rounded from.
    """
    return _card(path).get("rounded_from") or file_hash(path)


def _card(path: Path) -> dict:
    """The facts in the JSON file beside the checkpoint, none where there is no such file."""
    card = path.with_suffix(".json")
    try:
        facts = json.loads(card.read_text()) if card.exists() else {}
        if isinstance(facts, dict) and isinstance(facts.get("sha256", ""), str):
            return facts
    except (ValueError, RecursionError):
        pass
    raise ValueError(f"{card} is damaged: `git checkout` it, or remove it")


def save(module: nn.Module, path: Path, half: bool = False) -> None:
    """Write the weights as safetensors, in half precision if wanted; loading widens them again."""
    from safetensors.torch import save as contents_of

    state = {k: v.detach().cpu().contiguous() for k, v in unwrapped(module).state_dict().items()}
    if half:
        state = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    path.write_bytes(contents_of(state))  # safetensors' own writer says nothing of a full disk


def load_into(module: nn.Module, path: Path, sha256: str | None = None) -> None:
    """Load a checkpoint into the module; nothing is changed if anything is wrong with the file.

    Reads safetensors, state dicts of torchvision (GoogLeNet's auxiliary heads, and the batch norms
    of AdvProp's auxiliary branch, are passed over where the module has none) or saved under
    DataParallel, and files of the `robustness` library
    (keys ``module.model.*`` under "model" or "state_dict", weights twice; the mean and standard
    deviation that they carry must be those of the module). `sha256`, or else the hash in the JSON
    file beside the checkpoint, must be the file's, or its first digits. ValueError where it is
    not, where the file is none, is far larger than the network, is truncated, swells when it is
    unpacked or would execute code, or where a weight is missing, unknown, of another shape, no
    dense floating-point tensor or not finite (the first such key is named).
    """
    path, network = Path(path), unwrapped(module)
    wanted = network.state_dict()
    if path.is_file():  # what is none, or not there, is told next
        own = sum(value.nbytes for value in wanted.values())
        check_bytes(path, MOST * own + SWELLING, "a checkpoint of that network")
    _check_hash(path, sha256)
    state = _read(path)
    if isinstance(module, Normalised):
        _check_normaliser(module, state, path)
    state = _named_as(wanted, state)
    _check_shapes(wanted, state, path)
    _check_values(wanted, state, path)
    wanted.update(state)  # it knows its modules' versions, which MNASNet asks for
    network.load_state_dict(wanted)


def _check_hash(path: Path, sha256: str | None) -> None:
    found = file_hash(path)
    sha256 = _card(path).get("sha256") if sha256 is None else sha256
    if sha256 is not None and (not sha256 or not found.startswith(sha256.lower())):
        raise ValueError(
            f"{path} has SHA-256 {found}, expected is {sha256}: it is another file or a broken "
            "download; get it again or `git checkout` it"
        )


def _read(path: Path) -> dict[str, Tensor]:
    """The state dict in a file, under the file's keys."""
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except SafetensorError as error:
            reason = _line(error)
            raise ValueError(
                f"{path} is truncated or no safetensors file: {reason}{_AGAIN}"
            ) from None
    _check_size(path)
    try:
        with torch.serialization.safe_globals(_NUMBERS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on the pickle protocol: what matters raises
            contents = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can fail anywhere in the unpickler
        refused = re.search(_REFUSALS, str(error))
        if refused is None:
            reason = _line(error)
            raise ValueError(f"{path} is truncated or no checkpoint: {reason}{_AGAIN}") from None
        raise ValueError(
            f"{path} is refused: loading it would execute code that it brings along "
            f"({refused[1] or 'an unknown function'}); where you trust it, load it in another way "
            "and save its state dict as safetensors"
        ) from None
    for key in ("model", "state_dict"):
        if isinstance(contents, Mapping) and isinstance(contents.get(key), Mapping):
            contents = contents[key]
    if not isinstance(contents, Mapping):
        raise ValueError(f"{path} holds a {type(contents).__name__}, expected is a state dict")
    strange = [k for k, v in contents.items() if not (isinstance(k, str) and isinstance(v, Tensor))]
    if strange or not contents:
        what = f"its entry {strange[0]!r} is no tensor" if strange else "it is empty"
        raise ValueError(
            f"{path} holds no state dict: {what}; save that of the network itself, without the rest"
        )
    return dict(contents)


def _check_size(path: Path) -> None:
    """Refuse an archive that unpacks to far more than it is: weights hardly compress."""
    try:
        if not is_zipfile(path):
            return
        with ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except Exception as error:  # also of names that cannot be decoded, or a later form of zip
        reason = _line(error)
        raise ValueError(f"{path} is truncated or no checkpoint: {reason}{_AGAIN}") from None
    if unpacked > 2 * path.stat().st_size + SWELLING:
        raise ValueError(
            f"{path} is refused: it unpacks to {unpacked / 1e6:,.0f} MB, as weights do not; where "
            "you trust it, load it in another way and save its state dict as safetensors"
        )


def _line(error: Exception) -> str:
    """What an error says, in one short line; of torch's advice only the unpickler's own words."""
    text = str(error).rsplit("WeightsUnpickler error:", 1)[-1].strip().split("\n\n")[0]
    return " ".join(text.split())[:200] or type(error).__name__


def _named_as(wanted: Mapping[str, Tensor], state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict under the wanted names, as far as the file has them by any prefix."""

    def without(prefix: str) -> dict[str, Tensor]:
        named = {}
        for key, value in state.items():
            if key.startswith(prefix):
                named[_name(key.removeprefix(prefix), wanted)] = value
        return named

    named = max(map(without, _PREFIXES), key=lambda s: len(wanted.keys() & s.keys()))
    # Counters that inference does not use, and that files from before PyTorch 0.4.1 lack.
    counters = (k for k in wanted.keys() - named.keys() if k.endswith("num_batches_tracked"))
    named |= {k: wanted[k] for k in counters}
    return {k: v for k, v in named.items() if k in wanted or not _PASSED_OVER.search(k)}


def _name(key: str, wanted: Mapping[str, Tensor]) -> str:
    for old, new in _RENAMED:
        if key not in wanted and key.replace(old, new) in wanted:
            return key.replace(old, new)
    return key


def _check_normaliser(module: Normalised, state: Mapping[str, Tensor], path: Path) -> None:
    """A file of `robustness` says what its network's input was normalised with."""
    for prefix in ("module.normalizer.", "normalizer."):
        if not {prefix + "new_mean", prefix + "new_std"} <= state.keys():
            continue
        mean, std = (state[prefix + k].detach().float().flatten() for k in ("new_mean", "new_std"))
        grey = torch.tensor([0.2, 0.5, 0.7]).view(1, 3, 1, 1).to(module.mean)
        ours = module.prepare(grey).detach().flatten().cpu()
        if mean.shape != (3,) or (ours - (grey.flatten().cpu() - mean) / std).abs().max() > 0.01:
            raise ValueError(
                f"{path} was trained on images normalised with mean {_digits(mean)} and std "
                f"{_digits(std)}: wrap the network with these, normalised(network, mean, std)"
            )


def _digits(values: Tensor) -> list[float]:
    return [round(v, 4) for v in values.tolist()]


def _check_shapes(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor], path: Path) -> None:
    for key, value in wanted.items():
        if key not in state:
            raise ValueError(f"{path} lacks {key!r}: it belongs to another architecture{_RIGHT}")
        if state[key].shape != value.shape:
            raise ValueError(
                f"{path}: {key!r} has shape {tuple(state[key].shape)}, the network's is "
                f"{tuple(value.shape)}: it belongs to another architecture{_RIGHT}"
            )
    for key in state:
        if key not in wanted:
            raise ValueError(
                f"{path} has {key!r}, which the network has not: another architecture{_RIGHT}"
            )


def _check_values(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor], path: Path) -> None:
    for key, value in wanted.items():
        found = state[key]
        if found.is_meta or found.layout != torch.strided or found.is_quantized:
            kind = "meta" if found.is_meta else str(found.layout).removeprefix("torch.")
            raise ValueError(
                f"{path}: {key!r} is a {kind} tensor, expected is a dense one with its values: "
                "save the state dict of the network itself"
            )
        if found.is_floating_point() != value.is_floating_point() or found.is_complex():
            raise ValueError(
                f"{path}: {key!r} is of {found.dtype}, the network's of {value.dtype}: save the "
                "weights as floating-point numbers"
            )
        if not found.isfinite().all():
            raise ValueError(
                f"{path}: {key!r} has values that are not finite: the training diverged, or the "
                "file is damaged; get it again, or train it anew"
            )
