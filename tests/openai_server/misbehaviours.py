"""Every way to misbehave that the product has an answer to, by name. docs/explanation/model-failures.md tells which."""

from __future__ import annotations

from tests.openai_server.answers import Answer, Call, call, calls, fail, route, say

TEXT = "Your parcel left our warehouse on Monday and arrives tomorrow."
FOREVER = 60.0
LOOK_UP = Call(name="get_order", arguments='{"order_number": "1043"}')
HALF_CALL = Call(name="cancel_order", arguments='{"order_number": "1043')


def half(*, text: str = "", **values: object) -> Answer:
    return Answer(text=text, calls=[HALF_CALL], **values)


# What the agent's model answers; the router behaves.
OF_AN_AGENT: dict[str, Answer] = {
    "401 key": fail(401, "invalid_api_key"),
    "403 access": fail(403),
    "404 model": fail(404, "model_not_found"),
    "400 request": fail(400, "context_length_exceeded"),
    "400 content filter": fail(400, "content_filter"),
    "429 Retry-After 1": fail(429, "rate_limit_exceeded", headers={"retry-after": "1"}),
    "429 Retry-After 60": fail(429, "rate_limit_exceeded", headers={"retry-after": "60"}),
    "429 quota": fail(429, "insufficient_quota"),
    "500": fail(500),
    "503": fail(503),
    "hung up": Answer(cut_after=-1),
    "stall before the stream": say(TEXT, stall_before=FOREVER),
    "stall within the stream": say(TEXT, stall_after=(2, FOREVER)),
    "cut in the text": say(TEXT, cut_after=3),
    "cut in a tool call": half(cut_after=2),
    "cut in a tool call after text": half(text="One moment. ", cut_after=4),
    "end without a reason in the text": say(TEXT, end_after=3),
    "end without a reason in a tool call": half(end_after=2),
    "error in the stream": say(TEXT, error_after=0),
    "no JSON in the stream": say(TEXT, raw_after=(0, "<html>Bad gateway</html>")),
    "empty": say(""),
    "white space": say(" \n\n"),
    "length in the text": say(TEXT, finish_reason="length"),
    "length in a tool call": half(finish_reason="length"),
    "length in the reasoning": Answer(reasoning="Let me see.", finish_reason="length"),
    "content filter before the text": say("", finish_reason="content_filter"),
    "content filter in the text": say("Your parcel is", finish_reason="content_filter"),
    "refusal": Answer(refusal="I will not do that, says policy 17."),
    "arguments that are no JSON": half(),
    "arguments that do not fit": call("get_order", parcel=1043),
    "unknown tool": call("refund_everything", order_number="1043"),
    "text and a tool call": Answer(text="Let me look that up.", calls=[LOOK_UP]),
    "several tool calls": calls(
        call("get_order", order_number="1043"), call("get_order", order_number="1044")
    ),
    "reasoning_content": say(TEXT, reasoning="The customer is annoying."),
    "<think>": say(f"<think>The customer is annoying.</think>\n\n{TEXT}"),
    "<think> that never ends": say("<think>The customer is annoying. " + TEXT),
    "half a UTF-8 character": say("Grüße 📦 " + TEXT, bytes_a_piece=3),
    "half a surrogate pair": say("Grüße 📦 " + TEXT, has_surrogates=True),
    "NUL": say("\x00" + TEXT),
}

# What the router's model answers; the agent would behave.
OF_THE_ROUTER: dict[str, Answer] = {
    "router: 503": fail(503),
    "router: 401 key": fail(401, "invalid_api_key"),
    "router: empty": say(""),
    "router: prose": say("I would send this to orders."),
    "router: another structure": Answer(structure={"intents": "orders"}),
    "router: length": route("orders", finish_reason="length"),
    "router: content filter": say("", finish_reason="content_filter"),
    "router: refusal": Answer(refusal="I will not do that, says policy 17."),
    "router: <think>": route("orders", reasoning="<think>"),
    "router: unknown agent": route("wizard"),
}

ALL = OF_AN_AGENT | OF_THE_ROUTER
