"""The proof of Conjecture 1 [tian2017]: identities, inequalities and the certified sign."""

import random
from fractions import Fraction

import mpmath
import pytest
import torch
from flint import arb

from shallow_relu import conjecture_one
from shallow_relu.certificates import prove_positive
from shallow_relu.conjecture_one import (
    ARCS,
    ENTIRE_BALLS,
    SIGNS,
    angles_on_arc,
    arc_length,
    certify_altered,
    certify_conjecture,
    certify_directly,
    certify_inequalities,
    entire_functions,
    exact_identities,
    inequality_quotients,
    positive_terms,
    quotient,
    separable_on_arc,
    wronskian_data,
)
from shallow_relu.two_neurons import DIGITS, TENSORS, angles_to_neurons, separable_on_circle

IN_DIGITS = entire_functions(DIGITS)


def positions(count, seed):
    """Random points of the open square, half of them within 10^-6 of its edges or corners."""
    rng = random.Random(seed)

    def coordinate(near_edge):
        value = mpmath.mpf(rng.random())
        if not near_edge:
            return value
        return value / 10**6 if rng.random() < 0.5 else 1 - value / 10**6

    for index in range(count):
        near = index % 2 == 1
        yield mpmath.pi * coordinate(near), coordinate(near and rng.random() < 0.7)


def definition(arc, x, t):
    """L_12 by Cramer's rule for the printed linear system."""
    pi = mpmath.pi

    def h(angle):
        return (pi - angle) * mpmath.cos(angle) + mpmath.sin(angle)

    phi = {"I": x, "II": t + x, "III": pi + x, "IV": 2 * pi - x}[arc]
    theta1 = pi - abs(pi - phi)
    theta2 = pi - abs(pi - abs(phi - t))
    b, first, second = h(t), pi * mpmath.cos(t), pi - t + mpmath.sin(t) * mpmath.cos(t)
    determinant = pi**2 - b**2
    a1 = (pi * first - b * second) / determinant
    a2 = (pi * second - b * first) / determinant
    direct = (pi - theta1) * mpmath.cos(theta2) + mpmath.cos(t) * mpmath.sin(theta1)
    return direct - a1 * h(theta1) - a2 * h(theta2)


@pytest.mark.parametrize("arc", ARCS)
def test_arcs_cover_the_circle_in_order(arc):
    t = torch.linspace(0.1, 3.0, 7, dtype=torch.float64)[:, None]
    length = arc_length(arc, t, TENSORS)
    x = length * torch.linspace(0.01, 0.99, 9, dtype=torch.float64)
    pi = torch.pi
    phi = {"I": x, "II": t + x, "III": pi + x, "IV": 2 * pi - x}[arc]
    expected = angles_to_neurons(phi, t)
    for one, other in zip(
        torch.broadcast_tensors(*angles_on_arc(arc, x, t, TENSORS)),
        torch.broadcast_tensors(*expected),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-14)
    assert (SIGNS[arc] * separable_on_circle(phi, t) > 0).all()


@pytest.mark.parametrize("arc", ARCS)
def test_positive_terms_and_product_at_50_digits(arc):
    """Near the edges up to 40 digits cancel in the definition, so it is taken at 110."""
    with mpmath.workdps(110):
        for t, position in positions(60, seed=4):
            x = position * arc_length(arc, t, DIGITS)
            signed = SIGNS[arc] * definition(arc, x, t)
            terms = positive_terms(arc, x, t, DIGITS)
            assert all(term > 0 for term in terms)
            assert abs(sum(terms) / signed - 1) < mpmath.mpf(10) ** -50
            product = quotient(arc, t, position, IN_DIGITS)
            assert abs(product.value() / signed - 1) < mpmath.mpf(10) ** -50
            assert product.weight > 0
            assert all(multiplier > 0 for multiplier in product.multipliers)
            assert all(block > 0 for block in product.blocks)


@pytest.mark.parametrize("arc", ["I", "II", "IV"])
def test_equation_along_the_circle_at_50_digits(arc):
    with mpmath.workdps(150):
        for t, position in positions(8, seed=5):
            length = arc_length(arc, t, DIGITS)
            x = position * length

            def function(place, t=t):
                return separable_on_arc(arc, place, t, DIGITS)

            data = wronskian_data(arc, x, t, DIGITS)
            step = x * (length - x) * mpmath.mpf(10) ** -30
            second = (function(x + step) - 2 * function(x) + function(x - step)) / step**2
            source = 2 * data.source * mpmath.sin(x)
            assert abs(second + function(x) - source) < mpmath.mpf(10) ** -25
            for place, direction, (value, slope) in ((0, 1, data.start), (length, -1, data.end)):
                at = mpmath.mpf(place)
                assert abs(function(at) - value) < mpmath.mpf(10) ** -50
                small = direction * length * mpmath.mpf(10) ** -50
                secant = (function(at + small) - function(at)) / small
                assert abs(secant - slope) < mpmath.mpf(10) ** -45


def test_comparison_is_not_offered_on_the_third_arc():
    with pytest.raises(ValueError, match="arc III"):
        wronskian_data("III", mpmath.mpf(1), mpmath.mpf(2), DIGITS)


def test_every_identity_holds_exactly():
    identities = exact_identities()
    assert len(identities) > 50
    assert [name for name, holds in identities.items() if not holds] == []


def test_identities_fail_for_a_wrong_coefficient(monkeypatch):
    exact = conjecture_one.separable_coefficients

    def wrong(t, arithmetic):
        a1, a2 = exact(t, arithmetic)
        return a1, a2 + 1 / (0 * t + 1000)

    monkeypatch.setattr(conjecture_one, "separable_coefficients", wrong)
    identities = exact_identities()
    assert not identities["M_r a = m_12, first row"]
    assert not identities["1 - a_1 - a_2"]
    assert not identities["arc III: sum of positive terms"]


def test_entire_functions_in_balls_contain_the_exact_values():
    rng = random.Random(6)
    one_variable = ("sinc", "cubic_cosine", "cubic_sine", "two_zeros")
    with mpmath.workdps(40):
        pi = mpmath.pi
        for _ in range(200):
            width = rng.choice([0.5, 1e-3, 1e-9])
            x, y = (mpmath.mpf(rng.uniform(1e-8, float(pi) - 1e-8)) for _ in range(2))
            balls = []
            for exact in (x, y):
                # The ball is off centre, so that the exact point is near its rim at times.
                middle = min(max(float(exact) + width * rng.uniform(-1, 1), width), 3.14 - width)
                balls.append(arb(middle, abs(middle - float(exact)) + 1e-12))
            for name in one_variable:
                exact = getattr(IN_DIGITS, name)(x)
                ball = getattr(ENTIRE_BALLS, name)(balls[0])
                assert not ball.is_finite() or ball.contains(arb(mpmath.nstr(exact, 30)))
            exact = IN_DIGITS.pair(x, y + 1e-7)
            ball = ENTIRE_BALLS.pair(balls[0], balls[1] + arb(0, 1e-6))
            assert ball.contains(arb(mpmath.nstr(exact, 30)))


def test_entire_functions_in_balls_are_sharp_and_defined_at_their_removable_zeros():
    pi = float(mpmath.pi)
    zero = arb(0)
    for value, expected in (
        (ENTIRE_BALLS.sinc(zero), 1),
        (ENTIRE_BALLS.cubic_cosine(zero), 1 / 3),
        (ENTIRE_BALLS.cubic_sine(zero), 1 / 6),
        (ENTIRE_BALLS.cubic_cosine(arb.pi()), 1 / pi**2),
        (ENTIRE_BALLS.cubic_sine(arb.pi()), 1 / pi**2),
        (ENTIRE_BALLS.pair(zero, zero), 1 / 6),
        (ENTIRE_BALLS.pair(arb.pi(), zero), 1 / (2 * pi**2)),
        (ENTIRE_BALLS.pair(arb.pi(), arb.pi()), 1 / (4 * pi**2)),
        (ENTIRE_BALLS.two_zeros(arb.pi()), 1 / pi),
    ):
        assert float(value) == pytest.approx(expected, rel=1e-14)
        assert float(value.rad()) < 1e-12


def test_inequalities_are_certified_on_the_whole_interval():
    certificates = certify_inequalities()
    assert len(certificates) == len(inequality_quotients(arb(1), ENTIRE_BALLS))
    for certificate in certificates:
        assert certificate.proved, certificate.statement
        assert certificate.boxes > 0 and certificate.open_boxes == ()


def test_inequality_certificates_are_not_slack_by_construction():
    """Each quotient lowered by slightly more than its minimum is refused."""
    samples = [inequality_quotients(arb.pi() * k / 64, ENTIRE_BALLS) for k in range(65)]
    for name in samples[0]:
        minimum = min(float(sample[name].quotient) for sample in samples)
        assert minimum > 0
        lowered = prove_positive(
            lambda t, name=name, minimum=minimum: (
                inequality_quotients(t, ENTIRE_BALLS)[name].quotient - arb(1.001 * minimum)
            ),
            [(0, arb.pi)],
            statement=f"{name} with a margin that is too large",
            max_boxes=50,
        )
        assert not lowered.proved, name


def test_conjecture_is_certified_on_the_closed_square():
    certificates = certify_conjecture(keep_boxes=True)
    assert list(certificates) == list(ARCS)
    for arc, blocks in certificates.items():
        assert len(blocks) == len(quotient(arc, arb(1), arb(0.5), ENTIRE_BALLS).blocks)
        for certificate in blocks:
            assert certificate.proved, certificate.statement
            assert certificate.boxes > 1 and certificate.open_boxes == ()
            assert len(certificate.proved_boxes) == certificate.leaves
            assert certificate.domain == ((0, pytest.approx(float(mpmath.pi))), (0, 1))


@pytest.mark.parametrize("arc", ARCS)
def test_perturbed_blocks_are_refused(arc):
    """Each block with the wrong sign, and lowered by slightly more than its minimum.

    The budget is more than what any of the true blocks needs.
    """
    samples = [
        quotient(arc, arb.pi() * i / 16, arb(k) / 16, ENTIRE_BALLS).blocks
        for i in range(17)
        for k in range(17)
    ]
    for index in range(len(samples[0])):
        minimum = min(float(sample[index]) for sample in samples)
        assert minimum > 0
        for sign, margin in ((-1, 0), (1, 1.001 * minimum)):
            certificate = prove_positive(
                lambda t, u, index=index, sign=sign, margin=margin: (
                    sign * quotient(arc, t, u, ENTIRE_BALLS).blocks[index] - arb(margin)
                ),
                [(0, arb.pi), (0, 1)],
                statement="perturbed",
                max_boxes=150,
            )
            assert not certificate.proved


@pytest.mark.parametrize("arc", ARCS)
def test_sign_from_the_definition_alone(arc):
    certificate = certify_directly(arc, Fraction(1))
    assert certificate.proved
    assert 50 < certificate.boxes < 300 and certificate.open_boxes == ()


@pytest.mark.parametrize(
    ("arc", "perturbation"),
    [
        *((arc, {"sign": -SIGNS[arc]}) for arc in ARCS),
        ("I", {"offset": Fraction(1, 1000)}),
        ("II", {"offset": Fraction(1, 1000)}),
        ("III", {"offset": Fraction(1, 2)}),
        ("IV", {"offset": Fraction(1, 1000)}),
        ("I", {"coefficient_error": Fraction(1, 1000)}),
        ("II", {"coefficient_error": Fraction(-1, 1000)}),
        ("IV", {"coefficient_error": Fraction(-1, 1000)}),
    ],
)
def test_perturbed_statements_are_refused(arc, perturbation):
    """The budget is more than what each true statement needs."""
    certificate = certify_directly(arc, Fraction(1), max_boxes=300, **perturbation)
    assert not certificate.proved
    assert certificate.open_boxes


def test_identities_fail_by_the_argument_for_control():
    identities = exact_identities(Fraction(1, 1000))
    assert len(identities) > 50
    assert not identities["M_r a = m_12, first row"]
    for arc in ARCS:
        assert not identities[f"arc {arc}: sum of positive terms"]
        assert not identities[f"arc {arc}: product form"]


@pytest.mark.parametrize(
    ("arc", "change"),
    [
        ("I", {"sign": -1}),
        ("III", {"sign": 1}),
        ("I", {"offset": Fraction(1, 1000)}),
        ("III", {"offset": Fraction(1, 1000)}),
        ("I", {"coefficient_error": Fraction(1, 1000)}),
        ("II", {"coefficient_error": Fraction(-1, 1000)}),
    ],
)
def test_altered_statements_meet_a_counterexample(arc, change):
    certificate = certify_altered(arc, **change)
    assert not certificate.proved
    # The statement is false at the middle of the box, by the definition.
    with mpmath.workdps(60):
        middle = [sum(side) / 2 for side in certificate.counterexample]
        t, u = (mpmath.mpf(place.numerator) / place.denominator for place in middle)
        t = mpmath.pi * t
        x = u * arc_length(arc, t, DIGITS)
        theta2 = angles_on_arc(arc, x, t, DIGITS)[1]
        h = (mpmath.pi - theta2) * mpmath.cos(theta2) + mpmath.sin(theta2)
        value = definition(arc, x, t) - float(change.get("coefficient_error", 0)) * h
        assert change.get("sign", SIGNS[arc]) * value <= float(change.get("offset", 0))


def test_the_true_statement_meets_no_counterexample():
    assert certify_altered("III", max_boxes=100).counterexample is None
