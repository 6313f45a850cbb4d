# SPDX-License-Identifier: GPL-2.0
"""kvpctl identify: which name it takes, and --follow while things change.

It runs in namespaces of its own, with a device that notes what is set, files of
the test's in /etc, and a name server of the test's or none.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# A name server that knows one name: every question has this answer.
SERVER = r"""
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
while True:
    q, peer = s.recvfrom(512)
    asked = q[12:q.index(0, 12) + 5]
    known = b"\x07example\x03org\x00\x00\x01" in asked
    s.sendto(q[:2] + (b"\x81\x80" if known else b"\x81\x83") + b"\0\1" +
             (b"\0\1" if known else b"\0\0") + b"\0\0\0\0" + asked +
             (b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\xc0\0\2\7" if known else b""), peer)
"""
LOCALHOST = "127.0.0.1 localhost\n"


class Machine:
    """A shell in namespaces, whose /etc is partly ours."""

    def __init__(self, kvpctl: Path, root: Path, name: str = "web-7"):
        self.kvpctl, self.root = kvpctl, root
        self.items = root / "items"
        self.put("etc/hosts", LOCALHOST)
        self.put("etc/os-release", "NAME=x\nVERSION_ID=1\n")
        files = {"hosts": self.root / "etc/hosts", "resolv.conf": self.put(
            "resolv", "nameserver 127.0.0.1\nsearch example.org\n"
            "options attempts:9 timeout:9\n"),
            "nsswitch.conf": self.put("nss", "hosts: files dns\n")}
        mounts = "\n".join(f"mount --bind {path} /etc/{to}"
                           for to, path in files.items())
        self.shell = subprocess.Popen(
            ["unshare", "--mount", "--uts", "--net", "--pid", "--fork",
             "--kill-child", "bash", "-ec", f"{mounts}\nhostname {name}\n"
             "ip link set lo up\nexec bash"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def put(self, path: str, text: str) -> Path:
        """Written in place: a mount of the file shows it."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w") as file:
            file.write(text)
        return target

    def start(self, command: str) -> None:
        """Runs a command in the background; its process is $last."""
        assert self.shell.stdin
        self.shell.stdin.write(f"{command} &\nlast=$!\n")
        self.shell.stdin.flush()

    def identify(self, *words: str) -> str:
        """The command line."""
        return (f"LD_PRELOAD={self.kvpctl.parent}/fake_device.so "
                f"FAKE_ITEMS={self.items} {self.kvpctl} identify "
                f"--root {self.root} {' '.join(words)}")

    def told(self) -> dict[str, str | None]:
        """What the device holds: None for what was dropped."""
        if not self.items.exists():
            return {}
        found: dict[str, str | None] = {}
        for line in self.items.read_text().splitlines():
            key, is_set, value = line.partition("=")
            found[key] = value if is_set else None
        return found

    def until(self, key: str, value: str | None) -> None:
        """Waits for an item; long, the machine may be busy."""
        end = time.monotonic() + 60
        while self.told().get(key, "never") != value:
            assert time.monotonic() < end, \
                f"{key} is not {value!r}: {self.told()}"
            time.sleep(0.1)

    def close(self) -> str:
        """Ends everything; what was printed."""
        return self.shell.communicate("kill $(jobs -p)\n", timeout=30)[0]


FQDN = "FullyQualifiedDomainName"


def names(machine: Machine) -> None:
    """What of /etc/hosts overrides the kernel's name, and what does not."""
    full = "web-7.example.org"
    for hosts, node, wanted in (
            (f"127.0.1.1 {full} web-7", "web-7", full),
            ("127.0.1.1 WEB-7.Example.org web-7", "web-7", "WEB-7.Example.org"),
            (f"127.0.1.1 web-7 {full}", full, None),
            ("127.0.0.1 localhost web-7", "web-7", None),
            (f"127.0.0.1 localhost.localdomain localhost {full}", full, None),
            ("127.0.0.1 localhost4 web-7", "web-7", None),
            ("127.0.1.1 db-1.example.org web-7", "web-7", None),
            (f"127.0.1.1 {full} web-7", full, full),
            ("127.0.1.1 localhosting.example.org localhosting", "localhosting",
             "localhosting.example.org"),
            ("127.0.1.1 web-7.example web-7.a.b", "web-7.a.b", None)):
        machine.put("etc/hosts", hosts + "\n")
        machine.items.unlink(missing_ok=True)
        machine.start(f"hostname {node}; {machine.identify()}")
        machine.until(FQDN, wanted)
        assert list(machine.told()) == ["OSName", "OSMajorVersion",
                                        "OSMinorVersion", FQDN]


def changes(machine: Machine) -> None:
    """Eight changes in four seconds: the last one counts, and so does what
    comes after it."""
    machine.start(machine.identify("--follow"))
    machine.until(FQDN, None)
    for n in range(8):
        machine.put("etc/hosts", f"127.0.1.1 web-7.{n}.org web-7\n")
        time.sleep(0.5)
    machine.until(FQDN, "web-7.7.org")
    machine.put("etc/os-release", "NAME=y\n")
    machine.until("OSName", "y")
    machine.put("etc/hosts", "127.0.1.1 web-7\n")
    machine.until(FQDN, "web-7")
    machine.start("hostname web-8.example.org")
    machine.put("etc/hosts", "127.0.1.1 web-8.example.org\n")
    machine.until(FQDN, "web-8.example.org")


def late_server(machine: Machine) -> None:
    """The OS is told at once; the name when a server answers, though nothing
    else tells of that."""
    machine.start(machine.identify("--follow"))
    machine.until("OSName", "x")
    machine.until(FQDN, None)
    machine.start(f"python3 -c '{SERVER}'")
    machine.until(FQDN, "web-7.example.org")


def late_network(machine: Machine) -> None:
    """A new address is a reason to ask again; a server that falls silent is
    none to forget the name, another name of the machine is."""
    machine.start(machine.identify("--follow"))
    machine.until(FQDN, None)
    machine.start(f"python3 -c '{SERVER}'")
    machine.start("kill -0 $last; server=$last; ip address add 192.0.2.6/24 dev lo")
    machine.until(FQDN, "web-7.example.org")
    machine.put("etc/os-release", "NAME=z\n")
    machine.start("kill $server; ip address add 192.0.2.7/24 dev lo")
    machine.until("OSName", "z")
    time.sleep(1)
    assert machine.told()[FQDN] == "web-7.example.org", machine.told()
    machine.start("hostname web-8")
    machine.until(FQDN, None)


def silent_server(machine: Machine) -> None:
    """What needs no network does not wait for a server that does not answer."""
    bound = machine.root / "bound"
    machine.start("python3 -c 'import socket, time; s = socket.socket("
                  "socket.AF_INET, socket.SOCK_DGRAM); s.bind((\"127.0.0.1\", "
                  f"53)); open(\"{bound}\", \"w\"); time.sleep(999)'")
    while not bound.exists():
        time.sleep(0.1)
    machine.start(machine.identify("--follow"))
    machine.until("OSName", "x")
    assert FQDN not in machine.told(), "the name server was waited for"
    machine.until(FQDN, None)


TESTS: list[Callable[[Machine], None]] = [
    names, changes, late_server, late_network, silent_server]


def run(test: Callable[[Machine], None], kvpctl: Path) -> None:
    """One test in namespaces and a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="kvpctl-test.") as root:
        machine = Machine(kvpctl, Path(root))
        try:
            test(machine)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{machine.close()}") from error
        machine.close()
