/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * New control groups. A container runtime makes one before the container's first process is in it, so this event is in
 * the ring ahead of all others of the container, and the shortest-lived container has a name.
 */
#pragma once

#include "../emit.h"

SEC("?tp_btf/cgroup_mkdir")
int BPF_PROG(on_cgroup_mkdir, struct cgroup *cgroup, const char *path)
{
	struct cgroup_key key = {.id = cgroup->kn->id, .hierarchy = cgroup->root->hierarchy_id};
	struct record *record;
	long length;

	/* The other version 1 hierarchies repeat what the one of pids says. */
	if (key.hierarchy && key.hierarchy != config.v1_hierarchy)
		return 0;
	record = start_record(bpf_get_current_task_btf(), EVENT_CGROUP_MADE, &key);
	if (!record)
		return 0;
	length = bpf_probe_read_kernel_str(record->text, PATH_SIZE, path);
	if (length > 0) {
		record->event.path_length = length;
		send(record);
	}
	return 0;
}
