"""One batch of tensors, one loop, or one sweep: what do many seeds of a small network cost?

    python benchmarks/batch_or_sweep.py [--networks 64] [--steps 500]

A chapter of a book in a temporary folder trains students with 5 neurons in dimension 10 by gradient
descent on the population risk. The same seeds are trained three ways, each by one command
`companion sweep`: as one tensor in one cell; one after the other in one cell; and as one cell a
seed, with two local processes. All three must end at the same risks. Printed are the wall time of
the whole command, which a busy machine stretches, and its processor time, which it stretches less.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from companion.project import ROOT_VARIABLE
from companion.run import THREAD_VARIABLES

CLAIMS = """\
- id: tian2017.descent
  paper: tian2017
  number: Benchmark
  title: Gradient descent
  kind: identity
  statement: The risk falls.
  chapter: topic/descent
  checks:
    falls: { at_most: 1.0, meaning: last risk over first }
"""

CHAPTER = """\
# %% [markdown]
# # Gradient descent

# %% tags=["parameters"]
seed: int = 0  # first seed; 0..1_000_000
networks: int = 1  # number of seeds; 1..10_000
together: bool = True  # whether they are one tensor
steps: int = 500  # iterations; 1..100_000

# %%
import torch

from companion import open_chapter
from shallow_relu.flows import gradient_descent
from shallow_relu.population import gradient, risk

chapter = open_chapter("topic/descent", globals())
torch.set_default_dtype(torch.float64)
teacher = torch.eye(10)[:5]


def draw(number):
    return 0.3 * torch.randn(5, 10, generator=torch.Generator().manual_seed(number))


start = torch.stack([draw(number) for number in range(seed, seed + networks)])
groups = [start] if together else start.split(1)
ends = [
    gradient_descent(lambda W: gradient(W, teacher), group, step=0.05, n_steps=steps).state
    for group in groups
]
first, last = risk(start, teacher).mean(), risk(torch.cat(ends), teacher).mean()
evidence = chapter.claim("tian2017.descent")
evidence.check("falls", measured=float(last / first))
evidence.control("backwards", "falls", measured=float(first / last))
chapter.number("mean_risk", float(last))

# %% tags=["nbval-check-output"]
chapter.verdicts()
"""


def processor_seconds() -> float:
    """What all processes that have ended used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def timed_sweep(root: Path, name: str, cells: int, *arguments: str) -> tuple[float, float, float]:
    """Wall and processor seconds of a sweep, and the mean of the risks."""
    environment = {**os.environ, ROOT_VARIABLE: str(root)}
    environment.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    command = [sys.executable, "-m", "companion.cli", "sweep", "topic/descent"]
    command += ["--grid", f"seed=0:{cells}", "--out", str(root / name), *arguments]
    before, clock = processor_seconds(), time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    wall, processor = time.perf_counter() - clock, processor_seconds() - before
    with (root / name / "table.csv").open(encoding="utf-8") as stream:
        risks = [float(row["mean_risk"]) for row in csv.DictReader(stream)]
    return wall, processor, math.fsum(risks) / len(risks)


def main() -> None:
    """Train the same seeds three ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=64)
    parser.add_argument("--steps", type=int, default=500)
    chosen = parser.parse_args()
    n, steps = chosen.networks, ("-p", f"steps={chosen.steps}")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "notebooks" / "topic").mkdir(parents=True)
        (root / "notebooks" / "topic" / "descent.py").write_text(CHAPTER, encoding="utf-8")
        (root / "claims.yml").write_text(CLAIMS, encoding="utf-8")
        (root / "requirements.lock").touch()
        one_cell = (*steps, "-p", f"networks={n}", "--jobs", "1")
        found = {
            "one batch": timed_sweep(root, "batch", 1, *one_cell, "-p", "together=true"),
            "one loop": timed_sweep(root, "loop", 1, *one_cell, "-p", "together=false"),
            "a sweep": timed_sweep(root, "sweep", n, *steps, "--jobs", "2"),
        }
    fastest, least, risk = found["one batch"]
    for name, (wall, processor, mean) in found.items():
        if not math.isclose(mean, risk, rel_tol=1e-6):
            raise SystemExit(f"{name} ends at the mean risk {mean}, not {risk}")
        print(
            f"{name:<10} {wall:7.1f} s = {wall / fastest:5.1f} batches; "
            f"processor {processor:7.1f} s = {processor / least:5.1f} batches"
        )
    print(
        f"{n} networks, {chosen.steps} steps, mean risk {risk:.3g}; load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
