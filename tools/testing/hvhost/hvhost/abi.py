# SPDX-License-Identifier: GPL-2.0
"""The interface to hvhost.elf, read from src/hvhost_abi.h.

Every #define of that header becomes an attribute here without its HVHOST_ prefix, and every
structure a struct.Struct named like it, so that nothing is written down twice.
"""

import re
import struct
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"

_DEFINE = re.compile(r"^#define\s+HVHOST_(\w+)\s+(0x[0-9a-fA-F]+|\d+)\b", re.M)
_STRUCT = re.compile(r"^struct hvhost_(\w+) \{\n(.*?)^\};", re.M | re.S)
_FIELD = re.compile(r"^\t(struct hvhost_\w+|unsigned long long|unsigned int|unsigned short|unsigned char|int)\s+"
                    r"([^;]+);", re.M)
_CODES = {"unsigned long long": "Q", "unsigned int": "I", "unsigned short": "H",
          "unsigned char": "B", "int": "i"}


def _field_format(kind: str, names: str, done: dict[str, str]) -> str:
    code = done[kind[len("struct hvhost_"):]] if kind.startswith("struct") else _CODES[kind]
    out = ""
    for name in names.split(","):
        count = re.search(r"\[(\d+)\]", name)
        times = int(count.group(1)) if count else 1
        if code == "B" and count:
            out += f"{times}s"
        else:
            out += code * times
    return out


def _load() -> tuple[dict[str, int], dict[str, struct.Struct]]:
    text = (SOURCE / "hvhost_abi.h").read_text()
    defines = {m.group(1): int(m.group(2), 0) for m in _DEFINE.finditer(text)}
    formats: dict[str, str] = {}
    for m in _STRUCT.finditer(text):
        body = re.sub(r"/\*.*?\*/", "", m.group(2), flags=re.S)
        formats[m.group(1)] = "".join(_field_format(f.group(1), f.group(2), formats)
                                      for f in _FIELD.finditer(body))
    structs = {name: struct.Struct("<" + fmt) for name, fmt in formats.items()}
    for name, size in defines.items():
        if name.startswith("SIZEOF_") and structs[name[7:]].size != size:
            raise AssertionError(f"struct hvhost_{name[7:]}: {structs[name[7:]].size} bytes "
                                 f"here, {size} in C")
    return defines, structs


DEFINES, STRUCTS = _load()
globals().update(DEFINES)


def __getattr__(name: str) -> int:
    raise AttributeError(f"hvhost_abi.h has no HVHOST_{name}")
