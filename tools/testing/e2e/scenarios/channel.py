# SPDX-License-Identifier: GPL-2.0
"""The channel under the conversation: rescinds, closes, full rings."""
import time

from guests import HV_KVP, STOCK
from hvhost import icwire, kvpwire
from hvhost.ic import ChannelClosed, State
from hvhost.kvpwire import EXTERNAL, GUEST, Item, pack_enumerate
from scenario import Test, scenario

DRIVER = "/sys/bus/vmbus/drivers/"
KVP_ID = "242ff919-07db-4180-9c2e-b86cb68c8c55"


def fill(t: Test, count: int = 5) -> list[Item]:
    """Items of the guest's, which a new connection must find again."""
    items = [Item(f"kept{n}", f"value {n}") for n in range(count)]
    for item in items:
        t.kvp.set(GUEST, item)
    return items


def rescind_and_reoffer(t: Test) -> None:
    """Withdraws the device, waits until the guest let go, offers it anew
    and waits until all is negotiated and pushed again."""
    count = t.kvp.negotiations
    t.device.rescind().result()
    t.device.wait_state("none")
    t.equal(t.kvp.state, State.LOST)
    t.device.reoffer().result()
    t.device.wait_open()
    t.kvp.wait_pushed(60, count + 1)


def reload(t: Test, reoffered: bool) -> None:
    """The guest closes the channel and opens it again."""
    count = t.kvp.negotiations
    if t.guest == STOCK:
        t.sh(f"echo {KVP_ID} >{DRIVER}hv_utils/unbind", 60)
    else:
        t.sh(f"echo {KVP_ID} >{DRIVER}hv_kvp/unbind", 60)
    if not reoffered:
        name = "hv_utils" if t.guest == STOCK else "hv_kvp"
        t.sh(f"echo {KVP_ID} >{DRIVER}{name}/bind", 60)
    t.kvp.wait_pushed(60, count + 1)


@scenario(smoke=True)
def rescind(t: Test) -> None:
    """The host withdraws the device and offers it again, three times; the
    pools are kept."""
    items = fill(t)
    for _ in range(3):
        rescind_and_reoffer(t)
        t.equal(t.kvp.enumerate(GUEST), items)
    t.works()


@scenario()
def rescind_while_a_request_is_out(t: Test) -> None:
    """Right behind a request: the next connection works."""
    items = fill(t)
    for _ in range(5):
        count = t.kvp.negotiations
        out = t.kvp.submit(pack_enumerate(GUEST, 0), "out")
        t.device.rescind()
        t.device.wait_state("none")
        t.device.reoffer().result()
        t.kvp.wait_pushed(60, count + 1)
        try:
            out.wait(1)
        except ChannelClosed:
            pass
    t.equal(t.kvp.enumerate(GUEST), items)


@scenario()
def rescind_while_negotiating(t: Test) -> None:
    """Right behind NEGOTIATE."""
    items = fill(t)
    for _ in range(3):
        t.kvp.negotiate()
        rescind_and_reoffer(t)
    t.equal(t.kvp.enumerate(GUEST), items)


@scenario(guests=(HV_KVP,))
def signalled_before_there_are_rings(t: Test) -> None:
    """A host that raises the channel's event while the guest still waits for
    the answer to its GPADL, at the first opening of a device and the next
    ones. Not for the stock guest, whose callback reads the ring all the same."""
    items = fill(t)
    t.host.machine.vmbus.configure(early_signal=True)
    try:
        for _ in range(3):
            rescind_and_reoffer(t)
            reload(t, False)
    finally:
        t.host.machine.vmbus.configure(early_signal=False)
    t.equal(t.kvp.enumerate(GUEST), items)
    t.works()


@scenario(guests=(HV_KVP,))
def rescind_of_a_channel_just_opened(t: Test) -> None:
    """Before anything was said, while the guest is still opening. Not for
    the stock guest: hv_utils panics where vmbus_open() fails."""
    items = fill(t)
    for _ in range(5):
        t.kvp.auto_negotiate = False
        t.device.rescind().result()
        t.device.wait_state("none")
        t.device.reoffer().result()
        t.device.wait_open()
        t.kvp.auto_negotiate = True
        rescind_and_reoffer(t)
    t.equal(t.kvp.enumerate(GUEST), items)


@scenario()
def rescind_with_a_full_ring(t: Test) -> None:
    """Answers wait for room when the device is withdrawn."""
    items = fill(t)
    t.device.stall().result()
    body = icwire.pack(icwire.Header(icwire.MSG_KVP, 0, t.kvp.fw, t.kvp.msg),
                       pack_enumerate(GUEST, 0))
    for _ in range(16):
        t.kvp.raw(body)
    time.sleep(0.3)
    count = t.kvp.negotiations
    t.device.rescind().result()
    t.device.wait_state("none")
    t.device.stall(False).result()
    t.device.reoffer().result()
    t.kvp.wait_pushed(60, count + 1)
    t.equal(t.kvp.enumerate(GUEST), items)


@scenario()
def rescind_in_an_enumeration(t: Test) -> None:
    """Between two indices; the next connection starts over."""
    items = fill(t, 10)
    for n in range(5):
        t.equal(t.kvp.enumerate_one(GUEST, n), items[n])
    rescind_and_reoffer(t)
    t.equal(t.kvp.enumerate_one(GUEST, 5), items[5])
    t.equal(t.kvp.enumerate(GUEST), items)


@scenario()
def long_without_a_device(t: Test) -> None:
    """The host takes its time to offer the device again."""
    items = fill(t)
    count = t.kvp.negotiations
    t.device.rescind().result()
    t.device.wait_state("none")
    time.sleep(2)
    t.device.reoffer().result()
    t.kvp.wait_pushed(60, count + 1)
    t.equal(t.kvp.enumerate(GUEST), items)


@scenario()
def closed_and_kept(t: Test) -> None:
    """The guest closes and opens the channel on a host that leaves a closed
    device alone, as OpenVMM does."""
    items = fill(t)
    for _ in range(3):
        reload(t, False)
        t.equal(t.kvp.enumerate(GUEST), items)


@scenario()
def closed_and_offered_anew(t: Test) -> None:
    """The same on a host that withdraws a closed device and offers it as a
    new one, as Hyper-V does."""
    items = fill(t)
    t.reoffers()
    for _ in range(3):
        reload(t, True)
        t.equal(t.kvp.enumerate(GUEST), items)


@scenario()
def full_ring(t: Test) -> None:
    """A host that does not read: answers wait and none is lost."""
    items = fill(t)
    t.device.stall().result()
    ids = []
    for n in range(40):
        ids.append(t.kvp.raw(icwire.pack(
            icwire.Header(icwire.MSG_KVP, 0, t.kvp.fw, t.kvp.msg,
                          tid=n),
            pack_enumerate(GUEST, n % len(items)))))
    time.sleep(0.5)
    t.true(not any(t.kvp.raw_replies(i) for i in ids), "the host has read")
    t.device.stall(False).result()
    for n, trans_id in enumerate(ids):
        header, body = icwire.unpack(t.kvp.raw_reply(trans_id).payload)
        t.equal((header.status, header.tid), (0, n), f"answer {n}")
        t.equal(kvpwire.unpack_enumerate(body, n % len(items)),
                items[n % len(items)])
    t.true(all(len(t.kvp.raw_replies(i)) == 1 for i in ids),
           "an answer came twice")
    t.works()


@scenario()
def full_ring_for_long(t: Test) -> None:
    """Five seconds without reading, then NEGOTIATE: all answered."""
    t.device.stall().result()
    body = icwire.pack(icwire.Header(icwire.MSG_KVP, 0, t.kvp.fw, t.kvp.msg),
                       pack_enumerate(EXTERNAL, 0))
    ids = [t.kvp.raw(body) for _ in range(12)]
    time.sleep(5)
    t.device.stall(False).result()
    for trans_id in ids:
        t.kvp.raw_reply(trans_id)
    t.kvp.negotiate().wait(30)
    t.works()


@scenario(guests=(HV_KVP,))
def a_hundred_requests_at_once(t: Test) -> None:
    """Against the rule of one transaction at a time: each is answered, in
    order. The stock guest loses some, but not each time."""
    items = fill(t)
    ids = [t.kvp.raw(icwire.pack(
        icwire.Header(icwire.MSG_KVP, 0, t.kvp.fw, t.kvp.msg, tid=n),
        pack_enumerate(GUEST, n % len(items)))) for n in range(100)]
    replies = [t.kvp.raw_reply(i, 30) for i in ids]
    t.equal([icwire.unpack(r.payload)[0].tid for r in replies],
            list(range(100)))
    t.equal(sorted(r.tsc for r in replies), [r.tsc for r in replies],
            "order of the answers")
