/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

#include "events.h"

const volatile struct config config = {};

/* What has been reported, per container. Forgetting the least recently used costs one repeated event. */
struct seen_key {
	struct cgroup_key cgroup;
	u64 inode;
	u32 device;
	enum event_kind kind;
};

/* One record in the making, too large for the 512 bytes of a program's stack. */
struct record {
	struct event event;
	char text[PATH_SIZE + ARGV_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct seen_key);
	__type(value, u64); /* change time in nanoseconds */
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct cgroup_key);
	__type(value, enum verdict);
} verdicts SEC(".maps");

/* One for each CPU is enough: tracepoints call their programs with preemption off, and none runs in an interrupt. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct record);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct counters);
} stats SEC(".maps");

#define COUNT(counter)                                                     \
	do {                                                               \
		u32 only = 0;                                              \
		struct counters *here = bpf_map_lookup_elem(&stats, &only); \
		if (here)                                                  \
			here->counter++;                                   \
	} while (0)
