/* SPDX-License-Identifier: GPL-2.0 */
/* Copies of strings and nodes: tens to hundreds of bytes. */
#ifndef HKVP_COPY_H
#define HKVP_COPY_H

#include <linux/string.h>
#include <linux/types.h>

/* Eight bytes at any alignment: a move on every machine with Hyper-V. */
static inline u64 hkvp_load(const void *from)
{
	u64 word;

	memcpy(&word, from, sizeof(word));
	return word;
}

static inline void hkvp_store(void *to, u64 word)
{
	memcpy(to, &word, sizeof(word));
}

/**
 * hkvp_copy() - memcpy() by words
 * @to: where to, any alignment
 * @from: where from, any alignment; must not overlap @to
 * @size: bytes
 *
 * On today's x86 the kernel's memcpy() is one rep movsb, which is slow to start
 * for short copies, and of which the benchmark's clock counts each byte. What
 * either takes in time has not been measured: Documentation/bench.md.
 *
 * Context: any.
 */
static inline void hkvp_copy(void *to, const void *from, u32 size)
{
	const void *end = from + size;

	for (; end - from >= 32; from += 32, to += 32) {
		u64 a = hkvp_load(from), b = hkvp_load(from + 8);
		u64 c = hkvp_load(from + 16), d = hkvp_load(from + 24);

		hkvp_store(to, a);
		hkvp_store(to + 8, b);
		hkvp_store(to + 16, c);
		hkvp_store(to + 24, d);
	}
	for (; end - from >= 8; from += 8, to += 8)
		hkvp_store(to, hkvp_load(from));
	for (; from != end; from++, to++)
		*(u8 *)to = *(const u8 *)from;
}

#endif /* HKVP_COPY_H */
