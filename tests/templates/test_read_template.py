"""YAML that is no template is refused, with the file, the place, the value and what would be right."""

import random
from contextlib import suppress
from decimal import Decimal

import pytest

from agents.errors import TemplateInvalid
from agents.loading import read_template
from tests.templates.conftest import SHOP

SECOND_AGENT = """\
  - name: orders
    label: Orders
    description: Again.
    prompt: Again.
"""

BAD = {
    "empty": ("", "x.yaml:1:1: the file is empty"),
    "only a comment": ("# nothing\n", "x.yaml:1:1: the file is empty"),
    "a list": ("- a\n", "x.yaml:1:1: a list where a mapping is expected"),
    "not UTF-8": (
        SHOP.encode() + b"\xff",
        "x.yaml:15:1: not UTF-8: byte 0xff; save the file as UTF-8",
    ),
    "lone surrogate": ("\ud800", "x.yaml:1:1: not valid Unicode"),
    "too large": ("x" * (256 * 1024 + 1), "262145 bytes; a template has at most 262144 bytes"),
    "too deep": ("[" * 11 + "]" * 11, "x.yaml:1:11: nested deeper than 10 levels"),
    "a bomb of depth": ("[" * 100_000, "nested deeper than 10 levels"),
    "no YAML": ("a: b: c\n", "x.yaml:1:5: not valid YAML"),
    "a tab": ("a:\n\t- b\n", "not valid YAML"),
    "alias": ("a: &x 1\nb: *x\n", "x.yaml:1:4: anchor &x"),
    "alias alone": ("a: *x\n", "x.yaml:1:4: alias *x"),
    "tag": ("a: !!python/object:os.system 1\n", "x.yaml:1:4: tag 'tag:yaml.org,2002:python/object"),
    "harmless tag": ("a: !!str 1\n", "templates have no tags"),
    "two documents": (SHOP + "---\na: 1\n", "x.yaml:15:1: a second document begins"),
    "same key twice": (
        SHOP + "name: Again\n",
        "x.yaml:15:1: the key 'name' stands here twice; first in line 2",
    ),
    "merge": (SHOP + "<<: {name: x}\n", "x.yaml:15:1: merge key <<"),
    "number as key": (SHOP + "1: x\n", "x.yaml:15:1: the key '1' is no text"),
    "list as key": (SHOP + "? [a]\n: b\n", "a key is a list, a mapping or an alias"),
    "not finite": (SHOP + "budget: {cost_usd: .inf}\n", "x.yaml:15:20: .inf is no finite number"),
    "not a number": (SHOP + "budget: {cost_usd: .nan}\n", ".nan is no finite number"),
    "overflowing": (SHOP + "budget: {cost_usd: 1e999}\n", "1e999 is no finite number"),
    "infinity as text": (
        SHOP + "budget: {cost_usd: 'Infinity'}\n",
        "x.yaml:15:10: budget.cost_usd: 'Infinity' where a finite number is expected",
    ),
    "NUL": (SHOP + 'tone: "a\\0"\n', "has a character that cannot be stored"),
    "unknown key": (
        SHOP.replace("greeting", "greting"),
        "x.yaml:3:1: greting: unknown key 'greting'; did you mean 'greeting'? known keys are agents,",
    ),
    "missing key": (
        SHOP.replace("greeting: Hello!\n", ""),
        "x.yaml:1:1: the key 'greeting' is missing",
    ),
    "unknown key within": (
        SHOP.replace("        tool: get", "        tol: get"),
        "x.yaml:14:9: agents[0].intents[0].tol: unknown key 'tol'; did you mean 'tool'?",
    ),
    "text for a number": (
        SHOP + "budget: {tokens: '12'}\n",
        "x.yaml:15:10: budget.tokens: '12' where a whole number is expected",
    ),
    "boolean for a number": (
        SHOP + "budget: {tokens: true}\n",
        "budget.tokens: true where a whole number is expected",
    ),
    "number for text": (SHOP + "tone: 12\n", "x.yaml:15:1: tone: 12 where text is expected"),
    "nothing": (SHOP + "tone:\n", "x.yaml:15:1: tone: nothing where text is expected"),
    "mapping for a list": (
        SHOP + "languages: {a: b}\n",
        "languages: a mapping where a list is expected",
    ),
    "bad slug": (
        SHOP.replace("slug: shop", "slug: My Shop"),
        "x.yaml:1:1: slug: 'My Shop': String should match",
    ),
    "bad approver": (
        SHOP.replace("name: get_order", "name: get_order\n        approver: boss"),
        "x.yaml:11:9: agents[0].tools[0].approver: 'boss': Input should be 'none', 'customer' or 'staff'",
    ),
    "two agents": (
        SHOP + SECOND_AGENT,
        "x.yaml:15:5: agents[1].name: two agents are named 'orders'; a name is used once",
    ),
    "two tools": (
        SHOP.replace(
            "      - name: get_order\n", "      - name: get_order\n      - name: get_order\n"
        ),
        "x.yaml:11:9: agents[0].tools[1].name: two tools are named 'get_order'",
    ),
    "two intents": (
        SHOP + "human:\n  intents:\n    - {name: where_is_it, examples: [x]}\n",
        "x.yaml:17:8: human.intents[0].name: two intents are named 'where_is_it'",
    ),
    "reserved name": (
        SHOP.replace("name: orders", "name: human"),
        "x.yaml:5:5: agents[0].name: 'human': 'human' is reserved",
    ),
    "tool of another agent": (
        SHOP.replace("        tool: get_order", "        tool: get_ordr"),
        "x.yaml:12:9: agents[0].intents[0].name: intent 'where_is_it' names the tool 'get_ordr', "
        "which this agent does not have; its tools are get_order",
    ),
    "unknown placeholder": (
        SHOP.replace("{company}", "{compny}"),
        "x.yaml:8:5: agents[0].prompt: 'You look after orders of {compny}.': unknown placeholder {compny}; "
        "known ones are {company}",
    ),
    "yes is no": (SHOP + "confirm_words: {yes: [ok], no: [OK]}\n", "'ok' means both yes and no"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD.keys())
def test_bad_template_is_refused_with_its_place(text, message):
    with pytest.raises(TemplateInvalid) as caught:
        read_template(text, source="x.yaml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("x.yaml:")


def test_all_mistakes_are_named_at_once():
    text = SHOP.replace("greeting: Hello!", "tone: 12").replace("label: Orders", "label: [a]")
    with pytest.raises(TemplateInvalid) as caught:
        read_template(text, source="x.yaml")
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "the key 'greeting' is missing",
        "tone",
        "agents[0].label",
    ]


def test_many_mistakes_are_cut():
    with pytest.raises(TemplateInvalid, match="… and 976 more"):
        read_template("".join(f"k{n}: 1\n" for n in range(997)), source="x.yaml")


def test_only_true_and_false_are_booleans():
    spec = read_template(
        SHOP + "confirm_words:\n  yes: [yes, on]\n  no: [no, off]\n", source="x.yaml"
    )
    assert spec.confirm_words.yes == ["yes", "on"]
    assert spec.confirm_words.no == ["no", "off"]


def test_dates_and_times_stay_text():
    text = SHOP.replace("[where is my order]", "[2024-01-01, 12:30, 0x1F, 1_000]")
    spec = read_template(text, source="x.yaml")
    assert spec.agents[0].intents[0].examples == ["2024-01-01", "12:30", "0x1F", "1_000"]


def test_numbers_are_exact_decimals():
    text = SHOP + "budget: {tokens: 010, cost_usd: 0.1}\n"
    budget = read_template(text, source="x.yaml").budget
    assert (budget.tokens, budget.cost_usd) == (10, Decimal("0.1"))


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "template.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SHOP.encode())
    assert read_template(path, source="x.yaml").slug == "shop"


@pytest.mark.parametrize("seed", range(5))
def test_no_bytes_make_the_reader_crash(seed):
    chance = random.Random(seed)
    base = SHOP.encode()
    for _ in range(150):
        raw = chance.randbytes(chance.randrange(200))
        _read_or_refuse(raw)
        cut = bytearray(base)
        for _ in range(chance.randrange(1, 8)):
            cut[chance.randrange(len(cut))] = chance.choice(
                b"[]{}:-#&*!|>'\"%@`,?\n\t \x00\x85\xff0aN~"
            )
        _read_or_refuse(bytes(cut))


def _read_or_refuse(raw: bytes) -> None:
    with suppress(TemplateInvalid):
        read_template(raw, source="x.yaml")
