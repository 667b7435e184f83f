"""What the offline model has learned from one template: what a text is about, and how sure that is."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from agents.offline import everyday
from agents.offline.classifier import Labels, fit, softmax
from agents.offline.embedding import DIMENSIONS, Matrix, MiniLM
from agents.offline.features import Sparse, learn_idf, tfidf
from agents.spec import HUMAN, IntentSpec, TemplateSpec

# Joined features: [sqrt(.6) MiniLM | sqrt(.4) tf-idf], so that products mix in these shares.
MEANING_SHARE = 0.6
FOLDS = 5
SURELY_ABUSE = 0.4
TOO_CLOSE = 0.6  # an everyday sentence as near as this to an example is the template's own matter

SMALL_TALK: dict[str, list[str]] = {
    "hello": everyday.HELLO,
    "thanks": everyday.THANKS,
    "abuse": everyday.ABUSE,
    "vague": everyday.VAGUE,
    "out_of_scope": everyday.OFF_TOPIC,
}


@dataclass(frozen=True)
class Topic:
    """One intent of the template, and whose it is."""

    agent: str
    intent: IntentSpec

    @property
    def wording(self) -> str:
        """How a customer is asked whether this is meant: "cancel an order"."""
        words = self.intent.description or self.intent.name.replace("_", " ").lower()
        return words.rstrip(" .?!")


@dataclass(frozen=True)
class Reading:
    """What one text seems to be about.

    Attributes:
        ranked: Topics with their probabilities, most likely first.
        small_talk: The same for hello, thanks, abuse, vague and out_of_scope.
        score: Similarity of the nearest example + half the probability that it is any of the topics.
        threshold: Below this score the text is probably none of the template's business.
    """

    ranked: list[tuple[Topic, float]]
    small_talk: dict[str, float]
    score: float
    threshold: float

    @property
    def topic(self) -> Topic:
        return self.ranked[0][0]

    @property
    def probability(self) -> float:
        return self.ranked[0][1]

    @property
    def is_confident(self) -> bool:
        return self.score >= self.threshold

    @property
    def outsideness(self) -> float:
        """How likely it is that this is none of the template's business; only its order counts."""
        return self.threshold - self.score

    @property
    def ambiguity(self) -> float:
        """How likely it is that a good agent would ask back; only its order counts."""
        return self.threshold - self.score

    @cached_property
    def talk(self) -> str | None:
        """The kind of small talk that is likelier than every topic, or None."""
        kind = max(self.small_talk, key=lambda name: self.small_talk[name])
        if self.small_talk[kind] <= self.probability:
            return None
        # Nobody is called rude by a narrow margin.
        return "vague" if kind == "abuse" and self.small_talk[kind] < SURELY_ABUSE else kind

    def among(self, agent: str) -> list[tuple[Topic, float]]:
        """Return the topics of one agent, most likely first."""
        return [(topic, p) for topic, p in self.ranked if topic.agent == agent]


@dataclass(frozen=True)
class Head:
    """One trained softmax: each example's share in each class, and the threshold that goes with it."""

    shares: Matrix
    threshold: float


@dataclass(frozen=True)
class Knowledge:
    """Plain arrays, as they are kept in the cache. Examples stand in the order of `examples_of`."""

    meanings: Matrix
    words: Sparse
    idf: Matrix
    labels: Labels
    message: Head
    clause: Head


class Brain:
    """Reads texts for one template. Safe to share between threads."""

    def __init__(self, template: TemplateSpec, knowledge: Knowledge, minilm: MiniLM | None) -> None:
        self.topics = topics_of(template)
        self._knowledge = knowledge
        self._minilm = minilm

    def read(self, text: str) -> Reading:
        """Return what a message is about."""
        return self._reading(self._kernel(text, words=True), self._knowledge.message)

    def read_clause(self, text: str) -> Reading:
        """Return what a part of a message is about; by meaning alone, which tells parts apart better than words do."""
        return self._reading(self._kernel(text, words=False), self._knowledge.clause)

    def similarity(self, text: str, other: str) -> float:
        """Return how alike two short texts are, from about 0 to 1."""
        if self._minilm is not None:
            return float(self._minilm.embed_one(text) @ self._minilm.embed_one(other))
        rows = tfidf([text, other], self._knowledge.idf).dense()
        return float(rows[0] @ rows[1])

    def _kernel(self, text: str, *, words: bool) -> Matrix:
        known = self._knowledge
        text = unicodedata.normalize("NFKC", text)  # letters in fancy type are letters
        if self._minilm is not None:
            meaning: Matrix = known.meanings @ self._minilm.embed_one(text)
            if not words:
                return meaning
        columns, values = tfidf([text], known.idf).row(0)
        vector = np.zeros_like(known.idf)
        vector[columns] = values
        by_words = known.words.dot(vector)
        if self._minilm is None:
            return by_words
        return MEANING_SHARE * meaning + np.float32(1 - MEANING_SHARE) * by_words

    def _reading(self, kernel: Matrix, head: Head) -> Reading:
        count = len(self.topics)
        chances = softmax(kernel @ head.shares)
        nearest = float(kernel[self._knowledge.labels < count].max())
        order = np.argsort(-chances[:count], kind="stable")
        return Reading(
            ranked=[(self.topics[i], float(chances[i])) for i in order],
            small_talk=dict(zip(SMALL_TALK, chances[count:].tolist(), strict=True)),
            score=nearest + 0.5 * float(chances[:count].sum()),
            threshold=head.threshold,
        )


def topics_of(template: TemplateSpec) -> list[Topic]:
    """Return every intent of the template; the destination for people has one in any case."""
    topics = [Topic(agent.name, intent) for agent in template.agents for intent in agent.intents]
    people = template.human.intents or [
        IntentSpec(name="talk_to_a_person", description="Talk to a person", examples=everyday.HUMAN)
    ]
    return topics + [Topic(HUMAN, intent) for intent in people]


def learn(template: TemplateSpec, minilm: MiniLM | None) -> Knowledge:
    """Train on the template's examples; always gives the same for the same examples.

    Takes half a second for 25 intents, three for 80, nearly all of it for the embeddings.
    """
    topics = topics_of(template)
    texts = [text for topic in topics for text in topic.intent.examples]
    labels = [i for i, topic in enumerate(topics) for _ in topic.intent.examples]
    meanings = _embed(texts, minilm)
    for kind, sentences in enumerate(SMALL_TALK.values()):
        rows = _embed(sentences, minilm)
        for sentence, row in zip(sentences, rows, strict=True):
            if minilm is None or (meanings[: len(labels)] @ row).max() < TOO_CLOSE:
                texts.append(sentence)
                labels.append(len(topics) + kind)
                meanings = np.vstack([meanings, row])
    numbered = np.array(labels, dtype=np.int64)
    idf = learn_idf(texts)
    words = tfidf(texts, idf)
    by_words = _gram(words.dense())
    by_meaning = _gram(meanings) if minilm is not None else by_words
    joined = MEANING_SHARE * by_meaning + np.float32(1 - MEANING_SHARE) * by_words
    return Knowledge(
        meanings,
        words,
        idf,
        numbered,
        message=_train(joined, numbered, len(topics)),
        clause=_train(by_meaning, numbered, len(topics)),
    )


def _embed(texts: list[str], minilm: MiniLM | None) -> Matrix:
    if minilm is None:
        return np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    return minilm.embed(texts)


def _gram(rows: Matrix) -> Matrix:
    result: Matrix = rows @ rows.T
    return result


def _train(kernel: Matrix, labels: Labels, topics: int) -> Head:
    classes = topics + len(SMALL_TALK)
    return Head(fit(kernel, labels, classes), _threshold(kernel, labels, topics))


def _threshold(kernel: Matrix, labels: Labels, topics: int) -> float:
    """Return the score between examples that were left out and everyday sentences that were left out.

    Somewhat nearer to the former: what people write off the subject is more varied than a list of ninety sentences.
    """
    off_topic = topics + list(SMALL_TALK).index("out_of_scope")
    place = np.zeros(len(labels), dtype=np.int64)
    for label in range(off_topic + 1):
        place[labels == label] = np.arange((labels == label).sum())
    scores = np.zeros(len(labels), dtype=np.float32)
    for fold in range(FOLDS):
        out = place % FOLDS == fold
        if not (labels[~out] < topics).any() or not out.any():
            continue
        shares = fit(kernel[np.ix_(~out, ~out)], labels[~out], off_topic + 1)
        seen = kernel[np.ix_(out, ~out)]
        chances = softmax(seen @ shares)
        nearest = seen[:, labels[~out] < topics].max(axis=1)
        scores[out] = nearest + 0.5 * chances[:, :topics].sum(axis=1)
    inside = float(np.quantile(scores[labels < topics], 0.1))
    outside = float(np.quantile(scores[labels == off_topic], 0.9))
    return min(1.1, max(0.5, 0.55 * inside + 0.45 * outside))
