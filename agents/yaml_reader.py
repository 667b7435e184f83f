"""YAML as templates need it: plain data with the place of each value, and nothing surprising.

PyYAML speaks YAML 1.1, in which `no` is false, `12:30` is 750 and `2024-01-01` is a date. Here, as
in YAML 1.2, only `true` and `false` are booleans, and what is no plain number is text. Aliases,
tags and merges are refused: a template needs none, and a few bytes with them become gigabytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import yaml

MAX_BYTES = 256 * 1024
MAX_DEPTH = 10

# libyaml is ten times faster; a PyYAML built without it reads the same.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}\Z")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Loc = tuple[str | int, ...]


class YamlRefused(Exception):  # noqa: N818 - it is turned into TemplateInvalid at once
    """The text is no YAML that we take. `str()` begins with "line:column: "."""


@dataclass
class Document:
    """What a YAML text holds.

    Attributes:
        data: Dictionaries with text keys, lists, text, numbers, booleans and None.
        marks: Where each key (or list item) begins; line and column, from 1.
    """

    data: Any
    marks: dict[Loc, tuple[int, int]] = field(default_factory=dict)

    def place(self, loc: Loc) -> str:
        """Return "line:column" of that place, or of the nearest one around it."""
        while loc and loc not in self.marks:
            loc = loc[:-1]
        line, column = self.marks.get(loc, (1, 1))
        return f"{line}:{column}"


def read_document(raw: str | bytes) -> Document:
    """Read one YAML document.

    Raises:
        YamlRefused: It is too large or too deep, not UTF-8, not YAML, more than one document, or
            has aliases, anchors, tags, repeated keys, keys that are not text, or infinite numbers.
    """
    text = _decode(raw)
    try:
        return _Builder(yaml.parse(text, Loader=_LOADER)).build()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = "; ".join(part for part in (error.problem, error.context) if part)
        raise YamlRefused(f"{_place(mark)}: not valid YAML: {what}") from None
    except yaml.YAMLError as error:
        raise YamlRefused(f"1:1: not valid YAML: {' '.join(str(error).split())}") from None


def _decode(raw: str | bytes) -> str:
    try:
        encoded = raw.encode() if isinstance(raw, str) else raw
    except UnicodeEncodeError as error:
        raise YamlRefused(f"1:1: not valid Unicode at character {error.start + 1}") from None
    if len(encoded) > MAX_BYTES:
        raise YamlRefused(
            f"1:1: {len(encoded)} bytes; a template has at most {MAX_BYTES} bytes (256 KiB)"
        )
    try:
        return encoded.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = encoded.count(b"\n", 0, error.start) + 1
        column = error.start - encoded.rfind(b"\n", 0, error.start)
        byte = encoded[error.start]
        raise YamlRefused(
            f"{line}:{column}: not UTF-8: byte 0x{byte:02x}; save the file as UTF-8"
        ) from None


def _place(mark: Any) -> str:
    return "1:1" if mark is None else f"{mark.line + 1}:{mark.column + 1}"


class _Builder:
    """Builds data from parser events, and stops at the first wrong one, before anything grows."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._document = Document(None)

    def build(self) -> Document:
        first = self._next()
        while isinstance(first, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
            first = self._next()
        if isinstance(first, yaml.StreamEndEvent):
            raise YamlRefused("1:1: the file is empty")
        self._mark((), first)
        self._document.data = self._value(first, (), 1)
        for event in islice(self._events, 1, None):
            if isinstance(event, yaml.DocumentStartEvent):
                raise self._refused(event, "a second document begins; a file holds one template")
        return self._document

    def _next(self) -> Any:
        return next(self._events)

    def _mark(self, loc: Loc, event: Any) -> None:
        self._document.marks[loc] = (event.start_mark.line + 1, event.start_mark.column + 1)

    @staticmethod
    def _refused(event: Any, why: str) -> YamlRefused:
        return YamlRefused(f"{_place(event.start_mark)}: {why}")

    def _value(self, event: Any, loc: Loc, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            raise self._refused(event, f"alias *{event.anchor}; write the value out instead")
        if event.anchor is not None:
            raise self._refused(
                event, f"anchor &{event.anchor}; templates have no anchors or aliases"
            )
        if event.tag is not None:
            raise self._refused(event, f"tag {event.tag!r}; templates have no tags")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if depth > MAX_DEPTH:
            raise self._refused(event, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(loc, depth)
        return self._mapping(loc, depth)

    def _list(self, loc: Loc, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            item_loc = (*loc, len(items))
            self._mark(item_loc, event)
            items.append(self._value(event, item_loc, depth + 1))
        return items

    def _mapping(self, loc: Loc, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event, loc, mapping)
            key_loc = (*loc, key)
            self._mark(key_loc, event)
            mapping[key] = self._value(self._next(), key_loc, depth + 1)
        return mapping

    def _key(self, event: Any, loc: Loc, mapping: dict[str, Any]) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refused(
                event, "a key is a list, a mapping or an alias; keys are plain text"
            )
        key = self._value(event, loc, 0)
        if not isinstance(key, str):
            raise self._refused(event, f'the key {event.value!r} is no text; write "{event.value}"')
        if event.implicit[0] and key == "<<":
            raise self._refused(event, "merge key <<; write the values out instead")
        if key in mapping:
            first_line, _ = self._document.marks[(*loc, key)]
            raise self._refused(
                event, f"the key {key!r} stands here twice; first in line {first_line}"
            )
        return key

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if _UNSTORABLE.search(text):
            raise self._refused(event, f"{text[:40]!r} has a character that cannot be stored")
        # Only plain scalars are ever anything but text.
        return self._plain(event, text) if event.implicit[0] else text

    def _plain(self, event: Any, text: str) -> Any:
        if text in _NULL:
            return None
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        if _INTEGER.match(text):
            return int(text)
        if _NUMBER.match(text):
            number = float(text)
            if math.isfinite(number):
                return number
        elif not _NOT_FINITE.match(text):
            return text
        raise self._refused(event, f"{text[:40]} is no finite number")
