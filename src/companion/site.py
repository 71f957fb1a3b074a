"""From finished runs to the static site: stage the sources, then let Sphinx build them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
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
        stage_figures(result, draft, facts, claims)
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


def stage_figures(
    result: ChapterResult, draft: Path, facts: Mapping[str, Any], claims: Mapping[str, Any]
) -> None:
    """Lay out a chapter's figures, and the permanent page of each."""
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
