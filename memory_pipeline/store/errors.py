"""What does an error of the database mean, and what is to be done about it?

Loads no driver, so that a command can ask it about any error. Errors are told apart by the class that psycopg
has for each SQLSTATE (PostgreSQL's documentation, appendix A), in a chain of causes or in a written message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

AWAY = "the database does not answer; nothing of the step at hand was written, so try the same again"
"""What is said where a connection could not be made, or was lost."""
_DRIVERS = ("psycopg", "psycopg2")
_AWAY = {
    "OperationalError",
    "InterfaceError",
    "TimeoutError",
    "AdminShutdown",
    "CrashShutdown",
    "CannotConnectNow",
    "ConnectionException",
    "ConnectionFailure",
    "ConnectionDoesNotExist",
    "SqlclientUnableToEstablishSqlconnection",
    "IdleSessionTimeout",
}
_OTHER_DATABASE = "or name another database in MEMORY_DATABASE_URL"
_REMEDIES = {
    "InsufficientPrivilege": "let its owner grant the user of MEMORY_DATABASE_URL all rights on the schema "
    f"and its tables, {_OTHER_DATABASE}",
    "ReadOnlySqlTransaction": "it is read-only; name the server that takes writes in MEMORY_DATABASE_URL, or "
    "set its default_transaction_read_only to off",
    "UndefinedTable": "the schema is not whole; restore the database from a backup, "
    f"{_OTHER_DATABASE}, which may be empty",
    "UndefinedColumn": "the table is not as this version made it; restore the database from a backup, "
    f"{_OTHER_DATABASE}, which may be empty",
    "DuplicateTable": "another application made it; name a database of the memory's own in "
    "MEMORY_DATABASE_URL",
    "DiskFull": "free some space on the server, and try the same again",
    "TooManyConnections": "raise its max_connections or close other programs, and try the same again",
    "OutOfMemory": "give the server more memory, and try the same again",
    "LockNotAvailable": "another program holds a lock; try the same again",
    "DeadlockDetected": "another program held what this one needed; try the same again",
    "QueryCanceled": "raise the server's statement_timeout, and try the same again",
}
_WRITTEN = re.compile(r"\((?:psycopg2?)\.(?:errors\.)?(\w+)\) ([^\n]*)")


class StoreError(RuntimeError):
    """The database cannot be used so; the message says why and what to do.

    Parameters
    ----------
    message
        What is wrong and what to do, in one sentence.
    is_away
        Whether the database did not answer, so that the same may succeed later.
    """

    def __init__(self, message: str, *, is_away: bool = False) -> None:
        super().__init__(message)
        self.is_away = is_away


def explain(error: BaseException) -> StoreError | None:
    """Return what an error of the database means, in one sentence with a remedy.

    None where the error does not come from the database, or tells of a mistake in a statement or a value:
    that is a mistake of this project, and its traceback says where.
    """
    for one in _causes(error):
        if isinstance(one, StoreError):
            return one
        room, name = type(one).__module__.partition(".")[0], type(one).__name__
        if room in _DRIVERS:
            return _meaning(name, str(one))
        if room == "sqlalchemy" and name == "TimeoutError":  # all connections of the pool are taken
            return StoreError(AWAY, is_away=True)
        if room == "alembic" and name == "CommandError":
            return StoreError(
                f"the database keeps the revision of another schema ({_first_line(str(one))}); name a "
                "database of the memory's own in MEMORY_DATABASE_URL, or install the version that made it"
            )
    return None


def explain_message(message: str) -> str:
    """Return a written error with the meaning of what a driver of the database said in it, if anything."""
    found = _WRITTEN.search(message)
    meaning = None if found is None else _meaning(found[1], found[2])
    return message if meaning is None else str(meaning)


def _meaning(name: str, said: str) -> StoreError | None:
    if name in _AWAY:
        return StoreError(AWAY, is_away=True)
    if name in _REMEDIES:
        return StoreError(f"the database refuses this ({_first_line(said)}): {_REMEDIES[name]}")
    return None


def _first_line(said: str) -> str:
    """Return the first line alone: the others may show a statement or a row."""
    return said.strip().partition("\n")[0]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the causes of an error and what it happened during, the first one first."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in chain:
        chain.append(one)
        one = one.__cause__ or one.__context__
    yield from reversed(chain)
