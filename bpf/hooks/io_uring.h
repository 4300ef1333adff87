/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A blind spot, made visible: a file opened through io_uring passes the system calls by. This says once per container
 * that it does so; which file it is stays unknown, but for kernels that let us see the opening itself (trampoline.h).
 */
#pragma once

#include "../emit.h"

/* linux/io_uring.h */
#define IORING_OP_OPENAT 18
#define IORING_OP_OPENAT2 28

static __always_inline int report_request(struct io_kiocb *request)
{
	struct record *record;
	struct scene scene;

	if (request->opcode != IORING_OP_OPENAT && request->opcode != IORING_OP_OPENAT2)
		return 0;
	record = start_activity(&scene, SUBJECT_IO_URING, EVENT_IO_URING);
	if (record)
		send_activity(&scene, record);
	return 0;
}

SEC("?tp_btf/io_uring_submit_req")
int BPF_PROG(on_io_uring, struct io_kiocb *request)
{
	return report_request(request);
}

/* Its name from 6.0 to 6.2. */
SEC("?tp_btf/io_uring_submit_sqe")
int BPF_PROG(on_io_uring_before_6_3, struct io_kiocb *request)
{
	return report_request(request);
}
