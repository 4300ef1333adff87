/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ends of processes whose program user space was told of. It fires for each thread; the last one is the process.
 */
#pragma once

#include "../emit.h"

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	u32 pid = task->tgid;
	struct process *process;
	struct record *record;
	struct scene scene;

	if (task->signal->live.counter > 0 || !enter(&scene, SUBJECT_EXITS, task))
		return 0;
	process = bpf_map_lookup_elem(&processes, &pid);
	if (!process || !process->announced) {
		scene.counters->filtered++;
	} else {
		record = start_record(&scene, EVENT_EXITED);
		if (record) {
			record->event.detail[0] = task->signal->group_exit_code ?: task->exit_code;
			send(&scene, record);
		}
	}
	bpf_map_delete_elem(&processes, &pid);
	return 0;
}
