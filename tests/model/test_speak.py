"""What is heard of a model's text, wherever it is cut."""

import pytest

from agents.speech import Speech, mend, without_reasoning


def hear(pieces):
    speech = Speech()
    return "".join(map(speech.feed, pieces)) + speech.end()


def cut(text):
    """Every way to cut a text in two, and into single characters."""
    yield from ([text[:at], text[at:]] for at in range(len(text) + 1))
    yield list(text)


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("Hello.", "Hello."),
        ("<think>hm</think>\n\nHello.", "Hello."),
        ("<THINKING>a < b</THINKING>Hello.", "Hello."),
        ("\n<think></think>Hello.", "\nHello."),
        ("Hello. <think>hm</think>Bye.", "Hello. Bye."),
        ("<think>a</think> <think>b</think> Hello.", "Hello."),
        ("<think>never ends", ""),
        ("2 < 3 <th <b>", "2 < 3 <th <b>"),
        ("ends with <thin", "ends with <thin"),
        ("Grüße 📦", "Grüße 📦"),
        ("a\ud83d\udce6b", "a📦b"),
        ("half \ud83d", "half \N{REPLACEMENT CHARACTER}"),
        ("nul\x00", "nul\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_wherever_it_is_cut_the_same_is_heard(text, heard):
    for pieces in cut(text):
        assert hear(pieces) == heard, pieces


def test_each_piece_can_be_sent_at_once():
    speech = Speech()
    assert [speech.feed(piece) for piece in ("Your ", "order ", "<b> ", "is ")] == [
        "Your ",
        "order ",
        "<b> ",
        "is ",
    ]


def test_a_whole_text_loses_its_reasoning():
    assert without_reasoning("<think>\nhm\n</think>\n{}") == "{}"
    assert without_reasoning("{} <think>hm") == "{} "
    assert mend("Grüße 📦") == "Grüße 📦"
