"""From finished runs to the static site: stage the sources, then let Sphinx build them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import yaml
from filelock import FileLock

from companion import pages
from companion.cite import book_facts
from companion.claims import read_claims
from companion.errors import RunError
from companion.figures import figure_files
from companion.project import Project, digest, digest_files, source_hash
from companion.records import ChapterResult, collect, read_result, write_records
from companion.run import NOTEBOOK_FILE


def stage(project: Project, results: Sequence[ChapterResult], folder: Path) -> dict[str, Any]:
    """Lay out everything that Sphinx reads; files that did not change are left untouched.

    Args:
        project: the checkout.
        results: the finished run of each chapter.
        folder: the staging folder; whatever else lies in it is removed.

    Returns:
        The records of the book.
    """
    claims, facts = read_claims(project.claims_file), book_facts(project)
    records = collect(project, results)
    draft = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(project.book, draft)
    extra = draft / "_extra"
    (extra / "figures").mkdir(parents=True)
    write_records(extra, records, facts)
    for result in results:
        notebook = nbformat.read(result.folder / NOTEBOOK_FILE, as_version=4)
        page = pages.chapter_page(project, result, notebook, claims, facts)
        target = draft / f"{result.chapter}.ipynb"
        target.parent.mkdir(exist_ok=True)
        nbformat.write(page, target)
        _stage_figures(result, draft, facts, claims)
    generated = {
        "ledger": pages.ledger_page(records),
        "gallery": pages.gallery_page(records),
        "status": pages.status_page(records),
    }
    for name, text in generated.items():
        (draft / f"{name}.md").write_text(text, encoding="utf-8")
    mirror(draft, folder)
    shutil.rmtree(draft)
    return records


def _stage_figures(
    result: ChapterResult, draft: Path, facts: Mapping[str, Any], claims: Mapping[str, Any]
) -> None:
    (draft / "figures").mkdir(exist_ok=True)
    for card in result.cards:
        for name in figure_files(card):
            shutil.copy2(result.folder / "figures" / name, draft / pages.FIGURES_FOLDER / name)
        text = pages.figure_page_text(card, facts, claims)
        (draft / "figures" / f"{card['id']}.md").write_text(text, encoding="utf-8")


def mirror(source: Path, target: Path) -> None:
    """Make `target` hold the same files as `source`, touching only what differs."""
    wanted = {file.relative_to(source) for file in source.rglob("*") if file.is_file()}
    if target.is_dir():
        for file in target.rglob("*"):
            if file.is_file() and file.relative_to(target) not in wanted:
                file.unlink()
    for name in wanted:
        new, old = source / name, target / name
        if not old.is_file() or old.read_bytes() != new.read_bytes():
            old.parent.mkdir(parents=True, exist_ok=True)
            new.replace(old)


def build_html(stage_folder: Path, config: Path, toc: Path, output: Path) -> None:
    """Run Jupyter Book on a staged folder; the site lands in `output / "_build" / "html"`.

    Raises:
        RunError: Sphinx warned or failed; the message holds what it said.
    """
    program = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
    # Absolute paths: it takes some relative ones as relative to the staged folder.
    command = [sys.executable, "-c", program, "build", str(stage_folder.resolve())]
    command += ["--config", str(config.resolve()), "--toc", str(toc.resolve())]
    command += ["--path-output", str(output.resolve())]
    finished = subprocess.run(
        [*command, "-W", "-n", "--keep-going", "-q"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    if finished.returncode:
        # Sphinx stays silent on unchanged pages: forget them, or the next build would pass.
        shutil.rmtree(output / "_build" / ".doctrees", ignore_errors=True)
        told = [line for line in finished.stderr.splitlines() if line.strip()]
        raise RunError("\n".join(["the site was not built:", *told[-40:]]))


def build_site(project: Project, folders: Mapping[str, Path]) -> Path:
    """Build the book's site from one finished run a chapter; the site's folder.

    Raises:
        RunError: a record is missing, or Sphinx warned or failed.
    """
    project.build.mkdir(parents=True, exist_ok=True)
    with FileLock(project.build / ".lock"):
        results = [read_result(chapter, folder) for chapter, folder in sorted(folders.items())]
        stage_folder = project.build / "stage"
        stage(project, results, stage_folder)
        config, toc = project.root / "_config.yml", project.root / "_toc.yml"
        staged = [file for file in stage_folder.rglob("*") if file.is_file()]
        inputs = digest([digest_files(project.root, [*staged, config, toc]), source_hash(project)])
        stamp = project.build / ".built"
        if (
            stamp.exists()
            and stamp.read_text() == inputs
            and (project.html / "index.html").exists()
        ):
            return project.html
        stamp.unlink(missing_ok=True)
        build_html(stage_folder, config, toc, project.root)
        stamp.write_text(inputs)
    return project.html


class RerunPage:
    """The page of a rerun: a small site with the chapter and the references.

    Sphinx needs seconds to start. A process of its own starts it, on an empty page, when the run
    begins, and builds the real page when the run ends. Use as a context manager.
    """

    def __init__(self, project: Project, chapter: str) -> None:
        self._project = project
        self._chapter = chapter
        self._folder = Path(tempfile.mkdtemp(prefix="companion-page-"))
        self._source = self._folder / "stage"
        (self._source / "_extra" / "figures").mkdir(parents=True)
        (self._source / chapter).parent.mkdir(parents=True)
        for name in ("references.bib", "references.md"):
            shutil.copy2(project.book / name, self._source / name)
        empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"# {chapter}")])
        nbformat.write(empty, self._source / f"{chapter}.ipynb")
        config = yaml.safe_load((project.root / "_config.yml").read_text(encoding="utf-8"))
        toc = {"format": "jb-book", "root": chapter, "chapters": [{"file": "references"}]}
        for name, content in (("_config.yml", config), ("_toc.yml", toc)):
            (self._folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
        arguments = ["build", str(self._source), "--config", str(self._folder / "_config.yml")]
        arguments += ["--toc", str(self._folder / "_toc.yml"), "--path-output", str(self._folder)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "companion.page_process", str(self._log), *arguments, "-q"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            start_new_session=True,
        )
        self._ask()

    @property
    def _log(self) -> Path:
        return self._folder / "log.txt"

    def _ask(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # a dead process is noticed when it does not answer
            self._process.stdin.write("build\n")
            self._process.stdin.flush()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def build(self, work: Path) -> None:
        """Add the page of the finished run in `work`, as `work / "html"`.

        Raises:
            RunError: Sphinx failed; the message holds what it said.
        """
        claims, facts = read_claims(self._project.claims_file), book_facts(self._project)
        result = read_result(self._chapter, work)
        notebook = nbformat.read(work / NOTEBOOK_FILE, as_version=4)
        page = pages.chapter_page(self._project, result, notebook, claims, facts, rerun=True)
        self._answer()  # whatever became of the empty page
        nbformat.write(page, self._source / f"{self._chapter}.ipynb")
        _stage_figures(result, self._source, facts, claims)
        self._ask()
        if self._answer() != "built":
            told = self._log.read_text(encoding="utf-8") if self._log.exists() else ""
            lines = [line for line in told.splitlines() if line.strip()]
            raise RunError("\n".join(["the page was not built:", *lines[-20:]]))
        shutil.move(self._folder / "_build" / "html", work / "html")

    def __enter__(self) -> RerunPage:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)
