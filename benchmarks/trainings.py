"""The part `ensembles` of the suite: trainings at the sizes of the papers' experiments."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable

import constructive_training
import torch
from ensemble_training import STEP, Parts, draw, ours, plain_loop
from hot_paths import draw as draw_students
from hot_paths import gradient_count
from measuring import (
    Competitor,
    Count,
    Effort,
    Record,
    compare,
    median_quotient,
    side_copy,
    side_product,
    spread,
)

from shallow_relu import ensembles, linear_training, networks, population, single_index
from shallow_relu.flows import gradient_descent

DANA = ((10, 30, 30), (30, 150, 30), (50, 400, 30), (100, 1700, 37))  # d, n, K
STEPS = 20  # of each training of dana2025; few enough for all ways to end at the same losses
TIAN = ((2, 2, 256), (5, 5, 128), (10, 10, 64))  # K = M, d, networks: noise and top weights
LINEAR = ((3, 16), (5, 9), (10, 6))  # outputs m and networks of Figure 3: K = 2 m, 3 m coordinates
LIGHTMAN = ((12, 2, 40), (12, 3, 32))  # K, d, networks: where training ends
DESCENT_STEPS = 50  # of gradient descent on the population risk
CHEN_NETWORKS, CHEN_CLASSES = 60, 3  # the paper trains 100; the ratio grows with their number


# --- dana2025 -------------------------------------------------------------------------------


def step_count(d: int, n: int, K: int, B: int) -> Count:
    """Of a step of an ensemble.

    The products of neurons and inputs, and of open gates and inputs, take 2 K d n each. The hidden
    activations cost 6 more an entry: threshold, two for the product with the output weights, gate,
    product with the residual, and its share of that. The two steps cost 4 K d. Numbers have 4
    bytes: the inputs are read twice, the activations nine times read or written.
    """
    flops = B * (4 * K * d * n + 6 * K * n + 4 * K * d)
    moved = 4 * B * (2 * d * n + 9 * K * n + 7 * K * d)
    return Count(flops, moved, "networks × (4 K d n + 6 K n + 4 K d) a step")


def times(count: Count, steps: int) -> Count:
    """The count of several steps."""
    return Count(steps * count.flops, steps * count.bytes, f"{count.formula}, {steps} steps")


def train_ours(parts: Parts, n_steps: int) -> torch.Tensor:
    """The ensemble, in stacks of the size that it chooses."""
    return ours(parts, n_steps, None)


def objective(W: torch.Tensor, a: torch.Tensor, X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """K times the loss of one network."""
    K = a.shape[-1]
    return K * torch.mean((y - a @ torch.relu(W @ X) / K) ** 2) / 2


def mapped_step(
    W: torch.Tensor, a: torch.Tensor, X: torch.Tensor, y: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """One step of all networks by `vmap` of the gradient of one, and the losses before it."""
    one = torch.func.grad_and_value(objective, argnums=(0, 1))
    (slope_W, slope_a), value = torch.func.vmap(one)(W, a, X, y)
    return W - STEP * slope_W, a - STEP * slope_a, value


def train_by(step: Callable[..., tuple[torch.Tensor, ...]], parts: Parts) -> torch.Tensor:
    """Losses after the steps; they are looked at after each, as the others do."""
    W, a, X, y = parts
    for _ in range(STEPS):
        W, a, value = step(W, a, X, y)
        if bool((value < 0).any()):
            break
    return networks.loss(W, a, X, y)


def compiled(parts: Parts, quick: bool) -> Competitor:
    """The same step through `torch.compile`, or why there is none here."""
    name = "torch.compile"
    if quick:
        return Competitor(name, None, missing="not run: the quick suite compiles nothing")
    torch._dynamo.reset()
    step = torch.compile(mapped_step, dynamic=False)
    begin = time.perf_counter()
    try:
        step(*parts)
    except Exception as error:
        told = str(error).strip().splitlines() or [""]
        reason = f"{type(error).__name__}: {told[0][:120]}".replace("|", "/")
        return Competitor(name, None, missing=f"not available: {reason}")
    spent = time.perf_counter() - begin
    return Competitor(
        name,
        lambda: train_by(step, parts),
        note=f"compiling, with the first step, took {spent:.0f} s",
    )


def dana(effort: Effort) -> list[Record]:
    """The ensembles of dana2025 against three ways by automatic differentiation."""
    records = []
    for d, n, K in ((3, 6, 4),) if effort.quick else DANA:
        chosen = ensembles.stack_size(K, d, n, 4)
        B = 2 if effort.quick else max(16, min(64, chosen))
        parts = draw((d, n, K), B)
        records += compare(
            "dana2025 ensemble",
            {"d": d, "n": n, "K": K, "networks": B, "steps": STEPS},
            Competitor("ensembles.train", lambda parts=parts: train_ours(parts, STEPS)),
            [
                Competitor("plain loop", lambda parts=parts: plain_loop(parts, STEPS)),
                Competitor("vmap of grad", lambda parts=parts: train_by(mapped_step, parts)),
                compiled(parts, effort.quick),
            ],
            effort,
            count=times(step_count(d, n, K, B), STEPS),
            dtype=torch.float32,
            tolerance=1e-3,
        )
    return records


# --- chen2024 -------------------------------------------------------------------------------


def epoch_count(d: int, n: int, m: int, epochs: int) -> Count:
    """Of so many epochs of networks with d neurons and m outputs; the input has one entry more.

    Products of matrices: the activations and the gradient of the first layer, 2 K (d + 1) n each;
    outputs, errors of the activations and gradient of the second layer, 2 m K n each.
    """
    flops = epochs * (4 * d * (d + 1) * n + 6 * m * d * n)
    moved = 4 * epochs * (12 * d * n + 9 * m * n + 12 * (d * (d + 1) + m * d + m))
    return Count(flops, moved, "epochs of all networks × (4 K (d + 1) n + 6 m K n), K = d")


def chen(effort: Effort) -> list[Record]:
    """The runs of one setting of chen2024: all as one batch, or one after the other."""
    Q, count = (2, 4) if effort.quick else (CHEN_CLASSES, CHEN_NETWORKS)
    rows, rates = [], {"to_product": [], "to_copy": []}
    for _ in range(effort.rounds):
        rates["to_product"].append(side_product(torch.float32, effort))
        rates["to_copy"].append(side_copy(effort))
        rows.append(constructive_training.compare(Q, count))
    difference = max(row["largest_difference"] for row in rows)
    if not difference < 1e-3:
        raise SystemExit(f"chen2024: the final costs differ by {difference:.1e}")
    d, n = constructive_training.DIMENSION, Q * constructive_training.PER_CLASS
    counted = epoch_count(d, n, Q, rows[0]["epochs"])
    size = {"d": d, "classes": Q, "n": n, "networks": count}
    shared = {"name": "chen2024 runs", "size": size, "precision": "float32"}
    shared["note"] = "processor time; a run ends when the network stops by itself"
    batch, loop = ([row[key] for row in rows] for key in ("batch_s", "loop_s"))
    ours = {"competitor": "biased_networks.train", "ours": True, "ratio": 1.0, "difference": 0.0}
    ours |= {"flops": counted.flops, "bytes": counted.bytes, "counted": counted.formula}
    for key, total in (("to_product", counted.flops), ("to_copy", counted.bytes)):
        ours[key] = statistics.median(
            time * rate / total for time, rate in zip(batch, rates[key], strict=True)
        )
    other = {"competitor": "plain loop", "ours": False, "difference": difference}
    other["ratio"] = median_quotient(loop, batch)
    return [{**shared, **spread(own), **more} for own, more in ((batch, ours), (loop, other))]


# --- population descent ---------------------------------------------------------------------


def descent(
    name: str,
    size: dict[str, int],
    gradient: Callable[..., torch.Tensor],
    start: torch.Tensor,
    constants: tuple[torch.Tensor, ...],
    count: Count,
    effort: Effort,
) -> list[Record]:
    """Descent of a batch against one network at a time, by the same gradient."""
    B, steps = len(start), 3 if effort.quick else DESCENT_STEPS

    def follow(networks: slice) -> torch.Tensor:
        own = tuple(part[networks] for part in constants)
        return gradient_descent(gradient, start[networks], own, step=0.1, n_steps=steps).state

    def one_by_one() -> torch.Tensor:
        return torch.cat([follow(slice(b, b + 1)) for b in range(B)])

    return compare(
        name,
        {**size, "networks": B, "steps": steps},
        Competitor("one batch", lambda: follow(slice(None))),
        [Competitor("one network at a time", one_by_one)],
        effort,
        count=times(count, steps),
        tolerance=1e-7,
    )


def linear_count(K: int, m: int, q: int, B: int) -> Count:
    """Of a step in which both layers learn a linear target with m outputs in q coordinates.

    Products of matrices: cosines and gated means, 2 K^2 q each; weights of the pairs and the
    gradient of the output weights, 2 K^2 m each; the target, 2 K m q twice. A pair costs 14 more.
    """
    flops = B * (4 * K**2 * q + 4 * K**2 * m + 4 * K * m * q + 14 * K**2)
    moved = 8 * B * (30 * K**2 + 14 * K * (q + m) + 2 * m * q)
    return Count(flops, moved, "networks × (4 K² q + 4 K² m + 4 K m q + 14 K²) a step")


def descents(effort: Effort) -> list[Record]:
    """Population descents as tian2017, linear2025 and lightman2026 use them."""
    records = []
    for K, d, B in ((2, 2, 3),) if effort.quick else TIAN:
        start, teacher = draw_students(K, d, B)
        count, size = gradient_count(K, 2 * K, d, B), {"K": K, "d": d}
        constants = (teacher.expand_as(start),)
        records += descent(
            "tian2017 descent", size, population.gradient, start, constants, count, effort
        )
    for m, B in ((2, 3),) if effort.quick else LINEAR:
        K, d, generator = 2 * m, 100, torch.Generator().manual_seed(m)
        W = linear_training.xavier_normal(K, d, generator, batch=(B,)).double()
        A = linear_training.xavier_normal(K, m, generator, batch=(B,)).double()
        W, target = linear_training.span_coordinates(W, torch.eye(d, dtype=torch.float64)[:m])
        count, size = linear_count(K, m, 3 * m, B), {"K": K, "outputs": m, "d": d}
        records += descent(
            "linear2025 descent",
            size,
            linear_training.joint_gradient,
            torch.cat([W, A], dim=-1),
            (target,),
            count,
            effort,
        )
    for K, d, B in ((3, 2, 3),) if effort.quick else LIGHTMAN:
        generator = torch.Generator().manual_seed(d)
        state = torch.randn(B, K, d + 1, generator=generator, dtype=torch.float64)
        direction = torch.eye(d, dtype=torch.float64)[0].expand(B, d)
        constants = single_index.teacher(direction, 1.0, 0.5)
        records += descent(
            "lightman2026 descent",
            {"K": K, "d": d},
            single_index.flow_gradient,
            state * K**-0.25 / math.sqrt(d),
            constants,
            gradient_count(K, K + 2, d, B),
            effort,
        )
    return records


def training_parts(effort: Effort) -> list[Record]:
    """All trainings."""
    return [*dana(effort), *chen(effort), *descents(effort)]
