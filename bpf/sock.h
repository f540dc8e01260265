/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Sockets, packets and socket addresses, read into a slot's content as a
 * struct vd_net. Included where slots and their reading are known.
 */
#ifndef VEDETTE_SOCK_H
#define VEDETTE_SOCK_H

/* include/linux/socket.h */
#define VD_AF_UNIX 1
#define VD_AF_INET 2
#define VD_AF_INET6 10

/* include/uapi/linux/in.h */
#define VD_IPPROTO_TCP 6
#define VD_IPPROTO_UDP 17
#define VD_IPPROTO_DCCP 33
#define VD_IPPROTO_SCTP 132
#define VD_IPPROTO_UDPLITE 136

/* include/net/tcp_states.h: sockets of which only the common part exists */
#define VD_TCP_TIME_WAIT 6
#define VD_TCP_NEW_SYN_RECV 12
#define VD_SOCK_STREAM 1

/* What a path of the unix family can have at most, and the address with it, in bytes. */
#define VD_UNIX_PATH_MAX 108
#define VD_SOCKADDR_UN_MAX (VD_UNIX_PATH_MAX + 2)

static __always_inline long vd_read(void *to, __u32 n, __u64 addr)
{
	if (vd_reads_user(addr))
		return bpf_probe_read_user(to, n, (void *)addr);
	return bpf_probe_read_kernel(to, n, (void *)addr);
}

static __always_inline void vd_put_v4(__u8 *to, __be32 addr)
{
	__u32 *words = (__u32 *)to;

	words[0] = 0;
	words[1] = 0;
	words[2] = VD_MAPPED;
	words[3] = addr;
}

/* The beginning of struct sock_common, in the kernel's order. */
struct vd_sock_head {
	__be32 daddr;
	__be32 saddr;
	__u32 hash;
	__be16 dport;
	__u16 num;
	__u16 family;
	__u8 state;
	__u8 more;
};

/* Reads the head of a socket, at once on kernels that keep its members side by side, as all do so far. */
static __always_inline long vd_sock_head_of(struct sock *sk, struct vd_sock_head *h)
{
	struct sock_common *c = &sk->__sk_common;

	if (bpf_core_field_offset(c->skc_rcv_saddr) - bpf_core_field_offset(c->skc_daddr) == 4 &&
	    bpf_core_field_offset(c->skc_dport) - bpf_core_field_offset(c->skc_daddr) == 12 &&
	    bpf_core_field_offset(c->skc_num) - bpf_core_field_offset(c->skc_daddr) == 14 &&
	    bpf_core_field_offset(c->skc_family) - bpf_core_field_offset(c->skc_daddr) == 16 &&
	    bpf_core_field_offset(c->skc_state) - bpf_core_field_offset(c->skc_daddr) == 18)
		return bpf_core_read(h, sizeof(*h), &c->skc_daddr);
	h->daddr = BPF_CORE_READ(c, skc_daddr);
	h->saddr = BPF_CORE_READ(c, skc_rcv_saddr);
	h->dport = BPF_CORE_READ(c, skc_dport);
	h->num = BPF_CORE_READ(c, skc_num);
	h->state = BPF_CORE_READ(c, skc_state);
	return bpf_core_read(&h->family, sizeof(h->family), &c->skc_family);
}

/* The owner of a tracked socket, as the image that its process has now. */
static __always_inline void vd_put_owner(struct vd_net *net)
{
	__u64 sock = net->address;
	struct vd_sock_owner *owner = bpf_map_lookup_elem(&vd_sock_owners, &sock);
	struct vd_process *p;
	__u32 pid;

	if (!owner || !owner->trackers)
		return;
	pid = owner->pid;
	p = bpf_map_lookup_elem(&vd_processes, &pid);
	net->trackers = owner->trackers;
	net->owner_pid = pid;
	net->owner_start = p && p->born == owner->born ? p->start : owner->start;
}

static __always_inline bool vd_is_mini(struct vd_net *net)
{
	return net->state == VD_TCP_TIME_WAIT || net->state == VD_TCP_NEW_SYN_RECV;
}

/* What filters look at; the rest is read when it is told. */
static __noinline void vd_fetch_sock(struct vd_slot *slot, struct sock *sk)
{
	struct vd_net *net = (void *)slot->s.bytes;
	struct vd_sock_head h = {};

	net->address = (__u64)sk;
	if (!sk || vd_sock_head_of(sk, &h)) {
		vd_fail(slot);
		return;
	}
	slot->s.end = sizeof(*net);
	net->family = h.family;
	net->state = h.state;
	net->protocol = vd_is_mini(net) ? VD_IPPROTO_TCP : BPF_CORE_READ(sk, sk_protocol);
	if (vd_config.features & VD_FEATURE_SOCK_TRACK)
		vd_put_owner(net);
	if (h.family == VD_AF_INET) {
		vd_put_v4(net->saddr, h.saddr);
		vd_put_v4(net->daddr, h.daddr);
	} else if (h.family == VD_AF_INET6 && bpf_core_field_exists(sk->__sk_common.skc_v6_daddr)) {
		bpf_core_read(net->saddr, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(net->daddr, 16, &sk->__sk_common.skc_v6_daddr);
	} else {
		slot->status |= VD_VALUE_NO_ADDRESS | VD_VALUE_NO_PORT;
		return;
	}
	net->sport = h.num;
	net->dport = __builtin_bswap16(h.dport);
}

/* include/uapi/linux/if_ether.h, in network order */
#define VD_ETH_P_IP __builtin_bswap16(0x0800)
#define VD_ETH_P_IPV6 __builtin_bswap16(0x86dd)

struct vd_ipv4 {
	__u8 version_length;
	__u8 tos;
	__be16 total;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 protocol;
	__u16 check;
	__be32 saddr;
	__be32 daddr;
};

struct vd_ipv6 {
	__u32 flow;
	__be16 length;
	__u8 next;
	__u8 hops;
	__u8 saddr[16];
	__u8 daddr[16];
};

#define VD_FRAGMENT_OFFSET __builtin_bswap16(0x1fff)

/* Reads an IPv4 header; returns how many bytes further the ports are, 0: nowhere. */
static __always_inline __u32 vd_fetch_ipv4(struct vd_slot *slot, void *header)
{
	struct vd_net *net = (void *)slot->s.bytes;
	struct vd_ipv4 ip;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), header)) {
		vd_fail(slot);
		return 0;
	}
	net->family = VD_AF_INET;
	net->protocol = ip.protocol;
	vd_put_v4(net->saddr, ip.saddr);
	vd_put_v4(net->daddr, ip.daddr);
	return ip.fragment & VD_FRAGMENT_OFFSET ? 0 : (ip.version_length & 15) * 4;
}

/* Extension headers of IPv6 that stand before the one of the protocol (include/uapi/linux/in6.h). */
#define VD_HOP_BY_HOP 0
#define VD_ROUTING 43
#define VD_FRAGMENT 44
#define VD_AUTHENTICATION 51
#define VD_DESTINATION 60
#define VD_MOBILITY 135
#define VD_EXTENSIONS 6 /* as many as RFC 8200 knows, each once */

struct vd_extension {
	__u8 next;
	__u8 length; /* in 8 bytes without the first; in 4 without the first two for AUTHENTICATION */
	__be16 fragment;
};

#define VD_IPV6_FRAGMENT_OFFSET __builtin_bswap16(0xfff8)

/* The same for IPv6. */
static __always_inline __u32 vd_fetch_ipv6(struct vd_slot *slot, void *header)
{
	struct vd_net *net = (void *)slot->s.bytes;
	struct vd_ipv6 ip;
	__u32 at = sizeof(ip), i;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), header)) {
		vd_fail(slot);
		return 0;
	}
	net->family = VD_AF_INET6;
	net->protocol = ip.next;
	__builtin_memcpy(net->saddr, ip.saddr, 16);
	__builtin_memcpy(net->daddr, ip.daddr, 16);
	for (i = 0; i < VD_EXTENSIONS; i++) {
		struct vd_extension e = {};
		__u16 p = net->protocol;

		if (p != VD_HOP_BY_HOP && p != VD_ROUTING && p != VD_FRAGMENT &&
		    p != VD_AUTHENTICATION && p != VD_DESTINATION && p != VD_MOBILITY)
			return at;
		if (bpf_probe_read_kernel(&e, sizeof(e), header + at))
			return 0;
		if (p == VD_FRAGMENT && e.fragment & VD_IPV6_FRAGMENT_OFFSET)
			return 0;
		net->protocol = e.next;
		at += p == VD_FRAGMENT	     ? 8 :
		      p == VD_AUTHENTICATION ? (e.length + 2) * 4 :
					       (e.length + 1) * 8;
	}
	return 0;
}

static __always_inline bool vd_has_ports(__u16 protocol)
{
	return protocol == VD_IPPROTO_TCP || protocol == VD_IPPROTO_UDP ||
	       protocol == VD_IPPROTO_SCTP || protocol == VD_IPPROTO_DCCP ||
	       protocol == VD_IPPROTO_UDPLITE;
}

/* Offset of the network header where the packet has none yet. */
#define VD_NO_HEADER 0xffff

static __noinline void vd_fetch_skb(struct vd_slot *slot, struct sk_buff *skb)
{
	struct vd_net *net = (void *)slot->s.bytes;
	__u16 network = VD_NO_HEADER;
	__be16 ports[2];
	__u8 *head;
	__u32 at = 0;
	__be16 protocol;

	if (!skb || bpf_core_read(&network, sizeof(network), &skb->network_header)) {
		vd_fail(slot);
		return;
	}
	net->address = (__u64)skb;
	slot->s.end = sizeof(*net);
	protocol = BPF_CORE_READ(skb, protocol);
	head = BPF_CORE_READ(skb, head);
	if (network != VD_NO_HEADER && protocol == VD_ETH_P_IP)
		at = vd_fetch_ipv4(slot, head + network);
	else if (network != VD_NO_HEADER && protocol == VD_ETH_P_IPV6)
		at = vd_fetch_ipv6(slot, head + network);
	else
		slot->status |= VD_VALUE_NO_ADDRESS;
	/* What is not in the packet's first piece is not looked for. */
	if (!at || !vd_has_ports(net->protocol) ||
	    network + at + sizeof(ports) > BPF_CORE_READ(skb, tail) ||
	    bpf_probe_read_kernel(ports, sizeof(ports), head + network + at)) {
		slot->status |= VD_VALUE_NO_PORT;
		return;
	}
	net->sport = __builtin_bswap16(ports[0]);
	net->dport = __builtin_bswap16(ports[1]);
}

struct vd_sockaddr {
	__u16 family;
	__be16 port;
	__be32 v4; /* of IPv6 flow information */
	__u8 v6[16];
};

/* The family alone is read first: there may be no more. */
static __noinline void vd_fetch_sockaddr(struct vd_slot *slot, __u64 addr)
{
	struct vd_net *net = (void *)slot->s.bytes;
	struct vd_sockaddr a = {};

	if (vd_read(&a.family, sizeof(a.family), addr)) {
		vd_fail(slot);
		return;
	}
	net->family = a.family;
	slot->s.end = sizeof(*net);
	if (a.family == VD_AF_INET) {
		if (vd_read(&a, 8, addr))
			vd_fail(slot);
		vd_put_v4(net->saddr, a.v4);
	} else if (a.family == VD_AF_INET6) {
		if (vd_read(&a, sizeof(a), addr))
			vd_fail(slot);
		__builtin_memcpy(net->saddr, a.v6, 16);
	} else {
		slot->status |= VD_VALUE_NO_ADDRESS | VD_VALUE_NO_PORT;
	}
	net->sport = __builtin_bswap16(a.port);
}

/* Fills a slot of one of the types whose content is a struct vd_net. */
static __noinline void vd_fetch_net(struct vd_slot *slot, __u32 type, __u64 raw)
{
	__builtin_memset(slot->s.bytes, 0, sizeof(struct vd_net));
	slot->num = 0;
	switch (type) {
	case VD_TYPE_SOCK:
		vd_fetch_sock(slot, (struct sock *)raw);
		break;
	case VD_TYPE_SOCKET: {
		struct socket *sock = (struct socket *)raw;

		vd_fetch_sock(slot, BPF_CORE_READ(sock, sk));
		break;
	}
	case VD_TYPE_SKB:
		vd_fetch_skb(slot, (struct sk_buff *)raw);
		break;
	case VD_TYPE_SOCKADDR:
		vd_fetch_sockaddr(slot, raw);
		break;
	}
}

static __always_inline void vd_complete_sock(struct vd_net *net)
{
	struct sock *sk = (struct sock *)net->address;

	if (vd_is_mini(net)) {
		net->type = VD_SOCK_STREAM;
		return;
	}
	net->type = BPF_CORE_READ(sk, sk_type);
	net->mark = BPF_CORE_READ(sk, sk_mark);
	net->priority = BPF_CORE_READ(sk, sk_priority);
}

/* The lengths of a packet's IPsec path, where it has one. */
static __always_inline void vd_put_sec_path(struct vd_net *net, struct sk_buff *skb)
{
	struct sec_path *path;
	struct skb_ext *ext;
	__u8 offset = 0;
	__u32 id;

	if (!bpf_core_enum_value_exists(enum skb_ext_id, SKB_EXT_SEC_PATH) ||
	    !bpf_core_field_exists(skb->active_extensions))
		return;
	id = bpf_core_enum_value(enum skb_ext_id, SKB_EXT_SEC_PATH);
	if (!(BPF_CORE_READ(skb, active_extensions) >> (id & 7) & 1))
		return;
	ext = BPF_CORE_READ(skb, extensions);
	bpf_probe_read_kernel(&offset, 1, (void *)ext + bpf_core_field_offset(ext->offset) + id);
	path = (void *)ext + ((__u32)offset << 3);
	net->sec_path_len = BPF_CORE_READ(path, len);
	net->sec_path_olen = BPF_CORE_READ(path, olen);
}

static __always_inline void vd_complete_skb(struct vd_net *net)
{
	struct sk_buff *skb = (struct sk_buff *)net->address;

	net->hash = BPF_CORE_READ(skb, hash);
	net->len = BPF_CORE_READ(skb, len);
	net->priority = BPF_CORE_READ(skb, priority);
	net->mark = BPF_CORE_READ(skb, mark);
	vd_put_sec_path(net, skb);
}

/* Reads what no filter looks at, for an event. */
static __always_inline void vd_complete_net(struct vd_slot *slot, __u32 type)
{
	struct vd_net *net = (void *)slot->s.bytes;

	if (type == VD_TYPE_SOCK || type == VD_TYPE_SOCKET)
		vd_complete_sock(net);
	else if (type == VD_TYPE_SKB)
		vd_complete_skb(net);
}

/* Reads text that ends with a NUL byte or after n bytes; returns its length, negative where it cannot be read. */
static __always_inline long vd_read_text(char *to, __u32 n, __u64 addr)
{
	long err;

	if (vd_reads_user(addr))
		err = bpf_probe_read_user_str(to, n + 1, (void *)addr);
	else
		err = bpf_probe_read_kernel_str(to, n + 1, (void *)addr);
	/* Kernels before 6.17 do not count the NUL of an empty text of a process. */
	return err > 0 ? err - 1 : err;
}

/*
 * The path of an address of the unix family, of which size bytes are given,
 * 0: not known. An abstract name begins with a NUL byte, which becomes an @;
 * it has no end but that of the address.
 */
static __noinline void vd_fetch_sockaddr_un(struct vd_slot *slot, __u64 addr, __u64 size)
{
	__u64 n = !size || size > VD_SOCKADDR_UN_MAX ? VD_UNIX_PATH_MAX : size - 2;
	__u16 family = 0;
	char first = 0;
	long len;

	slot->num = 0;
	if (vd_read(&family, sizeof(family), addr)) {
		vd_fail(slot);
		return;
	}
	slot->num = family;
	if (family != VD_AF_UNIX || size == 1 || size == 2) {
		slot->status |= VD_VALUE_NO_PATH;
		return;
	}
	vd_bounded(n);
	if (n > VD_UNIX_PATH_MAX)
		n = VD_UNIX_PATH_MAX;
	if (vd_read(&first, 1, addr + 2)) {
		vd_fail(slot);
		return;
	}
	if (first) {
		len = vd_read_text(slot->s.bytes, n, addr + 2);
	} else if (!size) {
		len = vd_read_text(&slot->s.bytes[1], VD_UNIX_PATH_MAX - 1, addr + 3);
		len = len < 0 ? len : len + 1;
	} else {
		len = vd_read(slot->s.bytes, n, addr + 2) ? -1 : (long)n;
	}
	vd_bounded(len);
	if (len < 0 || len > VD_UNIX_PATH_MAX) {
		vd_fail(slot);
		return;
	}
	if (!first)
		slot->s.bytes[0] = '@';
	slot->s.bytes[len] = 0;
	slot->s.end = len;
}

#endif
