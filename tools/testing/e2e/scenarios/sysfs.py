# SPDX-License-Identifier: GPL-2.0
"""What a person with a shell sees in the guest."""
from guests import HV_KVP, Setup
from hvhost.kvpwire import (AUTO_EXTERNAL, DWORD, EXTERNAL, GUEST, QWORD,
                            Item)
from scenario import Test, scenario

OURS = (HV_KVP,)
SYS = "/sys/class/misc/hv_kvp"


def shown(t: Test, pool: str) -> set[str]:
    """Names of the item files of a pool, once they show the last change."""
    t.eventually(lambda: t.sh(
        f"cd {SYS}/{pool} && cat generation items_generation | uniq | wc -l")
        == "1", f"items/ of {pool} shows the last change")
    return set(t.sh(f"ls {SYS}/{pool}/items").split("\n")) - {""}


@scenario(smoke=True, guests=OURS)
def what_the_host_pushed(t: Test) -> None:
    """`cat` shows it at once."""
    t.kvp.offer_item(EXTERNAL, Item("greeting", "hello from the host"))
    t.kvp.offer_item(AUTO_EXTERNAL, Item("HostName", "h.example"))
    t.eventually(lambda: t.host.run(f"cat {SYS}/external/items/greeting",
                                    check=False).text
                 == "hello from the host", "the file has the value")
    t.equal(shown(t, "external"), {"greeting"})
    t.equal(t.sh(f"cat {SYS}/auto_external/items/HostName"), "h.example")


@scenario(guests=OURS)
def values_are_live(t: Test) -> None:
    """A changed value is there with the answer to the SET; a deleted item's
    file goes."""
    t.kvp.set(EXTERNAL, Item("k", "one"))
    shown(t, "external")
    for value in ("two", "", "three " * 100):
        t.kvp.set(EXTERNAL, Item("k", value))
        t.equal(t.host.run(f"cat {SYS}/external/items/k").stdout,
                value.encode())
    t.kvp.delete(EXTERNAL, "k")
    t.equal(shown(t, "external"), set())


@scenario(guests=OURS)
def exact_bytes(t: Test) -> None:
    """UTF-8 without a newline, numbers in decimal."""
    for item, wanted in ((Item("s", "Wert \U0001f600"),
                          "Wert \U0001f600".encode()),
                         (Item("d", 0xffffffff, DWORD), b"4294967295"),
                         (Item("q", 1 << 63, QWORD), b"9223372036854775808"),
                         (Item("nl", "a\nb\n"), b"a\nb\n")):
        t.kvp.set(EXTERNAL, item)
        shown(t, "external")
        t.equal(t.host.run(f"cat {SYS}/external/items/{item.key}").stdout,
                wanted)


@scenario(guests=OURS)
def names_of_odd_keys(t: Test) -> None:
    """Every key has one legal name of its own."""
    keys = ["plain", "with space", "a/b", ".", "..", "%41", "A", "uml\u00e4ut",
            "new\nline", "k" * 255, "\U0001f511" * 127, "-rf", "x" * 254 + "/"]
    for key in keys:
        t.kvp.set(EXTERNAL, Item(key, f"<{key[:20]}>"))
    names = shown(t, "external")
    t.equal(len(names), len(keys), f"names {sorted(names)}")
    values = t.sh(f"cd {SYS}/external/items && for f in ./*; do "
                  "cat \"$f\"; echo; echo =; done").split("\n=\n")
    got = sorted(v.removesuffix("\n=") for v in values if v)
    t.equal(got, sorted(f"<{key[:20]}>" for key in keys))


@scenario(guests=OURS)
def only_root_reads_values(t: Test) -> None:
    """Values may be secrets."""
    t.kvp.set(EXTERNAL, Item("secret", "password"))
    shown(t, "external")
    t.equal(t.sh(f"stat -c %a {SYS}/external/items/secret"), "400")


@scenario(smoke=True, guests=OURS)
def status_files(t: Test) -> None:
    """Status and versions are those that the host sees."""
    t.equal(t.sh(f"cat {SYS}/operational_status"), "OK")
    t.equal(t.sh(f"cat {SYS}/enabled_state"), "Enabled")
    t.equal(t.sh(f"cat {SYS}/message_version {SYS}/framework_version"),
            "5.0\n3.0")
    t.kvp.negotiate([(1, 0), (6, 0)]).wait(30)
    t.equal(t.sh(f"cat {SYS}/operational_status {SYS}/message_version"),
            "Degraded\n1.0")
    t.kvp.negotiate([(7, 0)]).wait(30)
    t.equal(t.sh(f"cat {SYS}/operational_status"), "Non-Recoverable Error")
    t.device.rescind().result()
    t.device.wait_state("none")
    t.eventually(lambda: t.sh(f"cat {SYS}/operational_status")
                 == "Lost Communication", "Lost Communication")
    t.kvp.versions = [(5, 0)]
    t.device.reoffer().result()
    t.kvp.wait_ready()
    t.equal(t.sh(f"cat {SYS}/operational_status"), "OK")


@scenario(Setup(start="none"), guests=OURS, smoke=True)
def seconds_after_insmod(t: Test) -> None:
    """insmod, and the host's items can be read: no daemon, no files."""
    t.kvp.items[EXTERNAL]["greeting"] = Item("greeting", "hello")
    t.kvp.items[AUTO_EXTERNAL]["HostName"] = Item("HostName", "h.example")
    t.sh("insmod /modules/hv_kvp.ko")
    t.eventually(lambda: t.host.run(
        f"cat {SYS}/external/items/greeting", check=False).text == "hello",
        "the item is in sysfs", 5)
    t.equal(t.sh(f"cat {SYS}/auto_external/items/HostName"), "h.example")
    t.equal(t.sh(f"cat {SYS}/operational_status"), "OK")
    t.sh("rmmod hv_kvp")
    t.equal(t.sh(f"ls -d {SYS} 2>/dev/null || echo gone"), "gone")


@scenario(guests=OURS)
def counters(t: Test) -> None:
    """Operations and their outcomes are counted."""
    def read(name: str) -> int:
        return int(t.sh(f"cat {SYS}/statistics/{name}"))

    before = {n: read(n) for n in ("op_set", "op_get", "op_delete",
                                   "op_enumerate", "status_no_more_items")}
    t.kvp.set(GUEST, Item("a", "1"))
    t.kvp.get(GUEST, "a")
    t.kvp.enumerate(GUEST)
    t.kvp.delete(GUEST, "a")
    t.status("NO_MORE_ITEMS", lambda: t.kvp.get(GUEST, "a"))
    after = {n: read(n) for n in before}
    t.equal({n: after[n] - before[n] for n in before},
            {"op_set": 1, "op_get": 2, "op_delete": 1, "op_enumerate": 2,
             "status_no_more_items": 2})
