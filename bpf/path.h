/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The path of an open file as its process would write it.
 *
 * The kernel's own d_path is not lent to tracepoint programs, so the directory entries are followed by hand: up through
 * the parents, from the root of a mount over to where it is mounted, until the process's root (a container's, or that
 * of a chroot inside).
 */
#pragma once

#include "maps.h"

#define MAX_STEPS 128 /* directories and mounts together; images are about 15 deep */

static __always_inline struct mount *mount_of(struct vfsmount *vfsmount)
{
	return (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
}

/*
 * Adds the names from `record->walk` up to its root to the record.
 *
 * The length is kept in the record and not in a variable: what is loaded from a map is any number to the verifier, so
 * that every turn of the loop leaves it in the same state. It would follow a variable through every combination of
 * names and mounts, half a million instructions instead of twenty thousand. It looks at a function that is not inlined
 * once, whatever it knows where that is called; that is why the places to begin and to end are in the record, too.
 */
__noinline int walk_path(struct record *record)
{
	struct dentry *root, *dentry;
	struct mount *root_mount, *mount;

	if (!record)
		return 0;
	root = (void *)record->walk.root;
	root_mount = mount_of((void *)record->walk.root_mount);
	dentry = (void *)record->walk.dentry;
	mount = mount_of((void *)record->walk.mount);
	for (int step = 0; step < MAX_STEPS; step++) {
		struct dentry *parent;
		u32 length;
		long copied;

		if (dentry == root && mount == root_mount)
			return 0;
		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
			struct mount *below = BPF_CORE_READ(mount, mnt_parent);

			/* The top of a tree that is not the process's own: a file handed in from outside. */
			if (below == mount)
				return 0;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = below;
			continue;
		}
		parent = BPF_CORE_READ(dentry, d_parent);
		length = record->event.path_length;
		if (length > PATH_SIZE - NAME_SIZE)
			break;
		copied = bpf_probe_read_kernel_str(&record->text[length], NAME_SIZE,
						   BPF_CORE_READ(dentry, d_name.name));
		if (copied <= 0)
			break;
		record->event.path_length = length + copied;
		/* Its own parent, yet not the root of its mount: a memfd, whose name is only a label. */
		if (parent == dentry) {
			record->event.flags |= FLAG_MEMFD;
			return 0;
		}
		dentry = parent;
	}
	record->event.flags |= FLAG_PATH_CUT;
	return 0;
}

static __always_inline void write_path(struct record *record, struct task_struct *task, struct dentry *dentry,
				       struct vfsmount *mount)
{
	record->walk.root = (u64)task->fs->root.dentry;
	record->walk.root_mount = (u64)task->fs->root.mnt;
	record->walk.dentry = (u64)dentry;
	record->walk.mount = (u64)mount;
	walk_path(record);
}

/* Puts the process's own name for a file into the record, and says whether it is complete. */
static __always_inline bool add_name(struct record *record, u64 name)
{
	long length = bpf_probe_read_user_str(record->text, PATH_SIZE / 2, (void *)name);

	if (length <= 0)
		return true;
	if (record->text[0] != '/') {
		record->event.path_length = length;
		return false;
	}
	/* The names of a path begin behind the root. */
	length = bpf_probe_read_user_str(record->text, PATH_SIZE / 2, (void *)(name + 1));
	record->event.path_length = length > 0 ? length : 0;
	return true;
}

/* The same, with what is missing in a relative name: where the process stands. */
static __always_inline void write_name(struct record *record, struct task_struct *task, u64 name)
{
	if (!add_name(record, name))
		write_path(record, task, task->fs->pwd.dentry, task->fs->pwd.mnt);
}
