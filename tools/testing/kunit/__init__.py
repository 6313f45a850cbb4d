# SPDX-License-Identifier: GPL-2.0
"""Runs the KUnit tests on user-mode kernels."""
