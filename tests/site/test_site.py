"""The site, opened from a plain folder in a real browser."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

WIDTHS = {"desktop": 1280, "phone": 390}
# The theme says this once on every page before it reads the stored mode; it is harmless.
HARMLESS = ("Got invalid theme mode",)


def _pages(site: Path) -> list[Path]:
    hidden = {"_static", "_sources", "_images"}
    pages = [page for page in site.rglob("*.html") if not hidden & set(page.parts)]
    return sorted(page for page in pages if page.name not in ("genindex.html", "prf-prf.html"))


def _watch(page: Any) -> list[str]:
    """Collects everything that a reader's browser would complain about."""
    problems: list[str] = []

    def heard(message: Any) -> None:
        if message.type == "error" and not message.text.startswith(HARMLESS):
            problems.append(f"console: {message.text}")

    def asked(request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:")):
            problems.append(f"request to another host: {request.url}")

    page.on("console", heard)
    page.on("request", asked)
    page.on("pageerror", lambda error: problems.append(f"script: {error}"))
    page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
    return problems


def _wait_for_formulas(page: Any) -> None:
    page.wait_for_function(
        "() => !document.querySelector('.math') || "
        "(window.MathJax?.startup?.promise && document.querySelector('mjx-container'))"
    )
    page.evaluate("() => window.MathJax?.startup?.promise")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", WIDTHS)
def test_every_page_loads_whole_and_silent(
    site: Path, browser: Any, device: str, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": WIDTHS[device], "height": 900}, color_scheme=scheme
    )
    problems = []
    for file in _pages(site):
        page = context.new_page()
        seen = _watch(page)
        page.goto(file.as_uri())
        _wait_for_formulas(page)
        raw = page.locator(".math:not(:has(mjx-container))").count()
        broken = page.locator("mjx-merror, [data-mjx-error]").count()
        if raw or broken:
            seen.append(f"{raw} formulas are not typeset, {broken} have errors")
        lost = page.evaluate(
            "() => [...document.images].filter(i => { i.loading = 'eager'; return true; })"
            ".map(i => i.decode().then(() => '', () => i.src)).reduce("
            "(all, one) => all.then(list => one.then(x => x ? [...list, x] : list)),"
            "Promise.resolve([]))"
        )
        seen += [f"picture not shown: {source}" for source in lost]
        bare = page.evaluate(
            "() => [...document.querySelectorAll('article img')].filter(i => !i.alt)"
            ".map(i => i.src)"
        )
        seen += [f"picture without alt text: {source}" for source in bare]
        wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        if wide > 1:
            seen.append(f"scrolls sideways by {wide} pixels")
        problems += [f"{file.relative_to(site)}: {problem}" for problem in seen]
        page.close()
    context.close()
    assert problems == []


def test_internal_links_and_downloads_resolve(site: Path, browser: Any) -> None:
    page = browser.new_page()
    missing = []
    anchors: dict[Path, set[str]] = {}

    def ids(file: Path) -> set[str]:
        if file not in anchors:
            other = browser.new_page()
            other.goto(file.as_uri())
            anchors[file] = set(
                other.evaluate("() => [...document.querySelectorAll('[id]')].map(e => e.id)")
            )
            other.close()
        return anchors[file]

    for file in _pages(site):
        page.goto(file.as_uri())
        links = page.evaluate("() => [...document.querySelectorAll('a[href]')].map(a => a.href)")
        for link in set(links):
            if not link.startswith("file:"):
                continue
            address, _, anchor = link.partition("#")
            target = Path(address.removeprefix("file://").partition("?")[0])
            if not target.is_file():
                missing.append(f"{file.relative_to(site)} -> {link}")
            elif anchor and target.suffix == ".html" and anchor not in ids(target):
                missing.append(f"{file.relative_to(site)} -> {link} (no such anchor)")
    page.close()
    assert missing == []


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The site behind a server on this machine, as search engines of the page need one."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    handler = partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("query", ["population gradient", "tian2017.thm1", "closed form"])
def test_search_finds(address: str, browser: Any, query: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/search.html?q={query.replace(' ', '+')}")
    page.wait_for_selector("#search-results li a", timeout=10_000)
    assert page.locator("#search-results li a").count() > 0
    page.close()


def test_a_figure_can_be_cited_without_scripts(site: Path, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "teacher_student" / "population_gradient.html").as_uri())
    page.locator("details.figure-cite, .figure-cite details").first.locator("summary").click()
    text = page.locator(".figure-cite pre").first.inner_text()
    assert text.startswith("@misc{fig-tian2017-")
    context.close()
