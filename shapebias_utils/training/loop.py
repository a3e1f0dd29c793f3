"""Standard and adversarial training (the paper's Eq. 1 and 2), resumable at any epoch.

A recipe is a record; `train` runs it. All randomness of an epoch is keyed by (seed, epoch), so a
run that is killed and started again ends with the weights of an unbroken one.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import distributed
from ..attacks import pgd
from ..datasets import ImageSet
from ..files import atomic, locked, provenance
from ..hardware import device, fast_bf16, keep_freed_memory
from ..networks.checkpoints import file_hash, load_into, save, trained_hash
from .recipes import Recipe


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
) -> Path:
    """The path of the trained weights: `out`, a safetensors file.

    Beside it lie a CSV log (a row an epoch: eps, loss, accuracy on what was trained on, rate,
    seconds), a JSON file (recipe, seed, SHA-256, versions) and, while the run goes on,
    ``.state.pt``, from which it resumes. `start` holds the weights to go on from.
    A finished run of the same recipe is not repeated. ValueError where `out` or the state on disk
    belongs to another recipe or seed.
    """
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
        network = network.to(device(), memory_format=torch.channels_last)
        optimiser = torch.optim.SGD(
            network.parameters(), recipe.rate, recipe.momentum, weight_decay=recipe.weight_decay
        )
        rows: list[dict] = []
        if state.exists():
            kept = torch.load(state, weights_only=True, map_location=device())
            _same_run(state, kept["facts"], facts)
            network.load_state_dict(kept["network"])
            optimiser.load_state_dict(kept["optimiser"])
            rows = kept["rows"]
        keep_freed_memory()
        wrapped = distributed.wrap(network)
        for epoch in range(len(rows), recipe.epochs):
            rows.append(_epoch(wrapped, network, optimiser, images, recipe, seed, epoch, label))
            if distributed.rank() == 0:
                kept = {"facts": facts, "network": network.state_dict(), "rows": rows,
                        "optimiser": optimiser.state_dict()}  # fmt: skip
                with atomic(state) as path:
                    torch.save(kept, path)
                with atomic(log) as path:
                    pd.DataFrame(rows).to_csv(path, index=False)
            if on_epoch:
                on_epoch(epoch)
        if distributed.rank() == 0:
            with atomic(out) as path:
                save(network, path)
            facts |= {"sha256": file_hash(out), "provenance": provenance()}
            with atomic(card) as path:
                path.write_text(json.dumps(facts, indent=1) + "\n")
            out.chmod(0o644)
            state.unlink(missing_ok=True)
        distributed.barrier()  # none goes on before rank 0 has written
    return out


def _same_run(path: Path, found: dict, wanted: dict) -> None:
    for field, value in wanted.items():
        if found.get(field) != value:
            raise ValueError(
                f"{path} comes from another {field} ({found.get(field)}, wanted {value}); "
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
    bar = tqdm(range(steps), desc=title, unit="step", leave=False, disable=distributed.rank() > 0)
    for step in bar:
        progress = (epoch * steps + step) / (recipe.epochs * steps)
        rows = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
        rows = rows[distributed.rank() :: distributed.world_size()]
        x = images.augment(rows, _key(seed, epoch, step, distributed.rank()))
        x = x.to(where, memory_format=torch.channels_last)
        y = labels[rows].to(where)
        attack = recipe.attack_at(progress)
        if attack is not None:
            network.eval().requires_grad_(False)
            x = pgd(network, x, y, attack, bf16=bf16)
            network.requires_grad_(True)
        wrapped.train()
        rate = recipe.rate_at(progress)
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(where.type, torch.bfloat16, enabled=bf16):
            logits = wrapped(x)
        loss = F.cross_entropy(logits.float(), y)
        loss.backward()
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
