/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CRC32_H
#define CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The CRC-32 of IEEE 802.3, zlib and gzip. */
uint32_t crc32(const void *data, size_t len);

#endif /* CRC32_H */
