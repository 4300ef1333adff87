/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A blind spot, made visible: a file opened through io_uring passes the system call tracepoints by. This says once per
 * container that it does so; which file it is stays unknown.
 */
#pragma once

#include "../emit.h"

/* linux/io_uring.h */
#define IORING_OP_OPENAT 18
#define IORING_OP_OPENAT2 28

SEC("?tp_btf/io_uring_submit_req")
int BPF_PROG(on_io_uring, struct io_kiocb *request)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct seen_key key = {.kind = EVENT_IO_URING};
	struct record *record;

	if (request->opcode != IORING_OP_OPENAT && request->opcode != IORING_OP_OPENAT2)
		return 0;
	if (!in_container(task, &key.cgroup) || !is_new(&key, 0))
		return 0;
	record = start_record(task, EVENT_IO_URING, &key.cgroup);
	if (record)
		send_once(record, &key, 0);
	return 0;
}
