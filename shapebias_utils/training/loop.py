"""Standard and adversarial training (the paper's Eq. 1 and 2), resumable at any epoch.

A recipe is a record; `train` runs it. All randomness of an epoch is keyed by (seed, epoch), so a
run that is killed and started again ends with the weights of an unbroken one.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from .. import distributed
from ..attacks import Attack, pgd
from ..datasets import ImageSet
from ..files import atomic, locked, provenance
from ..hardware import device, fast_bf16, keep_freed_memory
from ..loading import batches
from ..networks.branches import through, two_branches
from ..networks.checkpoints import file_hash, load_into, save, trained_hash
from .flow import Flow, spatial
from .objectives import objective
from .recipes import Recipe, facts_of
from .watch import Watch, watched


def _key(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:6])


def train(
    build: Callable[[], nn.Module],
    images: ImageSet,
    recipe: Recipe,
    out: Path,
    seed: int = 0,
    start: Path | None = None,
    label: str = "training",
    on_epoch: Callable[[int], None] | None = None,
    watch: Watch | None = None,
) -> Path:
    """The path of the trained weights: `out`, a safetensors file.

    Beside it lie a CSV log (a row an epoch: eps, loss, accuracy on what was trained on, rate,
    seconds), a JSON file (recipe, seed, SHA-256, versions) and, while the run goes on,
    ``.state.pt``, from which it resumes. `start` holds the weights to go on from. With `watch` the
    log also has the accuracies `clean` and `adversarial` after each epoch on its images, which
    changes nothing about the training; a recipe that ends at an accuracy needs it.
    A finished run of the same recipe is not repeated. Under torchrun the processes share each of
    the recipe's batches, which is as large as ever. ValueError where `out` or the state on disk
    belongs to another recipe or seed, and where there are more processes than images in a batch.
    """
    if recipe.until is not None and watch is None:
        raise ValueError(f"{label} ends at an accuracy of {recipe.until}: give it images to watch")
    if distributed.world_size() > min(recipe.batch_size, len(images)):
        raise ValueError(
            f"{distributed.world_size()} processes cannot share batches of "
            f"{min(recipe.batch_size, len(images))} images: start fewer"
        )
    out = Path(out)
    facts = json.loads(
        json.dumps({"recipe": asdict(recipe), "seed": seed, "images": images.digest,
                    "start": start and trained_hash(start)})
    )  # fmt: skip
    card, log, state = (out.with_suffix(s) for s in (".json", ".csv", ".state.pt"))
    with locked(out, together=True):
        if out.exists() and card.exists():
            _same_run(out, json.loads(card.read_text()), facts)
            state.unlink(missing_ok=True)  # of a run that was killed just before its last line
            distributed.barrier()
            return out
        torch.manual_seed(_key(seed, "weights"))
        network = build()
        if start:
            load_into(network, start)
        if recipe.branches:
            two_branches(network)
        network = network.to(device(), memory_format=torch.channels_last)
        optimiser = torch.optim.SGD(
            network.parameters(), recipe.rate, recipe.momentum, weight_decay=recipe.weight_decay
        )
        rows: list[dict] = []
        if state.exists():
            kept = _read_state(state)
            _same_run(state, kept["facts"], facts)
            network.load_state_dict(kept["network"])
            optimiser.load_state_dict(kept["optimiser"])
            rows = kept["rows"]
        keep_freed_memory()
        wrapped = distributed.wrap(network)
        for epoch in range(len(rows), recipe.epochs):
            if rows and _reached(rows[-1], recipe):
                break
            row = _epoch(wrapped, network, optimiser, images, recipe, seed, epoch, label)
            # Each process has seen other images: of their batch norms rank 0's go on, as they would
            # from its state on disk.
            distributed.agree(network.buffers())
            rows.append(distributed.broadcast(row | (watched(network, watch) if watch else {})))
            if distributed.rank() == 0:
                kept = {"facts": facts, "network": network.state_dict(), "rows": rows,
                        "optimiser": optimiser.state_dict()}  # fmt: skip
                contents = BytesIO()  # torch's own writer says nothing of a full disk
                torch.save(kept, contents)
                with atomic(state) as path:
                    path.write_bytes(contents.getbuffer())
                _log(rows, log)
            if on_epoch:
                on_epoch(epoch)
        if distributed.rank() == 0:
            _log(rows, log)  # of the state, if a run was killed after it and before its own log
            with atomic(out) as path:
                save(network, path)
            facts |= {"sha256": file_hash(out), "provenance": provenance()}
            with atomic(card) as path:
                path.write_text(json.dumps(facts, indent=1) + "\n")
            out.chmod(0o644)
            state.unlink(missing_ok=True)
        distributed.barrier()  # none goes on before rank 0 has written
    return out


def _read_state(state: Path) -> dict:
    """What a run that was stopped left: facts, network, optimiser, rows."""
    try:
        kept = torch.load(state, weights_only=True, map_location=device())
        if {"facts", "network", "optimiser", "rows"} <= kept.keys():
            return kept
        reason = "it is of another version of the package"
    except Exception as error:  # a damaged file can fail anywhere in the unpickler
        reason = f"it is damaged: {type(error).__name__}"
    raise ValueError(f"{state} cannot be gone on from ({reason}): remove it to train anew")


def _log(rows: list[dict], log: Path) -> None:
    with atomic(log) as path:
        pd.DataFrame(rows).to_csv(path, index=False)


def _same_run(path: Path, found: dict, wanted: dict) -> None:
    for field, value in wanted.items():
        before = found.get(field)
        if field == "recipe" and isinstance(before, dict):  # perhaps of before it had newer fields
            same = facts_of(before) == facts_of(value)
        else:
            same = before == value
        if not same:
            raise ValueError(
                f"{path} comes from another {field} ({before}, wanted {value}); "
                "move it away or name another output to train anew"
            )


def _epoch(
    wrapped: nn.Module,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    images: ImageSet,
    recipe: Recipe,
    seed: int,
    epoch: int,
    label: str,
) -> dict:
    """Train for one epoch; the row of the log."""
    from tqdm.auto import tqdm

    began, where = time.monotonic(), device()
    bf16 = fast_bf16(where)
    torch.manual_seed(_key(seed, epoch))  # dropout, where a network has it
    order = np.random.default_rng([seed, epoch]).permutation(len(images))
    steps = max(1, len(images) // recipe.batch_size)
    labels = torch.tensor(images.table["label"].to_numpy())
    total, right, seen = 0.0, 0, 0
    title = f"{label}, epoch {epoch + 1}/{recipe.epochs}"
    rank, world = distributed.rank(), distributed.world_size()

    def rows_of(step: int) -> np.ndarray:
        """Those of the recipe's batch that are this process's."""
        return order[step * recipe.batch_size : (step + 1) * recipe.batch_size][rank::world]

    ahead = batches(lambda i: images.augment(rows_of(i), _key(seed, epoch, i, rank)), steps)
    bar = tqdm(ahead, title, steps, unit="step", leave=False, disable=rank > 0)
    for step, x in enumerate(bar):
        progress, rows = (epoch * steps + step) / (recipe.epochs * steps), rows_of(step)
        batch = min(recipe.batch_size, len(order))
        x = x.to(where, memory_format=torch.channels_last, non_blocking=True)
        y = labels[rows].to(where)
        attack, noise = recipe.attack_at(progress), _key(seed, epoch, step, "noise")
        x = _prepared(network, x, y, recipe, attack, noise, bf16)
        rate = recipe.rate_at(progress)
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad(set_to_none=True)
        loss, logits = objective(wrapped, network, x, y, recipe, bf16)
        # DDP takes the mean over processes, whose shares of a batch may differ by an image.
        (loss * (len(y) * world / batch)).backward()
        optimiser.step()
        total += loss.item() * len(y)
        right += int((logits.argmax(1) == y).sum())
        seen += len(y)
        bar.set_postfix(loss=f"{total / seen:.3f}", accuracy=f"{right / seen:.3f}")
    sums = distributed.add(Tensor([total, right, seen])).tolist()
    if not np.isfinite(sums[0]):
        raise FloatingPointError(f"the loss is {sums[0]} in epoch {epoch + 1}: lower the rate")
    return {
        "epoch": epoch + 1,
        "eps": attack.eps if attack else 0.0,
        "loss": sums[0] / sums[2],
        "accuracy": sums[1] / sums[2],
        "rate": rate,
        "seconds": round(time.monotonic() - began, 1),
    }


def _prepared(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    recipe: Recipe,
    attack: Attack | Flow | None,
    key: int,
    bf16: bool = False,
) -> Tensor:
    """The batch as the recipe trains on it: noisy, or attacked (of two branches, its second half).

    `key` seeds the noise, which is not clipped (Cohen et al. 2019). The network is left in eval
    mode where it was attacked.
    """
    if recipe.noise:
        draw = torch.Generator().manual_seed(key)
        x = x + recipe.noise * torch.randn(x.shape, generator=draw).to(x)
    if attack is None:
        return x
    half = len(x) // 2 if recipe.branches else 0
    network.eval().requires_grad_(False)
    with through(network, "auxiliary"):
        search = spatial if isinstance(attack, Flow) else pgd
        worst = search(network, x[half:], y[half:], attack, bf16=bf16)
    network.requires_grad_(True)
    return torch.cat([x[:half], worst]) if half else worst


def _reached(row: dict, recipe: Recipe) -> bool:
    return recipe.until is not None and row["clean"] >= recipe.until
