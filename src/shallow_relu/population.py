r"""Population risk of a one-hidden-layer ReLU network and its derivatives, in closed form.

A student $f(x) = \sum_j a_j \sigma(w_j \cdot x)$ with $K$ neurons learns a teacher
$f^*(x) = \sum_k a^*_k \sigma(w^*_k \cdot x)$ with $M$ neurons from inputs $x \sim N(0, I_d)$:

$$R(W) = \tfrac12 E \|f(x) - f^*(x)\|^2, \qquad \sigma(t) = \max(t, 0).$$

Shapes, the same for all functions:

- student `W` `[*batch, K, d]` and teacher `W_star` `[*batch, M, d]`;
- output weights `a` and `a_star`: `[*batch, K]` and `[*batch, M]` for scalar outputs,
  `[*batch, K, m]` and `[*batch, M, m]` for outputs in $R^m$. Output weights with as many
  dimensions as their neurons are vectors, with fewer they are scalars. All default to one.

Batch dimensions broadcast against each other: one teacher serves a batch of students.

The risk is twice continuously differentiable in `W` where no student neuron is zero, collinear
and antipodal neurons included. At a zero neuron the gate is closed, $1(0 > 0) = 0$: its part of
the gradient is zero, and its part of the Hessian does not exist.
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from shallow_relu.kernels import arc_cosine_1, gated_mean_coefficients, norm_and_direction


def linear_teacher(
    v: Float[Tensor, "*batch d"],
) -> tuple[Float[Tensor, "*batch 2 d"], Float[Tensor, "*batch 2"]]:
    r"""Teacher that computes the linear function $v \cdot x = \sigma(v\cdot x)-\sigma(-v\cdot x)$.

    Args:
        v: Coefficients of the linear function [linear2025, Eq. 2].

    Returns:
        The two neurons $v$ and $-v$, and their output weights $1$ and $-1$.
    """
    a_star = v.new_tensor([1, -1]).expand(*v.shape[:-1], 2)
    return torch.stack([v, -v], dim=-2), a_star


def risk(
    W: Float[Tensor, "*#batch K d"],
    W_star: Float[Tensor, "*#batch M d"],
    a: Float[Tensor, "..."] | None = None,
    a_star: Float[Tensor, "..."] | None = None,
) -> Float[Tensor, "*#batch"]:
    r"""Population risk $\frac12 E \|f - f^*\|^2$.

    With $c$ the output weights of student and teacher together, those of the teacher negated, and
    $v$ all their neurons, this is $\frac12 \sum_{ij} c_i \cdot c_j k(v_i, v_j)$ for the
    arc-cosine kernel $k$ of order 1 [linear2025, Eq. 6].

    The terms of the sum cancel where the student fits the teacher. The absolute error is the unit
    roundoff times $\sum_{ij} |c_i \cdot c_j| \|v_i\| \|v_j\|$, up to a small factor; a risk below
    that is noise, and a sum that comes out negative is returned as 0. The gradient has the same
    kind of absolute error and decreases like the root of the risk: near a minimum it is the
    better witness of convergence.

    Args:
        W: Student neurons.
        W_star: Teacher neurons.
        a: Output weights of the student.
        a_star: Output weights of the teacher.

    Returns:
        The risk of every network in the batch.

    Raises:
        ValueError: Output weights do not fit their neurons or each other.
    """
    V, c = _residual_network(W, W_star, a, a_star)
    kernel = arc_cosine_1(V[..., :, None, :], V[..., None, :, :])
    total = ((c @ c.mT) * kernel).sum(dim=(-2, -1))
    # Where rounding makes the sum negative its value is cut off, but not its derivative.
    return (total - total.detach().clamp(max=0)) / 2


def gradient(
    W: Float[Tensor, "*#batch K d"],
    W_star: Float[Tensor, "*#batch M d"],
    a: Float[Tensor, "..."] | None = None,
    a_star: Float[Tensor, "..."] | None = None,
) -> Float[Tensor, "*#batch K d"]:
    r"""Gradient of the population risk with respect to the student neurons.

    Row $j$ is $E[a_j \cdot (f - f^*)\, 1(w_j \cdot x > 0)\, x]$, a sum of gated means
    [tian2017, Eq. 8], [linear2025, Eq. 8]. The cost is that of two products of matrices of sizes
    $K \times d$ and $d \times (K + M)$ and of one arc tangent for each pair of neurons.

    Args:
        W: Student neurons.
        W_star: Teacher neurons.
        a: Output weights of the student.
        a_star: Output weights of the teacher.

    Returns:
        The gradient; zero in the rows of zero neurons. Its absolute error is the unit roundoff
        times the sum of the sizes of the gated means, also where neurons are collinear.

    Raises:
        ValueError: Output weights do not fit their neurons or each other.
    """
    V, c = _residual_network(W, W_star, a, a_star)
    K = W.shape[-2]
    norm, direction = norm_and_direction(V)
    # For one output the product of matrices is one of entries, and faster as such.
    weight = c[..., :K, :] * c.mT if c.shape[-1] == 1 else c[..., :K, :] @ c.mT

    # A matrix product gives all cosines at once, much faster than `gated_mean_coefficients`. The
    # angles lose half of their digits near 0 and pi, but the gated means do not: their derivative
    # in theta has the size |w| sin(theta), so an error in the cosine arrives unmagnified, provided
    # that sine and angle come from the same cosine. The lower bound keeps autograd finite.
    cosine = (direction[..., :K, :] @ direction.mT).clamp(-1, 1)
    square = (1 - cosine) * (1 + cosine)
    sine = torch.sqrt(square.clamp(min=torch.finfo(square.dtype).tiny))
    gate = torch.atan2(sine, -cosine)

    along_w = (weight * gate) @ V
    along_e = ((weight * sine) @ norm[..., None]) * direction[..., :K, :]
    return torch.where(norm[..., :K, None] == 0, 0, (along_w + along_e) / (2 * math.pi))


def output_gradient(
    W: Float[Tensor, "*#batch K d"],
    W_star: Float[Tensor, "*#batch M d"],
    a: Float[Tensor, "..."] | None = None,
    a_star: Float[Tensor, "..."] | None = None,
) -> Float[Tensor, "..."]:
    r"""Gradient of the population risk with respect to the student's output weights.

    Entry $j$ is $E[(f - f^*)\, \sigma(w_j \cdot x)]$.

    Args:
        W: Student neurons.
        W_star: Teacher neurons.
        a: Output weights of the student.
        a_star: Output weights of the teacher.

    Returns:
        The gradient: `[*batch, K]` for scalar outputs, `[*batch, K, m]` for outputs in $R^m$.

    Raises:
        ValueError: Output weights do not fit their neurons or each other.
    """
    V, c = _residual_network(W, W_star, a, a_star)
    kernel = arc_cosine_1(V[..., : W.shape[-2], None, :], V[..., None, :, :])
    result = kernel @ c
    given = [(a, W), (a_star, W_star)]
    vector = any(weights is not None and weights.ndim == neurons.ndim for weights, neurons in given)
    return result if vector else result.squeeze(-1)


def hessian(
    W: Float[Tensor, "*#batch K d"],
    W_star: Float[Tensor, "*#batch M d"],
    a: Float[Tensor, "..."] | None = None,
    a_star: Float[Tensor, "..."] | None = None,
) -> Float[Tensor, "*#batch K d K d"]:
    r"""Hessian of the population risk with respect to the student neurons.

    Write $e$ and $v$ for two directions at angle $\theta$, $p$ and $q$ for the directions of
    $e + v$ and $e - v$, and $n$ for the unit vector orthogonal to $e$ in their plane. The block of
    two neurons is $a_j \cdot a_k$ times

    $$E[1(e \cdot x > 0) 1(v \cdot x > 0) x x^T]
      = [(\pi - \theta) I + \sin\theta (p p^T - q q^T)] / (2 \pi),$$

    and the gate of $w_j$, as it turns, adds to the diagonal block, for every neuron $v$ of student
    and teacher with output weight $c$, $a_j \cdot c$ times

    $$\frac{\|v\| \sin\theta}{2 \pi \|w_j\|} [I - e e^T + n n^T].$$

    The plane is arbitrary where $\sin\theta = 0$, but then has no weight: the Hessian is continuous
    at collinear and antipodal neurons. It does not exist at a zero neuron, where the risk has a
    kink [linear2025, Eq. 9].

    Args:
        W: Student neurons.
        W_star: Teacher neurons.
        a: Output weights of the student.
        a_star: Output weights of the teacher.

    Returns:
        The Hessian; NaN in the blocks of a zero student neuron, except where $a_j \cdot a_k = 0$.

    Raises:
        ValueError: Output weights do not fit their neurons or each other.
    """
    V, c = _residual_network(W, W_star, a, a_star)
    K, d = W.shape[-2:]
    norm, direction = norm_and_direction(V)
    weight = c[..., :K, :] @ c.mT
    first, second = direction[..., :K, None, :], direction[..., None, :, :]
    gate, sine = gated_mean_coefficients(first, second)
    total, p = norm_and_direction(first + second)
    difference, q = norm_and_direction(first - second)
    normal = (difference[..., None] * p - total[..., None] * q) / 2
    identity = torch.eye(d, dtype=V.dtype, device=V.device)

    def outer(u: Tensor) -> Tensor:
        return u[..., :, None] * u[..., None, :]

    blocks = gate[..., :K, None, None] * identity
    blocks = blocks + sine[..., :K, None, None] * (outer(p[..., :K, :]) - outer(q[..., :K, :]))
    blocks = weight[..., :K, None, None] * blocks

    student_norm = norm[..., :K, None]
    turning = weight * sine * norm[..., None, :] / torch.where(student_norm == 0, 1, student_norm)
    diagonal = torch.einsum("...jk,...jkx,...jky->...jxy", turning, normal, normal)
    diagonal = diagonal + turning.sum(dim=-1)[..., None, None] * (
        identity - outer(direction[..., :K, :])
    )
    blocks.diagonal(dim1=-4, dim2=-3).add_(diagonal.movedim(-3, -1))

    zero = student_norm == 0
    undefined = (zero | zero.mT) & (weight[..., :K] != 0)
    return blocks.masked_fill(undefined[..., None, None], math.nan).transpose(-3, -2)


def _residual_network(
    W: Float[Tensor, "*#batch K d"],
    W_star: Float[Tensor, "*#batch M d"],
    a: Float[Tensor, "..."] | None,
    a_star: Float[Tensor, "..."] | None,
) -> tuple[Float[Tensor, "*#batch N d"], Float[Tensor, "*#batch N m"]]:
    """The network `f - f*`: all neurons, and output weights with those of the teacher negated."""
    given = {"a": _output_matrix("a", W, a), "a_star": _output_matrix("a_star", W_star, a_star)}
    sizes = {name: weights.shape[-1] for name, weights in given.items() if weights is not None}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"a and a_star must have the same number of outputs; got {sizes}")
    m = next(iter(sizes.values()), 1)
    student, teacher = (
        neurons.new_ones(neurons.shape[-2], m) if weights is None else weights
        for neurons, weights in zip((W, W_star), given.values(), strict=True)
    )
    # The function of the same name in torch imports a computer algebra system at the first call.
    batch = np.broadcast_shapes(*(t.shape[:-2] for t in (W, W_star, student, teacher)))
    V = torch.cat([t.expand(*batch, -1, -1) for t in (W, W_star)], dim=-2)
    c = torch.cat([t.expand(*batch, -1, -1) for t in (student, -teacher)], dim=-2)
    return V, c


def _output_matrix(name: str, neurons: Tensor, weights: Tensor | None) -> Tensor | None:
    """Output weights as `[*batch, K, m]`, with `m = 1` for scalar outputs."""
    if weights is None:
        return None
    matrix = weights[..., None] if weights.ndim < neurons.ndim else weights
    if matrix.ndim > neurons.ndim or matrix.ndim < 2 or matrix.shape[-2] != neurons.shape[-2]:
        raise ValueError(
            f"{name} of shape {list(weights.shape)} does not fit neurons of shape "
            f"{list(neurons.shape)}: expected [*batch, {neurons.shape[-2]}], or "
            f"[*batch, {neurons.shape[-2]}, m] with as many dimensions as the neurons"
        )
    return matrix
