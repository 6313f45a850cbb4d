# SPDX-License-Identifier: GPL-2.0
"""Pool AUTO tells the guest's agents when the system has changed."""
from guests import HV_KVP
from hvhost.kvpwire import AUTO
from network import SETUP, Network
from scenario import Test, scenario

GENERATION = "cat /sys/class/misc/hv_kvp/auto/generation"
IPV4, IPV6 = "NetworkAddressIPv4", "NetworkAddressIPv6"


def listed(t: Test, key: str) -> set[str]:
    """What the host is told."""
    return set(filter(None, t.kvp.get(AUTO, key).value.split(";")))


def generation(t: Test) -> int:
    """That of pool AUTO, once all that was done before has been told."""
    def stays() -> int | None:
        before = int(t.sh(GENERATION))
        t.sh("sleep 0.4")
        return before if int(t.sh(GENERATION)) == before else None
    return t.eventually(stays, "the generation stays as it is")


def moved(t: Test, before: int, what: str) -> int:
    """The generation after @what; one step, or two for two families."""
    t.eventually(lambda: int(t.sh(GENERATION)) > before, what)
    return generation(t)


@scenario(SETUP, guests=(HV_KVP,), smoke=True)
def addresses(t: Test) -> None:
    """Each address that comes or goes, with its interface too, gives a new
    generation; what the values do not show gives none."""
    n = Network(t)
    n.ip("link add d0 type dummy", "link set d0 addrgenmode none",
         "link set d0 up")
    now = generation(t)
    n.ip("addr add 192.0.2.10/24 dev d0")
    now = moved(t, now, "an IPv4 address")
    t.true("192.0.2.10" in listed(t, IPV4), "not in the list")
    n.ip("addr add 2001:db8::10/64 dev d0 nodad")
    now = moved(t, now, "an IPv6 address")
    t.true("2001:db8::10" in listed(t, IPV6), "not in the list")

    n.ip("link set d0 mtu 1400", "route add 198.51.100.0/24 dev d0",
         "addr add 127.0.0.9/8 dev lo", "addr del 127.0.0.9/8 dev lo",
         "addr change 192.0.2.10/24 dev d0 valid_lft 5000 preferred_lft 5000")
    t.equal(generation(t), now, "nothing that the host sees has changed")

    n.ip("link del d0")
    moved(t, now, "an interface with its addresses")
    t.true("192.0.2.10" not in listed(t, IPV4), "still in the list")
    t.true("2001:db8::10" not in listed(t, IPV6), "still in the list")


@scenario(SETUP, guests=(HV_KVP,))
def duplicate_address_detection(t: Test) -> None:
    """An IPv6 address counts from when it is known to be the guest's alone,
    of which the kernel tells nobody."""
    n = Network(t)
    n.ip("link set eth0 addrgenmode none")
    try:
        now = generation(t)
        t.sh("echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_dad")
        n.ip("addr add 2001:db8::20/64 dev eth0")
        t.equal(listed(t, IPV6) & {"2001:db8::20"}, set(), "while tentative")
        moved(t, now, "the address is the guest's")
        t.true("2001:db8::20" in listed(t, IPV6), "not in the list")
    finally:
        t.sh("echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad")
        n.ip("link set eth0 addrgenmode eui64")


@scenario(SETUP, guests=(HV_KVP,))
def namespaces(t: Test) -> None:
    """What a container has is not the guest's."""
    n = Network(t)
    n.ip("netns add box", "link add d0 type dummy", "link set d0 netns box")
    now = generation(t)
    n.ip("netns exec box ip link set d0 up",
         "netns exec box ip addr add 192.0.2.99/24 dev d0")
    t.equal(generation(t), now)
    t.true("192.0.2.99" not in listed(t, IPV4), "a container's address")
