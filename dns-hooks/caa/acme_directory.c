#include "dns-hooks/caa/acme_directory.h"

#include "common/http.h"
#include "common/log.h"

#include <string.h>

enum {
	DIRECTORY_MAX = 64 * 1024,
	DIRECTORY_TIMEOUT_MS = 10000,
	DIRECTORY_ATTEMPTS = 3,
	DIRECTORY_BUDGET_MS = 20000,
};

static const char LETS_ENCRYPT[] = "letsencrypt.org";

/* acme-v02.api.letsencrypt.org, acme-staging-v02.api.letsencrypt.org */
static bool is_lets_encrypt(const char *url)
{
	static const char scheme[] = "https://", suffix[] = ".api.letsencrypt.org";
	domain_name host = "";

	if (strncmp(url, scheme, strlen(scheme)) != 0)
		return false;
	url += strlen(scheme);
	size_t length = strcspn(url, "/:?#");
	if (domain_parse(url, length, host) != DOMAIN_VALID)
		return false;
	length = strlen(host);
	return length > strlen(suffix) && strcmp(host + length - strlen(suffix), suffix) == 0;
}

void acme_read_identities(const cJSON *directory, struct caa_identities *identities)
{
	const cJSON *names = json_array(json_object(directory, "meta"), "caaIdentities");
	const cJSON *item = NULL;

	*identities = (struct caa_identities){0};
	cJSON_ArrayForEach(item, names)
	{
		if (!cJSON_IsString(item) || identities->count == CAA_IDENTITIES_MAX)
			continue;
		const char *name = item->valuestring;
		if (domain_parse(name, strlen(name), identities->names[identities->count]) ==
			DOMAIN_VALID &&
		    !domain_is_wildcard(name))
			identities->count++;
	}
}

static int fetch(const char *url, const char *ca_bundle, struct caa_identities *identities,
		 struct error *err)
{
	const struct http_request request = {.url = url,
					     .ca_bundle = ca_bundle,
					     .timeout_ms = DIRECTORY_TIMEOUT_MS,
					     .body_max = DIRECTORY_MAX};
	struct http_response response;
	int result = http_perform_retrying(&request, &response, DIRECTORY_ATTEMPTS,
					   DIRECTORY_BUDGET_MS, err);

	if (result == 0 && response.status != 200)
		result = error_set(err, response.status == 429 ? EXIT_TRY_LATER : EXIT_UNREACHABLE,
				   "the answer has HTTP status %ld", response.status);
	if (result == 0) {
		AUTO_JSON cJSON *directory = json_parse(buffer_text(&response.body),
							response.body.length, "the answer", err);
		if (directory != NULL) {
			acme_read_identities(directory, identities);
		} else {
			err->code = EXIT_UNREACHABLE;
			result = -1;
		}
	}
	http_response_free(&response);
	return result;
}

int acme_caa_identities(const char *directory_url, const char *ca_bundle,
			struct caa_identities *identities, struct error *err)
{
	int result = fetch(directory_url, ca_bundle, identities, err);

	if (result == 0 && identities->count > 0)
		return 0;
	if (is_lets_encrypt(directory_url)) {
		if (result != 0)
			log_warn("%s: %s; its name in CAA records is known to be %s", directory_url,
				 err->text, LETS_ENCRYPT);
		identities->count = 1;
		memcpy(identities->names[0], LETS_ENCRYPT, sizeof(LETS_ENCRYPT));
		return 0;
	}
	if (result != 0)
		return error_wrap(err, "cannot read the ACME directory %s", directory_url);
	return error_set(err, EXIT_BAD_CONFIG,
			 "the CA at %s does not say by which name it goes in CAA records (no "
			 "meta.caaIdentities in its directory)",
			 directory_url);
}
