"""A small community with known clusters, and proposals about it."""

from __future__ import annotations

import numpy as np

SECRETS = ("Zelda Hidden-Name", "confidential remark", "harbour office 12", "knows where it is buried")


def member_records(count=160, seed=3):
    """Give members with names, free text and attributes that nobody outside may see.

    `Python`, `pandas` and `SQL` go together, and so do `React` and `CSS`; the rest is chance.
    """
    rng = np.random.default_rng(seed)
    common = ["Excel", "Git", "Linux", "Docker", "teaching", "writing", "testing", "networking"]
    hobbies = ["hiking", "cooking", "chess", "music", "gardening", "astronomy"]
    records = []
    for number in range(count):
        skills = {one for one in common if rng.random() < 0.25}
        if number < 40:
            skills |= {one for one in ("Python", "pandas", "SQL") if rng.random() < 0.9}
        elif number < 70:
            skills |= {one for one in ("React", "CSS") if rng.random() < 0.9}
        skills |= {one for one in ("Python", "SQL", "React", "CSS") if rng.random() < 0.06}
        records.append(
            {
                "name": f"{SECRETS[0]} {number}",
                "skills": sorted(skills),
                "interests": sorted({one for one in hobbies if rng.random() < 0.3}),
                "profile_text": f"{SECRETS[1]} {number}: {SECRETS[3]}",
                "attributes": {"office": SECRETS[2]},
                "source_record_id": f"m{number}",
            }
        )
    return records


def part(label, field="skills", *others, negate=False):
    pairs = [{"field": field, "label": one} for one in (label, *others)]
    return {"any": pairs, "negate": negate}


def proposal(*parts, **changes):
    """Give the input of `save_pattern`, about these parts."""
    given = {
        "name": "Data people",
        "improves": "",
        "description": "People who clean, query and analyse data themselves; they could teach a course.",
        "category": "skill_cluster",
        "predicate": {"all": list(parts) or [part("Python"), part("SQL")]},
        "member_count": 0,
        "related_member_ids": [],
        "evidence": [],
        "question_prompts": ["What do you use Python and SQL together for?", "Would you show it to others?"],
    }
    return given | changes
