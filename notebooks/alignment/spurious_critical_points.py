# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Spurious critical points with dead neurons
#
# A neuron with output weight zero is *dead*: it adds nothing to the network, and its $w_k$ may move
# at no cost. {cite:t}`lightman2026` uses dead neurons as probes. If $d+1$ of them point in general
# position, so the theorem, every critical point has zero risk. This is false. We build two families
# of critical points that satisfy all hypotheses and have positive risk, then say what is true: a
# *local minimum* with *one* dead neuron has zero risk, if $d\ge3$.
#
# ```{claim} lightman2026.thm5.3
# ```
#
# ```{claim} lightman2026.rem5.4
# ```
#
# **What would count against our counterexamples.** A gradient above rounding, in double precision
# or with 50 digits; a hypothesis that is not met. Against the corrected statement: a point with a
# dead neuron and positive risk, in dimension three or more, from which no small step leads down.

# %% tags=["parameters", "hide-input"]
seed: int = 7  # seed of all random numbers; 0..4294967295
points: int = 20  # random members of each family; 5..500
probes: int = 200  # directions tried around a dead neuron; 50..10_000
networks: int = 40  # random networks for the identities and the flow; 5..1000
# memory: 3e8 bytes
# time: 6 + 0.05 * points + 0.002 * networks seconds

# %%
import itertools
import math

import matplotlib.pyplot as plt
import mpmath
import torch

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import both_layers, population, single_index
from shallow_relu import single_index_saddles as saddles
from shallow_relu.flows import gradient_flow, joint_gradient
from shallow_relu.kernels import arc_cosine_1

chapter = open_chapter("alignment/spurious_critical_points", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)
mpmath.mp.dps = 50
theorem = chapter.claim("lightman2026.thm5.3")


def unit(*shape):
    return torch.nn.functional.normalize(torch.randn(*shape, generator=generator), dim=-1)


def doubles(rows):
    return torch.tensor([[float(x) for x in row] for row in rows])


# %% [markdown]
# ## The conditions at a dead neuron
#
# With the error $e=f-f^*$ let $G(v)=\mathbb E[e\,\sigma(v\cdot x)]$ and
# $q(v)=\mathbb E[e\,\mathbf 1\{v\cdot x>0\}\,x]$. Then $\partial_{a_k}R=G(w_k)$ and
# $\nabla_{w_k}R=a_k\,q(w_k)$. At a dead neuron a critical point needs $G(w_k)=0$, nothing else. The
# paper's proof argues by two cases: some dead neuron has $q(w_k)\ne0$, or none has. The first case
# shows that the point is no local minimum, which does not contradict that it is critical. The
# second case is said to be impossible.
#
# **The cone** (some $q\ne0$). Let all neurons be dead, so $f=0$, and
# $G(v)=-\mathbb E[f^*\sigma(v\cdot x)]$. If $s_+s_-<0$, this is zero exactly on the cone
# $\angle(v,w^*)=\theta_c$ with $s_+h(\theta_c)+s_-h(\pi-\theta_c)=0$. Put eight neurons on it, in
# dimension three. Three different rays of this cone are never in one plane.
#
# **The ring** (all $q=0$). Active neurons have $q(w_j)=0$ at a critical point; so has a dead neuron
# in the same direction. Let four equal active neurons stand in a ring around $w^*$, at the angle
# and with the coefficient at which they are critical: two equations, two unknowns. Add four dead
# copies.

# %%
half = mpmath.mpf(1) / 2
cone_place = saddles.cone_angle(1, -half)
ring_place, ring_coefficient = saddles.ring(4, mpmath.mpf(1), mpmath.mpf(4) / 5, 0.48)
cone = (saddles.ring_directions(cone_place, 8), [mpmath.mpf(0)] * 8, (mpmath.mpf(1), -half))
four = saddles.ring_directions(ring_place, 4)
ring = (
    four + four,
    [ring_coefficient] * 4 + [mpmath.mpf(0)] * 4,
    (mpmath.mpf(1), mpmath.mpf(4) / 5),
)
target_neurons = [[1, 0, 0], [-1, 0, 0]]


def in_doubles(network):
    """Neurons, teacher neurons, output weights, teacher's output weights."""
    W, a, s = network
    teacher, a_star = single_index.teacher(torch.eye(3)[0], *map(float, s))
    return doubles(W), teacher, doubles([a])[0], a_star


def largest_gradient(W, teacher, a, a_star):
    in_neurons = population.gradient(W, teacher, a, a_star).abs().max()
    return torch.maximum(in_neurons, population.output_gradient(W, teacher, a, a_star).abs().max())


def precise_gradient(network):
    rows, outputs = both_layers.precise_gradient(network[0], target_neurons, *network[1:])
    return float(max(abs(x) for x in [*itertools.chain(*rows), *outputs]))


def smallest_determinant(directions):
    return min(
        abs(torch.linalg.det(directions[list(t)]))
        for t in itertools.combinations(range(len(directions)), 3)
    )


def present(name, network):
    W, teacher, a, a_star = in_doubles(network)
    dead = W[a == 0]
    neurons, dimension = W.shape
    lines = [
        ("$d=3$", "dimension", {"measured": dimension, "expected": 3}),
        ("$\\lVert w^*\\rVert=1$", "unit target", {"measured": teacher[0].norm(), "expected": 1}),
        ("$K\\ge2k+d+1$, $k=2$", "width", {"measured": neurons - (2 * 2 + dimension + 1)}),
        ("at least $d+1$ dead neurons", "dead", {"measured": len(dead) - (dimension + 1)}),
        ("no $d$ dead in a plane", "general position", {"measured": smallest_determinant(dead)}),
        ("all $w_j\\ne0$", "differentiable", {"measured": W.norm(dim=1)}),
        ("critical", "gradient", {"measured": largest_gradient(W, teacher, a, a_star)}),
        ("critical, 50 digits", "50 digits", {"measured": precise_gradient(network)}),
    ]
    printed = (
        "d",
        "|w*|",
        "K - (2k + d + 1), k = 2",
        "dead neurons - (d + 1)",
        "smallest |det| of 3 dead directions",
        "smallest |w_j|",
        "gradient",
        "gradient, 50 digits",
    )
    for plain, (text, check, measurement) in zip(printed, lines, strict=True):
        shown = theorem.hypothesis(f"{name}: {text}", check, **measurement)
        value = float(torch.as_tensor(measurement["measured"]).min())
        value = f"{value:.2g}" if value == 0 or value > 1e-9 else "rounding"
        print(f"{name}   {plain:36} {value:9} {'met' if shown.passed else 'NOT MET'}")
    risk = population.risk(W, teacher, a, a_star)
    theorem.violation(f"{name}: risk", "risk", measured=risk)
    q = both_layers.gated_error(dead, W, teacher, a, a_star).norm(dim=1)
    chapter.number(f"{name}_risk", risk, ".6f", tolerance=1e-10)
    return q


cone_q, ring_q = present("cone", cone), present("ring", ring)
theorem.violation("ring: $q_k=0$ at every dead neuron", "no probe", measured=ring_q)
theorem.control("the cone has $q_k\\ne0$", "no probe", measured=cone_q)
theorem.control(
    "a cone opened by $0.1$",
    "50 digits",
    measured=precise_gradient((saddles.ring_directions(cone_place + 0.1, 8), *cone[1:])),
)
chapter.number("cone_angle", float(mpmath.degrees(cone_place)), ".6f", tolerance=1e-10)
chapter.number("cone_q", cone_q[0], ".6f", tolerance=1e-10)
chapter.number("ring_angle", float(mpmath.degrees(ring_place)), ".4f", tolerance=1e-10)
chapter.number("ring_coefficient", float(ring_coefficient), ".6f", tolerance=1e-10)

# %% [markdown]
# The cone of $s=(1,-\frac12)$ opens at {number}`cone_angle` degrees; the risk is
# {number}`cone_risk`, the risk of the zero function. The ring of $s=(1,\frac45)$ stands at
# {number}`ring_angle` degrees with coefficients {number}`ring_coefficient`; its risk is
# {number}`ring_risk`. The table above lists the hypotheses one by one.
#
# ## Both are saddles, of different kinds
#
# Move a dead neuron to the unit vector $v$ near it and give it the output weight $\eta$: the risk
# changes by $\eta\,G(v)+\frac14\eta^2$, at best by $-G(v)^2$. At distance $\delta$ from the cone
# $\lvert G\rvert\approx\delta\lvert q\rvert$: a decrease $\delta^2\lvert q\rvert^2$ of order two,
# so a strict saddle, and the first case of the paper's proof is a proof of that. On the ring $G$
# vanishes to second order and the decrease is of order four: nothing in the Hessian of a dead
# neuron shows it.

# %%
deltas = torch.logspace(-3, -1, 9)


def best_decrease(network, delta, tries):
    """Decrease of the risk when the last neuron moves by delta, the best of many directions."""
    W, teacher, a, a_star = network
    w = W[-1]
    away = tries - (tries @ w)[:, None] * w
    v = math.cos(delta) * w + math.sin(delta) * torch.nn.functional.normalize(away, dim=1)
    G = both_layers.error_correlation(v, W, teacher, a, a_star)
    best = G.abs().argmax()
    moved, eta = W.clone(), a.clone()
    moved[-1], eta[-1] = v[best], -2 * G[best]
    fall = population.risk(W, teacher, a, a_star) - population.risk(moved, teacher, eta, a_star)
    return float(G[best] ** 2), float(fall)


tries = unit(probes, 3)
falls = {
    name: [best_decrease(in_doubles(network), float(x), tries)[0] for x in deltas]
    for name, network in (("cone", cone), ("ring", ring))
}


def order(name):
    return math.log(falls[name][1] / falls[name][0]) / math.log(deltas[1] / deltas[0])


theorem.check("order two", measured=order("cone"))
theorem.check("order four", measured=order("ring"))
theorem.control("the ring", "order two", measured=order("ring"))
cone_hessian = torch.linalg.eigvalsh(both_layers.joint_hessian(*in_doubles(cone)))
theorem.check("strict saddle", measured=cone_hessian[0])
chapter.number("cone_negative", (cone_hessian < -1e-9).sum(), ".0f", tolerance=0)
chapter.number("cone_lowest", cone_hessian[0], ".4f", tolerance=1e-9)
ring_hessian = torch.linalg.eigvalsh(both_layers.joint_hessian(*in_doubles(ring)))
chapter.number("ring_lowest", ring_hessian[0], ".4f", tolerance=1e-6)
fourth = falls["ring"][0] / float(deltas[0]) ** 4
_ = chapter.number("ring_fourth", fourth, ".4f")

# %% [markdown]
# The Hessian on the cone has {number}`cone_negative` negative eigenvalues, the lowest
# {number}`cone_lowest`. On the ring a dead neuron lowers the risk by {number}`ring_fourth` times
# $\delta^4$. The active ones do better: the Hessian's lowest eigenvalue is {number}`ring_lowest`.
# So the ring is a strict saddle too, but not because of its dead neurons.
#
# ## What is true
#
# **Theorem.** Let $d\ge3$ and let $\theta$ be a local minimum of $R$ with one dead neuron, $a_k=0$.
# Then $R(\theta)=0$. Neither general position nor a width is needed.
#
# *Proof.* If $w_k=0$, try $(a_k,w_k)=(\mp\epsilon,\epsilon v)$: the risk changes by
# $\mp\epsilon^2G(v)+\frac14\epsilon^4$, so $G(v)=0$ for all $v$. If $w_k\ne0$, the risk stays
# constant when $w_k$ alone moves, and all points near $\theta$ that arise so are local minima too.
# Hence $G=0$ in a neighbourhood of $w_k$. Now $G(v)=\sum_im_i\kappa(v,u_i)$ over the neurons of
# student and teacher, and $\kappa$ is analytic in $v\ne0$ off the line of $u_i$. The sphere without
# finitely many points is connected for $d\ge3$, so $G=0$ everywhere. In both cases
# $2R=\sum_ja_jG(w_j)-\sum_ka^*_kG(w^*_k)=0$. $\square$
#
# The proof uses two facts that can be measured: the identity for $2R$, and that no $G\ne0$ vanishes
# near a point. In dimension two it does: on an arc between kinks every $\kappa(\cdot,u_i)$ is a
# combination of $\sin$, $\cos$, $\theta\sin$ and $\theta\cos$ of the angle, so five or more of them
# are dependent there. So the proof stops at $d=2$; whether the theorem does, we do not know.

# %%
W, a = (
    torch.randn(networks, 5, 4, generator=generator),
    torch.randn(networks, 5, generator=generator),
)
s = torch.randn(networks, 2, generator=generator)
teacher = torch.stack([torch.eye(4)[0], -torch.eye(4)[0]]).expand(networks, 2, 4)
at_student = both_layers.error_correlation(W, W, teacher, a, s)
at_teacher = both_layers.error_correlation(teacher, W, teacher, a, s)
twice = (a * at_student).sum(-1) - (s * at_teacher).sum(-1)
theorem.check("identity", measured=twice, expected=2 * population.risk(W, teacher, a, s))


def singular_values(d, count=6, radius=0.5):
    """Of the functions kappa(., u_i) on a cap around the pole, over the largest."""
    # at least 60 degrees from the pole and its antipode: in the plane no kink is inside of the cap
    height = torch.rand(count, 1, generator=generator) - 0.5
    u = torch.cat([height, (1 - height.square()).sqrt() * unit(count, d - 1)], dim=1)
    cap = torch.cat(
        [torch.ones(400, 1), radius * (2 * torch.rand(400, d - 1, generator=generator) - 1)], dim=1
    )
    matrix = arc_cosine_1(
        torch.nn.functional.normalize(cap, dim=1)[:, None],
        u,
    )
    values = torch.linalg.svdvals(matrix)
    return values / values[0]


decay = {d: singular_values(d) for d in (2, 3, 4, 5)}
theorem.check("nothing vanishes near a point", measured=[decay[d][-1] for d in (3, 4, 5)])
theorem.control("$d=2$", "nothing vanishes near a point", measured=decay[2][-1])


def random_cone():
    """A member of the cone family: random slopes, dimension and directions."""
    d = int(torch.randint(3, 7, (1,), generator=generator))
    s = (
        0.5 + float(torch.rand(1, generator=generator)),
        -0.3 - float(torch.rand(1, generator=generator)),
    )
    place, z = float(saddles.cone_angle(*s)), unit(d + 5, d - 1)
    W = torch.cat([torch.full((d + 5, 1), math.cos(place)), math.sin(place) * z], dim=1)
    return W, *single_index.teacher(torch.eye(d)[0], *s)[:1], torch.zeros(d + 5), torch.tensor(s)


def random_ring():
    """A member of the ring family, with dead copies of all neurons."""
    slope = 0.8 + 0.15 * float(torch.rand(1, generator=generator))
    n = int(torch.randint(4, 7, (1,), generator=generator))
    near = math.radians(28 + 140 * (slope - 0.8))
    place, c = saddles.ring(n, mpmath.mpf(1), mpmath.mpf(slope), near)
    W = doubles(saddles.ring_directions(place, n)).repeat(2, 1)
    a = torch.cat([torch.full((n,), float(c)), torch.zeros(n)])
    teacher, a_star = single_index.teacher(torch.eye(3)[0], 1.0, slope)
    return W, teacher, a, a_star


with mpmath.workdps(20):
    members = [make() for make in (random_cone, random_ring) for _ in range(points)]
gradients = [float(largest_gradient(*member)) for member in members]
risks = [float(population.risk(*member)) for member in members]
small = [best_decrease(m, 0.1, unit(probes, m[0].shape[1])) for m in members]
theorem.check("random points are critical", measured=gradients, n=len(gradients))
theorem.check("random points have a risk", measured=risks, n=len(risks))
theorem.check("none is a local minimum", measured=[x[1] for x in small], n=len(small))
theorem.check("decrease", measured=[x[1] for x in small], expected=[x[0] for x in small])
zero = torch.cat([torch.eye(3)[:1], -torch.eye(3)[:1], torch.tensor([[0.0, 0, 1]])])
perfect = (zero, zero[:2], torch.tensor([1.0, 0.8, 0]), torch.tensor([1.0, 0.8]))
theorem.control(
    "a dead neuron at zero risk",
    "none is a local minimum",
    measured=best_decrease(perfect, 0.1, unit(probes, 3))[1],
)

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 3, figsize=(8.6, 3.2))
theta = torch.linspace(0, math.pi, 91)
for s, style in (((1, -0.5), "-"), ((1, 0.8), "--")):
    values = [
        float(s[0] * saddles.profile(t) + s[1] * saddles.profile(math.pi - t)) / (2 * math.pi)
        for t in theta.tolist()
    ]
    label = rf"$s=(1,{s[1]:g})$"
    axes[0].plot(theta.rad2deg(), values, style, color=COLOURS["teacher"], label=label)
axes[0].axhline(0, color=COLOURS["muted"], linewidth=0.8)
axes[0].plot(float(mpmath.degrees(cone_place)), 0, "o", color=COLOURS["control"], label="cone")
axes[0].set(xlabel=r"angle $\angle(v,w^*)$ in degrees", xticks=range(0, 181, 60))
axes[0].set(ylabel=r"correlation $\mathbb{E}[f^*\sigma(v\cdot x)]$", ylim=(-0.3, 0.95))
axes[0].legend(fontsize=8, loc="upper right")
for name, marker in (("cone", "o"), ("ring", "s")):
    axes[1].loglog(deltas, falls[name], marker, color=COLOURS["measured"], label=name)
axes[1].loglog(
    deltas,
    float(cone_q[0] ** 2) * deltas**2,
    color=COLOURS["theory"],
    label=r"$|q|^2\delta^2$",
)
axes[1].loglog(
    deltas, fourth * deltas**4, "--", color=COLOURS["theory"], label=r"$\propto\delta^4$"
)
axes[1].set(xlabel=r"distance $\delta$", ylabel="decrease of the risk")
axes[1].legend(fontsize=8, loc="lower right")
for d, style in ((2, "s"), (3, "o"), (4, "^"), (5, "v")):
    name = "control" if d == 2 else "measured"
    index, values = range(1, 7), decay[d].clamp(min=1e-17)
    axes[2].semilogy(index, values, style + "-", color=COLOURS[name], label=f"$d={d}$")
axes[2].set(xlabel="index", ylabel="singular value over the first", xticks=range(1, 7))
axes[2].legend(fontsize=8, loc="lower left")
chapter.figure(
    "fig-lightman2026-thm5-3",
    figure,
    caption=r"Left: correlation of a unit ReLU with the target; a dead network is critical if all "
    r"its neurons stand where the curve is zero. Middle: how much the risk falls when one dead "
    r"neuron moves by $\delta$. Right: singular values of six kernels $\kappa(\cdot,u_i)$ on a "
    r"small cap; in the plane only four are independent.",
    alt="Left: two falling curves, one crosses zero at a marked point. Middle: two rows of dots of "
    "slopes two and four. Right: four decaying curves; the one of dimension two drops to rounding "
    "at the fifth value.",
    data={
        "delta": deltas,
        "decrease_cone": falls["cone"],
        "decrease_ring": falls["ring"],
    },
    claims=["lightman2026.thm5.3"],
)

# %% [markdown]
# ## Remark 5.4, part by part
#
# - *Every critical point is an aligned global minimum*: no, by the ring. It has risk, and its
#   function has four kinks off the hyperplane of $w^*$.
# - *Strictly stronger than Theorem 5.2*: the two never meet. At the critical points of Theorem 5.2
#   one neuron, at $\hat w$, is active, and $G<0$ in every other direction if $s_\pm>0$ (measured
#   below for six ratios of slopes). So dead neurons there stand on $\hat w$ or are zero, and are
#   never in general position.
# - *Almost surely at random initialisation*: directions are in general position almost surely. But
#   under a continuous law almost surely no neuron is dead.
# - *Preserved by training*: $w_k$ does not move while $a_k=0$, that is true. But $\dot
#   a_k=-G(w_k)$, which is not zero except on a thin set, so the neuron is dead for an instant.

# %%
remark = chapter.claim("lightman2026.rem5.4")
W, teacher, a, a_star = in_doubles(ring)
dead = W[a == 0]
remark.hypothesis("ring: critical", "gradient", measured=largest_gradient(W, teacher, a, a_star))
remark.hypothesis("ring: critical, 50 digits", "50 digits", measured=precise_gradient(ring))
remark.hypothesis("ring: $K\\ge2k+d+1$", "width", measured=len(W) - 8)
remark.hypothesis("ring: $d+1$ dead neurons", "dead", measured=len(dead) - 4)
remark.hypothesis("ring: general position", "general position", measured=smallest_determinant(dead))
remark.violation("not a global minimum", "risk", measured=population.risk(W, teacher, a, a_star))
off = single_index.net_off_the_line(W, a, teacher[0], tolerance=1e-9, lines=True)
remark.violation("not aligned", "off the line", measured=off.abs().max())
v, bends = unit(2000, 3), []
for ratio in (0.1, 0.25, 0.5, 0.75, 1.5, 4.0):
    point, slopes = saddles.isolated_neuron(1.0, ratio), torch.tensor([1.0, ratio])
    w_hat = torch.tensor([[math.cos(point.angle), math.sin(point.angle), 0.0]])
    c = torch.tensor([point.coefficient])
    G = both_layers.error_correlation(v, w_hat, teacher, c, slopes)
    bends.append(G / (v - w_hat).square().sum(1))
remark.violation("no other dead direction in Theorem 5.2", "other directions", measured=bends)

W, a = (
    torch.randn(networks, 9, 4, generator=generator),
    torch.randn(networks, 9, generator=generator),
)
teacher = torch.stack([torch.eye(4)[0], -torch.eye(4)[0]]).expand(networks, 2, 4)
s = torch.randn(networks, 2, generator=generator)
at_random = int((a == 0).sum())
remark.violation("random starts: dead neurons", "none dead", measured=at_random, expected=0)
a[:, :5] = 0
state = torch.cat([W, a[..., None]], dim=-1)
slope = -joint_gradient(state, teacher, s)
remark.check("neurons rest", measured=slope[:, :5, :4].abs())
G = both_layers.error_correlation(W[:, :5], W, teacher, a, s)
tiny = gradient_flow(joint_gradient, state, (teacher, s), until=1e-6, accuracy=1e-12).state
remark.check("rate", measured=tiny[:, :5, 4] / 1e-6, expected=-G)
later = gradient_flow(joint_gradient, state, (teacher, s), until=1.0, accuracy=1e-5).state
remark.check("still dead", measured=int((later[:, :5, 4].abs() < 1e-12).sum()), expected=0)
W, teacher, a, a_star = in_doubles(cone)
rest = joint_gradient(torch.cat([W, a[:, None]], dim=1)[None], teacher[None], a_star[None])
stay = (torch.cat([W, a[:, None]], dim=1)[None] - rest)[0, :, 3].abs() < 1e-12
remark.control("neurons on the cone", "still dead", measured=int(stay.sum()), expected=0)
chapter.number("dead_before", 5 * networks, ".0f", tolerance=0)
chapter.number("median_after", later[:, :5, 4].abs().median(), ".2f")
chapter.number("off_line", off.abs().max(), ".6f", tolerance=1e-9)

# %% [markdown]
# Of {number}`dead_before` dead neurons in random networks none is dead at time one; the median of
# $\lvert a_k\rvert$ is {number}`median_after`.
#
# ## Where it stops being true
#
# How special are the counterexamples? Critical points with $d+1$ dead neurons are special
# themselves: training from a continuous law does not produce them. Among them, the cone asks each
# dead neuron to lie on a set of one dimension less, which is no more than $G(w_k)=0$ asks of any
# dead neuron with $R>0$. It exists for all slopes with $s_+s_-<0$, $s_+\ne-s_-$, and all $d\ge3$
# (for $s_-=-s_+$ the cone is a hyperplane). The ring needs slopes of similar size; our members have
# $s_-/s_+\ge0.8$. Both are saddles: neither is a counterexample to the corrected theorem.
#
# ```{admonition} Errata
# :class: warning
# **Theorem 5.3** says that a critical point with $d+1$ dead neurons in general position has zero
# risk. The proof shows in its Step 2 that some points are not local minima, which is another
# statement, and in its Step 3 that others do not exist, which is false. Counterexample:
# $d=3$, eight dead neurons on the cone. Corrected: for $d\ge3$ a *local minimum* with *one* dead
# neuron has zero risk. **Remark 5.4**: the hypotheses of Theorems 5.2 and 5.3 exclude each other;
# a random start has no dead neurons; a dead neuron does not stay dead.
# ```
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()
