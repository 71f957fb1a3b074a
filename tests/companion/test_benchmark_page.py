"""The benchmark suite at tiny sizes, and the page that is made from what it writes."""

import copy
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

import companion.benchmark_page
from companion import site
from companion.benchmark_page import (
    _SECTIONS,
    NARROW,
    duration,
    quantity,
    read_benchmarks,
    read_precision,
    read_profile,
    significant,
)
from companion.errors import RunError
from companion.record_pages import MEMORY_LIMIT, status_page

CHEAP = ("ceilings", "gradient", "sampling", "growth")


def benchmark_page(*parts):
    """The page, with all spaces as such."""
    return companion.benchmark_page.benchmark_page(*parts).replace(NARROW, " ")


def comparison(name, size, times, ratio, **ours):
    """Records of a comparison, with one competitor that could not run."""
    base = {"name": name, "size": size, "note": ""}
    return [
        base | {"competitor": "mine", "ours": True, "seconds": times[0], "ratio": 1.0} | ours,
        base | {"competitor": "loop over neurons", "seconds": times[1], "ratio": ratio},
        base
        | {"competitor": "other", "seconds": None, "ratio": None, "note": "not available: no luck"},
    ]


COUNTED = {"flops": 2e9, "bytes": 3e6, "counted": "2 K d", "to_product": 1.75, "to_copy": 0.5}
SPAN = {"lowest": 0.5, "highest": 2.5}
PARTS = {
    "ceilings": [
        {
            "name": "matrix product",
            "size": {"order": 9},
            "competitor": "",
            "seconds": 1.0,
            "rate": 4.25e10,
            "unit": "flop/s",
        }
    ],
    "gradient": comparison("population gradient", {"K": 100}, (0.001, 0.0432), 43.5, **COUNTED),
    "ensembles": comparison("dana2025 ensemble", {"d": 7}, (0.002, 0.01), 5.25, **COUNTED),
    "sampling": comparison("sampled gated mean", {"d": 8}, (2.0, 4.0), 2.25, **COUNTED),
    "certificates": [
        {
            "name": "a statement",
            "size": {},
            "competitor": "",
            "seconds": 3.0,
            "boxes": 321,
            "boxes_per_second": 107.0,
        }
    ],
    "overheads": [
        {
            "name": "a run",
            "size": {"chapter": "topic/tiny"},
            "competitor": "companion run",
            "ours": True,
            "seconds": 2.0,
            "overhead": 1.5,
            **SPAN,
        },
        {
            "name": "a build",
            "size": {},
            "competitor": "",
            "seconds": None,
            "note": "not measured: no runs",
        },
    ],
    "growth": [
        {
            "name": "a step",
            "size": {"d": 5},
            "competitor": "",
            "variable": "n",
            "values": [1, 2, 4],
            "seconds": 0.5,
            "slope": 0.987,
            "slope_low": 0.91,
            "slope_high": 1.06,
            "slope_of_flops": 1.0,
        }
    ],
}
# What the page has to say of each part.
SHOWN = {
    "ceilings": "42.5 Gflop/s",
    "gradient": "43.2 ms, × 43.5",
    "ensembles": "10.0 ms, × 5.25",
    "sampling": "4.00 s, × 2.25",
    "certificates": "| a statement | 3.00 s | 321 | 107 |",
    "overheads": "1.50 s longer",
    "growth": "n from 1 to 4 | d = 5 | 500 ms | 0.99 | 0.91 to 1.06 | 1.00",
}


@pytest.fixture
def results():
    return copy.deepcopy(
        {
            "format": 1,
            "machine": {"processor": "A quick one", "threads": 1},
            "date": "2026-01-02T03:04:05Z",
            "code_version": "0.1.0+abc",
            "versions": {"torch": "2"},
            "parts": {
                name: {"date": "2026-01-02T03:04:05Z", "records": records}
                for name, records in PARTS.items()
            },
        }
    )


PROFILE = {
    "machine": "A slow one",
    "date": "2026-02-03",
    "processes": 2,
    "wall_seconds": 70.0,
    "chapters": [
        {"chapter": "topic/tiny", "seconds": 100.0, "peak_memory_bytes": 5 * 2**20},
        {"chapter": "topic/other", "seconds": 23.0, "peak_memory_bytes": 7 * 2**20},
    ],
}


def section(page, name):
    """The text of one part on the page."""
    title = _SECTIONS[name][0]
    return page.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_every_part_appears_with_its_numbers(results):
    assert set(SHOWN) == set(PARTS) == set(_SECTIONS)
    page = benchmark_page(results)
    for name, text in SHOWN.items():
        own = section(page, name)
        assert text in own and "Not measured" not in own, name
        before_table = own.split("\n|", 1)[0]
        assert len(before_table) > 60, f"{name}: nothing is said before the table"
    for text in ("A quick one", "2026-01-02 03:04 UTC", "0.1.0+abc", "benchmarks.json"):
        assert text in page
    assert "× 1.75 | × 0.500 |" in section(page, "gradient")


def test_what_is_missing_is_said(results):
    page = benchmark_page(results)
    assert section(page, "gradient").count("*other*: not available: no luck") == 1
    assert "a build: not measured: no runs" in section(page, "overheads")
    for name in PARTS:
        fewer = results | {"parts": {k: v for k, v in results["parts"].items() if k != name}}
        own = section(benchmark_page(fewer), name)
        assert f"--only {name}" in own and SHOWN[name] not in own
    assert "make bench" in benchmark_page(None)


def test_the_aims_are_decided_by_the_measurements(results):
    def aims(product, loop):
        results["parts"]["ensembles"]["records"][0]["to_product"] = product
        results["parts"]["gradient"]["records"][1]["ratio"] = loop
        page = benchmark_page(results).split("## Two aims", 1)[1].split("\n## ", 1)[0]
        return [row.split("|")[2].strip() for row in page.splitlines() if "times" in row]

    assert aims(1.75, 43.5) == ["1.75 times; reached", "43.5 times; reached"]
    missed = "reached at 0 of 1 sizes"
    assert aims(2.25, 9.5) == [f"2.25 times; {missed}", f"9.50 times; {missed}"]
    results["parts"]["gradient"]["records"][1]["size"] = {"K": 99}
    assert aims(1.75, 43.5)[1] == "not measured"


def test_tiny_sizes_and_other_code_are_said(results):
    results["parts"]["growth"] |= {"quick": True, "code_version": "0.0.9"}
    page = benchmark_page(results)
    assert "only test the suite: growth." in page
    assert "with code 0.0.9" in section(page, "growth")


def test_the_paper_profile():
    page = benchmark_page(None, PROFILE)
    assert "| [](/topic/tiny.ipynb) | 100.0 | 5 |" in page
    assert "2 chapters, together 123 s; 70 s of wall time with 2 at a time" in page
    assert "The largest peak of memory is 7 MiB. 2026-02-03, on A slow one. All" in page
    assert "Not measured yet." in benchmark_page(None)
    other = [{"claim": "tian2017.sum", "quick": "verified", "paper": "corrected"}]
    apart = benchmark_page(None, PROFILE | {"wall_seconds": None, "other_verdicts": other})
    assert "`tian2017.sum`: corrected instead of verified." in apart
    assert "wall time" not in apart and "All verdicts" not in apart


PRECISION = {
    "allowed_pixels": 25,
    "chapters": {
        "topic/same": {"error": "", "changed_pixels": {"fig-a-same": 25, "fig-a-also": 0}},
        "topic/tiny": {"error": "", "changed_pixels": {"fig-a-one": 26, "fig-a-two": 3}},
        "topic/slow": {"error": "did not end within 60 s", "changed_pixels": {}},
    },
}


def test_single_precision(tmp_path):
    page = benchmark_page(None, None, PRECISION)
    assert "| [](/topic/tiny.ipynb) | [`fig-a-one`](figures/fig-a-one) | yes |" in page
    assert "| [](/topic/slow.ipynb) | none | did not end within 60 s |" in page
    assert "topic/same" not in page and "fig-a-two" not in page
    assert "Of 4 figures that were drawn, 3 did not change." in page
    file = tmp_path / "single_precision.json"
    file.write_text(json.dumps(PRECISION))
    assert read_precision(file) == PRECISION
    file.write_text(json.dumps(PRECISION | {"chapters": {"topic/tiny": {"error": ""}}}))
    with pytest.raises(RunError, match="needs error, changed_pixels"):
        read_precision(file)


def test_a_pixel_has_changed_beyond_the_width_of_a_line(scripts):
    from single_precision import LINE_WIDTH, changed_pixels

    one = np.full((60, 80, 3), 255, dtype=np.uint8)
    one[20:24] = (0, 60, 120)
    near, far, red = (np.roll(one, shift, axis=0) for shift in (LINE_WIDTH, 2 * LINE_WIDTH, 0))
    red[20:24] = (200, 60, 0)
    assert changed_pixels(one, one) == changed_pixels(one, near) == 0
    assert changed_pixels(one, far) > 0 and changed_pixels(one, red) == 4 * 80
    assert changed_pixels(one, one[:-1]) > 0


def test_every_tensor_is_rounded_but_drawn_as_before(scripts):
    from single_precision import SinglePrecision

    drawn = torch.randn(5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with SinglePrecision():
        single = torch.randn(5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        leaf = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
        values, _ = torch.sort(torch.from_numpy(np.ones(3)))
        counts = torch.ones(3, dtype=torch.int64)
    assert single.dtype == leaf.dtype == values.dtype == torch.float32
    assert torch.equal(single, drawn.float()) and leaf.requires_grad and leaf.is_leaf
    assert counts.dtype == torch.int64 and torch.ones(1, dtype=torch.float64).dtype == torch.float64


def test_numbers_have_three_digits():
    assert [duration(s).replace(NARROW, " ") for s in (12.34, 0.9999, 4.567e-5, 3e-9)] == [
        "12.3 s",
        "1.00 s",
        "45.7 µs",
        "3.00 ns",
    ]
    assert [quantity(x).replace(NARROW, " ") for x in (5, 1234, 999_999, 2e9)] == [
        "5.00",
        "1.23 k",
        "1.00 M",
        "2.00 G",
    ]
    assert [significant(x) for x in (1666, 0.0123, 0, -2.5)] == ["1670", "0.0123", "0", "-2.50"]


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("{", "cannot be read"),
        ("[]", "a mapping is needed, not a list"),
        ("date", "lacks date"),
        ("format", "format 99; 1 is right"),
        ("parts", "machine and parts must be mappings"),
        ("records", "part growth needs a date and a list of records"),
        ("record", "a record of growth lacks seconds"),
    ],
)
def test_a_malformed_file_gives_one_clear_line(tmp_path, results, broken, told):
    file = tmp_path / "results.json"
    if broken == "date":
        del results["date"]
    elif broken == "format":
        results["format"] = 99
    elif broken == "parts":
        results["parts"] = []
    elif broken == "records":
        results["parts"]["growth"]["records"] = "none"
    elif broken == "record":
        del results["parts"]["growth"]["records"][0]["seconds"]
    text = broken if broken in ("{", "[]") else json.dumps(results)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RunError) as caught:
        read_benchmarks(file)
    message = str(caught.value)
    assert told in message and message.startswith("results.json") and "\n" not in message


def test_a_malformed_profile_gives_one_clear_line(tmp_path):
    file = tmp_path / "paper_profile.json"
    file.write_text(json.dumps(PROFILE), encoding="utf-8")
    assert read_profile(file) == PROFILE
    file.write_text(json.dumps(PROFILE | {"chapters": [{"chapter": "a"}]}), encoding="utf-8")
    with pytest.raises(RunError, match="every chapter needs chapter, seconds, peak_memory"):
        read_profile(file)
    file.unlink()
    with pytest.raises(RunError, match=r"paper_profile\.json cannot be read"):
        read_profile(file)


def test_page_and_data_are_staged(tiny, results):
    """The page is staged when the table of contents lists it; its data comes along."""
    extra = tiny.root / "draft" / "_extra"
    extra.mkdir(parents=True)
    records = {"claims": [], "figures": [], "status": []}
    made = site._record_pages(tiny.project, extra.parent, records)
    assert "benchmarks" not in made
    toc = tiny.root / "_toc.yml"
    toc.write_text(toc.read_text() + "- file: benchmarks\n")
    made = site._record_pages(tiny.project, extra.parent, records)
    assert "was not run" in made["benchmarks"] and not (extra / "benchmarks.json").exists()
    (tiny.root / "benchmarks").mkdir()
    (tiny.root / "benchmarks" / "results.json").write_text(json.dumps(results))
    (tiny.root / "benchmarks" / "paper_profile.json").write_text(json.dumps(PROFILE))
    made = site._record_pages(tiny.project, extra.parent, records)
    assert "A quick one" in made["benchmarks"] and "A slow one" in made["benchmarks"]
    assert json.loads((extra / "benchmarks.json").read_text()) == results


def test_the_status_page_tells_the_largest_memory():
    rows = [
        {
            "chapter": name,
            "profile": "quick",
            "seconds": 1.0,
            "peak_memory_bytes": share * MEMORY_LIMIT,
            "device": "cpu",
            "machine": "m",
            "versions": {},
            "code_version": "c",
            "finished": "2026-01-02T03:04:05",
        }
        for name, share in (("topic/small", 0.1), ("topic/large", 0.25))
    ]
    page = status_page({"status": rows})
    told = "The largest peak memory is 512 MiB, of [](/topic/large.ipynb), 25 % of the limit"
    assert f"{told} of 2 GiB." in page
    assert "largest" not in status_page({"status": []})


# --- the suite itself -----------------------------------------------------------------------


@pytest.fixture
def scripts(book, monkeypatch):
    """Lets a test import the modules of `benchmarks/`."""
    monkeypatch.syspath_prepend(str(book.root / "benchmarks"))


def test_the_suite_writes_what_the_page_reads(book, scripts, tmp_path, monkeypatch):
    file = tmp_path / "results.json"
    command = [sys.executable, str(book.root / "benchmarks" / "suite.py"), "--quick"]
    command += ["--out", str(file), "--only"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [*command, *CHEAP],
        cwd=book.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found = read_benchmarks(file)
    assert list(found["parts"]) == list(CHEAP)
    assert found["machine"]["threads"] == 1 and found["machine"]["processor"]
    agreed = 0
    for part in found["parts"].values():
        assert part["quick"] and part["records"]
        for record in part["records"]:
            assert record["seconds"] > 0 or record["note"]
            if record["competitor"] and not record["ours"] and record["seconds"]:
                assert 0 <= record["difference"] < 1e-9 and record["ratio"] > 0
                agreed += 1
            if record.get("to_product"):
                assert record["flops"] > 0 and record["bytes"] > 0 and record["counted"]
                assert record["to_copy"] > 0 and record["lowest"] <= record["seconds"]
    assert agreed == 8
    (line,) = found["parts"]["growth"]["records"]
    assert line["slope_low"] <= line["slope"] <= line["slope_high"]
    assert len(line["values"]) == len(line["seconds_each"]) == len(line["flops_each"])
    assert "Tiny sizes, which only test the suite" in benchmark_page(found)

    # One part is measured again, and the others stay as they are.
    import suite

    before = found["parts"]["gradient"]
    monkeypatch.setattr(sys, "argv", [*command[1:], "ceilings"])
    monkeypatch.setitem(suite.PARTS, "ceilings", lambda effort: ["new"])
    suite.main()
    parts = json.loads(file.read_text(encoding="utf-8"))["parts"]
    assert parts["ceilings"]["records"] == ["new"] and parts["gradient"] == before
    assert list(parts) == list(CHEAP)

    # What another machine measured is not mixed with what this one does.
    found["machine"]["processor"] = "another"
    file.write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(SystemExit, match="is from another machine"):
        suite.main()


def test_competitors_that_disagree_stop_the_suite(scripts):
    import measuring
    import torch

    ones = measuring.Competitor("ones", lambda: torch.ones(3))
    nearly = measuring.Competitor("nearly", lambda: torch.ones(3) + 1e-3)
    absent = measuring.Competitor("absent", None, missing="not available")
    with pytest.raises(SystemExit, match=r"sum .*: nearly differs by 1\.0e-03"):
        measuring.compare("sum", {"n": 3}, ones, [nearly], measuring.QUICK)
    half = measuring.Competitor(
        "half", lambda: torch.ones(1), share=0.5, of_whole=lambda whole: whole[:1]
    )
    count = measuring.Count(6, 24, "2 n")
    mine, other, none = measuring.compare(
        "sum", {"n": 3}, ones, [half, absent], measuring.QUICK, count=count
    )
    assert mine["ratio"] == 1 and mine["to_product"] > 0 and mine["counted"] == "2 n"
    assert other["seconds"] > 0 and "to_product" not in other
    assert none["seconds"] is None and none["note"] == "not available"
    assert measuring.median_quotient([2, 9, 8], [1, 3, 1]) == 3


def test_the_counts_agree_with_torchs_own_count(scripts):
    """Products of matrices dominate the counts; torch counts those by itself."""
    import hot_paths
    from torch.utils.flop_counter import FlopCounterMode

    from shallow_relu import population

    K, d, B = 40, 400, 2
    W, W_star = hot_paths.draw(K, d, B)
    with FlopCounterMode(display=False) as counter:
        population.gradient(W, W_star)
    counted = hot_paths.gradient_count(K, 2 * K, d, B).flops
    assert 1 <= counted / counter.get_total_flops() < 1.05


def test_only_a_fresh_run_is_compared_with(scripts, finished):
    from measuring import fresh_run

    assert fresh_run(finished.project, finished.chapter) == finished.state().folder
    file = finished.project.source_file(finished.chapter)
    file.write_text(file.read_text() + "# changed\n")
    with pytest.raises(SystemExit, match=r"topic/tiny is not fresh \(stale\)"):
        fresh_run(finished.project, finished.chapter)
