"""Results that survive a power cut: on the disk first, then visible under their name.

A rename alone is not enough: the disk may learn of the new name before it learns of the content,
and an empty file would then pass for a finished one.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path


def write_durably(file: Path, text: str) -> None:
    """Write a file in one step: after a crash there is the whole new text or what was before.

    Raises:
        OSError: it cannot be written; what was there before is untouched.
    """
    draft = file.with_name(f".{file.name}.new")
    try:
        with draft.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync(file.parent)


def rename_durably(folder: Path, target: Path) -> None:
    """Give a finished folder its final name, once everything in it is on the disk.

    Raises:
        OSError: the disk did not take it, or the target exists; then nothing was renamed.
    """
    sync_tree(folder)
    folder.rename(target)
    _sync(target.parent)


def sync_tree(folder: Path) -> None:
    """Wait until everything below a folder is on the disk.

    Raises:
        OSError: the disk did not take it.
    """
    if (syncfs := _syncfs()) is not None:
        # One call for the whole file system: a page has hundreds of small files, and to wait for
        # each of them takes ten times as long.
        handle = os.open(folder, os.O_RDONLY)
        try:
            if syncfs(handle):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number), str(folder))
        finally:
            os.close(handle)
        return
    for path in (*folder.rglob("*"), folder):
        _sync(path)


def _syncfs() -> Callable[[int], int] | None:
    """Linux's call of that name, which Python does not offer; None elsewhere."""
    return getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
