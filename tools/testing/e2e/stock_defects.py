# SPDX-License-Identifier: GPL-2.0
"""What the stock guest (hv_utils with hv_kvp_daemon) is known to fail.

Scenario -> reason. Such a failure is expected; when a listed scenario passes
on the stock guest, that is reported as a failure of this list. A reason that
holds for some kernels only is a dict of kernel -> reason.
"""
from __future__ import annotations

DEFECTS: dict[str, str | dict[str, str]] = {}


def reason(scenario: str, kernel: str) -> str | None:
    """Why @scenario fails on the stock guest with @kernel; None: it must
    pass."""
    why = DEFECTS.get(scenario)
    return why.get(kernel) if isinstance(why, dict) else why
