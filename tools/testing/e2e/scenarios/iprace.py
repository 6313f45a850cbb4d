# SPDX-License-Identifier: GPL-2.0
"""GET_IP_INFO while interfaces, addresses and routes come and go: whatever the
moment, an answer is about one interface and holds whole entries."""
import dataclasses
import ipaddress
import random

import leaks
import reports
from guests import HV_KVP, IP
from hvhost import testnic
from hvhost.ic import StatusError
from hvhost.icwire import STATUS_BY_NAME
from hvhost.kvpwire import IpInfo
from network import SETUP, Network
from scenario import Failed, Test, scenario

SMP = dataclasses.replace(SETUP, cpus=2, memory=768, thread="multi")
NOT_FOUND = STATUS_BY_NAME["NOT_FOUND"]

# What each interface has while it is there: addresses and gateways from nets
# of its own, with a prefix of its own. A mixture would show.
NETS = {"eth0": ("192.0.2.{}/25", "2001:db8:a::{}/65"),
        "br0": ("198.51.100.{}/26", "2001:db8:b::{}/66"),
        "vf0": ("203.0.113.{}/27", "2001:db8:c::{}/67"),
        "eth1": ("10.1.1.{}/28", "2001:db8:d::{}/68")}
# 8 is what 10.0.0.0 has until it is told otherwise.
PREFIXES = {25: "eth0", 65: "eth0", 26: "br0", 66: "br0", 27: "vf0",
            67: "vf0", 28: "eth1", 8: "eth1"}

# The old calls change an address that is there instead of making another.
OLD_CALLS = """for n in 2 3 4; do
ifconfig eth1 10.1.1.$n netmask 255.255.255.240; ifconfig eth1 10.1.1.1$n
done >/dev/null 2>&1
"""


def configure(name: str, number: int) -> list[str]:
    """Addresses and default routes of an interface come."""
    v4, v6 = (net.format(number) for net in NETS[name])
    # The gateways are outside, where no address is.
    gate4, gate6 = (net.format(20).partition("/")[0] for net in NETS[name])
    return [f"addr add {v4} dev {name}", f"addr add {v6} dev {name} nodad",
            f"route add default via {gate4} dev {name} onlink "
            f"metric {100 + number} table {100 + number % 3}",
            f"-6 route add default via {gate6} dev {name} onlink "
            f"metric {200 + number}"]


def churn(kind: int, chance: random.Random) -> list[str]:
    """One round of changes; what cannot be at that moment fails and is
    passed over."""
    mac, number = testnic.mac(0), chance.randrange(1, 10)
    if kind == 0:
        v4, v6 = (net.format(number) for net in NETS["eth0"])
        gone = [f"addr del {v4} dev eth0", f"addr del {v6} dev eth0"]
        return [*configure("eth0", number),
                chance.choice(("addr flush dev eth0", "link set eth0 down",
                               "link set eth0 mtu 1400", *gone)),
                "link set eth0 up", *gone]
    if kind == 1:
        return [f"link add br0 address {mac} type bridge",
                "link set eth0 master br0", "link set br0 up",
                *configure("br0", number),
                chance.choice(("link set eth0 nomaster", "link del br0",
                               "link set br0 address 02:00:00:00:00:01")),
                "link del br0"]
    return [f"link add vf0 address {mac} type dummy", "link set vf0 up",
            chance.choice(("link set vf0 master eth0", "link set vf0 name vf1",
                           "link set vf0 netns box")),
            *configure("vf0", number), "link del vf0", "link del vf1",
            "link set eth1 netns box",
            "netns exec box ip link set eth1 netns 1", "link set eth1 up"]


def one_interface(t: Test, info: IpInfo) -> str:
    """The interface that an answer is about; fails if it is a mixture."""
    named = {PREFIXES.get(a.prefix, f"prefix {a.prefix}")
             for a in info.addresses if not a.address.is_link_local}
    t.true(len(named) <= 1, f"a mixture: {info}")
    about = next(iter(named), "")
    nets = [ipaddress.ip_interface(net.format(1)).network
            for name in ([about] if about else NETS) for net in NETS[name]]
    entries = [a.address for a in info.addresses
               if not a.address.is_link_local] + info.gateways
    for entry in entries:
        t.true(any(entry in net for net in nets if net.version
                   == entry.version), f"{entry} is not {about}'s: {info}")
    return about or "none"


def ask(t: Test, seen: dict[str, int]) -> None:
    """One question; counts what it was about."""
    adapter = random.choice((testnic.mac(0).upper(), testnic.instance_id(0),
                             testnic.mac(1), testnic.instance_id(3)))
    try:
        about = one_interface(t, t.kvp.get_ip_info(adapter))
    except StatusError as error:
        if error.status != NOT_FOUND:
            raise
        about = "not found"
    seen[about] = seen.get(about, 0) + 1


def come_and_go(t: Test, seconds: int) -> dict[str, int]:
    """Runs it; returns how many answers were about what."""
    n = Network(t)
    n.ip("netns add box")
    chance = random.Random(11)
    again = (f"end=$(($(cut -d. -f1 /proc/uptime) + {seconds})); n=0; "
             "while [ $(cut -d. -f1 /proc/uptime) -lt $end ]; do "
             "%s; n=$((n + 1)); done; echo $n")
    jobs = [t.host.spawn(again % OLD_CALLS.strip())]
    for kind in range(3):
        lines = [line for _ in range(5) for line in churn(kind, chance)]
        # ip(8) takes the family of a route from its gateway.
        t.host.agent.put(f"/tmp/churn{kind}", "\n".join(
            line.removeprefix("-6 ") for line in lines).encode() + b"\n")
        jobs.append(t.host.spawn(
            again % f"{IP} -force -batch /tmp/churn{kind} >/dev/null 2>&1"))
    seen: dict[str, int] = {}
    rounds, third = 0, True
    while any(job.running for job in jobs):
        n.form(rounds % 2 == 0)
        for _ in range(50):
            ask(t, seen)
        rounds += 1
        if rounds % 4 == 0:
            if third:
                t.host.remove_nic(3)
            else:
                t.host.add_nic(3)
            third = not third
    if not third:
        t.host.add_nic(3)
    for job in jobs:
        if int(job.wait(30).text) < 1:
            raise Failed("an agent did nothing")
    t.true({"eth0", "br0", "eth1", "none"} <= set(seen),
           f"not all seen: {seen}")
    Network(t).ip("addr add 192.0.2.1/24 dev eth0")
    n.check(testnic.mac(0), shown="eth0")
    return seen


@scenario(SETUP, guests=(HV_KVP,))
def for_some_seconds(t: Test) -> None:
    """On a stock kernel."""
    come_and_go(t, 4)


@scenario(SMP, guests=(HV_KVP,), proof=("debug", "kcsan"), limit=600)
def for_a_minute(t: Test) -> None:
    """On two CPUs, on kernels that look for races and for use after free."""
    leaks.begin(t)
    seen = come_and_go(t, 60)
    print(f"# {t.kernel}: answers about {seen}; "
          f"{reports.foreign_races(t.host.machine.console_text())} races "
          "outside hv_kvp", flush=True)
    leaks.check(t)
