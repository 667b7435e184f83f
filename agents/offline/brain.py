"""What the offline model has learned from one template: what a text is about, and how sure that is."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from agents.offline import everyday
from agents.offline.classifier import Labels, fit, softmax
from agents.offline.embedding import DIMENSIONS, Matrix, MiniLM
from agents.offline.features import Sparse, learn_idf, tfidf
from agents.offline.spelling import Speller
from agents.offline.trades import TRADES
from agents.spec import HUMAN, IntentSpec, TemplateSpec

# How meaning and words mix into one likeness. The exponential lets near examples count more than many far ones.
MEANING_SHARE = 0.6
SHARPNESS = 2.0
NEAREST_WEIGHT = 3.0  # of each topic's nearest example, beside the softmax's logarithm
OFF_TOPIC_WEIGHT = 0.5  # of the nearest sentence that is none of the template's business
AGENT_WEIGHT = 0.5  # of the likeliest agent: what is off the subject is a little like several
FOLDS = 5
FOLD_STEPS = 20  # a fold begins where the whole ended: 20 steps give nearly the threshold of many, in less time
MIN_THRESHOLD, MAX_THRESHOLD = 0.3, 1.5
SURELY_ABUSE = 0.4
TOO_CLOSE = 0.6  # an everyday sentence as near as this to an example is the template's own matter
OWN_TRADE = 0.25  # a trade of whose sentences so many are too close is the template's own

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
        score: Similarity of the nearest example + half the probability that it is any of the topics + half the
            probability of the likeliest agent - half the similarity of the nearest sentence off the subject.
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
        return self.small_talk["vague"]

    @cached_property
    def talk(self) -> str | None:
        """The kind of small talk that is likelier than every topic, or None."""
        kind = max(self.small_talk, key=lambda name: self.small_talk[name])
        if self.small_talk[kind] <= self.probability:
            return None
        # Nobody is called rude by a narrow margin.
        return "vague" if kind == "abuse" and self.small_talk[kind] < SURELY_ABUSE else kind

    @cached_property
    def agents(self) -> list[tuple[str, float]]:
        """Agents with the sums of their topics' probabilities, most likely first."""
        sums: dict[str, float] = {}
        for topic, p in self.ranked:
            sums[topic.agent] = sums.get(topic.agent, 0.0) + p
        return sorted(sums.items(), key=lambda one: -one[1])

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
        self._owners = _owners(self.topics)
        self._knowledge = knowledge
        self._minilm = minilm
        self._speller = Speller([text for topic in self.topics for text in topic.intent.examples])

    def read(self, text: str) -> Reading:
        """Return what a message is about."""
        meaning, words = self._likenesses(text)
        likeness = _joined(meaning, words)
        return self._reading(_kernel(meaning, words), likeness, meaning, self._knowledge.message)

    def read_clause(self, text: str) -> Reading:
        """Return what a part of a message is about; by meaning alone, which tells parts apart better than words do."""
        meaning, _ = self._likenesses(text)
        return self._reading(meaning, meaning, meaning, self._knowledge.clause)

    def similarity(self, text: str, other: str) -> float:
        """Return how alike two short texts are, from about 0 to 1."""
        text, other = self._plain(text), self._plain(other)
        if self._minilm is not None:
            return float(self._minilm.embed_one(text) @ self._minilm.embed_one(other))
        rows = tfidf([text, other], self._knowledge.idf).dense()
        return float(rows[0] @ rows[1])

    def _plain(self, text: str) -> str:
        # Letters in fancy type are letters.
        return self._speller.mend(unicodedata.normalize("NFKC", text))

    def _likenesses(self, text: str) -> tuple[Matrix, Matrix]:
        """Return how like each example a text is, by meaning and by words."""
        known = self._knowledge
        text = self._plain(text)
        columns, values = tfidf([text], known.idf).row(0)
        vector = np.zeros_like(known.idf)
        vector[columns] = values
        words = known.words.dot(vector)
        if self._minilm is None:
            return words, words
        return _products(known.meanings, self._minilm.embed_one(text)), words

    def _reading(self, kernel: Matrix, likeness: Matrix, meaning: Matrix, head: Head) -> Reading:
        labels, owners = self._knowledge.labels, self._owners
        count = len(owners)
        chances = _chances(_products(head.shares.T, kernel), likeness, labels)
        order = np.argsort(-chances[:count], kind="stable")
        return Reading(
            ranked=[(self.topics[i], float(chances[i])) for i in order],
            small_talk=dict(zip(SMALL_TALK, chances[count:].tolist(), strict=True)),
            score=float(_scores(chances, likeness, meaning, labels, owners)),
            threshold=head.threshold,
        )


def _products(rows: Matrix, vector: Matrix) -> Matrix:
    """Return each row's product with a vector.

    Without BLAS: its threads wake for so little work and wait for each other, which cost 3 to 20 ms CPU instead of 0.3.
    """
    result: Matrix = np.einsum("ij,j->i", rows, vector)
    return result


def _joined(meaning: Matrix, words: Matrix) -> Matrix:
    return MEANING_SHARE * meaning + np.float32(1 - MEANING_SHARE) * words


def _kernel(meaning: Matrix, words: Matrix) -> Matrix:
    sharp: Matrix = np.exp(np.float32(SHARPNESS) * (meaning - 1))
    return MEANING_SHARE * sharp + np.float32(1 - MEANING_SHARE) * words


def _chances(logits: Matrix, likeness: Matrix, labels: Labels) -> Matrix:
    """Return each class's probability, from the softmax's logits and each class's nearest example."""
    nearest = np.full(logits.shape[::-1], -1, dtype=np.float32)
    np.maximum.at(nearest, labels, likeness.T)
    return softmax(logits + np.float32(NEAREST_WEIGHT) * nearest.T)


def _scores(
    chances: Matrix, likeness: Matrix, meaning: Matrix, labels: Labels, owners: Labels
) -> Matrix:
    """Return how surely texts are the template's business; one text, or one a row."""
    topics = len(owners)
    nearest = likeness[..., labels < topics].max(axis=-1)
    agents = np.zeros((*chances.shape[:-1], int(owners.max()) + 1), dtype=np.float32)
    np.add.at(agents.T, owners, chances[..., :topics].T)
    off_topic = meaning[..., labels == _off_topic(topics)].max(axis=-1, initial=0)
    result: Matrix = (
        nearest
        + 0.5 * chances[..., :topics].sum(axis=-1)
        + AGENT_WEIGHT * agents.max(axis=-1)
        - OFF_TOPIC_WEIGHT * off_topic
    )
    return result


def _owners(topics: list[Topic]) -> Labels:
    """Return the number of each topic's agent."""
    names = list(dict.fromkeys(topic.agent for topic in topics))
    return np.array([names.index(topic.agent) for topic in topics], dtype=np.int64)


def _off_topic(topics: int) -> int:
    return topics + list(SMALL_TALK).index("out_of_scope")


def topics_of(template: TemplateSpec) -> list[Topic]:
    """Return every intent of the template; the destination for people has one in any case."""
    topics = [Topic(agent.name, intent) for agent in template.agents for intent in agent.intents]
    people = template.human.intents or [
        IntentSpec(name="talk_to_a_person", description="Talk to a person", examples=everyday.HUMAN)
    ]
    return topics + [Topic(HUMAN, intent) for intent in people]


def learn(template: TemplateSpec, minilm: MiniLM | None) -> Knowledge:
    """Train on the template's examples; always gives the same for the same examples.

    Takes a few seconds of one core: about half for the embeddings, half for the softmax.
    """
    topics = topics_of(template)
    owners = _owners(topics)
    texts = [text for topic in topics for text in topic.intent.examples]
    labels = [i for i, topic in enumerate(topics) for _ in topic.intent.examples]
    meanings = _embed(texts, minilm)
    for kind, talk in enumerate(_small_talk(meanings, minilm)):
        texts += talk.sentences
        labels += [len(topics) + kind] * len(talk.sentences)
        meanings = np.vstack([meanings, talk.meanings])
    numbered = np.array(labels, dtype=np.int64)
    idf = learn_idf(texts)
    words = tfidf(texts, idf)
    by_words = _gram(words.dense())
    by_meaning = _gram(meanings) if minilm is not None else by_words
    likeness, kernel = _joined(by_meaning, by_words), _kernel(by_meaning, by_words)
    return Knowledge(
        meanings,
        words,
        idf,
        numbered,
        message=_train(kernel, likeness, by_meaning, numbered, owners),
        clause=_train(by_meaning, by_meaning, by_meaning, numbered, owners),
    )


@dataclass(frozen=True)
class _Talk:
    """Sentences with their meanings, one row each."""

    sentences: list[str]
    meanings: Matrix


def _small_talk(meanings: Matrix, minilm: MiniLM | None) -> list[_Talk]:
    """Return the sentences of each kind of small talk, without those that are the template's own matter."""
    known = _every_templates_talk(minilm)
    found: list[_Talk] = []
    for kind in SMALL_TALK:
        groups = [known[kind]]
        if kind == "out_of_scope":
            trades = [known[trade] for trade in TRADES]
            groups += [one for one in trades if _is_near(one, meanings).mean() < OWN_TRADE]
        is_far = [~_is_near(group, meanings) for group in groups]
        sentences = [
            sentence
            for group, far in zip(groups, is_far, strict=True)
            for sentence, is_kept in zip(group.sentences, far, strict=True)
            if is_kept
        ]
        kept = [group.meanings[far] for group, far in zip(groups, is_far, strict=True)]
        found.append(_Talk(sentences, np.vstack(kept)))
    return found


@lru_cache(maxsize=1)
def _every_templates_talk(minilm: MiniLM | None) -> dict[str, _Talk]:
    """Return the sentences that are the same for every template; embedding them is a third of the work of learning."""
    return {
        name: _Talk(sentences, _embed(sentences, minilm))
        for name, sentences in {**SMALL_TALK, **TRADES}.items()
    }


def _is_near(talk: _Talk, meanings: Matrix) -> NDArray[np.bool_]:
    """Return which sentences are too close to an example; without a model none is, all meanings being zero."""
    result: NDArray[np.bool_] = (talk.meanings @ meanings.T).max(axis=1) >= TOO_CLOSE
    return result


def _embed(texts: list[str], minilm: MiniLM | None) -> Matrix:
    if minilm is None:
        return np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    return minilm.embed(texts)


def _gram(rows: Matrix) -> Matrix:
    result: Matrix = rows @ rows.T
    return result


def _train(
    kernel: Matrix, likeness: Matrix, meaning: Matrix, labels: Labels, owners: Labels
) -> Head:
    shares = fit(kernel, labels, len(owners) + len(SMALL_TALK))
    return Head(shares, _threshold(kernel, likeness, meaning, labels, owners, shares))


def _threshold(
    kernel: Matrix,
    likeness: Matrix,
    meaning: Matrix,
    labels: Labels,
    owners: Labels,
    shares_of_all: Matrix,
) -> float:
    """Return the score between examples that were left out and everyday sentences that were left out.

    Somewhat nearer to the former: what people write off the subject is more varied than a list of sentences.
    """
    topics = len(owners)
    off_topic = _off_topic(topics)
    place = np.zeros(len(labels), dtype=np.int64)
    for label in range(off_topic + 1):
        place[labels == label] = np.arange((labels == label).sum())
    scores = np.zeros(len(labels), dtype=np.float32)
    for fold in range(FOLDS):
        out = place % FOLDS == fold
        if not (labels[~out] < topics).any() or not out.any():
            continue
        start = shares_of_all[~out, : off_topic + 1]
        within = kernel[np.ix_(~out, ~out)]
        shares = fit(within, labels[~out], off_topic + 1, start, FOLD_STEPS)
        seen = np.ix_(out, ~out)
        chances = _chances(kernel[seen] @ shares, likeness[seen], labels[~out])
        scores[out] = _scores(chances, likeness[seen], meaning[seen], labels[~out], owners)
    inside = float(np.quantile(scores[labels < topics], 0.1))
    outside = float(np.quantile(scores[labels == off_topic], 0.9))
    return min(MAX_THRESHOLD, max(MIN_THRESHOLD, 0.6 * inside + 0.4 * outside))
