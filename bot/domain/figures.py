"""Figures as they stand in sentences, in one style everywhere."""

from __future__ import annotations


def percent(share: float) -> str:
    """ "87 %", "7.3 %", "0.13 %", "0.03 %": whole numbers from 10 %, at most two significant digits
    below, and "100 %" only for all.

    Args:
        share: 0 to 1.
    """
    value = share * 100
    if 99.5 <= value < 100:
        return f"{min(value, 99.9):.1f} %"
    if value >= 9.95 or value == 0:
        return f"{value:.0f} %"
    if value >= 0.995:
        return f"{value:.1f} %"
    return f"{value:.2g} %" if value >= 0.1 else f"{value:.1g} %"
