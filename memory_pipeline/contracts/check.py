"""Checking a contract on what is stored: the columns that it needs are read, of all rows, and evaluated."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from memory_pipeline.contracts.evaluate import could_not_evaluate, evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from memory_pipeline.contracts.contract import Contract
    from memory_pipeline.contracts.evaluate import Verdict
    from memory_pipeline.store.session import Session

_LOG = logging.getLogger(__name__)
_LOG.addHandler(logging.NullHandler())


def check_contract(
    session: Session, contract: Contract, values: Mapping[str, Any], *, log: logging.Logger = _LOG
) -> list[Verdict]:
    """Evaluate a contract on all rows of the table or frame that it is about.

    Parameters
    ----------
    session
        The memory that holds the data.
    contract
        The contract.
    values
        The parameters of expectations, see `contracts.evaluate.parameters`.
    log
        Where the traceback goes when the data cannot be read or evaluated at all.

    Returns
    -------
    list of Verdict
        One per expectation, in the contract's order; `could not evaluate` where the data cannot be read.
    """
    try:
        return evaluate(contract, read_for_contract(session, contract), values)
    except Exception as error:
        log.exception("contract %s could not be evaluated", contract.name)
        return could_not_evaluate(contract, error)


def read_for_contract(session: Session, contract: Contract) -> pd.DataFrame:
    """Read the columns that a contract's expectations need, of all rows.

    Raises
    ------
    FileNotFoundError
        When the frame was not written yet.
    """
    if contract.table is None:
        frame, _ = session.frames.read(contract.frame or contract.name, columns=list(contract.columns_read))
        return frame
    from memory_pipeline.store.columns import read_columns  # noqa: PLC0415 - needs SQLAlchemy

    return read_columns(session.store, contract.table, contract.columns_read, contract.derived)
