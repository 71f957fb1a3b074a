"""What `companion run` costs on top of the chapter.

    python benchmarks/run_overhead.py [CHAPTER ...]

Each chapter is executed in turn as a plain script (`python notebooks/TOPIC/NAME.py`, outside of a
run: figures and records are written, nothing is executed as a notebook, no page is made) and by
`companion run`, which ends with the page. Printed are medians: of the wall time, which a busy
machine stretches, and of the processor time of all processes, which it stretches less.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence

from companion.project import OUTPUT_VARIABLE, ROOT_VARIABLE, Project, find_project
from companion.run import THREAD_VARIABLES

CHAPTERS = ("teacher_student/multilayer_gradient",)


def seconds(command: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """Wall and processor seconds of a command with all its processes."""

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before, clock = used(), time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - clock, used() - before


def pairs_of(project: Project, chapter: str, repeats: int) -> list[tuple[float, ...]]:
    """Run one chapter both ways, alternately.

    Returns:
        For each pair wall and processor seconds of the script, of the run, and the differences.
    """
    environment = {**os.environ, ROOT_VARIABLE: str(project.root)}
    environment.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    script = [sys.executable, str(project.source_file(chapter))]
    run = [sys.executable, "-m", "companion.cli", "run", chapter]
    pairs: list[tuple[float, ...]] = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            alone = {**environment, OUTPUT_VARIABLE: folder, "MPLBACKEND": "Agg"}
            as_script = seconds(script, alone)
        before = set((project.runs / chapter).glob("*"))
        as_run = seconds(run, environment)
        for folder in set((project.runs / chapter).glob("*")) - before:
            shutil.rmtree(folder)
        pairs.append((*as_script, *as_run, as_run[0] - as_script[0], as_run[1] - as_script[1]))
    return pairs


def measure(project: Project, chapter: str, repeats: int) -> None:
    """Run one chapter both ways, alternately, and print what was measured."""
    pairs = pairs_of(project, chapter, repeats)
    middle = [statistics.median(column) for column in zip(*pairs, strict=True)]
    print(
        f"{chapter}: script {middle[0]:.2f} s (processor {middle[1]:.2f} s), "
        f"run {middle[2]:.2f} s ({middle[3]:.2f} s), "
        f"overhead {middle[4]:.2f} s ({middle[5]:.2f} s); medians of {repeats} pairs; "
        f"overheads {', '.join(f'{pair[4]:.2f}' for pair in pairs)}; "
        f"load now {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def main() -> None:
    """Measure the chapters of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", default=CHAPTERS, metavar="CHAPTER")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    for chapter in arguments.chapters:
        measure(find_project(), chapter, arguments.repeats)


if __name__ == "__main__":
    main()
