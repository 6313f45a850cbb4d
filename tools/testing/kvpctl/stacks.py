# SPDX-License-Identifier: GPL-2.0
"""A small Debian with all network stacks, and network namespaces to run it in.

The stacks are not installed on the machine itself: two of them together would
take its network over. Each test gets the chroot afresh by an overlay, and
network, mount and process namespaces of its own, which end with it.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/testing"))

from kernels import apt, chroot, packages  # noqa: E402
from kernels.cache import entry, run  # noqa: E402

PACKAGES = ("systemd,dbus,iproute2,ifupdown,network-manager,netplan.io,"
            "busybox,procps,isc-dhcp-client")
# What replaces one of those, or changes how they work: unpacked beside the system,
# below /opt, and put over it where a test asks for it.
BESIDE = ("ifupdown-ng", "ifupdown2", "systemd-resolved", "udhcpc",
          "bridge-utils", "busybox-static")
RECIPE = "-r3"
# A hook of mmdebstrap's; $1 is the chroot.
UNPACK = """set -e
mkdir -p "$1/opt/get"
for name in %s; do
	chroot "$1" sh -ec "cd /opt/get; rm -f *.deb; apt-get -q download $name
		mkdir -p /opt/$name; dpkg-deb -x *.deb /opt/$name"
done
rm -r "$1/opt/get"
"""
MAC = "00:15:5d:00:00:01"
MARK = "@@end of command"

# In the namespaces, outside of the chroot.
MOUNT = r"""
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs tmpfs run
"""
ENTER = MOUNT + "mount --bind /dev dev; exec chroot . /bin/bash\n"
# With systemd as the first process; basic.target starts no network stack.
BOOT = MOUNT + r"""
mount -t cgroup2 cgroup2 sys/fs/cgroup
# systemd makes links and folders there
mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do
	touch dev/$name
	mount --bind /dev/$name dev/$name
done
mkdir dev/shm
ln -s /proc/self/fd dev/fd
# as containers have it: what is set there is the whole machine's, but for the network
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,rw proc/sys/net
exec env -i container=test PATH=/usr/sbin:/usr/bin chroot . /lib/systemd/systemd \
	--unit=basic.target --show-status=no </dev/null >/dev/null 2>&1
"""
# In the chroot: an interface with a MAC of Hyper-V's, its other end in a
# namespace with a DHCP server.
PREPARE = rf"""
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mkdir -p /run/dbus /run/network /run/NetworkManager /run/netns
systemd-machine-id-setup >/dev/null 2>&1
ip link set lo up
ip netns add peer
ip link add eth0 address {MAC} type veth peer name peer0 netns peer
ip link set eth0 up
ip -n peer link set lo up
ip -n peer link set peer0 up
ip -n peer address add 198.51.100.1/24 dev peer0
"""
DBUS = "mkdir -p /run/dbus; dbus-daemon --system --fork --nopidfile"
DHCP_SERVER = r"""
cat > /run/udhcpd.conf <<'E'
start 198.51.100.50
end 198.51.100.60
interface peer0
lease_file /run/udhcpd.leases
pidfile /run/udhcpd.pid
option subnet 255.255.255.0
option router 198.51.100.1
E
touch /run/udhcpd.leases
ip netns exec peer busybox udhcpd -S /run/udhcpd.conf
"""


def _create(suite: str, work: Path) -> None:
    """Makes the chroot, by the mirrors that the system itself uses."""
    packages.setup("check")
    apt.update()
    run("mmdebstrap", "--variant=minbase", "--mode=root", *chroot.network(),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*"
          for name in chroot.LEAN),
        f"--customize-hook={UNPACK % ' '.join(BESIDE)}",
        f"--include={PACKAGES}", suite, work / "root",
        *apt.source_lines(suite))


def base(suite: str = apt.NATIVE) -> Path:
    """The chroot of a release of Debian, made on first use."""
    return entry("chroot", f"network-stacks-{suite}{RECIPE}",
                 lambda work: _create(suite, work)) / "root"


class Skip(Exception):
    """What a test needs is not on this machine."""


def _cgroups() -> Path:
    """Where the machine has its control groups of version 2."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, path, kind, options, *_ = line.split()
        if kind == "cgroup2" and "rw" in options.split(","):
            return Path(path)
    raise Skip("systemd needs control groups of version 2")


class Namespace:
    """A shell in the chroot, in namespaces of its own."""

    cgroup: Path | None = None

    def __init__(self, kvpctl: Path, suite: str = apt.NATIVE):
        self.mount = tempfile.mkdtemp(prefix="kvpctl-test.")
        self._start(suite)
        self.put("/usr/bin/kvpctl", kvpctl.read_bytes(), 0o755)
        self.must(PREPARE)

    def _start(self, suite: str) -> None:
        """The first process is the shell."""
        self.first = self.shell = self._popen(
            ["unshare", "--net", "--mount", "--propagation", "private",
             "--pid", "--fork", "--kill-child", "bash", "-ec", ENTER, "bash",
             self.mount, str(base(suite))])
        self.must(DBUS)     # the chroot is there
        self.inside = self._child()

    @staticmethod
    def _popen(command: list[str]) -> subprocess.Popen:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)

    def _child(self) -> int:
        """The namespace's first process, as it is called outside."""
        pid = self.first.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children")
                   .read_text().split()[0])

    def __enter__(self) -> "Namespace":
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self.shell, self.first):
            process.kill()
            process.wait()
        shutil.rmtree(self.mount, ignore_errors=True)

    def run(self, command: str) -> tuple[int, str]:
        """Runs a command line; its exit code and all that it printed."""
        assert self.shell.stdin and self.shell.stdout
        # the mark begins a line, whatever came before
        self.shell.stdin.write(
            f"{{ {command}\n}} </dev/null 2>&1; code=$?; echo; "
            f"echo '{MARK}' $code\n"
            .encode())
        self.shell.stdin.flush()
        lines = []
        for raw in self.shell.stdout:
            line = raw.decode(errors="replace")
            if line.startswith(MARK):
                return int(line.split()[-1]), "".join(lines)[:-1]
            lines.append(line)
        raise RuntimeError("the shell ended:\n" + "".join(lines))

    def must(self, command: str) -> str:
        """What a command prints that has to succeed."""
        code, text = self.run(command)
        if code:
            raise RuntimeError(f"{command}: exit code {code}\n{text}")
        return text

    def path(self, path: str) -> Path:
        """A file of the chroot, as it is reached from outside."""
        return Path(f"/proc/{self.inside}/root{path}")

    def put(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Writes a file."""
        data = content.encode() if isinstance(content, str) else content
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(mode)

    def get(self, path: str) -> str:
        """A file's content; "" for none."""
        target = self.path(path)
        return target.read_text() if target.is_file() else ""

    def json(self, command: str) -> list:
        """What a command prints as JSON, by a file: what an earlier one has left
        at work writes to the shell's own output at any time."""
        self.must(f"{command} >/run/json")
        return json.loads(self.get("/run/json"))

    def addresses(self, name: str = "eth0") -> set[str]:
        """What an interface has, but for the kernel's own link-local address."""
        if not self.path(f"/sys/class/net/{name}").exists():
            return set()
        links = self.json(f"ip -j address show dev {name}")
        return {f"{a['local']}/{a['prefixlen']}"
                for a in links[0].get("addr_info", ())
                if not a["local"].startswith("fe80:")}

    def gateways(self, name: str = "eth0") -> list[str]:
        """Default routes' next hops, best first, both families."""
        routes = [(route["metric"] if "metric" in route else 0, hop)
                  for family in ("-4", "-6")
                  for route in self.json(
                      f"ip -j {family} route show default dev {name}")
                  if (hop := route.get("gateway"))]
        return [hop for _, hop in sorted(routes, key=lambda r: r[0])]

    def wait(self, what, seconds: float = 8) -> bool:
        """Whether @what() comes true in time."""
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True


class Booted(Namespace):
    """The same with systemd as the first process; no stack has been started."""

    def _start(self, suite: str) -> None:
        self.cgroup = Path(tempfile.mkdtemp(prefix="kvpctl-test.",
                                            dir=_cgroups()))
        self.first = self._popen(
            ["sh", "-c", 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"', "sh",
             str(self.cgroup), "unshare", "--net", "--mount", "--cgroup",
             "--propagation", "private", "--pid", "--fork", "--kill-child",
             "bash", "-ec", BOOT, "bash", self.mount, str(base(suite))])
        while True:
            if self.first.poll() is not None:
                raise RuntimeError("systemd did not start")
            with contextlib.suppress(OSError, IndexError):
                self.inside = self._child()
                if self.path("/run/systemd/private").exists():
                    break
            time.sleep(0.05)
        self.shell = self._popen(
            ["nsenter", f"--target={self.inside}", "--net", "--mount", "--pid",
             "--cgroup", "--root", "--wd", "/bin/bash"])
        # "degraded" is what a machine without a disk is
        self.run("systemctl is-system-running --wait")

    def __exit__(self, *args: object) -> None:
        super().__exit__(*args)
        assert self.wait(self._is_gone, 20), "processes do not end"

    def _is_gone(self) -> bool:
        """Whether all control groups could be removed: the last process has ended."""
        assert self.cgroup
        try:
            for folder in sorted(self.cgroup.rglob("*"), reverse=True):
                if folder.is_dir():
                    folder.rmdir()
            self.cgroup.rmdir()
        except OSError:
            return False
        return True
