# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # When are ReLUs independent?
#
# The proofs of {cite:t}`lightman2026` rest on one lemma: ReLUs with different directions are
# linearly independent functions. The reason is the kink: $\sigma(v\cdot x)$ bends at the hyperplane
# $v\cdot x=0$, and no other function bends there. But $\sigma(-v\cdot x)$ does. We check the lemma
# in exact arithmetic, find where its second part breaks, and give the exact dimension of the span
# instead.
#
# ```{claim} lightman2026.prop2.4
# ```
#
# ```{claim} lightman2026.thm3.1
# ```
#
# ```{claim} lightman2026.thm3.1ext
# ```
#
# ```{claim} lightman2026.rem3.2
# ```
#
# ```{claim} lightman2026.rem2.2
# ```
#
# ```{claim} lightman2026.sec7.4-3
# ```
#
# **What would count against them.** Two sides of a weak derivative that differ; vectors that meet
# the hypotheses and have a relation, with integer coefficients and nothing left to rounding.
# Against our formula for the rank: one configuration whose exact rank is another number.

# %% tags=["parameters", "hide-input"]
seed: int = 3  # seed of all random numbers; 0..4294967295
configurations: int = 60  # random sets of vectors for each statement; 20..2_000
largest_dimension: int = 6  # largest dimension d of random vectors; 3..12
digits: int = 60  # decimal digits of Gram matrices; 55..200
# memory: 3e8 bytes
# time: 5 + 0.0006 * configurations * largest_dimension * largest_dimension seconds

# %% tags=["hide-input"]
import math
from itertools import chain, pairwise

import matplotlib.pyplot as plt
import mpmath
import numpy as np
import torch
from flint import fmpz_mat

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import relu_independence as relus
from shallow_relu.kernels import arc_cosine_1

chapter = open_chapter("alignment/directional_independence", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)


def integer(low, high):
    """A random integer from `low` to `high`."""
    return int(torch.randint(low, high + 1, (1,), generator=generator))


def shape(two_sided):
    """Random numbers for `random_vectors`: dimension, one-sided and two-sided lines, rank."""
    d = integer(2, largest_dimension)
    n_a = integer(1, 2 * d) if two_sided else 0
    return d, integer(2, 6), n_a, integer(min(2, n_a), min(d, n_a)) if n_a else 0


# %% [markdown]
# ## The kink, tested with smooth functions
#
# Proposition 2.4 is about distributions: it says what $\int\sigma(v\cdot x)\,D_v\phi\,dx$ is for
# smooth $\phi$ that vanish outside of a ball. We take bumps
# $\phi(x)=\exp(-1/(1-\lVert x-c\rVert^2))$ near the hyperplane and integrate both sides.

# %%
weak = chapter.claim("lightman2026.prop2.4")
forms, norms = [], []
for d in (1, 2, 3):
    for _ in range(5):
        v = torch.randn(d, generator=generator) * 2
        centre = torch.randn(d, generator=generator) * 0.3
        forms.append(relus.weak_form(v.tolist(), centre.tolist()))
        norms.append(float(v.norm()))
first, second = np.array([form.first for form in forms]), np.array([form.second for form in forms])
weak.check("first derivative", measured=first[:, 0], expected=first[:, 1], n=len(forms))
weak.check("second derivative", measured=second[:, 0], expected=second[:, 1], n=len(forms))
weak.control(
    r"$\lVert v\rVert$ in place of its square",
    "first derivative",
    measured=first[:, 0],
    expected=first[:, 1] / norms,
)
weak.control(
    r"$\lVert v\rVert^2$ in place of the cube",
    "second derivative",
    measured=second[:, 0],
    expected=second[:, 1] / norms,
)

# %% [markdown]
# ## The kink, in integers
#
# A ReLU is piecewise linear, so a *second difference* can take the place of the second derivative.
# For vectors with integer entries we choose, for each line of vectors, an integer point on its
# hyperplane and off all others, and a step along the normal short enough to cross no other
# hyperplane. Then $f(x-n)-2f(x)+f(x+n)$ vanishes for every ReLU of another line and is
# $\lVert v\rVert\lVert n\rVert$ for those of the line itself. If no two vectors share a line, the
# matrix of these numbers is diagonal: a proof of independence by integers, one for each
# configuration. It is the paper's proof in finite form.


# %%
def wrong_entries(V, d):
    """Exact second differences that differ from a diagonal matrix, one function for each line."""
    table = relus.second_differences(V, relus.stencils(V, d, generator))
    expected = np.zeros_like(table)
    for row, (line, members) in enumerate(relus.lines(V).items()):
        index, factor = members[0]
        expected[row, index] = abs(factor) * sum(entry**2 for entry in line[:d])
    return int((table != expected).sum())


def exact_rank(V, d):
    """Rank of exact values of the ReLUs: a lower bound for the dimension of their span."""
    return relus.rank_by_values(V, relus.stencils(V, d, generator), generator)


def split_pivots(V):
    """Pivots of the Gram matrix of unit vectors in many digits: above 1e-30, and the others."""
    with mpmath.workdps(digits):
        G = relus.gram_matrix(V)
        D = mpmath.diag([1 / mpmath.sqrt(2 * G[i, i]) for i in range(G.rows)])
        found = relus.pivots(D * G * D)
        above = [float(p) for p in found if p > mpmath.mpf(10) ** -30]
        return above, [float(abs(p)) for p in found if p <= mpmath.mpf(10) ** -30]


distinct = chapter.claim("lightman2026.thm3.1")
sets = [(s[0], relus.random_vectors(*s, generator)) for s in (shape(False) for _ in range(40))]
wide = relus.random_vectors(10, 25, 0, 0, generator)
sets = [*sets[: configurations // 2], (10, wide), (2, relus.random_vectors(2, 12, 0, 0, generator))]
distinct.check("kinks", measured=sum(wrong_entries(V, d) for d, V in sets), expected=0)
deficient = [exact_rank(V, d) < len(V) for d, V in sets]
distinct.check("rank", measured=sum(deficient), expected=0, n=len(sets))
smallest_pivot = min(min(chain(*split_pivots(V))) for _, V in sets)
distinct.check("pivots", measured=smallest_pivot)
repeated = [*sets[0][1], [2 * entry for entry in sets[0][1][0]]]
distinct.control(
    "a direction twice",
    "rank",
    measured=exact_rank(repeated, sets[0][0]) < len(repeated),
    expected=0,
)
distinct.control("a direction twice", "pivots", measured=list(chain(*split_pivots(repeated))))
distinct.control(
    "an antipodal pair", "kinks", measured=wrong_entries([[1, 0], [-1, 0], [1, 1]], 2), expected=0
)

# %% [markdown]
# The first part holds. With $\hat v_i\ne\pm\hat v_j$ every configuration is independent.
#
# ## Three antipodal pairs
#
# The second part also admits antipodes. Its proof takes an antipodal pair as one block, says that
# the kink argument separates the blocks, and that each block is independent in itself. But on the
# hyperplane of a pair both functions have the same kink, and the argument yields
# $c_{+}+c_{-}=0$ and not that both vanish. What remains of a pair is
#
# $$\sigma(v\cdot x)-\sigma(-v\cdot x)=v\cdot x,$$
#
# a linear function without any kink, and linear functions of different pairs are dependent as
# soon as the vectors are. The smallest example has integer vectors in the plane:
#
# $$\sigma(x_1)-\sigma(-x_1)+\sigma(x_2)-\sigma(-x_2)-\sigma(x_1+x_2)+\sigma(-x_1-x_2)=0.$$
#
# All hypotheses hold: $d=2$, no vector is zero, and no one is a positive multiple of another. The
# relation is exact. Its six functions are linear between the six rays on which one of them bends,
# so it is enough to look at one point on each ray. The same with unit vectors at equal angles is
# the hexagon, with coefficients $1,-1,1,-1,1,-1$ around the circle.

# %%
extended = chapter.claim("lightman2026.thm3.1ext")
triple, signs = [[1, 0], [-1, 0], [0, 1], [0, -1], [-1, -1], [1, 1]], [1, -1, 1, -1, 1, -1]
rays = np.array([[0, 1], [0, -1], [1, 0], [-1, 0], [1, -1], [-1, 1]])
hexagon = [(2 * math.pi * k / 6, (-1) ** k) for k in range(6)]
with mpmath.workdps(digits):
    corners = [(mpmath.cos(mpmath.pi * k / 3), mpmath.sin(mpmath.pi * k / 3)) for k in range(6)]
    moments = [
        float(abs(relus.second_moment(vectors, c)))
        for vectors, c in ((triple, signs), (corners, [sign for _, sign in hexagon]))
    ]
extended.hypothesis(r"$d\ge2$", "dimension", measured=len(triple[0]))
extended.hypothesis(
    r"$v_i\ne0$", "shortest vector", measured=[math.hypot(*vector) for vector in triple]
)
extended.hypothesis(
    r"$v_i\ne\lambda v_j$ for $\lambda>0$",
    "proportional pairs",
    measured=relus.positive_multiples(triple),
    expected=0,
)
extended.violation(
    "coefficients $\\pm1$", "smallest coefficient", measured=[abs(sign) for sign in signs]
)
at_rays = relus.evaluate(triple, rays) @ np.array(signs)
extended.violation(
    "integer example: the relation, on rays",
    "relation at rays",
    measured=at_rays.tolist(),
    expected=0,
    n=len(rays),
)
x = torch.randn(1000, 2, generator=generator)
directions = torch.tensor([[math.cos(t), math.sin(t)] for t, _ in hexagon])
alternating = torch.tensor([float(sign) for _, sign in hexagon])
values = torch.cat(
    [
        torch.relu(x @ directions.mT) @ alternating,
        torch.relu(x @ torch.tensor(triple, dtype=x.dtype).mT) @ alternating,
    ]
)
extended.violation(
    "integer example and hexagon, at inputs",
    "relation in float64",
    measured=values.abs(),
    n=len(values),
)
extended.violation("both, second moment of the relation", "relation in digits", measured=moments)
spectrum = torch.linalg.eigvalsh(arc_cosine_1(directions[:, None], directions[None]))
chapter.number("hexagon_smallest", spectrum[0].abs(), ".0e")
chapter.number("hexagon_next", spectrum[1], ".6f", tolerance=1e-9)

# %% [markdown]
# The Gram matrix of the hexagon has one eigenvalue zero (in float64: {number}`hexagon_smallest`);
# the next is {number}`hexagon_next`.
#
# ## The rank in general
#
# Let the vectors lie on $n_s$ lines that carry one vector and $n_a$ lines that carry two, and let
# $r$ be the rank of the vectors on lines of the second kind. In a relation the one-sided lines have
# coefficient zero, by the kink, and the two-sided ones coefficients $\beta_k,-\beta_k$ (for unit
# vectors). It remains that $\sum_k\beta_kv_k=0$: this has $n_a-r$ independent solutions. Hence
#
# $$\text{rank}=n_s+n_a+r,\qquad\text{number of functions}=n_s+2n_a.$$
#
# So ReLUs with pairwise different directions are independent exactly when the vectors on two-sided
# lines are. One pair is always independent, and so are two, because two different lines are.
# We draw configurations with many pairs in few dimensions and determine the rank three times:
# from below by exact values at integer points; from above by relations that exact algebra
# confirms; and by the pivots of the Gram matrix in many digits.


# %%
def bounds(V, d):
    """Lower and upper bound of the dimension of the span, both exact."""
    found = relus.relations(V)
    return exact_rank(V, d), len(V) - sum(relus.is_relation(V, c) for c in found)


mixed = [
    (s[0], relus.random_vectors(*s, generator))
    for s in (shape(True) for _ in range(configurations))
]
counts = [relus.count_lines(V) for _, V in mixed]
ranks = [bounds(V, d) for d, V in mixed]
apart = sum(low != high for low, high in ranks)
extended.check("bounds meet", measured=apart, expected=0, n=len(mixed))
low = np.array([rank[0] for rank in ranks])
formula = np.array([count.rank for count in counts])
extended.check("rank formula", measured=(low != formula).sum(), expected=0, n=len(mixed))
all_functions = np.array([len(V) for _, V in mixed])
extended.control(
    "as printed: all functions", "rank formula", measured=(low != all_functions).sum(), expected=0
)
all_lines = np.array([count.one_sided + count.two_sided for count in counts])
extended.control("one for each line", "rank formula", measured=(low != all_lines).sum(), expected=0)
above, below = zip(*(split_pivots(V) for _, V in mixed), strict=True)
different = sum(len(a) != rank for a, rank in zip(above, formula, strict=True))
extended.check("rank in digits", measured=different, expected=0, n=len(mixed))
extended.check("zero pivots", measured=list(chain(*below)))
unit = torch.eye(3)[:1]
pair = torch.cat([unit, -unit])
pair_spectrum = torch.linalg.eigvalsh(arc_cosine_1(pair[:, None], pair[None]))
extended.check("pair", measured=pair_spectrum, expected=0.5)
few = [relus.random_vectors(integer(2, 5), 3, k, k, generator) for k in (1, 2) for _ in range(20)]
nullity = sum(len(V) - exact_rank(V, len(V[0])) for V in few)
extended.check("two pairs", measured=nullity, expected=0, n=len(few))
extended.control(
    "three pairs in the plane", "two pairs", measured=6 - exact_rank(triple, 2), expected=0
)
chapter.number("dependent", sum(count.nullity > 0 for count in counts), ".0f")
chapter.number("drawn", len(mixed), ".0f")
chapter.number("smallest_pivot", min(chain(*above)), ".0e")
chapter.number("largest_zero_pivot", max(chain(*below)), ".0e")

# %% [markdown]
# Of {number}`drawn` configurations {number}`dependent` are dependent, and on all of them the three
# ranks agree with the formula. In the Gram matrices nothing lies between the smallest pivot that
# counts, {number}`smallest_pivot`, and the largest that does not, {number}`largest_zero_pivot`.
#
# The first figure shows the two cases. Across the hyperplane of a single ReLU the slope jumps.
# Across the hyperplane of a pair with opposite coefficients it does not: the pair hides.

# %% tags=["hide-input"]
V = torch.tensor([[1.0, 0.2], [0.9, -1.0], [-0.6, -1.3], [0.7, 1.1]])
c = torch.tensor([1.0, 0.7, -1.2, 0.8])
s = torch.linspace(-1, 1, 401)
path = torch.stack([s, 0.35 + 0 * s], dim=1)
single = torch.relu(path @ V.mT) @ c
hidden = single - torch.relu(path @ V[0]) * c[0] + path @ V[0]
slopes = [torch.diff(curve) / torch.diff(s) for curve in (single, hidden)]
places = -0.35 * V[:, 1] / V[:, 0]
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.4))
for axis, curves, label in zip(
    axes, ((single, hidden), slopes), ("value $f(x)$", "slope along the segment"), strict=True
):
    grid = s if len(curves[0]) == len(s) else (s[1:] + s[:-1]) / 2
    axis.plot(grid, curves[0], color=COLOURS["measured"], label=r"$\sigma(v\cdot x)$ and others")
    axis.plot(
        grid,
        curves[1],
        color=COLOURS["control"],
        linestyle="--",
        label=r"$\sigma(v\cdot x)-\sigma(-v\cdot x)$ and others",
    )
    for index, place in enumerate(places):
        style = ("-", COLOURS["theory"]) if index == 0 else (":", COLOURS["muted"])
        axis.axvline(place, linestyle=style[0], color=style[1], linewidth=0.9)
    axis.set(xlabel="position along a segment $x_1$", ylabel=label)
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
chapter.figure(
    "fig-lightman2026-kinks",
    figure,
    caption=r"A network along a segment through four hyperplanes (vertical lines). At the solid "
    r"one, $v\cdot x=0$, the slope of a network with $\sigma(v\cdot x)$ jumps, and no other "
    r"function can mend that. With $\sigma(v\cdot x)-\sigma(-v\cdot x)=v\cdot x$ in its place "
    r"there is no jump. At the dotted lines both networks bend alike.",
    alt="Two panels along a segment. Left: two broken lines; one bends at the solid vertical "
    "line, the dashed one is straight there. Right: the slope of the first jumps at the solid "
    "line, that of the second does not; both jump at the dotted lines.",
    data={"x1": (s[1:] + s[:-1]) / 2, "slope_single": slopes[0], "slope_pair": slopes[1]},
    claims=["lightman2026.thm3.1", "lightman2026.thm3.1ext"],
)

# %% [markdown]
# The second figure counts relations. Pairs in general position cost nothing as long as there are at
# most $d$ of them; from then on, every pair adds a relation.

# %% tags=["hide-input"]
measured = {
    d: [
        2 * n - exact_rank(relus.random_vectors(d, 0, n, min(n, d), generator), d) if n else 0
        for n in range(9)
    ]
    for d in (2, 3, 5)
}
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.4), width_ratios=(1, 1.35))
axes[0].set_aspect("equal")
for t, sign in hexagon:
    colour = COLOURS["measured"] if sign > 0 else COLOURS["control"]
    axes[0].annotate(
        "",
        xy=(math.cos(t), math.sin(t)),
        xytext=(0, 0),
        arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.8},
    )
    axes[0].text(
        1.2 * math.cos(t),
        1.2 * math.sin(t),
        "$+1$" if sign > 0 else "$-1$",
        color=colour,
        ha="center",
        va="center",
    )
axes[0].set(xlim=(-1.45, 1.45), ylim=(-1.45, 1.45), xlabel="$x_1$", ylabel="$x_2$")
for (d, points), name in zip(measured.items(), ("measured", "student", "teacher"), strict=True):
    axes[1].plot([max(n - d, 0) for n in range(9)], color=COLOURS[name], linewidth=1)
    axes[1].plot(points, "o", color=COLOURS[name], label=f"$d={d}$")
axes[1].set(xlabel="antipodal pairs $n_a$", ylabel="relations (functions $-$ rank)")
axes[1].legend(loc="upper left")
chapter.figure(
    "fig-lightman2026-relations",
    figure,
    caption=r"Left: the hexagon and the coefficients of its relation; each pair leaves a linear "
    r"function, and the three add up to zero. Right: number of relations among $n_a$ antipodal "
    r"pairs in general position in $\mathbb R^d$, by exact rank (dots) and by the formula $n_a-r$ "
    r"(lines).",
    alt="Left: six arrows at sixty degrees with alternating coefficients plus one and minus one. "
    "Right: dots on lines that are zero up to d pairs and then rise by one for each pair, for d "
    "equal to 2, 3 and 5.",
    data={"pairs": list(range(9)), **{f"relations_d{d}": found for d, found in measured.items()}},
    claims=["lightman2026.thm3.1ext"],
)

# %% [markdown]
# ## Dimension one
#
# Remark 3.2 says that $d\ge2$ is needed, because $\sigma(v_1x)$ and $\sigma(v_2x)$ are multiples of
# one another for $v_1,v_2>0$. But these have equal directions, which the theorem excludes; and a
# direction that occurs twice is dependent in every dimension. On the line the hypotheses leave
# $\sigma(vx)$ alone, or with $\sigma(-v'x)$, and then the theorem holds.

# %%
line = chapter.claim("lightman2026.rem3.2")
families = [[[sign * integer(1, 9)]] for sign in (1, -1) for _ in range(10)]
families += [[[integer(1, 9)], [-integer(1, 9)]] for _ in range(20)]
line.hypothesis("$d=1$", "dimension one", measured=[len(V[0]) for V in families], expected=1)
line.hypothesis(
    "directions differ",
    "proportional pairs",
    measured=sum(relus.positive_multiples(V) for V in families),
    expected=0,
)
found = sum(len(V) - exact_rank(V, 1) for V in families)
line.violation("no relation all the same", "relations", measured=found, expected=0, n=len(families))
one_direction = [[[1] + [0] * (d - 1), [2] + [0] * (d - 1)] for d in (1, 2, 5)]
line.check(
    "every dimension", measured=[exact_rank(V, len(V[0])) for V in one_direction], expected=1
)
line.check("relations", measured=found, expected=0, n=len(families))
line.control(
    "the remark's example",
    "relations",
    measured=2 - exact_rank(one_direction[0], 1),
    expected=0,
)
line.control(
    "opposite directions", "every dimension", measured=exact_rank([[1], [-2]], 1), expected=1
)

# %% [markdown]
# ## Biases
#
# For affine ReLUs put $(x,1)$ in the place of $x$ and $(v,b)$ in the place of $v$: the same
# integers decide. Distinct hyperplanes have distinct kinks. The paper adds that parallel ones
# require additional care, a remark and not a statement that could fail. The care is one sentence:
# their normals are proportional, so Step 3 of the proof, which takes two hyperplanes to meet in a
# set of codimension two because the normals are independent, does not apply to them; but they do
# not meet at all, and so the step's conclusion holds. What needs more care is one hyperplane with
# both orientations: there the span has the dimension $n_s+n_a+r$ again, with $n_s$ hyperplanes that
# carry one ReLU, $n_a$ that carry two opposite ones, and $r$ the rank of the vectors $(v_k,b_k)$ of
# the latter.


# %%
def affine(s):
    """Random affine ReLUs for the numbers of `shape`: dimension of the inputs, and vectors."""
    return s[0] - 1, relus.random_vectors(s[0] - 1, *s[1:], generator, affine=True)


biases = chapter.claim("lightman2026.sec7.4-3")
single = [affine(shape(False)) for _ in range(configurations // 2)]
biases.check("kinks", measured=sum(wrong_entries(V, d) for d, V in single), expected=0)
deficient = sum(exact_rank(V, d) < len(V) for d, V in single)
biases.check("rank", measured=deficient, expected=0, n=len(single))
on_the_line = {m: [[s, -s * t] for t in range(m) for s in (1, -1)] for m in (1, 2, 3)}
biases.control("a hyperplane twice", "kinks", measured=wrong_entries(on_the_line[2], 1), expected=0)
biases.control(
    "three hyperplanes twice", "rank", measured=exact_rank(on_the_line[3], 1) < 6, expected=0
)

shifted = [[2, -1, 3, offset] for offset in range(-4, 5)]
normals = relus.lines([vector[:3] for vector in shifted])
biases.check("parallel", measured=[len(relus.lines(shifted)), len(normals)], expected=[9, 1])
biases.check("parallel kinks", measured=wrong_entries(shifted, 3), expected=0)
repeated = [*shifted, [-entry for entry in shifted[0]]]
biases.control(
    "one of them twice", "parallel kinks", measured=wrong_entries(repeated, 3), expected=0
)
mixed = [affine(s) for s in (shape(True) for _ in range(configurations))]
differ = sum(bounds(V, d) != (relus.count_lines(V).rank,) * 2 for d, V in mixed)
biases.check("rank formula", measured=differ, expected=0, n=len(mixed))
biases.control(
    "all functions",
    "rank formula",
    measured=sum(exact_rank(V, d) != len(V) for d, V in mixed),
    expected=0,
)
plane = relus.random_vectors(2, 0, 4, 3, generator, affine=True)
smallest = [exact_rank(on_the_line[3], 1), exact_rank(plane, 2)]
biases.check("smallest examples", measured=smallest, expected=[5, 7])
functions = [len(on_the_line[3]), len(plane)]
biases.control("all functions", "smallest examples", measured=smallest, expected=functions)

# %% [markdown]
# Remark 2.2 writes a piecewise linear $\varphi$ with both orientations at every breakpoint. One is
# enough: with the slopes $g_0,\dots,g_m$ between the breakpoints,
# $\varphi(t)=c_0+g_0t+\sum_k(g_k-g_{k-1})\,\sigma(t-t_k)$. The other orientation adds nothing but
# linear functions, which are there already.


# %%
def rank_of_remark(breakpoints, functions):
    """Exact rank on the line of `1`, `t` and ReLUs, given as functions of `(t, breakpoint)`."""
    ts = range(2 * min(breakpoints) - 9, 2 * max(breakpoints) + 10)
    rows = [[2, t, *(g(t, 2 * b) for g in functions for b in breakpoints)] for t in ts]
    return fmpz_mat(rows).rank()


right, left = (lambda t, b: max(t - b, 0)), (lambda t, b: max(b - t, 0))
remark = chapter.claim("lightman2026.rem2.2")
remark.hypothesis(
    "distinct breakpoints", "breakpoints", measured=[b - a for a, b in pairwise(range(3))]
)
remark.violation(
    "one breakpoint: relations", "listed functions", measured=4 - rank_of_remark([1], [right, left])
)
remark.violation(
    "three breakpoints: relations", "listed ReLUs", measured=6 - exact_rank(on_the_line[3], 1)
)
sizes = range(1, 7)
both = [rank_of_remark(range(m), [right, left]) for m in sizes]
remark.check("dimension", measured=both, expected=[m + 2 for m in sizes])
remark.control(
    "two for each breakpoint", "dimension", measured=both, expected=[2 * m + 2 for m in sizes]
)
one = [m + 2 - rank_of_remark(range(m), [right]) for m in sizes]
remark.check("uniqueness", measured=sum(one), expected=0)
remark.control("both orientations", "uniqueness", measured=4 - both[0], expected=0)

t = torch.linspace(-4, 4, 321)
errors, broken = [], []
for m in sizes:
    knots = (torch.rand(m, generator=generator) * 6 - 3).sort().values
    ends = torch.cat([t[:1], knots, t[-1:]])
    heights = torch.randn(m + 2, generator=generator)
    direct = torch.as_tensor(np.interp(t, ends, heights))
    steepness = torch.diff(heights) / torch.diff(ends)
    bends = torch.relu(t[:, None] - knots) @ torch.diff(steepness)
    errors.append((heights[0] + steepness[0] * (t - t[0]) + bends - direct).abs().max())
    broken.append((heights[0] + bends - direct).abs().max())
remark.check("representation", measured=errors, expected=0, n=len(errors))
remark.control("without the linear term", "representation", measured=broken, expected=0)

# %% [markdown]
# ## Where it stops being true
#
# The failure of Theorem 3.1 is not rare in the sense that it needs special angles: any $d+1$
# antipodal pairs in $\mathbb R^d$ are dependent. It is rare in the sense that it needs exact
# antipodes, which random directions do not have. The next chapters show what this is worth: Theorem
# 4.1 uses the second part just where it fails, and training produces antipodes by itself.
#
# Independence of many functions is also a weak comfort in numbers: unit vectors at small angles
# have nearly equal ReLUs, and the smallest pivot of our configurations with distinct directions is
# far below one. Exact arithmetic is what tells small from zero.
#
# ```{admonition} Errata
# :class: warning
# **Theorem 3.1, last sentence.** The statement: ReLUs $\sigma(v_i\cdot x)$ of pairwise
# non-proportional vectors ($v_i\ne\lambda v_j$ for $\lambda>0$) are linearly independent. False as
# soon as three antipodal pairs lie in a plane; smallest counterexample:
# $\pm(1,0),\pm(0,1),\pm(1,1)$ with coefficients $\pm1$. The step that fails is that "the classes
# are mutually independent by the kink argument": of an antipodal class it determines $c_++c_-$
# only. Corrected: the span has dimension $n_s+n_a+r$. The first part of the theorem, for $\hat
# v_i\ne\pm\hat v_j$, and the statement on a single pair stand.
#
# **Remark 3.2.** The example has $\hat v_i=\hat v_j$ and so does not meet the hypothesis.
# Corrected: $d\ge1$ is enough.
#
# **Remark 2.2.** The functions listed are dependent for every breakpoint; the lemma does not extend
# to them. Corrected: one orientation for each breakpoint.
# ```
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise} A pair too many
# :label: pair-too-many
# In $\mathbb R^3$ take four antipodal pairs of unit vectors that point to the corners of a regular
# tetrahedron and away from them. What is the relation? Is there one among any seven of the eight?
# ```
#
# ```{solution} pair-too-many
# :class: dropdown
# The four corners add up to zero, so $\sum_k\sigma(v_k\cdot x)-\sigma(-v_k\cdot x)=0$. Without one
# vector three pairs are left, whose vectors are independent, and one single vector: no relation.
# The rank is $4+3=7$.
# ```
