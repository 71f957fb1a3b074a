"""Random kills: whatever dies, nothing unfinished is ever taken for a result.

The moments are drawn from a fixed seed, but what happens in them depends on the machine; a
failure prints the victim and the moment.
"""

import json
import random
import shutil
import signal
import time

import psutil

from companion.freshness import finished_runs
from companion.run import run_for_build

KILLS = 30
VICTIMS = ("command", "command", "worker", "kernel")
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
RECORDS = ("verdicts.json", "numbers.json")


def records(folder) -> list:
    return [json.loads((folder / name).read_text()) for name in RECORDS]


def test_thirty_random_kills_leave_nothing_that_looks_finished(finished):
    reference = records(finished.state().folder)
    finished.set_cell("x = 1")  # from here on the finished run is stale
    good = finished.state().folder
    chance, span, kills = random.Random(20261122), 2.5, 0
    deadline = time.monotonic() + 20 * KILLS
    while kills < KILLS:
        assert time.monotonic() < deadline, f"only {kills} kills found their victim"
        moment, victim = chance.uniform(0, span), chance.choice(VICTIMS)
        number = signal.SIGKILL if victim == "kernel" else chance.choice(SIGNALS)
        case = f"{number.name} to the {victim} after {moment:.3f} s"
        started = time.monotonic()
        command = finished.start("pair", finished.chapter)
        target = None
        while target is None and command.poll() is None:
            if victim == "command":
                time.sleep(max(0.0, started + moment - time.monotonic()))
                target = psutil.Process(command.pid) if command.poll() is None else None
            elif time.monotonic() >= started + moment:
                target = finished.processes().get(victim)
            time.sleep(0.05)
        if target is not None:
            try:
                target.send_signal(number)
                kills += 1
            except psutil.NoSuchProcess:
                pass
        _, told = command.communicate(timeout=60)
        state = finished.state()
        if state.state == "fresh":
            # It had finished before it was hit: then it is whole, and we begin again.
            assert records(state.folder) == reference, case
            span = max(1.0, 0.9 * span)
            for folder, _ in finished_runs(finished.project, finished.chapter):
                if folder != good:
                    shutil.rmtree(folder)
        else:
            assert command.returncode != 0, (case, told)
            assert state.state in ("stale", "failed"), case
            assert state.folder == good, case
            span = min(3.5, 1.05 * span)
    finished.await_silence()
    folder = run_for_build(finished.project, finished.chapter, "quick")
    assert records(folder) == reference and finished.state().state == "fresh"
    left = [name for name in finished.tree() if "/.run-" in name]
    assert left == []
