# SPDX-License-Identifier: GPL-2.0
"""kvpctl agent with each network stack: what the kernel has in the end."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from request import V4, V6, Request
from stacks import DHCP_SERVER, MAC, Namespace

OLD = "198.51.100.9/24"
WANTED = Request(MAC, ["192.0.2.5/24", "192.0.2.6/24", "203.0.113.7/25",
                       "2001:db8::5/64"],
                 ["192.0.2.1", "192.0.2.2", "2001:db8::1"],
                 ["192.0.2.53", "2001:db8::53"])
SECOND = Request("00:15:5D:00:00:01", ["192.0.2.77/24"], ["192.0.2.1"])
DHCP = Request(MAC, dhcp=1, addresses=["192.0.2.99/24"])
NO_V6 = Request(MAC, family=V6)
REQUEST = "/root/request"
PRELOADS = Path()    # the folder of fake_device.so and kill_at.so; set by run()


def agent(ns: Namespace, request: Request, options: str = "") -> tuple[int, str]:
    """Runs the agent on one request."""
    ns.put(REQUEST, request.pack(), 0o600)
    return ns.run(f"kvpctl agent --request {REQUEST} {options}")


def must(ns: Namespace, request: Request, stack: str) -> None:
    """The request is carried out, by this stack."""
    code, text = agent(ns, request)
    assert not code, text
    assert f"configuration, by {stack}\n" in text, text


def expect(ns: Namespace, request: Request) -> None:
    """The interface has what the request says, and nothing else."""
    assert ns.wait(lambda: ns.addresses() == set(request.addresses)), \
        f"addresses {ns.addresses()}"
    # further gateways of a family may come in any order after the first
    assert ns.wait(lambda: set(ns.gateways()) == set(request.gateways)), \
        f"gateways {ns.gateways()}"


def leased(ns: Namespace) -> bool:
    """One address, from the DHCP server."""
    found = ns.addresses() - {OLD}
    return len(found) == 1 and found.pop().startswith("198.51.100.")


def mode(ns: Namespace, path: str) -> int:
    return ns.path(path).stat().st_mode & 0o7777


def two_requests(ns: Namespace, stack: str) -> None:
    """One after the other; the second one takes back all of the first that it is
    about, which is IPv4, and the third the rest."""
    must(ns, WANTED, stack)
    expect(ns, WANTED)
    must(ns, SECOND, stack)
    expect(ns, replace(SECOND, addresses=SECOND.addresses + ["2001:db8::5/64"],
                       gateways=SECOND.gateways + ["2001:db8::1"]))
    must(ns, NO_V6, stack)
    expect(ns, SECOND)


def fails(ns: Namespace, files: list[str]) -> None:
    """A request fails, and the files are as they were."""
    before = {path: ns.get(path) for path in files}
    code, text = agent(ns, SECOND)
    assert code and "putting back what was there" in text, text
    for path, content in before.items():
        assert ns.get(path) == content, f"{path}: {ns.get(path)}"


# --- systemd-networkd

NETWORKD = ("mkdir -p /run/systemd/netif/links /run/systemd/netif/leases; "
            "chown -R systemd-network:systemd-network /run/systemd/netif; "
            "/lib/systemd/systemd-networkd >/run/networkd.log 2>&1 &")
RENETWORKD = "networkctl reload && networkctl reconfigure eth0"
OURS_NETWORKD = "/etc/systemd/network/05-hv_kvp-eth0.network"


def networkd(ns: Namespace) -> None:
    ns.put("/etc/systemd/network/50-old.network",
           f"[Match]\nName=e*\n[Network]\nAddress={OLD}\n")
    ns.run(NETWORKD)
    assert ns.wait(lambda: ns.addresses() == {OLD}), ns.get("/run/networkd.log")
    two_requests(ns, "networkd")
    assert mode(ns, OURS_NETWORKD) == 0o644
    index = ns.must("cat /sys/class/net/eth0/ifindex").strip()
    must(ns, WANTED, "networkd")
    assert ns.wait(lambda: "DNS=192.0.2.53 2001:db8::53\n" in
                   ns.get(f"/run/systemd/netif/links/{index}"))


def networkd_dhcp(ns: Namespace) -> None:
    ns.must(DHCP_SERVER)
    ns.run(NETWORKD)
    ns.put("/etc/systemd/network/50-old.network",
           f"[Match]\nName=eth0\n[Network]\nAddress={OLD}\n")
    ns.run("networkctl reload")
    assert ns.wait(lambda: ns.addresses() == {OLD}), ns.get("/run/networkd.log")
    must(ns, DHCP, "networkd")
    assert ns.wait(lambda: leased(ns)), ns.addresses()
    assert OLD not in ns.addresses() and "192.0.2.99/24" not in ns.addresses()


def networkd_fails(ns: Namespace) -> None:
    """networkd dies: the first file of ours goes, an older one comes back."""
    ns.put("/etc/systemd/network/50-old.network",
           f"[Match]\nName=eth0\n[Network]\nAddress={OLD}\n")
    ns.run(NETWORKD)
    assert ns.wait(lambda: ns.addresses() == {OLD}), ns.get("/run/networkd.log")
    ns.must("pkill -KILL systemd-network")
    fails(ns, [OURS_NETWORKD])
    assert not ns.path(OURS_NETWORKD).exists()


# --- NetworkManager

NM_CONFIG = "[main]\nplugins=keyfile\ndns=none\n[device]\nmatch-device=" \
    "interface-name:eth0\nmanaged=1\n"
OLD_PROFILE = f"""[connection]
id=old
uuid=11111111-2222-4333-8444-555555555555
type=ethernet
interface-name=eth0
[ipv4]
method=manual
address1={OLD}
[ipv6]
method=disabled
"""
PROFILES = "/etc/NetworkManager/system-connections"


def _start_nm(ns: Namespace, profile: str = OLD_PROFILE,
              addresses: frozenset[str] | set[str] = frozenset({OLD})) -> None:
    ns.put("/etc/NetworkManager/NetworkManager.conf", NM_CONFIG)
    ns.put("/etc/network/interfaces", "")
    ns.put(f"{PROFILES}/old.nmconnection", profile, 0o600)
    ns.run("NetworkManager -n >/run/nm.log 2>&1 &")
    assert ns.wait(lambda: ns.addresses() == addresses, 20), ns.get("/run/nm.log")


def networkmanager(ns: Namespace) -> None:
    _start_nm(ns)
    two_requests(ns, "networkmanager")
    # the profile is this interface's: it is changed where it is
    assert mode(ns, f"{PROFILES}/old.nmconnection") == 0o600
    assert not ns.path(f"{PROFILES}/hv_kvp-eth0.nmconnection").exists()
    active = ns.must("nmcli -g UUID connection show --active")
    assert "11111111-2222-4333-8444-555555555555" in active, active


def networkmanager_dhcp(ns: Namespace) -> None:
    ns.must(DHCP_SERVER)
    _start_nm(ns)
    must(ns, DHCP, "networkmanager")
    assert ns.wait(lambda: leased(ns)), ns.addresses()
    assert "192.0.2.99/24" not in ns.addresses()


def networkmanager_fails(ns: Namespace) -> None:
    """No DHCP server: the profile from before comes up again."""
    _start_nm(ns)
    code, text = agent(ns, DHCP, "--timeout 6")
    assert code == 1 and "putting back what was there" in text, text
    assert not ns.path(f"{PROFILES}/hv_kvp-eth0.nmconnection").exists()
    found = ns.get(f"{PROFILES}/old.nmconnection")
    assert found == OLD_PROFILE, found
    assert ns.wait(lambda: ns.addresses() == {OLD}), ns.addresses()


EVERYTHING = OLD_PROFILE.replace("interface-name=eth0", "interface-name=eth0\n"
    "zone=public\nautoconnect-priority=5\nmetered=2").replace(
    "[ipv6]\nmethod=disabled\n", "route1=10.0.0.0/8,198.51.100.1\n"
    "dns=198.51.100.1;\ndns-search=example.org;\n"
    "[ipv6]\nmethod=manual\naddress1=2001:db8:9::9/64\n"
    "[ethernet]\nmtu=1400\n"
    "[user]\nnote.x=y\n")


def _values(text: str) -> set[str]:
    """What a keyfile says, section by section."""
    found, section = set(), ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line
        elif line and not line.startswith("timestamp="):
            found.add(f"{section} {line}")
    return found


def networkmanager_keeps(ns: Namespace) -> None:
    """A request about IPv4 changes nothing else of a profile."""
    _start_nm(ns, EVERYTHING, {OLD, "2001:db8:9::9/64"})
    before = _values(ns.get(f"{PROFILES}/old.nmconnection"))
    must(ns, replace(SECOND, dns=["192.0.2.53"], family=V4), "networkmanager")
    after = _values(ns.get(f"{PROFILES}/old.nmconnection"))
    assert ns.addresses() == {"192.0.2.77/24", "2001:db8:9::9/64"}, ns.addresses()
    gone = {f"[ipv4] address1={OLD}", "[ipv4] dns=198.51.100.1;"}
    assert before - after == gone, (before - after, after - before)
    assert after - before - {"[ipv4] never-default=false"} == {
        "[ipv4] address1=192.0.2.77/24,192.0.2.1",
        "[ipv4] dns=192.0.2.53;"}, after - before


def networkmanager_clones(ns: Namespace) -> None:
    """A profile that other interfaces may use too is left alone."""
    shared = OLD_PROFILE.replace("interface-name=eth0\n", "")
    _start_nm(ns, shared)
    two_requests(ns, "networkmanager")
    assert ns.get(f"{PROFILES}/old.nmconnection") == shared
    text = ns.get(f"{PROFILES}/hv_kvp-eth0.nmconnection")
    assert "interface-name=eth0\n" in text and "priority=999\n" in text, text
    ns.must("kvpctl agent --revert eth0")
    assert not ns.path(f"{PROFILES}/hv_kvp-eth0.nmconnection").exists()
    assert ns.wait(lambda: ns.addresses() == {OLD}, 20), ns.addresses()


# --- ifupdown

INTERFACES = """# loopback
auto lo
iface lo inet loopback
source /etc/network/interfaces.d/*
"""
ETH0 = f"""# the uplink
auto eth0
iface eth0 inet static
    address {OLD}
    mtu 1400
    up ip route add 10.0.0.0/8 \\
        dev $IFACE
# the other one
iface eth1 inet dhcp
"""
OURS_IFUPDOWN = "/etc/network/interfaces.d/eth0"


def _start_ifupdown(ns: Namespace, text: str = ETH0) -> None:
    ns.put("/etc/network/interfaces", INTERFACES)
    ns.put(OURS_IFUPDOWN, text)
    ns.must("ifup eth0")
    assert ns.addresses() == {OLD}, ns.addresses()


def ifupdown(ns: Namespace) -> None:
    _start_ifupdown(ns)
    two_requests(ns, "ifupdown")
    # what is not about addresses is still there, and once
    text = ns.get(OURS_IFUPDOWN)
    for line in ("mtu 1400", "# the uplink", "# the other one", "auto eth0",
                 "iface eth1 inet dhcp", "up ip route add", "# Written by"):
        assert text.count(line) == 1, text
    assert ns.get("/etc/network/interfaces") == INTERFACES
    assert "10.0.0.0/8" in ns.must("ip route show dev eth0")
    assert "mtu 1400" in ns.must("ip link show dev eth0")
    ns.must("ifquery eth0")


def ifupdown_split(ns: Namespace) -> None:
    """Stanzas in two files, one of them for IPv6: all go, one place is new."""
    main = INTERFACES + f"auto eth0\niface eth0 inet static\n  address {OLD}\n"
    ns.put("/etc/network/interfaces", main)
    ns.put("/etc/network/interfaces.d/six",
           "iface eth0 inet6 static\n  address 2001:db8::9/64\n")
    ns.must("ifup eth0")
    two_requests(ns, "ifupdown")
    assert "2001:db8::9" not in ns.get("/etc/network/interfaces.d/six")


def ifupdown_fails(ns: Namespace) -> None:
    """What is in the way of the new addresses: the old ones come back."""
    _start_ifupdown(ns, ETH0.replace(
        "    mtu 1400", '    up echo "$IF_ADDRESS" | grep -q 198.51.100.9'))
    fails(ns, [OURS_IFUPDOWN, "/etc/network/interfaces"])
    assert ns.addresses() == {OLD}, ns.addresses()


ALIASES = f"""auto eth0 eth0:0 lo
iface eth0 inet static
    address {OLD}
auto eth0:1
iface eth0:0 inet static
    address 198.51.100.10/24
iface eth0:1 inet static
    address 198.51.100.11/24
iface eth0 inet6 static
    address 2001:db8:9::9/64
"""


def ifupdown_aliases(ns: Namespace) -> None:
    """The addresses of eth0:0 go with those of eth0, and come back with them;
    IPv6, which the request is not about, stays."""
    ns.put("/etc/network/interfaces", INTERFACES)
    ns.put(OURS_IFUPDOWN, ALIASES)
    ns.must("ifup eth0 eth0:0 eth0:1")
    must(ns, SECOND, "ifupdown")
    assert ns.addresses() == {"192.0.2.77/24", "2001:db8:9::9/64"}, ns.addresses()
    text = ns.get(OURS_IFUPDOWN)
    assert "eth0:" not in text and "auto eth0 lo\n" in text, text
    ns.must("ifup -a --ignore-errors 2>&1")
    assert ns.addresses() == {"192.0.2.77/24", "2001:db8:9::9/64"}, ns.addresses()
    ns.must("kvpctl agent --revert eth0")
    assert ns.get(OURS_IFUPDOWN) == ALIASES


def ifupdown_second_nic(ns: Namespace) -> None:
    """Another interface has the default route: this one's comes after it."""
    ns.must("ip link add eth1 type veth peer name peer1; ip link set eth1 up; "
            "ip link set peer1 up; ip address add 203.0.113.9/24 dev eth1; "
            "ip route add default via 203.0.113.1 dev eth1")
    _start_ifupdown(ns)
    must(ns, SECOND, "ifupdown")
    assert ns.gateways() == ["192.0.2.1"], ns.gateways()
    routes = ns.must("ip route show default")
    assert routes.splitlines()[0].startswith("default via 203.0.113.1"), routes


def ifupdown_servers(ns: Namespace) -> None:
    """Nobody reads dns-nameservers: /etc/resolv.conf gets them, and the rest of
    it stays; a program that reads them is left to it."""
    _start_ifupdown(ns)
    old = "search example.org\nnameserver 198.51.100.1\nnameserver 2001:db8::1\n"
    ns.must("rm -f /etc/resolv.conf")
    ns.put("/etc/resolv.conf", old)
    request = replace(SECOND, dns=["192.0.2.53"])
    must(ns, request, "ifupdown")
    text = ns.get("/etc/resolv.conf")
    assert text == "nameserver 192.0.2.53\nsearch example.org\n" \
        "nameserver 2001:db8::1\n", text
    ns.must("kvpctl agent --revert eth0")
    assert ns.get("/etc/resolv.conf") == old
    # it takes them, and does nothing: the host must not be told that all is done
    ns.put("/sbin/resolvconf", "#!/bin/sh\n", 0o755)
    code, _ = agent(ns, request, "--timeout 6 >/run/log 2>&1")
    text = ns.get("/run/log")
    assert code == 1 and "name servers did not come" in text, text
    assert ns.get("/etc/resolv.conf") == old
    assert ns.wait(lambda: ns.addresses() == {OLD}), ns.addresses()


def ifupdown_many_files(ns: Namespace) -> None:
    """More files than anyone has."""
    _start_ifupdown(ns)
    for number in range(100):
        ns.put(f"/etc/network/interfaces.d/x{number}",
               f"iface x{number} inet dhcp\n" + "# filler\n" * 4000)
    must(ns, SECOND, "ifupdown")
    assert ns.addresses() == {"192.0.2.77/24"}, ns.addresses()


# --- ifupdown with commands that take long, or are cut short

# Looked at by each test: what makes it slow is a file below /run.
HOOK = """#!/bin/sh
echo "$1 $IF_ADDRESS" >>/run/hooks
case "$1 $IF_ADDRESS" in
"up 198.51.100.9"*) [ ! -e /run/slow-up ] || sleep $(cat /run/slow-up) ;;
"up 192.0.2.77"*) [ ! -e /run/slow-new ] || sleep $(cat /run/slow-new)
	[ ! -e /run/fail ] || exit 1 ;;
down*)	[ ! -e /run/first-down ] || [ ! -e /run/slow-down ] ||
		sleep $(cat /run/slow-down)
	touch /run/first-down ;;
esac
"""
HOOKED = ETH0.replace("    mtu 1400", "    pre-up /root/hook up\n"
                      "    pre-down /root/hook down")


def _start_hooked(ns: Namespace, **slow: float) -> None:
    """Up with the old address; @slow: what comes to take long then."""
    ns.put("/root/hook", HOOK, 0o755)
    _start_ifupdown(ns, HOOKED)
    for name, seconds in slow.items():
        ns.put(f"/run/{name.replace('_', '-')}", str(seconds))
    ns.put("/run/hooks", "")


def _is_back(ns: Namespace) -> None:
    """All is as before the request, now or soon."""
    assert ns.wait(lambda: ns.addresses() == {OLD}, 10), \
        f"{ns.addresses()}\n{ns.get('/run/hooks')}"
    assert ns.get(OURS_IFUPDOWN) == HOOKED, ns.get(OURS_IFUPDOWN)
    assert ns.wait(lambda: ns.run("ifquery --state eth0")[0] == 0), \
        "ifup has not come to its end"


def _serve(ns: Namespace, options: str, *requests: Request) -> None:
    """The device for the agent that is run next, and its requests."""
    ns.must("mkdir -p /run/fake; mkfifo /run/fake/requests")
    ns.put("/root/fake.so", (PRELOADS / "fake_device.so").read_bytes())
    for number, request in enumerate(requests, 1):
        ns.put(f"/run/fake/{number}", request.pack())
    ns.put("/root/agent", "#!/bin/sh\nLD_PRELOAD=/root/fake.so exec "
           f"kvpctl agent {options}\n", 0o755)


def undo_takes_long(ns: Namespace) -> None:
    """The ifup that brings the interface back is not killed when the time is
    over; nor has it the lock, which would keep others out."""
    _start_hooked(ns, fail=1, slow_up=4)
    begin = time.monotonic()
    code, _ = agent(ns, SECOND, "--timeout 2 >/run/log 2>&1")
    took, text = time.monotonic() - begin, ns.get("/run/log")
    assert code == 1 and "still at work" in text, (code, text)
    assert took < 3.5, took
    ns.must("flock -n /run/hv_kvp-agent.lock true")
    assert not ns.addresses(), "nothing was slow"
    _is_back(ns)


def undo_goes_on(ns: Namespace) -> None:
    """An ifdown that takes all the time: ifup is still run."""
    _start_hooked(ns, fail=1, slow_down=4)
    # into a file: what goes on writes to it, not among later answers
    code, _ = agent(ns, SECOND, "--timeout 2 >/run/log 2>&1")
    text = ns.get("/run/log")
    assert code == 1 and "ifdown: still at work" in text, (code, text)
    _is_back(ns)


def apply_takes_long(ns: Namespace) -> None:
    """What is to bring the new addresses is killed; the old ones are back."""
    _start_hooked(ns, slow_new=1000)
    code, text = agent(ns, SECOND, "--timeout 4")
    assert code == 1 and "timed out" in text, (code, text)
    _is_back(ns)
    assert ns.run("pgrep sleep")[0] == 1


def next_request(ns: Namespace) -> None:
    """What the undo of one request has left at work does not hold up the
    next one, and ends for it."""
    _start_hooked(ns, fail=1, slow_up=1000)
    other = Request(MAC, ["203.0.113.7/25"])
    _serve(ns, "--timeout 5", SECOND, other)
    ns.run("/root/agent >/run/agent.log 2>&1 & echo $! >/run/agent.pid")
    assert ns.wait(lambda: ns.get("/run/fake/answers") == "1 1\n", 10), \
        ns.get("/run/agent.log")
    assert ns.run("pgrep sleep")[0] == 0, "nothing was left at work"
    ns.must("printf 2 >/run/fake/requests")
    assert ns.wait(lambda: ns.get("/run/fake/answers") == "1 1\n2 0\n", 10), \
        ns.get("/run/agent.log") + ns.get("/run/fake/answers")
    assert ns.addresses() == {"203.0.113.7/25"}, ns.addresses()
    assert ns.run("pgrep sleep")[0] == 1
    ns.must("kill $(cat /run/agent.pid)")


def too_late(ns: Namespace) -> None:
    """An agent that comes when the host has waited for long does not begin
    what it could not undo; with enough time it does."""
    _start_hooked(ns)
    _serve(ns, "--once", SECOND)
    for left in (0, 5000, 7900):
        ns.put("/run/fake/1.left", str(left))
        code, text = ns.run("/root/agent")
        assert code == 1 and "apply-refused" in text, (code, text)
    assert ns.get("/run/fake/answers") == "1 1\n" * 3
    assert not ns.get("/run/hooks") and ns.get(OURS_IFUPDOWN) == HOOKED
    ns.put("/run/fake/1.left", "9000")
    code, text = ns.run("/root/agent")
    assert not code, text
    expect(ns, SECOND)


def _interrupted(ns: Namespace, signal: str) -> None:
    """A signal while the interface is down: it comes up again."""
    ns.put(REQUEST, SECOND.pack(), 0o600)
    ns.put("/run/hooks", "")
    ns.run(f"kvpctl agent --request {REQUEST} >/run/log 2>&1 & "
           "echo $! >/run/pid")
    assert ns.wait(lambda: "up 192.0.2.77" in ns.get("/run/hooks")), \
        ns.get("/run/log")
    code, _ = ns.run(f"kill -{signal} $(cat /run/pid); wait $(cat /run/pid)")
    assert code == 1, f"{signal}: exit code {code}\n{ns.get('/run/log')}"
    _is_back(ns)


def interrupted(ns: Namespace) -> None:
    """--request as the service: what ends it has it undone first."""
    _start_hooked(ns, slow_new=1000)
    for signal in ("HUP", "TERM", "INT", "QUIT"):
        _interrupted(ns, signal)


def nobody_reads(ns: Namespace) -> None:
    """The session that would read the messages ends while the interface is
    down: neither kvpctl nor what it runs dies of a message."""
    _start_hooked(ns, slow_new=1, fail=1)
    ns.put("/root/hook", HOOK.replace("esac\n", "esac\necho loud; echo loud\n"),
           0o755)
    ns.put(REQUEST, SECOND.pack(), 0o600)
    ns.run(f"kvpctl agent --request {REQUEST} 2>&1 | sleep 0.3")
    assert "up 192.0.2.77" in ns.get("/run/hooks")
    _is_back(ns)


def one_at_a_time(ns: Namespace) -> None:
    """Two by hand, one after the other; a lock that others may hold, or that
    leads elsewhere, is none."""
    ns.put("/root/logs", "#!/bin/sh\necho begin >>/run/order\nsleep 1\n"
           "echo end >>/run/order\n", 0o755)
    ns.put(REQUEST, SECOND.pack(), 0o600)
    line = f"kvpctl agent --exec /root/logs --request {REQUEST}"
    ns.must(f"{line} & one=$!; {line} & two=$!; wait $one && wait $two")
    assert ns.get("/run/order") == "begin\nend\n" * 2, ns.get("/run/order")
    assert mode(ns, "/run/hv_kvp-agent.lock") == 0o600
    for make in ("chmod 644 /run/hv_kvp-agent.lock",
                 "chown 1 /run/hv_kvp-agent.lock",
                 "ln -sf /root/victim /run/hv_kvp-agent.lock"):
        ns.must(f"rm -f /run/hv_kvp-agent.lock; umask 077; "
                f"touch /run/hv_kvp-agent.lock; {make}")
        code, text = ns.run(line)
        assert code and "nothing done" in text, (make, code, text)
    assert not ns.path("/root/victim").exists()
    assert ns.get("/run/order") == "begin\nend\n" * 2


# --- netplan

YAML = f"""# of the installer
network:
  version: 2
  renderer: networkd
  ethernets:
    uplink:
      match: {{name: eth0}}
      mtu: 1400
      addresses: [{OLD}]
      routes: [{{to: 10.0.0.0/8, via: 198.51.100.1}}]
      nameservers: {{search: [example.org], addresses: [198.51.100.1]}}
  vlans:
    vlan5: {{link: uplink, id: 5, addresses: [10.5.0.1/24]}}
"""
# netplan tells systemd, which is not PID 1 here, to restart networkd
SYSTEMCTL = """#!/bin/sh
rm /run/edit 2>/dev/null && echo "# by hand" >>/etc/netplan/60-other.yaml
case "$*" in
*network-pre.target*) exit 3 ;;
*is-active*|*is-enabled*) echo active ;;
*start*systemd-networkd*) networkctl reload ;;
esac
exit 0
"""
OURS_NETPLAN = "/etc/netplan/90-hv_kvp-eth0.yaml"


def _start_netplan(ns: Namespace, text: str = YAML,
                   addresses: frozenset[str] | set[str] = frozenset({OLD})
                   ) -> None:
    ns.put("/etc/netplan/50-installer.yaml", text, 0o600)
    for name in ("systemctl", "udevadm"):
        ns.must(f"rm -f /bin/{name} /usr/bin/{name} /sbin/{name}")
        ns.put(f"/usr/bin/{name}", SYSTEMCTL, 0o755)
    ns.must("netplan generate")
    ns.run(NETWORKD)
    assert ns.wait(lambda: ns.addresses() == addresses), ns.get("/run/networkd.log")


def netplan(ns: Namespace) -> None:
    _start_netplan(ns)
    two_requests(ns, "netplan")
    assert mode(ns, OURS_NETPLAN) == 0o600
    merged = ns.must("netplan get")
    for kept in ("mtu: 1400", "example.org", "vlan5", "10.5.0.1/24",
                 "10.0.0.0/8"):
        assert kept in merged, merged
    assert "on-link: true" in merged, merged
    assert OLD.split("/")[0] not in merged, merged


def netplan_keeps_v6(ns: Namespace) -> None:
    """A request about IPv4 leaves addresses, routes and servers of IPv6, and the
    other way round."""
    text = YAML.replace(f"addresses: [{OLD}]", f"addresses: [{OLD}, "
                        "'2001:db8:9::9/64']\n      accept-ra: false")
    text = text.replace("routes: [", "routes: [{to: default, via: 'fe80::1'}, ")
    text = text.replace("addresses: [198.51.100.1]",
                        "addresses: [198.51.100.1, '2001:db8::53']")
    _start_netplan(ns, text, {OLD, "2001:db8:9::9/64"})
    must(ns, replace(SECOND, dns=["192.0.2.53"], family=V4), "netplan")
    assert ns.addresses() == {"192.0.2.77/24", "2001:db8:9::9/64"}, ns.addresses()
    assert ns.gateways() == ["192.0.2.1", "fe80::1"], ns.gateways()
    merged = ns.must("netplan get")
    assert "2001:db8::53" in merged and "accept-ra: false" in merged, merged
    assert "198.51.100.1\n" not in merged.split("nameservers")[1], merged
    must(ns, Request(MAC, ["2001:db8::7/64"], family=V6), "netplan")
    assert ns.wait(lambda: ns.addresses() == {"192.0.2.77/24", "2001:db8::7/64"}), \
        ns.addresses()
    assert ns.gateways() == ["192.0.2.1"], ns.gateways()


def netplan_beside_cloud_init(ns: Namespace) -> None:
    """It would write its own file again at the next boot."""
    cloud = "/etc/cloud/cloud.cfg.d"
    ns.must(f"mkdir -p {cloud}")
    _start_netplan(ns)
    must(ns, SECOND, "netplan")
    assert ns.get(f"{cloud}/99-hv_kvp-network.cfg").endswith(
        "\nnetwork: {config: disabled}\n")
    ns.must("kvpctl agent --revert eth0")
    assert not ns.get(f"{cloud}/99-hv_kvp-network.cfg")


def netplan_fails(ns: Namespace) -> None:
    """The old YAML is back as it was, its comments too."""
    _start_netplan(ns)
    ns.must("pkill -KILL systemd-network")
    fails(ns, ["/etc/netplan/50-installer.yaml", OURS_NETPLAN])
    assert not ns.path(OURS_NETPLAN).exists()


def netplan_fails_early(ns: Namespace) -> None:
    """netplan refuses somebody's file, and so cannot say what is to stay: nothing
    is changed, and our own file of the request before is there."""
    _start_netplan(ns)
    must(ns, WANTED, "netplan")
    ns.put("/etc/netplan/60-broken.yaml", "network: [\n", 0o600)
    before = _configuration(ns, "/etc/netplan")
    code, text = agent(ns, SECOND)
    assert code == 1 and "netplan cannot do it" in text, (code, text)
    assert _configuration(ns, "/etc/netplan") == before
    assert "192.0.2.5/24" in ns.get(OURS_NETPLAN)


def netplan_fails_beside_others(ns: Namespace) -> None:
    """What somebody does meanwhile to a file that the request leaves alone is
    not undone with it."""
    _start_netplan(ns)
    # as netplan writes it: 'netplan set' writes all files anew
    other = "network:\n  version: 2\n  ethernets:\n    other0:\n" \
        "      dhcp4: true\n"
    ns.put("/etc/netplan/60-other.yaml", other, 0o600)
    ns.must("pkill -KILL systemd-network; touch /run/edit")
    fails(ns, ["/etc/netplan/50-installer.yaml"])
    text = ns.get("/etc/netplan/60-other.yaml")
    assert text == other + "# by hand\n", text


def netplan_pattern(ns: Namespace) -> None:
    """A definition for many interfaces is not changed for one of them."""
    text = YAML.replace("name: eth0", 'name: "et*"')
    ns.put("/etc/netplan/50-installer.yaml", text, 0o600)
    ns.must("netplan generate")
    ns.run(NETWORKD)
    assert ns.wait(lambda: ns.addresses() == {OLD}), ns.get("/run/networkd.log")
    must(ns, SECOND, "networkd")
    expect(ns, SECOND)
    assert ns.get("/etc/netplan/50-installer.yaml") == text


# --- killed at any step

# Enough for each stack; the loop ends before.
STEPS = 60
# What a stack reads at the next boot.
READ_AT_BOOT = {
    "networkd": "/etc/systemd/network", "networkmanager": PROFILES,
    "ifupdown": "/etc/network", "netplan": "/etc/netplan",
}


def _configuration(ns: Namespace, folder: str) -> str:
    """All that a stack would read there, with names, modes and owners."""
    # NetworkManager notes when a profile was used last
    return ns.must(f"cd {folder} && find . -type f ! -name '*~' "
                   "-printf '%p %m %u %g\\n' -exec cat {} \\; | "
                   "grep -v ^timestamp= | sort")


# What a disk has after it lost its power: of a folder the names that it had when it
# was synced, of a file the contents that it had then, or none.
POWER = """#!/bin/sh
P=/run/power
tops="/etc/systemd/network /etc/NetworkManager/system-connections /etc/network
	/etc/netplan /etc/cloud /var/lib/hv_kvp"
keep_file() { cp -p "$1" $P/inode/$(stat -c %i "$1"); }
names() { find "$1" -maxdepth 1 -type f; }
keep_folder() {
	mkdir -p "$P/disk$1"
	names "$P/disk$1" | while read -r file; do rm "$file"; done
	names "$1" | while read -r file; do
		inode=$P/inode/$(stat -c %i "$file")
		if [ -f $inode ]; then cp -p $inode "$P/disk$file"; else : >"$P/disk$file"; fi
	done
}
all() { find $tops -type $1 2>/dev/null; }
case $1 in
file)	keep_file "$2" ;;
folder)	for top in $tops; do
		case $2/ in $top/*) keep_folder "$2" ;; esac
	done ;;
all)	rm -rf $P
	mkdir -p $P/inode $P/disk
	all f | while read -r file; do keep_file "$file"; done
	all d | while read -r folder; do keep_folder "$folder"; done ;;
lose)	all d | while read -r folder; do
		names "$folder" | while read -r file; do rm "$file"; done
		[ ! -d "$P/disk$folder" ] || find "$P/disk$folder" -maxdepth 1 -type f \
			-exec cp -p {} "$folder" \;
	done ;;
esac
exit 0
"""


def _stopped(ns: Namespace, step: int, how: str) -> int | None:
    """kvpctl's exit code; None if it came to its end before this step."""
    ns.put(REQUEST, WANTED.pack(), 0o600)
    ns.must("rm -f /run/stopped")
    code, text = ns.run(f"KILL_AT={step} KILL_HOW={how} LD_PRELOAD=/root/kill_at.so "
                        f"kvpctl agent --request {REQUEST}")
    assert code in ((0, 1) if how == "TERM" else (0, 137)), text
    return code if ns.path("/run/stopped").exists() else None


def _stop_each_step(ns: Namespace, stack: str, restart: str, how: str = "KILL") -> None:
    """An end before each step. At the machine's next start the early unit leaves what
    was there, or all that was asked for; the agent's next start does the same in the
    kernel too; and it can be taken back. @restart: what the machine's start does."""
    folder = READ_AT_BOOT[stack]
    ns.put("/root/kill_at.so", (PRELOADS / "kill_at.so").read_bytes())
    ns.put("/root/power", POWER, 0o755)
    old = _configuration(ns, folder)
    must(ns, WANTED, stack)
    new = _configuration(ns, folder)
    ns.must("kvpctl agent --revert eth0")
    assert _configuration(ns, folder) == old, "it was not taken back"
    assert ns.wait(lambda: ns.addresses() == {OLD}, 20), ns.addresses()
    seen = set()
    for step in range(1, STEPS):
        code = _stopped(ns, step, how)
        if code is None:
            break
        if how == "TERM":
            now = _configuration(ns, folder)
            assert now == (old if code else new), f"step {step}, {code}: {now}"
            seen.add(now)
        elif step % 2 or how == "POWER":
            ns.must("kvpctl agent --recover")
            now = _configuration(ns, folder)
            assert now in (old, new), f"step {step}: {now}"
            seen.add(now)
            ns.must(restart)
        code, text = ns.run("kvpctl agent --revert eth0")
        assert code in (0, 3), text
        assert _configuration(ns, folder) == old, f"step {step}"
        assert ns.wait(lambda: ns.addresses() == {OLD}, 20), \
            f"step {step}: {ns.addresses()}"
    assert 4 < step < STEPS - 1 and old in seen, (step, seen)
    assert not ns.run("ls /var/lib/hv_kvp/*.pending /var/lib/hv_kvp/*.verified "
                      "2>/dev/null")[1]


def _start_networkd(ns: Namespace) -> None:
    ns.put("/etc/systemd/network/50-old.network",
           f"[Match]\nName=e*\n[Network]\nAddress={OLD}\n")
    ns.run(NETWORKD)
    assert ns.wait(lambda: ns.addresses() == {OLD}), ns.get("/run/networkd.log")


# What brings a stack up, and what the machine's next start does.
STOPPED = {
    "networkd": (_start_networkd, RENETWORKD),
    "networkmanager": (_start_nm, "nmcli connection reload && nmcli connection up id old"),
    "ifupdown": (_start_ifupdown, "ifdown --force eth0; ifup eth0"),
    "netplan": (_start_netplan, f"netplan generate && {RENETWORKD}"),
}


def stopped(ns: Namespace, stack: str, how: str) -> None:
    """KILL, TERM or POWER at each step of a request."""
    start, restart = STOPPED[stack]
    start(ns)
    _stop_each_step(ns, stack, restart, how)


def networkd_killed(ns: Namespace) -> None:
    stopped(ns, "networkd", "KILL")


def networkmanager_killed(ns: Namespace) -> None:
    stopped(ns, "networkmanager", "KILL")


def ifupdown_killed(ns: Namespace) -> None:
    stopped(ns, "ifupdown", "KILL")


def netplan_killed(ns: Namespace) -> None:
    stopped(ns, "netplan", "KILL")


def killed_before_the_answer(ns: Namespace) -> None:
    """The change is complete, and the agent is killed: what the kernel then told
    the host decides what becomes of it."""
    _start_ifupdown(ns)
    _serve(ns, "--once --timeout 10", SECOND)
    for refused, wanted in (("1", OLD), ("", "192.0.2.77/24")):
        ns.put("/run/fake/kill", "")
        code, text = ns.run("/root/agent")
        assert code == 137, (code, text)
        assert ns.addresses() == {"192.0.2.77/24"}, ns.addresses()
        ns.must("rm /run/fake/kill; mv /run/fake/1 /run/fake/done")
        if refused:
            ns.put("/run/fake/refused", refused)
        ns.run("(sleep 3; kill $!) & timeout 3 /root/agent")
        assert ns.addresses() == {wanted}, (refused, ns.addresses())
        ns.must("mv /run/fake/done /run/fake/1; rm -f /run/fake/refused")
    ns.must("kvpctl agent --revert eth0")
    assert ns.addresses() == {OLD}, ns.addresses()
    assert ns.get(OURS_IFUPDOWN) == ETH0, ns.get(OURS_IFUPDOWN)
    code, text = ns.run("kvpctl agent --revert eth0")
    assert code == 3, (code, text)


def journal_of_another_boot(ns: Namespace) -> None:
    """Numbers of requests begin again: what the kernel of this boot has refused is
    not what the journal is about."""
    _start_ifupdown(ns)
    _serve(ns, "--once --timeout 10", SECOND)
    ns.put("/run/fake/kill", "")
    assert ns.run("/root/agent")[0] == 137
    journal = "/var/lib/hv_kvp/network-eth0.verified"
    text = ns.get(journal)
    boot = ns.get("/proc/sys/kernel/random/boot_id").strip()
    assert text.count(boot) == 1, text
    ns.put(journal, text.replace(boot, "0" * len(boot)), 0o600)
    ns.put("/run/fake/refused", "1")
    ns.must("rm /run/fake/kill; mv /run/fake/1 /run/fake/done")
    ns.run("timeout 3 /root/agent")
    assert ns.addresses() == {"192.0.2.77/24"}, ns.addresses()
    assert not ns.path(journal).exists()
    status = ns.json("kvpctl agent --status --json")[0]
    assert status["requests"][-1]["result"] == "kept", status
    ns.must("kvpctl agent --revert eth0")
    assert ns.addresses() == {OLD}, ns.addresses()


def answer_that_comes_late(ns: Namespace) -> None:
    """The host was told that it failed, for it took too long: so it is undone."""
    _start_ifupdown(ns)
    _serve(ns, "--once --timeout 10", SECOND)
    ns.put("/run/fake/stale", "")
    code, text = ns.run("/root/agent")
    assert "did not get the answer" in text, (code, text)
    assert ns.addresses() == {OLD}, ns.addresses()
    assert ns.get(OURS_IFUPDOWN) == ETH0, ns.get(OURS_IFUPDOWN)


# --- no stack, and a script

def nothing_runs(ns: Namespace) -> None:
    ns.put("/etc/network/interfaces", INTERFACES)
    code, text = agent(ns, WANTED)
    assert code == 1 and "no network stack" in text, (code, text)


SCRIPT = """#!/bin/sh
[ "$#" = 2 ] || exit 3
. "$1"
ip address add "$IPADDR0/24" dev "$DEVICE"
env > /run/environment
cp "$1" "$2" /run
"""


def script(ns: Namespace) -> None:
    """hv_set_ifconfig's interface; nothing of our environment reaches it."""
    ns.put("/root/hv_set_ifconfig", SCRIPT, 0o755)
    ns.put(REQUEST, WANTED.pack())
    code, text = ns.run("SECRET=1 kvpctl agent --exec /root/hv_set_ifconfig "
                        f"--request {REQUEST}")
    assert not code, text
    assert ns.addresses() == {"192.0.2.5/24"}
    assert "SECRET" not in ns.get("/run/environment")
    assert mode(ns, "/var/lib/hyperv/ifcfg-eth0") == 0o600


def script_hangs(ns: Namespace) -> None:
    """It is killed, with its children, and the files go."""
    ns.put("/root/slow", "#!/bin/sh\nsleep 1000 & sleep 1000\n", 0o755)
    ns.put(REQUEST, WANTED.pack())
    # a signal ends it just as its time does, and at once
    code, text = ns.run(
        f"kvpctl agent --exec /root/slow --request {REQUEST} --timeout 1")
    assert code == 1 and "putting back" in text, (code, text)
    assert not ns.get("/var/lib/hyperv/ifcfg-eth0")
    assert ns.run("pgrep sleep")[0] == 1


def script_fails(ns: Namespace) -> None:
    ns.put("/root/bad", "#!/bin/sh\nexit 7\n", 0o755)
    code, text = agent(ns, WANTED, "--exec /root/bad")
    assert code == 1 and "exit code 7" in text, (code, text)
    code, text = agent(ns, WANTED, "--exec /root/missing")
    assert code == 1, (code, text)


TESTS: list[Callable[[Namespace], None]] = [
    networkd, networkd_dhcp, networkd_fails, networkmanager,
    networkmanager_dhcp, networkmanager_fails, networkmanager_keeps,
    networkmanager_clones, ifupdown, ifupdown_split,
    ifupdown_aliases, ifupdown_second_nic, ifupdown_servers,
    ifupdown_many_files, ifupdown_fails, undo_takes_long, undo_goes_on, apply_takes_long,
    next_request, too_late, interrupted, nobody_reads, one_at_a_time, netplan,
    netplan_keeps_v6, netplan_beside_cloud_init,
    netplan_fails, netplan_fails_early, netplan_fails_beside_others,
    netplan_pattern, networkd_killed, networkmanager_killed, ifupdown_killed,
    netplan_killed, killed_before_the_answer, journal_of_another_boot,
    answer_that_comes_late,
    nothing_runs, script, script_hangs, script_fails,
]


def run(test: Callable[[Namespace], None], kvpctl: Path) -> None:
    """One test in namespaces of its own. What is
    loaded into the program is beside it."""
    global PRELOADS
    PRELOADS = kvpctl.parent
    with Namespace(kvpctl) as ns:
        test(ns)
