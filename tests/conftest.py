"""What all tests share: checked shapes, reproducible properties, records out of the way."""

import os
import shutil
import tempfile

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# Shapes and types in signatures are checked from here on: before anything imports the package.
install_import_hook("shallow_relu", "beartype.beartype")

settings.register_profile("book", deadline=None, derandomize=True, database=None)
settings.load_profile("book")

_OUTPUT = "COMPANION_OUTPUT"
_PREVIOUS = pytest.StashKey[str | None]()
_SCRATCH = pytest.StashKey[str]()


def pytest_configure(config):
    """Give the notebooks' kernels a scratch folder: tests never write the book's own records.

    Under pytest-xdist each worker is a process of its own and so gets a folder of its own.
    """
    config.stash[_PREVIOUS] = os.environ.get(_OUTPUT)
    config.stash[_SCRATCH] = tempfile.mkdtemp(prefix="companion-tests-")
    os.environ[_OUTPUT] = config.stash[_SCRATCH]


def pytest_unconfigure(config):
    """Remove the scratch folder."""
    if _SCRATCH not in config.stash:
        return
    shutil.rmtree(config.stash[_SCRATCH], ignore_errors=True)
    previous = config.stash[_PREVIOUS]
    if previous is None:
        os.environ.pop(_OUTPUT, None)
    else:
        os.environ[_OUTPUT] = previous
