"""What a notebook calls: open the chapter, record numbers, figures and verdicts."""

from __future__ import annotations

import contextlib
import contextvars
import csv
import functools
import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from companion import figures
from companion.claims import get_claim, read_claims
from companion.devices import choose_device, describe_device
from companion.errors import UsageError
from companion.notebooks import VERDICTS_MIME, parameters_cell
from companion.parameters import read_schema
from companion.project import OUTPUT_VARIABLE, Project, code_version, find_project
from companion.verdicts import Evidence

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class RecordedNumber(float):
    """A number that says nothing at the end of a cell: the prose quotes it."""

    def _ipython_display_(self) -> None:
        pass


class Chapter:
    """The record of one chapter while it runs.

    Everything is written below `folder` as soon as it is known: `figures/`, `numbers.json`
    and, by `verdicts`, `verdicts.json`.

    Attributes:
        name: such as `teacher_student/population_gradient`.
        parameters: the values that this run uses.
        folder: where the records go.
    """

    def __init__(
        self,
        name: str,
        parameters: Mapping[str, Any],
        folder: Path,
        project: Project,
        *,
        pictures: bool = True,
    ) -> None:
        self.name = name
        self.parameters = dict(parameters)
        self.folder = folder
        self._project = project
        self._pictures = pictures
        self._claims = read_claims(project.claims_file)
        self._evidence: dict[str, Evidence] = {}
        self._numbers: dict[str, dict[str, Any]] = {}
        self._figures: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)

    def device(self) -> str:
        """`cpu` or `cuda`, as the parameter `device` (auto | cpu | cuda) asks; goes on record.

        Raises:
            UsageError: CUDA is asked for and not there.
        """
        device = choose_device(str(self.parameters.get("device", "auto")))
        self._write("device.json", describe_device(device))
        return device

    def stored_table(self, name: str) -> dict[str, list[float]]:
        """The columns of `results/NAME.csv` beside the chapter: runs too long to repeat here.

        The name is written out in the call, so that a table that changes makes the chapter stale.

        Raises:
            UsageError: there is no such table, or it holds something that is not a number.
        """
        file = self._project.table_file(self.name, name)
        try:
            with file.open(encoding="utf-8", newline="") as stream:
                header, *rows = list(csv.reader(stream))
            columns = zip(*rows, strict=True)
            return {
                column: [float(entry) for entry in entries]
                for column, entries in zip(header, columns, strict=True)
            }
        except (OSError, ValueError) as error:
            raise UsageError(f"{self.name}: no table {name!r} to read ({error})") from None

    def claim(self, name: str) -> Evidence:
        """The evidence on a claim, to which checks and controls are added.

        Raises:
            UsageError: the claim is unknown, or another chapter decides it.
        """
        if name not in self._evidence:
            claim = get_claim(self._claims, name)
            if claim.chapter != self.name:
                raise UsageError(f"{name} is decided by {claim.chapter!r}, not by {self.name!r}")
            self._evidence[name] = Evidence(claim)
        return self._evidence[name]

    def number(
        self, name: str, value: Any, show: str = ".3g", *, tolerance: float | None = None
    ) -> float:
        """Record a number, for the prose (`{number}` of that name), for sweeps and for tests.

        Args:
            name: lower case words joined by `_`, unique in the chapter.
            value: the number.
            show: the format in which prose and table quote it.
            tolerance: relative tolerance of the regression test; None leaves it out of the test.
        """
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in self._numbers:
            raise UsageError(f"number {name!r} is malformed or recorded twice")
        number = float(value)
        if not math.isfinite(number):
            raise UsageError(f"number {name!r} is {number}")
        self._numbers[name] = {
            "value": number,
            "text": format(number, show),
            "tolerance": tolerance,
        }
        self._write("numbers.json", self._numbers)
        return RecordedNumber(number)

    def figure(
        self,
        name: str,
        figure: Figure,
        *,
        caption: str,
        alt: str,
        data: Mapping[str, Any],
        claims: Sequence[str] = (),
    ) -> None:
        """Close a figure: write picture, data and card, and show it.

        Args:
            name: the id, such as `fig-tian2017-fig7`.
            figure: the drawing.
            caption: what is seen, in Markdown with LaTeX.
            alt: what is seen, for those who cannot see it.
            data: the columns of the table behind it.
            claims: ids of the claims that it is evidence for.

        Raises:
            UsageError: a rule for figures is broken, or the id is taken.
        """
        import matplotlib.pyplot as plt

        if name in self._figures:
            raise UsageError(f"figure {name!r} is drawn twice")
        shown = [self.claim(claim) for claim in claims]
        figures.check_figure(name, figure, caption, alt)
        figures.table_rows(data)
        # From here on it is drawn: one that was refused may be mended and tried again.
        self._figures.append(name)
        for evidence in shown:
            evidence.figures.append(name)
        if not self._pictures:
            plt.close(figure)
            return
        card = figures.save_figure(
            self.folder / "figures",
            name,
            figure,
            caption=caption,
            alt=alt,
            data=data,
            card={
                "order": len(self._figures),
                "chapter": self.name,
                "claims": list(claims),
                "parameters": self.parameters,
                "seed": self.parameters.get("seed"),
                "code_version": self._code_version,
            },
        )
        plt.close(figure)
        _display(figures.screen_bundle(card, self.folder / "figures"))

    def verdicts(self) -> None:
        """Decide all claims of the chapter, write the records and show the table.

        Raises:
            UsageError: a claim that this chapter should decide was not looked at.
        """
        owned = [claim.id for claim in self._claims.values() if claim.chapter == self.name]
        if not owned:
            raise UsageError(f"no claim of claims.yml names {self.name} as its chapter")
        missing = [name for name in owned if name not in self._evidence]
        if missing:
            raise UsageError(f"{self.name} says nothing on {', '.join(missing)}")
        records = [self._evidence[name].as_record() for name in owned]
        self._write("verdicts.json", records)
        if not (self.folder / "numbers.json").exists():
            self._write("numbers.json", {})
        if not self._pictures:
            return
        width = max(len(name) for name in owned)
        lines = []
        for record in records:
            reason = f": {record['why']}" if record["why"] else ""
            lines.append(f"{record['id']:<{width}}  {record['verdict']}{reason}")
        _display({"text/plain": "\n".join(lines), VERDICTS_MIME: {"chapter": self.name}})

    @functools.cached_property
    def _code_version(self) -> str:
        """The version that the figures quote: git is asked once a chapter."""
        return code_version(self._project)

    def _write(self, name: str, content: Any) -> None:
        text = json.dumps(content, indent=1, allow_nan=False)
        (self.folder / name).write_text(text + "\n", encoding="utf-8")


# Set while a chapter's code runs inside another program: the checkout, and where records go.
_RECORDING: contextvars.ContextVar[tuple[Project, Path] | None] = contextvars.ContextVar(
    "recording", default=None
)


@contextlib.contextmanager
def recording_into(project: Project, folder: Path) -> Iterator[None]:
    """Chapters opened inside draw no pictures, show nothing, and write records into `folder`."""
    token = _RECORDING.set((project, folder))
    try:
        yield
    finally:
        _RECORDING.reset(token)


def _display(bundle: dict[str, Any]) -> None:
    """Show a bundle in a notebook; outside of one, print its text."""
    import sys

    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None or not hasattr(shell, "kernel"):
        print(bundle["text/plain"])
        return
    from IPython.display import display

    display(bundle, raw=True)


def open_chapter(name: str, namespace: Mapping[str, Any]) -> Chapter:
    """Begin the record of a chapter, and set the book's figure style.

    Args:
        name: topic and name, such as `teacher_student/population_gradient`.
        namespace: the notebook's `globals()`; the parameters' values are taken from it, so
            that the record is right however the notebook is run.

    Raises:
        UsageError: the chapter is unknown, or a parameter is missing.
    """
    recording = _RECORDING.get()
    project = recording[0] if recording else find_project()
    schema = read_schema(parameters_cell(project.source_file(name).read_text(encoding="utf-8")))
    missing = [parameter for parameter in schema.parameters if parameter not in namespace]
    if missing:
        raise UsageError(f"run the parameters cell first: {', '.join(missing)} not set")
    values = {parameter: namespace[parameter] for parameter in schema.parameters}
    if recording:
        return Chapter(name, values, recording[1], project, pictures=False)
    figures.use_style()
    chosen = os.environ.get(OUTPUT_VARIABLE)
    folder = Path(chosen) if chosen else project.output / "interactive" / name
    return Chapter(name, values, folder, project)
