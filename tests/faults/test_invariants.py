"""The checker can fail: each rule complains of what it is there for."""

import sqlite3
import uuid

import pytest

from tests.faults import invariants
from tests.faults.databases import SqliteCopy

NOW, LATER = "2026-01-01 12:00:00", "2026-01-01 12:30:00"
SPOIL = [
    ("an effect without approval", "UPDATE conversations_interrupt SET status = 'rejected'",
     "effects_have_approvals"),
    ("approved too late", "UPDATE conversations_interrupt SET decided_at = expires_at",
     "effects_have_approvals"),
    ("approved by somebody else", "UPDATE conversations_interrupt SET decided_by = 'staff'",
     "effects_have_approvals"),
    ("an effect of another tool", "UPDATE conversations_effect SET tool = 'get_order'",
     "effects_have_approvals"),
    ("approved and not done", "DELETE FROM conversations_effect", "approvals_have_effects"),
    ("left in the middle", "UPDATE conversations_effect SET status = 'started'",
     "approvals_have_effects"),
    ("a hole", "DELETE FROM conversations_event WHERE seq = 2", "seqs_are_whole"),
    ("the last number", "UPDATE conversations_conversation SET last_seq = 99", "seqs_are_whole"),
    ("a message that no event tells of", "UPDATE conversations_message SET content = 'other'",
     "events_tell_of_the_rows"),
    ("an end that no event tells of", "DELETE FROM conversations_event WHERE type = 'message_complete'",
     "events_tell_of_the_rows"),
    ("a call without a result", "DELETE FROM conversations_event WHERE type = 'tool_result'",
     "results_follow_calls"),
    ("a call announced twice", "UPDATE conversations_event SET type = 'tool_call' WHERE type = 'tool_result'",
     "results_follow_calls"),
    ("usage", "UPDATE conversations_usage SET input_tokens = 11", "usage_adds_up"),
    ("a change that no effect tells of", "UPDATE ecommerce_order SET status = 'processing'",
     "shop_agrees_with_effects"),
    ("a discount that no effect tells of", "UPDATE ecommerce_order SET discount_percent = 5",
     "shop_agrees_with_effects"),
    ("a run that is left", "UPDATE conversations_run SET status = 'pending'", "messages_are_answered"),
    ("an end without a word", "DELETE FROM conversations_message WHERE role = 'agent'",
     "messages_are_answered"),
    ("a lapsed lease", f"UPDATE conversations_run SET status = 'running', lease_expires_at = '{NOW}'",
     "no_lapsed_lease"),
]  # fmt: skip


@pytest.fixture
def copy(tmp_path):
    """A finished conversation: one order cancelled under the customer's approval."""
    copy = SqliteCopy(tmp_path, str(tmp_path / "support.sqlite3"))
    with sqlite3.connect(copy.name) as connection:
        connection.executescript(_rows())
    connection.close()
    return copy


def _rows():
    conversation, run, interrupt, effect, asked, said = (uuid.uuid4().hex for _ in range(6))
    payloads = [
        ("message_accepted", f'{{"message_id": "{asked}", "content": "Cancel."}}'),
        ("tool_call", '{"tool_call_id": "call_1", "tool": "cancel_order"}'),
        ("interrupt", f'{{"interrupt_id": "{interrupt}"}}'),
        ("interrupt_resolved", f'{{"interrupt_id": "{interrupt}"}}'),
        ("tool_result", '{"tool_call_id": "call_1", "tool": "cancel_order"}'),
        ("message", f'{{"message_id": "{said}", "content": "Done."}}'),
        (
            "message_complete",
            f'{{"run_id": "{run}", "usage": {{"input_tokens": 10, "output_tokens": 5}}}}',
        ),
    ]
    events = "\n".join(
        f"INSERT INTO conversations_event VALUES ('{conversation}', {seq}, '{kind}', '{payload}');"
        for seq, (kind, payload) in enumerate(payloads, start=1)
    )
    return f"""
    CREATE TABLE conversations_conversation (id, thread_id, last_seq, input_tokens, output_tokens);
    CREATE TABLE conversations_run (id, conversation_id, status, lease_expires_at);
    CREATE TABLE conversations_message (id, conversation_id, run_id, role, content, is_for_person);
    CREATE TABLE conversations_interrupt (id, conversation_id, run_id, tool, status, approver,
        created_at, decided_at, decided_by, expires_at);
    CREATE TABLE conversations_effect (id, interrupt_id, conversation_id, tool, args, status);
    CREATE TABLE conversations_event (conversation_id, seq, type, payload);
    CREATE TABLE conversations_checkpoint (conversation_id, content);
    CREATE TABLE conversations_usage (run_id, input_tokens, output_tokens);
    CREATE TABLE ecommerce_order (id, number, status, discount_percent);
    CREATE TABLE ecommerce_refund (order_id, reason);
    INSERT INTO conversations_conversation VALUES ('{conversation}', 't', 7, 10, 5);
    INSERT INTO conversations_run VALUES ('{run}', '{conversation}', 'completed', NULL);
    INSERT INTO conversations_message VALUES ('{asked}', '{conversation}', '{run}', 'customer', 'Cancel.', 0);
    INSERT INTO conversations_message VALUES ('{said}', '{conversation}', '{run}', 'agent', 'Done.', 0);
    INSERT INTO conversations_interrupt VALUES ('{interrupt}', '{conversation}', '{run}', 'cancel_order',
        'approved', 'customer', '{NOW}', '{NOW}', 'customer', '{LATER}');
    INSERT INTO conversations_effect VALUES ('{effect}', '{interrupt}', '{conversation}', 'cancel_order',
        '{{"order_number": "1043"}}', 'done');
    INSERT INTO conversations_usage VALUES ('{run}', 10, 5);
    INSERT INTO ecommerce_order VALUES (1, '1043', 'cancelled', 0);
    {events}
    """


def test_nothing_is_wrong_with_a_sound_conversation(copy):
    assert invariants.check(copy) == []


@pytest.mark.parametrize(("what", "statement", "rule"), SPOIL, ids=[case[0] for case in SPOIL])
def test_a_broken_promise_is_found(copy, what, statement, rule):
    copy.run(statement)
    found = getattr(invariants, rule)
    arguments = (5,) if rule == "no_lapsed_lease" else ()
    assert list(found(copy, *arguments))


@pytest.mark.parametrize(
    ("lines", "tool", "status"),
    [
        (["send_out {id}", "send_out {id}"], "send_out", "done"),
        ([], "pay_out", "done"),
        (["pay_out {id}"], "pay_out", "failed"),
        (["pay_out 00"], "pay_out", "unknown"),
    ],
)
def test_a_foreign_system_that_was_called_otherwise_is_found(copy, lines, tool, status):
    copy.run(f"UPDATE conversations_effect SET tool = '{tool}', status = '{status}'")
    interrupt_id = copy.value("SELECT id FROM conversations_interrupt")
    text = "".join(line.format(id=interrupt_id) + "\n" for line in lines)
    (copy.folder / "foreign").write_text(text)
    assert list(invariants.foreign_system_agrees_with_effects(copy))


def test_a_checkpoint_with_a_call_without_a_result_is_found(copy, monkeypatch):
    from langchain_core.messages import AIMessage, ToolMessage

    call = AIMessage("", tool_calls=[{"name": "get_order", "args": {}, "id": "call_1"}])
    result = ToolMessage("{}", tool_call_id="call_1")
    for messages, is_right in (
        ([call, result], True),
        ([call], False),
        ([call, result, result], False),
    ):
        monkeypatch.setattr(SqliteCopy, "read_state", lambda *_, m=messages: m)
        assert (list(invariants.checkpoints_have_results(copy)) == []) is is_right
