/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Executions. sched_process_exec fires when the point of no return is passed: the new image, its name and its arguments
 * are in place and the program is certain to start. For a script, the file is its interpreter, which then opens the
 * script like any other file.
 */
#pragma once

#include "../block.h"
#include "../privilege.h"

/*
 * The arguments of the current program lie at the top of its stack, each ending in a zero byte. They are put behind the
 * room for the path, where they are known before the path is looked for.
 */
static __always_inline u32 read_arguments(struct record *record, struct task_struct *task)
{
	u64 start = task->mm->arg_start;
	u64 length = task->mm->arg_end - start;

	if (length > ARGV_SIZE - 1)
		length = ARGV_SIZE - 1;
	return bpf_probe_read_user(&record->text[PATH_SIZE], length, (void *)start) ? 0 : length;
}

static __always_inline void move_arguments(struct record *record, u32 length)
{
	u32 place = record->event.path_length;

	if (place > PATH_SIZE || length > ARGV_SIZE)
		return;
	if (!bpf_probe_read_kernel(&record->text[place], length, &record->text[PATH_SIZE]))
		record->event.argv_length = length;
}

/* A parent that only forked, to serve one request, was never told of; its own parents may have been. */
static __always_inline void add_forebears(struct record *record, struct task_struct *parent)
{
	record->event.detail[0] = parent->real_parent->tgid;
	record->event.detail[1] = parent->real_parent->real_parent->tgid;
}

/* The same program with other arguments is another process to whoever looks at it. True when user space was told. */
static __always_inline bool report_program(struct scene *scene, struct file *file, struct facts *facts, u32 blocked)
{
	struct seen_key key = {.cgroup = scene->cgroup, .kind = EVENT_EXECUTED, .device = facts->device};
	struct record *record = start_record(scene, EVENT_EXECUTED);
	u32 length;

	if (!record)
		return false;
	length = read_arguments(record, scene->task);
	key.inode = facts->number ^ hash_text(record, PATH_SIZE, length);
	key.tool = blocked;
	if (!is_new(scene, &key, facts->changed_at)) {
		return_record(record);
		return false;
	}
	record->event.flags = blocked;
	add_forebears(record, scene->task->real_parent);
	add_facts(record, facts);
	add_path(record, scene->task, file->f_path.dentry, file->f_path.mnt);
	move_arguments(record, length);
	return send_once(scene, record, &key, facts->changed_at, blocked ? WATCHED_AGAIN : ACTIVITY_AGAIN);
}

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *binprm)
{
	struct file *file = binprm->file;
	struct facts facts;
	struct scene scene;
	u32 blocked;
	bool told;

	if (!enter(&scene, SUBJECT_EXECUTIONS, task))
		return 0;
	look_directly(&facts, file);
	blocked = config.denies ? 0 : judge(&scene, &facts);
	if (blocked == FLAG_KILLED)
		bpf_send_signal(SIGKILL);
	told = report_program(&scene, file, &facts, blocked);
	remember_credentials(task, told);
	return 0;
}
