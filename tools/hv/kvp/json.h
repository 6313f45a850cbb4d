/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A writer of JSON (RFC 8259). Commas come by themselves:
 *
 *	json_open(&j, NULL, '{');
 *	json_text(&j, "key", key, key_len);
 *	json_number(&j, "generation", 7);
 *	json_close(&j);
 *
 * A name is NULL in arrays and for the outermost value.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH	8

/**
 * struct json - a writer; zero but for @out
 * @out: where it goes
 * @depth: of what is open
 * @closing: bracket for each open value
 * @members: how many values each has
 */
struct json {
	FILE *out;
	unsigned int depth;
	char closing[JSON_DEPTH];
	uint64_t members[JSON_DEPTH];
};

/* '{' or '['. The values in an outermost array are put on lines of their own. */
void json_open(struct json *j, const char *name, char bracket);
/* A newline follows the outermost value. */
void json_close(struct json *j);

/*
 * What is no UTF-8, and surrogates, become U+FFFD: many parsers refuse a lone one,
 * and with it all of the text. What a terminal would not show is written as \uHHHH.
 */
void json_text(struct json *j, const char *name, const char *s, size_t len);
void json_string(struct json *j, const char *name, const char *s);
/* Bytes, for what is no text (RFC 4648). */
void json_base64(struct json *j, const char *name, const char *s, size_t len);
/* Readers keep 53 bits; what may have more is a string. */
void json_number(struct json *j, const char *name, uint64_t number);
void json_bool(struct json *j, const char *name, bool value);
void json_null(struct json *j, const char *name);

#endif /* JSON_H */
