# SPDX-License-Identifier: GPL-2.0
"""A Debian userland with systemd, made from Debian's packages, and the disk
that a guest boots it from once `make install` has run on it."""
from __future__ import annotations

import shutil
from pathlib import Path

import installed
import networks
from guests import NETDEV
from hvhost.initramfs import build_agent
from kernels import Kernel, apt, cache_root
from kernels.cache import digest, entry, prune, run, say
from kernels.chroot import LEAN, network

ROOT = Path(__file__).resolve().parents[3]
RECIPE = "1"		# changes when the entry is made in another way
KEEP = 2
PACKAGES = ("systemd", "systemd-sysv", "udev", "kmod", "dbus", "e2fsprogs",
            "iproute2", "initramfs-tools", "busybox", "lz4", "hyperv-daemons",
            *networks.PACKAGES)
DISK = 1200		# MiB

# What the machine is, before anything of ours is there.
MACHINE = {
    "/etc/hostname": "web-1\n",
    "/etc/hosts": "127.0.0.1 localhost\n127.0.1.1 web-1.example.org web-1\n",
    "/etc/fstab": "/dev/nvme0n1 / ext4 defaults 0 0\n",
    # all of the next two lines only for speed
    "/etc/initramfs-tools/conf.d/test": "COMPRESS=lz4\n",
    "/etc/systemd/system.conf.d/test.conf": "[Manager]\nShowStatus=no\n",
}

# The other end of hvhost.agent; it outlives all units but the last.
AGENT = """[Unit]
Description=Runs the commands of the test
DefaultDependencies=no
After=systemd-remount-fs.service systemd-tmpfiles-setup-dev.service

[Service]
ExecStart=/usr/local/sbin/hvhost-agent /dev/ttyS1
Restart=always

[Install]
WantedBy=sysinit.target
"""

# An application of the group, as install.md says: what it finds when it
# starts, and what it has to say when it ends.
PUBLISHER = """[Unit]
Description=Publishes its state to the host
Wants=dev-hv_kvp.device
After=dev-hv_kvp.device

[Service]
Type=oneshot
RemainAfterExit=yes
User=publisher
RuntimeDirectory=publisher
RuntimeDirectoryPreserve=yes
ExecStart=/bin/sh -c 'kvpctl list --pool guest --json >/run/publisher/at-start'
ExecStart=kvpctl set publisher started
ExecStop=kvpctl set publisher stopped

[Install]
WantedBy=multi-user.target
"""

# As cloud-init-local.service is ordered: it wants what the host says before the
# network is configured.
EARLY = """[Unit]
Description=Reads an item of the host's early
DefaultDependencies=no
Wants=network-pre.target
After=hv-kvp-load.service
Before=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=30
ExecStart=/bin/sh -c 'until kvpctl get -p auto_external VirtualMachineName \
	>/run/early; do sleep 0.1; done'

[Install]
WantedBy=sysinit.target
"""

# What a reader in the initramfs, such as Ignition, gets to see there.
READER = """#!/bin/sh
[ "$1" != prereqs ] || exit 0
items=/sys/class/misc/hv_kvp/auto_external/items
n=0
until [ -e $items/VirtualMachineName ] || [ $n -ge 50 ]; do
	n=$((n+1))
	sleep 0.1
done
cat $items/VirtualMachineName >/run/initramfs/vm-name
"""

TEST = {
    "/etc/systemd/system/hvhost-agent.service": AGENT,
    "/etc/systemd/system/publisher.service": PUBLISHER,
    "/etc/systemd/system/early.service": EARLY,
    "/etc/sysusers.d/publisher.conf": "u publisher - -\nm publisher hv_kvp\n",
}
READER_PATH = "/etc/initramfs-tools/scripts/local-bottom/reader"


# Folders whose readers refuse what others may read.
SECRET = ("system-connections", "netplan")


def write(root: Path, files: dict[str, str]) -> None:
    """Files below @root; those that begin like scripts can be run."""
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if text.startswith("#!") else
                   0o600 if path.parent.name in SECRET else 0o644)


def in_root(root: Path, command: str) -> None:
    """Runs a shell command in @root."""
    run("unshare", "-m", "sh", "-ec", 'mount -t proc proc "$0/proc"; '
        'exec chroot "$0" sh -ec "$1"', root, command)


def make_base(kernel: Kernel, work: Path) -> None:
    """Packages, the kernel's modules, and the initramfs that Debian makes."""
    apt.update()
    say(f"{kernel.name}: making a Debian {apt.NATIVE} with systemd")
    root = work / "root"
    run("mmdebstrap", "--variant=minbase", "--mode=root", *network(),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEAN),
        f"--include={','.join(PACKAGES)}", apt.NATIVE, root,
        *apt.source_lines(apt.NATIVE, f"{apt.NATIVE}-security"))
    shutil.copytree(kernel.modules_dir, root / "usr/lib/modules" / kernel.release,
                    symlinks=True)
    shutil.copy2(kernel.config, root / "boot" / f"config-{kernel.release}")
    write(root, MACHINE)
    # each machine its own, as cloud images do it
    (root / "etc/machine-id").write_text("")
    in_root(root, f"update-initramfs -c -k {kernel.release}\n"
            f"systemctl disable {' '.join(networks.UNITS)}")


def base(kernel: Kernel) -> Path:
    """The userland without anything of ours: never to be changed."""
    key = digest(RECIPE, apt.NATIVE, " ".join(PACKAGES), kernel.path.name,
                 *(text for pair in MACHINE.items() for text in pair))
    path = entry("systemd", f"{kernel.name}_{key}",
                 lambda work: make_base(kernel, work))
    prune(path, f"{kernel.name}_", KEEP)
    return path / "root"


class Userland:
    """A disk with `make install` done, and the two initramfs of it.

    disk: ext4. stale: made before the installation, knows nothing of hv_kvp.
    fresh: made by update-initramfs after it.
    """

    def __init__(self, kernel: Kernel, work: Path,
                 network: networks.Network = networks.NETWORKS["networkd"]):
        self.kernel, self.work = kernel, work
        self.disk = work / "disk.img"
        self.stale, self.fresh = work / "stale", work / "fresh"
        self.root = work / "root"
        run("cp", "-a", base(kernel), self.root)
        self.initrd = self.root / "boot" / f"initrd.img-{kernel.release}"
        shutil.copy2(self.initrd, self.stale)
        write(self.root, network.files)
        in_root(self.root, network.command)

    def install(self) -> None:
        """As README.md says, and what the test itself needs."""
        in_root(self.root, "systemctl mask hv-kvp-daemon")
        installed.Sources(self.work / "source").make(
            self.kernel, self.root, "install", "ENABLE=1")
        write(self.root, TEST)
        shutil.copy2(build_agent(cache_root()),
                     self.root / "usr/local/sbin/hvhost-agent")
        extra = self.root / "usr/lib/modules" / self.kernel.release / "extra"
        extra.mkdir(exist_ok=True)
        shutil.copy2(self.kernel.build_module(ROOT, *NETDEV), extra)
        in_root(self.root, f"depmod {self.kernel.release}\n"
                "systemctl enable hvhost-agent publisher early")

    def update_initramfs(self) -> None:
        """As the administrator does it after make install."""
        write(self.root, {READER_PATH: READER})
        in_root(self.root, f"update-initramfs -u -k {self.kernel.release}")
        shutil.copy2(self.initrd, self.fresh)

    def contents(self, initrd: Path) -> list[str]:
        """The files in an initramfs."""
        return installed.run("lsinitramfs", initrd).splitlines()

    def make_disk(self) -> None:
        """The whole of it, as the guest will find it."""
        run("mke2fs", "-q", "-t", "ext4", "-d", self.root, self.disk,
            f"{DISK}M")
