"""Runs for real: with the worker, the kernel, and everything that may go wrong."""

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from filelock import FileLock

from companion import run as run_module
from companion.cli import main
from companion.errors import RunError, Stopped
from companion.freshness import chapter_schema, failure_folder, finished_runs, read_run, store
from companion.parameters import resolve
from companion.run import make_order, run_for_build, run_for_reader, sweep_abandoned, work_folder

PATIENCE = 60  # seconds to wait for a process on a busy machine


def build(tiny):
    return run_for_build(tiny.project, tiny.chapter, "quick")


def rebuilt(tiny) -> str:
    """The state after another run, which must not leave any trace of earlier ones."""
    build(tiny)
    assert leftovers(tiny) == []
    return tiny.state().state


def leftovers(tiny) -> list[str]:
    """Work folders and their locks that still lie about."""
    return [name for name in tiny.tree() if "/.run-" in name]


def sleeping(tiny) -> None:
    """Make the chapter wait in its fourth cell, after it has said so."""
    tiny.set_cell("import pathlib, time\npathlib.Path('asleep').touch()\ntime.sleep(600)")


def await_sleep(tiny) -> None:
    deadline = time.monotonic() + PATIENCE
    while not list(tiny.root.rglob("asleep")):
        assert time.monotonic() < deadline, "the chapter never began"
        time.sleep(0.05)


# --- a good run -----------------------------------------------------------------------------


def test_a_finished_run_holds_its_records_and_nothing_else(finished):
    state = finished.state()
    assert state.state == "fresh"
    names = sorted(path.name for path in state.folder.iterdir())
    assert names == ["notebook.ipynb", "numbers.json", "run.json", "verdicts.json"]
    assert leftovers(finished) == []
    verdict, *others = json.loads((state.folder / "verdicts.json").read_text())
    assert (verdict["id"], verdict["verdict"], others) == ("tian2017.sum", "verified", [])
    assert json.loads((state.folder / "numbers.json").read_text())["total"]["value"] == 5.0
    run = read_run(state.folder)
    assert run["chapter"] == finished.chapter and run["key"] == state.key
    assert run["parameters"] == dict(state.parameters) and run["seed"] == 1
    assert run["peak_memory_bytes"] > 2**20 and 0 < run["seconds"] < 600
    assert run["started"] < run["finished"] and run["device"] == "cpu"
    assert set(run["versions"]) >= {"python", "numpy", "torch"}
    notebook = nbformat.read(state.folder / "notebook.ipynb", as_version=4)
    assert any("sum 10" in str(cell.get("outputs")) for cell in notebook.cells)


def test_a_fresh_chapter_is_not_run_again(finished, monkeypatch):
    def never(*_):
        raise AssertionError("it was run again")

    monkeypatch.setattr(run_module, "_worker", never)
    assert rebuilt(finished) == "fresh"


def test_the_kernel_has_one_thread_its_own_folder_and_no_foreign_backend(tiny, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    names = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "COMPANION_OUTPUT"]
    tiny.set_cell(
        "import json, os, sys\n"
        f"told = {{name: os.environ.get(name) for name in {[*names, 'MPLBACKEND']}}}\n"
        "told |= {'cwd': os.getcwd(), 'python': sys.executable}\n"
        "told['debugger'] = 'pydevd' in sys.modules or 'debugpy' in sys.modules\n"
        "json.dump(told, open('told.json', 'w'))"
    )
    folder = build(tiny)
    told = json.loads((folder / "told.json").read_text())
    assert [told[name] for name in names[:3]] == ["1", "1", "1"]
    assert told["COMPANION_OUTPUT"] == told["cwd"] and "/.run-" in told["cwd"]
    # IPython's kernel names its own backend; one that is named outside must not get through.
    assert told["MPLBACKEND"] != "agg"
    assert told["python"] == sys.executable
    assert not told["debugger"]


def test_a_kernel_that_has_done_its_work_is_not_waited_for(tiny):
    tiny.set_cell("import atexit, pathlib\natexit.register(pathlib.Path('goodbye').touch)")
    assert not (build(tiny) / "goodbye").exists()
    tiny.await_silence()


def test_a_reader_gets_a_folder_and_a_page_of_ones_own(finished, capsys):
    before = [name for name in finished.tree() if name.startswith("_output")]
    assert main(["run", finished.chapter, "-p", "n=12", "-p", "levels=0.5,1"]) == 0
    told = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines() if line)
    (folder,) = (finished.project.runs / finished.chapter).iterdir()
    assert told["result"] == str(folder) and told["tian2017.sum"] == "verified"
    assert read_run(folder)["parameters"]["n"] == 12
    assert read_run(folder)["parameters"]["levels"] == [0.5, 1.0]
    assert "The total is 6" in (folder / "html" / f"{finished.chapter}.html").read_text()
    assert told["page"] == str(folder / "html" / f"{finished.chapter}.html")
    assert list((finished.project.build / "templates").iterdir())
    assert sorted(path.name for path in folder.iterdir()) == [
        *("html", "notebook.ipynb", "numbers.json", "run.json", "verdicts.json")
    ]
    assert Path(told["notebook"]).exists() and told["notebook"].startswith(str(folder))
    assert [name for name in finished.tree() if name.startswith("_output")] == before


def test_a_page_that_cannot_be_built_does_not_cost_the_run(tiny, capsys):
    source = tiny.project.source_file(tiny.chapter)
    source.write_text(tiny.source.replace("{number}`total`", "{number}`sum`"))
    assert main(["run", tiny.chapter]) == 1
    captured = capsys.readouterr()
    first, *_, last = captured.err.splitlines()
    assert first == "companion: the page was not built:"
    assert last == "topic/tiny: the text asks for the number 'sum'"
    (folder,) = (tiny.project.runs / tiny.chapter).iterdir()
    assert read_run(folder) and not (folder / "html").exists() and leftovers(tiny) == []
    assert f"result   {folder}" in captured.out and "page " not in captured.out
    tiny.await_silence()


# --- a bad run ------------------------------------------------------------------------------

FAILURES = {
    "exception": (
        "raise ValueError('first line\\nsecond line\\n')",
        "topic/tiny: cell 5: ValueError: second line",
    ),
    "refusal": ("chapter.claim('tian2017.later')", "cell 5: UsageError: tian2017.later is decided"),
    "early end": ("import sys; sys.exit(0)", "topic/tiny: the notebook did not run to its end"),
    "death": ("import os; os.kill(os.getpid(), 9)", "topic/tiny: DeadKernelError: Kernel died"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_run_says_where_and_why_and_keeps_the_partial_notebook(tiny, capsys, name):
    code, words = FAILURES[name]
    tiny.set_cell(code)
    assert main(["run", tiny.chapter]) == 1
    told = capsys.readouterr().err.splitlines()
    assert told[-1].startswith("companion: ") and words in told[-1], told
    assert "Traceback" not in "".join(told)
    (kept,) = (tiny.project.runs / tiny.chapter).iterdir()
    assert kept.name.startswith("failed-") and f"(partial notebook: {kept})" in told[-1]
    partial = nbformat.read(kept / "partial.ipynb", as_version=4)
    assert any("sum 10" in str(cell.get("outputs")) for cell in partial.cells)
    assert read_run(kept) is None and leftovers(tiny) == []


def test_a_chapter_without_verdicts_is_refused(tiny):
    source = tiny.project.source_file(tiny.chapter)
    source.write_text(tiny.source.replace("chapter.verdicts()", "print('the end')"))
    with pytest.raises(RunError, match=r"left no verdicts.json; does the notebook end with"):
        build(tiny)
    assert tiny.state().state == "failed" and finished_runs(tiny.project, tiny.chapter) == []


def test_the_last_good_result_stays_when_a_run_fails(finished):
    good = finished.state().folder
    finished.set_cell("raise ValueError('no')")
    assert finished.state().state == "stale"
    with pytest.raises(RunError, match="cell 5: ValueError: no"):
        build(finished)
    state = finished.state()
    assert (state.state, state.folder) == ("failed", good)
    assert "cell 5: ValueError: no" in state.reason and read_run(good)
    assert (failure_folder(finished.project, finished.chapter) / "partial.ipynb").exists()
    finished.set_cell("pass")
    assert finished.state().state == "stale"
    build(finished)
    assert finished.state().state == "fresh"
    assert not failure_folder(finished.project, finished.chapter).exists()


def test_a_folder_that_is_no_result_does_not_block_the_next_run(tiny):
    folder = store(tiny.project, tiny.chapter) / tiny.state().key
    folder.mkdir(parents=True)
    (folder / "numbers.json").write_text("{}")
    assert tiny.state().state == "never run"
    assert build(tiny) == folder
    assert tiny.state().state == "fresh" and leftovers(tiny) == []


# --- stopped from outside -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_a_command_that_is_stopped_leaves_no_process_and_no_result(finished, number, code):
    good = finished.state().folder
    sleeping(finished)
    command = finished.start("pair", finished.chapter)
    await_sleep(finished)
    assert set(finished.processes()) == {"command", "worker", "kernel"}
    command.send_signal(number)
    _, told = command.communicate(timeout=PATIENCE)
    assert command.returncode == code, told
    assert "Traceback" not in told
    finished.await_silence()
    assert (finished.state().state, finished.state().folder) == ("stale", good)
    if number != signal.SIGKILL:
        assert leftovers(finished) == []
    finished.set_cell("pass")
    assert rebuilt(finished) == "fresh"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_rerun_that_is_stopped_leaves_no_page_either(tiny, number):
    sleeping(tiny)
    command = tiny.start("run", tiny.chapter)
    await_sleep(tiny)
    assert set(tiny.processes()) == {"command", "worker", "kernel", "page"}
    command.send_signal(number)
    _, told = command.communicate(timeout=PATIENCE)
    assert "Traceback" not in told
    tiny.await_silence()
    tiny.set_cell("pass")
    assert main(["run", tiny.chapter]) == 0
    (folder,) = (tiny.project.runs / tiny.chapter).iterdir()
    assert read_run(folder)


@pytest.mark.parametrize(
    ("victim", "words"), [("worker", "ended without a word"), ("kernel", "Kernel died")]
)
def test_a_worker_or_kernel_that_is_killed_is_a_failed_run(tiny, victim, words):
    sleeping(tiny)
    command = tiny.start("pair", tiny.chapter)
    await_sleep(tiny)
    tiny.processes()[victim].kill()
    _, told = command.communicate(timeout=PATIENCE)
    assert command.returncode == 1 and words in told.splitlines()[-1], told
    tiny.await_silence()
    assert tiny.state().state == "failed"
    tiny.set_cell("pass")
    assert rebuilt(tiny) == "fresh"


def test_all_runs_of_a_process_can_be_stopped(tiny):
    sleeping(tiny)
    outcome = []

    def attempt():
        try:
            build(tiny)
        except BaseException as error:
            outcome.append(type(error))

    thread = threading.Thread(target=attempt)
    thread.start()
    await_sleep(tiny)
    run_module.stop_all_runs()
    thread.join(PATIENCE)
    assert outcome == [Stopped]
    tiny.await_silence()
    assert leftovers(tiny) == [] and tiny.state().state == "never run"


def test_only_abandoned_work_is_swept(tmp_path):
    dead = tmp_path / ".run-0123456789ab"
    dead.mkdir()
    (dead / "notebook.ipynb").write_text("{}")
    (tmp_path / "result").mkdir()
    with work_folder(tmp_path) as work:
        assert not dead.exists()
        dead.mkdir()
        thread = threading.Thread(target=sweep_abandoned, args=[tmp_path])
        thread.start()
        thread.join()
        assert work.exists() and not dead.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_a_lock_without_a_folder_is_swept_when_nobody_can_be_about_to_use_it(tmp_path):
    old, new, held = (tmp_path / f".run-{number}.lock" for number in range(3))
    for lock in (old, new, held):
        lock.touch()
    for lock in (old, held):
        os.utime(lock, (0, 0))
    with FileLock(held):
        os.utime(held, (0, 0))
        sweep_abandoned(tmp_path)
        assert sorted(tmp_path.iterdir()) == [new, held]
    sweep_abandoned(tmp_path)
    assert list(tmp_path.iterdir()) == [new]


def test_a_result_is_on_the_disk_before_it_has_its_name(tiny, monkeypatch):
    order = make_order(
        tiny.project, tiny.chapter, resolve(chapter_schema(tiny.project, tiny.chapter)), "quick"
    )
    target, synced = tiny.root / "parent" / "name", []

    def sync(folder):
        synced.append((target.exists(), read_run(folder) is not None))

    monkeypatch.setattr("companion.durable.sync_tree", sync)
    run_module.run_into(tiny.project, order, target.parent, "name", failed=tiny.root / "failed")
    assert synced == [(False, True)] and read_run(target)


# --- several at once ------------------------------------------------------------------------


def test_two_builds_at_once_run_the_chapter_once(tiny):
    tiny.set_cell(f"import time\nopen({str(tiny.root / 'count')!r}, 'a').write('1')\ntime.sleep(1)")
    commands = [tiny.start("pair", tiny.chapter) for _ in range(2)]
    ended = [(command.communicate(timeout=PATIENCE), command.returncode) for command in commands]
    assert [code for _, code in ended] == [0, 0], ended
    assert (tiny.root / "count").read_text() == "1"
    assert len(finished_runs(tiny.project, tiny.chapter)) == 1 and leftovers(tiny) == []


def test_two_readers_at_once_get_two_results(tiny):
    values = resolve(chapter_schema(tiny.project, tiny.chapter))
    folders = []
    threads = [
        threading.Thread(
            target=lambda: folders.append(
                run_for_reader(tiny.project, tiny.chapter, values, "quick")
            )
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * PATIENCE)
    assert len(set(folders)) == 2 and all(read_run(folder) for folder in folders)
    assert leftovers(tiny) == []


def test_the_same_run_finished_by_another_process_is_taken(tiny):
    values = resolve(chapter_schema(tiny.project, tiny.chapter))
    order = make_order(tiny.project, tiny.chapter, values, "quick")
    parent = tiny.root / "elsewhere"

    @contextlib.contextmanager
    def overtaken(work):
        yield lambda: shutil.copytree(work, parent / "name")
        (parent / "name" / "mark").touch()

    arguments = {"failed": tiny.root / "failed"}
    folder = run_module.run_into(tiny.project, order, parent, "name", extra=overtaken, **arguments)
    assert folder == parent / "name" and (folder / "mark").exists()
    assert [path.name for path in parent.iterdir()] == ["name"]


# --- no room --------------------------------------------------------------------------------


def check_there_is_no_room(tiny, command):
    _, told = command.communicate(timeout=PATIENCE)
    assert command.returncode == 1, told
    assert told.splitlines()[-1].startswith("companion: topic/tiny: "), told
    print(repr(told))
    assert tiny.state().state in ("never run", "failed")
    assert finished_runs(tiny.project, tiny.chapter) == []
    tiny.await_silence()


@pytest.mark.parametrize("size", ["8k", "24k"])
def test_a_full_disk(tiny, size):
    disk = tiny.project.output
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here (it needs root and the right to mount)")
    try:
        check_there_is_no_room(tiny, tiny.start("pair", tiny.chapter))
        grow = ["mount", "-o", "remount,size=64m", str(disk)]
        subprocess.run(grow, check=True)
        assert rebuilt(tiny) == "fresh"
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.parametrize("limit", [500, 3000])
def test_no_file_may_grow(tiny, limit):
    tiny.set_cell("print('x' * 5000)")
    check_there_is_no_room(
        tiny,
        tiny.start(
            "pair",
            tiny.chapter,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        ),
    )
    assert rebuilt(tiny) == "fresh"
    assert not [p for p in psutil.Process().children(recursive=True) if p.is_running()]
