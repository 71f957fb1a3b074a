"""What readers do on the pages: filter, copy a citation, download, import into a manager."""

import csv
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml
from bs4 import BeautifulSoup
from PIL import Image
from pybtex.database import parse_string

from companion.project import Project

CHAPTER = "teacher_student/population_gradient"


def _claims(site: Path) -> list[dict[str, Any]]:
    return json.loads((site / "claims.json").read_text(encoding="utf-8"))["claims"]


def _shown_rows(page: Any) -> int:
    return page.locator("table.ledger tbody tr:visible").count()


@pytest.mark.browser
def test_ledger_filters_work_and_survive_a_reload(site: Path, address: str, browser: Any) -> None:
    claims = _claims(site)
    wanted = [c for c in claims if c["paper"] == "tian2017" and c["verdict"] == "corrected"]
    page = browser.new_page()
    page.goto(f"{address}/ledger.html", timeout=120_000)
    assert _shown_rows(page) == len(claims)
    page.select_option("select[name=paper]", "tian2017")
    page.select_option("select[name=verdict]", "corrected")
    assert 0 < _shown_rows(page) == len(wanted) < len(claims)
    assert "paper=tian2017" in page.url and "verdict=corrected" in page.url
    page.reload(timeout=120_000)
    assert _shown_rows(page) == len(wanted)
    page.fill(".book-filter input[name=q]", wanted[0]["id"])
    assert _shown_rows(page) == 1
    page.fill(".book-filter input[name=q]", "nothing like this")
    assert _shown_rows(page) == 0
    page.close()


@pytest.mark.browser
def test_ledger_can_be_ordered_and_needs_no_scripts(site: Path, browser: Any) -> None:
    page = browser.new_page()
    page.goto((site / "ledger.html").as_uri() + "?paper=tian2017&order=verdict", timeout=120_000)
    found = page.locator("table.ledger tbody tr:visible .verdict").all_inner_texts()
    assert found == sorted(found) and len(set(found)) > 1
    page.close()
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto((site / "ledger.html").as_uri(), timeout=120_000)
    assert _shown_rows(plain) == len(_claims(site))
    context.close()


@pytest.mark.browser
def test_gallery_can_be_searched(site: Path, browser: Any) -> None:
    page = browser.new_page()
    page.goto((site / "gallery.html").as_uri(), timeout=120_000)
    cards = page.locator(".figure-card:visible")
    everything = cards.count()
    page.select_option("select[name=paper]", "tian2017")
    page.fill(".book-filter input[name=q]", "fig7")
    assert 0 < cards.count() < everything
    assert all("fig7" in text for text in cards.all_inner_texts())
    page.close()


@pytest.mark.browser
def test_one_click_copies_a_citation_that_a_library_reads(address: str, browser: Any) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{address}/{CHAPTER}.html", timeout=120_000)
    page.locator(".copy-citation").first.click()
    page.wait_for_function(
        "() => document.querySelector('.copy-citation').textContent === 'copied'"
    )
    text = page.evaluate("() => navigator.clipboard.readText()")
    (entry,) = parse_string(text, "bibtex").entries.values()
    assert entry.key.startswith("fig-tian2017-")
    assert {"title", "year", "howpublished", "note"} <= set(entry.fields)
    context.close()


def test_every_citation_can_be_read_by_a_library(site: Path) -> None:
    figures = json.loads((site / "figures.json").read_text(encoding="utf-8"))["figures"]
    for figure in figures:
        (entry,) = parse_string(figure["bibtex"], "bibtex").entries.values()
        assert entry.key == figure["id"]
        assert figure["id"] in figure["citation"]


def test_downloads_are_what_they_say(site: Path) -> None:
    figures = json.loads((site / "figures.json").read_text(encoding="utf-8"))["figures"]
    for figure in figures:
        files = {kind: site / name for kind, name in figure["files"].items()}
        drawing = ElementTree.parse(files["svg"]).getroot()
        assert drawing.tag.endswith("svg") and len(list(drawing.iter())) > 20
        assert files["pdf"].read_bytes().startswith(b"%PDF-")
        with Image.open(files["png"]) as picture:
            assert round(picture.info["dpi"][0]) == 300
        with files["csv"].open(encoding="utf-8", newline="") as stream:
            assert len(list(csv.reader(stream))) > 1


def test_every_page_tells_reference_managers_what_it_is(site: Path, pages: list[Path]) -> None:
    wanted = {"citation_title", "citation_author", "citation_publication_date"}
    for page in pages:
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        if soup.find("meta", attrs={"http-equiv": "refresh"}):
            continue
        names = {tag.get("name"): tag.get("content") for tag in soup.find_all("meta")}
        assert wanted <= {name for name, content in names.items() if content}, page.name
        icon = soup.find("link", rel="icon")
        assert (page.parent / icon["href"]).resolve().is_file()
        preview = soup.find("meta", property="og:image")["content"]
        assert preview.startswith("http") or (page.parent / preview).resolve().is_file()


def test_errata_list_every_claim_that_was_found_wrong(site: Path) -> None:
    for claim in _claims(site):
        page = (site / "errata" / f"{claim['paper']}.html").read_text(encoding="utf-8")
        assert (f">{claim['id']}<" in page) == (claim["verdict"] in ("corrected", "refuted"))


def test_page_of_each_paper_lists_its_claims(site: Path) -> None:
    for claim in _claims(site):
        page = (site / "papers" / f"{claim['paper']}.html").read_text(encoding="utf-8")
        assert f"ledger.html#{re.sub('[._]', '-', claim['id']).lower()}" in page, claim["id"]


def test_research_crate_names_files_that_exist(site: Path) -> None:
    crate = json.loads((site / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    files = [node["@id"] for node in crate["@graph"] if node["@type"] == "File"]
    assert len(files) > 3
    assert [name for name in files if not (site / name).is_file()] == []


def test_citation_file_has_what_its_format_demands(project: Project) -> None:
    citation = yaml.safe_load((project.root / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0" and citation["type"] in ("software", "dataset")
    assert all("name" in author or "family-names" in author for author in citation["authors"])
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(citation["date-released"]))


def test_lost_addresses_lead_somewhere(site: Path) -> None:
    assert "does not exist" in (site / "404.html").read_text(encoding="utf-8")


@pytest.mark.browser
def test_a_link_shows_what_it_leads_to(address: str, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{address}/papers/tian2017.html", timeout=120_000)
    preview = page.locator(".link-preview")
    link = page.locator("article a[href*='ledger.html#']", has_text="Theorem 7").first
    link.hover()
    preview.wait_for(state="visible", timeout=60_000)
    assert "tian2017.thm7" in preview.inner_text() and preview.locator("mjx-container").count()
    # What the pointer can be moved to must not vanish under it, and Escape must close it.
    preview.hover()
    page.wait_for_timeout(600)
    assert preview.is_visible()
    assert page.locator(".link-preview [id], .link-preview [href]").count() == 0
    page.keyboard.press("Escape")
    assert preview.is_hidden()
    page.mouse.move(5, 5)
    link.focus()  # as with the mouse: nobody asked
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    preview.wait_for(state="visible", timeout=60_000)
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert preview.is_hidden()
    page.close()


@pytest.mark.browser
def test_previews_work_in_a_folder_and_on_a_phone(site: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto((site / "alignment" / "spurious_critical_points.html").as_uri(), timeout=120_000)
    link = page.locator("article a.internal[href='#lightman2026-thm5-3']").first
    link.hover()
    preview = page.locator(".link-preview")
    preview.wait_for(state="visible", timeout=60_000)
    assert "general position" in preview.inner_text() or "hyperplane" in preview.inner_text()
    box = preview.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 391
    page.mouse.move(5, 5)
    preview.wait_for(state="hidden", timeout=60_000)
    # A page that lies in a folder cannot read another one: there the browser's own words stay.
    cited = page.locator("article a[href*='references.html#']").first
    cited.hover()
    page.wait_for_timeout(600)
    assert preview.is_hidden() and cited.get_attribute("title")
    page.close()
