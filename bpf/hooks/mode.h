/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Files that become programs, or programs that lend their owner's rights. The name is what the process gave; a relative
 * one is completed from where it stands.
 */
#pragma once

#include "open.h"

#define EXECUTABLE 0111
#define SET_ID 06000
#define AT_FDCWD -100

static __always_inline bool is_mode_worth_reporting(u64 mode)
{
	return mode & (EXECUTABLE | SET_ID);
}

static __always_inline void report_mode(struct scene *scene, u64 mode, u64 name, struct dentry *dentry,
					struct vfsmount *mount)
{
	struct record *record = start_record(scene, EVENT_MODE_CHANGED);

	if (!record)
		return;
	record->event.detail[0] = mode;
	if (!name || !add_name(record, name))
		write_path(record, scene->task, dentry, mount);
	send_activity(scene, record);
}

static __always_inline int report_mode_by_descriptor(struct pt_regs *regs, u64 mode, u64 name)
{
	struct scene scene;
	struct file *file;

	if (!is_mode_worth_reporting(mode) || !enter(&scene, SUBJECT_MODES, bpf_get_current_task_btf()))
		return 0;
	file = find_file(scene.task, argument_0(regs, scene.task));
	if (file)
		report_mode(&scene, mode, name, BPF_CORE_READ(file, f_path.dentry),
			    BPF_CORE_READ(file, f_path.mnt));
	else
		scene.counters->filtered++;
	return 0;
}

static __always_inline int report_mode_by_name(u64 mode, u64 name)
{
	struct scene scene;

	if (!is_mode_worth_reporting(mode) || !enter(&scene, SUBJECT_MODES, bpf_get_current_task_btf()))
		return 0;
	report_mode(&scene, mode, name, scene.task->fs->pwd.dentry, scene.task->fs->pwd.mnt);
	return 0;
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_chmod, struct pt_regs *regs, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return report_mode_by_name(argument_1(regs, task), argument_0(regs, task));
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_fchmod, struct pt_regs *regs, long result)
{
	return report_mode_by_descriptor(regs, argument_1(regs, bpf_get_current_task_btf()), 0);
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_fchmodat, struct pt_regs *regs, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 mode = argument_2(regs, task), name = argument_1(regs, task);

	if ((int)argument_0(regs, task) == AT_FDCWD)
		return report_mode_by_name(mode, name);
	return report_mode_by_descriptor(regs, mode, name);
}
