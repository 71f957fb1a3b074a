# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A test for critical points that sees one teacher neuron at a time
#
# With several neurons the gradient is a sum of population gatings. {cite:t}`tian2017` writes
# "gradient equals zero" as a linear system: once the directions of the student are fixed, the
# unknowns are its norms. Eliminating them leaves functions $L_{jj'}$ of the directions alone, and
# the teacher enters as a sum over its neurons. If all terms of the sum have one sign, it cannot be
# zero, and no choice of norms makes the student critical.
#
# ```{claim} tian2017.eq8
# ```
#
# ```{claim} tian2017.eq9
# ```
#
# ```{claim} tian2017.prop1
# ```
#
# ```{claim} tian2017.fig3
# ```
#
# ```{claim} tian2017.thm3
# ```
#
# **What would count against them.** Three ways to write the gradient that differ, or that automatic
# differentiation does not confirm; a solution of the projected equations with a gradient; a value
# $L_{jj'}(e_l)$ beyond rounding; a critical point at which some $L_{jj'}$ has one sign at all
# teacher neurons.

# %% tags=["parameters", "hide-input"]
seed: int = 1  # seed of all random numbers; 0..4294967295
n_configurations: int = 1500  # random directions for each point of the last figure; 100..200_000
n_starts: int = 80  # starts of Newton's method for each width; 20..20_000
n_samples: int = 50_000  # inputs in the sampling check of Eq. 8; 1_000..10_000_000
# memory: 5e8 + 4000 * n_configurations bytes
# time: 6 + 1.5e-3 * n_configurations + 5e-2 * n_starts + 1e-5 * n_samples seconds

# %% tags=["hide-input"]
import math

import matplotlib.pyplot as plt
import torch
from torch.nn.functional import normalize

from companion import open_chapter
from companion.figures import COLOURS
from companion.verdicts import proportion_interval
from shallow_relu import population
from shallow_relu.critical_points import polish
from shallow_relu.inputs import draw_inputs
from shallow_relu.kernels import arc_cosine_profile, gated_mean, gated_mean_coefficients
from shallow_relu.normal_equation import (
    eliminated_norms,
    functional_norms,
    normal_equation,
    one_signed_margin,
    projected_matrix,
    reduced_matrix,
    separating_functions,
    smallest_gradient,
)

chapter = open_chapter("teacher_student/critical_point_test", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)


def normal(*shape):
    return torch.randn(*shape, generator=generator)


# %% [markdown]
# ## Equation 8, in three forms
#
# The first form adds gated means, pair by pair, as Equation 8 is printed. The second computes all
# neurons by products of matrices; the book uses it everywhere. The third is the normal equation
# $YE^\top-B^*W^{*\top}$, divided by $2\pi$. We compare them at random networks with 1 to 5 neurons,
# with each other and with automatic differentiation of the risk.

# %%
equation_eight = chapter.claim("tian2017.eq8")


def by_pairs(W, W_star, gating=gated_mean):
    own = sum(gating(W, W[:, [k]].expand_as(W)) for k in range(W.shape[1]))
    return own - sum(gating(W, W_star[:, [k]].expand_as(W)) for k in range(W_star.shape[1]))


def by_normal_equation(W, W_star):
    Y, B_star = normal_equation(W, W_star)
    return (Y @ normalize(W, dim=-1) - B_star @ W_star) / (2 * math.pi)


def by_autograd(W, W_star):
    leaf = W.clone().requires_grad_()
    return torch.autograd.grad(population.risk(leaf, W_star).sum(), leaf)[0]


def mass_term(e, w):
    return gated_mean_coefficients(e, w)[0][..., None] * w


networks = [(normal(50, K, d), normal(50, K, d)) for K, d in ((1, 2), (2, 2), (3, 5), (5, 4))]


def flat(form, **options):
    return torch.cat([form(*network, **options).flatten() for network in networks])


pairs, products = flat(by_pairs), flat(population.gradient)
matrices, reference = flat(by_normal_equation), flat(by_autograd)
equation_eight.check(
    "three forms",
    measured=torch.cat([pairs, products, matrices]),
    expected=torch.cat([products, matrices, pairs]),
)
equation_eight.check(
    "autograd", measured=torch.cat([pairs, products, matrices]), expected=reference.repeat(3)
)
equation_eight.control(
    "without the sine terms",
    "autograd",
    measured=flat(by_pairs, gating=mass_term),
    expected=reference,
)
W, W_star = networks[2]
Y, B_star = normal_equation(W, W_star)
swapped = (Y @ normalize(W, dim=-1) - B_star.mT @ W_star) / (2 * math.pi)
equation_eight.control(
    "teacher angles without the transpose",
    "three forms",
    measured=swapped,
    expected=by_pairs(W, W_star),
)


def largest_score(law):
    x = draw_inputs(law, n_samples, W.shape[-1], generator)
    residual = (x @ W[0].mT).relu().sum(-1) - (x @ W_star[0].mT).relu().sum(-1)
    gradients = (residual[:, None] * (x @ W[0].mT > 0))[:, :, None] * x[:, None, :]
    error = gradients.std(dim=0) / math.sqrt(n_samples)
    return ((gradients.mean(dim=0) - population.gradient(W[0], W_star[0])) / error).abs().max()


entries = W[0].numel()
equation_eight.check("samples", measured=largest_score("gaussian"), n=entries)
_ = equation_eight.control(
    "inputs with unequal variances", "samples", measured=largest_score("stretched"), n=entries
)

# %% [markdown]
# ## Equations 9 to 13: linear in the norms
#
# The difference of the two sides of Equation 9 is $2\pi$ times the gradient, at every $W$. Its
# scalar products with the student's directions give Equation 10, and those of each neuron with
# itself Equation 13. (In print the index $j$ is said to count columns of Equation 9. As the
# matrices are defined there, it counts rows.)
#
# If the student's directions span the teacher's space, nothing is lost by the projection. So we
# let a solver loose on Equation 10 alone, in the plane, from starts scattered around critical
# points, and look at the gradient where it stops.

# %%
equation_nine = chapter.claim("tian2017.eq9")


def projected_sides(W, W_star):
    own = projected_matrix(W, W) @ W.norm(dim=-1)[..., None, :, None]
    return own.squeeze(-1), (
        projected_matrix(W, W_star) @ W_star.norm(dim=-1)[..., None, :, None]
    ).squeeze(-1)


printed, projections, along = [], [], []
for W, W_star in networks:
    E, target = normalize(W, dim=-1), 2 * math.pi * by_autograd(W, W_star)
    Y, B_star = normal_equation(W, W_star)
    printed.append((Y @ E - B_star @ W_star - target).flatten())
    left, right = projected_sides(W, W_star)
    projections.append((left - right - target @ E.mT).flatten())
    reduced = reduced_matrix(W, W) @ W.norm(dim=-1, keepdim=True)
    reduced = reduced - reduced_matrix(W, W_star) @ W_star.norm(dim=-1, keepdim=True)
    along.append((reduced.squeeze(-1) - (target * E).sum(-1)).flatten())
equation_nine.check("normal equation", measured=torch.cat(printed), expected=0.0)
equation_nine.check("projections", measured=torch.cat(projections), expected=0.0)
equation_nine.check("diagonal", measured=torch.cat(along), expected=0.0)
asymmetry = Y.diagonal(dim1=1, dim2=2) - math.pi * W.norm(dim=-1)
equation_nine.control(
    "without the diagonal part of Y",
    "normal equation",
    measured=(Y - torch.diag_embed(asymmetry)) @ E - B_star @ W_star - target,
    expected=0.0,
)


def solve_equation_ten(W, W_star, steps=25):
    """Damped Gauss-Newton steps on the projected equations alone, derivatives by autograd."""
    for _ in range(steps):
        W = W.detach().requires_grad_()
        left, right = projected_sides(W, W_star)
        rest = (left - right).flatten(1)
        rows = [torch.autograd.grad(r.sum(), W, retain_graph=True)[0] for r in rest.T]
        J, rest = torch.stack(rows, dim=1).flatten(2), rest.detach()[..., None]
        damping = (1e-10 + rest.square().sum(1, keepdim=True)) * torch.eye(J.shape[-1])
        W = W.detach() - torch.linalg.solve(J.mT @ J + damping, J.mT @ rest).reshape(W.shape)
    return W, rest.flatten(1).norm(dim=1)


roots = []
for K in (2, 3):
    W_star = normal(n_starts, K, K) / math.sqrt(K)
    nearby, _ = polish(0.7 * normal(n_starts, K, K), W_star)
    W, rest = solve_equation_ten(nearby + 0.2 * normal(n_starts, K, K), W_star)
    found = (rest < 1e-11) & (torch.linalg.svdvals(normalize(W, dim=-1))[:, -1] > 1e-2)
    size = population.gradient(W, W_star).flatten(1).norm(dim=1)
    roots.append(torch.stack([size, population.risk(W, W_star)], dim=1)[found])
roots = torch.cat(roots)
equation_nine.note = "The paper says that $j$ counts columns of Eq. 9; it counts rows."
equation_nine.check("roots are critical", measured=roots[:, 0], n=len(roots))
chapter.number("roots", len(roots), ".0f")
chapter.number("roots_with_risk", (roots[:, 1] > 1e-6).sum(), ".0f")

W_star, e = torch.eye(2), torch.tensor([math.cos(0.3), math.sin(0.3)])
total = arc_cosine_profile(torch.tensor([0.3, math.pi / 2 - 0.3])).sum() / math.pi
W = total * torch.tensor([[0.4], [0.6]]) * e
left, right = projected_sides(W, W_star)
chapter.number("collinear_sides", (left - right).abs().max(), ".1g")
_ = equation_nine.control(
    "collinear neurons solve Eq. 10",
    "roots are critical",
    measured=population.gradient(W, W_star).norm(),
)

# %% [markdown]
# The solver found {number}`roots` roots with independent directions, {number}`roots_with_risk` of
# them with positive risk, and each is critical. The control shows why independence is needed: two
# neurons on one line, with a suitable sum of norms, leave a residual of {number}`collinear_sides`
# in Equation 10 and have a gradient across the line.
#
# ## Equation 14 and what it means
#
# Solve Equation 13 for the norms and insert them in the rest of Equation 10. What is left is
# $\sum_k\lVert w^*_k\rVert\,L_{jj'}(e^*_k)=0$. The printed formula of $L_{jj'}$ hides its meaning.
# $M_r$ is $2\pi$ times the Gram matrix of the functions $\sigma(e_l\cdot x)$, and
# $M_{jj',l}=2\pi\,\mathbb E[\mathbf 1\{e_j\cdot x>0\}(e_{j'}\cdot x)\,\sigma(e_l\cdot x)]$. Hence
#
# $$L_{jj'}(e^*)=2\pi\,\mathbb E\bigl[\mathbf 1\{e_j\cdot x>0\}\,(e_{j'}\cdot x)\,\rho(x)\bigr],$$
#
# where $\rho$ is what remains of $\sigma(e^*\cdot x)$ after projection on the student's neurons.
# Proposition 1 is now read off: if $e^*=e_l$, then $\rho=0$; and for $j=j'$ the factor before
# $\rho$ is $\sigma(e_j\cdot x)$, to which $\rho$ is orthogonal. And $M_r$ is invertible unless the
# functions are linearly dependent. Distinct directions are not quite enough for that: see the end.

# %%
proposition = chapter.claim("tian2017.prop1")
own, diagonal, turned, mixed = [], [], [], []
for K in range(2, 7):
    W, V = normal(40, K, K + 1), normal(40, K, K + 1)
    own.append(separating_functions(W, W).flatten())
    turned.append(separating_functions(W, normalize(W, dim=-1) + 0.01 * V).flatten())
    L = separating_functions(W, V)
    diagonal.append(L.diagonal(dim1=1, dim2=2).flatten())
    mixed.append(L[:, 0, 1].flatten())
proposition.check("own directions", measured=torch.cat(own), expected=0.0)
proposition.check("diagonal", measured=torch.cat(diagonal), expected=0.0)
proposition.control(
    "directions off by a hundredth", "own directions", measured=torch.cat(turned), expected=0.0
)
_ = proposition.control("different indices", "diagonal", measured=torch.cat(mixed), expected=0.0)

# %% tags=["hide-input"]
students = torch.deg2rad(torch.tensor([[-60.0, 10.0], [20.0, -35.0], [75.0, 40.0]]))
longitude, latitude = (
    torch.deg2rad(torch.linspace(-180, 180, 121)),
    torch.deg2rad(torch.linspace(-90, 90, 61)),
)


def on_sphere(longitude, latitude):
    across = torch.cos(latitude)
    return torch.stack(
        [across * torch.cos(longitude), across * torch.sin(longitude), torch.sin(latitude)], -1
    )


grid = torch.meshgrid(longitude, latitude, indexing="xy")
L = separating_functions(on_sphere(*students.T), on_sphere(*(g.flatten() for g in grid)))[0, 1]
values = L.reshape(grid[0].shape).numpy()
reach = abs(values).max()
figure, axes = plt.subplots(figsize=(6.4, 3.2))
degrees = [torch.rad2deg(g).numpy() for g in grid]
picture = axes.pcolormesh(*degrees, values, cmap="RdBu_r", vmin=-reach, vmax=reach, rasterized=True)
axes.contour(*degrees, values, levels=[0], colors=COLOURS["theory"])
for j, (x, y) in enumerate(torch.rad2deg(students).tolist(), start=1):
    axes.plot(x, y, "o", color=COLOURS["student"], markeredgecolor="white")
    place = {"xytext": (9, 0), "textcoords": "offset points", "va": "center", "fontsize": 11}
    axes.annotate(f"$e_{j}$", (x, y), **place)
figure.colorbar(picture, label="$L_{12}(e^*)$")
axes.set(xlabel="longitude of $e^*$ (degrees)", ylabel="latitude of $e^*$ (degrees)")
axes.grid(False)
chapter.figure(
    "fig-tian2017-prop1-sphere",
    figure,
    caption=r"The separating function $L_{12}(e^*)$ of three student directions in $\mathbb R^3$, "
    r"for teacher directions $e^*$ on the whole sphere. The line $L_{12}=0$ passes through all "
    r"three student directions, as Proposition 1 says.",
    alt="A map of the sphere coloured red where the function is positive and blue where it is "
    "negative; the line between them passes through three marked student directions.",
    data={
        "longitude": degrees[0].flatten(),
        "latitude": degrees[1].flatten(),
        "L12": L,
    },
    claims=["tian2017.prop1"],
)

# %% [markdown]
# ## Figure 3: the teacher neurons separate
#
# We compute each term from one teacher neuron and the student's directions, add, and compare with
# what Equation 10 leaves when the norms solve Equation 13. Where those norms are positive there is
# a student to go with them, and automatic differentiation must give the same number.

# %%
separation = chapter.claim("tian2017.fig3")
whole, terms, other_norms, gradients, gradient_terms = [], [], [], [], []
for K in range(2, 6):
    W = normal(40, K, K + 1)
    W_star = normal(40, K, K + 1) + 2 * W
    norms_star = W_star.norm(dim=-1, keepdim=True)
    norms = eliminated_norms(W, W_star) @ norms_star
    one_by_one = sum(
        norms_star[:, k, None] * separating_functions(W, W_star[:, [k]])[..., 0] for k in range(K)
    )
    left, right = (
        (projected_matrix(W, V) @ size[:, None]).squeeze(-1)
        for V, size in ((W, norms), (W_star, norms_star))
    )
    whole.append((left - right).flatten())
    other_norms.append((projected_sides(W, W_star)[0] - right).flatten())
    terms.append(-one_by_one.flatten())
    exists = (norms > 0).all(dim=1).squeeze(-1)
    E = normalize(W, dim=-1)
    projected = 2 * math.pi * by_autograd(norms * E, W_star) @ E.mT
    gradients.append(projected[exists].flatten())
    gradient_terms.append(-one_by_one[exists].flatten())
terms = torch.cat(terms)
separation.check("separability", measured=torch.cat(whole), expected=terms)
separation.check("gradient", measured=torch.cat(gradients), expected=torch.cat(gradient_terms))
_ = separation.control(
    "norms that do not solve Eq. 13",
    "separability",
    measured=torch.cat(other_norms),
    expected=terms,
)

# %% [markdown]
# Next, critical points. For widths 2, 3 and 4 and one dimension more than the teacher needs, each
# start has its own random teacher, and Newton's method goes to the critical point that is near,
# most often a saddle. We keep those of positive risk at which $M_r$ has a condition number below
# $10^5$, so that $L_{jj'}$ is accurate.

# %%
saddles, off_plane = [], []
for K in (2, 3, 4):
    W_star = normal(n_starts, K, K + 1) / math.sqrt(K)
    W, gradient_norm = polish(0.7 * normal(n_starts, K, K + 1), W_star, steps=60)
    conditioned = torch.linalg.cond(reduced_matrix(W, W)) < 1e5
    kept = (gradient_norm < 1e-12) & (population.risk(W, W_star) > 1e-6) & conditioned
    saddles.append((W[kept], W_star[kept]))
    off_plane.append(torch.linalg.svdvals(torch.cat([W, W_star], dim=1)[kept])[:, K] > 1e-6)
chapter.number("out_of_plane", torch.cat(off_plane).sum(), ".0f")
theorem = chapter.claim("tian2017.thm3")
functions = [separating_functions(W, W_star) for W, W_star in saddles]
norms_star = [W_star.norm(dim=-1) for _, W_star in saddles]
sums = [
    (L @ size[:, None, :, None]).flatten() for L, size in zip(functions, norms_star, strict=True)
]
count = chapter.number("critical_points", sum(len(W) for W, _ in saddles), ".0f")
separation.check("critical points", measured=torch.cat(sums), expected=0.0, n=int(count))
margins = torch.cat([one_signed_margin(L) for L in functions])
_ = theorem.check("critical points", measured=margins, n=int(count))

# %% tags=["hide-input"]
best = torch.linalg.cond(reduced_matrix(saddles[1][0], saddles[1][0])).argmin()
W, W_star = (part[best] for part in saddles[1])
shown = []
for _ in range(1000):
    other = normal(3, 4)
    if one_signed_margin(separating_functions(other, W_star)) > 0.1:
        break
size = W_star.norm(dim=-1)
labels = [(j, i) for j in range(3) for i in range(3) if i != j]
figure, axes = plt.subplots(1, 2, figsize=(6.8, 3.2), sharey=True)
for panel, directions in zip(axes, (W, other), strict=True):
    contribution = torch.stack(
        [(separating_functions(directions, W_star) * size)[j, i] for j, i in labels]
    )
    shown.append(contribution)
    up, down = torch.zeros(6), torch.zeros(6)
    for k, colour in enumerate(("teacher", "measured", "bound")):
        value = contribution[:, k]
        base = torch.where(value > 0, up, down)
        panel.bar(range(6), value, bottom=base, color=COLOURS[colour], label=f"$k={k + 1}$")
        up, down = up + value.clamp(min=0), down + value.clamp(max=0)
    panel.plot(range(6), contribution.sum(-1), "_", markersize=14, color=COLOURS["theory"])
    panel.set_xticks(range(6), [f"{j + 1}{i + 1}" for j, i in labels])
    panel.set_xlabel("pair $jj'$")
axes[0].set(ylabel=r"$\Vert w^*_k\Vert\,L_{jj'}(e^*_k)$", title="critical point")
axes[1].set_title("directions ruled out")
axes[1].legend(ncols=3, loc="best")
chapter.figure(
    "fig-tian2017-fig3-terms",
    figure,
    caption=r"Counterpart of Figure 3: one term for each of three teacher neurons (colours), for "
    r"the six pairs of three student neurons; a dash marks the sum. Left: a critical point, all "
    r"sums are zero. Right: directions that the test rules out, under the same teacher. Some "
    r"pair has terms of one sign alone, so no norms make these directions critical.",
    alt="Stacked bars for six pairs. On the left positive and negative parts balance and the "
    "dashes lie at zero. On the right they do not, and some bar lies on one side only.",
    data={
        "configuration": ["critical point"] * 18 + ["ruled out"] * 18,
        "pair": [f"{j + 1}{i + 1}" for j, i in labels for _ in range(3)] * 2,
        "teacher": [1, 2, 3] * 12,
        "term": torch.stack(shown).flatten(),
    },
    claims=["tian2017.fig3"],
)

# %% [markdown]
# ## Theorem 3: directions ruled out, whatever the norms
#
# Of {number}`critical_points` critical points none has a one-signed pair. The other way round, we
# draw directions at random, keep those with a one-signed pair, and let the student choose its norms
# so as to make the gradient as small as it can (least squares, negative norms admitted). The
# argument of the theorem is a linear functional of the gradient that no norm of the student enters;
# divided by its norm it bounds the gradient from below. The ratio must be at least 1.


# %%
def gradient_over_bound(W, W_star, L):
    """Smallest gradient over the student's norms, and the bound from the best pair in `L`."""
    own = torch.eye(W.shape[1], dtype=torch.bool)
    value = (L @ W_star.norm(dim=-1)[:, None, :, None]).squeeze(-1).abs() / (2 * math.pi)
    bounds = (value / functional_norms(W).masked_fill(own, 1)).masked_fill(own, 0)
    bound = bounds.flatten(1).amax(dim=1)
    return torch.where(bound > 0, smallest_gradient(W, W_star) / bound, 0)  # no bound: a failure


ratios = []
for K in (2, 3, 4):
    W, W_star = normal(n_configurations, K, K), normal(n_configurations, K, K)
    sure = torch.linalg.cond(reduced_matrix(W, W)) < 1e5
    L = separating_functions(W, W_star)
    one_signed = (L.amin(-1) > 1e-6) | (L.amax(-1) < -1e-6)
    sure &= one_signed.flatten(1).any(1)
    ratios.append(gradient_over_bound(W, W_star, L.where(one_signed[..., None], 0))[sure])
ratios = torch.cat(ratios)
theorem.check("gradient bound", measured=ratios, n=len(ratios))
not_one_signed = [
    gradient_over_bound(*pair, L.abs()) for pair, L in zip(saddles, functions, strict=True)
]
theorem.control(
    "terms of both signs, taken for one-signed",
    "gradient bound",
    measured=torch.cat(not_one_signed),
)
theorem.control(
    "directions drawn at random",
    "critical points",
    measured=one_signed_margin(separating_functions(W, W_star)),
)

theorem.note = "$M_r$ is assumed invertible, as the definition of $L_{jj'}$ needs; see the chapter."

# %% [markdown]
# **The omitted hypothesis.** $L_{jj'}$ contains $M_r^{-1}$, so the theorem is silent where $M_r$ is
# singular. Nothing goes wrong there: a null vector of $M_r$ is a linear relation between the
# functions $\sigma(e_l\cdot x)$, no expectation sees it, and the pseudo-inverse gives an $L_{jj'}$
# with the meaning above. With it the theorem holds for all students without zero neurons. It may be
# empty there: if all neurons have one direction, every $L_{jj'}$ is identically zero, and nothing
# is ruled out. Nor is the plane needed: {number}`out_of_plane` of the critical points above lie
# outside of it.
#
# ## How much does the test rule out?
#
# Teacher directions are uniform, and so are the student's, or they are gathered around a random
# direction $c$: $w_j\propto c+s\,g_j/\sqrt K$ with standard normal $g_j$. We count how often some
# pair is one-signed. For $K=2$ and uniform directions the share is exactly $2/3$, by Conjecture 1,
# which the chapter [](proof_of_conjecture_one) proves: with $p=\theta_{12}/2\pi$ uniform in
# $(0,\frac12)$, both teacher neurons are in the cone or both are out with probability
# $p^2+(1-p)^2$.

# %%
widths, spreads = [2, 3, 4, 6, 8], [0.1, 0.2, 0.5, 1.0, 2.0, math.inf]
share = torch.empty(len(widths), len(spreads), 3)
for i, K in enumerate(widths):
    for j, s in enumerate(spreads):
        W_star, W = normal(n_configurations, K, K), normal(n_configurations, K, K)
        if s < math.inf:
            W = normalize(normal(n_configurations, 1, K), dim=-1) + s / math.sqrt(K) * W
        ruled_out = int((one_signed_margin(separating_functions(W, W_star)) > 0).sum())
        interval = proportion_interval(ruled_out, n_configurations, level=0.95)
        share[i, j] = torch.tensor([ruled_out / n_configurations, *interval])
chapter.number("share_uniform_two", share[0, -1, 0], ".3f")
chapter.number("share_uniform_eight", share[-1, -1, 0], ".3f")
_ = chapter.number("share_gathered_eight", share[-1, 0, 0], ".3f")

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.4, 3.6))
places = torch.arange(len(spreads))
for i, (K, colour) in enumerate(
    zip(widths, ("theory", "teacher", "student", "measured", "bound"), strict=True)
):
    middle, low, high = share[i].T
    spread = torch.stack([middle - low, high - middle])
    offset = places + 0.06 * (i - 2)
    axes.errorbar(offset, middle, spread, fmt="o-", capsize=2, color=COLOURS[colour], label=f"{K}")
axes.axhline(2 / 3, color=COLOURS["muted"], linestyle="--", linewidth=1)
axes.annotate("2/3", (0, 2 / 3), (0, 0.675), color=COLOURS["muted"], ha="center")
axes.set_xticks(places, [f"{s:g}" for s in spreads[:-1]] + ["uniform"])
axes.set(
    xlabel="spread $s$ of the student's directions", ylabel="share ruled out", ylim=(0.55, 1.02)
)
axes.legend(title="width $K$", loc="lower left", ncols=5)
chapter.figure(
    "fig-tian2017-thm3-share",
    figure,
    caption=rf"Share of random directions that Theorem 3 rules out for all norms of student and "
    rf"teacher at once, with 95% intervals from {n_configurations:,} draws each, $d=K$. Students "
    r"that point in similar directions are almost always ruled out. For uniform directions and "
    r"two neurons the share is $2/3$ (dashed).",
    alt="Five falling curves, one for each width, of the share against the spread. All begin near "
    "one at small spread; for uniform directions they end between two thirds and 0.85.",
    data={
        "width": [K for K in widths for _ in spreads],
        "spread": [f"{s:g}" for s in spreads] * len(widths),
        "share": share[..., 0].flatten(),
        "low": share[..., 1].flatten(),
        "high": share[..., 2].flatten(),
    },
    claims=["tian2017.thm3"],
)

# %% [markdown]
# For uniform directions the share is {number}`share_uniform_two` at $K=2$ and
# {number}`share_uniform_eight` at $K=8$: a single pair is one-signed less often when the teacher
# has more neurons, but there are $K(K-1)$ pairs. Students gathered around one direction ($s=0.1$)
# are ruled out with frequency {number}`share_gathered_eight` at $K=8$.
#
# "Not ruled out" does not mean critical. $K(K-1)$ sums must vanish and the teacher has $K$ norms
# to offer, so we expect random directions to be critical with probability zero. The test is a
# cheap certificate that holds for all norms at once, not a classifier.
#
# ## Where it stops being true
#
# - **Dependent directions.** Equation 10 is equivalent to criticality only if the student's
#   directions span the teacher's space. The control of Equation 9 has all projections zero and a
#   gradient.
# - **Singular $M_r$.** It happens when directions coincide, and also without that: three antipodal
#   pairs in a plane have distinct directions, and a combination of their six neurons is zero. The
#   printed $L_{jj'}$ does not exist there, the one with the pseudo-inverse does. As two directions
#   merge, $L_{jj'}$ jumps, because the projection then loses a function.
# - **A teacher without norms.** If all $\lVert w^*_k\rVert$ are zero, the sums are zero whatever
#   the signs.
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: exercise-separating-singular
# Show that $M_r$ is invertible if no two of the $e_l$ are collinear.
# ```
#
# ```{solution} exercise-separating-singular
# :class: dropdown
# If $M_rc=0$, then $\sum_lc_l\,\sigma(e_l\cdot x)=0$ for all $x$. The gradient of the sum jumps
# by $c_le_l$ across the hyperplane $e_l\cdot x=0$, and no other term has a kink there, so
# $c_l=0$. For an antipodal pair the jump is $(c_l+c_m)e_l$, and $c_m=-c_l$ leaves the linear
# function $c_l\,e_l\cdot x$. So antipodal pairs do harm only if their axes are linearly
# dependent.
# ```
