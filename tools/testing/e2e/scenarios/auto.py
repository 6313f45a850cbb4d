# SPDX-License-Identifier: GPL-2.0
"""Pool AUTO: what the guest says about itself, live."""
import re

from guests import HV_KVP
from hvhost.kvpwire import AUTO, Item
from scenario import Test, scenario

ORDER = ["FullyQualifiedDomainName", "IntegrationServicesVersion",
         "NetworkAddressIPv4", "NetworkAddressIPv6", "OSBuildNumber",
         "OSName", "OSMajorVersion", "OSMinorVersion", "OSVersion",
         "ProcessorArchitecture"]


def auto(t: Test) -> dict[str, str]:
    """AUTO as a dictionary."""
    return {i.key: i.value for i in t.kvp.enumerate(AUTO)}


def addresses(t: Test, version: int) -> set[str]:
    """What the host is told."""
    return set(filter(None, auto(t)[f"NetworkAddressIPv{version}"].split(";")))


def in_the_guest(t: Test, version: int) -> set[str]:
    """What ip(8) in the guest shows, without loopback."""
    shown = t.sh(f"ip -{version} addr")
    found = re.findall(r"inet6? ([0-9a-f.:]+)", shown)
    return {a for a in found if not a.startswith("127.") and a != "::1"}


@scenario(smoke=True)
def ten_items_in_order(t: Test) -> None:
    """The keys, in the order that hosts have always seen."""
    t.equal([i.key for i in t.kvp.enumerate(AUTO)], ORDER)


@scenario(smoke=True)
def what_uname_says(t: Test) -> None:
    """Kernel and machine, as the guest itself sees them."""
    got = auto(t)
    release = t.sh("uname -r")
    t.equal(got["OSBuildNumber"], release)
    t.equal(got["OSVersion"], release.partition("-")[0])
    t.equal(got["ProcessorArchitecture"], t.sh("uname -m"))


@scenario(guests=(HV_KVP,))
def defaults_without_os_release(t: Test) -> None:
    """What the kernel can say on its own."""
    got = auto(t)
    release = t.sh("uname -r")
    major, minor = re.match(r"(\d+)\.(\d+)", release).groups()
    t.equal(got["OSName"], t.sh("uname -s"))
    t.equal((got["OSMajorVersion"], got["OSMinorVersion"]), (major, minor))


@scenario(smoke=True)
def integration_services(t: Test) -> None:
    """What the host takes for the version of the guest's components is the
    same with either driver."""
    t.equal(auto(t)["IntegrationServicesVersion"], "3.1")


@scenario()
def host_name(t: Test) -> None:
    """The name follows the guest's."""
    t.equal(auto(t)["FullyQualifiedDomainName"].partition(".")[0], "guest-1")


@scenario(guests=(HV_KVP,))
def host_name_changes(t: Test) -> None:
    """The next question gets the new name."""
    old = t.sh("hostname")
    try:
        for name in ("other", "a-much-longer-name-than-before"):
            t.sh(f"hostname {name}")
            t.equal(auto(t)["FullyQualifiedDomainName"], name)
    finally:
        t.sh(f"hostname {old}")


@scenario(guests=(HV_KVP,))
def domain_of_nis(t: Test) -> None:
    """It is no part of the name, which may be on another domain of DNS."""
    name, domain = t.sh("hostname"), "/proc/sys/kernel/domainname"
    old = t.sh(f"cat {domain}")
    try:
        t.sh(f"echo nis.example >{domain}")
        t.equal(auto(t)["FullyQualifiedDomainName"], name)
    finally:
        t.sh(f"echo '{old}' >{domain}")


@scenario(smoke=True)
def addresses_come_and_go(t: Test) -> None:
    """Both lists follow the interfaces; loopback is left out."""
    t.sh("lsmod | grep -q ^dummy || insmod /modules/dummy.ko numdummies=0")
    try:
        t.sh("ip link add d0 type dummy && ip link set d0 up")
        t.sh("ip addr add 192.0.2.10/24 dev d0")
        t.sh("ip -6 addr add 2001:db8::10/64 dev d0")
        t.true("192.0.2.10" in in_the_guest(t, 4), "the guest has no address")
        for version in (4, 6):
            t.equal(addresses(t, version), in_the_guest(t, version))
        t.sh("ip addr add 192.0.2.11/24 dev d0")
        t.sh("ip link add d1 type dummy && ip link set d1 up")
        t.sh("ip addr add 198.51.100.1/24 dev d1")
        t.sh("ip -6 addr add 2001:db8:1::1/64 dev d1")
        t.equal(addresses(t, 4), {"192.0.2.10", "192.0.2.11",
                                  "198.51.100.1"})
        t.equal(addresses(t, 6), in_the_guest(t, 6))
        t.sh("ip link del d0")
        for version in (4, 6):
            t.equal(addresses(t, version), in_the_guest(t, version))
    finally:
        t.host.run("ip link del d0; ip link del d1", check=False)
    t.equal(addresses(t, 4), in_the_guest(t, 4))


@scenario()
def get_by_key(t: Test) -> None:
    """GET knows the intrinsic items too."""
    for item in t.kvp.enumerate(AUTO):
        t.equal(t.kvp.get(AUTO, item.key), item)
    t.status("NO_MORE_ITEMS", lambda: t.kvp.get(AUTO, "NoSuchItem"))


@scenario()
def past_the_end(t: Test) -> None:
    """There is no eleventh item."""
    t.equal(t.kvp.enumerate_one(AUTO, 10), None)
    t.equal(t.kvp.enumerate_one(AUTO, 11), None)
    t.equal(t.kvp.enumerate_one(AUTO, 0).key, ORDER[0])


@scenario()
def many_addresses(t: Test) -> None:
    """More addresses than a value holds: cut at a whole one."""
    t.sh("lsmod | grep -q ^dummy || insmod /modules/dummy.ko numdummies=0")
    try:
        t.sh("ip link add d0 type dummy && ip link set d0 up")
        t.sh("for n in $(seq 1 100); do "
             "ip addr add 192.168.100.$n/32 dev d0; done")
        item = t.kvp.enumerate_one(AUTO, 2)
        listed = item.value.split(";")
        t.true(60 <= len(listed) <= 72, f"{len(listed)} addresses in 2 kB")
        t.true(set(listed) <= in_the_guest(t, 4), "an address is cut")
    finally:
        t.host.run("ip link del d0", check=False)


@scenario()
def items_of_the_wrong_pool(t: Test) -> None:
    """The intrinsic items are in AUTO alone."""
    for pool in (0, 1, 3):
        t.true(all(i.key not in ORDER for i in t.kvp.enumerate(pool)),
               f"an intrinsic item in pool {pool}")
    t.true(isinstance(t.kvp.enumerate_one(AUTO, 5), Item), "no OSName")
