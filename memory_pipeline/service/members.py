"""Who goes together: members, their labels and patterns, and the questions worth asking them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memory_pipeline.service.session import Service
from memory_pipeline.store import reads
from memory_pipeline.store.models import DiscoveryRun, LabelMerge, Member, QuestionPrompt
from memory_pipeline.vocabulary import load_vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pandas as pd

    from memory_pipeline.analysis.members.labels import MemberLabels


class MemberService(Service):
    """Questions about members and about what they have in common."""

    def members(self) -> pd.DataFrame:
        """Read the members that may be seen, as stored."""
        from memory_pipeline.analysis.members.labels import is_visible  # noqa: PLC0415 - needs scipy

        frame = reads.read_table(self.store, Member, order_by="id")
        return frame[is_visible(frame)].reset_index(drop=True)

    def member_labels(self) -> MemberLabels:
        """Read the members that may be seen as labels of the vocabulary, in their present state."""
        from memory_pipeline.analysis.members.labels import normalise_members  # noqa: PLC0415 - needs scipy

        members = reads.read_table(self.store, Member, order_by="id")
        vocabulary = load_vocabulary(self.settings)
        return normalise_members(members, vocabulary, strata=self.settings.strata)

    def log_discovery(
        self, found: Mapping[str, Any], *, trigger: str, began_at: datetime, is_complete: bool
    ) -> None:
        """Add a discovery that ended to the log of the analysis; see `rebuild.analysis_log.log_discovery`."""
        from memory_pipeline.rebuild.analysis_log import log_discovery  # noqa: PLC0415 - keeps answers quick

        log_discovery(self.store, found, trigger=trigger, began_at=began_at, is_complete=is_complete)

    def find_member_patterns(self) -> dict[str, int]:
        """Search member patterns by statistics and store them; returns how many per category."""
        from memory_pipeline.analysis.members import find_member_patterns  # noqa: PLC0415
        from memory_pipeline.analysis.members.finding import MemberSearch  # noqa: PLC0415

        labels = self.member_labels()
        search = MemberSearch(
            min_members=self.settings.min_group_size, fdr=self.settings.false_discovery_rate
        )
        found = find_member_patterns(labels, search)
        self.store_member_patterns(found, labels)
        self.refresh_questions()
        return {str(category): int(count) for category, count in found["category"].value_counts().items()}

    def store_member_patterns(self, found: pd.DataFrame, labels: MemberLabels) -> int:
        """Store what statistics found among members; as `rebuild.member_patterns.store_member_patterns`."""
        from memory_pipeline.rebuild.member_patterns import store_member_patterns  # noqa: PLC0415 - SciPy

        return store_member_patterns(self.session, found, labels)

    def check_claims(self, labels: MemberLabels | None = None) -> int:
        """Check stored patterns that carry verified claims against the members of today.

        Parameters
        ----------
        labels
            The members; read anew where None.

        Returns
        -------
        int
            How many changed: other members or figures, no longer true, or true again.
        """
        from memory_pipeline.rebuild.member_patterns import check_claims  # noqa: PLC0415 - SciPy

        return check_claims(self.session, self.member_labels() if labels is None else labels)

    def member_patterns(self, *, category: str | None = None, include_retired: bool = False) -> pd.DataFrame:
        """Read member patterns, by default the active ones, the largest first; nobody hidden is named.

        Members who opted out since the last rebuild are taken out as they are read, and a pattern that
        thereby falls below the group size is left out.
        """
        from memory_pipeline.rebuild.member_patterns import read_member_patterns  # noqa: PLC0415 - SciPy

        return read_member_patterns(self.session, category=category, include_retired=include_retired)

    def member_pattern(self, identity: int) -> dict[str, Any] | None:
        """Read one member pattern, retired or not, as `member_patterns` does; None where there is none."""
        frame = self.member_patterns(include_retired=True)
        found = frame[frame["id"] == identity].to_dict("records")
        return {str(key): value for key, value in found[0].items()} if found else None

    def refresh_questions(self) -> int:
        """Write the questions of the patterns in use to their table, and return how many there are."""
        from memory_pipeline.rebuild.members import update_questions  # noqa: PLC0415 - SciPy

        return update_questions(self.session).rows

    def questions(self, *, category: str | None = None) -> pd.DataFrame:
        """Read the questions worth asking members, by pattern."""
        frame = reads.read_table(self.store, QuestionPrompt, order_by="id")
        shown = set(self.member_patterns(category=category)["name"])
        return frame[frame["pattern_name"].isin(shown)].reset_index(drop=True)

    def label_merges(self, *, member_field: str | None = None, why: str | None = None) -> pd.DataFrame:
        """Read which labels were read as another, and which look alike, the most frequent first."""
        frame = reads.read_table(self.store, LabelMerge)
        if member_field is not None:
            frame = frame[frame["field"] == member_field]
        if why is not None:
            frame = frame[frame["why"] == why]
        order = ["members", "field", "raw_label", "id"]
        return frame.sort_values(order, ascending=[False, True, True, True], ignore_index=True)

    def discovery_runs(self) -> pd.DataFrame:
        """Read the runs of the pattern finder, the newest first."""
        frame = reads.read_table(self.store, DiscoveryRun)
        return frame.sort_values(["started_at", "id"], ascending=[False, True], ignore_index=True)
