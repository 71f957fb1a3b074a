"""The page of a rerun: a small site with the chapter and the references.

Sphinx needs seconds to start. A process of its own (`python -m companion.page_process WORK
CHAPTER`) starts it when the run begins, and builds the page when the run has ended. In between,
if there is time, it builds an empty page: the second build then takes a moment.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.metadata
import os
import select
import shutil
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

from companion.cite import book_facts
from companion.claims import read_claims
from companion.project import ROOT_VARIABLE, Project, find_project

_FOLDER = ".page"  # below the run's folder, until the run has ended
_CACHE_PARTS = ("base", "cache", "cache.db", "executors", "executors.utils")


# --- the side of the run --------------------------------------------------------------------


class RerunPage:
    """The page that is made beside a run.

    Attributes:
        error: why there is no page; empty if there is one.
    """

    def __init__(self, project: Project, chapter: str) -> None:
        self._project = project
        self._chapter = chapter
        self.error = ""

    @contextlib.contextmanager
    def beside(self, work: Path) -> Iterator[Callable[[], None]]:
        """The process, while the run in `work` lasts; the call adds the page as `work / "html"`.

        A page that cannot be built is no reason to lose the run: `error` then says why.
        """
        process = subprocess.Popen(
            [sys.executable, "-m", "companion.page_process", str(work), self._chapter],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore", ROOT_VARIABLE: str(self._project.root)},
            start_new_session=True,
        )
        assert process.stdin is not None and process.stdout is not None
        requests, answers = process.stdin, process.stdout

        def add() -> None:
            with contextlib.suppress(OSError):  # a dead process is noticed when it does not answer
                requests.write("build\n")
                requests.flush()
            if answers.readline().strip() != "built":
                self.error = _complaint(work / _FOLDER)

        try:
            yield add
        finally:
            process.kill()
            with contextlib.suppress(OSError):
                process.communicate()
            shutil.rmtree(work / _FOLDER, ignore_errors=True)


def _log(folder: Path) -> Path:
    return folder / "log.txt"


def _complaint(folder: Path) -> str:
    log = _log(folder)
    told = log.read_text(encoding="utf-8") if log.exists() else ""
    lines = [line for line in told.splitlines() if line.strip()]
    return "\n".join(["the page was not built:", *lines[-20:]])


# --- the side of the page -------------------------------------------------------------------


def _stage_empty(project: Project, chapter: str, folder: Path) -> list[str]:
    """Lay out a site whose one chapter is empty; the arguments with which to build it."""
    import nbformat
    import yaml

    read_claims(project.claims_file)  # it is kept: the page will need it
    source = folder / "stage"
    (source / "_extra" / "figures").mkdir(parents=True)
    (source / chapter).parent.mkdir(parents=True)
    for name in ("references.bib", "references.md"):
        shutil.copy2(project.book / name, source / name)
    empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"# {chapter}")])
    nbformat.write(empty, source / f"{chapter}.ipynb")
    shutil.copy2(project.root / "_config.yml", folder / "_config.yml")
    toc = {"format": "jb-book", "root": chapter, "chapters": [{"file": "references"}]}
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    arguments = ["build", str(source), "--config", str(folder / "_config.yml")]
    return [*arguments, "--toc", str(folder / "_toc.yml"), "--path-output", str(folder), "-q"]


def _stage_run(project: Project, chapter: str, work: Path) -> None:
    """Put the chapter of the run in `work` into the place of the empty one."""
    import nbformat

    from companion import pages
    from companion.records import read_result
    from companion.run import NOTEBOOK_FILE
    from companion.site import stage_figures

    source = work / _FOLDER / "stage"
    claims, facts = read_claims(project.claims_file), book_facts(project)
    result = read_result(chapter, work)
    notebook = nbformat.read(work / NOTEBOOK_FILE, as_version=4)
    page = pages.chapter_page(project, result, notebook, claims, facts, rerun=True)
    nbformat.write(page, source / f"{chapter}.ipynb")
    stage_figures(result, source, facts, claims)


def _lighten() -> None:
    """Spare this process what the page of one chapter does not need."""
    # Sphinx and its extensions look through all installed packages again and again.
    known = importlib.metadata.entry_points()
    importlib.metadata.entry_points = known.select
    # Notebooks are not executed here, so their cache and the SQL library behind it are not needed.
    for name in ("jupyter_cache", *(f"jupyter_cache.{part}" for part in _CACHE_PARTS)):
        absent = types.ModuleType(name)
        absent.__path__ = []
        absent.__getattr__ = lambda attribute: object
        sys.modules[name] = absent
    # It ends before garbage could fill the memory.
    gc.disable()


def _import_sphinx(arguments: list[str]) -> None:
    """Import what the build will use; nothing is built yet."""
    from jupyter_book.config import get_final_config
    from sphinx.application import builtin_extensions

    config = Path(arguments[arguments.index("--config") + 1])
    settings, _ = get_final_config(
        user_yaml=config,
        cli_config={"latex_individualpages": False},
        sourcedir=Path(arguments[1]),
    )
    # Most extensions load their parts with their name; this one, only when it is set up.
    names = (*builtin_extensions, *settings["extensions"], "myst_nb.sphinx_ext")
    for name in (*names, settings["html_theme"]):
        with contextlib.suppress(ImportError):  # Sphinx will say it better
            importlib.import_module(name)
    # One of the extensions goes through all objects; let it see the ones of its own build only.
    gc.freeze()


def _serve(work: Path, chapter: str, say: Callable[[str], None]) -> None:
    project, folder = find_project(), work / _FOLDER
    folder.mkdir()
    _lighten()
    arguments = _stage_empty(project, chapter, folder)
    from jupyter_book.cli.main import main as jupyter_book

    def build() -> None:
        with (
            _log(folder).open("w", encoding="utf-8") as stream,
            contextlib.redirect_stdout(stream),
            contextlib.redirect_stderr(stream),
        ):
            jupyter_book(arguments, standalone_mode=False)

    with contextlib.suppress(Exception):  # whatever becomes of the empty page
        _import_sphinx(arguments)
        if not select.select([sys.stdin], [], [], 0)[0]:
            build()
    for _ in sys.stdin:
        try:
            _stage_run(project, chapter, work)
            build()
            (folder / "_build" / "html").rename(work / "html")
            say("built")
        except Exception as error:  # the run says it, with the log
            with _log(folder).open("a", encoding="utf-8") as stream:
                print(error, file=stream)
            say("failed")


def main() -> int:
    """Serve until the input ends."""
    # The channel to the run; whatever the builder prints goes to the log.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    with contextlib.suppress(OSError):
        _serve(Path(sys.argv[1]), sys.argv[2], lambda text: print(text, file=answers, flush=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
