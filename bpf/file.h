/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a file is: worth reporting, changed since the image was built, the same as last time. */
#pragma once

#include "maps.h"

/* linux/fs.h */
#define FMODE_READ 0x1
#define FMODE_WRITE 0x2
#define FMODE_NOACCOUNT 0x20000000
#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFCHR 0020000

/* asm-generic/mman-common.h */
#define PROT_EXEC 0x4

/* linux/magic.h */
#define CGROUP_SUPER_MAGIC 0x27e0eb
#define CGROUP2_SUPER_MAGIC 0x63677270
#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define PROC_SUPER_MAGIC 0x9fa0
#define SYSFS_MAGIC 0x62656572
#define TMPFS_MAGIC 0x01021994

/* What the kernel knows of an open file; one look serves the filter, the memory of what was reported, and the event. */
struct facts {
	struct inode *inode;
	struct dentry *dentry;	/* where the file's own path is not the process's; else NULL */
	struct vfsmount *mount;
	u64 number;
	u64 changed_at;
	u64 magic;
	u32 device;
	u32 open_mode;
	u32 mode;
};

/*
 * A pointer that the verifier knows can be followed directly, at a third of the cost; one that was read from an array
 * of files cannot. Both functions are the same but for this.
 */
#define DIRECTLY(object, field) ((object)->field)
#define COPYING(object, field) BPF_CORE_READ(object, field)

#define SECOND 1000000000ULL

/* Keeps the compiler from moving what only one shape of the kernel has in front of the question which one it is. */
#define HERE(pointer) asm volatile("" : "+r"(pointer))

#define DEFINE_LOOK(name, READ)                                                                \
	static __always_inline u64 change_time_##name(struct inode *inode)                     \
	{                                                                                      \
		struct inode___now *now = (void *)inode;                                       \
		struct inode___before_6_11 *before_6_11 = (void *)inode;                       \
		struct inode___before_6_6 *before_6_6 = (void *)inode;                         \
		u64 seconds, nanoseconds;                                                      \
                                                                                               \
		if (bpf_core_field_exists(now->i_ctime_sec)) {                                 \
			HERE(now);                                                             \
			seconds = READ(now, i_ctime_sec);                                      \
			nanoseconds = READ(now, i_ctime_nsec);                                 \
		} else if (bpf_core_field_exists(before_6_11->__i_ctime)) {                    \
			HERE(before_6_11);                                                     \
			seconds = READ(before_6_11, __i_ctime.tv_sec);                         \
			nanoseconds = READ(before_6_11, __i_ctime.tv_nsec);                    \
		} else {                                                                       \
			HERE(before_6_6);                                                      \
			seconds = READ(before_6_6, i_ctime.tv_sec);                            \
			nanoseconds = READ(before_6_6, i_ctime.tv_nsec);                       \
		}                                                                              \
		return seconds * SECOND + nanoseconds;                                         \
	}                                                                                      \
                                                                                               \
	static __always_inline void look_at_inode_##name(struct facts *facts, struct inode *inode) \
	{                                                                                      \
		struct super_block *superblock = READ(inode, i_sb);                            \
                                                                                               \
		facts->inode = inode;                                                          \
		facts->number = READ(inode, i_ino);                                            \
		facts->changed_at = change_time_##name(inode);                                 \
		facts->magic = READ(superblock, s_magic);                                      \
		facts->device = READ(superblock, s_dev);                                       \
		facts->mode = READ(inode, i_mode);                                             \
	}                                                                                      \
                                                                                               \
	static __always_inline void look_##name(struct facts *facts, struct file *file)        \
	{                                                                                      \
		facts->open_mode = READ(file, f_mode);                                         \
		facts->dentry = NULL;                                                          \
		facts->mount = NULL;                                                           \
		look_at_inode_##name(facts, READ(file, f_inode));                              \
	}

DEFINE_LOOK(directly, DIRECTLY)
DEFINE_LOOK(copying, COPYING)

/*
 * What a process has mapped through overlayfs is the file of the layer below, which remembers whose it is: as its own
 * path up to 6.4, next to it since.
 */
static __always_inline void look_mapped(struct facts *facts, struct file *file)
{
	struct backing_file *backing = (void *)file;
	struct dentry *dentry;

	look_directly(facts, file);
	if (!(facts->open_mode & FMODE_NOACCOUNT))
		return;
	if (bpf_core_field_exists(backing->user_path)) {
		HERE(backing);
		facts->dentry = BPF_CORE_READ(backing, user_path.dentry);
		facts->mount = BPF_CORE_READ(backing, user_path.mnt);
	} else {
		facts->dentry = BPF_CORE_READ(file, f_path.dentry);
		facts->mount = BPF_CORE_READ(file, f_path.mnt);
	}
	dentry = facts->dentry;
	look_at_inode_copying(facts, BPF_CORE_READ(dentry, d_inode));
	facts->open_mode = FMODE_READ;
}

/*
 * Regular files on file systems that store something.
 *
 * overlayfs opens the file of the layer below a second time on its own account; FMODE_NOACCOUNT marks that one, whose
 * path is the host's. Files of procfs, sysfs and the cgroup file systems are questions to the kernel, not files of
 * an image.
 */
static __always_inline bool is_worth_reporting(struct facts *facts)
{
	if (!(facts->open_mode & (FMODE_READ | FMODE_WRITE)) || (facts->open_mode & FMODE_NOACCOUNT))
		return false;
	if ((facts->mode & S_IFMT) != S_IFREG)
		return false;
	return facts->magic != PROC_SUPER_MAGIC && facts->magic != SYSFS_MAGIC &&
	       facts->magic != CGROUP2_SUPER_MAGIC && facts->magic != CGROUP_SUPER_MAGIC;
}

/* linux/kdev_t.h, linux/major.h: memory, kernel memory and ports as devices are 1, 2 and 4 of major 1; 3 is /dev/null. */
#define MINOR_BITS 20
#define MEM_MAJOR 1
#define NULL_MINOR 3
#define PORT_MINOR 4

/* The first seven bytes of a name as a number of this byte order. */
#define NAME_MEM 0x6d656dULL
#define NAME_KCORE 0x65726f636bULL
#define NAME_RELEASE 0x657361656c6572ULL

static __always_inline bool is_raw_device(struct facts *facts)
{
	struct inode *inode = facts->inode;
	u32 device = BPF_CORE_READ(inode, i_rdev);
	u32 minor = device & ((1 << MINOR_BITS) - 1);

	if ((facts->mode & S_IFMT) == S_IFBLK)
		return true;
	return (facts->mode & S_IFMT) == S_IFCHR && device >> MINOR_BITS == MEM_MAJOR && minor <= PORT_MINOR &&
	       minor != NULL_MINOR;
}

/* Whether an entry of procfs is about a process, and not about the machine. */
static __always_inline bool is_of_process(struct inode *inode)
{
	struct proc_inode *entry = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);

	return BPF_CORE_READ(entry, pid) != NULL;
}

/*
 * What leads out of a container without being a file of an image: disks, memory of processes and of the machine, and
 * what tells the kernel what to do. Questions to the kernel, which programs ask all the time, are not among it.
 */
static __always_inline bool is_way_out(struct facts *facts, struct file *file)
{
	bool writes = facts->open_mode & FMODE_WRITE;
	u64 name = 0;

	if (!(facts->open_mode & (FMODE_READ | FMODE_WRITE)) || (facts->open_mode & FMODE_NOACCOUNT))
		return false;
	if ((facts->mode & S_IFMT) != S_IFREG)
		return is_raw_device(facts);
	if (facts->magic == SYSFS_MAGIC)
		return writes;
	bpf_probe_read_kernel_str(&name, sizeof(name), BPF_CORE_READ(file, f_path.dentry, d_name.name));
	if (facts->magic == PROC_SUPER_MAGIC)
		return is_of_process(facts->inode) ? name == NAME_MEM : writes || name == NAME_KCORE;
	return writes && name == NAME_RELEASE; /* release_agent of a control group */
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

/* FLAG_MEMFD is found out on the way to the root (path.h); a memfd has no name, so it is unlinked as well. */
static __always_inline u32 file_flags(struct facts *facts)
{
	struct inode *inode = facts->inode;
	u32 flags = 0;

	if (facts->magic == OVERLAYFS_SUPER_MAGIC && has_upper(inode))
		flags |= FLAG_UPPER;
	if (facts->magic == TMPFS_MAGIC)
		flags |= FLAG_TMPFS;
	if (BPF_CORE_READ(inode, i_nlink) == 0)
		flags |= FLAG_UNLINKED;
	return flags;
}
