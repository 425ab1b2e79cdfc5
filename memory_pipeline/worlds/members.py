"""Which members does the sample community have, and which clusters are planted among them?

What belongs here: the skills and interests of members, their spellings, and the planted clusters. What does
not: finding these clusters.

Each member of a cluster has each of its labels with probability `CORE_SHARE`, and a few others from the
general background; everybody else draws from the background alone, in which the clusters' labels occur too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

SOURCE = "sample"
# The canonical label, and the spellings and synonyms in which it also occurs.
LabelVariants: TypeAlias = Mapping[str, tuple[str, ...]]

LABEL_VARIANTS: LabelVariants = {
    "PowerShell": ("powershell", "Power Shell", "Powershell"),
    "Intune": ("Microsoft Intune", "MS Intune", "intune"),
    "MSI packaging": ("MSI-Packaging", "msi packaging"),
    "PSADT": ("PSAppDeployToolkit", "PS App Deploy Toolkit"),
    "Python": ("python", "Python 3", "python3"),
    "Power BI": ("PowerBI", "power bi"),
    "SQL": ("sql",),
    "React": ("ReactJS", "React.js", "react"),
    "TypeScript": ("Typescript", "TS"),
    "JavaScript": ("Javascript", "JS", "javascript"),
    "CSS": ("css", "CSS3"),
    "Figma": ("figma",),
    "C#": ("c#", "C Sharp", "CSharp"),
    "Raspberry Pi": ("RaspberryPi", "raspberry pi"),
    "machine learning": ("Machine Learning", "ML"),
    "3D printing": ("3-D printing", "3d printing", "3D-Printing"),
    "gardening": ("Gardening", "garden"),
    "home lab": ("homelab", "Home Lab"),
}


@dataclass(frozen=True)
class _Plan:
    """A cluster to plant: its share of the members and their common labels."""

    category: str
    share: float
    skills: tuple[str, ...]
    interests: tuple[str, ...]
    wants_to_learn: tuple[str, ...] = ()


_PLANS: Mapping[str, _Plan] = {
    "packaging_automation": _Plan(
        "skill_cluster", 0.115, ("PowerShell", "Intune", "MSI packaging", "PSADT"), ("home lab", "automation")
    ),
    "data_storytelling": _Plan(
        "skill_cluster", 0.13, ("Python", "pandas", "SQL", "Power BI"), ("open data", "data visualisation")
    ),
    "web_frontend": _Plan(
        "skill_cluster", 0.11, ("React", "TypeScript", "CSS", "Figma"), ("accessibility", "generative art")
    ),
    "makers": _Plan(
        "interest_theme", 0.10, ("parametric CAD", "soldering"), ("3D printing", "robotics", "model railways")
    ),
    "growing_by_numbers": _Plan(
        "cross_domain", 0.075, ("Python", "Raspberry Pi"), ("gardening", "beekeeping", "weather stations")
    ),
    "visual_craft": _Plan(
        "interest_theme", 0.085, ("illustration", "typography"), ("photography", "printmaking")
    ),
    # Those who could teach them are in data_storytelling.
    "would_learn_data": _Plan(
        "collaboration_opportunity", 0.09, ("Excel", "process design"), ("cycling",), ("Python", "SQL")
    ),
}
CORE_SHARE = 0.85
VARIANT_SHARE = 0.25
HIDDEN_SHARE = 0.05
EMPTY_SHARE = 0.03
_COMMON_SKILLS = (
    *("Excel", "SQL", "Python", "PowerShell", "JavaScript", "Git", "project management", "technical writing"),
    *("C#", "Java", "Linux", "networking", "Azure", "Docker", "machine learning", "statistics", "R"),
    *("presentation", "teaching", "illustration", "Figma", "CSS", "React", "bash", "testing", "translation"),
    *("process design", "video editing", "soldering", "accounting", "Intune", "support desk"),
)
_COMMON_INTERESTS = (
    *("hiking", "cooking", "cycling", "reading", "board games", "photography", "gardening", "travel"),
    *("running", "music", "chess", "3D printing", "home lab", "open source", "astronomy", "baking"),
    *("volunteering", "climbing", "knitting", "cinema", "open data", "automation", "birdwatching"),
)
_GIVEN_NAMES = (
    *("Ada", "Amir", "Anouk", "Aylin", "Bela", "Carlos", "Chiara", "Daan", "Edda", "Emre", "Farah", "Goran"),
    *("Hana", "Ilse", "Ivo", "Jana", "Jorge", "Kaito", "Kim", "Lale", "Levi", "Lucia", "Malik", "Mira"),
    *("Nadia", "Nils", "Oda", "Paolo", "Priya", "Rafael", "Ronja", "Samir", "Selma", "Tariq", "Ulla", "Vera"),
    *("Wanda", "Xenia", "Yusuf", "Zora"),
)
_OFFICES = ("north", "south", "harbour", "remote")
_ROLES = ("engineer", "analyst", "designer", "administrator", "teacher", "coordinator")


@dataclass(frozen=True)
class MemberCluster:
    """A planted cluster: its labels in canonical spelling, and the records of the members in it.

    Parameters
    ----------
    name, category
        Name of the cluster, and the category of member patterns that it belongs to.
    skills, interests, wants_to_learn
        Labels that each of its members has with probability `CORE_SHARE`.
    member_ids
        `source_record_id` of every member of the cluster, visible or not.
    """

    name: str
    category: str
    skills: tuple[str, ...]
    interests: tuple[str, ...]
    wants_to_learn: tuple[str, ...]
    member_ids: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of members in it."""
        return len(self.member_ids)


def draw_members(
    rng: np.random.Generator, members: int, *, id_prefix: str
) -> tuple[list[dict[str, Any]], tuple[MemberCluster, ...]]:
    """Draw a community.

    Parameters
    ----------
    rng
        Source of randomness.
    members
        Number of members; the clusters keep their shares.
    id_prefix
        Prefix of `source_record_id`.

    Returns
    -------
    list of dict
        Member records in normal form, in no particular order.
    tuple of MemberCluster
        The planted truth. No member is in two clusters.
    """
    sizes = {name: round(plan.share * members) for name, plan in _PLANS.items()}
    cluster_of = np.concatenate([np.full(size, name, object) for name, size in sizes.items()])
    cluster_of = rng.permutation(np.append(cluster_of, np.full(members - len(cluster_of), None, object)))
    outside = np.flatnonzero([name is None for name in cluster_of])
    empty = set(rng.choice(outside, round(EMPTY_SHARE * members), replace=False).tolist())
    hidden = set(rng.choice(members, round(HIDDEN_SHARE * members), replace=False).tolist())
    ids = [f"{id_prefix}-{number + 1:04d}" for number in range(members)]
    records = [
        {"source_record_id": ids[number], "source": SOURCE, "is_visible": number not in hidden}
        | (_empty_profile(rng) if number in empty else _profile(rng, cluster_of[number]))
        for number in range(members)
    ]
    clusters = tuple(
        MemberCluster(
            name=name,
            category=plan.category,
            skills=plan.skills,
            interests=plan.interests,
            wants_to_learn=plan.wants_to_learn,
            member_ids=tuple(one for one, own in zip(ids, cluster_of, strict=True) if own == name),
        )
        for name, plan in _PLANS.items()
    )
    return records, clusters


def _empty_profile(rng: np.random.Generator) -> dict[str, Any]:
    """Draw a member without any label."""
    return {
        "name": _name(rng),
        "skills": [],
        "interests": [],
        "other_sets": {},
        "attributes": {},
        "profile_text": None,
    }


def _profile(rng: np.random.Generator, cluster: str | None) -> dict[str, Any]:
    plan = None if cluster is None else _PLANS[cluster]
    core_skills, core_interests, wishes = (
        ((), (), ()) if plan is None else (plan.skills, plan.interests, plan.wants_to_learn)
    )
    # Members do not wish to learn what they know already.
    offered = tuple(label for label in _COMMON_SKILLS if label not in wishes)
    skills = _labels(rng, core_skills, offered, most=6 if plan is None else 2)
    interests = _labels(rng, core_interests, _COMMON_INTERESTS, most=4 if plan is None else 2)
    wants = [label for label in wishes if rng.random() < CORE_SHARE]
    if not wants and rng.random() < 0.2:  # noqa: PLR2004 - some members outside clusters have a wish too
        wants = [str(rng.choice([label for label in _COMMON_SKILLS if label not in skills]))]
    name = _name(rng)
    return {
        "name": name,
        "skills": _respell(rng, skills),
        "interests": _respell(rng, interests),
        "other_sets": {"wants_to_learn": _respell(rng, wants)} if wants else {},
        "attributes": {
            "office": str(rng.choice(_OFFICES)),
            "role": str(rng.choice(_ROLES)),
            "years_in_field": int(rng.integers(0, 31)),
        },
        "profile_text": _introduce(rng, name, skills, interests),
    }


def _name(rng: np.random.Generator) -> str:
    return f"{rng.choice(_GIVEN_NAMES)} {chr(ord('A') + int(rng.integers(26)))}."


def _labels(
    rng: np.random.Generator, core: tuple[str, ...], common: tuple[str, ...], *, most: int
) -> list[str]:
    """Draw most of the core labels and up to `most` of the common ones, the first ones most often."""
    popularity = 1 / (np.arange(len(common)) + 4)
    count = int(rng.integers(0 if core else 1, most + 1))
    extra = rng.choice(common, count, replace=False, p=popularity / popularity.sum()).tolist()
    kept = [label for label in core if rng.random() < CORE_SHARE]
    return list(dict.fromkeys(kept + [str(label) for label in extra if label not in core]))


def _respell(rng: np.random.Generator, labels: list[str]) -> list[str]:
    """Replace some labels by one of their other spellings."""
    return [
        str(rng.choice(LABEL_VARIANTS[label]))
        if label in LABEL_VARIANTS and rng.random() < VARIANT_SHARE
        else label
        for label in labels
    ]


def _introduce(rng: np.random.Generator, name: str, skills: list[str], interests: list[str]) -> str | None:
    """Write a profile text of one or two sentences; None for three in ten."""
    if rng.random() < 0.3 or not skills:  # noqa: PLR2004 - as the docstring says
        return None
    works = f"{name.split(maxsplit=1)[0]} works with {' and '.join(skills[:2])}."
    return f"{works} Outside work: {', '.join(interests[:2])}." if interests else works
