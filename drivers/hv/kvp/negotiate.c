// SPDX-License-Identifier: GPL-2.0
/*
 * Version negotiation of an integration component.
 */
#include <asm/byteorder.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include "negotiate.h"

/* Framework: 1.0 is that of Windows Server 2008, 3.0 of what came after it. */
static const u32 fw_versions[] = {
	HKVP_VERSION(3, 0),
	HKVP_VERSION(1, 0),
};

/* KVP messages: Windows Server 2008, Windows 7, 8, and 10 or Server 2016. */
static const u32 msg_versions[] = {
	HKVP_VERSION(5, 0),
	HKVP_VERSION(4, 0),
	HKVP_VERSION(3, 0),
	HKVP_VERSION(1, 0),
};

/* The highest of @ours that is among @offered, or 0. */
static u32 choose(const struct hkvp_ic_version *offered, u32 count,
		  const u32 *ours, u32 our_count, u32 *newest)
{
	u32 chosen = 0;
	u32 i, j;

	*newest = 0;
	for (i = 0; i < count; i++) {
		u32 version = HKVP_VERSION(le16_to_cpu(offered[i].major),
					   le16_to_cpu(offered[i].minor));

		*newest = max(*newest, version);
		for (j = 0; j < our_count; j++)
			if (version == ours[j])
				chosen = max(chosen, version);
	}
	return chosen;
}

static void put_version(struct hkvp_ic_version *dst, u32 version)
{
	dst->major = cpu_to_le16(HKVP_VERSION_MAJOR(version));
	dst->minor = cpu_to_le16(HKVP_VERSION_MINOR(version));
}

/* "No common version". */
static void refuse(struct hkvp_negotiate *msg)
{
	msg->fw_count = 0;
	msg->msg_count = 0;
}

/**
 * hkvp_negotiate() - answer a NEGOTIATE in place
 * @body: body of the message, any alignment
 * @size: in: bytes of @body; out: bytes of the answer, no more than before
 * @versions: what was chosen, and the newest that were offered
 *
 * Framework and message version are chosen independently of each other, each
 * the highest that both sides have. The answer has one of each, or none if
 * either is missing. Any context, takes no lock.
 *
 * Return: 0, also if no version is common; -EINVAL if the body is too short
 * for its counts: then @versions and @size stay as they were, and the body says
 * "no common version", as far as it has room for that.
 */
int hkvp_negotiate(void *body, u32 *size, struct hkvp_versions *versions)
{
	const u32 answer = sizeof(struct hkvp_negotiate) +
			   2 * sizeof(struct hkvp_ic_version);
	struct hkvp_negotiate *msg = body;
	u32 fw_count, msg_count;

	if (*size < sizeof(*msg))
		return -EINVAL;
	fw_count = le16_to_cpu(msg->fw_count);
	msg_count = le16_to_cpu(msg->msg_count);
	if (fw_count + msg_count >
	    (*size - sizeof(*msg)) / sizeof(struct hkvp_ic_version)) {
		refuse(msg);
		return -EINVAL;
	}

	versions->fw = choose(msg->versions, fw_count, fw_versions,
			      ARRAY_SIZE(fw_versions), &versions->fw_offered);
	versions->msg = choose(msg->versions + fw_count, msg_count,
			       msg_versions, ARRAY_SIZE(msg_versions),
			       &versions->msg_offered);
	/* Also without a common version, as hv_utils does. */
	*size = min(*size, answer);
	if (!versions->fw || !versions->msg) {
		versions->fw = 0;
		versions->msg = 0;
		refuse(msg);
		return 0;
	}
	/* One of each was offered, so there is room for two. */
	msg->fw_count = cpu_to_le16(1);
	msg->msg_count = cpu_to_le16(1);
	put_version(&msg->versions[0], versions->fw);
	put_version(&msg->versions[1], versions->msg);
	return 0;
}
