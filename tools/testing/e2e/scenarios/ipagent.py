# SPDX-License-Identifier: GPL-2.0
"""kvpctl agent and identify in the guest: the host asks, ip(8) tells what
became of it. The network stacks are in tools/testing/kvpctl; here it is a
script, and busybox's ifup."""
import shlex
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_address

from guests import CHECKERS, HV_KVP, IP, STOCK
from hvhost import testnic
from hvhost.kvpwire import AUTO, FAMILY_BOTH, Address, IpInfo, pack_ip_texts
from network import SETUP, Network
from scenario import Test, scenario
from scenarios.clients import daemon
from scenarios.ipset import SETUP as ONE_NIC
from scenarios.kvpctl import ok, run

OURS = (HV_KVP,)
LOG = "/tmp/agent.log"
SET_IP_INFO = 5

# Where Debian's hv_kvp_daemon looks for it.
SCRIPT = "/usr/libexec/hypervkvpd/hv_set_ifconfig"
FULL = IpInfo(
    # hv_kvp_daemon knows it in exactly this writing
    f"{{{testnic.instance_id(0)}}}", FAMILY_BOTH, False,
    [Address.parse(a) for a in ("192.0.2.5/24", "198.51.100.6/25",
                                "2001:db8::5/64")],
    [ip_address("192.0.2.1"), ip_address("2001:db8::1")],
    [ip_address("192.0.2.53"), ip_address("2001:db8::53")])
IFCFG = f"""HWADDR={testnic.mac(0).upper()}
DEVICE=eth0
BOOTPROTO=none
IPADDR0=192.0.2.5
IPADDR1=198.51.100.6
IPV6ADDR=2001:0db8:0000:0000:0000:0000:0000:0005
NETMASK0=255.255.255.0
NETMASK1=255.255.255.128
IPV6NETMASK=64
GATEWAY=192.0.2.1
IPV6_DEFAULTGW=2001:0db8:0000:0000:0000:0000:0000:0001
DNS1=192.0.2.53
DNS2=2001:0db8:0000:0000:0000:0000:0000:0053
"""
INTERFACES = """auto lo
iface lo inet loopback

# the one that fails over
iface eth0 inet static
	address 203.0.113.9
	netmask 255.255.255.0
	pre-up touch /tmp/pre-up
"""


def put(t: Test, path: str, text: str, mode: str = "644") -> None:
    """Writes a file of the guest."""
    t.sh(f"mkdir -p $(dirname {path}); printf %s {shlex.quote(text)} >{path}; "
         f"chmod {mode} {path}")


def script(t: Test, *lines: str) -> None:
    """The distribution's script."""
    put(t, SCRIPT, "\n".join(("#!/bin/sh", *lines)) + "\n", "755")


@contextmanager
def agent(t: Test, options: str = ""):
    """kvpctl agent in the background; it must end well when told to."""
    t.sh(f"kvpctl agent {options} >{LOG} 2>&1 & echo $! >/tmp/agent.pid; "
         f"n=0; until grep -q ready {LOG}; do n=$((n+1)); "
         f"[ $n -lt 100 ] || exit 1; sleep 0.1; done")
    try:
        yield
    finally:
        end(t)


def end(t: Test) -> None:
    """SIGTERM, if the agent is still there."""
    t.sh("kill $(cat /tmp/agent.pid) 2>/dev/null; n=0; while kill -0 $(cat "
         "/tmp/agent.pid) 2>/dev/null; do n=$((n+1)); [ $n -lt 100 ] || exit 1;"
         " sleep 0.1; done")


def addresses(n: Network, name: str = "eth0") -> set[str]:
    """What ip(8) shows, but for link-local ones."""
    return {f"{a['local']}/{a['prefixlen']}"
            for a in n.snapshot().addresses(name)
            if not a["local"].startswith("fe80:")}


def prepare_files(t: Test) -> None:
    """A script that keeps what it gets; the form that hv_utils knows."""
    Network(t).form(binary=False)
    script(t, 'cp "$1" /tmp/ifcfg')
    t.sh("mkdir -p /var/lib/hyperv; rm -f /tmp/ifcfg")


@scenario(SETUP, guests=(STOCK,))
def files_of_the_daemon(t: Test) -> None:
    """What hv_set_ifconfig gets from hv_kvp_daemon."""
    prepare_files(t)
    t.kvp.set_ip_info(FULL)
    t.equal(t.sh("cat /tmp/ifcfg"), IFCFG.strip())


@scenario(ONE_NIC, guests=OURS)
def files_of_the_agent(t: Test) -> None:
    """It gets the same from kvpctl agent --exec, byte by byte."""
    prepare_files(t)
    with agent(t, f"--exec {SCRIPT}"):
        t.kvp.set_ip_info(FULL)
    t.equal(t.sh("cat /tmp/ifcfg"), IFCFG.strip())


def static(addresses: str, gateways: str = "", dns: str = "") -> IpInfo:
    """A request without DHCP."""
    return replace(
        FULL, addresses=[Address.parse(a) for a in addresses.split()],
        gateways=[ip_address(g) for g in gateways.split()],
        dns=[ip_address(d) for d in dns.split()])


# What administrators ask for. With addresses of IPv6 alone the host says DHCP:
# that flag is about IPv4.
ASKED = {
    "all of it": FULL,
    "DHCP": replace(static(""), dhcp=True),
    "DHCP and servers": replace(static("", "", "192.0.2.53"), dhcp=True),
    "one server": static("192.0.2.5/24", "192.0.2.1", "192.0.2.53"),
    "no gateway, no server": static("10.1.2.3/32"),
    "IPv6 alone": replace(static("2001:db8::5/64 fd00::1/8", "fe80::1",
                                 "2001:db8::53"), dhcp=True),
    "no DHCP, nothing else": static(""),
    "two gateways of a family": static(
        "192.0.2.5/24 192.0.2.6/25", "192.0.2.1 192.0.2.2",
        "192.0.2.53 192.0.2.54 2001:db8::53"),
}


def handed_over(t: Test, asked: IpInfo) -> tuple[str, str]:
    """The ifcfg file and the keyfile that the script gets for a request."""
    t.sh("rm -f /tmp/ifcfg /tmp/keyfile")
    t.kvp.set_ip_info(asked)
    return t.sh("cat /tmp/ifcfg"), t.sh("cat /tmp/keyfile || true")


@scenario(ONE_NIC, guests=OURS)
def same_as_the_daemon(t: Test) -> None:
    """hv_kvp_daemon, unmodified, is given the same requests by the driver: its
    script gets the same two files (before 6.7 it wrote but the first)."""
    script(t, 'cp "$1" /tmp/ifcfg', 'cp "$2" /tmp/keyfile || true')
    t.sh("mkdir -p /var/lib/hyperv")
    n = Network(t)
    with daemon(t):
        wanted = {what: handed_over(t, one) for what, one in ASKED.items()}
        of_6_1 = t.kernel in ("6.1", *CHECKERS)
        t.true(of_6_1 or all("[ipv4]" in keyfile for _, keyfile
                             in wanted.values()), f"{wanted}")
        # the daemon knows a GUID in one writing only
        named = replace(FULL, adapter=testnic.instance_id(0).upper())
        t.equal(handed_over(t, named), wanted["all of it"], named.adapter)
    for binary in (True, False):
        n.form(binary)
        with agent(t, f"--exec {SCRIPT}"):
            for what, one in ASKED.items():
                ifcfg, keyfile = handed_over(t, one)
                t.equal(ifcfg, wanted[what][0], f"{what}: ifcfg")
                if not of_6_1:
                    t.equal(keyfile, wanted[what][1], f"{what}: keyfile")


@scenario(ONE_NIC, guests=OURS, smoke=True)
def by_script(t: Test) -> None:
    """In both forms, by device and by MAC; the answer tells the truth."""
    n = Network(t)
    script(t, '. "$1"',
           f'{IP} address flush dev "$DEVICE" scope global',
           f'{IP} address add "$IPADDR0/24" dev "$DEVICE"')
    with agent(t, f"--exec {SCRIPT}"):
        for i, binary in enumerate((True, False)):
            n.form(binary)
            for j, adapter in enumerate(n.names(0)):
                address = f"192.0.2.{10 * i + j + 1}/24"
                t.kvp.set_ip_info(replace(
                    FULL, adapter=adapter, addresses=[Address.parse(address)]))
                t.equal(addresses(n), {address})


@scenario(ONE_NIC, guests=OURS)
def by_ifupdown(t: Test) -> None:
    """busybox's ifup runs the interface: its stanza is replaced, and the host
    gets back what it asked for."""
    n = Network(t)
    put(t, "/etc/network/interfaces", INTERFACES)
    t.sh("cd /etc/network; mkdir -p if-pre-up.d if-up.d if-down.d if-post-down.d "
         "/run/network /var/run; rm -f /var/run/ifstate; ifup eth0")
    t.equal(addresses(n), {"203.0.113.9/24"})
    wanted = replace(FULL, addresses=FULL.addresses[:1], gateways=[
        ip_address("192.0.2.1")], dns=[])
    with agent(t, "--stack ifupdown"):
        for address in ("192.0.2.5/24", "192.0.2.77/24"):
            t.kvp.set_ip_info(replace(wanted,
                                      addresses=[Address.parse(address)]))
            t.equal(addresses(n), {address})
            got = t.kvp.get_ip_info(wanted.adapter)
            t.equal([str(g) for g in got.gateways], ["192.0.2.1"])
    text = t.sh("cat /etc/network/interfaces")
    t.true("# the one that fails over\n" in text and "203.0.113" not in text,
           text)
    t.sh("ifdown eth0; rm /etc/network/interfaces")


@scenario(ONE_NIC, guests=OURS)
def failing(t: Test) -> None:
    """The host is told, and the request is there to be applied on demand."""
    n = Network(t)
    script(t, "exit 1")
    t.sh("rm -rf /var/lib/hyperv; mkdir -p /var/lib/hyperv")
    with agent(t, f"--exec {SCRIPT}"):
        t.status("E_FAIL", lambda: t.kvp.set_ip_info(FULL))
    t.equal(t.sh("ls /var/lib/hyperv"), "")
    script(t, f'. "$1"; {IP} address add "$IPADDR0/24" dev "$DEVICE"')
    ok_code = run(t, f"agent --apply-refused --exec {SCRIPT}").code
    t.equal(ok_code, 0)
    t.equal(addresses(n), {"192.0.2.5/24"})


@scenario(ONE_NIC, guests=OURS)
def senseless(t: Test) -> None:
    """Addresses that nothing can have, and texts that are none: no file."""
    n = Network(t)
    t.sh("rm -rf /var/lib/hyperv; mkdir -p /var/lib/hyperv")
    script(t, "exit 0")
    with agent(t, f"--exec {SCRIPT}"):
        for bad in ("224.0.0.1/24", "0.0.0.0/24", "127.0.0.1/8", "ff02::1/64",
                    "::1/128", "192.0.2.255/24"):
            t.status("INVALID_ARGUMENT", lambda b=bad: t.kvp.set_ip_info(
                replace(FULL, addresses=[Address.parse(b)])), bad)
        n.form(binary=False)
        for bad in ("192.0.2.5\nDEVICE=eth1", "$(reboot)", "`id`", "1.2.3.4'",
                    "1.2.3.4 5", "../../etc/passwd", "a" * 1000, "\x01"):
            body = pack_ip_texts(SET_IP_INFO, FULL.adapter, FAMILY_BOTH, False,
                                 bad, "255.255.255.0", "", "")
            t.body_status("INVALID_ARGUMENT", body, repr(bad))
        for bad in ("../eth0", "eth0", "$(reboot)", "{" + FULL.adapter):
            body = pack_ip_texts(SET_IP_INFO, bad, FAMILY_BOTH, False,
                                 "192.0.2.5", "255.255.255.0", "", "")
            t.body_status("NOT_FOUND", body, repr(bad))
    t.equal(t.sh("ls -A /var/lib/hyperv"), "")
    t.works()


@scenario(ONE_NIC, guests=OURS)
def ended_at_work(t: Test) -> None:
    """SIGTERM in the middle of a request: the script ends, what it was given
    is taken back, and the host hears of it at once."""
    Network(t)
    script(t, "touch /tmp/begun; sleep 1000")
    t.sh("rm -rf /tmp/begun /var/lib/hyperv; mkdir -p /var/lib/hyperv")
    with agent(t, f"--exec {SCRIPT}"):
        request = t.kvp.submit_set_ip_info(FULL)
        t.eventually(lambda: t.host.run("test -e /tmp/begun", 10,
                                        check=False).code == 0, "it begins")
        end(t)
        t.status("E_FAIL", lambda: request.wait(5).check())
    t.equal(t.sh("ls /var/lib/hyperv; pidof sleep || true"), "")


@scenario(ONE_NIC, guests=OURS)
def servers_and_dhcp(t: Test) -> None:
    """What only userland knows: with an agent the host sees it, and each
    change of it; without one no more."""
    n = Network(t)
    n.ip("addr add 192.0.2.10/24 dev eth0")
    adapter = testnic.instance_id(0)

    def seen() -> tuple[list[str], bool]:
        info = t.kvp.get_ip_info(adapter)
        return [str(s) for s in info.dns], info.dhcp

    put(t, "/etc/resolv.conf", "nameserver 192.0.2.53\nnameserver 127.0.0.53\n"
        "nameserver 2001:db8::53\n")
    with agent(t):
        t.eventually(lambda: seen() == (["192.0.2.53", "2001:db8::53"], False),
                     "both servers")
        put(t, "/etc/resolv.conf.new", "nameserver 192.0.2.54\n")
        t.sh("mv /etc/resolv.conf.new /etc/resolv.conf")
        t.eventually(lambda: seen() == (["192.0.2.54"], False), "the new one")
        t.sh("sleep 100 & echo $! >/run/udhcpc.eth0.pid")
        t.eventually(lambda: seen() == (["192.0.2.54"], True), "the client")
        t.sh("kill $(cat /run/udhcpc.eth0.pid); rm /run/udhcpc.eth0.pid")
        t.eventually(lambda: not seen()[1], "the client is gone")
    t.eventually(lambda: seen() == ([], False), "nothing more")
    t.sh("rm /etc/resolv.conf")


@scenario(ONE_NIC, guests=OURS)
def servers_beside_many_interfaces(t: Test) -> None:
    """The kernel has room for 64 interfaces. A NIC that comes after as many of
    others is among them."""
    n = Network(t)
    n.ip(*(f"link add d{i} type dummy" for i in range(70)))
    t.host.remove_nic(0)
    n.gone(0)
    t.host.add_nic(0)
    t.eventually(lambda: any(i.device for i in n.snapshot().interfaces),
                 "the NIC")
    put(t, "/etc/resolv.conf", "nameserver 192.0.2.53\n")
    with agent(t):
        t.eventually(lambda: [str(s) for s in t.kvp.get_ip_info(
            testnic.instance_id(0)).dns] == ["192.0.2.53"], "the server")
    t.sh("rm /etc/resolv.conf")
    Network(t)


@scenario(ONE_NIC, guests=OURS, smoke=True)
def identity(t: Test) -> None:
    """os-release and the full name, a new name while it follows, and back."""
    names = ("OSName", "OSMajorVersion", "OSMinorVersion",
             "FullyQualifiedDomainName")

    def seen() -> list[str]:
        items = {item.key: item.value for item in t.kvp.enumerate(AUTO)}
        return [items[name] for name in names]

    before = seen()
    host = t.sh("hostname").strip()
    put(t, "/etc/os-release", 'NAME="Some \\"OS\\""\nVERSION_ID=22.04\n')
    put(t, "/etc/hosts", f"127.0.1.1 {host}.example.org {host}\n"
        "127.0.1.2 other.example.org other\n")
    put(t, "/etc/nsswitch.conf", "hosts: files\n")
    ok(t, "identify")
    got = seen()
    t.equal(got[:3], ['Some "OS"', "22.04", ""])
    job = t.host.spawn("exec kvpctl identify --follow")
    t.sh("hostname other")
    # a static program may have no resolver: then it is the kernel's name
    t.eventually(lambda: seen()[3] in ("other.example.org", "other"),
                 "the new name")
    job.kill()
    t.sh(f"hostname {host}")
    ok(t, "identify --drop")
    t.equal(seen(), before)
    t.sh("rm /etc/os-release /etc/hosts /etc/nsswitch.conf")


@scenario(ONE_NIC, guests=OURS)
def one_at_a_time(t: Test) -> None:
    """A second agent is told, and the first one goes on."""
    Network(t)
    t.sh("mkdir -p /var/lib/hyperv")
    with agent(t, "--exec /bin/true"):
        t.equal(run(t, "agent").code, 6)
        t.kvp.set_ip_info(FULL)
