"""The experiment of chen2024, one run after the other or all runs of a setting as one batch.

    python benchmarks/constructive_training.py [--networks 100] [--classes 2 3 4] [--json]

Both train the same networks from the same starts on the same data, at the sizes of the authors'
program: dimension 4, 10 inputs a class, standard deviation 0.2, at most 1000 epochs, step 0.05,
momentum 0.9, stop after 30 epochs without a gain of 1e-4. The loop is the usual one: layers,
automatic differentiation and optimiser of torch. One thread. Time is the processor time of this
process; the two are measured side by side, a few networks at a time, so that a busy machine slows
both. Printed are the times, their ratio, and the largest difference of a final cost.
"""

from __future__ import annotations

import argparse
import json
import time

import torch

from shallow_relu import clustered
from shallow_relu.biased_networks import Network, linear_start, stack, train

SETTINGS = {"step": 0.05, "momentum": 0.9, "max_epochs": 1000, "tolerance": 1e-4, "patience": 30}
DIMENSION, PER_CLASS, SPREAD = 4, 10, 0.2


def one_run(start: Network, X: torch.Tensor, targets: torch.Tensor) -> float:
    """Final cost of one network, trained by torch's own means."""
    d, m = X.shape[0], targets.shape[0]
    model = torch.nn.Sequential(torch.nn.Linear(d, d), torch.nn.ReLU(), torch.nn.Linear(d, m))
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), start, strict=True):
            parameter.copy_(value)
    optimiser = torch.optim.SGD(
        model.parameters(), lr=SETTINGS["step"], momentum=SETTINGS["momentum"]
    )
    rows, wanted = X.T.contiguous(), targets.T.contiguous()
    with torch.no_grad():
        best = float((model(rows) - wanted).square().sum(1).mean())
    waited, value = 0, best
    for _ in range(SETTINGS["max_epochs"]):
        optimiser.zero_grad()
        loss = (model(rows) - wanted).square().sum(1).mean()
        loss.backward()
        optimiser.step()
        value = float(loss.detach())
        improved = value < best - SETTINGS["tolerance"] * best
        best, waited = (value, 0) if improved else (best, waited + 1)
        if waited >= SETTINGS["patience"]:
            break
    return value**0.5


def compare(Q: int, networks: int) -> dict[str, float]:
    """Processor seconds of both ways for one number of classes, and how far they differ."""
    generator = torch.Generator().manual_seed(12345)
    means = clustered.orthonormal_means(DIMENSION, Q, generator, dtype=torch.float32)
    sizes = (PER_CLASS,) * Q
    X = clustered.clusters(means, sizes, SPREAD, generator)
    targets = clustered.repeat_columns(torch.eye(Q), sizes)
    starts = [
        linear_start(
            DIMENSION, DIMENSION, Q, torch.Generator().manual_seed(1000 + i), dtype=torch.float32
        )
        for i in range(networks)
    ]
    one_run(starts[0], X, targets)  # what torch loads at its first use is nobody's time
    clock = time.process_time()
    single = [one_run(start, X, targets) for start in starts[: networks // 2]]
    loop = time.process_time() - clock
    clock = time.process_time()
    ends = train(stack(starts), X, targets, **SETTINGS)
    batch = time.process_time() - clock
    clock = time.process_time()
    single += [one_run(start, X, targets) for start in starts[networks // 2 :]]
    loop += time.process_time() - clock
    difference = float((ends.last - torch.tensor(single)).abs().max())
    return {
        "classes": Q,
        "loop_s": loop,
        "batch_s": batch,
        "largest_difference": difference,
        "epochs": int(ends.epochs.sum()),
    }


def main() -> None:
    """Compare both ways for each number of classes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=100)
    parser.add_argument("--classes", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    rows = [compare(Q, chosen.networks) for Q in chosen.classes]
    loop, batch = (sum(row[key] for row in rows) for key in ("loop_s", "batch_s"))
    total = {
        "networks": chosen.networks,
        "ratio": loop / batch,
        "largest_difference": max(row["largest_difference"] for row in rows),
        "rows": rows,
    }
    if chosen.json:
        print(json.dumps(total))
        return
    for row in rows:
        print(
            f"Q = {row['classes']}: loop {row['loop_s']:6.2f} s, batch {row['batch_s']:5.2f} s, "
            f"final costs agree to {row['largest_difference']:.1e}"
        )
    print(f"{chosen.networks} networks each: the batch is {total['ratio']:.1f} times as fast")


if __name__ == "__main__":
    main()
