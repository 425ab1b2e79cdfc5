"""Advice in milliseconds, for a process that stays: kept answers, a journal, and one policy at a time.

- The policy is replaced as a whole: a thread checks every half second whether its file, a decision, a pattern
  or a factor changed (one query and one look at the file). A decision that is made in this process counts at
  once.
- Answers are worked out once for each description (`answer_book`: the 2,000 asked for last are kept). The
  contexts that occur most are worked out beforehand, in the background.
- Past cases are read again for an answer once outcomes were written since, at most every 2 seconds, and after
  a minute in any case.
- What is served is in a journal on the disk before it is given (`store.served_journal`).
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memory_pipeline.service.answer_book import LOOK, AnswerBook, KeptAnswer, context_key
from memory_pipeline.service.outcomes import find_cases
from memory_pipeline.service.records import to_json
from memory_pipeline.store import reads
from memory_pipeline.store.models import ApproachRecommendation, PackagingOutcome
from memory_pipeline.store.served import BY_PROGRAM, Asked, read_served
from memory_pipeline.store.served_journal import ServedJournal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memory_pipeline.service.current_policy import CurrentPolicy
    from memory_pipeline.service.descriptions import Description
    from memory_pipeline.settings import Settings
    from memory_pipeline.store import Store

CHECK_EVERY = 0.5
"""Seconds between two looks at whether another policy holds."""
CASES_LIVE_AT_LEAST = 2.0
"""Seconds for which the cases of an answer are shown although outcomes were written since."""
CASES_LIVE_AT_MOST = 60.0
"""Seconds after which the cases of an answer are read again in any case."""
MOST_WARMED = 200
"""Contexts of the recommendation table that are worked out beforehand, those with most attempts first."""
_PAUSE = 0.01
_chance = random.SystemRandom()
_log = logging.getLogger(__name__)


@dataclass
class Question:
    """A description that an answer is asked for, and what is known of the answer so far."""

    book: AnswerBook
    description: Description
    key: str
    chance: float
    is_look: bool
    kept: KeptAnswer | None = field(default=None)
    asked_at: float = field(default_factory=time.perf_counter)


@dataclass(frozen=True)
class ServedAnswer:
    """An answer as it was given.

    Attributes
    ----------
    recommendation_id
        Under which it is logged; None where it is not.
    is_withheld
        Whether it is one of the control share.
    """

    recommendation_id: str | None
    is_withheld: bool
    _kept: KeptAnswer
    _cases: bytes
    _notes: tuple[str, ...]

    def to_json(self, *, is_full: bool = False) -> bytes:
        """Return the answer as JSON: as `Answer.to_dict`, brief without `advice.candidates`, or full."""
        identity = b"null" if self.recommendation_id is None else b'"%b"' % self.recommendation_id.encode()
        notes = json.dumps(self._notes, ensure_ascii=False).encode() if self._notes else b"[]"
        candidates = b""
        if is_full:
            candidates = b',"candidates":' + (b"[]" if self.is_withheld else self._kept.candidates())
        return b'{"recommendation_id":%b,"withheld":%b,"notes":%b,"cases":%b,"advice":%b%b}}' % (
            identity,
            b"true" if self.is_withheld else b"false",
            notes,
            b"[]" if self.is_withheld else self._cases,
            self._kept.withheld if self.is_withheld else self._kept.advice,
            candidates,
        )

    def to_dict(self, *, is_full: bool = False) -> dict[str, Any]:
        """Return the answer as plain values, as `to_json`."""
        found: dict[str, Any] = json.loads(self.to_json(is_full=is_full))
        return found


class Serving:
    """Gives advice for as long as a process stays; threads may share it.

    Parameters
    ----------
    settings
        The MEMORY_* settings.
    store
        The database.
    current
        Which policy holds.
    """

    def __init__(self, settings: Settings, store: Store, current: CurrentPolicy) -> None:
        self._settings = settings
        self._store = store
        self._current = current
        self._journal = ServedJournal(store, settings.home)
        self._book: AnswerBook | None = None
        self._outcomes: datetime | None = None
        self._refreshing = threading.Lock()
        self._end = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def pending(self) -> int:
        """Served answers that are not in the database yet."""
        return self._journal.pending

    @property
    def policy_version(self) -> str | None:
        """Version of the policy that answers now; None where none was read yet."""
        return None if self._book is None else self._book.version

    def start(self) -> None:
        """Begin to follow the policy and to move served answers, in threads; the policy is read there."""
        if not self._threads:
            self._journal.start()
            self._threads = [threading.Thread(target=self._follow, name="serving-policy", daemon=True)]
            self._threads[0].start()

    def close(self) -> None:
        """Stop the threads, and move what was served to the database."""
        self._end.set()
        for thread in self._threads:
            thread.join()
        self._journal.close()

    def flush(self) -> None:
        """Move what was served so far to the database."""
        self._journal.flush()

    def refresh(self) -> bool:
        """Read what changed; return whether another policy holds now.

        Raises
        ------
        FileNotFoundError, RuntimeError
            As `CurrentPolicy.read`; then nothing is answered any more.
        """
        with self._refreshing:
            self._outcomes = reads.latest(self._store, PackagingOutcome, "updated_at")
            try:
                policy = self._current.read()
            except (FileNotFoundError, RuntimeError):
                self._book = None
                raise
            if self._book is not None and self._book.read_from is policy:
                return False
            self._book = AnswerBook(policy, self._settings.exploration)
            return True

    def recommend(
        self, context: Mapping[str, Any], *, log: bool = True, asked: Asked = BY_PROGRAM
    ) -> ServedAnswer:
        """Advise on an application as `Memory.recommend` does; errors are the same.

        It asks the database where the answer is not kept: `ask`, `prepare` and `give` in one.
        """
        question = self.ask(context, log=log)
        if question is None or not self.is_ready(question):
            question = self.prepare(question or context, log=log)
        return self.give(question, asked)

    def ask(self, context: Mapping[str, Any], *, log: bool = True) -> Question | None:
        """Read a description and look for its answer among those that are kept; never waits.

        Returns
        -------
        Question or None
            None where no policy was read yet.

        Raises
        ------
        DescriptionError
            When a column does not exist, or a value cannot be used.
        """
        book = self._book
        return None if book is None else self._ask(book, context, log=log)

    def _ask(self, book: AnswerBook, context: Mapping[str, Any], *, log: bool) -> Question:
        description = book.known_context.read(context)
        key = context_key(description.columns)
        question = Question(book, description, key, _chance.random(), is_look=not log)
        picked = self._picked(question)
        if picked is not None:
            question.kept = book.find(key, picked)
        return question

    def _picked(self, question: Question) -> int | None:
        return LOOK if question.is_look else question.book.draw(question.key, question.chance)

    def is_ready(self, question: Question) -> bool:
        """Return whether a question can be answered without waiting."""
        kept = question.kept
        if kept is None:
            return False
        age = time.monotonic() - kept.cases_read_at
        is_current = kept.cases_stamp == self._outcomes and age < CASES_LIVE_AT_MOST
        return is_current or age < CASES_LIVE_AT_LEAST

    def prepare(self, question: Question | Mapping[str, Any], *, log: bool = True) -> Question:
        """Work out what an answer lacks; takes up to a tenth of a second, and asks the database.

        Parameters
        ----------
        question
            What `ask` returned, or a description where it returned None.
        log
            As in `ask`, for a description.

        Raises
        ------
        DescriptionError, FileNotFoundError, RuntimeError
            As `Memory.recommend`.
        """
        if not isinstance(question, Question):
            if self._book is None:
                self.refresh()
            book = self._book
            if book is None:
                raise RuntimeError("the policy was removed just now; ask again")
            question = self._ask(book, question, log=log)
        if question.kept is None:
            context = question.description.columns
            picked = self._picked(question)
            if picked is None:
                question.book.work_out_odds(question.key, context)
                picked = self._picked(question) or 0
            question.kept = question.book.work_out(question.key, context, picked)
        if not self.is_ready(question):
            self._read_cases(question.kept)
        return question

    def _read_cases(self, kept: KeptAnswer) -> None:
        stamp, began = self._outcomes, time.monotonic()
        cases = find_cases(self._store, kept.context, kept.approach)
        kept.cases = to_json([vars(one) for one in cases], indent=None).encode()
        kept.cases_stamp, kept.cases_read_at = stamp, began

    def give(self, question: Question, asked: Asked = BY_PROGRAM) -> ServedAnswer:
        """Return the answer to a question that is ready, and write it to the journal, without the database.

        Parameters
        ----------
        question
            What `ask` or `prepare` returned.
        asked
            Who asked; logged with the seconds since.

        Raises
        ------
        OSError
            When the journal cannot be written; then nothing was given.
        """
        kept = question.kept
        if kept is None:
            raise ValueError("the question was not prepared; call `prepare` first")
        notes = question.description.notes
        if question.is_look:
            return ServedAnswer(None, is_withheld=False, _kept=kept, _cases=kept.cases, _notes=notes)
        share = 0.0 if kept.approach is None else self._settings.control_share
        is_withheld = _chance.random() < share
        identity = str(uuid.uuid4())
        by = b"null" if asked.by is None else json.dumps(asked.by).encode()
        seconds = time.perf_counter() - question.asked_at
        line = b'{"id":"%b","door":"%b","asked_by":%b,"seconds":%.6f,"withheld":%b,"control_share":%b,' % (
            identity.encode(),
            asked.door.encode(),
            by,
            seconds,
            b"true" if is_withheld else b"false",
            repr(share).encode(),
        )
        line += b'"served_at":"%b",%b' % (datetime.now(tz=UTC).isoformat().encode(), kept.log)
        self._journal.append(line, kept.candidates_id, kept.candidates_document)
        return ServedAnswer(identity, is_withheld, kept, kept.cases, notes)

    def find(self, identity: str) -> dict[str, Any]:
        """Return a served answer by its id, also one of a moment ago; see `store.served.read_served`.

        Raises
        ------
        KeyError
            When no answer has that id.
        """
        try:
            return read_served(self._store, identity)
        except KeyError:
            if not self.pending:
                raise
            self.flush()
            return read_served(self._store, identity)

    def _follow(self) -> None:
        is_failing = False
        while not self._end.is_set():
            try:
                if self.refresh() and self._book is not None:
                    warmer = threading.Thread(target=self._warm, args=(self._book,), daemon=True)
                    self._threads[1:] = [*(one for one in self._threads[1:] if one.is_alive()), warmer]
                    warmer.start()
                is_failing = False
            except FileNotFoundError:
                pass  # Nothing was learned yet; whoever asks is told so.
            except Exception as error:  # noqa: BLE001 - the policy that is held goes on answering
                if not is_failing:
                    _log.warning("whether another policy holds is not known (%s)", type(error).__name__)
                is_failing = True
            self._end.wait(CHECK_EVERY)

    def _warm(self, book: AnswerBook) -> None:
        """Work out the contexts that occur most, while the book is the one that answers."""
        try:
            table = reads.read_table(self._store, ApproachRecommendation)
            table = table.sort_values("sample_size", ascending=False).head(MOST_WARMED)
            for context in table["conditions"]:
                if self._end.is_set() or self._book is not book:
                    return
                self.prepare(self._ask(book, context, log=True))
                self._end.wait(_PAUSE)
        except Exception as error:  # noqa: BLE001 - what is not worked out now is when it is asked for
            _log.warning("contexts were not worked out beforehand (%s)", type(error).__name__)
