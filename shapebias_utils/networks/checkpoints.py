"""Safe reading and writing of weights: no file that is loaded can execute code."""

import hashlib
import json
import pickle
from pathlib import Path

import torch
from torch import Tensor, nn


def file_hash(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits; FileNotFoundError says how to get the file."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"no checkpoint at {path}: `shapebias doctor` says how to get it"
        ) from None


def weights_hash(module: nn.Module) -> str:
    """SHA-256 of a module's weights, for networks that come without a file."""
    digest = hashlib.sha256()
    for key, value in sorted(module.state_dict().items()):
        digest.update(f"{key} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def save(module: nn.Module, path: Path) -> None:
    """Write the weights as safetensors."""
    from safetensors.torch import save_file

    state = {k: v.detach().cpu().contiguous() for k, v in module.state_dict().items()}
    save_file(state, path)


def load_into(module: nn.Module, path: Path, sha256: str | None = None) -> None:
    """Load a checkpoint into the module; nothing is changed if anything is wrong with the file.

    Reads safetensors, torchvision state dicts and files of the `robustness` library (keys
    ``module.model.*`` under "model" or "state_dict", weights twice). `sha256`, or else the hash in
    the JSON file beside the checkpoint, must be the file's. ValueError where it is not, where the
    file is truncated or would execute code, or where a weight is missing, unknown or of another
    shape (the first such key is named).
    """
    path = Path(path)
    found = file_hash(path)
    card = path.with_suffix(".json")
    if sha256 is None and card.exists():
        sha256 = json.loads(card.read_text()).get("sha256")
    if sha256 is not None and found != sha256:
        raise ValueError(
            f"{path} has SHA-256 {found}, expected is {sha256}: it is another file or a broken "
            "download; get it again or `git checkout` it"
        )
    state = torchvision_keys(_read(path))
    _check_shapes(module, state, path)
    module.load_state_dict(state)


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except SafetensorError as error:
            raise ValueError(f"{path} is truncated or no safetensors file: {error}") from None
    try:
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "GLOBAL" not in str(error) and "global" not in str(error):
            raise ValueError(f"{path} is truncated or no checkpoint: {error}") from None
        raise ValueError(
            f"{path} is refused: loading it would execute code that it brings along; load it where "
            "you trust it and save its state dict as safetensors"
        ) from None
    except (RuntimeError, EOFError, OSError) as error:
        raise ValueError(f"{path} is truncated or no checkpoint: {error}") from None
    if not isinstance(contents, dict):
        raise ValueError(f"{path} holds a {type(contents).__name__}, expected is a state dict")
    for key in ("model", "state_dict"):
        if isinstance(contents.get(key), dict):
            return contents[key]
    return contents


def torchvision_keys(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict with the key names of torchvision, from those of the `robustness` library."""
    prefix = next((p for p in ("module.model.", "model.") if any(k.startswith(p) for k in state)), "")
    if not prefix:
        return state
    renamed = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    names = (("last_layer.", "classifier.6."), (".branch4_conv.", ".branch4.1."))
    for old, new in names:
        renamed = {
            (k.replace(old, new) if old in f".{k}" and old in k else k): v for k, v in renamed.items()
        }
    return {k: v for k, v in renamed.items() if not k.startswith(("aux1.", "aux2."))}


def _check_shapes(module: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    wanted = module.state_dict()
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
