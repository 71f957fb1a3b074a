# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The population gradient in closed form
#
# A ReLU neuron with weights $w$ is active on the half-space $w\cdot x>0$. Its gradient on a
# sample therefore mixes two gates: its own, and that of the neuron it learns from.
# {cite:t}`tian2017` averages this product over Gaussian inputs and finds a formula with two
# terms. Everything in that paper rests on it, and two more papers of this book use it too.
#
# ```{claim} tian2017.thm1
# ```
#
# ```{claim} tian2017.fig2
# ```
#
# ```{claim} tian2017.eq6
# ```
#
# ```{claim} tian2017.eq7
# ```
#
# ```{claim} tian2017.fig7
# ```
#
# **What would count against them.** A numerical integral that differs from the formula beyond
# rounding; samples whose mean lies more than five standard errors away; a gradient that
# automatic differentiation does not confirm; a rotation-invariant law with other coefficients;
# an error that does not fall like $n^{-1/2}$.

# %% tags=["parameters", "hide-input"]
seed: int = 1  # seed of all random numbers; 0..4294967295
dimension: int = 10  # dimension d of the inputs in the sampling checks; 2..1000
n_samples: int = 20_000  # inputs in the largest sample; 1_000..10_000_000; paper 1_000_000
repetitions: int = 40  # independent samples behind each error; 10..1_000; paper 60
device: str = "auto"  # where samples are processed; auto | cpu | cuda
# memory: 2e9 bytes
# time: 4 + 1.2e-6 * n_samples * repetitions + 2e-7 * n_samples * repetitions * dimension seconds

# %%
import math

import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import population, sampling
from shallow_relu.inputs import draw_inputs, positive_part_moment
from shallow_relu.intervals import mean_interval
from shallow_relu.kernels import angle, gated_mean

chapter = open_chapter("teacher_student/population_gradient", globals())
device = chapter.device()
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)


def gaussian(n):
    return draw_inputs("gaussian", n, dimension, generator, device=device)


# %% [markdown]
# ## Theorem 1: against integration, then against samples
#
# By rotation invariance only the plane of $e$ and $w$ matters. There both gates are open on a
# wedge of angle $\pi-\theta$. We integrate over the wedge numerically, at 25 angles, ends
# included.

# %%
theorem = chapter.claim("tian2017.thm1")
angles = torch.linspace(0, math.pi, 25)
e = torch.stack([angles.cos(), angles.sin()], dim=-1)
w = torch.tensor([1.0, 0.0]).expand_as(e)
formula = gated_mean(e, w)
integral = torch.tensor([sampling.gated_mean_by_quadrature(float(theta)) for theta in angles])
theorem.check("integral", measured=formula, expected=integral)
mass_term = (math.pi - angles[:, None]) / (2 * math.pi) * w
theorem.control("without the sine term", "integral", measured=mass_term, expected=integral)
gap = chapter.number("integral_gap", (formula - integral).abs().max(), ".0e")

# The two terms of Figure 2 as printed: the amount of data, and the asymmetry about e.
split = chapter.claim("tian2017.fig2")
data_share = torch.tensor([sampling.share_of_open_gates(float(theta)) for theta in angles])
split.check("mass term", measured=data_share[:, None] * w, expected=mass_term)
split.check(
    "asymmetric term",
    measured=integral - mass_term,
    expected=angles.sin()[:, None] * e / (2 * math.pi),
)
split.check("shares at the ends", measured=data_share[[0, -1]], expected=torch.tensor([0.5, 0.0]))
split.control("share of one gate alone", "mass term", measured=w / 2, expected=mass_term)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(6.8, 3.0))
for panel, entry, name in zip(axes, (0, 1), ("along $w$", "orthogonal to $w$"), strict=True):
    panel.plot(angles, formula[:, entry], color=COLOURS["theory"], label="formula")
    panel.plot(angles, integral[:, entry], "o", color=COLOURS["measured"], label="integral")
    panel.plot(angles, mass_term[:, entry], "--", color=COLOURS["control"], label="mass term only")
    panel.set(xlabel=r"angle $\theta$ between $e$ and $w$", ylabel=f"gating, {name}")
axes[0].legend()
chapter.figure(
    "fig-tian2017-thm1-integral",
    figure,
    caption=r"The population gating function of Theorem 1 against numerical integration. The part "
    r"along $w$ falls from $1/2$ to $0$ as the gates cease to overlap; the part orthogonal to $w$ "
    r"comes from the sine term alone, so dropping that term (dashed) is seen at once.",
    alt="Two curves against the angle from 0 to pi. Dots of the numerical integral lie on the "
    "closed formula in both panels; the dashed curve without the sine term misses them.",
    data={
        "theta": angles,
        "formula_along": formula[:, 0],
        "formula_across": formula[:, 1],
        "integral_along": integral[:, 0],
        "integral_across": integral[:, 1],
        "mass_term_along": mass_term[:, 0],
    },
    claims=["tian2017.thm1"],
)

# %% [markdown]
# The two agree to {number}`integral_gap`. Now samples. For each angle we draw inputs, average
# the gated inputs, and divide the error of every entry by its standard error. The largest of
# these scores should be an ordinary maximum of normal numbers; five would not be. As a control we
# draw inputs whose entries have unequal variances.

# %%
sample_angles = torch.deg2rad(torch.tensor([5.0, 30.0, 60.0, 90.0, 120.0, 150.0, 170.0]))


def largest_score(law):
    def draw(n):
        return draw_inputs(law, n, dimension, generator, device=device)

    e, w = (part.to(device) for part in sampling.unit_pairs(sample_angles, dimension, generator))
    mean, error = sampling.gated_mean_estimate(e, w, draw, n_samples)
    return ((mean - gated_mean(e, w)) / error).abs().max()


looks = len(sample_angles) * dimension
theorem.check("samples", measured=largest_score("gaussian"), n=looks)
theorem.control(
    "inputs with unequal variances", "samples", measured=largest_score("stretched"), n=looks
)

# %% [markdown]
# ## Equation 6: one neuron
#
# With one student neuron the gradient is the gating of $w$ by itself minus that of $w^*$. We
# compare the printed formula with automatic differentiation of the population risk, which is
# computed from the arc-cosine kernel and knows nothing of Equation 6, at random pairs. Then with
# automatic differentiation of the loss on a sample.

# %%
one_neuron = chapter.claim("tian2017.eq6")


def printed_gradient(w, teacher, sine=1.0):
    theta = angle(w, teacher)[..., None]
    ratio = torch.linalg.vector_norm(teacher, dim=-1) / torch.linalg.vector_norm(w, dim=-1)
    turn = theta * teacher - sine * ratio[..., None] * torch.sin(theta) * w
    return (w - teacher) / 2 + turn / (2 * math.pi)


students = torch.randn(200, dimension, generator=generator, device="cpu")
teachers = torch.randn(200, dimension, generator=generator, device="cpu")
leaf = students.clone().requires_grad_()
population.risk(leaf[:, None], teachers[:, None]).sum().backward()
one_neuron.check("autograd", measured=printed_gradient(students, teachers), expected=leaf.grad)
one_neuron.control(
    "without the sine term",
    "autograd",
    measured=printed_gradient(students, teachers, sine=0.0),
    expected=leaf.grad,
)

x = gaussian(n_samples).cpu()
leaf = students[0].clone().requires_grad_()
residual = torch.relu(x @ leaf) - torch.relu(x @ teachers[0])
(sampled,) = torch.autograd.grad(0.5 * residual.square().mean(), leaf)
per_sample = (residual * (x @ leaf > 0)).detach()[:, None] * x
score = (sampled - printed_gradient(students[0], teachers[0])) / (
    per_sample.std(dim=0) / math.sqrt(n_samples)
)
one_neuron.check("samples", measured=score.abs().max(), n=dimension)

# At the origin the limit depends on the direction of approach: -w*/2 along w*, 0 against it.
tiny = torch.stack([-1e-12 * teachers[0], 1e-12 * teachers[0]]).requires_grad_()
population.risk(tiny[:, None], teachers[:1]).sum().backward()
jump = tiny.grad[0] - tiny.grad[1]
one_neuron.check("jump at the origin", measured=jump, expected=teachers[0] / 2)

# %% [markdown]
# ## Equation 7: other isotropic inputs
#
# Write $x=\lVert x\rVert u$. For a rotation-invariant law $u$ is uniform on the sphere and
# independent of $\lVert x\rVert$, and the gated input is homogeneous of degree two in $x$. Hence
#
# $$\mathbb E F=\frac{\mathbb E\lVert x\rVert^2}{d}\;\cdot\;\text{(the Gaussian formula)}$$
#
# for *every* such law with a second moment. So Equation 7 holds in form, with the Gaussian
# coefficients up to one factor: it is not more general than Equation 5. The value $A(0)=n/2$ needs
# a normalisation that is not printed, $\mathbb E\,xx^\top=I$; on the unit sphere it fails. We check
# all this by integration over spheres in $\mathbb R^3$, and by samples of a heavy-tailed
# rotation-invariant law. The control is the uniform law on a cube, along two of its axes, where the
# means are known exactly.

# %%
isotropic = chapter.claim("tian2017.eq7")
radii = [1.0, math.sqrt(3), 2.0]
spheres = torch.tensor(
    [[sampling.gated_mean_on_sphere(float(t), radius) for t in angles] for radius in radii]
)
factor = torch.tensor(radii).square() / 3
isotropic.check("sphere", measured=spheres, expected=factor[:, None, None] * formula)
ends = torch.stack([factor / 2, torch.zeros(3)], dim=-1)
isotropic.check("ends", measured=spheres[:, [0, -1], 0], expected=ends)
isotropic.check("samples", measured=largest_score("student"), n=looks)
# Along w, where the gate shows one half of it, and across.
moments = [2 * sampling.gated_mean_on_sphere(0.0, 1.0)[0], sampling.second_moment_across(1.0)]
isotropic.hypothesis(
    "uniform on the unit sphere, so isotropic", "isotropy", measured=moments, expected=1 / 3
)
isotropic.violation("$A(0)$ is not $n/2$", "normalisation", measured=(spheres[0, 0, 0] - 0.5).abs())
isotropic.note = "The form is right; only the value of $A(0)$ needs a normalisation."
right_angle = gated_mean(torch.eye(2)[0], torch.eye(2)[1])


def along_axes(law):
    return torch.tensor([positive_part_moment(law) ** 2, 0.25])


isotropic.control(
    "a cube, along two axes", "sphere", measured=along_axes("uniform"), expected=right_angle
)

# %% [markdown]
# ## Figure 7: how large is the error of a sample?
#
# The paper shows the relative error against the angle, for several sample sizes. Its size can be
# computed exactly. With $C=[(\pi-\theta)+\sin\theta\cos\theta]/(2\pi)$ the mean square of the
# relative error of $n$ samples is
#
# $$\frac1n\left[\frac{(d+2)\,C}{\lVert\mathbb E F\rVert^2}-1\right].$$
#
# (The paper divides by the norm of the sample mean, we by that of the mean itself.) The next
# figure shows this law as lines, and the root mean square of measured errors as dots.

# %%
figure_seven = chapter.claim("tian2017.fig7")
sizes = [n_samples // 16, n_samples // 4, n_samples]


errors = torch.empty(len(sizes), len(sample_angles), repetitions)
without_sine = torch.empty_like(errors)
for r in range(repetitions):
    e, w = (part.to(device) for part in sampling.unit_pairs(sample_angles, dimension, generator))
    target = gated_mean(e, w)
    mass_term = ((math.pi - sample_angles) / (2 * math.pi)).to(device)[:, None] * w
    for i, n in enumerate(sizes):
        mean, _ = sampling.gated_mean_estimate(e, w, gaussian, n)
        for kept, formula in ((errors, target), (without_sine, mass_term)):
            kept[i, :, r] = (mean - formula).square().sum(-1) / target.square().sum(-1)


def slope_over_samples(errors):
    centred = torch.log(torch.tensor(sizes, dtype=torch.float64))
    centred = centred - centred.mean()
    weight = (centred / centred.square().sum())[:, None, None]
    return mean_interval((weight * errors.log() / 2).sum(0).mean(0))


law = torch.stack([sampling.relative_error_law(sample_angles, dimension, n) for n in sizes])
ratio, *interval = mean_interval((errors / law[..., None].square()).mean(dim=(0, 1)))
figure_seven.check("error law", measured=ratio, interval=interval, n=repetitions)
chapter.number("error_over_law", ratio, ".3f")
slope, *interval = slope_over_samples(errors)
figure_seven.check("fall with samples", measured=slope, interval=interval, n=repetitions)
chapter.number("slope_over_samples", slope, ".3f")
growth, *interval = mean_interval((errors[:, -1].log() - errors[:, 0].log()).mean(0) / 2)
figure_seven.check("growth with the angle", measured=growth, interval=interval, n=repetitions)
chapter.number("growth_factor", math.exp(growth), ".1f")
slope, *interval = slope_over_samples(without_sine)
figure_seven.control(
    "formula without the sine term", "fall with samples", measured=slope, interval=interval
)

# %% tags=["hide-input"]
degrees = torch.rad2deg(sample_angles)
measured = errors.mean(-1).sqrt()
smooth = torch.deg2rad(torch.linspace(1, 172, 120))
figure, axes = plt.subplots()
for i, (n, colour) in enumerate(zip(sizes, ("bound", "student", "measured"), strict=True)):
    curve = sampling.relative_error_law(smooth, dimension, n)
    axes.semilogy(torch.rad2deg(smooth), curve, color=COLOURS[colour], linewidth=1)
    axes.semilogy(degrees, measured[i], "o", color=COLOURS[colour], label=f"$n$ = {n:,}")
axes.set(
    xlabel=r"angle $\theta$ between $e$ and $w$ (degrees)",
    ylabel="relative error (root mean square)",
)
axes.legend()
chapter.figure(
    "fig-tian2017-fig7-angle",
    figure,
    caption=rf"Relative error of sampled gating in dimension {dimension}, against the angle: "
    rf"{repetitions} samples a dot, the exact law as lines. Counterpart of Figure 7(a-c) of the "
    r"paper: the error falls like $n^{-1/2}$ and grows as the gates cease to overlap.",
    alt="Three rows of dots, one for each sample size, on rising curves against the angle. Each "
    "fourfold sample halves the error; beyond 150 degrees the error rises steeply.",
    data={
        "n": [n for n in sizes for _ in degrees],
        "degrees": degrees.repeat(len(sizes)),
        "measured": measured.flatten(),
        "law": law.flatten(),
    },
    claims=["tian2017.fig7"],
)

# %% [markdown]
# The mean squared error is {number}`error_over_law` times what the law says, and the error falls
# with the samples like a power of exponent {number}`slope_over_samples`. From 5 to 170 degrees it
# grows by a factor {number}`growth_factor`.
#
# The paper then replaces the Gaussian by other laws and finds that the formula, up to scale,
# "still works for large $d$". At a fixed number of samples this is hard to see: the sampling
# error grows like $\sqrt d$ and covers everything. We show the paper's error on the left. On the
# right we remove the sampling noise: the product of two independent estimates, both projected off
# the formula, has no noise on average, so its mean over random directions is the squared bias.

# %%
dimensions = [2, 5, 10, 20, 50]
laws = ["gaussian", "sphere", "uniform", "laplace", "rademacher"]
groups, pairs = max(10, repetitions // 4), 64  # fresh samples and fresh directions in each group
shown = torch.empty(len(laws), len(dimensions), groups)
bias = torch.empty(len(laws), len(dimensions), groups)
for i, name in enumerate(laws):
    for j, d in enumerate(dimensions):

        def draw(n, name=name, d=d):
            return draw_inputs(name, n, d, generator, device=device)

        for g in range(groups):
            theta = torch.rand(pairs, generator=generator) * math.pi / 2
            e, w = (part.to(device) for part in sampling.unit_pairs(theta, d, generator))
            target = gated_mean(e, w)
            halves = [sampling.gated_mean_estimate(e, w, draw, n_samples // 2)[0] for _ in "ab"]
            shown[i, j, g] = sampling.error_up_to_scale(sum(halves) / 2, target).median()
            bias[i, j, g] = sampling.squared_bias_up_to_scale(*halves, target).mean()
means = [[mean_interval(cell, level=0.95) for cell in row] for row in bias]
uniform = bias[laws.index("uniform")]
drop, *interval = mean_interval(uniform[0] - uniform[dimensions.index(20)])
figure_seven.check("bias falls with dimension", measured=drop, interval=interval, n=groups)
axis_bias = sampling.error_up_to_scale(along_axes("uniform"), right_angle)
chapter.number("axis_bias", axis_bias, ".4f", tolerance=1e-9)


def squared_bias_along_axes(d):
    axes = torch.eye(d, device=device)
    e, w = axes[:1], axes[1:2]
    halves = [
        sampling.gated_mean_estimate(
            e, w, lambda n: draw_inputs("uniform", n, d, generator, device=device), n_samples // 2
        )[0]
        for _ in "ab"
    ]
    return sampling.squared_bias_up_to_scale(*halves, gated_mean(e, w)).mean()


along = torch.tensor(
    [squared_bias_along_axes(2) - squared_bias_along_axes(20) for _ in range(groups)]
)
drop, *interval = mean_interval(along)
figure_seven.control(
    "directions along the axes, at every dimension",
    "bias falls with dimension",
    measured=drop,
    interval=interval,
    n=groups,
)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(6.8, 3.2))
names = ("theory", "muted", "teacher", "student", "measured")
for i, (name, colour) in enumerate(zip(laws, names, strict=True)):
    axes[0].loglog(dimensions, shown[i].mean(-1), "o-", color=COLOURS[colour], label=name)
    if name in ("uniform", "laplace", "rademacher"):
        middle, low, high = torch.tensor(means[i]).T
        spread = [middle - low, high - middle]
        axes[1].errorbar(dimensions, middle, spread, fmt="o-", color=COLOURS[colour], capsize=2)
axes[1].axhline(axis_bias**2, color=COLOURS["teacher"], linestyle="--")
axes[1].annotate("uniform, two axes", (50, axis_bias**2), (50, 1.3 * axis_bias**2), ha="right")
axes[1].set(xscale="log", xlabel="dimension $d$", ylabel="squared bias")
axes[1].set_yscale("symlog", linthresh=1e-3)
for panel in axes:
    panel.set_xticks(dimensions, dimensions)
    panel.minorticks_off()
axes[0].set(xlabel="dimension $d$", ylabel="relative error up to scale (median)")
axes[0].legend()
chapter.figure(
    "fig-tian2017-fig7-inputs",
    figure,
    caption=rf"Inputs that are not Gaussian, {n_samples:,} samples, angles uniform in "
    r"$[0,\pi/2]$. Left, counterpart of Figure 7(d): the error of a sample up to scale; from "
    r"$d\approx50$ on all laws look alike because sampling error covers the rest. Right: the bias "
    r"alone, with 95% intervals. For random directions it fades with $d$; along two coordinate "
    r"axes (dashed) it stays at every dimension.",
    alt="Left: error against dimension for five laws; the curves differ at dimension 2 and merge "
    "at 50. Right: squared bias of three laws falls towards zero, a dashed line stays level.",
    data={
        "law": [name for name in laws for _ in dimensions],
        "dimension": dimensions * len(laws),
        "error_median": shown.mean(-1).flatten(),
        "squared_bias": [cell[0] for row in means for cell in row],
        "squared_bias_low": [cell[1] for row in means for cell in row],
        "squared_bias_high": [cell[2] for row in means for cell in row],
    },
    claims=["tian2017.fig7", "tian2017.eq7"],
)

# %% [markdown]
# **Beside the paper** (Figure 7, Section 7.1).
#
# - *Paper:* the error grows with the angle, as the gates overlap less. *Here:* yes, by a factor
#   {number}`growth_factor` from 5 to 170 degrees, as the exact law says.
# - *Paper:* it falls with the number of samples. *Here:* yes, with the exponent
#   {number}`slope_over_samples`.
# - *Paper:* (d) other zero-mean inputs: the formula still works for large $d$. *Here:* for random
#   directions the bias fades with $d$; the error of a sample cannot show it, since it grows like
#   $\sqrt d$ for all laws; along two axes the bias stays.
#
# ```{admonition} Errata
# :class: warning
# **Equation 7** is stated for isotropic inputs with $A(0)=\frac n2$. Smallest counterexample:
# inputs uniform on the unit sphere of $\mathbb R^3$, where $A(0)=\frac n6$. Corrected:
# $A(0)=\frac n2\,\mathbb E\lVert x\rVert^2/d$, which is $\frac n2$ if $\mathbb E\,xx^\top=I_d$.
# The form of the equation is right.
# ```
#
# ## Where it stops being true
#
# - **Directions along the axes.** Under uniform inputs, with $e$ and $w$ along two axes, the
#   means are $(3/16, 1/4)$ against the Gaussian $(1/2\pi, 1/4)$: a bias of {number}`axis_bias`
#   after the best scale, *at every dimension*. Averages over random directions do not see it.
#   So "works for large $d$" is about generic directions, not about sparse ones.
# - **Unequal variances.** The samples' control above: the scores leave the normal range.
# - **The origin.** Equation 6 has no limit at $w=0$; the gradient jumps by $w^*/2$ between the
#   approach along $w^*$ and the approach against it.
# - **Which isotropy.** "Isotropic" has to mean rotation-invariant. Covariance $I_d$ alone is not
#   enough; the cube has it too.
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: exercise-wedge
# Derive Theorem 1. In the plane of $e$ and $w$ use polar coordinates with $w$ at angle 0, and
# $\mathbb E\,r^2=2$ for a two-dimensional Gaussian. Over which angles are both gates open?
# ```
#
# ```{solution} exercise-wedge
# :class: dropdown
# Both gates are open for $\varphi\in(\theta-\pi/2,\pi/2)$. The part along $w$ is
# $\frac{\lVert w\rVert}{\pi}\int\cos^2\varphi\,d\varphi=\frac{\lVert w\rVert}{2\pi}
# (\pi-\theta+\sin\theta\cos\theta)$, the part across is
# $\frac{\lVert w\rVert}{\pi}\int\cos\varphi\sin\varphi\,d\varphi=\frac{\lVert w\rVert}{2\pi}
# \sin^2\theta$. Since $e=(\cos\theta,\sin\theta)$, this is the formula.
# ```
