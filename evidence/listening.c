#include "evidence/listening.h"

#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = SOMAXCONN };

int listening_inherited(int fd, struct error *err)
{
	int listening = 0;
	socklen_t size = sizeof(listening);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0)
		return error_set_errno(err, EXIT_USAGE_ERROR, errno,
				       "file descriptor %d is no listening socket", fd);
	if (listening == 0)
		return error_set(err, EXIT_USAGE_ERROR, "socket %d does not listen", fd);
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot prepare socket %d", fd);
	return fd;
}

static int new_socket(struct error *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		error_set_errno(err, EXIT_FAILED, errno, "cannot make a unix socket");
	return fd;
}

static int remove_stale(const struct sockaddr_un *address, struct error *err)
{
	struct stat info;

	if (lstat(address->sun_path, &info) != 0)
		return 0; /* bind() will tell if something is wrong */
	if (!S_ISSOCK(info.st_mode))
		return error_set(err, EXIT_FAILED, "%s exists and is not a socket",
				 address->sun_path);
	AUTO_CLOSE int probe = new_socket(err);
	if (probe < 0)
		return -1;
	if (connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno != ECONNREFUSED)
		return error_set(err, EXIT_FAILED, "another process listens on %s",
				 address->sun_path);
	if (unlink(address->sun_path) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot remove %s",
				       address->sun_path);
	return 0;
}

int listening_unix(const char *path, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(err, EXIT_USAGE_ERROR,
				 "the socket's path has %zu bytes; %zu is the most: %s",
				 strlen(path), sizeof(address.sun_path) - 1, path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (remove_stale(&address, err) != 0)
		return -1;
	AUTO_CLOSE int fd = new_socket(err);
	if (fd < 0)
		return -1;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(path, 0666) != 0 || listen(fd, BACKLOG) != 0)
		return error_set_errno(err, EXIT_FAILED, errno, "cannot listen on %s", path);
	int listening = fd;
	fd = -1; /* the caller's now */
	return listening;
}
