"""Words as numbers: hashed tf-idf over words, pairs of words and pieces of words."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agents.offline.embedding import Matrix

BUCKETS = 1 << 14

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_NUMBER = re.compile(r"\d[\d.,-]*")


@dataclass(frozen=True)
class Sparse:
    """Rows with few entries: row i has columns[starts[i]:starts[i+1]] and the values beside them."""

    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: Matrix

    def __len__(self) -> int:
        return len(self.starts) - 1

    def row(self, i: int) -> tuple[NDArray[np.int32], Matrix]:
        part = slice(self.starts[i], self.starts[i + 1])
        return self.columns[part], self.values[part]

    def dense(self) -> Matrix:
        result = np.zeros((len(self), BUCKETS), dtype=np.float32)
        rows = np.repeat(np.arange(len(self)), np.diff(self.starts))
        result[rows, self.columns] = self.values
        return result

    def dot(self, vector: Matrix) -> Matrix:
        """Return the product of each row with a dense vector."""
        products = np.append(vector[self.columns] * self.values, np.float32(0))
        sums = np.add.reduceat(products, self.starts[:-1])
        result: Matrix = np.where(np.diff(self.starts) > 0, sums, 0).astype(np.float32)
        return result


def terms(text: str) -> Counter[int]:
    """Return how often each hashed term stands in `text`. All numbers count as one and the same word."""
    words = _WORD.findall(_NUMBER.sub("0", text.lower().replace("\u2019", "'")))
    found = [f"w {word}" for word in words]
    found += [f"b {a} {b}" for a, b in pairwise(words)]
    for word in words:
        padded = f" {word} "
        for size in (3, 4, 5):
            found += [f"c{padded[i : i + size]}" for i in range(len(padded) - size + 1)]
    return Counter(zlib.crc32(term.encode()) % BUCKETS for term in found)


def learn_idf(texts: list[str]) -> Matrix:
    """Return each term's rarity over `texts`."""
    seen = np.zeros(BUCKETS, dtype=np.float32)
    for text in texts:
        seen[list(terms(text))] += 1
    result: Matrix = (np.log((1 + len(texts)) / (1 + seen)) + 1).astype(np.float32)
    return result


def tfidf(texts: list[str], idf: Matrix) -> Sparse:
    """Return one row of length one for each text."""
    starts, columns, values = [0], [], []
    for text in texts:
        counts = terms(text)
        where = np.fromiter(counts, dtype=np.int32, count=len(counts))
        often = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
        weights = (1 + np.log(often)) * idf[where] if len(where) else often
        length = float(np.linalg.norm(weights)) or 1.0
        columns.append(where)
        values.append((weights / length).astype(np.float32))
        starts.append(starts[-1] + len(where))
    return Sparse(
        np.array(starts, dtype=np.int64),
        np.concatenate(columns) if columns else np.zeros(0, dtype=np.int32),
        np.concatenate(values) if values else np.zeros(0, dtype=np.float32),
    )
