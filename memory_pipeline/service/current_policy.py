"""Which policy holds now: the one that the last rebuild left, with what persons decided since."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from memory_pipeline.store.decisions import read_factor_decisions, read_nameable_patterns
from memory_pipeline.store.frames import POLICY
from memory_pipeline.store.models import FindingDecision
from memory_pipeline.store.reads import table_version

if TYPE_CHECKING:
    from memory_pipeline.analysis.recommendations import Policy
    from memory_pipeline.store import Store
    from memory_pipeline.store.frames import FrameStore

_RESTS_ON = (FindingDecision,)
"""Tables that, beside the policy's file, decide what a policy answers.

Patterns and factors change with every rebuild too, minutes before its policy is written: an answer that named
them beside the policy of before would be one of two rebuilds.
"""


class CurrentPolicy:
    """Reads the policy, and keeps it until its file or a decision changes.

    Threads may share it; while one reads, the others wait for what it read.

    Parameters
    ----------
    store
        Decisions, patterns and factors.
    frames
        Where the policy's file lies.
    """

    def __init__(self, store: Store, frames: FrameStore) -> None:
        self._store = store
        self._frames = frames
        self._lock = Lock()
        self._kept: tuple[Any, Policy] | None = None

    def read(self) -> Policy:
        """Return the policy that holds now.

        Raises
        ------
        FileNotFoundError
            When nothing was learned yet: the message says to run a rebuild.
        RuntimeError
            When the stored policy was written by another version of the project.
        """
        with self._lock:
            # Before the content: what changes in between is then read again the next time.
            version = (self._frames.json_version(POLICY), table_version(self._store, _RESTS_ON))
            if self._kept is None or self._kept[0] != version:
                self._kept = (version, _read_policy(self._store, self._frames))
            return self._kept[1]


def _read_policy(store: Store, frames: FrameStore) -> Policy:
    from memory_pipeline.analysis.recommendations import Policy  # noqa: PLC0415 - scikit-learn and co.
    from memory_pipeline.analysis.recommendations.nameable_patterns import nameable_patterns  # noqa: PLC0415 - scikit-learn and co.
    from memory_pipeline.analysis.recommendations.table import levels_of, with_decisions  # noqa: PLC0415

    try:
        policy = Policy.from_dict(frames.read_json(POLICY))
    except (KeyError, TypeError) as error:
        msg = "the stored policy was written by another version; run `memory-pipeline rebuild`"
        raise RuntimeError(msg) from error
    decided = read_factor_decisions(store, levels_of(policy))
    return with_decisions(policy, decided, nameable_patterns(read_nameable_patterns(store)))
