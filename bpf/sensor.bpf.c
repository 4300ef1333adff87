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
#include "hooks/exec.h"
#include "hooks/io_uring.h"
#include "hooks/mmap.h"
#include "hooks/open.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
