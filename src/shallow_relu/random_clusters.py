r"""Random clustered data whose class means and labels are well conditioned.

Random square matrices can be close to singular, and then rounding hides what is to be seen. Here
the singular values of class means and labels are drawn from an interval.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from shallow_relu.clustered import deviations, repeat_columns


class Clusters(NamedTuple):
    r"""Data sets with the same classes.

    Attributes:
        means: Class means $\bar X$ as columns.
        noise: Deviations $\Delta X$ as columns; those of each class have the sum zero.
        Y: Labels as columns.
        sizes: Class sizes.
    """

    means: Float[Tensor, "*count d Q"]
    noise: Float[Tensor, "*count d n"]
    Y: Float[Tensor, "*count Q Q"]
    sizes: tuple[int, ...]

    @property
    def inputs(self) -> Float[Tensor, "*count d n"]:
        """The inputs as columns, class after class."""
        return repeat_columns(self.means, self.sizes) + self.noise

    def scaled(self, factor: Tensor | float) -> "Clusters":
        """The same data sets with all deviations multiplied by `factor`."""
        return self._replace(noise=self.noise * factor)

    def one(self, number: int) -> "Clusters":
        """A single data set, without the dimension that counts them."""
        return Clusters(self.means[number], self.noise[number], self.Y[number], self.sizes)


def conditioned_matrices(
    count: int,
    rows: int,
    columns: int,
    generator: torch.Generator,
    low: float = 0.5,
    high: float = 4.5,
) -> Float[Tensor, "count rows columns"]:
    r"""Random matrices $A D B^\top$ with $A$, $B$ orthonormal and $D$ uniform on `[low, high]`.

    Args:
        count: Number of matrices.
        rows: Number of rows, at least the number of columns.
        columns: Number of columns.
        generator: Source of randomness, on the CPU.
        low: Lower end for the singular values.
        high: Upper end.

    Raises:
        ValueError: There are more columns than rows, or the interval makes no sense.
    """
    if columns > rows or not 0 < low <= high:
        raise ValueError(f"no {rows} x {columns} matrices with singular values in [{low}, {high}]")

    def normal(size: int) -> Tensor:
        return torch.randn(count, size, columns, generator=generator, dtype=torch.float64)

    left, right = torch.linalg.qr(normal(rows)).Q, torch.linalg.qr(normal(columns)).Q
    spread = torch.rand(count, 1, columns, generator=generator, dtype=torch.float64)
    return (left * (low + (high - low) * spread)) @ right.mT


def random_clusters(
    sizes: Sequence[int],
    count: int,
    generator: torch.Generator,
    *,
    d: int | None = None,
    width: tuple[float, float] = (0.1, 10.0),
) -> Clusters:
    r"""Gaussian clusters of random width around well conditioned means.

    Args:
        sizes: Number of inputs of each class; as many labels as classes.
        count: Number of data sets.
        generator: Source of randomness, on the CPU.
        d: Dimension of the inputs; by default the number of classes $Q$.
        width: Ends of the interval from which each data set draws the standard deviation of its
            deviations, uniformly in the logarithm.

    Raises:
        ValueError: A class is empty, $d < Q$, or the widths make no sense.
    """
    Q, low, high = len(sizes), *width
    if not 0 < low <= high:
        raise ValueError(f"no clusters of widths {width}")
    d = Q if d is None else d
    means = conditioned_matrices(count, d, Q, generator)
    uniform = torch.rand(count, 1, 1, generator=generator, dtype=torch.float64)
    noise = torch.randn(count, d, sum(sizes), generator=generator, dtype=torch.float64)
    noise = deviations(low * (high / low) ** uniform * noise, sizes)
    return Clusters(means, noise, conditioned_matrices(count, Q, Q, generator), tuple(sizes))
