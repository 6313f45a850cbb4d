// SPDX-License-Identifier: GPL-2.0
// The VMBus root device, as Hyper-V's DSDT has it: Linux binds hv_vmbus to the _HID. A _CRS is
// mandatory there; the MMIO window is looked for as an Address descriptor of an ancestor, and no
// device that is offered here needs one.
DefinitionBlock ("", "SSDT", 2, "HVHOST", "VMBUS", 1)
{
    Scope (\_SB)
    {
        Device (VMB0)
        {
            Name (_HID, "VMBus")
            Name (_UID, Zero)
            Method (_STA, 0, NotSerialized)
            {
                Return (0x0F)
            }
            Name (_CRS, ResourceTemplate ()
            {
                IRQNoFlags () {5}
            })
        }
    }
}
