/* SPDX-License-Identifier: GPL-2.0 */
/* The firmware's memory map and hvhost's own address space. */
#ifndef HVHOST_MEMORY_H
#define HVHOST_MEMORY_H

struct multiboot_info;

/* Take over the firmware's map; it is also published in the mailbox. */
void memory_init(const struct multiboot_info *mbi);

#endif
