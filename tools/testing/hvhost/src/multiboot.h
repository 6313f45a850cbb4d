/* SPDX-License-Identifier: GPL-2.0 */
/* Multiboot specification 0.6.96, section 3.3: what the loader hands over. */
#ifndef HVHOST_MULTIBOOT_H
#define HVHOST_MULTIBOOT_H

#include "types.h"

#define MULTIBOOT_BOOT_MAGIC	0x2badb002
#define MULTIBOOT_INFO_CMDLINE	(1u << 2)
#define MULTIBOOT_INFO_MMAP	(1u << 6)

struct multiboot_info {
	u32 flags;
	u32 mem_lower, mem_upper;
	u32 boot_device;
	u32 cmdline;
	u32 mods_count, mods_addr;
	u32 syms[4];
	u32 mmap_length, mmap_addr;
};

struct multiboot_mmap {
	u32 size;		/* of what follows */
	u64 addr;
	u64 len;
	u32 type;		/* as e820 */
} __packed;

#endif
