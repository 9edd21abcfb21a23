#include "supervisor/verify/fetch.h"

#include "common/http.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	URL_MAX = 1024,
	ATTEMPTS = 3,
	BUDGET_MS = 30000,
	DIGEST_COLUMNS = 66, /* 64 digits and two spaces, then the name */
};

/* The site, as every request needs it. */
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
	snprintf(site->base, sizeof(site->base), "%s%.*s", scheme, (int)authority, host);
	for (size_t i = 0; i < length; i++)
		material->host[i] =
		    (char)(host[i] >= 'A' && host[i] <= 'Z' ? host[i] - 'A' + 'a' : host[i]);
	material->host[length] = '\0';
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

static int get(struct site *site, struct material *material, const char *name,
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
	char *escaped = http_escape(name);

	if (escaped == NULL)
		return error_no_memory(err);
	snprintf(url, sizeof(url), "%s/evidences/%s", site->base, escaped);
	free(escaped);
	int rc = http_perform_retrying(&request, &response, ATTEMPTS, BUDGET_MS, err);
	if (rc == 0 && response.status != 200)
		rc = error_set(err, EXIT_FAILED,
			       "%s answers with status %ld: this site publishes no evidence, or "
			       "none yet",
			       url, response.status);
	if (rc == 0)
		rc = note_chain(site, material, &response.peer_chain, err);
	if (rc == 0 && buffer_append(content, response.body.data, response.body.length) != 0)
		rc = buffer_check(content, name, err);
	http_response_free(&response);
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

static int fetch_once(struct site *site, struct material *material, struct error *err)
{
	if (get_into(site, material, "sha256sum.txt", err) != 0 ||
	    get_listed(site, material, err) != 0 ||
	    get_into(site, material, "quote.json", err) != 0)
		return -1;
	return check_unchanged(site, material, err);
}

int fetch_evidence(const char *url, const char *connect_to, struct material *material,
		   struct error *err)
{
	struct site site = {.connect_to = connect_to};

	if (parse_url(url, &site, material, err) != 0)
		return -1;
	int rc = fetch_once(&site, material, err);
	if (rc != 0 && site.changed) {
		char host[sizeof(material->host)];
		memcpy(host, material->host, sizeof(host));
		material_free(material);
		material_init(material);
		memcpy(material->host, host, sizeof(host));
		rc = fetch_once(&site, material, err);
	}
	return rc;
}
