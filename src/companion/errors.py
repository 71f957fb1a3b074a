"""The two ways in which a command can end badly."""

from __future__ import annotations

from collections.abc import Iterable


class UsageError(Exception):
    """Something that a person typed or wrote is wrong; nothing has been run or written.

    Carries one line per problem. The command line prints them and exits with code 2.
    """

    def __init__(self, lines: str | Iterable[str]) -> None:
        self.lines = [_one_line(line) for line in ([lines] if isinstance(lines, str) else lines)]
        super().__init__("\n".join(self.lines))


class RunError(Exception):
    """A run or a build started and failed. The command line prints it and exits with code 1."""


class Stopped(Exception):  # noqa: N818 - it is no error
    """A run was stopped from outside (Ctrl-C, a signal). It is no failure and leaves nothing."""


def _one_line(text: str) -> str:
    """`text` with line ends and control characters, which may come from anyone, made visible."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
