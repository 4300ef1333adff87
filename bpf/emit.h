/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From a scene and a file to a record in the ring, once per container and content. */
#pragma once

#include "attribution.h"
#include "file.h"
#include "path.h"

/*
 * Waking the reader costs more than the rest of an event, so it sleeps until this much waits or its own clock rings. It
 * is woken once on the way: while it lags behind, waking it again for each event would slow down whoever causes them.
 */
#define WAKE_BYTES (64 * 1024)

/* Activities are repeated while they go on: a minute is soon enough for who looks, and bounds what a loop costs. */
#define ACTIVITY_AGAIN (60 * SECOND)
#define WATCHED_AGAIN (1 * SECOND)
#define NEVER_AGAIN 0

static __always_inline struct record *try_record(u32 place)
{
	struct record *record = bpf_map_lookup_elem(&scratch, &place);

	return record && !__sync_lock_test_and_set(&record->busy, 1) ? record : NULL;
}

static __always_inline struct record *take_record(void)
{
	return try_record(0) ?: try_record(1) ?: try_record(2);
}

static __always_inline void return_record(struct record *record)
{
	record->busy = 0;
}

/* NULL where there is none left, which counts as a loss. Ends with `send_once`, `send` or `return_record`. */
static __always_inline struct record *start_record(struct scene *scene, enum event_kind kind)
{
	struct task_struct *task = scene->task;
	struct record *record = take_record();

	if (!record) {
		scene->counters->lost++;
		return NULL;
	}
	record->event.at = bpf_ktime_get_ns();
	record->event.cgroup = scene->cgroup;
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
	bpf_probe_read_kernel(record->event.comm, sizeof(record->event.comm), task->group_leader->comm);
	return record;
}

static __always_inline bool send(struct scene *scene, struct record *record)
{
	u64 size = sizeof(record->event) + record->event.path_length + record->event.argv_length;
	u64 waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	bool crosses = waiting < WAKE_BYTES && waiting + size >= WAKE_BYTES;
	u64 wake = crosses ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
	bool sent = size <= sizeof(record->event) + sizeof(record->text) &&
		    !bpf_ringbuf_output(&ring, &record->event, size, wake);

	return_record(record);
	if (sent)
		scene->counters->sent++;
	else
		scene->counters->lost++;
	return sent;
}

static __always_inline bool is_known(struct scene *scene, struct seen_key *key, u64 stamp)
{
	struct seen_value *known = bpf_map_lookup_elem(&seen, key);

	if (!known || known->stamp != stamp || known->generation != scene->generation)
		return false;
	return !known->again_after || bpf_ktime_get_ns() - known->sent_at < known->again_after;
}

static __always_inline bool is_new(struct scene *scene, struct seen_key *key, u64 stamp)
{
	if (!is_known(scene, key, stamp))
		return true;
	scene->counters->deduplicated++;
	return false;
}

/* Only what reached the ring is remembered, so that what a full ring refused is reported at the next occasion. */
static __always_inline bool send_once(struct scene *scene, struct record *record, struct seen_key *key, u64 stamp,
				      u64 again_after)
{
	struct seen_value value = {.stamp = stamp, .again_after = again_after, .generation = scene->generation};

	value.sent_at = record->event.at;
	if (!send(scene, record))
		return false;
	if (bpf_map_update_elem(&seen, key, &value, BPF_ANY))
		scene->counters->unremembered++;
	return true;
}

/*
 * FNV-1a over words: tells apart, no more. `start` (a multiple of eight) and `length` are of the record's text. The
 * verifier looks at a function that is not inlined once, instead of once for every turn that its loop can end at.
 */
__noinline u64 hash_text(struct record *record, u32 start, u32 length)
{
	u64 hash = 14695981039346656037ULL;
	u64 end = start + length;

	HERE(end);
	if (!record || end > sizeof(record->text))
		return 0;
	*(u64 *)&record->text[end] = 0; /* behind the text, so that its last word is all its own */
	for (u32 done = 0; done < ARGV_SIZE + NAME_SIZE; done += 8) {
		u64 place = start + done;

		HERE(place);
		if (done >= length || place > sizeof(record->text))
			break;
		hash = (hash ^ *(u64 *)&record->text[place]) * 1099511628211ULL;
		hash ^= hash >> 32;
	}
	return hash;
}

static __always_inline u64 hash_name(struct event *event)
{
	u64 words[COMM_SIZE / 8];

	__builtin_memcpy(words, event->comm, sizeof(words));
	return (words[0] * 1099511628211ULL ^ words[1]) * 1099511628211ULL;
}

/* The record of something that the current task does; NULL where it is not reported, or there is no room. */
static __always_inline struct record *start_activity(struct scene *scene, enum subject subject, enum event_kind kind)
{
	return enter(scene, subject, bpf_get_current_task_btf()) ? start_record(scene, kind) : NULL;
}

/*
 * An activity that is not about a file: the same text and detail are the same activity of programs of the same name. What
 * a service does all day must not hide that an intruder's program does it, too.
 */
static __always_inline void send_activity(struct scene *scene, struct record *record)
{
	struct seen_key key = {.cgroup = scene->cgroup, .kind = record->event.kind};
	u64 stamp = record->event.detail[0] ^ record->event.detail[1] << 32;

	key.inode = hash_text(record, 0, record->event.path_length + record->event.argv_length);
	key.inode ^= stamp ^ hash_name(&record->event);
	if (is_new(scene, &key, stamp))
		send_once(scene, record, &key, stamp, ACTIVITY_AGAIN);
	else
		return_record(record);
}

static __always_inline void add_facts(struct record *record, struct facts *facts)
{
	record->event.flags |= file_flags(facts);
	record->event.device = facts->device;
	record->event.inode = facts->number;
	record->event.changed_at = facts->changed_at;
	record->event.mode = facts->mode;
}

/*
 * A volume is told by its mount and not by its device: without overlayfs, images and volumes can lie on the same one.
 */
static __always_inline void add_path(struct record *record, struct task_struct *task, struct dentry *dentry,
				     struct vfsmount *mount)
{
	if (mount != task->fs->root.mnt)
		record->event.flags |= FLAG_MOUNTED;
	write_path(record, task, dentry, mount);
}

static __always_inline u64 when_again(struct facts *facts)
{
	struct file_key file = {.inode = facts->number, .device = facts->device};

	return bpf_map_lookup_elem(&watched, &file) ? WATCHED_AGAIN : NEVER_AGAIN;
}

static __always_inline bool is_tool(struct task_struct *task)
{
	char name[COMM_SIZE];

	bpf_probe_read_kernel(name, sizeof(name), task->group_leader->comm);
	return bpf_map_lookup_elem(&tools, name) != NULL;
}

/* For a file that was mapped, opened or written to. The name of the process is looked at only where nobody else came. */
static __always_inline void report_file(struct scene *scene, struct file *file, struct facts *facts,
					enum event_kind kind)
{
	struct seen_key key = {
		.cgroup = scene->cgroup, .kind = kind, .inode = facts->number, .device = facts->device};
	u64 stamp = facts->changed_at;
	u64 again_after;
	struct record *record;

	if (kind == EVENT_WRITTEN)
		stamp = BPF_CORE_READ(file, f_path.dentry, d_name.hash_len);
	if (!is_new(scene, &key, stamp))
		return;
	if (kind != EVENT_MAPPED && is_tool(scene->task)) {
		key.tool = 1;
		if (!is_new(scene, &key, stamp))
			return;
	}
	record = start_record(scene, kind);
	if (!record)
		return;
	if (key.tool)
		record->event.flags |= FLAG_TOOL;
	add_facts(record, facts);
	add_path(record, scene->task, facts->dentry ?: BPF_CORE_READ(file, f_path.dentry),
		 facts->mount ?: BPF_CORE_READ(file, f_path.mnt));
	again_after = when_again(facts);
	if (kind == EVENT_WRITTEN && !again_after)
		again_after = ACTIVITY_AGAIN;
	send_once(scene, record, &key, stamp, again_after);
}
