#include "dns-hooks/providers/route53_api.h"

#include "common/file.h"
#include "common/http.h"
#include "common/settings.h"
#include "dns-hooks/providers/aws_api.h"
#include "dns-hooks/providers/aws_credentials.h"
#include "dns-hooks/providers/aws_partition.h"
#include "dns-hooks/web/web_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* A listing goes on behind the name that it is asked for, and a name has few sets. */
	PAGE_SIZE = 10,
	PAGES_MAX = 100,
};

#define VERSION_PATH "/2013-04-01"

/* One service for all regions of a partition; its address and region are that one's. */
static const struct aws_service service = {
    .title = "Route 53",
    .url_variable = "ROUTE53_API_URL",
    .name = "route53",
    .denied_advice = "let the policy of these credentials allow route53:ListHostedZonesByName, "
		     "ListResourceRecordSets, ChangeResourceRecordSets, GetChange, and, where "
		     "two public zones have one name, GetHostedZone",
};

struct route53_api {
	struct aws_credentials *credentials;
	struct aws_service service;
	struct aws_api *aws;
};

void route53_api_free(struct route53_api *api)
{
	if (api == NULL)
		return;
	aws_credentials_free(api->credentials);
	aws_api_free(api->aws);
	free(api);
}

struct route53_api *route53_api_new(struct error *err)
{
	struct route53_api *api = calloc(1, sizeof(*api));
	const struct aws_partition *partition =
	    aws_partition_of(settings_provider_variable("AWS_REGION"));

	if (api == NULL) {
		error_no_memory(err);
		return NULL;
	}
	api->service = service;
	api->service.url = partition->route53_url;
	api->service.region = partition->route53_region;
	api->credentials = aws_credentials_new(err);
	if (api->credentials != NULL)
		api->aws = aws_api_new(&api->service, err);
	if (api->aws != NULL)
		return api;
	route53_api_free(api);
	return NULL;
}

static int call_api(struct route53_api *api, const struct aws_call *call, struct aws_answer *answer,
		    struct error *err)
{
	struct aws_keys keys;

	*answer = (struct aws_answer){0};
	if (aws_credentials_get(api->credentials, &keys, err) != 0)
		return -1;
	return aws_api_call(api->aws, &keys, call, answer, err);
}

/* ---- listings */

static bool same_position(const struct route53_position *a, const struct route53_position *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->type, b->type) == 0 &&
	       strcmp(a->identifier, b->identifier) == 0;
}

/* Appends "&name=VALUE" (without '&' at the beginning), unless there is no value.  False without
 * memory: a listing that begins elsewhere would look empty. */
static bool add_parameter(char query[WEB_URL_MAX], const char *name, const char *value)
{
	size_t used = strlen(query);
	AUTO_FREE char *escaped = http_escape(value);

	if (escaped == NULL)
		return false;
	if (*value != '\0')
		snprintf(query + used, WEB_URL_MAX - used, "%s%s=%s", used == 0 ? "" : "&", name,
			 escaped);
	return true;
}

/* Takes one page: 1 when there is more, 0 when not, -1. */
typedef int take_page(const struct xml *xml, const char *name, void *into,
		      struct route53_position *next, struct error *err);

struct listing {
	const char *path;
	/* Its parameters in the order of their names, as aws_sign.h asks for. */
	bool (*make_query)(const struct route53_position *from, char query[WEB_URL_MAX]);
	take_page *take;
};

static int read_page(struct route53_api *api, const struct listing *listing, const char *name,
		     struct route53_position *position, void *into, struct error *err)
{
	const struct route53_position before = *position;
	char query[WEB_URL_MAX] = "";
	struct aws_answer answer;

	if (!listing->make_query(position, query))
		return error_no_memory(err);
	const struct aws_call call = {.method = "GET", .path = listing->path, .query = query};
	int result = call_api(api, &call, &answer, err);
	if (result == 0) {
		*position = (struct route53_position){"", "", ""};
		result = listing->take(answer.xml, name, into, position, err);
		if (result > 0 && same_position(&before, position))
			result = error_set(err, EXIT_TRY_LATER,
					   "the listing goes round in circles: it is not whole");
		if (result < 0)
			error_wrap(err, "Route 53: GET %s", listing->path);
	}
	aws_answer_free(&answer);
	return result;
}

static int read_all(struct route53_api *api, const struct listing *listing, const char *name,
		    void *into, struct error *err)
{
	struct route53_position position = {"", "", ""};

	snprintf(position.name, sizeof(position.name), "%s.", name);
	for (int page = 0; page < PAGES_MAX; page++) {
		int more = read_page(api, listing, name, &position, into, err);
		if (more <= 0)
			return more;
	}
	return error_set(err, EXIT_FAILED, "Route 53: GET %s: more than %d pages", listing->path,
			 PAGES_MAX);
}

static bool add_page_size(char query[WEB_URL_MAX])
{
	char size[16];

	snprintf(size, sizeof(size), "%d", PAGE_SIZE);
	return add_parameter(query, "maxitems", size);
}

static bool make_zones_query(const struct route53_position *from, char query[WEB_URL_MAX])
{
	return add_parameter(query, "dnsname", from->name) &&
	       add_parameter(query, "hostedzoneid", from->identifier) && add_page_size(query);
}

static int take_zones(const struct xml *xml, const char *name, void *into,
		      struct route53_position *next, struct error *err)
{
	return route53_take_zones(xml, name, into, next, err);
}

int route53_api_zones(struct route53_api *api, const char *name, struct route53_zones *zones,
		      struct error *err)
{
	const struct listing listing = {VERSION_PATH "/hostedzonesbyname", make_zones_query,
					take_zones};

	*zones = (struct route53_zones){0};
	return read_all(api, &listing, name, zones, err);
}

int route53_api_is_served_by(struct route53_api *api, const char *zone_id,
			     const domain_name *servers, size_t count, struct error *err)
{
	char path[WEB_URL_MAX];
	const struct aws_call call = {.method = "GET", .path = path, .query = ""};
	struct aws_answer answer;

	snprintf(path, sizeof(path), VERSION_PATH "/hostedzone/%s", zone_id);
	int result = call_api(api, &call, &answer, err);
	if (result == 0) {
		result = route53_is_served_by(answer.xml, servers, count, err);
		if (result < 0)
			error_wrap(err, "Route 53: GET %s", path);
	}
	aws_answer_free(&answer);
	return result;
}

static bool make_sets_query(const struct route53_position *from, char query[WEB_URL_MAX])
{
	return add_parameter(query, "identifier", from->identifier) && add_page_size(query) &&
	       add_parameter(query, "name", from->name) && add_parameter(query, "type", from->type);
}

static int take_sets(const struct xml *xml, const char *name, void *into,
		     struct route53_position *next, struct error *err)
{
	return route53_take_sets(xml, name, into, next, err);
}

int route53_api_sets(struct route53_api *api, const char *zone_id, const char *name,
		     struct route53_sets *sets, struct error *err)
{
	char path[WEB_URL_MAX];
	const struct listing listing = {path, make_sets_query, take_sets};

	snprintf(path, sizeof(path), VERSION_PATH "/hostedzone/%s/rrset", zone_id);
	return read_all(api, &listing, name, sets, err);
}

/* ---- changes */

int route53_api_change(struct route53_api *api, const char *zone_id, const char *body,
		       char change_id[ROUTE53_CHANGE_ID_MAX], bool *refused, struct error *err)
{
	char path[WEB_URL_MAX];
	const struct aws_call call = {.method = "POST",
				      .path = path,
				      .query = "",
				      .content_type = "application/xml",
				      .body = body};
	struct aws_answer answer;
	bool in_sync = false;

	snprintf(path, sizeof(path), VERSION_PATH "/hostedzone/%s/rrset/", zone_id);
	int result = call_api(api, &call, &answer, err);
	*refused = result != 0 && strcmp(answer.code, "InvalidChangeBatch") == 0;
	if (result == 0 && route53_change_info(answer.xml, change_id, &in_sync, err) != 0)
		result = error_wrap(err, "Route 53: POST %s", path);
	aws_answer_free(&answer);
	return result;
}

int route53_api_in_sync(struct route53_api *api, const char *change_id, bool *in_sync,
			struct error *err)
{
	char path[WEB_URL_MAX], id[ROUTE53_CHANGE_ID_MAX];
	const struct aws_call call = {.method = "GET", .path = path, .query = ""};
	struct aws_answer answer;

	snprintf(path, sizeof(path), VERSION_PATH "/change/%s", change_id);
	int result = call_api(api, &call, &answer, err);
	if (result == 0 && route53_change_info(answer.xml, id, in_sync, err) != 0)
		result = error_wrap(err, "Route 53: GET %s", path);
	aws_answer_free(&answer);
	return result;
}
