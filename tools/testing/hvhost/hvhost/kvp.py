# SPDX-License-Identifier: GPL-2.0
"""The host's end of the KVP exchange.

Keeps the items that the host offers (pools EXTERNAL and AUTO_EXTERNAL) and
sends all of them after each NEGOTIATE, as Hyper-V does. Answers are checked
as OpenVMM checks them, and more: what breaks a rule ends the service.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from . import icwire, kvpwire
from .ic import IcService, Request, StatusError
from .icwire import STATUS_BY_NAME, Violation
from .kvpwire import AUTO_EXTERNAL, EXTERNAL, IpInfo, Item

if TYPE_CHECKING:
    from .machine import Machine
    from .vmbus import Device

CLASS_ID = "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6"
INSTANCE_ID = "242ff919-07db-4180-9c2e-b86cb68c8c55"
ALL_VERSIONS = [(1, 0), (3, 0), (4, 0), (5, 0)]
# What a current host offers: OpenVMM, and by Linux's log Windows too.
VERSIONS = [(3, 0), (4, 0), (5, 0)]
NO_MORE_ITEMS = STATUS_BY_NAME["NO_MORE_ITEMS"]
HOST_POOLS = (EXTERNAL, AUTO_EXTERNAL)


class Kvp(IcService):
    """KVP with one guest."""

    message_type = icwire.MSG_KVP
    name = "KVP"

    def __init__(self, machine: Machine, device: Device,
                 items: dict[int, list[Item]] | None = None):
        super().__init__(machine, device, VERSIONS)
        self.items: dict[int, dict[str, Item]] = {p: {} for p in HOST_POOLS}
        for pool, those in (items or {}).items():
            self.items[pool] = {item.key: item for item in those}
        self.push_items = True
        self.pushes: list[Request] = []	# since the last NEGOTIATE
        self.guest_items: list[Item] = []
        self.intrinsic_items: list[Item] = []

    # The host's own items ------------------------------------------------

    def ready(self) -> None:
        self.pushes = []
        if not self.push_items:
            return
        for pool in HOST_POOLS:
            for item in self.items[pool].values():
                self.pushes.append(self._submit_set(pool, item))

    def _submit_set(self, pool: int, item: Item) -> Request:
        return self.submit(kvpwire.pack_set(pool, item),
                           f"SET {kvpwire.POOL_NAMES[pool]} {item}")

    def offer_item(self, pool: int, item: Item, timeout: float = 30) -> None:
        """AddKvpItems or ModifyKvpItems: keeps the item and sends it."""
        self.items[pool][item.key] = item
        self.set(pool, item, timeout)

    def withdraw_item(self, pool: int, key: str, timeout: float = 30) -> None:
        """RemoveKvpItems: forgets the item and deletes it in the guest."""
        del self.items[pool][key]
        self.delete(pool, key, timeout)

    def wait_pushed(self, timeout: float = 60, count: int = 0) -> None:
        """Waits until the versions are agreed (at least @count times) and
        all of the host's items are in the guest."""
        self.wait_ready(timeout, count)
        with self._lock:	# held until ready() has replaced them
            pushes = list(self.pushes)
        for request in pushes:
            request.wait(timeout).check()

    # Operations ----------------------------------------------------------

    def set(self, pool: int, item: Item, timeout: float = 30) -> Request:
        """SET; raises StatusError unless the guest took it."""
        return self._submit_set(pool, item).wait(timeout).check()

    def get(self, pool: int, key: str, timeout: float = 30) -> Item:
        """GET; raises StatusError if there is no such key."""
        request = self.transact(
            kvpwire.pack_get(pool, key),
            f"GET {kvpwire.POOL_NAMES.get(pool, pool)} {key!r}",
            timeout).check()
        return kvpwire.unpack_get(request.body)

    def delete(self, pool: int, key: str, timeout: float = 30) -> Request:
        """DELETE; raises StatusError if there is no such key."""
        return self.transact(
            kvpwire.pack_delete(pool, key),
            f"DELETE {kvpwire.POOL_NAMES.get(pool, pool)} {key!r}",
            timeout).check()

    def enumerate_one(self, pool: int, index: int,
                      timeout: float = 30) -> Item | None:
        """ENUMERATE at one index; None past the end."""
        request = self.transact(
            kvpwire.pack_enumerate(pool, index),
            f"ENUMERATE {kvpwire.POOL_NAMES.get(pool, pool)} #{index}",
            timeout)
        if request.status == NO_MORE_ITEMS:
            return None
        request.check()
        return kvpwire.unpack_enumerate(request.body, index)

    def enumerate(self, pool: int, timeout: float = 30) -> list[Item]:
        """Counts up from 0 until there are no more items."""
        items: list[Item] = []
        while item := self.enumerate_one(pool, len(items), timeout):
            items.append(item)
        return items

    def refresh(self) -> None:
        """Reads GUEST and AUTO anew, for the component's item arrays."""
        self.guest_items = self.enumerate(kvpwire.GUEST)
        self.intrinsic_items = self.enumerate(kvpwire.AUTO)

    @property
    def binary_ip(self) -> bool:
        """The negotiated version has the binary IP messages."""
        return self.msg is not None and self.msg >= (5, 0)

    def get_ip_info(self, adapter: str, family: int = kvpwire.FAMILY_NONE,
                    timeout: float = 40) -> IpInfo:
        """GET_IP_INFO, in the form of the negotiated version."""
        request = self.submit(
            self.pack_ip(kvpwire.GET_IP_INFO, IpInfo(adapter, family)),
            f"GET_IP_INFO {adapter}").wait(timeout).check()
        return self._unpack_ip(request.body)

    def submit_set_ip_info(self, info: IpInfo) -> Request:
        """SET_IP_INFO without waiting: the caller is the agent's side too."""
        return self.submit(self.pack_ip(kvpwire.SET_IP_INFO, info),
                           f"SET_IP_INFO {info.adapter}")

    def set_ip_info(self, info: IpInfo, timeout: float = 40) -> Request:
        """SET_IP_INFO, in the form of the negotiated version."""
        return self.submit_set_ip_info(info).wait(timeout).check()

    def pack_ip(self, operation: int, info: IpInfo) -> bytes:
        """An IP message in the form of the negotiated version."""
        if self.binary_ip:
            return kvpwire.pack_ip_binary(operation, info)
        return kvpwire.pack_ip_strings(operation, info)

    def _unpack_ip(self, body: bytes) -> IpInfo:
        if self.binary_ip:
            return kvpwire.unpack_ip_binary(body)
        return kvpwire.unpack_ip_strings(body)

    def inspect(self, request: Request) -> None:
        """Holds an answer's body against the rules, whoever asked."""
        asked = icwire.unpack(request.payload)[1]
        if len(asked) < 2 or request.status:
            return
        body = request.body
        if body[:2] != asked[:2]:
            raise Violation(f"answer to operation {asked[0]} pool {asked[1]} "
                            f"says operation {body[0]} pool {body[1]}")
        if body[0] == kvpwire.GET and len(body) == kvpwire.BODY_SIZE:
            kvpwire.unpack_get(body)
        elif body[0] == kvpwire.ENUMERATE and len(body) == kvpwire.BODY_SIZE:
            kvpwire.unpack_enumerate(
                body, int.from_bytes(asked[4:8], "little"))
        elif (body[0] == kvpwire.GET_IP_INFO
              and len(body) == kvpwire.IP_BODY_SIZE):
            self._unpack_ip(body)

    # Capabilities --------------------------------------------------------

    def capabilities(self, limit: int = 2000) -> dict[str, object]:
        """Finds out what this guest can do, by trying: versions, value
        types, longest strings, GET, and how many items EXTERNAL takes (up
        to @limit). Leaves the pool as it was."""
        found: dict[str, object] = {"framework": icwire.version_text(self.fw),
                                    "message": icwire.version_text(self.msg)}
        probe = "hvhost.probe"
        types = []
        for item in (Item(probe, "text"), Item(probe, "text",
                                               kvpwire.EXPAND_SZ),
                     Item(probe, 0x12345678, kvpwire.DWORD),
                     Item(probe, 0x123456789abcdef0, kvpwire.QWORD)):
            if self._survives(item):
                types.append(kvpwire.TYPE_NAMES[item.type])
        found["types"] = types
        found["key_units"] = self._longest(
            kvpwire.KEY_UNITS, lambda n: Item("k" * n, "v"))
        found["value_units"] = self._longest(
            kvpwire.VALUE_UNITS, lambda n: Item(probe, "v" * n))
        found["get"] = self._get_works(Item(probe, "text"))
        found["items"] = self._room(limit)
        return found

    def _find(self, key: str) -> Item | None:
        return next((i for i in self.enumerate(EXTERNAL) if i.key == key),
                    None)

    def _survives(self, item: Item) -> bool:
        """A SET value comes back from ENUMERATE as it was."""
        try:
            self.set(EXTERNAL, item)
            return self._find(item.key) == item
        except StatusError:
            return False
        finally:
            self._forget(item.key)

    def _get_works(self, item: Item) -> bool:
        try:
            self.set(EXTERNAL, item)
            return self.get(EXTERNAL, item.key) == item
        except StatusError:
            return False
        finally:
            self._forget(item.key)

    def _forget(self, key: str) -> None:
        try:
            self.delete(EXTERNAL, key)
        except StatusError as error:
            if error.status != NO_MORE_ITEMS:
                raise

    def _longest(self, most: int, item) -> int:
        """The longest string that survives; the protocol's limit first."""
        low, high = 0, most
        if self._survives(item(most)):
            return most
        while low + 1 < high:
            middle = (low + high) // 2
            if self._survives(item(middle)):
                low = middle
            else:
                high = middle
        return low

    def _room(self, limit: int) -> dict[str, object]:
        """How many more items fit, and the status when no more do."""
        keys: list[str] = []
        status = 0
        for n in range(limit):
            try:
                self.set(EXTERNAL, Item(f"hvhost.room.{n}", "x"))
            except StatusError as error:
                status = error.status
                break
            keys.append(f"hvhost.room.{n}")
        for key in reversed(keys):
            self.delete(EXTERNAL, key)
        return {"room": len(keys), "status": icwire.status_name(status)}


def default_items(vm_id: str, vm_name: str) -> dict[int, list[Item]]:
    """What Hyper-V tells every guest about its host (pool AUTO_EXTERNAL).

    Keys: "Data Exchange" in Microsoft's documentation of integration
    services, below Guest\\Parameters.
    """
    host = "hvhost.example"
    return {AUTO_EXTERNAL: [
        Item("HostName", host),
        Item("HostingSystemEditionId", "8"),
        Item("HostingSystemNestedLevel", "0"),
        Item("HostingSystemOsMajor", "10"),
        Item("HostingSystemOsMinor", "0"),
        Item("HostingSystemProcessorArchitecture", "9"),
        Item("HostingSystemProcessorIdleStateMax", "0"),
        Item("HostingSystemProcessorThrottleMax", "100"),
        Item("HostingSystemProcessorThrottleMin", "5"),
        Item("HostingSystemSpMajor", "0"),
        Item("HostingSystemSpMinor", "0"),
        Item("PhysicalHostName", "HVHOST"),
        Item("PhysicalHostNameFullyQualified", host),
        Item("VirtualMachineDynamicMemoryBalancingEnabled", "0"),
        Item("VirtualMachineId", vm_id),
        Item("VirtualMachineName", vm_name),
    ]}
