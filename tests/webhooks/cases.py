"""What becomes of a delivery, by how its receiver behaves; docs/explanation/webhooks.md is this, as a table."""

from dataclasses import dataclass

from tests.webhooks.receiver import (
    Reply,
    bomb,
    drip,
    drip_head,
    hang,
    pour,
    reset,
    talk_nonsense,
)

DEAD_AT_ONCE = "dead at once"
DEAD = "dead after 4 attempts"
DELIVERED = "delivered"
ON = "stays enabled"
OFF = "is disabled"


@dataclass(frozen=True)
class Case:
    """One row. `replies` are the receiver's, `codes` the attempts' status codes, `error` what staff read."""

    replies: list
    codes: list
    state: str = DELIVERED
    error: str = ""
    endpoint: str = ON
    is_tls: bool = False
    reaches_receiver: bool = True

    @property
    def attempts(self):
        return ", ".join(str(code or "none") for code in self.codes)


def refused(code):
    return Case([Reply(code)], [code], DEAD_AT_ONCE, f"The receiver answered {code}.")


def broken(behaviour, error):
    return Case([behaviour], [None] * 4, DEAD, error)


def retried(code):
    return Case([Reply(code), Reply()], [code, 200])


CASES = {
    "200": Case([Reply()], [200]),
    "204 without a body": Case([Reply(204, body=b"", headers={"x": "y"})], [204]),
    "500 twice, then 200": Case([Reply(500), Reply(500), Reply()], [500, 500, 200]),
    "500 always": Case([Reply(500)], [500] * 4, DEAD, "The receiver answered 500."),
    "503, then 200": retried(503),
    "408, then 200": retried(408),
    "425, then 200": retried(425),
    "429 with Retry-After 120, then 200": Case(
        [Reply(429, {"retry-after": "120"}), Reply()], [429, 200]
    ),
    "400": refused(400),
    "401": refused(401),
    "404": refused(404),
    "410": Case([Reply(410)], [410], DEAD_AT_ONCE, "The receiver answered 410.", OFF),
    "302 to a loopback address": Case(
        [Reply(302, {"location": "http://127.0.0.1:1/elsewhere"})],
        [302],
        DEAD_AT_ONCE,
        "The receiver answered 302.",
    ),
    "hangs before it answers": broken(hang, "not finished within 0.5 s"),
    "one byte of its head a second": broken(drip_head, "not finished within 0.5 s"),
    "200, then one byte of its body a second": Case([Reply(then=drip)], [200]),
    "resets the connection": broken(reset, "the connection broke off"),
    "200, then resets the connection": Case([Reply(then=reset)], [200]),
    "speaks no HTTP": broken(talk_nonsense, "the answer was no proper HTTP"),
    "certificate that nobody vouches for": Case(
        [Reply()],
        [None] * 4,
        DEAD,
        "certificate verify failed",
        is_tls=True,
        reaches_receiver=False,
    ),
    "200 with 1 GiB": Case([Reply(then=pour)], [200]),
    "head without an end": Case(
        [Reply(200, {f"x-{at}": "x" * 1000 for at in range(200)})],
        [None] * 4,
        DEAD,
        "more than 65536 bytes came",
    ),
    "200 with a gzip bomb": Case([Reply(headers={"content-encoding": "gzip"}, body=bomb())], [200]),
    "500 with a gzip bomb": Case(
        [Reply(500, {"content-encoding": "gzip"}, bomb())],
        [500] * 4,
        DEAD,
    ),
}
