# SPDX-License-Identifier: GPL-2.0
"""What a person with a shell sees in the guest."""
import random
import time

from guests import HV_KVP, Setup
from hvhost import icwire, kvpwire
from hvhost.agent import Job
from hvhost.kvpwire import (AUTO_EXTERNAL, DWORD, EXTERNAL, GUEST, QWORD,
                            Item)
from scenario import Failed, Test, scenario
from scenarios.device import DEVICE

OURS = (HV_KVP,)
SYS = "/sys/class/misc/hv_kvp"
# Together as many files as there may be, and as many agents' items: DEVICE.
HOST_KEYS, AGENT_KEYS = 7000, 3000
# More than there may be files.
MORE_HOST_KEYS, MORE_AGENT_KEYS = 9000, 6000
BIG = Setup(selftests=True, memory=768, cpus=2)
CHECKED = Setup(selftests=True, memory=768)


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
    # each pool has a worker of its own
    for name, value in (("external/items/greeting", "hello"),
                        ("auto_external/items/HostName", "h.example")):
        t.eventually(lambda name=name, value=value: t.host.run(
            f"cat {SYS}/{name}", check=False).text == value,
            f"{name} is in sysfs", 5)
    t.equal(t.sh(f"cat {SYS}/operational_status"), "OK")
    t.sh("rmmod hv_kvp")
    t.equal(t.sh(f"ls -d {SYS} 2>/dev/null || echo gone"), "gone")
    # a mode that is none of the three loads nothing
    for mode in ("0404", "0000", "0600"):
        t.sh(f"! insmod /modules/hv_kvp.ko sysfs_mode={mode}")


@scenario(guests=OURS)
def counters(t: Test) -> None:
    """Operations and their outcomes are counted."""
    def read(name: str) -> int:
        return int(t.sh(f"cat /sys/kernel/debug/hv_kvp/{name}"))

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


# Who waits ------------------------------------------------------------------

def waiting(t: Test, arguments: str, first: bytes) -> Job:
    """Starts hv_kvp_events and waits until it listens."""
    job = t.host.spawn(f"hv_kvp_events {arguments}")
    t.eventually(lambda: job.stdout.endswith(first + b"\n"),
                 f"hv_kvp_events {arguments} says {first!r}")
    return job


def lines(job: Job) -> list[str]:
    """What it has said so far."""
    return job.stdout.decode().splitlines()


@scenario(DEVICE, guests=OURS)
def poll_wakes_for_the_host(t: Test) -> None:
    """poll() on the files that tell of a pool's versions and of the state."""
    files = ["external/generation", "external/items_generation",
             "auto_external/generation", "operational_status"]
    # What came before still wakes; then it is quiet.
    t.kvp.set(EXTERNAL, Item("k", "1"))
    shown(t, "external")
    time.sleep(0.3)
    job = waiting(t, f"poll {' '.join(f'{SYS}/{file}' for file in files)}",
                  b"polling")
    generation = int(t.sh(f"cat {SYS}/external/generation"))
    quiet = len(lines(job))

    def told(file: str, text: object) -> bool:
        return f"{SYS}/{file} {text}" in lines(job)[quiet:]

    t.kvp.set(EXTERNAL, Item("k", "2"))
    for file in files[:2]:
        t.eventually(lambda file=file: told(file, generation + 1),
                     f"{file} tells of the host's change")
    t.kvp.negotiate([(7, 0)]).wait(30)
    t.eventually(lambda: told(files[3], "Non-Recoverable Error"),
                 "the state is told")
    t.equal([line for line in lines(job)[quiet:] if files[2] in line], [],
            "another pool's file")
    t.device.rescind().result()
    t.device.wait_state("none")
    t.eventually(lambda: told(files[3], "Lost Communication"),
                 "the loss of the channel is told")
    t.true(job.running, "it still waits")
    count = t.kvp.negotiations
    t.kvp.versions = [(5, 0)]
    t.device.reoffer().result()
    t.kvp.wait_pushed(60, count + 1)
    t.eventually(lambda: told(files[3], "OK"), "the new connection is told")
    job.kill()


@scenario(DEVICE, guests=OURS)
def uevents(t: Test) -> None:
    """A KOBJ_CHANGE tells which pools changed and of the state; at most one a
    second, and the last change is always told."""
    t.kvp.set(EXTERNAL, Item("k", "0"))
    time.sleep(1.5)
    job = waiting(t, "uevent", b"listening")

    def told() -> list[dict[str, str]]:
        return [dict(v.split("=", 1) for v in line.split(";") if v)
                for line in lines(job)[1:]]

    began = time.monotonic()
    changes = 0
    while time.monotonic() - began < 3:
        changes += 1
        t.kvp.set(EXTERNAL, Item("k", f"secret {changes}"))
    generation = t.sh(f"cat {SYS}/external/generation")
    t.eventually(lambda: told() and told()[-1].get(
        "HV_KVP_EXTERNAL_GENERATION") == generation, "the last one is told")
    took = time.monotonic() - began
    t.true(2 <= len(told()) <= took + 2,
           f"{len(told())} uevents in {took:.1f} s for {changes} changes")
    t.equal({tuple(sorted(one)) for one in told()},
            {("HV_KVP_EXTERNAL_GENERATION", "HV_KVP_INSTANCE", "HV_KVP_POOLS")})
    t.equal({one["HV_KVP_POOLS"] for one in told()}, {"external"})
    t.true("secret" not in job.stdout.decode(), "no values")
    before = int(t.sh(f"cat {SYS}/connections"))
    t.device.rescind().result()
    t.device.wait_state("none")
    t.eventually(lambda: told()[-1].get("HV_KVP_STATE") == "lost",
                 "the loss of the channel is told")
    count = t.kvp.negotiations
    t.device.reoffer().result()
    t.kvp.wait_pushed(60, count + 1)
    t.eventually(lambda: [one for one in told()
                          if one.get("HV_KVP_STATE") == "ok"
                          and one["HV_KVP_CONNECTIONS"] == str(before + 1)],
                 "the new connection is told")
    instance = t.sh(f"cat {SYS}/instance")
    t.equal({one["HV_KVP_INSTANCE"] for one in told()}, {instance})
    t.true(not [v for one in told() for v in one.values() if " " in v],
           "one word a variable")
    job.kill()


# The whole tree -------------------------------------------------------------

def host_items(t: Test, rng: random.Random, keys: int, sets: float,
               order: list[int]) -> None:
    """One SET, or else a DELETE, of each key that @order names."""
    header = icwire.Header(icwire.MSG_KVP, 0, t.kvp.fw, t.kvp.msg)
    requests = []
    for n in order:
        key = f"host/{n % keys:05}"
        requests.append(icwire.pack(header, kvpwire.pack_set(
            GUEST, Item(key, f"value {rng.randrange(1000)}"))
            if rng.random() < sets else kvpwire.pack_delete(GUEST, key)))
    for packet in t.device.transact(requests, 60):
        answer, _ = icwire.unpack(packet.payload)
        name = icwire.status_name(answer.status)
        if name not in ("OK", "NO_MORE_ITEMS", "NOT_FOUND"):
            raise Failed(f"status {name}")


def compare_tree(t: Test) -> str:
    """Names and values of all files are those of the pool's items."""
    return t.sh(f"hv_kvp_tree compare {GUEST} {SYS}/guest", 120)


def tree_under_storm(t: Test, host_keys: int, agent_keys: int,
                     seconds: float) -> None:
    """Fills the pool, has the host and an agent change it at the same time as
    fast as they can, and compares; then all of it goes."""
    rng = random.Random(int(time.time()))
    began = time.monotonic()
    agent = t.host.spawn(f"hv_kvp_tree fill {agent_keys}")
    for start in range(0, host_keys, 500):
        host_items(t, rng, host_keys, 1,
                   list(range(start, min(start + 500, host_keys))))
    t.equal(agent.wait(120).text, f"{agent_keys} filled")
    full = compare_tree(t)
    t.equal(full.split()[0], str(host_keys + agent_keys))
    print(f"# {full} after {time.monotonic() - began:.1f} s", flush=True)
    slowest, changes = 0.0, 0
    agent = t.host.spawn(f"hv_kvp_tree storm {seconds} {agent_keys} "
                         f"{rng.randrange(1 << 30)}")
    while agent.running:
        start = time.monotonic()
        host_items(t, rng, host_keys, 0.7,
                   [rng.randrange(host_keys) for _ in range(200)])
        slowest = max(slowest, time.monotonic() - start)
        changes += 200
    said = agent.wait(60).text
    t.true(said.endswith(" changes"), f"the agent says {said!r}")
    print(f"# {changes} requests of the host, {said} of the agent's; "
          f"200 requests took at most {slowest:.2f} s", flush=True)
    t.true(slowest < 20, f"the host waited {slowest:.1f} s for 200 answers")
    print(f"# {compare_tree(t)}", flush=True)
    t.sh("hv_kvp_tree clear", 60)
    t.equal(compare_tree(t), "0 items, 0 files, equal")


@scenario(DEVICE, guests=OURS)
def tree_of_ten_thousand(t: Test) -> None:
    """sysfs equals the pool of 10,000 items after a storm of changes."""
    tree_under_storm(t, HOST_KEYS, AGENT_KEYS, 3)


@scenario(BIG, guests=OURS, proof=("6.1",))
def tree_with_more_than_fit(t: Test) -> None:
    """The same for longer, with more items than files, on two CPUs."""
    tree_under_storm(t, MORE_HOST_KEYS, MORE_AGENT_KEYS, 25)


@scenario(CHECKED, guests=OURS, proof=("debug",))
def tree_with_checks(t: Test) -> None:
    """The same with few items, where checks slow down every step."""
    tree_under_storm(t, 500, 300, 10)
