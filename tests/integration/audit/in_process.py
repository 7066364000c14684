"""The command line without a process of its own, which costs a second."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import structlog

from tests.unit.entrypoints.test_command_line import environment
from whatchat.__main__ import main


def whatchat(*arguments: str, cwd: Path, **settings: str) -> "CompletedProcess[str]":
    """What ``whatchat`` does with these arguments and settings in that folder.

    Only from where no event loop runs.
    """
    out, error = TextIOWrapper(BytesIO()), TextIOWrapper(BytesIO())
    with _told(arguments, settings), chdir(cwd), redirect_stdout(out), redirect_stderr(error):
        status = _status()
    return CompletedProcess(arguments, status, _text(out), _text(error))


def _status() -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


@contextmanager
def _told(arguments: tuple[str, ...], settings: dict[str, str]) -> Iterator[None]:
    """The arguments and the environment; the logs go where they went, afterwards."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["whatchat", *arguments])
            patch.setattr(os, "environ", environment(**settings))
            yield
    finally:
        root.handlers[:], root.level = handlers, level
        structlog.configure(**before)


def _text(stream: TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, BytesIO)
    return buffer.getvalue().decode()
