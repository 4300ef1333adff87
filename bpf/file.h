/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a file is: worth reporting, changed since the image was built, the same as last time. */
#pragma once

#include "maps.h"

/* linux/fs.h */
#define FMODE_READ 0x1
#define FMODE_NOACCOUNT 0x20000000
#define S_IFMT 0170000
#define S_IFREG 0100000

/* linux/magic.h */
#define CGROUP_SUPER_MAGIC 0x27e0eb
#define CGROUP2_SUPER_MAGIC 0x63677270
#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define PROC_SUPER_MAGIC 0x9fa0
#define SYSFS_MAGIC 0x62656572
#define TMPFS_MAGIC 0x01021994

/*
 * Regular files, open for reading, on file systems that store something.
 *
 * overlayfs opens the file of the layer below a second time on its own account; FMODE_NOACCOUNT marks that one, whose
 * path is the host's. Files of procfs, sysfs and the cgroup file systems are questions to the kernel, not files of
 * an image.
 */
static __always_inline bool is_worth_reporting(struct file *file, struct inode *inode, unsigned long magic)
{
	u32 mode = BPF_CORE_READ(file, f_mode);

	if (!(mode & FMODE_READ) || (mode & FMODE_NOACCOUNT))
		return false;
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return false;
	return magic != PROC_SUPER_MAGIC && magic != SYSFS_MAGIC && magic != CGROUP2_SUPER_MAGIC &&
	       magic != CGROUP_SUPER_MAGIC;
}

/*
 * An overlayfs inode is `struct ovl_inode`, which overlayfs keeps to itself and which, built as a module, is not in the
 * kernel's BTF. In it the entry of the upper directory has directly followed the VFS inode since 4.13; it is set
 * when the file was created in the container or copied up for a change.
 */
static __always_inline bool has_upper(struct inode *inode)
{
	struct dentry *upper = NULL;

	bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode));
	return upper != NULL;
}

static __always_inline u32 file_flags(struct inode *inode, unsigned long magic)
{
	u32 flags = 0;

	if (magic == OVERLAYFS_SUPER_MAGIC && has_upper(inode))
		flags |= FLAG_UPPER;
	if (magic == TMPFS_MAGIC)
		flags |= FLAG_TMPFS;
	if (BPF_CORE_READ(inode, i_nlink) == 0)
		flags |= FLAG_UNLINKED;
	return flags;
}

static __always_inline u64 change_time(struct inode *inode)
{
	struct inode___now *now = (void *)inode;
	struct inode___before_6_11 *before_6_11 = (void *)inode;
	struct inode___before_6_6 *before_6_6 = (void *)inode;
	u64 seconds, nanoseconds;

	if (bpf_core_field_exists(now->i_ctime_sec)) {
		seconds = BPF_CORE_READ(now, i_ctime_sec);
		nanoseconds = BPF_CORE_READ(now, i_ctime_nsec);
	} else if (bpf_core_field_exists(before_6_11->__i_ctime)) {
		seconds = BPF_CORE_READ(before_6_11, __i_ctime.tv_sec);
		nanoseconds = BPF_CORE_READ(before_6_11, __i_ctime.tv_nsec);
	} else {
		seconds = BPF_CORE_READ(before_6_6, i_ctime.tv_sec);
		nanoseconds = BPF_CORE_READ(before_6_6, i_ctime.tv_nsec);
	}
	return seconds * 1000000000ULL + nanoseconds;
}
