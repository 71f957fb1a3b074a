"""Run one chapter for many parameter values: resumable, with one tidy table at the end.

Every finished cell is one line of `journal.jsonl`, written and synchronised before the next is
begun. Killing a sweep at any moment loses at most the cells in flight. `table.csv` is made from
the journal, in the order of the grid, so it does not depend on how often the sweep was stopped.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import json
import multiprocessing
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from companion.cell import run_cell
from companion.durable import write_durably
from companion.errors import RunError, UsageError
from companion.freshness import ingredients, run_key
from companion.parameters import Parameter, Schema, check_value, resolve
from companion.project import Project, code_version, digest
from companion.run import THREAD_VARIABLES, now

MOST_CELLS = 100_000
_ATTEMPTS = 3
_RANGE = re.compile(r"(-?\d+):(-?\d+)(?::(-?\d+))?")


@dataclass(frozen=True)
class Sweep:
    """What was asked for.

    Attributes:
        chapter: the chapter.
        axes: the names that vary, in the order of the request.
        cells: the resolved parameters of each cell, in the order of the grid.
        keys: the key of each cell, as for a single run.
        parts: the ingredients that all cells share.
    """

    chapter: str
    axes: Sequence[str]
    cells: Sequence[Mapping[str, Any]]
    keys: Sequence[str]
    parts: Mapping[str, str]

    @property
    def key(self) -> str:
        """A name for the whole sweep."""
        return digest([self.chapter, *self.keys])[:16]


def parse_axis(schema: Schema, text: str) -> tuple[str, list[Any]]:
    """`name=a,b,c` or, for whole numbers, `name=start:stop[:step]`; checked values.

    Raises:
        UsageError: the name is unknown, a value is not valid, or one comes twice.
    """
    name, equals, values = text.partition("=")
    if not equals or not name:
        raise UsageError(f"{text!r} is not name=values")
    resolve(schema, {name: None} if name not in schema.parameters else {})
    parameter = schema.parameters[name]
    if parameter.type.startswith("list["):
        raise UsageError(f"parameter {name!r} is a list and cannot be an axis")
    try:
        found = [check_value(parameter, entry) for entry in _entries(parameter, values)]
    except ValueError as error:
        raise UsageError(f"parameter {name!r}: {error} (valid: {parameter.valid})") from None
    if not found:
        raise UsageError(f"parameter {name!r}: no values in {values!r}")
    if len(set(found)) != len(found):
        raise UsageError(f"parameter {name!r}: a value comes twice in {values!r}")
    return name, found


def _entries(parameter: Parameter, values: str) -> Sequence[Any]:
    span = _RANGE.fullmatch(values.strip())
    if span and parameter.type == "int":
        start, stop, step = int(span[1]), int(span[2]), int(span[3] or 1)
        if step == 0:
            raise ValueError("a range needs a step other than 0")
        if len(range(start, stop, step)) > MOST_CELLS:
            raise ValueError(f"a range of more than {MOST_CELLS} values")
        return range(start, stop, step)
    return [entry.strip() for entry in values.split(",")] if values.strip() else []


def make_sweep(
    project: Project,
    chapter: str,
    schema: Schema,
    base: Mapping[str, Any],
    grid: Sequence[str],
    zipped: Sequence[str],
) -> Sweep:
    """All cells of a request: the product of the grid's axes and of the zipped ones together.

    Raises:
        UsageError: an axis is malformed or given twice, zipped axes differ in length, or there
            are too many cells.
    """
    axes = [parse_axis(schema, text) for text in grid]
    together = [parse_axis(schema, text) for text in zipped]
    names = [name for name, _ in axes + together]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise UsageError(f"parameter {repeated[0]!r} is on two axes")
    if not names:
        raise UsageError("a sweep needs at least one --grid or --zip")
    lengths = {name: len(values) for name, values in together}
    if len(set(lengths.values())) > 1:
        raise UsageError(f"zipped parameters need equally many values, not {lengths}")
    total = next(iter(lengths.values()), 1)
    for _, values in axes:
        total *= len(values)
    if total > MOST_CELLS:
        raise UsageError(f"{total} cells are more than {MOST_CELLS}")
    rows = list(zip(*(values for _, values in together), strict=True)) if together else [()]
    cells = []
    for *point, row in itertools.product(*(values for _, values in axes), rows):
        chosen = dict(zip(names, [*point, *row], strict=True))
        cells.append({**base, **chosen})
    parts = ingredients(project, chapter, {})
    keys = [run_key({**parts, "parameters": digest([_sorted_json(cell)])}) for cell in cells]
    shared = {name: value for name, value in parts.items() if name != "parameters"}
    return Sweep(chapter, names, cells, keys, shared)


def _sorted_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


# --- the journal ----------------------------------------------------------------------------


def read_journal(folder: Path) -> dict[str, dict[str, Any]]:
    """The last record of each cell; a line torn by a kill is passed over."""
    records: dict[str, dict[str, Any]] = {}
    with contextlib.suppress(FileNotFoundError):
        for line in (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                record = json.loads(line)
                records[record["key"]] = record
    return records


class _Journal:
    """The journal, open for appending."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "journal.jsonl"
        torn = self._file.exists() and not self._file.read_bytes().endswith(b"\n")
        self._stream = self._file.open("ab")
        if torn and self._file.stat().st_size:
            self._stream.write(b"\n")

    def append(self, record: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps(record, sort_keys=True).encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        self._stream.close()


def write_table(folder: Path, sweep: Sweep, version: str) -> None:
    """Write `table.csv` from the journal, in the order of the grid, in one step."""
    records = read_journal(folder)
    known = [records[key] for key in sweep.keys if key in records]
    numbers = sorted({name for record in known for name in record["numbers"]})
    verdicts = sorted({name for record in known for name in record["verdicts"]})
    parameters = list(sweep.cells[0])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    header = [*parameters, "status", *numbers, *verdicts, "error", "code_version", "key"]
    writer.writerow(header)
    for cell, key in zip(sweep.cells, sweep.keys, strict=True):
        record = records.get(key)
        if record is None:
            continue
        row: list[Any] = [cell[name] for name in parameters] + [record["status"]]
        row += [record["numbers"].get(name, "") for name in numbers]
        row += [record["verdicts"].get(name, "") for name in verdicts]
        writer.writerow([*row, record["error"], version, key])
    write_durably(folder / "table.csv", text.getvalue())


# --- executors ------------------------------------------------------------------------------

Orders = Sequence[Mapping[str, Any]]


def _begin_worker(parent: int) -> None:
    """Set up a local worker: one thread, deaf to Ctrl-C (the parent decides), mortal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run_locally(orders: Orders, jobs: int) -> Iterator[dict[str, Any]]:
    """Run cells in `jobs` processes; yields records as they come.

    A cell whose process dies is tried again, three times in all.
    """
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    waiting = list(reversed(orders))
    attempts: dict[str, int] = {}
    context = multiprocessing.get_context("spawn")
    while waiting:
        pool = ProcessPoolExecutor(
            jobs, mp_context=context, initializer=_begin_worker, initargs=(os.getpid(),)
        )
        running: dict[Future[dict[str, Any]], Mapping[str, Any]] = {}
        try:
            while waiting or running:
                # No more than one cell a process, so that a death costs little.
                while waiting and len(running) < jobs:
                    order = waiting.pop()
                    running[pool.submit(run_cell, order)] = order
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    record = future.result()
                    del running[future]
                    yield record
        except BrokenProcessPool:
            for order in running.values():
                attempts[order["key"]] = attempts.get(order["key"], 0) + 1
                if attempts[order["key"]] < _ATTEMPTS:
                    waiting.append(order)
                else:
                    yield _lost(order)
        finally:
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(wait=True, cancel_futures=True)


def _lost(order: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": order["key"],
        "status": "failed",
        "numbers": {},
        "verdicts": {},
        "error": f"the process died {_ATTEMPTS} times (out of memory?)",
        "seconds": 0.0,
    }


def run_on_dask(orders: Orders, address: str) -> Iterator[dict[str, Any]]:
    """Run cells on a Dask cluster; yields records as they come.

    Raises:
        UsageError: Dask is not installed, or the scheduler does not answer.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise UsageError(
            "the executor dask needs the extra 'cluster': pip install -c requirements.lock "
            "-e '.[cluster]'"
        ) from None
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(f"no Dask scheduler at {address}: {error}") from None
    with client:
        futures = {
            client.submit(run_cell, order, key=f"companion-{order['key']}", pure=False): order
            for order in orders
        }
        for future in as_completed(list(futures)):
            try:
                yield future.result()
            except Exception as error:  # a cell whose workers died again and again
                record = _lost(futures[future])
                yield record | {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
            future.release()


def choose_executor(name: str, jobs: int) -> Callable[[Orders], Iterable[dict[str, Any]]]:
    """The executor called `local` or `dask://HOST:PORT`.

    Raises:
        UsageError: it is neither.
    """
    if name == "local":
        return lambda orders: run_locally(orders, jobs)
    found = re.fullmatch(r"dask://([\w.\-\[\]:]+:\d+)", name)
    if found:
        return lambda orders: run_on_dask(orders, f"tcp://{found[1]}")
    raise UsageError(f"executor {name!r} is neither local nor dask://HOST:PORT")


# --- a sweep --------------------------------------------------------------------------------


def default_folder(project: Project, sweep: Sweep) -> Path:
    """Where a sweep goes if nobody says otherwise: asking again for the same one resumes it."""
    return project.runs / "sweeps" / sweep.chapter / sweep.key


def _claim_folder(project: Project, sweep: Sweep, folder: Path) -> None:
    """Describe the sweep in its folder, or check that the folder holds this sweep."""
    file = folder / "sweep.json"
    described = {
        "chapter": sweep.chapter,
        "axes": list(sweep.axes),
        "cells": len(sweep.cells),
        "key": sweep.key,
        "ingredients": dict(sweep.parts),
    }
    if file.exists():
        try:
            before = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            before = {}
        if before.get("key") != sweep.key:
            old = before.get("ingredients", {})
            changed = [name for name, value in sweep.parts.items() if old.get(name) != value]
            why = f"changed: {', '.join(changed)}" if changed else "other values"
            raise UsageError(f"{folder} holds another sweep ({why}); choose another --out")
        return
    ours = (".lock", f".{file.name}.new")
    if folder.exists() and any(entry.name not in ours for entry in folder.iterdir()):
        raise UsageError(f"{folder} is not empty and holds no sweep; choose another --out")
    described["code_version"] = code_version(project)
    described["started"] = now()
    write_durably(file, json.dumps(described, indent=1) + "\n")


def run_sweep(
    project: Project,
    sweep: Sweep,
    folder: Path,
    execute: Callable[[Orders], Iterable[dict[str, Any]]],
    *,
    retry_failed: bool = False,
) -> list[dict[str, Any]]:
    """Run the cells of a sweep that have no record yet; the records of those that failed.

    Args:
        project: the checkout.
        sweep: what to run.
        folder: where the journal and the table are; made if missing.
        execute: the executor.
        retry_failed: whether cells that failed before are run again.

    Raises:
        UsageError: the folder holds something else, or another process is at work in it.
    """
    from tqdm import tqdm

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make {folder}: {error}") from None
    try:
        with FileLock(folder / ".lock", timeout=0):
            _claim_folder(project, sweep, folder)
            version = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
            records = read_journal(folder)
            finished = {"done"} if retry_failed else {"done", "failed"}
            orders = [
                {
                    "key": key,
                    "chapter": sweep.chapter,
                    "parameters": dict(cell),
                    "root": str(project.root),
                    "src": sweep.parts["src"],
                }
                for cell, key in zip(sweep.cells, sweep.keys, strict=True)
                if records.get(key, {}).get("status") not in finished
            ]
            total = len(sweep.cells)
            journal = _Journal(folder)
            try:
                # Off when nobody is watching a terminal.
                with tqdm(total=total, initial=total - len(orders), disable=None) as bar:
                    for record in execute(orders):
                        journal.append(record)
                        bar.update()
            finally:
                journal.close()
                write_table(folder, sweep, version["code_version"])
    except Timeout:
        raise UsageError(f"another sweep is at work in {folder}") from None
    except OSError as error:
        raise RunError(f"{folder}: {error}; finished cells are kept") from error
    records = read_journal(folder)
    rows = zip(sweep.cells, sweep.keys, strict=True)
    return [
        {**records[key], "parameters": {name: cell[name] for name in sweep.axes}}
        for cell, key in rows
        if records.get(key, {}).get("status") == "failed"
    ]


def sweep_states(project: Project) -> list[tuple[Path, str]]:
    """Every sweep below `_runs/sweeps` with how far it has come, in words."""
    states = []
    for file in sorted((project.runs / "sweeps").rglob("sweep.json")):
        with contextlib.suppress(ValueError, KeyError):
            cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
            records = read_journal(file.parent).values()
            done = sum(record["status"] == "done" for record in records)
            failed = sum(record["status"] == "failed" for record in records)
            text = f"{done} of {cells} cells done"
            states.append((file.parent, text + (f", {failed} failed" if failed else "")))
    return states
