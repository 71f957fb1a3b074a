"""The process that executes one notebook: `python -m companion.worker FOLDER PARENT`.

It reads `order.json` in the folder and leaves `notebook.ipynb`, the records that the notebook
writes, and `execution.json`; or `failure.json`. It ends when the process PARENT ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from companion.notebooks import ERROR_TAG, is_injected, read_source

if TYPE_CHECKING:
    from jupyter_client import AsyncKernelManager

_POLL_SECONDS = 0.5


def _end_with(parent: int) -> None:
    """Stop this process (and so its kernel) when its parent is gone."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_POLL_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _stop(*_: Any) -> None:
    raise SystemExit(143)


def _last_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1] if lines else ''}".strip()


def _cell_number(result: Path, index: int) -> int:
    """The place of a cell in the source, counted from 1, without the cells that a run puts in."""
    import nbformat

    cells = nbformat.read(result, as_version=4).cells
    # Papermill counts before it adds the cells that announce the error.
    counted = [cell for cell in cells if ERROR_TAG not in cell.metadata.get("tags", [])]
    return sum(not is_injected(cell) for cell in counted[: index + 1])


@contextlib.contextmanager
def _kernel(folder: Path, sockets: Path) -> Iterator[AsyncKernelManager]:
    """A kernel in `folder` that starts while this process still loads what it needs to talk to it.

    At the end it is killed: what a chapter leaves is on the disk by then, and a kernel that is
    asked to go takes half a second.
    """
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_core.utils import run_sync

    class OwnKernel(KernelSpecManager):
        """Our kernel, whatever kernels the user has registered."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            command = [sys.executable, "-m", "companion.kernel", "-f", "{connection_file}"]
            return KernelSpec(argv=command, display_name="Python 3", language="python")

    manager = AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=OwnKernel(),
        # Sockets in a private folder, not ports that every user of the machine can reach.
        transport="ipc",
        connection_file=str(sockets / "kernel.json"),
    )
    arguments = [
        # What the kernel's machinery has to say when it is stopped is not for readers.
        "--log-level=CRITICAL",
        "--HistoryManager.enabled=False",
    ]
    process = None
    try:
        run_sync(manager.start_kernel)(extra_arguments=arguments, cwd=str(folder))
        process = manager.provisioner.process
        yield manager
    finally:
        if process is not None:
            process.kill()
            process.wait()


def execute(folder: Path, sockets: Path) -> dict[str, Any] | None:
    """Execute the order in `folder`; a description of the failure, or None."""
    order = json.loads((folder / "order.json").read_text(encoding="utf-8"))
    draft, result = folder / "source.ipynb", folder / "notebook.ipynb"
    with _kernel(folder, sockets) as kernel:
        # Jupytext can do without its server extension, which loads a web server.
        for name in ("sync_contentsmanager", "async_contentsmanager"):
            sys.modules[f"jupytext.{name}"] = None  # type: ignore[assignment]
        import nbformat
        import papermill
        from papermill.exceptions import PapermillExecutionError

        nbformat.write(read_source(Path(order["source"])), draft)
        try:
            notebook = papermill.execute_notebook(
                draft,
                result,
                parameters=order["parameters"],
                kernel_name="python3",
                cwd=str(folder),
                progress_bar=sys.stderr.isatty(),
                log_output=False,
                start_timeout=120,
                km=kernel,
            )
        except PapermillExecutionError as error:
            lines = [line for line in str(error.evalue).splitlines() if line.strip()]
            cell = _cell_number(result, error.cell_index)
            return {"cell": cell, "error": f"{error.ename}: {lines[-1] if lines else ''}"}
        finally:
            draft.unlink(missing_ok=True)
    told = notebook.metadata.get("papermill", {})
    if told.get("exception") is not None or not told.get("end_time"):
        return {"error": "the notebook did not run to its end"}
    return None


def main() -> int:
    """Run the worker; 0 if the notebook ran to its end."""
    folder, parent = Path(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGTERM, _stop)
    _end_with(parent)
    try:
        with tempfile.TemporaryDirectory(prefix="companion-") as sockets:
            failure = execute(folder, Path(sockets))
    except Exception as error:  # whatever it was, the parent has to be able to say it
        failure = {"error": _last_line(error)}
    if failure:
        (folder / "failure.json").write_text(json.dumps(failure), encoding="utf-8")
        return 1
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    device_file = folder / "device.json"
    device = json.loads(device_file.read_text(encoding="utf-8")) if device_file.exists() else "cpu"
    device_file.unlink(missing_ok=True)
    record = {"peak_memory_bytes": peak, "device": device}
    (folder / "execution.json").write_text(json.dumps(record), encoding="utf-8")
    return 0


def _leave(code: int) -> NoReturn:
    """End this process at once: all is written, and taking down its sockets takes a while."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    try:
        code = main()
    except SystemExit as stop:
        code = int(stop.code or 0)
    _leave(code)
