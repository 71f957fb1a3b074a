# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What a cutting ReLU can do
#
# So far the ReLU was inactive on the data. Section 3.4 of {cite:t}`chen2024` lets it cut. If $W_1$
# is invertible, the cut can be written as a map $T$ of the inputs, after which the ReLU is inactive
# again, and the closed form of Theorem 3.2 applies to the truncated inputs $T(X)$. Theorem 3.5 says
# that this is the minimum over the second layer. Remark 3.6 concludes that every global minimum has
# this form, or the one without a cut, because a first layer that reduces the rank cannot be
# optimal. Both overlook the output bias, as Theorem 3.2 does. The first, as we read it, is an
# inequality, and the second fails on eighteen points in the plane: a network with $W_1$ of rank one
# fits them exactly, and no network of either form does.
#
# ```{claim} chen2024.def3.4
# ```
#
# ```{claim} chen2024.thm3.5
# ```
#
# ```{claim} chen2024.rem3.6
# ```
#
# The formulas of this paper were lost in the text at hand. The definition of $T$ is reconstructed
# from the property that it is said to have, which we check. Of Eq. 3.46 the right side is described
# in words ("substituting" $T(X)$ for the inputs in $\Pi$). The left side is not; that it is a
# minimum over $W_2$ and $b_2$, with an equality sign, is our reading: the next paragraph takes the
# infimum of the right side over $(W_1,b_1)$ as a candidate for the global minimum, and Remark 3.6
# says that the global minimum has this form. If the paper has $\le$ in this place, Theorem 3.5 is
# right, and the error is in Remark 3.6 alone.
#
# **What would count against them.** For the definition: one entry that differs. For the theorem: a
# rank-preserving first layer, and a second layer with a lower cost than the formula. For the
# remark: a network below everything that the two forms can reach.

# %% tags=["parameters", "hide-input"]
seed: int = 6  # seed of all random numbers; 0..4294967295
first_layers: int = 1200  # random first layers for each number of classes; 800..100_000
starts: int = 60  # starts of each descent; 20..10_000
steps: int = 200  # steps of each descent; 200..10_000
# memory: 3e8 + 10_000 * first_layers bytes
# time: 7 + 0.0005 * first_layers + 0.0002 * starts * steps / 4 seconds

# %% tags=["hide-input"]
from fractions import Fraction
from itertools import combinations

import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import exact_clusters as exact
from shallow_relu import truncation, weighted_minimum
from shallow_relu.biased_networks import Network, hidden, outputs
from shallow_relu.clustered import class_means, relative_deviations, weighted_cost, weighted_norm
from shallow_relu.random_clusters import conditioned_matrices, random_clusters

chapter = open_chapter("constructive/truncation", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)

# %% [markdown]
# ## The truncation map
#
# Neuron $k$ sees $w_k\cdot x$ only where it exceeds $-b_k$. So $W_1T(x)=\sigma(W_1x+b_1)-b_1$ has
# the entries $\max(w_k\cdot x,-b_k)$: the map $T$ moves inputs to the faces of the cone where all
# neurons are active. We draw one data set for each of $Q=2,3,4$ and random first layers
# of condition number at most nine, each neuron with its kink near an input.

# %%
definition = chapter.claim("chen2024.def3.4")


def draw(Q):
    """One data set, and first layers that cut it: W1, b1."""
    data = random_clusters((8,) * Q, 1, generator, width=(0.5, 0.51)).one(0)
    W1 = conditioned_matrices(first_layers, Q, Q, generator)
    at = torch.randint(8 * Q, (first_layers, Q), generator=generator)
    b1 = -torch.einsum("skd,dsk->sk", W1, data.inputs[:, at])
    return data, W1, b1 + 0.5 * torch.randn(*b1.shape, generator=generator)


drawn = {Q: draw(Q) for Q in (2, 3, 4)}
inactive, same, twice, singular = [], [], [], []
for data, W1, b1 in drawn.values():
    X, bias = data.inputs, b1[..., None]
    T, layer = truncation.truncate(W1, b1, X), (W1 @ X + bias).relu()
    inactive += [((W1 @ T + bias).relu() - (W1 @ T + bias)).abs().flatten()]
    same += [(W1 @ T + bias - layer).abs().flatten()]
    twice += [(truncation.truncate(W1, b1, T) - T).abs().flatten()]
    reduced = torch.cat([W1[:, :-1], W1[:, :1]], dim=1)  # two equal rows
    moved = reduced @ torch.linalg.pinv(reduced) @ ((reduced @ X + bias).relu() - bias)
    singular += [(moved + bias - (reduced @ X + bias).relu()).abs().flatten()]
for name, values in (("inactive", inactive), ("same layer", same), ("twice", twice)):
    definition.check(name, measured=torch.cat(values), expected=0, n=sum(map(len, values)))
definition.control("singular $W_1$", "same layer", measured=torch.cat(singular), expected=0)
X = [[2, 0, 0], [0, 0, 1]]
cutting, bias = [[1, 0], [0, 1]], [Fraction(-1, 2), 2]
T = exact.truncate(cutting, bias, X)
for record, layer, text in (
    (definition.check, exact.preactivations(cutting, bias, T), ()),
    (definition.control, exact.preactivations(cutting, bias, X), ("without $T$",)),
):
    both = [layer, exact.hidden(cutting, bias, T)]
    record(*text, "exactly", measured=both, expected=2 * [exact.hidden(cutting, bias, X)])

# %% [markdown]
# ## The minimum over the second layer
#
# Linear maps of $T(X)$ are what $W_2$ can do if $b_2=-W_2b_1$. With a free $b_2$ the fit is affine,
# and all of Theorem 3.2 carries over with $T(X)$ for $X$, repair included: with
# $\Gamma_T=\Delta_{2,T}(I+\Delta_{2,T})^{-1}$,
#
# $$\min_{W_2,b_2}\mathcal C_\Lambda^2=\operatorname{tr}Y\Gamma_TY^\top
# -\frac{\lVert Y\Gamma_Tu\rVert^2}{u^\top\Gamma_Tu}
# \le\operatorname{tr}Y\Gamma_TY^\top=\lVert Y_{ext}(I-\Pi_T)\rVert_\Lambda^2 ,$$
#
# without the second term if $u^\top\Gamma_Tu=0$. Both sides agree if and only if $T(X)$ lies in the
# hyperplane through its class means. For inputs in general position and no cut this does not
# happen, yet with a cut it is common: if neuron $k$ is silent on all inputs, then $w_k\cdot
# T(x)=-b_k$ for all of them. The silent neuron supplies the constant. We compute the left side from
# the hidden layer and a row of ones, the right side from $\max(w_k\cdot x,-b_k)$, and compare with
# the closed forms, for rank-preserving first layers whose truncated class means have a condition
# number of at most $100$. The closed form with a constant divides by $u^\top\Gamma_Tu$; there we
# leave out the few layers where this is not zero but below $10^{-6}$ of the trace of $\Gamma_T$, so
# that rounding decides the constant.

# %%
theorem = chapter.claim("chen2024.thm3.5")
columns = {}
for Q, (data, W1, b1) in drawn.items():
    X, Y, sizes = data.inputs, data.Y, data.sizes
    kept = truncation.is_rank_preserving(W1, b1, X, sizes)
    kept &= torch.linalg.cond(class_means(truncation.truncate(W1, b1, X), sizes)) <= 100
    W1, b1 = W1[kept], b1[kept]
    layer, T = hidden(Network(W1, b1, W1, b1), X), truncation.truncate(W1, b1, X)
    covariance = weighted_minimum.relative_covariance(T, sizes)
    extreme = torch.linalg.eigvalsh(covariance)
    gamma = weighted_minimum.shrunk_covariance(covariance)
    share = gamma.sum((-2, -1)) / gamma.diagonal(dim1=-2, dim2=-1).sum(-1)
    form = weighted_minimum.least_squares_cost(truncation.features(W1, b1, X), Y, sizes, bias=False)
    columns[Q] = {
        "minimum": weighted_minimum.least_squares_cost(layer, Y, sizes, bias=True),
        "form": form,
        "closed": weighted_minimum.linear_cost(covariance, Y),
        "corrected": weighted_minimum.affine_cost(covariance, Y),
        "dead": (layer == 0).all(-1).any(-1),
        "determined": (share > 1e-6) | (share < 1e-13),
        "rate": form
        * (1 + extreme[:, 0]).sqrt()
        / weighted_norm(Y @ relative_deviations(T, sizes), sizes),
        "other rate": form
        * (1 + extreme[:, -1]).sqrt()
        / weighted_norm(Y @ relative_deviations(T, sizes), sizes),
    }
column = {name: torch.cat([c[name] for c in columns.values()]) for name in columns[2]}
ratio, dead, n_kept = column["minimum"] / column["form"], column["dead"], len(column["form"])
theorem.check("inequality", measured=ratio, n=n_kept)
theorem.control(
    "another first layer", "inequality", measured=column["minimum"].roll(1) / column["form"]
)
square = {name: column[name].square() for name in ("minimum", "form", "closed", "corrected")}
theorem.check("closed form", measured=square["form"], expected=square["closed"], n=n_kept)
theorem.control("the minimum", "closed form", measured=square["minimum"], expected=square["closed"])
sure = column["determined"]
for record, name, text in (
    (theorem.check, "corrected", ()),
    (theorem.control, "closed", ("no constant",)),
):
    pair = {"measured": square["minimum"][sure], "expected": square[name][sure]}
    record(*text, "corrected form", **pair, n=int(sure.sum()))
theorem.check("rate", measured=column["rate"], n=n_kept)
theorem.control("$\\lambda_+$ for $\\lambda_-$", "rate", measured=column["other rate"])
theorem.check("dead neuron", measured=ratio[dead], expected=1, n=int(dead.sum()))
theorem.control("no dead neuron", "dead neuron", measured=ratio[~dead], expected=1)
strict = ratio < 1 - 1e-9
theorem.check("no dead neuron", successes=int(strict[~dead].sum()), n=int((~dead).sum()))
theorem.control(
    "a dead neuron", "no dead neuron", successes=int(strict[dead].sum()), n=int(dead.sum())
)
for Q, name in zip(columns, ("two", "three", "four"), strict=True):
    part = (columns[Q]["minimum"] < (1 - 1e-9) * columns[Q]["form"]).double().mean()
    chapter.number(f"strict_{name}", part, ".0%", tolerance=0.05)

# %% [markdown]
# The inequality is strict for {number}`strict_two`, {number}`strict_three` and
# {number}`strict_four` of these first layers, with $Q=2,3,4$: those without a silent neuron. The
# smallest example has three inputs, $(2,0)$ and $(0,0)$ in one class and $(0,1)$ in the other,
# $Y=I$, $W_1=I$ and $b_1=(-\frac12,2)$. The first neuron cuts, $T(X)$ consists of $(2,0)$,
# $(\frac12,0)$, $(\frac12,1)$, and these are not on a line: an affine map fits any labels, a linear
# one does not. The squared cost is zero for the first, {number}`three_gap` for the second.

# %%
X, sizes, Y = [[2, 0, 0], [0, 0, 1]], (2, 1), [[1, 0], [0, 1]]
T = exact.truncate(cutting, bias, X)
with_ones = [*T, [1] * 3]
ranks = [exact.rank(T), exact.rank(exact.class_means(T, sizes, Y))]
own = [exact.rank(X), exact.rank(exact.class_means(X, sizes, Y))]
for text, name, measured, expected in (
    ("$d=Q$", "dimensions", len(X), len(sizes)),
    ("class means", "rank of the means", own[1], 2),
    ("labels", "labels", exact.rank(Y), 2),
    ("$W_1$", "invertible", exact.rank(cutting), 2),
    ("$T$", "rank preserving", ranks, own),
):
    theorem.hypothesis(text, name, measured=measured, expected=expected)
gap = exact.squared_distance(T, sizes, Y) - exact.squared_distance(with_ones, sizes, Y)
theorem.violation("three inputs", "strict", measured=gap)
_ = chapter.number("three_gap", gap, ".3f", tolerance=1e-12)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 3, figsize=(7.4, 2.9))
for panel, (Q, c) in zip(axes, columns.items(), strict=True):
    for chosen, colour, label in (
        (~c["dead"], "measured", "all neurons active somewhere"),
        (c["dead"], "bound", "a silent neuron"),
    ):
        panel.plot(
            c["form"][chosen][:700],
            c["minimum"][chosen][:700],
            ".",
            color=COLOURS[colour],
            markersize=2.5 if label.startswith("all") else 5,
            label=label,
            rasterized=True,
        )
    top = float(c["form"].max()) * 1.05
    panel.plot([0, top], [0, top], color=COLOURS["theory"], linewidth=0.7, zorder=1)
    panel.set(title=f"$Q={Q}$", xlim=(0, top), ylim=(0, top))
figure.supylabel(r"minimum over $W_2,b_2$", fontsize=10)
figure.supxlabel(r"$\Vert Y_{ext}(I-\Pi_T)\Vert_\Lambda$", fontsize=10)
handles, labels = axes[0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside upper center", ncols=2, markerscale=4)
shown = {name: torch.cat([c[name][:700] for c in columns.values()]) for name in column}
chapter.figure(
    "fig-chen2024-thm3-5-inequality",
    figure,
    caption=r"Random rank-preserving first layers: the cost that Theorem 3.5 gives (across) and "
    r"the minimum over the second layer (up). On the diagonal they agree. They do so for first "
    r"layers with a neuron that is silent on all inputs; the others lie below.",
    alt="Three panels of points on and below the diagonal. Points of first layers with a silent "
    "neuron lie on the diagonal, the others below it.",
    data={
        "classes": torch.cat([torch.full((len(c["form"][:700]),), Q) for Q, c in columns.items()]),
        "form": shown["form"],
        "minimum": shown["minimum"],
        "silent_neuron": shown["dead"].long(),
    },
    claims=["chen2024.thm3.5"],
)

# %% [markdown]
# ## A global minimum of neither form
#
# Let $Q=d=2$ and $Y=I$, and suppose that $x_1-x_2\ge1$ on the first class and $x_1-x_2\le-1$ on the
# second. With $s=\frac12(x_1-x_2)$ the function $\sigma(s+\frac12)-\sigma(s-\frac12)$ is $1$ on the
# first class and $0$ on the second. So the network
#
# $$W_1=\frac12\begin{pmatrix}1&-1\\1&-1\end{pmatrix},\quad b_1=\frac12\begin{pmatrix}1\\-1
# \end{pmatrix},\quad W_2=\begin{pmatrix}1&-1\\-1&1\end{pmatrix},\quad b_2=\begin{pmatrix}0\\1
# \end{pmatrix}$$
#
# has cost zero: a global minimum, with $W_1$ of rank one. The argument against it in the remark is
# that $Y$ has rank $Q$. But $Y_{ext}-b_2u^\top$ has rank one. (For singular $W_1$ the map $T$ is
# not defined; the remark's *any other scenario* has to include it.)
#
# Can one of the two forms be zero as well? Then $W_2$ times the means of $T(X)$ is $Y$, so $W_2$ is
# invertible, and each feature $\max(w_k\cdot x,-b_k)$ is constant on each class. If a class
# affinely spans the plane, $w_k\cdot x$ is not constant on it, and the feature can only be constant
# by being $-b_k$ throughout. If both classes span the plane, $T$ maps all inputs to one point,
# which is not rank preserving. So neither form is zero, and neither is a global minimum. Three
# inputs per class are enough; the picture shows nine, $\{2,3,4\}\times\{-1,0,1\}$ and its mirror
# image. All of this is exact arithmetic.
#
# This takes the form of Theorem 3.5 to be its right side. If the left side is meant, the minimum
# over $W_2$ and $b_2$ for a rank-preserving $T$, the six inputs refute nothing: the first output
# $\sigma(1-x_2)+\sigma(2x_1+x_2-4)$ has an invertible $W_1$, and with a second output of one minus
# the first the cost is zero. The 18 inputs survive this reading. Suppose that a network with
# invertible $W_1$ had cost zero on them. Its first output less its bias is a combination of two
# features. It is constant on each class, with two different values, so on one class it is not zero.
# This class has no input where both neurons are silent, and where neuron 1 alone, neuron 2 alone or
# both are active its inputs lie on one line each. So three lines cover its $3\times3$ grid. Three
# lines do this only if they are parallel, but the lines for neuron 1 alone and neuron 2 alone are
# level lines of $w_1\cdot x$ and $w_2\cdot x$, which are not.

# %%
remark = chapter.claim("chen2024.rem3.6")
half = Fraction(1, 2)
step = exact.ExactNetwork([[half, -half], [half, -half]], [half, -half], [[1, -1], [-1, 1]], [0, 1])
square_class = [(a, b) for a in (2, 3, 4) for b in (-1, 0, 1)]
examples = {"6 inputs": [(1, 0), (2, 0), (2, 1)], "18 inputs": square_class}
costs = {}
for name, one in examples.items():
    points = [*one, *[(b, a) for a, b in one]]
    X, sizes = [[p[k] for p in points] for k in range(2)], (len(one),) * 2
    for text, row, measured, expected in (
        ("$d=Q$", "dimensions", len(X), 2),
        ("class means", "rank of the means", exact.rank(exact.class_means(X, sizes, Y)), 2),
        ("labels", "labels", exact.rank(Y), 2),
        ("two neurons", "width", len(step.W1), 2),
    ):
        remark.hypothesis(f"{name}: {text}", row, measured=measured, expected=expected)
    ones = [1] * len(one)
    spans = [exact.rank([*zip(*part, strict=True), ones]) for part in (one, points[len(one) :])]
    costs[name] = {
        "bound": exact.squared_bound(X, sizes, Y),
        "linear": exact.squared_distance(X, sizes, Y),
        "affine": exact.squared_distance([*X, 2 * ones], sizes, Y),
        "step": exact.squared_cost(step, X, sizes, Y),
    }
    remark.violation(f"{name}: cost", "zero cost", measured=costs[name]["step"], expected=0)
    remark.violation(f"{name}: $W_1$", "rank reducing", measured=exact.rank(step.W1), expected=1)
    remark.violation(f"{name}: form (3.51)", "inactive form", measured=costs[name]["linear"])
    remark.violation(f"{name}: classes span", "spanning", measured=spans, expected=3)

# Six inputs: cost zero with an invertible W1 and a rank-preserving T.
six = [*examples["6 inputs"], *[(b, a) for a, b in examples["6 inputs"]]]
six = [[p[k] for p in six] for k in range(2)]
other = exact.ExactNetwork([[0, -1], [2, 1]], [1, -4], [[1, 1], [-1, -1]], [0, 1])
assert exact.squared_cost(other, six, (3, 3), Y) == 0
T = exact.truncate(other.W1, other.b1, six)
assert exact.rank(T) == exact.rank(exact.class_means(T, (3, 3), Y)) == 2


def turn(line, other):
    """Zero if the lines, given by three points each, are parallel."""
    (a, b), (c, d) = ((q[0] - p[0], q[1] - p[1]) for p, q, _ in (line, other))
    return a * d - b * c


# Eighteen inputs: three lines that cover nine points have three points each.
lines = [t for t in combinations(square_class, 3) if turn(t, (t[0], t[2], t[1])) == 0]
covers = [three for three in combinations(lines, 3) if len({*three[0], *three[1], *three[2]}) == 9]
turns = [turn(*pair) for three in covers for pair in combinations(three, 2)]
remark.violation("18 inputs: any $W_2,b_2$", "parallel lines", measured=turns, expected=0)

# %% [markdown]
# How low can the first form go? Cut the second class to one point $p$ and leave the first as it is.
# As $p$ moves to infinity along $(0,-R)$, with two neurons that become parallel, the squared cost
# of a linear map tends to $\frac2{29}$, the least for the first class alone. Descent from random
# first layers finds nothing lower. The infimum is not attained on this path, and the step network,
# close to which there are invertible $W_1$ with a rank-preserving $T$, is far below.

# %%
X18 = torch.tensor([*square_class, *[(b, a) for a, b in square_class]]).double().T
eye, sizes18 = torch.eye(2), (9, 9)


def to_infinity(R):
    """Squared cost, exactly, if the second class is cut to the point (0, -R)."""
    slopes = [Fraction(5, 4 * (R + 1)), Fraction(7, 4 * (R + 1))]
    W1, b1 = [[1, -slope] for slope in slopes], [-slope * R for slope in slopes]
    T = exact.truncate(W1, b1, X)
    assert [row[:9] for row in T] == [row[:9] for row in X]
    assert [row[9:] for row in T] == [[0] * 9, [-R] * 9]
    return exact.squared_distance(T, sizes, Y)


options = {"steps": steps, "generator": generator}
lowest = truncation.descend_linear_cost(X18, eye, sizes18, starts=starts, **options).min()
remark.check("search", measured=lowest, n=starts)
remark.control("the step network", "search", measured=costs["18 inputs"]["step"])
half_row = torch.tensor([0.5, -0.5])
near, b1 = torch.stack([half_row + torch.tensor([0, 1e-6]), half_row]), half_row
assert bool(truncation.is_rank_preserving(near, b1, X18, sizes18))
layer = hidden(Network(near, b1, near, b1), X18)
close = weighted_minimum.least_squares_cost(layer, eye, sizes18, bias=True)
form = weighted_minimum.least_squares_cost(
    truncation.features(near, b1, X18), eye, sizes18, bias=False
)
remark.check("invertible nearby", measured=close)
remark.control("without the output bias", "invertible nearby", measured=form)
chapter.number("lowest", lowest, ".5f", tolerance=1e-3)
chapter.number("limit", (2 / 29) ** 0.5, ".5f", tolerance=1e-12)
chapter.number("on_the_way", float(to_infinity(1000)) ** 0.5, ".5f", tolerance=1e-9)
chapter.number("nearby", close, ".0e")
chapter.number("nearby_form", form, ".3f", tolerance=1e-4)

# %% [markdown]
# The descent ends at {number}`lowest`; at $R=1000$ the path is at {number}`on_the_way`, and its
# limit is $\sqrt{2/29}\approx$ {number}`limit`. Adding $10^{-6}$ to one entry of $W_1$ makes it
# invertible; with the best second layer the network then costs {number}`nearby`, while the formula
# of Theorem 3.5 says {number}`nearby_form` for this first layer.
#
# The figure shows the 18 inputs and the squared costs on them.

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.4), width_ratios=[1, 1.15])
ticks = torch.linspace(-2, 5, 200)
ramp = ((ticks[None, :] - ticks[:, None]) / 2 + 0.5).clamp(0, 1)
shades = axes[0].contourf(ticks, ticks, ramp, levels=9, cmap="Greys", alpha=0.55)
for q, (marker, colour) in enumerate((("o", "measured"), ("s", "teacher"))):
    axes[0].plot(
        *X18[:, 9 * q : 9 * (q + 1)], marker, color=COLOURS[colour], label=f"class {q + 1}"
    )
axes[0].set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
axes[0].grid(visible=False)
axes[0].legend(loc="upper right", frameon=True, framealpha=1)
bars = {
    "bound of Theorem 3.1": float(costs["18 inputs"]["bound"]),
    "inactive ReLU (3.51)": float(costs["18 inputs"]["linear"]),
    "affine fit": float(costs["18 inputs"]["affine"]),
    "lowest truncated (3.46)": float(lowest) ** 2,
    "step network": float(costs["18 inputs"]["step"]),
}
exact_text = ("8/27", "8/31", "4/31", "2/29", "0")
shades_of = ["bound", "control", "theory", "control", "student"]
axes[1].barh(list(bars), list(bars.values()), color=[COLOURS[name] for name in shades_of])
for place, (value, text) in enumerate(zip(bars.values(), exact_text, strict=True)):
    axes[1].text(value + 0.006, place, text, va="center")
axes[1].invert_yaxis()
axes[1].set(xlabel=r"squared cost $\mathcal{C}_\Lambda^2$", ylabel="", xlim=(0, 0.36))
axes[1].set_ylabel("network")
axes[1].grid(visible=False, axis="y")
chapter.figure(
    "fig-chen2024-rem3-6-step",
    figure,
    caption=r"Left: 18 inputs in two classes; grey: first output of the network with $W_1$ of rank "
    r"one, constant on each class. Right: squared costs. The two forms of Remark 3.6 (purple) stay "
    r"above zero; $\frac2{29}$ is the limit of a path and the lowest value that descent finds.",
    alt="Left: two square blocks of nine points on either side of a grey ramp along the diagonal. "
    "Right: five bars of decreasing length, the last one of length zero.",
    data={"network": list(bars), "squared_cost": list(bars.values()), "exact": list(exact_text)},
    claims=["chen2024.rem3.6"],
)

# %% [markdown]
# Now other data: random separable pairs of classes in the plane, with the step in the separating
# direction. The cost is zero up to rounding. The lowest values of the first form that descent finds
# on some of them are not.

# %%
pairs, n_own = 40, 6
angle = 2 * torch.pi * torch.rand(pairs, generator=generator)
direction = torch.stack([angle.cos(), angle.sin()], dim=-1)
across = torch.stack([-angle.sin(), angle.cos()], dim=-1)
side = torch.tensor([1.0] * n_own + [-1.0] * n_own)
along = 0.5 + side * (0.5 + torch.rand(pairs, 2 * n_own, generator=generator))
offset = 2 * torch.randn(pairs, 2 * n_own, generator=generator)
X = direction[..., None] * along[:, None] + across[..., None] * offset[:, None]
labels, own_sizes = random_clusters((1, 1), pairs, generator).Y, (n_own, n_own)
for record, low, text in (
    (remark.check, 0.0, ()),
    (remark.control, -1.0, ("a ramp that begins too early",)),
):
    network = truncation.step_network(
        direction, torch.full((pairs,), low), torch.ones(pairs), labels
    )
    fitted = weighted_cost(outputs(network, X), labels, own_sizes)
    record(*text, "separable classes", measured=fitted, n=pairs)
options["steps"] = steps // 2
found = torch.stack(
    [
        torch.minimum(
            truncation.descend_linear_cost(X[k], labels[k], own_sizes, starts=20, **options).min(),
            weighted_minimum.least_squares_cost(X[k], labels[k], own_sizes, bias=False),
        )
        for k in range(4)
    ]
)
remark.check("both forms", measured=found, n=len(found))
remark.control(
    "the step networks",
    "both forms",
    measured=weighted_cost(
        outputs(
            truncation.step_network(direction, torch.zeros(pairs), torch.ones(pairs), labels), X
        ),
        labels,
        own_sizes,
    ),
)
_ = chapter.number("lowest_of_pairs", found.min(), ".2f")

# %% [markdown]
# On these pairs the lowest value of the two forms found is {number}`lowest_of_pairs`.
#
# ## Where it stops being true
#
# The definition needs an invertible $W_1$. Theorem 3.5 holds with equality if a neuron is silent on
# all inputs and $b_k\ne0$: then a constant is among the features already. The counterexample to the
# remark needs classes that span the plane: if a class is a single point, a rank-preserving $T$ may
# fit it exactly. The step is there for two separable classes. What the global minimum is for
# classes that overlap, or for many classes in few dimensions, this page does not say.
#
# ```{admonition} Errata
# :class: warning
# **Theorem 3.5** gives $\lVert Y_{ext}(I-\Pi_T)\rVert_\Lambda$ as the minimum over $W_2$ and $b_2$
# (in the reading explained above). It is an upper bound. Smallest counterexample: the three inputs
# above, with $\frac9{34}$ for the squared formula and $0$ for the minimum. Corrected:
# $\operatorname{tr}Y\Gamma_TY^\top-\lVert Y\Gamma_Tu\rVert^2/u^\top\Gamma_Tu$ is the squared
# minimum (without the last term if $u^\top\Gamma_Tu=0$).
#
# **Remark 3.6** says that a rank-reducing truncation cannot give a global minimum. Smallest
# counterexample known to us, if the form of Theorem 3.5 is its right side: $(1,0),(2,0),(2,1)$ in
# one class, the mirrored points in the other, $Y=I$. A network with $W_1$ of rank one fits them
# exactly, and neither form is zero for any $(W_1,b_1)$. The 18 inputs are an example in either
# reading: no network with invertible $W_1$ fits them. Corrected: for every first layer the output
# bias adds a row of ones to the features, and the global minimum is the least squares cost with
# this row, minimised over all first layers, of whatever rank.
# ```
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()
