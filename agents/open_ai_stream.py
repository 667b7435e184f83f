"""A streamed answer of OpenAI's chat completions: text at once, all the rest at its end."""

from __future__ import annotations

from typing import Any

from agents.model_faults import ModelFault
from agents.open_ai_faults import find_in_stream


class Ending:
    """What of an answer waits for its end, because nobody can do anything with half of it.

    Attributes:
        has_begun: Anything of the answer has come.
        refusal: The words with which the model refused to answer.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self.refusal = ""
        self._calls: list[dict[str, Any]] = []
        self._last: dict[str, Any] = {}
        self._usage: dict[str, Any] | None = None

    def take(self, event: Any) -> str:
        """Keep what waits, and return the text, which does not.

        Raises:
            ModelFault: The event tells of an error, or is no event.
        """
        if not isinstance(event, dict):
            raise ModelFault("model_failed", "no event")
        if error := event.get("error"):
            raise find_in_stream(error)
        self.has_begun = True
        self._usage = event.get("usage") or self._usage
        choice = (event.get("choices") or [{}])[0]
        delta = choice.get("delta") or {}
        if choice.get("finish_reason"):
            self._last = event
        for part in delta.get("tool_calls") or ():
            self._take_call(part)
        self.refusal += delta.get("refusal") or ""
        return delta.get("content") or ""

    def _take_call(self, part: dict[str, Any]) -> None:
        index, call_id, function = part.get("index"), part.get("id"), part.get("function") or {}
        call = next((c for c in reversed(self._calls) if c["index"] == index), None)
        # Some servers count all calls as the first; their ids tell them apart.
        if call is None or (call_id and call["id"] and call_id != call["id"]):
            call = {"index": index, "id": None, "name": "", "arguments": ""}
            self._calls.append(call)
        call["id"] = call_id or call["id"]
        call["name"] += function.get("name") or ""
        call["arguments"] += function.get("arguments") or ""

    def as_event(self) -> dict[str, Any] | None:
        """Return the end as if it had come in one event, for ChatOpenAI to read; None when it has not come."""
        if not self._last:
            return None
        calls = [
            {
                "index": at,
                "id": call["id"],
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for at, call in enumerate(self._calls)
        ]
        choice = self._last["choices"][0]
        delta = {"role": "assistant", "content": "", "tool_calls": calls}
        return {**self._last, "choices": [{**choice, "delta": delta}], "usage": self._usage}
