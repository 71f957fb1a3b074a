"""Every internal link, anchor and download of the site, without a browser."""

from pathlib import Path
from urllib.parse import unquote, urlparse

from bs4 import BeautifulSoup


def _documents(site: Path) -> dict[Path, BeautifulSoup]:
    pages = [page for page in site.rglob("*.html") if "_static" not in page.parts]
    return {page: BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser") for page in pages}


def test_internal_links_and_downloads_resolve(site: Path) -> None:
    documents = _documents(site)
    anchors = {
        page: {tag["id"] for tag in soup.find_all(id=True)} for page, soup in documents.items()
    }
    missing = []
    links = 0
    for page, soup in documents.items():
        for tag, attribute in (("a", "href"), ("img", "src"), ("link", "href"), ("script", "src")):
            for found in soup.find_all(tag, attrs={attribute: True}):
                address = urlparse(found[attribute])
                if address.scheme or address.netloc:
                    continue
                links += 1
                target = (page.parent / unquote(address.path)).resolve() if address.path else page
                name = f"{page.relative_to(site)} -> {found[attribute]}"
                if not target.is_file():
                    missing.append(name)
                elif address.fragment and target in anchors:
                    known = anchors[target]
                    if address.fragment not in known and unquote(address.fragment) not in known:
                        missing.append(f"{name} (no such anchor)")
    assert links > 100
    assert missing == []


def test_pages_keep_to_the_standard_where_extensions_do_not(pages: list[Path]) -> None:
    problems = []
    for file in pages:
        soup = BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")
        ids = [tag["id"] for tag in soup.find_all(id=True)]
        repeated = sorted({name for name in ids if ids.count(name) > 1})
        blocks = len(soup.select("summary p, summary div, p p, p div, a a, button a"))
        if repeated or blocks:
            problems.append(f"{file.name}: ids twice {repeated}, {blocks} blocks in lines of text")
    assert problems == []
