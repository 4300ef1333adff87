/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a process may do, compared with what its last program started with. */
#pragma once

#include "emit.h"

/*
 * What a process may ever make effective, in one word on every kernel, whatever it calls them. Services take up and lay
 * down effective ones, as they do with their effective user, all the time.
 */
static __always_inline u64 capabilities_of(const struct cred *cred)
{
	u64 capabilities = 0;

	bpf_probe_read_kernel(&capabilities, sizeof(capabilities),
			      (void *)cred + bpf_core_field_offset(struct cred, cap_permitted));
	return capabilities;
}

/* Root, if the process can be it whenever it likes. */
static __always_inline u32 user_of(const struct cred *cred)
{
	return cred->uid.val && cred->euid.val && cred->suid.val ? cred->euid.val : 0;
}

/* In another user namespace capabilities mean something else. */
static __always_inline bool has_gained(struct process *before, struct process *after)
{
	if (before->user_namespace != after->user_namespace)
		return false;
	return (before->user && !after->user) || (after->capabilities & ~before->capabilities);
}

static __always_inline void report_privilege(u32 before, u32 after)
{
	struct scene scene;
	struct record *record = start_activity(&scene, SUBJECT_PRIVILEGES, EVENT_PRIVILEGE_CHANGED);

	if (!record)
		return;
	record->event.detail[0] = before;
	record->event.detail[1] = after;
	send_activity(&scene, record);
}

/* A new program (`announced` is whether user space was told) or a system call that may have changed credentials. */
static __always_inline void remember_credentials(struct task_struct *task, bool announced)
{
	struct process now = {
		.capabilities = capabilities_of(task->cred),
		.user = user_of(task->cred),
		.user_namespace = task->cred->user_ns->ns.inum,
		.announced = announced,
	};
	u32 pid = task->tgid, parent = task->real_parent->tgid;
	struct process *before = bpf_map_lookup_elem(&processes, &pid);

	if (!before)
		before = bpf_map_lookup_elem(&processes, &parent);
	if (before && has_gained(before, &now))
		report_privilege(before->user, now.user);
	bpf_map_update_elem(&processes, &pid, &now, BPF_ANY);
}
