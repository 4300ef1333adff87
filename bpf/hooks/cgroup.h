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
	struct scene scene = {.task = bpf_get_current_task_btf()};
	struct record *record;
	long length;

	scene.cgroup.id = cgroup->kn->id;
	scene.cgroup.hierarchy = cgroup->root->hierarchy_id;
	/* The other version 1 hierarchies repeat what the one of pids says. */
	if (scene.cgroup.hierarchy && scene.cgroup.hierarchy != config.v1_hierarchy)
		return 0;
	scene.counters = count(SUBJECT_GROUPS);
	if (!scene.counters)
		return 0;
	record = start_record(&scene, EVENT_CGROUP_MADE);
	if (!record)
		return 0;
	length = bpf_probe_read_kernel_str(record->text, PATH_SIZE, path);
	record->event.path_length = length > 0 ? length : 0;
	send(&scene, record);
	return 0;
}
