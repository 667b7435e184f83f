"""The ways in which a language model fails: what staff read, and whether asking again may help.

What the customer reads is the template's. docs/explanation/model-failures.md has all of it in one table.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.errors import AgentsError


@dataclass(frozen=True)
class Kind:
    """One way to fail.

    Attributes:
        text: For the log and the health page: no content, no secret.
        is_retried: The same model may do better the second time.
        is_configuration: It lasts until somebody changes a setting or an account.
        is_declined: The model, or its provider, does not want to answer this customer's message.
    """

    text: str
    is_retried: bool = True
    is_configuration: bool = False
    is_declined: bool = False


KINDS = {
    "model_key_refused": Kind("its API refused the key; check OPENAI_API_KEY", False, True),
    "model_not_found": Kind(
        "its API knows no such model or address; check LLM_MODEL, the template's models and OPENAI_BASE_URL",
        False,
        True,
    ),
    "model_quota_used_up": Kind("the quota is used up; check the provider's account", False, True),
    "model_request_refused": Kind("its API refused the request as invalid", False),
    "model_busy": Kind("its API takes no more requests at the moment"),
    "model_unavailable": Kind("its API has an error of its own"),
    "model_unreachable": Kind("its API cannot be reached; check OPENAI_BASE_URL if this stays"),
    "model_too_slow": Kind("no answer in time"),
    "model_broke_off": Kind("the answer broke off"),
    "model_answer_cut": Kind("the answer was cut by its greatest length"),
    "model_filtered": Kind("the provider's content filter withheld the answer", False, False, True),
    "model_refused": Kind("the model refused to answer", False, False, True),
    "model_failed": Kind("no usable answer"),
}


class ModelFault(AgentsError):  # noqa: N818 - it says what happened, as those of errors.py do
    """One call of a model failed. `str()` is for staff.

    Args:
        code: A key of KINDS.
        detail: What else staff should know, such as "HTTP 429": never what a provider wrote, which may quote the
            customer or the key.
        retry_after: Seconds after which the provider wants to be asked again.
    """

    def __init__(self, code: str, detail: str = "", *, retry_after: float | None = None) -> None:
        self.code = code
        self.kind = KINDS[code]
        self.retry_after = retry_after
        super().__init__(f"{self.kind.text} ({detail})" if detail else self.kind.text)


def find_fault(error: Exception) -> ModelFault:
    """Return what went wrong, for any exception out of a call."""
    if isinstance(error, ModelFault):
        return error
    if isinstance(error, TimeoutError):
        return ModelFault("model_too_slow")
    # The type and not the text: it may quote the customer.
    return ModelFault("model_failed", type(error).__name__)
