import math

import numpy as np
import pytest
import torch

from shallow_relu import interpolation, networks
from shallow_relu.interpolation import Counts


def simulated(N, s, n, trials, seed):
    """Counts drawn from the sigmoid."""
    generator = np.random.default_rng(seed)
    chances = [1 / (1 + math.exp((k - N) / s)) for k in n]
    return Counts(n, [int(generator.binomial(trials, p)) for p in chances], [trials] * len(n))


def test_the_width_and_the_budget_by_hand():
    # 36 neurons at n = 1300: (4/3)^35 < 26000 < (4/3)^36
    assert (4 / 3) ** 35 < 1300 / 0.05 < (4 / 3) ** 36
    assert interpolation.rule_width(1300) == 36
    assert interpolation.budget(4, 25) == pytest.approx(1.5 * 10 * math.log(100) / 4)
    assert interpolation.budget_steps(4, 25) == 18
    assert interpolation.budget_steps(4, 25, step=0.5, budgets=2.0) == 70


def test_the_likelihood_is_that_of_the_sigmoid():
    counts = Counts([10, 20, 30], [9, 6, 1], [10, 10, 10])
    best = max(
        sum(
            math.log(p**k * (1 - p) ** (10 - k))
            for n, k in zip(counts.n, counts.successes, strict=True)
            for p in [1 / (1 + math.exp((n - 21) / s))]
        )
        for s in np.geomspace(2, 21, 2000)
    )
    assert interpolation.log_likelihood(counts, [21.0])[0] == pytest.approx(best, abs=1e-2)


@pytest.mark.parametrize("seed", range(3))
def test_thresholds_and_exponents_are_found_again(seed):
    sizes, tables = [10, 20, 40], []
    for k, size in enumerate(sizes):
        N = 3 * size**1.5
        n = [round(N * f) for f in (0.6, 0.8, 0.9, 1.0, 1.1, 1.3, 1.6)]
        tables.append(simulated(N, N / 15, n, 50, 10 * seed + k))
        found = interpolation.threshold(tables[-1])
        assert found.low < N < found.high and found.high - found.low < 0.3 * N
        assert found.value == pytest.approx(N, rel=0.1)
    slope, fit = interpolation.exponent(sizes, tables)
    assert slope.low < 1.5 < slope.high and slope.high - slope.low < 0.5 and fit > 1e-3
    # The third threshold moved by half: no power law any more.
    moved = Counts([2 * n for n in tables[2].n], tables[2].successes, tables[2].trials)
    assert interpolation.exponent(sizes, [*tables[:2], moved])[1] < 1e-6


def test_intervals_cover_as_often_as_they_say():
    n, inside = [40, 60, 80, 100, 120, 140, 160], 0
    for seed in range(200):
        found = interpolation.threshold(simulated(95, 12, n, 10, seed), level=0.9)
        inside += found.low <= 95 <= found.high
    assert 166 <= inside <= 194  # 180 expected, 3.3 standard deviations either way


def test_where_all_or_none_succeed_the_gap_is_the_interval():
    found = interpolation.threshold(Counts([10, 20, 40], [30, 30, 0], [30, 30, 30]))
    assert found.low == pytest.approx(20, rel=0.05) and found.high == pytest.approx(40, rel=0.05)
    assert 22 < found.value < 37
    open_end = interpolation.threshold(Counts([10, 20], [30, 30], [30, 30]))
    assert open_end.high == pytest.approx(40)


def test_counts_that_make_no_sense_are_refused():
    for counts in (
        Counts([], [], []),
        Counts([1, 2], [1], [1, 1]),
        Counts([1], [2], [1]),
        Counts([2, 1], [1, 1], [1, 1]),
    ):
        with pytest.raises(ValueError):
            interpolation.threshold(counts)
    with pytest.raises(ValueError, match="at least two sizes"):
        interpolation.exponent([1], [Counts([1], [1], [1])])


def test_rows_are_tallied():
    columns = {
        "d": [5.0, 5.0, 5.0, 5.0, 6.0],
        "K": [2.0] * 5,
        "n": [9.0, 7.0, 9.0, 9.0, 7.0],
        "step": [0.5] * 5,
        "budgets": [1.0] * 5,
        "reached": [1.0, 0.0, 0.0, 1.0, 1.0],
        "loss": [0.0] * 5,
    }
    assert interpolation.tally(columns) == {
        (5, 2, 0.5, 1.0): Counts([7, 9], [0, 2], [1, 3]),
        (6, 2, 0.5, 1.0): Counts([7], [1], [1]),
    }


def test_a_cell_does_not_depend_on_how_it_is_split():
    whole = interpolation.run_cell(5, 20, 30, 0.5, 1.0, 7, 0, 4)
    parts = [interpolation.run_cell(5, 20, 30, 0.5, 1.0, 7, k, 1)[0] for k in range(4)]
    for one, other in zip(whole, parts, strict=True):
        assert one[:3] == other[:3]
        assert one[3:] == pytest.approx(other[3:], rel=1e-3)


def test_a_network_that_interpolates_has_small_residuals_and_no_wasted_step():
    parts = interpolation.draw(
        30, 10, 20, torch.Generator().manual_seed(0), batch=6, dtype=torch.float64
    )
    trained = interpolation.train(parts, step=0.5)
    residual = networks.outputs(trained.W, trained.a, parts[2]) - parts[3]
    assert trained.reached.all()
    assert (residual.square().sum(-1) < 1).all() and (residual.square().sum(-1) > 0.5).all()
    time = interpolation.hitting_time(trained, 20, 0.5)
    assert (time <= 1).all()
    short = interpolation.train(parts, step=0.5, budgets=0.05)
    assert interpolation.hitting_time(short, 20, 0.5).isinf().all()


def test_the_law_of_the_data():
    _, a, X, y = interpolation.draw(50, 8, 400, torch.Generator().manual_seed(1), batch=2)
    for size in (torch.linalg.vector_norm(X, dim=-2), y.abs()):
        assert 1 <= size.min() < 1.02 and 1.98 < size.max() <= 2.0001
    assert X.dtype == torch.float32 and a.shape == (2, 50)
