/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Files mapped as code: shared libraries, and programs started through `ld.so program`, which no exec shows. The kernel
 * itself maps a program and its dynamic loader, without this system call; memory that becomes code later (mprotect) is
 * not seen here.
 */
#pragma once

#include "open.h"

/* asm-generic/mman-common.h */
#define MAP_ANONYMOUS 0x20

static __always_inline void report_mapping(struct scene *scene, struct file *file, struct facts *facts)
{
	if (is_worth_reporting(facts))
		report_file(scene, file, facts, EVENT_MAPPED);
	else
		scene->counters->filtered++;
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_mmap, struct pt_regs *regs, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct scene scene;
	struct facts facts;
	struct file *file;

	if (!(argument_2(regs, task) & PROT_EXEC) || (argument_3(regs, task) & MAP_ANONYMOUS))
		return 0;
	if (!enter(&scene, SUBJECT_MAPPINGS, task))
		return 0;
	file = find_file(task, argument_4(regs, task));
	if (!file) {
		scene.counters->filtered++;
		return 0;
	}
	look_copying(&facts, file);
	report_mapping(&scene, file, &facts);
	return 0;
}
