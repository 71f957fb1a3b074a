import math
from functools import partial

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from shallow_relu import population

PI = math.pi
EPS = torch.finfo(torch.float64).eps
FUNCTIONS = (
    population.risk,
    population.gradient,
    population.output_gradient,
    population.hessian,
)
ARRANGEMENTS = ("generic", "coincident", "antipodal", "collinear", "teacher", "zero teacher")

properties = settings(max_examples=40, deadline=None, derandomize=True, database=None)
close = partial(torch.testing.assert_close, rtol=0)


def problem(seed: int, K=3, M=2, d=4, m=None, batch=(), arrangement="generic"):
    """Student, teacher and output weights, with degenerate neurons on demand."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*batch, *shape, generator=generator, dtype=torch.float64)

    outputs = () if m is None else (m,)
    W, W_star, a, a_star = normal(K, d), normal(M, d), normal(K, *outputs), normal(M, *outputs)
    if arrangement in ("coincident", "antipodal", "collinear") and K > 1:
        factor = {"coincident": 1.0, "antipodal": -1.0, "collinear": 0.3}[arrangement]
        W[..., 1, :] = factor * W[..., 0, :]
    if arrangement == "teacher":
        W[..., 0, :] = W_star[..., 0, :]
    if arrangement == "zero teacher":
        W_star[..., 0, :] = 0
    return W, W_star, a, a_star


def size(W, W_star, a, a_star) -> float:
    """Upper bound on the sum of the sizes of all terms of the risk."""
    student = (a.abs() * W.norm(dim=-1)).sum().item()
    return (student + (a_star.abs() * W_star.norm(dim=-1)).sum().item()) ** 2


def outputs(W, a, x):
    """A network's outputs [n, m] on inputs [n, d]."""
    return (x @ W.mT).relu() @ (a if a.ndim == W.ndim else a[:, None])


def plain_risk(W, W_star, a, a_star):
    """The risk of one generic network, by arc cosines, so that autograd may differentiate it."""
    V, c = torch.cat([W, W_star]), torch.cat([a, -a_star])
    total = (c**2 * V.square().sum(-1)).sum() / 4
    for i in range(len(V)):
        for j in range(i):
            lengths = V[i].norm() * V[j].norm()
            theta = torch.arccos(V[i] @ V[j] / lengths)
            value = lengths * (torch.sin(theta) + (PI - theta) * torch.cos(theta)) / (2 * PI)
            total = total + c[i] * c[j] * value
    return total


def exact_risk(W, W_star, a, a_star) -> mpmath.mpf:
    """The risk with 60 digits."""
    with mpmath.workdps(60):
        V = [[mpmath.mpf(t) for t in row] for row in (*W.tolist(), *W_star.tolist())]
        c = [mpmath.mpf(t) for t in (*a.tolist(), *(-a_star).tolist())]

        def kernel(u, v):
            dot = mpmath.fdot(u, v)
            cross = mpmath.sqrt(
                mpmath.fsum(
                    (u[i] * v[j] - u[j] * v[i]) ** 2 for j in range(len(u)) for i in range(j)
                )
            )
            return (cross + (mpmath.pi - mpmath.atan2(cross, dot)) * dot) / (2 * mpmath.pi)

        pairs = [(i, j) for i in range(len(V)) for j in range(len(V))]
        return mpmath.fsum(c[i] * c[j] * kernel(V[i], V[j]) for i, j in pairs) / 2


def difference_quotient(function, W, step):
    """Central differences of a function of `W`; the last two dimensions are those of `W`."""
    columns = []
    for index in np.ndindex(*W.shape):
        offset = torch.zeros_like(W)
        offset[index] = step
        columns.append((function(W + offset) - function(W - offset)) / (2 * step))
    return torch.stack(columns, dim=-1).unflatten(-1, W.shape)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_risk_and_gradients_match_quadrature_in_the_plane(arrangement):
    W, W_star, a, a_star = problem(3, d=2, arrangement=arrangement)
    V = torch.cat([W, W_star])
    kinks = []
    for x, y in V.tolist():
        phi = math.atan2(y, x)
        kinks += [math.remainder(phi + PI / 2, 2 * PI), math.remainder(phi - PI / 2, 2 * PI)]

    def mean(integrand):
        # Networks are homogeneous, so that E r^2 = 2 leaves a mean over the circle.
        def on_circle(phi):
            x = torch.tensor([[math.cos(phi), math.sin(phi)]], dtype=torch.float64)
            return integrand(x, (outputs(W, a, x) - outputs(W_star, a_star, x)).item())

        return quad(on_circle, -PI, PI, points=kinks, epsabs=1e-11, limit=100)[0] / PI

    expected = mean(lambda x, residual: residual**2 / 2)
    assert population.risk(W, W_star, a, a_star).item() == pytest.approx(expected, abs=1e-9)
    gradient = population.gradient(W, W_star, a, a_star)
    output_gradient = population.output_gradient(W, W_star, a, a_star)
    for j in range(2):
        expected = mean(lambda x, residual, j=j: residual * max((x[0] @ W[j]).item(), 0))
        assert output_gradient[j].item() == pytest.approx(expected, abs=1e-9)
        expected = mean(
            lambda x, residual, j=j: (a[j] * residual * (x[0] @ W[j] > 0) * x[0, 0]).item()
        )
        assert gradient[j, 0].item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("m", [None, 2])
def test_risk_and_gradients_match_monte_carlo(m):
    W, W_star, a, a_star = problem(4, K=3, M=2, d=5, m=m)
    x = torch.randn(200_000, 5, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    residual = outputs(W, a, x) - outputs(W_star, a_star, x)
    hidden = (x @ W.mT).relu()
    back = (residual @ a.reshape(3, -1).mT) * (hidden > 0)
    samples = torch.cat(
        [
            residual.square().sum(1, keepdim=True) / 2,
            (back[:, :, None] * x[:, None, :]).flatten(1),
            (hidden[:, :, None] * residual[:, None, :]).flatten(1),
        ],
        dim=1,
    )
    expected = torch.cat(
        [
            population.risk(W, W_star, a, a_star).flatten(),
            population.gradient(W, W_star, a, a_star).flatten(),
            population.output_gradient(W, W_star, a, a_star).flatten(),
        ]
    )
    z = (samples.mean(0) - expected) / (samples.std(0) / math.sqrt(len(x)))
    assert z.abs().max() < 4


@pytest.mark.parametrize("K, M, d", [(1, 1, 2), (3, 2, 4), (2, 5, 3), (4, 0, 3)])
def test_derivatives_match_autograd_of_the_plain_formula(K, M, d):
    W, W_star, a, a_star = problem(6, K=K, M=M, d=d)
    close(population.risk(W, W_star, a, a_star), plain_risk(W, W_star, a, a_star), atol=1e-13)
    gradient, output_gradient = torch.func.grad(plain_risk, argnums=(0, 2))(W, W_star, a, a_star)
    close(population.gradient(W, W_star, a, a_star), gradient, atol=1e-12)
    close(population.output_gradient(W, W_star, a, a_star), output_gradient, atol=1e-12)
    hessian = torch.autograd.functional.hessian(lambda V: plain_risk(V, W_star, a, a_star), W)
    close(population.hessian(W, W_star, a, a_star), hessian, atol=1e-10)


@pytest.mark.parametrize("m", [None, 2])
def test_autograd_of_each_function_is_the_next(m):
    W, W_star, a, a_star = problem(7, m=m)
    derivatives = torch.autograd.functional.jacobian(
        lambda V, b: population.risk(V, W_star, b, a_star), (W, a)
    )
    close(population.gradient(W, W_star, a, a_star), derivatives[0], atol=1e-12)
    close(population.output_gradient(W, W_star, a, a_star), derivatives[1], atol=1e-12)
    jacobian = torch.autograd.functional.jacobian(
        lambda V: population.gradient(V, W_star, a, a_star), W
    )
    # The gradient takes each neuron's angle with itself from a rounded cosine.
    close(population.hessian(W, W_star, a, a_star), jacobian, atol=1e-6)


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_derivatives_match_finite_differences_at_degenerate_neurons(arrangement, d):
    W, W_star, a, a_star = problem(8, d=d, arrangement=arrangement)
    numerical = difference_quotient(lambda V: population.risk(V, W_star, a, a_star), W, step=1e-5)
    close(population.gradient(W, W_star, a, a_star), numerical, atol=1e-8)
    numerical = difference_quotient(
        lambda V: population.gradient(V, W_star, a, a_star), W, step=1e-6
    )
    # The third derivative jumps at collinear neurons: an error of the order of the step.
    close(population.hessian(W, W_star, a, a_star), numerical, atol=1e-5)


def test_derivatives_on_the_line():
    """In one dimension the network has two slopes, and the risk is the mean of their squares."""
    W, a = torch.tensor([[2.0], [-0.5], [1.0]]).double(), torch.tensor([1.0, 3.0, -0.5]).double()
    W_star, a_star = torch.tensor([[1.0], [-4.0]]).double(), torch.tensor([0.5, 1.0]).double()
    right, left = 2 * 1 - 0.5 * 1 - 0.5, 0.5 * 3 - 4
    given = (W, W_star, a, a_star)
    assert population.risk(*given).item() == pytest.approx((right**2 + left**2) / 4, abs=1e-14)
    expected = torch.tensor([[right], [-3 * left], [-0.5 * right]]).double() / 2
    close(population.gradient(*given), expected, atol=1e-14)
    expected = torch.tensor([[1, 0, -0.5], [0, 9, 0], [-0.5, 0, 0.25]]).double() / 2
    close(population.hessian(*given)[:, 0, :, 0], expected, atol=1e-14)


@pytest.mark.parametrize("offset", [0.0, 1e-12, 1e-8, 1e-5, 1e-3])
@pytest.mark.parametrize("sign", [1, -1])
def test_accuracy_where_student_and_teacher_nearly_cancel(offset, sign):
    """Against 60 digits: rounding of the size of the terms, and no loss from small angles."""
    W_star, noise, a_star, _ = problem(9, K=3, M=3, d=3)
    W = sign * W_star + offset * noise
    a = sign * a_star
    given = (W, W_star, a, a_star)
    bound = 8 * EPS * size(*given)
    risk = population.risk(*given).item()
    assert risk >= 0
    assert abs(risk - exact_risk(*given)) <= bound
    step = mpmath.mpf(10) ** -15
    gradient = population.gradient(*given)
    for index in np.ndindex(3, 3):
        with mpmath.workdps(60):
            values = []
            for factor in (1, -1):
                rows = [[mpmath.mpf(t) for t in row] for row in W.tolist()]
                rows[index[0]][index[1]] += factor * step
                moved = np.array(rows, dtype=object)
                values.append(exact_risk(moved, W_star, a, a_star))
            expected = (values[0] - values[1]) / (2 * step)
        assert abs(gradient[index].item() - expected) <= bound


def test_autograd_survives_a_risk_that_rounds_to_zero():
    generator = torch.Generator().manual_seed(2)
    W_star = torch.randn(3, 5, dtype=torch.float64, generator=generator)
    W = W_star + 1e-9 * torch.randn(60, 3, 5, dtype=torch.float64, generator=generator)
    risk = population.risk(W.requires_grad_(), W_star)
    assert (risk == 0).sum() > 5  # a sum of either sign; negative ones are cut off
    found = torch.autograd.grad(risk.sum(), W)[0]
    expected = population.gradient(W.detach(), W_star)
    assert expected.abs().amax(dim=(1, 2)).min() > 1e-10
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-14)


def test_the_error_of_the_gradient_is_no_square_root_of_the_roundoff():
    """Nearly collinear, unequal lengths: the case where angles from cosines are at their worst."""
    generator = torch.Generator().manual_seed(10)
    worst = 0.0
    for power in np.arange(-12.0, -1, 0.5):
        for sign in (1, -1):
            e, noise = torch.randn(2, 5, generator=generator, dtype=torch.float64)
            w = sign * (3 * e + 10**power * noise)
            # Student e against teacher w, from gated means built on accurate chords.
            result = population.gradient(e[None], w[None])[0]
            e_hat, w_hat = e / e.norm(), w / w.norm()
            theta = 2 * torch.atan2((e_hat - w_hat).norm(), (e_hat + w_hat).norm())
            gated = ((PI - theta) * w + w.norm() * torch.sin(theta) * e_hat) / (2 * PI)
            error = (result - (e / 2 - gated)).norm() / (e.norm() + w.norm())
            worst = max(worst, error.item())
    assert worst <= 4 * EPS


@properties
@given(
    seed=st.integers(0, 10**6),
    K=st.integers(1, 4),
    M=st.integers(1, 3),
    d=st.integers(1, 5),
    arrangement=st.sampled_from(ARRANGEMENTS),
    power=st.floats(-8, 8),
)
def test_identities(seed, K, M, d, arrangement, power):
    W, W_star, a, a_star = given = problem(seed, K, M, d, arrangement=arrangement)
    risk, gradient, output_gradient, hessian = (function(*given) for function in FUNCTIONS)
    unit = 50 * EPS * (1 + size(*given))
    curvature = unit * (1 + 1 / W.norm(dim=-1).min().item()) ** 2
    assert risk >= 0
    # Euler's relation: the network depends on each w_j and a_j through their product alone.
    close((W * gradient).sum(-1), a * output_gradient, atol=unit)
    # The risk is a part of degree 2 in W, whose gradient is that without a teacher, a part of
    # degree 1, which the Hessian sends to zero along W, and a constant.
    alone = population.gradient(W, W_star[:0], a, a_star[:0])
    close(torch.einsum("jxky,ky->jx", hessian, W), alone, atol=curvature)
    # Symmetry of the Hessian.
    close(hessian, hessian.permute(2, 3, 0, 1), atol=curvature)
    # Scale: degrees 2, 1 and 0 in all neurons together.
    s = 10**power
    close(population.risk(s * W, s * W_star, a, a_star), s * s * risk, atol=s * s * unit)
    close(population.gradient(s * W, s * W_star, a, a_star), s * gradient, atol=s * unit)
    close(population.hessian(s * W, s * W_star, a, a_star), hessian, atol=curvature)
    # Balance: a factor moves between the layers.
    close(population.risk(s * W, W_star, a / s, a_star), risk, atol=unit)
    # Rotations of the input.
    generator = torch.Generator().manual_seed(seed)
    Q = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64))[0]
    turned = (W @ Q.mT, W_star @ Q.mT, a, a_star)
    close(population.risk(*turned), risk, atol=unit)
    close(population.gradient(*turned), gradient @ Q.mT, atol=unit)
    rotated = torch.einsum("xu,jukv,yv->jxky", Q, hessian, Q)
    close(population.hessian(*turned), rotated, atol=curvature)
    # Order of the neurons.
    order = torch.randperm(K, generator=generator)
    close(population.gradient(W[order], W_star, a[order], a_star), gradient[order], atol=unit)
    # The residual is antisymmetric in student and teacher.
    close(population.risk(W_star, W, a_star, a), risk, atol=unit)


@properties
@given(
    seed=st.integers(0, 10**6),
    m=st.sampled_from([None, 1, 3]),
    arrangement=st.sampled_from(ARRANGEMENTS),
)
def test_float32_agrees_with_float64(seed, m, arrangement):
    double = [t.float().double() for t in problem(seed, m=m, arrangement=arrangement)]
    scale = 1 + sum(t.norm().item() for t in double) ** 3 / double[0].norm(dim=-1).min().item()
    for function in FUNCTIONS:
        single = function(*(t.float() for t in double))
        assert single.dtype == torch.float32
        close(single.double(), function(*double), atol=1e-6 * scale)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("m", [None, 2])
def test_batches_are_loops(function, m):
    W, W_star, a, a_star = problem(11, m=m, batch=(2, 3))
    batched = function(W, W_star, a, a_star)
    for index in np.ndindex(2, 3):
        single = function(W[index], W_star[index], a[index], a_star[index])
        close(batched[index], single, atol=1e-13)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_teacher_serves_a_batch_of_students(function):
    W, W_star, a, a_star = problem(12, batch=(3,))
    full = function(W, W_star[:1].expand(3, -1, -1), a[:1].expand(3, -1), a_star[:1].expand(3, -1))
    close(function(W, W_star[0], a[0], a_star[0]), full, atol=1e-13)
    # And one student meets a batch of teachers.
    full = function(W[:1].expand(3, -1, -1), W_star, a[:1].expand(3, -1), a_star)
    close(function(W[0], W_star, a[0], a_star), full, atol=1e-13)
    # And one pair of networks takes a batch of output weights.
    full = function(W[:1].expand(3, -1, -1), W_star[:1].expand(3, -1, -1), a, a_star)
    close(function(W[:1], W_star[:1], a, a_star), full, atol=1e-13)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_output_weights_default_to_one(function):
    W, W_star, a, a_star = problem(13, m=2)
    ones = torch.ones(3, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    close(function(W, W_star), function(W, W_star, *ones), atol=0)
    # The default takes the number of outputs of the other side.
    close(function(W, W_star, a), function(W, W_star, a, torch.ones_like(a_star)), atol=0)
    close(
        function(W, W_star, None, a_star),
        function(W, W_star, torch.ones_like(a), a_star),
        atol=0,
    )


def test_vector_outputs_are_the_sum_of_scalar_problems():
    W, W_star, a, a_star = given = problem(14, m=3)
    scalars = [(W, W_star, a[:, i], a_star[:, i]) for i in range(3)]
    for function in (population.risk, population.gradient, population.hessian):
        close(function(*given), sum(function(*scalar) for scalar in scalars), atol=1e-13)
    stacked = torch.stack([population.output_gradient(*scalar) for scalar in scalars], dim=-1)
    close(population.output_gradient(*given), stacked, atol=1e-13)


@pytest.mark.parametrize("d", [1, 4])
def test_linear_teacher(d):
    W, _, a, _ = problem(15, d=d)
    v = torch.linspace(1, 2, d, dtype=torch.float64)
    W_star, a_star = population.linear_teacher(v)
    x = torch.randn(20, d, generator=torch.Generator().manual_seed(16), dtype=torch.float64)
    close(outputs(W_star, a_star, x)[:, 0], x @ v, atol=1e-14)
    # [linear2025, Eq. 6], by Stein's identity E[relu(w . x) x] = w / 2.
    own = population.risk(W, W[:0], a, a[:0])
    expected = own - a @ W @ v / 2 + v @ v / 2
    close(population.risk(W, W_star, a, a_star), expected, atol=1e-13)
    assert population.linear_teacher(torch.ones(5, 2, d).double())[0].shape == (5, 2, 2, d)
    assert population.linear_teacher(torch.ones(5, 2, d).double())[1].shape == (5, 2, 2)


def test_a_linear_teacher_is_learnt_by_any_split_of_its_neurons():
    v = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    W_star, a_star = population.linear_teacher(v)
    W = torch.stack([v, v, -v]) * torch.tensor([[0.25], [0.75], [2.0]], dtype=torch.float64)
    a = torch.tensor([1, 1, -0.5], dtype=torch.float64)
    assert population.risk(W, W_star, a, a_star) <= 4 * EPS
    close(population.gradient(W, W_star, a, a_star), torch.zeros(3, 3).double(), atol=4 * EPS)


def test_three_antipodal_pairs_in_a_plane_can_compute_zero():
    angles = torch.arange(6, dtype=torch.float64) * PI / 3
    W = torch.stack([torch.cos(angles), torch.sin(angles)], dim=-1)
    a = torch.tensor([1, -1, 1, -1, 1, -1], dtype=torch.float64)
    none = torch.zeros(0, 2, dtype=torch.float64)
    assert population.risk(W, none, a, none[:, 0]) <= 8 * EPS
    close(population.gradient(W, none, a, none[:, 0]), torch.zeros_like(W), atol=4 * EPS)


@pytest.mark.parametrize("K", [2, 3, 5, 10])
def test_symmetric_saddle_of_an_orthonormal_teacher(K):
    """[tian2017, Thm 7]: the point, its value, and the directions in which it is left."""
    W_star = torch.eye(K, dtype=torch.float64)
    x = (math.sqrt(K - 1) - math.acos(1 / math.sqrt(K)) + PI) / (PI * K)
    W = x * torch.ones(K, K, dtype=torch.float64)
    close(population.gradient(W, W_star), torch.zeros_like(W), atol=1e-14)
    # All neurons together are one neuron K x (1, ..., 1): a risk in three scalar products.
    h = math.sqrt(K - 1) / math.sqrt(K) + (PI - math.acos(1 / math.sqrt(K))) / math.sqrt(K)
    squared_teacher = K / 2 + K * (K - 1) / (2 * PI)
    cross = K * (K * x * math.sqrt(K)) * h / (2 * PI)
    expected = (K**3 * x**2 / 2 - 2 * cross + squared_teacher) / 2
    assert population.risk(W, W_star).item() == pytest.approx(expected, abs=1e-13)
    eigenvalues = torch.linalg.eigvalsh(population.hessian(W, W_star).reshape(K * K, K * K))
    assert (eigenvalues < -1e-9).sum() == (K - 1) ** 2
    assert (eigenvalues.abs() <= 1e-9).sum() == K - 1


@pytest.mark.parametrize("K", [2, 3, 6])
def test_curvature_at_an_orthonormal_teacher(K):
    """The gates of orthonormal neurons overlap with probability 1/4."""
    W_star = torch.eye(K, dtype=torch.float64)
    eigenvalues = torch.linalg.eigvalsh(population.hessian(W_star, W_star).reshape(K * K, K * K))
    assert eigenvalues[0].item() == pytest.approx(1 / 4 - 1 / (2 * PI), abs=1e-14)


@pytest.mark.parametrize("d", [1, 3])
def test_zero_neurons(d):
    W, W_star, a, a_star = problem(17, d=d)
    W[1] = 0
    rest = [0, 2]
    given, without = (W, W_star, a, a_star), (W[rest], W_star, a[rest], a_star)
    close(population.risk(*given), population.risk(*without), atol=1e-14)
    gradient = population.gradient(*given)
    close(gradient[rest], population.gradient(*without), atol=1e-14)
    assert (gradient[1] == 0).all()
    assert population.output_gradient(*given)[1] == 0
    hessian = population.hessian(*given)
    close(hessian[rest][:, :, rest], population.hessian(*without), atol=1e-14)
    assert hessian[1].isnan().all() and hessian[:, :, 1].isnan().all()
    # A zero neuron without output weight enters nothing.
    a[1] = 0
    assert (population.hessian(W, W_star, a, a_star)[1] == 0).all()
    assert (population.gradient(*(torch.zeros_like(t) for t in given)) == 0).all()


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_extreme_scales(scale):
    W, W_star, a, a_star = problem(18)
    scaled = (scale * W, scale * W_star, a, a_star)
    risk = population.risk(W, W_star, a, a_star)
    close(population.risk(*scaled) / scale / scale, risk, atol=1e-13)
    gradient = population.gradient(W, W_star, a, a_star)
    close(population.gradient(*scaled) / scale, gradient, atol=1e-13)
    hessian = population.hessian(W, W_star, a, a_star)
    close(population.hessian(*scaled), hessian, atol=1e-12)


def test_nan_is_not_hidden():
    W, W_star, a, a_star = problem(19)
    W[0, 0] = math.nan
    assert population.risk(W, W_star, a, a_star).isnan()
    assert population.gradient(W, W_star, a, a_star).isnan().all()


@pytest.mark.parametrize(
    "a, a_star, message",
    [
        (torch.ones(4), None, "a of shape"),
        (torch.ones(4, 1), None, "a of shape"),
        (None, torch.ones(3), "a_star of shape"),
        (torch.tensor(1.0), None, "a of shape"),
        (torch.ones(2, 3, 1), None, "a of shape"),
        (torch.ones(3), torch.ones(2, 2), "number of outputs"),
    ],
)
def test_output_weights_that_do_not_fit_are_refused(a, a_star, message):
    for function in FUNCTIONS:
        with pytest.raises(ValueError, match=message):
            function(torch.ones(3, 2), torch.ones(2, 2), a, a_star)
