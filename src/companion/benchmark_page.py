"""The page *How fast it is*, made from the results in `benchmarks/`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from companion.errors import RunError
from companion.pages import table_cell

FORMAT = 1
NARROW = "\u00a0"  # a space at which no line breaks
RESULTS_FILE = "benchmarks/results.json"
PROFILE_FILE = "benchmarks/paper_profile.json"
PRECISION_FILE = "benchmarks/single_precision.json"
PRODUCT_AIM = 2.0  # ensembles of dana2025: at most this many times the time of a matrix product
LOOP_AIM = 10.0  # population gradient at width 100: at least this many times as fast as a loop
AIM_WIDTH = 100

Record = Mapping[str, Any]

_NEEDED = ("machine", "date", "code_version", "versions", "parts")
_PROFILE_NEEDED = ("machine", "date", "processes", "wall_seconds", "chapters")
_ROW_NEEDED = ("chapter", "seconds", "peak_memory_bytes")


# --- reading --------------------------------------------------------------------------------


def read_benchmarks(file: Path) -> dict[str, Any]:
    """The results of the benchmark suite.

    Raises:
        RunError: the file is not what the suite writes; one line says what is wrong.
    """
    found = _read_mapping(file, _NEEDED)
    if found.get("format") != FORMAT:
        raise RunError(f"{file.name}: format {found.get('format')!r}; {FORMAT} is right")
    parts = found["parts"]
    if not isinstance(parts, dict) or not isinstance(found["machine"], dict):
        raise RunError(f"{file.name}: machine and parts must be mappings")
    for name, part in parts.items():
        records = part.get("records") if isinstance(part, dict) else None
        if not isinstance(records, list) or "date" not in part:
            raise RunError(f"{file.name}: part {name} needs a date and a list of records")
        for record in records:
            fields = ("name", "size", "competitor", "seconds")
            lacking = [key for key in fields if key not in record]
            if lacking:
                raise RunError(f"{file.name}: a record of {name} lacks {', '.join(lacking)}")
    return found


def read_profile(file: Path) -> dict[str, Any]:
    """How long each chapter takes at the sizes of the papers.

    Raises:
        RunError: the file is malformed; one line says what is wrong.
    """
    found = _read_mapping(file, _PROFILE_NEEDED)
    rows = found["chapters"]
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and all(name in row for name in _ROW_NEEDED) for row in rows
    ):
        raise RunError(f"{file.name}: every chapter needs {', '.join(_ROW_NEEDED)}")
    return found


def read_precision(file: Path) -> dict[str, Any]:
    """Which figures change in single precision.

    Raises:
        RunError: the file is malformed; one line says what is wrong.
    """
    found = _read_mapping(file, ("allowed_pixels", "chapters"))
    entries = found["chapters"].values() if isinstance(found["chapters"], dict) else [None]
    if not all(
        isinstance(entry, dict) and {"error", "changed_pixels"} <= set(entry) for entry in entries
    ):
        raise RunError(f"{file.name}: every chapter needs error, changed_pixels")
    return found


def _read_mapping(file: Path, needed: Sequence[str]) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{file.name} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise RunError(f"{file.name}: a mapping is needed, not a {type(found).__name__}")
    if lacking := [name for name in needed if name not in found]:
        raise RunError(f"{file.name} lacks {', '.join(lacking)}")
    return found


# --- the page -------------------------------------------------------------------------------


def benchmark_page(
    results: Mapping[str, Any] | None,
    profile: Mapping[str, Any] | None = None,
    precision: Mapping[str, Any] | None = None,
) -> str:
    """What the benchmark suite measured.

    Args:
        results: as `read_benchmarks` gives them; None if the suite was not run.
        profile: as `read_profile` gives it; None if there is none.
        precision: as `read_precision` gives it; None if there is none.
    """
    lines = ["# How fast it is", ""]
    if results is None:
        lines += ["The suite was not run: `make bench` measures, and the next build shows it.", ""]
    else:
        lines += _head(results)
        for name, (title, introduction, section) in _SECTIONS.items():
            lines += [f"## {title}", "", introduction, ""]
            part = results["parts"].get(name)
            if part is None or not part["records"]:
                lines += [f"Not measured: `python benchmarks/suite.py --only {name}` does it.", ""]
                continue
            if part.get("code_version", results["code_version"]) != results["code_version"]:
                lines += [f"Measured {_date(part['date'])} with code {part['code_version']}.", ""]
            lines += section(part["records"])
    return "\n".join(lines + _profile_section(profile) + _precision_section(precision))


def _head(results: Mapping[str, Any]) -> list[str]:
    machine = results["machine"]
    versions = ", ".join(f"{name} {value}" for name, value in results["versions"].items())
    lines = [
        "What the computations behind the chapters cost, and what it would cost to do the same in "
        "a simpler way. Times are wall times of one thread, unless a note says otherwise. Ways to "
        "compute the same numbers agree, which is checked first; then they take turns. Times are "
        "medians over the rounds. A ratio compares two things measured side by side: it is the "
        "median of the quotients within a round, and so need not be the quotient of two medians.",
        "",
        "| what | here |",
        "|---|---|",
        f"| machine | {table_cell(_machine_text(machine))} |",
        f"| date | {_date(results['date'])} |",
        f"| code | {table_cell(results['code_version'])} |",
        f"| versions | {table_cell(versions)} |",
        "",
        "`make bench` measures everything again. All numbers with their sizes, for scripts: "
        '<a href="benchmarks.json" download>benchmarks.json</a>.',
        "",
    ]
    quick = [name for name, part in results["parts"].items() if part.get("quick")]
    if quick:
        lines += [f"Tiny sizes, which only test the suite: {', '.join(quick)}.", ""]
    return lines + _aims(results["parts"])


def _machine_text(machine: Mapping[str, Any]) -> str:
    named = {"cores": "cores", "threads": "thread used"}
    return ", ".join(f"{value} {named.get(key, '')}".strip() for key, value in machine.items())


def _aims(parts: Mapping[str, Any]) -> list[str]:
    ensembles = [
        record["to_product"]
        for record in parts.get("ensembles", {}).get("records", [])
        if record["name"].startswith("dana2025") and "to_product" in record
    ]
    loops = [
        record["ratio"]
        for record in parts.get("gradient", {}).get("records", [])
        if record["name"] == "population gradient"
        and record["competitor"] == "loop over neurons"
        and record["size"].get("K") == AIM_WIDTH
        and record.get("ratio")
    ]
    product = (
        f"{_range(ensembles)} times; "
        + _reached(sum(value <= PRODUCT_AIM for value in ensembles), len(ensembles))
        if ensembles
        else "not measured"
    )
    loop = (
        f"{_range(loops)} times; " + _reached(sum(value >= LOOP_AIM for value in loops), len(loops))
        if loops
        else "not measured"
    )
    return [
        "## Two aims",
        "",
        "Each is a ratio of two things measured side by side.",
        "",
        "| aim | measured |",
        "|---|---|",
        f"| the ensembles of dana2025 take at most {PRODUCT_AIM:g} times as long as their "
        f"operations would in a large matrix product | {product} |",
        f"| at width {AIM_WIDTH} the population gradient is at least {LOOP_AIM:g} times as fast as "
        f"a loop over neurons | {loop} |",
        "",
    ]


def _reached(count: int, total: int) -> str:
    if count == total:
        return "reached at every size" if total > 1 else "reached"
    return f"reached at {count} of {total} sizes"


# --- the parts ------------------------------------------------------------------------------


def _ceilings(records: Sequence[Record]) -> list[str]:
    lines = ["| what | size | precision | rate |", "|---|---|---|--:|"]
    for record in records:
        rate = f"{significant(record['rate'] / 1e9)} G{record['unit']}"
        size = _size(record["size"])
        lines.append(f"| {record['name']} | {size} | {record.get('precision', '')} | {rate} |")
    return [*lines, ""]


def _comparisons(records: Sequence[Record]) -> list[str]:
    lines: list[str] = []
    for name, own in _groups(records, lambda record: record["name"]).items():
        lines += [f"### {name}", "", *_comparison_table(own)]
        lines += _counts_table([record for record in own if record.get("flops")])
    return lines


def _comparison_table(records: Sequence[Record]) -> list[str]:
    """A row a size and a column a competitor; notes below."""
    names = list(dict.fromkeys(record["competitor"] for record in records))
    rows = _groups(records, lambda record: _size(record["size"]))
    lines = [f"| size | {' | '.join(names)} |", f"|---|{'--:|' * len(names)}"]
    notes: dict[str, list[str]] = {}
    for size, own in rows.items():
        found = {record["competitor"]: record for record in own}
        cells = [_cell(found.get(name)) for name in names]
        lines.append(f"| {size} | {' | '.join(cells)} |")
        for record in own:
            if record.get("note"):
                notes.setdefault(f"*{record['competitor']}*: {record['note']}", []).append(size)
    lines.append("")
    for note, sizes in notes.items():
        where = "" if len(sizes) == len(rows) else f" ({'; '.join(sizes)})"
        lines.append(f"- {note}{where}.")
    return [*lines, ""] if notes else lines


def _cell(record: Record | None) -> str:
    if record is None or record["seconds"] is None:
        return "–"
    text = duration(record["seconds"])
    if record.get("ours") or record.get("ratio") is None:
        return text
    return f"{text}, {_times(record['ratio'])}"


def _counts_table(records: Sequence[Record]) -> list[str]:
    related = [record for record in records if "to_product" in record]
    if not related:
        return []
    lines = [
        f"Operations of *{related[0]['competitor']}*, counted on paper: "
        f"{related[0]['counted']}. The last columns say how many times as long it takes as these "
        "operations in a large matrix product, and as these bytes in a large copy.",
        "",
        "| size | operations | bytes | against the product | against the copy |",
        "|---|--:|--:|--:|--:|",
    ]
    for record in related:
        lines.append(
            f"| {_size(record['size'])} | {quantity(record['flops'])} | "
            f"{quantity(record['bytes'])} | {_times(record['to_product'])} | "
            f"{_times(record['to_copy'])} |"
        )
    return [*lines, ""]


def _certificates(records: Sequence[Record]) -> list[str]:
    lines = ["| statement | time | boxes | boxes a second |", "|---|--:|--:|--:|"]
    lines += [
        f"| {record['name']} | {duration(record['seconds'])} | {record['boxes']} | "
        f"{significant(record['boxes_per_second'])} |"
        for record in records
    ]
    return [*lines, ""]


def _overheads(records: Sequence[Record]) -> list[str]:
    lines = ["| what | way | time | smallest and largest | side by side |", "|---|---|--:|--:|--:|"]
    notes = []
    for record in records:
        if record["seconds"] is None:
            notes += [f"- {record['name']}: {record['note']}.", ""]
            continue
        reach = f"{duration(record['lowest'])}, {duration(record['highest'])}"
        compared = not record.get("ours") and record.get("ratio")
        ratio = _times(record["ratio"]) if compared else ""
        chapter = record["size"].get("chapter")
        name = record["name"] + (f" of [](/{chapter}.ipynb)" if chapter else "")
        lines.append(
            f"| {name} | {record['competitor']} | {duration(record['seconds'])} | {reach} "
            f"| {ratio} |"
        )
    lines += ["", *notes]
    for record in records:
        if "overhead" in record:
            took = duration(record["overhead"])
            lines += [f"`companion run` takes {took} longer than the script alone (median).", ""]
    return lines


def _growth(records: Sequence[Record]) -> list[str]:
    lines = [
        "| what | one size grows | the others | time at the end | exponent | interval | "
        "of operations |",
        "|---|---|---|--:|--:|--:|--:|",
    ]
    for record in records:
        values, name = record["values"], record["variable"]
        others = {key: value for key, value in record["size"].items() if key != name}
        lines.append(
            f"| {record['name']} | {name} from {values[0]} to {values[-1]} | {_size(others)} | "
            f"{duration(record['seconds'])} | {record['slope']:.2f} | "
            f"{record['slope_low']:.2f} to {record['slope_high']:.2f} | "
            f"{record['slope_of_flops']:.2f} |"
        )
    return [*lines, ""]


_SECTIONS: dict[str, tuple[str, str, Callable[[Sequence[Record]], list[str]]]] = {
    "ceilings": (
        "What the machine can do",
        "Nothing can be faster than the arithmetic and the memory of the machine. The table shows "
        "the rates of a large matrix product and of a large copy, with one thread; bytes of a copy "
        "count twice, read and written. The comparisons below measure a product and a copy of "
        "their own in every round and relate to those.",
        _ceilings,
    ),
    "gradient": (
        "Gradient and Hessian of the population risk",
        "The gradient in closed form is evaluated by two matrix products. The table compares it "
        "with a loop over pairs of neurons, which is what one writes first, and with automatic "
        "differentiation of the risk; then the Hessian in the same way. Behind each time stands "
        "how many times as long it is as ours; below 1 the other way is faster. $K$ students learn "
        "$M=K$ teacher neurons in dimension $d$, in double precision. The sizes are such that "
        "no array of ours is larger than 32 MB.",
        _comparisons,
    ),
    "ensembles": (
        "Ensembles of the papers' experiments",
        "Many networks are trained at once, at the sizes of each paper's experiments. The tables "
        "compare this with one network after the other. For dana2025 there are also two ways to "
        "let automatic differentiation work on the whole batch; the plain loop is automatic "
        "differentiation for one network at a time. The other papers' descents use the same "
        "gradient on both sides, so the ratio is what the batch alone gains.",
        _comparisons,
    ),
    "sampling": (
        "Sampled gradients",
        "Formulas for the population are checked against samples. The table compares blocks of "
        "samples with a loop over samples, and with one tensor that holds every term.",
        _comparisons,
    ),
    "certificates": (
        "Proofs by ball arithmetic",
        "A proof covers its domain with boxes. The table shows how many each takes, and how long; "
        "in each round all of them were proved again.",
        _certificates,
    ),
    "overheads": (
        "What the book costs on top",
        "The mathematics is one part of the time of a chapter; figures, records and pages are the "
        "other. The table shows what these take, with the smallest and the largest time of the "
        "rounds. Processes are started, so this depends on the system more than the rest.",
        _overheads,
    ),
    "growth": (
        "How the cost grows",
        "One size grows and all others stay. The exponent is the slope of a least-squares line in "
        "double logarithmic axes over the upper half of the sizes, with its interval of level "
        "95 %. The last column is the same slope for the operations counted on paper. A smaller "
        "exponent than that can mean that fixed costs still count; a larger one, that arrays "
        "outgrow the cache.",
        _growth,
    ),
}


def _profile_section(profile: Mapping[str, Any] | None) -> list[str]:
    lines = [
        "## The paper profile",
        "",
        "The book is built with the profile `quick`. The profile `paper` takes the sizes of the "
        "papers. The table shows what each chapter then needs.",
        "",
    ]
    if profile is None:
        return [*lines, "Not measured yet.", ""]
    machine = profile["machine"]
    name = _machine_text(machine) if isinstance(machine, Mapping) else str(machine)
    lines += ["| chapter | seconds | peak memory (MiB) |", "|---|--:|--:|"]
    rows = profile["chapters"]
    lines += [
        f"| [](/{row['chapter']}.ipynb) | {row['seconds']:.1f} | "
        f"{row['peak_memory_bytes'] / 2**20:.0f} |"
        for row in rows
    ]
    total = sum(row["seconds"] for row in rows)
    memory = max((row["peak_memory_bytes"] for row in rows), default=0)
    wall = profile["wall_seconds"]
    at_once = f"; {wall:.0f} s of wall time with {profile['processes']} at a time" if wall else ""
    other = profile.get("other_verdicts", [])
    changes = "; ".join(f"`{c['claim']}`: {c['paper']} instead of {c['quick']}" for c in other)
    return [
        *lines,
        "",
        f"{len(rows)} chapters, together {total:.0f} s{at_once}. The largest peak of memory is "
        f"{memory / 2**20:.0f} MiB. {_date(profile['date'])}, on {name}. "
        + (f"Verdicts that differ from those of `quick`: {changes}." if other else "")
        + ("" if other else "All verdicts are those of `quick`."),
        "",
    ]


def _precision_section(found: Mapping[str, Any] | None) -> list[str]:
    lines = [
        "## Single precision",
        "",
        "Claims are checked in float64. Which pictures need it? Each chapter ran once more with "
        "every float64 tensor rounded to float32, on the same random numbers, and its figures "
        "were compared with those of this book. A pixel has changed when no pixel within a line's "
        "width has its colour in the other picture. The table lists the figures that change.",
        "",
    ]
    if found is None:
        return [*lines, "Not measured yet.", ""]
    allowed = found["allowed_pixels"]
    counts = {
        name: count
        for entry in found["chapters"].values()
        for name, count in entry["changed_pixels"].items()
    }
    rows = [
        f"| [](/{chapter}.ipynb) | {figures or 'none'} | {table_cell(entry['error']) or 'yes'} |"
        for chapter, entry in found["chapters"].items()
        if (
            figures := ", ".join(
                f"[`{name}`](figures/{name})"
                for name, count in entry["changed_pixels"].items()
                if count > allowed
            )
        )
        or entry["error"]
    ]
    same = sum(count <= allowed for count in counts.values())
    if rows:
        lines += ["| chapter | figures that change | ran to its end |", "|---|---|---|", *rows, ""]
    return [*lines, f"Of {len(counts)} figures that were drawn, {same} did not change.", ""]


# --- words ----------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """A time with three digits and a unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 0.9995:
            return f"{significant(seconds * factor)}{NARROW}{unit}"
    return f"{significant(seconds * 1e9)}{NARROW}ns"


def quantity(number: float) -> str:
    """A count with three digits and a power of a thousand."""
    number = float(f"{number:.3g}")
    power = max(0, min(4, int(math.log10(number) / 3))) if number >= 1 else 0
    return (
        f"{significant(number / 1000**power)}{NARROW}{'kMGT'[power - 1]}"
        if power
        else significant(number)
    )


def significant(number: float) -> str:
    """A number with three digits and no exponent."""
    if number == 0:
        return "0"
    number = float(f"{number:.3g}")  # first, since rounding may give one digit more
    return f"{number:.{max(0, 2 - math.floor(math.log10(abs(number))))}f}"


def _times(ratio: float) -> str:
    return f"×{NARROW}{significant(ratio)}"


def _range(values: Sequence[float]) -> str:
    low, high = significant(min(values)), significant(max(values))
    return low if low == high else f"{low} to {high}"


def _date(text: str) -> str:
    return f"{text[:10]} {text[11:16]} UTC" if len(text) > 10 else text


def _size(size: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}".replace(" ", NARROW) for name, value in size.items())


def _groups(records: Sequence[Record], key: Callable[[Record], str]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(key(record), []).append(record)
    return found
