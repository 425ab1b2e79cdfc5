"""Made communities: independent labels, and planted groups."""

from __future__ import annotations

import numpy as np
import pandas as pd

from memory_pipeline.analysis.members.labels import normalise_members
from memory_pipeline.analysis.members.vocabulary import Vocabulary

SKILLS = [f"skill{i:02d}" for i in range(20)]


def members_of(skills, interests=None, **columns):
    """Members as stored, with these labels."""
    count = len(skills)
    return pd.DataFrame(
        {
            "id": range(1, count + 1),
            "is_visible": True,
            "skills": skills,
            "interests": interests or [[] for _ in skills],
            "other_sets": [{} for _ in skills],
            "attributes": [{} for _ in skills],
        }
        | columns
    )


def independent(seed, *, count=300, cluster=(), share=0.12, every=6):
    """Members with independent skills, of uneven number; every sixth has the whole cluster as well."""
    rng = np.random.default_rng(seed)
    keenness = rng.gamma(4, 0.25, count)
    return members_of(
        [
            sorted(
                {one for one in SKILLS if rng.random() < share * keenness[i]}
                | (set(cluster) if i % every == 0 else set())
            )
            for i in range(count)
        ]
    )


def labels_of_members(members, vocabulary=None, **options):
    return normalise_members(members, vocabulary or Vocabulary(version=1), **options)
