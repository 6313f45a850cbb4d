# SPDX-License-Identifier: GPL-2.0
"""GET_IP_INFO: what the host learns of an adapter, beside what ip(8) in the
guest says of it."""
from dataclasses import replace

from guests import HV_KVP, IP
from hvhost import testnic
from hvhost.kvpwire import (AUTO, FAMILY_BOTH, FAMILY_NONE, FAMILY_V4, FAMILY_V6,
                            ORIGIN_OTHER)
from network import SETUP, TENTATIVE, Network, name_of
from scenario import Test, scenario
from scenarios.ipagent import FULL, SCRIPT, agent, script


def windows(number: int) -> str:
    """NIC @number's MAC address as Windows writes it."""
    return testnic.mac(number).upper()


MAC0, MAC1, MAC2 = map(windows, range(3))


# Names of an adapter -----------------------------------------------------

@scenario(SETUP, smoke=True)
def one_address(t: Test) -> None:
    """An address of each family, and a gateway of IPv4."""
    n = Network(t)
    n.ip("addr add 192.0.2.10/24 dev eth0", "addr add 2001:db8::10/64 dev eth0",
         "addr add 198.51.100.1/24 dev eth1",
         "route add default via 192.0.2.1 dev eth0")
    info = n.check(MAC0)
    t.equal((len(info.addresses), len(info.gateways), info.family),
            (3, 1, FAMILY_BOTH))


@scenario(SETUP)
def mac_in_every_writing(t: Test) -> None:
    """Windows writes it with colons, hyphens or nothing, in either case."""
    n = Network(t)
    n.ip("link set eth0 address 00:15:5d:ab:cd:ef",
         "addr add 192.0.2.10/24 dev eth0")
    octets = ("00", "15", "5d", "ab", "cd", "ef")
    n.check(*(case(separator.join(octets)) for separator in (":", "-", "")
              for case in (str.upper, str.lower)), "00:15:5D:ab:CD:eF",
            shown="eth0")


@scenario(SETUP, smoke=True)
def by_device_id(t: Test) -> None:
    """The NIC's VMBus device, with braces and without, in either case."""
    n = Network(t)
    n.ip("addr add 192.0.2.10/24 dev eth0", "addr add 192.0.2.11/24 dev eth1")
    for number in (0, 1):
        guid = testnic.instance_id(number)
        n.check(guid, guid.upper(), f"{{{guid}}}", f"{{{guid.upper()}}}",
                shown=name_of(number))


@scenario(SETUP)
def unknown_adapters(t: Test) -> None:
    """What nobody has: addresses, devices of other classes, the loopback."""
    n = Network(t)
    n.ip("addr add 192.0.2.10/24 dev eth0")
    n.unknown("00:15:5D:00:00:FE", "FF:FF:FF:FF:FF:FF", "00:00:00:00:00:00",
              testnic.instance_id(200), t.device.instance_id.hex,
              str(t.device.instance_id), "00000000-0000-0000-0000-000000000000")
    t.works()


@scenario(SETUP)
def malformed_adapters(t: Test) -> None:
    """Neither a MAC address nor a GUID, or not all of one: never a prefix."""
    n = Network(t)
    n.ip("addr add 192.0.2.10/24 dev eth0")
    guid = testnic.instance_id(0)
    n.unknown("", "eth0", MAC0[:-1], MAC0[:-3], MAC0 + ":00", MAC0 + " ",
              " " + MAC0, MAC0.replace(":", "."), MAC0.replace(":", "-", 1),
              MAC0.replace(":", "", 1), MAC0.replace("D", "G"),
              MAC0.replace("0", "\uff10"), guid[:-1], guid + "0", "{" + guid,
              guid + "}", f"{{{guid}", f"({guid})", guid.replace("-", ""),
              guid.replace("-", ":"), guid.replace("e", "x"), "x" * 127,
              "0" * 127, MAC0 + ";" + MAC1, "*", "\n", "%s%n")
    t.works()


@scenario(SETUP)
def exact_match(t: Test) -> None:
    """eth1 is not eth10."""
    n = Network(t)
    n.ip("link set eth2 down", "link set eth2 name eth10", "link set eth10 up",
         "addr add 192.0.2.1/24 dev eth1", "addr add 198.51.100.10/24 dev eth10",
         "route add default via 192.0.2.254 dev eth1",
         "route add default via 198.51.100.254 dev eth10 metric 5")
    n.check(MAC1, shown="eth1")
    n.check(MAC2, shown="eth10")


@scenario(SETUP)
def the_mac_changes(t: Test) -> None:
    """The one that the host gave the NIC names it, whatever it has now."""
    n = Network(t)
    n.ip("addr add 192.0.2.10/24 dev eth0", "addr add 192.0.2.11/24 dev eth1",
         "link set eth0 address 02:00:00:00:00:99")
    n.check(MAC0, shown="eth0")
    n.check("02-00-00-00-00-99", shown="eth0")
    n.ip(f"link set eth1 address {testnic.mac(0)}")
    n.check(MAC0, shown="eth0")
    n.check(MAC1, shown="eth1")


@scenario(SETUP)
def no_nic_of_the_hosts(t: Test) -> None:
    """An interface that is on no VMBus device has a MAC address too."""
    n = Network(t)
    n.ip("link add d0 address 02:00:00:00:00:01 type dummy", "link set d0 up",
         "addr add 192.0.2.77/24 dev d0", "addr add 192.0.2.10/24 dev eth0")
    n.check("02:00:00:00:00:01", shown="d0")


# Addresses ---------------------------------------------------------------

@scenario(SETUP)
def no_address(t: Test) -> None:
    """A NIC that is there and has none: no error, and no family."""
    n = Network(t)
    n.ip("link set eth0 down")
    info = n.check(MAC0, shown="eth0")
    t.equal((info.addresses, info.family), ([], FAMILY_NONE))


@scenario(SETUP)
def one_family(t: Test) -> None:
    """In binary form what is asked for, and nothing else. The string form has
    always had both, and hosts of these versions know it so."""
    n = Network(t)
    n.ip("addr add 192.0.2.10/24 dev eth0", "addr add 2001:db8::10/64 dev eth0",
         "route add default via 192.0.2.1 dev eth0",
         "-6 route add default via 2001:db8::1 dev eth0")
    for family in (FAMILY_V4, FAMILY_V6, FAMILY_BOTH):
        n.check(MAC0, family=family)
        found = n.snapshot()
        t.equal([found.info(MAC0, family, binary).family for binary in
                 (True, False)], [family, FAMILY_BOTH], "the model")
    if t.guest == HV_KVP:
        n.form(binary=True)
        t.status("INVALID_ARGUMENT", lambda: t.kvp.get_ip_info(MAC0, 4))
    n.form(binary=False)
    t.equal(t.kvp.get_ip_info(MAC0, 255).family, FAMILY_BOTH)


# hv_kvp_daemon has them in the order of the kernel.
@scenario(SETUP)
def the_best_address_first(t: Test) -> None:
    """Hosts' tools take the first one. So it is that of the default route's
    packets rather than an address that a cluster moves to and fro, and none
    that is temporary or runs out."""
    n = Network(t)
    t.sh("echo 2 >/proc/sys/net/ipv6/conf/eth0/use_tempaddr")
    try:
        n.ip("addr add 203.0.113.99/32 dev eth0", "addr add 192.0.2.10/24 dev eth0",
             "addr add 192.0.2.11/24 dev eth0",
             "route add default via 192.0.2.1 dev eth0",
             "addr add 2001:db8:1::10/64 dev eth0 valid_lft 4000 "
             "preferred_lft 3000 mngtmpaddr",
             "addr add 2001:db8:2::99/128 dev eth0 preferred_lft 0")
        info = n.check(MAC0)
        t.equal([str(part[0].address) for part in info.split("addresses")],
                ["192.0.2.10", "2001:db8:1::10"], "the model")
    finally:
        t.sh("echo 0 >/proc/sys/net/ipv6/conf/eth0/use_tempaddr")
    n.ip("route replace default via 192.0.2.1 dev eth0 src 192.0.2.11",
         "-6 route add default via fe80::1 dev eth0 src 2001:db8:2::99")
    info = n.check(MAC0)
    t.equal([str(part[0].address) for part in info.split("addresses")],
            ["192.0.2.11", "2001:db8:2::99"], "the model")
    n.ip("route del default")
    t.equal(str(n.check(MAC0).addresses[0].address), "203.0.113.99", "the model")


# hv_kvp_daemon has them in the order of the interfaces.
@scenario(SETUP)
def the_hosts_nics_first(t: Test) -> None:
    """NetworkAddressIPv4 and 6: after a hot add the bridge of the containers
    has the lower index, and must not come first."""
    n = Network(t)

    def listed(*first: str) -> None:
        found = n.snapshot()
        for version, wanted in zip((4, 6), first):
            item = next(i for i in t.kvp.enumerate(AUTO)
                        if i.key == f"NetworkAddressIPv{version}")
            t.equal(item.value.split(";"), found.every_address(version),
                    f"IPv{version}")
            t.equal(item.value.partition(";")[0], wanted, "the model")

    n.ip("link add docker0 address 02:42:00:00:00:01 type bridge",
         "link add d0 type dummy", "link set d0 master docker0",
         "link set docker0 up", "link set d0 up",
         "addr add 172.17.0.1/16 dev docker0", "addr add fd00::1/64 dev docker0")
    t.host.remove_nic(3)
    n.gone(3)
    t.host.add_nic(3)
    t.eventually(lambda: testnic.instance_id(3).upper() in {
        i.device for i in n.snapshot().interfaces}, "NIC 3")
    t.sh("cd /sys/bus/vmbus/devices/" + testnic.instance_id(3) + "/net; i=$(ls); "
         f"{IP} link set $i down; {IP} link set $i name eth3; "
         f"{IP} link set eth3 addrgenmode none; {IP} link set eth3 up; for n in "
         f"0 1 2; do {IP} link set eth$n down; done")
    n.ip("addr add 192.0.2.10/24 dev eth3", "addr add 2001:db8::10/64 dev eth3")
    listed("192.0.2.10", "2001:db8::10")
    # behind a bridge, or by way of a VLAN, it is the host's all the same
    n.ip("addr flush dev eth3", "link add br0 type bridge",
         "link set br0 addrgenmode none", "link set eth3 master br0",
         "link set br0 up", "link add link br0 name br0.5 type vlan id 5",
         "link set br0.5 addrgenmode none", "link set br0.5 up",
         "addr add 192.0.2.20/24 dev br0.5", "addr add 2001:db8:5::1/64 dev br0.5")
    listed("192.0.2.20", "2001:db8:5::1")
    # a device beside the NIC that has the default route
    n.ip("link add br-ex type dummy", "link set br-ex up",
         "addr add 198.51.100.7/24 dev br-ex", "addr add 2001:db8:7::7/64 dev br-ex",
         "route add default via 198.51.100.1 dev br-ex",
         "-6 route add default via fe80::1 dev br-ex")
    listed("198.51.100.7", "2001:db8:7::7")
    n.ip("route add default via 192.0.2.1 dev br0.5 metric 5",
         "-6 route add default via fe80::1 dev br0.5 metric 5",
         "route del default dev br-ex")
    listed("192.0.2.20", "2001:db8:5::1")


NO_LINK_LOCAL = ("link set eth0 down", "link set eth0 addrgenmode none",
                 "link set eth0 up")


def numbered(count: int, prefix: int = 32) -> list[str]:
    """@count IPv4 addresses, of the longest kind."""
    return [f"addr add 192.168.1{number // 100:02d}.1{number % 100:02d}/"
            f"{prefix} dev eth0" for number in range(count)]


def numbered6(count: int) -> list[str]:
    """@count IPv6 addresses."""
    return [f"addr add 2001:db8::{number:x}:1/64 dev eth0"
            for number in range(1, count + 1)]


# The stock daemon starts four shells for each address: 0.2 s, so that these
# take longer than its own limit of 30 s on a busy machine. `make bench` has it.

@scenario(SETUP, guests=(HV_KVP,))
def sixty_four_addresses(t: Test) -> None:
    """As many as the binary form has room for. In the string form the masks of
    IPv4 fill their field to the last unit."""
    n = Network(t)
    n.ip(*NO_LINK_LOCAL, *numbered(64))
    t.equal(len(n.check(MAC0).addresses), 64)
    n.ip(*numbered6(64))
    t.equal(len(n.check(MAC0).addresses), 128)
    n.ip("addr flush dev eth0", *numbered6(64))
    t.equal(len(n.check(MAC0).addresses), 64)


@scenario(SETUP, guests=(HV_KVP,))
def sixty_five_addresses(t: Test) -> None:
    """One more is left out, whole, and only of its own family."""
    n = Network(t)
    n.ip(*NO_LINK_LOCAL, *numbered(65), *numbered6(3))
    t.equal(len(n.check(MAC0).addresses), 68)
    n.ip(*numbered6(65)[3:])
    t.equal(len(n.check(MAC0).addresses), 130)
    n.ip("addr flush dev eth0", *numbered6(65))
    t.equal(len(n.check(MAC0).addresses), 65)
    n.ip(*numbered(3))
    n.check(MAC0)


@scenario(SETUP)
def masks(t: Test) -> None:
    """Prefixes of any length, peers, secondary addresses, labels."""
    n = Network(t)
    n.ip("addr add 10.0.0.1/8 dev eth0", "addr add 172.16.0.1/31 dev eth0",
         "addr add 192.0.2.1/32 dev eth0",
         "addr add 192.0.2.3 peer 192.0.2.4/32 dev eth0",
         "addr add 198.51.100.1/24 dev eth0 label eth0:1",
         "addr add 198.51.100.2/24 dev eth0", "addr add 203.0.113.1/1 dev eth0",
         "addr add 2001:db8::1/128 dev eth0",
         "addr add 2001:db8::2/127 dev eth0", "addr add fd00::1/8 dev eth0",
         "addr add 2001:db8:1::1 peer 2001:db8:2::2/120 dev eth0")
    n.check(MAC0)


@scenario(SETUP, smoke=True)
def kinds_of_ipv6(t: Test) -> None:
    """Link-local, temporary and deprecated ones count. Tentative ones, and
    those that somebody else has, are not the guest's."""
    n = Network(t)
    t.sh("cd /proc/sys/net/ipv6/conf/eth0; echo 2 >use_tempaddr; "
         "echo 100 >dad_transmits")
    try:
        n.ip("addr add 2001:db8:1::1/64 dev eth0 preferred_lft 0",
             "addr add 2001:db8:2::1/64 dev eth0 valid_lft 4000 "
             "preferred_lft 3000 mngtmpaddr", "addr add fe80::99/64 dev eth0",
             # A pair of which the other end has the address already.
             "link add v0 address 02:00:00:00:00:10 type veth peer name v1",
             "addr add 2001:db8:4::1/64 dev v1 nodad", "link set v1 up",
             "link set v0 up", "addr add 2001:db8:4::2/64 dev v0")
        t.sh("cd /proc/sys/net/ipv6/conf; echo 1 >eth0/accept_dad; "
             "echo 1 >v0/accept_dad")
        n.ip(f"addr add {TENTATIVE}1::1/64 dev eth0",
             "addr add 2001:db8:3::1/64 dev eth0 nodad",
             "addr add 2001:db8:4::1/64 dev v0")
        found = t.eventually(
            lambda: (s := n.snapshot()) and any(
                a.get("dadfailed") for a in s.addresses("v0")) and s,
            "the other end defends its address")
        flags = {flag for a in found.addresses("eth0") for flag in a}
        t.true({"temporary", "deprecated", "tentative"} <= flags,
               f"not every kind is there: {flags}")
        info = n.check(MAC0)
        t.true(len(info.addresses) == 6, f"the model: {info.addresses}")
        n.check("02:00:00:00:00:10", shown="v0")
    finally:
        t.sh("cd /proc/sys/net/ipv6/conf/eth0; echo 0 >accept_dad; "
             "echo 0 >use_tempaddr; echo 1 >dad_transmits")


# Interfaces above and beside the NIC ------------------------------------

def settle(n: Network, *names: str) -> None:
    """Waits for the link-local addresses, which come after the carrier: what
    an interface without any other has to tell."""
    n.t.eventually(lambda: (found := n.snapshot()) and all(
        any(a["local"].startswith("fe80:") for a in found.by_name[name].shown)
        for name in names), f"{', '.join(names)} have theirs")


@scenario(SETUP, smoke=True)
def bridge_above(t: Test) -> None:
    """A bridge has the addresses, its port the MAC address. Once the port has
    one of its own that one counts, and never both."""
    n = Network(t)
    n.ip("link add br0 type bridge", "link set eth0 master br0",
         "link set br0 up", "addr add 192.0.2.10/24 dev br0",
         "route add default via 192.0.2.1 dev br0")
    settle(n, "br0")
    n.check(*n.names(0), shown="br0")
    n.ip("addr add 198.51.100.1/24 dev eth0")
    info = n.check(*n.names(0), shown="eth0")
    t.equal(info.gateways, [], "the model")


# The stock guest takes port or bridge, whichever it reads first.
@scenario(SETUP, guests=(HV_KVP,))
def bridge_of_two(t: Test) -> None:
    """The bridge has one port's MAC address: the other is a NIC without any
    address, and a bridge with another MAC address is nobody's."""
    n = Network(t)
    n.ip(f"link add br0 address {testnic.mac(1)} type bridge",
         "link set eth0 master br0", "link set eth1 master br0",
         "link set br0 up", "addr add 192.0.2.10/24 dev br0")
    settle(n, "br0", "eth0", "eth1")
    n.check(MAC1, shown="br0")
    n.check(MAC0, shown="eth0")
    n.ip("link set br0 address 02:00:00:00:00:55")
    n.check(MAC0, shown="eth0")
    n.check(MAC1, shown="eth1")


# The stock guest wants the MAC address.
@scenario(SETUP, guests=(HV_KVP,))
def bridge_of_its_own_mac(t: Test) -> None:
    """systemd gives a bridge a MAC address that no port has. It is the NIC's
    all the same while it has no other of the host's, but by one bond."""
    n = Network(t)
    n.ip("link add br0 address 02:00:00:00:00:55 type bridge",
         "link set eth0 master br0", "link set br0 up",
         "addr add 192.0.2.10/24 dev br0", "addr add 2001:db8::10/64 dev br0",
         "route add default via 192.0.2.1 dev br0",
         "link add d0 address 02:00:00:00:00:01 type dummy",
         "link set d0 master br0", "link set d0 up")
    settle(n, "br0", "eth0", "eth1", "eth2")
    info = n.check(*n.names(0), shown="br0")
    t.equal([str(g) for g in info.gateways], ["192.0.2.1"], "the model")
    n.ip("link set eth1 master br0")
    n.check(*n.names(0), shown="eth0")
    n.check(*n.names(1), shown="eth1")
    n.ip("link set eth0 nomaster")
    n.check(*n.names(0), shown="eth0")
    n.check(*n.names(1), shown="br0")
    n.ip("link set eth1 nomaster", "link set eth0 down", "link set eth1 down",
         "link add bond0 type bond mode active-backup",
         "link set eth0 master bond0", "link set eth1 master bond0",
         "link set bond0 up")
    settle(n, "bond0")
    n.ip("link set bond0 master br0")
    n.check(*n.names(0), *n.names(1), shown="br0")
    n.ip("link set eth2 master br0")
    for number in range(3):
        t.true(not n.snapshot().shown(n.names(number)[0]).beyond_link_local,
               "the model")
        n.check(*n.names(number))
    n.ip("link set eth2 nomaster", "addr add 198.51.100.1/24 dev bond0")
    n.check(*n.names(0), *n.names(1), shown="bond0")
    n.ip("link set bond0 nomaster")
    n.check("02:00:00:00:00:01", shown="d0")


@scenario(SETUP)
def bond_above(t: Test) -> None:
    """Two NICs of one bond have its MAC address; each finds it by the address
    that the host gave it. A bridge above the bond is found too."""
    n = Network(t)
    n.ip("link add bond0 type bond mode active-backup",
         "link set eth0 down", "link set eth1 down",
         "link set eth0 master bond0", "link set eth1 master bond0",
         "link set bond0 up", "addr add 192.0.2.10/24 dev bond0",
         "addr add 2001:db8::10/64 dev bond0",
         "route add default via 192.0.2.1 dev bond0")
    t.equal(n.snapshot().by_name["eth1"].mac, testnic.mac(0).replace(
        ":", "").upper(), "what a bond does")
    n.check(*n.names(0), *n.names(1), shown="bond0")
    n.ip("addr flush dev bond0", "link add br0 type bridge",
         "link set bond0 master br0", "link set br0 up",
         "addr add 192.0.2.20/24 dev br0",
         "route add default via 192.0.2.1 dev br0")
    n.check(*n.names(0), *n.names(1), shown="br0")


@scenario(SETUP, guests=(HV_KVP,))
def set_where_get_looks(t: Test) -> None:
    """An agent configures the interface whose addresses the host sees: never
    the bond below the bridge, nor a VRF. Where the host sees those of a VLAN or
    of a device beside the NIC, it refuses rather than give them to the NIC too."""
    n = Network(t)
    script(t, '. "$1"; echo "$DEVICE" >/tmp/device')
    t.sh("mkdir -p /var/lib/hyperv")
    steps = (
        ("eth0", "link add vrf0 type vrf table 500", "link set vrf0 up"),
        ("eth0", "link set eth0 master vrf0"),
        ("bond0", "link set eth0 nomaster", "link set eth0 down",
         "link add bond0 type bond mode active-backup",
         "link set eth0 master bond0", "link set bond0 up"),
        ("bond0", "link set bond0 master vrf0"),
        ("br0", "link add br0 address 02:00:00:00:00:55 type bridge",
         "link set br0 up", "link set bond0 nomaster", "link set bond0 master br0"),
        ("br0", "link set br0 master vrf0"))
    with agent(t, f"--exec {SCRIPT}"):
        for wanted, *lines in steps:
            n.ip(*lines, f"addr replace 192.0.2.10/24 dev {wanted}")
            settle(n, wanted)
            n.check(MAC0, shown=wanted)
            t.kvp.set_ip_info(FULL)
            t.equal(t.sh("cat /tmp/device; rm /tmp/device"), wanted, str(lines))
            n.ip(f"addr del 192.0.2.10/24 dev {wanted}")
        other = testnic.instance_id(1)
        for wanted, line in (
                ("eth1.5", "link add link eth1 name eth1.5 type vlan id 5"),
                ("br-ex", f"link add br-ex address {testnic.mac(1)} type dummy")):
            n.ip(line, f"link set {wanted} up",
                 f"addr add 198.51.100.9/24 dev {wanted}")
            settle(n, "eth1", wanted)
            n.check(MAC1, shown=wanted)
            t.status("NOT_SUPPORTED", lambda: t.kvp.set_ip_info(
                replace(FULL, adapter=other)))
            n.ip(f"link del {wanted}")
        t.kvp.set_ip_info(replace(FULL, adapter=other))
        t.equal(t.sh("cat /tmp/device; rm /tmp/device"), "eth1")


@scenario(SETUP)
def vlans_last(t: Test) -> None:
    """A VLAN has its NIC's MAC address, and is another network. On a trunk port
    it is all there is, so the only one that has addresses counts where the NIC
    and its masters have none; a bridge above it by its MAC address."""
    n = Network(t)
    n.ip("link add link eth0 name eth0.5 type vlan id 5", "link set eth0.5 up",
         "addr add 192.0.2.10/24 dev eth0.5",
         "route add default via 192.0.2.1 dev eth0.5",
         "link add link eth0 name eth0.6 type vlan id 6", "link set eth0.6 up",
         "link add link eth1 name eth1.6 type vlan id 6", "link set eth1.6 up",
         "link add br0 type bridge", "link set eth1.6 master br0",
         "link set br0 up", "addr add 198.51.100.9/24 dev br0")
    settle(n, "eth0", "eth1", "eth2", "eth0.5", "br0")
    info = n.check(*n.names(0), shown="eth0.5")
    t.equal([str(g) for g in info.gateways], ["192.0.2.1"], "the model")
    n.check(*n.names(1), shown="br0")
    n.check(*n.names(2), shown="eth2")
    # of two it is not known which one is meant
    n.ip("addr add 192.0.2.66/24 dev eth0.6")
    n.check(*n.names(0), shown="eth0")
    n.ip("addr flush dev eth0.6", "addr add 203.0.113.1/24 dev eth0")
    n.check(*n.names(0), shown="eth0")
    # on a bond, and on a bridge with a MAC address of its own
    n.ip("addr flush dev eth0", "addr flush dev eth0.5", "link set eth2 down",
         "link add bond0 type bond mode active-backup", "link set eth2 master bond0",
         "link set bond0 up", "link add link bond0 name bond0.7 type vlan id 7",
         "link set bond0.7 up", "addr add 192.0.2.7/24 dev bond0.7",
         "link add br1 address 02:00:00:00:00:66 type bridge",
         "link set eth3 master br1", "link set br1 up",
         "link add link br1 name br1.8 type vlan id 8", "link set br1.8 up",
         "link add link br1.8 name br1.8.9 type vlan id 9", "link set br1.8.9 up",
         "addr add 192.0.2.8/24 dev br1.8.9")
    settle(n, "bond0.7", "br1.8.9")
    n.check(*n.names(2), shown="bond0.7")
    n.check(*n.names(3), shown="br1.8.9")


# The stock guest knows no NIC by the MAC address that it no longer has.
@scenario(SETUP, guests=(HV_KVP,))
def beside_the_nic(t: Test) -> None:
    """The internal port of an Open vSwitch has the NIC's MAC address and is no
    master of it: it counts where nothing else has addresses. What is above
    another NIC is that one's."""
    n = Network(t)
    n.ip(f"link add br-ex address {testnic.mac(0)} type dummy",
         "link set br-ex up", "addr add 192.0.2.10/24 dev br-ex",
         "addr add 2001:db8::10/64 dev br-ex",
         "route add default via 192.0.2.1 dev br-ex")
    settle(n, "eth0", "br-ex")
    info = n.check(*n.names(0), shown="br-ex")
    t.equal([str(g) for g in info.gateways], ["192.0.2.1"], "the model")
    n.ip("addr add 198.51.100.1/24 dev eth0")
    n.check(*n.names(0), shown="eth0")
    # a bond keeps the MAC address of the port that has left it
    n.ip("link add bond0 type bond mode active-backup", "link set eth1 down",
         "link set eth2 down", "link set eth1 master bond0",
         "link set eth2 master bond0", "link set bond0 up",
         "addr add 203.0.113.5/24 dev bond0")
    settle(n, "bond0")
    n.check(*n.names(1), *n.names(2), shown="bond0")
    n.ip("link set eth1 nomaster", "link set eth1 up")
    settle(n, "eth1")
    t.equal(n.snapshot().by_name["bond0"].mac, MAC1.replace(":", ""),
            "what a bond does")
    n.check(*n.names(1), shown="eth1")


@scenario(SETUP, smoke=True)
def virtual_function(t: Test) -> None:
    """A VF has the NIC's MAC address, below it as with netvsc or beside it.
    It is the NIC that counts, unless only the VF has addresses."""
    n = Network(t)
    n.ip(f"link add vf0 address {testnic.mac(0)} type dummy",
         "link set vf0 master eth0", "link set vf0 up",
         "addr add 192.0.2.10/24 dev eth0",
         "addr add 192.0.2.11/24 dev eth1",
         *(line for x in range(1, 6) for line in (
             f"link add vf{x} address {testnic.mac(1)} type dummy",
             f"link set vf{x} up", f"addr add 198.51.100.{x}/24 dev vf{x}")),
         f"link add v0 address {testnic.mac(2)} type veth peer name v1",
         "link set v0 up", "link set v1 up", "addr add 203.0.113.7/24 dev v0")
    settle(n, "v0")
    for number, name in enumerate(("eth0", "eth1", "v0")):
        n.check(*n.names(number), shown=name)


# Gateways ----------------------------------------------------------------

@scenario(SETUP, smoke=True)
def metrics(t: Test) -> None:
    """Of several default routes of a table the one that is used; what only
    looks like one is none."""
    n = Network(t)
    n.ip("addr add 192.0.2.10/24 dev eth0", "addr add 198.51.100.1/24 dev eth1",
         "route add default via 192.0.2.1 dev eth0 metric 300",
         "route add default via 192.0.2.2 dev eth0 metric 200",
         "route add default via 198.51.100.2 dev eth1 metric 100",
         "route add default via 192.0.2.9 dev eth0 tos 0x10",
         "route add 0.0.0.0/1 via 192.0.2.3 dev eth0",
         "route add 0.0.0.0/8 via 192.0.2.4 dev eth0",
         "route add 1.1.1.1/32 via 192.0.2.4 dev eth0",
         "route add blackhole default metric 250")
    t.equal(list(map(str, n.check(MAC0).gateways)), ["192.0.2.2"], "the model")
    n.check(MAC1)
    n.ip("route add default dev eth0 metric 10")
    t.equal(n.check(MAC0).gateways, [], "the model")
    n.ip("route del default dev eth0 metric 10",
         "route add unreachable default metric 150")
    t.equal(n.check(MAC0).gateways, [], "the model")
    n.check(MAC1)
    n.ip("route del unreachable default metric 150",
         "route add 128.0.0.0/1 via 192.0.2.3 dev eth0")
    t.equal(n.check(MAC0).gateways, [], "the model")


@scenario(SETUP)
def metrics_of_ipv6(t: Test) -> None:
    """The same, with the preference of routers."""
    n = Network(t)
    n.ip("addr add 2001:db8::10/64 dev eth0", "addr add 2001:db8:1::10/64 "
         "dev eth1", "-6 route add default via fe80::1 dev eth0 metric 300",
         "-6 route add default via fe80::2 dev eth0 metric 200",
         "-6 route add default via fe80::3 dev eth1 metric 100",
         "-6 route add ::/1 via fe80::4 dev eth0",
         "-6 route add 8000::/1 via fe80::4 dev eth0",
         "-6 route add unreachable default metric 1")
    n.check(MAC0)
    n.check(MAC1)
    n.ip("-6 route add default via fe80::5 dev eth0 metric 50 pref low",
         "-6 route append default via fe80::6 dev eth0 metric 50 pref high")
    n.check(MAC0)


@scenario(SETUP)
def several_tables(t: Test) -> None:
    """Each table has a default route of its own, whatever the rules; one
    gateway is named once."""
    n = Network(t)
    n.ip("addr add 192.0.2.10/24 dev eth0", "addr add 2001:db8::10/64 dev eth0",
         "route add default via 192.0.2.1 dev eth0 table 100",
         "route add default via 192.0.2.2 dev eth0 table 200 metric 5",
         "route add default via 192.0.2.3 dev eth0 table 200 metric 6",
         "route add default via 192.0.2.4 dev eth0",
         "route add default via 192.0.2.4 dev eth0 table 300",
         "route add default via 192.0.2.5 dev eth1 onlink table 400",
         "-6 route add default via fe80::1 dev eth0 table 100",
         "-6 route add default via fe80::2 dev eth0 table 1000000")
    n.check(MAC0)
    n.check(MAC1)


@scenario(SETUP)
def vrf(t: Test) -> None:
    """The table of a NIC's VRF is the one that is asked for it; a VRF is a
    master of the NIC, but has addresses of its own."""
    n = Network(t)
    n.ip("link add vrf0 type vrf table 500", "link set vrf0 up",
         "route add unreachable default metric 4278198272 table 500",
         "link set eth0 master vrf0", "addr add 198.51.100.9/32 dev vrf0")
    n.check(*n.names(0), shown="eth0")
    n.ip("addr add 192.0.2.10/24 dev eth0", "addr add 2001:db8::10/64 dev eth0",
         "route add default via 192.0.2.9 dev eth0 onlink table 100",
         "route add default via 192.0.2.1 dev eth0 table 500",
         "route add default via 192.0.2.2 dev eth0 table 500 metric 5",
         "-6 route add default via fe80::9 dev eth0 table 100",
         "-6 route add default via fe80::1 dev eth0 table 500",
         "-6 route add unreachable default metric 4278198272 table 500",
         "addr add 203.0.113.1/24 dev eth1",
         "route add default via 203.0.113.2 dev eth1")
    info = n.check(*n.names(0), shown="eth0")
    t.equal([str(g) for g in info.gateways],
            ["192.0.2.1", "192.0.2.9", "fe80::1", "fe80::9"], "the model")
    n.check(MAC1)


@scenario(SETUP)
def next_hops(t: Test) -> None:
    """All of a route's, but those out of other interfaces; next hop objects;
    an IPv4 route by way of an IPv6 gateway."""
    n = Network(t)
    n.ip("addr add 192.0.2.10/24 dev eth0", "addr add 198.51.100.1/24 dev eth1",
         "addr add 2001:db8::10/64 dev eth0", "addr add 203.0.113.1/24 dev eth2",
         "route add default nexthop via 192.0.2.1 dev eth0 weight 3 "
         "nexthop via 198.51.100.2 dev eth1 nexthop via 192.0.2.3 dev eth0",
         "-6 route add default nexthop via fe80::1 dev eth0 "
         "nexthop via fe80::2 dev eth1 nexthop via fe80::3 dev eth0",
         "route add 0.0.0.0/0 via inet6 fe80::77 dev eth0 table 70",
         "nexthop add id 1 via 203.0.113.5 dev eth2",
         "nexthop add id 2 via 203.0.113.6 dev eth2",
         "nexthop add id 3 group 1/2", "nexthop add id 6 via fe80::9 dev eth2",
         "route add default nhid 1 table 71", "route add default nhid 3 table 72",
         "-6 route add default nhid 6 table 73")
    for mac in (MAC0, MAC1, MAC2):
        n.check(mac)
    n.ip("link set eth1 down")
    n.check(MAC0)
    n.ip("nexthop flush")


@scenario(SETUP, guests=(HV_KVP,))
def many_gateways(t: Test) -> None:
    """More than the five of a family that the binary form has, and more than
    the string form's 511 characters."""
    n = Network(t)
    n.ip("addr add 192.0.2.10/24 dev eth0", "addr add 2001:db8::10/64 dev eth0",
         "route add default via 192.0.2.1 dev eth0",
         "-6 route add default " + " ".join(
             f"nexthop via fe80::1111:2222:3333:{x} dev eth0"
             for x in range(1001, 1031)),
         *(f"route add default via 192.0.2.{x} dev eth0 table {x}"
           for x in range(101, 108)))
    info = n.check(MAC0)
    t.equal(len(info.gateways), 38, "the model")


# Where it all comes from -------------------------------------------------

@scenario(SETUP)
def dhcp(t: Test) -> None:
    """What a DHCP client leaves in the kernel: addresses that end, routes of
    its own, a preferred source."""
    n = Network(t)
    n.ip("addr add 192.0.2.10/24 dev eth0 valid_lft 3600 preferred_lft 1800",
         "addr add 192.0.2.11/24 dev eth0", "addr add 198.51.100.1/24 dev eth1",
         "addr add 198.51.100.3/24 dev eth1",
         "route add default via 198.51.100.2 dev eth1 proto dhcp "
         "src 198.51.100.1", "addr add 203.0.113.1/24 dev eth2",
         "route add default via 203.0.113.2 dev eth2 proto static metric 9")
    wanted = [n.check(mac).dhcp for mac in (MAC0, MAC1, MAC2)]
    t.equal(wanted, [True, True, False], "the model")


@scenario(SETUP)
def router_advertisements(t: Test) -> None:
    """What the kernel and its helpers make of them, without any IPv4."""
    n = Network(t)
    n.ip("addr add 2001:db8::10/64 dev eth0 valid_lft 3600 preferred_lft 1800",
         "-6 route add default via fe80::1 dev eth0 proto ra metric 512",
         "addr add 2001:db8:1::10/64 dev eth1",
         "-6 route add default via fe80::2 dev eth1 proto ra metric 600",
         "addr add 2001:db8:2::10/64 dev eth2", "addr add 192.0.2.9/24 dev eth2",
         "-6 route add default via fe80::3 dev eth2 proto ra metric 700")
    wanted = [n.check(mac).dhcp for mac in (MAC0, MAC1, MAC2)]
    t.equal(wanted, [True, True, False], "the model")


@scenario(SETUP)
def a_router(t: Test) -> None:
    """A real one, at the other end of a veth: what the kernel makes of its
    advertisements, and what is left when it takes them back."""
    n = Network(t)
    n.ip("netns add box", "link add v0 address 02:00:00:00:00:10 type veth "
         "peer name v1 netns box", "link set v0 up")
    n.ip("netns exec box ip link set v1 up")

    def advertise(lifetime: int, *prefixes: str) -> None:
        t.sh(f"{IP} netns exec box hv_kvp_router v1 {lifetime} "
             + " ".join(prefixes))

    def wait(count: int) -> None:
        t.eventually(lambda: len([r for r in n.snapshot().routes
                                  if r.get("protocol") == "ra"]) == count,
                     f"{count} default routes")

    # valid for an hour, and for ever
    t.eventually(lambda: t.host.run(f"{IP} netns exec box hv_kvp_router v1 0",
                                    check=False).code == 0, "v1 is up")
    advertise(1800, "2001:db8:5::/3600", "2001:db8:6::/4294967295")
    wait(1)
    info = n.check("02:00:00:00:00:10", shown="v0")
    t.equal((len(info.addresses), len(info.gateways), info.dhcp), (3, 1, True),
            f"the model: {info}")
    t.equal({a.origin for a in info.addresses}, {ORIGIN_OTHER}, "the model")
    n.ip("addr add 192.0.2.10/24 dev v0")
    t.equal(n.check("02:00:00:00:00:10").dhcp, False, "IPv4 is what counts")
    advertise(0)
    wait(0)
    t.equal(n.check("02:00:00:00:00:10").gateways, [], "the model")


# Interfaces that come and go ---------------------------------------------

@scenario(SETUP)
def namespaces(t: Test) -> None:
    """A NIC that was given to a container is not the guest's any more, nor
    are the container's other interfaces."""
    n = Network(t)
    n.ip("addr add 192.0.2.11/24 dev eth1", "addr add 192.0.2.12/24 dev eth2",
         "netns add box", "link set eth1 netns box",
         f"link add d0 address {testnic.mac(2)} type dummy",
         "link set d0 netns box",
         f"link add d1 address {testnic.mac(1)} type dummy",
         "link set d1 netns box")
    n.ip("netns exec box ip link set eth1 up",
         "netns exec box ip addr add 198.51.100.5/24 dev eth1",
         "netns exec box ip link set d0 up",
         "netns exec box ip addr add 198.51.100.6/24 dev d0")
    n.gone(1)
    n.check(MAC2, shown="eth2")
    n.ip("netns exec box ip link set eth1 netns 1")
    n.ip("link set eth1 up", "addr add 192.0.2.11/24 dev eth1")
    n.check(*n.names(1), shown="eth1")


@scenario(SETUP, smoke=True)
def withdrawn_and_offered(t: Test) -> None:
    """The host takes a NIC away, and adds one, while the guest runs."""
    n = Network(t)
    n.ip("addr add 192.0.2.13/24 dev eth3")
    n.check(*n.names(3), shown="eth3")
    t.host.remove_nic(3)
    n.gone(3)
    for number in (3, 4):
        t.host.add_nic(number)
        t.eventually(lambda: testnic.instance_id(number).upper() in {
            i.device for i in n.snapshot().interfaces}, f"NIC {number}")
    n = Network(t)
    n.ip("addr add 192.0.2.14/24 dev eth4")
    n.check(*n.names(4), shown="eth4")
    n.check(*n.names(3), shown="eth3")
    t.host.remove_nic(4)
