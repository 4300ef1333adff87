/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Executions. sched_process_exec fires when the point of no return is passed: the new image, its name and its arguments
 * are in place and the program is certain to start. For a script, the file is its interpreter, which then opens the
 * script like any other file.
 */
#pragma once

#include "../emit.h"

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *binprm)
{
	struct cgroup_key cgroup;

	if (in_container(task, &cgroup))
		report_file(task, binprm->file, EVENT_EXECUTED, &cgroup);
	return 0;
}
