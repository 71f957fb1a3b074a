# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What alignment does to the Jacobian
#
# {cite:t}`lightman2026` draws two conclusions from alignment: the effective dimension of the
# problem falls from $d$ to one, and the singular values of the Jacobian separate into large ones,
# which belong to $w^*$, and small ones. For an aligned network the spectrum of the Jacobian can be
# written down. It has $2d$ non-zero singular values, of which $2d-2$ have nothing to do with $w^*$,
# and they are not small.
#
# ```{claim} lightman2026.sec7.3i
# ```
#
# ```{claim} lightman2026.sec7.3ii
# ```
#
# **What would count against our reading.** An aligned network of another rank; a trained network
# whose singular values are not near the predicted levels.
#
# Neither "effective dimension" nor "the Jacobian" is defined in the paper. We take the Jacobian in
# the parameters, the object of training dynamics, and look at the gradient in the input at the end.

# %% tags=["parameters", "hide-input"]
seed: int = 2  # seed of all random numbers; 0..4294967295
dimension: int = 8  # dimension d; 3..30
width: int = 24  # width K of the trained networks; 12..200
n_steps: int = 2_000  # steps of training, of size 0.5; 1_000..100_000
samples: int = 20_000  # inputs of the sampled Jacobian; 5_000..1_000_000
# memory: 4e8 + 32 * samples * width * dimension bytes
# time: 5 + 1e-5 * n_steps * width + 4e-9 * samples * width * width * dimension * dimension seconds

# %%
import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import population, single_index
from shallow_relu import single_index_traps as traps
from shallow_relu import tangent_spectrum as tangent

chapter = open_chapter("alignment/jacobian_spectrum", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)
d, w_star = dimension, torch.eye(dimension)[0]

# %% [markdown]
# ## The levels
#
# The derivatives of $f$ in $a_j$ and $w_j$ are $\sigma(w_j\cdot x)$ and $a_j\mathbf 1\{w_j\cdot
# x>0\}\,x$. Let all neurons lie on the line of $w^*$, and let $A_\pm=\sum_\pm a_j^2$,
# $B_\pm=\sum_\pm\lVert w_j\rVert^2$ be sums over the neurons along $\pm w^*$. On the side
# $z=w^*\cdot x>0$ the sum of the products of derivatives at $x$ and $x'$ is
# $(A_++B_+)\,zz'+A_+\,x_\perp\cdot x'_\perp$. Its eigenfunctions are $\sigma(z)$ and $\mathbf
# 1\{z>0\}\,x_{\perp,i}$, each of squared norm $\frac12$. So the squared singular values of the
# population Jacobian are
#
# $$\tfrac12(A_\pm+B_\pm)\quad\text{(signal, once each)},\qquad
# \tfrac12A_\pm\quad\text{(noise, $d-1$ times each)},$$
#
# and zero: the rank is $2d$ if both sides have active neurons. In a balanced network $A_\pm=B_\pm$,
# which training from small weights gives, the ratio of signal to noise of one side is $\sqrt2$ in
# singular values, for any $d$. If moreover the coefficients of each side have one sign, then
# $A_\pm=\lvert s_\pm\rvert$, and the signal of the weaker side is *below* the noise of the stronger
# one as soon as $\lvert s_-\rvert<\frac12\lvert s_+\rvert$.
#
# Random aligned networks first, then balanced ones.

# %%
dimension_claim = chapter.claim("lightman2026.sec7.3i")
spectrum_claim = chapter.claim("lightman2026.sec7.3ii")


def aligned_network(K, d, s_plus, s_minus, spread):
    """Aligned network with zero risk; spread 1 is balanced, other values are not."""
    half = K // 2
    share = 0.2 + torch.rand(2, half, generator=generator)
    share = share / share.sum(dim=1, keepdim=True)
    c = (share * torch.tensor([[s_plus], [s_minus]])).flatten()
    sign = torch.tensor([1.0, -1.0]).repeat_interleave(half)
    size = c.abs().sqrt() * spread ** torch.randn(K, generator=generator)
    return (sign * size)[:, None] * torch.eye(d)[0], c / size


ranks, gaps, shapes = [], [], ((8, 3), (8, 5), (10, 10), (16, 8))
expected_ratios, ratios = [], []
for K, dim in shapes:
    W, a = aligned_network(K, dim, 1.0, -0.4, 1.5)
    values = tangent.spectrum(W, a)
    signal, noise = tangent.aligned_levels(W, a, torch.eye(dim)[0])
    levels = tangent.level_spectrum(signal, noise, dim)
    gaps.append((values[: 2 * dim] - levels).abs().max())
    ranks.append(int((values > 1e-10 * values[0]).sum()))
    total = signal.sum() + (dim - 1) * noise.sum()
    squares = signal.square().sum() + (dim - 1) * noise.square().sum()
    expected_ratios.append(float(total**2 / squares))
    ratios.append(float(tangent.participation_ratio(values)))
dimension_claim.check("rank", measured=ranks, expected=[2 * dim for _, dim in shapes])
dimension_claim.check("participation ratio", measured=ratios, expected=expected_ratios)
spectrum_claim.check("levels", measured=gaps, n=len(shapes))
turned = aligned_network(8, 5, 1.0, -0.4, 1.5)
bent = turned[0] + 0.3 * torch.randn(8, 5, generator=generator)
values = tangent.spectrum(bent, turned[1])
dimension_claim.control(
    "not aligned", "rank", measured=int((values > 1e-10 * values[0]).sum()), expected=10
)
levels = tangent.level_spectrum(*tangent.aligned_levels(bent, turned[1], torch.eye(5)[0]), 5)
spectrum_claim.control("not aligned", "levels", measured=(values[:10] - levels).abs().max())

W, a = aligned_network(10, d, 1.0, 0.2, 1.0)
teacher, a_star = single_index.teacher(w_star, 1.0, 0.2)
values = tangent.spectrum(W, a)
risk = population.risk(W, teacher, a, a_star)
off = single_index.angle_to_line(W, w_star)
X = torch.randn(samples, d, generator=generator)
sampled = torch.linalg.svdvals(tangent.jacobian(W, a, X)).square()
spectrum_claim.check("samples", measured=sampled[: 2 * d], expected=values[: 2 * d])
rank = int((values > 1e-10 * values[0]).sum())
ratio = float((values[0] / values[1]).sqrt())
noise_share = 1 - float(tangent.aligned_levels(W, a, w_star)[0].sum() / values.sum())
second_signal = 1 + int((values > 0.2 + 1e-9).sum())  # 0.2 = (A + B) / 2 of the weaker side
for evidence in (dimension_claim, spectrum_claim):
    evidence.hypothesis("aligned: zero risk", "zero risk", measured=risk)
    evidence.hypothesis("aligned: angles to the line", "on the line", measured=off)
dimension_claim.violation("rank of the tangent model", "more than one", measured=rank)
spectrum_claim.violation("signal over noise, singular values", "small gap", measured=ratio)
spectrum_claim.violation("share of the noise", "noise share", measured=noise_share)
spectrum_claim.violation("place of the second signal", "second signal", measured=second_signal)
chapter.number("rank", rank, ".0f", tolerance=0)
chapter.number("parameters", 10 * (d + 1), ".0f", tolerance=0)
chapter.number("ratio", ratio, ".4f", tolerance=1e-9)
chapter.number("noise_share", noise_share, ".3f", tolerance=1e-9)
chapter.number("place", second_signal, ".0f", tolerance=0)
chapter.number("participation", tangent.participation_ratio(values), ".2f", tolerance=1e-9)

# %% [markdown]
# The balanced network for $s=(1,\frac15)$ has {number}`parameters` parameters and rank
# {number}`rank`. The first singular value is {number}`ratio` times the next one, which is noise.
# The noise has {number}`noise_share` of the sum of squares, in general $\frac{d-1}{d+1}$, and the
# second signal is number {number}`place` in the order. The effective number of squared singular
# values, their participation ratio $(\sum\lambda)^2/\sum\lambda^2$, is {number}`participation`.
#
# ## Trained networks
#
# Is this so after training, when networks are only nearly aligned? Two networks are trained from
# small random weights, for $s=(1,\frac15)$ and $s=(1,\frac12)$, and their levels are read off their
# own weights.

# %%
slopes = torch.tensor([[1.0, 0.2], [1.0, 0.5]])
target = torch.stack([w_star, -w_star]).expand(2, 2, d)
start = 0.03 * width**-0.25 * torch.randn(2, width, d + 1, generator=generator)
run = traps.descend(start, target, slopes, torch.full((n_steps,), 0.5), every=n_steps)
W, a = run.state[..., :-1], run.state[..., -1]
values, at_start = tangent.spectrum(W, a), tangent.spectrum(start[..., :-1], start[..., -1])
levels = tangent.level_spectrum(*tangent.aligned_levels(W, a, w_star), d)
spectrum_claim.hypothesis("trained: risk", "trained risk", measured=run.risk[-1])
alignment = single_index.weighted_alignment(W, a, w_star)
spectrum_claim.hypothesis("trained: alignment", "trained alignment", measured=alignment)
trained_ratio = (values[:, 0] / values[:, 2]).sqrt()
spectrum_claim.violation("trained: first over third", "small gap, trained", measured=trained_ratio)
spectrum_claim.check("trained levels", measured=values[:, : 2 * d], expected=levels)
dimension_claim.check("trained rank", measured=values[:, 2 * d] / values[:, 0])
dimension_claim.control(
    "one value earlier", "trained rank", measured=values[:, 2 * d - 1] / values[:, 0]
)
signals = tangent.overlaps(W[0], a[0], -w_star, 2 * d)
chapter.number("trained_ratio", trained_ratio[0], ".2f")
chapter.number("trained_place", 1 + int(signals.argmax()), ".0f", tolerance=0)
chapter.number("trained_overlap", signals.max(), ".3f")
for name, squares in (("before", at_start[0]), ("after", values[0])):
    chapter.number(name, (squares > 0.005 * squares[0]).sum(), ".0f", tolerance=0)

covariance = torch.linalg.eigvalsh(tangent.input_gradient_covariance(W, a)).flip(-1)
top = slopes.square().sum(1) / 2
dimension_claim.check("input gradients", measured=covariance[:, 1] / covariance[:, 0])
spectrum_claim.check("input gradients", measured=covariance[:, 0], expected=top)
before = torch.linalg.eigvalsh(
    tangent.input_gradient_covariance(start[..., :-1], start[..., -1])
).flip(-1)
dimension_claim.control("at the start", "input gradients", measured=before[:, 1] / before[:, 0])

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.4), sharey=True)
index = range(1, 2 * d + 7)
for i, panel in enumerate(axes):
    panel.semilogy(index, values[i, : 2 * d + 6], "o", color=COLOURS["measured"], label="trained")
    panel.semilogy(
        range(1, 2 * d + 1), levels[i], "_", color=COLOURS["theory"], markersize=11, label="levels"
    )
    panel.semilogy(
        index,
        at_start[i, : 2 * d + 6] / at_start[i, 0],
        "x",
        color=COLOURS["muted"],
        label="start, over the first",
    )
    panel.set(xlabel="index", title=rf"$s=(1,{float(slopes[i, 1]):g})$", ylim=(1e-4, 2))
axes[0].set(ylabel="squared singular value")
axes[0].legend(loc="lower left")
chapter.figure(
    "fig-lightman2026-sec7-3-spectrum",
    figure,
    caption=r"Squared singular values of the Jacobian in the parameters, after training, with the "
    r"levels predicted from the weights. The signals are number 1 and, for $s_-=\frac15$, number "
    rf"${d + 1}$; all others up to ${2 * d}$ are noise. Grey: before training.",
    alt="Two panels of dots on steps: one high value, a plateau at half of it, one value, a lower "
    "plateau, then a steep fall.",
    data={
        "index": list(index),
        "trained_fifth": values[0, : 2 * d + 6],
        "trained_half": values[1, : 2 * d + 6],
    },
    claims=["lightman2026.sec7.3i", "lightman2026.sec7.3ii"],
)

# %% [markdown]
# For $s=(1,\frac15)$ the ratio of the first and third singular values is {number}`trained_ratio`.
# The signal $\sigma(-w^*\cdot x)$ is the singular vector number {number}`trained_place`, with a
# squared cosine of {number}`trained_overlap`. What does collapse is the rank: {number}`before`
# squared singular values exceed $\frac1{200}$ of the first before training, {number}`after` after
# it.
#
# ## Where it stops being true
#
# - *What is right about (i).* The network function has become a function of one variable. That is
#   true of every network with zero risk, aligned neuron by neuron or not, and the covariance of the
#   input gradients has rank one, with the eigenvalue $\frac12(s_+^2+s_-^2)$: checked above.
# - *What is right about (ii).* Read for the gradient in the input, it is that rank-one statement.
#   For the parameters, signal stands out only if $B_\pm\gg A_\pm$, that is, if neurons are long and
#   output weights small, which balanced training excludes.
# - With one side only ($s_-=0$ and no neuron along $-w^*$) the rank is $d$.
#
# ```{admonition} Errata
# :class: warning
# **Section 7.3(i)** does not define the effective dimension. Read as the rank of the tangent model,
# it is $2d$, not one. One is the number of variables of the learned function. **Section 7.3(ii)**:
# in the parameters' Jacobian signal and noise of one side differ by the factor $\sqrt2$ in a
# balanced network. If moreover the coefficients of each side have one sign (so
# $A_\pm=\lvert s_\pm\rvert$) and $\lvert s_-\rvert<\frac12\lvert s_+\rvert$, the signal of the
# weaker side is below the noise of the stronger one. Counterexample: any balanced aligned network.
# True for the gradient in the input.
# ```
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: ex-lightman2026-jacobian
# Freeze the neurons of an aligned network and train the output weights alone. What is the rank of
# the Jacobian then?
# ```
#
# ```{solution} ex-lightman2026-jacobian
# :class: dropdown
# The features are multiples of $\sigma(w^*\cdot x)$ and $\sigma(-w^*\cdot x)$: the rank is $2$.
# ```
