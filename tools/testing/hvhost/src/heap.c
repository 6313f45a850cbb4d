// SPDX-License-Identifier: GPL-2.0
/* The host CPU's heap: power-of-two classes, a free list for each, never given back. */
#include "lib.h"
#include "hvhost_abi.h"

#define MIN_SHIFT	5
#define MAX_SHIFT	19

struct block {
	u64 shift;		/* size class of a block in use */
	struct block *next;	/* free list */
};

static struct block *free_list[MAX_SHIFT + 1];
static u64 heap_top = HVHOST_HEAP;

/* The class field stays in front of what the caller gets; 16 keeps that aligned. */
#define BLOCK_HEADER	16

void *heap_alloc(size_t size)
{
	u32 shift = MIN_SHIFT;
	struct block *b;

	while ((1ul << shift) < size + BLOCK_HEADER)
		if (++shift > MAX_SHIFT)
			return NULL;

	b = free_list[shift];
	if (b) {
		free_list[shift] = b->next;
	} else {
		if (heap_top + (1ul << shift) > HVHOST_END)
			return NULL;
		b = (void *)heap_top;
		heap_top += 1ul << shift;
	}
	b->shift = shift;
	return memset((u8 *)b + BLOCK_HEADER, 0, size);
}

void heap_free(void *p)
{
	struct block *b;

	if (!p)
		return;
	b = (void *)((u8 *)p - BLOCK_HEADER);
	HV_ASSERT(b->shift >= MIN_SHIFT && b->shift <= MAX_SHIFT);
	b->next = free_list[b->shift];
	free_list[b->shift] = b;
}
