"""From a model's text to what may be heard: no reasoning between tags, no broken characters."""

from __future__ import annotations

import re

TAGS = ("think", "thinking", "thought", "reasoning")
OPENINGS = tuple(f"<{tag}>" for tag in TAGS)

_OPENING = re.compile(rf"<({'|'.join(TAGS)})>", re.IGNORECASE)
_REASONING = re.compile(rf"<({'|'.join(TAGS)})>.*?(?:</\1>\s*|\Z)", re.IGNORECASE | re.DOTALL)
# Neither can be stored: PostgreSQL refuses NUL, and half of a surrogate pair is no UTF-8.
_BROKEN = re.compile("[\x00\ud800-\udfff]")
_HALF = re.compile("[\ud800-\udbff]$")


def mend(text: str) -> str:
    """Join surrogate pairs that came apart, and replace what is no character."""
    if not _BROKEN.search(text):
        return text
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def without_reasoning(text: str) -> str:
    """Return a whole text without what a model thought aloud."""
    return _REASONING.sub("", text)


class Speech:
    """One answer, fed piece by piece. A tag or a character that is cut in two is held back until it is whole."""

    def __init__(self) -> None:
        self._held = ""
        self._closing = ""
        self._skips_space = False

    def feed(self, text: str) -> str:
        """Take a piece; return what may be heard by now."""
        self._held += text
        if not self._closing and "<" not in self._held:
            return self._pass(len(self._held))  # nearly always
        heard = ""
        while True:
            if self._closing and not self._leave_reasoning():
                return heard
            opening = _OPENING.search(self._held)
            if opening is None:
                return heard + self._pass(self._safe_length())
            heard += self._pass(opening.start())
            self._held = self._held[len(opening[0]) :]
            self._closing = f"</{opening[1].lower()}>"

    def end(self) -> str:
        """Return what was held back; reasoning that was never closed stays unheard."""
        if self._closing:
            return ""
        rest, self._held = self._held, ""
        return mend(rest)

    def _leave_reasoning(self) -> bool:
        at = self._held.lower().find(self._closing)
        if at < 0:
            self._held = self._held[-len(self._closing) :]
            return False
        self._held = self._held[at + len(self._closing) :]
        self._closing = ""
        self._skips_space = True
        return True

    def _safe_length(self) -> int:
        """Return how much cannot be the beginning of a tag."""
        at = self._held.rfind("<")
        rest = self._held[at:].lower()
        is_beginning = at >= 0 and any(opening.startswith(rest) for opening in OPENINGS)
        return at if is_beginning else len(self._held)

    def _pass(self, length: int) -> str:
        if _HALF.search(self._held[:length]) and length == len(self._held):
            length -= 1
        text, self._held = self._held[:length], self._held[length:]
        if self._skips_space:
            text = text.lstrip()
            self._skips_space = not text
        return mend(text)
