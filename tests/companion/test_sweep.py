"""Sweeps: the grid, the journal, resuming, and executors that lose their workers."""

import csv
import json
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from companion import sweep as sweeps
from companion.cell import run_cell
from companion.cli import main
from companion.errors import UsageError
from companion.freshness import chapter_schema
from companion.parameters import resolve

KILLS = 10


def _sweep(tiny, *grid: str, zipped: tuple[str, ...] = ()) -> sweeps.Sweep:
    schema = chapter_schema(tiny.project, tiny.chapter)
    return sweeps.make_sweep(
        tiny.project, tiny.chapter, schema, resolve(schema), list(grid), list(zipped)
    )


def _table(folder: Path) -> list[dict[str, str]]:
    with (folder / "table.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _inline(orders):
    return map(run_cell, orders)


# --- the grid -------------------------------------------------------------------------------


def test_cells_are_the_product_of_the_axes_in_the_order_given(tiny):
    sweep = _sweep(tiny, "n=3,5", "seed=0:3")
    found = [(cell["n"], cell["seed"]) for cell in sweep.cells]
    assert found == [(3, 0), (3, 1), (3, 2), (5, 0), (5, 1), (5, 2)]
    assert all(cell["scale"] == 0.5 for cell in sweep.cells)
    assert len(set(sweep.keys)) == 6


def test_zipped_axes_go_together(tiny):
    sweep = _sweep(tiny, "seed=0,1", zipped=("n=1,2", "scale=0.5,1e-1"))
    found = [(cell["seed"], cell["n"], cell["scale"]) for cell in sweep.cells]
    assert found == [(0, 1, 0.5), (0, 2, 0.1), (1, 1, 0.5), (1, 2, 0.1)]


@pytest.mark.parametrize(
    ("grid", "zipped", "message"),
    [
        (["sead=1,2"], [], "unknown parameter 'sead'; did you mean seed?"),
        (["n"], [], "'n' is not name=values"),
        (["n="], [], "no values"),
        (["n=5:5"], [], "no values"),
        (["n=1,x"], [], "'x' is not a whole number"),
        (["n=1,2000"], [], "out of range 1..1000"),
        (["n=1:4:0"], [], "step other than 0"),
        (["n=0:999999999"], [], "more than 100000 values"),
        (["n=3,3"], [], "comes twice"),
        (["n=3", "n=4"], [], "on two axes"),
        (["n=3"], ["n=4"], "on two axes"),
        (["levels=0.1,0.2"], [], "is a list"),
        ([], [], "at least one --grid"),
        ([], ["n=1,2", "seed=1,2,3"], "equally many values"),
        (["n=1:1000", "seed=0:100", "scale=1,2"], [], "more than 100000"),
    ],
)
def test_malformed_axes_are_refused_in_one_line(tiny, capsys, grid, zipped, message):
    before = tiny.tree()
    arguments = [part for text in grid for part in ("--grid", text)]
    arguments += [part for text in zipped for part in ("--zip", text)]
    assert main(["sweep", tiny.chapter, *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert tiny.tree() == before


@pytest.mark.parametrize("executor", ["slurm", "dask://", "dask://nowhere", "dask://a b:1"])
def test_unknown_executors_are_refused(tiny, capsys, executor):
    before = tiny.tree()
    assert main(["sweep", tiny.chapter, "--grid", "n=1", "--executor", executor]) == 2
    assert "neither local nor dask://HOST:PORT" in capsys.readouterr().err
    assert tiny.tree() == before


# --- one cell -------------------------------------------------------------------------------


def _order(tiny, **changed) -> dict:
    schema = chapter_schema(tiny.project, tiny.chapter)
    sweep = _sweep(tiny, "seed=1")
    parameters = resolve(schema, changed)
    return {
        "key": "k",
        "chapter": tiny.chapter,
        "parameters": parameters,
        "root": str(tiny.root),
        "src": sweep.parts["src"],
    }


def test_a_cell_returns_numbers_and_verdicts_and_says_nothing(tiny, capsys):
    record = run_cell(_order(tiny, n=7, scale=2.0))
    assert record["status"] == "done" and record["error"] == ""
    assert record["numbers"] == {"total": 14.0}
    assert record["verdicts"] == {"tian2017.sum": "verified"}


def test_a_failing_cell_is_a_record_not_an_exception(tiny):
    tiny.set_cell("raise ValueError('first line\\nlast line')")
    record = run_cell(_order(tiny))
    assert record["status"] == "failed"
    assert record["error"].startswith("ValueError: last line")


def test_a_worker_with_other_code_refuses(tiny):
    record = run_cell({**_order(tiny), "src": "other"})
    assert record["status"] == "failed" and "other code" in record["error"]


def test_a_cell_agrees_with_a_real_run(finished):
    record = run_cell(_order(finished))
    run = finished.state().folder
    numbers = json.loads((run / "numbers.json").read_text())
    assert record["numbers"] == {name: entry["value"] for name, entry in numbers.items()}


# --- journal and table ----------------------------------------------------------------------


def test_the_table_is_tidy_and_in_grid_order(tiny, tmp_path):
    out = tmp_path / "out"
    sweep = _sweep(tiny, "n=5,3", "seed=0:2")
    backwards = lambda orders: map(run_cell, reversed(orders))  # noqa: E731
    assert sweeps.run_sweep(tiny.project, sweep, out, backwards) == []
    rows = _table(out)
    assert [(row["n"], row["seed"], row["total"]) for row in rows] == [
        ("5", "0", "2.5"),
        ("5", "1", "2.5"),
        ("3", "0", "1.5"),
        ("3", "1", "1.5"),
    ]
    assert all(row["tian2017.sum"] == "verified" and row["status"] == "done" for row in rows)
    assert all(row["code_version"] and row["key"] for row in rows)


def test_finished_cells_are_skipped_and_torn_lines_passed_over(tiny, tmp_path):
    out = tmp_path / "out"
    sweep = _sweep(tiny, "n=1:6")
    sweeps.run_sweep(tiny.project, sweep, out, _inline)
    whole = (out / "table.csv").read_bytes()
    lines = (out / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (out / "journal.jsonl").write_bytes(b"".join(lines[:2]) + lines[2][:25])
    asked = []

    def counting(orders):
        asked.extend(orders)
        return _inline(orders)

    sweeps.run_sweep(tiny.project, sweep, out, counting)
    assert len(asked) == 3
    assert (out / "table.csv").read_bytes() == whole


def test_failed_cells_are_listed_and_retried_only_on_demand(tiny, tmp_path, capsys):
    marker = tmp_path / "mended"
    tiny.set_cell(
        "from pathlib import Path\n"
        f"if n == 3 and not Path({str(marker)!r}).exists():\n    raise OSError('no luck')"
    )
    out = str(tmp_path / "out")
    command = ["sweep", tiny.chapter, "--grid", "n=2,3", "--out", out, "--jobs", "1"]
    assert main(command) == 1
    assert "failed n=3: OSError: no luck" in capsys.readouterr().out
    marker.touch()
    assert main(command) == 1
    assert main([*command, "--retry-failed"]) == 0
    assert [row["status"] for row in _table(Path(out))] == ["done", "done"]


def test_a_folder_with_something_else_is_left_alone(tiny, tmp_path):
    sweeps.run_sweep(tiny.project, _sweep(tiny, "n=1"), tmp_path / "a", _inline)
    with pytest.raises(UsageError, match="another sweep"):
        sweeps.run_sweep(tiny.project, _sweep(tiny, "n=2"), tmp_path / "a", _inline)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.tex").touch()
    with pytest.raises(UsageError, match="holds no sweep"):
        sweeps.run_sweep(tiny.project, _sweep(tiny, "n=2"), tmp_path / "b", _inline)
    (tmp_path / "c").touch()
    with pytest.raises(UsageError, match="not a folder"):
        sweeps.run_sweep(tiny.project, _sweep(tiny, "n=2"), tmp_path / "c", _inline)


def test_other_code_is_another_sweep(tiny, tmp_path):
    out = tmp_path / "out"
    sweeps.run_sweep(tiny.project, _sweep(tiny, "n=1"), out, _inline)
    (tiny.root / "src" / "mathematics" / "sums.py").write_text("ONE = 2\n")
    with pytest.raises(UsageError, match="changed: src"):
        sweeps.run_sweep(tiny.project, _sweep(tiny, "n=1"), out, _inline)


# --- killed for real ------------------------------------------------------------------------


def _journal_lines(out: Path) -> int:
    file = out / "journal.jsonl"
    return len(file.read_bytes().splitlines()) if file.exists() else 0


def _finish(process: subprocess.Popen) -> tuple[int, str]:
    _, error = process.communicate(timeout=120)
    return process.returncode, error


def _workers(process: subprocess.Popen) -> list[psutil.Process]:
    children = psutil.Process(process.pid).children(recursive=True)
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def test_a_sweep_killed_again_and_again_ends_in_the_same_table(tiny, tmp_path):
    tiny.set_cell("import time\ntime.sleep(0.01)")
    grid = ["--grid", "n=1:51", "--grid", "seed=0:10"]
    dice = random.Random(0)
    out = sweeps.default_folder(tiny.project, _sweep(tiny, "n=1:51", "seed=0:10"))
    for _ in range(KILLS):
        process = tiny.start("sweep", tiny.chapter, *grid)
        before, deadline = _journal_lines(out), time.monotonic() + 60
        while _journal_lines(out) == before and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.3))
        process.send_signal(dice.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
        _finish(process)
        done = len({row["key"] for row in sweeps.read_journal(out).values()})
        assert before <= done < 500
        # Whoever asks is told the truth.
        assert sweeps.sweep_states(tiny.project) == [(out, f"{done} of 500 cells done")]
    code, error = _finish(tiny.start("sweep", tiny.chapter, *grid))
    assert code == 0, error
    reference = tmp_path / "reference"
    code, error = _finish(tiny.start("sweep", tiny.chapter, *grid, "--out", str(reference)))
    assert code == 0, error
    assert (out / "table.csv").read_bytes() == (reference / "table.csv").read_bytes()
    assert len(_table(out)) == 500
    tiny.await_silence()


def test_a_dead_worker_process_costs_nothing(tiny, tmp_path):
    tiny.set_cell("import time\ntime.sleep(0.05)")
    out = tmp_path / "out"
    process = tiny.start("sweep", tiny.chapter, "--grid", "n=1:41", "--out", str(out))
    while _journal_lines(out) < 5:
        assert process.poll() is None
        time.sleep(0.01)
    _workers(process)[0].kill()
    code, error = _finish(process)
    assert code == 0, error
    assert [row["status"] for row in _table(out)] == ["done"] * 40


def test_a_cell_that_kills_its_process_is_given_up_and_named(tiny, tmp_path, capsys):
    tiny.set_cell("import os\nif n == 2:\n    os._exit(9)")
    out = tmp_path / "out"
    command = ["sweep", tiny.chapter, "--grid", "n=1:4", "--out", str(out), "--jobs", "1"]
    assert main(command) == 1
    assert "failed n=2: the process died 3 times" in capsys.readouterr().out
    assert [row["status"] for row in _table(out)] == ["done", "failed", "done"]


def test_two_sweeps_in_one_folder_do_not_mix(tiny, tmp_path):
    tiny.set_cell("import time\ntime.sleep(0.05)")
    command = ["sweep", tiny.chapter, "--grid", "n=1:41", "--out", str(tmp_path / "out")]
    first = tiny.start(*command)
    while _journal_lines(tmp_path / "out") < 1:
        assert first.poll() is None
        time.sleep(0.01)
    code, error = _finish(tiny.start(*command))
    assert code == 2 and "another sweep is at work" in error
    assert _finish(first)[0] == 0


def test_status_tells_how_far_a_sweep_has_come(tiny, capsys):
    assert main(["sweep", tiny.chapter, "--grid", "n=1,2"]) == 0
    capsys.readouterr()
    assert main(["status"]) == 0
    assert "2 of 2 cells done" in capsys.readouterr().out


# --- Dask -----------------------------------------------------------------------------------


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def cluster():
    """A scheduler and two workers on the loopback interface; yields its address and workers."""
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    port = _free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    local = ["--host", "127.0.0.1", "--no-dashboard"]

    def start(kind: str, *arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-m", f"distributed.cli.{kind}", *arguments, *local]
        return subprocess.Popen(command, **quiet)

    scheduler = start("dask_scheduler", "--port", str(port))
    address = f"127.0.0.1:{port}"
    one_at_a_time = ["--nthreads", "1", "--no-nanny"]
    workers = [start("dask_worker", f"tcp://{address}", *one_at_a_time) for _ in range(2)]
    yield address, workers
    for process in [*workers, scheduler]:
        process.kill()
        process.wait()


def test_a_dask_cluster_that_loses_a_worker_loses_no_cell(tiny, tmp_path, cluster):
    address, workers = cluster
    tiny.set_cell("import time\ntime.sleep(0.1)")
    grid = ["--grid", "n=1:61"]
    out, reference = tmp_path / "dask", tmp_path / "local"
    process = tiny.start(
        "sweep", tiny.chapter, *grid, "--out", str(out), "--executor", f"dask://{address}"
    )
    deadline = time.monotonic() + 90
    while _journal_lines(out) < 10:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    workers[0].kill()
    code, error = _finish(process)
    assert code == 0, error
    assert len(_table(out)) == 60
    code, error = _finish(tiny.start("sweep", tiny.chapter, *grid, "--out", str(reference)))
    assert code == 0, error
    assert (out / "table.csv").read_bytes() == (reference / "table.csv").read_bytes()


def test_a_scheduler_that_does_not_answer_is_one_line(tiny):
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    address = f"dask://127.0.0.1:{_free_port()}"
    process = tiny.start("sweep", tiny.chapter, "--grid", "n=1", "--executor", address)
    code, error = _finish(process)
    assert code == 2
    assert error.strip().splitlines()[-1].startswith("companion: no Dask scheduler at")
