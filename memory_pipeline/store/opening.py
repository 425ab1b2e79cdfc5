"""Open the database that the settings name: choose the server, migrate the schema, and store what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from memory_pipeline.store.database import Store
from memory_pipeline.store.server import start_embedded_server

if TYPE_CHECKING:
    from memory_pipeline.settings import Settings


def open_store(settings: Settings) -> Store:
    """Open the configured database, starting the embedded server where none is named, and migrate it.

    Served answers that a killed process left in its journal are moved to the database. The errors are those
    of `connect_store`.
    """
    from memory_pipeline.store.served_journal import replay_journals  # noqa: PLC0415 - needs pandas

    store = connect_store(settings)
    store.migrate()
    replay_journals(store, settings.home)
    return store


def connect_store(settings: Settings) -> Store:
    """Connect to the configured database as it is, starting the embedded server where none is named.

    Raises
    ------
    ConnectionError
        When the named server cannot be reached; the message names the address without the password.
    RuntimeError
        When the embedded server does not start.
    """
    if settings.database_url is not None:
        store = Store(settings.database_url.get_secret_value())
        _check_reachable(store)
    else:
        server = start_embedded_server(settings.home)
        info = server.get_postmaster_info()
        if info.socket_dir is not None:
            query = {"host": str(info.socket_dir)}
            url = URL.create("postgresql", username="postgres", database="postgres", query=query)
            store = Store(url, is_embedded=True)
        else:
            store = Store(server.get_uri(), is_embedded=True)
    return store


def _check_reachable(store: Store) -> None:
    try:
        with store.engine.connect():
            pass
    except OperationalError as error:
        msg = (
            f"MEMORY_DATABASE_URL names {store.shown_url}, "
            f"which did not answer: {str(error.orig).strip()}; check the address, or unset it "
            "to use the embedded server"
        )
        raise ConnectionError(msg) from error
