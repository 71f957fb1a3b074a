import math

import pytest
import torch
from scipy.integrate import quad

from shallow_relu.inputs import LAWS, PRODUCT, ROTATION_INVARIANT, draw_inputs, positive_part_moment


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("d", [1, 2, 7])
def test_inputs_are_centred_with_mean_squared_norm_d(law, d):
    x = draw_inputs(law, 40_000, d, _generator())
    assert x.shape == (40_000, d) and x.dtype == torch.float64
    error = x.std(dim=0) / math.sqrt(len(x))
    assert (x.mean(dim=0).abs() <= 5 * error).all()
    squares = x.square().sum(-1)
    spread = squares.std() / math.sqrt(len(x))
    assert abs(squares.mean() - d) <= 5 * spread + 1e-12


@pytest.mark.parametrize("law", [law for law in LAWS if law != "stretched"])
def test_covariance_is_the_identity(law):
    x = draw_inputs(law, 100_000, 3, _generator(1))
    products = x[:, :, None] * x[:, None, :]
    error = products.std(dim=0) / math.sqrt(len(x))
    assert ((products.mean(dim=0) - torch.eye(3)).abs() <= 5 * error + 1e-12).all()


def test_stretched_inputs_have_unequal_variances():
    variances = draw_inputs("stretched", 50_000, 3, _generator()).var(dim=0)
    assert float(variances[2] / variances[0]) == pytest.approx(9, rel=0.1)


@pytest.mark.parametrize("law", ROTATION_INVARIANT)
def test_fourth_moments_of_rotation_invariant_laws_match_those_of_directions(law):
    # E u_1^4 = 3 / (d (d + 2)) for u uniform on the unit sphere.
    x = draw_inputs(law, 200_000, 4, _generator(2))
    fourth = (x / torch.linalg.vector_norm(x, dim=-1, keepdim=True))[:, 0] ** 4
    assert abs(fourth.mean() - 3 / 24) <= 5 * fourth.std() / math.sqrt(len(x))


@pytest.mark.parametrize(
    ("law", "density", "reach"),
    [
        ("gaussian", lambda t: math.exp(-(t**2) / 2) / math.sqrt(2 * math.pi), math.inf),
        ("uniform", lambda t: 1 / (2 * math.sqrt(3)), math.sqrt(3)),
        ("laplace", lambda t: math.exp(-math.sqrt(2) * t) / math.sqrt(2), math.inf),
    ],
)
def test_positive_part_moment_against_quadrature_and_samples(law, density, reach):
    expected = quad(lambda t: t * density(t), 0, reach)[0]
    assert positive_part_moment(law) == pytest.approx(expected, abs=1e-10)
    part = draw_inputs(law, 200_000, 1, _generator(3)).clamp(min=0)
    assert abs(part.mean() - expected) <= 5 * part.std() / math.sqrt(len(part))


def test_rademacher_entries_are_signs():
    assert set(draw_inputs("rademacher", 100, 3, _generator()).unique().tolist()) == {-1.0, 1.0}
    assert positive_part_moment("rademacher") == 0.5


def test_the_same_seed_gives_the_same_inputs():
    for law in LAWS:
        first, second = (draw_inputs(law, 5, 3, _generator(9)) for _ in "ab")
        assert torch.equal(first, second)


def test_unknown_laws_are_refused():
    with pytest.raises(ValueError, match="law 'cauchy' is not one of"):
        draw_inputs("cauchy", 3, 3, _generator())
    with pytest.raises(ValueError, match="law 'sphere' is not one of"):
        positive_part_moment("sphere")
    assert set(PRODUCT) < set(LAWS)
