import math
from functools import partial

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from shallow_relu import kernels

EPS = torch.finfo(torch.float64).eps
PI = math.pi
KERNELS = (kernels.angle, kernels.arc_cosine_0, kernels.arc_cosine_1, kernels.gated_mean)
ARRANGEMENTS = ("generic", "collinear", "antipodal", "nearly collinear", "nearly antipodal")

properties = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def pair(seed: int, d: int, arrangement: str = "generic") -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    u, noise = rng.standard_normal((2, d))
    offset = 10.0 ** rng.uniform(-12, -3) * noise
    v = {
        "generic": noise,
        "collinear": 3 * u,
        "antipodal": -3 * u,
        "nearly collinear": u + offset,
        "nearly antipodal": -u + offset,
    }[arrangement]
    return torch.tensor(u), torch.tensor(v)


def exact_angle(u: torch.Tensor, v: torch.Tensor) -> mpmath.mpf:
    """Angle with 50 digits, from the cross and the dot product."""
    u, v = ([mpmath.mpf(t) for t in vector.tolist()] for vector in (u, v))
    cross = mpmath.fsum((u[i] * v[j] - u[j] * v[i]) ** 2 for j in range(len(u)) for i in range(j))
    dot = mpmath.fsum(s * t for s, t in zip(u, v, strict=True))
    return mpmath.atan2(mpmath.sqrt(cross), dot)


def exact_norm(u: torch.Tensor) -> mpmath.mpf:
    return mpmath.sqrt(mpmath.fsum(mpmath.mpf(t) ** 2 for t in u.tolist()))


def exact_profile(theta: mpmath.mpf) -> mpmath.mpf:
    with mpmath.workdps(100):  # near pi the terms agree to 30 digits
        return (mpmath.pi - theta) * mpmath.cos(theta) + mpmath.sin(theta)


def planar(theta: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Two unit vectors at the angle theta."""
    u = torch.tensor([1.0, 0.0], dtype=torch.float64)
    return u, torch.tensor([math.cos(theta), math.sin(theta)], dtype=torch.float64)


def circle_mean(function, theta: float) -> float:
    """Mean over a standard Gaussian in the plane of a function of degree 0 (times r^2: double)."""
    kinks = sorted({-PI / 2, PI / 2, theta - PI / 2, (theta + PI / 2 + PI) % (2 * PI) - PI})
    return quad(function, -PI, PI, points=kinks, epsabs=1e-13, limit=200)[0] / (2 * PI)


@pytest.fixture(autouse=True)
def fifty_digits():
    with mpmath.workdps(50):
        yield


@pytest.mark.parametrize("scales", [(1, 1), (1e-8, 1e8), (1e150, 1e-150), (1e-200, 1e200)])
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("d", [1, 2, 3, 10])
def test_angle_and_its_complement_are_exact_to_a_few_roundings(d, arrangement, scales):
    for seed in range(10):
        u, v = pair(seed, d, arrangement)
        u, v = scales[0] * u, scales[1] * v
        exact = exact_angle(u, v)
        assert abs(kernels.angle(u, v).item() - exact) <= 4 * EPS * (1 + exact)
        complement = 2 * PI * kernels.arc_cosine_0(u, v).item()
        assert abs(complement - (mpmath.pi - exact)) <= 4 * EPS * (1 + mpmath.pi - exact)


def test_angle_resolves_what_arccos_loses():
    u, v = planar(1e-12)
    assert kernels.angle(u, v).item() == pytest.approx(1e-12, rel=1e-4)
    assert 2 * PI * kernels.arc_cosine_0(u, -v).item() == pytest.approx(1e-12, rel=1e-4)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_profile_has_full_relative_accuracy(dtype):
    complements = torch.cat([10.0 ** torch.arange(-15.0, 0, 0.25), torch.linspace(0.1, PI, 400)])
    theta = torch.cat([(PI - complements.double()), complements.double()]).to(dtype)
    theta = theta[(theta.double() < PI) & (theta >= 0)]
    exact = [exact_profile(mpmath.mpf(t)) for t in theta.tolist()]
    for t, value, target in zip(
        theta.tolist(), kernels.arc_cosine_profile(theta).tolist(), exact, strict=True
    ):
        assert abs(value - target) <= 6 * torch.finfo(dtype).eps * target, t


def test_profile_at_the_ends():
    ends = kernels.arc_cosine_profile(torch.tensor([0.0, PI / 2, PI], dtype=torch.float64))
    assert ends[:2].tolist() == pytest.approx([PI, 1], abs=1e-15)
    # The float64 nearest to pi lies below pi, the float32 nearest to it above.
    assert 0 <= ends[2] < 1e-47
    assert kernels.arc_cosine_profile(torch.tensor([PI], dtype=torch.float32)).item() == 0


@pytest.mark.parametrize("complement", [1e-10, 1e-6, 1e-3, 0.3, 1.0, 2.0])
def test_order_1_keeps_relative_accuracy_towards_antipodal_vectors(complement):
    v = torch.tensor([-math.cos(complement), math.sin(complement)], dtype=torch.float64)
    u = torch.tensor([1.0, 0.0], dtype=torch.float64)
    exact = exact_norm(v) * exact_profile(exact_angle(u, v)) / (2 * mpmath.pi)
    # h is a cube here: three times the relative error of the angle.
    assert abs(kernels.arc_cosine_1(u, v).item() - exact) <= 16 * EPS / min(1, complement) * exact


@pytest.mark.parametrize("theta", [0.0, 1e-6, 0.3, 1.2, PI / 2, 2.0, 2.8, PI - 1e-4, PI])
def test_kernels_match_quadrature_in_the_plane(theta):
    u, v = planar(theta)
    length_u, length_v = 0.7, 2.5

    def gate(phi):
        return float(math.cos(phi) > 0)

    def relu(phi):
        return max(math.cos(phi - theta), 0.0)

    order_0 = circle_mean(lambda phi: gate(phi) * (relu(phi) > 0), theta)
    order_1 = 2 * circle_mean(lambda phi: max(math.cos(phi), 0.0) * relu(phi), theta)
    mean = [
        2 * circle_mean(lambda phi, f=f: gate(phi) * relu(phi) * f(phi), theta)
        for f in (math.cos, math.sin)
    ]
    # Any orthonormal pair of directions in a higher dimension must do as well as the plane's axes.
    frame = torch.linalg.qr(
        torch.randn(5, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    )[0]
    for axes in (torch.eye(2, dtype=torch.float64), frame):
        e, w = length_u * axes @ u, length_v * axes @ v
        assert kernels.arc_cosine_0(e, w).item() == pytest.approx(order_0, abs=1e-11)
        assert kernels.arc_cosine_1(e, w).item() == pytest.approx(
            length_u * length_v * order_1, abs=1e-11
        )
        expected = length_v * axes @ torch.tensor(mean, dtype=torch.float64)
        torch.testing.assert_close(kernels.gated_mean(e, w), expected, rtol=0, atol=1e-11)


def test_kernels_match_monte_carlo():
    generator = torch.Generator().manual_seed(20)
    u, v = torch.randn(2, 4, generator=generator, dtype=torch.float64)
    x = torch.randn(200_000, 4, generator=generator, dtype=torch.float64)
    gate, relu = (x @ u > 0).double(), (x @ v).relu()
    samples = torch.cat(
        [
            (gate * (x @ v > 0))[:, None],
            ((x @ u).relu() * relu)[:, None],
            (gate * relu)[:, None] * x,
        ],
        dim=1,
    )
    expected = torch.cat(
        [
            kernels.arc_cosine_0(u, v)[None],
            kernels.arc_cosine_1(u, v)[None],
            kernels.gated_mean(u, v),
        ]
    )
    z = (samples.mean(0) - expected) / (samples.std(0) / math.sqrt(len(x)))
    assert z.abs().max() < 4


def test_order_1_has_the_gated_mean_as_its_gradient():
    for seed in range(5):
        u, v = pair(seed, 4)
        u.requires_grad_()
        (gradient,) = torch.autograd.grad(kernels.arc_cosine_1(u, v), u)
        torch.testing.assert_close(gradient, kernels.gated_mean(u, v).detach())


@properties
@given(
    seed=st.integers(0, 10**6),
    d=st.integers(1, 12),
    arrangement=st.sampled_from(ARRANGEMENTS),
    scales=st.tuples(*[st.floats(-8, 8)] * 2),
)
def test_identities(seed, d, arrangement, scales):
    u, v = pair(seed, d, arrangement)
    s, t = 10 ** scales[0], 10 ** scales[1]
    size = (u.norm() * v.norm()).item()

    def same(left, right, magnitude=1.0):
        torch.testing.assert_close(left, right, rtol=0, atol=20 * EPS * magnitude)

    # Symmetry.
    for kernel in KERNELS[:3]:
        assert torch.equal(kernel(u, v), kernel(v, u))
    # Homogeneity: degrees 0, 0, 1 + 1, and 0 in e with 1 in w.
    same(kernels.angle(s * u, t * v), kernels.angle(u, v))
    same(kernels.arc_cosine_0(s * u, t * v), kernels.arc_cosine_0(u, v))
    same(kernels.arc_cosine_1(s * u, t * v), s * t * kernels.arc_cosine_1(u, v), s * t * size)
    same(kernels.gated_mean(s * u, t * v), t * kernels.gated_mean(u, v), t * v.norm().item())
    # relu(t) - relu(-t) = t, and 1(t > 0) + 1(-t > 0) = 1 almost surely.
    same(kernels.angle(u, v) + kernels.angle(u, -v), torch.tensor(PI, dtype=torch.float64))
    same(
        kernels.arc_cosine_0(u, v) + kernels.arc_cosine_0(u, -v),
        torch.tensor(0.5, dtype=torch.float64),
    )
    same(kernels.arc_cosine_1(u, v) - kernels.arc_cosine_1(u, -v), u @ v / 2, size)
    same(kernels.gated_mean(u, v) - kernels.gated_mean(u, -v), v / 2, v.norm().item())
    same(kernels.gated_mean(u, v) + kernels.gated_mean(-u, v), v / 2, v.norm().item())
    # Euler's relation for a kernel of degree 1 in u.
    same(u @ kernels.gated_mean(u, v), kernels.arc_cosine_1(u, v), size)
    # Rotations.
    generator = torch.Generator().manual_seed(seed)
    rotation = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64))[0]
    same(kernels.angle(rotation @ u, rotation @ v), kernels.angle(u, v))
    same(
        kernels.gated_mean(rotation @ u, rotation @ v),
        rotation @ kernels.gated_mean(u, v),
        v.norm().item(),
    )
    # Ranges.
    assert 0 <= kernels.angle(u, v) <= PI
    assert 0 <= kernels.arc_cosine_0(u, v) <= 0.5
    assert kernels.arc_cosine_1(u, v) >= 0


@properties
@given(seed=st.integers(0, 10**6), d=st.integers(1, 6), arrangement=st.sampled_from(ARRANGEMENTS))
def test_float32_agrees_with_float64(seed, d, arrangement):
    u, v = (t.float() for t in pair(seed, d, arrangement))
    for kernel in KERNELS:
        single, double = kernel(u, v), kernel(u.double(), v.double())
        assert single.dtype == torch.float32
        scale = max(1.0, u.norm().item()) * max(1.0, v.norm().item())
        torch.testing.assert_close(single.double(), double, rtol=0, atol=2e-6 * scale)


@pytest.mark.parametrize("d", [1, 2, 7])
def test_pairs_broadcasting_and_looping_agree(d):
    generator = torch.Generator().manual_seed(d)
    u = torch.randn(2, 1, 4, d, generator=generator, dtype=torch.float64)
    v = torch.randn(3, 5, d, generator=generator, dtype=torch.float64)
    u[0, 0, 0], v[0, 0] = 0, 0
    v[1, 0], v[1, 1] = 2 * u[1, 0, 1], -2 * u[1, 0, 1]
    for kernel in KERNELS:
        paired = kernel(u[..., :, None, :], v[..., None, :, :])
        assert paired.shape[:4] == (2, 3, 4, 5)
        for b, c, j, k in np.ndindex(2, 3, 4, 5):
            single = kernel(u[b, 0, j], v[c, k])
            torch.testing.assert_close(paired[b, c, j, k], single, rtol=0, atol=8 * EPS)


def test_no_pairs():
    u = torch.ones(3, 1, 2, dtype=torch.float64)
    assert kernels.arc_cosine_1(u, u[:0].mT.reshape(1, 0, 2)).shape == (3, 0)


@pytest.mark.parametrize("d", [1, 3])
def test_the_gate_of_a_zero_vector_is_closed(d):
    v = torch.arange(1.0, d + 1, dtype=torch.float64)
    zero = torch.zeros_like(v)
    for first, second in ((zero, v), (v, zero), (zero, zero)):
        assert kernels.angle(first, second).item() == PI
        assert kernels.arc_cosine_0(first, second).item() == 0
        assert kernels.arc_cosine_1(first, second).item() == 0
        assert torch.equal(kernels.gated_mean(first, second), zero)


@pytest.mark.parametrize(
    "scale, dtype",
    [
        (1e-200, torch.float64),
        (1e200, torch.float64),
        (1e-30, torch.float32),
        (1e30, torch.float32),
    ],
)
def test_scales_whose_squares_leave_the_range(scale, dtype):
    e = torch.tensor([3.0, -4.0, 12.0], dtype=dtype)
    w = torch.tensor([1.0, 2.0, -2.0], dtype=dtype)
    same = partial(torch.testing.assert_close, rtol=16 * torch.finfo(dtype).eps, atol=0)
    same(
        kernels.norm_and_direction(scale * e),
        (torch.tensor(13 * scale, dtype=dtype), e / 13),
    )
    same(kernels.arc_cosine_1(scale * e, w / scale), kernels.arc_cosine_1(e, w))
    same(kernels.gated_mean(scale * e, w / scale), kernels.gated_mean(e, w) / scale)


@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1.0, 1e8, 1e150])
def test_exactly_collinear_vectors_at_any_scale(scale):
    u = scale * torch.tensor([3.0, -4.0, 12.0], dtype=torch.float64)
    v = 2 * u
    assert kernels.angle(u, v).item() == 0
    assert kernels.angle(u, -v).item() == PI
    assert kernels.arc_cosine_1(u, -v).item() == 0
    assert kernels.arc_cosine_1(u, v).item() == pytest.approx(169 * scale * scale, rel=1e-14)
    assert kernels.norm_and_direction(u)[0].item() == pytest.approx(13 * scale, rel=1e-15)
    torch.testing.assert_close(kernels.gated_mean(u, v), u, rtol=1e-14, atol=0)
    assert torch.equal(kernels.gated_mean(u, -v), torch.zeros_like(u))


@pytest.mark.parametrize("pairs", [False, True])
def test_autograd_stays_finite_at_degenerate_pairs(pairs):
    e = torch.tensor([[1.0, 2.0], [-1.0, -2.0], [0.0, 0.0]], dtype=torch.float64).requires_grad_()
    for kernel in KERNELS:
        values = kernel(e[:, None], e[None]) if pairs else kernel(e, e.roll(1, 0))
        (gradient,) = torch.autograd.grad(values.sum(), e)
        assert gradient.isfinite().all()


def test_nan_is_not_hidden():
    u = torch.tensor([math.nan, 1.0], dtype=torch.float64)
    v = torch.ones(2, dtype=torch.float64)
    for kernel in KERNELS:
        assert kernel(u, v).isnan().all()
