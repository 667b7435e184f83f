"""Values in customers' words, as tables: what is found, and what is rightly not."""

import pytest

from agents.offline.arguments import argument, arguments_of
from agents.offline.values import find_answer, find_values

ARGUMENTS = {
    "order": argument("order_number", {"type": "string", "pattern": r"^\d{4,10}$"}),
    "invoice": argument("invoice_number", {"type": "string", "pattern": r"^\d{4,10}$"}),
    "iban": argument("iban", {"type": "string", "pattern": r"^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$"}),
    "amount": argument("amount", {"type": "number", "exclusiveMinimum": 0, "maximum": 10_000}),
    "percent": argument("percent", {"type": "integer", "minimum": 1, "maximum": 100}),
    "stars": argument(
        "rating", {"type": "integer", "minimum": 1, "maximum": 5, "description": "Stars"}
    ),
    "email": argument("new_email", {"type": "string"}),
    "address": argument("new_address", {"type": "string", "minLength": 10}),
    "postcode": argument("postal_code", {"type": "string"}),
    "due": argument("due_date", {"type": "string", "format": "date"}),
    "reason": argument("reason", {"enum": ["damaged", "wrong_item", "other"]}),
    "news": argument("choice", {"enum": ["subscribe", "unsubscribe"]}),
    "product": argument("product", {"type": "string", "minLength": 2, "maxLength": 120}),
}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("order", "cancel order 1042", "1042"),
        ("order", "Order #1042?", "1042"),
        ("order", "refund 1000 EUR for 1043", "1043"),
        ("order", "send invoice 2044 for order no. 1042", "1042"),
        ("order", "send order 1045 to Lindenweg 4, 50667 Cologne", "1045"),
        ("order", "I have waited 2000 minutes", None),
        ("order", "it cost 1042€", None),
        ("order", "cancel my order", None),
        ("invoice", "send invoice 2044 for order no. 1042", "2044"),
        ("iban", "to DE89370400440532013000 please", "DE89370400440532013000"),
        ("amount", "refund 42.50", 42.5),
        ("amount", "give me $1,200 back", 1200),
        ("amount", "refund order 1042", None),
        ("percent", "15% off order 1043", 15),
        ("percent", "twenty off", None),
        ("stars", "4/5", 4),
        ("stars", "five stars!", 5),
        ("stars", "9 stars", None),
        ("email", "not ana@old.org but ana@new.org.", "ana@new.org"),
        (
            "address",
            "send it to 5 High Street, London SW1A 1AA please",
            "5 High Street, London SW1A 1AA",
        ),
        ("address", "send it to my mother", None),
        ("postcode", "I live in 50667 Cologne", "50667"),
        ("due", "until 3 March 2027", "2027-03-03"),
        ("due", "on 31.12.2026", "2026-12-31"),
        ("reason", "you sent the wrong item", "wrong_item"),
        ("reason", "send it back", None),
        ("news", "stop the newsletter", "unsubscribe"),
        ("product", 'a review of "Wool blanket"', "Wool blanket"),
        ("product", "I want to review something", None),
    ],
)
def test_a_value_is_found_where_it_clearly_stands(name, text, value):
    assert next(iter(find_values(ARGUMENTS[name], text)), None) == value


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("order", "it is 1042 please", "1042"),
        ("order", "I don't know", None),
        ("amount", "20", 20),
        ("amount", "refund order 1042", None),
        ("stars", "four", 4),
        ("percent", "10 please", 10),
        ("product", "the wool blanket", "the wool blanket"),
        ("product", "I don't know", None),
        ("address", "Lindenweg 4 50667 Cologne", "Lindenweg 4 50667 Cologne"),
        ("address", "the first one", None),
    ],
)
def test_an_answer_may_be_barer(name, text, value):
    assert find_answer(ARGUMENTS[name], text) == value


def test_references_and_null_are_read_through():
    [kind, days] = arguments_of(
        {
            "parameters": {
                "$defs": {"Kind": {"enum": ["book", "film"], "type": "string"}},
                "properties": {
                    "kind": {"$ref": "#/$defs/Kind"},
                    "days": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
                },
                "required": ["kind"],
            }
        }
    )
    assert (kind.kind, kind.choices, kind.is_required) == ("choice", ["book", "film"], True)
    assert (days.kind, days.is_required) == ("integer", False)
