# SPDX-License-Identifier: GPL-2.0
"""What other hosts may do as well, and be right."""
from guests import HV_KVP
from hvhost import icwire
from hvhost.kvpwire import GUEST, Item, pack_enumerate, unpack_enumerate
from hvhost.vmbus import SIGNAL_ALWAYS, SIGNAL_EACH, SIGNAL_EDGE
from scenario import Test, scenario

OURS = (HV_KVP,)
COMPLETION_REQUESTED = 1	# of a VMBus packet, include/linux/hyperv.h


def enumerate_request(tid: int) -> bytes:
    """A request for the first item of GUEST."""
    return icwire.pack(icwire.Header(icwire.MSG_KVP, 0, (3, 0), (5, 0),
                                     tid=tid), pack_enumerate(GUEST, 0))


@scenario(guests=OURS)
def a_request_before_negotiate(t: Test) -> None:
    """It is told that there is no connection; then all is as ever."""
    item = Item("a", "b")
    t.kvp.set(GUEST, item)
    t.kvp.auto_negotiate = False
    t.device.rescind().result()
    t.device.wait_state("none")
    t.device.reoffer().result()
    t.device.wait_open()
    header, _ = icwire.unpack(
        t.kvp.raw_reply(t.kvp.raw(enumerate_request(7))).payload)
    t.equal((icwire.status_name(header.status), header.tid),
            ("NOT_CONNECTED", 7))
    t.kvp.negotiate().wait(30)
    t.equal(t.kvp.enumerate(GUEST), [item])


@scenario(guests=OURS)
def a_completion_is_asked_for(t: Test) -> None:
    """The answer is a packet of data all the same, and comes once."""
    item = Item("a", "b")
    t.kvp.set(GUEST, item)
    ids = [t.kvp.raw(enumerate_request(n), flags=COMPLETION_REQUESTED)
           for n in range(3)]
    for n, trans_id in enumerate(ids):
        packet = t.kvp.raw_reply(trans_id)
        header, body = icwire.unpack(packet.payload)
        t.equal((packet.type, header.status, header.tid), (6, 0, n))
        t.equal(unpack_enumerate(body, 0), item)
    t.works()
    t.equal([len(t.kvp.raw_replies(i)) for i in ids], [1, 1, 1])


@scenario(guests=OURS)
def more_signals_than_needed(t: Test) -> None:
    """One at each packet, also where the guest wants none; and some for
    nothing at all."""
    vmbus = t.host.machine.vmbus
    item = Item("a", "b")
    t.kvp.set(GUEST, item)
    try:
        for policy in (SIGNAL_EACH, SIGNAL_ALWAYS):
            vmbus.configure(signal_policy=policy)
            ids = [t.kvp.raw(enumerate_request(n)) for n in range(80)]
            for _ in range(20):
                t.device.signal()
            for n, trans_id in enumerate(ids):
                header, body = icwire.unpack(
                    t.kvp.raw_reply(trans_id, 30).payload)
                t.equal((header.status, header.tid), (0, n))
                t.equal(unpack_enumerate(body, 0), item)
            t.equal({len(t.kvp.raw_replies(i)) for i in ids}, {1})
    finally:
        vmbus.configure(signal_policy=SIGNAL_EDGE)
    t.works()
