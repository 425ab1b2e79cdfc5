"""Which questions are worth asking, of whom, and why?"""

from __future__ import annotations

from typing import Any

import pandas as pd

QUESTION_COLUMNS = ("pattern_name", "category", "question", "audience", "why", "found_by")


def question_rows(patterns: pd.DataFrame) -> pd.DataFrame:
    """List the questions of patterns.

    Parameters
    ----------
    patterns
        Columns `name`, `category`, `description`, `member_count`, `evidence`, `question_prompts` and
        `found_by`. Where `evidence.questions` has an audience and a reason for a question, these are used;
        otherwise the pattern's members are the audience, and its description is the reason.

    Returns
    -------
    DataFrame
        One row per question, columns `QUESTION_COLUMNS`.
    """
    rows = [row for _, pattern in patterns.iterrows() for row in _questions(pattern)]
    return pd.DataFrame(rows, columns=list(QUESTION_COLUMNS))


def _questions(pattern: pd.Series) -> list[dict[str, Any]]:
    evidence = pattern["evidence"] if isinstance(pattern["evidence"], dict) else {}
    known = {one["question"]: one for one in evidence.get("questions", [])}
    return [
        {
            "pattern_name": pattern["name"],
            "category": pattern["category"],
            "question": question,
            "audience": known.get(question, {}).get(
                "audience", f"the {pattern['member_count']} members of the pattern"
            ),
            "why": known.get(question, {}).get("why", pattern["description"]),
            "found_by": pattern["found_by"],
        }
        for question in dict.fromkeys(pattern["question_prompts"])
    ]
