"""Where a chapter computes: the choice, and that a GPU gives the numbers of a CPU."""

import pytest
import torch

from companion.cell import run_cell
from companion.devices import choose_device, describe_device
from companion.errors import UsageError
from companion.freshness import chapter_schema
from companion.parameters import resolve
from companion.project import find_project
from companion.sources import chapter_source_hash

HAS_CUDA = torch.cuda.is_available()
RELATIVE_TOLERANCE = 1e-6


def test_auto_takes_cuda_when_it_is_there():
    assert choose_device("auto") == ("cuda" if HAS_CUDA else "cpu")
    assert choose_device("cpu") == "cpu" == describe_device("cpu")


def test_unknown_and_absent_devices_are_refused(monkeypatch):
    with pytest.raises(UsageError, match="is not one of auto"):
        choose_device("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="no CUDA device"):
        choose_device("cuda")


def _chapters_with_a_device():
    project = find_project()
    return [c for c in project.chapters() if "device" in chapter_schema(project, c).parameters]


@pytest.mark.skipif(not HAS_CUDA, reason="no CUDA device: GPU and CPU records were not compared")
@pytest.mark.parametrize("chapter", _chapters_with_a_device())
def test_a_gpu_run_agrees_with_a_cpu_run(chapter):
    project = find_project()
    schema = chapter_schema(project, chapter)
    records = [
        run_cell(
            {
                "key": device,
                "chapter": chapter,
                "parameters": resolve(schema, {"device": device}),
                "root": str(project.root),
                "src": chapter_source_hash(project, chapter),
            }
        )
        for device in ("cpu", "cuda")
    ]
    assert [record["error"] for record in records] == ["", ""]
    assert records[0]["verdicts"] == records[1]["verdicts"]
    for name, value in records[0]["numbers"].items():
        # Rounding errors themselves need not agree.
        other = pytest.approx(value, rel=RELATIVE_TOLERANCE, abs=1e-9)
        assert records[1]["numbers"][name] == other, name
