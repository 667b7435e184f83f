"""Where brains are kept: one a template's checksum, in the process and on disk."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from agents.offline.brain import SMALL_TALK, Brain, Head, Knowledge, learn, topics_of
from agents.offline.embedding import DIMENSIONS, MiniLM, load_minilm
from agents.offline.features import BUCKETS, Sparse
from agents.offline.trades import TRADES
from agents.spec import TemplateSpec

logger = logging.getLogger(__name__)

FORMAT = 5  # raise it when features, classifier or file change
KEPT = 16

_brains: OrderedDict[str, Brain] = OrderedDict()
_lock = threading.Lock()
_training: dict[str, threading.Lock] = {}


def checksum(template: TemplateSpec) -> str:
    """Return the name of what is learned from a template: of its agents, intents and examples, and of nothing else."""
    examples = [(t.agent, t.intent.name, t.intent.examples) for t in topics_of(template)]
    content = json.dumps([FORMAT, SMALL_TALK, TRADES, examples], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def get_brain(template: TemplateSpec, cache_dir: Path) -> Brain:
    """Return the brain for a template: this process's, else the one on disk, else a new one, which is then kept.

    Several threads may ask at once; one of them trains and the others wait.
    """
    # The whole template, because replies and tools hang on the topics that a brain hands out.
    whole = hashlib.sha256(template.model_dump_json().encode()).hexdigest()
    with _lock:
        brain = _brains.get(whole)
        if brain is not None:
            _brains.move_to_end(whole)
            return brain
        turn = _training.setdefault(whole, threading.Lock())
    with turn:
        with _lock:
            brain = _brains.get(whole)
        if brain is None:
            brain = _load_or_learn(template, cache_dir)
            with _lock:
                _brains[whole] = brain
                _training.pop(whole, None)
                while len(_brains) > KEPT:
                    _brains.popitem(last=False)
    return brain


def _load_or_learn(template: TemplateSpec, cache_dir: Path) -> Brain:
    minilm = load_minilm()
    kind = MiniLM.name if minilm is not None else "words"
    path = cache_dir / f"offline-{checksum(template)[:32]}-{kind}.npz"
    knowledge = _load(path, template)
    if knowledge is None:
        knowledge = learn(template, minilm)
        _save(path, knowledge)
    return Brain(template, knowledge, minilm)


def _load(path: Path, template: TemplateSpec) -> Knowledge | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            knowledge = _unpack({name: stored[name] for name in stored.files})
        _check(knowledge, len(topics_of(template)) + len(SMALL_TALK))
    except FileNotFoundError:
        return None
    except Exception as error:  # a broken file can break numpy in any way; training mends it
        logger.warning(
            "The offline model's cache file %s is broken, training anew: %s", path, error
        )
        return None
    return knowledge


def _save(path: Path, knowledge: Knowledge) -> None:
    """Write the file under another name first, so that nobody ever reads half of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            np.savez_compressed(file, allow_pickle=False, **_pack(knowledge))
        os.replace(file.name, path)
    except OSError as error:
        logger.warning("The offline model cannot keep what it learned in %s: %s", path, error)


def _pack(known: Knowledge) -> dict[str, Any]:
    return {
        "meanings": known.meanings,
        "starts": known.words.starts,
        "columns": known.words.columns,
        "values": known.words.values,
        "idf": known.idf,
        "labels": known.labels,
        "message_shares": known.message.shares,
        "clause_shares": known.clause.shares,
        "thresholds": np.array([known.message.threshold, known.clause.threshold]),
    }


def _unpack(stored: dict[str, Any]) -> Knowledge:
    message, clause = (float(number) for number in stored["thresholds"])
    return Knowledge(
        stored["meanings"],
        Sparse(stored["starts"], stored["columns"], stored["values"]),
        stored["idf"],
        stored["labels"],
        Head(stored["message_shares"], message),
        Head(stored["clause_shares"], clause),
    )


def _check(known: Knowledge, classes: int) -> None:
    examples = len(known.labels)
    shapes = (known.meanings.shape, known.idf.shape, known.message.shares.shape, len(known.words))
    wanted = ((examples, DIMENSIONS), (BUCKETS,), (examples, classes), examples)
    if shapes != wanted:
        raise ValueError(f"its arrays have the shapes {shapes}; they must have {wanted}")
