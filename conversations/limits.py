"""How much one socket may send."""

from __future__ import annotations

import math
import time


class Bucket:
    """A token bucket: `size` at once, then `per_second`."""

    __slots__ = ("_at", "_left", "_per_second", "_size")

    def __init__(self, *, size: int, per_second: float) -> None:
        self._size = size
        self._per_second = per_second
        self._left = float(size)
        self._at = time.monotonic()

    def take(self) -> bool:
        """Take one, if one is left."""
        now = time.monotonic()
        self._left = min(self._size, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def wait_seconds(self) -> int:
        """Return after how many whole seconds one is left again; at least 1."""
        return max(1, math.ceil((1 - self._left) / self._per_second))
