/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Taking over another process: attaching to it, and writing to its memory. Reading it is not reported.
 */
#pragma once

#include "calls.h"

/* linux/ptrace.h */
#define PTRACE_POKETEXT 4
#define PTRACE_POKEDATA 5
#define PTRACE_ATTACH 16
#define PTRACE_SEIZE 0x4206

/* Not a request of ptrace(2): process_vm_writev(2). */
#define REQUEST_WRITE_MEMORY 0x10000

static __always_inline int report_trace(u64 request, u64 pid)
{
	struct scene scene;
	struct record *record = start_activity(&scene, SUBJECT_TRACES, EVENT_PTRACED);

	if (!record)
		return 0;
	record->event.detail[0] = request;
	record->event.detail[1] = (u32)pid;
	send_activity(&scene, record);
	return 0;
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_ptrace, struct pt_regs *regs, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 request = argument_0(regs, task);

	if (request != PTRACE_ATTACH && request != PTRACE_SEIZE && request != PTRACE_POKETEXT &&
	    request != PTRACE_POKEDATA)
		return 0;
	return report_trace(request, argument_1(regs, task));
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_write_memory, struct pt_regs *regs, long result)
{
	return report_trace(REQUEST_WRITE_MEMORY, argument_0(regs, bpf_get_current_task_btf()));
}
