"""What the platform makes of each misbehaviour; docs/explanation/model-failures.md is this, as a table."""

from dataclasses import dataclass

from agents.model_faults import KINDS
from agents.spec import Texts
from tests.openai_server.misbehaviours import TEXT

SORRY = Texts().failed
CANNOT = Texts().cannot_answer
CUT_SHORT = Texts().cut_short

ANSWER = "the complete answer"
FAILS = "one sentence: `failed`"
PART_FAILS = "what had been said, then one sentence: `failed`"
DECLINES = "one sentence: `cannot_answer`"
PART_DECLINES = "what had been said, closed by the sentence `cannot_answer`"
CLOSES = "what had been said, closed by the sentence `cut_short`"

ONCE_MORE = "once"
NEVER = "no"
TOLD = "no; the model is told what was wrong, and goes on"


@dataclass(frozen=True)
class Case:
    """One row of the table. `code` is the run's error_code, `tries` the calls of the model that misbehaves."""

    customer: str
    code: str = ""
    tries: int = 1
    note: str = ""
    has_calls: bool = False

    @property
    def status(self):
        return "failed" if self.customer in (FAILS, PART_FAILS) else "completed"

    @property
    def is_fault(self):
        return self.customer != ANSWER

    @property
    def stored(self):
        return f"run `{self.status}`, `{self.code}`" if self.code else f"run `{self.status}`"

    @property
    def retried(self):
        if not self.is_fault:
            return TOLD if self.tries > 1 and not self.note else NEVER
        text = ONCE_MORE if self.tries > 1 else NEVER
        return f"{text}; {self.note}" if self.note else text

    @property
    def staff(self):
        if not self.code:
            return "the calls in the timeline" if self.has_calls else "nothing"
        kind = KINDS[self.code]
        if kind.is_configuration:
            return "the code; one log line in all; the health page"
        is_on_page = not kind.is_declined and self.status == "failed"
        return "the code; one log line" + ("; the health page" if is_on_page else "")


def failing(code, tries, note=""):
    return Case(FAILS, code, tries, note)


CASES = {
    "401 key": failing("model_key_refused", 1),
    "403 access": failing("model_key_refused", 1),
    "404 model": failing("model_not_found", 1),
    "400 request": failing("model_request_refused", 1),
    "400 content filter": Case(DECLINES, "model_filtered"),
    "429 Retry-After 1": failing("model_busy", 2, "after the second that it asks for"),
    "429 Retry-After 60": failing("model_busy", 1, "more than 5 s is too long to wait"),
    "429 quota": failing("model_quota_used_up", 1),
    "500": failing("model_unavailable", 2, "after half a second"),
    "503": failing("model_unavailable", 2, "after half a second"),
    "hung up": failing("model_unreachable", 2),
    "stall before the stream": failing("model_too_slow", 2),
    "stall within the stream": Case(PART_FAILS, "model_too_slow"),
    "cut in the text": Case(PART_FAILS, "model_broke_off"),
    "cut in a tool call": failing("model_broke_off", 2),
    "cut in a tool call after text": Case(PART_FAILS, "model_broke_off"),
    "end without a reason in the text": Case(PART_FAILS, "model_broke_off"),
    "end without a reason in a tool call": failing("model_broke_off", 2),
    "error in the stream": failing("model_unavailable", 2, "after half a second"),
    "no JSON in the stream": failing("model_failed", 2),
    "empty": failing("model_failed", 2),
    "white space": failing("model_failed", 2),
    "length in the text": Case(CLOSES, "model_answer_cut"),
    "length in a tool call": failing("model_answer_cut", 2),
    "length in the reasoning": failing("model_answer_cut", 2),
    "content filter before the text": Case(DECLINES, "model_filtered"),
    "content filter in the text": Case(PART_DECLINES, "model_filtered"),
    "refusal": Case(DECLINES, "model_refused"),
    "arguments that are no JSON": Case(ANSWER, tries=2, has_calls=True),
    "arguments that do not fit": Case(ANSWER, tries=2, has_calls=True),
    "unknown tool": Case(ANSWER, tries=2),
    "text and a tool call": Case(ANSWER, tries=2, note="it is in order", has_calls=True),
    "several tool calls": Case(ANSWER, tries=2, note="it is in order", has_calls=True),
    "reasoning_content": Case(ANSWER),
    "<think>": Case(ANSWER),
    "<think> that never ends": failing("model_failed", 2),
    "half a UTF-8 character": Case(ANSWER),
    "half a surrogate pair": Case(ANSWER),
    "NUL": Case(ANSWER),
    "router: 503": failing("model_unavailable", 2, "after half a second"),
    "router: 401 key": failing("model_key_refused", 1),
    "router: empty": failing("model_failed", 2),
    "router: prose": failing("model_failed", 2),
    "router: another structure": failing("model_failed", 2),
    "router: length": failing("model_answer_cut", 2),
    "router: content filter": Case(DECLINES, "model_filtered"),
    "router: refusal": Case(DECLINES, "model_refused"),
    "router: <think>": Case(ANSWER),
    "router: unknown agent": Case("the template's question `clarify`"),
}

# What the customer reads where it is not the answer to the scripted text; TEXT up to its third word was streamed.
PART = "Your parcel left "
SAID = {
    "stall within the stream": ["Your parcel ", SORRY],
    "cut in a tool call after text": ["One moment. ", SORRY],
    "length in the text": [f"{TEXT}\n\n{CUT_SHORT}"],
    "content filter in the text": [f"Your parcel is\n\n{CANNOT}"],
    "text and a tool call": ["Let me look that up.", TEXT],
    "half a UTF-8 character": [f"Grüße 📦 {TEXT}"],
    "half a surrogate pair": [f"Grüße 📦 {TEXT}"],
    "NUL": [f"\N{REPLACEMENT CHARACTER}{TEXT}"],
    "router: unknown agent": [Texts().clarify],
}
BY_CUSTOMER = {ANSWER: [TEXT], FAILS: [SORRY], PART_FAILS: [PART, SORRY], DECLINES: [CANNOT]}


def said_in(name):
    """Return the messages that the customer has at the end."""
    return SAID.get(name) or BY_CUSTOMER[CASES[name].customer]
