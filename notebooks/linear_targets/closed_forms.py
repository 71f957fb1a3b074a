# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Linear targets: closed forms, and one identity behind them
#
# {cite:t}`linear2025` teach a ReLU network a linear function. Two neurons suffice, because
# $\beta\cdot x=\sigma(\beta\cdot x)-\sigma(-\beta\cdot x)$. The paper computes the population
# risk, its gradient and its Hessian in closed form. We check these formulas, find one
# misprint, and then read them once more by parity: odd and even functions do not interact.
# This view explains most of what the paper proves, and we use it in the chapters that follow.
#
# ```{claim} linear2025.eq5
# ```
#
# ```{claim} linear2025.eq6
# ```
#
# ```{claim} linear2025.eq8
# ```
#
# ```{claim} linear2025.eq9
# ```
#
# ```{claim} linear2025.appD
# ```
#
# **What would count against them.** A numerical integral that differs from a formula beyond
# rounding; a derivative that automatic differentiation does not confirm; a sample mean more than
# five standard errors away; a product of matrices whose sizes do not fit; iterates that part.

# %% tags=["parameters", "hide-input"]
seed: int = 2  # seed of all random numbers; 0..4294967295
dimension: int = 7  # dimension d of the inputs in the sampling checks; 2..200
n_samples: int = 100_000  # inputs in each sample; 1_000..10_000_000
networks: int = 20  # random networks behind each comparison; 5..1_000
# memory: 1e8 + 200 * n_samples * dimension bytes
# time: 6 + 2e-7 * n_samples * dimension + 0.02 * networks seconds

# %% tags=["hide-input"]
import math

import matplotlib.pyplot as plt
import torch
from scipy.integrate import quad

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import population
from shallow_relu.inputs import draw_inputs
from shallow_relu.kernels import angle, arc_cosine_1, arc_cosine_profile
from shallow_relu.linear_saddles import risk_by_parity, sum_and_difference
from shallow_relu.plane_quadrature import mean_in_the_plane

chapter = open_chapter("linear_targets/closed_forms", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)


def normal(*shape):
    return torch.randn(*shape, generator=generator)


def score(values, formula):
    """Largest error of the mean of samples, in standard errors."""
    error = values.std(dim=0) / math.sqrt(len(values))
    return ((values.mean(dim=0) - formula).abs() / error).max()


# %% [markdown]
# ## Equation 5: the kernel
#
# Only the plane of $u$ and $v$ matters. There we integrate over the angle; the radius contributes
# $\mathbb E\lVert x\rVert^2=2$. (The paper calls its step (a) an inequality; it is an equality.)

# %%
kernel = chapter.claim("linear2025.eq5")
angles = torch.linspace(0, math.pi, 25)
lengths = 0.1 + 3 * torch.rand(25, 2, generator=generator)


def kernel_formula(theta, sine=1.0):
    return (sine * torch.sin(theta) + (math.pi - theta) * torch.cos(theta)) / (2 * math.pi)


def kernel_integral(theta):
    wedge = (theta - math.pi / 2, math.pi / 2)
    return quad(lambda t: math.cos(t) * math.cos(t - theta) / math.pi, *wedge, epsabs=1e-14)[0]


sizes = lengths.prod(dim=1)
integral = sizes * torch.tensor([kernel_integral(float(theta)) for theta in angles])
kernel.check("integral", measured=sizes * kernel_formula(angles), expected=integral)
kernel.control(
    "without the sine", "integral", measured=sizes * kernel_formula(angles, 0.0), expected=integral
)
x = draw_inputs("gaussian", n_samples, dimension, generator)
u, v = normal(2, 10, dimension)
products = torch.relu(x @ u.mT) * torch.relu(x @ v.mT)
theta = angle(u, v)
formula = u.norm(dim=1) * v.norm(dim=1) * kernel_formula(theta)
kernel.check("samples", measured=score(products, formula), n=n_samples)

# %% [markdown]
# ## Equation 6: the risk
#
# In the plane the risk of any network is an integral over the angle of the input alone, with
# kinks where a gate opens. We integrate between the kinks. In higher dimension we sample.

# %%
risk = chapter.claim("linear2025.eq6")


def printed_risk(W, A, B, linear=0.5):
    norm = W.norm(dim=-1)
    profile = arc_cosine_profile(angle(W[:, None], W[None]))
    quadratic = ((A @ A.mT) * norm[:, None] * norm * profile).sum() / (4 * math.pi)
    return quadratic - linear * (A * (W @ B.mT)).sum() + 0.5 * (B * B).sum()


def risk_by_matrices(W, A, B):
    D = torch.diag(W.norm(dim=-1))
    H = arc_cosine_profile(angle(W[:, None], W[None]))
    quadratic = torch.trace(A.mT @ D @ H @ D @ A) / (4 * math.pi)
    return quadratic - 0.5 * torch.trace((A.mT @ W - B) @ B.mT)


def random_network(d, K=5, m=3):
    return normal(K, d), normal(K, m), normal(m, d)


def residual(x, W, A, B):
    return torch.relu(x @ W.mT) @ A - x @ B.mT


plane = [random_network(2) for _ in range(networks)]
space = [random_network(dimension) for _ in range(networks)]
integrals = [
    mean_in_the_plane(lambda x, n=n: residual(x, *n).square().sum(-1) / 2, n[0]) for n in plane
]
printed = [printed_risk(*n) for n in plane]
risk.check("integral", measured=printed, expected=integrals, n=networks)
risk.control(
    "linear term twice as large",
    "integral",
    measured=[printed_risk(*n, linear=1.0) for n in plane],
    expected=integrals,
)
traces = [risk_by_matrices(*n) for n in space]
risk.check("matrix form", measured=traces, expected=[printed_risk(*n) for n in space], n=networks)
values = residual(x, *space[0]).square().sum(-1) / 2
risk.check("samples", measured=score(values, printed_risk(*space[0])), n=n_samples)

# %% [markdown]
# ## Equations 7 and 8: the gradient
#
# Automatic differentiation of the risk serves as the oracle; the risk was integrated above. The
# forms for any number of outputs are correct. In the form for one output there is a slip of the
# pen.
#
# ```{admonition} Errata
# :class: warning
# **Equation 8 of the paper**, matrix form for one output. There $B=\beta^\top$ is a row, and
# the last term is printed as $-\frac12aB^\top$, a column times a column. For $d=2$ and two
# neurons the product of a $2\times1$ by a $2\times1$ matrix does not exist. It has to be
# $-\frac12a\beta^\top=-\frac12aB$, as in Appendix C.
# ```

# %%
slope = chapter.claim("linear2025.eq8")


def autograd(W, A, B):
    leaf = W.clone().requires_grad_()
    teacher = torch.cat([B, -B]), torch.cat([torch.eye(len(B)), -torch.eye(len(B))])
    return torch.autograd.grad(population.risk(leaf, teacher[0], A, teacher[1]), leaf)[0]


def gradient_by_sums(W, A, B, sine=1.0):
    norm = W.norm(dim=-1, keepdim=True)
    theta = angle(W[:, None], W[None])
    theta.fill_diagonal_(0)
    unit, weight = W / norm, (A @ A.mT) * norm.mT
    along = (weight * sine * theta.sin()).sum(dim=1, keepdim=True) * unit
    return (along + (weight * (math.pi - theta)) @ unit) / (2 * math.pi) - A @ B / 2


def gradient_by_matrices(W, A, B):
    norm = W.norm(dim=-1)
    theta = angle(W[:, None], W[None])
    theta.fill_diagonal_(0)
    gram = A @ A.mT
    bracket = gram * (math.pi - theta) @ torch.diag(norm) + torch.diag(gram * theta.sin() @ norm)
    return bracket @ (W / norm[:, None]) / (2 * math.pi) - A @ B / 2


def gradient_for_one_output(W, a, last):
    norm = W.norm(dim=-1)
    theta = angle(W[:, None], W[None])
    theta.fill_diagonal_(0)
    bracket = (math.pi - theta) * (a * norm) + torch.diag(theta.sin() @ (a * norm))
    return torch.diag(a) @ bracket @ (W / norm[:, None]) / (2 * math.pi) - last / 2


pairs = normal(2, 200, dimension)
leaf = pairs[0].clone().requires_grad_()
arc_cosine_1(leaf, pairs[1]).sum().backward()
theta = angle(*pairs)[:, None]
unit = pairs[0] / pairs[0].norm(dim=1, keepdim=True)
seven = pairs[1].norm(dim=1, keepdim=True) * theta.sin() * unit + (math.pi - theta) * pairs[1]
slope.check("kernel gradient", measured=seven / (2 * math.pi), expected=leaf.grad, n=200)
oracle = torch.stack([autograd(*n) for n in space])
sums = torch.stack([gradient_by_sums(*n) for n in space])
slope.check("sums", measured=sums, expected=oracle, n=networks)
slope.control(
    "without the sine",
    "sums",
    measured=torch.stack([gradient_by_sums(*n, sine=0.0) for n in space]),
    expected=oracle,
)
matrices = torch.stack([gradient_by_matrices(*n) for n in space])
slope.check("several outputs", measured=matrices, expected=oracle, n=networks)
W, A, B = space[0]
gated = (residual(x, W, A, B) @ A.mT) * (x @ W.mT > 0)
slope.check("samples", measured=score(gated[:, :, None] * x[:, None], sums[0]), n=n_samples)

single = [random_network(dimension, m=1) for _ in range(networks)]
W, A, B = single[0]
slope.hypothesis("one output: $B$ has one row", "one output", measured=len(B), expected=1)
slope.hypothesis("no neuron is zero", "shortest neuron", measured=W.norm(dim=1).min())
slope.violation("the printed $a\\,B^\\top$", "shapes", measured=B.mT.shape[0] - A.shape[1])
slope.check(
    "matrix form",
    measured=torch.stack([gradient_for_one_output(W, A[:, 0], A @ B) for W, A, B in single]),
    expected=torch.stack([autograd(*n) for n in single]),
    n=networks,
)

# %% [markdown]
# ## Equation 9: the Hessian
#
# The vectors $\hat w_{j,\ell^\perp}$ have to be *normalised* after the projection: the bar in
# the paper says so, though the text only defines the projection. Without it the entries are
# wrong, as the control shows. At parallel neurons the two vectors have no direction, but their
# blocks have a limit. The index of some projections in Appendix A.3.2 slips from $\ell$ to
# $i$.

# %%
curvature = chapter.claim("linear2025.eq9")


def printed_hessian(W, a, normalised=True):
    K, d = W.shape
    norm, identity = W.norm(dim=-1), torch.eye(d)
    unit = W / norm[:, None]
    theta = angle(W[:, None], W[None])
    blocks = torch.zeros(K, d, K, d)

    def off(j, l):  # noqa: E741
        part = (identity - torch.outer(unit[l], unit[l])) @ W[j]
        return part / part.norm() if normalised else part

    for l in range(K):  # noqa: E741
        P = identity - torch.outer(unit[l], unit[l])
        blocks[l, :, l] = a[l] ** 2 / 2 * identity
        for i in (i for i in range(K) if i != l):
            ratio = torch.outer(P @ unit[i], P @ unit[i]) / (P @ unit[i]).square().sum()
            weight = a[l] * a[i] * norm[i] * theta[l, i].sin() / (2 * math.pi * norm[l])
            blocks[l, :, l] += weight * (P + ratio)
            turned = torch.outer(unit[l], off(i, l)) + torch.outer(unit[i], off(l, i))
            gates = turned + (math.pi - theta[l, i]) * identity
            blocks[l, :, i] = a[l] * a[i] / (2 * math.pi) * gates
    return blocks


ours, second, autodiff, plain = [], [], [], []
for W, A, B in single:
    a, teacher = A[:, 0], population.linear_teacher(B[0])
    ours.append(printed_hessian(W, a))
    second.append(population.hessian(W, teacher[0], a, teacher[1]))
for W, A, B in single[:3]:
    a, teacher = A[:, 0], population.linear_teacher(B[0])

    def slope_of(W, a=a, teacher=teacher):
        return population.gradient(W, teacher[0], a, teacher[1])

    plain.append(printed_hessian(W, a, normalised=False))
    autodiff.append(torch.autograd.functional.jacobian(slope_of, W))
autodiff, plain = torch.stack(autodiff), torch.stack(plain)
curvature.check("autograd", measured=torch.stack(ours[:3]), expected=autodiff)
curvature.control("projection not normalised", "autograd", measured=plain, expected=autodiff)
curvature.check("second form", measured=torch.stack(ours), expected=torch.stack(second))
open_gates = (x @ u[0] > 0) & (x @ v[0] > 0)
moments = (open_gates[:, None] * x)[:, :, None] * x[:, None]
both = printed_hessian(torch.stack([u[0], v[0]]), torch.ones(2))[0, :, 1]
curvature.check("gate moments", measured=score(moments, both), n=n_samples)
chapter.number("not_normalised", (plain - autodiff).abs().max(), ".2f")

# %% [markdown]
# ## Appendix D: output weights can be absorbed
#
# Gradient descent with output weights $a_1,-a_2$ and steps $\eta/a_j^2$ is gradient descent on
# $\tilde w_j=a_jw_j$ with output weights $1,-1$. We compare 200 iterations. The controls use one
# step size for both neurons, and the step $\eta/a_j$ that Section 4.3 of the paper prints.

# %%
reduction = chapter.claim("linear2025.appD")
a, B = torch.tensor([[3.0], [-0.5]]), normal(1, dimension)
start = normal(2, dimension)


def descend(W, A, steps, n_steps=200):
    path, risks = [], []
    for _ in range(n_steps):
        W = W - steps[:, None] * gradient_by_sums(W, A, B)
        path.append(A.abs() * W)
        risks.append(printed_risk(W, A, B))
    return torch.stack(path), torch.stack(risks)


unit_path, unit_risks = descend(a.abs() * start, a.sign(), torch.full((2,), 0.3))
for power, name in ((2, ""), (0, "one step size"), (1, "steps divided by $a_j$")):
    path, risks = descend(start, a, 0.3 / a[:, 0].abs() ** power)
    if power == 2:
        reduction.check("iterates", measured=path, expected=unit_path, n=200)
        reduction.check("risks", measured=risks, expected=unit_risks, n=200)
    else:
        reduction.control(name, "iterates", measured=path, expected=unit_path)

# %% [markdown]
# ## The identity behind the paper
#
# By Appendix D we may take $f(x)=\sigma(w_1\cdot x)-\sigma(w_2\cdot x)$. Put
# $s=\frac12(w_1+w_2)$ and $p=\frac12(w_1-w_2)$. Since $\sigma(t)=\frac12(t+\lvert t\rvert)$,
#
# $$f(x)=\underbrace{p\cdot x}_{\text{odd}}
# +\underbrace{\tfrac12\lvert w_1\cdot x\rvert-\tfrac12\lvert w_2\cdot x\rvert}_{\text{even}},$$
#
# and the even part is $\pm\min\{\lvert s\cdot x\rvert,\lvert p\cdot x\rvert\}$. The target is odd.
# Under a symmetric law odd and even functions are orthogonal, so
#
# $$R=\tfrac12\lVert p-\beta\rVert^2+\tfrac12\,\mathbb E\min\{(s\cdot x)^2,(p\cdot x)^2\}$$
#
# for $x\sim\mathcal N(0,I_d)$. The difference of the neurons has to become $\beta$, and the even
# part has to vanish. There are two ways to make it small, $s=0$ or $p=0$, and this is where the
# difficulty of the problem comes from. Two kernels measure the same thing:
#
# $$R=\tfrac14\lVert W-W^*\rVert_F^2-\kappa(w_1,w_2)
# =\tfrac14\lVert\beta\rVert^2+\lVert p-\tfrac12\beta\rVert^2-\kappa(w_1,-w_2).$$
#
# They hold because $\frac12\mathbb E\min$ is $\frac12\lVert s\rVert^2-\kappa(w_1,w_2)$ and also
# $\frac12\lVert p\rVert^2-\kappa(w_1,-w_2)$. Each kernel is non-negative and vanishes to third
# order, where its arguments are antipodal. From these lines one can read off:
#
# - **The minimum.** Near $W^*$ the risk is $\frac14\lVert W-W^*\rVert_F^2$ up to third order.
#   The Hessian is $\frac12I$, all directions alike. The step $\eta=2$ is a Newton step, and
#   descent is stable up to $\eta=4$.
# - **The other stationary points.** Where $w_1$ and $w_2$ are parallel, $\kappa(w_1,-w_2)=0$ and
#   the risk is $\frac14\lVert\beta\rVert^2$ at best, attained at $p=\frac12\beta$: a plateau.
#   Turning the neurons apart lowers it, but only to third order (next chapter).
# - **Lemma 3.** Only $\frac12\lVert p-\beta\rVert^2$ contains $\beta$, so the target never pushes
#   $s$. What moves $s$ is $-(I-M)s$, $M=\mathbb E[xx^\top\mathbf 1\{\lvert p\cdot
#   x\rvert<\lvert s\cdot x\rvert\}]$ between $0$ and $I$: it can only shrink.
# - **Samples.** On data that contain $-x$ with each $x$ nothing changes. On other data an
#   odd-even cross term appears, and with it the need for concentration inequalities.

# %%
gaps = []
for _ in range(networks):
    W, beta = normal(2, 2), normal(2)
    s, p = sum_and_difference(W)
    smaller = mean_in_the_plane(lambda x, s=s, p=p: torch.minimum((x @ s) ** 2, (x @ p) ** 2), W)
    by_parity = (p - beta).square().sum() / 2 + smaller / 2
    gaps.append(by_parity - printed_risk(W, torch.tensor([[1.0], [-1.0]]), beta[None]))
risk.check("parity", measured=gaps, expected=0.0, n=networks)
W, beta = normal(1000, 2, dimension), normal(1000, dimension)
kernels = arc_cosine_1(W[:, 0], W[:, 1]), arc_cosine_1(W[:, 0], -W[:, 1])
whole = sum(risk_by_parity(W, beta))
s, p = sum_and_difference(W)
minimum_form = (W - torch.stack([beta, -beta], dim=1)).square().sum((1, 2)) / 4 - kernels[0]
ray_form = beta.square().sum(1) / 4 + (p - beta / 2).square().sum(1) - kernels[1]
chapter.number("two_forms", torch.stack([minimum_form, ray_form]).sub(whole).abs().max(), ".0e")
chapter.number("parity_gap", torch.stack(gaps).abs().max(), ".0e")

# %% tags=["hide-input"]
w1, w2, beta = torch.tensor([1.3, 0.9]), torch.tensor([0.1, 1.1]), torch.tensor([1.0, 0.0])
turn = torch.linspace(0, 2 * math.pi, 361)
circle = torch.stack([turn.cos(), turn.sin()], dim=-1)
network = torch.relu(circle @ w1) - torch.relu(circle @ w2)
flipped = torch.relu(-circle @ w1) - torch.relu(-circle @ w2)
odd, even = (network - flipped) / 2, (network + flipped) / 2
s, p = (w1 + w2) / 2, (w1 - w2) / 2
degrees = torch.rad2deg(turn)
figure, axes = plt.subplots(1, 2, figsize=(6.8, 3.0))
axes[0].plot(degrees, circle @ beta, color=COLOURS["teacher"], label=r"target $\beta\cdot x$")
axes[0].plot(degrees, network, color=COLOURS["student"], label="network $f$")
axes[0].plot(degrees, odd, "--", color=COLOURS["measured"], label="odd part")
axes[1].plot(degrees, (circle @ s).abs(), color=COLOURS["muted"], lw=1, label=r"$|s\cdot x|$")
axes[1].plot(degrees, (circle @ p).abs(), ":", color=COLOURS["theory"], label=r"$|p\cdot x|$")
axes[1].plot(degrees, even, color=COLOURS["measured"], label="even part of $f$")
for panel, top in ((axes[0], 2.3), (axes[1], 2.6)):
    panel.set(xlabel="angle of the input (degrees)", xticks=[0, 90, 180, 270, 360])
    panel.set_ylabel("value on the unit circle")
    panel.set_ylim(panel.get_ylim()[0], top)
    panel.legend(loc="upper center", ncols=1, fontsize=8)
chapter.figure(
    "fig-linear2025-parity",
    figure,
    caption=r"A network of two neurons on the unit circle. Left: its odd part is the linear "
    r"function $p\cdot x$. Right: up to its sign, the even part is the smaller of "
    r"$\lvert s\cdot x\rvert$ and $\lvert p\cdot x\rvert$. Training has to turn $p$ into $\beta$ "
    r"and to make the even part vanish.",
    alt="Left, the target, a network with kinks and its odd part, a sine curve. Right, the even "
    "part follows plus or minus the lower envelope of two rectified sine curves.",
    data={
        "degrees": degrees,
        "target": circle @ beta,
        "network": network,
        "odd": odd,
        "even": even,
        "s_x": (circle @ s).abs(),
        "p_x": (circle @ p).abs(),
    },
    claims=["linear2025.eq6"],
)

# %% [markdown]
# Against integration the identity holds to {number}`parity_gap`, and the two forms agree with
# it to {number}`two_forms` on a thousand random networks. The misreading of Equation 9 without
# normalisation would err by up to {number}`not_normalised`.
#
# ## Where it stops being true
#
# The closed forms need Gaussian inputs (up to one factor: rotation-invariant ones). The
# parity identity needs only a symmetric law, with $\lVert p-\beta\rVert^2$ replaced by
# $\mathbb E((p-\beta)\cdot x)^2$. At a zero neuron the gradient does not exist in general; where
# two neurons are parallel, formula (9) divides by zero while the Hessian itself is continuous.
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ````{exercise} A Newton step
# :label: exercise-linear-newton
#
# Show that one step of gradient descent with $\eta=2$ maps $(s,p-\beta)$ to $(Ms,-Mp)$. Conclude
# that the error $\lVert W-W^*\rVert_F$ is squared, up to a constant, near the minimum.
# ````
#
# ````{solution} exercise-linear-newton
# :class: dropdown
#
# The chain rule gives $\nabla_{w_1}R=\frac12(\nabla_sR+\nabla_pR)$ and
# $\nabla_{w_2}R=\frac12(\nabla_sR-\nabla_pR)$. So a step moves $s$ by $-\frac\eta2\nabla_sR$
# and $p$ by $-\frac\eta2\nabla_pR$. With $\nabla_sR=(I-M)s$ and $\nabla_pR=p-\beta+Mp$ the
# claim follows at $\eta=2$. Near the minimum $w_1$ and $w_2$ are almost antipodal: their angle
# misses $\pi$ by at most a constant times the error, and the norm of $M$ is at most a constant
# times this gap.
# ````
