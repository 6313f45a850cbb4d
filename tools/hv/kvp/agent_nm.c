// SPDX-License-Identifier: GPL-2.0
/*
 * NetworkManager: a keyfile of our own with the highest priority. See
 * nm-settings-keyfile(5).
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "backend.h"
#include "keyfile.h"

#define DEVICES	"/run/NetworkManager/devices/"

static bool runs(struct job *job)
{
	char managed[16];

	if (!backend_state(job, DEVICES, "device", "managed", managed, sizeof(managed)))
		return false;
	return !strcmp(managed, "true") || !strcmp(managed, "1") || !strcmp(managed, "full");
}

/*
 * The same one for the same interface each time, so that the new profile takes
 * the place of the old one: a UUID of version 4 by its form, with the MAC.
 */
static void make_uuid(const struct netif *nic, char uuid[37])
{
	char digits[13];
	int used = 0;

	for (const char *c = nic->mac; *c && used < 12; c++)
		if (isxdigit((unsigned char)*c))
			digits[used++] = *c;
	digits[used] = '\0';
	snprintf(uuid, 37, "68766b76-7069-4000-8000-%s", digits);
}

static int plan_nm(const struct job *job, struct plan *plan)
{
	char uuid[37], old[64];
	size_t size;
	char *text;
	FILE *out;

	/* a profile for a bond or bridge has more to say than addresses */
	if (job->nic->kind != NETIF_ETHERNET)
		return -EOPNOTSUPP;
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	make_uuid(job->nic, uuid);
	keyfile_put(out, job, uuid);
	if (fclose(out))
		return -ENOMEM;
	if (!plan_file(plan, 0600, text, size,
		       "/etc/NetworkManager/system-connections/hv_kvp-%s.nmconnection",
		       job->nic->name))
		return -ENOMEM;
	plan_command(&plan->after, 0, "nmcli", "connection", "reload", NULL);
	plan_command(&plan->after, 0, "nmcli", "--wait", "15", "connection", "up", "uuid", uuid,
		     "ifname", job->nic->name, NULL);
	plan_command(&plan->undo, 0, "nmcli", "connection", "reload", NULL);
	if (backend_state(job, DEVICES, "device", "connection-uuid", old, sizeof(old)) &&
	    strspn(old, "0123456789abcdefABCDEF-") == 36 && !old[36])
		plan_command(&plan->undo, 0, "nmcli", "--wait", "5", "connection", "up", "uuid",
			     old, "ifname", job->nic->name, NULL);
	plan->verify = true;
	return 0;
}

const struct backend nm_backend = {
	.name = "networkmanager",
	.runs = runs,
	.plan = plan_nm,
};
