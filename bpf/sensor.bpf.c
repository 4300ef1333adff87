// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The kernel half of the sensor: one object, one hook a file. Every hook is optional ("?"): the loader enables those
 * that the running kernel accepts.
 */
#include "core.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "hooks/cgroup.h"
#include "hooks/credentials.h"
#include "hooks/deny.h"
#include "hooks/exec.h"
#include "hooks/exit.h"
#include "hooks/io_uring.h"
#include "hooks/mmap.h"
#include "hooks/mode.h"
#include "hooks/module.h"
#include "hooks/mount.h"
#include "hooks/namespace.h"
#include "hooks/network.h"
#include "hooks/open.h"
#include "hooks/ptrace.h"
#include "hooks/trampoline.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
