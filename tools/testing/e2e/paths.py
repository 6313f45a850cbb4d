# SPDX-License-Identifier: GPL-2.0
"""Where things are; importing this makes hvhost and kernels importable."""
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
RESULTS = ROOT / "results" / "e2e"

sys.path[:0] = [str(HERE.parent / "hvhost"), str(HERE.parent)]
