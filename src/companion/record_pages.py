"""Pages made from the records of all chapters: ledger, errata, papers, gallery, status, figures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from companion.claims import PAPERS, Claim
from companion.figures import PICTURES
from companion.pages import (
    FIGURES_FOLDER,
    badge,
    claim_heading,
    comparison_text,
    number_text,
    table_cell,
)
from companion.parameters import show_value
from companion.records import claim_anchor, figure_record
from companion.verdicts import VERDICTS

THUMBNAILS_FOLDER = "_thumbnails"
MEMORY_LIMIT = 2 * 2**30  # bytes that a chapter may need at the size of a build
_ERRATA_WORDS = {
    "hypotheses": "Assumed",
    "statement": "Stated",
    "correction": "True instead",
}
_COUNTS_BLOCK = re.compile(r"^```\{verdict-counts\}\s*\n```$", re.MULTILINE)
_CARDS_BLOCK = re.compile(r"^```\{figure-cards\}\s*\n((?:[^`\n]*\n)*)```$", re.MULTILINE)


def ledger_page(records: Mapping[str, Any]) -> str:
    """All claims with their verdicts, a table a paper."""
    claims: Sequence[Mapping[str, Any]] = records["claims"]
    counts = {verdict: sum(c["verdict"] == verdict for c in claims) for verdict in VERDICTS}
    lines = [
        "# Ledger of all claims",
        "",
        f"Every numbered statement, figure and table of the five papers: {len(claims)} claims. "
        "The verdict is computed from the chapter's numbers; [how](records) is described "
        "apart. The same data, for scripts: "
        '<a href="claims.json" download>claims.json</a>.',
        "",
        "| verdict | claims | meaning |",
        "|---|---|---|",
        *(f"| {badge(v)} | {counts[v]} | {text} |" for v, text in VERDICTS.items()),
        "",
    ]
    for paper in PAPERS:
        rows = [claim for claim in claims if claim["paper"] == paper]
        lines += [
            f"## {paper}",
            "",
            f"{{cite:t}}`{paper}`: [what it claims and what we found](papers/{paper}), "
            f"[errata](errata/{paper}).",
            "",
            "::::{list-table}",
            ":header-rows: 1",
            ":widths: 17 57 26",
            ":class: ledger",
            "",
            "* - number",
            "  - claim",
            "  - verdict and evidence",
        ]
        for claim in rows:
            lines += _ledger_row(claim)
        lines += ["::::", ""]
    return "\n".join(lines)


def _ledger_row(claim: Mapping[str, Any]) -> list[str]:
    # The filter of the page reads these; without scripts they do nothing.
    facts = " ".join(f'data-{name}="{claim[name]}"' for name in ("paper", "kind", "verdict"))
    anchor = f'<span id="{claim_anchor(claim["id"])}" class="claim-facts" {facts}></span>'
    if claim["chapter"] and claim["evidence"]:
        found = number_text(claim["measured"])
        expected = number_text(claim["expected"])
        against = f" against {expected}" if expected else ""
        limit = number_text(claim["tolerance"])
        allowed = f" (threshold {limit})" if limit else ""
        evidence = [
            f"[](/{claim['chapter']}.ipynb)",
            "",
            f"{table_cell(claim['check'])}: {found}{against}{allowed}",
        ]
    else:
        evidence = [claim["why"]]
    body = [f"**{claim['title']}**", ""]
    if claim["hypotheses"]:
        body += [f"*Assumed.* {claim['hypotheses']}", ""]
    body += [claim["statement"]]
    if claim["correction"]:
        body += ["", f"*Corrected.* {claim['correction']}"]
    # An id breaks after the paper, where a narrow column has no room for all of it.
    name = f"<code>{claim['id'].replace('.', '.<wbr>', 1)}</code>"
    return [
        *_item("* - ", [f"{anchor}{claim['number']}", "", name, "", claim["kind"]]),
        *_item("  - ", body),
        *_item("  - ", [badge(claim["verdict"]), "", *evidence]),
    ]


def _item(lead: str, texts: Sequence[str]) -> list[str]:
    lines = "\n".join(texts).splitlines()
    return [
        (lead if number == 0 else "    ") + line if line or number == 0 else ""
        for number, line in enumerate(lines)
    ]


def gallery_page(records: Mapping[str, Any]) -> str:
    """All figures by paper, each with a small picture that leads to its permanent page."""
    lines = [
        "# Gallery of all figures",
        "",
        f"{len(records['figures'])} figures. Each has a permanent page with downloads and a "
        'citation. The same data, for scripts: <a href="figures.json" download>figures.json</a>.',
        "",
    ]
    for paper in PAPERS:
        shown = [f for f in records["figures"] if paper_of_figure(f) == paper]
        if shown:
            lines += [f"## {paper}", "", *figure_grid(shown)]
    return "\n".join(lines)


def paper_of_figure(figure: Mapping[str, Any]) -> str:
    """The paper that a figure belongs to, as its id says."""
    return figure["id"].split("-")[1]


def figure_grid(figures: Sequence[Mapping[str, Any]]) -> list[str]:
    """Cards with small pictures, two in a row where there is room."""
    lines = ["::::{grid} 1 1 2 2", ":gutter: 3", ""]
    for figure in figures:
        claims = ", ".join(f"`{name}`" for name in figure["claims"])
        lines += [
            f":::{{grid-item-card}} `{figure['id']}`",
            f":link: /figures/{figure['id']}",
            ":link-type: doc",
            f":img-top: /{THUMBNAILS_FOLDER}/{figure['id']}.png",
            f":img-alt: {figure['alt']}",
            ":class-card: figure-card",
            "",
            figure["caption"],
            *(["", claims] if claims else []),
            ":::",
            "",
        ]
    return [*lines, "::::", ""]


def figure_page_text(
    card: Mapping[str, Any], facts: Mapping[str, Any], claims: Mapping[str, Claim]
) -> str:
    """The permanent page of one figure."""
    record = figure_record(card, facts)
    shown = [
        f"- [{claim_heading(claims[name])}](/{card['chapter']}.ipynb)" for name in card["claims"]
    ]
    downloads = " · ".join(
        f'<a href="../{record["files"][kind]}" download>{kind}</a>' for kind in (*PICTURES, "csv")
    )
    values = "\n".join(f"| `{n}` | {show_value(v)} |" for n, v in card["parameters"].items())
    evidence = ["It is evidence for:", "", *shown, ""] if shown else []
    return "\n".join(
        [
            "---",
            "orphan: true",
            "---",
            f"# Figure {card['id']}",
            "",
            f"```{{image}} /{FIGURES_FOLDER}/{card['files']['svg']}",
            f":alt: {card['alt']}",
            "```",
            "",
            card["caption"],
            "",
            f"From the chapter [](/{card['chapter']}.ipynb). Download: {downloads}",
            "",
            *evidence,
            "## Cite",
            "",
            f"```bibtex\n{record['bibtex']}\n```",
            "",
            "## Made with",
            "",
            f"Code {card['code_version']}, and these parameters:",
            "",
            "| parameter | value |",
            "|---|---|",
            values,
            "",
        ]
    )


def status_page(records: Mapping[str, Any]) -> str:
    """When, where and how long each chapter ran."""
    lines = [
        "# Status of the chapters",
        "",
        "How each chapter of this build was run. The same data, for scripts: "
        '<a href="status.json" download>status.json</a>.',
        "",
        "::::{container} status-runs",
        "| chapter | profile | seconds | peak memory (MiB) | device | finished (UTC) |",
        "|---|---|---|---|---|---|",
    ]
    for row in records["status"]:
        memory = row["peak_memory_bytes"] / 2**20
        lines.append(
            f"| [](/{row['chapter']}.ipynb) | {row['profile']} | {row['seconds']:.1f} "
            f"| {memory:.0f} | {row['device']} | {row['finished'][:16].replace('T', ' ')} |"
        )
    total = sum(row["seconds"] for row in records["status"])
    together = f"Together {total:.0f} s, each on one core. {_largest_memory(records['status'])}"
    lines += ["::::", "", together, "", "## Versions", ""]
    lines += ["| chapters | machine | versions | code |", "|---|---|---|---|"]
    seen: dict[tuple[str, str, str], int] = {}
    for row in records["status"]:
        versions = ", ".join(f"{name} {value}" for name, value in row["versions"].items())
        key = (row["machine"], versions, row["code_version"])
        seen[key] = seen.get(key, 0) + 1
    lines += [f"| {count} | {' | '.join(key)} |" for key, count in seen.items()]
    return "\n".join([*lines, ""])


def _largest_memory(rows: Sequence[Mapping[str, Any]]) -> str:
    """Which chapter needs most memory, against the limit."""
    if not rows:
        return ""
    most = max(rows, key=lambda row: row["peak_memory_bytes"])
    limit = MEMORY_LIMIT / 2**30
    return (
        f"The largest peak memory is {most['peak_memory_bytes'] / 2**20:.0f} MiB, of "
        f"[](/{most['chapter']}.ipynb), "
        f"{100 * most['peak_memory_bytes'] / MEMORY_LIMIT:.0f} % of the limit of {limit:g} GiB."
    )


# --- papers, errata, front page -------------------------------------------------------------


def verdict_counts(records: Mapping[str, Any]) -> str:
    """How many claims of each paper have each verdict, as a table."""
    claims = records["claims"]
    used = [v for v in VERDICTS if any(claim["verdict"] == v for claim in claims)]
    lines = [
        "::::{container} verdict-counts",
        f"| paper | claims | {' | '.join(badge(verdict) for verdict in used)} |",
        f"|---|--:|{'--:|' * len(used)}",
    ]
    for paper in (*PAPERS, ""):
        own = [claim for claim in claims if paper in ("", claim["paper"])]
        counts = [sum(claim["verdict"] == verdict for claim in own) for verdict in used]
        name = f"[{paper}](papers/{paper})" if paper else "all"
        lines.append(f"| {name} | {len(own)} | {' | '.join(map(str, counts))} |")
    return "\n".join([*lines, "::::"])


def expand_front_page(text: str, records: Mapping[str, Any]) -> str:
    """Put the records where a prose page asks for them.

    A fenced block `{verdict-counts}` becomes the table of verdicts; a fenced block
    `{figure-cards}` with ids of figures, one a line, becomes their cards. Cards of figures that
    this build does not have are left out.
    """
    figures = {figure["id"]: figure for figure in records["figures"]}

    def cards(found: re.Match[str]) -> str:
        chosen = [figures[name] for name in found[1].split() if name in figures]
        return "\n".join(figure_grid(chosen)) if chosen else ""

    text = _COUNTS_BLOCK.sub(lambda _: verdict_counts(records), text)
    return _CARDS_BLOCK.sub(cards, text)


def paper_page(
    paper: str, introduction: str, records: Mapping[str, Any], order: Sequence[str]
) -> str:
    """What a paper claims and what was found: introduction, chapters, table of claims.

    Args:
        paper: its key.
        introduction: the prose of `book/papers/KEY.md`, heading included.
        records: the records of the book.
        order: all pages in the order of the table of contents.
    """
    own = [claim for claim in records["claims"] if claim["paper"] == paper]
    chapters: dict[str, list[Mapping[str, Any]]] = {}
    for claim in own:
        if claim["chapter"]:
            chapters.setdefault(claim["chapter"], []).append(claim)
    used = [v for v in VERDICTS if any(claim["verdict"] == v for claim in own)]
    counts = ", ".join(f"{sum(c['verdict'] == v for c in own)} {badge(v)}" for v in used)
    lines = [introduction.rstrip(), "", "## What was found", ""]
    lines += [
        f"{len(own)} claims: {counts}. Errors and misprints: [errata](../errata/{paper}).",
        "",
    ]
    if chapters:
        lines += ["## Chapters", "", "| chapter | decides |", "|---|---|"]
    for chapter in sorted(chapters, key=order.index):
        decided = ", ".join(_ledger_link(claim) for claim in chapters[chapter])
        lines.append(f"| [](/{chapter}.ipynb) | {table_cell(decided)} |")
    lines += ["", "## Claims", "", "| number | claim | verdict |", "|---|---|---|"]
    for claim in own:
        number = table_cell(_ledger_link(claim))
        lines.append(f"| {number} | {table_cell(claim['title'])} | {badge(claim['verdict'])} |")
    return "\n".join([*lines, ""])


def _ledger_link(claim: Mapping[str, Any]) -> str:
    """The number of a claim, leading to its row of the ledger, from a page in a folder."""
    return f'<a href="../ledger.html#{claim_anchor(claim["id"])}">{claim["number"]}</a>'


def errata_index(records: Mapping[str, Any]) -> str:
    """What the errata are, and how many each paper has."""
    lines = [
        "# Errata",
        "",
        "Statements of the five papers that are false or misprinted as they stand, each with a "
        "counterexample that satisfies every hypothesis and, where one is known, the corrected "
        "statement. Most are small: a constant, a missing hypothesis, a misprint in a formula. "
        "*Corrected* means that a true version is known and was checked.",
        "",
        "| paper | corrected | refuted |",
        "|---|--:|--:|",
    ]
    for paper in PAPERS:
        own = [claim["verdict"] for claim in records["claims"] if claim["paper"] == paper]
        lines.append(
            f"| [{paper}](errata/{paper}) | {own.count('corrected')} | {own.count('refuted')} |"
        )
    return "\n".join([*lines, ""])


def errata_page(paper: str, records: Mapping[str, Any]) -> str:
    """Everything found wrong or misprinted in a paper, with counterexample and correction."""
    own = [claim for claim in records["claims"] if claim["paper"] == paper]
    wrong = [claim for claim in own if claim["verdict"] in ("corrected", "refuted")]
    lines = [
        f"# Errata for {paper}",
        "",
        f"{{cite:t}}`{paper}`. Of its {len(own)} claims {len(wrong)} are false or misprinted as "
        "stated. Each entry says what the paper claims in our words, how a counterexample meets "
        "its hypotheses and breaks it, and what is true instead. The numbers come from the "
        "chapter that is named.",
        "",
    ]
    for claim in wrong:
        lines += [
            f"## {claim['number']}: {claim['title']}",
            "",
            f"{badge(claim['verdict'])} `{claim['id']}`, in the chapter "
            f"[](/{claim['chapter']}.ipynb).",
            "",
        ]
        for word in ("hypotheses", "statement", "correction"):
            if claim[word]:
                lines += [f"**{_ERRATA_WORDS[word]}.**", "", claim[word], ""]
        lines += ["**Counterexample.**", "", "| it | what | measured |", "|---|---|---|"]
        rows = [("meets", row) for row in claim["evidence"]["hypotheses"]]
        rows += [("breaks", row) for row in claim["evidence"]["violations"]]
        lines += [
            f"| {word} | {table_cell(row['meaning'])} | {table_cell(comparison_text(row))} |"
            for word, row in rows
        ]
        lines += [""]
    if not wrong:
        lines += ["Nothing so far.", ""]
    return "\n".join(lines)


def renamed_figure_page(new: str) -> str:
    """A page at the address of a figure that was renamed: it leads to the new one."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>Renamed: {new}</title>\n"
        f'<meta http-equiv="refresh" content="0; url={new}.html">\n'
        f'<link rel="canonical" href="{new}.html">\n</head>\n'
        f'<body><p>This figure is now <a href="{new}.html">{new}</a>.</p></body>\n</html>\n'
    )
