# SPDX-License-Identifier: GPL-2.0
"""Boots an x86 kernel in QEMU, which is no Hyper-V here: the module has the pure
files only. Files come out on the second serial port, as a tar archive."""
from __future__ import annotations

import base64
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

from kernels import Kernel

from .guest import Boot, after_start, initramfs, problems

TIMEOUT = 550			# seconds; a run takes a minute
BRING = "tar -c -C /out . | base64 > /dev/ttyS1"


def files(text: str, out: Path) -> str:
    """Unpack what the guest sent into @out; what is wrong with it, if anything."""
    try:
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(text))) as archive:
            archive.extractall(out, filter="data")
    except (ValueError, tarfile.TarError) as error:
        return f"the guest's files did not come out: {error}"
    return ""


def boot(kernel: Kernel, module: Path, folder: Path, debug: bool) -> Boot:
    """Boot @kernel, insert @module, run its tests; files go to the new directory @folder."""
    out = folder / "out"
    out.mkdir(parents=True)
    log, sent = folder / "console.log", folder / "files"
    found: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        archive = initramfs(Path(scratch), module, "mount -t tmpfs none /out", BRING)
        command = ["setpriv", "--pdeathsig", "KILL",
                   "qemu-system-x86_64", "-M", "pc", "-accel", "tcg,thread=single", "-cpu", "max",
                   "-smp", "1", "-m", "512M", "-nodefaults", "-no-user-config", "-display", "none",
                   "-no-reboot", "-serial", f"file:{log}", "-serial", f"file:{sent}",
                   "-kernel", str(kernel.vmlinuz), "-initrd", str(archive), "-append",
                   "console=ttyS0 panic=-1 rdinit=/init kasan_multi_shot"]
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, timeout=TIMEOUT, check=True)
        except subprocess.TimeoutExpired:
            found.append(f"still running after {TIMEOUT} s")
        except subprocess.CalledProcessError as error:
            found.append(f"QEMU ended with {error.returncode}")
    wrong = files(sent.read_text(errors="replace"), out)
    lines = after_start(log.read_text(errors="replace").replace("\r", ""))
    return Boot(lines, out, found + [wrong] * bool(wrong) + problems(lines, out, debug))
