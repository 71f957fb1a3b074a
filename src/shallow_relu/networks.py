r"""A one-hidden-layer ReLU network on a finite sample: outputs, loss, gradient flow, starts.

The network has the width in its denominator and the flow has it in front [dana2025, Eqs. 1-3]:

$$f(x) = \frac1K \sum_{j=1}^K a_j \sigma(w_j \cdot x), \qquad
L = \frac1{2n} \sum_{i=1}^n (f(x_i) - y_i)^2, \qquad
\dot a_j = -K \partial_{a_j} L, \quad \dot w_j = -K \nabla_{w_j} L, \quad \sigma'(0) = 0.$$

Shapes, the same for all functions: neurons `W` `[*batch, K, d]`, output weights `a`
`[*batch, K]`, inputs `X` `[*batch, d, n]` as columns, labels `y` `[*batch, n]`. Batch dimensions
broadcast. The flow of many networks by `flows.gradient_flow` takes both layers as one state
`[B, K, d + 1]`, output weights in the last column: see `join` and `joint_gradient`.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from scipy.integrate import solve_ivp
from torch import Tensor


def outputs(
    W: Float[Tensor, "*#batch K d"], a: Float[Tensor, "*#batch K"], X: Float[Tensor, "*#batch d n"]
) -> Float[Tensor, "*#batch n"]:
    """Outputs of the network at the inputs [dana2025, Eq. 1]."""
    return (a[..., None, :] @ (W @ X).relu()).squeeze(-2) / W.shape[-2]


def loss(
    W: Float[Tensor, "*#batch K d"],
    a: Float[Tensor, "*#batch K"],
    X: Float[Tensor, "*#batch d n"],
    y: Float[Tensor, "*#batch n"],
) -> Float[Tensor, "*#batch"]:
    """Halved mean square of the residuals [dana2025, Eq. 2]."""
    return (outputs(W, a, X) - y).square().mean(dim=-1) / 2


def velocity(
    W: Float[Tensor, "*#batch K d"],
    a: Float[Tensor, "*#batch K"],
    X: Float[Tensor, "*#batch d n"],
    y: Float[Tensor, "*#batch n"],
) -> tuple[Float[Tensor, "*#batch K d"], Float[Tensor, "*#batch K"]]:
    r"""Velocity of the gradient flow of both layers [dana2025, Eqs. 3 and 16].

    With $r_i = f(x_i) - y_i$ it is $\dot a_j = -\frac1n \sum_i r_i \sigma(w_j \cdot x_i)$ and
    $\dot w_j = -\frac{a_j}n \sum_i r_i 1(w_j \cdot x_i > 0)\, x_i$. Gradient descent with step
    $\eta$ on $K L$ adds $\eta$ times the velocity.

    Returns:
        The velocities of `W` and of `a`.
    """
    n = X.shape[-1]
    activation = (W @ X).relu()
    residual = (a[..., None, :] @ activation).squeeze(-2) / W.shape[-2] - y
    # sign() of an activation is the gate, zero at a kink.
    gated = activation.sign() * residual[..., None, :]
    a_dot = -(activation @ residual[..., None]).squeeze(-1) / n
    return -a[..., None] * (gated @ X.mT) / n, a_dot


def join(
    W: Float[Tensor, "*#batch K d"], a: Float[Tensor, "*#batch K"]
) -> Float[Tensor, "*#batch K d+1"]:
    """Both layers as one state."""
    # numpy's, since torch's imports a computer algebra system at the first call
    batch = np.broadcast_shapes(W.shape[:-1], a.shape)
    return torch.cat([W.expand(*batch, W.shape[-1]), a.expand(batch)[..., None]], dim=-1)


def split(
    state: Float[Tensor, "*batch K d1"],
) -> tuple[Float[Tensor, "*batch K d"], Float[Tensor, "*batch K"]]:
    """The two layers of a state made by `join`."""
    return state[..., :-1], state[..., -1]


def joint_gradient(
    state: Float[Tensor, "*#batch K d1"],
    X: Float[Tensor, "*#batch d n"],
    y: Float[Tensor, "*#batch n"],
) -> Float[Tensor, "*#batch K d1"]:
    r"""$K \nabla L$ of a state made by `join`, for `flows.gradient_flow`."""
    return -join(*velocity(*split(state), X, y))


def accurate_flow(
    W: Float[Tensor, "K d"],
    a: Float[Tensor, " K"],
    X: Float[Tensor, "d n"],
    y: Float[Tensor, " n"],
    times: Float[Tensor, " times"],
) -> tuple[Float[Tensor, "times K d"], Float[Tensor, "times K"]]:
    r"""The flow of one small network at given times, by a Runge-Kutta method of order 8.

    Each step errs by less than $10^{-11}$ of the state. Where a neuron dies the steps get small
    for a moment; where an activation is pushed to zero from both sides the flow does not exist and
    the integration creeps, which orthogonal inputs exclude.

    Args:
        W: Neurons at time zero.
        a: Output weights at time zero.
        X: Inputs as columns.
        y: Labels.
        times: Increasing, from zero on.

    Returns:
        Neurons and output weights at every time.

    Raises:
        RuntimeError: The integration failed.
    """
    shape = join(W, a).shape

    def slope(flat: Float[Tensor, " m"]) -> Float[Tensor, " m"]:
        return -joint_gradient(flat.reshape(shape), X, y).reshape(-1)

    return split(integrate(slope, join(W, a).reshape(-1), times).reshape(-1, *shape))


def integrate(
    slope: Callable[[Float[Tensor, " m"]], Float[Tensor, " m"]],
    start: Float[Tensor, " m"],
    times: Float[Tensor, " times"],
) -> Float[Tensor, "times m"]:
    """Solution of an autonomous equation at given times, by a Runge-Kutta method of order 8.

    Args:
        slope: Velocity of a state.
        start: State at time zero.
        times: Increasing, from zero on.

    Raises:
        RuntimeError: The integration failed.
    """
    path = solve_ivp(
        lambda _, flat: slope(torch.from_numpy(flat)).numpy(),
        (0, float(times[-1])),
        start.numpy(),
        "DOP853",
        times.numpy(),
        rtol=1e-11,
        atol=1e-13,
    )
    if not path.success:
        raise RuntimeError(path.message)
    return torch.from_numpy(path.y.T.copy())


def in_span(
    W: Float[Tensor, "*#batch K d"], X: Float[Tensor, "*#batch d n"]
) -> tuple[Float[Tensor, "*batch K n1"], Float[Tensor, "*batch n1 n"]]:
    r"""The same network and inputs in $n+1$ coordinates, for $d > n$.

    The flow moves neurons within the span of the inputs. Here are coordinates in an orthonormal
    basis of the span, and as the last one the norm of what lies outside of it, where inputs have
    zero. Products $w_j \cdot x_i$, $x_i \cdot x_k$ and norms $\|w_j\|$ are kept, so that all
    output weights, losses and curvatures are as before, at every time.

    Returns:
        Neurons and inputs.

    Raises:
        ValueError: There are more inputs than dimensions.
    """
    if X.shape[-1] > X.shape[-2]:
        raise ValueError(f"{X.shape[-1]} inputs in dimension {X.shape[-2]} leave no room")
    basis, triangle = torch.linalg.qr(X)
    inside = W @ basis
    outside = torch.linalg.vector_norm(W - inside @ basis.mT, dim=-1, keepdim=True)
    bottom = torch.zeros_like(triangle[..., :1, :])
    return torch.cat([inside, outside], dim=-1), torch.cat([triangle, bottom], dim=-2)


def balance(
    W: Float[Tensor, "*#batch K d"], a: Float[Tensor, "*#batch K"]
) -> Float[Tensor, "*#batch K"]:
    r"""$a_j^2 - \|w_j\|^2$, which the flow conserves [dana2025, Lemma 1]."""
    return a.square() - W.square().sum(dim=-1)


def start(
    K: int,
    d: int,
    generator: torch.Generator,
    *,
    batch: tuple[int, ...] = (),
    law: str = "gaussian",
    dtype: torch.dtype = torch.float64,
) -> tuple[Float[Tensor, "*batch K d"], Float[Tensor, "*batch K"]]:
    r"""Random start at which output weights dominate, $|a_j| \ge \|w_j\|$ [dana2025, App. B].

    The output weight is $a_j = s_j (\|w_j\| + b_j)$ with a fair sign $s_j$ and an exponential
    $b_j$ of mean 1. Numbers are drawn on the CPU, so that every device sees the same start.

    Args:
        K: Width.
        d: Dimension of the inputs.
        generator: Source of randomness, on the CPU.
        batch: Leading dimensions.
        law: Entries of $w_j$: `gaussian` with variance $1/(3d)$, which is rotation invariant, or
            `uniform` on $[-d^{-1/2}, d^{-1/2}]$, of the same variance, which the authors' program
            uses and which is not rotation invariant.
        dtype: Type of the result.

    Raises:
        ValueError: The law is unknown.
    """
    if law == "gaussian":
        W = torch.randn(*batch, K, d, generator=generator, dtype=dtype) / math.sqrt(3 * d)
    elif law == "uniform":
        W = (2 * torch.rand(*batch, K, d, generator=generator, dtype=dtype) - 1) / math.sqrt(d)
    else:
        raise ValueError(f"law {law!r} is not one of gaussian, uniform")
    sign = 2.0 * torch.randint(0, 2, (*batch, K), generator=generator).to(dtype) - 1
    excess = torch.empty(*batch, K, dtype=dtype).exponential_(generator=generator)
    return W, sign * (torch.linalg.vector_norm(W, dim=-1) + excess)


def start_in_span(
    K: int, X: Float[Tensor, "*batch d n"], generator: torch.Generator
) -> tuple[Float[Tensor, "*batch K m"], Float[Tensor, "*batch K"], Float[Tensor, "*batch m n"]]:
    r"""A Gaussian random start as by `start`, drawn directly in the coordinates of `in_span`.

    Only the part of a neuron within the span of the inputs and the norm of the rest matter. The
    first has independent normal entries, the square of the second a chi-square law, so that
    $K (\min(n, d) + 1)$ numbers are drawn instead of $K d$. Here $m = \min(n, d) + 1$.

    Returns:
        Neurons, output weights and inputs.
    """
    d, batch = X.shape[-2], X.shape[:-2]
    # Any triangle with the right inner products will do. Cholesky's is cheaper for long inputs.
    triangle, failed = torch.linalg.cholesky_ex(X.mT @ X, upper=True)
    if X.shape[-1] >= d or failed.any():
        triangle = torch.linalg.qr(X, mode="r").R
    rank = triangle.shape[-2]
    inside = torch.randn(*batch, K, rank, generator=generator, dtype=X.dtype)
    shape = torch.full((*batch, K, 1), (d - rank) / 2, dtype=X.dtype)
    outside = torch.zeros_like(shape)
    if d > rank:
        outside = (2 * torch._standard_gamma(shape, generator=generator)).sqrt()
    W = torch.cat([inside, outside], dim=-1) / math.sqrt(3 * d)
    sign = 2.0 * torch.randint(0, 2, (*batch, K), generator=generator).to(X.dtype) - 1
    excess = torch.empty(*batch, K, dtype=X.dtype).exponential_(generator=generator)
    a = sign * (torch.linalg.vector_norm(W, dim=-1) + excess)
    return W, a, torch.cat([triangle, torch.zeros_like(triangle[..., :1, :])], dim=-2)


def labels(
    n: int,
    generator: torch.Generator,
    *,
    batch: tuple[int, ...] = (),
    dtype: torch.dtype = torch.float64,
) -> Float[Tensor, "*batch n"]:
    r"""Labels with fair signs and sizes uniform on $[1, 2]$ [dana2025, App. B]."""
    sign = 2.0 * torch.randint(0, 2, (*batch, n), generator=generator).to(dtype) - 1
    return sign * (1 + torch.rand(*batch, n, generator=generator, dtype=dtype))


def inputs_of_random_direction(
    d: int,
    n: int,
    generator: torch.Generator,
    *,
    batch: tuple[int, ...] = (),
    dtype: torch.dtype = torch.float64,
) -> Float[Tensor, "*batch d n"]:
    r"""Inputs with uniform directions and norms uniform on $[1, 2]$ [dana2025, App. B]."""
    X = torch.randn(*batch, d, n, generator=generator, dtype=dtype)
    size = 1 + torch.rand(*batch, 1, n, generator=generator, dtype=dtype)
    return X * size / torch.linalg.vector_norm(X, dim=-2, keepdim=True)


def orthogonal_inputs(
    n: int,
    generator: torch.Generator,
    *,
    batch: tuple[int, ...] = (),
    dtype: torch.dtype = torch.float64,
) -> Float[Tensor, "*batch n n"]:
    r"""Multiples of the canonical basis of $R^n$, norms uniform on $[1, 2]$ [dana2025, App. B]."""
    return torch.diag_embed(1 + torch.rand(*batch, n, generator=generator, dtype=dtype))
