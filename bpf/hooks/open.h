/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Files that were opened: for reading, or for writing too. An open that fails is not reported.
 */
#pragma once

#include "calls.h"

static __always_inline void report_open(struct scene *scene, struct file *file, struct facts *facts)
{
	if (is_worth_reporting(facts) || is_way_out(facts, file))
		report_file(scene, file, facts, facts->open_mode & FMODE_WRITE ? EVENT_WRITTEN : EVENT_OPENED);
	else
		scene->counters->filtered++;
}

static __always_inline struct file *find_file(struct task_struct *task, u32 descriptor)
{
	struct fdtable *table = task->files->fdt;
	struct file **slots = table->fd;
	struct file *file = NULL;

	if (descriptor < table->max_fds)
		bpf_probe_read_kernel(&file, sizeof(file), &slots[descriptor]);
	return file;
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_open, struct pt_regs *regs, long result)
{
	struct scene scene;
	struct facts facts;
	struct file *file;

	if (!enter(&scene, SUBJECT_OPENS, bpf_get_current_task_btf()))
		return 0;
	file = find_file(scene.task, result);
	if (!file) {
		scene.counters->filtered++;
		return 0;
	}
	look_copying(&facts, file);
	report_open(&scene, file, &facts);
	return 0;
}
