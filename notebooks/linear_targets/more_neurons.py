# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # More neurons, and output weights that learn
#
# Two neurons with fixed output weights $\pm1$ find $\pm\beta$. What changes with more neurons,
# and what if the output weights learn too? {cite:t}`linear2025` reports two regularities from
# experiments: neurons of one sign sum to $\pm\beta$ "exactly", and two neurons get stuck exactly
# when their output weights start with the same sign. Both depend on the scale of the start.
#
# ```{claim} linear2025.fig2
# ```
#
# ```{claim} linear2025.sec4.1
# ```
#
# **What would count against them.** Converged runs whose groups have other sums. Runs that start
# with two signs and get stuck, or with one sign and do not; a share of stuck runs other than one
# half; output weights other than $\pm1$ at the end.

# %% tags=["parameters", "hide-input"]
seed: int = 2  # seed of all random numbers; 0..4294967295
widths: list[int] = [2, 4, 10]  # numbers K of neurons, even; 2..100; paper [2, 4]
n_runs: int = 40  # runs for each width; 10..2_000
n_steps: int = 3_000  # iterations with fixed output weights; 1_000..1_000_000; paper 20_000
n_joint: int = 400  # runs in which both layers learn; 100..20_000
n_full: int = 4_000  # iterations, both layers from full scale; 3_000..1_000_000; paper 30_000
dimension: int = 100  # dimension d of the inputs; 4..1_000; paper 100
# memory: 1e9 bytes
# time: 8 + 3e-6 * n_steps * n_runs * len(widths) + 0.01 * n_joint seconds

# %% tags=["hide-input"]
import math

import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import linear_training as training
from shallow_relu.flows import gradient_descent

chapter = open_chapter("linear_targets/more_neurons", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)
target = torch.eye(dimension)[:1]

# %% [markdown]
# ## What the algebra says about sums
#
# Let half of the neurons have output weight $+1$ and half $-1$, and let $S_+$ and $S_-$ be the
# sums of the two groups. Separate odd from even functions in
# $\sum_ja_j\,\sigma(w_j\cdot x)=\beta\cdot x$:
#
# $$S_+-S_-=2\beta,\qquad\sum_ja_j\,|w_j\cdot x|=0 .$$
#
# So only the *difference* is forced. The even equation says that on each line through the origin
# positive and negative neurons have equal total length. If on each line all positive neurons
# point one way and all negative ones the other, then $S_+=-S_-$ and both are $\pm\beta$. But a
# positive and a negative neuron may also be *parallel* and cancel:
#
# $$w_+\in\{u,\beta\},\quad w_-\in\{u,-\beta\}:\qquad S_+=\beta+u,\quad S_-=u-\beta,$$
#
# an exact solution for any $u$. Do runs of gradient descent end like that? We train at full
# scale (Xavier) and from $10^{-8}$ times that.

# %%
sums = chapter.claim("linear2025.fig2")


def train(K, scale):
    """Risk, errors of the sums and of their difference, cosine to the target; last neurons."""
    raw = scale * training.xavier_normal(K, dimension, generator, batch=(n_runs,))
    W, B = training.span_coordinates(raw, target)
    a = torch.ones(n_runs, K, 1)
    a[:, K // 2 :] = -1
    end = gradient_descent(
        training.neuron_gradient, W, (a, B), step=0.1, n_steps=n_steps, tolerance=1e-12
    ).state
    plus, minus = end[:, : K // 2].sum(dim=1), end[:, K // 2 :].sum(dim=1)
    beta = B[:, 0]
    misses = torch.stack([plus - beta, minus + beta])
    error = torch.linalg.vector_norm(misses, dim=-1).amax(dim=0)
    difference = torch.linalg.vector_norm(plus - minus - 2 * beta, dim=-1)
    along = torch.einsum("rkq,rq->rk", end, beta).abs() / torch.linalg.vector_norm(end, dim=-1)
    return training.risk(end, a, B), error, difference, along


tiny = {K: train(K, 1e-8) for K in widths}
full = {K: train(K, 1.0) for K in widths}
settled = {K: run[0] < 1e-8 for K, run in full.items()}
wide = [K for K in widths if K > 2]
missed = {K: full[K][1][settled[K]] > 0.1 for K in wide}
n_missed, n_settled = (sum(int(f(v)) for v in missed.values()) for f in (torch.sum, len))

# The exact counterexample, in the plane of the target and u.
u, e = torch.tensor([0.3, 0.9]), torch.tensor([[1.0, 0.0]])
exact = torch.stack([u, e[0], u, -e[0]])
exact_a = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]])
moved = torch.linalg.vector_norm(training.neuron_gradient(exact, exact_a, e))
exact_error = torch.linalg.vector_norm(exact[:2].sum(dim=0) - e[0])

# %%
sums.hypothesis("$K=4$, half of the weights $+1$, half $-1$", "balance", measured=exact_a.sum())
sums.hypothesis("gradient descent has converged: the gradient is zero", "gradient", measured=moved)
sums.hypothesis(
    "random starts: runs that have converged only",
    "risk",
    measured=torch.cat([full[K][0][settled[K]] for K in wide]),
)
sums.violation("the exact counterexample: error of the sum", "wrong sum", measured=exact_error)
sums.violation(
    "random starts at full scale: a positive share has other sums",
    "wrong share",
    successes=n_missed,
    n=n_settled,
)
sums.check("tiny start", measured=torch.stack([tiny[K][1] for K in widths]))
sums.check("tiny start aligned", measured=torch.stack([tiny[K][3].min() for K in widths]))
sums.check("difference", measured=torch.cat([full[K][2][settled[K]] for K in widths]), n=n_settled)
sums.control("full scale", "tiny start", measured=torch.cat([full[K][1][settled[K]] for K in wide]))
chapter.number("share_missed", n_missed / n_settled, ".0%")
chapter.number("missed_narrow", missed[wide[0]].sum(), ".0f")
chapter.number("settled_narrow", len(missed[wide[0]]), ".0f")
chapter.number("settled", n_settled, ".0f")
chapter.number("cosine_full", full[wide[0]][3].amin(dim=-1).median(), ".2f")

# %% [markdown]
# From full scale {number}`settled` runs with $K>2$ reach a risk below $10^{-8}$. In
# {number}`share_missed` of them a sum misses $\pm\beta$ by more than $0.1$; with $K=4$, the
# width of the paper's picture, in {number}`missed_narrow` of {number}`settled_narrow`. From the
# tiny start the sums are always $\pm\beta$. But then the other half of the observation fails:
# every single neuron is aligned with $\pm\beta$ too, because in the first phase a neuron
# $w_j\approx0$ moves along $a_j\beta$. Neurons that point elsewhere and groups that sum to
# $\pm\beta$ occur together in most runs with $K=4$, as in the picture, but not in all.


# %% tags=["hide-input"]
def path_of(K, scale, steps):
    raw = scale * training.xavier_normal(K, dimension, generator)
    W, B = training.span_coordinates(raw, target)
    a = torch.tensor([1.0] * (K // 2) + [-1.0] * (K // 2))[:, None]
    times = sorted({*range(0, 60), *range(60, steps, max(1, steps // 100)), steps})
    return training.descent_path(
        lambda W: training.neuron_gradient(W, a, B), W, step=0.1, times=times
    ), times


figure, axes = plt.subplots(1, 3, figsize=(7.6, 2.9), sharey=True)
table = {name: [] for name in ("panel", "neuron", "iteration", "along", "across")}
panels = [("$K=2$", 2, 1.0), ("$K=4$", 4, 1.0), ("$K=10$", 10, 1.0)]
for panel, (title, K, scale) in zip(axes, panels, strict=True):
    path, times = path_of(K, scale, n_steps)
    across = torch.randn(K, generator=generator)
    across = across / torch.linalg.vector_norm(across)
    flat = torch.stack([path[..., 0], path[..., 1:] @ across], dim=-1)
    for j in range(K):
        colour = "#CC0000" if j < K // 2 else "#0033CC"
        panel.plot(flat[:, j, 0], flat[:, j, 1], color=colour, linewidth=0.9)
        panel.plot(flat[-1, j, 0], flat[-1, j, 1], "o", color=colour)
        for name, values in zip(
            table,
            ([title] * len(times), [j] * len(times), times, flat[:, j, 0], flat[:, j, 1]),
            strict=True,
        ):
            table[name] += [v if isinstance(v, str | int) else float(v) for v in values]
    for half, colour in ((slice(None, K // 2), "purple"), (slice(K // 2, None), "green")):
        panel.plot(*flat[-1, half].sum(dim=0), "o", color=colour, markersize=9, alpha=0.8)
    for sign in (1, -1):
        panel.annotate("", (sign, 0), (0, 0), arrowprops={"arrowstyle": "->", "linewidth": 1.4})
    panel.set(title=title, xlabel=r"along $\beta$", xlim=(-2.3, 2.3), ylim=(-2.3, 2.3))
axes[0].set_ylabel(r"one direction orthogonal to $\beta$")
chapter.figure(
    "fig-linear2025-group-sums",
    figure,
    caption=r"Counterpart of Figure 2: neurons with output weight $+1$ (red) and $-1$ (blue), "
    r"points where they end, and sums of the two groups (purple and green); arrows are "
    r"$\pm\beta$. With $K=2$ the neurons are $\pm\beta$. With more neurons, started at full scale, "
    r"the groups may sum to $\pm\beta$ or miss it.",
    alt="Three panels with red and blue trajectories that start near the origin. With two neurons "
    "they end on the arrow heads; with four and ten elsewhere; larger points mark the sums.",
    data=table,
    claims=["linear2025.fig2"],
)

# %% [markdown]
# ## Output weights that learn: which sign gets stuck
#
# Now $K=2$ and both layers learn. If $a_1,a_2>0$ at the end, then $f\ge0$, and no network nearby
# does better than $f=\sigma(\beta\cdot x)$, of risk $\frac14$. This is a local minimum, unlike
# the saddles of Figure 1(b), which compute the same function with output weights of both signs.
#
# When does it happen? Near the origin the flow is linear: $\dot a_j=\frac12w_j\cdot\beta$,
# $\dot w_j=\frac12a_j\beta$. Its growing mode is $a_j+w_j\cdot\beta$, so from a tiny start the
# *final* sign of $a_j$ is the sign of $a_j+w_j\cdot\beta$ at the start. It differs from the sign
# of $a_j^{(0)}$ with probability
#
# $$q=\tfrac1\pi\arctan\frac{\operatorname{sd}(w_j\cdot\beta)}{\operatorname{sd}(a_j)},$$
#
# and exactly one of the two signs changes with probability $2q(1-q)$. From full scale the flow
# conserves $a_j^2-\lVert w_j\rVert^2$, which is mostly negative; nothing keeps $a_j$ from
# crossing zero.

# %%
stuck_claim = chapter.claim("linear2025.sec4.1")


def contingency(scale, steps):
    raw = scale * training.xavier_normal(2, dimension, generator, batch=(n_joint,))
    a = scale * training.xavier_normal(2, 1, generator, batch=(n_joint,))
    W, B = training.span_coordinates(raw, target)
    state = torch.cat([W, a], dim=-1)
    end = gradient_descent(
        training.joint_gradient, state, (B,), step=0.1, n_steps=steps, tolerance=1e-12
    ).state
    risk = training.risk(end[..., :-1], end[..., -1:], B)
    mode = raw[..., 0] + a[..., 0]
    same, same_mode = ((signs[:, 0] * signs[:, 1]) > 0 for signs in (a[..., 0], mode))
    return risk, end[..., -1], same, same_mode


def table_of(risk, same):
    stuck = risk > 1e-3
    return [int((rows & columns).sum()) for rows in (same, ~same) for columns in (stuck, ~stuck)]


tiny_risk, tiny_a, tiny_same, tiny_mode = contingency(1e-8, 1_500)
full_risk, full_a, full_same, _ = contingency(1.0, n_full)
tables = [table_of(tiny_risk, tiny_same), table_of(full_risk, full_same)]
cells = ("same_stuck", "same_free", "two_stuck", "two_free")
for scale, counts in zip(("tiny", "full"), tables, strict=True):
    for cell, count in zip(cells, counts, strict=True):
        chapter.number(f"{scale}_{cell}", count, ".0f")

# %% [markdown]
# From $10^{-8}$ with equal signs, {number}`tiny_same_stuck` runs get stuck and
# {number}`tiny_same_free` reach the minimum; with two signs it is {number}`tiny_two_stuck`
# against {number}`tiny_two_free`. From full scale with equal signs, {number}`full_same_stuck`
# get stuck and {number}`full_same_free` reach the minimum; with two signs it is
# {number}`full_two_stuck` against {number}`full_two_free`.

# %%
stuck, free = tiny_risk > 1e-3, tiny_risk < 1e-9
contrary = tables[0][1] + tables[0][2]
spread_w, spread_a = math.sqrt(2 / (2 + dimension)), math.sqrt(2 / 3)
q = math.atan(spread_w / spread_a) / math.pi
full_stuck, full_free = full_risk > 1e-3, full_risk < 1e-9
stuck_claim.hypothesis(
    "two neurons, both layers learn", "neurons", measured=tiny_a.shape[1], expected=2
)
stuck_claim.hypothesis("$d=100$", "dimension", measured=target.shape[1], expected=100)
stuck_claim.hypothesis(
    "the target is $x_1$", "target", measured=target[0], expected=torch.eye(dimension)[0]
)
stuck_claim.violation(
    r"full scale: stuck with probability below $\frac12$",
    "stuck at full scale",
    successes=full_stuck.sum(),
    n=n_joint,
)
stuck_claim.violation(
    "tiny start: runs with two signs that get stuck", "stuck with two signs", measured=tables[0][2]
)
stuck_claim.violation(
    r"full scale: output weights at the minimum are not $\pm1$",
    "weights at full scale",
    measured=(full_a[full_free].abs() - 1).abs().amax(dim=-1).median(),
)
stuck_claim.check(
    "predicted by the growing mode",
    measured=(tiny_mode == stuck).double().mean(),
    expected=1,
    n=n_joint,
)
stuck_claim.check("one half", successes=stuck.sum(), n=n_joint)
stuck_claim.check(
    "against the sign rule",
    successes=contrary,
    n=n_joint,
    expected=2 * q * (1 - q),
)
stuck_claim.check("weights", measured=tiny_a[free].abs(), expected=1.0)
stuck_claim.check("risk when stuck", measured=tiny_risk[stuck], expected=0.25)
stuck_claim.check("one sign when stuck", measured=tiny_a[stuck].prod(dim=-1))
stuck_claim.control(
    "sign of the output weights alone",
    "predicted by the growing mode",
    measured=(tiny_same == stuck).double().mean(),
    expected=1,
)
chapter.number("contrary_predicted", 2 * q * (1 - q), ".1%", tolerance=1e-9)
chapter.number("contrary_measured", contrary / n_joint, ".1%")
chapter.number("lingering", (full_a[full_stuck].prod(dim=-1) < 0).sum(), ".0f")
chapter.number("stuck_full", full_stuck.double().mean(), ".1%")
chapter.number("stuck_tiny", stuck.double().mean(), ".0%")

# %% tags=["hide-input"]
figure, panel = plt.subplots(figsize=(6.4, 2.6))
left = torch.zeros(4)
names = ["same sign, stuck", "same sign, minimum", "two signs, stuck", "two signs, minimum"]
for k, colour in enumerate(("teacher", "second", "bound", "student")):
    counts = [tables[0][k], tables[1][k]]
    panel.barh([1, 0], counts, left=left[:2], color=COLOURS[colour], label=names[k])
    left[:2] += torch.tensor(counts)
panel.set(yticks=[1, 0], yticklabels=["$10^{-8}$", "1"], ylabel="scale of the start")
panel.set(xlabel="runs", ylim=(-0.5, 2.3))
panel.legend(ncols=2, loc="upper center")
chapter.figure(
    "fig-linear2025-stuck",
    figure,
    caption=r"What becomes of the random starts when both layers learn, $K=2$. From a tiny start "
    r"half of the runs get stuck, but not exactly those with equal signs. From full scale hardly "
    r"any does.",
    alt="Two stacked bars. For the tiny scale half of the runs are stuck, some with two signs; for "
    "scale one nearly all runs reach the minimum, whatever the signs.",
    data={
        "scale": [1e-8] * 4 + [1.0] * 4,
        "case": names * 2,
        "runs": tables[0] + tables[1],
    },
    claims=["linear2025.sec4.1"],
)

# %% [markdown]
# From the tiny start {number}`stuck_tiny` of the runs get stuck, and the growing mode names them
# without a single error. {number}`contrary_measured` of the runs contradict the printed rule,
# where $2q(1-q)$ predicts {number}`contrary_predicted`. From full scale only
# {number}`stuck_full` are stuck when our iterations end. Of these, {number}`lingering` still
# have two signs: they linger near a saddle of Figure 1(b) and leave it later.
#
# ## Where it stops being true
#
# The half is a half for tiny starts only. As $d$ grows, $q$ falls like $d^{-1/2}$, so in high
# dimension the printed sign rule becomes right for tiny starts. For the sums, all depends on
# whether a positive and a negative neuron can end up parallel; from tiny starts we never saw it.
#
# ```{admonition} Errata
# :class: warning
# **Figure 2.** That groups with more than two neurons sum to $\pm\beta$ "exactly" and
# "consistently" is false. Smallest counterexample: $K=4$, $w_+\in\{u,\beta\}$,
# $w_-\in\{u,-\beta\}$, a global minimum with the sums $\beta+u$ and $u-\beta$. Corrected: only
# $S_+-S_-=2\beta$ is forced; from a tiny start the sums are $\pm\beta$, and every neuron is
# aligned with $\pm\beta$.
#
# **Section 4.1.** Not the sign of $a_j^{(0)}$ but that of $a_j^{(0)}+w_j^{(0)}\cdot\beta$
# decides which tiny starts get stuck; at full scale few do. Counterexamples are counted above,
# in both directions. The stuck networks are local minima with output weights of one sign, not
# the saddles of Figure 1(b).
# ```
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: exercise-local-minimum
# Let $a_1,a_2>0$ and $f(x)=\sigma(\beta\cdot x)$. Show that no network with positive output
# weights has a smaller risk, and conclude that the stuck networks are local minima in all
# weights together.
# ```
#
# ```{solution} exercise-local-minimum
# :class: dropdown
# Such a network has $f\ge0$, so on $\beta\cdot x<0$ its error is at least $|\beta\cdot x|$.
# The risk is therefore at least $\frac12\mathbb E[(\beta\cdot x)^2\,\mathbf 1\{\beta\cdot
# x<0\}]=\frac14\lVert\beta\rVert^2$, and $\sigma(\beta\cdot x)$ attains it. Small changes keep
# $a_1,a_2$ positive.
# ```
