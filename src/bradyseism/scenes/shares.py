"""The rule for shares, which many records of scenes hold."""

from __future__ import annotations


def check_share(owner: object, *names: str) -> None:
    """Refuse fields of a record that are no shares.

    Parameters
    ----------
    owner : object
        The record.
    names : str
        Its fields to look at.

    Raises
    ------
    ValueError
        If one is outside 0 to 1 or not a number.
    """
    for name in names:
        value = getattr(owner, name)
        if not 0.0 <= value <= 1.0:
            raise ValueError(
                f"{name} {value:g} of {type(owner).__name__} is outside 0-1: give a share"
            )
