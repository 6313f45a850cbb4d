# SPDX-License-Identifier: GPL-2.0
"""Boots a user-mode kernel with a test module. Files come out through a
directory of this machine that the guest mounts (hostfs)."""
from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from pathlib import Path

from kernels import Kernel

from .guest import Boot, after_start, initramfs, problems

TIMEOUT = 240			# seconds; a run takes some ten


def boot(kernel: Kernel, module: Path, folder: Path, debug: bool) -> Boot:
    """Boot @kernel, insert @module, run its tests; files go to the new directory @folder."""
    out = folder / "out"
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        archive = initramfs(Path(scratch), module, f"mount -t hostfs -o {out} none /out")
        command = [str(kernel.vmlinux), "mem=256M", f"initrd={archive}", "rdinit=/init",
                   "con=null", "con0=fd:0,fd:1", "panic=-1", "kasan_multi_shot"]
        # output to a pipe: UML cannot wait for a plain file
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, start_new_session=True,
                              cwd=scratch) as process:
            try:
                data, _ = process.communicate(timeout=TIMEOUT)
                late = []
            except subprocess.TimeoutExpired:
                kill_group(process)
                data, _ = process.communicate()
                late = [f"still running after {TIMEOUT} s"]
    log = data.decode(errors="replace").replace("\r", "")
    (folder / "console.log").write_text(log)
    lines = after_start(log)
    return Boot(lines, out, late + problems(lines, out, debug))


def kill_group(process: subprocess.Popen) -> None:
    """UML's guest processes are processes of this machine too: end all of its session."""
    os.killpg(process.pid, signal.SIGKILL)
