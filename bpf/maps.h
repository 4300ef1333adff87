/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

#include "events.h"

const volatile struct config config = {};

/* What has been reported, per container. Forgetting the least recently used costs one repeated event. */
struct seen_key {
	struct cgroup_key cgroup;
	u64 inode;		/* or a hash of what is not about a file */
	u32 device;
	u16 kind;
	u16 tool;		/* 1: only programs that read whatever there is have done it */
};

struct seen_value {
	u64 stamp;		/* of a file: its change time */
	u64 sent_at;
	u64 again_after;	/* nanoseconds after which it is worth another event; 0 is never */
	u64 generation;
};

/* Where the way from a file to the root begins and ends. */
struct walk {
	u64 dentry;
	u64 mount;
	u64 root;
	u64 root_mount;
};

/* One record in the making, too large for the 512 bytes of a program's stack. */
struct record {
	u64 busy;
	struct walk walk;
	struct event event;
	char text[PATH_SIZE + ARGV_SIZE];
	u64 end;		/* so that the last word of the text can be read as a whole */
};

/* What the process's last program started with. */
struct process {
	u64 capabilities;
	u32 user;
	u32 user_namespace;
	u32 announced;		/* whether user space was told of the program, and wants to know its end */
	u32 zero;
};

/*
 * Room for 10,000 executions, whose records have about 400 bytes, while nobody reads. Its reader maps no more of it than
 * it reads at the moment.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 * 1024 * 1024);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct seen_key);
	__type(value, struct seen_value);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct cgroup_key);
	__type(value, struct group);
} groups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, struct process);
} processes SEC(".maps");

/* Names of programs that read whatever there is. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, char[COMM_SIZE]);
	__type(value, u32);
} tools SEC(".maps");

/* Files of which every use counts; their change time is 0. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct file_key);
	__type(value, u32);
} watched SEC(".maps");

/* Containers under a blocking policy. No LRU: nobody may crowd one out. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct cgroup_key);
	__type(value, struct blocking);
} blocked SEC(".maps");

/* Programs whose content is not what the image says. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct file_key);
	__type(value, u32);
} denied SEC(".maps");

/* A program may be interrupted by another of the same CPU, so one record is not enough. */
#define RECORDS 3

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RECORDS);
	__type(key, u32);
	__type(value, struct record);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SUBJECTS);
	__type(key, enum subject);
	__type(value, struct counters);
} stats SEC(".maps");

/* The programs for the kinds of system calls, filled by user space with those that the kernel accepts. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, CALLS);
	__type(key, enum call);
	__type(value, u32);
} handlers SEC(".maps");
