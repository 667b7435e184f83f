"""Does an answer claim what no tool result says?"""

import json
import re

DONE = (
    "activated|applied|approved|blocked|booked|cancell?ed|changed|closed|credited|deleted|disputed|downgraded|"
    "filed|frozen|invited|issued|made|moved|opened|ordered|paid back|paid out|published|raised|refunded|registered|"
    "removed|replaced|reported|reset|retried|returned|revoked|rotated|saved|sent|stopped|subscribed|taken off|unfrozen|"
    "unsubscribed|updated|upgraded"
)
BEEN = r"(?:is|are|was|were|(?:has|have|had)(?: already)? been|(?:I|we)(?: have|'ve)?)"
CLAIM = re.compile(
    rf"\b{BEEN}(?: (?:now|just|already))? (?:{DONE})\b|^(?:done|saved|cancelled|refunded)\b",
    re.IGNORECASE,
)
# In sentences about what would be, could be or is not.
OPEN = re.compile(
    r"\b(?:as long as|before|can|cannot|could|if|may|might|no|not|nothing|once|unless|until|when|whether|will|would)\b",
    re.IGNORECASE,
)
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


def find_unfounded(answer, results, writes):
    """Return the sentences that say something is done although nothing in this run says it.

    Args:
        answer: What the customer reads.
        results: The run's tool results before it: (tool, outcome, text).
        writes: The names of the tools that change something.
    """
    if any(outcome == "ok" and tool in writes for tool, outcome, _ in results):
        return []
    told = " ".join(_words(text) for _, _, text in results)
    return [
        sentence
        for sentence in SENTENCE.split(answer)
        if CLAIM.search(sentence) and not OPEN.search(sentence) and sentence not in told
    ]


def _words(text):
    try:
        fields = json.loads(text)
    except ValueError:
        return text
    values = fields.values() if isinstance(fields, dict) else []
    return " ".join(value for value in values if isinstance(value, str))
