"""Keeps credentials out of reports: what pytest, Allure and the terminal are given to write.

The rules are aftershock.redaction's, and what we write ourselves passes through it on its way to
the disk. Here is what stands before those who write by themselves: JUnit's file, Allure's results,
and the terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TextIO
from xml.etree import ElementTree as ET

import allure_commons
import pytest

from aftershock.redaction import redact

__all__ = ["CleanResults", "CleanStream", "clean_terminal", "redact", "redact_tree"]


class CleanResults:
    """A plugin of allure-commons that redacts every result before it is written."""

    @allure_commons.hookimpl(tryfirst=True)
    def report_result(self, result: Any) -> None:
        """Redact a scenario with its steps, parameters, labels and messages."""
        _redact_item(result)

    @allure_commons.hookimpl(tryfirst=True)
    def report_container(self, container: Any) -> None:
        """Redact what was set up and taken down."""
        _redact_item(container)


class CleanStream:
    """A text stream that redacts what is written to it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text` without secrets; return how much was taken."""
        self._stream.write(redact(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def clean_terminal(config: pytest.Config) -> None:
    """Redact what pytest says from now on, and under -s what anybody prints."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter:  # not there under -p no:terminal
        writer = reporter._tw  # noqa: SLF001 - pytest gives no other way to what it writes to
        _exchange(config, writer, "_file")
    if config.option.capture == "no":
        _exchange(config, sys, "stdout")
        _exchange(config, sys, "stderr")


def _exchange(config: pytest.Config, holder: Any, name: str) -> None:
    stream = getattr(holder, name)
    setattr(holder, name, CleanStream(stream))
    back: Callable[[], None] = lambda: setattr(holder, name, stream)  # noqa: E731 - typed for the cleanup
    config.add_cleanup(back)


def redact_tree(root: ET.Element) -> None:
    """Redact every text and attribute of an XML document."""
    for element in root.iter():
        element.text = redact(element.text) if element.text else element.text
        element.tail = redact(element.tail) if element.tail else element.tail
        for name, value in element.attrib.items():
            element.set(name, redact(value))


def _redact_item(item: Any) -> None:
    """Redact every text of one of Allure's objects, and of those in it."""
    for name, value in vars(item).items():
        if isinstance(value, str):
            setattr(item, name, redact(value))
        elif isinstance(value, list):
            value[:] = [redact(part) if isinstance(part, str) else part for part in value]
        for part in value if isinstance(value, list) else [value]:
            if hasattr(part, "__dict__"):
                _redact_item(part)
