"""The parts `ceilings`, `gradient` and `sampling` of the suite."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Callable

import torch
from measuring import Competitor, Count, Effort, Record, compare, copy_rate, product_rate

from shallow_relu import population, sampling
from shallow_relu.kernels import gated_mean

# K = M, d, number of networks. No array is larger than 32 MB: of the gradient the largest have
# 2 K^2 or 2 K d entries a network, of the Hessian K^2 d^2, and several are there at once.
GRADIENT_SIZES = (
    (2, 10, 1024),
    (2, 1000, 64),
    (10, 10, 1024),
    (10, 100, 64),
    (100, 10, 16),
    (100, 100, 1),
    (100, 1000, 1),
    (1000, 100, 1),
    (1000, 1000, 1),
)
HESSIAN_SIZES = (
    (2, 10, 1024),
    (2, 1000, 1),
    (10, 30, 16),
    (10, 100, 1),
    (100, 10, 1),
    (100, 20, 1),
)
# Pairs of vectors, dimension, samples: the sampling checks of tian2017 go up to d = 1000.
SAMPLING_SIZES = ((10, 10, 20_000), (10, 100, 20_000), (10, 1000, 4_000))

# Pairs of neurons that a loop goes through, in about a second; the rest is scaled.
GRADIENT_PAIRS, HESSIAN_PAIRS = 20_000, 6_000
AUTOGRAD_BYTES = 4e7  # of one array of automatic differentiation, of which there are about ten


# --- ceilings -------------------------------------------------------------------------------


def ceilings(effort: Effort) -> list[Record]:
    """What this machine can do at most, with one thread: a matrix product, and a copy."""
    order, size = (64, 2**16) if effort.quick else (2048, 2**28)
    records = []
    rates: dict[str, list[float]] = {}
    for _ in range(effort.rounds):
        for dtype in (torch.float32, torch.float64):
            name = str(dtype).removeprefix("torch.")
            rates.setdefault(name, []).append(product_rate(order, dtype, effort))
        rates.setdefault("copy", []).append(copy_rate(size, effort))
    for name, each in rates.items():
        rate = statistics.median(each)
        record = {"competitor": "", "ours": True, "lowest_rate": min(each), "rate": rate}
        if name == "copy":
            record |= {
                "name": "copy",
                "size": {"array": f"{size // 2**10} KiB"},
                "unit": "bytes/s",
                "flops": None,
            }
            record |= {"bytes": 2 * size, "seconds": 2 * size / rate}
        else:
            record |= {"name": "matrix product", "size": {"order": order}, "precision": name}
            record |= {"unit": "flop/s", "flops": 2 * order**3, "bytes": None}
            record["seconds"] = 2 * order**3 / rate
        records.append(record)
    return records


# --- gradient and Hessian -------------------------------------------------------------------


def draw(K: int, d: int, B: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Students `[B, K, d]` and one teacher `[K, d]`, with entries of variance 1/d."""
    generator = torch.Generator().manual_seed(K + d + B)
    W = torch.randn(B, K, d, generator=generator, dtype=torch.float64) / math.sqrt(d)
    return W, torch.randn(K, d, generator=generator, dtype=torch.float64) / math.sqrt(d)


def gradient_count(K: int, N: int, d: int, B: int) -> Count:
    """Of the population gradient; N is the number of all neurons.

    Two products of matrices, the cosines and the gated means along the neurons, take 2 K N d
    each. A pair costs 10 more: square (3), root, arc tangent, weight of the pair, its products
    with arc and sine, and the sum over sines (2). Norms and directions: 3 N d; the part along the
    student's own directions: 3 K d.
    """
    flops = B * (4 * K * N * d + 10 * K * N + 3 * N * d + 3 * K * d)
    moved = 8 * B * (30 * K * N + 7 * N * d + 10 * K * d)
    return Count(flops, moved, "networks × (4 K N d + 10 K N + 3 N d + 3 K d), N = K + M")


def hessian_count(K: int, N: int, d: int, B: int) -> Count:
    """Of the population Hessian.

    A block of two students costs 7 an entry: two outer products, their difference, times the
    sine, the multiple of the identity, the sum, the weight. The diagonal blocks are a product of
    matrices, 2 K N d^2. The vectors of a pair cost 18 an entry.
    """
    flops = B * (7 * K**2 * d**2 + 2 * K * N * d**2 + 18 * K * N * d)
    moved = 8 * B * (15 * K**2 * d**2 + 25 * K * N * d)
    return Count(flops, moved, "networks × (7 K² d² + 2 K N d² + 18 K N d), N = K + M")


def gradient_by_neurons(
    W: torch.Tensor, W_star: torch.Tensor, networks: int, rows: int
) -> torch.Tensor:
    """The first rows of the first gradients, as one would write it: a loop over pairs."""
    result = W.new_zeros(networks, rows, W.shape[-1])
    for b in range(networks):
        for j in range(rows):
            w = W[b, j]
            for sign, neurons in ((1, W[b]), (-1, W_star)):
                for v in neurons:
                    size = v.norm()
                    cosine = (w @ v / (w.norm() * size)).clamp(-1, 1)
                    theta = torch.acos(cosine)
                    along = size * torch.sin(theta) * w / w.norm()
                    result[b, j] += sign * ((math.pi - theta) * v + along) / (2 * math.pi)
    return result


def hessian_by_neurons(
    W: torch.Tensor, W_star: torch.Tensor, networks: int, rows: int
) -> torch.Tensor:
    """The rows of blocks of the first neurons of the first Hessians, by a loop over pairs."""
    K, d = W.shape[-2:]
    identity = torch.eye(d, dtype=W.dtype)
    result = W.new_zeros(networks, rows, d, K, d)
    for b in range(networks):
        for j in range(rows):
            e = W[b, j] / W[b, j].norm()
            for sign, neurons in ((1, W[b]), (-1, W_star)):
                for k, v in enumerate(neurons):
                    size = v.norm()
                    u = v / size
                    theta = torch.acos((e @ u).clamp(-1, 1))
                    sine = torch.sin(theta)
                    if sign == 1 and k == j:
                        result[b, j, :, k] += identity / 2
                        continue
                    n = (u - (e @ u) * e) / sine
                    if sign == 1:
                        p, q = (e + u) / (e + u).norm(), (e - u) / (e - u).norm()
                        block = (math.pi - theta) * identity
                        block = block + sine * (torch.outer(p, p) - torch.outer(q, q))
                        result[b, j, :, k] += block / (2 * math.pi)
                    turning = identity - torch.outer(e, e) + torch.outer(n, n)
                    scale = sign * size * sine / (2 * math.pi * W[b, j].norm())
                    result[b, j, :, j] += scale * turning
    return result


def neuron_loop(
    work: Callable[..., torch.Tensor], W: torch.Tensor, W_star: torch.Tensor, pairs: int
) -> Competitor:
    """The loop over so many pairs of neurons, or all if they are fewer, as a competitor."""
    B, K, _ = W.shape
    networks, rows = max(1, min(B, pairs // (2 * K**2))), min(K, max(1, pairs // (2 * K)))
    done = f"{networks} of {B} networks, {rows} of {K} neurons"
    return Competitor(
        "loop over neurons",
        lambda: work(W, W_star, networks, rows),
        share=networks * rows / (B * K),
        of_whole=lambda whole: whole[:networks, :rows],
        note="" if networks * rows == B * K else f"measured on {done}, and scaled",
    )


def autograd_gradient(W: torch.Tensor, W_star: torch.Tensor) -> Competitor:
    """The gradient by automatic differentiation of the risk."""
    B, K, d = W.shape
    one = 8 * (2 * K) ** 2 * d
    if one > AUTOGRAD_BYTES:
        return Competitor("autograd", None, missing=f"not run: arrays of {one / 1e6:.0f} MB each")
    networks = min(B, int(AUTOGRAD_BYTES / one))

    def work() -> torch.Tensor:
        leaf = W[:networks].clone().requires_grad_()
        return torch.autograd.grad(population.risk(leaf, W_star).sum(), leaf)[0]

    return Competitor(
        "autograd",
        work,
        share=networks / B,
        of_whole=lambda whole: whole[:networks],
        note="" if networks == B else f"measured on {networks} of {B} networks, and scaled",
    )


def autograd_hessian(W: torch.Tensor, W_star: torch.Tensor) -> Competitor:
    """Rows of the first network's Hessian, by automatic differentiation of the gradient.

    The risk cannot be differentiated twice, since torch's distances cannot. The graph of the
    gradient is built before the measurement, which favours this competitor.
    """
    B, K, d = W.shape
    leaf, rows = W[0].clone().requires_grad_(), min(K * d, 10)
    entries = population.gradient(leaf, W_star).flatten()[:rows]

    def work() -> torch.Tensor:
        found = [torch.autograd.grad(entry, leaf, retain_graph=True)[0] for entry in entries]
        return torch.stack(found)

    return Competitor(
        "autograd of the gradient",
        work,
        share=rows / (B * K * d),
        of_whole=lambda whole: whole[0].flatten(0, 1)[:rows],
        note=f"measured on {rows} of {B * K * d} rows, and scaled",
    )


def gradient(effort: Effort) -> list[Record]:
    """Gradient and Hessian of the population risk against a loop and against autograd."""
    records = []
    for K, d, B in ((2, 3, 4), (3, 2, 1)) if effort.quick else GRADIENT_SIZES:
        W, W_star = draw(K, d, B)
        records += compare(
            "population gradient",
            {"K": K, "d": d, "networks": B},
            Competitor("closed form", functools.partial(population.gradient, W, W_star)),
            [
                neuron_loop(gradient_by_neurons, W, W_star, GRADIENT_PAIRS),
                autograd_gradient(W, W_star),
            ],
            effort,
            count=gradient_count(K, 2 * K, d, B),
        )
    for K, d, B in ((2, 3, 4),) if effort.quick else HESSIAN_SIZES:
        W, W_star = draw(K, d, B)
        records += compare(
            "population Hessian",
            {"K": K, "d": d, "networks": B},
            Competitor("closed form", functools.partial(population.hessian, W, W_star)),
            [
                neuron_loop(hessian_by_neurons, W, W_star, HESSIAN_PAIRS),
                autograd_hessian(W, W_star),
            ],
            effort,
            count=hessian_count(K, 2 * K, d, B),
        )
    return records


# --- sampling -------------------------------------------------------------------------------


def sampling_count(P: int, d: int, n: int) -> Count:
    """Of the estimate of P gated means and of their errors from n samples.

    A sample costs four products of vectors a pair (gate, activation, sum, sum of squares), three
    operations on the activation, and the squares of its entries.
    """
    return Count(
        n * (P * (8 * d + 3) + d), 8 * n * (6 * d + 12 * P), "n (8 P d + 3 P + d), P pairs"
    )


def estimate_in_blocks(e: torch.Tensor, w: torch.Tensor, x: torch.Tensor) -> tuple:
    """Ours, from samples that are there already."""
    place = 0

    def next_block(count: int) -> torch.Tensor:
        nonlocal place
        place += count
        return x[place - count : place]

    return sampling.gated_mean_estimate(e, w, next_block, len(x))


def estimate_by_samples(e: torch.Tensor, w: torch.Tensor, x: torch.Tensor) -> tuple:
    """One sample after another."""
    total, squares = torch.zeros_like(w), torch.zeros_like(w)
    for sample in x:
        term = (torch.relu(w @ sample) * (e @ sample > 0))[:, None] * sample
        total += term
        squares += term.square()
    return mean_and_error(total, squares, len(x))


def estimate_at_once(e: torch.Tensor, w: torch.Tensor, x: torch.Tensor) -> tuple:
    """All terms as one tensor `[pairs, n, d]`."""
    terms = (torch.relu(w @ x.mT) * (e @ x.mT > 0))[..., None] * x
    return mean_and_error(terms.sum(1), terms.square().sum(1), len(x))


def mean_and_error(total: torch.Tensor, squares: torch.Tensor, n: int) -> tuple:
    """Means and standard errors from sums and sums of squares."""
    mean = total / n
    return mean, torch.sqrt((squares / n - mean.square()).clamp(min=0) / (n - 1))


def sample_checks(effort: Effort) -> list[Record]:
    """The sampled gated mean against a loop over samples, and against one large tensor."""
    records = []
    for P, d, n in ((3, 4, 2000),) if effort.quick else SAMPLING_SIZES:
        generator = torch.Generator().manual_seed(d)
        angles = torch.linspace(0.1, 2.5, P, dtype=torch.float64)
        e, w = sampling.unit_pairs(angles, d, generator)
        x = torch.randn(n, d, generator=generator, dtype=torch.float64)
        mean, error = estimate_in_blocks(e, w, x)
        if ((mean - gated_mean(e, w)) / error).abs().max() > 8:
            raise SystemExit(f"samples and formula differ at {P, d, n}")
        whole = 8 * P * n * d
        records += compare(
            "sampled gated mean",
            {"pairs": P, "d": d, "samples": n},
            Competitor("blocks", functools.partial(estimate_in_blocks, e, w, x)),
            [
                Competitor("loop over samples", functools.partial(estimate_by_samples, e, w, x)),
                Competitor("one tensor", functools.partial(estimate_at_once, e, w, x))
                if whole < 2e8
                else Competitor(
                    "one tensor", None, missing=f"not run: two arrays of {whole / 1e6:.0f} MB each"
                ),
            ],
            effort,
            count=sampling_count(P, d, n),
        )
    return records
