"""Named places on the path of a run and of a decision, at which a test may pull the plug.

In production nothing listens, and each costs one look at a variable. A test finds out which there are by a run that
notes what it reaches, so a new one is tried as soon as it stands in the code.
"""

from __future__ import annotations

from collections.abc import Callable

on_reach: Callable[[str], None] | None = None


def reach(name: str) -> None:
    """Say that this place is reached: `what.when`."""
    if on_reach is not None:
        on_reach(name)
