# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Critical points outside of the teacher's plane
#
# Gaussian inputs look the same from all sides. Turn the input space so that every teacher neuron
# stays where it is: the risk of the turned student is the old one. So a critical point that has a
# part outside of the teacher's plane $\Pi^*$ takes a whole orbit of critical points with it, if
# there is room to turn. {cite:t}`tian2017` asks for $d\ge K+2$, shows no such point, and adds that
# this explains flat minima. We find such points, measure their orbits, and look at what kind of
# points they are.
#
# ```{claim} tian2017.thm2
# ```
#
# ```{claim} tian2017.thm2flat
# ```
#
# **What would count against them.** A rotation that fixes the teacher and does not turn the
# gradient with it; an out-of-plane critical point whose orbit is a single point, or carries a
# gradient, or has curvature along it. Against the remark on flat minima: manifolds that consist of
# saddles.

# %% tags=["parameters", "hide-input"]
seed: int = 1  # seed of all random numbers; 0..4294967295
n_starts: int = 120  # starts of Newton's method for each width; 80..100_000
n_descents: int = 60  # runs of gradient descent for each width; 40..20_000
n_rotations: int = 10  # random rotations of each critical point; 2..1_000
n_steps: int = 3000  # steps of gradient descent, of size 1/2; 200..100_000
# memory: 5e8 + 2e4 * n_starts * n_rotations bytes
# time: 6 + 3e-2 * n_starts + 1.5e-3 * n_steps + 2e-5 * n_descents * n_steps seconds

# %% tags=["hide-input"]
import math

import matplotlib.pyplot as plt
import torch
from scipy.integrate import quad
from scipy.optimize import root

from companion import open_chapter
from companion.figures import COLOURS
from companion.verdicts import proportion_interval
from shallow_relu import orbits, population
from shallow_relu.critical_points import count_signs, hessian_eigenvalues, polish
from shallow_relu.kernels import angle

chapter = open_chapter("teacher_student/out_of_plane_manifolds", globals())
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)


def normal(*shape):
    return torch.randn(*shape, generator=generator)


# %% [markdown]
# ## A point that can be seen
#
# Take two teacher neurons of norm 1 at an angle of 90 degrees, with bisector $u$, and let $n$ be
# orthogonal to both. The students $w_{1,2}=Au\pm Bn$ are mapped to themselves by two reflections,
# so the gradient of such a student has the same form, and two equations are left for $A$ and $B$.
# Newton's method finds a root with $B>0$. The same root is critical in every dimension $d\ge3$.

# %%
theorem = chapter.claim("tian2017.thm2")


def ansatz(d, degrees=90.0):
    """The teacher, and the critical student out of its plane, in d dimensions."""
    half = math.radians(degrees) / 2
    W_star, W = torch.zeros(2, d), torch.zeros(2, d)
    W_star[:, 0], W[:, 0] = math.cos(half), 0.85 * math.cos(half) + 0.1
    W_star[:, 1] = torch.tensor([1.0, -1.0]) * math.sin(half)
    W[:, 2] = torch.tensor([0.55, -0.55]) * math.sin(half) + torch.tensor([0.03, -0.03])
    return polish(W, W_star)[0], W_star


dimensions = [3, 4, 5, 6]
W, W_star = ansatz(4)
spectra = [hessian_eigenvalues(*ansatz(d)) for d in dimensions]
nullities = [int(count_signs(spectrum)[1]) for spectrum in spectra]
chapter.number("along", W[0, 0], ".4f", tolerance=1e-9)
chapter.number("across", W[0, 2].abs(), ".4f", tolerance=1e-9)
chapter.number("risk_of_point", population.risk(W, W_star), ".4f", tolerance=1e-9)
most_negative = chapter.number("most_negative", spectra[1][0], ".3f", tolerance=1e-9)

# %% tags=["hide-input"]
figure, axes = plt.subplots(figsize=(6.4, 3.4))
signs = {"negative": "teacher", "zero": "theory", "positive": "measured"}
for place, spectrum in enumerate(spectra):
    zero = spectrum.abs() <= 1e-9 * spectrum.abs().max()
    kinds = {"negative": ~zero & (spectrum < 0), "zero": zero, "positive": ~zero & (spectrum > 0)}
    for kind, chosen in kinds.items():
        values = spectrum[chosen]
        offset = place + 0.09 * (torch.arange(len(values)) - (len(values) - 1) / 2)
        label = kind if place == 1 else None
        axes.plot(offset, values, "o", color=COLOURS[signs[kind]], label=label)
axes.set_xticks(range(len(dimensions)), dimensions)
axes.set(xlabel="dimension $d$ of the inputs", ylabel="eigenvalue of the Hessian")
axes.legend(loc="upper left", ncols=3)
axes.set_ylim(-0.35, 1.25)
chapter.figure(
    "fig-tian2017-thm2-spectrum",
    figure,
    caption=r"Eigenvalues of the Hessian at the critical point $w_{1,2}=Au\pm Bn$ for a teacher of "
    r"two orthonormal neurons. There are $d-3$ zero eigenvalues, the dimension of the orbit: none "
    r"in three dimensions, where the point is isolated. One eigenvalue is negative in every "
    r"dimension.",
    alt="Dots of eigenvalues for dimensions 3 to 6. The number of dots at zero grows from none to "
    f"three; one dot in each dimension lies below zero, at {most_negative:.2f} for $d=4$.",
    data={
        "dimension": [d for d, spectrum in zip(dimensions, spectra, strict=True) for _ in spectrum],
        "eigenvalue": torch.cat(spectra),
    },
    claims=["tian2017.thm2", "tian2017.thm2flat"],
)

# %% [markdown]
# For 90 degrees $A=$ {number}`along` and $B=$ {number}`across`; the risk is
# {number}`risk_of_point`. In $d=K+1=3$ dimensions the Hessian is invertible, so the point is
# isolated, and $d\ge K+2$ cannot be relaxed.
#
# ## Many points, and how large their orbits are
#
# Next we search. Widths are 2, 3 and 4, with $d=K+2$ and $d=K+3$. Each start has its own random
# teacher and student, and damped Newton steps lead to a critical point nearby. Let $m=d-\dim\Pi^*$,
# and let $q$ be the dimension spanned by the off-plane parts of the student. Rotations that fix
# $\Pi^*$ are the rotations of $\mathbb R^m$, and the orbit of $q$ independent vectors is a Stiefel
# manifold of dimension $qm-q(q+1)/2$. This is at least $m-1\ge1$ as soon as $q\ge1$: that is the
# theorem. We measure the dimension as the rank of the tangents.

# %%
found = []
for K in (2, 3, 4):
    for d in (K + 2, K + 3):
        W_star = normal(n_starts // 2, K, d) / math.sqrt(K)
        W, gradient_norm = polish(0.7 * normal(n_starts // 2, K, d), W_star, steps=60)
        kept = gradient_norm < 1e-13
        found.append((W[kept], W_star[kept]))


def turned_by(rotations, W):
    return (W[:, None] @ rotations).flatten(0, 1)


def null_defect(W, W_star):
    """Largest curvature along the orbit's tangents, relative to the Hessian."""
    tangents = orbits.orbit_tangents(W, W_star).flatten(2)
    hessian = population.hessian(W, W_star).flatten(1, 2).flatten(2)
    size = torch.linalg.matrix_norm(hessian, ord=2)[:, None] * tangents.norm(dim=2).clamp(min=1e-6)
    return ((tangents @ hessian).norm(dim=2) / size).flatten()


symmetry, expected_symmetry, along_orbit, ranks, formula, defects, table = ([] for _ in range(7))
for W, W_star in found:
    spread = W_star[:, None].expand(-1, n_rotations, -1, -1)
    rotations = orbits.random_rotation(spread, generator)
    random_students = normal(*W.shape)
    symmetry.append(
        population.gradient(turned_by(rotations, random_students), spread.flatten(0, 1)).flatten()
    )
    rotated = turned_by(rotations, population.gradient(random_students, W_star))
    expected_symmetry.append(rotated.flatten())
    q = orbits.off_plane_rank(W, W_star)
    out = q > 0
    orbit = population.gradient(turned_by(rotations[out], W[out]), spread[out].flatten(0, 1))
    along_orbit.append(orbit.flatten(1).norm(dim=1))
    ranks.append(orbits.orbit_dimension(W[out], W_star[out]))
    formula.append(orbits.stiefel_dimension(q[out], W.shape[2] - W.shape[1]))
    defects.append(null_defect(W[out], W_star[out]))
    signs = count_signs(hessian_eigenvalues(W, W_star), tolerance=1e-8)
    width = torch.full_like(q, W.shape[1])
    size = orbits.orbit_dimension(W, W_star)
    table.append(torch.stack([width, q, *signs[:2], size], dim=1))
width, q, index, nullity, size = torch.cat(table).T
risks = torch.cat([population.risk(*pair) for pair in found])
out = q > 0
total = chapter.number("out_of_plane_points", out.sum(), ".0f")
chapter.number("higher_rank", (q > 1).sum(), ".0f")
chapter.number("orbit_is_all", (nullity == size)[out].double().mean(), ".3f")
theorem.check("symmetry", measured=torch.cat(symmetry), expected=torch.cat(expected_symmetry))
theorem.check("gradient along the orbit", measured=torch.cat(along_orbit), n=int(total))
theorem.check("orbit dimension", measured=torch.cat(ranks), expected=torch.cat(formula))
theorem.check("at least a curve", measured=torch.cat(ranks), n=int(total))
_ = theorem.check("null directions", measured=torch.cat(defects))

# %% [markdown]
# We found {number}`out_of_plane_points` out-of-plane points; at {number}`higher_rank` of them the
# off-plane parts span more than one dimension. All have orbits of the predicted dimension. The
# share of them at which the Hessian has no other null direction, so that near the point the orbit
# is all of the critical set, is {number}`orbit_is_all`.
#
# Controls: a rotation that moves the teacher; one dimension less; and inputs that are not
# rotation-invariant. For the last, the inputs are a mixture of two Gaussians, one of them stretched
# along one axis of the complement, and the critical point is found anew for that law. (A single
# stretched Gaussian would not do. In the coordinates in which it is round the theorem applies, and
# the manifold is there, an ellipsoid.)

# %%
W, W_star = found[0]
some = torch.linalg.qr(normal(len(W), W.shape[2], W.shape[2])).Q
theorem.control(
    "rotations that move the teacher",
    "symmetry",
    measured=population.gradient(W @ some, W_star),
    expected=population.gradient(W, W_star) @ some,
)
theorem.control(
    "one dimension less, d = K + 1", "at least a curve", measured=orbits.orbit_dimension(*ansatz(3))
)
scales = [torch.eye(4), torch.diag(torch.tensor([1.0, 1.0, 2.0, 1.0]))]


def mixture_gradient(W):
    return sum(population.gradient(W @ S, W_star @ S) @ S for S in scales) / 2


def mixture_hessian(W):
    terms = (
        torch.einsum("jxky,xu,yv->jukv", population.hessian(W @ S, W_star @ S), S, S)
        for S in scales
    )
    return (sum(terms) / 2).reshape(8, 8)


W, W_star = ansatz(4)
solution = root(
    lambda flat: mixture_gradient(torch.from_numpy(flat).reshape(2, 4)).flatten().numpy(),
    W.flatten().numpy(),
    jac=lambda flat: mixture_hessian(torch.from_numpy(flat).reshape(2, 4)).numpy(),
    tol=1e-14,
)
mixture_point = torch.from_numpy(solution.x).reshape(2, 4)
chapter.number("mixture_gradient", mixture_gradient(mixture_point).norm(), ".0e")
chapter.number("mixture_across", mixture_point[0, 2].abs(), ".3f", tolerance=1e-9)
chapter.number(
    "mixture_flattest", torch.linalg.eigvalsh(mixture_hessian(mixture_point)).abs().min(), ".4f"
)
turns = torch.linspace(0, 2 * math.pi, 73)
curves = torch.empty(3, len(turns))
for i, t in enumerate(turns):
    for kind, (first, second) in enumerate([(2, 3), (1, 2), (2, 3)]):
        Q = torch.eye(4)
        Q[first, first] = Q[second, second] = torch.cos(t)
        Q[first, second], Q[second, first] = torch.sin(t), -torch.sin(t)
        gradient = (
            mixture_gradient(mixture_point @ Q) if kind == 2 else population.gradient(W @ Q, W_star)
        )
        curves[kind, i] = gradient.norm()
_ = theorem.control(
    "inputs that are not rotation-invariant", "gradient along the orbit", measured=curves[2]
)

# %% tags=["hide-input"]
figure, axes = plt.subplots()
names = ["fixes the teacher", "moves the teacher", "fixes it, inputs not isotropic"]
for curve, name, colour in zip(curves, names, ("theory", "control", "bound"), strict=True):
    axes.semilogy(torch.rad2deg(turns), curve.clamp(min=1e-18), color=COLOURS[colour], label=name)
axes.set_xticks(range(0, 361, 90))
axes.set(xlabel="angle of the rotation (degrees)", ylabel=r"$\Vert\nabla R\Vert$", ylim=(1e-18, 30))
axes.legend(ncols=1, loc="center left", bbox_to_anchor=(0.0, 0.45))
chapter.figure(
    "fig-tian2017-thm2-orbit",
    figure,
    caption=r"Norm of the gradient as a critical point of two neurons in $\mathbb R^4$ is rotated. "
    r"In the plane orthogonal to the teacher it stays at rounding error: a circle of critical "
    r"points. Two controls: a rotation that moves the teacher, and a law of inputs that is not "
    r"rotation-invariant, with a critical point of its own.",
    alt="Gradient norm against rotation angle on a logarithmic axis. One curve stays near 1e-16; "
    "the two controls rise to about 0.1 to 1 between their zeros at multiples of 180 degrees.",
    data={
        "degrees": torch.rad2deg(turns).repeat(3),
        "rotation": [name for name in names for _ in turns],
        "gradient_norm": curves.flatten(),
    },
    claims=["tian2017.thm2"],
)

# %% [markdown]
# For the mixture the point moves to $B=$ {number}`mixture_across` (gradient
# {number}`mixture_gradient`), and no eigenvalue of its Hessian is smaller than
# {number}`mixture_flattest` in size: it is isolated.
#
# ## Other isotropic laws
#
# The chapter on the population gradient shows that Equation 7 holds for every rotation-invariant
# law with the Gaussian coefficients up to a factor. So these laws have the same critical points. We
# check it by integration over the plane of each pair of neurons, for inputs uniform on a sphere and
# for a multivariate t law with 10 degrees of freedom, and add up the gradient along the orbit. In
# polar coordinates the radial density enters as a common factor only, the second moment in that
# plane, and what is left is an integral over the angle that no law enters. So one computation
# covers all of these laws; the two named ones differ in the factor alone.

# %%
d = 4
radial_densities = {
    "sphere": lambda r: (d - 2) / d * r * (1 - r * r / d) ** ((d - 4) / 2),
    "student": lambda r: 10 / 8 * r * (1 + r * r / 8) ** -6,
}


def gating(e, w, second_moment):
    """Equation 7, its two coefficients by integration over the wedge where both gates are open."""
    theta = float(angle(e, w))
    ends = {"a": theta - math.pi / 2, "b": math.pi / 2, "epsabs": 1e-13, "epsrel": 1e-13}
    along = quad(lambda t: math.cos(t) ** 2, **ends)[0] * second_moment / (2 * math.pi)
    across = quad(lambda t: math.cos(t) * math.sin(t), **ends)[0] * second_moment / (2 * math.pi)
    # In the plane w = (1, 0) and e = (cos theta, sin theta), both of norm one.
    coefficient = across / math.sin(theta) if theta > 1e-7 else 0.0
    unit = w / w.norm()
    return w.norm() * ((along - coefficient * math.cos(theta)) * unit + coefficient * e / e.norm())


isotropic = []
for name, density in radial_densities.items():
    end = math.sqrt(d) if name == "sphere" else math.inf
    moment = quad(lambda r, p=density: r * r * p(r), 0, end, epsabs=1e-13, epsrel=1e-13)[0]
    for Q in orbits.random_rotation(W_star.expand(3, 2, 4), generator):
        student = W @ Q
        for w in student:
            parts = [gating(w, v, moment) for v in student]
            parts += [-gating(w, v, moment) for v in W_star]
            isotropic.append(sum(parts).norm())
_ = theorem.check("other isotropic laws", measured=torch.stack(isotropic), n=len(isotropic))

# %% [markdown]
# ## Are these flat minima?
#
# "The theorem also explains why we have flat minima often occurring in practice" is a remark, not a
# theorem, and it is not precise. The claim above is our reading of it: the manifolds of the theorem
# are minima. They are not, wherever we looked: at independent Gaussian teachers with $K=2,3,4$. The
# point above has the eigenvalue {number}`most_negative`, and the next figure shows the index (the
# number of negative eigenvalues) of all points found. In the other direction we run gradient
# descent and look at the minima that it reaches.

# %%
flat = chapter.claim("tian2017.thm2flat")
gradient_norm = population.gradient(W, W_star).norm()
flat.hypothesis("the point is critical", "gradient", measured=gradient_norm)
flat.hypothesis(r"$d\ge K+2$", "dimension", measured=4 - 2)
off_plane = orbits.off_plane(W, W_star).norm()
flat.hypothesis("it lies outside of the plane", "off-plane part", measured=off_plane)
flat.violation("it is a saddle", "descent", measured=spectra[1][0])


def share(name, hits, control=None):
    measurement = {"successes": hits.sum(), "n": len(hits)}
    flat.control(control, name, **measurement) if control else flat.check(name, **measurement)


share("out-of-plane points are saddles", (index == 0)[out])
share("out-of-plane points are saddles", (index == 0)[~out], "in-plane points instead")
share("minima are in-plane", out | (nullity > 0), "critical points of every kind")
reached = []
for K in (2, 3, 4):
    W_star = normal(n_descents, K, K + 2) / math.sqrt(K)
    W = 0.5 / math.sqrt(K + 2) * normal(n_descents, K, K + 2)
    for _ in range(n_steps):
        W = W - 0.5 * population.gradient(W, W_star)
    W, gradient_norm = polish(W, W_star, steps=30)
    negative, zero, _ = count_signs(hessian_eigenvalues(W, W_star), tolerance=1e-8)
    flat_or_out = (orbits.off_plane_rank(W, W_star) > 0) | (zero > 0)
    arrived = (gradient_norm < 1e-13) & (negative == 0)
    reached.append(torch.stack([arrived, flat_or_out]))
arrived, flat_or_out = torch.cat(reached, dim=1)
share("minima are in-plane", flat_or_out | ~arrived)
flat.note = "The paper's remark is not precise; the verdict is on the reading stated here."
chapter.number("minima_reached", arrived.sum(), ".0f")
chapter.number("minima_missed", (~arrived).sum(), ".0f")
chapter.number("minima_flat", (arrived & flat_or_out).sum(), ".0f")
chapter.number("smallest_index", index[out].min(), ".0f")
chapter.number("minima_out_of_plane", (index == 0)[out].sum(), ".0f")
_ = chapter.number("minima_bound", proportion_interval(0, int(total))[1], ".3f")

# %% tags=["hide-input"]
figure, axes = plt.subplots()
shift = torch.where(out, 0.12, -0.12)
for name, chosen, colour in (("in-plane", ~out, "student"), ("out-of-plane", out, "teacher")):
    axes.plot(
        (index + shift)[chosen],
        risks[chosen].clamp(min=1e-4),
        "o",
        color=COLOURS[colour],
        alpha=0.5,
        markeredgewidth=0,
        label=name,
    )
axes.set_yscale("log")
axes.set_yticks([1e-4, 1e-3, 1e-2, 1e-1, 1], ["global", "0.001", "0.01", "0.1", "1"])
axes.minorticks_off()
axes.set_xticks(range(int(index.max()) + 1))
axes.set(xlabel="index: number of negative eigenvalues", ylabel="risk $R$ at the critical point")
axes.legend(loc="lower right")
chapter.figure(
    "fig-tian2017-thm2-index",
    figure,
    caption=r"Critical points found by Newton's method from random starts, for random teachers "
    r"with $K=2,3,4$ and $d=K+2,K+3$. Points in the teacher's plane include the global minima "
    r"(bottom row); every point outside of it has at least one direction of descent.",
    alt="Scatter of risk against index. In-plane points start at index zero, with a row of global "
    "minima at the bottom. Out-of-plane points start at index one.",
    data={"width": width, "off_plane_rank": q, "index": index, "nullity": nullity, "risk": risks},
    claims=["tian2017.thm2flat"],
)

# %% [markdown]
# Of {number}`out_of_plane_points` out-of-plane points {number}`minima_out_of_plane` are minima, so
# the share among points found this way is below {number}`minima_bound` with 99.9% confidence; the
# smallest index is {number}`smallest_index`. Gradient descent reached {number}`minima_reached`
# minima, {number}`minima_flat` of which lie out of the plane or have a flat direction. In
# {number}`minima_missed` runs no minimum was reached in the steps given; the check counts them as
# failures. We did not prove that no out-of-plane minimum exists, and we searched independent
# Gaussian teachers only.
#
# In fairness: the symmetry argument itself is right, and wherever an out-of-plane minimum did exist
# it would be flat. Flat minima of other kinds do exist in this model, when the student has more
# neurons than the teacher and may split one of them. Data in practice are not rotation-invariant,
# and the mixture above shows that the flat directions then go away.
#
# ## Where it stops being true
#
# - **$d=K+1$.** Only a reflection is left, and the orbit is a pair of points.
# - **In-plane points.** Rotations that fix the teacher do not move them.
# - **Teachers that span less.** If the teacher neurons are dependent, $\dim\Pi^*<K$, and there is
#   room for rotations already at $d=\dim\Pi^*+2$; $d\ge K+2$ is then more than enough.
# - **Larger orbits.** The dimension $d-K-1$ belongs to $q=1$. If the off-plane parts span more, the
#   manifold is larger.
#
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: exercise-orbit-null
# Let $G$ be skew-symmetric with $w^*_kG=0$ for all $k$ (neurons as rows). Differentiate
# $\nabla R(We^{tG})=\nabla R(W)e^{tG}$ at a critical point, and conclude that the Hessian vanishes
# along $WG$. When is $WG\ne0$ for some $G$?
# ```
#
# ```{solution} exercise-orbit-null
# :class: dropdown
# The right side is zero for all $t$, and the derivative of the left side at $t=0$ is the Hessian
# applied to $WG$. Write $W=P+U$ with $P$ in $\Pi^*$ and $U$ orthogonal to it. Then $WG=UG$, and $G$
# is any skew matrix on the complement. If a row of $U$ is not zero and the complement has another
# direction, rotate the one towards the other: $UG\ne0$. This needs a complement of dimension two.
# ```
