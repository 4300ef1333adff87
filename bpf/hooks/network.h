/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * TCP connections that are asked for, and sockets that begin to listen, whichever way the process asks (a system call of
 * 64 or 32 bits, io_uring). IPv4 and IPv6. UDP has no state to follow and is not seen.
 */
#pragma once

#include "../emit.h"

/* linux/socket.h, net/tcp_states.h */
#define AF_INET 2
#define AF_INET6 10
#define TCP_SYN_SENT 2
#define TCP_LISTEN 10

static __always_inline void add_address(struct record *record, const struct sock_common *socket, bool connects)
{
	if (socket->skc_family == AF_INET6) {
		const void *address = connects ? &socket->skc_v6_daddr : &socket->skc_v6_rcv_saddr;

		bpf_probe_read_kernel(record->text, 16, address);
		record->event.path_length = 16;
	} else {
		u32 address = connects ? socket->skc_daddr : socket->skc_rcv_saddr;

		__builtin_memcpy(record->text, &address, 4);
		record->event.path_length = 4;
	}
}

SEC("?tp_btf/inet_sock_set_state")
int BPF_PROG(on_socket, const struct sock *sock, int before, int state)
{
	const struct sock_common *socket = &sock->__sk_common;
	bool connects = state == TCP_SYN_SENT;
	struct record *record;
	struct scene scene;
	u32 port;

	if (!connects && state != TCP_LISTEN)
		return 0;
	if (socket->skc_family != AF_INET && socket->skc_family != AF_INET6)
		return 0;
	record = start_activity(&scene, SUBJECT_CONNECTIONS, connects ? EVENT_CONNECTED : EVENT_LISTENING);
	if (!record)
		return 0;
	add_address(record, socket, connects);
	port = connects ? __builtin_bswap16(socket->skc_dport) : socket->skc_num;
	record->event.detail[0] = (u64)socket->skc_family << 16 | port;
	record->event.detail[1] = sock->sk_protocol;
	send_activity(&scene, record);
	return 0;
}
