# SPDX-License-Identifier: GPL-2.0
"""Msvm_KvpExchangeComponent: the KVP service as the host's WMI shows it.

Properties, their order and constants: Microsoft's reference of the class in
Root\\Virtualization. The items are embedded Msvm_KvpExchangeDataItem
instances as CIM-XML text (DMTF DSP0201, CIM DTD 2.0), in the form in which
Hyper-V hands them out: properties by name, those without a value empty.
Documentation/userspace-api/hv_kvp/component.md describes the three forms to
the byte; the guest's kvpctl follows it too, on its own.
"""
from __future__ import annotations

import json
from dataclasses import dataclass
from xml.sax.saxutils import escape

from . import kvpwire
from .ic import State
from .icwire import version_text
from .kvp import INSTANCE_ID, Kvp
from .kvpwire import Item

OK, DEGRADED, NON_RECOVERABLE, NO_CONTACT, LOST = 2, 3, 7, 12, 13
STATUS_TEXT = {
    OK: "OK",
    DEGRADED: "Degraded",
    NON_RECOVERABLE: "Non-Recoverable Error",
    NO_CONTACT: "No Contact",
    LOST: "Lost Communication",
}
ENABLED, DISABLED = 2, 3
SOURCE = {kvpwire.EXTERNAL: 0, kvpwire.GUEST: 1, kvpwire.AUTO: 2}

# Name, type (with [] for arrays) and, where it never changes, the value.
PROPERTIES: list[tuple[str, str, object]] = [
    ("Caption", "string", "Key-Value Pair Exchange"),
    ("Description", "string", "Microsoft Key-Value Pair Exchange Component"),
    ("ElementName", "string", "Key-Value pair Exchange"),
    ("Name", "string", "Key-Value Pair Exchange"),
    ("OperationalStatus", "uint16[]", None),
    ("StatusDescriptions", "string[]", None),
    ("Status", "string", None),
    ("HealthState", "uint16", 5),
    ("EnabledState", "uint16", None),
    ("RequestedState", "uint16", 12),
    ("EnabledDefault", "uint16", 7),
    ("TimeOfLastStateChange", "datetime", None),
    ("SystemCreationClassName", "string", "Msvm_ComputerSystem"),
    ("SystemName", "string", None),
    ("CreationClassName", "string", "Msvm_KvpExchangeComponent"),
    ("PowerManagementSupported", "boolean", None),
    ("PowerManagementCapabilities", "uint16[]", None),
    ("Availability", "uint16", None),
    ("StatusInfo", "uint16", None),
    ("LastErrorCode", "uint32", None),
    ("ErrorDescription", "string", None),
    ("ErrorCleared", "boolean", None),
    ("TotalPowerOnHours", "uint64", None),
    ("IdentifyingDescriptions", "string[]", None),
    ("AdditionalAvailability", "uint16[]", [6]),
    ("MaxQuiesceTime", "uint64", None),
    ("LocationIndicator", "uint16", 4),
    ("InstallDate", "datetime", None),
    ("OtherEnabledState", "string", None),
    ("DeviceID", "string", None),
    ("OtherIdentifyingInfo", "string[]", None),
    ("PowerOnHours", "uint64", None),
    ("GuestExchangeItems", "string[]", None),
    ("GuestIntrinsicExchangeItems", "string[]", None),
]


def _is_xml(c: str) -> bool:
    """Char of XML 1.0."""
    return c in "\t\n\r" or (c >= " " and not "\ud800" <= c <= "\udfff"
                             and c not in "\ufffe\uffff")


def _xml_text(text: str) -> str:
    """What XML cannot hold becomes U+FFFD. Parsers would make a newline of a
    bare carriage return."""
    return escape("".join(c if _is_xml(c) else "\ufffd" for c in text),
                  {"\r": "&#13;"})


def _xml_property(name: str, kind: str, value: object) -> str:
    """One property; one without a value has that of the class."""
    array = kind.endswith("[]")
    element = "PROPERTY.ARRAY" if array else "PROPERTY"
    kind = kind.removesuffix("[]")
    if value is None:
        return (f'<{element} NAME="{name}" PROPAGATED="true" '
                f'TYPE="{kind}"></{element}>')
    inner = "".join(f"<VALUE>{_xml_text(_plain(v))}</VALUE>"
                    for v in (value if isinstance(value, list) else [value]))
    if array:
        inner = f"<VALUE.ARRAY>{inner}</VALUE.ARRAY>"
    return f'<{element} NAME="{name}" TYPE="{kind}">{inner}</{element}>'


def _plain(value: object) -> str:
    return str(value).upper() if isinstance(value, bool) else str(value)


def item_xml(item: Item, pool: int) -> str:
    """One item as an embedded instance of Msvm_KvpExchangeDataItem."""
    return ('<INSTANCE CLASSNAME="Msvm_KvpExchangeDataItem">'
            + _xml_property("Caption", "string", None)
            + _xml_property("Data", "string", item.text)
            + _xml_property("Description", "string", None)
            + _xml_property("ElementName", "string", None)
            + _xml_property("Name", "string", item.key)
            + _xml_property("Source", "uint16", SOURCE[pool])
            + "</INSTANCE>")


def operational_status(kvp: Kvp) -> list[int]:
    """OperationalStatus by what was negotiated and what became of it."""
    if kvp.state is State.READY:
        newest = kvp.msg == max(kvp.versions) and kvp.fw == max(kvp.fw_versions)
        return [OK if newest else DEGRADED]
    return [{State.REFUSED: NON_RECOVERABLE, State.FAILED: LOST,
             State.LOST: LOST}.get(kvp.state, NO_CONTACT)]


def status_descriptions(kvp: Kvp, status: list[int]) -> list[str]:
    """A text for each status; a second one says which versions."""
    texts = [STATUS_TEXT[s] for s in status]
    if status[0] in (DEGRADED, NON_RECOVERABLE):
        texts[0] += (f": negotiated {version_text(kvp.msg)}, expected "
                     f"{version_text(max(kvp.versions))}")
    return texts


@dataclass
class Component:
    """One instance of the class; values holds all 34 properties in order."""

    values: dict[str, object]

    @classmethod
    def of(cls, kvp: Kvp, vm_id: str, enabled: bool = True) -> Component:
        """The state of @kvp. Items are as of its last refresh()."""
        status = operational_status(kvp)
        values = {name: value for name, _, value in PROPERTIES}
        values["OperationalStatus"] = status
        values["StatusDescriptions"] = status_descriptions(kvp, status)
        values["EnabledState"] = ENABLED if enabled else DISABLED
        values["SystemName"] = vm_id.upper()
        values["DeviceID"] = (f"Microsoft:{vm_id.upper()}\\"
                              f"{INSTANCE_ID.upper()}")
        values["GuestExchangeItems"] = [
            item_xml(i, kvpwire.GUEST) for i in kvp.guest_items]
        values["GuestIntrinsicExchangeItems"] = [
            item_xml(i, kvpwire.AUTO) for i in kvp.intrinsic_items]
        return cls(values)

    def __getitem__(self, name: str):
        return self.values[name]

    def json(self) -> str:
        """All properties as one JSON object, in the order of the class."""
        return json.dumps(self.values, indent=2, ensure_ascii=False)

    def xml(self) -> str:
        """As CIM-XML, one INSTANCE without a blank between elements."""
        return ('<INSTANCE CLASSNAME="Msvm_KvpExchangeComponent">'
                + "".join(_xml_property(name, kind, self.values[name])
                          for name, kind, _ in PROPERTIES)
                + "</INSTANCE>")

    def mof(self) -> str:
        """As MOF (DMTF DSP0004): one property a line, arrays one entry a
        line, NULL for what has no value."""
        lines = ["instance of Msvm_KvpExchangeComponent", "{"]
        for name, kind, _ in PROPERTIES:
            value = self.values[name]
            if isinstance(value, list):
                lines.append(f"\t{name} = {_mof_array(value)};")
            else:
                lines.append(f"\t{name} = {_mof_scalar(value, kind)};")
        return "\n".join([*lines, "};"])


def _mof_array(values: list) -> str:
    """Numbers on one line, strings on one each."""
    if values and isinstance(values[0], str):
        return ("{\n\t\t" + ",\n\t\t".join(_mof_scalar(v, "string")
                                           for v in values) + "}")
    return "{" + ", ".join(map(str, values)) + "}"


def _mof_scalar(value: object, kind: str) -> str:
    if value is None:
        return "NULL"
    if kind in ("string", "datetime"):
        return '"' + "".join(map(_mof_char, str(value))) + '"'
    return _plain(value)


def _mof_char(c: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r",
               "\t": "\\t"}
    if c in escapes:
        return escapes[c]
    hidden = c < " " or "\x7f" <= c < "\xa0" or "\ud800" <= c <= "\udfff"
    return f"\\x{ord(c):04X}" if hidden else c
