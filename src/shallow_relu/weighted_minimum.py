r"""The cost with equal weight per class, minimised by least squares [chen2024, Sec. 3.2 and 6].

As many input dimensions as classes, $d = Q$. With the class means $\bar X$, the deviations
$\Delta X$ and the class sizes in $\Lambda$, everything depends on

$$\Delta_1 = \bar X^{-1} \Delta X, \qquad
\Delta_2 = \Delta_1 \Lambda^{-1} \Delta_1^\top, \qquad
\Gamma = \Delta_2 (I + \Delta_2)^{-1} .$$

Where the ReLU is inactive the network $f(x) = W_2 \sigma(W_1 x + b_1) + b_2$ is the affine map
$x \mapsto A x + c$ with $A = W_2 W_1$ and $c = W_2 b_1 + b_2$. The best one with $c = 0$ (the
*linear* fit, the point of Theorem 3.2) has the squared cost $\mathrm{tr}\, Y \Gamma Y^\top$; the
best one of all (the *affine* fit) has $\|Y \Gamma u\|^2 / u^\top \Gamma u$ less.

Shapes as in `shallow_relu.clustered`: inputs `X` `[*batch, d, n]` as columns, class after class,
labels `Y` `[*batch, m, Q]` as columns, `sizes` the class sizes; features `F` `[*batch, k, n]`.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from shallow_relu import clustered
from shallow_relu.biased_networks import Network, outputs

# A singular value below this fraction of the largest one counts as zero.
_RANK_TOLERANCE = 1e-10


def relative_covariance(
    X: Float[Tensor, "*batch d n"], sizes: Sequence[int]
) -> Float[Tensor, "*batch Q Q"]:
    r"""Sum over the classes of their covariances, $\Delta_2 = \Delta_1 \Lambda^{-1} \Delta_1^\top$.

    Raises:
        ValueError: A class is empty or the class means are dependent.
    """
    relative = clustered.relative_deviations(X, sizes)
    return (relative / clustered.size_of_class(sizes).to(X)) @ relative.mT


def projector(F: Float[Tensor, "*batch k n"], sizes: Sequence[int]) -> Float[Tensor, "*batch n n"]:
    r"""Projector $\Pi = \Lambda^{-1} F^\top (F \Lambda^{-1} F^\top)^{-1} F$ [chen2024, Eq. 3.24].

    Rows of $A \Pi$ are the best fits of the rows of $A$ by combinations of the features, in the
    norm of $\Lambda^{-1}$.

    Raises:
        ValueError: A class is empty or the features are dependent.
    """
    weighted = F / clustered.size_of_class(sizes).to(F)
    if bool((numerical_rank(F) < F.shape[-2]).any()):
        raise ValueError("the features are linearly dependent")
    return weighted.mT @ torch.linalg.solve(F @ weighted.mT, F)


def least_squares_cost(
    F: Float[Tensor, "*batch k n"],
    Y: Float[Tensor, "*#batch m Q"],
    sizes: Sequence[int],
    *,
    bias: bool,
) -> Float[Tensor, "*batch"]:
    r"""Smallest weighted cost of $x \mapsto W \phi(x) + b$ over $W$, and over $b$ if `bias`.

    Without bias it is $\|Y_{ext}(I - \Pi)\|_\Lambda$. Computed by orthogonal projection, so that
    dependent features do no harm.

    Args:
        F: Features $\phi(x_i)$ as columns, class after class.
        Y: Labels as columns.
        sizes: Class sizes.
        bias: Whether there is a free constant.

    Raises:
        ValueError: A class is empty.
    """
    scale = clustered.size_of_class(sizes).to(F).rsqrt()
    if bias:
        # The mean over all samples with weights 1 / n_q is the mean of the class means.
        F = F - clustered.class_means(F, sizes).mean(-1, keepdim=True)
        Y = Y - Y.mean(-1, keepdim=True)
    target = clustered.repeat_columns(Y, sizes) * scale
    _, singular, rows = torch.linalg.svd(F * scale, full_matrices=False)
    kept = singular > _RANK_TOLERANCE * singular.amax(-1, keepdim=True)
    fit = ((target @ rows.mT) * kept[..., None, :]) @ rows
    return (target - fit).square().sum((-2, -1)).sqrt()


def shrunk_covariance(covariance: Float[Tensor, "*batch Q Q"]) -> Float[Tensor, "*batch Q Q"]:
    r"""The matrix $\Gamma = \Delta_2 (I + \Delta_2)^{-1}$, with eigenvalues below one."""
    eye = torch.eye(covariance.shape[-1], dtype=covariance.dtype, device=covariance.device)
    return torch.linalg.solve(eye + covariance, covariance)


def linear_cost(
    covariance: Float[Tensor, "*batch Q Q"], Y: Float[Tensor, "*#batch m Q"]
) -> Float[Tensor, "*batch"]:
    r"""Closed form $\|Y \Delta_2^{1/2} (I + \Delta_2)^{-1/2}\|_F$ [chen2024, Eq. 3.25].

    Args:
        covariance: The matrix $\Delta_2$.
        Y: Labels as columns.
    """
    return _spread(shrunk_covariance(covariance), Y).clamp(min=0).sqrt()


def constant(
    covariance: Float[Tensor, "*batch Q Q"], Y: Float[Tensor, "*#batch m Q"]
) -> Float[Tensor, "*batch m"]:
    r"""Constant of the affine fit, $c = Y \Gamma u / u^\top \Gamma u$; zero if $\Gamma u = 0$."""
    gamma = shrunk_covariance(covariance)
    total = gamma.sum((-2, -1))[..., None]
    empty = total <= _RANK_TOLERANCE * gamma.diagonal(dim1=-2, dim2=-1).sum(-1, keepdim=True)
    image = (Y @ gamma).sum(-1)
    return torch.where(empty, 0.0, image / torch.where(empty, 1.0, total))


def affine_cost(
    covariance: Float[Tensor, "*batch Q Q"], Y: Float[Tensor, "*#batch m Q"]
) -> Float[Tensor, "*batch"]:
    r"""Smallest cost of affine maps, $(\mathrm{tr}\,Y\Gamma Y^\top - c \cdot Y\Gamma u)^{1/2}$.

    Args:
        covariance: The matrix $\Delta_2$.
        Y: Labels as columns.
    """
    gamma = shrunk_covariance(covariance)
    gain = (constant(covariance, Y) * (Y @ gamma).sum(-1)).sum(-1)
    return (_spread(gamma, Y) - gain).clamp(min=0).sqrt()


def limiting_gap(
    shape: Float[Tensor, "*batch Q Q"], Y: Float[Tensor, "*#batch m Q"]
) -> Float[Tensor, "*batch"]:
    r"""Limit of one minus affine cost over $\|Y \Delta_1\|_\Lambda$ for $\Delta_2 = t S$, $t\to0$.

    It is $1 - \sqrt{1 - \|Y S u\|^2 / (u^\top S u\, \mathrm{tr}\, Y S Y^\top)}$.

    Args:
        shape: The matrix $S$, positive semidefinite with $u^\top S u > 0$.
        Y: Labels as columns.
    """
    image = (Y @ shape).sum(-1).square().sum(-1)
    return 1 - (1 - image / (shape.sum((-2, -1)) * _spread(shape, Y))).clamp(min=0).sqrt()


def network_of_affine_map(
    A: Float[Tensor, "*batch m d"], c: Float[Tensor, "*batch m"], X: Float[Tensor, "*batch d n"]
) -> Network:
    r"""The network $W_1 = I$, $b_1 = \varrho u$ that is $x \mapsto A x + c$ on the data.

    The shift is the paper's $\varrho = 2 \max_i \|x_i\|$ (1 if all inputs are zero), so that the
    ReLU is inactive on the data [chen2024, Eqs. 3.27-3.30].
    """
    d = X.shape[-2]
    shift = 2 * torch.linalg.vector_norm(X, dim=-2).amax(-1, keepdim=True)
    shift = torch.where(shift > 0, shift, 1.0)
    W1 = torch.eye(d, dtype=X.dtype, device=X.device).expand(*X.shape[:-2], d, d)
    return Network(W1, shift.expand(*X.shape[:-2], d), A, c - shift * A.sum(-1))


def stated_point(
    X: Float[Tensor, "*batch d n"], Y: Float[Tensor, "*batch m Q"], sizes: Sequence[int]
) -> Network:
    r"""The network of Theorem 3.2: the linear fit [chen2024, Eqs. 3.27-3.29].

    Raises:
        ValueError: $d \ne Q$, a class is empty, or class means or labels are dependent.
    """
    means = _means(X, Y, sizes)
    moment = X @ (X / clustered.size_of_class(sizes).to(X)).mT
    A = torch.linalg.solve(moment, means @ Y.mT).mT  # the moment is symmetric
    return network_of_affine_map(A, torch.zeros_like(A[..., 0]), X)


def repaired_point(
    X: Float[Tensor, "*batch d n"], Y: Float[Tensor, "*batch m Q"], sizes: Sequence[int]
) -> Network:
    r"""The same with the affine fit: $A = (Y - c u^\top)(I + \Delta_2)^{-1} \bar X^{-1}$.

    Raises:
        ValueError: $d \ne Q$, a class is empty, or class means or labels are dependent.
    """
    means = _means(X, Y, sizes)
    covariance = relative_covariance(X, sizes)
    c = constant(covariance, Y)
    eye = torch.eye(covariance.shape[-1], dtype=X.dtype, device=X.device)
    A = (Y - c[..., None]) @ torch.linalg.inv(means @ (eye + covariance))
    return network_of_affine_map(A, c, X)


def squared_cost(
    network: Network,
    X: Float[Tensor, "*#batch d n"],
    Y: Float[Tensor, "*#batch m Q"],
    sizes: Sequence[int],
) -> Float[Tensor, "*batch"]:
    r"""Squared weighted cost $\mathcal C_\Lambda^2$, smooth also where it is zero [chen2024, 3.23].

    Raises:
        ValueError: A class is empty.
    """
    errors = outputs(network, X) - clustered.repeat_columns(Y, sizes)
    return (errors.square().sum(-2) / clustered.size_of_class(sizes).to(X)).sum(-1)


def derivatives(
    network: Network,
    X: Float[Tensor, "d n"],
    Y: Float[Tensor, "m Q"],
    sizes: Sequence[int],
) -> tuple[Network, Float[Tensor, "p p"]]:
    r"""Gradient and Hessian of $\mathcal C_\Lambda^2$ in all weights and biases of one network.

    Exact where no preactivation is zero.

    Returns:
        The gradient, in the form of a network, and the Hessian in the order of `flatten`.

    Raises:
        ValueError: A class is empty.
    """
    flat = flatten(network).detach().requires_grad_()
    cost = squared_cost(unflatten(flat, network), X, Y, sizes)
    (gradient,) = torch.autograd.grad(cost, flat, create_graph=True)
    rows = [torch.autograd.grad(entry, flat, retain_graph=True)[0] for entry in gradient]
    return unflatten(gradient.detach(), network), torch.stack(rows)


def count_descents(
    network: Network,
    X: Float[Tensor, "d n"],
    Y: Float[Tensor, "m Q"],
    sizes: Sequence[int],
    *,
    size: float,
    count: int,
    generator: torch.Generator,
) -> int:
    r"""How many of `count` random changes of all weights and biases lower the cost.

    Args:
        network: The point.
        X: Inputs as columns, class after class.
        Y: Labels as columns.
        sizes: Class sizes.
        size: Length of each change, as a fraction of the length of all weights and biases.
        count: Number of changes, in independent uniform directions.
        generator: Source of randomness, on the CPU.

    Raises:
        ValueError: A class is empty.
    """
    flat = flatten(network)
    step = torch.randn(count, len(flat), generator=generator, dtype=flat.dtype).to(flat.device)
    step = size * flat.norm() * step / step.norm(dim=-1, keepdim=True)
    changed = squared_cost(unflatten(flat + step, network), X, Y, sizes)
    return int((changed < squared_cost(network, X, Y, sizes)).sum())


def into_hyperplane(
    X: Float[Tensor, "*batch d n"], sizes: Sequence[int]
) -> Float[Tensor, "*batch d n"]:
    r"""Move inputs into the hyperplane through the class means; the means stay.

    The hyperplane is $u^\top \bar X^{-1} x = 1$; each $\Delta_1$ loses its mean over the rows.

    Raises:
        ValueError: A class is empty or the class means are dependent.
    """
    relative = clustered.relative_deviations(X, sizes)
    means = clustered.class_means(X, sizes)
    flat = relative - relative.mean(-2, keepdim=True)
    return clustered.repeat_columns(means, sizes) + means @ flat


def flatten(network: Network) -> Float[Tensor, "p"]:
    """All weights and biases of one network as one vector, `W1` first."""
    return torch.cat([layer.flatten() for layer in network])


def unflatten(values: Float[Tensor, "*batch p"], like: Network) -> Network:
    """Undo `flatten`, for many vectors at once; `like` is one network that gives the shapes."""
    parts = values.split([layer.numel() for layer in like], dim=-1)
    shapes = [layer.shape for layer in like]
    return Network(
        *(p.reshape(*values.shape[:-1], *shape) for p, shape in zip(parts, shapes, strict=True))
    )


def numerical_rank(A: Float[Tensor, "*batch k n"]) -> Tensor:
    """Number of singular values above 1e-10 of the largest one; 0 for a zero matrix."""
    singular = torch.linalg.svdvals(A)
    return (singular > _RANK_TOLERANCE * singular.amax(-1, keepdim=True)).sum(-1)


def _spread(S: Tensor, Y: Tensor) -> Tensor:
    r"""The trace of $Y S Y^\top$."""
    return ((Y @ S) * Y).sum((-2, -1))


def _means(X: Tensor, Y: Tensor, sizes: Sequence[int]) -> Tensor:
    """The class means, after a look at all hypotheses of Theorem 3.2."""
    if not X.shape[-2] == Y.shape[-1] == Y.shape[-2]:
        raise ValueError(
            f"{X.shape[-2]} dimensions, {Y.shape[-1]} classes, {Y.shape[-2]} outputs: "
            "they must agree"
        )
    if bool((numerical_rank(Y) < Y.shape[-1]).any()):
        raise ValueError("the labels are not linearly independent")
    means = clustered.class_means(X, sizes)
    clustered.means_pseudoinverse(means)
    return means
