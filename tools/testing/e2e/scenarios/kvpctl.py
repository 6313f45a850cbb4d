# SPDX-License-Identifier: GPL-2.0
"""kvpctl in the guest, every subcommand, beside what the host sees."""
import gzip
import json
import shlex
import xml.etree.ElementTree as ET
import zlib
from dataclasses import dataclass

from guests import HV_KVP
from hvhost.agent import Job
from hvhost.component import DEGRADED, NON_RECOVERABLE, OK
from hvhost.kvpwire import (AUTO, DWORD, EXPAND_SZ, EXTERNAL,
                            GUEST, QWORD, SZ, Item, encode_text, pack_value)
from scenario import Failed, Test, scenario
from scenarios.device import DEVICE, describe_host
from scenarios.takeover import HV_UTILS, insert

OURS = (HV_KVP,)
(ERROR, USAGE, NOT_FOUND, PERMISSION, NO_DEVICE, CONFLICT, NO_ROOM, INVALID,
 PARTLY, TIMEOUT) = range(1, 11)
FILE = "/tmp/saved"
# What is hard to write down somewhere. U+1F512 is two UTF-16 units.
NASTY = "a\tb\nc\\d\r\x01\x7f\x9b<&>\"' \ufffe\U0001f512\u20ac "
LONE = b"\xed\xa0\x80x"		# U+D800 without its partner, as WTF-8


@dataclass
class Said:
    """What a run of kvpctl gave."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Output; UTF-8 or nothing."""
        return self.out.decode()

    @property
    def json(self):
        """Output as JSON."""
        return json.loads(self.text)


def run(t: Test, command: str, before: str = "") -> Said:
    """Runs kvpctl, whatever comes of it; errors must be one line."""
    result = t.host.run(f"{before}kvpctl {command}", 60, check=False)
    said = Said(result.code, result.stdout, result.stderr.decode())
    lines = said.err.splitlines()
    t.true(all(line.startswith("kvpctl: ") for line in lines[:1]),
           f"stderr of {command}: {said.err}")
    return said


def ok(t: Test, command: str, before: str = "") -> Said:
    """Runs kvpctl, which must succeed in silence on stderr."""
    said = run(t, command, before)
    if said.code or said.err:
        raise Failed(f"kvpctl {command}: exit code {said.code}, {said.err}")
    return said


def fails(t: Test, code: int, command: str, before: str = "") -> Said:
    """Runs kvpctl, which must fail so, with a line that says why."""
    said = run(t, command, before)
    if said.code != code or not said.err:
        raise Failed(f"kvpctl {command}: exit code {said.code}, not {code}: "
                     f"{said.err or 'no word'}")
    return said


def put(t: Test, path: str, data: bytes) -> str:
    """A file in the guest; returns its name."""
    t.host.agent.put(path, data)
    return path


def fill(t: Test, count: int, value: str = "v", first: int = 0) -> None:
    """Items of the guest, some hundred at a time."""
    for start in range(first, first + count, 500):
        end = min(start + 500, first + count)
        put(t, "/tmp/fill", "".join(
            f"set\tSZ\tkey-{n}\t{value}\n"
            for n in range(start, end)).encode())
        ok(t, "batch </tmp/fill")


def pool_status(t: Test, pool: int) -> dict:
    """What status says of a pool."""
    return ok(t, "status -j").json["pools"][pool]


def generation(t: Test) -> int:
    """Of pool GUEST."""
    return pool_status(t, GUEST)["generation"]


def empty(t: Test) -> None:
    """Deletes what the guest has set: the host, which does that between
    scenarios, takes a request for each."""
    t.sh("kvpctl list -k -p guest | xargs -n 500 kvpctl delete")


def set_raw(t: Test, pool: int, key: str, value: str) -> None:
    """An item of the host that need not be valid UTF-16."""
    body = bytes([1, pool, 0, 0]) + pack_value(SZ, encode_text(key),
                                               encode_text(value))
    t.raw_body(body).check()


@scenario(DEVICE, guests=OURS, smoke=True)
def set_get_delete(t: Test) -> None:
    """Every type there and back; the host sees it too."""
    items = [Item("s", "text \u20ac"), Item("e", "%PATH%", EXPAND_SZ),
             Item("d", 4294967295, DWORD),
             Item("q", 18446744073709551615, QWORD)]
    names = {SZ: "SZ", EXPAND_SZ: "EXPAND_SZ", DWORD: "DWORD", QWORD: "QWORD"}
    for item in items:
        ok(t, f"set {item.key} {shlex.quote(item.text)} -t {names[item.type]}")
    t.equal(t.kvp.enumerate(GUEST), items)
    t.equal(ok(t, "get -p guest s e d q").text,
            "".join(f"{i.text}\n" for i in items))
    t.equal([(i["key"], i["value"], i["type"], i["pool"], i["host"])
             for i in ok(t, "get s e d q --json").json],
            [(i.key, i.text if i.type == QWORD else i.value, names[i.type],
              "guest", False) for i in items])
    now = generation(t)
    t.equal(ok(t, "set s other --json").json,
            {"pool": "guest", "key": "s", "set": 1, "generation": now + 1})
    t.equal(ok(t, "delete d q --json").json,
            {"pool": "guest", "deleted": 2, "generation": now + 2})
    said = fails(t, NOT_FOUND, "delete s no-such")
    t.true(said.err.endswith("no such key\n"), said.err)
    t.equal(t.kvp.enumerate(GUEST), [Item("s", "other"), items[1]])
    t.kvp.set(EXTERNAL, Item("s", "of the host"))
    t.equal(ok(t, "get s").text, "of the host\n")
    t.equal(ok(t, "get s -p 1").text, "other\n")
    ok(t, "set n 0x10 -t dword")
    t.equal(ok(t, "get n -t DWORD").text, "16\n")
    fails(t, NOT_FOUND, "get n -t SZ")


@scenario(DEVICE, guests=OURS)
def exact_bytes(t: Test) -> None:
    """What goes in comes out, the longest and the ugliest."""
    longest = "\u20ac" * 1023
    for value in (NASTY, "", "ends with a newline\n", longest):
        put(t, "/tmp/value", value.encode())
        ok(t, "set key -f /tmp/value")
        ok(t, "set same -f - </tmp/value")
        t.equal(t.kvp.get(GUEST, "key").value, value)
        t.equal(ok(t, "get key --raw").text, value)
        t.equal(ok(t, "get key same -0").text, f"{value}\0{value}\0")
        t.equal(ok(t, "list -p guest -0").text,
                f"key\0{value}\0same\0{value}\0")
        t.equal([i["value"] for i in ok(t, "list -p guest -j").json],
                [value, value])
    put(t, "/tmp/value", b"x" * 3070)
    fails(t, INVALID, "set key -f /tmp/value")
    ok(t, "delete key same")
    t.kvp.set(GUEST, Item(NASTY, NASTY))
    line = ok(t, "list -p guest").text
    t.equal(line.count("\n"), 1, "lines for an item")
    escaped = ("a\\tb\\nc\\\\d\\r\\x01\\x7F\\xC2\\x9B<&>\"' "
               "\ufffe\U0001f512\u20ac ")
    t.equal(line, f"guest\t{escaped}\t{escaped}\n")


@scenario(DEVICE, guests=OURS)
def exit_codes(t: Test) -> None:
    """Each error has its own, and a line on stderr."""
    fails(t, USAGE, "")
    fails(t, USAGE, "frobnicate")
    for command in ("get", "set a", "set a b c", "delete", "list -p nope",
                    "list --no-such", "list -p", "status x", "import",
                    "watch -n x", "component -f html", "set a b -t float",
                    "import /tmp -p auto", "batch -g -1"):
        fails(t, USAGE, command)
    fails(t, NOT_FOUND, "get no-such-key")
    fails(t, NOT_FOUND, "get no-such-key -p external")
    fails(t, NOT_FOUND, "restore /no/such/file")
    fails(t, NOT_FOUND, "import /proc")
    fails(t, NOT_FOUND, "set no-such-intrinsic-item x -p auto")
    fails(t, PERMISSION, "set a b -p external")
    fails(t, PERMISSION, "delete a -p auto_external")
    for command in ("set '' x", "set a x -t dword", "set a 4294967296 -t dword",
                    "set a ' 1' -t qword",
                    f"set {'k' * 256} x",
                    f"set a {'v' * 1024}", "set a $(printf '\\355\\240\\200')",
                    "get ''", f"get {'k' * 300}", "purge -p guest"):
        fails(t, INVALID, command)
    for limit, command in (("255", f"set {'k' * 256} x"),
                           ("1,023", f"set a {'v' * 1024}")):
        said = fails(t, INVALID, command).err
        t.true(f"{limit} UTF-16 units" in said, said)
    # what a message repeats does nothing to the terminal
    said = fails(t, NOT_FOUND, "get \"$(printf 'a\\033[2J\\342\\200\\256')\"")
    t.true(r"'a\x1B[2J\xE2\x80\xAE'" in said.err, said.err)
    t.sh("mkdir -p /tmp/bare && cp /bin/kvpctl /tmp/bare/")
    for command, code in (("list", NO_DEVICE), ("save /f", NO_DEVICE),
                          ("save --missing-ok /f", 0)):
        t.equal(t.host.run(f"chroot /tmp/bare /kvpctl {command}", check=False
                           ).code, code, command)
    t.sh("[ ! -e /tmp/bare/f ]")
    fails(t, ERROR, "list >/dev/full")
    for command in ("list", "set a b", "status --json"):
        t.equal(t.host.run(f"su nobody -s /bin/sh -c 'kvpctl {command}'",
                           check=False).code, PERMISSION, command)
    for word in ("version", "--version", "-V"):
        t.equal(ok(t, word).text.split()[1],
                t.sh("cat /sys/module/hv_kvp/version"))
    t.equal(ok(t, "help get").text, ok(t, "get --help").text)
    t.equal(ok(t, "help").text, ok(t, "--help").text)
    for command, word in (("get -rx k", "'-x'"), ("get k --nope=1 l", "'--nope'"),
                          ("get --raw=1 k", "'--raw' takes no value"),
                          ("list -sp", "'-p' wants a value"), ("-j list", "'-j'")):
        t.true(word in fails(t, USAGE, command).err, command)
    for command in ok(t, "--help").text.split("\n\n")[1].splitlines():
        t.true("--help" in ok(t, f"{command.strip().split(' ')[0]} --help"
                              ).text, f"help of {command}")


@scenario(DEVICE, guests=OURS)
def limits(t: Test) -> None:
    """What does not fit is refused, as a whole."""
    fill(t, 2900)
    put(t, "/tmp/fill", "".join(f"set\tSZ\tmore-{n}\tv\n"
                                for n in range(101)).encode())
    fails(t, NO_ROOM, "batch </tmp/fill")
    put(t, "/tmp/fill", "".join(f"set\tSZ\tkey-{n}\tv\n"
                                for n in range(1025)).encode())
    fails(t, NO_ROOM, "batch </tmp/fill")
    t.equal(len(ok(t, "list -p guest -k").text.splitlines()), 2900)
    fill(t, 100, first=2900)
    said = fails(t, NO_ROOM, "set one-more v")
    t.true("the pool is full" in said.err, said.err)
    empty(t)


@scenario(DEVICE, guests=OURS)
def list_forms(t: Test) -> None:
    """Pools, owners, stale ones."""
    describe_host(t, 2)
    t.kvp.set(EXTERNAL, Item("once", "1"))
    t.kvp.offer_item(EXTERNAL, Item("again", "2"))
    ok(t, "set mine 3")
    count = t.kvp.negotiations
    t.kvp.negotiate([(5, 0)], [(3, 0)])
    t.kvp.wait_pushed(60, count + 1)
    everything = ok(t, "list").text.splitlines()
    t.true({"external\tonce\t1", "guest\tmine\t3",
            f"auto_external\tVirtualMachineId\t{t.host.vm_id}",
            f"auto\tOSBuildNumber\t{t.sh('uname -r')}"} <= set(everything),
           f"listed {everything}")
    t.equal(ok(t, "list --stale").text, "external\tonce\t1\n")
    t.equal(ok(t, "list -k -p external,guest").text, "once\nagain\nmine\n")
    t.equal(ok(t, "list -k -p external -p guest -0").text,
            "once\0again\0mine\0")
    shown = ok(t, "list -l -p external -p guest").text.splitlines()
    t.equal([line.split("\t")[:3] for line in shown],
            [["external", "SZ", "host,stale"], ["external", "SZ", "host"],
             ["guest", "SZ", "agent"]])
    found = ok(t, "list --json").json
    t.equal(len(found), len(everything))
    t.equal([(i["key"], i["host"], i["stale"]) for i in found
             if i["pool"] in ("external", "guest")],
            [("once", True, True), ("again", True, False),
             ("mine", False, False)])
    t.equal(ok(t, "list -p auto_internal -j").json, [])
    t.equal(ok(t, "list -j -k -p guest").json, ["mine"])
    t.equal(ok(t, "purge -j").json, {"purged": 1})
    t.equal(ok(t, "purge").text, "0\n")
    t.equal(ok(t, "list -k -p external").text, "again\n")


@scenario(DEVICE, guests=OURS, smoke=True)
def status(t: Test) -> None:
    """The same as sysfs says."""
    ok(t, "set one 1")
    t.kvp.set(EXTERNAL, Item("two", "2"))
    said = ok(t, "status --json").json
    for name in ("operational_status", "framework_version",
                 "message_version", "framework_version_offered",
                 "message_version_offered"):
        t.equal(said[name], t.sh(f"cat /sys/class/misc/hv_kvp/{name}"), name)
    for name in ("host_items", "agent_items", "host_bytes", "agent_bytes"):
        t.equal(str(said["limits"][name]),
                t.sh(f"cat /sys/class/misc/hv_kvp/limits/{name}"), name)
    t.equal(said["connection"],
            int(t.sh("cat /sys/class/misc/hv_kvp/connections")))
    t.equal(said["instance"], t.sh("cat /sys/class/misc/hv_kvp/instance"))
    t.equal([p["pool"] for p in said["pools"]],
            ["external", "guest", "auto", "auto_external", "auto_internal"])
    for pool in said["pools"]:
        where = f"/sys/class/misc/hv_kvp/{pool['pool']}"
        t.equal(pool["items"], int(t.sh(f"cat {where}/count")))
        if pool["pool"] != "auto":
            t.equal(pool["generation"], int(t.sh(f"cat {where}/generation")))
    text = ok(t, "status").text
    t.true("Operational status: OK" in text and
           "Message version:    5.0 (offered 5.0)" in text, text)


def compare_component(t: Test, refresh: bool = True) -> None:
    """The guest's view in three forms against the host's."""
    view = t.host.component(refresh)
    t.equal(ok(t, "component").text, view.mof() + "\n", "MOF")
    t.equal(ok(t, "component -f xml").text, view.xml() + "\n", "XML")
    t.equal(ok(t, "component --json").json, json.loads(view.json()), "JSON")
    t.equal(list(ok(t, "component -f json").json),
            list(json.loads(view.json())), "order")
    properties = ET.fromstring(ok(t, "component -f xml").text)
    t.equal(len(properties), 34)
    for one in ("GuestExchangeItems", "GuestIntrinsicExchangeItems"):
        embedded = [ET.fromstring(v.text or "") for v in properties.iterfind(
            f"*[@NAME='{one}']/VALUE.ARRAY/VALUE")]
        pool = GUEST if one == "GuestExchangeItems" else AUTO
        t.equal(len(embedded), len(t.kvp.enumerate(pool)) if refresh
                else len(embedded))


@scenario(DEVICE, guests=OURS, smoke=True)
def component_is_what_the_host_shows(t: Test) -> None:
    """All 34 properties in MOF, CIM-XML and JSON, in every state in which
    the host talks to the guest."""
    describe_host(t)
    compare_component(t)
    t.kvp.set(GUEST, Item(NASTY, NASTY))
    t.kvp.set(GUEST, Item("empty", ""))
    t.kvp.set(GUEST, Item("d", 4294967295, DWORD))
    t.kvp.set(GUEST, Item("q", 18446744073709551615, QWORD))
    t.kvp.set(GUEST, Item("e", "%x%", EXPAND_SZ))
    compare_component(t)
    t.kvp.negotiate([(3, 0), (4, 0), (9, 0)]).wait(30)
    t.equal(ok(t, "component -j").json["OperationalStatus"], [DEGRADED])
    compare_component(t)
    t.kvp.negotiate([(9, 0)]).wait(30)
    t.equal(ok(t, "component -j").json["OperationalStatus"],
            [NON_RECOVERABLE])
    compare_component(t, refresh=False)


@scenario(DEVICE, guests=OURS)
def component_of_a_nameless_machine(t: Test) -> None:
    """Without VirtualMachineId the names are null, and nothing else."""
    said = ok(t, "component -j").json
    t.equal((said["SystemName"], said["DeviceID"]), (None, None))
    view = json.loads(t.host.component().json())
    for name in ("SystemName", "DeviceID"):
        view[name] = None
    t.equal(said, view)
    t.equal(said["OperationalStatus"], [OK])


def lines(job: Job) -> list[str]:
    """What a job has printed so far, whole lines."""
    return job.stdout.decode().split("\n")[:-1]


def watch(t: Test, arguments: str) -> Job:
    """Starts kvpctl watch --list; it has begun when it has listed 'begin',
    an item of the guest."""
    ok(t, "set begin x")
    job = t.host.spawn(f"exec kvpctl watch --list {arguments}")
    t.eventually(lambda: any("begin" in line for line in lines(job)),
                 "kvpctl watch has listed")
    return job


@scenario(DEVICE, guests=OURS)
def watching(t: Test) -> None:
    """A line for each change, at once, by host and guest."""
    plain = watch(t, "--values")
    objects = watch(t, "--json --values")
    keyed = watch(t, "-p external,guest -n 2 -v")

    def wait(line: str) -> None:
        t.eventually(lambda: lines(plain)[-1] == line, line)

    t.kvp.set(EXTERNAL, Item("k\tey", "1"))
    wait("external\tadded\thost\tk\\tey\t1")
    ok(t, "set mine 7 -t dword")
    wait("guest\tadded\tagent\tmine\t7")
    t.kvp.set(EXTERNAL, Item("k\tey", "2"))
    wait("external\tset\thost\tk\\tey\t2")
    t.kvp.set(GUEST, Item("mine", "8"))
    wait("guest\tset\thost\tmine\t8")
    ok(t, "delete mine")
    wait("guest\tdeleted\thost\tmine")
    t.equal(keyed.wait(10).code, 0)
    # the second watch made a change itself before it began
    t.equal(lines(keyed)[1:], ["external\tadded\thost\tk\\tey\t1",
                               "guest\tadded\tagent\tmine\t7"])
    told = [json.loads(line) for line in lines(objects)]
    told = [c for c in told if c["event"] != "listed" and c["key"] != "begin"]
    t.equal([(c["event"], c["pool"], c["owner"], c["key"], c.get("value"))
             for c in told],
            [("added", "external", "host", "k\tey", "1"),
             ("added", "guest", "agent", "mine", 7),
             ("set", "external", "host", "k\tey", "2"),
             ("set", "guest", "host", "mine", "8"),
             ("deleted", "guest", "host", "mine", None)])
    plain.kill()
    objects.kill()
    t.equal(run(t, "watch -k never -n 1 -t 1").code, TIMEOUT)
    ok(t, "watch -t 1")


@scenario(DEVICE, guests=OURS)
def watch_the_host(t: Test) -> None:
    """Its connection, what is stale by it, and what it has read: told to who
    asks, staleness to everybody."""
    t.kvp.set(EXTERNAL, Item("once", "1"))
    plain = watch(t, "-p external,guest")
    asked = watch(t, "-j -p external,guest --state --host-read")
    now = generation(t)
    t.equal(len(t.kvp.enumerate(GUEST)), 1)

    def told(event: str) -> list[dict]:
        found = [json.loads(line) for line in lines(asked)]
        return [one for one in found if one["event"] == event]

    t.eventually(lambda: [(c["pool"], c["generation"]) for c in told("host_read")] ==
                 [("guest", now)], "what the host has read")
    read = pool_status(t, GUEST)["host_read"]
    t.equal((read["generation"], read["connection"]),
            (now, ok(t, "status -j").json["connection"]))
    t.true(read["seconds_ago"] < 60, read)
    t.true(f"  {now}, " in ok(t, "status").text, "status says so")
    count = t.kvp.negotiations
    t.kvp.negotiate([(5, 0)], [(3, 0)])
    t.kvp.wait_pushed(60, count + 1)
    t.eventually(lambda: [c["pool"] for c in told("stale")] == ["external"],
                 "what the host has set is stale, but for GUEST, which it does not fill")
    t.eventually(lambda: len(told("state")) == 2, "the new connection")
    first, second = told("state")
    t.equal((second["operational_status"], second["connection"], second["message_version"]),
            ("OK", first["connection"] + 1, "5.0"))
    t.eventually(lambda: "external\tstale" in lines(plain), "told without being asked")
    t.true(not any("host_read" in line or "state" in line for line in lines(plain)),
           "nothing that was not asked for")
    for job in (plain, asked):
        job.kill()


@scenario(DEVICE, guests=OURS)
def conditions(t: Test) -> None:
    """Only if nobody was first; each change tells the generation that it made."""
    now = int(ok(t, "set -G k 1").text)
    t.equal(now, generation(t))
    fails(t, CONFLICT, "set k 2 --if-absent")
    t.equal(int(ok(t, f"set k 2 -g {now} -G").text), now + 1)
    fails(t, CONFLICT, f"set k 3 --if-generation {now}")
    fails(t, CONFLICT, f"delete k --if-generation {now}")
    fails(t, NOT_FOUND, "delete k no-such")
    t.equal(ok(t, "delete no-such --missing-ok -j").json,
            {"pool": "guest", "deleted": 0, "generation": now + 1})
    t.equal(ok(t, f"delete k -g {now + 1} -G").text, f"{now + 2}\n")
    fails(t, USAGE, "delete a b -g 1")
    t.kvp.set(GUEST, Item("of-host", "1"))
    fails(t, CONFLICT, "set of-host 2 --unless-host")
    ok(t, "set not-there 2 --unless-host --if-absent")
    put(t, "/tmp/b", b"set,unless-host,or-skip\tSZ\tof-host\t2\n"
        b"delete,or-skip\tno-such\nset,if-absent\tSZ\tnew\t1\n")
    now = generation(t)
    t.equal(ok(t, "batch -j </tmp/b").json,
            {"pool": "guest", "operations": 3, "skipped": 2, "generation": now + 1})
    said = fails(t, CONFLICT, "batch </tmp/b")
    t.true("line 3" in said.err, said.err)
    t.equal({i.key: i.value for i in t.kvp.enumerate(GUEST)},
            {"of-host": "1", "not-there": "2", "new": "1"})
    put(t, "/tmp/b", f"delete,if-generation={now + 1}\tnew\n".encode())
    t.equal(int(ok(t, "batch -G </tmp/b").text), now + 2)
    said = fails(t, CONFLICT, "batch </tmp/b")
    t.true("line 1" in said.err, said.err)


@scenario(DEVICE, guests=OURS)
def hold(t: Test) -> None:
    """An item that is there while a program runs, however that ends; it is not
    saved."""
    def keys() -> list[str]:
        return [item.key for item in t.kvp.enumerate(GUEST)]

    t.equal(t.host.run("kvpctl hold during 1 -- sh -c 'kvpctl list -l -p guest; exit 7'",
                       check=False).code, 7)
    t.equal(keys(), [])
    job = t.host.spawn("exec kvpctl hold ready 1 -t dword")
    t.eventually(lambda: keys() == ["ready"], "it is there")
    t.true("agent,ephemeral" in ok(t, "list -l -p guest").text, "list -l shows it")
    t.equal([i["ephemeral"] for i in ok(t, "list -j -p guest").json], [True])
    t.equal(ok(t, f"save {FILE} -j").json["saved"], 0)
    job.kill()
    job.wait()
    t.eventually(lambda: keys() == [], "it went with its owner")
    job = t.host.spawn("exec kvpctl hold ready 1")
    t.eventually(lambda: keys() == ["ready"], "it is there")
    ok(t, "set ready taken-over")
    job.kill()
    job.wait()
    t.equal(t.kvp.get(GUEST, "ready").value, "taken-over")
    fails(t, NOT_FOUND, "hold k v -- /no/such/program")
    t.equal(keys(), ["ready"])
    fails(t, USAGE, "hold k")


@scenario(DEVICE, guests=OURS)
def keys_by_case(t: Test) -> None:
    """Windows takes them for one: a warning, and it is done all the same."""
    ok(t, "set Key 1")
    for command in ("set kEY 2", "set kEY 3"):
        said = run(t, command)
        t.equal(said.code, 0)
        t.true("'kEY' and 'Key' in pool guest" in said.err, said.err)
    ok(t, "set other 1")
    # the guest has no locale, and so no case beyond ASCII: that is a unit test
    put(t, "/tmp/b", b"set\tSZ\tboth\t1\nset\tSZ\tBoth\t1\n"
        b"set\tSZ\tOTHER\t1\nset\tSZ\talone\t1\n")
    said = run(t, "batch </tmp/b")
    t.equal((said.code, len(said.err.splitlines())), (0, 2), said.err)
    t.equal(len(t.kvp.enumerate(GUEST)), 7)


@scenario(DEVICE, guests=OURS)
def watch_falls_behind(t: Test) -> None:
    """It says so, lists anew, and goes on."""
    job = watch(t, "-p guest -v")
    job.kill(19)	# SIGSTOP
    long = "x" * 240
    put(t, "/tmp/fill", "".join(f"set\tSZ\t{n:04}{long}\tv\n"
                                for n in range(400)).encode())
    ok(t, "batch </tmp/fill")
    ok(t, "delete begin")
    # changes are told some milliseconds after they were made
    t.sh("sleep 0.5")
    job.kill(18)	# SIGCONT
    t.eventually(lambda: "guest\tlost" in lines(job), "the loss is told")
    t.eventually(lambda: len([line for line in lines(job)
                              if line.startswith("guest\tlisted\t")]) == 401,
                 "all is listed anew")
    ok(t, "set after 1")
    t.eventually(lambda: lines(job)[-1] == "guest\tadded\tagent\tafter\t1",
                 "changes after it")
    t.equal(lines(job).count("guest\tlost"), 1)
    job.kill()


@scenario(DEVICE, guests=OURS)
def batch(t: Test) -> None:
    """All or nothing; lines have escapes; compare-and-swap."""
    put(t, "/tmp/b", b"set\tSZ\tcr\tlf\r\nset\tSZ\tkept\t\\r\r\n")
    ok(t, "batch </tmp/b")
    t.equal(t.kvp.enumerate(GUEST), [Item("cr", "lf"), Item("kept", "\r")])
    ok(t, "delete cr kept")
    put(t, "/tmp/b", b"# a comment\n\nset\tSZ\ta\\tb\t\\x41\\\\\\n\n"
        b"set\tQWORD\tq\t0x10\nset\tsz\tgone\t\ndelete\tgone\n"
        b"set\tSZ\tlast\tno newline")
    ok(t, "batch </tmp/b")
    t.equal(t.kvp.enumerate(GUEST), [Item("a\tb", "A\\\n"),
                                     Item("q", 16, QWORD),
                                     Item("last", "no newline")])
    for wrong in ("set\tSZ\tx\n", "set\tSZ\tx\ty\tz\n", "put\tx\n",
                  "set\tREAL\tx\t1\n", "set\tSZ\tx\t\\q\n",
                  "set\tDWORD\tx\t-1\n", "delete\n", "set\tSZ\t\tx\n",
                  "set\tSZ\tx\ta\\x00b\n", "set\tSZ\tx\t\\xED\\xA0\\x80\n"):
        put(t, "/tmp/b", b"set\tSZ\tfirst\t1\n\n" + wrong.encode())
        said = fails(t, INVALID, "batch </tmp/b")
        t.true("line 3" in said.err, f"{wrong!r}: {said.err}")
    put(t, "/tmp/b", b"set\tSZ\tfirst\t1\ndelete\tno-such\n")
    fails(t, NOT_FOUND, "batch </tmp/b")
    t.equal(len(t.kvp.enumerate(GUEST)), 3, "items after what failed")

    put(t, "/tmp/b", b"set\tSZ\tfirst\t1\n")
    now = generation(t)
    t.equal(ok(t, f"batch -j -g {now} </tmp/b").json,
            {"pool": "guest", "operations": 1, "skipped": 0, "generation": now + 1})
    fails(t, CONFLICT, f"batch --if-generation {now} </tmp/b")
    t.equal(generation(t), now + 1)


def partly(t: Test, command: str, **counts: int) -> None:
    """A restore of four items that leaves out the one with a surrogate."""
    said = run(t, command)
    t.equal((said.code, said.json), (PARTLY, {
        "file": FILE, "items": 4, "left_out": 1} | counts))
    t.true(r"\xED\xA0\x80x" in said.err, said.err)


@scenario(DEVICE, guests=OURS)
def save_and_restore(t: Test) -> None:
    """Everything comes back as it was; only what the host has set and nobody
    else can set is left out, and that is told."""
    t.kvp.set(GUEST, Item(NASTY, NASTY))
    t.kvp.set(GUEST, Item("d", 7, DWORD))
    set_raw(t, GUEST, "\ud800x", "y\udfff")
    ok(t, "set changes old")
    t.true(LONE in ok(t, "list -p guest -0").out, "the surrogate is there")
    t.equal(ok(t, f"save {FILE} --json").json, {"file": FILE, "saved": 4})
    t.equal(t.sh(f"stat -c '%a %h' {FILE}; ls /tmp | grep -c saved"),
            "600 1\n1")
    t.host.agent.get(FILE).decode()
    ok(t, "set changes new")
    ok(t, "delete d")
    partly(t, f"restore {FILE} -j", restored=1, kept=2)
    t.equal(ok(t, "get changes").text, "new\n")
    partly(t, f"restore --replace {FILE} -j", restored=3, kept=0)
    t.equal(ok(t, "get changes").text, "old\n")
    t.true(LONE in ok(t, "list -p guest -0").out, "the surrogate is there")
    ok(t, "delete -- \"$(printf '\\355\\240\\200x')\"")
    # a delete puts the last item into the hole, so the order says nothing
    before = sorted(ok(t, "list -p guest -0").out.split(b"\0"))
    ok(t, "delete d changes")
    t.kvp.delete(GUEST, NASTY)
    t.equal(ok(t, "list -p guest").text, "")
    partly(t, f"restore {FILE} -j", restored=3, kept=0)
    t.equal(sorted(ok(t, "list -p guest -0").out.split(b"\0")), before)
    ok(t, "save")
    t.equal(t.sh("stat -c %a /var/lib/hv_kvp /var/lib/hv_kvp/guest"),
            "755\n600")
    ok(t, "restore")


@scenario(DEVICE, guests=OURS)
def damaged_files(t: Test) -> None:
    """Torn or changed anywhere: refused, and nothing changes."""
    fill(t, 20)
    ok(t, f"save {FILE}")
    whole = t.host.agent.get(FILE)
    ok(t, "delete key-7")
    before = generation(t)
    for bad in (b"", whole[:-1], whole[:len(whole) // 2], whole + b"\n",
                whole.replace(b"key-7\t", b"key-8\t"), whole[1:],
                whole.replace(b"items\t2", b"items\t3"),
                whole.replace(b"end\t20", b"end\t21")):
        t.true(bad != whole, "it is damaged")
        fails(t, INVALID, f"restore {put(t, '/tmp/bad', bad)}")
        fails(t, INVALID, "restore --check /tmp/bad")
    fails(t, INVALID, "restore /tmp")
    t.equal(generation(t), before)
    ok(t, f"restore --check {FILE}")
    ok(t, f"restore {FILE}")
    t.equal(ok(t, "get key-7").text, "v\n")


@scenario(DEVICE, guests=OURS)
def check_judges_as_restore_does(t: Test) -> None:
    """Whole files with items that cannot be: refused before the first."""
    def saved(*lines: str, head: str = "") -> str:
        text = f"hv_kvp-items\t2\n{head}" + "".join(f"{n}\n" for n in lines)
        return put(t, "/tmp/odd", f"{text}end\t{len(lines)}\t"
                   f"{zlib.crc32(text.encode()):08x}\n".encode())

    good = [f"set\tSZ\tk{n}\tv" for n in range(1100)]
    for odd in (f"set\tSZ\t{'k' * 256}\tv", f"set\tSZ\tk\t{'v' * 1024}",
                "set\tSZ\t\tv", "set\tSZ\tk\ta\\x00b"):
        saved(*good, odd)
        fails(t, INVALID, "restore --check /tmp/odd")
        fails(t, INVALID, "restore /tmp/odd")
        t.equal(ok(t, "list -p guest").text, "")
    saved("set\tSZ\t\\xED\\xA0\\x80\tv", "set\tSZ\tk\tv")
    fails(t, PARTLY, "restore --check /tmp/odd")
    fails(t, PARTLY, "restore /tmp/odd")
    t.equal(t.kvp.enumerate(GUEST), [Item("k", "v")])
    # a clone has what its template saved
    saved("set\tSZ\tof\ttemplate", head=f"machine\t{'0' * 31}1\n")
    put(t, "/etc/machine-id", b"0" * 31 + b"2\n")
    for command in ("restore", "restore --check"):
        said = fails(t, INVALID, f"{command} /tmp/odd")
        t.true("another machine" in said.err, said.err)
    said = run(t, "restore --missing-ok /tmp/odd")
    t.true(not said.code and "another machine" in said.err, said.err)
    t.equal(t.kvp.enumerate(GUEST), [Item("k", "v")])
    ok(t, "restore --any-machine /tmp/odd")
    ok(t, "save /tmp/odd")
    t.true(f"machine\t{'0' * 31}2\n".encode() in t.host.agent.get("/tmp/odd"),
           "the file is this machine's")
    ok(t, "restore --check /tmp/odd")
    t.sh("rm /etc/machine-id")


@scenario(DEVICE, guests=OURS)
def save_is_killed(t: Test) -> None:
    """The file is the old one or the new one: when the saver is killed at
    any time, in the middle of its write, and on a full disk."""
    fill(t, 1000, "old")
    ok(t, f"save {FILE}")
    old = t.host.agent.get(FILE)
    fill(t, 1000, "new")
    # dies by SIGXFSZ after 8 blocks of its file
    died = t.host.run(f"ulimit -f 8; exec kvpctl save {FILE}", check=False)
    t.true(died.code > 128, f"the save was not killed: {died.code}")
    t.equal(t.host.agent.get(FILE), old)
    t.sh("mkdir -p /tmp/full && mount -t tmpfs -o size=64k none /tmp/full")
    try:
        t.sh(f"head -c 10000 {FILE} >/tmp/full/f")
        t.sh("dd if=/dev/zero of=/tmp/full/rest bs=1k 2>/dev/null || true")
        fails(t, NO_ROOM, "save /tmp/full/f")
        t.equal(t.sh("stat -c %s /tmp/full/f; ls /tmp/full"),
                "10000\nf\nrest")
    finally:
        t.sh("umount /tmp/full")
    t.sh(f"""for n in $(seq 0 24); do
        kvpctl save {FILE} &
        usleep $((n * 1500))
        kill -9 $! 2>/dev/null
        wait
        kvpctl restore --check {FILE} || exit 1
        grep -q new {FILE} && grep -q old {FILE} && exit 2
        done; true""", 120)
    ok(t, f"save {FILE}")
    new = t.host.agent.get(FILE)
    t.equal((new.count(b"\tnew\n"), new.count(b"\told\n")), (1000, 0))
    t.equal(t.sh("ls /tmp | grep saved"), "saved", "left-overs")
    empty(t)


def record(key: bytes, value: bytes) -> bytes:
    """A record of the daemon's pool files."""
    return key.ljust(512, b"\0") + value.ljust(2048, b"\0")


@scenario(DEVICE, guests=OURS)
def import_pool_files(t: Test) -> None:
    """Files of hv_kvp_daemon, with all that may be wrong with them."""
    t.sh("rm -rf /tmp/old; mkdir /tmp/old")
    put(t, "/tmp/old/.kvp_pool_0",
        record(b"of the host", b"1") + record(b"there", b"file"))
    put(t, "/tmp/old/.kvp_pool_1", b"".join((
        record(b"k\0left over", b"an older one\0left over from a longer value"),
        record("\u20ac".encode(), "\u00e4\n".encode()),
        record(b"k", b"v\0the last one counts"),
        record(b"", b"no key"),
        record(b"x" * 512, b"key too long"),
        record(b"long", b"y" * 1024),
        record(b"bad", b"\xff\xfe"),
        record(b"full", b"z" * 1023),
        record(b"cut short", b"v")[:-1])))
    put(t, "/tmp/old/.kvp_pool_2", record(b"OSName", b"not imported"))
    put(t, "/tmp/old/.kvp_pool_3", b"")
    t.kvp.set(EXTERNAL, Item("there", "host"))
    said = run(t, "import /tmp/old --json")
    t.equal(said.code, PARTLY)
    t.equal([(f["pool"], f["imported"], f["kept"], f["left_out"])
             for f in said.json],
            [("external", 1, 1, 0), ("guest", 4, 0, 4),
             ("auto_external", 0, 0, 0)])
    t.equal([f["cut"] for f in said.json], [0, 1, 0])
    t.equal(len(said.err.splitlines()), 5)
    t.equal(t.kvp.enumerate(GUEST), [Item("\u20ac", "\u00e4\n"), Item("k", "v"),
                                     Item("long", "y" * 1023),
                                     Item("full", "z" * 1023)])
    t.equal(t.kvp.enumerate(EXTERNAL), [Item("there", "host"),
                                        Item("of the host", "1")])
    t.equal(ok(t, "list --stale").text, "external\tof the host\t1\n")
    t.equal(ok(t, "import /tmp/old -p external -r").text,
            "external\t2 imported\t0 kept\t0 left out\t0 cut\n")
    t.equal(ok(t, "get there").text, "file\n")
    t.equal(ok(t, "purge").text, "2\n")


@scenario(DEVICE, guests=OURS)
def import_many(t: Test) -> None:
    """More than the kernel takes at a time."""
    t.sh("rm -rf /tmp/old; mkdir /tmp/old")
    put(t, "/tmp/old/.kvp_pool_1.gz", gzip.compress(b"".join(
        record(b"k%d" % n, b"v%d" % n) for n in range(2500))))
    t.sh("gunzip /tmp/old/.kvp_pool_1.gz")
    t.equal(ok(t, "import /tmp/old -j").json[0]["imported"], 2500)
    t.equal(ok(t, "get k0 k1024 k2499").text, "v0\nv1024\nv2499\n")
    empty(t)


@scenario(HV_UTILS, guests=OURS, dirty=True)
def import_what_the_daemon_wrote(t: Test) -> None:
    """hv_kvp_daemon's own files, after hv_kvp took over from it."""
    t.kvp.set(EXTERNAL, Item("from the host", "1 \u20ac"))
    t.kvp.set(EXTERNAL, Item("shorter", "long before"))
    t.kvp.set(EXTERNAL, Item("shorter", "now"))
    t.kvp.set(GUEST, Item("of the guest", "2"))
    t.sh("killall hvhost-daemon hv_kvp_daemon; sleep 0.2")
    t.kvp.push_items = False
    insert(t)
    said = ok(t, "import /var/lib/hyperv --json").json
    t.equal({f["pool"]: f["imported"] for f in said}["guest"], 1)
    t.equal(ok(t, "get -p external 'from the host' shorter").text,
            "1 \u20ac\nnow\n")
    t.equal(t.kvp.enumerate(GUEST), [Item("of the guest", "2")])
