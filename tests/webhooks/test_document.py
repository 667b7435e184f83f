"""The pages on webhooks say what the tests prove, and their examples work."""

import json
import subprocess

from django.utils import timezone

from escalation.services import deliveries
from tests.contracts.docs_pages import DOCS, example
from tests.webhooks.cases import CASES
from tests.webhooks.test_sign import node_folder

__all__ = ["node_folder"]

PAGE = DOCS / "explanation/webhooks.md"
HEAD = "| receiver | status of each attempt | the delivery | the endpoint |"


def test_the_table_has_a_row_for_each_case_and_says_what_is_tested():
    wanted = [f"| {n} | {c.attempts} | {c.state} | {c.endpoint} |" for n, c in CASES.items()]
    text = PAGE.read_text()
    written = text[text.index(HEAD) :].partition("\n\n")[0].splitlines()[2:]
    assert written == wanted, "the table should be:\n" + "\n".join(wanted)


def test_python_example_takes_what_is_sent(endpoint, receiver, deliver):
    deliveries.send_test(endpoint, now=timezone.now())
    deliver()
    [request] = receiver.requests
    handled = []
    names = {"handle_once": lambda webhook_id, event: handled.append((webhook_id, event["type"]))}
    exec(example("how-to/receive-webhooks.md", "receive in Python"), names)
    assert names["receive"](endpoint.clear_secret, request.headers, request.body) == 204
    assert handled == [(request.headers["webhook-id"], "endpoint.tested")]
    assert names["receive"](endpoint.clear_secret, request.headers, request.body + b" ") == 401
    assert len(handled) == 1


def test_node_example_takes_what_is_sent(endpoint, receiver, deliver, node_folder):
    deliveries.send_test(endpoint, now=timezone.now())
    deliver()
    [request] = receiver.requests
    text = example("how-to/receive-webhooks.md", "receive in Node")
    given = [endpoint.clear_secret, request.headers, request.body.decode()]
    script = (
        f"{text}\nconst handled = [];\nfunction handleOnce(id, event) {{ handled.push(event.type); }}\n"
        f"const [secret, headers, body] = {json.dumps(given)};\n"
        "console.log(JSON.stringify([receive(secret, headers, body), receive(secret, headers, body + ' '), handled]));"
    )
    done = subprocess.run(
        ["node", "-e", script], cwd=node_folder, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [204, 401, ["endpoint.tested"]]
