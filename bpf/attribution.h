/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which container a task belongs to, decided as cheaply as possible: most tasks of most calls belong to none. */
#pragma once

#include "maps.h"

/*
 * Where the version 2 hierarchy is mounted but not used (a task sits in its root), container runtimes name containers
 * in the version 1 hierarchies. pids is the controller that all of them use.
 */
static __always_inline struct cgroup *pids_cgroup(struct task_struct *task)
{
	struct cgroup_subsys_state *state = NULL;
	struct css_set *set = task->cgroups;
	u32 index = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);

	bpf_core_read(&state, sizeof(state), &set->subsys[index]);
	return state ? BPF_CORE_READ(state, cgroup) : NULL;
}

static __always_inline void name_cgroup(struct task_struct *task, struct cgroup_key *key)
{
	struct cgroup *cgroup = task->cgroups->dfl_cgrp;

	key->id = cgroup->kn->id;
	key->hierarchy = 0;
	key->zero = 0;
	if (config.v1_hierarchy && cgroup->level == 0) {
		cgroup = pids_cgroup(task);
		key->id = BPF_CORE_READ(cgroup, kn, id);
		key->hierarchy = config.v1_hierarchy;
	}
}

/*
 * The mount namespace answers for nearly every task of the host with two loads. It is not proof of a container
 * (services with a private /tmp and programs unpacking images have their own), so the control group has the last word.
 * It also hides the first steps of a container runtime, which enters the container's control group while its paths are
 * still the host's.
 */
static __always_inline bool in_container(struct task_struct *task, struct cgroup_key *key)
{
	struct nsproxy *namespaces = task->nsproxy;
	enum verdict *verdict;

	if (!namespaces || namespaces->mnt_ns->ns.inum == config.host_mount_namespace)
		goto skip;
	name_cgroup(task, key);
	verdict = bpf_map_lookup_elem(&verdicts, key);
	if (!verdict || *verdict != VERDICT_IGNORE)
		return true;
skip:
	COUNT(skipped);
	return false;
}
