"""Alerts go out: what waits in the outbox is sent to the addresses of MEMORY_ALERT_URLS, through Apprise."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING

from memory_pipeline.store.alert_messages import send_waiting
from memory_pipeline.store.alerts import address_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from memory_pipeline.settings import Settings
    from memory_pipeline.store.alert_messages import Sent
    from memory_pipeline.store.session import Session

_NOT_INSTALLED = (
    "Apprise is not installed, so nothing is sent: run `pip install 'memory-pipeline[alerts]'`, or unset "
    "MEMORY_ALERT_URLS"
)


def send_alerts(
    session: Session,
    *,
    notify: Callable[[str, str, str], bool] | None = None,
    now: datetime | None = None,
) -> Sent | None:
    """Send what waits; a message that fails stays, with the reason, and is tried again.

    Parameters
    ----------
    notify
        Sends to an address a title and a text, and returns whether that went well; by default Apprise.
    now
        The time; by default the database's.

    Returns
    -------
    Sent or None
        None where MEMORY_ALERT_URLS is not set.
    """
    addresses = {address_key(one): one for one in session.settings.alert_addresses}
    if not addresses:
        return None

    def send(key: str, title: str, body: str) -> str | None:
        address = addresses.get(key)
        if address is None:
            return f"{key} is not among MEMORY_ALERT_URLS any more"
        try:
            return None if (notify or _apprise)(address, title, body) else f"{key} did not take it"
        except ImportError:
            return _NOT_INSTALLED
        except Exception as error:  # noqa: BLE001 - its text may hold the address
            return f"{key} failed with {type(error).__name__}"

    return send_waiting(session.store, send, now=now)


def sending_hint(settings: Settings) -> str | None:
    """Return why nothing can be sent; None where it can, or nothing is set up for it."""
    if not settings.alert_addresses:
        return None
    try:
        importlib.import_module("apprise")
    except ImportError:
        return _NOT_INSTALLED
    return None


def _apprise(address: str, title: str, body: str) -> bool:
    apprise = importlib.import_module("apprise")  # an optional extra, without types

    service = apprise.Apprise()
    # Its own log names addresses with what is secret in them.
    logger = logging.getLogger("apprise")
    before, logger.disabled = logger.disabled, True
    try:
        return bool(service.add(address)) and bool(service.notify(body=body, title=title))
    finally:
        logger.disabled = before
