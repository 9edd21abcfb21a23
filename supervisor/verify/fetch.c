#include "supervisor/verify/fetch.h"

#include "common/clock.h"
#include "common/hex.h"
#include "common/http.h"
#include "supervisor/verify/site_certificate.h"

#include <openssl/rand.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	URL_MAX = 1024,
	NONCE_SIZE = 32,
	ATTEMPTS = 3,
	BUDGET_MS = 30000,
	DIGEST_COLUMNS = 66, /* 64 digits and two spaces, then the name */
};

/* What every request to the site needs. */
struct site {
	char base[URL_MAX]; /* "https://host:port" */
	const char *connect_to;
	bool changed; /* another certificate or generation than at first was seen */
};

/* https://HOST[:PORT][/...]: host and port stay, all else goes. */
static int parse_url(const char *url, struct site *site, struct material *material,
		     struct error *err)
{
	static const char scheme[] = "https://";
	const char *host = url;

	if (strncmp(url, scheme, sizeof(scheme) - 1) == 0)
		host += sizeof(scheme) - 1;
	size_t authority = strcspn(host, "/?#");
	size_t length = strcspn(host, ":/?#");
	if (strstr(url, "://") != NULL && host == url)
		return error_set(err, EXIT_USAGE_ERROR,
				 "\"%.100s\" is not https://HOST[:PORT]: only TLS can be verified",
				 url);
	if (length == 0 || length >= sizeof(material->host) || host[0] == '[' ||
	    memchr(host, '@', authority) != NULL)
		return error_set(err, EXIT_USAGE_ERROR, "\"%.100s\" is not https://HOST[:PORT]",
				 url);
	/* A dot at its end says no more than that the name is whole. */
	size_t name_length = length > 1 && host[length - 1] == '.' ? length - 1 : length;
	snprintf(site->base, sizeof(site->base), "%s%.*s%.*s", scheme, (int)name_length, host,
		 (int)(authority - length), host + length);
	for (size_t i = 0; i < name_length; i++)
		material->host[i] =
		    (char)(host[i] >= 'A' && host[i] <= 'Z' ? host[i] - 'A' + 'a' : host[i]);
	material->host[name_length] = '\0';
	return 0;
}

/* The first connection's certificates are kept; a later one must show the same. */
static int note_chain(struct site *site, struct material *material, const struct buffer *chain,
		      struct error *err)
{
	if (material->live_chain.length == 0) {
		if (buffer_append(&material->live_chain, chain->data, chain->length) != 0)
			return buffer_check(&material->live_chain, "the certificate chain", err);
		return 0;
	}
	if (chain->length != material->live_chain.length ||
	    memcmp(chain->data, material->live_chain.data, chain->length) != 0) {
		site->changed = true;
		return error_set(err, EXIT_TRY_LATER,
				 "%s shows another certificate than a moment ago", site->base);
	}
	return 0;
}

/* GET of `path` below /evidences/; an answer of any status, which goes into `status`. */
static int request(struct site *site, struct material *material, const char *path, long *status,
		   struct buffer *content, struct error *err)
{
	char url[URL_MAX + 512];
	const struct http_request request = {
	    .url = url,
	    .connect_to = site->connect_to,
	    .wants_peer_chain = true,
	    .body_max = MATERIAL_FILE_MAX,
	};
	struct http_response response;

	snprintf(url, sizeof(url), "%s/evidences/%s", site->base, path);
	int rc = http_perform_retrying(&request, &response, ATTEMPTS, BUDGET_MS, err);
	*status = response.status;
	if (rc == 0)
		rc = note_chain(site, material, &response.peer_chain, err);
	if (rc == 0 && buffer_append(content, response.body.data, response.body.length) != 0)
		rc = buffer_check(content, path, err);
	http_response_free(&response);
	return rc;
}

static int refuse_status(const struct site *site, const char *path, long status, struct error *err)
{
	if (status == 429 || status == 503)
		return error_set(err, EXIT_TRY_LATER,
				 "%s/evidences/%s: the site is busy (status %ld)", site->base, path,
				 status);
	return error_set(err, EXIT_FAILED,
			 "%s/evidences/%s: status %ld; this site publishes no evidence, or none "
			 "yet",
			 site->base, path, status);
}

static int get(struct site *site, struct material *material, const char *name,
	       struct buffer *content, struct error *err)
{
	char *escaped = http_escape(name);
	long status = 0;
	int rc;

	if (escaped == NULL)
		return error_no_memory(err);
	rc = request(site, material, escaped, &status, content, err);
	if (rc == 0 && status != 200)
		rc = refuse_status(site, escaped, status, err);
	free(escaped);
	return rc;
}

static int get_into(struct site *site, struct material *material, const char *name,
		    struct error *err)
{
	struct buffer *content = material_add(material, name, err);

	return content == NULL ? -1 : get(site, material, name, content, err);
}

/* Lines of sha256sum(1): digest, two spaces, name. */
static int get_listed(struct site *site, struct material *material, struct error *err)
{
	const struct buffer *sums = material_find(material, "sha256sum.txt");
	char *text = strdup(buffer_text(sums));
	char *rest = text, *line;
	int rc = text == NULL ? error_no_memory(err) : 0;

	while (rc == 0 && (line = strsep(&rest, "\n")) != NULL) {
		if (line[0] == '\0')
			continue;
		if (strlen(line) <= DIGEST_COLUMNS || strlen(line) > DIGEST_COLUMNS + 300 ||
		    strchr(line + DIGEST_COLUMNS, '/') != NULL || line[DIGEST_COLUMNS] == '.')
			rc = error_set(err, EXIT_FAILED,
				       "sha256sum.txt has a line that no sha256sum wrote: "
				       "\"%.80s\"",
				       line);
		else
			rc = get_into(site, material, line + DIGEST_COLUMNS, err);
	}
	free(text);
	return rc;
}

static int check_unchanged(struct site *site, struct material *material, struct error *err)
{
	const struct buffer *before = material_find(material, "sha256sum.txt");
	struct buffer after;

	buffer_init(&after, MATERIAL_FILE_MAX);
	int rc = get(site, material, "sha256sum.txt", &after, err);
	if (rc == 0 && strcmp(buffer_text(before), buffer_text(&after)) != 0) {
		site->changed = true;
		rc = error_set(err, EXIT_TRY_LATER, "%s published new evidence meanwhile",
			       site->base);
	}
	buffer_free(&after);
	return rc;
}

/* Adds `name`, which is at `path`, if the site has it; its status is told in any case. */
static int get_if_there(struct site *site, struct material *material, const char *name,
			const char *path, long *status, struct error *err)
{
	struct buffer content;

	buffer_init(&content, MATERIAL_FILE_MAX);
	int rc = request(site, material, path, status, &content, err);
	if (rc == 0 && *status == 200) {
		struct buffer *file = material_add(material, name, err);
		if (file == NULL)
			rc = -1;
		else if (buffer_append(file, content.data, content.length) != 0)
			rc = buffer_check(file, name, err);
	}
	buffer_free(&content);
	return rc;
}

/* A machine that is no TDX guest has an attestation instead of a quote. */
static int get_proof(struct site *site, struct material *material, struct error *err)
{
	long status = 0, other = 0;

	if (get_if_there(site, material, "quote.json", "quote.json", &status, err) != 0)
		return -1;
	if (status == 404 &&
	    get_if_there(site, material, "attestation.bin", "attestation.bin", &other, err) != 0)
		return -1;
	return status == 200 || other == 200 ? 0 : refuse_status(site, "quote.json", status, err);
}

/* A question of our own, if the site answers such. */
static int ask(struct site *site, struct material *material, struct error *err)
{
	unsigned char nonce[NONCE_SIZE];
	char path[sizeof("attestation.json?nonce=") + sizeof(material->nonce)];
	long status = 0;

	if (RAND_bytes(nonce, sizeof(nonce)) != 1)
		return error_set(err, EXIT_FAILED, "there are no random numbers to be had");
	hex_encode(nonce, sizeof(nonce), material->nonce);
	snprintf(path, sizeof(path), "attestation.json?nonce=%s", material->nonce);
	if (get_if_there(site, material, "attestation.json", path, &status, err) != 0)
		return -1;
	if (status == 404)
		material->nonce[0] = '\0';
	else if (status != 200)
		return refuse_status(site, "attestation.json", status, err);
	return 0;
}

static int fetch_once(struct site *site, struct material *material, struct error *err)
{
	if (get_into(site, material, "sha256sum.txt", err) != 0 ||
	    get_listed(site, material, err) != 0 || get_proof(site, material, err) != 0 ||
	    ask(site, material, err) != 0)
		return -1;
	return check_unchanged(site, material, err);
}

/* Empties the material, as it was before anything was fetched. */
static void forget(struct site *site, struct material *material)
{
	char host[sizeof(material->host)];

	memcpy(host, material->host, sizeof(host));
	material_free(material);
	material_init(material);
	memcpy(material->host, host, sizeof(host));
	site->changed = false;
}

int fetch_evidence(const char *url, const char *connect_to, struct material *material,
		   struct error *err)
{
	static const int pauses_ms[] = {500, 1000, 2000, 4000};
	struct site site = {.connect_to = connect_to};

	if (parse_url(url, &site, material, err) != 0)
		return -1;
	for (size_t i = 0;; i++) {
		int rc = fetch_once(&site, material, err);
		bool settled = rc == 0 ? site_certificate_is_published(material) : !site.changed;
		if (settled || i == sizeof(pauses_ms) / sizeof(*pauses_ms))
			return rc;
		forget(&site, material);
		clock_sleep_ms(pauses_ms[i]);
	}
}
