/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Strings of items: WTF-8, which is UTF-8 with the three bytes of unpaired
 * surrogates, and may hold anything but a NUL.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Not a character: the byte belongs to nothing. */
#define TEXT_BAD	0xffffffffu

/* Decodes one code point, surrogates included; returns the bytes it took, at
 * least one of @len, which is not 0.
 */
size_t text_decode(const char *s, size_t len, uint32_t *code);

/*
 * One line of valid UTF-8 whatever @s is: backslash, control characters and
 * what is no UTF-8 become \\, \t, \n, \r and \xHH, byte by byte.
 */
void text_put_escaped(FILE *out, const char *s, size_t len);

/* The same backwards, in place. Returns the new length, or -1 for an escape
 * that there is not.
 */
long text_unescape(char *s, size_t len);

#endif /* TEXT_H */
