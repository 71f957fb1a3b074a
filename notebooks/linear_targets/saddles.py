# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The saddles of linear targets, and how descent leaves them
#
# Two neurons learn $\beta\cdot x$. {cite:t}`linear2025` show that the risk has infinitely many
# stationary points besides the minimum, all at the value $\frac14\lVert\beta\rVert^2$, and
# that the Hessian does not push away from them. Their Figure 1(b) shows a run that seems to
# end at such a point. We determine *all* stationary points, find the direction in which the
# risk falls, compute how long a run has to wait before it takes this direction, and then wait.
#
# ```{claim} linear2025.appC
# ```
#
# ```{claim} linear2025.fig1
# ```
#
# **What would count against them.** A gradient on the ray that is not zero; a Hessian with
# other eigenvalues; a zero of the gradient elsewhere; a start near $1.5\,\beta$ that never
# leaves, or one that leaves at another time than predicted; a small start that misses the
# minimum.

# %% tags=["parameters", "hide-input"]
seed: int = 1  # seed of all random numbers; 0..4294967295
dimension: int = 100  # dimension d of Figure 1; 3..1000; paper 100
step: float = 0.1  # step size of Figure 1; 0.01..1; paper 0.1
noise: float = 0.1  # norm of the noise on 1.5 beta in Figure 1(b); 0.05..0.19
runs: int = 3  # runs of each kind in Figure 1; 1..50; paper 1
escapes: int = 8  # starts behind the law of the escape time; 6..200
searches: int = 200  # starts of the search for stationary points; 50..5_000
# memory: 1e8 + 4e5 * searches bytes
# time: 6 + 0.6 * escapes + 0.01 * searches + 0.01 * runs + 0.5 / (step * noise) seconds

# %% tags=["hide-input"]
import math

import matplotlib.pyplot as plt
import torch
from matplotlib.colors import PowerNorm

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import linear_saddles, population
from shallow_relu.intervals import slope_interval
from shallow_relu.kernels import angle
from shallow_relu.linear_saddles import risk_gradient

chapter = open_chapter("linear_targets/saddles", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)
signs = torch.tensor([1.0, -1.0])


def normal(*shape):
    return torch.randn(*shape, generator=generator)


def uniform(*shape):
    return torch.rand(*shape, generator=generator)


def risk(W, beta):
    return sum(linear_saddles.risk_by_parity(W, beta))


# %% [markdown]
# ## Appendix C: a ray of stationary points
#
# At $w_1=(c+1)\beta/a_1$, $w_2=c\,\beta/a_2$ with $c>0$ the network computes
# $\sigma((c+1)\beta\cdot x)-\sigma(c\,\beta\cdot x)=\sigma(\beta\cdot x)$: half of the target.
# Where the residual lives, $\beta\cdot x<0$, both gates are closed. So the gradient vanishes
# sample by sample, not only on average. For $c<-1$ the same happens with the other half.

# %%
ray = chapter.claim("linear2025.appC")
d, cases = 7, 40


def gradient(W, beta, a):
    teacher = population.linear_teacher(beta)
    return population.gradient(W, teacher[0], a, teacher[1])


c = torch.where(torch.arange(cases) % 2 == 0, 4 * uniform(cases) + 0.1, -1.1 - 4 * uniform(cases))
beta = normal(cases, d)
sizes = 0.3 + 2 * uniform(cases, 2)
W = linear_saddles.ray_point(c, beta) / sizes[..., None]
a = sizes * signs
ray.check("gradient", measured=gradient(W, beta, a), expected=0.0, n=cases)
middle = linear_saddles.ray_point(-uniform(cases), beta) / sizes[..., None]
ray.control(
    "$-1<c<0$: the gap of the ray", "gradient", measured=gradient(middle, beta, a), expected=0.0
)
x = normal(50, d)
leaf = W.clone().requires_grad_()
output = (a[:, None] * torch.relu(x @ leaf.mT)).sum(-1)
loss = 0.5 * (output - (x @ beta.mT).mT).square().mean(-1)
sampled = torch.autograd.grad(loss.sum(), leaf)[0]
ray.check("gradient of a sample", measured=sampled, expected=0.0, n=cases)

teacher = population.linear_teacher(beta)
hessian = population.hessian(W, teacher[0], a, teacher[1]).reshape(cases, 2 * d, 2 * d)
spectrum = torch.linalg.eigvalsh(hessian)
half = sizes.square().sum(dim=1, keepdim=True) / 2
expected = torch.cat([torch.zeros(cases, d), half.expand(cases, d)], dim=1)
ray.check("eigenvalues", measured=spectrum, expected=expected, n=cases)
shifts = 1e-7 * torch.eye(2 * d).reshape(2 * d, 2, d)
difference = gradient(W[0] + shifts, beta[0], a[0]) - gradient(W[0] - shifts, beta[0], a[0])
ray.check("differences", measured=difference.reshape(2 * d, -1) / 2e-7, expected=hessian[0])

# %% [markdown]
# The paper *defines* a non-strict saddle by these two facts. That word promises more: a
# direction in which the risk falls. The Hessian cannot show it, as it is positive
# semidefinite. The identity of the previous chapter can (output weights $\pm1$,
# $p=\frac12(w_1-w_2)$):
#
# $$R=\tfrac14\lVert\beta\rVert^2+\lVert p-\tfrac12\beta\rVert^2-\kappa(w_1,-w_2).$$
#
# On the ray the last two terms are zero. Keep $p=\frac12\beta$ and move both neurons by the same
# vector of length $u$ orthogonal to $\beta$. They turn apart, and the risk falls:
#
# $$R=\frac{\lVert\beta\rVert^2}4-\frac{\lVert w_1\rVert\lVert w_2\rVert}{2\pi}
# (\sin\theta-\theta\cos\theta)
# =\frac{\lVert\beta\rVert^2}4-\frac{u^3}{6\pi c^2(c+1)^2\lVert\beta\rVert}+\dots$$
#
# A fall of third order, in every direction orthogonal to $\beta$. So for $d\ge2$ these points are
# saddles in the usual sense too. In one dimension there is no such direction: same signs mean
# $\kappa(w_1,-w_2)=0$, so $R\ge\frac14\beta^2$ all around, and the points are *local minima*.

# %%
positions = torch.tensor([0.2, 0.5, 1.0, 3.0, -1.3, -2.5])
unit = torch.eye(3)[0].expand(6, 3)
across = torch.eye(3)[1].expand(2, 3)
shift = torch.full((6,), 1e-3)
fall = 0.25 - risk(linear_saddles.ray_point(positions, unit) + 1e-3 * across, unit)
ray.check("descent", measured=fall, expected=linear_saddles.ray_descent(positions, shift), n=6)
near = linear_saddles.ray_point(torch.tensor(1.0), torch.ones(1)) + uniform(5000, 2, 1) - 0.5
chapter.number("lower_in_one_dimension", (risk(near, torch.ones(1)) < 0.25 - 1e-12).sum(), ",.0f")
axis = torch.eye(2)[0]
alike = linear_saddles.ray_point(torch.tensor(1.0), axis) + uniform(5000, 1, 2) - 0.5
chapter.number("lower_in_two_dimensions", (risk(alike, axis) < 0.25 - 1e-12).sum(), ",.0f")
grid = torch.logspace(-3, 0, 25)
falls = {}
for place in (0.5, 1.0, 3.0):
    c = torch.full_like(grid, place)
    W = linear_saddles.ray_point(c, unit[:1]) + grid[:, None, None] * across
    falls[place] = 0.25 - risk(W, unit[:1])

# %% [markdown]
# ## There are no others
#
# The gradient in $s=\frac12(w_1+w_2)$ is $(I-M)s$, where $M=\mathbb E[xx^\top\mathbf 1\{(w_1\cdot
# x)(w_2\cdot x)>0\}]$. With $\theta=\angle(w_1,w_2)$ the largest eigenvalue of $M$ is
# $1-\frac{\theta-\sin\theta}\pi$, hence
#
# $$\lVert\nabla_{w_1}R+\nabla_{w_2}R\rVert\ge\frac{\theta-\sin\theta}{2\pi}\lVert w_1+w_2\rVert .$$
#
# At a stationary point without zero neurons the right-hand side vanishes. Either $w_1=-w_2$;
# then $M=0$, the gradient in $p$ is $p-\beta$, and the point is $W^*$. Or $\theta=0$; then
# $M=I$, the gradient in $p$ is $2p-\beta$, so $p=\frac12\beta$, and $w_1,w_2$ are positive
# multiples of one vector that differ by $\beta$: this is the ray. $\square$ The bound is
# attained for neurons of equal norm. We test it, and search for zeros of the gradient from
# random starts. Three dimensions are the general case, as gradients lie in the span of
# $\beta$, $w_1$ and $w_2$.

# %%
W, target = normal(2000, 2, 3), normal(2000, 3)
W[::2, 1] *= (W[::2, 0].norm(dim=1) / W[::2, 1].norm(dim=1))[:, None]
theta = angle(W[:, 0], W[:, 1])
bound = (theta - theta.sin()) / (2 * math.pi) * W.sum(dim=1).norm(dim=1)
pulled = risk_gradient(W, target).sum(dim=1).norm(dim=1)
usable = bound > 1e-6
ray.check("lower bound", measured=(pulled / bound)[usable], n=int(usable.sum()))

unit = torch.eye(3)[0].expand(searches, 3)
ends = linear_saddles.gradient_roots(normal(searches, 2, 3), unit, n_steps=150)
zero = risk_gradient(ends, unit).flatten(1).norm(dim=1) < 1e-10
at_minimum = linear_saddles.distance_to_minimum(ends, unit) < 1e-3
on_ray = linear_saddles.distance_to_ray(ends, unit) < 1e-2 * ends.flatten(1).norm(dim=1)
ray.check("other points", measured=(zero & ~at_minimum & ~on_ray).sum(), expected=0, n=searches)
ray.control("the ray forgotten", "other points", measured=(zero & ~at_minimum).sum(), expected=0)
chapter.number("found_minimum", (zero & at_minimum).sum(), ".0f")
chapter.number("found_ray", (zero & on_ray).sum(), ".0f")
chapter.number("found_nothing", (~zero).sum(), ".0f")
far = ends[~zero].norm(dim=-1)
chapter.number("nothing_norm", far.min() if len(far) else 0, ".0f", tolerance=0.5)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 2, figsize=(6.8, 3.1))
shown = ends[zero & (at_minimum | on_ray)][:, :, 0]
shown = shown[shown.abs().amax(dim=1) < 5]
for low, high in ((1, 5), (-4, 0)):
    axes[0].plot([low, high], [low - 1, high - 1], color=COLOURS["muted"], lw=4, alpha=0.35)
axes[0].plot(shown[:, 0], shown[:, 1], "o", color=COLOURS["measured"], label="zeros found")
axes[0].plot([], [], color=COLOURS["muted"], lw=4, alpha=0.35, label="ray")
axes[0].plot(1, -1, "*", ms=15, color=COLOURS["teacher"], zorder=0, label="minimum $W^*$")
axes[0].set(xlabel=r"$w_1\cdot\beta$", ylabel=r"$w_2\cdot\beta$", xlim=(-4, 5), ylim=(-5, 5))
axes[0].legend(loc="upper left")
for (place, fallen), colour in zip(falls.items(), ("measured", "student", "teacher"), strict=True):
    cubic = linear_saddles.ray_descent(torch.full_like(grid, place), grid)
    axes[1].loglog(grid, fallen, color=COLOURS[colour], label=f"$c$ = {place:g}")
    axes[1].loglog(grid, cubic, ":", color=COLOURS["theory"], lw=1)
axes[1].plot([], [], ":", color=COLOURS["theory"], lw=1, label="cubic law")
axes[1].set(xlabel="distance $u$ from the ray", ylabel=r"fall of the risk below $\frac{1}{4}$")
axes[1].legend(loc="upper left")
chapter.figure(
    "fig-linear2025-stationary-points",
    figure,
    caption=r"Left: zeros of the gradient found from random starts, in the coordinates along "
    r"$\beta$. "
    r"All lie at the minimum or on the two parts of the ray. Right: off the ray the risk falls "
    r"like "
    r"$u^3$, with the predicted prefactor (dotted).",
    alt="Left, dots on a line of slope one, with a gap in the middle, and at one star below it. "
    "Right, three straight lines of slope three on logarithmic axes on top of dotted ones.",
    data={
        "u": grid.repeat(3),
        "c": [place for place in falls for _ in grid],
        "fall": torch.cat(list(falls.values())),
    },
    claims=["linear2025.appC"],
)

# %% [markdown]
# Of the {number}`searches` searches, {number}`found_minimum` ended at the minimum and
# {number}`found_ray` on the ray; {number}`found_nothing` ran to norms of
# {number}`nothing_norm` or more, where the valley around the ray becomes flat, without
# reaching a zero. Of 5000 random points around $(2\beta,\beta)$ in one dimension,
# {number}`lower_in_one_dimension` lie below the plateau. In two dimensions, of 5000 points
# with both neurons moved alike, {number}`lower_in_two_dimensions` do.
#
# ## Figure 1, as in the paper
#
# The paper's setting: $d=100$, $\eta=0.1$, $\beta=e_1$, weights near the origin in (a), near
# $1.5\,\beta$ in (b), where we add noise of norm {number}`noise_norm` to each neuron. In the
# first run both neurons get the same noise, orthogonal to $\beta$. Part (b) stops after 1000
# iterations.

# %%
landscape = chapter.claim("linear2025.fig1")
beta = torch.eye(dimension)[0]


def descend(W, n_steps, every):
    """Gradient descent; positions in the plane of the figure, risks and gradients on the way."""
    planes, risks, target = [], [], beta.expand(len(W), -1)
    for iteration in range(n_steps + 1):
        if iteration % every == 0:
            planes.append(W[..., :2])
            risks.append(risk(W, target))
        if iteration < n_steps:
            W = W - step * risk_gradient(W, target)
    return W, torch.stack(planes), torch.stack(risks)


small = 0.01 * math.sqrt(2 / (2 + dimension)) * normal(runs, 2, dimension)
arrived, small_path, _ = descend(small, 600, 5)
landscape.check("small starts", measured=linear_saddles.distance_to_minimum(arrived, beta), n=runs)

shift = normal(runs, 2, dimension)
start = 1.5 * beta + noise * shift / shift.norm(dim=-1, keepdim=True)
# The first start is the smallest counterexample; the last has no part orthogonal to beta.
start[0] = 1.5 * beta + noise * torch.eye(dimension)[1]
start = torch.cat([start, torch.stack([1.6 * beta, 1.45 * beta])[None]])
s, _ = linear_saddles.sum_and_difference(start[:runs])
across = s[:, 1:].norm(dim=-1)
predicted = linear_saddles.escape_law(s[:, 0] - 0.5, across) / step
n_steps = int(1.05 * float(predicted.max())) + 200
final, path, risks = descend(start, n_steps, 10)
chapter.number("noise_norm", noise, "g")
chapter.number("searches", searches, ".0f")

# %% tags=["hide-input"]
PLUS, MINUS = COLOURS["teacher"], COLOURS["measured"]


def draw_plane(panel, track, title):
    for neuron, colour in ((0, PLUS), (1, MINUS)):
        for run in range(track.shape[1]):
            panel.plot(*track[:, run, neuron].mT, color=colour, lw=1)
        panel.plot(*track[-1, :, neuron].mT, "o", color=colour, zorder=3)
    for end in (1, -1):
        arrow = {"arrowstyle": "-|>", "color": "black", "lw": 1.6}
        panel.annotate("", xy=(end, 0), xytext=(0, 0), arrowprops=arrow, zorder=1)
    panel.set(title=title, xlabel=r"along $\beta$", ylabel="orthogonal direction")


figure = plt.figure(figsize=(7.2, 2.9))
cells = figure.add_gridspec(1, 3, width_ratios=(1, 1, 1.25))
panels = [figure.add_subplot(cells[0]), figure.add_subplot(cells[1])]
early = path[: 1000 // 10 + 1, :runs]
draw_plane(panels[0], small_path, "(a) start near the origin")
draw_plane(panels[1], early, r"(b) start near $1.5\,\beta$")
panels[0].set(xlim=(-1.3, 1.3), ylim=(-0.02, 0.02), xticks=[-1, 0, 1])
panels[0].set_yticks([-0.02, 0, 0.02])
panels[1].set(xlim=(-1.3, 2.4), ylim=(-0.6 * noise, 1.4 * noise), xticks=[-1, 0, 1, 2])
panels[1].set_yticks([-0.5 * noise, 0, 0.5 * noise, noise])
relief = figure.add_subplot(cells[2], projection="3d", computed_zorder=False)
axis = torch.linspace(-3, 3, 41)
alpha1, alpha2 = torch.meshgrid(axis, axis, indexing="ij")
height = risk(torch.stack([alpha1, alpha2], dim=-1).reshape(-1, 2, 1), torch.ones(1))
height = height.reshape(41, 41)
shades = PowerNorm(0.45, 0, 8)
relief.plot_surface(
    alpha1, alpha2, height, cmap="viridis", norm=shades, rcount=41, ccount=41, rasterized=True
)
for floor in (torch.linspace(0, 2, 9), torch.linspace(-3, -1, 9)):
    relief.plot(floor + 1, floor, torch.full((9,), 0.25), color=COLOURS["control"], zorder=5)
relief.plot([1], [-1], [0], "*", ms=9, color="white", zorder=6)
relief.set(title="(c) landscape", xticks=[-2, 0, 2], yticks=[-2, 0, 2], zticks=[0, 4, 8])
relief.set_xlabel(r"$\alpha_1$", labelpad=-6)
relief.set_ylabel(r"$\alpha_2$", labelpad=-6)
relief.tick_params(pad=-2)
relief.view_init(48, -115)
relief.set_box_aspect((1, 1, 0.7), zoom=0.82)
chapter.figure(
    "fig-linear2025-fig1",
    figure,
    caption=r"Counterpart of Figure 1 of the paper. Red: neuron with output weight $+1$; blue: "
    r"$-1$; "
    r"arrows: $\pm\beta$; dots: last position. (a) Small starts reach $\pm\beta$. (b) After 1000 "
    r"iterations the neurons sit near $2\beta$ and $\beta$. (c) The risk for $w_1=\alpha_1\beta$, "
    r"$w_2=\alpha_2\beta$, with the floor of the valley (pink) and the minimum (star).",
    alt="Left, red and blue paths from the origin to the tips of two opposite arrows. Middle, "
    "paths from 1.5 to 2 and to 1 on the horizontal axis. Right, a surface with a flat valley.",
    data={
        "part": ["a"] * (2 * runs) + ["b"] * (2 * runs),
        "output_weight": [1, -1] * (2 * runs),
        "along": torch.cat([small_path[-1].reshape(-1, 2), early[-1].reshape(-1, 2)])[:, 0],
        "orthogonal": torch.cat([small_path[-1].reshape(-1, 2), early[-1].reshape(-1, 2)])[:, 1],
    },
    claims=["linear2025.fig1"],
)

# %% [markdown]
# The picture is the paper's. Is part (b) the end of the run? Near the ray put
# $s=(c+\frac12)\beta+u\,e$ with a unit vector $e\perp\beta$. By the cubic law
# $\dot u=u^2/T_1$ with $T_1=4\pi c^2(c+1)^2\lVert\beta\rVert$. Such a motion hides for long and
# then explodes: from $u=u_0$ at the start it takes the time $T_1/u_0$, which at $c=1$ is
# $16\pi\lVert\beta\rVert/u_0$. So we let the same runs continue, together with one start that
# lies exactly on the line of $\beta$.

# %%
everyone = beta.expand(runs + 1, -1)
leaf = start.clone().requires_grad_()
teacher = population.linear_teacher(everyone)
population.risk(leaf, teacher[0], signs.expand(runs + 1, 2), teacher[1]).sum().backward()
landscape.hypothesis(
    "all starts lie near $1.5\\,\\beta$",
    "near start",
    measured=(start[:runs] - 1.5 * beta).norm(dim=-1),
)
landscape.hypothesis(
    "the update is gradient descent on the population risk",
    "population gradient",
    measured=risk_gradient(start, everyone),
    expected=leaf.grad,
)
saddle = linear_saddles.ray_point(torch.tensor(1.0), beta)
landscape.violation(
    "the end is not $(2\\beta,\\beta)$",
    "away from the saddle",
    measured=(final[:runs] - saddle).flatten(1).norm(dim=1),
)
to_minimum = linear_saddles.distance_to_minimum(final, beta)
landscape.check("escape", measured=to_minimum[:runs], n=runs)
landscape.control("start exactly on the line of $\\beta$", "escape", measured=to_minimum[runs:])
landscape.check("plateau", measured=risks[100, :runs], expected=0.25)
gone = 10 * (risks[:, :runs] > 0.125).sum(dim=0)
landscape.check("iterations", measured=gone, expected=predicted)
chapter.number("first_escape", gone.min(), ",.0f")
chapter.number("last_escape", gone.max(), ",.0f")
chapter.number("first_prediction", predicted.min(), ",.0f")
chapter.number("last_prediction", predicted.max(), ",.0f")

valley = torch.cat([torch.linspace(0.05, 4, 40), torch.linspace(-5, -1.05, 40)])
W = linear_saddles.ray_point(valley, beta)
landscape.check("valley gradient", measured=risk_gradient(W, beta), expected=0.0)
landscape.check("valley risk", measured=risk(W, beta), expected=0.25)

# %% tags=["hide-input"]
iterations = 10 * torch.arange(len(path))
figure, axes = plt.subplots(1, 2, figsize=(6.8, 3.1))
draw_plane(axes[0], path[:, :runs], "the same runs, continued")
axes[0].set(xlim=(-1.3, 2.4), xticks=[-1, 0, 1, 2])
for run in range(runs):
    axes[1].semilogy(iterations, risks[:, run].clamp(min=1e-7), color=COLOURS["student"], lw=1.2)
axes[1].plot([], [], color=COLOURS["student"], lw=1.2, label="noisy starts")
axes[1].plot(iterations, risks[:, runs], "--", color=COLOURS["control"], label=r"on the line")
axes[1].axvline(1000, color=COLOURS["muted"], lw=1, ls=":")
axes[1].text(1100, 3e-7, "figure above", color=COLOURS["muted"], fontsize=8)
axes[1].set(xlabel=r"iteration $\tau$", ylabel="risk $R$", ylim=(1e-7, 2))
axes[1].legend(loc="center left", bbox_to_anchor=(0.02, 0.6))
chapter.figure(
    "fig-linear2025-fig1-continued",
    figure,
    caption=r"Figure 1(b) continued. The risk rests at $\frac14$ for thousands of iterations, "
    r"then the "
    r"neurons leave the ray sideways and end at $\beta$ and $-\beta$. Only the start that lies "
    r"exactly on the line of $\beta$ (dashed) stays.",
    alt="Left, paths that lead from near 2 and 1 in wide arcs to plus one and minus one. Right, "
    "the risk against iterations: a long plateau at one quarter, then a steep fall.",
    data={
        "run": [run for run in range(runs + 1) for _ in iterations],
        "iteration": iterations.repeat(runs + 1),
        "risk": risks.mT.flatten(),
    },
    claims=["linear2025.fig1"],
)

# %% [markdown]
# ## How long the wait is
#
# The runs left between iterations {number}`first_escape` and {number}`last_escape`; the law
# says {number}`first_prediction` to {number}`last_prediction`, at leading order in $u_0$. To
# test exponent and constant we follow the gradient *flow* from smaller noise in three
# dimensions, by an implicit method, and fit
#
# $$T=\frac C{u_0}+k\log u_0+m .$$
#
# The logarithm comes from the next order. We divide $T$ by $\frac14c^2(c+1)^2$, with the start's
# own $c=s\cdot\beta-\frac12$, so that $C$ should be $16\pi$.

# %%
plane = torch.eye(3)[0]
sizes = torch.logspace(-4.3, -2.3, escapes)
times, offsets = [], []
for size in sizes:
    W = linear_saddles.ray_point(torch.tensor(1.0), plane) + size * normal(2, 3)
    s, _ = linear_saddles.sum_and_difference(W)
    position = s[0] - 0.5
    offsets.append(float(s[1:].norm()))
    scale = float((position * (position + 1)) ** 2 / 4)
    times.append(linear_saddles.escape_time(W, plane, level=1 / 8) / scale)
log_u, log_time = torch.tensor(offsets).log(), torch.tensor(times).log()
exponent, *interval = slope_interval(log_u.tolist(), log_time.tolist())
landscape.check("slope", measured=exponent, expected=-1.0, n=escapes)
constant, *reach = linear_saddles.fit_escape_constant(offsets, times)
landscape.check("constant", measured=constant, interval=reach, expected=16 * math.pi, n=escapes)
chapter.number("exponent", exponent, ".4f", tolerance=1e-3)
chapter.number("exponent_low", interval[0], ".4f")
chapter.number("exponent_high", interval[1], ".4f")
chapter.number("constant", constant, ".3f", tolerance=1e-3)
chapter.number("constant_low", reach[0], ".3f")
chapter.number("constant_high", reach[1], ".3f")
chapter.number("sixteen_pi", 16 * math.pi, ".3f")

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(5.6, 3.3))
ends = torch.logspace(-4.8, -0.8, 30)
axes.loglog(ends, 16 * math.pi / ends, color=COLOURS["theory"], label=r"law $16\pi/u_0$")
axes.loglog(offsets, times, "o", color=COLOURS["measured"], label="gradient flow, $d=3$")
axes.loglog(
    across,
    step * gone,
    "s",
    color=COLOURS["student"],
    label=f"Figure 1(b), $d={dimension}$: step times iterations",
)
axes.set(xlabel=r"start off the ray $u_0$", ylabel="escape time $T$")
axes.legend()
chapter.figure(
    "fig-linear2025-escape-time",
    figure,
    caption=r"Time until the risk has halved, against the part $u_0$ of $\frac12(w_1+w_2)$ "
    r"orthogonal "
    r"to $\beta$ at the start, near $(2\beta,\beta)$. It is inversely proportional to $u_0$, "
    r"without "
    r"a fitted constant.",
    alt="Dots over three decades on a straight line of slope minus one on logarithmic axes; the "
    "runs of Figure 1(b) lie at its lower end.",
    data={
        "u0": [*offsets, *across.tolist()],
        "time": [*times, *(step * gone).tolist()],
        "kind": ["flow"] * escapes + ["descent"] * runs,
    },
    claims=["linear2025.fig1"],
)

# %% [markdown]
# The exponent is {number}`exponent` ({number}`exponent_low` to {number}`exponent_high`) and the
# constant {number}`constant` ({number}`constant_low` to {number}`constant_high`), against
# $16\pi$ = {number}`sixteen_pi`. So Figure 1(b) shows a waiting room, not a destination. The
# authors' caution is well founded all the same: the wait is inversely proportional to $u_0$, and
# grows like $c^4$ along the ray. A run with a fixed budget does look stuck.
#
# ```{admonition} Errata
# :class: warning
# **Figure 1(b) of the paper.** It says that the weights converge to $2\beta$ and $\beta$, a
# saddle, from weights near $1.5\,\beta$. They come close to the saddle, rest there, and leave
# it for the global minimum. A counterexample in two dimensions is $w_1=w_2=1.5\,\beta+u_0e$
# with a unit vector $e\perp\beta$ and a small $u_0>0$. The wait is about
# $16\pi\lVert\beta\rVert/(\eta u_0)$ iterations. Only exceptional starts stay, such as both
# neurons on the line of $\beta$. Parts (a) and (c) of the figure are right, (c) outside the
# gap $-1\le\alpha_2\le0$ of the valley.
# ```
#
# ## Where it stops being true
#
# - **One dimension.** There the points of the ray are local minima, and the valley in Figure
#   1(c), which shows only multiples of $\beta$, is exactly this case. The way out is
#   orthogonal to the picture.
# - **Samples.** On a finite sample the gates do not change when the neurons move a little. So
#   around the ray there is a set of full dimension in $s$ on which the empirical loss is
#   constant, and gradient descent that enters it stops. The escape needs inputs close to every
#   hyperplane.
# - **Zero neurons.** At $c=0$ or $c=-1$ one neuron is zero and the risk has a kink. By the
#   convention $\sigma'(0)=0$ descent stays there, though the risk has directions of descent.
# - **"Stationary" and "saddle".** By the paper's definition the claim of Appendix C is right for
#   all $d$. In the usual sense of the word it needs $d\ge2$ and the cubic term.
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ````{exercise} Which starts are captured in one dimension?
# :label: exercise-linear-one-dimension
#
# Let $d=1$ and $\beta=1$. Where $w_1$ and $w_2$ have the same sign, what does the gradient
# flow do with $s$ and $p$? Which of these starts end on the ray?
# ````
#
# ````{solution} exercise-linear-one-dimension
# :class: dropdown
#
# There $\theta=0$ and $M=1$, so $\dot s=0$ and $\dot p=\frac12-p$: $s$ stays, and $p$ moves
# straight to $\frac12$. The signs are the same as long as $\lvert p\rvert<\lvert s\rvert$. So all
# starts with $\lvert p_0\rvert<\lvert s_0\rvert$ and $\lvert s_0\rvert>\frac12$ are captured; for
# $\lvert s_0\rvert<\frac12$ a neuron reaches zero and changes its sign.
# ````
