// SPDX-License-Identifier: GPL-2.0
/* The ioctls of the mirror: MIRROR, MIRROR_CURRENT. */
#include <linux/capability.h>
#include <linux/mutex.h>

#include "chardev_file.h"
#include "mirror_ask.h"

/* Who is the mirror, and that its reader is told of questions. */
static DEFINE_MUTEX(lock);

bool hkvp_is_mirror(const struct hkvp_file *file)
{
	return hkvp_mirror_is(hkvp_mirror_asked(), file);
}

static void end(struct hkvp_file *file)
{
	hkvp_mirror_detach(hkvp_mirror_asked(), file);
	hkvp_reader_set_role(&file->reader, HKVP_PLACE_MIRROR, false);
}

/* Also when the file is closed, whoever has it: so it asks first. */
void hkvp_mirror_end(struct hkvp_file *file)
{
	if (!hkvp_is_mirror(file))
		return;
	mutex_lock(&lock);
	end(file);
	mutex_unlock(&lock);
}

static int begin(struct hkvp_file *file)
{
	int ret;

	mutex_lock(&lock);
	/* before there can be a question */
	if (!hkvp_is_mirror(file))
		hkvp_reader_set_role(&file->reader, HKVP_PLACE_MIRROR, true);
	ret = hkvp_mirror_attach(hkvp_mirror_asked(), file);
	if (ret)
		hkvp_reader_set_role(&file->reader, HKVP_PLACE_MIRROR, false);
	mutex_unlock(&lock);
	return ret;
}

int hkvp_ioctl_mirror(struct hkvp_file *file, void *arg)
{
	const struct hv_kvp_mirror *args = arg;

	if (args->flags & ~HV_KVP_MIRROR_ON || args->reserved)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (args->flags & HV_KVP_MIRROR_ON)
		return begin(file);
	hkvp_mirror_end(file);
	return 0;
}

int hkvp_ioctl_mirror_current(struct hkvp_file *file, void *arg)
{
	const struct hv_kvp_mirror_current *args = arg;

	return hkvp_mirror_answer(hkvp_mirror_asked(), file, args->id);
}
