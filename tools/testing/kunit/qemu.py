# SPDX-License-Identifier: GPL-2.0
"""Boots an x86 kernel in QEMU, which is no Hyper-V here: the module has the pure
files only. Files come out on the second serial port, as a tar archive."""
from __future__ import annotations

import base64
import io
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

from kernels import Kernel

from .guest import Boot, after_start, initramfs, problems

TIMEOUT = 550			# seconds; a run takes a minute
# QEMU now and then loses the timer of a kernel that has just begun to boot, which
# then sleeps for ever. Nothing of ours runs before init: such a boot counts for nothing.
START_TIMEOUT = 120		# seconds; init is reached in ten
STARTED = "Run /init as init process"
NOT_STARTED = f"no init after {START_TIMEOUT} s"
ATTEMPTS = 3
BRING = "tar -c -C /out . | base64 > /dev/ttyS1"


def files(text: str, out: Path) -> str:
    """Unpack what the guest sent into @out; what is wrong with it, if anything."""
    try:
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(text))) as archive:
            archive.extractall(out, filter="data")
    except (ValueError, tarfile.TarError) as error:
        return f"the guest's files did not come out: {error}"
    return ""


def run(command: list[str], log: Path) -> str:
    """One boot to its end; what is wrong with it, if anything."""
    begin = time.monotonic()
    log.unlink(missing_ok=True)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as qemu:
        for limit, what in ((START_TIMEOUT, NOT_STARTED),
                            (TIMEOUT, f"still running after {TIMEOUT} s")):
            try:
                code = qemu.wait(limit - (time.monotonic() - begin))
                return f"QEMU ended with {code}" if code else ""
            except subprocess.TimeoutExpired:
                if what == NOT_STARTED and STARTED in log.read_text(errors="replace"):
                    continue
                qemu.kill()
                return what
    return ""


def boot(kernel: Kernel, module: Path, folder: Path, debug: bool) -> Boot:
    """Boot @kernel, insert @module, run its tests; files go to the new directory @folder."""
    out = folder / "out"
    out.mkdir(parents=True)
    log, sent = folder / "console.log", folder / "files"
    with tempfile.TemporaryDirectory() as scratch:
        archive = initramfs(Path(scratch), module, "mount -t tmpfs none /out", BRING)
        command = ["setpriv", "--pdeathsig", "KILL",
                   "qemu-system-x86_64", "-M", "pc,hpet=off", "-accel", "tcg,thread=single", "-cpu", "max",
                   "-smp", "1", "-m", "512M", "-nodefaults", "-no-user-config", "-display", "none",
                   "-no-reboot", "-serial", f"file:{log}", "-serial", f"file:{sent}",
                   "-kernel", str(kernel.vmlinuz), "-initrd", str(archive), "-append",
                   "console=ttyS0 panic=-1 rdinit=/init kasan_multi_shot"]
        for left in reversed(range(ATTEMPTS)):
            ended = run(command, log)
            if ended != NOT_STARTED or not left:
                break
            print(f"# {ended}: once more", flush=True)
    wrong = files(sent.read_text(errors="replace"), out)
    lines = after_start(log.read_text(errors="replace").replace("\r", ""))
    return Boot(lines, out, [ended] * bool(ended) + [wrong] * bool(wrong) +
                problems(lines, out, debug))
