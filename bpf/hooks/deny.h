/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Refusing programs before they run, where the kernel asks BPF programs for their opinion (`bpf` among its security
 * modules). A script that is executed itself is refused as well; one that an interpreter reads is a file like others.
 */
#pragma once

#include "../block.h"

#define EPERM 1

/* The record is another than the execution's own, which an audit lets happen. */
static __always_inline int deny(struct file *file, enum event_kind kind)
{
	struct seen_key key = {.kind = kind};
	struct record *record;
	struct scene scene;
	struct facts facts;
	u32 blocked;

	if (!enter(&scene, SUBJECT_BLOCKS, bpf_get_current_task_btf()))
		return 0;
	look_directly(&facts, file);
	blocked = judge(&scene, &facts);
	if (!blocked) {
		scene.counters->filtered++;
		return 0;
	}
	key.cgroup = scene.cgroup;
	key.inode = facts.number;
	key.device = facts.device;
	key.tool = FLAG_DENIED;
	if (is_new(&scene, &key, facts.changed_at)) {
		record = start_record(&scene, kind);
		if (record) {
			record->event.flags = blocked == FLAG_KILLED ? FLAG_DENIED : FLAG_WOULD_BLOCK;
			add_facts(record, &facts);
			add_path(record, scene.task, file->f_path.dentry, file->f_path.mnt);
			send_once(&scene, record, &key, facts.changed_at, WATCHED_AGAIN);
		}
	}
	return blocked == FLAG_KILLED ? -EPERM : 0;
}

SEC("?lsm/bprm_check_security")
int BPF_PROG(deny_program, struct linux_binprm *binprm, int result)
{
	return result ?: deny(binprm->file, EVENT_EXECUTED);
}

SEC("?lsm/mmap_file")
int BPF_PROG(deny_mapping, struct file *file, unsigned long asked, unsigned long protection, unsigned long flags,
	     int result)
{
	if (result || !file || !(protection & PROT_EXEC))
		return result;
	return deny(file, EVENT_MAPPED);
}
