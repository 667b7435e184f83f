"""Slots of the evaluation, through the product's own extraction: arguments of tools that any business has."""

from __future__ import annotations

import re
from typing import Any

from agents.offline.arguments import Argument, argument
from agents.offline.values import find_values
from bench.eval_measures import share
from bench.eval_rows import Row

CODE = {"type": "string", "pattern": r"^\d{3,20}$"}
ARGUMENTS: dict[str, Argument] = {
    "order_id": argument("order_number", CODE),
    "invoice_id": argument("invoice_number", CODE),
    "account_type": argument("plan", {"type": "string"}),
    "refund_amount": argument("amount", {"type": "number", "exclusiveMinimum": 0}),
}


def measure_slots(rows: list[Row]) -> dict[str, Any]:
    """Return each slot's share of right values, over the rows whose gold value stands in the text.

    Some gold amounts are cut ("160" became "1"); those rows are counted apart, for no reading could be right.
    """
    hits: dict[str, list[bool]] = {}
    unusable = 0
    for row in rows:
        for slot, gold in (row.get("slot") or {}).items():
            wanted = ARGUMENTS.get(slot)
            if wanted is None:
                continue
            if not _stands_in(row["text"], str(gold)):
                unusable += 1
                continue
            values = find_values(wanted, row["text"])
            hits.setdefault(slot, []).append(bool(values) and _same(values[0], gold))
    if not hits:
        return {}
    accuracy = {slot: share(of_slot) for slot, of_slot in hits.items()}
    return {"slot_accuracy": accuracy, "slot_rows_with_cut_gold": unusable}


def _plain(value: Any) -> str:
    return str(value).lstrip("#$0").casefold()


def _same(value: Any, gold: Any) -> bool:
    return _plain(value) == _plain(gold)


def _stands_in(text: str, gold: str) -> bool:
    return any(_plain(token) == _plain(gold) for token in re.findall(r"\d+|\w+", text))
