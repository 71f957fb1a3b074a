import contextlib
import http.server
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from companion.build import build
from companion.project import Project, find_project

REQUIRED = os.environ.get("COMPANION_REQUIRE_BROWSER") == "1"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Without these the browser asks hosts of its maker at every start.
QUIET = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def project() -> Project:
    return find_project()


@pytest.fixture(scope="session")
def site(project: Project) -> Path:
    """The built site; built here if it is not up to date."""
    project.output.mkdir(exist_ok=True)
    with FileLock(project.output / ".site.lock"):
        return build(project).parent


def _find_browser() -> str | None:
    chosen = os.environ.get("COMPANION_BROWSER")
    return chosen or next((path for name in BROWSERS if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    path = _find_browser()
    if path is None:
        message = "no Chromium found (set COMPANION_BROWSER): the browser tests did not run"
        if REQUIRED:
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    arguments = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else QUIET
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=arguments)
        yield chromium
        with contextlib.suppress(Exception):
            chromium.close()


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The site behind a server on this machine, as some functions of the pages need one."""

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


@pytest.fixture(scope="session")
def pages(site: Path) -> list[Path]:
    """Every page of the site."""
    hidden = {"_static", "_sources", "_images"}
    return sorted(page for page in site.rglob("*.html") if not hidden & set(page.parts))


@pytest.fixture(scope="session")
def wait_for_formulas() -> Callable[[Any], None]:
    """A call that returns when all formulas of a page are set."""

    def wait(page: Any) -> None:
        page.wait_for_function(
            "() => !document.querySelector('.math') || "
            "(window.MathJax?.startup?.promise && document.querySelector('mjx-container'))",
            timeout=120_000,
        )
        page.evaluate("() => window.MathJax?.startup?.promise")

    return wait
