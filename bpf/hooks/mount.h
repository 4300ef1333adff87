/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Mounts, as the process asked for them: target, source and type are read from its memory after the call, where another
 * thread of it may have written something else meanwhile.
 */
#pragma once

#include "calls.h"

/* Adds a string, of the process or of the kernel, to the arguments of the record; without one, an empty one. */
static __always_inline void add_text(struct record *record, const void *text, bool of_process)
{
	u32 place = record->event.path_length + record->event.argv_length;
	long length;

	if (place > PATH_SIZE)
		return;
	if (of_process)
		length = bpf_probe_read_user_str(&record->text[place], ARGV_SIZE / 2, text);
	else
		length = bpf_probe_read_kernel_str(&record->text[place], ARGV_SIZE / 2, text);
	if (length <= 0) {
		record->text[place] = 0;
		length = 1;
	}
	record->event.argv_length += length;
}

static __always_inline int report_mount(u64 source, u64 target, u64 type)
{
	struct scene scene;
	struct record *record = start_activity(&scene, SUBJECT_MOUNTS, EVENT_MOUNTED);

	if (!record)
		return 0;
	write_name(record, scene.task, target);
	add_text(record, (void *)source, true);
	add_text(record, (void *)type, true);
	send_activity(&scene, record);
	return 0;
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_mount, struct pt_regs *regs, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return report_mount(argument_0(regs, task), argument_1(regs, task), argument_2(regs, task));
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_move_mount, struct pt_regs *regs, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return report_mount(argument_1(regs, task), argument_3(regs, task), 0);
}
