"""The part `growth` of the suite: how the cost grows with one size at a time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

import torch
from ensemble_training import draw as draw_ensemble
from hot_paths import draw, gradient_count
from measuring import Effort, Record, seconds_of
from scipy import stats
from trainings import step_count, train_ours

from shallow_relu import population

STEPS = 10  # of a training that is measured; its time is divided by them


def slope_of(sizes: Sequence[float], values: Sequence[float]) -> tuple[float, float, float]:
    """Slope of a least-squares line in double logarithmic axes, over the upper half of the sizes.

    Returns:
        The slope, and its interval of level 95 % from Student's law for the line's residuals.
    """
    half = len(sizes) // 2
    line = stats.linregress(
        [math.log(s) for s in sizes[half:]], [math.log(v) for v in values[half:]]
    )
    reach = stats.t.ppf(0.975, len(sizes) - half - 2) * line.stderr
    return float(line.slope), float(line.slope - reach), float(line.slope + reach)


def series(
    name: str,
    variable: str,
    values: Sequence[int],
    fixed: dict[str, int],
    make: Callable[[dict[str, int]], tuple[Callable[[], object], float, float]],
    effort: Effort,
) -> Record:
    """Measure one series in turns; `make` gives work, its number of repeats, and flops of one."""
    made = [make({**fixed, variable: value}) for value in values]
    times: list[list[float]] = [[] for _ in values]
    for _ in range(effort.rounds):
        for own, (work, repeats, _) in zip(times, made, strict=True):
            own.append(seconds_of(work, effort) / repeats)
    seconds = [statistics.median(own) for own in times]
    slope, low, high = slope_of(values, seconds)
    flops = [entry[2] for entry in made]
    return {
        "name": name,
        "size": fixed,
        "competitor": "",
        "ours": True,
        "variable": variable,
        "values": list(values),
        "seconds": seconds[-1],
        "seconds_each": seconds,
        "flops_each": flops,
        "slope": slope,
        "slope_low": low,
        "slope_high": high,
        "slope_of_flops": slope_of(values, flops)[0],
    }


def gradient_work(size: dict[str, int]) -> tuple[Callable[[], object], float, float]:
    """One population gradient."""
    K, d, B = size["K"], size["d"], size["networks"]
    W, W_star = draw(K, d, B)
    return lambda: population.gradient(W, W_star), 1, gradient_count(K, 2 * K, d, B).flops


def training_work(size: dict[str, int]) -> tuple[Callable[[], object], float, float]:
    """A few steps of an ensemble."""
    d, n, K, B = size["d"], size["n"], size["K"], size["networks"]
    parts = draw_ensemble((d, n, K), B)
    return lambda: train_ours(parts, STEPS), STEPS, step_count(d, n, K, B).flops


def growth(effort: Effort) -> list[Record]:
    """One gradient and one step as each size grows alone."""
    torch.manual_seed(0)
    if effort.quick:
        short = [2, 4, 8, 16, 32, 64]
        fixed = {"K": 4, "d": 4, "networks": 2}
        return [series("population gradient", "d", short, fixed, gradient_work, effort)]

    gradients = {"K": 30, "d": 30, "networks": 16}
    few = gradients | {"networks": 2}
    steps = {"n": 400, "d": 50, "K": 30, "networks": 4}
    records = [
        series("population gradient", variable, half_octaves(*ends), fixed, gradient_work, effort)
        for variable, ends, fixed in (
            ("K", (8, 512), few),
            ("d", (8, 4096), gradients),
            ("networks", (1, 1024), gradients),
        )
    ]
    return records + [
        series("step of an ensemble", variable, half_octaves(*ends), steps, training_work, effort)
        for variable, ends in (
            ("n", (32, 8192)),
            ("d", (8, 1024)),
            ("K", (4, 1024)),
            ("networks", (1, 128)),
        )
    ]


def half_octaves(first: int, last: int) -> list[int]:
    """Sizes that grow by the root of two, rounded."""
    count = round(2 * math.log2(last / first))
    return sorted({round(first * 2 ** (k / 2)) for k in range(count + 1)})
