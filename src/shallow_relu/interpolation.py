r"""Up to how many random points does gradient descent interpolate [dana2025, Exp. 1]?

A cell of the experiment is a network of width $K$ on $n$ points of random direction in dimension
$d$, trained with the step $\eta$ on $K L$ until $L < \frac1{2n}$: then every residual is below
one, the smallest label. If the budget of steps is used up before, the network counts as one that
does not interpolate. The threshold $N(d, K)$ is the number of points at which half of the networks
succeed.

Shares of successes carry all information on a threshold. They are fitted by maximum likelihood
with $P(n) = 1 / (1 + e^{(n - N) / s})$; intervals are sets of parameters whose likelihood,
maximised over all others, stays above the level, so they are honest also where the steepness $s$
cannot be told from the data (all networks succeed at one $n$ and none at the next).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy import stats
from torch import Tensor

from shallow_relu import ensembles, networks
from shallow_relu.intervals import LEVEL

_POINTS = 1200  # of the grid of thresholds: steps of 0.2% over a factor of ten


@dataclass(frozen=True)
class Counts:
    """Successes at several numbers of points, at one dimension and width.

    Attributes:
        n: Numbers of points, increasing.
        successes: How many networks interpolated.
        trials: Of how many.
    """

    n: Sequence[int]
    successes: Sequence[int]
    trials: Sequence[int]


class Estimate(NamedTuple):
    """A number with the ends of its interval."""

    value: float
    low: float
    high: float


def tally(
    columns: Mapping[str, Sequence[float]],
) -> dict[tuple[int, int, float, float], Counts]:
    """Counts from a table with one row a network.

    Args:
        columns: At least `d`, `K`, `n`, `step`, `budgets` and `reached`.

    Returns:
        By `(d, K, step, budgets)`, sorted.
    """
    names = ("d", "K", "step", "budgets", "n", "reached")
    cells: dict[tuple[float, ...], list[float]] = {}
    for *cell, reached in zip(*(columns[name] for name in names), strict=True):
        cells.setdefault(tuple(cell), []).append(reached)
    found: dict[tuple[int, int, float, float], list[tuple[int, int, int]]] = {}
    for (d, K, step, budgets, n), outcomes in sorted(cells.items()):
        row = (int(n), round(sum(outcomes)), len(outcomes))
        found.setdefault((int(d), int(K), step, budgets), []).append(row)
    return {size: Counts(*map(list, zip(*rows, strict=True))) for size, rows in found.items()}


# --- the experiment -------------------------------------------------------------------------


def rule_width(n: int, epsilon: float = 0.05) -> int:
    r"""$\lfloor\log(n/\varepsilon)/\log\frac43\rfloor + 1$ neurons [dana2025, App. B]."""
    return math.floor(math.log(n / epsilon) / math.log(4 / 3)) + 1


def budget(n: int, K: int) -> float:
    r"""Time of training: 1.5 times $\frac14\sqrt{nK}\log(nK)$ [dana2025, App. B]."""
    return 1.5 * math.sqrt(n * K) * math.log(n * K) / 4


def budget_steps(n: int, K: int, step: float = 1.0, budgets: float = 1.0) -> int:
    """Number of steps of this size in so many budgets, one more than fit in."""
    return math.floor(budgets * budget(n, K) / step) + 1


def draw(
    K: int,
    d: int,
    n: int,
    generator: torch.Generator,
    *,
    batch: int = 1,
    law: str = "uniform",
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Start, inputs and labels of an ensemble, as the authors' program draws them.

    Args:
        K: Width.
        d: Dimension of the inputs.
        n: Number of points.
        generator: Source of randomness, on the CPU.
        batch: Number of networks.
        law: Law of the neurons, see `networks.start`.
        dtype: Type of the result. Numbers are drawn in double precision.

    Returns:
        `W`, `a`, `X` and `y`.
    """
    W, a = networks.start(K, d, generator, batch=(batch,), law=law)
    X = networks.inputs_of_random_direction(d, n, generator, batch=(batch,))
    y = networks.labels(n, generator, batch=(batch,))
    return W.to(dtype), a.to(dtype), X.to(dtype), y.to(dtype)


def train(
    parts: tuple[Tensor, Tensor, Tensor, Tensor], *, step: float = 1.0, budgets: float = 1.0
) -> ensembles.Training:
    r"""Train until $L < \frac1{2n}$ or the budget is used up.

    Args:
        parts: What `draw` returned, on the device that is to be used.
        step: Step size $\eta$.
        budgets: Length of the training in units of `budget`.
    """
    n, K = parts[3].shape[-1], parts[1].shape[-1]
    n_steps = budget_steps(n, K, step, budgets)
    return ensembles.train(*parts, step=step, n_steps=n_steps, target=1 / (2 * n))


def hitting_time(trained: ensembles.Training, n: int, step: float = 1.0) -> Float[Tensor, " B"]:
    """Time in budgets at which the loss fell below the target; infinite where it did not."""
    time = trained.steps.double() * step / budget(n, trained.a.shape[-1])
    return torch.where(trained.reached, time, math.inf)


def run_cell(
    d: int, K: int, n: int, step: float, budgets: float, seed: int, first: int, count: int
) -> list[tuple[int, bool, int, float, float]]:
    """Networks `first..first+count-1` of a cell; each depends on its numbers and the seed alone.

    Returns:
        For each its number, whether it interpolated, its steps, first loss and last loss.
    """
    drawn = []
    for index in range(first, first + count):
        state = np.random.SeedSequence([seed, d, K, n, index]).generate_state(1, np.uint64)
        generator = torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
        drawn.append(draw(K, d, n, generator))
    end = train(
        tuple(torch.cat(parts) for parts in zip(*drawn, strict=True)), step=step, budgets=budgets
    )
    columns = (end.reached, end.steps, end.first_loss, end.loss)
    return list(zip(range(first, first + count), *(c.tolist() for c in columns), strict=True))


# --- thresholds -----------------------------------------------------------------------------


def log_likelihood(counts: Counts, thresholds: np.ndarray | Sequence[float]) -> np.ndarray:
    """Largest log likelihood over the steepness, for each threshold.

    Args:
        counts: What was counted.
        thresholds: Values of $N$.
    """
    n, successes, trials = (np.asarray(c, dtype=float) for c in _columns(counts))
    place = np.asarray(thresholds, dtype=float)[:, None, None]
    width = place * np.geomspace(1e-3, 1, 61)[None, :, None]
    logit = np.clip((place - n) / width, -700, 700)
    values = -successes * np.logaddexp(0, -logit) - (trials - successes) * np.logaddexp(0, logit)
    return values.sum(axis=2).max(axis=1)


def threshold(counts: Counts, level: float = LEVEL) -> Estimate:
    """The threshold with its interval of likelihood.

    Where all networks succeed up to one $n$ and none from the next on, all thresholds between are
    equally likely, and the middle is returned. An interval that meets the end of the range of $n$
    is cut off at half of the first or twice the last one.

    Raises:
        ValueError: Nothing was counted, or numbers make no sense.
    """
    grid = _grid(counts)
    values = log_likelihood(counts, grid)
    inside = grid[values >= values.max() - stats.chi2.ppf(level, 1) / 2]
    best = grid[values >= values.max() - 1e-6]
    return Estimate(math.sqrt(best[0] * best[-1]), float(inside[0]), float(inside[-1]))


def exponent(
    sizes: Sequence[int | float], tables: Sequence[Counts], level: float = LEVEL
) -> tuple[Estimate, float]:
    r"""The exponent $b$ of a power law $N = c\, s^b$, with its interval of likelihood.

    Args:
        sizes: The sizes $s$.
        tables: Counts at each size.
        level: Level of the interval.

    Returns:
        The exponent, and the probability with which a power law would fit worse than it does
        (small if the thresholds do not follow one; nan for two sizes).

    Raises:
        ValueError: Fewer than two sizes.
    """
    if len(sizes) < 2 or len(sizes) != len(tables):
        raise ValueError(f"an exponent needs at least two sizes, not {len(sizes)}")
    place = np.log(np.asarray(sizes, dtype=float))
    place -= place.mean()
    grids = [_grid(table) for table in tables]
    profiles = [log_likelihood(*pair) for pair in zip(tables, grids, strict=True)]
    middle = np.mean([math.log(threshold(table).value) for table in tables])
    slopes, levels = np.linspace(-1, 4, 501), np.linspace(middle - 1, middle + 1, 801)
    lines = levels + slopes[:, None, None] * place[:, None]
    joint = sum(
        np.interp(lines[:, k], np.log(grid), profile, left=-np.inf, right=-np.inf)
        for k, (grid, profile) in enumerate(zip(grids, profiles, strict=True))
    ).max(axis=1)
    inside = slopes[joint >= joint.max() - stats.chi2.ppf(level, 1) / 2]
    best = slopes[joint >= joint.max() - 1e-6].mean()
    worse = 2 * (sum(profile.max() for profile in profiles) - joint.max())
    fit = float(stats.chi2.sf(worse, len(sizes) - 2)) if len(sizes) > 2 else math.nan
    return Estimate(float(best), float(inside[0]), float(inside[-1])), fit


def _grid(counts: Counts) -> np.ndarray:
    """Thresholds to look at: from half of the first number of points to twice the last."""
    n = _columns(counts)[0]
    return np.geomspace(n[0] / 2, 2 * n[-1], _POINTS)


def _columns(counts: Counts) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    columns = counts.n, counts.successes, counts.trials
    if not counts.n or len({len(column) for column in columns}) > 1:
        raise ValueError("as many numbers of points are needed as successes and trials")
    if any(not 0 <= k <= t or t < 1 for k, t in zip(counts.successes, counts.trials, strict=True)):
        raise ValueError(f"{counts.successes} of {counts.trials} are no successes")
    if list(counts.n) != sorted(set(counts.n)):
        raise ValueError("numbers of points must increase")
    return columns
