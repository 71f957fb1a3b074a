r"""Population risk when both layers learn: second derivatives, and what a new neuron would gain.

The state of a network is its neurons with their output weights in the last column, as in
`flows.joint_gradient`; shapes and conventions are those of `population`, for scalar outputs. With
the error $e = f - f^*$, two functions on $R^d$ decide what a neuron at $v$ does:

$$G(v) = E[e(x)\, \sigma(v \cdot x)], \qquad q(v) = \nabla G(v) = E[e(x)\, 1(v \cdot x > 0)\, x].$$

They give $\partial_{a_j} R = G(w_j)$ and $\nabla_{w_j} R = a_j\, q(w_j)$.
"""

import math
from collections.abc import Sequence

import mpmath
import torch
from jaxtyping import Float
from torch import Tensor

from shallow_relu import population
from shallow_relu.kernels import arc_cosine_1, gated_mean, norm_and_direction

Row = Sequence[float | int | mpmath.mpf]


def error_correlation(
    v: Float[Tensor, "*#batch N d"],
    W: Float[Tensor, "*#batch K d"],
    W_star: Float[Tensor, "*#batch M d"],
    a: Float[Tensor, "*#batch K"],
    a_star: Float[Tensor, "*#batch M"],
) -> Float[Tensor, "*batch N"]:
    r"""$G(v) = E[e\, \sigma(v \cdot x)]$ at many places `v` [lightman2026, Eq. 20].

    A new neuron at `v` with output weight $\eta$ changes the risk by
    $\eta\, G(v) + \frac14 \eta^2 \|v\|^2$, so by $-G(v)^2 / \|v\|^2$ at best.
    """
    places = v[..., :, None, :]
    student = (arc_cosine_1(places, W[..., None, :, :]) * a[..., None, :]).sum(dim=-1)
    teacher = (arc_cosine_1(places, W_star[..., None, :, :]) * a_star[..., None, :]).sum(dim=-1)
    return student - teacher


def gated_error(
    v: Float[Tensor, "*#batch N d"],
    W: Float[Tensor, "*#batch K d"],
    W_star: Float[Tensor, "*#batch M d"],
    a: Float[Tensor, "*#batch K"],
    a_star: Float[Tensor, "*#batch M"],
) -> Float[Tensor, "*batch N d"]:
    r"""$q(v) = E[e\, 1(v \cdot x > 0)\, x]$ [lightman2026, Eq. 21]."""
    places = v[..., :, None, :]
    student = (gated_mean(places, W[..., None, :, :]) * a[..., None, :, None]).sum(dim=-2)
    target = gated_mean(places, W_star[..., None, :, :]) * a_star[..., None, :, None]
    return student - target.sum(dim=-2)


def joint_gradient(
    state: Float[Tensor, "*batch K columns"],
    W_star: Float[Tensor, "*batch M d"],
    a_star: Float[Tensor, "*batch M"],
) -> Float[Tensor, "*batch K columns"]:
    r"""The gradient of `flows.joint_gradient` in one pass, for long descents.

    A ReLU is homogeneous, so $G(w_j) = w_j \cdot q(w_j)$ comes for free with $q(w_j)$. The
    absolute error is that of `population.gradient`; the part of the output weights has no small
    relative error where it is small.

    Args:
        state: Neurons, and in the last column their output weights.
        W_star: Teacher neurons.
        a_star: Output weights of the teacher.
    """
    W, a = state[..., :-1], state[..., -1]
    K = W.shape[-2]
    V, c = torch.cat([W, W_star], dim=-2), torch.cat([a, -a_star], dim=-1)
    norm, direction = norm_and_direction(V)
    cosine = (direction[..., :K, :] @ direction.mT).clamp(-1, 1)
    sine = torch.sqrt((1 - cosine) * (1 + cosine))
    gate = torch.atan2(sine, -cosine)
    along_e = (sine @ (c * norm)[..., None]) * direction[..., :K, :]
    q = (gate @ (c[..., None] * V) + along_e) / (2 * math.pi)
    q = torch.where(norm[..., :K, None] == 0, 0, q)
    return torch.cat([a[..., None] * q, (W * q).sum(dim=-1, keepdim=True)], dim=-1)


def joint_hessian(
    W: Float[Tensor, "*batch K d"],
    W_star: Float[Tensor, "*#batch M d"],
    a: Float[Tensor, "*batch K"],
    a_star: Float[Tensor, "*#batch M"],
) -> Float[Tensor, "*batch K*(d+1) K*(d+1)"]:
    r"""Hessian of the risk in neurons and output weights.

    Besides `population.hessian` it has the blocks $\partial_{a_j} \partial_{a_l} R =
    \kappa(w_j, w_l)$ and $\partial_{a_l} \nabla_{w_j} R = a_j E[1(w_j \cdot x > 0)
    \sigma(w_l \cdot x)\, x] + \delta_{jl}\, q(w_j)$.

    Args:
        W: Student neurons, none of them zero unless its output weight is zero.
        W_star: Teacher neurons.
        a: Output weights of the student.
        a_star: Output weights of the teacher.

    Returns:
        Symmetric matrices; rows and columns go through the state neuron by neuron.
    """
    K, d = W.shape[-2:]
    first, second = W[..., :, None, :], W[..., None, :, :]
    cross = a[..., :, None, None] * gated_mean(first, second)
    own = gated_error(W, W, W_star, a, a_star)
    cross = cross + torch.eye(K, dtype=W.dtype, device=W.device)[..., None] * own[..., None, :]
    full = W.new_zeros(*W.shape[:-2], K, d + 1, K, d + 1)
    full[..., :d, :, :d] = population.hessian(W, W_star, a, a_star)
    full[..., d, :, d] = arc_cosine_1(first, second)
    full[..., :d, :, d] = cross.transpose(-2, -1)
    full[..., d, :, :d] = cross.transpose(-3, -2)
    return full.flatten(-4, -3).flatten(-2)


def tangent_matrix(
    W: Float[Tensor, "*batch K d"], a: Float[Tensor, "*batch K"]
) -> Float[Tensor, "*batch K*(d+1) K*(d+1)"]:
    r"""$E[\nabla f(x) \nabla f(x)^T]$, the gradient in all parameters of both layers.

    Its eigenvalues are the limits of the squared singular values, divided by $n$, of the Jacobian
    on $n$ samples. It is the Hessian of the risk for the teacher that equals the student.
    """
    return joint_hessian(W, W, a, a)


def precise_gradient(
    W: Sequence[Row], W_star: Sequence[Row], a: Row, a_star: Row
) -> tuple[list[list[mpmath.mpf]], list[mpmath.mpf]]:
    """Gradients of the risk in neurons and output weights with the digits of `mpmath`.

    Shares no code with `population`; for the few small networks that have to be critical to
    many digits.

    Args:
        W: Student neurons, none of them zero.
        W_star: Teacher neurons.
        a: Output weights of the student.
        a_star: Output weights of the teacher.
    """
    everyone = [(v, c) for v, c in zip(W, a, strict=True)]
    everyone += [(v, -c) for v, c in zip(W_star, a_star, strict=True)]
    in_neurons, in_outputs = [], []
    for w, own in zip(W, a, strict=True):
        norm = mpmath.norm(w)
        e = [entry / norm for entry in w]
        q = [mpmath.mpf(0)] * len(e)
        for v, c in everyone:
            size = mpmath.norm(v)
            u = [entry / size for entry in v]
            chord = mpmath.norm([x - y for x, y in zip(e, u, strict=True)])
            total = mpmath.norm([x + y for x, y in zip(e, u, strict=True)])
            gate, sine = 2 * mpmath.atan2(total, chord), chord * total / 2
            for i in range(len(e)):
                q[i] += c * size * (gate * u[i] + sine * e[i]) / (2 * mpmath.pi)
        in_neurons.append([own * entry for entry in q])
        # a ReLU is homogeneous: w . q(w) = G(w)
        in_outputs.append(mpmath.fdot(w, q))
    return in_neurons, in_outputs
