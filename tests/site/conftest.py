import contextlib
import os
import shutil
from collections.abc import Iterator
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
