"""Run one chapter so that nothing unfinished can be taken for a result.

The work happens in a hidden folder beside the target, in a process of its own. Only when every
cell has run and every record is there does one rename make it visible under its final name.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from companion.durable import rename_durably, write_durably
from companion.errors import RunError, Stopped
from companion.freshness import (
    RUN_FILE,
    WORK_PREFIX,
    chapter_state,
    discard,
    failure_folder,
    ingredients,
    installed_versions,
    prune,
    read_run,
    run_key,
    store,
)
from companion.project import OUTPUT_VARIABLE, ROOT_VARIABLE, Project, code_version

NOTEBOOK_FILE = "notebook.ipynb"
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
_BEGINNING_SECONDS = 3600.0
_running: set[subprocess.Popen[bytes]] = set()
_stopping = threading.Event()

# What works beside a run, in the run's folder; gives the call that adds its part at the end.
Extra = Callable[[Path], contextlib.AbstractContextManager[Callable[[], None]]]


@dataclass(frozen=True)
class Order:
    """A run that was asked for: the chapter and the resolved parameters."""

    chapter: str
    parameters: Mapping[str, Any]
    profile: str
    key: str
    parts: Mapping[str, str]


def make_order(
    project: Project, chapter: str, parameters: Mapping[str, Any], profile: str
) -> Order:
    """An order for checked parameters, with the key of today's sources."""
    parts = ingredients(project, chapter, parameters)
    return Order(chapter, parameters, profile, run_key(parts), parts)


def worker_environment(project: Project, output: Path) -> dict[str, str]:
    """The environment of a process that runs a chapter: one thread, its records in `output`."""
    environment = dict(os.environ)
    # An Agg backend chosen from outside would silently drop the pictures from the notebook.
    environment.pop("MPLBACKEND", None)
    environment.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    environment[ROOT_VARIABLE] = str(project.root)
    environment[OUTPUT_VARIABLE] = str(output)
    return environment


@contextlib.contextmanager
def work_folder(parent: Path) -> Iterator[Path]:
    """A hidden folder below `parent`, held by a lock while its process lives, then removed."""
    parent.mkdir(parents=True, exist_ok=True)
    sweep_abandoned(parent)
    name = f"{WORK_PREFIX}{uuid.uuid4().hex[:12]}"
    # The lock exists before the folder, so that nobody takes a new folder for an abandoned one.
    lock = FileLock(parent / f"{name}.lock")
    with lock:
        folder = parent / name
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            (parent / f"{name}.lock").unlink(missing_ok=True)


def sweep_abandoned(parent: Path) -> None:
    """Remove the work folders of processes that died, and the locks of those that died sooner."""
    names = {path.name.removesuffix(".lock") for path in parent.glob(f"{WORK_PREFIX}*")}
    for name in names:
        folder, lock_file = parent / name, parent / f"{name}.lock"
        # A process that is just beginning has a lock, perhaps not yet held, and no folder.
        if not folder.is_dir() and _age(lock_file) < _BEGINNING_SECONDS:
            continue
        try:
            with FileLock(lock_file, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
                lock_file.unlink(missing_ok=True)
        except (Timeout, OSError):
            continue


def _age(file: Path) -> float:
    """How many seconds ago a file was last written; 0 if it is not there."""
    with contextlib.suppress(OSError):
        return time.time() - file.stat().st_mtime
    return 0.0


def now() -> str:
    """The time in UTC, to the microsecond, sortable as text."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")


def machine_name() -> str:
    """The processor's model, for the status page."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    import platform

    return platform.processor() or platform.machine()


@contextlib.contextmanager
def _worker(project: Project, order: Order, work: Path) -> Iterator[Callable[[], None]]:
    """A process that runs the chapter's notebook inside `work`; gives the call that awaits it."""
    spec = {
        "chapter": order.chapter,
        "source": str(project.source_file(order.chapter)),
        "parameters": dict(order.parameters),
    }
    (work / "order.json").write_text(json.dumps(spec), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "companion.worker", str(work), str(os.getpid())],
        env=worker_environment(project, work),
        start_new_session=True,
    )
    _running.add(process)

    def finished() -> None:
        code = process.wait()
        if _stopping.is_set():
            raise Stopped(order.chapter)
        if code != 0:
            raise RunError(_failure_text(order, work, code))

    try:
        yield finished
    finally:
        if process.poll() is None:
            _stop(process)
        _running.discard(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Let a worker stop its kernel, then make sure."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def stop_all_runs() -> None:
    """Stop the runs of all threads of this process; each then raises `Stopped`."""
    _stopping.set()
    for process in list(_running):
        _stop(process)


def _failure_text(order: Order, work: Path, code: int) -> str:
    try:
        failure = json.loads((work / "failure.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return f"{order.chapter}: the run ended without a word (exit code {code})"
    cell = f"cell {failure['cell']}: " if failure.get("cell") else ""
    return f"{order.chapter}: {cell}{failure['error']}"


def _check_records(order: Order, work: Path) -> None:
    """Refuse a run whose records are missing, whatever its return code was."""
    for name in (NOTEBOOK_FILE, "verdicts.json", "numbers.json", "execution.json"):
        try:
            if name != NOTEBOOK_FILE:
                json.loads((work / name).read_text(encoding="utf-8"))
            elif not (work / name).stat().st_size:
                raise ValueError("empty")
        except (OSError, ValueError):
            raise RunError(
                f"{order.chapter}: the run left no {name}; does the notebook end with "
                "chapter.verdicts()?"
            ) from None


def _keep_failure(order: Order, work: Path, kept: Path, error: str) -> None:
    """Move the partial notebook of a failed run to `kept`."""
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True, exist_ok=True)
    if (work / NOTEBOOK_FILE).exists():
        shutil.move(work / NOTEBOOK_FILE, kept / "partial.ipynb")
    record = {"chapter": order.chapter, "key": order.key, "error": error, "time": now()}
    (kept / "failure.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def run_into(
    project: Project,
    order: Order,
    parent: Path,
    name: str,
    *,
    failed: Path,
    extra: Extra | None = None,
) -> Path:
    """Run a chapter and leave the finished result at `parent / name`.

    Args:
        project: the checkout.
        order: what to run.
        parent: where the work folder and the result lie.
        name: the result's final name.
        failed: where the partial notebook goes if the run fails.
        extra: adds to the work folder (a page, for one) before it becomes visible.

    Returns:
        The folder with `notebook.ipynb`, `figures/`, `numbers.json`, `verdicts.json`, `run.json`.

    Raises:
        RunError: a cell failed or a record is missing; the message says which and why.
    """
    target = parent / name
    try:
        with work_folder(parent) as work:
            started, clock = now(), time.monotonic()
            try:
                with (
                    _worker(project, order, work) as finished,
                    extra(work) if extra else contextlib.nullcontext() as add,
                ):
                    # Asked for while the chapter runs, and of the sources as it found them.
                    version = code_version(project)
                    finished()
                    _check_records(order, work)
                    seconds = time.monotonic() - clock
                    _write_run(order, work, version, started, seconds)
                    if add:
                        add()
            except RunError as error:
                _keep_failure(order, work, failed, str(error))
                raise RunError(f"{error} (partial notebook: {failed})") from None
            for scratch in ("order.json", "execution.json"):
                (work / scratch).unlink(missing_ok=True)
            if target.exists() and read_run(target) is None:
                discard(target)
            try:
                rename_durably(work, target)
            except OSError:
                # Another process finished the same run first: its result is as good as ours.
                if read_run(target) is None:
                    raise
    except OSError as error:
        raise RunError(f"{order.chapter}: {error}; nothing was kept") from error
    shutil.rmtree(failed, ignore_errors=True)
    return target


def _write_run(
    order: Order, work: Path, version: str, started: str, seconds: float
) -> dict[str, Any]:
    """Write the run record; it is the last thing written, and names the run finished."""
    execution = json.loads((work / "execution.json").read_text(encoding="utf-8"))
    record = {
        "chapter": order.chapter,
        "profile": order.profile,
        "parameters": dict(order.parameters),
        "seed": order.parameters.get("seed"),
        "key": order.key,
        "ingredients": dict(order.parts),
        "code_version": version,
        "device": execution["device"],
        "machine": machine_name(),
        "versions": installed_versions(),
        "seconds": round(seconds, 2),
        "peak_memory_bytes": execution["peak_memory_bytes"],
        "started": started,
        "finished": now(),
    }
    write_durably(work / RUN_FILE, json.dumps(record, indent=1) + "\n")
    return record


def run_for_build(project: Project, chapter: str, profile: str) -> Path:
    """Bring one chapter of the book up to date; do nothing if it is fresh.

    Returns:
        The folder of the finished run, of the sources as they were when it began.

    Raises:
        RunError: the run failed; the last good result stays.
    """
    folder = store(project, chapter)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        state = chapter_state(project, chapter, profile)
        if state.state == "fresh" and state.folder is not None:
            return state.folder
        order = Order(chapter, state.parameters, profile, state.key, state.parts)
        failed = failure_folder(project, chapter)
        finished = run_into(project, order, folder, state.key, failed=failed)
        prune(project, chapter)
    return finished


def run_for_reader(
    project: Project,
    chapter: str,
    parameters: Mapping[str, Any],
    profile: str,
    extra: Extra | None = None,
) -> Path:
    """Run a chapter with a reader's parameters into a folder of its own below `_runs/`.

    Raises:
        RunError: the run failed; the partial notebook is kept and named.
    """
    order = make_order(project, chapter, parameters, profile)
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    name = f"{stamp}-{order.key[:8]}-{uuid.uuid4().hex[:4]}"
    parent = project.runs / chapter
    return run_into(project, order, parent, name, failed=parent / f"failed-{name}", extra=extra)
