"""The kernel of a run: `python -m companion.kernel -f CONNECTION_FILE`.

IPython's kernel without its debugger, which nobody can attach to here and which is a third of its
start.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> None:
    """Serve one notebook."""
    # As IPython's own launcher does: no module of the working folder while the kernel loads.
    if sys.path[0] == "" or Path(sys.path[0]) == Path.cwd():
        del sys.path[0]
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # importing it now fails at once
    importlib.import_module("ipykernel.debugger")
    del sys.modules["debugpy"]  # who asks for it in a notebook gets it
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()


if __name__ == "__main__":
    main()
