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
import yaml
from filelock import FileLock

from companion import pages, record_pages
from companion.benchmark_page import (
    PRECISION_FILE,
    PROFILE_FILE,
    RESULTS_FILE,
    benchmark_page,
    read_benchmarks,
    read_precision,
    read_profile,
)
from companion.cite import book_facts
from companion.claims import PAPERS, read_claims
from companion.errors import RunError
from companion.figures import figure_files
from companion.pictures import save_preview, save_thumbnail
from companion.project import Project, digest, digest_files, source_hash, toc_files
from companion.records import ChapterResult, collect, read_result, write_records
from companion.run import NOTEBOOK_FILE
from companion.verdicts import VERDICTS


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
    verdicts = [claim["verdict"] for claim in records["claims"]]
    (extra / "_static").mkdir()
    counts = {verdict: verdicts.count(verdict) for verdict in VERDICTS}
    save_preview(extra / "_static" / "preview.png", facts["title"], counts)
    for result in results:
        notebook = nbformat.read(result.folder / NOTEBOOK_FILE, as_version=4)
        page = pages.chapter_page(project, result, notebook, claims, facts)
        target = draft / f"{result.chapter}.ipynb"
        target.parent.mkdir(exist_ok=True)
        nbformat.write(page, target)
        stage_figures(result, draft, facts, claims)
    for name, text in _record_pages(project, draft, records).items():
        (draft / f"{name}.md").parent.mkdir(exist_ok=True)
        (draft / f"{name}.md").write_text(text, encoding="utf-8")
    keep_old_addresses(draft, records)
    mirror(draft, folder)
    shutil.rmtree(draft)
    return records


def _record_pages(project: Project, draft: Path, records: Mapping[str, Any]) -> dict[str, str]:
    """The text of every page that is made from the records of all chapters, by its name."""
    generated = {
        "ledger": record_pages.ledger_page(records),
        "gallery": record_pages.gallery_page(records),
        "status": record_pages.status_page(records),
        "errata": record_pages.errata_index(records),
    }
    order = toc_files(project)
    if "benchmarks" in order:
        generated["benchmarks"] = _stage_benchmarks(project, draft)
    for paper in PAPERS:
        generated[f"errata/{paper}"] = record_pages.errata_page(paper, records)
        prose = draft / "papers" / f"{paper}.md"
        if prose.exists():
            text = prose.read_text(encoding="utf-8")
            generated[f"papers/{paper}"] = record_pages.paper_page(paper, text, records, order)
    for file in draft.glob("*.md"):
        text = file.read_text(encoding="utf-8")
        generated.setdefault(file.stem, record_pages.expand_front_page(text, records))
    return generated


def _stage_benchmarks(project: Project, draft: Path) -> str:
    """The text of the page of benchmarks; its data is laid out beside the other records.

    Raises:
        RunError: the results or the profile are malformed.
    """
    names = (RESULTS_FILE, PROFILE_FILE, PRECISION_FILE)
    results, profile, precision = (project.root / name for name in names)
    if results.exists():
        shutil.copy2(results, draft / "_extra" / "benchmarks.json")
    return benchmark_page(
        read_benchmarks(results) if results.exists() else None,
        read_profile(profile) if profile.exists() else None,
        read_precision(precision) if precision.exists() else None,
    )


def keep_old_addresses(draft: Path, records: Mapping[str, Any]) -> None:
    """Let the addresses of renamed figures, listed in `renamed_figures.yml`, lead to the new ones.

    Raises:
        RunError: a new id is not in the book, or an old one still is.
    """
    listed = draft / "renamed_figures.yml"
    if not listed.exists():
        return
    renamed = yaml.safe_load(listed.read_text(encoding="utf-8")) or {}
    listed.unlink()
    known = {figure["id"] for figure in records["figures"]}
    problems = [f"{new} is no figure" for new in renamed.values() if new not in known]
    problems += [f"{old} was renamed and is still there" for old in renamed if old in known]
    if problems:
        raise RunError("renamed_figures.yml: " + "; ".join(problems))
    for old, new in renamed.items():
        page = draft / "_extra" / "figures" / f"{old}.html"
        page.write_text(record_pages.renamed_figure_page(new), encoding="utf-8")


def stage_figures(
    result: ChapterResult, draft: Path, facts: Mapping[str, Any], claims: Mapping[str, Any]
) -> None:
    """Lay out a chapter's figures, and the permanent page of each."""
    (draft / "figures").mkdir(exist_ok=True)
    (draft / record_pages.THUMBNAILS_FOLDER).mkdir(exist_ok=True)
    for card in result.cards:
        for name in figure_files(card):
            shutil.copy2(result.folder / "figures" / name, draft / pages.FIGURES_FOLDER / name)
        small = draft / record_pages.THUMBNAILS_FOLDER / f"{card['id']}.png"
        save_thumbnail(result.folder / "figures" / card["files"]["png"], small)
        text = record_pages.figure_page_text(card, facts, claims)
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
