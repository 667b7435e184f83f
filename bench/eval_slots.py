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
    """Return each slot's share of right values, without and with the rows whose gold number is cut short.

    Some gold numbers are cut ("160 dollars" is labelled "1"), and no reading could be right. All other misses count.
    The schemas are general ones, for any business; a shipped tool's own may take less, such as shorter numbers.
    """
    usable: dict[str, list[bool]] = {}
    labelled: dict[str, list[bool]] = {}
    unread: set[str] = set()
    for row in rows:
        for slot, gold in (row.get("slot") or {}).items():
            if slot not in ARGUMENTS:
                unread.add(slot)
                continue
            values = find_values(ARGUMENTS[slot], row["text"])
            is_right = bool(values) and _plain(values[0]) == _plain(gold)
            labelled.setdefault(slot, []).append(is_right)
            if not _is_cut(row["text"], _plain(gold)):
                usable.setdefault(slot, []).append(is_right)
    if not labelled:
        return {}
    return {
        "slot_accuracy": {slot: share(hits) for slot, hits in usable.items()},
        "slot_accuracy_as_labelled": {slot: share(hits) for slot, hits in labelled.items()},
        "slots_not_read": sorted(unread),
    }


def _plain(value: Any) -> str:
    return str(value).lstrip("#$0").casefold()


def _is_cut(text: str, gold: str) -> bool:
    """Return whether the gold value is only the beginning of a number in the text."""
    numbers = [_plain(number) for number in re.findall(r"\d+", text)]
    return gold.isdigit() and gold not in numbers and any(n.startswith(gold) for n in numbers)
