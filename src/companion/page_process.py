"""The process that builds a rerun's page: `python -m companion.page_process LOG ARGUMENTS...`.

It runs Jupyter Book once for every line that it reads, and answers `built` or `failed`. The first
build, of an empty page, happens while the notebook still runs; the second then takes a moment.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path


def main() -> int:
    """Serve until the input ends."""
    log, arguments = Path(sys.argv[1]), sys.argv[2:]
    # The channel to the parent; whatever the builder prints goes to the log.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    from jupyter_book.cli.main import main as jupyter_book

    for _ in sys.stdin:
        with (
            log.open("w", encoding="utf-8") as stream,
            contextlib.redirect_stdout(stream),
            contextlib.redirect_stderr(stream),
        ):
            try:
                jupyter_book(arguments, standalone_mode=False)
                answer = "built"
            except Exception as error:  # the parent says it, with the log
                print(error, file=stream)
                answer = "failed"
        print(answer, file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
