# SPDX-License-Identifier: GPL-2.0
"""GET_IP_INFO with an agent: what it says of DNS and DHCP reaches the host,
and goes with it."""
from contextlib import contextmanager

from guests import HV_KVP, IP
from hvhost import testnic
from hvhost.kvp import VERSIONS
from hvhost.kvpwire import FAMILY_V4, FAMILY_V6, IpInfo
from network import first_that_fit
from scenario import Test, scenario
from scenarios.ipset import SETUP, STRING_VERSIONS

UNKNOWN, OFF, ON = range(3)
MOST = 64	# interfaces
SIGUSR1 = 10
SERVERS = ["198.51.100.1", "2001:db8:53::1", "198.51.100.2"]


@contextmanager
def supply(t: Test, interface: str, dhcp: int, servers: list[str]):
    """An agent that says this of @interface; gone at the end."""
    job = t.host.spawn(f"hv_kvp_tool supply {interface} {dhcp} "
                       + " ".join(servers))
    try:
        t.eventually(lambda: job.stdout.startswith(b"supplied\n"),
                     "the agent has told")
        yield
    finally:
        job.kill()
        job.wait(20)


def asked(t: Test, family: int = 0) -> IpInfo:
    """The answer in binary form. In string form it must be the same, and of
    both families always."""
    got = []
    for versions in (STRING_VERSIONS, VERSIONS):
        count = t.kvp.negotiations
        t.kvp.negotiate(versions)
        t.kvp.wait_ready(20, count + 1)
        got.append(t.kvp.get_ip_info(testnic.mac(0), family))
    strings, binary = got
    t.equal([str(d) for d in strings.dns
             if not family or d.version == (4 if family == FAMILY_V4 else 6)],
            [str(d) for d in binary.dns])
    t.equal(strings.dhcp, binary.dhcp)
    return binary


def prepare(t: Test, *lines: str) -> None:
    """eth0 with one address, and what is above it."""
    text = "\n".join(("link set eth0 up", "addr flush dev eth0",
                      "addr add 192.0.2.10/24 dev eth0", *lines))
    t.sh(f"{IP} -batch - <<'END'\n{text}\nEND")


@scenario(SETUP, guests=(HV_KVP,), smoke=True)
def servers_and_dhcp(t: Test) -> None:
    """Told while the agent is there, and by families; forgotten after."""
    prepare(t)
    info = asked(t)
    t.equal((info.dns, info.dhcp), ([], False), "without an agent")
    with supply(t, "eth0", ON, SERVERS):
        info = asked(t)
        t.equal(sorted(map(str, info.dns)), sorted(SERVERS))
        t.equal(info.dhcp, True, "the agent knows")
        t.equal([str(d) for d in asked(t, FAMILY_V4).dns],
                ["198.51.100.1", "198.51.100.2"])
        t.equal([str(d) for d in asked(t, FAMILY_V6).dns], ["2001:db8:53::1"])
    t.eventually(lambda: not asked(t).dns, "all is forgotten")
    t.equal(asked(t).dhcp, False)


@scenario(SETUP, guests=(HV_KVP,))
def the_agent_knows_better(t: Test) -> None:
    """Its word on DHCP goes before the kernel's guess; if it has none, the
    guess stands."""
    prepare(t, "addr add 192.0.2.11/24 dev eth0 valid_lft 4000 "
               "preferred_lft 4000")
    t.equal(asked(t).dhcp, True, "an address with a lifetime")
    with supply(t, "eth0", OFF, []):
        t.equal(asked(t).dhcp, False, "the agent's word")
    with supply(t, "eth0", UNKNOWN, ["198.51.100.1"]):
        t.equal(asked(t).dhcp, True, "no word")


@scenario(SETUP, guests=(HV_KVP,))
def sixty_four_servers(t: Test) -> None:
    """As many as an agent may tell: all in the binary form, and in the string
    form as many as fit, whole; another interface's are not this one's."""
    prepare(t)
    many = [f"2001:db8:1111:2222:3333:4444:5555:{n:x}" for n in range(1, 65)]
    with supply(t, "eth0", ON, many):
        t.equal([str(d) for d in t.kvp.get_ip_info(testnic.mac(0)).dns], many)
        t.kvp.negotiate(STRING_VERSIONS)
        t.eventually(lambda: not t.kvp.binary_ip, "the string form")
        got = [str(d) for d in t.kvp.get_ip_info(testnic.mac(0)).dns]
        t.equal(got, many[:first_that_fit(many, 1023)], "the first ones")
    with supply(t, "lo", ON, ["198.51.100.9"]):
        info = asked(t)
        t.equal((info.dns, info.dhcp), ([], False), "another interface's")


@scenario(SETUP, guests=(HV_KVP,))
def beside_the_nic(t: Test) -> None:
    """What an agent says of a NIC is not so of a device beside it that has the
    addresses, which may be configured in another way."""
    t.sh("lsmod | grep -q ^dummy || insmod /modules/dummy.ko numdummies=0")
    prepare(t, "addr flush dev eth0",
            f"link add br-ex address {testnic.mac(0)} type dummy",
            "link set br-ex up", "addr add 192.0.2.20/24 dev br-ex",
            "route add default via 192.0.2.1 dev br-ex proto dhcp")
    try:
        with supply(t, "eth0", OFF, SERVERS):
            info = asked(t)
            t.equal([str(a) for a in info.addresses][:1], ["192.0.2.20/24"])
            t.equal((info.dns, info.dhcp), ([], True), "the kernel's guess")
        with supply(t, "br-ex", OFF, SERVERS):
            info = asked(t)
            t.equal(sorted(map(str, info.dns)), sorted(SERVERS))
            t.equal(info.dhcp, False, "the agent's word")
    finally:
        t.sh(f"{IP} link del br-ex")


@scenario(SETUP, guests=(HV_KVP,))
def interfaces_that_go(t: Test) -> None:
    """What was told of an interface is forgotten when that is deleted or moved to
    another network namespace, and makes room for another; a renamed one stays."""
    def links(command: str, *names: str) -> None:
        t.sh(f"{IP} -batch - <<'END'\n" + "\n".join(
            f"link {command.format(name)}" for name in names) + "\nEND")

    def said(count: int, what: str) -> None:
        wanted = [f"told {min(count, MOST)}, refused {max(count - MOST, 0)}"]
        t.eventually(lambda: job.stdout.count(b"\n") == rounds, what)
        t.equal(job.stdout.decode().splitlines()[-1:], wanted, what)

    t.sh("[ -e /sys/module/dummy ] || insmod /modules/dummy.ko numdummies=0")
    names = [f"told{n}" for n in range(MOST + 4)]
    links("add {} type dummy", *names)
    job = t.host.spawn("hv_kvp_tool supply-each told")
    rounds = 1
    try:
        said(MOST + 4, "as many as there may be")
        links("del {}", *names[:4])
        job.kill(SIGUSR1)
        rounds += 1
        said(MOST, "after four were deleted")
        t.sh(f"{IP} netns add box")
        links("set {} netns box", *names[4:8])
        links("add {} type dummy", *names[:4])
        job.kill(SIGUSR1)
        rounds += 1
        said(MOST, "after four have left")
    finally:
        job.kill()
        job.wait()
        t.sh(f"{IP} netns del box || true")
        links("del {}", *names[:4], *names[8:])
    prepare(t)
    with supply(t, "eth0", ON, SERVERS):
        links("set {} down", "eth0")
        links("set {} name renamed", "eth0")
        links("set {} up", "renamed")
        try:
            t.equal(sorted(map(str, asked(t).dns)), sorted(SERVERS))
        finally:
            links("set {} down", "renamed")
            links("set {} name eth0", "renamed")
            links("set {} up", "eth0")
