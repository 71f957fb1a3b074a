"""The command line `companion`: 0 is done, 1 a run that failed, 2 bad input and nothing done."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from companion import parameters as parameters_module
from companion.claims import PAPERS, get_claim, read_claims
from companion.errors import RunError, Stopped, UsageError
from companion.freshness import chapter_schema, chapter_state
from companion.notebooks import chapter_title
from companion.parameters import PROFILES, Schema, show_value
from companion.project import Project, find_project
from companion.records import ChapterResult, read_result


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints fit on one line."""

    def error(self, message: str) -> Any:
        raise UsageError(f"{self.prog}: {message}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="companion", description="Run, check and build the book.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, action: Callable[..., int], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(action=action)
        return sub

    command("list", _list, "list the chapters")

    sub = command("show", _show, "show a chapter's parameters, claims and run time")
    sub.add_argument("chapter")

    sub = command("run", _run, "run a chapter with other parameters, into a folder of its own")
    sub.add_argument("chapter")
    sub.add_argument("-p", dest="assignments", action="append", default=[], metavar="NAME=VALUE")
    sub.add_argument("-f", dest="files", action="append", default=[], metavar="FILE.yml")
    sub.add_argument("--profile", default="quick", metavar="|".join(PROFILES))
    sub.add_argument("--yes-really", action="store_true", help="run even if it looks too large")

    sub = command("sweep", _sweep, "run a chapter for many values, resumably, into one table")
    sub.add_argument("chapter")
    sub.add_argument("--grid", action="append", default=[], metavar="NAME=A,B|START:STOP")
    sub.add_argument("--zip", dest="zipped", action="append", default=[], metavar="NAME=A,B")
    sub.add_argument("-p", dest="assignments", action="append", default=[], metavar="NAME=VALUE")
    sub.add_argument("-f", dest="files", action="append", default=[], metavar="FILE.yml")
    sub.add_argument("--profile", default="quick", metavar="|".join(PROFILES))
    sub.add_argument("--executor", default="local", metavar="local|dask://HOST:PORT")
    sub.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (default: 2)")
    sub.add_argument("--out", metavar="FOLDER", help="default: a folder below _runs/sweeps")
    sub.add_argument("--retry-failed", action="store_true", help="run failed cells again")
    sub.add_argument("--yes-really", action="store_true", help="run even if it looks too large")

    sub = command("status", _status, "say which chapters are fresh, stale, failed or never run")
    sub.add_argument("--profile", default="quick", metavar="|".join(PROFILES))

    sub = command("build", _build, "run what is stale and build the site")
    sub.add_argument("--profile", default="quick", metavar="|".join(PROFILES))
    sub.add_argument("--jobs", type=int, default=2, metavar="N")

    sub = command("claims", _claims, "list the claims and their verdicts")
    sub.add_argument("claim", nargs="?", help="one claim, whole")
    sub.add_argument("--paper", choices=PAPERS, metavar="PAPER")

    command("figures", _figures, "list the figures")

    sub = command("cite", _cite, "print the BibTeX entry of a figure")
    sub.add_argument("figure", metavar="FIGURE_ID")

    sub = command("pair", _pair, "renew the committed .ipynb of chapters from their last run")
    sub.add_argument("chapters", nargs="*", metavar="CHAPTER", help="default: all")

    sub = command("accept", _accept, "store verdicts and numbers for the regression test")
    sub.add_argument("chapters", nargs="*", metavar="CHAPTER", help="default: all")
    return parser


def _results(project: Project) -> list[ChapterResult]:
    """The newest finished run of each chapter that has one."""
    states = [chapter_state(project, chapter) for chapter in project.chapters()]
    return [read_result(s.chapter, s.folder) for s in states if s.folder is not None]


def _list(project: Project, arguments: argparse.Namespace) -> int:
    for chapter in project.chapters():
        text = project.source_file(chapter).read_text(encoding="utf-8")
        print(f"{chapter:<40} {chapter_title(text)}")
    return 0


def _show(project: Project, arguments: argparse.Namespace) -> int:
    chapter = arguments.chapter
    text = project.source_file(chapter).read_text(encoding="utf-8")
    schema = chapter_schema(project, chapter)
    owned = [c for c in read_claims(project.claims_file).values() if c.chapter == chapter]
    print(f"{chapter}: {chapter_title(text)}\n")
    rows = [("parameter", "type", "quick", "paper", "valid", "meaning")]
    for p in schema.parameters.values():
        meaning = f"{p.meaning} ({p.unit})" if p.unit else p.meaning
        quick, paper = show_value(p.default), show_value(p.of_profile("paper"))
        rows.append((p.name, p.type, quick, paper, p.valid, meaning))
    print(_columns(rows))
    print("\nclaims")
    for claim in owned:
        print(f"  {claim.id:<24} {claim.number}: {claim.title}")
    state = chapter_state(project, chapter)
    print(f"\nstate: {state.state} {state.reason}".rstrip())
    if state.folder is not None:
        run = read_result(chapter, state.folder).run
        print(f"last run: {run['seconds']:.1f} s on {run['device']}, {run['finished'][:19]} UTC")
    return 0


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  " + "  ".join([*cells, row[-1]]))
    return "\n".join(lines)


def requested_values(
    schema: Schema, assignments: Sequence[str], files: Sequence[str], profile: str
) -> dict[str, Any]:
    """The checked values of a request: profile, then files, then assignments; later wins.

    Raises:
        UsageError: one line per problem.
    """
    layers: list[Mapping[str, Any]] = []
    for name in files:
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot read {name}: {error}") from None
        layers.append(parameters_module.read_values_file(text, name))
    layers.append(parameters_module.split_assignments(assignments))
    return parameters_module.resolve(schema, *layers, profile=profile)


def check_request(schema: Schema, values: Mapping[str, Any], *, sure: bool) -> None:
    """Refuse a device that is not there, and, unless `sure`, a run beyond the limits.

    Raises:
        UsageError: with the estimate in bytes and seconds.
    """
    if values.get("device") == "cuda":
        from companion.devices import choose_device

        choose_device("cuda")
    memory, seconds = schema.estimate(values)
    limits = parameters_module.MEMORY_LIMIT, parameters_module.TIME_LIMIT
    if not sure and (memory > limits[0] or seconds > limits[1]):
        raise UsageError(
            f"this run would need about {memory / 2**30:.3g} GiB and {seconds:.3g} s (limits "
            f"{limits[0] / 2**30:.3g} GiB and {limits[1]:.3g} s); add --yes-really to run it"
        )


def _run(project: Project, arguments: argparse.Namespace) -> int:
    from companion.page_process import RerunPage
    from companion.run import run_for_reader

    chapter = arguments.chapter
    project.source_file(chapter)
    schema = chapter_schema(project, chapter)
    values = requested_values(schema, arguments.assignments, arguments.files, arguments.profile)
    check_request(schema, values, sure=arguments.yes_really)
    page = RerunPage(project, chapter)
    folder = run_for_reader(project, chapter, values, arguments.profile, page.beside)
    result = read_result(chapter, folder)
    for verdict in result.verdicts:
        reason = f" ({verdict['why']})" if verdict["why"] else ""
        print(f"{verdict['id']:<24} {verdict['verdict']}{reason}")
    print(f"\nresult   {folder}")
    if not page.error:
        print(f"page     {folder / 'html' / chapter}.html")
    print(f"notebook {folder / 'notebook.ipynb'}")
    print(f"figures  {folder / 'figures'} ({len(result.cards)} figures with data)")
    if page.error:  # the numbers are there all the same
        raise RunError(page.error)
    return 0


def _sweep(project: Project, arguments: argparse.Namespace) -> int:
    from companion import sweep as sweeps

    chapter = arguments.chapter
    project.source_file(chapter)
    schema = chapter_schema(project, chapter)
    base = requested_values(schema, arguments.assignments, arguments.files, arguments.profile)
    sweep = sweeps.make_sweep(project, chapter, schema, base, arguments.grid, arguments.zipped)
    _check_jobs(arguments.jobs)
    execute = sweeps.choose_executor(arguments.executor, arguments.jobs)
    for cell in sweep.cells:
        check_request(schema, cell, sure=arguments.yes_really)
    folder = Path(arguments.out) if arguments.out else sweeps.default_folder(project, sweep)
    failed = sweeps.run_sweep(project, sweep, folder, execute, retry_failed=arguments.retry_failed)
    print(f"{len(sweep.cells) - len(failed)} of {len(sweep.cells)} cells done")
    for record in failed:
        where = ", ".join(f"{name}={show_value(v)}" for name, v in record["parameters"].items())
        print(f"failed {where}: {record['error']}")
    print(f"table {folder / 'table.csv'}")
    return 1 if failed else 0


def _check_jobs(jobs: int) -> None:
    if not 1 <= jobs <= 256:
        raise UsageError(f"--jobs {jobs} is out of range 1..256")


def _status(project: Project, arguments: argparse.Namespace) -> int:
    from companion.sweep import sweep_states

    for chapter in project.chapters():
        state = chapter_state(project, chapter, arguments.profile)
        print(f"{chapter:<40} {state.state:<10} {state.reason}".rstrip())
    for folder, text in sweep_states(project):
        print(f"sweep {folder.relative_to(project.root)}: {text}")
    return 0


def _build(project: Project, arguments: argparse.Namespace) -> int:
    from companion.build import build

    _check_jobs(arguments.jobs)
    if arguments.profile not in PROFILES:
        raise UsageError(f"unknown profile {arguments.profile!r} (valid: {', '.join(PROFILES)})")
    print(f"open {build(project, arguments.profile, arguments.jobs)}")
    return 0


def _claims(project: Project, arguments: argparse.Namespace) -> int:
    claims = read_claims(project.claims_file)
    decided = {v["id"]: v for result in _results(project) for v in result.verdicts}
    if arguments.claim:
        claim = get_claim(claims, arguments.claim)
        print(f"{claim.id}: {claim.number}, {claim.title} ({claim.kind})\n")
        if claim.hypotheses:
            print(f"Assumed. {claim.hypotheses}\n")
        print(f"{claim.statement}\n")
        verdict = decided.get(claim.id)
        print(f"chapter: {claim.chapter}")
        print(f"verdict: {verdict['verdict'] if verdict else 'not tested'}")
        return 0
    for claim in claims.values():
        if arguments.paper in (None, claim.paper):
            verdict = decided[claim.id]["verdict"] if claim.id in decided else "not tested"
            print(f"{claim.id:<26} {verdict:<13} {claim.number}: {claim.title}")
    return 0


def _figures(project: Project, arguments: argparse.Namespace) -> int:
    for result in _results(project):
        for card in result.cards:
            print(f"{card['id']:<40} {card['chapter']}")
    return 0


def _cite(project: Project, arguments: argparse.Namespace) -> int:
    import difflib

    from companion.cite import book_facts, figure_bibtex

    cards = {card["id"]: card for result in _results(project) for card in result.cards}
    name = arguments.figure
    if name not in cards:
        near = difflib.get_close_matches(name, cards, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        known = ", ".join(sorted(cards)) or "none; run `companion build` first"
        raise UsageError(f"unknown figure {name!r}{hint} (valid: {known})")
    print(figure_bibtex(cards[name], book_facts(project)))
    return 0


def _pair(project: Project, arguments: argparse.Namespace) -> int:
    import nbformat

    from companion.notebooks import pair_from_run, read_source, write_pair
    from companion.run import NOTEBOOK_FILE, run_for_build

    chapters = arguments.chapters or project.chapters()
    for chapter in chapters:
        project.source_file(chapter)
    for chapter in chapters:
        folder = run_for_build(project, chapter, "quick")
        executed = nbformat.read(folder / NOTEBOOK_FILE, as_version=4)
        pair = pair_from_run(read_source(project.source_file(chapter)), executed)
        changed = write_pair(project.pair_file(chapter), pair)
        print(f"{chapter}: {'renewed' if changed else 'unchanged'}")
    return 0


def _accept(project: Project, arguments: argparse.Namespace) -> int:
    from companion.reference import write_reference
    from companion.run import run_for_build

    chapters = arguments.chapters or project.chapters()
    for chapter in chapters:
        project.source_file(chapter)
    for chapter in chapters:
        result = read_result(chapter, run_for_build(project, chapter, "quick"))
        changed = write_reference(project, result)
        print(f"{chapter}: {'renewed' if changed else 'unchanged'}")
    return 0


def _raise_on_sigterm(*_: Any) -> None:
    raise SystemExit(143)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    signal.signal(signal.SIGTERM, _raise_on_sigterm)
    try:
        parsed = _parser().parse_args(arguments)
        code = int(parsed.action(find_project(), parsed))
        sys.stdout.flush()  # here, where a reader that has gone is no failure
        return code
    except UsageError as error:
        for line in error.lines:
            print(f"companion: {line}", file=sys.stderr)
        return 2
    except RunError as error:
        print(f"companion: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, Stopped):
        print("companion: stopped; nothing unfinished was kept", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; that is no failure of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
