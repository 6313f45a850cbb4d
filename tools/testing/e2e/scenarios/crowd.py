# SPDX-License-Identifier: GPL-2.0
"""An administrator at work beside a user of the group who floods the device."""
from collections.abc import Iterator
from contextlib import contextmanager

from guests import HV_KVP
from hvhost.kvpwire import EXTERNAL, Item
from scenario import Test, scenario
from scenarios.device import DEVICE, start, tool
from scenarios.kvpctl import lines, ok
from scenarios.observe import TRACE

OURS = (HV_KVP,)
USER, GROUP = 1000, 2000
ROUNDS, ITEMS = 10, 40
SAVED = "/tmp/saved-in-a-crowd"


@contextmanager
def flood(t: Test) -> Iterator[None]:
    """Both floods, by one user who is a member of the group."""
    t.sh(f"chgrp {GROUP} /dev/hv_kvp; chmod 660 /dev/hv_kvp")
    jobs = []
    try:
        for kind in ("guest", "lists"):
            jobs.append(t.host.spawn(f"hv_kvp_flood {kind} {USER} {GROUP}"))
            t.eventually(lambda: jobs[-1].stdout == b"flooding\n",
                         f"the flood of {kind}")
        yield
        t.true(all(job.running for job in jobs), "the floods go on")
    finally:
        for job in jobs:
            job.kill()
            job.wait()
        t.sh("chgrp 0 /dev/hv_kvp; chmod 600 /dev/hv_kvp")


@scenario(DEVICE, guests=OURS)
def list_save_and_watch(t: Test) -> None:
    """kvpctl list and save come to their end each time; what watch tells of
    pool EXTERNAL is what the host did, nothing else and nothing less."""
    t.kvp.set(EXTERNAL, Item("begin", "x"))
    job = t.host.spawn("exec kvpctl watch --list -p external")
    t.eventually(lambda: lines(job) == ["external\tlisted\thost\tbegin"], "a watch")
    done = lines(job)
    with flood(t):
        for n in range(ROUNDS):
            ok(t, "list")
            ok(t, f"save {SAVED}")
            for key in (f"{n}.{i}" for i in range(ITEMS // ROUNDS)):
                t.kvp.set(EXTERNAL, Item(key, "1"))
                done.append(f"external\tadded\thost\t{key}")
        t.eventually(lambda: len(lines(job)) >= len(done), "all was added")
        for item in t.kvp.enumerate(EXTERNAL):
            t.kvp.delete(EXTERNAL, item.key)
            done.append(f"external\tdeleted\thost\t{item.key}")
        t.eventually(lambda: len(lines(job)) >= len(done), "all was deleted")
    job.kill()
    t.equal(sorted(lines(job)), sorted(done))
    ok(t, f"restore --check {SAVED}")


@scenario(DEVICE, guests=OURS, proof=("6.1",))
def open_and_close(t: Test) -> None:
    """What anybody may do all day takes neither a mutex that is everybody's nor the
    lock of the IP requests, which NEGOTIATE waits for."""
    t.sh(f"[ -d {TRACE}/events ] || mount -t tracefs t {TRACE}")
    reader = start(t, "watch", b"watching")	# the first of them has more to do
    t.sh(f"cd {TRACE}; echo mutex_lock >set_ftrace_filter; "
         "echo _raw_spin_lock_bh >>set_ftrace_filter; "
         "echo 1 >options/func_stack_trace; echo function >current_tracer", 200)
    try:
        tool(t, "state")
        traced = t.sh(f"cat {TRACE}/trace")
    finally:
        t.sh(f"cd {TRACE}; echo nop >current_tracer; "
             "echo 0 >options/func_stack_trace; echo >set_ftrace_filter", 200)
        reader.kill()
    t.true("=> hkvp_reader_begin" in traced, "nothing was traced")
    stacks = traced.split("<stack trace>")
    t.equal([stack for stack in stacks if "hkvp_ipagent" in stack], [])
    t.equal([stack for stack in stacks
             if "=> mutex_lock" in stack and "=> hkvp_" in stack], [])
