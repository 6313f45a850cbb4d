# SPDX-License-Identifier: GPL-2.0
"""GET_IP_INFO of a NIC with few and with many addresses, beside the stock daemon."""
from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass

from hvhost import icwire, kvpwire, testnic

from guest import FRAMEWORKS, HV_KVP, STOCK, BenchError, Driver, Guest, kvp, request_body

ADDRESSES = (1, 64)
ROUNDS = 100
# The daemon starts four shells for each address.
STOCK_ROUNDS = {1: 5, 64: 1}
TRIES = 2
ADAPTER = testnic.mac(0).upper()
STRING, BINARY = (4, 0), (5, 0)
# No link-local address: the number of addresses is what it says.
UP = ("insmod /modules/hkvp_netdev.ko && echo 1 >/proc/sys/net/ipv6/conf/eth0/addr_gen_mode && "
      "ip link set eth0 up")
ADD = "for n in $(seq {0} {1}); do ip addr add 192.0.2.$n/24 dev eth0 || exit 1; done"
ROUTE = "ip route add default via 192.0.2.254 dev eth0"


@dataclass
class Query:
    """Median cost of one GET_IP_INFO: of the driver alone from callback to answer, in
    instructions, where it was counted; and the host's round trip, in instructions of both CPUs or
    in seconds."""

    driver: str
    form: str
    addresses: int
    icount: bool
    samples: int
    counted: float | None
    round_trip: float


def request(version: icwire.Version) -> bytes:
    """The packet in the form of a message version."""
    pack = kvpwire.pack_ip_binary if version == BINARY else kvpwire.pack_ip_strings
    return kvp(pack(kvpwire.GET_IP_INFO, kvpwire.IpInfo(ADAPTER)), version)


def negotiate(guest: Guest, version: icwire.Version) -> None:
    """Agrees on @version and nothing newer."""
    versions = [v for v in ((3, 0), (4, 0), (5, 0)) if v <= version]
    ask = icwire.pack_negotiate(FRAMEWORKS, versions)
    answer, = guest.transact([ask], 120)
    _, chosen = icwire.unpack_negotiate(ask, answer.payload)
    if chosen != version:
        raise BenchError(f"{guest.driver.name} chose message version {chosen}, not {version}")


def check(guest: Guest, version: icwire.Version, addresses: int) -> None:
    """The answer has the addresses and the gateway: what is measured is the real thing."""
    answer, = guest.transact([request(version)], 120)
    body = request_body(answer)
    info = (kvpwire.unpack_ip_binary if version == BINARY else kvpwire.unpack_ip_strings)(body)
    if (len(info.addresses), len(set(info.gateways))) != (addresses, 1):
        raise BenchError(f"{guest.driver.name}: {len(info.addresses)} addresses, gateways "
                         f"{info.gateways}; {addresses} and one are there")


def query(guest: Guest, version: icwire.Version, addresses: int) -> Query:
    """One row."""
    check(guest, version, addresses)
    rounds = STOCK_ROUNDS[addresses] if guest.driver is STOCK else ROUNDS
    requests = [request(version)] * rounds
    counted = None
    if guest.icount and guest.driver is HV_KVP:
        good = [s for s in guest.samples(requests) if s]
        if len(good) * 2 < rounds:
            raise BenchError(f"{rounds - len(good)} of {rounds} samples disturbed")
        counted = statistics.median(good)
    return Query(guest.driver.name, "binary" if version == BINARY else "string", addresses,
                 guest.icount, rounds, counted, statistics.median(guest.round_trips(requests)))


def patient(guest: Guest, version: icwire.Version, addresses: int) -> Query:
    """The same, again where the daemon took longer than hv_utils waits for it."""
    for _ in range(TRIES if guest.driver is STOCK else 0):
        try:
            return query(guest, version, addresses)
        except BenchError:
            continue
    return query(guest, version, addresses)


def queries(boot: Callable[..., Guest], driver: Driver, icount: bool) -> list[Query]:
    """All forms and numbers of addresses with one driver."""
    found, present = [], 0
    with boot(driver, icount=icount, nics=1) as guest:
        guest.insert()
        guest.run(UP)
        for addresses in ADDRESSES:
            guest.run(ADD.format(present + 1, addresses))
            if not present:
                guest.run(ROUTE)
            present = addresses
            for version in (STRING, BINARY) if driver is HV_KVP else (STRING,):
                negotiate(guest, version)
                found.append(patient(guest, version, addresses))
    return found


def measure(boot: Callable[..., Guest], say: Callable[[str], None]) -> list[dict]:
    """Everything, as plain data."""
    rows = []
    for icount in (True, False):
        for driver in (HV_KVP, STOCK):
            say(f"{driver.name}: GET_IP_INFO" + (", instructions" if icount else ""))
            rows += [asdict(row) for row in queries(boot, driver, icount)]
    return rows
