r"""Gradient descent on orthogonal inputs, entry by entry.

On orthogonal inputs the flow of `networks` does not mix data points. With the activations
$h_{ji} = \max(w_j \cdot x_i, 0) / \|x_i\|$ and residuals $r_i = f(x_i) - y_i$, a step of
gradient descent of size $\eta$ on $K L$ is

$$h_{ji} \leftarrow \max\Bigl(h_{ji} - \frac\eta n a_j r_i \|x_i\| 1(h_{ji} > 0), 0\Bigr), \qquad
a_j \leftarrow a_j - \frac\eta n \sum_i r_i \|x_i\| h_{ji}.$$

An activation that is zero stays zero, so that its neuron needs no further record at that point.
The cost of a step is that of a few passes over $h$, instead of two products of matrices.

Shapes: `h` `[B, K, n]`, `a` `[B, K]`, `norms` and `y` `[B, n]`.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

_STACK = 2**16  # numbers in the activations of the networks that are trained together


class Descent(NamedTuple):
    """Where the networks of a batch ended.

    Attributes:
        h: Activations.
        a: Output weights.
        first_loss: Loss at the start.
        loss: Loss at the end.
        steps: Number of steps made.
    """

    h: Float[Tensor, "B K n"]
    a: Float[Tensor, "B K"]
    first_loss: Float[Tensor, " B"]
    loss: Float[Tensor, " B"]
    steps: Float[Tensor, " B"]


class Measures(NamedTuple):
    r"""The curvature and its two bounds of Lemma 6, and what is behind the lower one.

    Attributes:
        curvature: $\mu$.
        lower: $\frac2n (C_x^-)^2 \min_i E_i$.
        upper: $\frac4n (C_x^+)^2 \max_i E_i$.
        fewest: Smallest number of active neurons of the right sign at a point.
    """

    curvature: Float[Tensor, " B"]
    lower: Float[Tensor, " B"]
    upper: Float[Tensor, " B"]
    fewest: Float[Tensor, " B"]


def descend(
    h: Float[Tensor, "B K n"],
    a: Float[Tensor, "B K"],
    norms: Float[Tensor, "B n"],
    y: Float[Tensor, "B n"],
    *,
    step: float,
    n_steps: int,
    target: float = 0.0,
) -> Descent:
    r"""Gradient descent of size $\eta$ on $K L$; a network is finished when its loss is small.

    Args:
        h: Activations at the start.
        a: Output weights at the start.
        norms: Norms of the inputs.
        y: Labels.
        step: Step size $\eta$.
        n_steps: Largest number of steps.
        target: A network ends as soon as its loss is below this.
    """
    size = max(1, _STACK // (h.shape[-2] * h.shape[-1]))
    ends = [
        _descend_stack(*(part[b : b + size] for part in (h, a, norms, y)), step, n_steps, target)
        for b in range(0, len(h), size)
    ]
    return Descent(*(torch.cat(column) for column in zip(*ends, strict=True)))


def _descend_stack(
    h: Tensor, a: Tensor, norms: Tensor, y: Tensor, step: float, n_steps: int, target: float
) -> tuple[Tensor, ...]:
    """Some networks together; whoever finishes leaves the stack."""
    K, n = h.shape[-2:]
    # As -inf, a dead activation stays what it is under all steps.
    z, h, made = torch.where(h > 0, h, -torch.inf), h.clone(), 0
    first, last, steps = None, torch.empty_like(y[:, 0]), torch.empty_like(y[:, 0])
    end_h, end_a = torch.empty_like(h), torch.empty_like(a)
    where = torch.arange(len(h), device=h.device)
    while True:
        residual = (a[:, None] @ h).squeeze(1) * norms / K - y
        loss = residual.square().sum(-1) / (2 * n)
        first = loss.clone() if first is None else first
        done = loss < target
        if made == n_steps or bool(done.any()):
            done = done | (made == n_steps)
            out = where[done]
            end_h[out], end_a[out], last[out], steps[out] = h[done], a[done], loss[done], made
            if bool(done.all()):
                return end_h, end_a, first, last, steps
            z, h, a, norms, y, residual, where = (
                part[~done] for part in (z, h, a, norms, y, residual, where)
            )
        pull = residual * norms * (-step / n)
        z = torch.addcmul(z, a[..., None], pull[:, None], out=z)
        a = a + (h @ pull[..., None]).squeeze(-1)
        torch.threshold_(z, 0, -torch.inf)
        torch.clamp(z, min=0, out=h)
        made += 1


def measures(
    h: Float[Tensor, "B K n"],
    a: Float[Tensor, "B K"],
    norms: Float[Tensor, "B n"],
    y: Float[Tensor, "B n"],
) -> Measures:
    """Curvature and bounds of Lemma 6 for orthogonal inputs, entry by entry."""
    n, K = h.shape[-1], h.shape[-2]
    gate = h.sign()
    residual = (a[:, None] @ h).squeeze(1) * norms / K - y
    pull = residual * norms
    activity = (a.square()[:, None] @ gate).squeeze(1) / K
    square = (pull.square() * activity).sum(-1) + (h @ pull[..., None]).square().sum((-2, -1)) / K
    right = gate * (a[..., None] * y[:, None] > 0)
    return Measures(
        2 * square / (n * residual.square().sum(-1)),
        2 / n * norms.square().amin(-1) * activity.amin(-1),
        4 / n * norms.square().amax(-1) * activity.amax(-1),
        right.sum(-2).amin(-1),
    )
