"""One message, several requests: cut a text where one request ends and another begins."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.offline.brain import Brain, Reading, Topic

MAX_PIECES = 8
NEARLY = 0.17  # a piece this little below the threshold may still be a request
# How strongly each sign speaks for two requests. All lie between 0 and 1. Fitted (logistic regression) on
# joined and single messages of two businesses: once on half of them and once on all, and rounded between the two.
SIGNS = {
    "margin": 1.2,  # how far the less sure piece is above the threshold
    "probability": 2.7,  # of the less sure piece's topic
    "alike": -2.0,  # similarity of the pieces
    "same_agent": -2.0,
    "points_back": -1.7,  # "can I return it": more about the same
    "also": 3.4,
    "and": 1.1,
    "sentence": 0.7,
    "opens": 1.4,  # "I need", "how": a request of its own
    "comma": -2.2,  # and nothing else between them
}
NEEDED = 2.0

_CUT = re.compile(
    r"""
    (?P<end> (?<=[.!?;]) (?<!\bMr\.) (?<!\bMs\.) (?<!\bDr\.) (?<!\bMrs\.) \s* [,;]? \s+ | \s* \n+ \s*)
    (?: (?:and|also|then|plus|besides|next|finally) \b [\s,]* )*
    | \s* [,;]? \s* \b (?: and \s+ then | and \s+ also | as \s+ well \s+ as | then | also | plus | and | but
        | after \s+ that ) \b [\s,]*
    | \s* , \s*
    """,
    re.IGNORECASE | re.VERBOSE,
)
_TOKEN = re.compile(r"\w{2,}")
_ALSO = re.compile(
    r"\b(also|then|plus|besides|next|finally|as well as|after that)\b", re.IGNORECASE
)
_AND = re.compile(r"\band\b", re.IGNORECASE)
_POINTS_BACK = re.compile(
    r"\W*(\w+\W+){0,6}?(it|its|they|them|this|that|still|so)\b", re.IGNORECASE
)
# How a request begins that stands on its own.
_OPENS = re.compile(
    r"\W*(i|i'm|i'd|i've|how|what|where|when|which|why|who|can|could|is|are|do|does|would|will|please|need|want|help|"
    r"assistance|my)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Request:
    """One thing that is asked for: the customer's words, and what they are about."""

    text: str
    topic: Topic


@dataclass
class _Group:
    """Pieces that belong together; `core` is the one that says best what they are about."""

    start: int
    end: int
    core: str
    reading: Reading | None


def find_requests(text: str, brain: Brain) -> list[Request]:
    """Return the requests of a message in the customer's order, or nothing when it is not more than one.

    A piece begins a new request when it is confidently about something, and what came before it is confidently about
    something else. Pieces that say little join what they stand beside, so that one matter told at length stays one.
    """
    spans = _pieces(text)
    groups: list[_Group] = []
    for start, end in spans if len(spans) > 1 else []:
        piece = text[start:end]
        reading = brain.read_clause(piece)
        group = _Group(start, end, piece, reading if _is_sure(reading) else None)
        if groups and not _is_new(groups[-1], group, text, brain):
            _join(groups[-1], group)
        else:
            groups.append(group)
    found = [Request(_tidy(text[g.start : g.end]), g.reading.topic) for g in groups if g.reading]
    return found if len(found) > 1 else []


def _pieces(text: str) -> list[tuple[int, int]]:
    """Return where the pieces lie; one word alone is no piece."""
    spans: list[tuple[int, int]] = []
    start = 0
    for cut in _CUT.finditer(text):
        whole = _words(text[start : cut.start()]) >= 2 and _words(text[cut.end() :]) >= 2
        if whole and len(spans) < MAX_PIECES - 1:
            spans.append((start, cut.start()))
            start = cut.end()
    return [*spans, (start, len(text))]


def _words(text: str) -> int:
    return len(_TOKEN.findall(text))


def _is_sure(reading: Reading) -> bool:
    return reading.score >= reading.threshold - NEARLY and reading.talk is None


def _is_new(before: _Group, after: _Group, text: str, brain: Brain) -> bool:
    first, second = before.reading, after.reading
    if first is None or second is None or first.topic == second.topic:
        return False
    cut = text[before.end : after.start]
    signs = {
        "margin": min(first.score - first.threshold, second.score - second.threshold),
        "probability": min(first.probability, second.probability),
        "alike": brain.similarity(before.core, after.core),
        "same_agent": first.topic.agent == second.topic.agent,
        "points_back": _POINTS_BACK.match(after.core) is not None,
        "also": _ALSO.search(cut) is not None,
        "and": _AND.search(cut) is not None,
        "sentence": text[: before.end].rstrip(" ,;").endswith((".", "!", "?")),
        "opens": _OPENS.match(after.core) is not None,
        "comma": cut.strip() == ",",
    }
    return sum(weight * signs[sign] for sign, weight in SIGNS.items()) >= NEEDED


def _join(group: _Group, piece: _Group) -> None:
    group.end = piece.end
    if piece.reading and (group.reading is None or piece.reading.score > group.reading.score):
        group.reading, group.core = piece.reading, piece.core


def _tidy(text: str) -> str:
    return text.strip(" \t\n,;")
