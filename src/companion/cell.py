"""One cell of a sweep: run a chapter's code in this process and return its record.

No kernel and no pictures: a worker process that stays alive runs hundreds of cells, and imports
its libraries once. The same function serves local processes and Dask workers.
"""

from __future__ import annotations

import functools
import json
import os
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import CodeType
from typing import Any

from companion.chapter import recording_into
from companion.notebooks import PARAMETERS_TAG, read_source
from companion.project import ROOT_VARIABLE, Project, find_project
from companion.sources import chapter_source_hash

# The drawing library and the default types are global: one cell at a time in a process.
_ONE_AT_A_TIME = threading.Lock()


@functools.lru_cache(maxsize=8)
def _compiled(file: str, text: str) -> tuple[CodeType, CodeType]:
    """The code up to the parameters cell, that cell included, and the rest."""
    before: list[str] = []
    after: list[str] = []
    current = before
    for cell in read_source(Path(file)).cells:
        if cell.cell_type != "code":
            continue
        current.append(cell.source)
        if PARAMETERS_TAG in cell.metadata.get("tags", []):
            current = after
    return compile("\n".join(before), file, "exec"), compile("\n".join(after), file, "exec")


def _project(root: str) -> Project:
    return Project(Path(root)) if Path(root, "claims.yml").is_file() else find_project()


def run_cell(order: Mapping[str, Any]) -> dict[str, Any]:
    """Run a chapter once; never raises.

    Args:
        order: `key`, `chapter`, `parameters` (resolved), `root` (the checkout; a worker that does
            not have it looks for its own) and `src` (hash of the source that it must have).

    Returns:
        `key`, `status` (`done` or `failed`), `numbers`, `verdicts`, `error`, `seconds`.
    """
    started = time.perf_counter()
    record: dict[str, Any] = {"key": order["key"], "numbers": {}, "verdicts": {}, "error": ""}
    try:
        project = _project(order["root"])
        _require_same_code(project, order["chapter"], order["src"])
        with _ONE_AT_A_TIME, tempfile.TemporaryDirectory(prefix="companion-cell-") as folder:
            _execute(project, order, Path(folder))
            numbers = json.loads(Path(folder, "numbers.json").read_text(encoding="utf-8"))
            verdicts = json.loads(Path(folder, "verdicts.json").read_text(encoding="utf-8"))
    except Exception as error:  # whatever went wrong belongs into the table, not on the screen
        where = traceback.extract_tb(error.__traceback__)[-1]
        lines = [line for line in str(error).splitlines() if line.strip()]
        text = f"{type(error).__name__}: {lines[-1] if lines else ''} (line {where.lineno})"
        record |= {"status": "failed", "error": text}
    else:
        record |= {
            "status": "done",
            "numbers": {name: number["value"] for name, number in numbers.items()},
            "verdicts": {verdict["id"]: verdict["verdict"] for verdict in verdicts},
        }
    return record | {"seconds": round(time.perf_counter() - started, 3)}


@functools.lru_cache(maxsize=1)
def _hash_here(root: str, chapter: str) -> str:
    return chapter_source_hash(Project(Path(root)), chapter)


def _require_same_code(project: Project, chapter: str, wanted: str) -> None:
    if _hash_here(str(project.root), chapter) != wanted:
        raise RuntimeError(f"the worker's checkout {project.root} has other code than the sweep")


def _execute(project: Project, order: Mapping[str, Any], folder: Path) -> None:
    os.environ[ROOT_VARIABLE] = str(project.root)
    os.environ.setdefault("MPLBACKEND", "Agg")
    file = project.source_file(order["chapter"])
    before, after = _compiled(str(file), file.read_text(encoding="utf-8"))
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with recording_into(project, folder):
        exec(before, namespace)
        namespace.update(order["parameters"])
        exec(after, namespace)
