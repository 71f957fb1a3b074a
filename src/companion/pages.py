"""MyST text made from records: claims, figures and verdicts as chapters show them."""

from __future__ import annotations

import copy
import html
import itertools
import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from companion.claims import Claim, get_claim
from companion.errors import RunError
from companion.figures import MIME, PICTURES
from companion.freshness import chapter_schema
from companion.notebooks import INJECTED_TAG, PARAMETERS_TAG, VERDICTS_MIME
from companion.parameters import Schema, show_value
from companion.project import Project
from companion.records import ChapterResult, claim_anchor, figure_record

if TYPE_CHECKING:
    from nbformat import NotebookNode

FIGURES_FOLDER = "_extra/figures"
_DIRECTIVES = {"conjecture": "prf:conjecture", "experiment": "prf:observation"}
_CLAIM_BLOCK = re.compile(r"^```\{claim\} *(\S+)\s*\n```$", re.MULTILINE)
_BOX = re.compile(
    r"^(?P<head>(?::{3,}|`{3,})\{prf:(?!proof|ref)[a-z]+\}[^\n]*\n)(?P<options>(?::[a-z]+:[^\n]*\n)*)",
    re.MULTILINE,
)
_NUMBER_ROLE = re.compile(r"\{number\}`([^`]+)`")


# --- pieces ---------------------------------------------------------------------------------


def badge(verdict: str) -> str:
    """A coloured and worded verdict."""
    name = verdict.replace(" ", "-")
    return f'<span class="verdict verdict-{name}">{verdict}</span>'


def number_text(value: Any) -> str:
    """A number of a record for people: short, and empty for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return f"[{', '.join(number_text(entry) for entry in value)}]"
    if not math.isfinite(value):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.4g}" if 1e-3 <= abs(value) < 1e6 else f"{value:.2e}".replace(".00e", "e")


def comparison_text(check: Mapping[str, Any]) -> str:
    """One comparison in a line: what was measured against what was demanded."""
    measured = number_text(check.get("measured"))
    expected, threshold = (number_text(check.get(name)) for name in ("expected", "threshold"))
    of = f", n = {check['n']}" if check.get("n") else ""
    match check["test"]:
        case "within" | "relative":
            distance = number_text(check.get("detail", {}).get("largest_distance"))
            kind = "relative error" if check["test"] == "relative" else "difference"
            return f"{measured} against {expected}: {kind} {distance}, allowed {threshold}{of}"
        case "at_most":
            return f"{measured}, at most {threshold}{of}"
        case "at_least":
            return f"{measured}, at least {threshold}{of}"
        case "equal":
            return f"{measured}, predicted {expected}{of}"
        case "certificate":
            detail = check.get("detail", {})
            outcome = "proved" if check["passed"] else "not proved"
            count = detail.get("boxes")
            way = f"{count} box{'es' if count > 1 else ''}" if count else "exact algebra"
            # Recorded to a millisecond: a zero is a short time, not none.
            seconds = detail.get("seconds")
            return f"{outcome}: {way}, {'below 0.001' if seconds == 0 else seconds} s"
        case _:
            word = {
                "interval_holds": "holds",
                "interval_above": "lies above",
                "interval_below": "lies below",
            }[check["test"]]
            interval = number_text(check.get("interval"))
            no = "" if check["passed"] else " (it does not)"
            return f"{measured}, interval {interval} {word} {expected}{no}{of}"


def claim_heading(claim: Claim) -> str:
    """Number and title of a claim."""
    return f"{claim.paper}, {claim.number}: {claim.title}"


def claim_block(claim: Claim, chapter: str) -> str:
    """A claim as a theorem-like box; on the page of the chapter that decides it, with an anchor."""
    directive = _DIRECTIVES.get(claim.kind, "prf:theorem")
    assumed = f"*Assumed.* {claim.hypotheses}\n\n" if claim.hypotheses else ""
    anchor = f"({claim_anchor(claim.id)})=\n" if claim.chapter == chapter else ""
    return (
        f"{anchor}::::{{{directive}}} {claim_heading(claim)}\n:nonumber:\n:class: claim\n\n"
        f"{assumed}{claim.statement}\n::::"
    )


def parameters_table(schema: Schema) -> str:
    """The parameters of a chapter as a Markdown table."""
    lines = ["| parameter | meaning | type | quick | paper | valid |", "|---|---|---|---|---|---|"]
    for parameter in schema.parameters.values():
        unit = f" ({parameter.unit})" if parameter.unit else ""
        valid = parameter.valid.replace("|", "or")
        # Spaces let a list of values break, so that the meaning keeps its room.
        quick, paper = (
            show_value(value).replace(",", ", ")
            for value in (parameter.default, parameter.of_profile("paper"))
        )
        lines.append(
            f"| `{parameter.name}` | {parameter.meaning}{unit} | {parameter.type} "
            f"| {quick} | {paper} | {valid} |"
        )
    return "\n".join(lines)


def rerun_command(chapter: str, parameters: Mapping[str, Any]) -> str:
    """What to type to run a chapter with these values."""
    values = " ".join(f"{name}={show_value(value)}" for name, value in parameters.items())
    return f'make rerun CHAPTER={chapter} PARAMS="{values}"'


def figure_panel(card: Mapping[str, Any], facts: Mapping[str, Any], up: str) -> str:
    """Permanent address, downloads, citation and origin of a figure, to go under it.

    Args:
        card: the figure's card.
        facts: as `companion.cite.book_facts` gives them.
        up: the way from the page to the site's root, such as `../`.
    """
    record = figure_record(card, facts)
    links = [f'<a href="{up}{record["permalink"]}">Permanent page</a>'] + [
        f'<a href="{up}{record["files"][kind]}" download>{kind}</a>' for kind in (*PICTURES, "csv")
    ]
    values = ", ".join(f"{name} = {show_value(v)}" for name, v in card["parameters"].items())
    return (
        f'<p class="figure-links"><code>{card["id"]}</code> {" · ".join(links)}</p>\n\n'
        ":::{dropdown} Cite this figure\n:class-container: figure-cite\n\n"
        f"```bibtex\n{record['bibtex']}\n```\n\n"
        f"```text\n{record['citation']}\n```\n\n"
        f"Made with {html.escape(values)}; code {html.escape(card['code_version'])}.\n:::\n"
    )


def figure_block(card: Mapping[str, Any], facts: Mapping[str, Any], up: str) -> str:
    """A numbered figure with its caption and panel."""
    alt = card["alt"].replace("\n", " ")
    return (
        f"```{{figure}} /{FIGURES_FOLDER}/{card['files']['svg']}\n:name: {card['id']}\n"
        f":alt: {alt}\n\n{card['caption']}\n```\n\n{figure_panel(card, facts, up)}"
    )


def verdict_block(result: ChapterResult, claims: Mapping[str, Claim]) -> str:
    """The verdicts of a chapter with every comparison behind them."""
    parts = []
    for verdict in result.verdicts:
        claim = get_claim(claims, verdict["id"])
        why = f" {verdict['why']}." if verdict["why"] else ""
        head = f"**[{claim.number}](#{claim_anchor(claim.id)})** {badge(verdict['verdict'])}{why}"
        note = f" {verdict['note']}" if verdict["note"] else ""
        rows = ["| comparison | outcome | as it should |", "|---|---|---|"]
        labelled = [
            *((check, check["meaning"], True) for check in verdict["checks"]),
            *((c, f"*counterexample meets:* {c['meaning']}", True) for c in verdict["hypotheses"]),
            *((c, f"*claim broken:* {c['meaning']}", True) for c in verdict["violations"]),
            *((c, f"*control:* {c['meaning']}", False) for c in verdict["controls"]),
        ]
        for check, text, wanted in labelled:
            good = "yes" if check["passed"] == wanted else "**no**"
            fails = "" if wanted else " (must fail)"
            rows.append(
                f"| {table_cell(text)} | {table_cell(comparison_text(check))}{fails} | {good} |"
            )
        parts.append(f"{head}{note}\n\n" + "\n".join(rows))
    return "\n\n".join(parts)


def table_cell(text: str) -> str:
    """Text fit for a cell of a pipe table."""
    return " ".join(text.split()).replace("|", "\\|")


# --- chapters -------------------------------------------------------------------------------


def chapter_page(
    project: Project,
    result: ChapterResult,
    notebook: NotebookNode,
    claims: Mapping[str, Claim],
    facts: Mapping[str, Any],
    *,
    rerun: bool = False,
) -> NotebookNode:
    """An executed notebook as the book shows it.

    Claims, numbers, the table of parameters, figures and verdicts are put in where the source
    asks for them or the run left them.

    Args:
        project: the checkout.
        result: the run's records.
        notebook: the executed notebook.
        claims: all claims.
        facts: as `companion.cite.book_facts` gives them.
        rerun: whether a reader chose the parameters; then they stay visible.

    Raises:
        RunError: a number or a figure is asked for that the run did not record.
    """
    from nbformat.v4 import new_markdown_cell

    cards = {card["id"]: card for card in result.cards}
    page = copy.deepcopy(notebook)
    cells: list[NotebookNode] = []
    counter = itertools.count(1)

    def add(text: str) -> None:
        cell = new_markdown_cell(text)
        cell["id"] = f"{cells[-1]['id'][:58]}-page"
        cells.append(cell)

    for cell in page.cells:
        tags = cell.metadata.get("tags", [])
        cell["metadata"] = {"tags": [tag for tag in tags if tag.startswith(("hide-", "remove-"))]}
        if cell.cell_type == "markdown":
            text = expand_text(cell["source"], result, claims)
            cell["source"] = label_boxes(text, result.chapter, counter)
            cells.append(cell)
            continue
        if INJECTED_TAG in tags and not rerun:
            continue
        figures, verdicts = [], False
        kept = []
        for output in cell.outputs:
            data = output.get("data", {})
            if MIME in data:
                figures.append(data[MIME]["id"])
            elif VERDICTS_MIME in data:
                verdicts = True
            else:
                kept.append(output)
        cell["outputs"] = kept
        cells.append(cell)
        if PARAMETERS_TAG in tags:
            add(_parameters_text(project, result))
        for name in figures:
            if name not in cards:
                raise RunError(f"{result.chapter}: figure {name} has no card")
            add(figure_block(cards[name], facts, "../"))
        if verdicts:
            add(verdict_block(result, claims))
    page["cells"] = cells
    page["metadata"] = {"kernelspec": notebook.metadata.get("kernelspec", {})}
    return page


def _parameters_text(project: Project, result: ChapterResult) -> str:
    run = result.run
    command = rerun_command(result.chapter, run["parameters"])
    return (
        f"{parameters_table(chapter_schema(project, result.chapter))}\n\n"
        f"This page was made in {run['seconds']:.0f} s on one core ({run['device']}, profile "
        f"{run['profile']}). To run it again with other values:\n\n```bash\n{command}\n```"
    )


def expand_text(text: str, result: ChapterResult, claims: Mapping[str, Claim]) -> str:
    """Replace claim blocks by the claims and number roles by what the run recorded.

    Raises:
        RunError: the text asks for a number that the run did not record.
    """

    def number(found: re.Match[str]) -> str:
        if found[1] not in result.numbers:
            raise RunError(f"{result.chapter}: the text asks for the number {found[1]!r}")
        return result.numbers[found[1]]["text"]

    def claim(found: re.Match[str]) -> str:
        return claim_block(get_claim(claims, found[1]), result.chapter)

    return _NUMBER_ROLE.sub(number, _CLAIM_BLOCK.sub(claim, text))


def label_boxes(text: str, chapter: str, counter: Iterator[int]) -> str:
    """Give every theorem-like box without a label one that is unique in the book.

    Without it the boxes of two pages would share their default labels.
    """

    def labelled(found: re.Match[str]) -> str:
        if ":label:" in found["options"]:
            return found[0]
        name = f"{chapter.replace('/', '-').replace('_', '-')}-box-{next(counter)}"
        return f"{found['head']}:label: {name}\n{found['options']}"

    return _BOX.sub(labelled, text)
