"""Bring every chapter up to date and build the site."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from companion.errors import RunError, UsageError
from companion.freshness import State, chapter_state
from companion.project import Project, toc_files
from companion.run import run_for_build, stop_all_runs
from companion.site import build_site


def check_toc(project: Project) -> None:
    """Refuse a table of contents that does not list every chapter exactly once.

    Raises:
        UsageError: one line per chapter that is missing or listed twice.
    """
    listed = toc_files(project)
    problems = [
        f"_toc.yml lists {chapter} {listed.count(chapter)} times; once is right"
        for chapter in project.chapters()
        if listed.count(chapter) != 1
    ]
    if problems:
        raise UsageError(problems)


def run_stale(
    project: Project,
    profile: str,
    jobs: int,
    tell: Callable[[str], None],
) -> dict[str, Path]:
    """Run every chapter that is not fresh, `jobs` at a time; the folder of each chapter's run.

    Raises:
        RunError: some chapters failed; all others have been brought up to date.
    """
    states: list[State] = [chapter_state(project, name, profile) for name in project.chapters()]
    folders = {state.chapter: state.folder for state in states if state.state == "fresh"}
    stale: Sequence[State] = [state for state in states if state.state != "fresh"]
    tell(f"{len(folders)} of {len(states)} chapters are fresh")
    failures = []
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        asked = {}
        for state in stale:
            why = f" ({state.reason})" if state.reason else ""
            tell(f"run {state.chapter}: {state.state}{why}")
            asked[pool.submit(run_for_build, project, state.chapter, profile)] = state.chapter
        started = time.monotonic()
        try:
            for number, done in enumerate(as_completed(asked), start=1):
                name = asked[done]
                try:
                    folders[name] = done.result()
                    seconds = time.monotonic() - started
                    tell(f"[{number}/{len(asked)}] {name} done, {seconds:.0f} s since the start")
                except RunError as error:
                    failures.append(str(error))
                    tell(f"[{number}/{len(asked)}] {name} FAILED")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop_all_runs()
            raise
    if failures:
        raise RunError("\n".join(failures))
    return {name: folder for name, folder in folders.items() if folder is not None}


def build(project: Project, profile: str = "quick", jobs: int = 2) -> Path:
    """Run what is stale and build the site; the path of its first page.

    Raises:
        UsageError: claims, parameters or the table of contents break a rule.
        RunError: a chapter or the site failed.
    """
    check_toc(project)

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    folders = run_stale(project, profile, jobs, tell)
    tell("building the site")
    return build_site(project, folders) / "index.html"
