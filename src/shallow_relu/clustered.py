r"""Clustered data: classes, their means, deviations, and the two costs [chen2024, Sec. 2].

There are $Q$ classes; class $q$ has $n_q$ inputs in $R^d$ and one label $y_q$ in $R^m$. The inputs
of all classes are the columns of $X$, class after class; $\bar X$ holds the class means, $\Delta X$
the deviations from them. The formulas of the paper are reconstructed from its sentences and proofs.

Shapes, the same for all functions: inputs `X` `[*batch, d, n]`, labels `Y` `[*batch, m, Q]`, class
means `[*batch, d, Q]`, and `sizes`, the class sizes $n_1, \dots, n_Q$ as integers with the sum `n`.
Batch dimensions broadcast.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def size_of_class(sizes: Sequence[int]) -> Float[Tensor, " n"]:
    r"""The diagonal of $\Lambda$: for each input the size of its class [chen2024, Eq. 3.19].

    Raises:
        ValueError: There is no class, or one without inputs.
    """
    return repeat_columns(torch.tensor([list(sizes)], dtype=torch.float64), sizes)[0]


def repeat_columns(
    columns: Float[Tensor, "*batch m Q"], sizes: Sequence[int]
) -> Float[Tensor, "*batch m n"]:
    r"""Each column once for every input of its class: $Y_{ext}$ from $Y$ [chen2024, Eq. 2.9].

    Raises:
        ValueError: There is no class, or one without inputs, or not one column for each class.
    """
    counts = _counts(sizes)
    if columns.shape[-1] != len(counts):
        raise ValueError(f"{columns.shape[-1]} columns for {len(counts)} classes")
    return columns.repeat_interleave(counts.to(columns.device), dim=-1)


def class_means(
    X: Float[Tensor, "*batch d n"], sizes: Sequence[int]
) -> Float[Tensor, "*batch d Q"]:
    r"""Class means $\bar X$ [chen2024, Eqs. 2.14 and 2.22].

    Raises:
        ValueError: There is no class, or one without inputs, or the sizes do not add up to `n`.
    """
    counts = _counts(sizes)
    if int(counts.sum()) != X.shape[-1]:
        raise ValueError(f"class sizes add up to {int(counts.sum())}, not to {X.shape[-1]} inputs")
    parts = X.split(counts.tolist(), dim=-1)
    return torch.stack([part.mean(dim=-1) for part in parts], dim=-1)


def deviations(X: Float[Tensor, "*batch d n"], sizes: Sequence[int]) -> Float[Tensor, "*batch d n"]:
    r"""Deviations $\Delta X$ of the inputs from their class means [chen2024, Eqs. 2.15-2.20].

    Raises:
        ValueError: As for `class_means`.
    """
    return X - repeat_columns(class_means(X, sizes), sizes)


def means_pseudoinverse(means: Float[Tensor, "*batch d Q"]) -> Float[Tensor, "*batch Q d"]:
    r"""$\bar X^+ = (\bar X^\top \bar X)^{-1} \bar X^\top$ [chen2024, Eq. 2.24].

    Raises:
        ValueError: The class means are linearly dependent up to rounding, or more than `d`.
    """
    d, Q = means.shape[-2:]
    if d < Q:
        raise ValueError(f"{Q} class means in dimension {d} are linearly dependent")
    U, values, Vh = torch.linalg.svd(means, full_matrices=False)
    if bool((values[..., -1] <= 10 * d * torch.finfo(means.dtype).eps * values[..., 0]).any()):
        raise ValueError("the class means are linearly dependent")
    return Vh.mT @ (U / values[..., None, :]).mT


def mean_projector(means: Float[Tensor, "*batch d Q"]) -> Float[Tensor, "*batch d d"]:
    r"""Orthogonal projector $P = \bar X \bar X^+$ on the span of the means [chen2024, Eq. 2.25].

    Raises:
        ValueError: The class means are linearly dependent.
    """
    return means @ means_pseudoinverse(means)


def relative_deviations(
    X: Float[Tensor, "*batch d n"], sizes: Sequence[int]
) -> Float[Tensor, "*batch Q n"]:
    r"""$\bar X^+ \Delta X$: the deviations in the coordinates in which class mean $q$ is $e_q$.

    Raises:
        ValueError: The class means are linearly dependent, or as for `class_means`.
    """
    means = class_means(X, sizes)
    return means_pseudoinverse(means) @ (X - repeat_columns(means, sizes))


def noise_to_signal(
    X: Float[Tensor, "*batch d n"], sizes: Sequence[int]
) -> Float[Tensor, "*batch"]:
    r"""$\delta_P = \max_{q,i} \|\bar X^+ \Delta x_{q,i}\|$ [chen2024, Eq. 3.1].

    Raises:
        ValueError: The class means are linearly dependent, or as for `class_means`.
    """
    return torch.linalg.vector_norm(relative_deviations(X, sizes), dim=-2).amax(dim=-1)


def cost(
    outputs: Float[Tensor, "*#batch m n"], Y: Float[Tensor, "*#batch m Q"], sizes: Sequence[int]
) -> Float[Tensor, "*batch"]:
    r"""Root mean square $\mathcal C$ of the errors [chen2024, Eqs. 2.27-2.29].

    Raises:
        ValueError: As for `repeat_columns`.
    """
    errors = outputs - repeat_columns(Y, sizes)
    return errors.square().sum(dim=-2).mean(dim=-1).sqrt()


def weighted_cost(
    outputs: Float[Tensor, "*#batch m n"], Y: Float[Tensor, "*#batch m Q"], sizes: Sequence[int]
) -> Float[Tensor, "*batch"]:
    r"""$\mathcal C_\Lambda$, in which each class has the weight 1 [chen2024, Eqs. 3.22-3.23].

    Raises:
        ValueError: As for `repeat_columns`.
    """
    return weighted_norm(outputs - repeat_columns(Y, sizes), sizes)


def weighted_norm(A: Float[Tensor, "*batch m n"], sizes: Sequence[int]) -> Float[Tensor, "*batch"]:
    r"""$\|A\|_\Lambda = (\operatorname{tr} A \Lambda^{-1} A^\top)^{1/2}$ [chen2024, Eq. 3.21].

    Raises:
        ValueError: There is no class, or one without inputs.
    """
    return (A.square().sum(dim=-2) / size_of_class(sizes).to(A)).sum(dim=-1).sqrt()


def orthonormal_means(
    d: int,
    Q: int,
    generator: torch.Generator,
    *,
    batch: tuple[int, ...] = (),
    dtype: torch.dtype = torch.float64,
) -> Float[Tensor, "*batch d Q"]:
    """Random orthonormal class means: columns of the QR factor of a Gaussian matrix.

    Raises:
        ValueError: There are more classes than dimensions.
    """
    if d < Q:
        raise ValueError(f"no {Q} orthonormal class means in dimension {d}")
    return torch.linalg.qr(torch.randn(*batch, d, Q, generator=generator, dtype=dtype)).Q


def clusters(
    means: Float[Tensor, "*batch d Q"],
    sizes: Sequence[int],
    spread: float | Tensor,
    generator: torch.Generator,
) -> Float[Tensor, "*batch d n"]:
    r"""Gaussian clusters: each input is its class's centre plus isotropic noise.

    The empirical class means differ from the centres. Numbers are drawn on the CPU.

    Args:
        means: Centres of the classes.
        sizes: Class sizes.
        spread: Standard deviation of each coordinate; a tensor broadcasts with the result.
        generator: Source of randomness, on the CPU.

    Raises:
        ValueError: As for `repeat_columns`.
    """
    centres = repeat_columns(means, sizes)
    noise = torch.randn(centres.shape, generator=generator, dtype=means.dtype)
    return centres + spread * noise.to(means.device)


def _counts(sizes: Sequence[int]) -> Tensor:
    if not len(sizes) or min(sizes) < 1:
        raise ValueError(f"class sizes {tuple(sizes)}: every class needs an input")
    return torch.tensor(list(sizes))
