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

import numpy as np
import torch
from torch import Tensor, nn

from ..files import sha256
from .normalised import Normalised, unwrapped

_PREFIXES = ("", "module.model.", "module.", "model.")
"""Before the keys of a file: none, `robustness`, DataParallel, `robustness` without the latter."""

_RENAMED = (("last_layer.", "classifier.6."), (".branch4_conv.", ".branch4.1."))
"""Parts of keys in the architectures of `robustness` and of the paper -> in torchvision's."""

_NUMBERS = [
    (np._core.multiarray.scalar, "numpy.core.multiarray.scalar"),  # its name before numpy 2
    np._core.multiarray.scalar,
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("float64", "float32", "int64")),
]
"""Numpy numbers, which files of `robustness` may hold: harmless, but not on torch's list."""


_REFUSALS = r"GLOBAL (\S+)|reduce for unrecognized|Can only (create|build)"
"""Of torch's safe unpickler, on meeting something else than weights and plain values."""


def file_hash(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits; FileNotFoundError says how to get the file.

    Read once in a process, and again when its size or time of modification is another.
    """
    try:
        state = path.stat()
        return _hash_of(path, state.st_size, state.st_mtime_ns)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"no checkpoint at {path}: `shapebias doctor` says how to get it"
        ) from None


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
    card = path.with_suffix(".json")
    facts = json.loads(card.read_text()) if card.exists() else {}
    return facts.get("rounded_from") or file_hash(path)


def save(module: nn.Module, path: Path, half: bool = False) -> None:
    """Write the weights as safetensors, in half precision if wanted; loading widens them again."""
    from safetensors.torch import save_file

    state = {k: v.detach().cpu().contiguous() for k, v in unwrapped(module).state_dict().items()}
    if half:
        state = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    save_file(state, path)


def load_into(module: nn.Module, path: Path, sha256: str | None = None) -> None:
    """Load a checkpoint into the module; nothing is changed if anything is wrong with the file.

    Reads safetensors, state dicts of torchvision (GoogLeNet's auxiliary heads are passed over
    where the module has none) or saved under DataParallel, and files of the `robustness` library
    (keys ``module.model.*`` under "model" or "state_dict", weights twice; the mean and standard
    deviation that they carry must be those of the module). `sha256`, or else the hash in the JSON
    file beside the checkpoint, must be the file's, or its first digits. ValueError where it is
    not, where the file is truncated or would execute code, or where a weight is missing, unknown
    or of another shape (the first such key is named).
    """
    path = Path(path)
    _check_hash(path, sha256)
    state, network = _read(path), unwrapped(module)
    wanted = network.state_dict()
    if isinstance(module, Normalised):
        _check_normaliser(module, state, path)
    state = _named_as(wanted, state)
    _check_shapes(wanted, state, path)
    network.load_state_dict(state)


def _check_hash(path: Path, sha256: str | None) -> None:
    card = path.with_suffix(".json")
    found = file_hash(path)
    if sha256 is None and card.exists():
        try:
            sha256 = json.loads(card.read_text()).get("sha256")
        except (ValueError, AttributeError):
            raise ValueError(f"{card} is damaged: `git checkout` it, or remove it") from None
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
            raise ValueError(f"{path} is truncated or no safetensors file: {reason}") from None
    try:
        with torch.serialization.safe_globals(_NUMBERS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on the pickle protocol: what matters raises
            contents = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can fail anywhere in the unpickler
        refused = re.search(_REFUSALS, str(error))
        if refused is None:
            raise ValueError(f"{path} is truncated or no checkpoint: {_line(error)}") from None
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
        raise ValueError(f"{path} holds no state dict: {what}")
    return dict(contents)


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
    heads = ("aux1.", "aux2.")
    return {k: v for k, v in named.items() if k in wanted or not k.startswith(heads)}


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
            raise ValueError(f"{path} lacks {key!r}: it belongs to another architecture")
        if state[key].shape != value.shape:
            raise ValueError(
                f"{path}: {key!r} has shape {tuple(state[key].shape)}, the network's is "
                f"{tuple(value.shape)}: it belongs to another architecture"
            )
    for key in state:
        if key not in wanted:
            raise ValueError(f"{path} has {key!r}, which the network has not: another architecture")
