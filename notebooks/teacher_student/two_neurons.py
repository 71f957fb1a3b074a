# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Two students in a plane
#
# {cite:t}`tian2017` works out the case of two students and two teacher neurons in one plane. There
# is a family of saddles with collinear students; there are regions without critical points, if a
# conjecture on the sign of $L_{12}$ is right; and one case is left open. The conjecture is proved
# in [the chapter before](proof_of_conjecture_one). Here we look at all the rest, and settle the
# open case.
#
# ```{claim} tian2017.fig10
# ```
#
# ```{claim} tian2017.sec5.3
# ```
#
# ```{claim} tian2017.thm4
# ```
#
# ```{claim} tian2017.fig4
# ```
#
# **What would count against them.** A grid point with the wrong sign; students that meet all that
# is assumed and yet have a gradient, or have none where the paper says that they do; a critical
# point with both teacher neurons inside the cone of the students, or both outside.

# %% tags=["parameters", "hide-input"]
seed: int = 1  # seed of all random numbers; 0..4294967295
grid: int = 800  # points of the sign map in each direction; 100..20_000; paper 10_000
n_configurations: int = 4000  # random directions in the check of Theorem 4; 100..1_000_000
n_teachers: int = 30  # random teachers whose critical points are searched; 5..5_000; paper 500
# memory: 6e8 + 5e3 * grid + 1e3 * n_configurations bytes
# time: 12 + 6e-7 * grid * grid + 0.06 * n_teachers + 4e-5 * n_configurations seconds

# %% tags=["hide-input"]
import math
from types import SimpleNamespace

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import Wedge

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import collinear, population
from shallow_relu.conjecture_one import (
    certify_conjecture,
    certify_inequalities,
    exact_identities,
)
from shallow_relu.critical_points import (
    count_signs,
    hessian_eigenvalues,
    is_critical,
    polish,
    relative_gradient,
)
from shallow_relu.kernels import angle
from shallow_relu.normal_equation import (
    functional_norms,
    separating_functions,
    smallest_gradient,
)
from shallow_relu.two_neurons import (
    count_sign_violations,
    in_plane_critical_points,
    rounding_error,
    separable_on_circle,
    teachers_inside,
)

chapter = open_chapter("teacher_student/two_neurons", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)


def uniform(low, high, *shape):
    return low + (high - low) * torch.rand(*shape, generator=generator)


def unit(place):
    place = torch.as_tensor(place)
    return torch.stack([place.cos(), place.sin()], dim=-1)


def teacher(degrees, ratio):
    """Norms 1 and `ratio`, symmetric about the first axis, the second one below it."""
    half = math.radians(degrees) / 2
    return torch.stack([unit(half), ratio * unit(-half)])


# %% [markdown]
# ## Figure 10: the sign map
#
# $e_1$ is at angle 0, $e_2$ at $\theta_{12}$ and $e^*$ at $\varphi$. We count wrong signs of
# $L_{12}$ and of $L_{21}$ on two grids: on the midpoints of {number}`grid_text` $\times$
# {number}`grid_text` cells, where every sign is decided; and on the closed grid, ends included. On
# the closed grid the row $\theta_{12}=0$ has no $L_{12}$, the row $\theta_{12}=\pi$ is identically
# zero, and some points meet the ray of $e_2$ up to rounding. There a sign counts only if it exceeds
# the rounding error.

# %%
sign_map = chapter.claim("tian2017.fig10")
steps = torch.arange(grid)
midpoints = math.pi * (steps + 0.5) / grid, 2 * math.pi * (steps + 0.5) / grid
closed = math.pi * steps[1:] / (grid - 1), 2 * math.pi * steps / (grid - 1)
counts = [count_sign_violations(*midpoints, other=other) for other in (False, True)]
sign_map.check(
    "cell midpoints", measured=[c.violations for c in counts], expected=0, n=2 * grid * grid
)
ends = [count_sign_violations(*closed, other=other, rounding=1e-13) for other in (False, True)]
sign_map.check(
    "closed grid", measured=[c.violations for c in ends], expected=0, n=2 * grid * (grid - 1)
)
altered = count_sign_violations(*midpoints, coefficient_error=1e-3)
sign_map.control(
    "$a_2$ wrong by $10^{-3}$", "cell midpoints", measured=altered.violations, expected=0
)
too_small = count_sign_violations(
    closed[0][:-1], closed[1], rounding=1e-13, coefficient_error=-1e-3
)
sign_map.control(
    "$a_2$ too small by $10^{-3}$", "closed grid", measured=too_small.violations, expected=0
)
sign_map.note = (
    r"The paper's rectangle is closed. Its first row has no $L_{12}$; in its last row, "
    r"$\theta_{12}=\pi$, the function is identically zero. There, and on the rays, values "
    r"are zero up to rounding, and a sign counts only above $10^{-13}$."
)
chapter.number("grid_text", grid, ".0f", tolerance=0.0)
chapter.number("smallest_value", min(c.smallest for c in counts), ".0e", tolerance=1e-2)
checked = torch.cartesian_prod(midpoints[0][:: grid // 12], midpoints[1][:: grid // 12])
chapter.number("rounding", rounding_error(*checked.T), ".0e", tolerance=0.2)
chapter.number("altered_share", altered.violations / grid**2, ".2%", tolerance=1e-6)

# %% tags=["hide-input"]
rows, columns = (
    math.pi * (torch.arange(120) + 0.5) / 120,
    2 * math.pi * (torch.arange(240) + 0.5) / 240,
)
maps = {
    "$L_{12}$": separable_on_circle(columns, rows[:, None]),
    "$L_{21}$": separable_on_circle(
        torch.remainder(rows[:, None] - columns, 2 * math.pi), rows[:, None]
    ),
}
figure, axes = plt.subplots(1, 2, figsize=(6.8, 3.0), sharex=True, sharey=True)
for panel, (name, value) in zip(axes, maps.items(), strict=True):
    relative = value / value.abs().amax(dim=1, keepdim=True)
    picture = panel.pcolormesh(
        columns, rows, relative, cmap="RdBu_r", vmin=-1, vmax=1, rasterized=True
    )
    panel.plot([0, math.pi], [0, math.pi], color=COLOURS["theory"], linewidth=1)
    panel.text(0.9, 2.2, "cone", ha="center")
    panel.set(title=name, xlabel=r"position $\varphi$ of $e^*$")
    panel.set_xticks([0, math.pi, 2 * math.pi], ["0", r"$\pi$", r"$2\pi$"])
    panel.set_yticks([0, math.pi / 2, math.pi], ["0", r"$\pi/2$", r"$\pi$"])
    panel.grid(False)
axes[0].set_ylabel(r"angle $\theta_{12}$")
figure.colorbar(picture, label="value, largest size in a row 1")
chapter.figure(
    "fig-tian2017-fig10-map",
    figure,
    caption=r"Counterpart of Figure 10. Red is positive, blue negative; $e^*=e_2$ on the line and "
    r"$e^*=e_1$ on the left and right edges. Both functions are positive in the triangle where "
    r"$e^*$ is in the cone and negative everywhere else, as the paper reports.",
    alt="Two maps over phi and theta12. The triangle above the diagonal on the left is red, the "
    "rest is blue; the two maps differ only in where the colour is strong.",
    data={
        "theta12": rows.repeat_interleave(len(columns)),
        "phi": columns.repeat(len(rows)),
        "L12": maps["$L_{12}$"].flatten(),
        "L21": maps["$L_{21}$"].flatten(),
    },
    claims=["tian2017.fig10"],
)

# %% [markdown]
# **Beside the paper** (Figure 10, Section 7.2).
#
# - *Paper:* $L_{12},L_{21}>0$ for $e^*$ in the cone, $<0$ outside; no counterexample on the grid.
#   *Here:* the same, on the midpoints; the `paper` setting has the paper's $10^4\times10^4$ points.
# - *Paper:* no zeros besides $e^*=e_1$ and $e^*=e_2$. *Here:* the same, but for the row
#   $\theta_{12}=\pi$ of the closed rectangle, which is identically zero, and the row
#   $\theta_{12}=0$, where $L_{12}$ is not defined.
#
# No sign is wrong. The smallest size that occurs on the midpoints is {number}`smallest_value`,
# against a rounding error of at most {number}`rounding` on a part of the grid, measured against 50
# digits. With $a_2$ wrong by $10^{-3}$,
# {number}`altered_share` of the signs would be. The proof makes the map a picture; the grid is no
# longer evidence that we need.
#
# ## Collinear students
#
# Let $w_1=c_1e$ and $w_2=c_2e$. The gradient then has one part along $e$ and one across:
#
# $$\pi(c_1+c_2)=\sum_k\lVert w^*_k\rVert\,h(\theta_k),\qquad
# \sum_k(\pi-\theta_k)\,\bigl(w^*_k-(w^*_k\cdot e)\,e\bigr)=0 .$$
#
# The paper has the first equation, with $e$ on the bisector of the teacher. The second holds on the
# bisector if the two teacher neurons have equal norms. If they do not, the printed point has a
# gradient. A case that meets every assumption: norms 1 and 2 at a right angle.

# %%
saddles = chapter.claim("tian2017.sec5.3")


def students_along(e, W_star, share=0.3):
    total = collinear.total_norm(e, W_star)
    return torch.stack([share * total * e, (1 - share) * total * e], dim=-2)


bisector = unit(0.0)
W_star = teacher(90, 2.0)
W = students_along(bisector, W_star)
to_teacher = angle(bisector, W_star)
h_half = 3 * math.pi / 4 * math.cos(math.pi / 4) + math.sin(math.pi / 4)
printed_sum = math.pi * W.norm(dim=-1).sum() / (h_half * W_star.norm(dim=-1).sum()) - 1
saddles.hypothesis("$w_1$ and $w_2$ have the same direction", "same direction", measured=angle(*W))
saddles.hypothesis(
    "it is the bisector", "on the bisector", measured=(to_teacher[0] - to_teacher[1]).abs()
)
saddles.hypothesis(
    r"$\pi(\lVert w_1\rVert+\lVert w_2\rVert)"
    r"=h(\theta^*/2)(\lVert w^*_1\rVert+\lVert w^*_2\rVert)$",
    "sum of the norms",
    measured=printed_sum.abs(),
)
saddles.violation("the gradient is not zero", "not critical", measured=relative_gradient(W, W_star))
chapter.number("printed_gradient", population.gradient(W, W_star).norm(), ".3f", tolerance=1e-9)


def critical_degrees(degrees, ratio):
    """Critical directions in degrees from the bisector, in increasing order."""
    places = torch.rad2deg(collinear.critical_directions(teacher(degrees, ratio)))
    return torch.where(places > 180, places - 360, places).sort().values


at_right_angle = critical_degrees(90, 2.0)
lean = at_right_angle[at_right_angle.abs() < 45]
chapter.number("within_cone", len(lean), ".0f", tolerance=0.0)
chapter.number("lean", -lean[0], ".2f", tolerance=1e-9)
for j, place in enumerate(critical_degrees(150, 1.1), start=1):
    chapter.number(f"wide_{j}", place, ".2f", tolerance=1e-9)

# %% [markdown]
# At that point the gradient is {number}`printed_gradient`. Inside the cone of this teacher
# {number}`within_cone` critical direction was found, {number}`lean` degrees from the bisector, on
# the side of the longer neuron. Others exist, and in a wide cone there can be several: at 150° with
# norms 1 and 1.1 (the longer one at -75°) they are at {number}`wide_1`, {number}`wide_2`,
# {number}`wide_3` and {number}`wide_4` degrees, two of them on the side of the shorter one and
# inside the cone. Now the corrected statement on fresh teachers in two to five dimensions.
# All critical directions are found, the total norm is split at random, and automatic formulas that
# know nothing of this section give gradient and Hessian. The Hessian has a closed form: if $\tau$
# is an eigenvalue of $\sum_k\lVert w^*_k\rVert\sin\theta_k\,(I-ee^\top+n_kn_k^\top)$, with $n_k$
# the direction of $w^*_k$ across $e$, it contributes the two eigenvalues of
#
# $$\tfrac12\begin{pmatrix}1&1\\1&1\end{pmatrix}-\frac\tau{2\pi}\begin{pmatrix}1/c_1&0\\0&1/c_2
# \end{pmatrix}.$$
#
# For $e$ itself $\tau=0$: eigenvalues 1 and 0, the zero along the family. In the vector $(1,-1)$
# the form is negative for $\tau>0$. So all of these points are saddles.

# %%
gradients, excess, differences, lowest = [], [], [], []
bisectors, sums = [], []
for k in range(40):
    flat = teacher(float(uniform(20, 160, 1)), float(uniform(-1.5, 1.5, 1).exp()))
    basis = torch.linalg.qr(torch.randn(2 + k % 4, 2, generator=generator)).Q
    W_star = flat @ basis.T
    for place in collinear.critical_directions(flat):
        e = basis @ unit(place)
        W = students_along(e, W_star, uniform(0.05, 0.95, 1))
        gradients.append(relative_gradient(W, W_star))
        eigenvalues = hessian_eigenvalues(W, W_star)
        closed_form = collinear.hessian_eigenvalues(W.norm(dim=-1), e, W_star)
        differences.append((eigenvalues - closed_form) / eigenvalues.abs().max())
        lowest.append(eigenvalues[0])
        sums.append(relative_gradient(1.01 * W, W_star))
    e = basis @ unit(uniform(0, 2 * math.pi, 1).squeeze())
    W = uniform(0.5, 2, 1) * students_along(e, W_star, uniform(0.05, 0.95, 1))
    bound = math.sqrt(2) * collinear.imbalance(e, W_star).norm() / (2 * math.pi)
    excess.append(population.gradient(W, W_star).norm() / bound)
    equal = teacher(float(uniform(5, 175, 1)), 1.0)
    bisectors.append(relative_gradient(students_along(bisector, equal), equal))
saddles.check("critical", measured=torch.stack(gradients), n=len(gradients))
saddles.check("other directions", measured=torch.stack(excess), n=len(excess))
saddles.check("eigenvalues", measured=torch.cat(differences), expected=0.0)
saddles.check("saddle", measured=torch.stack(lowest), n=len(lowest))
saddles.check("equal norms", measured=torch.stack(bisectors), n=len(bisectors))
unequal = teacher(60, 1.5)
saddles.control(
    "norms 1 and 1.5",
    "equal norms",
    measured=relative_gradient(students_along(bisector, unequal), unequal),
)
saddles.control("norms too large by a hundredth", "critical", measured=torch.stack(sums))

# %% tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(6.8, 3.1))
drawn = {"ratio": [], "teacher_angle": [], "direction": []}
for ratio, colour in ((1.0, "theory"), (1.1, "measured"), (1.5, "student"), (3.0, "teacher")):
    for degrees in (*range(5, 128, 8), 127.6, 128, 129, 130, 132, *range(135, 180, 8)):
        places = torch.rad2deg(collinear.critical_directions(teacher(degrees, ratio)))
        for place in (places - 360 * (places > 180)).tolist():
            if abs(place) < 91:
                for column, entry in zip(drawn.values(), (ratio, degrees, place), strict=True):
                    column.append(entry)
    shown = [k for k, r in enumerate(drawn["ratio"]) if r == ratio]
    left.plot(
        *([drawn[name][k] for k in shown] for name in ("teacher_angle", "direction")),
        ".",
        color=COLOURS[colour],
        label=f"{ratio:g}",
    )
transition = math.degrees(2 * collinear.transition_half_angle())
left.axvline(transition, color=COLOURS["muted"], linestyle=":", linewidth=1.2)
left.set(xlabel="angle of the teacher (degrees)", ylabel="direction $e$, from bisector (degrees)")
left.set_xticks([0, 45, 90, 135, 180])
left.legend(title="ratio of norms", loc="upper left")
ratios = torch.linspace(1, 4, 61)
for degrees, style in ((30, ":"), (60, "--"), (90, "-")):
    size = [
        relative_gradient(students_along(bisector, teacher(degrees, r)), teacher(degrees, r))
        for r in ratios.tolist()
    ]
    right.plot(ratios, size, style, color=COLOURS["control"], label=f"{degrees}°")
right.set(xlabel="ratio of the teacher's norms", ylabel="relative gradient on the bisector")
right.legend(title="teacher")
chapter.figure(
    "fig-tian2017-sec53-collinear",
    figure,
    caption=r"Left: critical directions of collinear students within 90° of the bisector, at 0; "
    r"the longer teacher neuron is at negative angles. Only for equal norms is the bisector one of "
    r"them, and beyond {angle}° (dotted) there are two more. Right: the gradient at "
    r"the printed point.".replace("{angle}", f"{transition:.2f}"),
    alt="Left, dots against the teacher angle: a straight line at zero for equal norms that splits "
    "into three near 128 degrees, and falling curves for unequal norms. Right, three curves that "
    "start at zero for ratio one and rise.",
    data=drawn,
    claims=["tian2017.sec5.3"],
)

# %% [markdown]
# Under equal norms a second and third critical direction appear at the teacher angle $2x_c=$
# {number}`transition` degrees, where $\tan x_c=\pi-x_c$: there $(\pi-x)\sin x$ has its maximum. We
# meet this angle again.
#
# ## Theorem 4
#
# With Conjecture 1 proved, Theorem 4 needs no assumption on $L_{12}$. As it is printed it is still
# false, for want of a word. It excludes $w_1=w_2$ but not $w_1\parallel w_2$: the collinear saddles
# above have $w_1\ne w_2$, both inside the cone of the teacher. We state the counterexample for an
# orthonormal teacher. Three repairs make the theorem true.
#
# 1. *Directions.* $w_1$ and $w_2$ must not be collinear, so that $0<\theta_{12}<\pi$.
# 2. *Open and closed.* Points on the rays do not count: the global minimum $w_k=w^*_k$ has both
#    students in the closed cone of the teacher. And some teacher neuron must be off the rays.
# 3. *Roles.* The argument, Theorem 3 with the sign of $L_{12}$, is about teacher neurons in the
#    cone of the students; the print has students in the cone of the teacher. In a plane the two
#    say the same, up to rays: "exactly one inside" means that the two pairs interlace.

# %%
theorem = chapter.claim("tian2017.thm4")
square = certify_conjecture()
pieces = [*certify_inequalities(), *(c for arc in square.values() for c in arc)]
conjecture = SimpleNamespace(
    proved=all(c.proved for c in pieces) and all(exact_identities().values()),
    boxes=sum(c.boxes for c in pieces),
    seconds=sum(c.seconds for c in pieces),
)
theorem.check("conjecture one", certificate=conjecture)
orthonormal = teacher(90, 1.0)
W = students_along(bisector, orthonormal)
theorem.hypothesis("Conjecture 1", "conjecture one", certificate=conjecture)
theorem.hypothesis(
    r"$w_1\ne w_2$, both in the plane of the teacher ($d=2$)",
    "distinct",
    measured=(W[0] - W[1]).norm(),
)
to_rays = math.pi / 4 - angle(W, bisector)
theorem.hypothesis(
    r"$w_1,w_2$ in the interior of $\operatorname{Cone}(w^*_1,w^*_2)$",
    "in the interior",
    measured=to_rays,
)
theorem.violation("$(w_1,w_2)$ is critical", "critical", measured=relative_gradient(W, orthonormal))
theorem.note = (
    "True, with Conjecture 1 proved, once $w_1$ and $w_2$ are not collinear and no neuron lies on "
    "a ray of the other pair."
)

# %% [markdown]
# For the corrected statement we draw directions at random: two students, not collinear, and two
# teacher neurons, both inside their cone or both outside. The student then chooses its norms so as
# to make the gradient as small as it can. It cannot get below the bound that Theorem 3 gives, a
# positive multiple of $\sum_k\lVert w^*_k\rVert\,|L_{12}(e^*_k)|$.


# %%
def gradient_over_bound(W, W_star):
    """Smallest gradient over the student's norms, over the bound; 0 where the bound is 0."""
    own = torch.eye(2, dtype=torch.bool)
    terms = separating_functions(W, W_star).abs() @ W_star.norm(dim=-1)[:, None, :, None]
    value = terms.squeeze(-1) / (2 * math.pi)
    bounds = (value / functional_norms(W).masked_fill(own, 1)).masked_fill(own, 0)
    bound = bounds.flatten(1).amax(dim=1)
    return torch.where(bound > 0, smallest_gradient(W, W_star) / bound, 0)


n = n_configurations
first, theta12 = uniform(0, 2 * math.pi, n), uniform(0.2, math.pi - 0.2, n)
both_inside = uniform(0, 1, n) < 0.5


def teacher_place():
    share = uniform(0.03, 0.97, n)
    return torch.where(both_inside, share * theta12, theta12 + share * (2 * math.pi - theta12))


W = unit(torch.stack([first, first + theta12], dim=-1))
W_star = unit(first[:, None] + torch.stack([teacher_place(), teacher_place()], dim=-1))
W_star = uniform(0.3, 1.3, n, 2, 1) * W_star
ratios = gradient_over_bound(W, W_star)
theorem.check("gradient bound", measured=ratios, n=n)

theorem.control(
    "directions that are not critical",
    "one inside",
    measured=teachers_inside(W, W_star),
    expected=1,
)

drawing = chapter.claim("tian2017.fig4")
drawing.check("both inside or both outside", measured=ratios, n=n)
places = 2 * math.pi * (torch.arange(4000) + 0.5) / 4000
shown_t = uniform(0.05, math.pi - 0.05, 200, 1)
positive = separable_on_circle(places, shown_t) > 0
changes = positive != positive.roll(-1, dims=1)
row, column = changes.nonzero().T


def steps_to_ray(row, column):
    """Distance of a place on the circle from the nearest ray, in grid steps."""
    to_e1 = torch.minimum(places[column], 2 * math.pi - places[column])
    distance = torch.minimum(to_e1, (places[column] - shown_t[row, 0]).abs())
    return distance / (2 * math.pi / 4000)


drawing.check("crossings at the rays", measured=steps_to_ray(row, column), n=len(row))
drawing.check("two crossings", measured=changes.sum(dim=1), expected=2)
raised = separable_on_circle(places, shown_t) > 0.05
drawing.control(
    "crossings of the level 0.05",
    "crossings at the rays",
    measured=steps_to_ray(*(raised != raised.roll(-1, dims=1)).nonzero().T),
)

# %% [markdown]
# ## The open case: exactly one teacher neuron inside
#
# Here critical points do exist. We search for all of them: with the norms eliminated, critical
# directions are the common zeros of $\sum_k\lVert w^*_k\rVert L_{12}(e^*_k)$ and $\sum_k\lVert
# w^*_k\rVert L_{21}(e^*_k)$, two functions of two angles. Cells of a grid in which both change sign
# give the starts of Newton's method. We take random teachers (angles from 11 to 177 degrees, norms
# of ratio between 1.05 and 4.5), some with given angles and ratios, and leave out the teacher
# itself. Where Conjecture 1 holds, both sums change sign only if exactly one neuron is inside: this
# search can find nothing else. So we also start Newton's method at random students, who know
# nothing of the cone; they enter the check and not the counts below.

# %%
ratio = torch.exp(uniform(0.05, 1.5, n_teachers))
opening = torch.rad2deg(uniform(0.2, math.pi - 0.05, n_teachers))
beyond = torch.tensor([127.7, 128.5, 130, 133, 137, 142, 150, 160, 170, 176])
sweep = torch.cat([torch.arange(15.0, 120, 15), torch.arange(120.0, 178, 4)])
cases = [*zip(opening.tolist(), ratio.tolist(), strict=True), (90.0, 2.0), (135.0, 1.0)]
cases += [(a, 1.0) for a in beyond.tolist()]
cases += [(a, r) for r in (1.02, 2.0) for a in sweep.tolist()]
teachers = torch.stack([teacher(*case) for case in cases])
W, owner = in_plane_critical_points(teachers)
values = hessian_eigenvalues(W, teachers[owner])
index = count_signs(values)[0]
inside = teachers_inside(W, teachers[owner])
risks = population.risk(W, teachers[owner])
hosts = torch.arange(n_teachers).repeat_interleave(20)
blind, _ = polish(2 * torch.randn(len(hosts), 2, 2, generator=generator), teachers[hosts])
apart = angle(blind[:, 0], blind[:, 1])
reached = is_critical(blind, teachers[hosts]) & (population.risk(blind, teachers[hosts]) > 1e-9)
reached &= (apart > 1e-3) & (apart < math.pi - 1e-3)
blind_inside = teachers_inside(blind[reached], teachers[hosts[reached]])
chapter.number("blind_points", int(reached.sum()), ".0f", tolerance=0.1)
theorem.check("one inside", measured=torch.cat([inside, blind_inside]), expected=1)
theorem.control(
    "exactly one inside, at the critical points",
    "gradient bound",
    measured=gradient_over_bound(W, teachers[owner]),
)
drawing.control(
    "exactly one inside, at the critical points",
    "both inside or both outside",
    measured=gradient_over_bound(W, teachers[owner]),
)
random = owner < n_teachers
per_teacher = torch.bincount(owner[random], minlength=n_teachers)
chapter.number("points_found", len(W), ".0f", tolerance=0.0)
chapter.number("random_points", int(random.sum()), ".0f", tolerance=0.0)
chapter.number("random_teachers", n_teachers, ".0f", tolerance=0.0)
chapter.number("fewest", per_teacher.min(), ".0f", tolerance=0.0)
chapter.number("most", per_teacher.max(), ".0f", tolerance=0.0)
weakest = cases[owner[values[:, 0].argmax()]]
chapter.number("weakest_angle", weakest[0], ".1f", tolerance=1e-9)
chapter.number("largest_lowest", values[:, 0].max(), ".1e", tolerance=1e-3)
chapter.number("index_two", int((index == 2).sum()), ".0f", tolerance=0.0)
chapter.number("local_minima", int((index == 0).sum()), ".0f", tolerance=0.0)

explicit = torch.stack([(owner == n_teachers + k).nonzero()[0, 0] for k in (0, 1)])
theorem.check("open case", measured=relative_gradient(W[explicit], teachers[owner[explicit]]), n=2)
moved = W[explicit] * torch.tensor([[1.001], [1.0]])
theorem.control(
    "one norm larger by a thousandth",
    "open case",
    measured=relative_gradient(moved, teachers[owner[explicit]]),
)
for name, k in zip(("unequal", "equal"), explicit, strict=True):
    chapter.number(f"{name}_risk", risks[k], ".6f", tolerance=1e-9)
    for j in (0, 1):
        place = torch.rad2deg(torch.atan2(W[k, j, 1], W[k, j, 0]))
        chapter.number(f"{name}_place_{j + 1}", place, ".3f", tolerance=1e-7)
        chapter.number(f"{name}_norm_{j + 1}", W[k, j].norm(), ".5f", tolerance=1e-7)
    for j in range(4):
        chapter.number(f"{name}_value_{j + 1}", values[k, j], ".4f", tolerance=1e-6)
antipodal = collinear.antipodal_student(math.pi / 4)
chapter.number("opposite_risk", population.risk(antipodal, orthonormal), ".6f", tolerance=1e-9)
for j, norm in enumerate(antipodal.norm(dim=-1), start=1):
    chapter.number(f"opposite_norm_{j}", norm, ".5f", tolerance=1e-9)
for j, value in enumerate(hessian_eigenvalues(antipodal, orthonormal), start=1):
    chapter.number(f"opposite_value_{j}", value, ".4f", tolerance=1e-9)
chapter.number("transition", transition, ".4f", tolerance=1e-12)

# %% [markdown]
# | | norms 1 and 2, 90° | equal norms, 90° | equal norms, 135° |
# |---|---|---|---|
# | $w_1$, degrees | {number}`unequal_place_1` | 0 | {number}`equal_place_1` |
# | $w_2$, degrees | {number}`unequal_place_2` | 180 | {number}`equal_place_2` |
# | norm of $w_1$ | {number}`unequal_norm_1` | {number}`opposite_norm_1` | {number}`equal_norm_1` |
# | norm of $w_2$ | {number}`unequal_norm_2` | {number}`opposite_norm_2` | {number}`equal_norm_2` |
# | risk | {number}`unequal_risk` | {number}`opposite_risk` | {number}`equal_risk` |
# | Hessian | {number}`unequal_value_1` | {number}`opposite_value_1` | {number}`equal_value_1` |
# |  | {number}`unequal_value_2` | {number}`opposite_value_2` | {number}`equal_value_2` |
# |  | {number}`unequal_value_3` | {number}`opposite_value_3` | {number}`equal_value_3` |
# |  | {number}`unequal_value_4` | {number}`opposite_value_4` | {number}`equal_value_4` |
#
# Angles are counted from the bisector of the teacher, whose first neuron is at positive angles. The
# first and the third have exactly one teacher neuron inside their cone. The second is antipodal;
# its cone has no interior. At 135° there is a mirror image.

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 3, figsize=(6.8, 2.7))
sketches = (
    ("norms 1 and 2, 90°", W[explicit[0]], teachers[n_teachers]),
    ("equal norms, 90°", antipodal, orthonormal),
    ("equal norms, 135°", W[explicit[1]], teachers[n_teachers + 1]),
)
columns = {"case": [], "neuron": [], "x": [], "y": []}
for panel, (title, students, W_star) in zip(axes, sketches, strict=True):
    degrees = torch.rad2deg(torch.atan2(students[:, 1], students[:, 0])).tolist()
    reach = 1.1 * float(torch.cat([students, W_star]).norm(dim=-1).max())
    start, stop = degrees if (degrees[1] - degrees[0]) % 360 < 180 else degrees[::-1]
    if students is not antipodal:
        panel.add_patch(Wedge((0, 0), reach, start, stop, color=COLOURS["student"], alpha=0.15))
    for neurons, colour, label in ((W_star, "teacher", "$w^*$"), (students, "student", "$w$")):
        for k, (x, y) in enumerate(neurons.tolist()):
            panel.annotate(
                "",
                (x, y),
                (0, 0),
                arrowprops={"arrowstyle": "-|>", "color": COLOURS[colour], "linewidth": 1.8},
            )
            panel.plot(x, y, ".", color=COLOURS[colour], label=label if k == 0 else None)
            for column, entry in zip(
                columns.values(), (title, f"{label} {k + 1}", x, y), strict=True
            ):
                column.append(entry)
    panel.set(title=title, xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    panel.set(xlabel="first coordinate")
figure.supylabel("second coordinate")
axes[0].legend(loc="upper left", handletextpad=0.2)
chapter.figure(
    "fig-tian2017-thm4-critical-points",
    figure,
    caption=r"Critical points of the open case: teacher neurons, students, and the cone of the "
    r"students (shaded), which contains exactly one teacher neuron. In the middle "
    r"the students are antipodal.",
    alt="Three sketches of arrows from the origin. In the first and third, a shaded sector between "
    "two student arrows contains one of two teacher arrows; in the middle the student arrows "
    "are opposite.",
    data=columns,
    claims=["tian2017.thm4"],
)

# %% [markdown]
# **The pitchfork.** For equal norms and half-angle $g$ the antipodal students $w_1=\frac2\pi
# h(g)\,u$, $w_2=-\frac2\pi h(\pi-g)\,u$ on the bisector $u$ are critical for every $g$. In the
# plane their Hessian has the eigenvalues
#
# $$\tfrac12,\quad\tfrac12,\quad\tfrac12-\frac{\sin g}{h(g)},\quad
# \tfrac12-\frac{\sin g}{h(\pi-g)} .$$
#
# The last one is negative. The third vanishes when $h(g)=2\sin g$, that is when $\tan g=\pi-g$: at
# teacher angle {number}`transition` degrees, the same angle as above. There the antipodal point
# passes on one negative direction: it has two beyond, and two critical points with exactly one
# teacher neuron inside branch off, which have one. Unequal norms break the symmetry, and the
# pitchfork comes apart.

# %% tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(6.8, 3.3), width_ratios=(1.5, 1))
longer = W.norm(dim=-1).argmax(dim=1)
tips = W[torch.arange(len(W)), longer]
lean = torch.rad2deg(torch.atan2(tips[:, 1], tips[:, 0]))
degrees = torch.tensor([case[0] for case in cases])[owner]
ratio_of = torch.tensor([case[1] for case in cases])[owner]
left.plot([0, transition], [0, 0], color=COLOURS["theory"])
left.plot([transition, 180], [0, 0], "--", color=COLOURS["theory"])
for ratio, colour in ((1.0, "theory"), (1.02, "measured"), (2.0, "teacher")):
    for negative, marker in ((1, "o"), (2, "s")):
        chosen = (ratio_of == ratio) & (index == negative)
        left.plot(
            degrees[chosen],
            lean[chosen],
            marker,
            color=COLOURS[colour],
            markerfacecolor=COLOURS[colour] if negative == 1 else "white",
            label=f"{ratio:g}" if negative == 1 else None,
        )
left.set(xlabel="angle of the teacher (degrees)", ylabel="longer student, from bisector (degrees)")
left.set_xticks([0, 45, 90, 135, 180])
left.legend(title="ratio of norms", loc="upper left")
halves = torch.deg2rad(torch.arange(20.0, 180.5, 2)) / 2
third = torch.stack([collinear.antipodal_eigenvalues(float(g))[1] for g in halves])
right.plot(2 * torch.rad2deg(halves), third, color=COLOURS["theory"], label="antipodal point")
branch = ratio_of == 1.0
right.plot(degrees[branch], values[branch, 1], "o", color=COLOURS["student"], label="branches")
right.axhline(0, color=COLOURS["muted"], linewidth=1)
right.axvline(transition, color=COLOURS["muted"], linestyle=":", linewidth=1.2)
right.set(xlabel="angle of the teacher (degrees)", ylabel="second Hessian eigenvalue")
right.set_xticks([45, 90, 135, 180])
right.legend(loc="lower left")
chapter.figure(
    "fig-tian2017-thm4-pitchfork",
    figure,
    caption=r"Left: where the longer student points at the critical points. Equal norms (black): "
    r"the antipodal point, with one negative direction (line) and with two (dashed), and the two "
    r"branches. Open squares have two negative directions, dots one. Right, equal norms: the "
    r"eigenvalue that changes sign at {angle}°.".replace("{angle}", f"{transition:.2f}"),
    alt="Left, a pitchfork: a horizontal line splits into three near 127.5 degrees; for a ratio of "
    "1.02 it comes apart into one smooth curve and a fold. Right, a curve falls through zero "
    "there, and the values on the branches rise from zero.",
    data={
        "teacher_angle": degrees,
        "ratio": ratio_of,
        "longer_student": lean,
        "index": index,
        "risk": risks,
        "second_eigenvalue": values[:, 1],
    },
    claims=["tian2017.thm4"],
)

# %% [markdown]
# **How many?** The {number}`random_teachers` random teachers have {number}`random_points` such
# points, at least {number}`fewest` and at most {number}`most` each. Of all {number}`points_found`
# points found, {number}`index_two` have two negative directions, the others one, and
# {number}`local_minima` none: up to the ratio 4.5, where the search ends, we found no local minimum
# besides the teacher. The weakest negative eigenvalue is {number}`largest_lowest`, at the teacher
# angle {number}`weakest_angle` degrees. From random starts {number}`blind_points` runs ended at
# such a point, all with one teacher neuron inside.
#
# **Strict local minima.** For larger ratios this is no longer so.

# %%
lopsided = teacher(90, 12.0)
trap, _ = polish(torch.tensor([[-0.08, -0.45], [9.1, -7.9]]), lopsided)
chapter.number("trap_gradient", relative_gradient(trap, lopsided), ".0e")
chapter.number("trap_risk", population.risk(trap, lopsided), ".6f", tolerance=1e-9)
chapter.number("trap_inside", teachers_inside(trap, lopsided), ".0f", tolerance=0.0)
for j, value in enumerate(hessian_eigenvalues(trap, lopsided), start=1):
    chapter.number(f"trap_value_{j}", value, ".5f", tolerance=1e-6)
for j in (0, 1):
    for name, coordinate in zip("xy", trap[j], strict=True):
        chapter.number(f"trap_{name}_{j + 1}", coordinate, ".4f", tolerance=1e-7)
wide = torch.nn.functional.pad(trap, (0, 1)), torch.nn.functional.pad(lopsided, (0, 1))
chapter.number("trap_outside", hessian_eigenvalues(*wide)[0], ".4f", tolerance=1e-6)
for degrees in (30, 90, 150):
    tried = torch.stack([teacher(degrees, float(r)) for r in range(5, 11)])
    points, of = in_plane_critical_points(tried)
    minima = of[hessian_eigenvalues(points, tried[of])[:, 0] > 0]
    chapter.number(f"first_minimum_{degrees}", 5 + int(minima.min()), ".0f", tolerance=0.0)

# %% [markdown]
# The teacher at 90° with norms 1 and 12 has a critical point at $w_1=$ ({number}`trap_x_1`,
# {number}`trap_y_1`), $w_2=$ ({number}`trap_x_2`, {number}`trap_y_2`), with {number}`trap_inside`
# teacher neuron inside the cone (relative gradient {number}`trap_gradient`). Its risk is
# {number}`trap_risk`, and the eigenvalues of the Hessian in the plane are {number}`trap_value_1`,
# {number}`trap_value_2`, {number}`trap_value_3` and {number}`trap_value_4`: all are positive, a
# strict spurious local minimum. A third dimension adds two eigenvalues, and the smallest is still
# {number}`trap_outside`.
# Among the ratios 5, 6, ..., 10 the search first finds such a minimum at
# {number}`first_minimum_30` for the teacher angle 30°, at {number}`first_minimum_90` for 90° and at
# {number}`first_minimum_150` for 150°.
#
# ## Figure 4, drawn from numbers
#
# The paper's drawing shows the change of sign and the two cases. For fixed student directions we
# draw, over the positions of two teacher neurons of norm 1, the smallest gradient that the
# student's norms can reach.

# %% tags=["hide-input"]
t_shown = 1.4
E = unit(torch.tensor([0.0, t_shown]))
side = 2 * math.pi * (torch.arange(110) + 0.5) / 110 - (2 * math.pi - t_shown) / 2
one, two = torch.meshgrid(side, side, indexing="ij")
pairs = unit(torch.stack([one.flatten(), two.flatten()], dim=-1))
reachable = smallest_gradient(E.expand(len(pairs), 2, 2), pairs).reshape(one.shape)
sums = separating_functions(E, pairs).sum(dim=-1)
figure, (circle, plane) = plt.subplots(1, 2, figsize=(6.8, 3.3), width_ratios=(1, 1.35))
turn = torch.linspace(0, 2 * math.pi, 181)
height = separable_on_circle(turn, torch.tensor(t_shown))
for positive, colour in ((True, "teacher"), (False, "measured")):
    chosen = torch.where((height > 0) == positive, 1 + 0.5 * height, math.nan)
    circle.plot(*(chosen[:, None] * unit(turn)).T, color=COLOURS[colour])
circle.plot(*unit(turn).T, color=COLOURS["muted"], linewidth=0.8)
for k, (x, y) in enumerate(E.tolist(), start=1):
    circle.plot([0, x], [0, y], color=COLOURS["student"])
    circle.annotate(f"$e_{k}$", (1.12 * x, 1.12 * y), ha="center", va="center")
circle.set(aspect="equal", title="$L_{12}$ around the circle")
circle.axis("off")
picture = plane.pcolormesh(side, side, reachable, cmap="viridis", rasterized=True)
for pair, colour, style in ((sums[:, 0, 1], "bound", "-"), (sums[:, 1, 0], "control", "--")):
    plane.contour(
        side, side, pair.reshape(one.shape), levels=[0], colors=COLOURS[colour], linestyles=style
    )
for value in (0, t_shown):
    plane.axhline(value, color="white", linewidth=1)
    plane.axvline(value, color="white", linewidth=1)
plane.text(t_shown / 2, t_shown / 2, "both in", color="white", ha="center", va="center")
plane.set(xlabel=r"position of $w^*_1$", ylabel=r"position of $w^*_2$", aspect="equal")
plane.set_xticks([0, t_shown], ["$e_1$", "$e_2$"])
plane.set_yticks([0, t_shown], ["$e_1$", "$e_2$"])
plane.grid(False)
figure.colorbar(picture, label="smallest gradient")
chapter.figure(
    "fig-tian2017-fig4-cone",
    figure,
    caption=r"Counterpart of Figure 4. Left: (a) distance from the circle is $\frac12L_{12}$, "
    r"outwards inside the cone and inwards elsewhere. Right: (b) smallest gradient over the "
    r"students' norms; on the coloured lines one of the two sums vanishes. They run only where "
    r"exactly one teacher neuron is inside: the centre square and the four corners are "
    r"free of them.",
    alt="Left, a circle with a curve that lies outside of it between e1 and e2 and inside "
    "elsewhere. Right, a map with white lines at e1 and e2; two coloured curves stay in the four "
    "side rectangles and meet at their corners.",
    data={
        "first": one.flatten(),
        "second": two.flatten(),
        "smallest_gradient": reachable.flatten(),
        "sum_12": sums[:, 0, 1],
        "sum_21": sums[:, 1, 0],
    },
    claims=["tian2017.fig4"],
)

# %% [markdown]
# ```{admonition} Errata
# :class: warning
# **Section 5.3** puts collinear saddles on the bisector of the teacher neurons. Smallest
# counterexample: teacher norms 1 and 2 at a right angle, where the printed point has the gradient
# {number}`printed_gradient`. Corrected: the direction $e$ has to satisfy
# $\sum_k(\pi-\theta_k)(w^*_k-(w^*_k\cdot e)\,e)=0$, which the bisector does for equal norms.
#
# **Theorem 4** excludes $w_1=w_2$ and has to exclude $w_1\parallel w_2$. Smallest counterexample:
# two collinear students of different norms on the bisector of an orthonormal teacher, inside its
# cone, with the sum of norms of Section 5.3: the gradient is zero. Corrected: for students that are
# not collinear, if some teacher neuron is off their rays, and those off the rays are all in the
# interior of their cone or all outside, the gradient is not zero.
# ```
#
# ## Where it stops being true
#
# - **Collinear students.** There $L_{12}$ is not defined or identically zero, and Theorem 4 is
#   silent. These critical points are the families above and, for equal norms, the antipodal point.
# - **A teacher on one line.** As the teacher's angle tends to 180°, the critical points of the
#   open case run into a flat family: both students on the ray of the longer teacher neuron, with
#   $w_1+w_2$ equal to it, and the shorter one not learned. With norms 1 and 2 the risk is
#   {number}`flat_risk`. All $\tau$ are 0, so the Hessian has the eigenvalues 0, 0, 1, 1: to second
#   order no direction leads down.
# - **Out of the plane.** Conjecture 1 fails there, and with it the argument.
# - **Completeness.** The list of critical points is numerical: a grid cell can hide an even number
#   of zeros. That none of them is a local minimum is an observation for norm ratios up to 4.5, the
#   largest that is searched; from ratios of about 6 to 10 on, depending on the teacher's angle,
#   strict minima appear.

# %%
straight = torch.tensor([[0.0, 1.0], [0.0, -2.0]])
fit = torch.stack([0.3 * straight[1], 0.7 * straight[1]])
chapter.number("flat_risk", population.risk(fit, straight), ".4f", tolerance=1e-9)

# %% [markdown]
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: exercise-two-neurons-interlace
# Four directions in the plane, no two of them collinear. Show that exactly one $w^*_k$ is in
# $\operatorname{Cone}(w_1,w_2)$ if exactly one $w_j$ is in $\operatorname{Cone}(w^*_1,w^*_2)$, and
# that the converse can fail when $w^*_1$ and $w^*_2$ are antipodal.
# ```
#
# ```{solution} exercise-two-neurons-interlace
# :class: dropdown
# The directions of $w_1,w_2$ cut the circle into two arcs, and the cone is the shorter one. Exactly
# one $w^*_k$ is in it if and only if the pairs interlace on the circle, which is symmetric in the
# two pairs. The cone of an antipodal pair is a line and contains no $w_j$, though the pairs can
# interlace.
# ```
#
# ```{exercise}
# :label: exercise-two-neurons-index
# Show that collinear students on the bisector of equal teacher neurons have two negative directions
# in the plane if and only if the teacher's angle exceeds $2x_c$.
# ```
#
# ```{solution} exercise-two-neurons-index
# :class: dropdown
# With norms 1 and half-angle $g$ the matrix $T$ has $\tau=4\sin g$ across $e$. The determinant of
# the block is $\frac{\alpha}{4c_1c_2}(\alpha-c_1-c_2)$ with $\alpha=\tau/\pi$. Since
# $c_1+c_2=\frac2\pi h(g)$, it is positive if and only if $2\sin g>h(g)$, that is $\sin
# g>(\pi-g)\cos g$. The trace is then negative.
# ```
