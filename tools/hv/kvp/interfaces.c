// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "interfaces.h"
#include "kvpctl.h"
#include "readfile.h"

#define FILE_MAX	(4 * 1024 * 1024)
/* Files that include each other end somewhere. */
#define DEPTH		4

/* A logical line: a backslash at its end continues it. */
static const char *line_end(const char *line)
{
	const char *end = line;

	for (;;) {
		end += strcspn(end, "\n");
		if (!*end)
			return end;
		if (end == line || end[-1] != '\\')
			return end + 1;
		end++;
	}
}

/* The word at *@at, and *@at behind it; its size, 0 at the end of the line. */
static size_t next_word(const char **at, const char *end, const char **word)
{
	const char *p = *at;

	while (p < end && (isspace((unsigned char)*p) || (*p == '\\' && p[1] == '\n')))
		p++;
	*word = p;
	while (p < end && !isspace((unsigned char)*p))
		p++;
	*at = p;
	return p - *word;
}

static bool is_word(const char *word, size_t size, const char *what)
{
	return size == strlen(what) && !strncmp(word, what, size);
}

/* Lines that begin something new, and so end a stanza. */
static bool begins_stanza(const char *word, size_t size)
{
	static const char *const words[] = {
		"iface", "mapping", "auto", "source", "source-directory", "source-dir",
		"no-auto-down", "no-scripts", "rename", "template",
	};

	if (size > 6 && !strncmp(word, "allow-", 6))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (is_word(word, size, words[i]))
			return true;
	return false;
}

/* Whether the line is "iface NAME FAMILY"; @method gets the word after it. */
static bool is_iface(const char *line, const char *end, const char *name, const char *family,
		     const char **method, size_t *method_size)
{
	const char *word;
	size_t size = next_word(&line, end, &word);

	if (!is_word(word, size, "iface"))
		return false;
	size = next_word(&line, end, &word);
	if (!is_word(word, size, name))
		return false;
	size = next_word(&line, end, &word);
	if (!is_word(word, size, family))
		return false;
	*method_size = next_word(&line, end, method);
	return true;
}

/* Options that say what the host now says. */
static bool is_address_option(const char *word, size_t size)
{
	static const char *const options[] = {
		"address", "netmask", "gateway", "broadcast", "network", "pointopoint", "scope",
		"metric", "dns-nameservers", "dns-nameserver", "accept_ra", "autoconf",
		"dad-attempts",
		"preferred-lifetime", "inherits",
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (is_word(word, size, options[i]))
			return true;
	return false;
}

static int add(struct interfaces *all, const char *root, const char *path, int depth);

static int add_directory(struct interfaces *all, const char *root, const char *path, int depth)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	char full[PATH_MAX + NAME_MAX + 2];
	struct dirent **entries;
	int count, error = 0;

	snprintf(full, sizeof(full), "%s%s", root, path);
	count = scandir(full, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		snprintf(full, sizeof(full), "%s/%s", path, name);
		if (!error && strspn(name, allowed) == strlen(name))
			error = add(all, root, full, depth);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	snprintf(all->directory, sizeof(all->directory), "%.255s", path);
	return error;
}

static int add_pattern(struct interfaces *all, const char *root, const char *pattern, int depth)
{
	char full[PATH_MAX], *slash;
	glob_t found;
	int error = 0;

	if (snprintf(full, sizeof(full), "%s%s", root, pattern) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	if (!glob(full, 0, NULL, &found)) {
		for (size_t i = 0; !error && i < found.gl_pathc; i++)
			error = add(all, root, found.gl_pathv[i] + strlen(root), depth);
		globfree(&found);
	}
	slash = strrchr(pattern, '/');
	if (slash && !strcmp(slash, "/*"))
		snprintf(all->directory, sizeof(all->directory), "%.*s", (int)(slash - pattern),
			 pattern);
	return error;
}

/* Relative names are below the main file's directory. */
static int include(struct interfaces *all, const char *root, const char *word, size_t size,
		   bool directory, int depth)
{
	char path[PATH_MAX];

	if (size + sizeof("/etc/network/") >= sizeof(path))
		return -ENAMETOOLONG;
	snprintf(path, sizeof(path), "%s%.*s", *word == '/' ? "" : "/etc/network/", (int)size,
		 word);
	return directory ? add_directory(all, root, path, depth) :
			   add_pattern(all, root, path, depth);
}

static int add_included(struct interfaces *all, const char *root, const char *text, int depth)
{
	int error = 0;

	for (const char *line = text, *end; !error && *line; line = end) {
		const char *at = line, *word;
		size_t size;
		bool directory;

		end = line_end(line);
		size = next_word(&at, end, &word);
		directory = is_word(word, size, "source-directory") ||
			    is_word(word, size, "source-dir");
		if (!directory && !is_word(word, size, "source"))
			continue;
		while (!error && (size = next_word(&at, end, &word)))
			error = include(all, root, word, size, directory, depth);
	}
	return error;
}

static int add(struct interfaces *all, const char *root, const char *path, int depth)
{
	struct interfaces_file *file;
	char *text;
	int error;

	if (!depth) {
		warn("%s: too many files include each other", path);
		return -E2BIG;
	}
	for (unsigned int i = 0; i < all->count; i++)
		if (!strcmp(all->file[i].path, path))
			return 0;
	error = readfile(root, path, FILE_MAX, &text, NULL);
	if (error == -EFBIG) {
		warn("%s: more than %d bytes", path, FILE_MAX);
		return error;
	}
	if (error)
		/* a directory that a pattern matched, for one */
		return all->count ? 0 : error;
	all->file = need_more(all->file, all->count + 1, sizeof(*file));
	file = &all->file[all->count++];
	file->text = text;
	file->path = need(strlen(path) + 1);
	strcpy(file->path, path);
	return add_included(all, root, text, depth - 1);
}

int interfaces_read(const char *root, struct interfaces *all)
{
	memset(all, 0, sizeof(*all));
	return add(all, root, INTERFACES_MAIN, DEPTH);
}

void interfaces_free(struct interfaces *all)
{
	for (unsigned int i = 0; i < all->count; i++) {
		free(all->file[i].path);
		free(all->file[i].text);
	}
	free(all->file);
	memset(all, 0, sizeof(*all));
}

static void find_in(const char *text, const char *name, struct stanza *stanza, FILE *kept)
{
	bool inside = false;

	for (const char *line = text, *end; *line; line = end) {
		const char *at = line, *word, *method;
		size_t size, method_size;

		end = line_end(line);
		size = next_word(&at, end, &word);
		if (!size || *word == '#')
			continue;
		if (begins_stanza(word, size)) {
			inside = is_iface(line, end, name, stanza->family, &method, &method_size);
			stanza->found |= inside;
			if (inside)
				stanza->dhcp |= is_word(method, method_size, "dhcp");
		} else if (inside && !is_address_option(word, size)) {
			fwrite(line, 1, end - line, kept);
			if (end[-1] != '\n')
				fputc('\n', kept);
		}
	}
}

void interfaces_find(const struct interfaces *all, const char *name, struct stanza *stanza)
{
	size_t size;
	FILE *kept = open_memstream(&stanza->kept, &size);

	stanza->found = false;
	stanza->dhcp = false;
	if (!kept) {
		stanza->kept = NULL;
		return;
	}
	for (unsigned int i = 0; i < all->count; i++)
		find_in(all->file[i].text, name, stanza, kept);
	fclose(kept);
}

bool interfaces_is_started(const struct interfaces *all, const char *name)
{
	for (unsigned int i = 0; i < all->count; i++) {
		for (const char *line = all->file[i].text, *end; *line; line = end) {
			const char *at = line, *word;
			size_t size;

			end = line_end(line);
			size = next_word(&at, end, &word);
			if (!is_word(word, size, "auto") && strncmp(word, "allow-", 6))
				continue;
			while ((size = next_word(&at, end, &word)))
				if (is_word(word, size, name))
					return true;
		}
	}
	return false;
}

/* "eth0:0" of "eth0". */
static bool is_alias(const char *word, size_t size, const char *name)
{
	size_t length = strlen(name);

	return size > length && !strncmp(word, name, length) && word[length] == ':';
}

/* Whether the line is "iface ALIAS FAMILY". */
static bool is_alias_iface(const char *line, const char *end, const char *name,
			   const char *family)
{
	const char *word;
	size_t size = next_word(&line, end, &word);

	if (!is_word(word, size, "iface"))
		return false;
	size = next_word(&line, end, &word);
	if (!is_alias(word, size, name))
		return false;
	size = next_word(&line, end, &word);
	return is_word(word, size, family);
}

static bool is_any_iface(const char *line, const char *end, const char *name,
			 const char *const *families, bool *alias)
{
	const char *method;
	size_t size;

	*alias = false;
	for (; *families; families++) {
		if (is_iface(line, end, name, *families, &method, &size))
			return true;
		*alias = is_alias_iface(line, end, name, *families);
		if (*alias)
			return true;
	}
	return false;
}

static bool is_auto(const char *word, size_t size)
{
	return is_word(word, size, "auto") || (size > 6 && !strncmp(word, "allow-", 6));
}

/* "auto eth0 eth0:0" without the aliases; false if there are none. */
static bool put_auto(FILE *out, const char *line, const char *end, const char *name)
{
	const char *at = line, *word, *first;
	size_t size, first_size = next_word(&at, end, &first);
	unsigned int aliases = 0, others = 0;

	while ((size = next_word(&at, end, &word)))
		aliases += is_alias(word, size, name);
	if (!aliases)
		return false;
	at = first + first_size;
	while ((size = next_word(&at, end, &word))) {
		if (is_alias(word, size, name))
			continue;
		if (!others++)
			fprintf(out, "%.*s", (int)first_size, first);
		fprintf(out, " %.*s", (int)size, word);
	}
	if (others)
		fputc('\n', out);
	return true;
}

unsigned int interfaces_replace(const struct interfaces_file *file, const char *mark,
				const char *name, const char *const *families,
				const char *text, bool *placed, FILE *out)
{
	unsigned int count = 0;
	bool inside = false, alias;

	for (const char *line = file->text, *end; *line; line = end) {
		const char *at = line, *word;
		size_t size;

		end = line_end(line);
		size = next_word(&at, end, &word);
		if (begins_stanza(word, size)) {
			inside = is_any_iface(line, end, name, families, &alias);
			count += inside;
			if (inside && !alias && !*placed) {
				fputs(text, out);
				*placed = true;
			}
			/* aliases are of IPv4 */
			if (is_auto(word, size) && !strcmp(families[0], "inet") &&
			    put_auto(out, line, end, name)) {
				count++;
				continue;
			}
		}
		/* other comments and empty lines stay */
		if (!strncmp(line, mark, strlen(mark)))
			continue;
		if (!inside || !size || *word == '#')
			fwrite(line, 1, end - line, out);
	}
	return count;
}
