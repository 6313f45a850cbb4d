# SPDX-License-Identifier: GPL-2.0
"""The figures as tables, as a plot and as the tables of Documentation/bench.md."""
from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cases import CONTENDERS, OPERATIONS, VALUES

READ_AIM, FLAT_AIM = 1.25, 1.3
WRITE_AIM_SMALL, WRITE_AIM_LARGE = 2.0, 3.0
MEMORY_FACTOR, MEMORY_PLUS = 2.5, 256
SCALING_AIM = 1.5		# "readers scale with cores", on two that other programs use too
WHOLE_AIMS = {10: 5, 1_000: 100}

Table = tuple[str, list[str], list[list[str]]]		# title, heads, rows


def number(value: float) -> str:
    """An integer with separators; a small one with the digits it needs."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def seconds(value: float) -> str:
    """A time in the unit that suits it."""
    for scale, unit in ((1, "s"), (1e-3, "ms")):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value * 1e6:.3g} us"


def verdict(met: bool) -> str:
    """Whether an aim was met."""
    return "met" if met else "MISSED"


def floor_of(result: dict) -> float:
    """The floor's instructions. It is one number: it does not look into the packets."""
    return max(count["median"] for count in result["floor"])


def count_of(result: dict, operation: str, items: int, value: int) -> dict | None:
    """The figures of one operation at one size."""
    for count in result["counts"]:
        if (count["operation"], count["items"], count["value"]) == (operation, items, value):
            return count
    return None


def sizes_of(result: dict) -> list[int]:
    """The sizes of the pool that were measured."""
    return sorted({count["items"] for count in result["counts"]})


def counts_table(result: dict, value: int) -> Table:
    """Median instructions and their ratio to the floor."""
    floor, sizes = floor_of(result), sizes_of(result)
    rows = [["floor", *[number(floor)] * len(sizes), ""]]
    for operation in OPERATIONS:
        counts = [count_of(result, operation, n, value) for n in sizes]
        medians = [c["median"] for c in counts]
        rows.append([operation, *[f"{number(m)} ({m / floor:.2f})" for m in medians],
                     f"{max(medians) / min(medians):.2f}"])
    return (f"Instructions, median, and ratio to the floor; values of {value} characters",
            ["operation", *[f"{n:,} items" for n in sizes], "largest/smallest"], rows)


def spread_table(result: dict) -> Table:
    """How the samples spread."""
    rows = [[c["operation"] if c["items"] else f"floor, {c['operation']}", number(c["items"]),
             str(c["value"]), str(c["samples"]), str(c["disturbed"]), number(c["least"]),
             number(c["median"]), number(c["mean"]), number(c["p95"]), number(c["most"])]
            for c in [*result["floor"], *result["counts"]]]
    return ("Spread of the instruction counts",
            ["operation", "items", "value", "samples", "left out", "least", "median", "mean",
             "95 %", "most"], rows)


def times_table(result: dict, which: str, text) -> Table:
    """The host's times, per driver."""
    rows = [[t["driver"], number(t["items"]), text(t["enumerate_median"]), text(t["set_median"]),
             text(t["whole"])] for t in result[which]]
    return ({"wall": "Round trips of the host, wall time",
             "instructions": "Round trips of the host, instructions of both CPUs"}[which],
            ["driver", "items", "ENUMERATE, median", "SET existing, median", "whole enumeration"],
            rows)


def start_table(result: dict) -> Table:
    """From module_init to the first answer."""
    wall = {s["driver"]: s["time"] for s in result["start_wall"]}
    rows = [[s["driver"], number(s["time"]), seconds(wall[s["driver"]])]
            for s in result["start_instructions"]]
    return ("From entry of module_init to the first answered ENUMERATE",
            ["driver", "instructions of both CPUs", "wall time"], rows)


def memory_table(result: dict) -> Table:
    """Bytes per item."""
    rows = [[number(m["items"]), str(m["value"]), number(m["requested"]), number(m["slab"]),
             number(memory_aim(m["value"]))] for m in result["memory"]]
    return ("Memory per item, bytes",
            ["items", "value", "requested", "slab pages", "aim for requested"], rows)


def memory_aim(value: int) -> float:
    """2.5 times key and value in UTF-8, plus 256 bytes."""
    return MEMORY_FACTOR * (20 + value) + MEMORY_PLUS


def read_aims(result: dict) -> list[list[str]]:
    """GET and ENUMERATE against the floor, and how flat they are."""
    rows, floor = [], floor_of(result)
    for operation in ("GET", "ENUMERATE"):
        for value in VALUES:
            medians = [count_of(result, operation, n, value)["median"] for n in sizes_of(result)]
            worst, flat = max(medians) / floor, max(medians) / min(medians)
            rows.append([f"{operation}, value {value}, all sizes",
                         f"at most {READ_AIM} x floor", f"{worst:.2f}", verdict(worst <= READ_AIM)])
            rows.append([f"{operation}, value {value}, largest/smallest",
                         f"at most {FLAT_AIM}", f"{flat:.2f}", verdict(flat <= FLAT_AIM)])
    return rows


def write_aims(result: dict) -> list[list[str]]:
    """SET and DELETE against the floor."""
    rows, floor, sizes = [], floor_of(result), sizes_of(result)
    for operation in ("SET existing", "SET new", "DELETE"):
        for value in VALUES:
            for items, aim in ((sizes[0], WRITE_AIM_SMALL), (sizes[-1], WRITE_AIM_LARGE)):
                ratio = count_of(result, operation, items, value)["median"] / floor
                rows.append([f"{operation}, value {value}, {items:,} items",
                             f"at most {aim:g} x floor", f"{ratio:.2f}", verdict(ratio <= aim)])
    return rows


def whole_aims(result: dict) -> list[list[str]]:
    """The whole enumeration against the stock pair."""
    rows = []
    for which in ("instructions", "wall"):
        whole = {(t["driver"], t["items"]): t["whole"] for t in result[which]}
        for items, aim in WHOLE_AIMS.items():
            if ("stock", items) not in whole:
                continue
            factor = whole["stock", items] / whole["hv_kvp", items]
            rows.append([f"whole enumeration, {items:,} items, {which}",
                         f"{aim} times faster than stock", number(factor),
                         verdict(factor >= aim)])
    return rows


def memory_aims(result: dict) -> list[list[str]]:
    """Memory per item."""
    return [[f"memory per item, value {m['value']}, {m['items']:,} items",
             f"at most {number(memory_aim(m['value']))} bytes requested", number(m["requested"]),
             verdict(m["requested"] <= memory_aim(m["value"]))] for m in result["memory"]]


def pool_aims(result: dict) -> list[list[str]]:
    """The pool alone: whether readers scale, and reads beside writers against the best lock."""
    heads, *lines = result["pool"]
    reads = {row[0]: dict(zip(heads, row)) for row in lines}
    scaling = float(reads["pool"]["scaling"])
    rows = [["pool alone, two readers on two cores", f"at least {SCALING_AIM} x one reader",
             f"{scaling:.2f}", verdict(scaling >= SCALING_AIM)]]
    for head in heads:
        if "writers" in head:
            name, best = max(((name, float(reads[name][head])) for name in CONTENDERS[1:]),
                             key=lambda pair: pair[1])
            factor = float(reads["pool"][head]) / best
            rows.append([f"pool alone, reads of {head}", f"more than {name}, the best lock",
                         f"{factor:.2f} x", verdict(factor > 1)])
    return rows


def ip_table(result: dict) -> Table:
    """GET_IP_INFO: instructions and wall time of each kind of answer."""
    wall = {(q["driver"], q["form"], q["addresses"]): q["round_trip"]
            for q in result["ip"] if not q["icount"]}
    rows = [[q["driver"], q["form"], str(q["addresses"]),
             number(q["counted"]) if q["counted"] else "", number(q["round_trip"]),
             seconds(wall[q["driver"], q["form"], q["addresses"]])]
            for q in result["ip"] if q["icount"]]
    return ("GET_IP_INFO of one NIC, median",
            ["driver", "form", "addresses", "instructions, callback to answer",
             "round trip, instructions of both CPUs", "round trip, wall time"], rows)


def aims_table(result: dict) -> Table:
    """Every aim, what was measured, and whether it is met."""
    return ("Aims", ["what", "aim", "measured", ""],
            [*read_aims(result), *write_aims(result), *whole_aims(result), *memory_aims(result),
             *pool_aims(result)])


def tables(result: dict) -> list[Table]:
    """All of them, in the order of the report."""
    found = [aims_table(result), *[counts_table(result, v) for v in VALUES], start_table(result),
             times_table(result, "instructions", number), times_table(result, "wall", seconds),
             memory_table(result)]
    found.append(("The pool alone, in user space: millions of operations a second, 1,000 items",
                  result["pool"][0], result["pool"][1:]))
    return [*found, spread_table(result)]


def as_text(table: Table) -> str:
    """A table in columns."""
    title, heads, rows = table
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]

    def line(row: Sequence[str]) -> str:
        return "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                         for i, (cell, w) in enumerate(zip(row, widths))).rstrip()

    return "\n".join([title, line(heads), *map(line, rows)]) + "\n"


def as_markdown(table: Table) -> str:
    """A table for Documentation/."""
    title, heads, rows = table
    lines = [f"### {title}", "", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def text(result: dict) -> str:
    """The whole report."""
    return result["setup"] + "\n\n" + "\n".join(map(as_text, tables(result)))


def document(setup: str, found: Sequence[Table], path: Path, name: str) -> None:
    """Puts tables between the two marks of this name in the document at @path."""
    body = "\n".join([setup, "", *map(as_markdown, found)])
    new, count = re.subn(f"(<!-- {name} -->\n).*(<!-- end of {name} -->)",
                         lambda m: f"{m[1]}{body}{m[2]}", path.read_text(), flags=re.DOTALL)
    if count != 1:
        raise RuntimeError(f"{path} has not the two marks for {name}")
    path.write_text(new)


PLOT = """set terminal pngcairo size 1400,620 font 'sans,11'
set output '{png}'
{data}
set multiplot layout 1,2
set logscale x 10
set grid
set key top left
set xlabel 'items in the pool'
set format x '10^{{%L}}'
set title 'One request, from callback to answer; values of 20 and of 500 characters'
set ylabel 'instructions'
set yrange [0:*]
plot {counts}
set title 'Whole enumeration'
set ylabel 'seconds of wall time'
set logscale y 10
set yrange [*:*]
plot {whole}
"""


def plot(result: dict, folder: Path) -> None:
    """bench.png in @folder, by gnuplot."""
    data: list[str] = []
    floor, sizes = floor_of(result), sizes_of(result)

    def series(name: str, points: list[tuple[float, float]], style: str) -> str:
        block = f"$series{len(data)}"
        data.append(f"{block} << END\n" + "".join(f"{x} {y}\n" for x, y in points) + "END\n")
        return f"{block} with {style} title '{name}'"

    ends = (sizes[0], sizes[-1])
    counts = [series("floor", [(n, floor) for n in ends], "lines dashtype 2 lw 2"),
              series(f"{READ_AIM} x floor", [(n, READ_AIM * floor) for n in ends],
                     "lines dashtype 3")]
    for operation in OPERATIONS:
        for value in VALUES:
            points = [(n, count_of(result, operation, n, value)["median"]) for n in sizes]
            counts.append(series(f"{operation}, {value}", points, "linespoints"))
    whole = [series(driver, [(t["items"], t["whole"]) for t in result["wall"]
                             if t["driver"] == driver], "linespoints lw 2")
             for driver in ("floor", "hv_kvp", "stock")]
    script = folder / "bench.gp"
    script.write_text(PLOT.format(png=folder / "bench.png", data="".join(data),
                                  counts=", ".join(counts), whole=", ".join(whole)))
    subprocess.run(["gnuplot", str(script)], check=True)
