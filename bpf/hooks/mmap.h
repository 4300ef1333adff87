/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Files mapped as code: shared libraries, and programs started through `ld.so program`, which no exec shows. Seen at
 * the start of the system call, the only place where its descriptor is known; a call that then fails is reported too.
 * The kernel itself maps a program and its dynamic loader, without this system call.
 */
#pragma once

#include "open.h"

/* asm-generic/mman.h */
#define PROT_EXEC 0x4
#define MAP_ANONYMOUS 0x20

SEC("?tracepoint/syscalls/sys_enter_mmap")
int on_mmap(struct trace_event_raw_sys_enter *call)
{
	if (!(call->args[2] & PROT_EXEC) || (call->args[3] & MAP_ANONYMOUS))
		return 0;
	return report_descriptor((int)call->args[4], EVENT_MAPPED);
}
