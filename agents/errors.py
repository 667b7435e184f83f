"""What can go wrong in this app. `code` is the same on the wire and in the docs."""

from __future__ import annotations


class AgentsError(Exception):
    """Base of this app's errors."""

    code = "agents_error"


class TemplateInvalid(AgentsError):
    """A template was refused; the message says file, place, value and what would be right."""

    code = "template_invalid"


class ToolUnknown(AgentsError):
    """No installed app has a tool of that name."""

    code = "tool_unknown"


class ModelFailed(AgentsError):
    """The language model gave no usable answer, also not on the second try, nor did its fallback.

    Attributes:
        is_reported: What is wrong is a matter of configuration, and was logged when it was first seen.
    """

    def __init__(self, text: str, code: str = "model_failed", *, is_reported: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.is_reported = is_reported
