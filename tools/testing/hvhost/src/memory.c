// SPDX-License-Identifier: GPL-2.0
/* The firmware's memory map, guest pointers, and the identity map above 4 GiB. */
#include "memory.h"
#include "multiboot.h"
#include "host.h"
#include "lib.h"

#define E820_RAM	1
#define GIB		BIT_ULL(30)
#define MAX_GIB		64		/* what boot_pdpt is filled up to */

#define PTE_TABLE	0x3ull		/* present, writable */
#define PTE_LARGE	0x83ull		/* and 2 MiB in size */

struct e820 {
	u64 addr;
	u64 size;
	u32 type;
} __packed;

extern u64 boot_pdpt[512];

static u64 high_pds[MAX_GIB - 4][512] __aligned(4096);
static struct e820 *const map = (void *)(HVHOST_MAILBOX + HVHOST_OFF_E820);
static u32 *const map_count = (void *)(HVHOST_MAILBOX + HVHOST_OFF_E820_COUNT);

static void map_above_4g(u64 top)
{
	u64 gib, i;

	if (top > MAX_GIB * GIB)
		hv_fatal(NULL, "guest memory ends at %lx, more than %d GiB", top, MAX_GIB);
	for (gib = 4; gib * GIB < top; gib++) {
		u64 *pd = high_pds[gib - 4];

		for (i = 0; i < 512; i++)
			pd[i] = (gib * GIB + (i << 21)) | PTE_LARGE;
		boot_pdpt[gib] = (u64)pd | PTE_TABLE;
	}
}

void memory_init(const struct multiboot_info *mbi)
{
	u64 at = mbi->mmap_addr, end = at + mbi->mmap_length;
	u32 n = 0;

	if (!(mbi->flags & MULTIBOOT_INFO_MMAP))
		hv_fatal(NULL, "no memory map from the loader");
	while (at < end) {
		const struct multiboot_mmap *m = (const void *)at;

		if (n == HVHOST_E820_MAX)
			hv_fatal(NULL, "more than %d memory ranges", HVHOST_E820_MAX);
		map[n++] = (struct e820){ m->addr, m->len, m->type };
		if (m->type == E820_RAM && m->addr + m->len > host.ram_top)
			host.ram_top = m->addr + m->len;
		at += m->size + sizeof(m->size);
	}
	*map_count = n;
	map_above_4g(host.ram_top);
}

void *guest_ptr(u64 gpa, u64 len)
{
	u32 i;

	if (!len || gpa + len < gpa)
		return NULL;
	if (gpa < HVHOST_END && gpa + len > HVHOST_BASE)
		return NULL;
	for (i = 0; i < *map_count; i++)
		if (map[i].type == E820_RAM && gpa >= map[i].addr &&
		    gpa + len <= map[i].addr + map[i].size)
			return (void *)gpa;
	return NULL;
}
