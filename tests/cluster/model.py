"""The model behind the cluster: over real HTTP, and with an answer that tells which message it answers."""

from tests.openai_server.answers import call, route, say
from tests.openai_server.app import role_of

THINKS_SECONDS = 1


def answer_to(asked):
    return f"You asked me this and nothing else: {asked}"


async def answer(request):
    """Cancel and refund when told to; else say, after a second, what was asked."""
    asked = next(m["content"] for m in reversed(request["messages"]) if m["role"] == "user")
    if role_of(request) == "router":
        return route("returns" if asked.startswith("Refund") else "orders")
    if request["messages"][-1]["role"] == "tool":
        return say("That is done.")
    verb, _, number = asked.partition(" ")
    if verb == "Cancel":
        return call("cancel_order", order_number=number)
    if verb == "Refund":
        return call("refund_order", order_number=number, amount="60.00")
    return say(answer_to(asked), stall_before=THINKS_SECONDS)
