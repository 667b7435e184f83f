"""Conversations to be disturbed, as data: what is said, what the model wants, how what waits is answered.

The model's script goes by what stands in the history, not by a count of its own: a process that takes over asks anew.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fakes import Script, call, to

SECOND = "And where is it now?"


@dataclass(frozen=True)
class Scenario:
    """One conversation.

    Attributes:
        script: Makes the model's script.
        answers: What is done about a waiting call of this tool: "approve", "reject", "expire", "yes" (the word),
            or "go on" (the customer writes something else).
        may_end_unknown: A kill may leave an outcome that only a person can find out.
    """

    name: str
    says: str
    script: Callable[[], Script]
    answers: dict[str, str] = field(default_factory=dict)
    may_end_unknown: bool = False


def in_turn(*steps):
    """Take the step that follows from how often tools were called since the customer spoke."""

    def step(messages):
        rounds = 0
        for message in reversed(messages):
            if message.type == "human":
                break
            rounds += bool(getattr(message, "tool_calls", None))
        made = steps[min(rounds, len(steps) - 1)]
        return made() if callable(made) else made

    return step


def asks(agent, *steps):
    return lambda: Script(router=[to(agent)], **{agent: [in_turn(*steps)]})


def look():
    return call("list_orders")


def cancel():
    return call("cancel_order", order_number="1043")


def refund():
    return call("refund_order", order_number="1044", amount="20.00")


def refund_much():
    return call("refund_order", order_number="1044", amount="100.00")


def take_off(percent):
    return lambda: call("apply_discount", order_number="1045", percent=percent)


def pay_out():
    return call("pay_out", amount=5)


def send_out():
    return call("send_out", amount=5)


def cancel_unless_second(messages):
    said = [message.content for message in messages if message.type == "human"]
    return "It is here." if said[-1] == SECOND else cancel()


SCENARIOS = (
    Scenario("read", "Where is my order?", asks("orders", look, "It is on its way.")),
    Scenario(
        "approve",
        "Please cancel 1043.",
        asks("orders", look, cancel, "It is cancelled."),
        {"cancel_order": "approve"},
    ),
    Scenario("policy", "Something off?", asks("payments", take_off(5), "Five percent are off.")),
    Scenario(
        "staff", "100 back.", asks("payments", refund_much, "Done."), {"refund_order": "approve"}
    ),
    Scenario("reject", "Cancel.", asks("orders", cancel, "All right."), {"cancel_order": "reject"}),
    Scenario("expire", "Cancel.", asks("orders", cancel, "Never."), {"cancel_order": "expire"}),
    Scenario("yes", "20 back.", asks("payments", refund, "Done."), {"refund_order": "yes"}),
    Scenario(
        "several",
        "20 back, and 8 percent off.",
        asks("payments", lambda: [refund(), take_off(8)()], "One of the two is done."),
        {"refund_order": "approve", "apply_discount": "reject"},
    ),
    Scenario("outside", "Pay.", asks("outside", pay_out, "Paid."), {"pay_out": "approve"}),
    Scenario(
        "outside once",
        "Send.",
        asks("outside", send_out, "It is on its way."),
        {"send_out": "approve"},
        may_end_unknown=True,
    ),
    Scenario(
        "go on",
        "Cancel.",
        lambda: Script(router=[to("orders")], orders=[cancel_unless_second]),
        {"cancel_order": "go on"},
    ),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
