/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Whether a blocking policy is about a program. */
#pragma once

#include "emit.h"

#define SIGKILL 9

/*
 * A container runtime enters a container by executing a copy of itself from memory, which has no name, as a child of a
 * process of the host. That one starts the container's programs, so it is let through.
 */
static __always_inline bool is_runtime(struct task_struct *task, u32 flags)
{
	return (flags & FLAG_TMPFS) && (flags & FLAG_UNLINKED) && is_on_host(task->real_parent);
}

static __always_inline bool is_denied(struct blocking *blocking, struct facts *facts, u32 flags)
{
	struct file_key file = {
		.inode = facts->number, .changed_at = facts->changed_at, .device = facts->device};

	if (blocking->drift && (flags & (FLAG_UPPER | FLAG_UNLINKED | FLAG_TMPFS)))
		return true;
	return blocking->mismatch && bpf_map_lookup_elem(&denied, &file);
}

/* 0, FLAG_WOULD_BLOCK or FLAG_KILLED, for a file that is code now. */
static __always_inline u32 judge(struct scene *scene, struct facts *facts)
{
	struct blocking *blocking = bpf_map_lookup_elem(&blocked, &scene->cgroup);
	u32 flags;

	if (!blocking || blocking->mode == BLOCKING_OFF)
		return 0;
	flags = file_flags(facts);
	if (!is_denied(blocking, facts, flags) || is_runtime(scene->task, flags))
		return 0;
	return blocking->mode == BLOCKING_ENFORCE ? FLAG_KILLED : FLAG_WOULD_BLOCK;
}
