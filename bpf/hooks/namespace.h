/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Moving between namespaces. A process that left for the host's mount namespace is told by its control group; the
 * container runtime does the same on its way into a container, as a child of a process of the host.
 */
#pragma once

#include "calls.h"

static __always_inline int report_namespace(u64 flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct record *record;
	struct scene scene;

	if (is_on_host(task->real_parent) || !enter_group(&scene, SUBJECT_NAMESPACES, task, !is_on_host(task)))
		return 0;
	record = start_record(&scene, EVENT_NAMESPACE_ENTERED);
	if (!record)
		return 0;
	record->event.detail[0] = flags;
	send_activity(&scene, record);
	return 0;
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_setns, struct pt_regs *regs, long result)
{
	return report_namespace((u32)argument_1(regs, bpf_get_current_task_btf()));
}

/* linux/sched.h: what unshare(2) can do that has nothing to do with namespaces */
#define CLONE_FS_FILES_SYSVSEM 0x00040600

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_unshare, struct pt_regs *regs, long result)
{
	u32 flags = argument_0(regs, bpf_get_current_task_btf()) & ~CLONE_FS_FILES_SYSVSEM;

	return flags ? report_namespace(flags) : 0;
}
