"""How to cite a figure, and the book."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from companion.project import Project

_PLACE = re.compile(r"^(Left|Right|Top|Bottom|Above|Below):\s+")


def book_facts(project: Project) -> dict[str, Any]:
    """Title, authors, year, version and address of the book, from the files that state them.

    The address is `html.baseurl` of `_config.yml`; whoever publishes the book sets it.
    """
    config = yaml.safe_load((project.root / "_config.yml").read_text(encoding="utf-8"))
    citation = yaml.safe_load((project.root / "CITATION.cff").read_text(encoding="utf-8"))
    address = str((config.get("html") or {}).get("baseurl") or "").strip()
    return {
        "title": citation["title"],
        "authors": [author.get("name", "") for author in citation["authors"]],
        "year": str(citation["date-released"])[:4],
        "date": str(citation["date-released"]),
        "version": str(citation["version"]),
        "address": address.rstrip("/"),
    }


def figure_page(name: str) -> str:
    """The permanent page of a figure, relative to the site's root."""
    return f"figures/{name}.html"


def plain_caption(caption: str) -> str:
    """The first sentence of a caption, for a title; without a leading "Left:" and the like."""
    first, dot, _ = _PLACE.sub("", caption).partition(". ")
    return first[:1].upper() + first[1:] + ("." if dot else "")


def figure_bibtex(card: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """A BibTeX entry for one figure: what, from which book, made with which code and parameters."""
    where = figure_page(card["id"])
    values = ", ".join(f"{name}={value}" for name, value in card["parameters"].items())
    fields = {
        "title": f"{{{plain_caption(card['caption'])}}}",
        "author": " and ".join(f"{{{author}}}" for author in facts["authors"]),
        "year": facts["year"],
        "howpublished": f"Figure {card['id']} of: {facts['title']}, version {facts['version']}",
        "note": _escape(f"Code {card['code_version']}; parameters {values}"),
    }
    if facts["address"]:
        fields["url"] = f"{facts['address']}/{where}"
    body = ",\n".join(f"  {name:<12} = {{{value}}}" for name, value in fields.items())
    return f"@misc{{{card['id']},\n{body}\n}}"


def figure_citation(card: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """The same as a line of plain text."""
    address = f" {facts['address']}/{figure_page(card['id'])}." if facts["address"] else ""
    return (
        f"{', '.join(facts['authors'])} ({facts['year']}). Figure {card['id']} of: "
        f"{facts['title']}, version {facts['version']} (code {card['code_version']}).{address}"
    )


def page_metadata(title: str, facts: Mapping[str, Any], address: str) -> list[tuple[str, str]]:
    """What reference managers read in the head of a page: names and contents of `meta` tags.

    Args:
        title: the page's title.
        facts: as `book_facts` gives them.
        address: the page's address below the site's root.
    """
    tags = [("citation_title", title)]
    tags += [("citation_author", author) for author in facts["authors"]]
    tags += [
        ("citation_inbook_title", facts["title"]),
        ("citation_publication_date", facts["date"]),
        ("citation_language", "en"),
        ("citation_technical_report_number", f"version {facts['version']}"),
    ]
    if facts["address"]:
        tags.append(("citation_public_url", f"{facts['address']}/{address}"))
    return tags


def _escape(text: str) -> str:
    for char in "&%#_":
        text = text.replace(char, f"\\{char}")
    return text
