// SPDX-License-Identifier: GPL-2.0
/*
 * Intrinsic items: what the kernel knows about the guest, asked at each query.
 *
 * Keys, their order and the form of the values are those of Linux's
 * tools/hv/hv_kvp_daemon.c, so that hosts parse them as they always did. What
 * the daemon reads from os-release the kernel cannot know: OSName and the OS
 * versions then describe the kernel, unless an agent overrides them.
 */
#include <linux/ctype.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/utsname.h>

#include "codec.h"
#include "intrinsic.h"
#include "ip_list.h"
#include "pool.h"

/* A value under construction: UTF-16LE straight in the message. */
struct text {
	u8 *units;
	u32 used;	/* bytes, without a NUL */
};

#define TEXT_MAX	(HKVP_VALUE_SIZE - 2)

/* Any one of the fields of uname(2), with its NUL. */
#define UTS_TEXT	(__NEW_UTS_LEN + 1)

static void put_ascii(struct text *t, const char *s)
{
	for (; *s; s++) {
		t->units[t->used++] = *s;
		t->units[t->used++] = 0;
	}
}

/* An entry of a list, whole or not at all. */
static bool put_entry(struct text *t, const char *s)
{
	u32 size = 2 * (strlen(s) + !!t->used);

	if (t->used + size > TEXT_MAX)
		return false;
	if (t->used)
		put_ascii(t, ";");
	put_ascii(t, s);
	return true;
}

/*
 * What sethostname(2) was given may be any bytes; those which are not UTF-8
 * become '?'. In either case it fits: @s is shorter than UTS_TEXT.
 */
static void put_name(struct text *t, char *s)
{
	int size = hkvp_codec_from_utf8(t->units, HKVP_VALUE_SIZE, s, strlen(s),
					HKVP_UTF8_STRICT);
	char *p;

	if (size >= 2) {
		t->used = size - 2;
		return;
	}
	for (p = s; *p; p++)
		if (!isascii(*p))
			*p = '?';
	put_ascii(t, s);
}

/*
 * uts_sem is not exported and could not be taken here anyway: copy, compare,
 * and do it again if a writer came between. A torn name heals on the next
 * query.
 */
static void read_uts(char *dst, const char *field)
{
	int tries = 4;

	do {
		/* a writer may be at it, which the comparison shows */
		data_race(memcpy(dst, field, __NEW_UTS_LEN + 1));
		barrier();
		/* as above */
	} while (data_race(memcmp(dst, field, __NEW_UTS_LEN + 1)) && --tries);
	dst[__NEW_UTS_LEN] = '\0';
}

static void put_uts(struct text *t, const char *field)
{
	char name[UTS_TEXT];

	read_uts(name, field);
	put_name(t, name);
}

/*
 * The name that the guest has given itself. Whether there is a longer one only
 * a name server knows, which kvpctl identify asks. domainname is not that, but
 * the domain of NIS.
 */
static void fqdn(struct text *t)
{
	put_uts(t, init_utsname()->nodename);
}

/*
 * What hosts compare with the components that they could install, and have
 * been told by Linux since 2012 (HV_DRV_VERSION, drivers/hv/hv_kvp.c): not the
 * version of this module.
 */
static void integration_services_version(struct text *t)
{
	put_ascii(t, "3.1");
}

static bool put_v4(void *ctx, const void *addr)
{
	char text[sizeof("255.255.255.255")];

	snprintf(text, sizeof(text), "%pI4", addr);
	return put_entry(ctx, text);
}

static void ipv4(struct text *t)
{
	hkvp_ip_list_v4(put_v4, t);
}

static bool put_v6(void *ctx, const void *addr)
{
	char text[sizeof("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")];

	snprintf(text, sizeof(text), "%pI6c", addr);
	return put_entry(ctx, text);
}

static void ipv6(struct text *t)
{
	hkvp_ip_list_v6(put_v6, t);
}

static void os_build_number(struct text *t)
{
	put_uts(t, init_utsname()->release);
}

static void os_name(struct text *t)
{
	put_uts(t, init_utsname()->sysname);
}

/* Number @which, from 0, of the release's dotted numbers; empty if there is none. */
static void release_number(struct text *t, int which)
{
	char name[UTS_TEXT], *p = name;

	read_uts(name, init_utsname()->release);
	while (which--) {
		p += strcspn(p, ".-");
		if (*p++ != '.')
			return;
	}
	p[strspn(p, "0123456789")] = '\0';
	put_ascii(t, p);
}

static void os_major_version(struct text *t)
{
	release_number(t, 0);
}

static void os_minor_version(struct text *t)
{
	release_number(t, 1);
}

/* The release up to the first '-': hosts expect x.y.z (hv_kvp_daemon.c). */
static void os_version(struct text *t)
{
	char name[UTS_TEXT];

	read_uts(name, init_utsname()->release);
	name[strcspn(name, "-")] = '\0';
	put_name(t, name);
}

static void processor_architecture(struct text *t)
{
	put_uts(t, init_utsname()->machine);
}

/* In the order in which hosts have always seen them. */
static const struct intrinsic {
	const char *name;
	void (*value)(struct text *t);
} intrinsics[] = {
	{ "FullyQualifiedDomainName", fqdn },
	{ "IntegrationServicesVersion", integration_services_version },
	{ "NetworkAddressIPv4", ipv4 },
	{ "NetworkAddressIPv6", ipv6 },
	{ "OSBuildNumber", os_build_number },
	{ "OSName", os_name },
	{ "OSMajorVersion", os_major_version },
	{ "OSMinorVersion", os_minor_version },
	{ "OSVersion", os_version },
	{ "ProcessorArchitecture", processor_architecture },
};

static_assert(ARRAY_SIZE(intrinsics) == HKVP_INTRINSIC_COUNT);

/* What agents have set instead, by the same keys. */
static const struct hkvp_pool *overrides;

static void put_key(const struct intrinsic *item, struct hkvp_value *out)
{
	struct text key = { .units = out->key };

	put_ascii(&key, item->name);
	key.units[key.used++] = 0;
	key.units[key.used++] = 0;
	out->key_size = cpu_to_le32(key.used);
}

static void put_default(const struct intrinsic *item, struct hkvp_value *out)
{
	struct text t = { .units = out->value };

	item->value(&t);
	t.units[t.used++] = 0;
	t.units[t.used++] = 0;
	out->type = cpu_to_le32(HKVP_TYPE_SZ);
	out->value_size = cpu_to_le32(t.used);
}

/* Its generation and what else @source has. True if there is one. */
static bool put_override(const void *key, u32 key_size, struct hkvp_value *out,
			 struct hkvp_source *source)
{
	const struct hkvp_version *version;
	const struct hkvp_item *item;

	*source = (struct hkvp_source) { };
	rcu_read_lock();
	version = hkvp_pool_current(overrides);
	source->looked_at = hkvp_version_generation(version);
	item = hkvp_version_find(version, key, key_size);
	if (item) {
		source->generation = hkvp_item_generation(item);
		source->traits = item->traits;
		out->type = cpu_to_le32(item->type);
		out->value_size = cpu_to_le32(item->value_size);
		memcpy(out->value, hkvp_item_value(item), item->value_size);
	}
	rcu_read_unlock();
	return source->generation;
}

/**
 * hkvp_intrinsic_init() - say where overrides are
 * @pool: pool AUTO, of items that have the keys of intrinsic ones; outlives all use
 *
 * Before any other function here.
 */
void hkvp_intrinsic_init(const struct hkvp_pool *pool)
{
	overrides = pool;
}

/**
 * hkvp_intrinsic_get() - intrinsic item by its place
 * @index: place, below HKVP_INTRINSIC_COUNT
 * @out: gets type, sizes, key and value; all of it may be the host's buffer
 * @source: gets who has set it, and when
 *
 * Any context; takes RCU. The kernel's own values are what the system has at
 * this moment, cut at a whole address where a list does not fit.
 */
void hkvp_intrinsic_get(u32 index, struct hkvp_value *out,
			struct hkvp_source *source)
{
	/* it is the host's or a program's number */
	index = array_index_nospec(index, ARRAY_SIZE(intrinsics));
	put_key(&intrinsics[index], out);
	if (!put_override(out->key, le32_to_cpu(out->key_size), out, source))
		put_default(&intrinsics[index], out);
}

/**
 * hkvp_intrinsic_default() - what the kernel says, whatever agents have set
 * @index: place, below HKVP_INTRINSIC_COUNT
 * @out: gets type, sizes, key and value
 *
 * Any context; takes RCU.
 */
void hkvp_intrinsic_default(u32 index, struct hkvp_value *out)
{
	put_key(&intrinsics[index], out);
	put_default(&intrinsics[index], out);
}

/**
 * hkvp_intrinsic_at() - intrinsic item by its place, for the host
 * @ctx: not used
 * @index: place, from 0
 * @out: gets type, sizes, key and value; all of it may be the host's buffer
 *
 * Any context; takes RCU.
 *
 * Return: 0; -ENOENT past the last item.
 */
int hkvp_intrinsic_at(void *ctx, u32 index, struct hkvp_value *out)
{
	struct hkvp_source source;

	if (index >= ARRAY_SIZE(intrinsics))
		return -ENOENT;
	hkvp_intrinsic_get(index, out, &source);
	return 0;
}

static bool same_key(const char *name, const u8 *key, u32 key_size)
{
	u32 i, len = strlen(name) + 1;

	if (key_size != 2 * len)
		return false;
	for (i = 0; i < len; i++)
		if (key[2 * i] != name[i] || key[2 * i + 1])
			return false;
	return true;
}

/**
 * hkvp_intrinsic_index() - place of an intrinsic item
 * @key: key, UTF-16LE with its NUL
 * @key_size: bytes of @key
 *
 * Any context.
 *
 * Return: the place, from 0; -ENOENT.
 */
int hkvp_intrinsic_index(const void *key, u32 key_size)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(intrinsics); i++)
		if (same_key(intrinsics[i].name, key, key_size))
			return i;
	return -ENOENT;
}

/**
 * hkvp_intrinsic_find() - intrinsic item by its key, for the host
 * @ctx: not used
 * @key: key, UTF-16LE with its NUL; may be @out->key
 * @key_size: bytes of @key
 * @out: gets type, value_size and value; the key is left alone
 *
 * Any context; takes RCU.
 *
 * Return: 0; -ENOENT.
 */
int hkvp_intrinsic_find(void *ctx, const void *key, u32 key_size,
			struct hkvp_value *out)
{
	int index = hkvp_intrinsic_index(key, key_size);
	struct hkvp_source source;

	if (index < 0)
		return index;
	if (!put_override(key, key_size, out, &source))
		put_default(&intrinsics[index], out);
	return 0;
}

/**
 * hkvp_intrinsic_name() - key of an intrinsic item
 * @index: place, below HKVP_INTRINSIC_COUNT
 *
 * Return: the key in ASCII.
 */
const char *hkvp_intrinsic_name(u32 index)
{
	return intrinsics[index].name;
}
