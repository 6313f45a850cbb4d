# SPDX-License-Identifier: GPL-2.0
"""What the driver shows to those who watch it: tracepoints, and sysfs with
its parameters."""
import re

from guests import HV_KVP, Setup
from hvhost.kvpwire import EXTERNAL, Item
from scenario import Test, scenario
from scenarios.sysfs import SYS, shown

OURS = (HV_KVP,)
TRACE = "/sys/kernel/tracing"


@scenario(guests=OURS)
def tracepoints(t: Test) -> None:
    """One line for each transaction, with sizes and never with contents."""
    t.sh(f"[ -d {TRACE}/events ] || mount -t tracefs t {TRACE}")
    t.sh(f"echo >{TRACE}/trace; echo 1 >{TRACE}/events/hv_kvp/enable")
    t.kvp.set(EXTERNAL, Item("secret", "hidden"))
    t.equal(t.kvp.get(EXTERNAL, "secret"), Item("secret", "hidden"))
    t.equal(t.kvp.enumerate(EXTERNAL), [Item("secret", "hidden")])
    t.kvp.delete(EXTERNAL, "secret")
    t.kvp.raw(bytes(40))
    t.works()
    t.sh(f"echo 0 >{TRACE}/events/hv_kvp/enable")

    text = t.sh(f"cat {TRACE}/trace")
    t.true("secret" not in text and "hidden" not in text,
           "contents in the trace")
    lines = re.findall(r"hkvp_\w+: .*", text)
    key, value = "key_size=14", "value_size=14"
    for number, wanted in enumerate((
            f"op=set pool=0 index=0 {key} {value} status=0x00000000",
            f"op=get pool=0 index=0 {key} {value} status=0x00000000",
            f"op=enumerate pool=0 index=0 {key} {value} status=0x00000000",
            "op=enumerate pool=0 index=1 key_size=0 value_size=0 "
            "status=0x80070103",
            f"op=delete pool=0 index=0 {key} value_size=0 status=0x00000000",
            "hkvp_drop: reason=pipe_size len=40")):
        t.true(wanted in lines[number], f"{wanted!r} in {lines[number]!r}")

    before = len(lines)
    t.works()
    t.equal(len(re.findall(r"hkvp_\w+: ", t.sh(f"cat {TRACE}/trace"))),
            before, "lines after the events were switched off")


@scenario(Setup(params="sysfs_items=20 sysfs_mode=0444"), guests=OURS)
def more_items_than_files(t: Test) -> None:
    """As many files as allowed; what has none is counted, and gets one when
    there is room. The mode is the one asked for."""
    keys = [f"k{n}" for n in range(30)]
    for key in keys:
        t.kvp.set(EXTERNAL, Item(key, "v"))
    t.equal(shown(t, "external"), set(keys[:20]))
    t.equal(t.sh(f"cat {SYS}/external/items_left_out"), "10")
    for key in keys[:15]:
        t.kvp.delete(EXTERNAL, key)
    t.equal(shown(t, "external"), set(keys[15:]))
    t.equal(t.sh(f"cat {SYS}/external/items_left_out"), "0")
    t.equal(t.sh(f"stat -c %a {SYS}/external/items/k20"), "444")
    t.equal(t.sh(f"cat {SYS}/limits/sysfs_items"), "20")
