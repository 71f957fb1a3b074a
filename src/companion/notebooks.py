"""The chapters' text sources and their committed `.ipynb` pairs.

The text file (`py:percent`) is the only source. The `.ipynb` beside it is made from an executed
run: it keeps the text outputs, which nbval compares, and no pictures or times.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from companion.durable import write_durably
from companion.errors import UsageError

if TYPE_CHECKING:
    from nbformat import NotebookNode

PARAMETERS_TAG = "parameters"
INJECTED_TAG = "injected-parameters"
ERROR_TAG = "papermill-error-cell-tag"
CHECK_TAG = "nbval-check-output"
VERDICTS_MIME = "application/vnd.companion.verdicts+json"
# nbval compares which kinds an output has, so the mark of the verdicts stays.
_KEPT_OUTPUTS = ("text/plain", "text/markdown", VERDICTS_MIME)
_CELL = re.compile(r"^# %%(?P<head>.*)$", re.MULTILINE)
_TITLE = re.compile(r"^# # (.+)$", re.MULTILINE)


def parameters_cell(text: str) -> str:
    """The code of the cell tagged `parameters` in a `py:percent` text.

    Raises:
        UsageError: there is not exactly one such cell.
    """
    marks = list(_CELL.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    found = [
        text[mark.end() : end].strip("\n")
        for mark, end in zip(marks, ends, strict=False)
        if re.search(rf"tags=\[[^\]]*\"{PARAMETERS_TAG}\"", mark["head"])
    ]
    if len(found) != 1:
        raise UsageError(f"{len(found)} cells are tagged 'parameters'; exactly one is needed")
    return found[0]


def chapter_title(text: str) -> str:
    """The first heading of a `py:percent` text."""
    found = _TITLE.search(text)
    return found[1].strip() if found else "untitled"


def read_source(file: Path) -> NotebookNode:
    """The notebook that a text source describes, with stable cell ids."""
    import jupytext

    notebook = jupytext.reads(file.read_text(encoding="utf-8"), fmt="py:percent")
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"{file.stem[:50]}-{number:03d}".replace("_", "-")
        tags = cell.metadata.get("tags")
        cell["metadata"] = {"tags": list(tags)} if tags else {}
    return notebook


def is_injected(cell: NotebookNode) -> bool:
    """Whether a run, not the author, put this cell in."""
    tags = cell.metadata.get("tags", [])
    return INJECTED_TAG in tags or ERROR_TAG in tags


def pair_from_run(source: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """The notebook to commit: the source's cells with the text outputs of a run.

    Raises:
        ValueError: the run is not one of this source.
    """
    import copy

    kept = [cell for cell in executed.cells if not is_injected(cell)]
    if [cell.source for cell in kept] != [cell.source for cell in source.cells]:
        raise ValueError("the executed notebook has other cells than the source")
    pair = copy.deepcopy(source)
    count = 0
    for cell, ran in zip(pair.cells, kept, strict=True):
        if cell.cell_type != "code":
            continue
        # nbval takes a cell without a number for one that was never run.
        count += 1
        cell["execution_count"] = count
        cell["outputs"] = [output for raw in ran.outputs if (output := _clean_output(raw, count))]
    return pair


def _clean_output(output: NotebookNode, count: int) -> NotebookNode | None:
    import copy

    output = copy.deepcopy(output)
    if output.output_type in ("display_data", "execute_result"):
        output["data"] = {kind: output.data[kind] for kind in _KEPT_OUTPUTS if kind in output.data}
        output["metadata"] = {}
        if "execution_count" in output:
            output["execution_count"] = count
        return output if output.data else None
    return output if output.output_type == "stream" and output.name == "stdout" else None


def write_pair(file: Path, pair: NotebookNode) -> bool:
    """Write a committed `.ipynb` beside its source, in one step; whether it changed."""
    import nbformat

    text = nbformat.writes(pair, version=4) + "\n"
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return False
    write_durably(file, text)
    return True


def pair_problems(source_file: Path, pair_file: Path) -> list[str]:
    """What has drifted between a text source and its committed `.ipynb`; empty if nothing."""
    import nbformat

    name = f"{source_file.parent.name}/{source_file.stem}"
    if not pair_file.exists():
        return [f"{name}: no .ipynb (make it with: companion pair {name})"]
    source = read_source(source_file)
    pair = nbformat.read(pair_file, as_version=4)
    shapes = [
        [(cell.cell_type, cell.source, list(cell.metadata.get("tags", []))) for cell in book.cells]
        for book in (source, pair)
    ]
    problems = []
    if shapes[0] != shapes[1]:
        problems.append(f"{name}: .py and .ipynb differ (renew it with: companion pair {name})")
    for number, cell in enumerate(pair.cells, start=1):
        tags = cell.metadata.get("tags", [])
        if CHECK_TAG in tags and not cell.get("outputs"):
            problems.append(f"{name}: cell {number} is to be compared but has no stored output")
        for output in cell.get("outputs", []):
            extra = set(output.get("data", {})) - set(_KEPT_OUTPUTS)
            if extra:
                problems.append(f"{name}: cell {number} stores {', '.join(sorted(extra))}")
    return problems
