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
	EVENT_EXECUTED = 1,	/* a program was; detail: parent of the parent, and of that one */
	EVENT_MAPPED = 2,	/* a file was mapped as code */
	EVENT_OPENED = 3,	/* a file was opened for reading */
	EVENT_CGROUP_MADE = 4,	/* a control group appeared; the text is its path */
	EVENT_IO_URING = 5,	/* files are opened where system call tracepoints see nothing */
	EVENT_EXITED = 6,	/* a process ended; detail: exit status as wait(2) gives it */
	EVENT_WRITTEN = 7,	/* a file was created or opened for writing */
	EVENT_PTRACED = 8,	/* detail: request, process that it is done to */
	EVENT_MOUNTED = 9,	/* on a directory; the arguments are source and type */
	EVENT_MODULE_LOADED = 10, /* the text is the module's name */
	EVENT_PRIVILEGE_CHANGED = 11, /* detail: effective user before and after */
	EVENT_CONNECTED = 12,	/* the text is the address; detail: family << 16 | port, protocol */
	EVENT_LISTENING = 13,	/* the same */
	EVENT_NAMESPACE_ENTERED = 14, /* or made; detail: CLONE_NEW... flags */
	EVENT_MODE_CHANGED = 15, /* became executable, setuid or setgid; detail: the mode */
};

enum event_flags {
	FLAG_UPPER = 1,		/* overlayfs: made or changed above the image's layers */
	FLAG_MEMFD = 2,		/* lives in memory without a place in any directory */
	FLAG_UNLINKED = 4,	/* has no name left */
	FLAG_TMPFS = 8,		/* on a file system that only exists in memory */
	FLAG_PATH_CUT = 16,	/* too deep: the components nearest to the root are missing */
	FLAG_TOOL = 32,		/* the process is a program that reads whatever there is */
	FLAG_KILLED = 64,	/* the process was sent SIGKILL for it */
	FLAG_DENIED = 128,	/* it was refused */
	FLAG_WOULD_BLOCK = 256,	/* enforced, the policy would have stopped it */
	FLAG_MOUNTED = 512,	/* not of the root file system: of a volume, or of what the runtime mounts */
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
	u32 ppid;		/* its parent */
	u32 uid;		/* as the host counts */
	u32 device;		/* of the file: super_block.s_dev */
	u64 inode;		/* as the file's own file system counts; overlayfs may tell stat(2) another */
	u64 changed_at;		/* the file's change time in nanoseconds since the epoch */
	u64 detail[2];		/* what the kind says */
	u32 mode;		/* the file's type and permissions */
	u16 path_length;
	u16 argv_length;
	char comm[COMM_SIZE];
};

/* What user space decided about a control group; those it has not decided about yet are watched. */
enum verdict {
	VERDICT_IGNORE = 1,	/* no container */
	VERDICT_WATCH = 2,
};

struct group {
	enum verdict verdict;
	u32 generation;		/* raised, everything of the group is reported again */
};

/* What is counted separately; hooks that see the same share a row. */
enum subject {
	SUBJECT_EXECUTIONS = 0,
	SUBJECT_EXITS = 1,
	SUBJECT_GROUPS = 2,
	SUBJECT_OPENS = 3,
	SUBJECT_MAPPINGS = 4,
	SUBJECT_IO_URING = 5,
	SUBJECT_TRACES = 6,
	SUBJECT_MOUNTS = 7,
	SUBJECT_MODULES = 8,
	SUBJECT_PRIVILEGES = 9,
	SUBJECT_CONNECTIONS = 10,
	SUBJECT_NAMESPACES = 11,
	SUBJECT_MODES = 12,
	SUBJECT_BLOCKS = 13,
};

#define SUBJECTS 14

/* Per-CPU counters since the object was loaded: seen = sent + deduplicated + lost + skipped + filtered. */
struct counters {
	u64 seen;		/* times that a hook had something to look at outside the host's mount namespace */
	u64 sent;		/* events handed to the ring */
	u64 deduplicated;	/* already reported for this container */
	u64 lost;		/* events for which there was no room */
	u64 skipped;		/* of a control group that is no container */
	u64 filtered;		/* nothing that is reported: no regular file, no gain */
	u64 unremembered;	/* of those sent: could not be marked as such, and will be sent again */
};

/* A file and its content, as far as the kernel knows one content from another. */
struct file_key {
	u64 inode;
	u64 changed_at;		/* 0 where it does not matter */
	u32 device;
	u32 zero;
};

enum blocking_mode {
	BLOCKING_OFF = 0,
	BLOCKING_AUDIT = 1,
	BLOCKING_ENFORCE = 2,
};

/* What is blocked in a control group. */
struct blocking {
	enum blocking_mode mode;
	u32 drift;		/* programs that are not the image's own */
	u32 mismatch;		/* programs in the map `denied` */
};

/* What a system call is to us; the program in this place of the map `handlers` deals with it. */
enum call {
	CALL_NONE = 0,
	CALL_OPEN = 1,
	CALL_MAP = 2,
	CALL_PTRACE = 3,
	CALL_WRITE_MEMORY = 4,
	CALL_MOUNT = 5,
	CALL_MOVE_MOUNT = 6,
	CALL_SETNS = 7,
	CALL_UNSHARE = 8,
	CALL_CHMOD = 9,
	CALL_FCHMOD = 10,
	CALL_FCHMODAT = 11,
	CALL_CREDENTIALS = 12,
};

#define CALLS 13

#define CALL_NUMBERS 512 /* system calls that we can tell apart; the highest of today is below 480 */

/* What a system call's number means to a 64-bit and to a 32-bit program: an `enum call` each. */
struct call_number {
	u8 native;
	u8 compat;
};

/* Set by user space before the object is loaded. */
struct config {
	u32 host_mount_namespace;	/* inode number; 0 filters by control group alone */
	u32 v1_hierarchy;		/* the hierarchy of the pids controller, 0 where there is none */
	u32 denies;			/* whether the LSM hooks are attached, which refuse what else would be killed */
	struct call_number calls[CALL_NUMBERS];
};
