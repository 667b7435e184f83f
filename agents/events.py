"""Facts of templates, told to whoever subscribes, in the transaction of the fact."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class TemplatePublished:
    """A template has a new current version."""

    name: ClassVar[str] = "template.published"
    slug: str
    title: str
    version: int
    checksum: str
    source: str

    def payload(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


Subscriber = Callable[[TemplatePublished], None]
_subscribers: list[Subscriber] = []


def subscribe(function: Subscriber) -> Subscriber:
    """Call `function` in the transaction of every fact; when it fails, the fact never happened."""
    if function not in _subscribers:
        _subscribers.append(function)
    return function


def publish(fact: TemplatePublished) -> None:
    """Tell the subscribers of a fact, inside its transaction."""
    for function in _subscribers:
        function(fact)
