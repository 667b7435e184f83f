"""What must hold of the rows after every trial, whatever was killed. Read by SQL, past the product's code.

    complaints = check(copy)

Each rule yields a sentence for each thing that is wrong; none means that the promises held.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta

from tests.faults.databases import as_hex, as_json

ENDED = ("completed", "interrupted", "stopped", "failed", "handed_off")
# Not what the policy decided, nor what was withdrawn at once because its business key was taken.
ASKED = "approver <> 'none' AND NOT (status = 'superseded' AND decided_at = created_at)"
SETTLED_EFFECTS = ("done", "refused", "failed", "unknown")


def check(copy, *, is_over=True, sweep_seconds=5):
    """Return what is wrong; `is_over`: nothing is going on any more, so that nothing may be half done."""
    complaints = [text for rule in RULES for text in rule(copy)]
    complaints += no_lapsed_lease(copy, sweep_seconds)
    if is_over:
        complaints += [text for rule in RULES_AT_THE_END for text in rule(copy)]
    return complaints


def effects_have_approvals(copy):
    """An effect stands under one approval of exactly this, given in time by whom the policy named."""
    rows = copy.rows("""
        SELECT e.id, e.tool, i.status, i.decided_by, i.approver FROM conversations_effect e
        LEFT JOIN conversations_interrupt i ON i.id = e.interrupt_id
        WHERE i.id IS NULL OR i.status <> 'approved' OR i.decided_at IS NULL
           OR i.decided_at >= i.expires_at OR i.tool <> e.tool OR i.conversation_id <> e.conversation_id
           OR i.decided_by <> CASE i.approver WHEN 'none' THEN 'system' ELSE i.approver END
    """)
    yield from (f"effect {r['id']} ({r['tool']}) without a valid approval: {r}" for r in rows)
    rows = copy.rows("""
        SELECT c.thread_id,
          (SELECT count(*) FROM conversations_effect e WHERE e.conversation_id = c.id) AS effects,
          (SELECT count(*) FROM conversations_interrupt i
           WHERE i.conversation_id = c.id AND i.status = 'approved') AS approvals
        FROM conversations_conversation c
    """)
    yield from (f"more effects than approvals: {r}" for r in rows if r["effects"] > r["approvals"])


def approvals_have_effects(copy):
    """What was approved, and whose run went on to its end, was done, refused, failed, or is shown as unknown."""
    rows = copy.rows("""
        SELECT i.id, i.tool, r.status AS run, count(e.id) AS effects, max(e.status) AS effect
        FROM conversations_interrupt i JOIN conversations_run r ON r.id = i.run_id
        LEFT JOIN conversations_effect e ON e.interrupt_id = i.id
        WHERE i.status = 'approved' AND r.status IN ('completed', 'interrupted', 'stopped', 'handed_off')
        GROUP BY i.id, i.tool, r.status
    """)
    for r in rows:
        if r["effects"] != 1 or r["effect"] not in SETTLED_EFFECTS:
            yield f"interrupt {r['id']} ({r['tool']}) was approved, its run ended: {r}"


def seqs_are_whole(copy):
    """1, 2, 3 … in each thread, and the conversation knows the last."""
    rows = copy.rows("""
        SELECT c.thread_id, c.last_seq, count(e.seq) AS n, min(e.seq) AS low, max(e.seq) AS high
        FROM conversations_conversation c LEFT JOIN conversations_event e ON e.conversation_id = c.id
        GROUP BY c.id, c.thread_id, c.last_seq
    """)
    for r in rows:
        if r["n"] and (r["low"], r["high"], r["last_seq"]) != (1, r["n"], r["n"]):
            yield f"seq has a hole or a double: {r}"
        if not r["n"] and r["last_seq"]:
            yield f"events are gone: {r}"


def events_tell_of_the_rows(copy):
    """Each message was announced once, and says in the event what it says in its row; so were interrupts and ends."""
    said = Counter()
    events = _events(copy)
    for event in events:
        if event["type"] in ("message", "message_accepted", "clarification"):
            text = event["payload"].get("content", event["payload"].get("message"))
            said[(as_hex(event["payload"]["message_id"]), text)] += 1
    rows = copy.rows("SELECT id, content FROM conversations_message")
    kept = Counter((as_hex(r["id"]), r["content"]) for r in rows)
    if said != kept:
        yield f"messages and their events differ: {(said - kept) + (kept - said)}"
    for kind, table, where in (
        ("interrupt", "interrupt", ASKED),
        ("interrupt_resolved", "interrupt", f"{ASKED} AND status <> 'pending'"),
        ("interrupt_expired", "interrupt", "status = 'expired'"),
        ("message_complete", "run", f"status IN {ENDED}"),
    ):
        field = "run_id" if table == "run" else "interrupt_id"
        told = Counter(as_hex(e["payload"][field]) for e in events if e["type"] == kind)
        rows = copy.rows(f"SELECT id FROM conversations_{table} WHERE {where}")
        true = Counter(as_hex(r["id"]) for r in rows)
        if told != true:
            yield f"{kind}: told and true differ: {(told - true) + (true - told)}"


def results_follow_calls(copy):
    """A tool call is announced once and has at most one result; in a finished thread it has one."""
    busy = {
        as_hex(r["conversation_id"])
        for r in copy.rows(
            f"SELECT conversation_id FROM conversations_run WHERE status NOT IN {ENDED}"
        )
    }
    calls, results = Counter(), Counter()
    for event in _events(copy):
        key = (as_hex(event["conversation_id"]), event["payload"].get("tool_call_id"))
        if event["type"] == "tool_call":
            calls[key] += 1
        elif event["type"] == "tool_result":
            results[key] += 1
            if not calls[key]:
                yield f"a result without a call: {key}"
    yield from (f"a call announced {n} times: {key}" for key, n in calls.items() if n > 1)
    yield from (f"a call with {n} results: {key}" for key, n in results.items() if n > 1)
    yield from (
        f"a call without a result in a finished thread: {key}"
        for key in calls
        if key not in results and key[0] not in busy
    )


def checkpoints_have_results(copy):
    """The state that the next turn starts from has no tool call without a result, or a provider would refuse it."""
    rows = copy.rows("""
        SELECT id FROM conversations_conversation c
        WHERE NOT EXISTS (SELECT 1 FROM conversations_run r WHERE r.conversation_id = c.id
                          AND r.status NOT IN ('completed', 'interrupted', 'handed_off'))
    """)
    for row in rows:
        messages = copy.read_state(as_hex(row["id"]))
        called = {c["id"] for m in messages for c in getattr(m, "tool_calls", None) or []}
        answered = Counter(m.tool_call_id for m in messages if m.type == "tool")
        if called != answered.keys() or any(n > 1 for n in answered.values()):
            yield f"checkpoint of {row['id']}: calls {called}, results {dict(answered)}"


def no_lapsed_lease(copy, sweep_seconds):
    """No run is running whose lease ran out more than two sweeps ago."""
    oldest = datetime.now(UTC) - timedelta(seconds=2 * sweep_seconds)
    rows = copy.rows(
        "SELECT id, lease_expires_at FROM conversations_run WHERE status = 'running'"
        " AND (lease_expires_at IS NULL OR lease_expires_at < ?)",
        oldest.strftime("%Y-%m-%d %H:%M:%S"),
    )
    yield from (f"run {r['id']} runs under a lease that ran out: {r}" for r in rows)


def messages_are_answered(copy):
    """An accepted message is answered, visibly failed, waits for somebody's decision, or is for a person to answer."""
    rows = copy.rows(f"""
        SELECT r.id, r.status,
          (SELECT count(*) FROM conversations_interrupt i
           WHERE i.run_id = r.id AND i.status = 'pending') AS pending,
          (SELECT count(*) FROM conversations_message m
           WHERE m.run_id = r.id AND m.role <> 'customer') AS answers,
          (SELECT count(*) FROM conversations_interrupt i
           WHERE i.run_id = r.id AND i.status IN ('expired', 'superseded')) AS dropped
        FROM conversations_run r WHERE r.status NOT IN {ENDED}
          OR r.status NOT IN ('interrupted', 'stopped')
    """)
    for r in rows:
        if r["status"] not in ENDED and not (r["status"] == "waiting" and r["pending"]):
            yield f"run {r['id']} is left {r['status']}"
        if r["status"] in ENDED and not r["answers"] and not r["dropped"]:
            yield f"run {r['id']} ended as {r['status']} without a word"
    rows = copy.rows("""
        SELECT m.id, m.content FROM conversations_message m
        WHERE m.role = 'customer' AND m.run_id IS NULL AND NOT m.is_for_person AND NOT EXISTS (
          SELECT 1 FROM conversations_interrupt i WHERE i.conversation_id = m.conversation_id)
    """)
    yield from (f"message {r['id']} has neither a run nor an interrupt to answer" for r in rows)


def usage_adds_up(copy):
    """A conversation's totals are the sums of its runs' rows, and the end of a run tells its own."""
    rows = copy.rows("""
        SELECT c.thread_id, c.input_tokens AS total_in, c.output_tokens AS total_out,
          coalesce(sum(u.input_tokens), 0) AS sum_in, coalesce(sum(u.output_tokens), 0) AS sum_out
        FROM conversations_conversation c
        LEFT JOIN conversations_run r ON r.conversation_id = c.id
        LEFT JOIN conversations_usage u ON u.run_id = r.id
        GROUP BY c.id, c.thread_id, c.input_tokens, c.output_tokens
    """)
    for r in rows:
        if (r["total_in"], r["total_out"]) != (int(r["sum_in"]), int(r["sum_out"])):
            yield f"usage does not add up: {r}"
    rows = copy.rows("""
        SELECT run_id, sum(input_tokens) AS sum_in, sum(output_tokens) AS sum_out
        FROM conversations_usage GROUP BY run_id
    """)
    used = {as_hex(r["run_id"]): (int(r["sum_in"]), int(r["sum_out"])) for r in rows}
    for event in _events(copy):
        if event["type"] == "message_complete":
            told = event["payload"]["usage"]
            true = used.get(as_hex(event["payload"]["run_id"]), (0, 0))
            if (told["input_tokens"], told["output_tokens"]) != true:
                yield f"run {event['payload']['run_id']} told {told}, its rows say {true}"


def shop_agrees_with_effects(copy):
    """The shop's own rows changed exactly where an effect says so."""
    effects = [
        (r["tool"], as_json(r["args"]).get("order_number"))
        for r in copy.rows("SELECT tool, args FROM conversations_effect WHERE status = 'done'")
    ]
    for tool, sql in (
        ("cancel_order", "SELECT number FROM ecommerce_order WHERE status = 'cancelled'"),
        ("apply_discount", "SELECT number FROM ecommerce_order WHERE discount_percent > 0"),
        (
            "refund_order",
            "SELECT o.number FROM ecommerce_refund f JOIN ecommerce_order o ON o.id = f.order_id"
            " WHERE f.reason NOT IN ('cancelled', 'discount')",
        ),
    ):
        done = Counter(number for name, number in effects if name == tool)
        changed = Counter(r["number"] for r in copy.rows(sql))
        if done != changed:
            yield f"{tool}: effects say {dict(done)}, the shop's rows {dict(changed)}"


def foreign_system_agrees_with_effects(copy):
    """What reached the foreign system is what effects say; a call that it does not know by its key, once at most."""
    file = copy.folder / "foreign"
    lines = file.read_text().splitlines() if file.exists() else []
    reached = Counter(tuple(line.split()) for line in lines)
    rows = copy.rows(
        "SELECT interrupt_id, tool, status FROM conversations_effect"
        " WHERE tool IN ('pay_out', 'send_out')"
    )
    effects = {(r["tool"], as_hex(r["interrupt_id"])): r["status"] for r in rows}
    for (tool, key), n in reached.items():
        if (tool, as_hex(key)) not in effects:
            yield f"{tool} {key} reached the foreign system without an effect"
        if n > 1 and tool == "send_out":
            yield f"{tool} {key} reached the foreign system {n} times"
    keys = {(tool, as_hex(key)) for tool, key in reached}
    for effect, status in effects.items():
        if status == "done" and effect not in keys:
            yield f"{effect} is said to be done, and never reached the foreign system"
        if status in ("refused", "failed") and effect in keys:
            yield f"{effect} is said to have {status}, and was done"


def _events(copy):
    rows = copy.rows(
        "SELECT conversation_id, seq, type, payload FROM conversations_event ORDER BY 1, 2"
    )
    return [{**row, "payload": as_json(row["payload"])} for row in rows]


RULES = (
    effects_have_approvals,
    approvals_have_effects,
    seqs_are_whole,
    events_tell_of_the_rows,
    results_follow_calls,
    checkpoints_have_results,
    usage_adds_up,
    shop_agrees_with_effects,
    foreign_system_agrees_with_effects,
)
RULES_AT_THE_END = (messages_are_answered,)
