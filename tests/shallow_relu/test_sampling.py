import math
from functools import partial

import pytest
import torch

from shallow_relu import sampling
from shallow_relu.inputs import draw_inputs, positive_part_moment
from shallow_relu.kernels import angle, gated_mean

ANGLES = torch.tensor([0.0, 0.3, 1.2, math.pi / 2, 2.4, 3.0, math.pi], dtype=torch.float64)


def _draw(law: str, d: int, seed: int):
    generator = torch.Generator().manual_seed(seed)
    return partial(draw_inputs, law, d=d, generator=generator)


@pytest.mark.parametrize("d", [2, 3, 20])
def test_pairs_are_unit_vectors_at_their_angle(d):
    e, w = sampling.unit_pairs(ANGLES, d, torch.Generator().manual_seed(0))
    one = torch.ones(len(ANGLES), dtype=torch.float64)
    assert torch.allclose(torch.linalg.vector_norm(e, dim=-1), one)
    assert torch.allclose(torch.linalg.vector_norm(w, dim=-1), one)
    assert torch.allclose(angle(e, w), ANGLES, atol=1e-7)


def test_directions_of_pairs_are_uniform():
    theta = torch.full((40_000,), 1.0, dtype=torch.float64)
    for vectors in sampling.unit_pairs(theta, 3, torch.Generator().manual_seed(1)):
        error = vectors.std(dim=0) / math.sqrt(len(vectors))
        assert (vectors.mean(dim=0).abs() <= 5 * error).all()


@pytest.mark.parametrize("theta", ANGLES.tolist())
def test_quadrature_agrees_with_samples(theta):
    # An oracle that knows no wedge: gates and inputs as they are defined.
    x = _draw("gaussian", 2, 5)(400_000)
    e = torch.tensor([math.cos(theta), math.sin(theta)], dtype=torch.float64)
    gated = ((x @ e > 0) * x[:, 0].clamp(min=0))[:, None] * x
    error = gated.std(dim=0) / math.sqrt(len(x)) + 1e-15
    mean = torch.tensor(sampling.gated_mean_by_quadrature(theta), dtype=torch.float64)
    assert ((gated.mean(dim=0) - mean).abs() <= 5 * error).all()
    on_sphere = torch.tensor(sampling.gated_mean_on_sphere(theta), dtype=torch.float64)
    x = _draw("sphere", 3, 6)(400_000)
    gated = ((x[:, :2] @ e > 0) * x[:, 0].clamp(min=0))[:, None] * x[:, :2]
    error = gated.std(dim=0) / math.sqrt(len(x)) + 1e-15
    assert ((gated.mean(dim=0) - on_sphere).abs() <= 5 * error).all()


@pytest.mark.parametrize("theta", ANGLES.tolist())
def test_share_of_open_gates_is_the_overlap_of_half_planes(theta):
    x = _draw("gaussian", 2, 7)(200_000)
    e = torch.tensor([math.cos(theta), math.sin(theta)], dtype=torch.float64)
    both = ((x @ e > 0) & (x[:, 0] > 0)).double()
    error = both.std() / math.sqrt(len(x)) + 1e-12
    assert abs(both.mean() - sampling.share_of_open_gates(theta)) <= 5 * error


def test_estimate_is_the_plain_mean_in_blocks_of_any_size(monkeypatch):
    e, w = sampling.unit_pairs(ANGLES, 4, torch.Generator().manual_seed(0))
    x = _draw("gaussian", 4, 1)(1000)

    def deal():
        rest = iter(x)
        return lambda n: torch.stack([next(rest) for _ in range(n)])

    mean, error = sampling.gated_mean_estimate(e, w, deal(), 1000)
    for row in range(len(ANGLES)):
        gated = ((x @ e[row] > 0) * (x @ w[row]).clamp(min=0))[:, None] * x
        assert torch.allclose(mean[row], gated.mean(dim=0), atol=1e-14)
        assert torch.allclose(error[row], gated.std(dim=0) / math.sqrt(1000), atol=1e-14)
    monkeypatch.setattr(sampling, "_BLOCK", 77)
    blocks, _ = sampling.gated_mean_estimate(e, w, deal(), 1000)
    assert torch.allclose(blocks, mean, atol=1e-14)


@pytest.mark.parametrize("d", [2, 10])
def test_error_law_is_the_mean_square_of_measured_errors(d):
    generator = torch.Generator().manual_seed(3)
    theta = ANGLES[:-1]
    squares = torch.zeros(300, len(theta), dtype=torch.float64)
    draw = _draw("gaussian", d, 4)
    for row in squares:
        e, w = sampling.unit_pairs(theta, d, generator)
        mean, _ = sampling.gated_mean_estimate(e, w, draw, 200)
        target = gated_mean(e, w)
        row += (mean - target).square().sum(-1) / target.square().sum(-1)
    law = sampling.relative_error_law(theta, d, 200).square()
    error = squares.std(dim=0) / math.sqrt(len(squares))
    assert ((squares.mean(dim=0) - law).abs() <= 5 * error).all()


def test_error_up_to_scale_is_the_sine_of_the_angle():
    generator = torch.Generator().manual_seed(0)
    measured = torch.randn(50, 6, generator=generator, dtype=torch.float64)
    formula = torch.randn(50, 6, generator=generator, dtype=torch.float64)
    found = sampling.error_up_to_scale(measured, formula)
    assert torch.allclose(found, torch.sin(angle(measured, formula)), atol=1e-12)
    assert torch.allclose(sampling.error_up_to_scale(3 * measured, 0.1 * formula), found)


def test_split_estimate_of_the_bias_is_right_on_average():
    # Along two axes of the cube the mean is known exactly, and so is its squared bias.
    axes = torch.eye(2, dtype=torch.float64)
    e, w = axes[:1].expand(1, 2), axes[1:].expand(1, 2)
    formula = gated_mean(e, w)
    exact = torch.tensor([[positive_part_moment("uniform") ** 2, 0.25]], dtype=torch.float64)
    expected = torch.tan(angle(exact, formula)).square()
    draw = _draw("uniform", 2, 8)
    found = torch.stack(
        [
            sampling.squared_bias_up_to_scale(
                *(sampling.gated_mean_estimate(e, w, draw, 2000)[0] for _ in "ab"), formula
            )
            for _ in range(300)
        ]
    )
    assert abs(found.mean() - expected) <= 5 * found.std() / math.sqrt(len(found))
    assert found.mean() > 0.002


def test_bad_sizes_are_refused():
    e = w = torch.ones(1, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match="n >= 2"):
        sampling.gated_mean_estimate(e, w, _draw("gaussian", 3, 0), 1)
    with pytest.raises(ValueError, match="d >= 2"):
        sampling.unit_pairs(ANGLES, 1, torch.Generator())


@pytest.mark.parametrize("radius", [0.5, 1.0, 3.0])
def test_spheres_of_any_radius_against_samples(radius):
    x = _draw("sphere", 3, 9)(200_000) * (radius / math.sqrt(3))
    across = x[:, 2].square()
    error = across.std() / math.sqrt(len(x))
    assert abs(across.mean() - sampling.second_moment_across(radius)) <= 5 * error
    gated = x[:, 0].clamp(min=0) * x[:, 0]
    error = gated.std() / math.sqrt(len(x))
    assert abs(gated.mean() - sampling.gated_mean_on_sphere(0.0, radius)[0]) <= 5 * error
