#include "supervisor/children/confined.h"

#include "common/buffer.h"
#include "common/file.h"
#include "common/log.h"
#include "common/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEBIBYTE (UINT64_C(1024) * 1024)

/* The capabilities to open files on a volume of any owner and then become another user; once it
 * is that user, the program has none of them. */
#define TO_GIVE_UP_ROOT                                                                   \
	(CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_SETUID) | \
	 CAPABILITY(CAP_SETPCAP))

/* ingress-dns takes over its journal's folders from whoever has them. */
#define FOR_JOURNAL (TO_GIVE_UP_ROOT | CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_FOWNER))

/* Sockets that belong to the worker, ports below 1024, a worker with a user and a root folder of
 * its own that can be ended, and more open files where the machine allows them. */
const struct confinement confined_haproxy = {
    .capabilities = CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_KILL) |
		    CAPABILITY(CAP_NET_BIND_SERVICE) | CAPABILITY(CAP_SETGID) |
		    CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SYS_CHROOT) |
		    CAPABILITY(CAP_SYS_RESOURCE),
    .file_max = 64 * MEBIBYTE, /* its rings in shared memory */
    .may_gain_rights = true,   /* its file may have CAP_NET_BIND_SERVICE */
};

const struct confinement confined_look = {.file_max = 64 * MEBIBYTE};

const struct confinement confined_evidence = {
    .capabilities = TO_GIVE_UP_ROOT | CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_SYS_CHROOT),
    .memory_max = 512 * MEBIBYTE,
    .file_max = 64 * MEBIBYTE, /* the largest file of evidence has 32 */
};

const struct confinement confined_probe = {
    .capabilities = CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETPCAP),
    .memory_max = 256 * MEBIBYTE,
    .file_max = MEBIBYTE,
};

const struct confinement confined_resolve = {
    .capabilities = CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETPCAP),
    .memory_max = 512 * MEBIBYTE,
    .file_max = MEBIBYTE,
};

static bool runs_a_program_of_the_operator(const struct settings *settings)
{
	return strcmp(settings->dns_provider, "exec") == 0;
}

struct confinement confined_certbot(uid_t user)
{
	/* Root alone may have to get to a CERTBOT or a RUN_DIR of somebody else's. */
	return (struct confinement){
	    .capabilities = CAPABILITY(CAP_DAC_OVERRIDE),
	    .memory_max = CERTBOT_MEMORY_MAX,
	    .file_max = CERTBOT_FILE_MAX,
	    .processes_max = user == 0 ? 0 : CERTBOT_PROCESSES_MAX,
	    .user = user,
	};
}

const struct confinement *confined_dns(const struct settings *settings)
{
	static const struct confinement usual = {
	    .capabilities = FOR_JOURNAL, .memory_max = 1024 * MEBIBYTE, .file_max = 16 * MEBIBYTE};
	static const struct confinement with_exec = {.capabilities = FOR_JOURNAL,
						     .memory_max = 1024 * MEBIBYTE,
						     .file_max = 16 * MEBIBYTE,
						     .may_gain_rights = true};

	return runs_a_program_of_the_operator(settings) ? &with_exec : &usual;
}

/* ---- what of it cannot be */

static void report_rights(void)
{
	static const struct {
		int number;
		const char *name;
	} needed[] = {{CAP_SETGID, "SETGID"}, {CAP_SETUID, "SETUID"}, {CAP_SETPCAP, "SETPCAP"}};
	struct buffer missing;

	buffer_init(&missing, LOG_LINE_MAX);
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!confinement_has(needed[i].number))
			buffer_printf(&missing, " %s", needed[i].name);
	if (missing.length > 0)
		log_info("what is started is confined less than it could be, for want of the "
			 "capabilities:%s",
			 buffer_text(&missing));
	buffer_free(&missing);
}

/* Ended by root, as which its master runs; HAProxy itself says nothing when it may not. */
static void report_kill(void)
{
	if (!confinement_has(CAP_KILL))
		log_warn("the container has not got the capability KILL: HAProxy cannot end a "
			 "worker, so that the one before a reload may answer clients beside the "
			 "new one; add it (cap_add: KILL)");
}

static void report_users(void)
{
	if (!confinement_knows_user(USER_DNS))
		log_info("this container's user namespace has no users such as %u: what is "
			 "started stays root, without capabilities, and may read the "
			 "certificates' keys; for users of their own give the container 65536 "
			 "(with rootless podman by /etc/subuid and /etc/subgid, then `podman "
			 "system migrate`)",
			 (unsigned)USER_DNS);
}

/* NFS with root_squash and CIFS refuse it; so does root without CAP_CHOWN. */
static void report_owners(const char *volume)
{
	AUTO_FREE char *path = file_join(volume, ".owner-XXXXXX");
	AUTO_CLOSE int fd = path == NULL ? -1 : mkstemp(path);

	if (fd < 0)
		return; /* whoever has something to write there tells it */
	if (fchown(fd, USER_DNS, USER_DNS) != 0)
		log_info(
		    "no file on %s can be given to another user (%s): ingress-dns, which keeps "
		    "notes there, stays root, without capabilities, and may read the "
		    "certificates' keys",
		    volume, strerror(errno));
	unlink(path);
}

void confined_report(const struct settings *settings)
{
	if (geteuid() != 0) {
		log_info("not started as root: what is started runs as user %u too, which may read "
			 "the certificates' keys",
			 (unsigned)geteuid());
		return;
	}
	report_users();
	if (confinement_knows_user(USER_DNS) && strcmp(settings->dns_provider, "exec") != 0)
		report_owners(settings->letsencrypt_dir);
	report_rights();
	report_kill();
}
