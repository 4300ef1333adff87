/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * System calls that change who a process is. Reported is a gain over what its program started with: becoming root, or
 * capabilities. Executions compare as well (exec.h), so that a set-user-id program shows, and so does a process that
 * the kernel was tricked into giving more, once it executes something.
 */
#pragma once

#include "../privilege.h"
#include "calls.h"

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_credentials, struct pt_regs *regs, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 pid = task->tgid;
	struct process *process;

	if (is_on_host(task))
		return 0;
	process = bpf_map_lookup_elem(&processes, &pid);
	remember_credentials(task, process && process->announced);
	return 0;
}
