/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From a task and a file to a record in the ring, once per container and content. */
#pragma once

#include "attribution.h"
#include "file.h"
#include "path.h"

/* Waking the reader costs more than the rest of an event, so it sleeps until this much waits or its own clock rings. */
#define WAKE_BYTES (64 * 1024)

static __always_inline struct record *start_record(struct task_struct *task, enum event_kind kind,
						   struct cgroup_key *cgroup)
{
	u32 only = 0;
	struct record *record = bpf_map_lookup_elem(&scratch, &only);

	if (!record)
		return NULL;
	record->event.at = bpf_ktime_get_ns();
	record->event.cgroup = *cgroup;
	record->event.kind = kind;
	record->event.flags = 0;
	record->event.pid = task->tgid;
	record->event.ppid = task->real_parent->tgid;
	record->event.uid = task->cred->uid.val;
	record->event.device = 0;
	record->event.inode = 0;
	record->event.changed_at = 0;
	record->event.detail[0] = 0;
	record->event.detail[1] = 0;
	record->event.mode = 0;
	record->event.path_length = 0;
	record->event.argv_length = 0;
	bpf_get_current_comm(record->event.comm, sizeof(record->event.comm));
	return record;
}

static __always_inline bool send(struct record *record)
{
	u64 size = sizeof(record->event) + record->event.path_length + record->event.argv_length;
	u64 wake = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) < WAKE_BYTES ? BPF_RB_NO_WAKEUP : BPF_RB_FORCE_WAKEUP;

	if (size > sizeof(*record))
		return false;
	if (bpf_ringbuf_output(&ring, record, size, wake)) {
		COUNT(lost);
		return false;
	}
	COUNT(sent);
	return true;
}

/* The arguments of the current program lie at the top of its stack, each ending in a zero byte. */
static __always_inline void add_arguments(struct record *record, struct task_struct *task)
{
	u64 start = task->mm->arg_start;
	u64 length = task->mm->arg_end - start;
	u32 offset = record->event.path_length;

	if (length > ARGV_SIZE - 1)
		length = ARGV_SIZE - 1;
	if (offset > PATH_SIZE)
		return;
	if (bpf_probe_read_user(&record->text[offset], length, (void *)start) == 0)
		record->event.argv_length = length;
}

static __always_inline bool is_new(struct seen_key *key, u64 changed_at)
{
	u64 *known = bpf_map_lookup_elem(&seen, key);

	if (!known || *known != changed_at)
		return true;
	COUNT(deduplicated);
	return false;
}

/* Only what reached the ring is remembered, so that what a full ring refused is reported at the next occasion. */
static __always_inline void send_once(struct record *record, struct seen_key *key, u64 changed_at)
{
	if (send(record) && bpf_map_update_elem(&seen, key, &changed_at, BPF_ANY))
		COUNT(unremembered);
}

/* For a task that `in_container` gave `cgroup` for. */
static __always_inline void report_file(struct task_struct *task, struct file *file, enum event_kind kind,
					struct cgroup_key *cgroup)
{
	struct seen_key key = {.cgroup = *cgroup, .kind = kind};
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct super_block *superblock = BPF_CORE_READ(inode, i_sb);
	unsigned long magic = BPF_CORE_READ(superblock, s_magic);
	struct record *record;
	u64 changed_at;

	if (!is_worth_reporting(file, inode, magic))
		return;
	key.inode = BPF_CORE_READ(inode, i_ino);
	key.device = BPF_CORE_READ(superblock, s_dev);
	changed_at = change_time(inode);
	if (!is_new(&key, changed_at))
		return;
	record = start_record(task, kind, cgroup);
	if (!record)
		return;
	record->event.flags = file_flags(inode, magic);
	record->event.device = key.device;
	record->event.inode = key.inode;
	record->event.changed_at = changed_at;
	record->event.mode = BPF_CORE_READ(inode, i_mode);
	write_path(record, task, file);
	if (kind == EVENT_EXECUTED)
		add_arguments(record, task);
	send_once(record, &key, changed_at);
}
