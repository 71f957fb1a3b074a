"""A miniature book, whose one chapter needs well under a second, to run things on for real."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from companion import project as project_module
from companion import run as run_module
from companion.freshness import State, chapter_state
from companion.project import ROOT_VARIABLE, Project

# A shell lets programs that it starts in the background ignore Ctrl-C, and they would pass this on
# to the commands that the tests start and stop.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

CHAPTER = "topic/tiny"

CLAIMS = """\
- id: tian2017.sum
  paper: tian2017
  number: Theorem 0
  title: Sums
  kind: identity
  statement: The sum of $n$ ones is $n$.
  chapter: topic/tiny
  checks:
    sum: { within: 1.0e-12, meaning: sum against n }
- id: tian2017.later
  paper: tian2017
  number: Theorem 9
  title: Later
  kind: identity
  statement: Nobody looks at this one yet.
  chapter: not yet
"""

TINY = """\
# %% [markdown]
# # A tiny chapter
#
# ```{claim} tian2017.sum
# ```

# %% tags=["parameters"]
seed: int = 1  # seed of all random numbers; 0..100
n: int = 10  # number of ones; 1..1_000; unit terms; paper 100
scale: float = 0.5  # a factor; -2..2
loud: bool = False  # whether to say it aloud
device: str = "cpu"  # where it is computed; auto | cpu | cuda
levels: list[float] = [0.1, 0.2]  # levels; 0..1
# memory: 8 * n bytes
# time: 1 seconds

# %%
from typing import TYPE_CHECKING

from companion import open_chapter

if TYPE_CHECKING:  # this book's own code is not on the path
    from mathematics.sums import ONE

chapter = open_chapter("topic/tiny", globals())
evidence = chapter.claim("tian2017.sum")
evidence.check("sum", measured=sum([1] * n), expected=n)
evidence.control("one too many", "sum", measured=n + 1, expected=n)
chapter.number("total", n * scale)
print("sum", n)

# %% [markdown]
# The total is {number}`total`.

# %% tags=["nbval-check-output"]
chapter.verdicts()
"""

CONFIG = """\
title: A tiny book
author: Nobody
only_build_toc_files: false
execute: { execute_notebooks: "off" }
html: { baseurl: "" }
bibtex_bibfiles: [references.bib]
parse: { myst_enable_extensions: [amsmath, attrs_inline, colon_fence, dollarmath] }
sphinx:
  extra_extensions: [sphinx_proof, companion.sphinx_extension]
  config: { nb_ipywidgets_js: {}, numfig: true, html_extra_path: [_extra] }
"""

FILES = {
    "claims.yml": CLAIMS,
    "notebooks/topic/tiny.py": TINY,
    "requirements.lock": "numpy==2.4.6\n",
    "_config.yml": CONFIG,
    "_toc.yml": "format: jb-book\nroot: intro\nchapters:\n- file: topic/tiny\n",
    "CITATION.cff": (
        "title: A tiny book\nversion: 0.0.1\ndate-released: '2026-01-02'\n"
        "authors: [{ name: Nobody }]\n"
    ),
    "book/intro.md": "# Intro\n",
    "book/references.bib": "@misc{tian2017, title = {A formula}, year = {2017}, author = {Tian}}\n",
    "book/references.md": "# References\n\n```{bibliography}\n:all:\n```\n",
    "src/mathematics/sums.py": "ONE = 1\n",
}


@dataclass(frozen=True)
class TinyBook:
    """A miniature book in a folder of its own, and what tests do with it.

    Attributes:
        project: its paths.
    """

    project: Project
    chapter = CHAPTER
    source = TINY
    claims = CLAIMS

    @property
    def root(self) -> Path:
        """The folder."""
        return self.project.root

    def write(self) -> None:
        """Write all files of the book."""
        for name, text in FILES.items():
            file = self.root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def set_cell(self, code: str) -> None:
        """Put a cell with `code` before the chapter's last one, its fourth cell of code."""
        head, mark, tail = TINY.rpartition('# %% tags=["nbval-check-output"]')
        self.project.source_file(CHAPTER).write_text(f"{head}# %%\n{code}\n\n{mark}{tail}")

    def state(self) -> State:
        """What the machine says of the chapter."""
        return chapter_state(self.project, CHAPTER)

    def tree(self) -> list[str]:
        """All files and folders, lock files excepted."""
        paths = (path.relative_to(self.root).as_posix() for path in self.root.rglob("*"))
        return sorted(path for path in paths if not path.endswith("/.lock"))

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        """Start the command line on this book, in a process of its own."""
        dropped = ("COMPANION_OUTPUT", "PYTHONUNBUFFERED")  # readers have neither
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        return subprocess.Popen(
            [sys.executable, "-m", "companion.cli", *arguments],
            env=kept | {ROOT_VARIABLE: str(self.root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def processes(self) -> dict[str, psutil.Process]:
        """All living processes that work for this book: `command`, `worker`, `kernel`, `page`."""
        found = {}
        for process in psutil.process_iter():
            try:
                ours = process.environ().get(ROOT_VARIABLE) == str(self.root)
                if not ours or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                line = " ".join(process.cmdline())
            except psutil.Error:
                continue
            for mark, name in (
                ("companion.kernel", "kernel"),
                ("companion.worker", "worker"),
                ("companion.page_process", "page"),
                ("companion.cli", "command"),
            ):
                if mark in line:
                    found[name] = process
                    break
        return found

    def await_silence(self, seconds: float = 20.0) -> None:
        """Wait until no process works for this book any more; fail if one survives."""
        deadline = time.monotonic() + seconds
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not left, f"still running after {seconds} s: {left}"


def _restored(patch: pytest.MonkeyPatch, root: Path) -> Iterator[TinyBook]:
    """Make a book that the command line finds, and undo what a command changes in this process."""
    made = TinyBook(Project(root))
    made.write()
    patch.setenv(ROOT_VARIABLE, str(root))
    project_module.find_project.cache_clear()
    before = signal.getsignal(signal.SIGTERM)
    yield made
    signal.signal(signal.SIGTERM, before)
    run_module._stopping.clear()
    project_module.find_project.cache_clear()


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A miniature book that was never run."""
    yield from _restored(monkeypatch, tmp_path / "book")


@pytest.fixture(scope="session")
def executed(tmp_path_factory):
    """The output folder of a miniature book whose chapter was run for real, once."""
    made = TinyBook(Project(tmp_path_factory.mktemp("executed") / "book"))
    made.write()
    run_module.run_for_build(made.project, CHAPTER, "quick")
    return made.project.output


@pytest.fixture
def finished(tiny, executed):
    """A miniature book whose chapter was run."""
    shutil.copytree(executed, tiny.project.output)
    return tiny


@pytest.fixture(scope="session")
def book():
    """The real book."""
    return Project(Path(__file__).resolve().parents[2])
