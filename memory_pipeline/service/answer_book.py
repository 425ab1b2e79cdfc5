"""The answers of one policy, worked out once for each described context and kept as JSON.

What depends on chance is not kept: which answer is withheld, and which candidate is tried where exploration
is on. For the latter the probabilities of the candidates are kept, and an answer for each that was drawn.
"""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from memory_pipeline.analysis.recommendations.selection import choose
from memory_pipeline.service.advice import withhold
from memory_pipeline.service.descriptions import KnownValues
from memory_pipeline.service.records import to_json
from memory_pipeline.store.served import LOGGED, candidates_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.analysis.recommendations import Advice, Policy
    from memory_pipeline.analysis.recommendations.situation import Situation

MOST_ANSWERS = 2_000
"""Answers that are kept of one policy, about 15 kB each; the one asked for longest ago goes first."""
_MOST_SITUATIONS = 64
LOOK = -1
"""In place of a drawn candidate: the answer without chance, which is the only one where nothing is drawn."""
Key = TypeVar("Key")
Value = TypeVar("Value")


class LeastRecent(Generic[Key, Value]):
    """A mapping of bounded size that drops what was asked for longest ago; threads may share it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        """Return what is kept under a key; None where nothing is."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Key, value: Value) -> None:
        """Keep a value under a key."""
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)


@dataclass
class KeptAnswer:
    """The part of an answer that is the same whenever it is given.

    Attributes
    ----------
    context, approach
        The description, and what is advised; None where nothing is.
    advice
        The advice as JSON without `candidates` and without its last brace.
    withheld
        The same of the advice as it is shown where it is withheld.
    log
        What is logged, as the end of a JSON object.
    candidates_id
        Under which the candidates are logged.
    cases, cases_stamp, cases_read_at
        Past attempts as JSON; which state of the outcomes they are of; when they were read (monotonic).
    """

    context: Mapping[str, Any]
    approach: Mapping[str, Any] | None
    advice: bytes
    withheld: bytes
    log: bytes
    candidates_id: str
    _candidates: bytes
    cases: bytes = b"[]"
    cases_stamp: Any = None
    cases_read_at: float = field(default=-float("inf"))

    @classmethod
    def of(cls, advice: Advice) -> KeptAnswer:
        """Return an advice as it is kept."""
        document = candidates_document(advice.candidates)
        log = {name: getattr(advice, name) for name in LOGGED} | {"candidates_id": document["id"]}
        return cls(
            context=advice.context,
            approach=advice.recommended_approach,
            advice=_opened(advice),
            withheld=_opened(withhold(advice)),
            log=to_json(log, indent=None).encode()[1:],
            candidates_id=document["id"],
            _candidates=zlib.compress(json.dumps(document["candidates"]).encode(), level=1),
        )

    def candidates(self) -> bytes:
        """Return the candidates as JSON."""
        return zlib.decompress(self._candidates)

    def candidates_document(self) -> bytes:
        """Return the candidates as they are logged: `store.served.candidates_document` as JSON."""
        return b'{"candidates":%b,"id":"%b"}' % (self.candidates(), self.candidates_id.encode())


def _opened(advice: Advice) -> bytes:
    """Return an advice as JSON without its candidates and without the last brace, so that they can follow."""
    plain = {name: value for name, value in vars(advice).items() if name != "candidates"}
    return to_json(plain, indent=None).encode()[:-1]


class AnswerBook:
    """What one policy answers; every answer of a book is by that policy alone.

    Parameters
    ----------
    policy
        The policy that holds, with what persons decided.
    exploration
        Share of answers that are drawn, as the setting.
    """

    def __init__(self, policy: Policy, exploration: float) -> None:
        self.read_from = policy
        self._policy = replace(policy, limits=replace(policy.limits, exploration=exploration))
        self.version = self._policy.version
        self.is_exploring = exploration > 0
        self.known_context = KnownValues.of_context(policy)
        self.known_settings = KnownValues.of_approaches(policy)
        self.made_at = time.time()
        self._answers: LeastRecent[tuple[str, int], KeptAnswer] = LeastRecent(MOST_ANSWERS)
        self._odds: LeastRecent[str, tuple[float, ...]] = LeastRecent(MOST_ANSWERS)
        self._situations: LeastRecent[str, Situation] = LeastRecent(_MOST_SITUATIONS)
        self._working = threading.Lock()

    def __len__(self) -> int:
        return len(self._answers)

    def draw(self, key: str, chance: float) -> int | None:
        """Return the candidate that chance picks in a context.

        Parameters
        ----------
        key
            Of the context, see `context_key`.
        chance
            Uniform between 0 and 1.

        Returns
        -------
        int or None
            Its number; -1 where nothing is drawn; None where the context was not asked about before.
        """
        if not self.is_exploring:
            return LOOK
        odds = self._odds.get(key)
        if odds is None:
            return None
        # Without candidates there is nothing to draw, and one answer.
        return next((i for i, bound in enumerate(odds) if chance * odds[-1] < bound), 0)

    def find(self, key: str, picked: int) -> KeptAnswer | None:
        """Return the answer that is kept for a context and a drawn candidate; None where none is."""
        return self._answers.get((key, picked))

    def work_out_odds(self, key: str, context: Mapping[str, Any]) -> None:
        """Work out by which probabilities candidates are drawn in a context, where that is not kept."""
        with self._working:
            if self._odds.get(key) is None:
                situation = self._situation(key, context)
                found = choose(situation.posterior, self._policy.limits).probabilities
                self._odds.put(key, tuple(accumulate(found.tolist())))

    def work_out(self, key: str, context: Mapping[str, Any], picked: int) -> KeptAnswer:
        """Work out the answer for a context and a drawn candidate, where it is not kept.

        One is worked out at a time: others that wait for the same one find it.
        """
        with self._working:
            kept = self._answers.get((key, picked))
            if kept is None:
                if not self.is_exploring:
                    advice = self._policy.recommend(context)
                elif picked == LOOK:
                    advice = self.read_from.recommend(context)
                else:
                    advice = self._policy.advise(self._situation(key, context), picked=picked)
                kept = KeptAnswer.of(advice)
                self._answers.put((key, picked), kept)
            return kept

    def _situation(self, key: str, context: Mapping[str, Any]) -> Situation:
        found = self._situations.get(key)
        if found is None:
            found = self._policy.read_situation(context)
            self._situations.put(key, found)
        return found


def context_key(context: Mapping[str, Any]) -> str:
    """Return a context as a text that does not depend on the order of its columns.

    >>> context_key({"b": 1, "a": ["x"]})
    '{"a": ["x"], "b": 1}'
    """
    return json.dumps(context, sort_keys=True, default=str)
