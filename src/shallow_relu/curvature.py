r"""Local PL curvature of a network on a sample, and what bounds it.

Shapes as in `networks`. With residuals $r$, norms between $C_x^-$ and $C_x^+$, the interaction
$\omega = \|X^\top X - \mathrm{diag}(\|x_i\|^2)\|_{op}$ and the activities
$E_i = \frac1K \sum_j a_j^2 1(w_j \cdot x_i > 0)$ [dana2025, Lemma 6],

$$\mu = \frac{K \|\nabla L\|^2}{L}, \qquad
\mu \ge \frac2n \bigl[(C_x^-)^2 - \omega\bigr] \min_i E_i .$$

**Why.** $\dot r = -\frac1n M r$ with $M = M_a + M_w$, both positive semidefinite, so that
$\mu = \frac2n r^\top M r / \|r\|^2$. Here $M_w = \frac1K \sum_j a_j^2 G_j X^\top X G_j$ with the
diagonal gates $G_j$, and $X^\top X$ lies between $(C_x^-)^2 - \omega$ and $(C_x^+)^2 + \omega$:
the lower bound follows. $M_a = \frac1K \sum_j G_j X^\top w_j w_j^\top X G_j$ is at most
$\frac1K \sum_j \|w_j\|^2 [(C_x^+)^2 + \omega] G_j$, and the upper bounds follow.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from shallow_relu.networks import integrate, join, loss, split, velocity


def interaction(X: Float[Tensor, "*batch d n"]) -> Float[Tensor, "*batch"]:
    r"""$\omega$: operator norm of the Gram matrix without its diagonal [dana2025, Sec. 2]."""
    gram = X.mT @ X
    off = gram - torch.diag_embed(gram.diagonal(dim1=-2, dim2=-1))
    return torch.linalg.eigvalsh(off).abs().amax(dim=-1)


def correlation_ratio(
    X: Float[Tensor, "*#batch d n"], y: Float[Tensor, "*#batch n"], size: Float[Tensor, "*#batch"]
) -> Float[Tensor, "*batch"]:
    r"""$\omega \sqrt n\, s / ((C_x^-)^2 C_y^-)$; at most 1 under Assumption 2 [dana2025, Eq. 4].

    Args:
        X: Inputs as columns.
        y: Labels, not zero.
        size: $s = \sqrt{2 L(0)}$, which the proof of Theorem 1 needs, or $C_y^+$ for a condition on
            the data alone.
    """
    smallest = X.square().sum(dim=-2).amin(dim=-1) * y.abs().amin(dim=-1)
    return interaction(X) * math.sqrt(X.shape[-1]) * size / smallest


def activity(
    W: Float[Tensor, "*#batch K d"], a: Float[Tensor, "*#batch K"], X: Float[Tensor, "*#batch d n"]
) -> Float[Tensor, "*#batch n"]:
    r"""$E_i = \frac1K \sum_j a_j^2 1(w_j \cdot x_i > 0)$ at every input."""
    gates = (W @ X > 0).to(W.dtype)
    return (a.square()[..., None, :] @ gates).squeeze(-2) / W.shape[-2]


def local_curvature(
    W: Float[Tensor, "*#batch K d"],
    a: Float[Tensor, "*#batch K"],
    X: Float[Tensor, "*#batch d n"],
    y: Float[Tensor, "*#batch n"],
) -> Float[Tensor, "*#batch"]:
    r"""$\mu = K \|\nabla L\|^2 / L$ [dana2025, Eq. 5]; nan where the loss is zero.

    Where the flow is differentiable in time it is $-\frac{d}{dt} \log L$.
    """
    W_dot, a_dot = velocity(W, a, X, y)
    # velocity = -K grad, so K |grad|^2 = |velocity|^2 / K
    square = W_dot.square().sum(dim=(-2, -1)) + a_dot.square().sum(dim=-1)
    return square / W.shape[-2] / loss(W, a, X, y)


def residual_matrix(
    W: Float[Tensor, "*#batch K d"], a: Float[Tensor, "*#batch K"], X: Float[Tensor, "*#batch d n"]
) -> Float[Tensor, "*#batch n n"]:
    r"""$M$ of the head of the module: $\dot r = -\frac1n M r$ [dana2025, Eq. 17].

    It is positive semidefinite and knows nothing of the labels, so that $\frac2n$ times its extreme
    eigenvalues are the least and the largest curvature over all labels.
    """
    activation = (W @ X).relu()
    gated = activation.sign() * a[..., None]
    return ((X.mT @ X) * (gated.mT @ gated) + activation.mT @ activation) / W.shape[-2]


def flow_with_integral(
    W: Float[Tensor, "K d"],
    a: Float[Tensor, " K"],
    X: Float[Tensor, "d n"],
    y: Float[Tensor, " n"],
    times: Float[Tensor, " times"],
) -> tuple[Float[Tensor, "times K d"], Float[Tensor, "times K"], Float[Tensor, " times"]]:
    r"""Accurate flow together with $\int_0^t \mu(s)\,ds = t\,\bar\mu(t)$ [dana2025, Lemma 2].

    The integral is one more unknown of the equation that `networks.accurate_flow` solves, so that
    it is as accurate as the flow and makes no use of the loss along it.

    Args:
        W: Neurons at time zero.
        a: Output weights at time zero.
        X: Inputs as columns.
        y: Labels.
        times: Increasing, from zero on.

    Returns:
        Neurons, output weights, and the integral, at every time.

    Raises:
        RuntimeError: The integration failed.
    """
    shape = join(W, a).shape

    def slope(flat: Float[Tensor, " m"]) -> Float[Tensor, " m"]:
        weights = split(flat[:-1].reshape(shape))
        move = join(*velocity(*weights, X, y)).reshape(-1)
        mu = move @ move / shape[0] / loss(*weights, X, y)
        return torch.cat([move, mu.reshape(1)])

    start = torch.cat([join(W, a).reshape(-1), W.new_zeros(1)])
    path = integrate(slope, start, times)
    return *split(path[:, :-1].reshape(-1, *shape)), path[:, -1]


def lower_bound(
    W: Float[Tensor, "*#batch K d"], a: Float[Tensor, "*#batch K"], X: Float[Tensor, "*#batch d n"]
) -> Float[Tensor, "*#batch"]:
    r"""$\frac2n [(C_x^-)^2 - \omega] \min_i E_i$ [dana2025, Lemma 6]; void where negative."""
    smallest = X.square().sum(dim=-2).amin(dim=-1)
    least = activity(W, a, X).amin(dim=-1)
    return 2 / X.shape[-1] * (smallest - interaction(X)) * least


def upper_bound(
    W: Float[Tensor, "*#batch K d"], a: Float[Tensor, "*#batch K"], X: Float[Tensor, "*#batch d n"]
) -> Float[Tensor, "*#batch"]:
    r"""$\frac4n [(C_x^+)^2 + \omega] \max_i E_i$ [dana2025, Lemma 6].

    It holds where $\|w_j\| \le |a_j|$ for all neurons, and not in general.
    """
    largest = X.square().sum(dim=-2).amax(dim=-1)
    most = activity(W, a, X).amax(dim=-1)
    return 4 / X.shape[-1] * (largest + interaction(X)) * most


def general_upper_bound(
    W: Float[Tensor, "*#batch K d"], a: Float[Tensor, "*#batch K"], X: Float[Tensor, "*#batch d n"]
) -> Float[Tensor, "*#batch"]:
    r"""$\frac2n[(C_x^+)^2 + \omega]\max_i\frac1K\sum_j(a_j^2+\|w_j\|^2)1(w_j\cdot x_i>0)$.

    It holds for all parameters: see the head of the module.
    """
    largest = X.square().sum(dim=-2).amax(dim=-1)
    size = torch.sqrt(a.square() + W.square().sum(dim=-1))
    return 2 / X.shape[-1] * (largest + interaction(X)) * activity(W, size, X).amax(dim=-1)
