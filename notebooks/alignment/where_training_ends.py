# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Where training ends
#
# Zero-risk networks that are not aligned exist. Are they an oddity? {cite:t}`lightman2026` call
# neurons that cancel one another *non-generic*. We follow the gradient flow from standard starts to
# very long times and look at what it finds. In the plane it finds them most of the time, unless it
# starts small.
#
# ```{claim} lightman2026.rem4.2b
# ```
#
# ```{claim} lightman2026.sec1
# ```
#
# **What would count against them.** Runs of the flow that end next to networks of exactly zero risk
# with active neurons off the line of $w^*$, in a share that chance does not explain. Against our
# reading: ends that are still far from any such network, or small starts that end there too.
#
# The target has $s_+=1$, $s_-=\frac12$. The paper's network has the factor $K^{-1/2}$ and weights
# $\mathcal N(0,1)$; with $K^{-1/4}$ in each layer instead this is the book's network with weights
# of standard deviation $K^{-1/4}$, times the *scale* of the start. Our time is $2/\sqrt K$ times
# the paper's.

# %% tags=["parameters", "hide-input"]
seed: int = 11  # seed of all random numbers; 0..4294967295
runs: int = 40  # runs for each scale in the plane; 40..2_000
runs_in_space: int = 32  # runs for each scale in three dimensions; 24..2_000
width: int = 12  # width K; 8..40
last_time: float = 20_000.0  # time at which the flow ends; 1e4..1e7
# memory: 3e8 + 400 * runs * width * width * width bytes
# time: 8 + 0.12 * runs seconds

# %% tags=["hide-input"]
import math

import matplotlib.pyplot as plt
import torch

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import population, single_index
from shallow_relu.flows import gradient_descent, gradient_flow, implicit_gradient_flow
from shallow_relu.intervals import mean_interval

chapter = open_chapter("alignment/where_training_ends", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)
S = (1.0, 0.5)  # slopes of the link
HEAVY, NET, NEAR = 0.05, 0.1, 0.05  # thresholds of the claims


# %% [markdown]
# ## The flow, to the end
#
# Convergence is slow here: kinks that are nearly gone pull weakly, and the risk falls like a power
# of time. An explicit method takes the flow to time $100$. A linearly implicit one, whose steps may
# grow as the flow slows down, continues. Where a neuron reaches zero the gradient jumps and the
# flow is not defined; there we take steps of gradient descent, which pass.


# %%
def target(state, slopes=S):
    """The target as a teacher for every network of a batch."""
    d = state.shape[-1] - 1
    teacher = single_index.teacher(torch.eye(d)[0], *slopes)
    return [part.expand(len(state), *part.shape) for part in teacher]


def follow(state, until, slopes=S):
    """The flow from a batch of states: neurons, and in the last column output weights."""
    state, left = state.clone(), torch.arange(len(state))
    for _ in range(5):
        fixed = target(state[left], slopes)
        path = gradient_flow(
            single_index.flow_gradient, state[left], fixed, until=100.0, accuracy=1e-3
        )
        state[left], left = path.state, left[path.time < 100]
        if len(left) == 0:
            break
        fixed = target(state[left], slopes)
        state[left] = gradient_descent(
            single_index.flow_gradient, state[left], fixed, step=0.1, n_steps=300
        ).state
    return implicit_gradient_flow(
        single_index.flow_gradient, state, target(state, slopes), until=until, accuracy=1e-3
    )[0]


def start(n, d, scale):
    return scale * width**-0.25 * torch.randn(n, width, d + 1, generator=generator)


def risk(state, slopes=S):
    W_star, a_star = target(state, slopes)
    return population.risk(state[..., :-1], W_star, state[..., -1], a_star)


def alignment(state):
    w_star = torch.eye(state.shape[-1] - 1)[0]
    return single_index.weighted_alignment(
        state[..., :-1], state[..., -1], w_star.expand(len(state), -1)
    )


def heaviest_off_line(state, tolerance):
    """Largest coefficient of a neuron off the line of the target, by more than the tolerance."""
    W, a = state[..., :-1], state[..., -1]
    off = single_index.angle_to_line(W, torch.eye(W.shape[-1])[0]) > tolerance
    return (single_index.coefficients(W, a).abs() * off).amax(dim=-1)


def nets(state, tolerance, lines):
    """Sum of the absolute net coefficients off the line of the target, and the largest."""
    W, a = state[..., :-1], state[..., -1]
    w_star = torch.eye(W.shape[-1])[0].expand(len(W), -1)
    net = single_index.net_off_the_line(W, a, w_star, tolerance=tolerance, lines=lines).abs()
    return net.sum(dim=-1), net.amax(dim=-1)


def nearest(state):
    """The nearest exact zero-risk networks that two tolerances give, and how far they are."""
    found, best = state.clone(), torch.full((len(state),), math.inf)
    for index, one in enumerate(state):
        for tolerance in (0.02, 0.1):
            W, a = single_index.nearest_zero_risk(
                one[:, :-1], one[:, -1], torch.eye(one.shape[1] - 1)[0], *S, tolerance=tolerance
            )
            exact = torch.cat([W, a[:, None]], dim=1)
            distance = (exact - one).norm() / one.norm()
            if distance < best[index] and risk(exact[None])[0] < 1e-12:
                found[index], best[index] = exact, distance
    return found, best


ends = {}
for d, n, scales in ((2, runs, (1.0, 0.3, 0.1)), (3, runs_in_space, (1.0, 0.1))):
    together = follow(torch.cat([start(n, d, scale) for scale in scales]), last_time)
    ends |= {(d, scale): part for scale, part in zip(scales, together.split(n), strict=True)}

# %% [markdown]
# For every run from unit scale we look for a network of *exactly* zero risk next to the end:
# neurons whose lines nearly agree are turned to a common axis, and their coefficients moved as
# little as the three conditions allow. If the relative distance is at most five percent, we count
# what this exact network shows: an active neuron off the line of $w^*$ (with $\lvert
# c_j\rvert\ge0.05$), and a non-aligned direction that does not cancel in itself ($\lvert
# c_e\rvert\ge0.1$), against Theorem 4.1.

# %%
generic = chapter.claim("lightman2026.rem4.2b")
counted = {}
for d in (2, 3):
    exact, distance = nearest(ends[d, 1.0])
    near = distance <= NEAR
    heavy = near & (heaviest_off_line(exact, 1e-7) >= HEAVY)
    crossing = near & (nets(exact, 1e-7, lines=False)[1] >= NET)
    counted[d] = {"exact": exact, "near": near, "heavy": heavy, "crossing": crossing}
plane = counted[2]
generic.violation(
    "active non-aligned ends", "non-aligned ends", successes=int(plane["heavy"].sum()), n=runs
)
generic.check("across lines", successes=int(plane["crossing"].sum()), n=runs)
small = ends[2, 0.1]
off_small = heaviest_off_line(small, 0.1) >= HEAVY
off_unit = heaviest_off_line(ends[2, 1.0], 0.1) >= HEAVY
generic.check("small starts", successes=int(off_small.sum()), n=runs)
generic.control("unit scale", "small starts", successes=int(off_unit.sum()), n=runs)
crossing_small = (nets(small, 0.1, lines=False)[1] >= NET) & (heaviest_off_line(small, 0.1) >= NET)
generic.control("scale $0.1$", "across lines", successes=int(crossing_small.sum()), n=runs)
for name, value in (
    ("near", plane["near"].sum()),
    ("heavy", plane["heavy"].sum()),
    ("crossing", plane["crossing"].sum()),
    ("space_near", counted[3]["near"].sum()),
    ("space_heavy", counted[3]["heavy"].sum()),
    ("space_crossing", counted[3]["crossing"].sum()),
    ("small_heavy", off_small.sum()),
):
    chapter.number(name, int(value), ".0f")
chapter.number("plane_runs", runs, ".0f")
chapter.number("space_runs", runs_in_space, ".0f")
chapter.number("median_risk", risk(ends[2, 1.0]).median(), ".0e")

# %% [markdown]
# Of {number}`plane_runs` runs from unit scale in the plane, {number}`near` end next to an exact
# zero-risk network. In {number}`heavy` of all runs it has active non-aligned neurons, and in
# {number}`crossing` directions that do not cancel in themselves. In three dimensions the numbers
# are {number}`space_near`, {number}`space_heavy` and {number}`space_crossing` of
# {number}`space_runs`. The median risk at the end is {number}`median_risk`. From scale $0.1$ in the
# plane, {number}`small_heavy` of {number}`plane_runs` runs end with an active non-aligned neuron.
#
# The reason for the two kinds is in the parity of the risk. The even part sees lines only: it makes
# neurons of a line cancel, whichever side they are on. On one side they cancel in the direction; on
# opposite sides they leave a linear function, and the odd part, which is a single equation between
# vectors, only fixes the sum of these. The figure shows one run of the second kind. Line by line
# the coefficients cancel in the course of time; direction by direction they do not.

# %% tags=["hide-input"]
chosen = int(plane["crossing"].to(torch.uint8).argmax())
final = ends[2, 1.0][chosen]
W, a = final[:, :-1], final[:, -1]
degrees = torch.rad2deg(torch.atan2(W[:, 1], W[:, 0]))
c = single_index.coefficients(W, a)
figure, axes = plt.subplots(1, 2, figsize=(8.0, 3.5))
off = single_index.angle_to_line(W, torch.eye(2)[0]) > 0.1
for chosen_ones, colour, name in (
    (off, COLOURS["student"], "off the line of $w^*$"),
    (~off, COLOURS["teacher"], "on it"),
):
    axes[0].vlines(degrees[chosen_ones], 0, c[chosen_ones], color=colour)
    axes[0].plot(degrees[chosen_ones], c[chosen_ones], "o", color=colour, label=name)
axes[0].axhline(0, color=COLOURS["muted"], linewidth=0.8)
axes[0].set(
    xlabel="direction of the neuron (degrees from $w^*$)",
    ylabel="coefficient $c_j$",
    xlim=(-190, 190),
    xticks=range(-180, 181, 90),
)
axes[0].legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=2)
by_direction = nets(ends[2, 1.0], 0.1, lines=False)[0]
by_line = nets(ends[2, 1.0], 0.1, lines=True)[0]
floor = 1e-5
axes[1].loglog(
    by_direction.clamp(min=floor), by_line.clamp(min=floor), "o", color=COLOURS["measured"]
)
axes[1].plot([floor, 5], [floor, 5], color=COLOURS["muted"], linewidth=0.8)
axes[1].set(
    xlabel=r"by direction, $\sum|c_e|$",
    ylabel=r"by line, $\sum|c_e+c_{-e}|$",
    xlim=(floor / 2, 8),
    ylim=(floor / 2, 8),
)
chapter.figure(
    "fig-lightman2026-ends",
    figure,
    caption=r"Ends of the flow in the plane from unit scale. Left: the neurons of one run; "
    r"non-aligned ones cancel with their antipodes, $180$ degrees away. Right: net coefficients "
    r"off the line of $w^*$, one dot for each run (values below $10^{-5}$ at the margin). By line "
    r"they vanish; by direction, as Theorem 4.1 has it, they vanish only for the runs on the "
    r"left, near the diagonal.",
    alt="Left: stems at the directions of twelve neurons; those off the target's line come in "
    "opposite pairs of opposite sign. Right: dots far below the diagonal at the right, and a "
    "second group of dots at small values.",
    data={"by_direction": by_direction, "by_line": by_line},
    claims=["lightman2026.rem4.2b"],
)

# %% [markdown]
# ## An open set
#
# Runs of finite length are evidence; here is an argument. At the network of width four with
# $f^*(x)=x_1$ of the last chapter, the zero-risk networks nearby form a family of dimension six:
# two angles of the lines, which fix the coefficients by condition (3), and four ways to share a
# coefficient between $a_j$ and $\lVert w_j\rVert$. The Hessian in all twelve parameters has exactly
# six positive eigenvalues. So the minima are non-degenerate across their family, and every start
# near it flows to a point of it. Near the family there are no aligned networks. The aligned
# zero-risk networks of this width, with all neurons active, are a family of dimension $2K-2=6$ as
# well. We compute the Hessian by differences, and start from the network with every parameter
# disturbed by noise.

# %%
slopes = (1.0, -1.0)
corner = torch.tensor([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])
weights = torch.tensor([1.0, -1.0, 1.0, -1.0]) / 2
four = torch.cat([corner, weights[:, None]], dim=1) / 2**0.25
four[:, -1] *= 2**0.5  # balanced up to a factor, the products as before
shifts = 1e-5 * torch.eye(12).reshape(12, 4, 3)
both = torch.cat([four + shifts, four - shifts])
gradients = single_index.flow_gradient(both, *target(both, slopes)).reshape(2, 12, 12)
H = (gradients[0] - gradients[1]) / 2e-5
eigenvalues = torch.linalg.eigvalsh((H + H.mT) / 2)
exact_risks = torch.cat([risk(plane["exact"][plane["near"]]), risk(four[None], slopes)])
generic.hypothesis("$R=0$", "exact risk", measured=exact_risks)
generic.violation("smallest positive eigenvalue", "curvature", measured=eigenvalues[6])
generic.violation("a family of dimension six", "kernel", measured=eigenvalues[:6], expected=0)
disturbed = four + 0.05 * torch.randn(runs, 4, 3, generator=generator)
reached = follow(disturbed, 1000.0, slopes)
stays = (risk(reached, slopes) < 1e-10) & (nets(reached, 1e-3, lines=False)[1] >= NET)
generic.violation("starts near it stay", "open set", successes=int(stays.sum()), n=runs)
away = follow(0.1 * torch.randn(runs, 4, 3, generator=generator), 1000.0, slopes)
elsewhere = (risk(away, slopes) < 1e-10) & (nets(away, 1e-3, lines=False)[1] >= NET)
generic.control("small random starts", "open set", successes=int(elsewhere.sum()), n=runs)
chapter.number("sixth_eigenvalue", eigenvalues[6], ".3f", tolerance=1e-4)

# %% [markdown]
# The smallest positive eigenvalue is {number}`sixth_eigenvalue`.
#
# ## The initial scale decides
#
# What holds of the sentence that training turns the weights into the span of $w^*$? We take the
# mean of $\lvert\cos\angle(w_j,w^*)\rvert$ with the weights $\lvert c_j\rvert$. It is one if and
# only if all active neurons are aligned.

# %%
collapse = chapter.claim("lightman2026.sec1")
unit_ends = [ends[d, 1.0] for d in (2, 3)]
collapse.hypothesis(
    "trained to zero risk", "risk at the end", measured=torch.cat([risk(e) for e in unit_ends])
)
means = {key: mean_interval(alignment(state)) for key, state in ends.items()}
for d, suffix in ((2, ""), (3, ", three dimensions")):
    mean, *interval = means[d, 1.0]
    collapse.violation(
        f"mean alignment from unit scale, $d={d}$",
        f"unit scale{suffix}",
        measured=mean,
        interval=interval,
    )
    collapse.control(
        f"unit scale, $d={d}$", f"small scale{suffix}", measured=mean, interval=interval
    )
    mean, *interval = means[d, 0.1]
    collapse.check(f"small scale{suffix}", measured=mean, interval=interval)
final_risks = torch.cat([risk(state) for state in ends.values()])
chapter.number("all_runs", len(final_risks), ".0f")
chapter.number("all_trained", int((final_risks < 1e-6).sum()), ".0f")
chapter.number("unit_alignment", means[2, 1.0][0], ".2f")
chapter.number("small_alignment", means[2, 0.1][0], ".3f")

# %% tags=["hide-input"]
figure, axis = plt.subplots(figsize=(6.0, 3.4))
rows = []
for place, (key, state) in enumerate(ends.items()):
    values = alignment(state)
    spread = torch.linspace(-0.25, 0.25, len(values))
    colour = COLOURS["measured"] if key[0] == 2 else COLOURS["student"]
    axis.plot(place + spread, values.sort().values, "o", color=colour, markersize=3)
    axis.errorbar(
        place,
        means[key][0],
        yerr=[[means[key][0] - means[key][1]], [means[key][2] - means[key][0]]],
        color=COLOURS["theory"],
        capsize=4,
    )
    rows += [(key[0], key[1], float(value)) for value in values]
axis.set_xticks(range(len(ends)), [f"$d={d}$\nscale {scale}" for d, scale in ends])
axis.set(xlabel="dimension and initial scale", ylabel="weighted alignment at the end")
axis.grid(axis="x", visible=False)
chapter.figure(
    "fig-lightman2026-scale",
    figure,
    caption=r"Alignment of the networks at the end of the flow, one dot for each run, sorted, "
    r"with the mean and its interval. From unit scale a large part of the weights is off the line "
    r"of $w^*$; from small scale hardly any.",
    alt="Five groups of dots. At unit scale they spread far below full alignment; at the middle "
    "scale most are near the top, at the smallest scale they are close to it.",
    data={
        "d": [row[0] for row in rows],
        "scale": [row[1] for row in rows],
        "alignment": [row[2] for row in rows],
    },
    claims=["lightman2026.sec1"],
)

# %% [markdown]
# Of all {number}`all_runs` runs {number}`all_trained` end at a risk below $10^{-6}$. In the plane
# the mean alignment is {number}`unit_alignment` from unit scale and {number}`small_alignment` from
# scale $0.1$. Small starts have time to turn before they grow; this is a property of the path and
# not of the set of minima, so a landscape argument cannot find it.
#
# ## Where it stops being true
#
# The shares depend on dimension and width. In general position it takes $d$ antipodal pairs for a
# network that does not cancel by direction, so $2d$ neurons; and in three dimensions such networks
# are rarer than in the plane at the same width. Neurons that cancel in one direction need no such
# number; they are what the paper's theorem allows and its remark calls non-generic. Their
# coefficients do not matter for the function, and nothing in the risk makes them vanish.
#
# A finite run does not reach its limit. That the ends are next to exact zero-risk networks is what
# is measured; that starts near such a network converge to one is the argument of the open set.
#
# ```{admonition} Errata
# :class: warning
# **Remark 4.2** calls cancelling non-aligned neurons non-generic. At $K=4$, $d=2$, $f^*(x)=x_1$ the
# zero-risk networks that do not cancel by direction have the same dimension as the aligned ones,
# and attract an open set of starts. From $\mathcal N(0,1)$, at $s=(1,\frac12)$ and $K=12$ in the
# plane, most runs end next to networks with active non-aligned neurons. Corrected: they are rare
# from *small* starts.
#
# **Introduction.** That training turns the weights into the span of $w^*$ needs a small start.
# ```
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()
