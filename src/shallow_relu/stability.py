r"""When does a step of gradient descent overshoot?

The residuals of the flow obey $\dot r = -\frac1n M r$ with the tangent kernel

$$M = \frac1K \sum_j G_j X^\top (a_j^2 I + w_j w_j^\top) X G_j, \qquad
G_j = \mathrm{diag}(1(w_j \cdot x_i > 0)),$$

[dana2025, Eq. 17] and a step $\eta$ on $K L$ multiplies them by $I - \frac\eta n M$, to first order
in $\eta$. The sharpness $\lambda_{\max}(M) / n$ is the largest eigenvalue of the Gauss-Newton part
of the Hessian of $K L$, and where it is above $2 / \eta$ the step makes some residual grow.

Shapes as in `networks`.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def tangent_kernel(
    W: Float[Tensor, "*#batch K d"], a: Float[Tensor, "*#batch K"], X: Float[Tensor, "*#batch d n"]
) -> Float[Tensor, "*#batch n n"]:
    r"""$M$: see the head of the module [dana2025, Eq. 17]."""
    hidden = (W @ X).relu()
    weighted = hidden.sign() * a[..., None]
    return (hidden.mT @ hidden + (weighted.mT @ weighted) * (X.mT @ X)) / W.shape[-2]


def sharpness(
    W: Float[Tensor, "*#batch K d"], a: Float[Tensor, "*#batch K"], X: Float[Tensor, "*#batch d n"]
) -> Float[Tensor, "*#batch"]:
    r"""$\lambda_{\max}(M) / n$, to be compared with $2 / \eta$."""
    return torch.linalg.eigvalsh(tangent_kernel(W, a, X))[..., -1] / X.shape[-1]
