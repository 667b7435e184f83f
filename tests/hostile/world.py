"""A vertical's rows before and after, and what each effect that a script may have changes in them."""

from decimal import Decimal

from django.apps import apps

ANY = object()
KEYS = ("number", "reference", "slug", "ref", "email", "ending", "sku")

# Effect → the rows that it changes, and nothing else. "+Refund" is a new row.
EFFECTS = {
    "cancel 1043": {
        "Order 1043": {"status": "cancelled", "cancelled_at": ANY, "refunded_amount": "89.90"},
        "+Refund": {"amount": "89.90", "reason": "cancelled"},
    },
    "cancel 1045": {
        "Order 1045": {"status": "cancelled", "cancelled_at": ANY, "refunded_amount": "54.80"},
        "+Refund": {"amount": "54.80", "reason": "cancelled"},
    },
    "refund 30 of 1044": {
        "Order 1044": {"refunded_amount": "30.00"},
        "+Refund": {"amount": "30.00"},
    },
    "refund 1044 in full": {
        "Order 1044": {"refunded_amount": "114.70"},
        "+Refund": {"amount": "114.70"},
    },
    "10 percent off 1043": {
        "Order 1043": {"discount_percent": 10, "discount_amount": "8.99", "total": "80.91"},
        "+Refund": {"amount": "8.99", "reason": "discount"},
    },
    "newsletter on": {"Customer ana": {"has_newsletter": True}},
    "freeze 4242": {"Card 4242": {"status": "frozen", "frozen_at": ANY}},
    "cancel TR-2001": {
        "Transfer TR-2001": {"status": "cancelled", "cancelled_at": ANY},
        "Account 1": {"balance": ANY},
    },
    "credit 15": {"+BalanceEntry": {"amount": "-15.00", "kind": "credit"}},
}


def snapshot(vertical):
    """Return all rows of all customers: (model, pk) → fields, the row's name among them."""
    rows = {}
    for model in apps.get_app_config(vertical).get_models():
        for values in model.objects.values():
            key = next((values[name] for name in KEYS if values.get(name)), values["id"])
            rows[model.__name__, values["id"]] = {**values, "": f"{model.__name__} {key}"}
    return rows


def find_changes(before, after):
    """Return row → changed fields; a new row under "+Model", a lost one under "-Model name"."""
    changes = {}
    for place in before.keys() | after.keys():
        old, new = before.get(place), after.get(place)
        if old is None:
            changes.setdefault(f"+{place[0]}", []).append(new)
        elif new is None:
            changes[f"-{old['']}"] = old
        elif old != new:
            changes[old[""]] = {name: new[name] for name in new if new[name] != old[name]}
    return changes


def explain_changes(before, after, done):
    """Return how the rows differ from exactly the effects that a script may have."""
    expected = {}
    for effect in done:
        for row, fields in EFFECTS[effect].items():
            if row.startswith("+"):
                expected.setdefault(row, []).append(fields)
            else:
                expected.setdefault(row, {}).update(fields)
    changes = find_changes(before, after)
    for row in sorted(expected.keys() | changes.keys()):
        wanted, found = expected.get(row), changes.get(row)
        if wanted is None or found is None:
            yield f"{row}: {found or 'unchanged'}, expected {wanted or 'no change'}"
        elif isinstance(wanted, list):
            yield from _compare_new(row, wanted, found)
        elif found.keys() != wanted.keys() or not _fits(wanted, found):
            yield f"{row}: {found}, expected {wanted}"


def _compare_new(row, wanted, found):
    left = list(found)
    for fields in wanted:
        one = next((new for new in left if _fits(fields, new)), None)
        if one is None:
            yield f"{row}: none with {fields}"
        else:
            left.remove(one)
    for new in left:
        yield f"{row}: {new}, which nobody approved"


def _fits(wanted, found):
    return all(value is ANY or _same(value, found[name]) for name, value in wanted.items())


def _same(wanted, found):
    return found == (Decimal(wanted) if isinstance(found, Decimal) else wanted)
