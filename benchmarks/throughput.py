"""How fast the paper's experiment trains, beside constant tensors, and how fast its set is made.

    python benchmarks/throughput.py [--json] [--size cpu|full] [--steps N]

Training: samples a second of the whole loop on the stored set (loader, steps, log; without checks
and checkpoints), over those of bare steps of the same network on one batch that lies on the device
all the time; the goal is 0.9. The two take turns, so that other load falls on both.

Set: samples a second that are made and stored as a run stores them, at the paper's 256 pixels, by
1 and by 2 processes, and how long all 330,834 take on 16 cores: measured where there are as many,
else extrapolated from 2 in proportion.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bradyseism.models.network import Classifier, Output, build
from bradyseism.samples.stored import store
from bradyseism.samples.synthetic import PaperSet, Selection
from bradyseism.training.data import IndexedDataset
from bradyseism.training.loop import fit
from bradyseism.workflows.reproduce_settings import SIZES, ReproduceSettings

CORES = 16
TURNS = 3
FIRST = 2  # steps that fill caches
KEPT = 1024  # samples that training goes round in
CHUNK = 50
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Clocked(nn.Module):
    """A network that notes when each step of training begins."""

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.network = network
        self.begins: list[float] = []

    def forward(self, images: Tensor) -> Output:
        """Classify images."""
        if self.training:
            self.begins.append(now())
        output: Output = self.network(images)
        return output


def now() -> float:
    """Seconds, once the device has done what it was given."""
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def of_loop(settings: ReproduceSettings, stored: Selection, folder: Path, steps: int) -> float:
    """Count samples a second of the training loop."""
    batch = settings.loop.batch_size
    loop = replace(settings.loop, epochs=1, checks=1, checkpoint_steps=0, tensorboard=False)
    turns = np.arange(batch * (steps + FIRST + 1)) % len(stored)
    network = Clocked(build(settings.network, 1, seed=0))
    check = Selection(stored, np.arange(2))
    with tempfile.TemporaryDirectory(dir=folder) as run:
        fit(network, IndexedDataset(Selection(stored, turns)), IndexedDataset(check), loop, run)
    begins = network.begins[FIRST:]
    return batch * (len(begins) - 1) / (begins[-1] - begins[0])


def of_constants(settings: ReproduceSettings, steps: int) -> float:
    """Count samples a second of bare steps on one batch."""
    loop = settings.loop
    torch.set_num_threads(loop.threads)
    form = torch.channels_last
    model = build(settings.network, 1, seed=0).to(DEVICE, memory_format=form).train()  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=loop.weight_decay)
    shape = (loop.batch_size, 1, settings.size, settings.size)
    images = torch.zeros(shape, device=DEVICE).contiguous(memory_format=form)
    labels = torch.arange(loop.batch_size, device=DEVICE).remainder(2).float()
    half = torch.autocast(DEVICE, torch.bfloat16) if "bf16" in loop.precision else nullcontext()
    for step in range(FIRST + steps):
        if step == FIRST:
            start = now()
        with half:
            loss = functional.binary_cross_entropy_with_logits(model(images).logit, labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), loop.gradient_norm)
        optimizer.step()
    return loop.batch_size * steps / (now() - start)


def trained(settings: ReproduceSettings, steps: int, folder: Path) -> dict[str, float]:
    """Compare the loop with bare steps: medians of turns."""
    whole = PaperSet(encoding=settings.encoding("half"))
    count = min(KEPT, settings.loop.batch_size * (steps + FIRST + 1))
    some = Selection(whole, np.linspace(0, len(whole) - 1, count).astype(np.intp))
    stored = Selection(store(some, folder / "training.npy"), np.arange(count))
    pairs = [
        (of_loop(settings, stored, folder, steps), of_constants(settings, steps))
        for _ in range(TURNS)
    ]
    ours, constant = (statistics.median(turn) for turn in zip(*pairs, strict=True))
    ratio = statistics.median(first / second for first, second in pairs)
    return {"loop": ours, "constant_tensors": constant, "ratio": ratio}


def made(processes: int, chunks: int, folder: Path) -> float:
    """Count samples a second that are made and stored, once every process has begun."""
    whole = PaperSet()
    count = CHUNK * processes * (chunks + 1)
    some = Selection(whole, np.linspace(0, len(whole) - 1, count).astype(np.intp))
    ends: list[float] = []
    path = folder / f"made-{processes}.npy"
    store(some, path, processes=processes, chunk=CHUNK,
          progress=lambda done, total: ends.append(time.perf_counter()))  # fmt: skip
    path.unlink()
    # One chunk of every process goes by while it loads and compiles.
    return CHUNK * (len(ends) - processes) / (ends[-1] - ends[processes - 1])


def generation(chunks: int, folder: Path) -> dict[str, float | bool]:
    """Measure how long the whole set takes on 16 cores."""
    one, two = made(1, chunks, folder), made(2, chunks, folder)
    enough = (os.cpu_count() or 1) >= CORES
    rate = made(CORES, chunks, folder) if enough else two * CORES / 2
    minutes = len(PaperSet()) / rate / 60
    return {"one_process": one, "two_processes": two, "sixteen_cores": rate,
            "extrapolated": not enough, "whole_set_minutes": minutes}  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--size", choices=("cpu", "full"))
    parser.add_argument("--steps", type=int, help="steps a turn; 6 on a CPU, 60 on a GPU")
    parser.add_argument("--chunks", type=int, default=6, help="chunks of 50 a process")
    asked = parser.parse_args()
    size = asked.size or ("full" if DEVICE == "cuda" else "cpu")
    steps = asked.steps or (60 if DEVICE == "cuda" else 6)
    settings = SIZES[size]
    with tempfile.TemporaryDirectory() as name:
        facts = {
            "size": size,
            "device": torch.cuda.get_device_name() if DEVICE == "cuda" else "cpu",
            "cores": os.cpu_count(),
            "training": trained(settings, steps, Path(name)),
            "generation": generation(asked.chunks, Path(name)),
        }
    if asked.json:
        print(json.dumps(facts, indent=1))
        return
    print(f"{settings.network}, {settings.size} px, {facts['device']}, {facts['cores']} cores")
    for what, numbers in (("training", facts["training"]), ("generation", facts["generation"])):
        for key, value in numbers.items():  # type: ignore[union-attr]
            print(f"{what:12} {key:20} {value:10.3g}" if value is not True else f"{what:12} {key}")


if __name__ == "__main__":
    main()
