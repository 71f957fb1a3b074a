import itertools
import math
from fractions import Fraction

import pytest
import torch

from shallow_relu import good_starts, networks


@pytest.mark.parametrize("K, labels", [(1, [1]), (2, [1, 1]), (3, [1, -1]), (3, [1, 1, -1])])
def test_probability_by_counting_all_cases(K, labels):
    n = len(labels)
    good = total = 0
    for signs in itertools.product((1, -1), repeat=K):
        for gates in itertools.product((False, True), repeat=K * n):
            total += 1
            good += all(
                any(gates[j * n + i] and signs[j] == labels[i] for j in range(K)) for i in range(n)
            )
    found = good_starts.cover_probability(K, labels.count(1), labels.count(-1))
    assert found == pytest.approx(float(Fraction(good, total)), rel=1e-14)


def test_event_by_loops():
    generator = torch.Generator().manual_seed(0)
    W, a = networks.start(4, 6, generator, batch=(50,))
    X = networks.inputs_of_random_direction(6, 3, generator, batch=(50,))
    y = networks.labels(3, generator, batch=(50,))
    expected = [
        all(
            any(float(W[b, j] @ X[b, :, i]) > 0 and a[b, j] * y[b, i] > 0 for j in range(4))
            for i in range(3)
        )
        for b in range(50)
    ]
    found = good_starts.is_covered(W, a, X, y).tolist()
    assert found == expected and 0 < sum(expected) < 50


def test_probability_lies_above_the_union_bound():
    for n, K in itertools.product((2.0, 10.0, 1e3, 1e9), (5, 20, 60)):
        exact = good_starts.cover_probability(K, n / 2, n / 2)
        assert exact >= good_starts.union_bound(K, n) - 1e-12
    assert good_starts.cover_probability(5, 1, 0) == pytest.approx(1 - 0.75**5, rel=1e-14)


def test_points_help_each_other_with_one_label_and_hinder_with_two():
    for n, K in itertools.product((2, 10), (5, 20)):
        alone = good_starts.independent_points(K, n)
        assert good_starts.cover_probability(K, n, 0) > alone
    assert good_starts.cover_probability(5, 1, 1) < good_starts.independent_points(5, 2)
    assert good_starts.independent_points(5, 1) == pytest.approx(1 - 0.75**5, rel=1e-14)


def test_smallest_width_is_the_smallest():
    for n, epsilon in ((10, 0.05), (1000, 0.3), (1e12, 0.01)):
        K = good_starts.smallest_width(n, epsilon)
        chances = [good_starts.cover_probability(k, n / 2, n / 2) for k in range(1, K + 3)]
        assert [chance >= 1 - epsilon for chance in chances] == [False] * (K - 1) + [True] * 3
        assert good_starts.sufficient_width(n, epsilon) >= K
    assert good_starts.sufficient_width(100, 0.05) == math.ceil(4 * math.log(2000))


@pytest.mark.parametrize("call", [
    lambda: good_starts.cover_probability(0, 1, 1),
    lambda: good_starts.cover_probability(3, -1, 1),
    lambda: good_starts.sufficient_width(0, 0.1),
    lambda: good_starts.sufficient_width(10, 1.5),
    lambda: good_starts.smallest_width(10, 0.0),
])  # fmt: skip
def test_nonsense_is_refused(call):
    with pytest.raises(ValueError, match="make no sense"):
        call()


def test_the_fewest_right_neurons_against_drawn_signs():
    generator = torch.Generator().manual_seed(2)
    K, n, draws = 40, 50, 2000
    gates = torch.randint(0, 2, (draws, K // 2, n), generator=generator)
    fewest = gates.sum(dim=1).amin(dim=1)
    m = good_starts.fewest_right_neurons(K, n)
    at_most, below = ((fewest <= m).double().mean(), (fewest < m).double().mean())
    assert at_most > 0.5 - 0.04 and below < 0.5 + 0.04
    assert good_starts.fewest_right_neurons(2, 1000) == 0
    assert good_starts.fewest_right_neurons(4, 1) == 1
    with pytest.raises(ValueError, match="width 1"):
        good_starts.fewest_right_neurons(1, 5)


@pytest.mark.parametrize("factor", [3.0, 3.476, 4.0, 14.0])
def test_the_share_of_the_fewest_is_the_limit_of_its_law(factor):
    share = good_starts.fewest_share(factor)
    widths = [(10.0**e, math.floor(factor * e * math.log(10))) for e in (100, 300)]
    shares = [good_starts.fewest_right_neurons(K, n) / K for n, K in widths]
    assert abs(shares[1] - share) < abs(shares[0] - share) + 1e-3
    assert shares[1] == pytest.approx(share, abs=6e-3)


def test_below_the_sharp_constant_nobody_is_left():
    assert good_starts.fewest_share(2.8) == 0
    assert good_starts.fewest_share(2 / math.log(2) + 1e-6) < 1e-6
