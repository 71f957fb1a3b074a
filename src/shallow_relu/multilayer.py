r"""Deep ReLU networks without biases, and the block formula for their gradient.

Weights are a list from the input to the top: `weights[l]` is `[width_l, width_{l-1}]`, and row
$j$ holds the weights $w_j$ right under node $j$. The network's output is the sum of its top nodes.
The paper numbers layers the other way: its $[1]$ is the top, and $[c+1]$ lies below $[c]$. All
matrices $D_j$ and $Q_j$ of the paper are diagonal; here a layer's diagonals are the columns of one
matrix `[n, width]`.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def random_network(
    widths: Sequence[int], d: int, generator: torch.Generator
) -> list[Float[Tensor, "_ _"]]:
    """Gaussian weights that keep the scale of the activations, in float64.

    Args:
        widths: Widths of the layers, from the input to the top.
        d: Dimension of the inputs.
        generator: Source of randomness, on the CPU.
    """
    return [
        torch.randn(width, below, generator=generator, dtype=torch.float64) * (2 / below) ** 0.5
        for width, below in zip(widths, [d, *widths], strict=False)
    ]


def activations(
    weights: Sequence[Float[Tensor, "_ _"]], x: Float[Tensor, "n d"]
) -> list[Float[Tensor, "n _"]]:
    """Inputs, then the outputs of each layer, from the input to the top."""
    layers = [x]
    for matrix in weights:
        layers.append(torch.relu(layers[-1] @ matrix.mT))
    return layers


def loss(
    weights: Sequence[Float[Tensor, "_ _"]],
    teacher: Sequence[Float[Tensor, "_ _"]],
    x: Float[Tensor, "n d"],
) -> Float[Tensor, ""]:
    r"""Summed loss $J = \frac12 \sum_i (f(x_i) - f^*(x_i))^2$."""
    student, target = (activations(network, x)[-1].sum(dim=1) for network in (weights, teacher))
    return 0.5 * (student - target).square().sum()


def upward_factors(
    weights: Sequence[Float[Tensor, "_ _"]], x: Float[Tensor, "n d"]
) -> list[Float[Tensor, "n _"]]:
    r"""Diagonals of the matrices $Q_j$ of every layer, from the input to the top.

    $Q_j = I$ at the top, and $Q_k = \sum_j w_{jk} D_j Q_j$ for a node $k$ below the nodes $j$,
    where $D_j$ is the gate of node $j$ [tian2017, Prop 2].
    """
    layers = activations(weights, x)
    factors = [torch.ones_like(layers[-1])]
    for matrix, output in zip(weights[:0:-1], layers[:1:-1], strict=True):
        factors.append((factors[-1] * (output > 0)) @ matrix)
    return factors[::-1]


def layer_residuals(
    weights: Sequence[Float[Tensor, "_ _"]],
    teacher: Sequence[Float[Tensor, "_ _"]],
    x: Float[Tensor, "n d"],
) -> list[Float[Tensor, " n"]]:
    r"""The sums $\sum_j (Q_j u_j - Q^*_j u^*_j)$ of every layer, from the input to the top."""
    student, target = (
        [
            (factor * output).sum(dim=1)
            for factor, output in zip(
                upward_factors(network, x), activations(network, x)[1:], strict=True
            )
        ]
        for network in (weights, teacher)
    )
    return [ours - theirs for ours, theirs in zip(student, target, strict=True)]


def block_gradient(
    weights: Sequence[Float[Tensor, "_ _"]],
    teacher: Sequence[Float[Tensor, "_ _"]],
    x: Float[Tensor, "n d"],
) -> list[Float[Tensor, "_ _"]]:
    r"""Gradient of `loss` for every layer by the block formula [tian2017, Eq. 19].

    Row $j$ of a layer is $X_c^\top D_j Q_j \sum_{j'} (Q_{j'} u_{j'} - Q^*_{j'} u^*_{j'})$, with
    $X_c$ the inputs of the layer and the sum over the nodes of the same layer in student and
    teacher.

    Args:
        weights: The student.
        teacher: A network of the same depth and input dimension; its widths may differ.
        x: Inputs.

    Raises:
        ValueError: Student and teacher differ in depth.
    """
    layers = activations(weights, x)
    factors = upward_factors(weights, x)
    residuals = layer_residuals(weights, teacher, x)
    return [
        ((output > 0) * factor * residual[:, None]).mT @ below
        for below, output, factor, residual in zip(
            layers, layers[1:], factors, residuals, strict=False
        )
    ]
