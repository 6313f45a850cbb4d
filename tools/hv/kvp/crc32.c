// SPDX-License-Identifier: GPL-2.0
/* The CRC-32 of IEEE 802.3: reflected, all ones before and after. */
#include "crc32.h"

#define POLYNOMIAL	0xedb88320

uint32_t crc32(const void *data, size_t len)
{
	const unsigned char *p = data;
	static uint32_t table[256];
	uint32_t crc = ~0u;

	for (uint32_t i = 0; !table[255] && i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c >> 1 ^ (c & 1 ? POLYNOMIAL : 0);
		table[i] = c;
	}
	while (len--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return ~crc;
}
