# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A proof of Conjecture 1
#
# For two students, {cite:t}`tian2017` reduces the question which directions can be critical to the
# sign of one function of two angles. The sign is seen on a grid of $10^4\times10^4$ points and
# conjectured; Theorem 4 of the paper hangs on it. This chapter proves the conjecture. The proof
# fits on a page. A machine then checks every equality of it in exact algebra, and proves the sign
# a second time on the whole domain, corners included, without the inequalities of the first proof.
#
# ```{claim} tian2017.conj1
# ```
#
# **What would count against it.** A point with the wrong sign; an equality of the proof that fails
# in exact algebra; a box of the domain on which ball arithmetic cannot decide; a certificate that
# a false statement obtains as well; a function that is certified but is not the paper's.

# %% tags=["parameters", "hide-input"]
seed: int = 1  # seed of all random numbers; 0..4294967295
n_points: int = 80  # random points of the check at 50 digits; 20..100_000
margin: str = "1"  # from the definition alone: margin to 3 - margin; 1 | 1/2 | 1/4
precision: int = 64  # bits of the ball arithmetic; 53..1000
# memory: 5e8 bytes
# time: 9 + 8e-3 * n_points seconds

# %% tags=["hide-input"]
import math
import time
from fractions import Fraction
from types import SimpleNamespace

import matplotlib.pyplot as plt
import mpmath as mp
import torch
from flint import arb
from matplotlib.collections import PolyCollection

from companion import open_chapter
from companion.figures import COLOURS
from shallow_relu import conjecture_one as proof
from shallow_relu.certificates import prove_positive
from shallow_relu.conjecture_one import ARCS, SIGNS
from shallow_relu.two_neurons import (
    BALLS,
    DIGITS,
    TENSORS,
    separable,
    separable_coefficients,
    separable_on_circle,
)

chapter = open_chapter("teacher_student/proof_of_conjecture_one", globals())
theorem = chapter.claim("tian2017.conj1")
generator = torch.Generator().manual_seed(seed)
torch.set_default_dtype(torch.float64)
arc_colours = {
    arc: COLOURS[c] for arc, c in zip(ARCS, ("student", "measured", "muted", "second"), strict=True)
}

# %% [markdown]
# ## The statement
#
# Two students have directions $e_1,e_2$ at the angle $t=\theta_{12}$, and $e^*$ is the direction of
# a teacher neuron in their plane, at the angles $\theta_1,\theta_2$ to the students. Write
# $h(\theta)=(\pi-\theta)\cos\theta+\sin\theta$. Equation 14 of the paper reads, for two students,
#
# $$L_{12}=(\pi-\theta_1)\cos\theta_2+\cos t\,\sin\theta_1-a_1h(\theta_1)-a_2h(\theta_2),$$
#
# $$\begin{pmatrix}\pi&h(t)\\h(t)&\pi\end{pmatrix}\begin{pmatrix}a_1\\a_2\end{pmatrix}
# =\begin{pmatrix}\pi\cos t\\\pi-t+\sin t\cos t\end{pmatrix}.$$
#
# ````{prf:theorem} Conjecture 1 of the paper
# :label: theorem-conjecture-one
#
# Let $0<t<\pi$ and let $e^*$ lie in the plane of $e_1$ and $e_2$. Then $L_{12}>0$ if $e^*$ is in
# the interior of the cone of $e_1$ and $e_2$, and $L_{12}<0$ if $e^*$ is outside of the closed
# cone. The same holds for $L_{21}$.
# ````
#
# On the two rays $L_{12}=L_{21}=0$ (Proposition 1 of the paper). $L_{21}$ needs no work of its own:
# to rename the students is to reflect the circle in their bisector, so with $e_1$ at 0, $e_2$ at
# $t$ and $e^*$ at $\varphi$ we have $L_{21}(\varphi)=L_{12}(t-\varphi)$, and the reflection maps
# the cone to itself.

# %% tags=["hide-input"]
figure, (ring, curves) = plt.subplots(1, 2, figsize=(6.8, 3.0), width_ratios=(1, 1.7))
shown_t = 1.2
ends = {
    "I": (0, shown_t),
    "II": (shown_t, math.pi),
    "III": (math.pi, math.pi + shown_t),
    "IV": (math.pi + shown_t, 2 * math.pi),
}
for arc, (start, end) in ends.items():
    turn, middle = torch.linspace(start, end, 60), (start + end) / 2
    ring.plot(turn.cos(), turn.sin(), color=arc_colours[arc], linewidth=4, solid_capstyle="butt")
    sign = "$+$" if SIGNS[arc] > 0 else r"$-$"
    ring.text(0.75 * math.cos(middle), 0.75 * math.sin(middle), f"{arc} {sign}", ha="center")
for angle, name in (
    (0, "$e_1$"),
    (shown_t, "$e_2$"),
    (math.pi, "$-e_1$"),
    (math.pi + shown_t, "$-e_2$"),
):
    ring.plot([0, math.cos(angle)], [0, math.sin(angle)], color=COLOURS["theory"], linewidth=1)
    ring.text(1.2 * math.cos(angle), 1.2 * math.sin(angle), name, ha="center", va="center")
ring.set(xlim=(-1.5, 1.5), ylim=(-1.3, 1.3), aspect="equal")
ring.axis("off")
phi = torch.linspace(0, 2 * math.pi, 721)
drawn = {"t": [], "phi": [], "L12": []}
for t, style in ((0.6, ":"), (1.2, "-"), (2.6, "--")):
    value = separable_on_circle(phi, torch.tensor(t))
    curves.plot(phi, value / value.abs().max(), style, color=COLOURS["theory"], label=f"$t={t}$")
    curves.plot(t, 0, "o", color=COLOURS["student"])
    for column, entry in zip(drawn.values(), ([t] * len(phi), phi, value), strict=True):
        column.extend(torch.as_tensor(entry).tolist())
curves.set_xticks([0, math.pi / 2, math.pi, 3 * math.pi / 2, 2 * math.pi])
curves.set_xticklabels(["0", r"$\pi/2$", r"$\pi$", r"$3\pi/2$", r"$2\pi$"])
curves.set(xlabel=r"position $\varphi$ of $e^*$", ylabel=r"$L_{12}$, largest size 1")
curves.legend()
chapter.figure(
    "fig-tian2017-conj1-statement",
    figure,
    caption=r"Left: the circle of the possible $e^*$, cut at $\pm e_1,\pm e_2$ into four arcs, "
    r"with the sign that the theorem asserts. Right: $L_{12}$ around the circle for three angles "
    r"$t$ between the students. It changes sign at $\varphi=0$ and at $\varphi=t$ (dots) and "
    r"nowhere else.",
    alt="A circle with four coloured arcs, plus on the arc between e1 and e2 and minus on the "
    "other three. Three curves of L12 are positive up to a dot at phi equal to t and "
    "negative beyond.",
    data=drawn,
    claims=["tian2017.conj1"],
)

# %% [markdown]
# ## The proof
#
# Throughout $s=\sin t$, $c=\cos t$, $\tau=\pi-t$, $b=h(t)=\tau c+s$ and $D=\pi^2-b^2$.
#
# ### Step 1. Four facts
#
# ````{prf:lemma}
# :label: lemma-facts
#
# For $0<t<\pi$: (i) $s<t$; (ii) $tc<s$; (iii) $x/\sin x$ increases strictly on $(0,\pi)$; (iv)
# $\pi s-tb=\tau(s-tc)>0$, hence $0<b<\pi s/t<\pi$ and $D>0$.
# ````
#
# ````{prf:proof}
# (i) is known. (ii) Both sides vanish at 0, and $(s-tc)'=ts>0$. (iii) The derivative is $(\sin
# x-x\cos x)/\sin^2x$, positive by (ii). (iv) $\pi s-t(\tau c+s)=(\pi-t)s-t\tau c$. Since
# $c=-\cos\tau$ and $s=\sin\tau$, $b=\sin\tau-\tau\cos\tau$ is positive by (ii) for $\tau$. The rest
# is (i).
# ````
#
# ### Step 2. The coefficients
#
# The matrix has the eigenvectors $(1,1)$ and $(1,-1)$: we add and subtract the two equations.
#
# ````{prf:lemma}
# :label: lemma-coefficients
#
# $a_2=\pi\tau s^2/D>0$ and
#
# $$\begin{aligned}
# 1-a_1-a_2&=\frac{(1-c)(t+s)}{\pi+b},\\
# 1+a_1-a_2&=\frac{(1+c)(t-s)}{\pi-b},\\
# 1+a_1+a_2&=\frac{(1+c)(\pi+\tau+s)}{\pi+b},\\
# 1-a_1+a_2&=\frac{(1-c)(\pi+\tau-s)}{\pi-b}.
# \end{aligned}$$
#
# All four are positive; in particular $|a_1|+a_2<1$.
# ````
#
# ````{prf:proof}
# The sum of the equations is $(\pi+b)(a_1+a_2)=\pi c+\tau+sc$. Hence $(\pi+b)(1-a_1-a_2)=\pi+b-\pi
# c-\tau-sc$. With $\pi=t+\tau$ and $b=\tau c+s$ this is $t+s-tc-sc=(1-c)(t+s)$. The other three are
# the same computation, and $a_2$ is Cramer's rule. The signs follow from {prf:ref}`lemma-facts`,
# and from $s=\sin\tau<\tau$.
# ````

# %% tags=["hide-input"]
line = proof.certify_inequalities(precision=precision)
lower = dict(
    zip(
        proof.inequality_quotients(arb(1), proof.ENTIRE_BALLS),
        (c.lower_bound for c in line),
        strict=True,
    )
)
t = torch.linspace(0.02, math.pi - 0.02, 300)
quotients = proof.inequality_quotients(t, proof.entire_functions(TENSORS))
figure, (facts, triangle) = plt.subplots(1, 2, figsize=(6.8, 3.2), width_ratios=(1.3, 1))
named = (
    ("sin t < t", r"$(t-s)/t^3$", "measured", "-"),
    ("t cos t < sin t", r"$(s-tc)/t^3$", "teacher", "-"),
    ("h(t) < pi", r"$(\pi-b)/t^2$", "student", "-"),
)
for name, label, colour, style in named:
    facts.plot(t, quotients[name].quotient, style, color=COLOURS[colour], label=label)
    facts.axhline(lower[name], color=COLOURS[colour], linestyle=":", linewidth=1.2)
facts.set(xlabel="angle $t$ between the students", ylabel="zeros at the ends divided out")
facts.set(ylim=(0, 1.75))
facts.legend()
a1, a2 = separable_coefficients(t, TENSORS)
triangle.fill([-1, 0, 1], [0, 1, 0], color=COLOURS["second"], alpha=0.2)
triangle.plot(a1, a2, color=COLOURS["theory"])
for value in (0.5, 1.0, 2.0, 2.6):
    at = separable_coefficients(torch.tensor(value), TENSORS)
    triangle.plot(*at, "o", color=COLOURS["theory"])
    triangle.annotate(f"$t={value}$", at, (6, 3), textcoords="offset points")
triangle.set(xlabel="$a_1$", ylabel="$a_2$", xlim=(-1, 1), ylim=(0, 1))
chapter.figure(
    "fig-tian2017-conj1-lemmas",
    figure,
    caption=r"Facts and coefficients of Steps 1 and 2. Left: three of the facts as functions that "
    r"do not vanish on the closed interval, with the lower bounds that ball arithmetic certifies "
    r"(dotted). Right: the coefficients $(a_1,a_2)$ for $0<t<\pi$ stay in the triangle "
    r"$|a_1|+a_2<1$, $a_2>0$. The sign of $a_1$ changes once, and the proof does not need it.",
    alt="Left, three positive curves above dotted horizontal bounds. Right, a curve inside a "
    "shaded triangle, from its top down to its lower left corner.",
    data={"t": t, "a1": a1, "a2": a2, **{name: quotients[name].quotient for name, *_ in named}},
    claims=["tian2017.conj1"],
)
crossing = mp.findroot(lambda t: separable_coefficients(t, DIGITS)[0], 1.1)
chapter.number("a1_changes_sign", crossing, ".4f", tolerance=1e-9)

# %% [markdown]
# The first coefficient changes sign at $t=$ {number}`a1_changes_sign`.
#
# ### Step 3. What $L_{12}$ is on an arc
#
# Let $x$ run over an arc from one end, let $\ell$ be the arc's length and $y=\ell-x$. Write
# $A=x\sin y$ and $B=y\sin x$.
#
# | arc | position of $e^*$ | $\ell$ | $\theta_1$ | $\theta_2$ |
# |---|---|---|---|---|
# | I, the cone | $x$ | $t$ | $x$ | $y$ |
# | II | $t+x$ | $\tau$ | $t+x$ | $x$ |
# | III, opposite to the cone | $\pi+x$ | $t$ | $\pi-x$ | $\pi-y$ |
# | IV | $2\pi-x$ | $\tau$ | $x$ | $t+x$ |
#
# ````{prf:lemma}
# :label: lemma-arcs
#
# With $\kappa_\ell(x)=x\cos x-\ell\cot\ell\,\sin x$,
#
# $$\begin{aligned}
# \text{I:}\quad L_{12}&=(1+a_2)\,\kappa_t(y)+a_1\,\kappa_t(x),\\
# \text{II:}\quad -L_{12}&=(1-a_2)\,\kappa_\tau(x)-a_1\,\kappa_\tau(y)+a_2(s-tc)\,\tfrac{\sin x}s,\\
# \text{IV:}\quad -L_{12}&=(1-a_2)\,\kappa_\tau(y)-a_1\,\kappa_\tau(x)
# +\tfrac{\pi s(\pi t-sb)}D\sin x.
# \end{aligned}$$
# ````
#
# ````{prf:proof}
# On I the definition contains $(\pi-x)\cos y=y\cos y+\tau\cos y$, further $-a_1h(x)=a_1x\cos
# x+\dots$ and $-a_2h(y)=a_2y\cos y+\dots$, where the dots, like $\tau\cos y$ and $c\sin x$, are
# combinations of $\sin x$ and $\sin y$ (these span $\cos x$ and $\sin x$, as $s\ne0$). So $L_{12}$
# minus the right side is a combination of $\sin x$ and $\sin y$. It vanishes at both ends of the
# arc: $L_{12}$ does, by the two rows of the linear system, and $\kappa_t$ does by construction. At
# $x=0$ only $\sin y$ is left and at $y=0$ only $\sin x$, so both coefficients are zero. On II and
# IV we do the same with $\ell=\tau$, starting from $(\pi-\theta_1)\cos\theta_2=y\cos x$ on II and
# from $(t+y)(-\cos y)$ on IV. At the far ends $L_{12}$ is not zero but, at $-e_1$ and $-e_2$,
#
# $$-a_2(s-tc)\quad\text{and}\quad-(t-sc)-a_1(s-tc)=-\frac{\pi s^2(\pi t-sb)}D,$$
#
# and the last terms make up for that, since $\sin\tau=s$. The last equality is Cramer's rule for
# $a_1$ and $b(t-sc)+(s-tc)(\tau+sc)=\pi s^3$.
# ````
#
# As $\sin\ell\cos x=\sin y+\cos\ell\,\sin x$, we have $\sin\ell\,\kappa_\ell(x)=A-\cos\ell\,B$ and,
# by symmetry, $\sin\ell\,\kappa_\ell(y)=B-\cos\ell\,A$.
#
# ### Step 4. Four sums of positive terms
#
# ````{prf:proposition}
# :label: proposition-terms
#
# $$\begin{aligned}
# \text{I:}\quad L_{12}&=\frac{s\,[2\pi\tau(s-tc)+b(t^2-s^2)]}{(t+s)D}\,(A+B)\\
# &\quad+\frac{s(\pi+\tau-s)}{(t+s)(\pi-b)}\,(tB-sA),\\
# \text{II:}\quad -L_{12}&=\frac{s\tau(s-tc)}D\,(A+B)+\frac{s(t-s)}{\pi-b}\,A\\
# &\quad+\frac{\pi s\tau(s-tc)}D\sin x,\\
# \text{III:}\quad -L_{12}&=a_2(\sin y-y\cos y)+(1+a_1)(\sin x-x\cos x)\\
# &\quad+4\cos\tfrac t2\,x\sin\tfrac x2\sin\tfrac y2+2\cos^2\tfrac t2\,(x-\sin x),\\
# \text{IV:}\quad -L_{12}&=\frac{s\tau(s-tc)}D\,(A+B)+\frac{s(t-s)}{\pi-b}\,B\\
# &\quad+\frac{\pi s(\pi t-sb)}D\sin x .
# \end{aligned}$$
# ````
#
# ````{prf:proof}
# *Arc II.* Multiply {prf:ref}`lemma-arcs` by $s=\sin\tau$, use $\cos\tau=-c$, and sort by $A+B$ and
# $A-B$:
#
# $$\begin{aligned}
# -sL_{12}&=\tfrac{1+c}2(1-a_1-a_2)(A+B)\\
# &\quad+\tfrac{1-c}2(1+a_1-a_2)(A-B)+a_2(s-tc)\sin x.
# \end{aligned}$$
#
# By {prf:ref}`lemma-coefficients` and $(1-c)(1+c)=s^2$,
#
# $$-L_{12}=\frac s2\Bigl[\frac{t+s}{\pi+b}(A+B)+\frac{t-s}{\pi-b}(A-B)\Bigr]
# +\frac{\pi s\tau(s-tc)}D\sin x.$$
#
# Write $A-B=2A-(A+B)$. The coefficient of $A+B$ becomes $\frac s2\cdot\frac{2(\pi s-tb)}D$, which
# is $s\tau(s-tc)/D$ by fact (iv). *Arc IV* is the same with $A$ and $B$ exchanged and another last
# term.
#
# *Arc I.* In the same way $L_{12}=\frac
# s2\bigl[\frac{\pi+\tau+s}{\pi+b}(A+B)+\frac{\pi+\tau-s}{\pi-b} (B-A)\bigr]$. Write
# $(t+s)(B-A)=2(tB-sA)-(t-s)(A+B)$. With $m=\pi+\tau$, so that $m+t=2\pi$, the coefficient of $A+B$
# is $\frac s{2(t+s)D}$ times
#
# $$\begin{aligned}
# &(m+s)(t+s)(\pi-b)-(m-s)(t-s)(\pi+b)\\
# &\quad=2\pi s(m+t)-2b(mt+s^2)=4\pi(\pi s-tb)+2b(t^2-s^2),
# \end{aligned}$$
#
# and $\pi s-tb=\tau(s-tc)$.
#
# *Arc III.* The definition is $-L_{12}=x\cos y-c\sin x+a_1(\sin x-x\cos x)+a_2(\sin y-y\cos y)$.
# Add and subtract $\sin x-x\cos x$. What is left is $x(\cos x+\cos y)-(1+c)\sin x$, and $\cos
# x+\cos y =2\cos\frac t2\cos\frac{x-y}2$, $1+c=2\cos^2\frac t2$, $\cos\frac{x-y}2-\cos\frac
# t2=2\sin\frac x2
# \sin\frac y2$.
# ````
#
# ### Step 5. The signs
#
# ````{prf:proof}
# *(of {prf:ref}`theorem-conjecture-one`.)* Let $x,y>0$. Then $A,B,\sin x>0$, and all coefficients
# in {prf:ref}`proposition-terms` are positive by Steps 1 and 2: $\pi+\tau>s$, and $\pi t>sb$ since
# $t>s$ and $\pi>b$. On I the factor $tB-sA$ is left. By fact (iii) $x/\sin x<t/s$ for $0<x<t$, and
# $\sin y<y$, so
#
# $$sA=s\,x\sin y<s\,x\,y<t\,y\sin x=tB.$$
#
# On III, $\sin x>x\cos x$ by fact (ii), $x>\sin x$, and $1+a_1>a_2>0$. The points $-e_1$ and $-e_2$
# are the ends of arc III: at $x=0$ its first term is positive and the others vanish, at $y=0$ its
# second and fourth are positive. Hence $L_{12}>0$ inside the cone, and $L_{12}<0$ on II, III, IV
# and at $-e_1,-e_2$. For $L_{21}$ use the reflection.
# ````

# %% tags=["hide-input"]
figure, axes = plt.subplots(2, 4, figsize=(6.8, 4.0), sharex=True)
rows = {"t": [], "arc": [], "position": [], "term": [], "value": []}
position = torch.linspace(0.002, 0.998, 120)
for panels, t in zip(axes, (torch.tensor(1.2), torch.tensor(3.0)), strict=True):
    for panel, arc in zip(panels, ARCS, strict=True):
        x = position * proof.arc_length(arc, t, TENSORS)
        terms = torch.stack(proof.positive_terms(arc, x, t, TENSORS))
        total = SIGNS[arc] * proof.separable_on_arc(arc, x, t, TENSORS)
        colours = [COLOURS[c] for c in ("measured", "bound", "student", "control")]
        panel.stackplot(position, terms, colors=colours[: len(terms)], alpha=0.75)
        panel.plot(position, total, color=COLOURS["theory"])
        panel.set_title(f"{arc}, $t={t:g}$")
        panel.set_xticks([0, 0.5, 1], ["0", "½", "1"])
        for index, term in enumerate(terms, start=1):
            for place, value in zip(position.tolist(), term.tolist(), strict=True):
                for column, entry in zip(
                    rows.values(), (float(t), arc, place, index, value), strict=True
                ):
                    column.append(entry)
figure.supxlabel(r"position on the arc, $x/\ell$")
figure.supylabel(r"terms of $\pm L_{12}$, stacked")
handles = [plt.Rectangle((0, 0), 1, 1, color=colour, alpha=0.75) for colour in colours]
figure.legend(
    handles, ["first term", "second", "third", "fourth"], loc="outside upper center", ncols=4
)
chapter.figure(
    "fig-tian2017-conj1-terms",
    figure,
    caption=r"The four sums of positive terms of Steps 4 and 5, in the order printed in the "
    r"proposition, stacked on each other on each arc; black, $\pm L_{12}$ from its definition. "
    r"The stack reaches the curve exactly and every layer is positive, at $t=1.2$ and, where "
    r"$L_{12}$ is small, at $t=3$.",
    alt="Eight panels, four arcs for two angles. Coloured layers, all of them above zero, are "
    "stacked and their upper edge coincides with a black curve in every panel.",
    data=rows,
    claims=["tian2017.conj1"],
)

# %% [markdown]
# ### Another way
#
# We found a longer proof first. Around the circle $f=L_{12}$ is continuously differentiable and
# obeys $f''+f=2G$ on each arc. On I, II and IV the quotient $G/\sin x$ is monotone, so $w=f'\sin
# x-f\cos x$, with $w'=2G\sin x$ and $(f/\sin x)'=w/\sin^2x$, turns at most once, and the values and
# slopes at the ends decide. It needs the cases $a_1\ge0$ and $a_1<0$. Its equalities are among
# those that the machine checks below.
#
# ## What the machine checks
#
# ### Is it the paper's function?
#
# All that follows works with $L_{12}$ as the package writes it. So we first evaluate Equation 14 as
# it is printed, with the inverse of $M_r$, for $L_{12}$ and for $L_{21}$, at 120 digits. Half of
# the random points lie within $10^{-6}$ of a corner of the domain, relative to its size. We compare
# with the function, with the sum of positive terms and with the product that the certificates use.


# %%
def printed(j, other, t, phi, swapped=False):
    """L_jj' of Eq. 14 for e_1 at 0, e_2 at t and e* at phi; `swapped` takes m_j'j for m_jj'."""
    places = (mp.mpf(0), t)

    def between(one, two):
        return abs(mp.atan2(mp.sin(one - two), mp.cos(one - two)))

    def h(theta):
        return (mp.pi - theta) * mp.cos(theta) + mp.sin(theta)

    def entry(j, other, place):
        theta = between(places[j], place)
        return (mp.pi - theta) * mp.cos(places[other] - place) + mp.sin(theta) * mp.cos(t)

    M_r = mp.matrix([[h(between(one, two)) for two in places] for one in places])
    v = mp.matrix([h(between(phi, place)) for place in places])
    pair = (other, j) if swapped else (j, other)
    m = mp.matrix([entry(*pair, place) for place in places])
    return entry(j, other, phi) - (v.T * M_r**-1 * m)[0]


def random_points():
    for k, (a, b) in enumerate(torch.rand(n_points, 2, generator=generator).tolist()):
        near = mp.mpf(10) ** (-6 * (k % 2))
        a, b = (near * z if z < 0.5 else 1 - near * (1 - z) for z in (mp.mpf(a), mp.mpf(b)))
        yield ARCS[k // 2 % 4], a * mp.pi, b


gaps, wrong_gaps, violations = [], [], 0
in_digits = proof.entire_functions(DIGITS)
with mp.workdps(120):
    for arc, t, position in random_points():
        x = position * proof.arc_length(arc, t, DIGITS)
        phi = {"I": x, "II": t + x, "III": mp.pi + x, "IV": 2 * mp.pi - x}[arc]
        L12, L21 = printed(0, 1, t, phi), printed(1, 0, t, phi)
        theta1, theta2 = proof.angles_on_arc(arc, x, t, DIGITS)
        forms = (
            proof.separable_on_arc(arc, x, t, DIGITS),
            SIGNS[arc] * sum(proof.positive_terms(arc, x, t, DIGITS)),
            SIGNS[arc] * proof.quotient(arc, t, position, in_digits).value(),
        )
        gaps += [float(form - L12) for form in forms]
        gaps.append(float(separable(theta2, theta1, t, DIGITS) - L21))
        wrong_gaps.append(float(forms[0] - printed(0, 1, t, phi, swapped=True)))
        violations += (SIGNS[arc] * L12 <= 0) + (SIGNS[arc] * L21 <= 0)
    flat = [printed(0, 1, mp.pi, mp.mpf(k) / 7) for k in range(1, 40)]
theorem.check("definition at 50 digits", measured=gaps, expected=0.0, n=n_points)
theorem.check("signs", measured=violations, expected=0, n=2 * n_points)
theorem.control(
    "$m_{21}$ in place of $m_{12}$", "definition at 50 digits", measured=wrong_gaps, expected=0.0
)
theorem.control(
    "$\\theta_{12}=\\pi$", "signs", measured=sum(value >= 0 for value in flat), expected=0
)
chapter.number("largest_gap", max(map(abs, gaps)), ".0e")

# %% [markdown]
# The largest difference is {number}`largest_gap`, and no sign is wrong.
#
# ### The equalities, exactly
#
# Every equality above is one of polynomials in $t$, $x$, $\pi$ and the sines and cosines of $t/2$
# and $x/2$, after denominators are cleared. Modulo $\sin^2+\cos^2=1$ a computer algebra library
# decides
# it: there is no rounding and no sampling. The functions are the ones that draw the figures. As a
# control we add $10^{-3}$ to $a_2$.


# %%
def decide_identities(error):
    start = time.perf_counter()
    holds = proof.exact_identities(error)
    seconds = time.perf_counter() - start
    return holds, SimpleNamespace(proved=all(holds.values()), boxes=0, seconds=seconds)


def together(certificates):
    return SimpleNamespace(
        proved=all(c.proved for c in certificates),
        boxes=sum(c.boxes for c in certificates),
        seconds=sum(c.seconds for c in certificates),
    )


def unless_refuted(certificate):
    """An altered statement counts as refused only if a counterexample was met."""
    return SimpleNamespace(
        proved=certificate.counterexample is None,
        boxes=certificate.boxes,
        seconds=certificate.seconds,
    )


thousandth = Fraction(1, 1000)
identities, outcome = decide_identities(Fraction(0))
theorem.check("identities", certificate=outcome)
chapter.number("identities", len(identities), ".0f", tolerance=0.0)
chapter.number("identities_seconds", outcome.seconds, ".1f")
altered, outcome = decide_identities(thousandth)
theorem.control("$a_2$ wrong by $10^{-3}$", "identities", certificate=outcome)
chapter.number("identities_lost", len(altered) - sum(altered.values()), ".0f", tolerance=0.0)

# %% [markdown]
# All {number}`identities` equalities hold, decided in {number}`identities_seconds` s;
# with the altered $a_2$, {number}`identities_lost` of them fail.
#
# ### The inequalities in one variable
#
# A *ball* is an interval whose arithmetic contains every exact result, rounding included. If a
# function of $t$ is positive on a ball of arguments, that is a proof for all of them; where it is
# not decided, the ball is halved. A strict inequality that becomes an equality at $t=0$ or $t=\pi$
# cannot be reached like this, so the powers $t^i\tau^j$ are divided out first, which is one of the
# exact equalities. What remains is positive on the *closed* interval $[0,\pi]$. The control asks
# for $a_1>0$, which is false.

# %%
theorem.check("inequalities in one variable", certificate=together(line))
chapter.number("line_inequalities", len(line), ".0f", tolerance=0.0)
chapter.number("line_boxes", sum(c.boxes for c in line), ".0f", tolerance=0.0)
chapter.number("line_seconds", sum(c.seconds for c in line), ".2f")
first_coefficient = prove_positive(
    lambda t: separable_coefficients(t, BALLS)[0], [(Fraction(1, 2), 3)], statement="a_1 > 0"
)
theorem.control(
    "$a_1>0$", "inequalities in one variable", certificate=unless_refuted(first_coefficient)
)

# %% [markdown]
# This takes {number}`line_boxes` boxes and {number}`line_seconds` s for {number}`line_inequalities`
# inequalities.
#
# ### The sign once more, on the whole domain
#
# Here Steps 4 and 5 are not used. With $u=x/\ell$, another exact equality writes $\pm L_{12}$ on
# each arc as
#
# $$\pm L_{12}=\text{weight}\cdot\sum_i\text{multiplier}_i\cdot\text{block}_i(t,u).$$
#
# The weight and the multipliers are products of $t$, $\tau$, $u$, $1-u$ and functions from the
# previous paragraph; they carry all zeros of $L_{12}$ at the edges and corners of the domain, to
# their orders, and are positive inside. The nine blocks are entire functions. Ball arithmetic and
# bisection show that they are positive on the closed square $[0,\pi]\times[0,1]$, corners included.
# So nothing is cut off at $t\to0$, $t\to\pi$ or $e^*\to e_1,e_2$, and no limit is left to a hand
# argument.

# %%
square = proof.certify_conjecture(precision=precision, keep_boxes=True)
blocks = [certificate for arc in ARCS for certificate in square[arc]]
theorem.check("branch and bound", certificate=together(blocks))
chapter.number("square_boxes", sum(c.boxes for c in blocks), ".0f", tolerance=0.0)
chapter.number("square_seconds", sum(c.seconds for c in blocks), ".2f")
chapter.number("block_bound", min(c.lower_bound for c in blocks), ".1e", tolerance=1e-6)
for text, arc, change in (
    (r"$L_{12}\ge10^{-3}$ inside the cone", "I", {"offset": thousandth}),
    (r"$-L_{12}\ge10^{-3}$ opposite to the cone", "III", {"offset": thousandth}),
    ("$a_2$ larger by $10^{-3}$", "I", {"coefficient_error": thousandth}),
    ("$a_2$ smaller by $10^{-3}$", "II", {"coefficient_error": -thousandth}),
    ("opposite sign", "III", {"sign": 1}),
):
    attempt = proof.certify_altered(arc, **change)
    theorem.control(text, "branch and bound", certificate=unless_refuted(attempt))

# %% tags=["hide-input"]
figure, axes = plt.subplots(3, 3, figsize=(6.8, 5.2), sharex=True, sharey=True)
rows = {name: [] for name in ("arc", "block", "t_low", "t_high", "u_low", "u_high")}


def draw_boxes(panel, certificate, arc, block):
    boxes = certificate.coordinates(certificate.proved_boxes).tolist()
    corners = [[(p, q), (r, q), (r, s), (p, s)] for (p, r), (q, s) in boxes]
    panel.add_collection(
        PolyCollection(corners, facecolor=arc_colours[arc], edgecolor="white", linewidth=0.5)
    )
    panel.grid(False)
    for (p, r), (q, s) in boxes:
        for column, entry in zip(rows.values(), (arc, block, p, r, q, s), strict=True):
            column.append(entry)


numbered = [(arc, k, c) for arc in ARCS for k, c in enumerate(square[arc], start=1)]
for panel, (arc, block, certificate) in zip(axes.flat, numbered, strict=True):
    draw_boxes(panel, certificate, arc, block)
    panel.set_title(f"{arc}, block {block}: {certificate.leaves} boxes")
    panel.set(xlim=(0, math.pi), ylim=(0, 1))
    panel.set_xticks([0, math.pi / 2, math.pi], ["0", r"$\pi/2$", r"$\pi$"])
figure.supxlabel("angle $t$ between the students")
figure.supylabel(r"position on the arc, $u=x/\ell$")
chapter.figure(
    "fig-tian2017-conj1-boxes",
    figure,
    caption=r"The proof by boxes: on each rectangle ball arithmetic shows that the block is "
    r"positive everywhere in it. The rectangles cover the closed square, so the four corners of "
    r"the domain are included. Nowhere do they have to become small.",
    alt="Nine unit squares, each tiled without gaps by at most a few dozen rectangles of moderate "
    "size, coloured by arc.",
    data=rows,
    claims=["tian2017.conj1"],
)

# %% [markdown]
# The nine blocks take {number}`square_boxes` boxes, those that had to be halved included, and
# {number}`square_seconds` s. None of them falls below {number}`block_bound`. Five altered
# statements are refused, each by a box on which it is false everywhere: $L_{12}\ge10^{-3}$ inside
# the cone, $-L_{12}\ge10^{-3}$ opposite to it, $a_2$ wrong by
# $10^{-3}$ in either direction, and the opposite sign.
#
# ### From the definition alone
#
# To divide zeros out takes formulas. For $t$ between {number}`direct_from` and {number}`direct_to`
# we can do without: ball arithmetic on the definition of $L_{12}$ and on its derivatives, and the
# fact that $L_{12}=0$ on the two rays, are enough. The price shows in the boxes.

# %%
left = Fraction(margin)
chapter.number("direct_from", left, "g", tolerance=0.0)
chapter.number("direct_to", 3 - left, "g", tolerance=0.0)
direct = {
    arc: proof.certify_directly(arc, left, precision=precision, keep_boxes=True) for arc in ARCS
}
theorem.check("from the definition alone", certificate=together(direct.values()))
chapter.number("direct_boxes", sum(c.boxes for c in direct.values()), ".0f", tolerance=0.0)
chapter.number("direct_seconds", sum(c.seconds for c in direct.values()), ".1f")
wrong = proof.certify_directly("III", left, sign=1, max_boxes=1000)
theorem.control("opposite sign", "from the definition alone", certificate=unless_refuted(wrong))

# %% tags=["hide-input"]
figure, axes = plt.subplots(1, 4, figsize=(6.8, 2.6), sharex=True, sharey=True)
rows = {name: [] for name in rows}
for panel, arc in zip(axes, ARCS, strict=True):
    draw_boxes(panel, direct[arc], arc, 0)
    panel.set_title(f"{arc}: {direct[arc].leaves} boxes")
    panel.set(xlim=(float(left), float(3 - left)), ylim=(0, 1))
figure.supxlabel("angle $t$ between the students")
figure.supylabel(r"position, $x/\ell$")
chapter.figure(
    "fig-tian2017-conj1-direct-boxes",
    figure,
    caption=r"The proof by boxes from the definition of $L_{12}$ alone, for $t$ away from $0$ and "
    r"$\pi$. The boxes crowd where $L_{12}$ is small; towards the corners of the domain their "
    r"number grows without bound, which is why the zeros are divided out above.",
    alt="Four tilings by rectangles. On arc I the rectangles are smallest along the edges where "
    "the function vanishes; on the other arcs they are larger.",
    data=rows,
    claims=["tian2017.conj1"],
)

# %% [markdown]
# This takes {number}`direct_boxes` boxes, those that had to be halved included, and
# {number}`direct_seconds` s.
#
# ## What rests on what
#
# - **The theorem** rests on Steps 1 to 5: four facts by hand, and four equalities by hand, each of
#   which is also decided exactly by machine.
# - **The second proof** rests on ball arithmetic, on the exact equalities, and on one hand
#   argument: the enclosures of the entire functions on a ball are taken from the ball's ends,
#   because $\operatorname{sinc}$ decreases on $[0,\pi]$ and hence so do, in each argument,
#
#   $$\frac{\sin x-x\cos x}{x^3}=\int_0^1v^2\operatorname{sinc}(xv)\,dv,$$
#   $$\frac{x-\sin x}{x^3}=\int_0^1v\int_0^1w^2\operatorname{sinc}(xvw)\,dw\,dv,$$
#   $$\frac{\operatorname{sinc}(x-y)-\operatorname{sinc}(x+y)}{4xy}
#   =\tfrac12\int_0^1v^2\operatorname{sinc}(xv)\operatorname{sinc}(yv)\,dv.$$
# - **Trusted**: the library for balls and polynomials, and about forty lines of bisection. No proof
#   assistant was used.
# - Nothing rests on a grid, on a figure, or on the limits at the corners.
#
# ## Where it stops being true
#
# The theorem is for $0<t<\pi$ and for $e^*$ in the plane. The paper describes the domain as the
# closed rectangle $[0,2\pi]\times[0,\pi]$; its two ends have to be left out.
#
# - **$t=\pi$.** The cone of $e_1$ and $-e_1$ is a line without interior, and $L_{12}$ vanishes
#   identically. The control at $\theta_{12}=\pi$ above fails for that reason.
# - **$t=0$.** $M_r$ is singular: its smaller eigenvalue $\pi-h(t)$ vanishes like $\frac\pi2t^2$,
#   and $L_{12}$ is not defined.
# - **Out of the plane.** Raise $e^*$ above the bisector of the cone. $L_{12}$ depends only on the
#   three angles, and it becomes negative at an elevation of {number}`sign_lost` degrees when $t=1$.

# %% tags=["hide-input"]
figure, (ends_panel, raised) = plt.subplots(1, 2, figsize=(6.8, 3.0))
t = math.pi * torch.linspace(0.005, 0.995, 160)
place = torch.linspace(0, 2 * math.pi, 721)
largest = separable_on_circle(place, t[:, None]).abs().amax(dim=1)
eigenvalue = 2 * math.pi * (t / 2).sin().square() - (t.sin() - t * t.cos())
ends_panel.semilogy(t, largest, color=COLOURS["measured"], label=r"largest $|L_{12}|$")
ends_panel.semilogy(t, eigenvalue, "--", color=COLOURS["theory"], label=r"eigenvalue of $M_r$")
ends_panel.set(xlabel="angle $t$ between the students", ylabel="size")
ends_panel.legend(loc="lower center")
elevation = torch.linspace(0, math.pi / 2, 91)
curves = {}
for half, colour in ((0.25, "student"), (0.5, "measured"), (1.0, "teacher")):
    tilted = torch.acos(elevation.cos() * math.cos(half))
    curves[2 * half] = separable(tilted, tilted, torch.tensor(2 * half))
    raised.plot(
        torch.rad2deg(elevation), curves[2 * half], color=COLOURS[colour], label=f"$t={2 * half:g}$"
    )
raised.axhline(0, color=COLOURS["muted"], linewidth=1)
raised.set(xlabel="elevation of $e^*$ (degrees)", ylabel="$L_{12}$ above the bisector")
raised.set_xticks([0, 30, 60, 90])
raised.legend()
chapter.figure(
    "fig-tian2017-conj1-limits",
    figure,
    caption=r"Left: at $t=\pi$ the whole function vanishes, at $t=0$ the matrix becomes singular. "
    r"Right: $e^*$ raised out of the plane, above the bisector of the cone. The sign is lost.",
    alt="Left, two curves against the angle t: one falls to zero at both ends, the other rises "
    "from zero at the left end. Right, three curves start positive, fall with the elevation "
    "and cross zero.",
    data={
        "elevation": elevation.repeat(3),
        "t": [t for t in curves for _ in elevation],
        "L12": torch.cat(list(curves.values())),
    },
    claims=["tian2017.conj1"],
)
theorem.control(
    "$e^*$ above the bisector, out of the plane",
    "signs",
    measured=int((curves[1.0] <= 0).sum()),
    expected=0,
)
half = mp.cos(mp.mpf(1) / 2)
lost = mp.findroot(
    lambda z: separable(*[mp.acos(mp.cos(z) * half)] * 2, mp.mpf(1), DIGITS), (0.8, 1.2)
)
chapter.number("sign_lost", mp.degrees(lost), ".1f", tolerance=1e-9)
theorem.note = (
    r"Read on $0<\theta_{12}<\pi$ and in the plane; at $\theta_{12}=\pi$ the function is "
    "identically zero, at $0$ it is not defined."
)

# %% [markdown]
# ## Verdicts

# %% tags=["nbval-check-output"]
chapter.verdicts()

# %% [markdown]
# ## Exercises
#
# ```{exercise}
# :label: exercise-conjecture-antipodal
# Show from {prf:ref}`lemma-coefficients` that $L_{12}$ is identically zero at $t=\pi$.
# ```
#
# ```{solution} exercise-conjecture-antipodal
# :class: dropdown
# At $t=\pi$: $c=-1$, $s=\tau=b=0$, so $a_2=0$ and $a_1=-1$. Further $\theta_2=\pi-\theta_1$. Hence
# $L_{12}=-(\pi-\theta_1)\cos\theta_1-\sin\theta_1+h(\theta_1)=0$.
# ```
#
# ```{exercise}
# :label: exercise-conjecture-corner
# Let $t\to0$ with $e^*$ fixed at an angle $\varphi\in(0,\pi)$. Show that $L_{12}/t^2\to
# -\bigl(\frac23+\frac{\varphi}{3\pi}\bigr)\sin\varphi$.
# ```
#
# ```{solution} exercise-conjecture-corner
# :class: dropdown
# Eventually $e^*$ is on arc II with $x\to\varphi$ and $y\to\pi-\varphi$, so $A+B\to\pi\sin\varphi$
# and $A\to\varphi\sin\varphi$. Moreover $s-tc\sim\frac13t^3$, $t-s\sim\frac16t^3$,
# $\pi-b\sim\frac\pi2t^2$ and $D\sim\pi^2t^2$. In {prf:ref}`proposition-terms` the first term tends
# to $\frac13t^2\sin\varphi$, the second to $\frac1{3\pi}t^2\varphi\sin\varphi$, the third to
# $\frac13t^2\sin\varphi$.
# ```
