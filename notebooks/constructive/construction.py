# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A network written down, and the chain of bounds it belongs to
#
# {cite:t}`chen2024` do not train. For inputs that come in $Q$ clusters they write weights and
# biases down and compute the cost. This chapter builds the network, evaluates it, and asks what
# its parts contribute. The text at hand has lost its formulas; each one here was rebuilt from the
# sentences and proofs around it, and then had to hold as an identity on random data.
#
# ```{claim} chen2024.eq1.2
# ```
#
# ```{claim} chen2024.eq1.5
# ```
#
# ```{claim} chen2024.thm3.1
# ```
#
# ```{claim} chen2024.thm3.1snr
# ```
#
# ```{claim} chen2024.scaling
# ```
#
# **What would count against them.** A matrix for which another solver finds a lower cost. A data
# set on which the network costs more than the bound. A scale $\lambda$ that changes the bound.

# %% tags=["parameters", "hide-input"]
seed: int = 2  # seed of all random numbers; 0..4294967295
data_sets: int = 40  # random data sets of each shape; 20..10_000
points: int = 12  # standard deviations in the first figure; 5..100
sets_per_point: int = 50  # data sets for each of them; 10..10_000
# memory: 3e8 + 1e5 * data_sets + 2e4 * sets_per_point bytes
# time: 6 + 0.005 * data_sets + 0.0005 * points * sets_per_point seconds

# %% tags=["hide-input"]
import math

import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import clustered, constructions
from shallow_relu.biased_networks import hidden, linear_start, outputs

chapter = open_chapter("constructive/construction", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)


def normal(*shape):
    return torch.randn(*shape, generator=generator)


# %% [markdown]
# ## Regression first
#
# The cost of a linear map is a distance to a row space. We compare the formula with a solver that
# works by orthogonal transformations, for tall, wide and rank-deficient $X$. That the value is a
# minimum needs no search: for every $\Delta W$ the squared cost rises by exactly
# $\lVert\Delta W\,X\rVert_F^2$. Eq. 1.5 is the same statement with the hidden layer in the place
# of $X$.

# %%
regression, second_layer = chapter.claim("chen2024.eq1.2"), chapter.claim("chen2024.eq1.5")


def solved(X, targets):
    """Least cost by a solver that uses no pseudoinverse."""
    W = torch.linalg.lstsq(X.mT, targets.mT, driver="gelsd").solution.mT
    return torch.linalg.matrix_norm(W @ X - targets)


def by_formula(X, targets):
    return torch.linalg.matrix_norm(targets - targets @ torch.linalg.pinv(X) @ X)


matrices = [normal(4, 30), normal(9, 5), normal(6, 2) @ normal(2, 20), normal(5, 5)]
targets = [normal(3, X.shape[1]) for X in matrices]
pairs = list(zip(matrices, targets, strict=True))
values = [by_formula(X, T) for X, T in pairs]
regression.check("value", measured=[solved(X, T) for X, T in pairs], expected=values)
wrong = [torch.linalg.matrix_norm(T - T @ X.mT @ X) for X, T in pairs]
regression.control("$X^\\top$ in place of $X^+$", "value", measured=wrong, expected=values)
rises, squares, defects, quotients, ones, few = [], [], [], [], [], []
for X, T in pairs:
    W, change = constructions.regression(X, T), normal(3, X.shape[0])
    rises.append(((W + change) @ X - T).square().sum() - (W @ X - T).square().sum())
    squares.append((change @ X).square().sum())
    S = torch.linalg.pinv(X) @ X
    defects.append(max((S @ S - S).abs().max(), (S - S.mT).abs().max(), (X @ S - X).abs().max()))
    free = X.shape[1] - int(torch.linalg.matrix_rank(X))
    if free:
        size = math.sqrt(free)
        quotients.append(by_formula(X, T) / torch.linalg.matrix_norm(T, ord=2) / size)
        ones.append(by_formula(X, torch.eye(X.shape[1])) / size)
        few.append(by_formula(X, torch.eye(X.shape[1])) / math.sqrt(free - 1))
regression.check("minimum", measured=rises, expected=squares)
regression.control("half the rise", "minimum", measured=rises, expected=torch.stack(squares) / 2)
regression.check("projector", measured=defects)
regression.check("upper bound", measured=quotients)
regression.control("the rank plus one", "upper bound", measured=few)
regression.check("attained", measured=ones, expected=1)

X, T = normal(4, 25), normal(3, 25)
minima, free_minima, formulas = [], [], []
for _ in range(10):
    network = linear_start(4, 4, 3, generator)
    inner, rest = hidden(network, X), T - network.b2[:, None]
    minima.append(solved(inner, rest))
    free_minima.append(solved(torch.cat([inner, torch.ones(1, 25)]), T))
    formulas.append(by_formula(inner, rest))
second_layer.check("value", measured=minima, expected=formulas, n=10)
second_layer.control("$b_2$ free", "value", measured=free_minima, expected=formulas)

# %% [markdown]
# ## The network of Theorem 3.1
#
# Four moves. $U$ turns the span of the class means into the first $Q$ coordinate axes. The bias
# $b_1$ lifts the data by $\varrho$ in these coordinates, above every kink, and pushes the others
# below zero, where the ReLU cuts them off. $W_2$ sends each class mean to its label, and $b_2$
# takes the lift back. What remains on an input is $Y\bar X^+\Delta x$, so that the cost is not
# just at most the bound: the two are equal. We draw data with random centres, of widely
# different class sizes and spreads, and random labels. Three controls break one hypothesis each: an
# orthogonal $U$ that does not make $P$ diagonal, a lift of half the largest norm, and class means
# that are linearly dependent, where the formula is evaluated with the pseudoinverse all the same.

# %%
theorem, ratio = chapter.claim("chen2024.thm3.1"), chapter.claim("chen2024.thm3.1snr")
shapes = [(2, (5, 9)), (4, (10, 10, 10)), (4, (10,) * 4), (7, (1, 24, 3)), (9, (12, 3, 1, 8, 5, 2))]


def draw(d, sizes):
    """Clusters with Gaussian centres, spreads from 0.01 to 3, and random labels."""
    spread = 10 ** (2.5 * torch.rand(data_sets, 1, 1, generator=generator) - 2)
    centres = normal(data_sets, d, len(sizes))
    Y = normal(data_sets, len(sizes), len(sizes))
    return clustered.clusters(centres, sizes, spread, generator), Y


def cost(network, X, Y, sizes):
    return clustered.cost(outputs(network, X), Y, sizes)


samples = [(*draw(d, sizes), sizes) for d, sizes in shapes]
costs, bounds, off_diagonal, layers, expected, snr, halves, turned, alive = ([] for _ in range(9))
for X, Y, sizes in samples:
    network = constructions.constructed_network(X, Y, sizes)
    largest = torch.linalg.vector_norm(X, dim=-2).amax(-1)
    P = clustered.mean_projector(clustered.class_means(X, sizes))
    PU = network.W1 @ P @ network.W1.mT
    live = torch.diag_embed(PU.diagonal(dim1=-2, dim2=-1))
    off_diagonal.append((PU - live).abs().max())
    lift = 2 * largest[:, None, None]
    layers.append((hidden(network, X) / lift).flatten())
    expected.append((live @ (network.W1 @ X / lift + 1)).flatten())
    costs.append(cost(network, X, Y, sizes))
    bounds.append(constructions.construction_bound(X, Y, sizes))
    snr.append(bounds[-1] / constructions.noise_bound(X, Y, sizes))
    half = constructions.constructed_network(X, Y, sizes, shift=largest / 2)
    halves.append(cost(half, X, Y, sizes))
    rotation = torch.linalg.qr(normal(*P.shape)).Q
    turn = network._replace(W1=rotation @ network.W1, W2=network.W2 @ rotation.mT)
    turned.append(cost(turn, X, Y, sizes))
    every = network._replace(b1=torch.ones_like(network.b1) * lift[..., 0])
    alive.append((cost(every, X, Y, sizes) / costs[-1] - 1).abs())
costs, bounds = torch.cat(costs), torch.cat(bounds)
theorem.check("diagonal", measured=off_diagonal)
theorem.check("hidden layer", measured=torch.cat(layers), expected=torch.cat(expected))
theorem.check("cost", measured=costs, expected=bounds, n=len(costs))
theorem.control("$U$ does not diagonalise", "cost", measured=torch.cat(turned), expected=bounds)
theorem.control(
    "half the largest norm as lift", "cost", measured=torch.cat(halves), expected=bounds
)
X, Y, sizes = samples[1]
centred = X - X.mean(-1, keepdim=True)  # equal sizes: the class means now add up to zero
linear = Y @ torch.linalg.pinv(clustered.class_means(centred, sizes), rtol=1e-10)
theorem.control(
    "dependent class means",
    "cost",
    measured=clustered.cost(linear @ centred, Y, sizes),
    expected=torch.linalg.matrix_norm(linear @ clustered.deviations(X, sizes)) / math.sqrt(30),
)

ratio.check("ratio", measured=torch.cat(snr), n=len(costs))
X, Y, sizes = samples[2]
least = torch.linalg.svdvals(Y)[:, -1] * clustered.noise_to_signal(X, sizes)
ratio.control(
    "smallest singular value of $Y$",
    "ratio",
    measured=constructions.construction_bound(X, Y, sizes) / least,
)
means = normal(5, 3)
spokes = means @ torch.nn.functional.normalize(normal(3, 6), dim=0)
opposite = torch.stack([spokes, -spokes], dim=-1).flatten(1)  # twelve deviations of mean zero


def tightness(lengths):
    """First bound over second, where the deviations have given lengths in class coordinates."""
    X = clustered.repeat_columns(means, (4, 4, 4)) + 0.3 * lengths * opposite
    bound = constructions.construction_bound(X, torch.eye(3), (4, 4, 4))
    return bound / constructions.noise_bound(X, torch.eye(3), (4, 4, 4))


ratio.check("attained", measured=tightness(torch.ones(12)), expected=1)
two_lengths = torch.tensor([0.5] * 8 + [1.0] * 4)
ratio.control("two lengths", "attained", measured=tightness(two_lengths), expected=1)
snr = torch.cat(snr)
chapter.number("largest_error", ((costs / bounds - 1).abs()).max(), ".0e")
chapter.number("alive", torch.cat(alive).max(), ".0e")
chapter.number("snr_median", snr.median(), ".2f")
chapter.number("snr_least", snr.min(), ".2f")
chapter.number("snr_largest", snr.max(), ".2f")

# %% [markdown]
# The relative difference of cost and bound is at most {number}`largest_error` over all data sets.
# The second bound is a worst case over the samples and over the labels; the first is
# {number}`snr_least` to {number}`snr_largest` of it, with median {number}`snr_median`.
#
# **What the bias does and what it does not do.** The lift is needed: without it the ReLU would
# bend the significant part, and the control with half the lift fails. The cut is not. If all $d$
# hidden coordinates are lifted and nothing is cut, the cost changes by {number}`alive` of
# itself: rounding. The reason is $W_2P_U^\perp=0$. What the bias pushes into the dead zone of the
# ReLU, the second layer would have ignored. So the ReLU does no work at all on the training data:
# the network *is* the linear map $x\mapsto Y\bar X^+x$, and cannot cost less than the best one.
#
# ## The chain of bounds
#
# Affine maps contain the linear ones, and an affine map is a network with lifted neurons, so
#
# $$\min\mathcal C\le\mathcal C_{\text{affine}}\le\mathcal C_{\text{linear}}\le
# \tfrac1{\sqrt n}\lVert Y\bar X^+\Delta X\rVert_F\le\lVert Y\rVert_{op}\,\delta_P,$$
#
# where $\mathcal C_{\text{linear}}$ and $\mathcal C_{\text{affine}}$ are least-squares costs. The
# constant network, which answers with the mean label, costs $\sqrt{1-1/Q}$ for $Y=I$ and equal
# classes. The figure shows the medians of the last four costs and bounds, and of the cost of the
# network itself, against the spread of the clusters.

# %%
d, Q, sizes, Y = 4, 3, (10,) * 3, torch.eye(3)
spreads = torch.logspace(-2, 0.3, points)
NAMES = ("noise", "bound", "linear", "affine")


def chain(X, Y, sizes):
    return torch.stack(
        [
            constructions.noise_bound(X, Y, sizes),
            constructions.construction_bound(X, Y, sizes),
            constructions.linear_cost(X, Y, sizes),
            constructions.linear_cost(X, Y, sizes, bias=True),
        ]
    )


centres = clustered.orthonormal_means(d, Q, generator, batch=(points, sets_per_point))
X = clustered.clusters(centres, sizes, spreads[:, None, None, None], generator)
every = chain(X, Y, sizes)
medians = dict(zip(NAMES, every.median(dim=-1).values, strict=True))
network = constructions.constructed_network(X, Y.expand(points, sets_per_point, 3, 3), sizes)
evaluated = cost(network, X, Y, sizes).median(dim=-1).values
constant = math.sqrt(1 - 1 / Q)
X = clustered.clusters(
    clustered.orthonormal_means(d, Q, generator, batch=(500,)), sizes, 0.1, generator
)
_, bound, linear, affine = chain(X, Y, sizes)
chapter.number("ordered", (every[:-1] / every[1:]).min() >= 1, ".0f", tolerance=0)
chapter.number("affine_over_bound", (affine / bound).mean(), ".2f", tolerance=0.02)
chapter.number("linear_over_bound", (linear / bound).mean(), ".3f", tolerance=0.02)
_ = chapter.number("largest_affine_over_bound", (affine / bound).max(), ".2f")

# %% tags=["hide-input"]
figure, axis = plt.subplots(figsize=(6.4, 3.8))
for name, colour, style, label in (
    ("noise", "control", "-", r"$\Vert Y\Vert_{op}\,\delta_P$"),
    ("bound", "bound", "-", "bound of Theorem 3.1"),
    ("linear", "second", "--", "best linear map"),
    ("affine", "theory", "-", "best affine map"),
):
    axis.loglog(spreads, medians[name], style, color=COLOURS[colour], label=label)
axis.loglog(spreads, evaluated, "o", color=COLOURS["measured"], label="network, evaluated")
axis.axhline(constant, color=COLOURS["muted"], linestyle=":", label="constant network")
axis.set(xlabel=r"standard deviation $\varsigma$ of the clusters", ylabel=r"cost $\mathcal{C}$")
axis.legend(loc="lower right")
chapter.figure(
    "fig-chen2024-thm3-1-chain",
    figure,
    caption=r"Medians of the bounds and costs against the spread of the clusters, $d=4$, $Q=3$, "
    r"ten inputs a class, orthonormal centres, $Y=I$. The evaluated network lies on the bound of "
    r"Theorem 3.1. The best affine map is lower at every spread, and above a spread of about one "
    r"half the bound says less than a constant network does.",
    alt="Log-log plot of five curves that rise with the spread. Dots lie on the second curve from "
    "the top. The affine curve is the lowest and bends towards the dotted constant line.",
    data={"spread": spreads, **medians, "network": evaluated},
    claims=["chen2024.thm3.1", "chen2024.thm3.1snr"],
)

# %% [markdown]
# At $\varsigma=0.1$ the best affine map costs {number}`affine_over_bound` of the bound on average
# over $500$ data sets, and at most {number}`largest_affine_over_bound`. The best linear map
# gains little: its average is {number}`linear_over_bound`. So the theorem is right, and its bound
# was never the minimum here. What is missing is the output bias: at the constructed point it is
# chosen for the given $W_2$, not together with it. How much lower a network can go that does use
# its kinks is the subject of a later chapter.
#
# ## Scaling, and translation
#
# Multiplying all inputs by $\lambda$ divides $\bar X^+$ by $\lambda$, and the bound stays. Sensors
# also have offsets. Adding one vector to all inputs changes no difference between inputs, and an
# affine map absorbs it. The bound does not: it compares deviations with class means, and means have
# a length only from an origin. We add multiples $c$ of the mean of all inputs.

# %%
scaling = chapter.claim("chen2024.scaling")
X, Y, sizes = samples[3]
bound, noise = constructions.construction_bound(X, Y, sizes), clustered.noise_to_signal(X, sizes)
factors = [1e-6, 1e-3, 0.5, 7.0, 1e6]


def inverse_norm(X):
    inverse = clustered.means_pseudoinverse(clustered.class_means(X, sizes))
    return torch.linalg.matrix_norm(inverse)


for name, scaled, plain in (
    ("pseudoinverse", [f * inverse_norm(f * X) for f in factors], inverse_norm(X)),
    ("bound", [constructions.construction_bound(f * X, Y, sizes) for f in factors], bound),
    ("ratio", [clustered.noise_to_signal(f * X, sizes) for f in factors], noise),
):
    expected = plain.repeat(len(factors))
    scaling.check(name, measured=torch.cat(scaled), expected=expected, n=len(expected))
shifted = X + 1
scaling.control(
    "one added to all coordinates",
    "bound",
    measured=constructions.construction_bound(shifted, Y, sizes),
    expected=bound,
)
scaling.control(
    "one added to all coordinates",
    "ratio",
    measured=clustered.noise_to_signal(shifted, sizes),
    expected=noise,
)

d, Q, sizes, Y = 4, 3, (10,) * 3, torch.eye(3)
X = clustered.clusters(clustered.orthonormal_means(d, Q, generator), sizes, 0.1, generator)
multiples = torch.linspace(-0.98, 2, 150)
moved = X + multiples[:, None, None] * X.mean(-1, keepdim=True)
_, moved_bound, moved_linear, moved_affine = chain(moved, Y, sizes)
start = int(multiples.abs().argmin())
chapter.number("translated", moved_bound.max() / moved_bound[start], ".0f")
chapter.number("translated_least", moved_bound.min() / moved_bound[start], ".2f")
_ = chapter.number("translated_affine", (moved_affine / moved_affine[0] - 1).abs().max(), ".0e")

# %% tags=["hide-input"]
figure, axis = plt.subplots(figsize=(6.4, 3.4))
axis.semilogy(multiples, moved_bound, color=COLOURS["bound"], label="bound of Theorem 3.1")
axis.semilogy(multiples, moved_linear, "--", color=COLOURS["second"], label="best linear map")
axis.semilogy(multiples, moved_affine, color=COLOURS["theory"], label="best affine map")
axis.axhline(constant, color=COLOURS["muted"], linestyle=":", label="constant network")
axis.axvline(0, color=COLOURS["muted"], linewidth=0.8)
axis.set(
    xlabel="multiple $c$ of the mean of all inputs that is added", ylabel=r"cost $\mathcal{C}$"
)
axis.legend(loc="upper right")
chapter.figure(
    "fig-chen2024-scaling-translation",
    figure,
    caption=r"The same data, moved by $c$ times their mean: $d=4$, $Q=3$, $\varsigma=0.1$. The "
    r"bound depends on where the origin lies, and grows without limit as the data are centred, at "
    r"$c=-1$. The best affine map does not notice.",
    alt="Bound, linear and affine cost against the translation. The bound falls from far above the "
    "constant network at the left to a level a little above the flat affine line at the right.",
    data={
        "multiple": multiples,
        "bound": moved_bound,
        "linear": moved_linear,
        "affine": moved_affine,
    },
    claims=["chen2024.scaling"],
)

# %% [markdown]
# The bound varies between {number}`translated_least` and {number}`translated` times its value at
# $c=0$; the affine cost varies by {number}`translated_affine` of itself. To centre the data, the
# usual first step in practice, is a choice for which the theorem is void, and near which the bound
# is as large as one likes.
#
# ## Where it stops being true
#
# Class means that are linearly dependent, which includes $Q>d$ and centred data, have no such
# network, and the library says so with an error. Where the lift is smaller than the data, the ReLU
# bends what it should pass. Beyond the training data the identity holds for $\lVert
# Px\rVert\le\varrho$.
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()
