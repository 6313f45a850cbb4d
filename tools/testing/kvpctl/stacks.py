# SPDX-License-Identifier: GPL-2.0
"""A small Debian with all network stacks, and network namespaces to run it in.

The stacks are not installed on the machine itself: two of them together would
take its network over. Each test gets the chroot afresh by an overlay, and
network, mount and process namespaces of its own, which end with it.
"""

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
            "busybox,procps")
RECIPE = "-r1"
MAC = "00:15:5d:00:00:01"
MARK = "@@end of command"

# In the namespaces, outside of the chroot.
ENTER = r"""
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount --bind /dev dev
mount -t tmpfs tmpfs run
exec chroot . /bin/bash
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
dbus-daemon --system --fork --nopidfile
"""
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


def _create(work: Path) -> None:
    """Makes the chroot, by the mirrors that the system itself uses."""
    packages.setup("check")
    apt.update()
    run("mmdebstrap", "--variant=minbase", "--mode=root", *chroot.network(),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*"
          for name in chroot.LEAN),
        f"--include={PACKAGES}", apt.NATIVE, work / "root",
        *apt.source_lines(apt.NATIVE))


def base() -> Path:
    """The chroot, made on first use."""
    return entry("chroot", f"network-stacks{RECIPE}", _create) / "root"


class Namespace:
    """A shell in the chroot, in namespaces of its own."""

    def __init__(self, kvpctl: Path):
        self.mount = tempfile.mkdtemp(prefix="kvpctl-test.")
        self.shell = subprocess.Popen(
            ["unshare", "--net", "--mount", "--propagation", "private",
             "--pid", "--fork", "--kill-child", "bash", "-ec", ENTER, "bash",
             self.mount, str(base())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.must("true")   # the chroot is there
        pid = self.shell.pid
        self.inside = int(Path(f"/proc/{pid}/task/{pid}/children")
                          .read_text().split()[0])
        self.put("/usr/bin/kvpctl", kvpctl.read_bytes(), 0o755)
        self.must(PREPARE)

    def __enter__(self) -> "Namespace":
        return self

    def __exit__(self, *_: object) -> None:
        self.shell.kill()
        self.shell.wait()
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

    def addresses(self) -> set[str]:
        """What eth0 has, but for the kernel's own link-local address."""
        links = self.json("ip -j address show dev eth0")
        return {f"{a['local']}/{a['prefixlen']}"
                for a in links[0].get("addr_info", ())
                if not a["local"].startswith("fe80:")}

    def gateways(self) -> list[str]:
        """Default routes' next hops, best first, both families."""
        routes = [(route["metric"] if "metric" in route else 0, hop)
                  for family in ("-4", "-6")
                  for route in self.json(
                      f"ip -j {family} route show default dev eth0")
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
