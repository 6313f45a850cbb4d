/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Strings of items: WTF-8, which is UTF-8 with the three bytes of unpaired
 * surrogates, and may hold anything but a NUL.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Not a character: the byte belongs to nothing. */
#define TEXT_BAD	0xffffffffu

/* Decodes one code point, surrogates included; returns the bytes it took, at
 * least one of @len, which is not 0.
 */
size_t text_decode(const char *s, size_t len, uint32_t *code);

/* What a terminal does not show as itself: control characters, what turns a line
 * around, what has no width; surrogates and TEXT_BAD.
 */
bool text_is_hidden(uint32_t code);

/* UTF-8 without a surrogate: what JSON and other programs can hold. */
bool text_is_valid(const char *s, size_t len);

/* UTF-16 code units: one for a byte that is no UTF-8. */
size_t text_units(const char *s, size_t len);

/* Bytes of the longest beginning with at most @units, of whole characters. */
size_t text_fit(const char *s, size_t len, size_t units);

/*
 * One line of valid UTF-8 whatever @s is: backslash and what is hidden become
 * \\, \t, \n, \r and \xHH, byte by byte.
 */
void text_put_escaped(FILE *out, const char *s, size_t len);

/* The same for a message, in which a backslash stands for itself. */
void text_put_visible(FILE *out, const char *s, size_t len);

/* The same backwards, in place. Returns the new length, or -1 for an escape
 * that there is not.
 */
long text_unescape(char *s, size_t len);

#endif /* TEXT_H */
