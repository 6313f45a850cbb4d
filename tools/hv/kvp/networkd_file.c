// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "kvpctl.h"
#include "networkd_file.h"
#include "readfile.h"

#define FILE_MAX	(1024 * 1024)

/* In the order of their precedence. */
static const char *const directories[] = {
	"/etc/systemd/network", "/run/systemd/network", "/usr/local/lib/systemd/network",
	"/usr/lib/systemd/network", "/lib/systemd/network",
};

/**
 * struct section - the section that is being read
 * @name: without brackets
 * @out: lines of it that are kept
 * @text: they, once @out is closed
 * @size: bytes of @text
 * @family: of the address or route in it, AF_UNSPEC if it names none
 * @is_default: of a route: nothing but a default route of the main table was seen
 * @gateway: of a route: the address of its gateway; a family of 0 for none
 * @on_link: of a route: GatewayOnLink= is said
 */
struct section {
	char name[64];
	FILE *out;
	char *text;
	size_t size;
	int family;
	bool is_default;
	struct ipaddr gateway;
	bool on_link;
};

/**
 * struct reader - state of networkd_keep()
 * @ip: the request
 * @kept: what is known of DHCP
 * @section: current section
 * @out: gets all sections
 */
struct reader {
	const struct ipconfig *ip;
	struct networkd_kept *kept;
	struct section section;
	FILE *out;
};

/*
 * The family of an address with or without a prefix length, a zone, a port and a
 * server's name; AF_UNSPEC for what is none.
 */
static int family_of(const char *text, struct ipaddr *addr)
{
	char word[INET6_ADDRSTRLEN + 1], *colon;

	memset(addr, 0, sizeof(*addr));
	if (!strcmp(text, "_dhcp4") || !strcmp(text, "_dhcp"))
		return AF_INET;
	if (!strcmp(text, "_ipv6ra"))
		return AF_INET6;
	snprintf(word, sizeof(word), "%s", *text == '[' ? text + 1 : text);
	word[strcspn(word, "/%#]")] = '\0';
	colon = strchr(word, ':');
	if (colon && !strchr(colon + 1, ':'))
		*colon = '\0';
	if (inet_pton(AF_INET, word, addr->bytes) == 1)
		addr->family = AF_INET;
	else if (inet_pton(AF_INET6, word, addr->bytes) == 1)
		addr->family = AF_INET6;
	return addr->family;
}

static bool is_replaced(const struct reader *reader, int family)
{
	return family != AF_UNSPEC && ipconfig_is_about(reader->ip, family);
}

static void read_dhcp(struct networkd_kept *kept, const char *value)
{
	static const char *const both[] = { "yes", "true", "on", "1", "both" };
	bool all = false;

	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		if (!strcasecmp(value, both[i]))
			all = true;
	kept->dhcp4 = all || !strcmp(value, "ipv4") || !strcmp(value, "v4");
	kept->dhcp6 = all || !strcmp(value, "ipv6") || !strcmp(value, "v6");
}

/* "KEY=a b c" without the words of a family that is replaced; "KEY=" takes all back. */
static void put_words(const struct reader *reader, FILE *out, const char *key, char *value)
{
	struct ipaddr addr;
	char *save, *word;
	unsigned int count = 0;

	if (!*value)
		fprintf(out, "%s=\n", key);
	for (word = strtok_r(value, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		if (is_replaced(reader, family_of(word, &addr)))
			continue;
		if (count++)
			fprintf(out, " %s", word);
		else
			fprintf(out, "%s=%s", key, word);
	}
	if (count)
		fputc('\n', out);
}

/* What agent_networkd.c says itself. */
static bool is_written_anew(const struct ipconfig *ip, const char *key)
{
	return (ip->v6 && !strcmp(key, "IPv6AcceptRA")) ||
	       (ip->address_count && !strcmp(key, "ConfigureWithoutCarrier"));
}

static void read_network(struct reader *reader, const char *key, char *value)
{
	FILE *out = reader->section.out;

	if (!strcmp(key, "DHCP"))
		read_dhcp(reader->kept, value);
	else if (!strcmp(key, "Address") || !strcmp(key, "Gateway") || !strcmp(key, "DNS"))
		put_words(reader, out, key, value);
	else if (!is_written_anew(reader->ip, key))
		fprintf(out, "%s=%s\n", key, value);
}

static void read_route(struct section *section, const char *key, const char *value)
{
	struct ipaddr addr;

	if (!strcmp(key, "GatewayOnLink") || !strcmp(key, "GatewayOnlink"))
		section->on_link = true;
	if (!strcmp(key, "Table") && strcmp(value, "main") &&
	    strtoul(value, NULL, 10) != BACKEND_MAIN_TABLE)
		section->is_default = false;
	if (!strcmp(key, "Gateway")) {
		section->family = family_of(value, &section->gateway);
	} else if (!strcmp(key, "Destination")) {
		size_t size = strlen(value);

		if (section->family == AF_UNSPEC)
			section->family = family_of(value, &addr);
		if (size < 2 || strcmp(value + size - 2, "/0"))
			section->is_default = false;
	}
}

static void read_setting(struct reader *reader, const char *key, char *value)
{
	struct section *section = &reader->section;
	struct ipaddr addr;

	if (!strcmp(section->name, "Match"))
		return;
	if (!strcmp(section->name, "Network")) {
		read_network(reader, key, value);
		return;
	}
	if (!strcmp(section->name, "Address") && !strcmp(key, "Address"))
		section->family = family_of(value, &addr);
	if (!strcmp(section->name, "Route"))
		read_route(section, key, value);
	fprintf(section->out, "%s=%s\n", key, value);
}

static bool begin_section(struct reader *reader, const char *name)
{
	struct section *section = &reader->section;

	memset(section, 0, sizeof(*section));
	snprintf(section->name, sizeof(section->name), "%s", name);
	section->is_default = true;
	section->out = open_memstream(&section->text, &section->size);
	return section->out;
}

static bool is_dropped(const struct reader *reader)
{
	const struct section *section = &reader->section;

	if (!strcmp(section->name, "Address"))
		return is_replaced(reader, section->family);
	if (strcmp(section->name, "Route") || !section->is_default)
		return false;
	/* a default route of a device: IPv4, as networkd has it */
	return is_replaced(reader, section->family == AF_UNSPEC ? AF_INET : section->family);
}

static bool end_section(struct reader *reader)
{
	struct section *section = &reader->section;
	bool good;

	if (!section->out)
		return true;
	good = !fclose(section->out);
	section->out = NULL;
	if (good && section->size && !is_dropped(reader)) {
		fprintf(reader->out, "[%s]\n%s", section->name, section->text);
		if (section->gateway.family && !section->on_link &&
		    is_replaced(reader, section->family) &&
		    !ipconfig_reaches(reader->ip, &section->gateway))
			fputs("GatewayOnLink=yes\n", reader->out);
		fputc('\n', reader->out);
	}
	free(section->text);
	section->text = NULL;
	return good;
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text + strspn(text, " \t");
}

static bool read_line(struct reader *reader, char *line)
{
	char *equals;

	line = trim(line);
	if (!*line || *line == '#' || *line == ';')
		return true;
	if (*line == '[') {
		line[strcspn(line, "]")] = '\0';
		return end_section(reader) && begin_section(reader, line + 1);
	}
	equals = strchr(line, '=');
	if (equals && reader->section.out) {
		*equals = '\0';
		read_setting(reader, trim(line), trim(equals + 1));
	}
	return true;
}

/* A backslash at the end of a line continues it; systemd has a space in its place. */
static void join_lines(char *text)
{
	char *at = text;

	while ((at = strstr(at, "\\\n")))
		memset(at, ' ', 2);
}

static int read_text(struct reader *reader, const char *root, const char *path)
{
	char *text, *line, *save;
	int error = readfile(root, path, FILE_MAX, &text, NULL);
	bool good = true;

	if (error)
		return error;
	join_lines(text);
	for (line = strtok_r(text, "\n", &save); good && line; line = strtok_r(NULL, "\n", &save))
		good = read_line(reader, line);
	good &= end_section(reader);
	free(text);
	return good ? 0 : -ENOMEM;
}

/**
 * struct drop_ins - drop-ins by name, each of the first directory that has it
 * @count: entries of @path
 * @path: their paths below the root
 */
struct drop_ins {
	unsigned int count;
	char **path;
};

static const char *base_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(base_name(*(char *const *)a), base_name(*(char *const *)b));
}

static void add_drop_in(struct drop_ins *all, const char *directory, const char *name)
{
	size_t size = strlen(name);
	char *path;

	if (size < 6 || *name == '.' || strcmp(name + size - 5, ".conf"))
		return;
	for (unsigned int i = 0; i < all->count; i++)
		if (!strcmp(base_name(all->path[i]), name))
			return;
	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return;
	all->path = need_more(all->path, all->count + 1, sizeof(path));
	all->path[all->count++] = path;
}

static void find_drop_ins(const char *root, const char *file, struct drop_ins *all)
{
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		char directory[PATH_MAX], full[PATH_MAX + PATH_MAX];
		struct dirent *entry;
		DIR *dir;

		snprintf(directory, sizeof(directory), "%s/%s.d", directories[i], base_name(file));
		snprintf(full, sizeof(full), "%s%s", root, directory);
		dir = opendir(full);
		if (!dir)
			continue;
		while ((entry = readdir(dir)))
			add_drop_in(all, directory, entry->d_name);
		closedir(dir);
	}
	if (all->count)
		qsort(all->path, all->count, sizeof(*all->path), compare_names);
}

int networkd_keep(const char *root, const char *path, const struct ipconfig *ip,
		  struct networkd_kept *kept)
{
	struct reader reader = { .ip = ip, .kept = kept };
	struct drop_ins all = { 0 };
	size_t size;
	int error;

	memset(kept, 0, sizeof(*kept));
	reader.out = open_memstream(&kept->text, &size);
	if (!reader.out)
		return -ENOMEM;
	error = read_text(&reader, root, path);
	find_drop_ins(root, path, &all);
	for (unsigned int i = 0; i < all.count; i++) {
		if (!error)
			error = read_text(&reader, root, all.path[i]);
		free(all.path[i]);
	}
	free(all.path);
	if (fclose(reader.out) && !error)
		error = -ENOMEM;
	if (error) {
		free(kept->text);
		kept->text = NULL;
	}
	return error;
}
