/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Everything that crosses between kernel and user space, and the only contract with src/deadlight/sensor/layout.py.
 * Each structure is the value of a map or a constant, so that its BTF is in the object; tests/sensor/test_layout.py
 * compares every offset and every enumerator with the Python side. No member needs padding; keep it so.
 */
#pragma once

#include "core.h"

#define COMM_SIZE 16   /* TASK_COMM_LEN */
#define NAME_SIZE 256  /* NAME_MAX and its terminator */
#define PATH_SIZE 4096 /* PATH_MAX */
#define ARGV_SIZE 256

enum event_kind {
	EVENT_EXECUTED = 1,	/* a program replaced a process's image */
	EVENT_MAPPED = 2,	/* a file was mapped as code */
	EVENT_OPENED = 3,	/* a file was opened for reading */
	EVENT_CGROUP_MADE = 4,	/* a control group appeared; the text is its path */
	EVENT_IO_URING = 5,	/* files are opened where system call tracepoints see nothing */
};

enum event_flags {
	FLAG_UPPER = 1,		/* overlayfs: made or changed above the image's layers */
	FLAG_MEMFD = 2,		/* lives in memory without a place in any directory */
	FLAG_UNLINKED = 4,	/* has no name left */
	FLAG_TMPFS = 8,		/* on a file system that only exists in memory */
	FLAG_PATH_CUT = 16,	/* too deep: the components nearest to the root are missing */
};

/* Ids of different version 1 hierarchies collide, so the hierarchy belongs to the name. 0 is version 2. */
struct cgroup_key {
	u64 id;
	u32 hierarchy;
	u32 zero;
};

/*
 * One record of the ring, followed by path_length bytes of path and argv_length bytes of arguments.
 *
 * The path is a list of names from the file up to the root, each ending in a zero byte: that is the order in which the
 * kernel's directory entries are linked, and turning it round is cheaper in user space.
 */
struct event {
	u64 at;			/* nanoseconds of CLOCK_MONOTONIC */
	struct cgroup_key cgroup;
	enum event_kind kind;
	enum event_flags flags;
	u32 pid;		/* the process (not the thread), as the host numbers it */
	u16 path_length;
	u16 argv_length;
	char comm[COMM_SIZE];
};

/* What user space decided about a control group; those it has not decided about yet are watched. */
enum verdict {
	VERDICT_IGNORE = 1,	/* no container */
	VERDICT_WATCH = 2,
};

/* Per-CPU counters since the object was loaded. */
struct counters {
	u64 emit;		/* events handed to the ring */
	u64 drop;		/* events lost because the ring was full */
	u64 dedup;		/* already reported for this container */
	u64 skip;		/* not in a container */
	u64 seen_fail;		/* reported, but could not be remembered */
};

/* Set by user space before the object is loaded. */
struct config {
	u32 host_mount_namespace;	/* inode number; 0 filters by control group alone */
	u32 v1_hierarchy;		/* the hierarchy of the pids controller, 0 where there is none */
};
