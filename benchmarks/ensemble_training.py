"""What does the training of an ensemble gain over a plain loop?

    python benchmarks/ensemble_training.py [--seconds 2] [--processes 2]

The plain loop is what one writes first: one network after another, its gradient by automatic
differentiation, a step by torch's optimiser, the loss looked at after each. The same networks, on
the same data, in the same precision, are trained by `shallow_relu.ensembles.train` alone, in stacks
of several sizes, and in the size that it chooses. Both sides use one thread, take turns, and must
end at the same losses. Printed are processor times per network and step, which a busy machine
stretches less than wall times, and the ratios. The last lines compare wall times: the plain loop in
one process that may use all cores, against as many processes as there are cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import torch

from shallow_relu import ensembles, networks

# d, n, K: small, medium, and Experiment 1 of dana2025 as released (n = 1700) and as printed
SIZES = (
    (10, 30, 30),
    (30, 150, 30),
    (50, 400, 30),
    (70, 700, 30),
    (100, 1700, 37),
    (100, 3000, 39),
)
STEP = 0.25

Parts = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def draw(size: tuple[int, int, int], count: int, seed: int = 0) -> Parts:
    """An ensemble in single precision."""
    d, n, K = size
    generator = torch.Generator().manual_seed(seed)
    W, a = networks.start(K, d, generator, batch=(count,), law="uniform", dtype=torch.float32)
    X = networks.inputs_of_random_direction(d, n, generator, batch=(count,), dtype=torch.float32)
    return W, a, X, networks.labels(n, generator, batch=(count,), dtype=torch.float32)


def plain_loop(parts: Parts, n_steps: int) -> torch.Tensor:
    """Losses after so many steps, by automatic differentiation."""
    ends = []
    for W, a, X, y in zip(*parts, strict=True):
        inputs = X.T.contiguous()
        W, a = W.clone().requires_grad_(), a.clone().requires_grad_()
        optimiser = torch.optim.SGD([W, a], lr=STEP)
        for _ in range(n_steps):
            f = torch.relu(inputs @ W.T) @ a / len(a)
            loss = len(a) * torch.mean((y - f) ** 2) / 2
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if loss.item() < 0:
                break
        ends.append(networks.loss(W.detach(), a.detach(), X, y))
    return torch.stack(ends)


def ours(parts: Parts, n_steps: int, stack: int | None) -> torch.Tensor:
    """Losses after so many steps, by the ensemble."""
    return ensembles.train(*parts, step=STEP, n_steps=n_steps, stack=stack).loss


def seconds(work: Callable[[], torch.Tensor]) -> tuple[float, torch.Tensor]:
    """Processor seconds of this process, and the result."""
    before = time.process_time()
    result = work()
    return time.process_time() - before, result


def compare(size: tuple[int, int, int], budget: float) -> None:
    """Time one size in all ways, in turns."""
    d, n, K = size
    chosen = min(64, ensembles.stack_size(K, d, n, 4))
    count = max(16, chosen)
    parts = draw(size, count)
    first, _ = seconds(lambda: plain_loop(draw(size, 1), 5))
    n_steps = max(5, round(budget / (first / 5 * count)))
    stacks = sorted({1, 4, 16, chosen})
    times: dict[object, list[float]] = {}
    for _ in range(3):
        spent, wanted = seconds(lambda: plain_loop(parts, n_steps))
        times.setdefault("plain", []).append(spent)
        for stack in (s for s in stacks if s <= count):
            spent, losses = seconds(lambda stack=stack: ours(parts, n_steps, stack))
            torch.testing.assert_close(losses, wanted, rtol=1e-2, atol=1e-4)
            times.setdefault(stack, []).append(spent)
    unit = {name: 1e3 * statistics.median(each) / count / n_steps for name, each in times.items()}
    kilobytes = (d + 2 * K + 1) * n * 4 / 1024
    print(
        f"d={d} n={n} K={K}, {kilobytes:.0f} KiB: plain {unit['plain']:.3f} ms; stacks "
        + ", ".join(f"of {s} {unit[s]:.4f}" for s in unit if s != "plain")
        + f"; chosen {chosen}: ratio {unit['plain'] / unit[chosen]:.1f}",
        flush=True,
    )


def train_drawn(size: tuple[int, int, int], seed: int, n_steps: int) -> float:
    """One network of the comparison with processes."""
    return float(ours(draw(size, 1, seed), n_steps, None))


def compare_processes(size: tuple[int, int, int], budget: float, processes: int) -> None:
    """Wall times: one process with all cores against one process a core."""
    n_steps = 100  # few enough for both sides to end at the same losses
    torch.set_num_threads(processes)
    begin = time.perf_counter()
    plain_loop(draw(size, 1), n_steps)
    count = processes * max(1, round(budget / (time.perf_counter() - begin) / processes))
    parts = tuple(
        torch.cat(each) for each in zip(*(draw(size, 1, s) for s in range(count)), strict=True)
    )
    begin = time.perf_counter()
    wanted = plain_loop(parts, n_steps)
    plain = time.perf_counter() - begin
    orders = [(size, seed, n_steps) for seed in range(count)]
    begin = time.perf_counter()
    found = {
        order[1]: loss for order, loss in ensembles.in_processes(train_drawn, orders, processes)
    }
    spawned = time.perf_counter() - begin
    losses = torch.tensor([found[seed] for seed in range(count)])
    torch.testing.assert_close(losses, wanted, rtol=1e-2, atol=1e-4)
    print(
        f"{size}: {count} networks, {n_steps} steps: plain loop with {processes} threads "
        f"{plain:.2f} s, {processes} processes {spawned:.2f} s with their start: "
        f"ratio {plain / spawned:.1f} in wall time",
        flush=True,
    )


def main() -> None:
    """Compare all sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2, help="of the plain loop, for each size")
    parser.add_argument("--processes", type=int, default=0, help="0: do not compare processes")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for size in SIZES:
        compare(size, chosen.seconds)
    if chosen.processes:
        compare_processes(SIZES[-2], 20 * chosen.seconds, chosen.processes)
    print(f"load {os.getloadavg()[0]:.1f}, torch {torch.__version__}")


if __name__ == "__main__":
    main()
