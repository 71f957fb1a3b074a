"""Is a chapter's last run still the answer to today's question?

A run is stored under a key made of everything that can change its result. If a finished run with
today's key exists, the chapter is fresh; nothing else is asked, no times are compared.
"""

from __future__ import annotations

import functools
import json
import platform
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from companion.claims import read_claims
from companion.notebooks import parameters_cell
from companion.parameters import Schema, read_schema, resolve
from companion.project import Project, digest, digest_files
from companion.sources import chapter_source_hash

RUN_FILE = "run.json"
WORK_PREFIX = ".run-"  # of folders that hold no result: in the making, or on the way out
_KEPT_RUNS = 2


@functools.cache
def installed_versions() -> dict[str, str]:
    """The versions that a result may depend on."""
    from importlib.metadata import version

    names = ("numpy", "scipy", "torch", "matplotlib", "mpmath", "python-flint")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def chapter_schema(project: Project, chapter: str) -> Schema:
    """The parameters of a chapter, read from its source."""
    text = project.source_file(chapter).read_text(encoding="utf-8")
    return read_schema(parameters_cell(text), chapter)


def ingredients(project: Project, chapter: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """A hash of each thing that a run's result depends on, by the name a person would give it."""
    claims = [c for c in read_claims(project.claims_file).values() if c.chapter == chapter]
    versions = [project.lock_file.read_text(encoding="utf-8"), json.dumps(installed_versions())]
    tables = project.table_files(chapter)
    return {
        **({"tables": digest_files(project.root, tables)} if tables else {}),
        "source": digest([project.source_file(chapter).read_bytes()]),
        "parameters": digest([json.dumps(parameters, sort_keys=True)]),
        "src": chapter_source_hash(project, chapter),
        "claims": digest([repr(claim) for claim in claims]),
        "versions": digest(versions),
    }


def run_key(parts: Mapping[str, str]) -> str:
    """The name under which a run with these ingredients is stored."""
    return digest([f"{name}={parts[name]}" for name in sorted(parts)])[:16]


def store(project: Project, chapter: str) -> Path:
    """The folder that holds the build's finished runs of a chapter, one folder a key."""
    return project.output / "chapters" / chapter


def failure_folder(project: Project, chapter: str) -> Path:
    """Where the last failed run of a chapter is kept until a run succeeds."""
    return project.output / "failed" / chapter


def read_run(folder: Path) -> dict[str, Any] | None:
    """The run record in `folder`, or None if there is no finished run in it."""
    try:
        record = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and record.get("finished") else None


def finished_runs(project: Project, chapter: str) -> list[tuple[Path, dict[str, Any]]]:
    """The finished runs of a chapter in the build's store, newest first."""
    folder = store(project, chapter)
    found = [
        (entry, record)
        for entry in (folder.iterdir() if folder.is_dir() else [])
        if not entry.name.startswith(".") and (record := read_run(entry))
    ]
    return sorted(found, key=lambda pair: str(pair[1]["finished"]), reverse=True)


@dataclass(frozen=True)
class State:
    """What is known of a chapter.

    Attributes:
        chapter: its name.
        state: `fresh`, `stale`, `failed` or `never run`.
        reason: why, for people.
        key: the key that a fresh run would have.
        parts: the ingredients of the key.
        folder: the finished run to show: the fresh one, else the newest one, else None.
        parameters: the values that a fresh run would use.
    """

    chapter: str
    state: str
    reason: str
    key: str
    parts: Mapping[str, str]
    folder: Path | None
    parameters: Mapping[str, Any]


def chapter_state(project: Project, chapter: str, profile: str = "quick") -> State:
    """Whether a chapter has to be run again for the book, and why."""
    parameters = resolve(chapter_schema(project, chapter), profile=profile)
    parts = ingredients(project, chapter, parameters)
    key = run_key(parts)
    runs = finished_runs(project, chapter)
    fresh = [folder for folder, _ in runs if folder.name == key]
    newest = runs[0][0] if runs else None

    def state(name: str, reason: str) -> State:
        folder = fresh[0] if fresh else newest
        return State(chapter, name, reason, key, parts, folder, parameters)

    if fresh:
        return state("fresh", "")
    failure = _read_failure(failure_folder(project, chapter))
    if failure and failure.get("key") == key:
        return state("failed", str(failure.get("error", "")))
    if not runs:
        return state("never run", "")
    before = runs[0][1].get("ingredients", {})
    changed = [name for name in parts if before.get(name) != parts[name]]
    return state("stale", f"changed: {', '.join(changed)}")


def _read_failure(folder: Path) -> dict[str, Any] | None:
    try:
        record = json.loads((folder / "failure.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def prune(project: Project, chapter: str) -> None:
    """Delete all but the newest finished runs of a chapter from the build's store."""
    for folder, _ in finished_runs(project, chapter)[_KEPT_RUNS:]:
        discard(folder)


def discard(folder: Path) -> None:
    """Delete a folder that may hold a result, so that no half of it is ever taken for one."""
    hidden = folder.with_name(f"{WORK_PREFIX}{uuid.uuid4().hex[:12]}")
    folder.rename(hidden)
    shutil.rmtree(hidden, ignore_errors=True)
