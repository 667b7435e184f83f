"""The real embeddings: the wheel, the vocabulary and onnxruntime fit together."""

import subprocess
import sys

import numpy as np
import pytest

from agents.offline import cache, embedding
from agents.offline.embedding import load_minilm
from tests.offline.library import Desk


@pytest.fixture
def minilm():
    loaded = load_minilm()
    assert loaded is not None
    return loaded


def test_the_nearer_meaning_is_the_nearer_vector(minilm):
    parcel, near, far = minilm.embed(
        ["where is my parcel?", "my package has not arrived", "I forgot my password"]
    )
    assert parcel @ near > parcel @ far + 0.2


def test_vectors_have_length_one_alone_and_in_a_batch(minilm):
    texts = ["hello", "a much longer text about a loan that is due on Friday", ""]
    rows = minilm.embed(texts)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    # int8 weights are scaled by what else is in the batch, so the two agree to two digits.
    assert minilm.embed_one(texts[1]) @ rows[1] > 0.99


def test_a_text_of_a_thousand_words_is_cut_and_not_refused(minilm):
    assert minilm.embed_one("word " * 1000).shape == (embedding.DIMENSIONS,)


def test_importing_the_model_does_not_load_onnxruntime():
    code = "import sys, agents.offline.model; print('onnxruntime' in sys.modules or 'tokenizers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("broken", ["missing", "other file"])
def test_without_the_right_model_words_alone_answer(broken, monkeypatch, tmp_path, caplog):
    if broken == "missing":
        monkeypatch.setattr(embedding, "MODEL_PACKAGE", "no_such_package")
    else:
        monkeypatch.setattr(embedding, "MODEL_SHA256", "0" * 64)
    monkeypatch.setattr(cache, "_brains", type(cache._brains)())
    embedding._load_once.cache_clear()
    try:
        poorer = Desk(tmp_path)
        assert [i.agent for i in poorer.route("renew loan 2041").intents] == ["loans"]
        assert [i.agent for i in poorer.route("change my email address").intents] == ["account"]
        assert [r.levelname for r in caplog.records if "embeddings are off" in r.message] == [
            "WARNING"
        ]
    finally:
        embedding._load_once.cache_clear()
