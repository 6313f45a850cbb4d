// SPDX-License-Identifier: GPL-2.0
/* The device node: who may do what, and what no ioctl is. */
#define _GNU_SOURCE
#include <grp.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "harness.h"

#define NOBODY	65534

/* All three at once, of this thread, which is the only one. */
static void become_nobody(void)
{
	OK(setgroups(0, NULL));
	OK(setgid(NOBODY));
	OK(setuid(NOBODY));
}

static void write_file(const char *path, const char *text)
{
	int fd = OK(open(path, O_WRONLY));

	OK(write(fd, text, strlen(text)));
	close(fd);
}

TEST(mode)
{
	struct stat st;

	OK(stat(DEVICE, &st));
	CHECK(S_ISCHR(st.st_mode));
	EQUAL(st.st_mode & 0777, 0600);
	EQUAL(st.st_uid, 0);
	EQUAL(st.st_gid, 0);
}

TEST(plain_user_cannot_open)
{
	become_nobody();
	FAILS(open(DEVICE, O_RDONLY), EACCES);
	FAILS(open(DEVICE, O_RDWR), EACCES);
}

/* The descriptor is what lets one write GUEST, privilege the rest. */
static void without_privilege(int fd)
{
	OK(set(fd, "k", "v"));
	CHECK(!strcmp(get(fd, HV_KVP_POOL_GUEST, "k"), "v"));
	OK(import_one(fd, HV_KVP_POOL_GUEST, false, "i", "v", NULL));
	OK(delete(fd, "k"));
	EQUAL(info(fd).abi, HV_KVP_ABI_VERSION);
	FAILS(import_one(fd, HV_KVP_POOL_EXTERNAL, false, "k", "v", NULL), EPERM);
	FAILS(import_one(fd, HV_KVP_POOL_AUTO_EXTERNAL, false, "k", "v", NULL),
	      EPERM);
	FAILS(import_one(fd, HV_KVP_POOL_AUTO_INTERNAL, false, "k", "v", NULL),
	      EPERM);
	FAILS(purge(fd, HV_KVP_POOL_EXTERNAL, NULL), EPERM);
	FAILS(purge(fd, HV_KVP_POOL_AUTO_EXTERNAL, NULL), EPERM);
}

TEST(plain_user_with_a_descriptor)
{
	int fd = open_device(O_RDWR);

	become_nobody();
	without_privilege(fd);
}

TEST(plain_user_in_a_group)
{
	OK(chown(DEVICE, 0, NOBODY));
	OK(chmod(DEVICE, 0660));
	if (!fork()) {
		become_nobody();
		without_privilege(open_device(O_RDWR));
		_exit(0);
	}
	int status;

	OK(wait(&status));
	OK(chown(DEVICE, 0, 0));
	OK(chmod(DEVICE, 0600));
	EQUAL(status, 0);
}

TEST(root_of_a_user_namespace)
{
	int fd = open_device(O_RDWR);

	enter_user_namespace();
	write_file("/proc/self/uid_map", "0 0 1");
	EQUAL(getuid(), 0);
	without_privilege(fd);
}

TEST(unknown_ioctls)
{
	int fd = open_device(O_RDWR);
	char arg[512] = { };

	FAILS(ioctl(fd, 0, arg), ENOTTY);
	FAILS(ioctl(fd, _IO(HV_KVP_IOC_MAGIC, 0), arg), ENOTTY);
	FAILS(ioctl(fd, _IOWR(HV_KVP_IOC_MAGIC, 0, struct hv_kvp_info), arg),
	      ENOTTY);
	FAILS(ioctl(fd, _IOW(HV_KVP_IOC_MAGIC, 2, struct hv_kvp_get), arg),
	      ENOTTY);
	FAILS(ioctl(fd, _IOWR(HV_KVP_IOC_MAGIC, 100, struct hv_kvp_get), arg),
	      ENOTTY);
	FAILS(ioctl(fd, _IOWR(HV_KVP_IOC_MAGIC - 1, 2, struct hv_kvp_get), arg),
	      ENOTTY);
	FAILS(ioctl(fd, ~0U, arg), ENOTTY);
}

TEST(not_a_file)
{
	int fd = open_device(O_RDWR);
	char c = 0;

	FAILS(lseek(fd, 0, SEEK_SET), ESPIPE);
	FAILS(write(fd, &c, 1), EINVAL);
	FAILS(ftruncate(fd, 0), EINVAL);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	EQUAL(errno, ENODEV);
	FAILS(pread(fd, &c, 1, 0), ESPIPE);
}

TEST(keeps_the_module)
{
	int fd = open_device(O_RDONLY);

	FAILS(syscall(SYS_delete_module, "hv_kvp", O_NONBLOCK), EWOULDBLOCK);
	close(fd);
}

TEST(many_descriptors)
{
	int count = 0;

	for (int i = 0; i < 900; i++)
		count += open(DEVICE, O_RDWR) >= 0;
	EQUAL(count, 900);
}
