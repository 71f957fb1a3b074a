"""The parts `certificates` and `overheads` of the suite."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from measuring import Competitor, Effort, Record, compare, single
from run_overhead import pairs_of, seconds

from companion.figures import save_figure, use_style
from companion.freshness import chapter_state
from companion.project import ROOT_VARIABLE, Project, find_project
from companion.run import THREAD_VARIABLES
from shallow_relu import conjecture_one, linear_targets, symmetric_dynamics
from shallow_relu.certificates import join_certificates

CHAPTER = "teacher_student/multilayer_gradient"
GENERATED = (".git", ".venv", "_runs", "__pycache__", ".pytest_cache", ".ruff_cache", ".hypothesis")


# --- certificates ---------------------------------------------------------------------------


def whole_conjecture() -> Any:
    """Conjecture 1 of tian2017: nine blocks on the closed square, and 18 facts of one variable."""
    blocks = conjecture_one.certify_conjecture().values()
    parts = [certificate for arc in blocks for certificate in arc]
    return join_certificates([*parts, *conjecture_one.certify_inequalities()])


def conjecture_directly() -> Any:
    """Conjecture 1 away from the corners, from the definition alone."""
    arcs = conjecture_one.ARCS
    return join_certificates([conjecture_one.certify_directly(arc, Fraction(1)) for arc in arcs])


def correlation_inequality() -> Any:
    """The inequality of linear2025 with alpha = 3/10 and rho = 1/2."""
    return linear_targets.certify_contraction(Fraction(1, 2), rate=Fraction(3, 10))


def order_of_critical_points() -> Any:
    """The lower critical point of symmetric students of tian2017, for every width."""
    return join_certificates(symmetric_dynamics.certify_separation())


CERTIFICATES: dict[str, Callable[[], Any]] = {
    "Conjecture 1 of tian2017": whole_conjecture,
    "the same from the definition, 1 ≤ t ≤ 2": conjecture_directly,
    "correlation inequality of linear2025, α = 3/10, ρ = 1/2": correlation_inequality,
    "symmetric students of tian2017, all widths": order_of_critical_points,
}


def certificates(effort: Effort) -> list[Record]:
    """Seconds and boxes of proofs by ball arithmetic."""
    chosen = dict(list(CERTIFICATES.items())[2:3]) if effort.quick else CERTIFICATES
    times: dict[str, list[float]] = {name: [] for name in chosen}
    boxes = {}
    for _ in range(effort.rounds):
        for name, prove in chosen.items():
            begin = time.perf_counter()
            certificate = prove()
            times[name].append(time.perf_counter() - begin)
            if not certificate.proved:
                raise SystemExit(f"{name}: not proved")
            boxes[name] = certificate.boxes
    return [
        single(
            name, {}, own, boxes=boxes[name], boxes_per_second=boxes[name] / statistics.median(own)
        )
        for name, own in times.items()
    ]


# --- overheads ------------------------------------------------------------------------------


def saving_a_figure(effort: Effort) -> list[Record]:
    """A figure with all files, against a single picture of the same drawing."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    use_style()
    values = [k / 100 for k in range(300)]

    def drawing() -> Any:
        figure, axes = plt.subplots()
        axes.plot(values, [v**2 for v in values])
        axes.set(xlabel="x", ylabel="its square")
        return figure

    with tempfile.TemporaryDirectory() as folder:

        def all_files() -> None:
            figure = drawing()
            texts = {"caption": "A parabola.", "alt": "A parabola that opens upwards, from zero."}
            save_figure(
                Path(folder), "fig-tian2017-x", figure, data={"x": values}, card={}, **texts
            )
            plt.close(figure)

        def one_picture() -> None:
            figure = drawing()
            figure.savefig(Path(folder) / "alone.png", dpi=300)
            plt.close(figure)

        return compare(
            "saving a figure",
            {"points": len(values)},
            Competitor("svg, pdf, png, table and card", all_files),
            [Competitor("png alone", one_picture)],
            effort,
            same=False,
        )


def running_a_chapter(effort: Effort, project: Project) -> list[Record]:
    """`companion run` against the same chapter as a plain script."""
    with contextlib.redirect_stdout(io.StringIO()):
        pairs = pairs_of(project, CHAPTER, effort.rounds)
    script, run = ([pair[k] for pair in pairs] for k in (0, 2))
    overhead = statistics.median(pair[4] for pair in pairs)
    size = {"chapter": CHAPTER}
    ratio = statistics.median(pair[2] / pair[0] for pair in pairs)
    return [
        single("a run", size, run, overhead=overhead)
        | {"competitor": "companion run", "ratio": 1.0},
        single("a run", size, script)
        | {"competitor": "plain script", "ours": False, "ratio": 1 / ratio},
    ]


@contextlib.contextmanager
def copied_checkout(project: Project) -> Iterator[Project]:
    """The checkout with its finished runs in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "book"
        shutil.copytree(project.root, root, ignore=shutil.ignore_patterns(*GENERATED))
        yield Project(root)


def builds(effort: Effort, project: Project) -> list[Record]:
    """A build in which nothing changed, and one after one chapter was edited."""
    names = ("a build, nothing changed", "a build, one chapter edited")
    fresh = [chapter_state(project, name).state == "fresh" for name in project.chapters()]
    if not all(fresh):
        lacking = f"{fresh.count(False)} of {len(fresh)} chapters have no finished run"
        note = f"not measured: {lacking}; `make book` first"
        blank = {"size": {}, "competitor": "", "ours": True, "seconds": None, "note": note}
        return [{"name": name, **blank} for name in names]
    with copied_checkout(project) as copy:
        environment = {**os.environ, ROOT_VARIABLE: str(copy.root)}
        environment.update(dict.fromkeys(THREAD_VARIABLES, "1"))
        environment["PYTHONPATH"] = str(copy.root / "src")
        command = [sys.executable, "-m", "companion.cli", "build", "--jobs", "1"]
        source = copy.source_file(CHAPTER)

        def build() -> float:
            return seconds(command, environment)[0]

        def edit(number: int) -> None:
            with source.open("a", encoding="utf-8") as stream:
                stream.write(f"# edited {number}\n")

        edit(0)
        build()  # not measured: the copy lies elsewhere, so Sphinx reads every page once
        nothing, edited = [], []
        for number in range(1, effort.rounds + 1):
            edit(number)
            edited.append(build())
            nothing.append(build())
    return [single(names[0], {}, nothing), single(names[1], {"chapter": CHAPTER}, edited)]


def overheads(effort: Effort) -> list[Record]:
    """What the machine of the book costs on top of the mathematics."""
    records = saving_a_figure(effort)
    if effort.quick:
        return records
    project = find_project()
    return records + running_a_chapter(effort, project) + builds(effort, project)
