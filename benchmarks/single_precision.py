"""Which figures change by more than a line's width when everything is computed in float32?

    python benchmarks/single_precision.py [CHAPTER ...]

Each chapter runs a second time with every float64 tensor rounded to float32: random numbers are
drawn as before and then rounded, so that both runs see the same data. Its figures are compared with
those of the last finished run. A pixel has changed when no pixel within the width of a line has
about its colour in the other picture. The result is written to `single_precision.json`; chapters
that were not asked for keep their entries. What numpy, mpmath and ball arithmetic compute stays as
precise as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import fresh_run
from PIL import Image
from scipy import ndimage
from torch.overrides import TorchFunctionMode
from tqdm import tqdm

from companion.durable import write_durably
from companion.project import OUTPUT_VARIABLE, ROOT_VARIABLE, Project, code_version, find_project
from companion.run import THREAD_VARIABLES

RESULTS = Path(__file__).with_name("single_precision.json")
LINE_WIDTH = 7  # pixels: 1.6 points at 300 a inch
COLOUR = 48  # of 255: what smoothed edges may differ by
PATIENCE = 60  # seconds: an accuracy that single precision cannot reach is waited for in vain
SPECKS = 25  # changed pixels that are no change of a figure


class SinglePrecision(TorchFunctionMode):
    """Every tensor in double precision that a call returns is rounded to single precision."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return _rounded(func(*args, **(kwargs or {})))


def _rounded(result: Any) -> Any:
    if isinstance(result, torch.Tensor) and result.dtype == torch.float64:
        if result.is_leaf and result.requires_grad:
            return result.detach().float().requires_grad_()
        return result.float()
    if isinstance(result, (tuple, list)):  # also those with names, such as values and indices
        return type(result)([_rounded(part) for part in result])
    return result


def changed_pixels(one: np.ndarray, other: np.ndarray) -> int:
    """How many pixels of either picture have no pixel of their colour nearby in the other.

    Args:
        one: A picture, height by width by channels.
        other: Another. Of pictures of different sizes all pixels have changed.
    """
    if one.shape != other.shape:
        return max(one.size, other.size)
    size = (2 * LINE_WIDTH + 1, 2 * LINE_WIDTH + 1, 1)
    lost = np.zeros(one.shape[:2], dtype=bool)
    for here, there in ((one, other), (other, one)):
        low = ndimage.minimum_filter(there, size).astype(int) - COLOUR
        high = ndimage.maximum_filter(there, size).astype(int) + COLOUR
        lost |= ((here < low) | (here > high)).any(axis=2)
    return int(lost.sum())


def picture(file: Path) -> np.ndarray:
    """A picture in red, green and blue."""
    return np.asarray(Image.open(file).convert("RGB"))


def single_run(project: Project, chapter: str, folder: Path) -> str:
    """Run a chapter in single precision; what went wrong, or nothing."""
    environment = {**os.environ, ROOT_VARIABLE: str(project.root), OUTPUT_VARIABLE: str(folder)}
    environment.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    environment["MPLBACKEND"] = "Agg"
    command = [sys.executable, __file__, "--in-this-process", chapter]
    try:
        ended = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {PATIENCE} s"
    return "" if ended.returncode == 0 else ended.stderr.strip().splitlines()[-1]


def compare(project: Project, chapter: str) -> dict[str, Any]:
    """The entry of a chapter: its error, and the changed pixels of each figure."""
    reference = fresh_run(project, chapter)
    with tempfile.TemporaryDirectory() as folder:
        error = single_run(project, chapter, Path(folder))
        figures = {}
        for file in sorted((reference / "figures").glob("*.png")):
            single = Path(folder) / "figures" / file.name
            if single.exists():
                figures[file.stem] = changed_pixels(picture(file), picture(single))
    return {"error": error, "changed_pixels": figures}


def main() -> None:
    """Compare the chapters of the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER")
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    project = find_project()
    if chosen.in_this_process:
        with SinglePrecision():
            runpy.run_path(str(project.source_file(chosen.chapters[0])), run_name="__main__")
        return
    known = json.loads(RESULTS.read_text(encoding="utf-8"))["chapters"] if RESULTS.exists() else {}
    for chapter in tqdm(chosen.chapters or project.chapters()):
        known[chapter] = compare(project, chapter)
        text = {"code_version": code_version(project), "allowed_pixels": SPECKS}
        text["chapters"] = dict(sorted(known.items()))
        write_durably(RESULTS, json.dumps(text, indent=1) + "\n")
    for chapter, entry in known.items():
        changed = [name for name, count in entry["changed_pixels"].items() if count > SPECKS]
        if changed or entry["error"]:
            print(f"{chapter}: {', '.join(changed) or 'nothing changed'} {entry['error']}".strip())


if __name__ == "__main__":
    main()
