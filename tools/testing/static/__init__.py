# SPDX-License-Identifier: GPL-2.0
"""Static checks of the sources."""
