"""Which applications does the sample organisation have, and how difficult is each?

What belongs here: everything that is fixed for an application over all its attempts.
What does not: what somebody chooses for an attempt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from memory_pipeline.worlds.vocabulary import (
    APPLICATION_TYPES,
    EDITIONS,
    INSTALLER_TYPES,
    PRODUCT_WORDS,
    VENDOR_FORMS,
    VENDOR_STEMS,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

# Frailty: a gamma variable with mean 1, by which every hazard of an application is multiplied.
DIFFICULTY_SHAPE = 1.0
# Attempts per application: share ~ 1 / (rank + offset), Zipf-Mandelbrot. The largest of 150 gets some 3 %.
ZIPF_OFFSET = 10.0

# How the kinds of software come packaged, in the order of INSTALLER_TYPES (weights).
_INSTALLER_MIX: Mapping[str, tuple[float, ...]] = {
    "productivity": (5, 3, 1, 2, 1, 2, 4, 0, 0),
    "developer_tools": (2, 3, 3, 1, 4, 2, 1, 3, 1),
    "cad": (5, 2, 3, 6, 1, 0, 0, 0, 0),
    "security": (7, 5, 2, 3, 0, 1, 1, 0, 0),
    "runtime": (4, 2, 7, 4, 1, 1, 0, 1, 0),
    "browser": (5, 1, 0, 3, 0, 3, 4, 0, 1),
    "utility": (2, 2, 0, 1, 6, 5, 2, 3, 4),
    "erp": (6, 5, 1, 4, 2, 1, 0, 1, 0),
}
_SIZE_MB: Mapping[str, float] = {
    "productivity": 160,
    "developer_tools": 320,
    "cad": 1800,
    "security": 90,
    "runtime": 60,
    "browser": 130,
    "utility": 25,
    "erp": 240,
}


@dataclass(frozen=True)
class Catalogue:
    """The applications, most often tried first; all arrays have one element per application.

    Parameters
    ----------
    name, vendor, application_type, installer_type
        Strings; names are unique.
    difficulty
        Frailty, mean 1 in expectation. Not part of the records.
    weight
        Share of the attempts, in expectation; adds up to 1.
    size_mb, release_days, first_version
        Size of the package, days between releases, major version at the start.
    """

    name: NDArray[np.object_]
    vendor: NDArray[np.object_]
    application_type: NDArray[np.object_]
    installer_type: NDArray[np.object_]
    difficulty: NDArray[np.float64]
    weight: NDArray[np.float64]
    size_mb: NDArray[np.float64]
    release_days: NDArray[np.float64]
    first_version: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of applications."""
        return len(self.name)


def draw_catalogue(rng: np.random.Generator, *, applications: int, vendors: int) -> Catalogue:
    """Draw vendors and their applications.

    Each block of eight ranks has every application type once, so that the share of a type does not depend on
    one popular application. Difficulty is drawn independently of everything else.

    Parameters
    ----------
    rng
        Source of randomness.
    applications, vendors
        Their numbers; every vendor has at least one application.
    """
    blocks = -(-applications // len(APPLICATION_TYPES))
    types = np.concatenate([rng.permutation(np.array(APPLICATION_TYPES, object)) for _ in range(blocks)])
    types = types[:applications]
    installers = np.empty(applications, object)
    for kind, mix in _INSTALLER_MIX.items():
        of_kind = types == kind
        shares = np.array(mix) / sum(mix)
        installers[of_kind] = rng.choice(np.array(INSTALLER_TYPES, object), of_kind.sum(), p=shares)

    stems = rng.choice(np.array(VENDOR_STEMS, object), vendors, replace=False)
    forms = rng.choice(np.array(VENDOR_FORMS, object), vendors)
    popularity = 1 / np.arange(1, vendors + 1)
    owner = rng.permutation(
        np.concatenate(
            [np.arange(vendors), rng.choice(vendors, applications - vendors, p=popularity / popularity.sum())]
        )
    )
    weight = 1 / (np.arange(applications) + 1 + ZIPF_OFFSET)
    size = np.array([_SIZE_MB[kind] for kind in types]) * rng.lognormal(0, 0.6, applications)
    return Catalogue(
        name=_name_applications(rng, stems[owner], types),
        vendor=stems[owner] + " " + forms[owner],
        application_type=types,
        installer_type=installers,
        difficulty=rng.gamma(DIFFICULTY_SHAPE, 1 / DIFFICULTY_SHAPE, applications),
        weight=weight / weight.sum(),
        size_mb=size,
        release_days=rng.lognormal(np.log(60), 0.5, applications),
        first_version=rng.integers(1, 25, applications),
    )


def _name_applications(
    rng: np.random.Generator, stems: NDArray[np.object_], types: NDArray[np.object_]
) -> NDArray[np.object_]:
    """Draw a unique name for each application: `<vendor's stem> <product><edition>`."""
    taken: dict[str, None] = {}
    for stem, kind in zip(stems, types, strict=True):
        words = rng.permutation(PRODUCT_WORDS[kind])
        names = (f"{stem} {word}{edition}" for edition in EDITIONS for word in words)
        fallback = f"{stem} {words[0]} {len(taken) + 1}"
        taken[next((name for name in names if name not in taken), fallback)] = None
    return np.array(list(taken), object)
