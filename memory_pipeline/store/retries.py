"""Do work again where the database went away during it and came back, as when it is restarted."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from memory_pipeline.store.errors import explain

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_pipeline.store.database import Store

_logger = logging.getLogger(__name__)
_PATIENCE = 60.0
"""Seconds that a database may take to come back."""
_POLL = 0.5

Result = TypeVar("Result")


def do_again_when_away(store: Store, work: Callable[[], Result], *, patience: float = _PATIENCE) -> Result:
    """Return the result of some work, done a second time where the database went away and came back.

    The embedded server does not come back by itself: its next start repairs it.

    Parameters
    ----------
    store
        The database.
    work
        What is done; it has to give the same however often it is done.
    patience
        Seconds that are waited for the database.

    Raises
    ------
    Exception
        What the work raises for any other reason, the second time, or where the database stays away.
    """
    try:
        return work()
    except Exception as error:
        meaning = explain(error)
        if meaning is None or not meaning.is_away or store.is_embedded or not _comes_back(store, patience):
            raise
        _logger.info("the database went away and came back; the step at hand is done again")
    return work()


def _comes_back(store: Store, patience: float) -> bool:
    """Return whether the database answers, now or within some seconds."""
    until = time.monotonic() + patience
    while True:
        try:
            with store.transaction() as connection:
                connection.execute(text("select 1"))
        except DBAPIError:
            if time.monotonic() >= until:
                return False
            time.sleep(_POLL)
        else:
            return True
