// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "keycase.h"
#include "kvpctl.h"
#include "operations.h"
#include "pool.h"
#include "setitem.h"

/* A value on a command line is seen by everybody, one in a file is not. */
static int read_value(const char *file, char *value, size_t *len, size_t size)
{
	int fd = strcmp(file, "-") ? open(file, O_RDONLY | O_CLOEXEC) :
				     STDIN_FILENO;
	ssize_t got = fd < 0 ? -1 : 1;

	*len = 0;
	while (got > 0 && *len < size) {
		got = read(fd, value + *len, size - *len);
		if (got > 0)
			*len += got;
	}
	if (got < 0)
		return fail_errno("'%s'", file);
	if (fd != STDIN_FILENO)
		close(fd);
	if (*len == size)
		return fail(EXIT_INVALID, "'%s' has more than %zu bytes", file,
			    size - 1);
	return EXIT_OK;
}

int setitem_value(const struct setitem *how, const char *text, struct value *value)
{
	static char buffer[HV_KVP_VALUE_MAX + 1];
	static uint64_t number;
	size_t len = text ? strlen(text) : 0;
	int code;

	if (!type_by_name(how->type))
		usage_error("no such type: '%s'", how->type);
	if (!text) {
		code = read_value(how->file, buffer, &len, sizeof(buffer));
		if (code)
			return code;
		text = buffer;
	}
	if (!value_parse(value, type_by_name(how->type), text, len, &number))
		return fail(EXIT_INVALID, "the value is no %s", how->type);
	return EXIT_OK;
}

int setitem_store(int fd, const struct setitem *how, const char *key,
		  const struct value *value, uint64_t *generation)
{
	struct hv_kvp_set arg = {
		.key = PTR(key), .key_len = strlen(key),
		.value = PTR(value->bytes), .value_len = value->len,
		.pool = how->pool, .type = value->type, .flags = how->flags,
		.if_generation = how->if_generation,
	};
	struct operations one = { 0 };

	if (ioctl(fd, HV_KVP_IOC_SET, &arg))
		return fail_item("'%s' in pool %s", key, pool_name(how->pool));
	*generation = arg.generation;
	operations_set(&one, key, strlen(key), value);
	keycase_warn(how->pool, &one);
	operations_free(&one);
	return EXIT_OK;
}
