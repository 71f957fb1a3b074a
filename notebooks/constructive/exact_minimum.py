# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # An exact value that is not a local minimum
#
# With as many input dimensions as classes, $d=Q$, and a bias so large that the ReLU is inactive,
# the network is a linear map of the data. {cite:t}`chen2024` solve this least squares problem in
# closed form. Theorem 3.2 gives the cost, which is close to the bound of Theorem 3.1 and invariant
# under linear changes of the inputs, and calls the point a degenerate local minimum. The value is
# right, to all digits. The last statement is not: the network has an output bias, the solution
# leaves it where it was, and moving it lowers the cost.
#
# The formulas of this paper were lost in the text at hand. Those below are reconstructed from the
# sentences around them and from the steps of the proof. Two things pin down the point: it is said
# to use a projector of rank $Q$ (a free output bias would make it $Q+1$), and $W_2$ is said to
# differ from $Y\bar X^+$ by order $\delta_P^2$ (with a free output bias the difference does not
# vanish). We checked each identity below in the reconstructed form on random data.
#
# ```{claim} chen2024.thm3.2value
# ```
#
# ```{claim} chen2024.thm3.2rate
# ```
#
# ```{claim} chen2024.thm3.2rateb
# ```
#
# ```{claim} chen2024.thm3.2min
# ```
#
# ```{claim} chen2024.thm3.2deg
# ```
#
# ```{claim} chen2024.thm3.2inv
# ```
#
# ```{claim} chen2024.eq3.31
# ```
#
# **What would count against them.** For value, region and invariance: one data set where two sides
# differ by more than rounding. For the rates: an exponent in $\delta_P$ other than two. For the
# local minimum: a gradient that does not vanish, and a line along which the cost falls at once.

# %% tags=["parameters", "hide-input"]
seed: int = 5  # seed of all random numbers; 0..4294967295
data_sets: int = 60  # random data sets for each number of classes; 10..10_000
changes: int = 1000  # random changes of each point and size; 700..100_000
# memory: 3e8 + 6000 * data_sets + 2000 * changes bytes
# time: 7 + 0.005 * data_sets + 0.0005 * changes seconds

# %% tags=["hide-input"]
from collections import defaultdict
from fractions import Fraction

import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from companion.verdicts import proportion_interval
from shallow_relu import exact_clusters, weighted_minimum
from shallow_relu.biased_networks import Network, outputs
from shallow_relu.clustered import (
    class_means,
    cost,
    noise_to_signal,
    relative_deviations,
    repeat_columns,
    size_of_class,
    weighted_cost,
    weighted_norm,
)
from shallow_relu.critical_points import count_signs
from shallow_relu.random_clusters import random_clusters

chapter = open_chapter("constructive/exact_minimum", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)

# %% [markdown]
# ## The value
#
# Write $\Delta_1=\bar X^{-1}\Delta X$ for the deviations in units of the class means, and
# $\Gamma=\Delta_2(I+\Delta_2)^{-1}$ with $\Delta_2=\Delta_1\Lambda^{-1}\Delta_1^\top$. The claim
# is that the explicit network has the squared cost $\operatorname{tr}Y\Gamma Y^\top$. We draw
# data with $Q=2,3,4$ classes of unequal sizes, class means and labels of condition number at most
# nine, and clusters from narrow to wide. Three computations meet: the network, sample by sample;
# the $n\times n$ projector; the $Q\times Q$ closed form. In the controls the ReLU cuts, the class
# sizes are left out of the projector, or stand on one side only.

# %%
value = chapter.claim("chen2024.thm3.2value")
SIZES = {2: (3, 9), 3: (8, 2, 5), 4: (2, 7, 3, 4)}
DATA = {Q: random_clusters(sizes, data_sets, generator) for Q, sizes in SIZES.items()}


def collect(function):
    """What `function` returns for Q = 2, 3, 4, by name, all data sets in one column."""
    columns = defaultdict(list)
    for data in DATA.values():
        for name, values in function(data.inputs, data.Y, data.sizes).items():
            columns[name].append(values)
    return {name: torch.cat(values) for name, values in columns.items()}


def three_ways(X, Y, sizes):
    """The cost of the network, the projector and the closed form; and with something broken."""
    point = weighted_minimum.stated_point(X, Y, sizes)
    without_shift = point._replace(b1=0 * point.b1, b2=0 * point.b2)
    labels, n_of = repeat_columns(Y, sizes), size_of_class(sizes)
    projectors = {
        "": weighted_minimum.projector(X, sizes),
        ", sizes left out": X.mT @ torch.linalg.solve(X @ X.mT, X),
        ", one side": n_of[:, None] * weighted_minimum.projector(X, sizes),
    }
    columns = {
        "closed": weighted_minimum.linear_cost(weighted_minimum.relative_covariance(X, sizes), Y),
        "network": weighted_cost(outputs(point, X), Y, sizes),
        "network, cut": weighted_cost(outputs(without_shift, X), Y, sizes),
    }
    for name, Pi in projectors.items():
        columns["projector" + name] = weighted_norm(labels - labels @ Pi, sizes)
        columns["idempotent" + name] = (Pi @ Pi - Pi).abs().amax((-2, -1))
        columns["self-adjoint" + name] = (Pi / n_of - (Pi / n_of).mT).abs().amax((-2, -1))
        columns["rank" + name] = torch.linalg.matrix_rank(Pi, rtol=1e-9) - Y.shape[-1]
    with_ones = torch.cat([X, torch.ones_like(X[..., :1, :])], dim=-2)
    enlarged = weighted_minimum.projector(with_ones, sizes)
    columns["rank, enlarged"] = torch.linalg.matrix_rank(enlarged, rtol=1e-9) - Y.shape[-1]
    return columns


ways = collect(three_ways)
n_sets = len(ways["closed"])
for name, expected, broken, variant in (
    ("network", ways["closed"], "$\\varrho=0$: the ReLU cuts", ", cut"),
    ("projector", ways["closed"], "class sizes left out", ", sizes left out"),
    ("idempotent", 0, "class sizes on one side", ", one side"),
    ("self-adjoint", 0, "class sizes left out", ", sizes left out"),
    ("rank", 0, "a row of ones added to $X$", ", enlarged"),
):
    value.check(name, measured=ways[name], expected=expected, n=n_sets)
    value.control(broken, name, measured=ways[name + variant], expected=expected)


def cost_ratio(sizes):
    """Weighted cost over root Q times the plain cost, at the explicit points."""
    data = random_clusters(sizes, data_sets, generator)
    X, Y = data.inputs, data.Y
    f = outputs(weighted_minimum.stated_point(X, Y, sizes), X)
    return weighted_cost(f, Y, sizes) / (3**0.5 * cost(f, Y, sizes))


value.check("class sizes", measured=cost_ratio((4, 4, 4)), expected=1)
value.control("unequal sizes", "class sizes", measured=cost_ratio((8, 2, 2)), expected=1)

# %% [markdown]
# ## How close to the bound
#
# The bound of Theorem 3.1, with equal weight for each class, is
# $(\operatorname{tr}Y\Delta_2Y^\top)^{1/2}$; the value has $\Gamma$ in place of $\Delta_2$. As
# $\Gamma$ has the eigenvalues $\lambda/(1+\lambda)$, the value is smaller by a factor between
# $(1+\lambda_+)^{-1/2}$ and $(1+\lambda_-)^{-1/2}$, where $\lambda_\pm$ are the extreme
# eigenvalues of $\Delta_2$. Since $\lambda_+\le Q\,\delta_P^2$, the relative error is at most
# $\frac12Q\,\delta_P^2$, with a constant that does not depend on the data. The paper's $C_0$ comes
# from $\lambda_-$: it depends on the shape of the data, and is positive when $\Delta X$ has rank
# $Q$. (The value is smaller than the bound whenever $\Delta X\ne0$; that $C_0$ is zero for lower
# rank is what this proof gives, not a property of the data.) In the same way
#
# $$W_2-Y\bar X^{-1}=-Y\,\Gamma\,\bar X^{-1},\qquad
# \lVert W_2-Y\bar X^{-1}\rVert_{op}\le Q\,\lVert Y\rVert_{op}\lVert\bar X^{-1}\rVert_{op}\,
# \delta_P^2 .$$
#
# To see the exponents we shrink the clusters until $\delta_P$ has a given value and keep their
# shape. We also follow the *affine* fit, the best cost with a free output bias. Its relative error
# has another limit: with $S$ the limit of $\Delta_2/\delta_P^2$,
#
# $$1-\frac{\mathcal C_{\Lambda,\mathrm{aff}}}{\lVert Y\bar X^+\Delta X\rVert_\Lambda}\to
# 1-\sqrt{1-\frac{\lVert YSu\rVert^2}{u^\top Su\,\operatorname{tr}YSY^\top}} .$$

# %%
rate, second_layer = chapter.claim("chen2024.thm3.2rate"), chapter.claim("chen2024.eq3.31")
sharp = chapter.claim("chen2024.thm3.2rateb")


def compare(X, Y, sizes, ratio=None):
    """Costs, bound and second layers, for clusters shrunk to the noise ratio `ratio`."""
    means, own = class_means(X, sizes), noise_to_signal(X, sizes)
    if ratio is not None:
        centres = repeat_columns(means, sizes)
        X, own = centres + ratio / own[:, None, None] * (X - centres), torch.full_like(own, ratio)
    covariance = weighted_minimum.relative_covariance(X, sizes)
    smallest, largest = torch.linalg.eigvalsh(covariance)[:, [0, -1]].unbind(-1)
    bound = weighted_norm(Y @ relative_deviations(X, sizes), sizes)
    inverse, norm = torch.linalg.inv(means), torch.linalg.matrix_norm
    per_square = Y.shape[-1] * own.square()
    constant = per_square * norm(Y, ord=2) * norm(inverse, ord=2)
    columns = {
        "smallest": smallest / own.square(),
        "limit": weighted_minimum.limiting_gap(covariance, Y),
    }
    for kind, bias, point in (
        ("", False, weighted_minimum.stated_point),
        ("affine ", True, weighted_minimum.repaired_point),
    ):
        share = weighted_minimum.least_squares_cost(X, Y, sizes, bias=bias) / bound
        layer = norm(point(X, Y, sizes).W2 - Y @ inverse, ord=2)
        columns[kind + "error"], columns[kind + "layer"] = 1 - share, layer
        columns[kind + "error over square"] = (1 - share) / (per_square / 2)
        columns[kind + "layer over square"] = layer / constant
        columns[kind + "over factor"] = share * (1 + smallest).sqrt()
        columns[kind + "over the other factor"] = share * (1 + largest).sqrt()
    return columns


def at_ratio(ratio):
    return collect(lambda *data: compare(*data, ratio=float(ratio)))


wide, near, nearer = collect(compare), at_ratio(2e-3), at_ratio(1e-3)
flat = random_clusters((2, 2, 1), data_sets, generator)  # five inputs, deviations of rank two
flat = compare(flat.inputs, flat.Y, flat.sizes)
rate.check("inequality", measured=wide["over factor"], n=n_sets)
other = wide["over the other factor"]
rate.control("$\\lambda_+$ for $\\lambda_-$", "inequality", measured=other)
rate.check("full rank", measured=wide["smallest"], n=n_sets)
rate.control("$\\operatorname{rank}\\Delta X=2$, $Q=3$", "full rank", measured=flat["smallest"])
rate.check("lower rank", measured=flat["smallest"].abs(), n=data_sets)
rate.control("full rank", "lower rank", measured=wide["smallest"])
for claim, name, test in (
    (rate, "error", "not more than a square"),
    (second_layer, "layer", "constant"),
):
    slopes = {kind: (near[kind + name] / nearer[kind + name]).log2() for kind in ("", "affine ")}
    claim.check("exponent", measured=slopes[""], expected=2, n=n_sets)
    claim.control("the affine fit", "exponent", measured=slopes["affine "], expected=2)
    claim.check(test, measured=wide[f"{name} over square"], n=n_sets)
    claim.control("the affine fit", test, measured=nearer[f"affine {name} over square"])
sharp.check("limit", measured=nearer["affine error"], expected=nearer["limit"], n=n_sets)
sharp.control("the stated point", "limit", measured=nearer["error"], expected=nearer["limit"])


def round_gap(Q, stretch=1.0):
    """Gap for the class means $e_q$, $Y=I$ and $2Q$ inputs per class on the axes around them."""
    axes = torch.diag(torch.tensor([stretch] + [1.0] * (Q - 1)))
    X = torch.cat([e[:, None] + 1e-3 * torch.cat([axes, -axes], 1) for e in torch.eye(Q)], dim=1)
    return compare(X[None], torch.eye(Q)[None], (2 * Q,) * Q)["affine error"]


isotropic, gaps = [1 - (1 - 1 / Q) ** 0.5 for Q in SIZES], [round_gap(Q) for Q in SIZES]
sharp.check("isotropic", measured=torch.cat(gaps), expected=isotropic)
long = torch.cat([round_gap(Q, stretch=3.0) for Q in SIZES])
sharp.control("clusters three times as long", "isotropic", measured=long, expected=isotropic)

# %% [markdown]
# Three inputs suffice to see that the limit need not be zero. Let $Q=d=2$, $Y=I$, and let the
# first class be $(1\pm s,0)$, the second the single input $(0,1)$. Then $\delta_P=s$, and the
# bound is $s$. The map $x\mapsto(1-x_2,x_2)$ fits all three labels, for every $s$: the affine fit
# costs nothing, and the relative gap is one.

# %%
family = torch.tensor([[[1 + s, 1 - s, 0], [0, 0, 1]] for s in (0.01, 0.1, 0.3)])
identity, pair = torch.eye(2), (2, 1)
fit = Network(
    identity, torch.full((2,), 3.0), torch.tensor([[0.0, -1], [0, 1]]), torch.tensor([4.0, -3])
)
means = class_means(family, pair)
sharp.hypothesis("$d=Q$", "dimensions", measured=family.shape[-2], expected=len(pair))
for text, name, matrices in (
    ("$\\operatorname{rank}\\bar X=Q$", "rank of the means", means),
    ("$Y=I$", "labels", identity),
):
    sharp.hypothesis(text, name, measured=torch.linalg.matrix_rank(matrices), expected=2)
smallest = noise_to_signal(family, pair).min()
sharp.hypothesis("$\\delta_P=s\\to0$", "noise to signal", measured=smallest)
bound = weighted_norm(relative_deviations(family, pair), pair)
gap = 1 - weighted_cost(outputs(fit, family), identity, pair) / bound
sharp.violation("three inputs", "gap", measured=gap)
for name, number in zip(("two", "three", "four"), gaps, strict=True):
    chapter.number(f"gap_{name}", number, ".3f", tolerance=1e-6)

# %% tags=["hide-input"]
ratios = torch.logspace(-2.5, 1, 15)
curves = [at_ratio(ratio) for ratio in ratios]
middle = {name: torch.stack([curve[name] for curve in curves]) for name in curves[0]}
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.4))
for name, panel, colour, label in (
    ("error", axes[0], "theory", "stated point"),
    ("affine error", axes[0], "measured", "affine fit"),
    ("layer", axes[1], "theory", "stated point"),
    ("affine layer", axes[1], "measured", "affine fit"),
):
    low, mid, high = middle[name].quantile(torch.tensor([0.05, 0.5, 0.95]), dim=1)
    panel.fill_between(ratios, low, high, color=COLOURS[colour], alpha=0.2, linewidth=0)
    panel.loglog(ratios, mid, color=COLOURS[colour], label=label)
axes[0].loglog(ratios, 2 * ratios**2, "--", color=COLOURS["bound"], label=r"$2\delta_P^2$")
axes[0].set(ylabel="one minus cost over bound", ylim=(1e-7, 3))
axes[1].set(ylabel=r"$\Vert W_2-Y\bar X^{+}\Vert_{op}$")
for panel in axes:
    panel.set_xlabel(r"noise-to-signal ratio $\delta_P$")
    panel.legend(loc="lower right")
chapter.figure(
    "fig-chen2024-thm3-2-rate",
    figure,
    caption=r"Median and 5% to 95% range over all data sets with $Q=2,3,4$, clusters shrunk to the "
    r"given $\delta_P$. Left: relative distance of the cost from the bound; the stated point "
    r"follows $\delta_P^2$ and stays below $\frac12Q\,\delta_P^2\le2\delta_P^2$ (dashed), the "
    r"affine fit keeps a constant distance. Right: the same for the second layer.",
    alt="Two log-log panels against the noise ratio. In both, the line of the stated point rises "
    "with slope two, and the line of the affine fit is flat and far above it at small ratios.",
    data={
        "delta_p": ratios,
        **{
            f"{name.replace(' ', '_')}_median": middle[name].median(dim=1).values
            for name in ("error", "affine error", "layer", "affine layer")
        },
    },
    claims=["chen2024.thm3.2rate", "chen2024.thm3.2rateb", "chen2024.eq3.31"],
)

# %% [markdown]
# For round clusters and $Y=I$ the affine fit is below the bound by the fractions
# {number}`gap_two`, {number}`gap_three`, {number}`gap_four` for $Q=2,3,4$, however small the
# clusters: $1-\sqrt{1-1/Q}$.
#
# ## The same value on a region, and for other coordinates
#
# If the ReLU is inactive at $(W_1,b_1)$ and $W_1$ is invertible, the second layer
# $W_2W_1^{-1}$ with the bias that reverts $b_1$ gives the same map, hence the same cost. With a
# singular $W_1$ there is no such second layer: the required matrix $W_2$ is invertible, a product
# with $W_1$ is not. (Whether the paper says *invertible* here we cannot tell; Section 3.4 does.)
# For the second statement, the rows of $GX$ span the same space as those of $X$. A translation
# changes this space, and the value with it.

# %%
region, invariance = chapter.claim("chen2024.thm3.2deg"), chapter.claim("chen2024.thm3.2inv")


def elsewhere(X, Y, sizes):
    """Costs at random first layers, and values and projectors in other coordinates."""
    A = weighted_minimum.stated_point(X, Y, sizes).W2
    W1 = torch.randn(*A.shape, generator=generator)
    b1 = (W1 @ X).neg().amax(-1).relu() + 0.1
    singular = torch.cat([W1[:, :-1], torch.zeros_like(W1[:, -1:])], dim=1)

    def reverted(W1, b1):
        W2 = A @ torch.linalg.pinv(W1)
        network = Network(W1, b1, W2, -(W2 @ b1[..., None]).squeeze(-1))
        return weighted_cost(outputs(network, X), Y, sizes)

    columns = {
        "level": reverted(W1, b1),
        "cut": reverted(W1, b1 - 1),
        "singular": reverted(singular, b1),
    }
    Pi = weighted_minimum.projector(X, sizes)
    for name, moved in (("here", X), ("linear", W1 @ X), ("translated", X + 1)):
        columns[name] = weighted_minimum.least_squares_cost(moved, Y, sizes, bias=False)
        change = weighted_minimum.projector(moved, sizes) - Pi
        columns[f"{name}, projector"] = change.abs().amax((-2, -1))
    return columns


moved = collect(elsewhere)
region.check("level", measured=moved["level"], expected=moved["here"], n=n_sets)
for broken, name in (("the ReLU cuts", "cut"), ("singular $W_1$", "singular")):
    region.control(broken, "level", measured=moved[name], expected=moved["here"])
for name, kind, expected in (("value", "", moved["here"]), ("projector", ", projector", 0)):
    invariance.check(name, measured=moved[f"linear{kind}"], expected=expected, n=n_sets)
    translated = moved[f"translated{kind}"]
    invariance.control("a translation", name, measured=translated, expected=expected)

# %% [markdown]
# ## No local minimum
#
# Near the stated point the ReLU stays inactive, so the cost is a smooth function of $A=W_2W_1$ and
# $c=W_2b_1+b_2$. The residual at the stated point has the weighted sum
# $Y((I+\Delta_2)^{-1}-I)u=-Y\Gamma u$ over the samples, and $b_2$ is added to each of them:
#
# $$\partial_{b_2}\mathcal C_\Lambda^2=-2\,Y\,\Gamma\,u .$$
#
# This vanishes only if $\Gamma u=0$, that is $u^\top\Delta_1=0$: only if all inputs lie in the
# hyperplane through the $Q$ class means. The proof sets this derivative to zero in its Eq. 6.34,
# and afterwards varies $W_1$ and $b_1$ alone. The three inputs above, with $s=1$, show the failure
# in numbers that can be checked by hand: $W_2=\operatorname{diag}(\frac12,1)$, the cost is
# $\mathcal C_\Lambda^2=\frac12$, and with $t$ added to the first output bias it is
# $\frac12-t+2t^2$. We check every hypothesis and this line in exact rational arithmetic.

# %%
minimum = chapter.claim("chen2024.thm3.2min")
example = [[2, 0, 0], [0, 0, 1]], (2, 1), [[1, 0], [0, 1]]
shift, half = 4, Fraction(1, 2)


def stated(t=0):
    """The stated point, with t added to the first output bias."""
    W2, b2 = [[half, 0], [0, 1]], [-shift * half + t, -shift]
    return exact_clusters.ExactNetwork([[1, 0], [0, 1]], [shift, shift], W2, b2)


means = exact_clusters.class_means(*example)
for text, name, measured, expected in (
    ("$d=Q$", "dimensions", len(example[0]), 2),
    ("class means", "rank of the means", exact_clusters.rank(means), 2),
    ("labels", "labels", exact_clusters.rank(example[2]), 2),
    ("$W_2$ of the theorem", "second layer", stated().W2, exact_clusters.least_squares(*example)),
):
    minimum.hypothesis(text, name, measured=measured, expected=expected)
largest = max(sum(entry * entry for entry in x) ** 0.5 for x in zip(*example[0], strict=True))
minimum.hypothesis(
    "$\\varrho=4$, $\\max\\lVert x\\rVert=2$", "shift", measured=shift / (2 * largest)
)
before = exact_clusters.preactivations(*stated()[:2], example[0])
minimum.hypothesis("ReLU inactive", "inactive", measured=before)
start = exact_clusters.squared_cost(stated(), *example)
steps = [Fraction(1, 10**k) for k in range(1, 10)]
change = [(exact_clusters.squared_cost(stated(t), *example) - start) / t for t in steps]
minimum.violation("along $b_2$", "descent", measured=change)
X, Y = (torch.tensor(example[k]).double() for k in (0, 2))
gradient, _ = weighted_minimum.derivatives(weighted_minimum.stated_point(X, Y, pair), X, Y, pair)
minimum.violation("gradient in $b_2$", "nonzero gradient", measured=gradient.b2.norm())
chapter.number("stated_squared", start, ".3f", tolerance=1e-12)
chapter.number("lower_squared", start + change[0] * steps[0], ".3f", tolerance=1e-12)

# %% [markdown]
# The squared cost is {number}`stated_squared` at the stated point and {number}`lower_squared` after
# $t=\frac1{10}$; zero is in reach, at the affine fit.
#
# ## The local minima, and how flat they are
#
# For fixed invertible $W_1$ and fixed $b_1$ the map $(W_2,b_2)\mapsto(A,c)$ is linear and onto.
# Hence $(A,c)$ can be moved in every direction by small changes, and a point with positive
# preactivations is a local minimum if and only if $(A,c)$ minimises the convex function
# $\lVert AX+cu^\top-Y_{ext}\rVert_\Lambda^2$. (Where a preactivation is zero the ReLU may begin to
# cut, which can lower the cost at once.) The point has to be the affine fit,
#
# $$c=\frac{Y\,\Gamma u}{u^\top\Gamma u},\quad A=(Y-cu^\top)(I+\Delta_2)^{-1}\bar X^{-1},\quad
# \mathcal C_\Lambda^2=\operatorname{tr}Y\Gamma Y^\top
# -\frac{\lVert Y\Gamma u\rVert^2}{u^\top\Gamma u} .$$
#
# If $u^\top\Gamma u=0$, the fit with $c=0$ is one of them, and the last term is absent.
#
# The same argument counts the flat directions. The network has $2Q^2+2Q$ parameters, the map has
# $Q^2+Q$. At the affine fit the Hessian is the one of the convex function, positive definite if $X$
# with a row of ones has rank $Q+1$, pulled back by a linear map onto; so exactly $Q^2+Q$
# eigenvalues are zero and none is negative. At the stated point, if $\Gamma u\ne0$, a term is
# added, twice the scalar product of $-2Y\Gamma u$ with $dW_2\,db_1$, which has $Q$ negative
# eigenvalues, also on the kernel of the first one. So exactly $Q$ eigenvalues are negative, and
# $Q^2-Q$ are zero. For the controls we give the counts of one point to the other.

# %%
POINTS = {"stated": weighted_minimum.stated_point, "repaired": weighted_minimum.repaired_point}
found, spectra = defaultdict(list), {}
for Q, data in DATA.items():
    for k in range(6):
        X, Y, sizes = data.one(k).inputs, data.Y[k], data.sizes
        places = {
            "stated": X,
            "repaired": X,
            "hyperplane": weighted_minimum.into_hyperplane(X, sizes),
        }
        for name, inputs in places.items():
            point = POINTS.get(name, weighted_minimum.stated_point)(inputs, Y, sizes)
            gradient, hessian = weighted_minimum.derivatives(point, inputs, Y, sizes)
            spectra[name, Q] = torch.linalg.eigvalsh(hessian)
            length = weighted_minimum.flatten(gradient).norm() / (1 + spectra[name, Q][-1])
            negative, zero, _ = count_signs(spectra[name, Q], tolerance=1e-11)
            for kind, number in (
                ("gradient", length),
                ("bias", gradient.b2.norm()),
                ("negative", negative),
                ("zero", zero),
            ):
                found[f"{name}, {kind}"].append(number)
        gamma = weighted_minimum.shrunk_covariance(weighted_minimum.relative_covariance(X, sizes))
        found["formula"].append(2 * (Y @ gamma).sum(-1).norm())
        found["Q"].append(Q)
Qs = torch.tensor(found["Q"])
for name, key, expected, broken, other in (
    ("gradient formula", "stated, bias", found["formula"], "repaired point", "repaired, bias"),
    ("stated, negative", "stated, negative", Qs, "repaired point", "repaired, negative"),
    ("stated, zero", "stated, zero", Qs**2 - Qs, "repaired point", "repaired, zero"),
    ("repaired, negative", "repaired, negative", 0, "stated point", "stated, negative"),
    ("repaired, zero", "repaired, zero", Qs**2 + Qs, "stated point", "stated, zero"),
):
    minimum.check(name, measured=found[key], expected=expected, n=len(Qs))
    minimum.control(broken, name, measured=found[other], expected=expected)
for name, key in (("repaired gradient", "repaired"), ("data in a hyperplane", "hyperplane")):
    minimum.check(name, measured=found[f"{key}, gradient"], n=len(Qs))
    minimum.control("the stated point", name, measured=found["stated, gradient"])


def affine_two_ways(X, Y, sizes):
    point = weighted_minimum.repaired_point(X, Y, sizes)
    covariance = weighted_minimum.relative_covariance(X, sizes)
    return {
        "network": weighted_cost(outputs(point, X), Y, sizes),
        "closed": weighted_minimum.affine_cost(covariance, Y),
        "linear": weighted_minimum.linear_cost(covariance, Y),
    }


affine = collect(affine_two_ways)
for record, key in ((minimum.check, "network"), (minimum.control, "linear")):
    name = ("repaired value",) if key == "network" else ("without the constant", "repaired value")
    record(*name, measured=affine[key], expected=affine["closed"], n=n_sets)

# %% [markdown]
# A picture without derivatives: change all weights and biases at random by a small vector, and see
# how often the cost falls. Where the gradient does not vanish this happens for half of the small
# changes; at a minimum never.

# %%
lengths, n_changes = torch.logspace(-5, 0, 6), len(SIZES) * changes
fallen = {name: [0] * len(lengths) for name in POINTS}
for name, place in POINTS.items():
    for data in DATA.values():
        X, Y, sizes = data.one(0).inputs, data.Y[0], data.sizes
        point, options = place(X, Y, sizes), {"count": changes, "generator": generator}
        for k, length in enumerate(lengths.tolist()):
            fallen[name][k] += weighted_minimum.count_descents(
                point, X, Y, sizes, size=length, **options
            )
for name, other in (("stated", "repaired"), ("repaired", "stated")):
    test = f"{name}, share"  # at the relative length 1e-4
    minimum.check(test, successes=fallen[name][1], n=n_changes)
    minimum.control(f"{other} point", test, successes=fallen[other][1], n=n_changes)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.4))
style = {"stated": ("control", "stated point", "o"), "repaired": ("theory", "affine fit", "s")}
for name, (colour, label, marker) in style.items():
    shares = torch.tensor(fallen[name]) / (n_changes)
    ends = torch.tensor([proportion_interval(k, n_changes) for k in fallen[name]])
    bars = torch.stack([shares - ends[:, 0], ends[:, 1] - shares]).clamp(min=0)
    axes[0].errorbar(
        lengths, shares, bars, fmt=f"{marker}-", color=COLOURS[colour], label=label, capsize=2
    )
    values = spectra[name, 3]
    places = torch.arange(len(values)) + 1
    hollow = {"markersize": 7, "fillstyle": "none"} if name == "stated" else {"markersize": 3.5}
    axes[1].plot(places, values, marker, color=COLOURS[colour], label=label, **hollow)
axes[0].set(
    xscale="log",
    ylim=(-0.03, 0.62),
    xlabel="relative size of the change",
    ylabel="share that lowers the cost",
)
axes[0].legend(loc="upper right", bbox_to_anchor=(1, 0.75))
axes[1].set_yscale("symlog", linthresh=1e-2)
axes[1].axhline(0, color=COLOURS["muted"], linewidth=0.8)
axes[1].set(xlabel="number of the eigenvalue", ylabel="eigenvalue of the Hessian")
axes[1].legend(loc="upper left")
chapter.figure(
    "fig-chen2024-thm3-2-minimum",
    figure,
    caption=r"Left: share of random changes of all weights and biases that lower the cost, with "
    r"exact 99.9% intervals; data sets with $Q=2,3,4$ together. At the stated point it tends to "
    r"one half as the change becomes small, at the affine fit it is zero. Right: eigenvalues of "
    r"the Hessian for $Q=3$, on a scale that is linear near zero: three negative and six zero ones "
    r"at the stated point, none and twelve at the affine fit.",
    alt="Left: against the size of the change, the share of the stated point rises to one half "
    "towards small changes, that of the affine fit is zero throughout. Right: sorted eigenvalues; "
    "those of the stated point start below zero, those of the affine fit with a row of zeros.",
    data={
        "size": lengths,
        **{f"{name}_lower": fallen[name] for name in POINTS},
        "changes": [n_changes] * len(lengths),
    },
    claims=["chen2024.thm3.2min"],
)

# %% [markdown]
# ## Where it stops being true
#
# The stated point *is* a minimum among networks with $b_2=-W_2b_1$: among linear maps of the data.
# It is a local minimum in all parameters if the inputs lie in the hyperplane through the class
# means; then $\lambda_-=0$, so $C_0=0$ in the estimate. The value, the region and the invariance
# do not depend on any of this. Nor does this page say that the affine fit is the global minimum:
# with a ReLU that cuts, the cost can be far lower.
#
# ```{admonition} Errata
# :class: warning
# **Theorem 3.2** says that its point is a local minimum of the cost. It is a critical point only
# if all inputs lie in the hyperplane through the class means. Smallest counterexample with two
# classes: the inputs $(2,0),(0,0)$ of one class and $(0,1)$ of the other, $Y=I$; adding $t$ to the
# first output bias changes the squared cost from $\frac12$ to $\frac12-t+2t^2$. Corrected: the
# local minima with positive preactivations and invertible $W_1$ are the affine fits, with
# $c=Y\Gamma u/u^\top\Gamma u$ (if $u^\top\Gamma u=0$, with $c=0$ among others). They are
# degenerate, with at least $Q^2+Q$ flat directions.
#
# **Abstract and Section 3.2** say that the value of the local minimum is within a relative error of
# order $\delta_P^2$ of the bound. This is the same error again, not a second one. The value at the
# stated point is that close. The local minimum is lower by a
# fraction that does not vanish with $\delta_P$: one in the example, $1-\sqrt{1-1/Q}$ for round
# clusters and orthonormal labels.
# ```
#
# ```{exercise}
# :label: exercise-hyperplane-of-means
# Show that for $Q=d$ the affine fit and the linear fit agree if and only if all inputs lie in the
# hyperplane through the class means.
# ```
#
# ```{solution} exercise-hyperplane-of-means
# :class: dropdown
# They agree if and only if the linear fit has a vanishing derivative in $c$, $Y\Gamma u=0$. As $Y$
# and $I+\Delta_2$ are invertible this is $\Delta_2u=0$, or $u^\top\Delta_1\Lambda^{-1}\Delta_1^\top
# u=0$, or $u^\top\Delta_1=0$. Now $u^\top\bar X^{-1}\bar x_q=1$ for every $q$, so
# $u^\top\bar X^{-1}x=1$ is the hyperplane through the class means, and
# $u^\top\bar X^{-1}x_{q,i}=1+u^\top\Delta_{1,q,i}$.
# ```
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()
