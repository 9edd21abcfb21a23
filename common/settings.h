/*
 * The settings of the whole product, read from environment variables.
 *
 * One table (settings/table.c) names every variable with its kind, its default and the
 * programs that may see it.  From it come validation, `ingressd --check`, "did you mean",
 * and the environment of each child: a variable that a program has no business with is
 * never in its environment.
 *
 * A secret `X` may be given as `X_FILE` (the path of a file, one trailing newline dropped).
 * Secrets are checked for shape here but never kept: a program that needs one calls
 * settings_secret().  `DOMAINS` and `ROUTING_MAP` may be given as files too, since the kernel lets
 * one variable have 128 KiB only; they are read once, at the start.
 */
#ifndef COMMON_SETTINGS_H
#define COMMON_SETTINGS_H

#include "common/buffer.h"
#include "common/domain.h"
#include "common/error.h"
#include "common/ip_network.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
	SETTINGS_DOMAINS_MAX = 10000,
	SETTINGS_ROUTES_MAX = 20000,
	SETTINGS_DOH_MAX = 8,
	/* Of a file; a variable has 128 KiB at most, from the kernel. */
	SETTINGS_VALUE_MAX = 4 * 1024 * 1024,
	/* A unix socket's path has 108 bytes.  "/chroot/evidence-http.sock" has to fit in, and
	 * what HAProxy puts behind it while it binds: ".4194304.tmp". */
	SETTINGS_RUN_DIR_LONGEST = 107 - 26 - 12,
};

/* host:port of a backend; `host` is a name, an IPv4 address, or an IPv6 address without
 * brackets. */
struct endpoint {
	char host[DOMAIN_MAX + 1];
	unsigned short port;
	bool is_ipv6;
};

struct route {
	domain_name pattern; /* exact or "*.base"; lower case */
	struct endpoint target;
};

/* What a setting applies to that takes true, false or a list of domains. */
struct name_choice {
	enum { CHOICE_NONE, CHOICE_ALL, CHOICE_LISTED } scope;
	domain_name *names; /* with CHOICE_LISTED */
	size_t count;
};

/* What becomes of a certificate whose key nothing shows to have been made here. */
enum adopted_keys { ADOPTED_SERVE, ADOPTED_RENEW };

/* Who is asked whether a challenge can be seen. */
enum propagation_check { PROPAGATION_AUTHORITATIVE, PROPAGATION_RESOLVERS, PROPAGATION_OFF };

/* What is done about records that are the operator's to make. */
enum dns_setup_mode {
	SETUP_WAIT,    /* say what is missing, and wait for it */
	SETUP_PRINT,   /* say it, and go on */
	SETUP_WEBHOOK, /* tell a webhook, and wait */
};

enum evidence_routing { ROUTE_BY_CONNECTION, ROUTE_BY_REQUEST };

struct settings {
	/* What is served.  Names are unique, in the order given. */
	domain_name *domains;
	size_t domain_count;
	/* The one of them that other apps have too (ALIAS_DOMAIN); NULL: none. */
	const char *alias_domain;
	struct route *routes; /* ROUTING_MAP, then TARGET_ENDPOINT for each domain without one */
	size_t route_count;
	size_t default_route; /* index into routes: where an unknown or missing SNI goes */
	/* Where the names of backends may lead, beside loopback and the container's networks. */
	struct ip_network *backend_networks;
	size_t backend_network_count;

	/* DNS records */
	const char *gateway_domain;
	const char *dns_provider; /* one of "cloudflare", "rfc2136", ...; resolved, never NULL */
	const char *txt_prefix;
	/* NULL: records stand at the domains themselves.  Otherwise in this zone, where CNAMEs of
	 * the operator's lead (dns-hooks/plan/record_places.h). */
	const char *delegation_zone;
	const char *app_id; /* NULL: asked from the guest agent */
	unsigned short port;
	bool set_caa;		  /* also with a delegation_zone */
	bool require_evidence;	  /* without evidence the health check fails */
	long propagation_timeout; /* seconds; 0: the provider's default */
	enum propagation_check propagation_check;
	const char *dns_resolvers; /* "addr[:port],...", NULL: the system's */
	unsigned short dns_port;   /* where authoritative servers are asked */
	/* Names that a challenge may be led to by CNAME, each with all below it. */
	domain_name *challenge_targets;
	size_t challenge_target_count;
	/* Records that are the operator's to make. */
	enum dns_setup_mode dns_setup_mode;
	long dns_setup_timeout, dns_setup_interval; /* seconds */
	const char **doh_resolvers;		    /* URLs; none: DNS itself is asked */
	size_t doh_resolver_count;
	const char *doh_ca_bundle;   /* NULL: the system's trust store */
	const char *dns_webhook_url; /* NULL: none; the token is a secret */
	const char *dns_webhook_ca_bundle;
	long dns_webhook_timeout; /* seconds */

	/* ACME */
	const char *acme_server;    /* directory URL, resolved from ACME_STAGING */
	const char *acme_ca_bundle; /* NULL: the system's trust store */
	const char *acme_email;	    /* NULL: none */
	/* NULL: none; the key is a secret.  It may begin with '-': --eab-kid=VALUE, one word. */
	const char *acme_eab_kid;
	long renew_interval;	/* seconds */
	long renew_days_before; /* 0: a third of the lifetime */
	long certbot_timeout;	/* seconds; 0: derived from the propagation wait */
	long orders_at_once;	/* 1 to 16 */
	bool has_order_limits;	/* Let's Encrypt's, of a week and of an account, are kept */
	enum adopted_keys adopted_keys;

	/* Data path */
	long maxconn;
	const char *timeout_connect, *timeout_client, *timeout_server; /* HAProxy times */
	const char *alpn;					       /* NULL: none */
	bool alpn_h2;						       /* whether `alpn` has h2 */
	bool evidence_server;
	unsigned short evidence_port;
	const char *evidence_wait; /* HAProxy time */
	enum evidence_routing evidence_routing;
	struct name_choice server_first;
	bool accept_proxy_protocol;
	struct name_choice send_proxy_protocol;
	bool strict_sni;
	const char *reload_grace; /* HAProxy time, NULL: none */
	const char *stop_grace;	  /* the same; "0": none */

	/* Places */
	const char *letsencrypt_dir, *evidence_dir, *run_dir;
	const char *dstack_socket, *tappd_socket;
	const char *haproxy, *certbot;

	struct settings_store *store; /* owns the strings that are not the environment's */
};

/*
 * Everything wrong with the environment is collected, not just the first thing:
 * `problems` receives one line per error and `warnings` one per remark (both readable by a
 * person: variable, value seen, what is allowed, what to do; secrets are never shown).
 * NULL with err (EXIT_BAD_CONFIG, "N settings are wrong") when there is any problem.
 * `environ_block` is NAME=VALUE strings with NULL at the end and must stay as it is while
 * the settings live.
 */
struct settings *settings_load(char *const *environ_block, struct buffer *problems,
			       struct buffer *warnings, struct error *err);
void settings_free(struct settings *settings);

/* Who may see a variable. */
enum settings_audience {
	FOR_DNS = 1,	    /* ingress-dns: provider credentials, record settings */
	FOR_EVIDENCE = 2,   /* ingress-evidence: where it writes, and the guest agent */
	FOR_SUPERVISOR = 8, /* every variable */
	FOR_WEBHOOK = 16,   /* ingress-evidence when it tells a webhook of records */
};

/*
 * The same for a program that sees only part of them (settings_load() is FOR_SUPERVISOR):
 * what is not for `audience` is as if it were not given, so its member has its default, and
 * need not be there.  FOR_DNS has domains, gateway and provider, but no routes;
 * FOR_EVIDENCE has places only.  The error is the first problem, since it is what becomes known of
 * a program that somebody else waits for.
 */
struct settings *settings_load_for(unsigned audience, char *const *environ_block,
				   struct buffer *problems, struct buffer *warnings,
				   struct error *err);

/* What is left of `problems` to be told beside that error. */
const char *settings_other_problems(const struct buffer *problems);

/* The table of `ingressd --check`: variable, value (secrets as "***"), source.  -1 with errno
 * if it could not be written. */
int settings_print(const struct settings *settings, FILE *out);

/*
 * `ingressd --check`: judges the environment as settings_load() does and prints the table
 * even if something is wrong.  0 when all is well, else -1 with err as settings_load() sets
 * it.
 */
int settings_check(char *const *environ_block, FILE *out, struct buffer *problems,
		   struct buffer *warnings, struct error *err);

/*
 * The environment of a child: the variables of that audience that were given (of the DNS
 * providers only those of the one in use), its paths, LOG_LEVEL and LOG_FORMAT with their
 * resolved values, PATH, HOME, TZ, LANG, PYTHONPYCACHEPREFIX, PYTHONDONTWRITEBYTECODE and the
 * proxy variables of curl if set, and INGRESS_SUPERVISED (see log.h).  `extra` is NULL or
 * NAME=VALUE strings, NULL at the end, that override.  A NULL-terminated array, freed with
 * settings_free_environment().  An audience of 0 gets nothing but what everybody does.
 */
char **settings_child_environment(const struct settings *settings, unsigned audience,
				  const char *const *extra, struct error *err);
void settings_free_environment(char **environment);

/*
 * Writes the list of domains to `path`, if it came from a file, and has children that are started
 * from now on read it there: they know the domains that this process knows, whatever has become of
 * the file since, and need not be able to read it.  `settings` keeps a copy of `path`.
 */
int settings_copy_domains(const struct settings *settings, const char *path, struct error *err);

/*
 * Reads the secret `name` from the process environment or the file that NAME_FILE names
 * into the empty `value`, registers it with log_hide(), and checks that it is one line of
 * printable ASCII without spaces.  Returns 1 when there, 0 when not given, -1 with err.
 */
int settings_secret(const char *name, struct buffer *value, struct error *err);

/* Reads the secrets of that audience that are in files now, so that settings_secret() has them once
 * the files are out of reach.  What cannot be read is left to settings_secret() to complain of. */
void settings_hold_secrets(unsigned audience);

enum { SETTING_REASON_SIZE = 200 };

/*
 * Reads host[:port] as RFC2136_SERVER and each entry of DNS_RESOLVERS have it: a name, an
 * IPv4 address or an IPv6 address in brackets.  A missing port becomes `default_port`.
 * False with a sentence part ("the host is empty") in `reason` otherwise.
 */
bool settings_parse_host_port(const char *text, size_t length, unsigned short default_port,
			      struct endpoint *out, char reason[SETTING_REASON_SIZE]);

/* Whether the records of a domain stand in the delegation zone by way of the operator's CNAMEs; not
 * those of one that lies in that zone itself. */
bool settings_delegates(const struct settings *settings, const char *domain);

/* A plain (not secret) variable of a DNS provider, or NULL when unset or empty. */
const char *settings_provider_variable(const char *name);
/* One that is true or false (settings_load() judged it); false when unset. */
bool settings_provider_flag(const char *name);

#endif
