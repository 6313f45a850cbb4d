# SPDX-License-Identifier: GPL-2.0
"""Offers and rescinds of the KVP device in quick succession, with hv_kvp, with
hv_utils and without a driver."""
import time

import leaks
from guests import HV_KVP, STOCK, Setup
from scenario import Test, scenario
from scenarios.takeover import BUS, SECOND_ID, THIRD_ID

ROUNDS = 1000
SOME = 60		# in `make check`
# Seconds from an offer to the rescind: both messages at once, or while the
# guest makes the device, probes it, opens its channel and negotiates.
DELAYS = (0.0, 0.0, 0.0002, 0.0, 0.001, 0.003, 0.01)
OTHERS = (SECOND_ID, THIRD_ID)
# Of a class that no driver has.
NO_CLASS = "c2d1a9f0-3c4b-4c5e-9e57-6d1a5ef2b7c1"


def come_and_go(t: Test, rounds: int) -> float:
    """Each offer is followed by its rescind, and that by the next offer as soon
    as the guest has released the device. Others, which nobody drives, come and
    go beside it. Returns how long it took."""
    vmbus = t.host.machine.vmbus
    others = [vmbus.add(f"other{n}", NO_CLASS, instance)
              for n, instance in enumerate(OTHERS)]
    devices = [t.device, *others]
    began = time.monotonic()
    for device in devices:
        device.rescind().result()
    for n in range(rounds):
        for device in devices:
            device.wait_state("none", 60)
        for at, device in enumerate(devices):
            delay = DELAYS[(n + at) % len(DELAYS)]
            device.reoffer()
            if delay:
                time.sleep(delay)
            device.rescind().result()
    for device in devices:
        device.wait_state("none", 60)
    took = time.monotonic() - began
    for device in others:
        device.remove().result()
    left = t.sh(f"ls {BUS}/devices")
    t.true(not any(i in left for i in (*OTHERS, str(t.device.instance_id))),
           f"devices are left: {left}")
    return took


def served_again(t: Test) -> None:
    """One more offer, which stays."""
    count = t.kvp.negotiations
    t.device.reoffer().result()
    t.kvp.wait_pushed(60, count + 1)
    t.works()


@scenario(guests=(HV_KVP,))
def in_quick_succession(t: Test) -> None:
    """With hv_kvp. Not for the stock guest: hv_utils does not survive a
    vmbus_open() that fails, which is what it meets here."""
    come_and_go(t, SOME)
    served_again(t)


@scenario(Setup(start="none"), guests=(HV_KVP,))
def without_a_driver(t: Test) -> None:
    """VMBus alone."""
    come_and_go(t, SOME)
    t.device.reoffer().result()
    t.sh("insmod /modules/hv_kvp.ko")
    t.kvp.wait_pushed(30)
    t.sh("rmmod hv_kvp", 60)
    t.device.wait_state("offered")


@scenario(guests=(HV_KVP,), proof=("6.1", "6.12", "7.3", "debug"), limit=900)
def thousand(t: Test) -> None:
    """A thousand of them with hv_kvp, which leaves nothing behind."""
    leaks.begin(t)
    took = come_and_go(t, ROUNDS)
    print(f"# {ROUNDS} offers in {took:.0f} s", flush=True)
    served_again(t)
    leaks.check(t)


@scenario(Setup(start="none"), guests=(HV_KVP,),
          proof=("6.1", "6.12", "7.3", "debug"), limit=900)
def thousand_without_a_driver(t: Test) -> None:
    """The same with VMBus alone."""
    come_and_go(t, ROUNDS)
    t.device.reoffer().result()
    t.device.wait_state("offered")


@scenario(guests=(STOCK,), proof=("6.1", "6.12", "7.3"), dirty=True, limit=900)
def thousand_with_hv_utils(t: Test) -> None:
    """The same with hv_utils and its daemon, for comparison: where the device is
    gone by the time that it opens the channel, it ruins a list."""
    come_and_go(t, ROUNDS)
    served_again(t)
