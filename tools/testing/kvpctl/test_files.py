# SPDX-License-Identifier: GPL-2.0
"""kvpctl agent and identify on trees of files: what is written, and what not.

The program is built with ASan and UBSan here, and its root is a directory.
"""

import fcntl
import json
import os
import random
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from request import ADDRESSES, DNS, GATEWAYS, SIZE, V4, V6, Request

FULL = Request(addresses=["192.0.2.5/24", "192.0.2.6/25", "2001:db8::5/64",
                          "2001:db8:1::6/48"],
               gateways=["192.0.2.1", "192.0.2.2", "fe80::1"],
               dns=["192.0.2.53", "192.0.2.54", "2001:db8::53"])
SEED = 20240711


class Tree:
    """A directory that stands for /, with one interface."""

    def __init__(self, kvpctl: Path, root: Path):
        self.kvpctl, self.root = kvpctl, root
        self.interface("eth0", 2, "00:15:5d:00:00:01",
                       "f8615163-df3e-46c5-913f-f2d2f965ed0e")

    def interface(self, name: str, index: int, mac: str,
                  guid: str | None = None, devtype: str = "",
                  master: str = "", kind: str = "") -> None:
        """Makes an interface as sysfs shows it."""
        net = self.root / "sys/class/net" / name
        net.mkdir(parents=True)
        (net / "address").write_text(f"{mac}\n")
        (net / "ifindex").write_text(f"{index}\n")
        (net / "uevent").write_text(
            f"DEVTYPE={devtype}\n" if devtype else "INTERFACE=x\n")
        if guid:
            device = self.root / "sys/devices" / guid
            device.mkdir(parents=True, exist_ok=True)
            bus = self.root / "sys/bus/vmbus"
            bus.mkdir(parents=True, exist_ok=True)
            (device / "subsystem").symlink_to(bus) \
                if not (device / "subsystem").is_symlink() else None
            (net / "device").symlink_to(device)
        if master:
            (net / "master").symlink_to(f"../{master}")
        if kind:
            (net / kind).mkdir()

    def put(self, path: str, text: str, mode: int = 0o644) -> Path:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)
        return target

    def get(self, path: str) -> str:
        return (self.root / path.lstrip("/")).read_text()

    def run(self, *args: str, **kwargs) -> subprocess.CompletedProcess[str]:
        """kvpctl with this root; a sanitizer's report is a failure."""
        done = subprocess.run([self.kvpctl, *args, "--root", self.root],
                              capture_output=True, text=True, timeout=60,
                              errors="replace", **kwargs)
        assert "Sanitizer" not in done.stderr and \
            "runtime error" not in done.stderr, done.stderr
        return done

    def agent(self, request: Request | bytes, *args: str, code: int = 0
              ) -> str:
        """The agent on one request; what it printed."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(request if isinstance(request, bytes)
                       else request.pack())
            file.flush()
            done = self.run("agent", "--request", file.name, *args)
        assert done.returncode == code, \
            f"exit code {done.returncode}, wanted {code}\n{done.stderr}"
        return done.stdout + done.stderr

    def files(self) -> dict[str, str]:
        """Everything below the root but sysfs."""
        return {str(path.relative_to(self.root)): path.read_text("latin-1")
                for path in self.root.rglob("*") if path.is_file() and
                "sys" != path.relative_to(self.root).parts[0]}


# --- what the stacks get; the stacks themselves read it in test_stacks.py

EXEC_IFCFG = """HWADDR=00:15:5D:00:00:01
DEVICE=eth0
BOOTPROTO=none
IPADDR0=192.0.2.5
IPADDR1=192.0.2.6
IPV6ADDR=2001:0db8:0000:0000:0000:0000:0000:0005
IPV6ADDR_1=2001:0db8:0001:0000:0000:0000:0000:0006
NETMASK0=255.255.255.0
NETMASK1=255.255.255.128
IPV6NETMASK=64
IPV6NETMASK_1=48
GATEWAY=192.0.2.1
GATEWAY1=192.0.2.2
IPV6_DEFAULTGW=fe80:0000:0000:0000:0000:0000:0000:0001
DNS1=192.0.2.53
DNS2=192.0.2.54
DNS3=2001:0db8:0000:0000:0000:0000:0000:0053
"""
EXEC_KEYFILE = """
[connection]
interface-name=eth0

[ethernet]
mac-address=00:15:5D:00:00:01

[ipv4]
address1=192.0.2.5/24
address2=192.0.2.6/25
method=manual
gateway=192.0.2.1,192.0.2.2
dns=192.0.2.53,192.0.2.54

[ipv6]
address1=2001:db8::5/64
address2=2001:db8:1::6/48
method=manual
gateway=fe80::1
dns=2001:db8::53
"""


def exec_files(tree: Tree) -> None:
    """The two files of hv_kvp_daemon, byte by byte, and their permissions."""
    tree.put("var/lib/x", "")
    tree.agent(FULL, "--exec", "/bin/true")
    assert tree.get("var/lib/hyperv/ifcfg-eth0") == EXEC_IFCFG
    assert tree.get("var/lib/hyperv/eth0.nmconnection") == EXEC_KEYFILE
    for name in ("ifcfg-eth0", "eth0.nmconnection"):
        mode = (tree.root / "var/lib/hyperv" / name).stat().st_mode
        assert mode & 0o777 == 0o600


def exec_dhcp(tree: Tree) -> None:
    tree.put("var/lib/x", "")
    tree.agent(Request(dhcp=1), "--exec", "/bin/true")
    assert "BOOTPROTO=dhcp\n" in tree.get("var/lib/hyperv/ifcfg-eth0")
    assert "[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n" in \
        tree.get("var/lib/hyperv/eth0.nmconnection")


# All that systemd.network(5) has to do with what a request is about, and more.
IN_USE = """# ours
[Match]
Name=e*

[Link]
MTUBytes=1400
[Network]
DHCP=yes
Address=198.51.100.9/24
Address=2001:db8:5::9/64
DNS=198.51.100.1 2001:db8::53 \\
 1.1.1.1:53 [2001:db8::54]:53#name
VLAN=v5
Domains=example.org ~corp
IPv6AcceptRA=no
LinkLocalAddressing=ipv6
Gateway=198.51.100.1
[Address]
Address=198.51.100.10/24
Label=x
[Address]
Address=2001:db8:5::10/64
[Route]
Destination=10.0.0.0/8
Gateway=198.51.100.1
[Route]
Gateway=fe80::1
[Route]
Gateway=_dhcp4
Metric=5
[DHCPv4]
UseDNS=no
"""
ABOUT_V4 = """[Match]
Name=eth0

[Link]
MTUBytes=1400

[Network]
Address=2001:db8:5::9/64
DNS=2001:db8::53 [2001:db8::54]:53#name
VLAN=v5
Domains=example.org ~corp
IPv6AcceptRA=no
LinkLocalAddressing=ipv6

[Address]
Address=2001:db8:5::10/64

[Route]
Destination=10.0.0.0/8
Gateway=198.51.100.1
GatewayOnLink=yes

[Route]
Gateway=fe80::1

[DHCPv4]
UseDNS=no

[Network]
LLMNR=no

[Network]
DHCP=ipv6
ConfigureWithoutCarrier=yes
Address=192.0.2.5/24
DNS=192.0.2.53

[Route]
Gateway=192.0.2.1
"""


def _networkd_uses(tree: Tree, name: str, text: str) -> None:
    """networkd's state says that this file is in use."""
    tree.put(f"etc/systemd/network/{name}", text)
    tree.put("run/systemd/netif/links/2", "ADMIN_STATE=configured\n"
             f"NETWORK_FILE=/etc/systemd/network/{name}\n")


def networkd_carries_over(tree: Tree) -> None:
    """A request about IPv4 changes addresses, gateways, servers and DHCP of IPv4,
    and nothing else, whatever the file in use and its drop-ins say."""
    _networkd_uses(tree, "50-old.network", IN_USE)
    tree.put("etc/systemd/network/50-old.network.d/a.conf",
             "[Network]\nLLMNR=no\nDNS=9.9.9.9\n")
    tree.put("usr/lib/systemd/network/50-old.network.d/a.conf",
             "[Network]\nMulticastDNS=yes\n")
    request = Request(addresses=["192.0.2.5/24"], gateways=["192.0.2.1"],
                      dns=["192.0.2.53"], family=V4)
    for _ in range(2):
        tree.agent(request)
        text = tree.get(OURS)
        assert text.split("\n", 1)[1] == ABOUT_V4, text
        # the second time ours is the file in use
        tree.put("run/systemd/netif/links/2", "ADMIN_STATE=configured\n"
                 f"NETWORK_FILE=/{OURS}\n")
        (tree.root / "etc/systemd/network/50-old.network.d/a.conf").unlink(
            missing_ok=True)


def networkd_about_v6(tree: Tree) -> None:
    """A request about IPv6 leaves DHCP and the addresses of IPv4."""
    _networkd_uses(tree, "50-old.network", IN_USE)
    tree.agent(Request(addresses=["2001:db8::5/64"], family=V6))
    text = tree.get(OURS)
    for kept in ("DHCP=ipv4\n", "Address=198.51.100.9/24\n", "Gateway=_dhcp4\n",
                 "DNS=198.51.100.1 1.1.1.1:53\n", "Gateway=198.51.100.1\n",
                 "IPv6AcceptRA=no\n", "Label=x\n", "Address=2001:db8::5/64\n"):
        assert kept in text, (kept, text)
    for gone in ("2001:db8:5::", "fe80::1", "2001:db8::53"):
        assert gone not in text, (gone, text)


def networkd_comes_first(tree: Tree) -> None:
    """Our file sorts before the one in use, by whatever name that has; where no
    name can, nothing is done."""
    folder = tree.root / "etc/systemd/network"
    for used, ours in (("50-old", "05"), ("00-eth", "00-00"),
                       ("00-00-eth", "00-00"), ("000-eth", "00"),
                       ("0-eth", "!00"), ("-eth", "!00")):
        _networkd_uses(tree, f"{used}.network", "[Match]\nName=eth0\n")
        tree.agent(Request(addresses=["192.0.2.5/24"]))
        path = folder / f"{ours}-hv_kvp-eth0.network"
        found = [p.name for p in folder.glob("*hv_kvp*") if p.is_file()]
        if used == "00-00-eth":
            assert found and found[0] < f"{used}.network", found
        else:
            assert found == [path.name], (used, found)
        for name in found:
            assert name < f"{used}.network", (name, used)
            (folder / name).unlink()
    _networkd_uses(tree, "!.network", "[Match]\nName=eth0\n")
    tree.agent(Request(addresses=["192.0.2.5/24"]), code=1)


def networkd_on_link(tree: Tree) -> None:
    """A gateway out of the address's network needs a word more."""
    tree.put("etc/systemd/network/x", "")
    tree.agent(Request(addresses=["192.0.2.5/32"], gateways=["192.0.2.1"]),
               "--stack", "networkd")
    path = "etc/systemd/network/05-hv_kvp-eth0.network"
    assert "Gateway=192.0.2.1\nGatewayOnLink=yes\n" in tree.get(path)
    tree.agent(Request(addresses=["192.0.2.5/31"], gateways=["192.0.2.4"]),
               "--stack", "networkd")
    assert "OnLink" not in tree.get(path)


def dhcp_drops_v4(tree: Tree) -> None:
    """With DHCP the IPv4 addresses do not count; the IPv6 ones do."""
    tree.put("etc/systemd/network/x", "")
    tree.agent(Request(dhcp=1, addresses=FULL.addresses,
                       gateways=FULL.gateways), "--stack", "networkd")
    text = tree.get("etc/systemd/network/05-hv_kvp-eth0.network")
    assert "DHCP=ipv4\n" in text and "192.0.2" not in text
    assert "Address=2001:db8::5/64\n" in text


def most_of_all(tree: Tree) -> None:
    """64 addresses of a family, and 64 servers, all written."""
    tree.put("etc/systemd/network/x", "")
    request = Request(
        addresses=[f"10.0.{i}.1/24" for i in range(ADDRESSES)] +
        [f"2001:db8:{i:x}::1/64" for i in range(ADDRESSES)],
        gateways=[f"10.0.{i}.254" for i in range(GATEWAYS)],
        dns=[f"10.1.0.{i + 1}" for i in range(DNS)])
    tree.agent(request, "--stack", "networkd")
    text = tree.get("etc/systemd/network/05-hv_kvp-eth0.network")
    assert text.count("\nAddress=") == 2 * ADDRESSES
    assert text.count("\nGateway=") == GATEWAYS
    assert text.count("\nDNS=") == DNS


def repeated_addresses(tree: Tree) -> None:
    tree.put("etc/systemd/network/x", "")
    tree.agent(Request(addresses=["10.0.0.1/24", "10.0.0.1/24"]),
               "--stack", "networkd")
    assert tree.get("etc/systemd/network/05-hv_kvp-eth0.network") \
        .count("\nAddress=") == 1


# --- which interface

def _adapter(tree: Tree, adapter: str, code: int = 0, kind: int | None = None) -> str:
    out = tree.agent(Request(adapter, ["192.0.2.5/24"], kind=kind), "--stack", "networkd",
                     "--dry-run", code=code)
    return out.partition("Name=")[2].partition("\n")[0]


def adapter_forms(tree: Tree) -> None:
    tree.interface("eth1", 3, "00:15:5d:00:00:02")
    tree.interface("eth10", 4, "00:15:5d:00:00:12")
    guid = "f8615163-df3e-46c5-913f-f2d2f965ed0e"
    for good in ("00:15:5d:00:00:01", guid):
        assert _adapter(tree, good) == "eth0", good
    assert _adapter(tree, "00:15:5d:00:00:02") == "eth1"
    for bad in ("00:15:5d:00:00:03", guid[:-1] + "f"):
        assert _adapter(tree, bad, code=3) == "", bad
    for kind in (0, 3, 0xffffffff):
        assert _adapter(tree, guid, code=3, kind=kind) == "", kind


def adapter_of_many(tree: Tree) -> None:
    """The NIC on VMBus before its virtual function, VLAN and bridge."""
    mac = "00:15:5d:00:00:01"
    tree.interface("eth0.5", 5, mac, devtype="vlan")
    tree.interface("vf0", 6, mac, "11111111-0000-0000-0000-000000000000")
    pci = tree.root / "sys/bus/pci"
    pci.mkdir()
    link = tree.root / "sys/class/net/vf0/device/subsystem"
    link.unlink()
    link.symlink_to(pci)
    assert _adapter(tree, mac) == "eth0"


def adapter_of_port(tree: Tree) -> None:
    """A port of a bridge has no addresses: the bridge gets them."""
    tree.interface("br0", 7, "00:15:5d:00:00:01", devtype="bridge",
                   kind="bridge")
    (tree.root / "sys/class/net/eth0/master").symlink_to("../br0")
    assert _adapter(tree, "00:15:5d:00:00:01") == "br0"


def adapter_of_master(tree: Tree) -> None:
    """The bridge above the bond has the addresses, and the NIC of a virtual
    function; of what is below anything else nobody knows."""
    mac = "00:15:5d:00:00:01"
    tree.interface("br0", 7, "02:00:00:00:00:07", devtype="bridge",
                   kind="bridge")
    tree.interface("bond0", 8, mac, devtype="bond", kind="bonding",
                   master="br0")
    master = tree.root / "sys/class/net/eth0/master"
    master.symlink_to("../bond0")
    assert _adapter(tree, mac) == "br0"
    bond = tree.root / "sys/class/net/bond0/master"
    bond.unlink()
    assert _adapter(tree, mac) == "bond0"

    tree.interface("vf0", 9, "00:15:5d:00:00:09")
    (tree.root / "sys/class/net/vf0/master").symlink_to("../eth0")
    assert _adapter(tree, "00:15:5d:00:00:09") == "bond0"
    master.unlink()
    assert _adapter(tree, "00:15:5d:00:00:09") == "eth0"

    tree.interface("team0", 10, mac, devtype="team")
    for port in (master, bond):
        port.symlink_to("../team0")
        out = tree.agent(Request(mac, ["192.0.2.5/24"]), *STACKS[0], code=1)
        assert "that is not supported" in out, out
        master.unlink()
        master.symlink_to("../bond0")
    # as no kernel has it: it ends
    bond.unlink()
    bond.symlink_to("../br0")
    (tree.root / "sys/class/net/br0/master").symlink_to("../bond0")
    tree.agent(Request(mac, ["192.0.2.5/24"]), *STACKS[0], code=1)
    assert tree.files() == {}, tree.files()


def unusual_names(tree: Tree) -> None:
    """Names of interfaces that would mean something in a file."""
    for i, name in enumerate(("a\nb", "x[y]", "q\"q", "$x", "-x", ".x", "a b",
                              "a;b", "a=b", "a\\b", "a'b", "#a")):
        mac = f"00:15:5d:00:01:{i:02x}"
        tree.interface(name, 20 + i, mac)
        out = tree.agent(Request(mac, ["10.0.0.1/8"]), "--stack", "ifupdown",
                         code=1)
        assert "unusual name" in out
    assert tree.files() == {}


# --- what is refused, and never reaches a file

BAD = {
    "0.0.0.0/24": "IPv4", "224.0.0.1/24": "IPv4", "255.255.255.255/32": "IPv4",
    "127.0.0.1/8": "IPv4", "0.1.2.3/8": "IPv4", "240.0.0.1/8": "IPv4",
    "192.0.2.0/24": "IPv4", "192.0.2.255/24": "IPv4", "192.0.2.5/0": "IPv4",
    "192.0.2.5/33": "IPv4", "192.0.2.5/255": "IPv4", "::/64": "IPv6",
    "::1/128": "IPv6", "ff02::1/64": "IPv6", "::ffff:192.0.2.5/128": "IPv6",
    "::192.0.2.5/128": "IPv6", "2001:db8::1/0": "IPv6",
    "2001:db8::1/129": "IPv6", "2001:db8::1/255": "IPv6",
}
STACKS = (("--stack", "networkd"),
          ("--stack", "ifupdown"), ("--exec", "/bin/true"))


def _refused(tree: Tree, request: Request | bytes) -> None:
    for stack in STACKS:
        tree.agent(request, *stack, code=8)
    assert tree.files() == {}, tree.files()


def invalid_addresses(tree: Tree) -> None:
    for bad in BAD:
        _refused(tree, Request(addresses=["192.0.2.9/24", bad]))


def invalid_gateways(tree: Tree) -> None:
    for bad in ("0.0.0.0", "224.0.0.1", "127.0.0.1", "255.255.255.255", "::",
                "::1", "ff02::2", "::ffff:1.2.3.4"):
        _refused(tree, Request(addresses=["192.0.2.9/24"], gateways=[bad]))


def invalid_servers(tree: Tree) -> None:
    for bad in ("0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::2"):
        _refused(tree, Request(dns=[bad]))


def invalid_counts(tree: Tree) -> None:
    """A kernel that says more than there is room for."""
    for i, most in enumerate((ADDRESSES, ADDRESSES, GATEWAYS, GATEWAYS, DNS,
                              DNS)):
        for count in (most + 1, 0x7fffffff, 0xffffffff):
            counts = [0] * 6
            counts[i] = count
            _refused(tree, Request(counts=tuple(counts)))


def invalid_flags(tree: Tree) -> None:
    for family in (0, 4, 7, 0xffffffff):
        _refused(tree, Request(family=family))
    for dhcp in (2, 0xffffffff):
        _refused(tree, Request(dhcp=dhcp))


def random_requests(tree: Tree) -> None:
    """200 of random bytes: no crash, and no file but of valid addresses."""
    tree.put("etc/systemd/network/x", "")
    rng = random.Random(SEED)
    for _ in range(200):
        data = bytearray(FULL.pack())
        for _ in range(rng.randrange(1, 30)):
            data[rng.randrange(SIZE)] = rng.randrange(256)
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            done = tree.run("agent", "--stack", "networkd", "--request",
                            file.name)
        assert done.returncode in (0, 3, 8), done.stderr
    for path, text in tree.files().items():
        assert all(" " <= c <= "~" or c == "\n" for c in text), path


def wrong_size(tree: Tree) -> None:
    for size in (0, 1, SIZE - 1):
        tree.agent(bytes(size), "--stack", "networkd", code=8)
    tree.agent(bytes(SIZE + 1), "--stack", "networkd", code=1)


# --- how files are written

OURS = "etc/systemd/network/05-hv_kvp-eth0.network"


def new_directory(tree: Tree) -> None:
    """Others read what is in it, though kvpctl's own umask is 077."""
    tree.put("etc/systemd/x", "")
    tree.agent(FULL, "--stack", "networkd")
    made = (tree.root / OURS).parent
    assert made.stat().st_mode & 0o7777 == 0o755, oct(made.stat().st_mode)
    made.chmod(0o700)
    tree.agent(FULL, "--stack", "networkd")
    assert made.stat().st_mode & 0o7777 == 0o700, "not ours to change"


def owner_is_kept(tree: Tree) -> None:
    """Owner, group, permissions and attributes: of what is written, of what is
    put back, and of the copy beside it."""
    path = "var/lib/hyperv/ifcfg-eth0"
    for code, program in ((0, "/bin/true"), (1, "/bin/false")):
        file = tree.put(path, "old", 0o640)
        os.chown(file, 1234, 2345)
        os.setxattr(file, "user.note", b"x\0y")
        tree.agent(FULL, "--exec", program, code=code)
        assert (file.read_text() == "old") == bool(code)
        for name in (file, file.with_name(".ifcfg-eth0.hv_kvp-old~")):
            st = name.stat()
            assert (st.st_uid, st.st_gid) == (1234, 2345), (program, name, st)
            assert os.getxattr(name, "user.note") == b"x\0y", (program, name)
        assert file.stat().st_mode & 0o777 == (0o640 if code else 0o600)
        new = file.with_name("eth0.nmconnection")
        assert new.exists() != bool(code)
        if not code:
            assert new.stat().st_uid == os.geteuid()
            new.unlink()


def one_at_a_time(tree: Tree) -> None:
    """While another has the lock of this root nothing is done; a look at what
    would be done needs none."""
    tree.put("etc/systemd/network/x", "")
    lock = os.open(tree.root, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    tree.agent(FULL, "--stack", "networkd", "--dry-run")
    with ThreadPoolExecutor(1) as pool:
        agent = pool.submit(tree.agent, FULL, "--stack", "networkd")
        try:
            agent.result(timeout=1.5)
            raise AssertionError("it did not wait")
        except TimeoutError:
            assert not (tree.root / OURS).exists()
        finally:
            os.close(lock)
        agent.result(timeout=5)
    assert (tree.root / OURS).exists()


def symbolic_links(tree: Tree) -> None:
    """Neither the file nor a directory above it may be one."""
    victim = tree.put("root/victim", "precious")
    tree.put("etc/systemd/network/x", "")
    (tree.root / OURS).symlink_to(victim)
    out = tree.agent(FULL, "--stack", "networkd", code=1)
    assert "symbolic links" in out, out
    assert victim.read_text() == "precious"
    (tree.root / OURS).unlink()
    (tree.root / "etc/systemd/network/x").unlink()
    (tree.root / "etc/systemd/network").rmdir()
    elsewhere = tree.root / "elsewhere"
    elsewhere.mkdir()
    (tree.root / "etc/systemd/network").symlink_to(elsewhere)
    tree.agent(FULL, "--stack", "networkd", code=1)
    assert not list(elsewhere.iterdir())


def no_regular_file(tree: Tree) -> None:
    tree.put("etc/systemd/network/x", "")
    os.mkfifo(tree.root / OURS)
    tree.agent(FULL, "--stack", "networkd", code=1)
    (tree.root / OURS).unlink()
    (tree.root / OURS).mkdir()
    tree.agent(FULL, "--stack", "networkd", code=1)


def old_file_is_kept(tree: Tree) -> None:
    tree.put(OURS, "old contents", 0o600)
    tree.agent(FULL, "--stack", "networkd")
    kept = tree.root / "etc/systemd/network/.05-hv_kvp-eth0.network.hv_kvp-old~"
    assert kept.read_text() == "old contents"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert (tree.root / OURS).stat().st_mode & 0o777 == 0o644


def leftover_of_a_crash(tree: Tree) -> None:
    """A temporary file that is there, or a link in its place, is no trap."""
    victim = tree.put("root/victim", "precious")
    tree.put("etc/systemd/network/x", "")
    temp = tree.root / \
        "etc/systemd/network/.05-hv_kvp-eth0.network.hv_kvp-new~"
    temp.symlink_to(victim)
    tree.agent(FULL, "--stack", "networkd")
    assert victim.read_text() == "precious" and not temp.is_symlink()
    assert "Address=192.0.2.5/24" in tree.get(OURS)


JOURNAL = "var/lib/hv_kvp/network-eth0.pending"
PENDING = f"""hv_kvp-journal 2
request 7 00000000-0000-4000-8000-000000000000
file - 640 0 0 4 /{OURS}
old

none - /etc/systemd/network/new.network
undo 0 2
networkctl
reload
end
"""


def recovered(tree: Tree) -> None:
    """What the journal has is back, with its mode; what was not there goes; and
    the journal too."""
    file = tree.put(OURS, "half")
    new = tree.put("etc/systemd/network/new.network", "half")
    tree.put(JOURNAL, PENDING, 0o600)
    done = tree.run("agent", "--recover")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"eth0: undone\n  /{OURS}\n" \
        "  /etc/systemd/network/new.network\n", done.stdout
    assert file.read_text() == "old\n" and not new.exists()
    assert file.stat().st_mode & 0o777 == 0o640
    assert not (tree.root / JOURNAL).exists()


def many_commands(tree: Tree) -> None:
    """A journal of several requests has more commands than one plan; what was done
    is a record for programs."""
    tree.put(OURS, "half")
    more = "".join(f"undo 0 2\nnetworkctl\nreload{i}\n" for i in range(40))
    tree.put(JOURNAL, PENDING.replace("end\n", more + "end\n"), 0o600)
    done = tree.run("agent", "--recover", "--json")
    assert json.loads(done.stdout) == {
        "interface": "eth0", "result": "undone", "request": 7,
        "files": [f"/{OURS}", "/etc/systemd/network/new.network"]}, done.stdout
    assert tree.get(OURS) == "old\n"


def large_journal(tree: Tree) -> None:
    """What could not be read again is not begun."""
    tree.put("etc/network/interfaces", "source interfaces.d/*\n")
    for number in range(5):
        tree.put(f"etc/network/interfaces.d/x{number}", "iface eth0 inet dhcp\n" +
                 ("#" * 99 + "\n") * 39000)
    before = tree.files()
    text = tree.agent(FULL, "--stack", "ifupdown", code=1)
    assert "File too large" in text, text
    after = tree.files()
    assert {name: after[name] for name in before} == before


def _status(tree: Tree) -> dict:
    done = tree.run("agent", "--status", "--json")
    assert done.returncode == 0, done.stderr
    return {entry["interface"]: entry for entry in json.loads(done.stdout)}


def status(tree: Tree) -> None:
    """What was asked for, what became of it, and what can be put back; for people
    and programs, without privileges."""
    assert _status(tree) == {}
    tree.put(OURS, "[Network]\n")
    tree.agent(FULL, "--stack", "networkd")
    tree.agent(FULL, "--exec", "/bin/false", code=1)
    tree.agent(replace(FULL, adapter="00:15:5d:00:00:99"), code=3)
    entry = _status(tree)["eth0"]
    assert [(r["result"], r["stack"], r["request"]) for r in entry["requests"]] == [
        ("done", "networkd", 0), ("failed", "exec", 0)], entry
    assert all(r["this_boot"] for r in entry["requests"])
    assert entry["revertible"] and not entry["at_work"], entry
    assert entry["files"] == [f"/{OURS}"], entry
    for path in (tree.root, *tree.root.glob("var"), *tree.root.glob("var/lib"),
                 tree.kvpctl.parent):
        path.chmod(0o755)
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--clear-groups", tree.kvpctl, "agent",
         "--status", "--root", tree.root], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and f"--revert: /{OURS}" in done.stdout, done
    for _ in range(25):
        tree.agent(FULL, "--exec", "/bin/true")
    assert len(_status(tree)["eth0"]["requests"]) == 20
    done = tree.run("agent", "--revert", "eth0")
    assert done.stdout.startswith("eth0: reverted\n"), done.stdout
    entry = _status(tree)["eth0"]
    assert entry["requests"][-1]["result"] == "reverted" and not entry["files"], entry
    assert not entry["revertible"]


def revert_of_what_others_changed(tree: Tree) -> None:
    """It is told, and left alone; --force puts back what was there all the same."""
    file = tree.put(OURS, "[Network]\n")
    tree.agent(FULL, "--stack", "networkd")
    file.write_text(file.read_text() + "# by hand\n")
    before = tree.files()
    done = tree.run("agent", "--revert", "eth0")
    assert done.returncode == 6 and f"/{OURS} was changed" in done.stderr, done
    assert tree.files() == before
    tree.agent(FULL, "--stack", "networkd")     # what it writes is its own again
    assert tree.run("agent", "--revert", "eth0").returncode == 0
    assert file.read_text() == "[Network]\n"
    tree.agent(FULL, "--stack", "networkd")
    file.unlink()
    assert tree.run("agent", "--revert", "eth0").returncode == 6
    assert tree.run("agent", "--revert", "eth0", "--force").returncode == 0
    assert file.read_text() == "[Network]\n"


SECOND_NIC = replace(FULL, adapter="00:15:5d:00:00:02", addresses=["203.0.113.9/24"],
                     gateways=[], dns=[])


def revert_beside_another(tree: Tree) -> None:
    """Of two interfaces in one file the later one is to be reverted first."""
    tree.interface("eth1", 3, "00:15:5d:00:00:02")
    first = "iface eth0 inet dhcp\niface eth1 inet dhcp\n"
    file = tree.put("etc/network/interfaces", first)
    for request in (FULL, SECOND_NIC):
        tree.agent(request, "--stack", "ifupdown")
    both = file.read_text()
    done = tree.run("agent", "--revert", "eth0")
    assert done.returncode == 6 and file.read_text() == both, done
    # again: now eth0 is the last one, and has what eth1 wrote
    tree.agent(replace(FULL, dns=[]), "--stack", "ifupdown")
    both = file.read_text()
    for name in ("eth0", "eth1"):
        assert tree.run("agent", "--revert", name).returncode == 6
    assert file.read_text() == both
    assert tree.run("agent", "--revert", "eth0", "--force").returncode == 0
    assert file.read_text() == first


def revert_in_turn(tree: Tree) -> None:
    tree.interface("eth1", 3, "00:15:5d:00:00:02")
    first = "iface eth0 inet dhcp\niface eth1 inet dhcp\n"
    file = tree.put("etc/network/interfaces", first)
    for request in (FULL, SECOND_NIC):
        tree.agent(request, "--stack", "ifupdown")
    for name in ("eth1", "eth0"):
        done = tree.run("agent", "--revert", name)
        assert done.returncode == 0, done.stderr
    assert file.read_text() == first


def revert_with_cloud_init(tree: Tree) -> None:
    """What tells cloud-init to keep off goes with the last interface."""
    tree.interface("eth1", 3, "00:15:5d:00:00:02")
    cloud = tree.root / "etc/cloud/cloud.cfg.d/99-hv_kvp-network.cfg"
    cloud.parent.mkdir(parents=True)
    for request in (FULL, SECOND_NIC):
        tree.agent(request, "--stack", "networkd")
    for name, there in (("eth0", True), ("eth1", False)):
        done = tree.run("agent", "--revert", name)
        assert done.returncode == 0, done.stderr
        assert cloud.exists() == there, name


def damaged_journal(tree: Tree) -> None:
    """A journal that is not whole, or that somebody else could have written,
    changes nothing and stays."""
    file = tree.put(OURS, "half")
    texts = [PENDING[:cut] for cut in range(0, len(PENDING), 9)]
    texts += [PENDING.replace("640", "7640000"), PENDING.replace(" 4 /", " 5 /"),
              PENDING.replace(" 4 /", " 4000000000 /"),
              PENDING.replace("request 7 ", "request x "),
              PENDING.replace("file - ", "file "),
              PENDING.replace("undo 0 2", "undo 0 900"), PENDING + "x"]
    for text in texts:
        tree.put(JOURNAL, text, 0o600)
        done = tree.run("agent", "--recover")
        assert done.returncode == 1, (text, done.stderr)
        assert file.read_text() == "half" and tree.get(JOURNAL) == text
    tree.put(JOURNAL, PENDING, 0o622)
    assert tree.run("agent", "--recover").returncode == 1
    assert file.read_text() == "half"


def script_fails(tree: Tree) -> None:
    """What was written is taken back, and what was there is back."""
    tree.put("var/lib/hyperv/ifcfg-eth0", "old", 0o640)
    tree.agent(FULL, "--exec", "/bin/false", code=1)
    assert tree.get("var/lib/hyperv/ifcfg-eth0") == "old"
    assert (tree.root / "var/lib/hyperv/ifcfg-eth0").stat().st_mode & 0o777 \
        == 0o640
    assert not (tree.root / "var/lib/hyperv/eth0.nmconnection").exists()


def dry_run(tree: Tree) -> None:
    for stack in STACKS:
        tree.put("etc/network/interfaces", "")
        before = tree.files()
        assert "192.0.2.5" in tree.agent(FULL, *stack, "--dry-run")
        assert tree.files() == before


def ordinary_user(tree: Tree) -> None:
    """Who may not change the network has exit code 4, and no file is made."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(FULL.pack())
        file.flush()
        os.chmod(file.name, 0o644)
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--clear-groups", tree.kvpctl, "agent",
             "--request", file.name], capture_output=True, text=True, timeout=60)
    assert done.returncode == 4, (done.returncode, done.stderr)


def agent_json(tree: Tree) -> None:
    """An object for a request, whatever became of it."""
    tree.put("var/lib/x", "")
    for program, code, result in (("/bin/true", 0, "done"),
                                  ("/bin/false", 1, "failed")):
        with tempfile.NamedTemporaryFile() as file:
            file.write(FULL.pack())
            file.flush()
            done = tree.run("agent", "--json", "--request", file.name,
                            "--exec", program)
        assert done.returncode == code, done.stderr
        assert json.loads(done.stdout) == {"ifindex": 0, "result": result}
    tree.agent(FULL, "--json", "--dry-run", code=2)


def interfaces_syntax(tree: Tree) -> None:
    """Continued lines, logical names, includes by pattern and directory."""
    tree.put("etc/network/interfaces",
             "source-directory interfaces.d\nauto \\\n  lo eth0\n"
             "iface eth00 inet dhcp\n  iface   eth0  inet \\\n dhcp\n"
             "\thostname \"x\"\n# end\nmapping eth0\n  script x\n")
    tree.put("etc/network/interfaces.d/more", "iface eth0 inet static\n"
             "  address 10.9.9.9/24\n  pre-up true\n")
    tree.put("etc/network/interfaces.d/ignored.bak", "iface eth0 inet dhcp\n")
    tree.agent(Request(addresses=["192.0.2.5/24"]))     # found by its stanza
    text = tree.get("etc/network/interfaces")
    assert "iface eth00 inet dhcp\n" in text
    assert "iface eth0 inet static\n\taddress 192.0.2.5\n" \
        "\tnetmask 255.255.255.0\n" in text, text
    assert text.count("hostname \"x\"") == 1 and text.count("pre-up") == 1
    assert "# end\nmapping eth0\n  script x\n" in text
    assert "auto eth0" not in text
    assert tree.get("etc/network/interfaces.d/more") == ""
    assert "dhcp" in tree.get("etc/network/interfaces.d/ignored.bak")


# --- identify

def _identity(tree: Tree, text: str | None) -> dict[str, str]:
    if text is not None:
        tree.put("etc/os-release", text)
    done = tree.run("identify", "--print", "--json")
    assert done.returncode == 0
    return json.loads(done.stdout)


def os_release(tree: Tree) -> None:
    """Quotes and escapes as a shell has them; nothing is run or expanded."""
    for text, name in (
            ('NAME="Debian GNU/Linux"\n', "Debian GNU/Linux"),
            ("NAME='Single $HOME'\n", "Single $HOME"),
            ("NAME=Plain\n", "Plain"),
            ('NAME="a\\"b\\\\c\\$d\\`e\\n"\n', 'a"b\\c$d`e\\n'),
            ("NAME=a\\ b\n", "a b"),
            ('NAME="x"y\'z\'\n', "xyz"),
            ("NAME=$(touch /tmp/x)`id`\n", "$(touch"),
            ('NAME="$(touch /tmp/x)"\n', "$(touch /tmp/x)"),
            ("NAME=Windows\r\n", "Windows"),
            ("NAME=no newline", "no newline".split()[0]),
            ("#NAME=comment\nNAME=x\n", "x"), (" NAME=indented\n", "Linux"),
            ("NAME=first\nNAME=second\n", "second"),
            ('NAME="open\nID=fallback\n', "fallback"),
            ("ID=debian\n", "debian"), ("", "Linux"),
            ('NAME="a\tb\x01c\x7f"\n', "a b c "),
            ('NAME="Größe"\n', "Größe")):
        got = _identity(tree, text)["OSName"]
        assert got == name, f"{text!r}: {got!r}, wanted {name!r}"
    long = _identity(tree, f"NAME={'ä' * 200}\n")["OSName"]
    assert long == "ä" * 127, len(long)


def os_version(tree: Tree) -> None:
    got = _identity(tree, 'NAME="Ubuntu"\nVERSION_ID="22.04"\n')
    assert got["OSMajorVersion"] == "22.04" and got["OSMinorVersion"] == ""
    assert "OSVersion" not in got and "OSBuildNumber" not in got


def os_release_of_vendor(tree: Tree) -> None:
    """/usr/lib if there is none in /etc, and nothing if there is neither."""
    assert "OSName" not in _identity(tree, None)
    tree.put("usr/lib/os-release", "NAME=vendor\n")
    assert _identity(tree, None)["OSName"] == "vendor"
    assert _identity(tree, "NAME=local\n")["OSName"] == "local"


def host_name(tree: Tree) -> None:
    """As hostname -f says; without a resolver nothing, and in time."""
    script = ("mount --bind {hosts} /etc/hosts; mount --bind {none} "
              "/etc/resolv.conf; mount --bind {nss} /etc/nsswitch.conf; "
              "hostname web-7; ip link set lo up 2>/dev/null; exec {run}")
    hosts = tree.put("hosts", "127.0.1.1 web-7.example.org web-7\n")
    none = tree.put("resolv.conf", "nameserver 127.0.0.1\n"
                    "options attempts:9 timeout:9\n")
    nss = tree.put("nsswitch.conf", "hosts: files dns\n")
    tree.put("etc/os-release", "NAME=x\n")
    run = f"{tree.kvpctl} identify --print --root {tree.root}"

    def inside() -> str:
        return subprocess.run(
            ["unshare", "--mount", "--uts", "--net", "sh", "-ec",
             script.format(hosts=hosts, none=none, nss=nss, run=run)],
            capture_output=True, text=True, timeout=20, check=True).stdout
    assert "FullyQualifiedDomainName=web-7.example.org\n" in inside()
    hosts.write_text("127.0.0.1 localhost\n")
    assert "FullyQualifiedDomainName" not in inside()
    hosts.write_text("127.0.1.1 bad$(name).org web-7\n")
    assert "bad" not in inside()


def layout(tree: Tree) -> None:
    """request.py has the header's structure."""
    root = Path(__file__).resolve().parents[3]
    places = {"guid": 8, "mac": 24, "dhcp": 32, "v4": 60, "v4_gateway": SIZE - 69 * 20}
    source = ("#include <stddef.h>\n#include <linux/hv_kvp.h>\n"
              f"_Static_assert(sizeof(struct hv_kvp_ip_config) == {SIZE}, \"size\");\n" +
              "".join("_Static_assert(offsetof(struct hv_kvp_ip_config, "
                      f"{name}) == {at}, \"{name}\");\n" for name, at in places.items()))
    done = subprocess.run(
        ["gcc", f"-I{root}/include/uapi", "-fsyntax-only", "-x", "c", "-"],
        input=source, text=True, capture_output=True)
    assert not done.returncode, done.stderr


TESTS: list[Callable[[Tree], None]] = [
    layout, exec_files, exec_dhcp, networkd_carries_over,
    networkd_about_v6, networkd_comes_first, networkd_on_link,
    dhcp_drops_v4, most_of_all, repeated_addresses, adapter_forms,
    adapter_of_many, adapter_of_port, adapter_of_master, unusual_names,
    invalid_addresses,
    invalid_gateways, invalid_servers, invalid_counts, invalid_flags,
    random_requests, wrong_size, new_directory, owner_is_kept, one_at_a_time,
    symbolic_links, no_regular_file,
    old_file_is_kept, leftover_of_a_crash, recovered, damaged_journal, many_commands,
    large_journal, status, revert_of_what_others_changed, revert_beside_another,
    revert_in_turn, revert_with_cloud_init,
    script_fails, dry_run, ordinary_user, agent_json,
    interfaces_syntax, os_release, os_version, os_release_of_vendor, host_name,
]


def run(test: Callable[[Tree], None], kvpctl: Path) -> None:
    """One test in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="kvpctl-test.") as root:
        test(Tree(kvpctl, Path(root)))
