# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The sum of the two neurons never grows
#
# The stationary points of the previous chapter all have a large sum,
# $\lVert w_1+w_2\rVert \ge\lVert\beta\rVert$. {cite:t}`linear2025` avoid them by one
# observation: descent never increases this sum. A start with a small sum therefore stays away
# from them for ever. The paper proves it for steps up to 1, by a page of trigonometry. The
# parity identity proves it for steps up to 4, in two lines, and shows what it rests on: not
# the Gaussian law, but symmetry.
#
# ```{claim} linear2025.lem3
# ```
#
# ```{claim} linear2025.fig5
# ```
#
# **What would count against them.** One pair of neurons whose sum grows in a step of size at most
# one; an iteration of a whole run at which it grows; a final rate that is not the predicted one.

# %% tags=["parameters", "hide-input"]
seed: int = 3  # seed of all random numbers; 0..4294967295
pairs: int = 5_000  # random pairs behind each largest growth; 100..1_000_000
dimension: int = 100  # dimension d of Figure 5; 2..1000; paper 100
step: float = 0.1  # step size of Figure 5; 0.01..1; paper 0.1
runs: int = 5  # runs behind Figure 5 and behind the check of paths; 1..100; paper 1
samples: int = 40  # random samples of each size; 10..1_000
# memory: 2e8 + 1e3 * pairs bytes
# time: 5 + 2e-4 * pairs + 0.1 * runs + 0.03 * samples + 0.04 / step seconds

# %% tags=["hide-input"]
import math

import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from companion.verdicts import proportion_interval
from shallow_relu.intervals import slope_interval
from shallow_relu.linear_saddles import (
    agreement_matrix,
    ray_point,
    risk_by_parity,
    risk_gradient,
    sum_growth,
)

chapter = open_chapter("linear_targets/sum_never_grows", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)
rounding = 1e-9  # growth below this share is not counted


def normal(*shape):
    return torch.randn(*shape, generator=generator)


def growth(W, gradient, step):
    """Factor by which a step stretches the sum of the neurons."""
    return (W - step * gradient).sum(dim=-2).norm(dim=-1) / W.sum(dim=-2).norm(dim=-1)


# %% [markdown]
# ## Why it holds
#
# Put $s=\frac12(w_1+w_2)$ and let
# $M=\mathbb E[xx^\top\mathbf 1\{(w_1\cdot x)(w_2\cdot x)>0\}]$, so $0\preceq M\preceq I$. The
# odd part of the risk contains $\beta$ but not $s$; the even part gives $\nabla_sR=(I-M)s$.
# One step of descent is
#
# $$s\;\mapsto\;\bigl(I-\tfrac\eta2(I-M)\bigr)s .$$
#
# The eigenvalues of the matrix lie between $1-\frac\eta2$ and $1$. So the sum cannot grow if
# $\eta\le4$. $\square$ For $\eta>4$ take almost antipodal neurons: $M$ is almost zero, and the
# sum is multiplied by almost $1-\frac\eta2<-1$. Hence the largest factor over all pairs is
# $\max(1,\frac\eta2-1)$, whatever $\beta$ is.
#
# To look for violations we draw pairs with angles that crowd at $0$ and at $\pi$, with norms over
# four orders of magnitude, and targets of any size.

# %%
lemma = chapter.claim("linear2025.lem3")


def draw_pairs(n, d):
    u, v = normal(n, d), normal(n, d)
    v = v - (u * v).sum(-1, keepdim=True) / u.square().sum(-1, keepdim=True) * u
    u, v = u / u.norm(dim=-1, keepdim=True), v / v.norm(dim=-1, keepdim=True)
    gap = math.pi / 2 * 10 ** (-2.5 * torch.rand(n, 1, generator=generator))
    theta = torch.where(torch.arange(n)[:, None] % 2 == 0, gap, math.pi - gap)
    turned = theta.cos() * u + theta.sin() * v
    ratio = 10 ** (2 * torch.rand(n, 1, generator=generator) - 1)
    W = torch.stack(
        [u, torch.where(torch.rand(n, 1, generator=generator) < 0.5, 1, ratio) * turned], 1
    )
    return W, 10 ** (2 * torch.rand(n, 1, generator=generator) - 1) * normal(n, d)


pools = [draw_pairs(pairs, d) for d in (2, 3, 10)]
slopes = [risk_gradient(*pool) for pool in pools]


def largest_growth(step):
    return max(
        float(growth(W, slope, step).max()) for (W, _), slope in zip(pools, slopes, strict=True)
    )


small_steps = [largest_growth(eta) for eta in (0.01, 0.1, 0.5, 1.0)]
lemma.check("one step", measured=small_steps, n=12 * pairs)
lemma.control("$\\eta=4.2$", "one step", measured=largest_growth(4.2), n=3 * pairs)
etas = torch.linspace(0.25, 6, 24)
largest = [largest_growth(float(eta)) for eta in etas]
law = [sum_growth(float(eta)) for eta in etas]
lemma.check("sharp limit", measured=largest, expected=law, n=24 * 3 * pairs)
W = pools[0][0]
moved = (torch.eye(2) - agreement_matrix(W)) @ W.sum(dim=1)[..., None] / 2
gap = (slopes[0].sum(dim=1) - moved[..., 0]).abs().max()
chapter.number("identity_gap", gap, ".0e")
chapter.number("growth_at_one", max(small_steps) - 1, ".0e")
chapter.number("growth_beyond", largest_growth(4.2), ".3f")
chapter.number("law_beyond", sum_growth(4.2), ".1f")

# %% [markdown]
# The gradient moves $s$ as the identity says, to {number}`identity_gap`. At $\eta=4.2$ a
# sum was stretched by {number}`growth_beyond`; the law is {number}`law_beyond`.
#
# ## Symmetric samples, and others
#
# Replace the Gaussian law by a sample. If it contains $-x_i$ with every $x_i$, the proof goes
# through word for word, with $0\preceq M\preceq\hat\Sigma=\frac1n\sum_ix_ix_i^\top$: the sum
# cannot grow in a step $\eta\le4/\lambda_{\max}(\hat\Sigma)$. On a plain sample odd and even
# parts mix, and the target does push $s$. The lemma of the paper is about the population only,
# so this does not speak against it. It says why the paper's proof for samples has to be a
# different one.

# %%
features = 5
target = torch.eye(features)[0]
per_dimension = [1, 2, 3, 5, 10, 20, 50, 100]


def sampled_gradient(W, x):
    z = W @ x.mT
    residual = torch.relu(z[:, 0]) - torch.relu(z[:, 1]) - x @ target
    gates = (z > 0) * residual[:, None]
    return torch.tensor([1.0, -1.0])[:, None] * (gates @ x) / len(x)


plain, symmetric, trials = [], [], 50 * samples
for multiple in per_dimension:
    broken = torch.zeros(2, dtype=torch.long)
    for _ in range(samples):
        x = normal(multiple * features, features)
        W = math.sqrt(2 / (2 + features)) * normal(50, 2, features)
        for k, data in enumerate((x, torch.cat([x, -x]))):
            top = torch.linalg.eigvalsh(data.mT @ data / len(data))[-1]
            longer = growth(W, sampled_gradient(W, data), (1, 4)[k] / top) > 1 + rounding
            broken[k] += longer.sum()
    plain.append(int(broken[0]))
    symmetric.append(int(broken[1]))
lemma.check("symmetric samples", measured=sum(symmetric), expected=0, n=8 * trials)
lemma.control("plain samples", "symmetric samples", measured=sum(plain), expected=0, n=8 * trials)
chapter.number("plain_share", plain[2] / trials, ".0%")
chapter.number("plain_share_large", plain[-1] / trials, ".1%")

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(6.8, 3.1))
axes[0].plot(etas, largest, "o", color=COLOURS["measured"], label="largest found")
axes[0].plot(etas, law, color=COLOURS["theory"], label=r"$\max(1,\eta/2-1)$", zorder=1)
for limit, colour, name in ((1, "bound", "paper's limit"), (4, "teacher", "sharp limit")):
    axes[0].axvline(limit, color=COLOURS[colour], ls="--", lw=1.2, label=name)
axes[0].set(xlabel=r"step size $\eta$", ylabel="largest growth of the sum", ylim=(0.9, 2.45))
axes[0].legend(loc="upper left", bbox_to_anchor=(0.165, 1.0), fontsize=8)
bars = [proportion_interval(count, trials, level=0.95) for count in plain]
share = [count / trials for count in plain]
below = [value - low for value, (low, _) in zip(share, bars, strict=True)]
above = [high - value for value, (_, high) in zip(share, bars, strict=True)]
axes[1].errorbar(
    per_dimension, share, [below, above], fmt="o", color=COLOURS["measured"], label="plain sample"
)
axes[1].plot(
    per_dimension,
    [count / trials for count in symmetric],
    "s",
    color=COLOURS["student"],
    label="symmetrised sample",
)
axes[1].set(
    xscale="log", xlabel="samples per dimension $n/d$", ylabel="share of steps that stretch"
)
axes[1].set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
axes[1].minorticks_off()
axes[1].legend(loc="upper right")
chapter.figure(
    "fig-linear2025-sum-growth",
    figure,
    caption=r"Left: the largest growth of $\lVert w_1+w_2\rVert$ in one step of descent on the "
    r"population risk. It is 1 up to $\eta=4$. Right: on samples, the share of random pairs "
    r"($d=5$, 95% intervals) whose sum grows in one step of size $1/\lambda_{\max}$ (plain) and "
    r"$4/\lambda_{\max}$ (symmetrised).",
    alt="Left, dots on a line that is flat at one until step size four and then rises. Right, a "
    "share that falls from one half towards zero for plain samples, and zeros for symmetric ones.",
    data={
        "samples_per_dimension": per_dimension,
        "stretched_plain": plain,
        "stretched_symmetric": symmetric,
        "trials": [trials] * len(plain),
    },
    claims=["linear2025.lem3"],
)

# %% [markdown]
# With three samples per dimension {number}`plain_share` of the random pairs violate the lemma;
# with a hundred, {number}`plain_share_large`.
#
# ## Figure 5: both decay at known rates
#
# Near the minimum $M$ tends to zero, so $s$ shrinks by $1-\frac\eta2$ in each step, and the
# risk, a square, by $(1-\frac\eta2)^2$. These are the slopes of the paper's Figure 5. We start
# from Xavier initialisation with $d=100$ and $\eta=0.1$, and fit the last third. The control
# starts on the ray of stationary points.

# %%
curves = chapter.claim("linear2025.fig5")
beta = torch.eye(dimension)[0]
n_steps = int(44 / step)


def descend(W, step, n_steps):
    sums, risks = [], []
    for _ in range(n_steps + 1):
        sums.append(W.sum(dim=1).norm(dim=1))
        risks.append(sum(risk_by_parity(W, beta)))
        W = W - step * risk_gradient(W, beta)
    return torch.stack(sums), torch.stack(risks)


def grown(sums):
    return int((sums[1:] > sums[:-1] * (1 + rounding)).sum())


def tail_slopes(values):
    """Slopes of the logarithm over the last third, one for each run."""
    last = values[-len(values) // 3 :].log()
    return [slope_interval(range(len(last)), run.tolist())[0] for run in last.mT]


xavier = math.sqrt(2 / (2 + dimension)) * normal(runs, 2, dimension)
sums, risks = descend(xavier, step, n_steps)
stuck, _ = descend(ray_point(torch.tensor(1.0), beta)[None], step, n_steps)
rate = math.log1p(-step / 2)
curves.check("monotone", measured=grown(sums), expected=0, n=runs * n_steps)
curves.check("rate of the sum", measured=tail_slopes(sums), expected=rate, n=runs)
curves.check("rate of the risk", measured=tail_slopes(risks), expected=2 * rate, n=runs)
curves.control("start on the ray", "rate of the sum", measured=tail_slopes(stuck), expected=rate)
long_steps, _ = descend(2 * normal(20 * runs, 2, dimension), 1.0, 60)
lemma.check("paths", measured=grown(long_steps[:45]), expected=0, n=20 * runs * 45)
chapter.number("slope_of_sum", tail_slopes(sums)[0], ".5f", tolerance=1e-4)
chapter.number("slope_of_risk", tail_slopes(risks)[0], ".5f", tolerance=1e-4)
chapter.number("predicted_slope", rate, ".5f")

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.0, 3.3))
iterations = torch.arange(n_steps + 1)
for run in range(runs):
    label = (r"$\Vert w_1+w_2\Vert$", "risk $R$") if run == 0 else (None, None)
    axes.semilogy(iterations, sums[:, run], color=COLOURS["measured"], lw=1, label=label[0])
    axes.semilogy(iterations, risks[:, run], color=COLOURS["student"], lw=1, label=label[1])
for values, factor in ((sums, 1), (risks, 2)):
    late = iterations[n_steps // 3 :]
    line = values[-1].max() * torch.exp(factor * rate * (late - n_steps))
    axes.semilogy(late, 10 * line, "--", color=COLOURS["theory"], lw=1)
axes.plot([], [], "--", color=COLOURS["theory"], lw=1, label="predicted slopes")
axes.set(xlabel=r"iteration $\tau$", ylabel="risk, norm of the sum", ylim=(1e-20, 1e2))
axes.legend(loc="lower left")
chapter.figure(
    "fig-linear2025-fig5",
    figure,
    caption=r"Counterpart of Figure 5 of the paper, for several runs. The norm of the sum never "
    r"grows. "
    r"Sum and risk decay geometrically, with factors $1-\eta/2$ and $(1-\eta/2)^2$ (dashed lines, "
    r"shifted for visibility).",
    alt="Two bundles of straight falling lines on a logarithmic axis; the risk falls twice as "
    "steeply as the norm of the sum, both parallel to dashed lines.",
    data={
        "run": [run for run in range(runs) for _ in iterations],
        "iteration": iterations.repeat(runs),
        "sum": sums.mT.flatten(),
        "risk": risks.mT.flatten(),
    },
    claims=["linear2025.fig5"],
)

# %% [markdown]
# The slopes of the first run are {number}`slope_of_sum` and {number}`slope_of_risk`; the law is
# {number}`predicted_slope` and twice that.
#
# ## Where it stops being true
#
# - **Steps above 4.** There the sum can grow, and the minimum itself is unstable: its Hessian is
#   $\frac12I$.
# - **Zero neurons.** The proof divides by $\lVert w_j\rVert$. Where exactly one neuron is zero, the
#   lemma extends to averages of the limits of the gradient. If the gate of $w_2=0$ counts as
#   closed, which is no such average, $w_1$ moves towards $\beta$ alone and the sum can grow.
# - **Other symmetric laws.** The lemma holds for them too, for $\eta\le4/\lambda_{\max}$ of the
#   covariance. Without symmetry it fails, as on plain samples.
# - **A sum that does not grow is not a sum that shrinks.** For parallel neurons $M=I$ and the sum
#   stands still. This happens on the ray.
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ````{exercise} The trigonometric proof, shortened
# :label: exercise-linear-sum
#
# Let $\omega=\pi-\angle(w_1,w_2)$. Show that the eigenvalues of $M$ are
# $(\omega+\sin\omega)/\pi$, $(\omega-\sin\omega)/\pi$ and, $d-2$ times, $\omega/\pi$. Which of
# them matters for two neurons of equal norm?
# ````
#
# ````{solution} exercise-linear-sum
# :class: dropdown
#
# The gates agree on a double wedge of angle $\omega$ around the bisector $\hat w_1+\hat w_2$.
# In the plane, with $\mathbb E\lVert x\rVert^2=2$ and $\phi$ the angle to the bisector,
# $\frac1\pi\int_{-\omega/2}^{\omega/2}2\cos^2\phi\,d\phi=(\omega+\sin\omega)/\pi$, and with
# the sine $(\omega-\sin\omega)/\pi$. Across the plane the wedge only counts its probability
# $\omega/\pi$. For neurons of equal norm $s$ lies on the bisector, so the first eigenvalue
# matters: the sum is multiplied by $1-\frac\eta2\bigl(1-(\omega+\sin\omega)/\pi\bigr)$.
# ````
