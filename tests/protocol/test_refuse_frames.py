"""Every row of the table of errors that one frame alone can cause."""

import json

import pytest

from tests.protocol.client import ERRORS, Client


def frame_of(size, letter="a"):
    """A frame of exactly so many bytes in UTF-8, padded in a field that the server ignores."""
    empty = json.dumps({"type": "ping", "pad": ""})
    left = size - len(empty)
    padding = letter * (left // len(letter.encode()))
    padding += "a" * (left - len(padding.encode()))
    frame = json.dumps({"type": "ping", "pad": padding}, ensure_ascii=False)
    assert len(frame.encode()) == size
    return frame


def nested(depth, opening='{"a":', closing="}"):
    """A frame that is `depth` containers deep, itself included."""
    inner = opening * (depth - 2) + "[]" + closing * (depth - 2)
    return '{"type":"ping","a":' + inner + "}"


def message(**fields):
    return json.dumps({"type": "message", "thread_id": "t", "content": "Hello", **fields})


async def refused(chat, data, code):
    """The frame is answered with this error and the connection stays open."""
    await chat.send_raw(data)
    error = await chat.error(code)
    before = len(chat.frames)
    assert await chat.settled() == before + 1, "an error answers one frame"
    return error


async def accepted(chat, data):
    await chat.send_raw(data)
    assert (await chat.wait("pong", "error"))["type"] == "pong"


# --- size ---


@pytest.mark.parametrize("letter", ["a", "ü", "€", "😀"])
async def test_a_frame_of_32_768_bytes_is_read_and_one_more_is_too_large(chat, letter):
    await accepted(chat, frame_of(32_768, letter))
    await refused(chat, frame_of(32_769, letter), "message_too_large")


@pytest.mark.parametrize("size", [65_536, 65_537, 1_000_000])
async def test_a_much_larger_frame_is_refused_and_the_connection_stays_open(chat, size):
    await refused(chat, frame_of(size), "message_too_large")


async def test_a_large_frame_is_too_large_before_anything_else(chat):
    await refused(chat, "{" * 40_000, "message_too_large")
    await refused(chat, b"{" * 40_000, "message_too_large")


# --- JSON ---


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "hello",
        "{",
        '{"type":"ping"',
        '{"type":"ping"} x',
        "[]",
        '["ping"]',
        '"ping"',
        "1",
        "null",
        "true",
        "{'type':'ping'}",
        '{"type":"ping",}',
        '{"type":"ping","a":NaN}',
        '{"type":"ping","a":Infinity}',
        '{"type":"ping","a":-Infinity}',
        '{"type":"ping","a":[{"b":NaN}]}',
        "\ufeff{}",
    ],
)
async def test_what_is_no_json_object_is_invalid(chat, text):
    await refused(chat, text, "invalid_json")


@pytest.mark.parametrize("data", [b"", b"\x00", b'{"type":"ping"}', b"\xff\xfe"])
async def test_a_binary_frame_is_invalid(chat, data):
    await refused(chat, data, "invalid_json")


@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]"), ('[{"a":', "}]")])
async def test_a_frame_may_be_32_deep_and_no_deeper(chat, opening, closing):
    step = opening.count("{") + opening.count("[")
    if step == 1:
        await accepted(chat, nested(32, opening, closing))
        await refused(chat, nested(33, opening, closing), "invalid_json")
    else:
        await accepted(chat, nested(17, opening, closing))
        await refused(chat, nested(18, opening, closing), "invalid_json")


@pytest.mark.parametrize("opening", ["[", '{"a":'])
async def test_a_frame_of_nothing_but_nesting_does_no_harm(chat, opening):
    await refused(chat, opening * (32_000 // len(opening)), "invalid_json")
    closing = {"[": "]", '{"a":': "}"}[opening]
    depth = 32_000 // (len(opening) + 1)
    await refused(chat, opening * depth + "1" * (opening != "[") + closing * depth, "invalid_json")


async def test_a_number_of_5_000_digits_does_no_harm(chat):
    await refused(chat, '{"type":"ping","a":' + "9" * 5_000 + "}", "invalid_json")


# --- thread_id ---

NEED_A_THREAD = ["message", "interrupt_response", "resume", "stop", "typing", "no_such_type", None]


@pytest.mark.parametrize("kind", NEED_A_THREAD)
@pytest.mark.parametrize("thread_id", ["absent", "", None])
async def test_a_frame_without_its_thread_says_so_before_all_else(chat, kind, thread_id):
    frame = {"type": kind} if thread_id == "absent" else {"type": kind, "thread_id": thread_id}
    await refused(chat, json.dumps(frame), "missing_thread_id")


@pytest.mark.parametrize("kind", NEED_A_THREAD)
@pytest.mark.parametrize(
    "thread_id",
    [
        "t\n",
        "\nt",
        " t",
        "a b",
        "ä",
        "a/b",
        "a.b",
        "t\0",
        "\ud800",
        "x" * 129,
        " ",
        7,
        0,
        False,
        True,
        1.5,
        [],
        ["t"],
        {},
    ],
)
async def test_a_thread_s_name_is_checked_in_full(chat, kind, thread_id):
    error = await refused(
        chat, json.dumps({"type": kind, "thread_id": thread_id}), "invalid_thread_id"
    )
    assert "thread_id" not in error


async def test_a_thread_s_name_has_128_characters_at_most(chat):
    error = await refused(chat, message(thread_id="x" * 128, content=""), "missing_content")
    assert error["thread_id"] == "x" * 128


async def test_hello_and_ping_need_no_thread(site):
    async with Client(site.ws_url) as chat:
        await chat.hello()
        await chat.send("ping")
        await chat.wait("pong")


# --- content ---


@pytest.mark.parametrize("content", ["absent", None, "", " ", "\n\t", "\u2003\u00a0", " " * 9_000])
async def test_a_message_without_content_says_so(chat, content):
    frame = {"type": "message", "thread_id": "t"}
    if content != "absent":
        frame["content"] = content
    error = await refused(chat, json.dumps(frame), "missing_content")
    assert error["thread_id"] == "t"


@pytest.mark.parametrize(
    "content", [7, 0, True, False, [], ["Hello"], {}, {"text": "Hello"}, 1.5, "a\0b", "a\ud800b"]
)
async def test_content_that_is_no_text_says_so(chat, content):
    await refused(chat, message(content=content), "invalid_content")


@pytest.mark.parametrize("letter", ["a", "ü", "😀"])
async def test_content_of_8_000_characters_is_accepted_and_one_more_is_not(chat, thread, letter):
    def text(length):
        frame = {"type": "message", "thread_id": thread, "content": letter * length}
        return json.dumps(frame, ensure_ascii=False)

    await refused(chat, text(8_001), "content_too_long")
    await chat.send_raw(text(8_000))
    stored = await chat.wait("message_accepted")
    assert stored["content"] == letter * 8_000
    await chat.wait("message_complete")


async def test_a_pair_of_surrogates_is_a_character_like_any(chat, thread):
    await chat.send_raw(
        f'{{"type":"message","thread_id":"{thread}","content":"\\ud83d\\ude00 \\u0001"}}'
    )
    assert (await chat.wait("message_accepted"))["content"] == "😀 \u0001"
    await chat.wait("message_complete")


# --- type and the other fields ---


@pytest.mark.parametrize("kind", ["", "Message", "session", "token", "message ", 7, None, [], {}])
async def test_a_type_that_the_page_does_not_know_is_refused(chat, kind):
    error = await refused(chat, json.dumps({"type": kind, "thread_id": "t"}), "unknown_type")
    assert error["thread_id"] == "t"


async def test_a_frame_without_a_type_is_refused(chat):
    await refused(chat, json.dumps({"thread_id": "t", "content": "Hello"}), "unknown_type")


@pytest.mark.parametrize("value", ["true", "false", "yes", 1, 0, 1.0, None, [], {}, "absent"])
async def test_approved_is_a_boolean_and_nothing_else(chat, value):
    frame = {"type": "interrupt_response", "thread_id": "t"}
    if value != "absent":
        frame["approved"] = value
    error = await refused(chat, json.dumps(frame), "invalid_field")
    assert error["message"] == "Invalid approved"


@pytest.mark.parametrize("value", ["", "x" * 65, 7, True, [], {}, "a\0", "\ud800"])
async def test_a_client_message_id_is_a_text_of_1_to_64_characters(chat, value):
    error = await refused(chat, message(client_message_id=value), "invalid_field")
    assert error["message"] == "Invalid client_message_id"


async def test_a_client_message_id_of_64_characters_is_accepted(chat, thread):
    await chat.say(thread, "Hello", client_message_id="ü" * 64)
    assert (await chat.wait("message_accepted"))["client_message_id"] == "ü" * 64
    await chat.wait("message_complete")


@pytest.mark.parametrize("value", [-1, 1.5, "1", True, None, [], 2**31, 2**63, "absent"])
async def test_after_seq_is_a_whole_number(chat, value):
    frame = {"type": "resume", "thread_id": "t"}
    if value != "absent":
        frame["after_seq"] = value
    error = await refused(chat, json.dumps(frame), "invalid_field")
    assert error["message"] == "Invalid after_seq"


@pytest.mark.parametrize("value", [7, True, [], {}, "", "\ud800", "a\0"])
async def test_an_interrupt_id_is_a_text(chat, value):
    frame = {"type": "interrupt_response", "thread_id": "t", "approved": True}
    error = await refused(chat, json.dumps({**frame, "interrupt_id": value}), "invalid_field")
    assert error["message"] == "Invalid interrupt_id"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token", 7),
        ("token", ["x"]),
        ("identity", 7),
        ("template", 7),
        ("template", "no-such-template"),
        ("template", "\ud800"),
        ("locale", "de DE"),
        ("locale", 7),
        ("locale", "en\n"),
        ("after_seq", "1"),
    ],
)
async def test_a_hello_whose_field_is_wrong_names_it(site, field, value):
    async with Client(site.ws_url) as chat:
        await chat.send("hello", **{field: value})
        error = await chat.error("invalid_field")
        assert error["message"] == f"Invalid {field}"
        await chat.settled()


async def test_fields_that_the_server_does_not_know_are_ignored(chat):
    await chat.send("ping", colour="green", nested={"a": [1]})
    await chat.wait("pong")


# --- the order of checks is the table's ---

LADDER = [
    ('{"type":"message","thread_id":"","content":"","a":NaN}', "invalid_json"),
    ('{"type":"message","thread_id":"","content":""}', "missing_thread_id"),
    ('{"type":"message","thread_id":"a b","content":""}', "invalid_thread_id"),
    ('{"type":"message","thread_id":"t","content":"","client_message_id":7}', "missing_content"),
    (
        json.dumps(
            {
                "type": "message",
                "thread_id": "t",
                "content": "\0" + "x" * 9_000,
                "client_message_id": 7,
            }
        ),
        "invalid_content",
    ),
    (
        json.dumps(
            {"type": "message", "thread_id": "t", "content": "x" * 9_000, "client_message_id": 7}
        ),
        "content_too_long",
    ),
    ('{"type":"nonsense","thread_id":"t","content":"","approved":7}', "unknown_type"),
    ('{"type":"interrupt_response","thread_id":"t","approved":7}', "invalid_field"),
    ('{"type":"interrupt_response","thread_id":"t","approved":true}', "forbidden"),
]


@pytest.mark.parametrize(("text", "code"), LADDER)
async def test_of_several_mistakes_the_first_of_the_table_is_told(chat, text, code):
    await refused(chat, text, code)


async def test_the_table_s_texts_are_in_the_page():
    from pathlib import Path

    page = Path(__file__).parents[2] / "docs/reference/protocol.md"
    text = page.read_text()
    for code, words in ERRORS.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{code}`"))
        assert words in row


async def test_fifty_refused_frames_leave_the_connection_usable(chat):
    for _ in range(50):
        await chat.send_raw("{")
    for _ in range(50):
        await chat.error("invalid_json")
    await chat.settled()


async def test_the_first_frame_is_answered_with_the_session_even_if_it_is_refused(site):
    async with Client(site.ws_url) as chat:
        await chat.send_raw("{")
        await chat.error("invalid_json")
        assert chat.types == ["session", "error"]


async def test_nothing_comes_before_the_first_frame(site):
    async with Client(site.ws_url) as chat:
        await chat.settled()
        assert chat.types == ["session", "pong"]


async def test_a_second_hello_is_refused(chat):
    await chat.hello()
    await chat.send("hello")
    await chat.error("invalid_field")
    await chat.settled()


async def test_a_flood_is_closed_with_4429(site):
    async with Client(site.ws_url) as chat:
        for _ in range(600):
            await chat.send("ping")
        error = await chat.error("rate_limited")
        assert error["retry_after"] > 0
        await chat.closed(4429)


async def test_messages_that_come_too_fast_are_refused_and_the_connection_stays_open(site, thread):
    async with Client(site.ws_url) as chat:
        for _ in range(200):
            await chat.say(thread, "Hello", client_message_id="the same")
        error = await chat.error("rate_limited")
        assert error["thread_id"] == thread
        await chat.settled()
        assert chat.close_code is None
