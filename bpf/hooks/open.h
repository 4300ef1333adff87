/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Files opened for reading, seen at the end of the system call, when the new descriptor leads to the file that was
 * really opened; the path in user memory could have been exchanged in between. open(2) does not exist on arm64.
 * 32-bit programs on a 64-bit kernel and io_uring (see io_uring.h) pass these tracepoints by.
 */
#pragma once

#include "../emit.h"

static __always_inline struct file *find_file(struct task_struct *task, u32 descriptor)
{
	struct fdtable *table = task->files->fdt;
	struct file **slots = table->fd;
	struct file *file = NULL;

	if (descriptor < table->max_fds)
		bpf_probe_read_kernel(&file, sizeof(file), &slots[descriptor]);
	return file;
}

static __always_inline int report_descriptor(long descriptor, enum event_kind kind)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct cgroup_key cgroup;
	struct file *file;

	if (descriptor < 0 || !in_container(task, &cgroup))
		return 0;
	file = find_file(task, descriptor);
	if (file)
		report_file(task, file, kind, &cgroup);
	return 0;
}

SEC("?tracepoint/syscalls/sys_exit_openat")
int on_openat(struct trace_event_raw_sys_exit *call)
{
	return report_descriptor(call->ret, EVENT_OPENED);
}

SEC("?tracepoint/syscalls/sys_exit_openat2")
int on_openat2(struct trace_event_raw_sys_exit *call)
{
	return report_descriptor(call->ret, EVENT_OPENED);
}

SEC("?tracepoint/syscalls/sys_exit_open")
int on_open(struct trace_event_raw_sys_exit *call)
{
	return report_descriptor(call->ret, EVENT_OPENED);
}
