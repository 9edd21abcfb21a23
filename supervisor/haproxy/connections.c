#include "supervisor/haproxy/connections.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	REPLY_SIZE = 64 * 1024,
	/* As many as HAProxy may be told to have (MAXCONN), and as many again of another one. */
	CONNECTIONS_MAX = 2000000,
	ROOM_FIRST = 64,
	/* Of the kernel's states of TCP (include/net/tcp_states.h), those in which somebody has yet
	 * to say something. */
	STATE_ESTABLISHED = 1,
	STATE_FIN_WAIT1 = 4,
	STATE_FIN_WAIT2 = 5,
	STATE_CLOSE_WAIT = 8,
};

/* The list while it grows. */
struct reading {
	const unsigned char *ports;
	struct connection_list *list;
	size_t room;
	bool out_of_memory;
};

static int ask(int fd, unsigned char family)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} message = {
	    .header = {.nlmsg_len = sizeof(message),
		       .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	    .request = {.sdiag_family = family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_ext = 1 << (INET_DIAG_INFO - 1),
			.idiag_states = 1U << STATE_ESTABLISHED | 1U << STATE_FIN_WAIT1 |
					1U << STATE_FIN_WAIT2 | 1U << STATE_CLOSE_WAIT},
	};

	return send(fd, &message, sizeof(message), 0) == (ssize_t)sizeof(message) ? 0 : -1;
}

static struct connection *add(struct reading *r)
{
	struct connection_list *list = r->list;

	if (list->count == r->room) {
		size_t room = r->room == 0 ? ROOM_FIRST : 2 * r->room;
		struct connection *items =
		    room > CONNECTIONS_MAX ? NULL : realloc(list->items, room * sizeof(*items));
		if (items == NULL) {
			r->out_of_memory = true;
			return NULL;
		}
		list->items = items;
		r->room = room;
	}
	return &list->items[list->count++];
}

/* A kernel of another version may have a shorter tcp_info, or a longer one. */
static void take_info(struct connection *connection, bool is_client, const struct rtattr *attribute)
{
	struct tcp_info info = {0};
	size_t length = RTA_PAYLOAD(attribute);
	uint32_t received, sent;

	memcpy(&info, RTA_DATA(attribute), length < sizeof(info) ? length : sizeof(info));
	/* Before there are any, the times are those of the connection. */
	received = info.tcpi_bytes_received == 0 ? CONNECTION_NEVER : info.tcpi_last_data_recv;
	sent = info.tcpi_bytes_sent == 0 ? CONNECTION_NEVER : info.tcpi_last_data_sent;
	connection->asked_ms = is_client ? received : sent;
	connection->answered_ms = is_client ? sent : received;
	connection->is_owed = info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0;
}

/* A socket without an inode is the kernel's alone: its program has closed it. */
static void take_socket(struct reading *r, const struct nlmsghdr *header)
{
	const struct inet_diag_msg *message = NLMSG_DATA(header);
	int left = (int)header->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*message));
	struct connection *connection;
	bool is_client;

	if (left < 0 || message->idiag_inode == 0)
		return;
	is_client = (r->ports[ntohs(message->id.idiag_sport)] & PORT_OF_CLIENTS) != 0;
	if (!is_client && (r->ports[ntohs(message->id.idiag_dport)] & PORT_OF_BACKENDS) == 0)
		return;
	connection = add(r);
	if (connection == NULL)
		return;
	*connection = (struct connection){.id = (uint64_t)message->id.idiag_cookie[1] << 32 |
						message->id.idiag_cookie[0]};
	for (const struct rtattr *at = (const struct rtattr *)(message + 1); RTA_OK(at, left);
	     at = RTA_NEXT(at, left))
		if (at->rta_type == INET_DIAG_INFO)
			take_info(connection, is_client, at);
}

/* One answer: 1 when it was the last, 0 when there is more, -1 with errno. */
static int take_reply(struct reading *r, const struct nlmsghdr *header, int length)
{
	for (; NLMSG_OK(header, (unsigned)length); header = NLMSG_NEXT(header, length)) {
		if (header->nlmsg_type == NLMSG_DONE)
			return 1;
		if (header->nlmsg_type == NLMSG_ERROR) {
			errno = EIO;
			if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr)))
				errno = -((const struct nlmsgerr *)NLMSG_DATA(header))->error;
			return -1;
		}
		take_socket(r, header);
	}
	return 0;
}

/* The kernel answers while it is asked: this waits for nobody. */
static int read_family(int fd, struct reading *r, unsigned char family)
{
	union {
		struct nlmsghdr header;
		char bytes[REPLY_SIZE];
	} reply;
	int last = 0;

	if (ask(fd, family) != 0)
		return -1;
	while (last == 0) {
		ssize_t got = recv(fd, &reply, sizeof(reply), MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		last = take_reply(r, &reply.header, (int)got);
	}
	return last > 0 ? 0 : -1;
}

static int by_id(const void *a, const void *b)
{
	uint64_t left = ((const struct connection *)a)->id;
	uint64_t right = ((const struct connection *)b)->id;

	return left < right ? -1 : left > right;
}

int connections_read(const unsigned char ports[PORTS], struct connection_list *list,
		     struct error *err)
{
	struct reading r = {.ports = ports, .list = list};
	int fd, rc = -1;

	*list = (struct connection_list){0};
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd >= 0 && read_family(fd, &r, AF_INET) == 0 &&
	    (read_family(fd, &r, AF_INET6) == 0 || errno == ENOENT)) /* a kernel without IPv6 */
		rc = 0;
	else
		error_set_errno(err, EXIT_UNREACHABLE, errno,
				"the kernel does not tell of the connections that there are");
	if (rc == 0 && r.out_of_memory)
		rc = error_no_memory(err);
	if (fd >= 0)
		close(fd);
	if (rc != 0)
		connections_free(list);
	else if (list->count > 0)
		qsort(list->items, list->count, sizeof(*list->items), by_id);
	return rc;
}

void connections_free(struct connection_list *list)
{
	free(list->items);
	*list = (struct connection_list){0};
}

bool connections_have(const struct connection_list *list, uint64_t id)
{
	const struct connection wanted = {.id = id};

	return list->count > 0 &&
	       bsearch(&wanted, list->items, list->count, sizeof(wanted), by_id) != NULL;
}

bool connection_is_busy(const struct connection *connection, uint32_t quiet_ms, uint32_t answer_ms)
{
	if (connection->is_owed)
		return true;
	if (connection->asked_ms < connection->answered_ms)
		return connection->asked_ms < answer_ms;
	return connection->answered_ms < quiet_ms;
}
