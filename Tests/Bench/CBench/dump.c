#define _GNU_SOURCE
#include "CBench.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

int bench_netfilter_socket(void) { return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER); }

static size_t put(char *request, size_t at, uint16_t type, const char *text)
{
    struct nlattr head = {(uint16_t)(NLA_HDRLEN + strlen(text) + 1), type};
    memcpy(request + at, &head, sizeof head);
    memcpy(request + at + NLA_HDRLEN, text, strlen(text) + 1);
    return at + NLA_ALIGN(head.nla_len);
}

int64_t bench_dump(int socket, const char *table, const char *set)
{
    static char answer[64 << 10] __attribute__((aligned(NLMSG_ALIGNTO)));
    char request[256] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
    if (strlen(table) + strlen(set) > 128) return -EINVAL;
    struct nlmsghdr *head = (struct nlmsghdr *)request;
    struct nfgenmsg *family = NLMSG_DATA(head);
    head->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM;
    head->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    family->nfgen_family = NFPROTO_INET;
    size_t end = NLMSG_SPACE(sizeof *family);
    end = put(request, end, NFTA_SET_ELEM_LIST_TABLE, table);
    end = put(request, end, NFTA_SET_ELEM_LIST_SET, set);
    head->nlmsg_len = (uint32_t)end;
    if (send(socket, request, end, 0) < 0) return -errno;
    for (int64_t bytes = 0;;) {
        ssize_t got = recv(socket, answer, sizeof answer, 0);
        if (got < 0) return -errno;
        bytes += got;
        int left = (int)got;
        for (struct nlmsghdr *m = (struct nlmsghdr *)answer; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
            if (m->nlmsg_type == NLMSG_DONE) return bytes;
            if (m->nlmsg_type == NLMSG_ERROR) return ((struct nlmsgerr *)NLMSG_DATA(m))->error;
        }
    }
}
