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

/* Where something happens: filled by `enter`. */
struct scene {
	struct task_struct *task;
	struct counters *counters;
	struct cgroup_key cgroup;
	u32 generation;
};

static __always_inline bool is_on_host(struct task_struct *task)
{
	struct nsproxy *namespaces = task->nsproxy;

	return !namespaces || namespaces->mnt_ns->ns.inum == config.host_mount_namespace;
}

static __always_inline struct counters *count(enum subject subject)
{
	struct counters *counters = bpf_map_lookup_elem(&stats, &subject);

	if (counters)
		counters->seen++;
	return counters;
}

/*
 * In a container's control group, whatever the mount namespace. `undecided` says whether one counts that
 * user space has not judged yet.
 */
static __always_inline bool enter_group(struct scene *scene, enum subject subject, struct task_struct *task,
					bool undecided)
{
	struct group *group;

	scene->task = task;
	scene->counters = count(subject);
	if (!scene->counters)
		return false;
	name_cgroup(task, &scene->cgroup);
	group = bpf_map_lookup_elem(&groups, &scene->cgroup);
	if (group ? group->verdict == VERDICT_IGNORE : !undecided) {
		scene->counters->skipped++;
		return false;
	}
	scene->generation = group ? group->generation : 0;
	return true;
}

/*
 * The mount namespace answers for nearly every task of the host with two loads. It is not proof of a container
 * (services with a private /tmp and programs unpacking images have their own), so the control group has the last word.
 * It also hides the first steps of a container runtime, which enters the container's control group while its paths are
 * still the host's.
 */
static __always_inline bool enter(struct scene *scene, enum subject subject, struct task_struct *task)
{
	return !is_on_host(task) && enter_group(scene, subject, task, true);
}
