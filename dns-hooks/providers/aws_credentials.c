#include "dns-hooks/providers/aws_credentials.h"

#include "common/buffer.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/settings.h"
#include "dns-hooks/providers/aws_api.h"
#include "dns-hooks/providers/aws_metadata.h"
#include "dns-hooks/providers/aws_partition.h"
#include "dns-hooks/providers/aws_session.h"
#include "dns-hooks/web/web_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RENEW_BEFORE_S = 300, /* the longest that one call may take, and some more */
	/* Keys that are about to expire when they come (or seem to, by a wrong clock) are not
	 * asked for again at every call. */
	RENEW_PAUSE_MS = 10000,
	BODY_MAX = 8192,
};

static const char STS_VERSION[] = "2011-06-15";
static const char STS_GLOBAL[] = "https://sts.amazonaws.com";
static const char GLOBAL_REGION[] = "us-east-1";

enum source { FROM_ENVIRONMENT, FROM_WEB_IDENTITY, FROM_CONTAINER, FROM_INSTANCE };

/* A session, and when it was fetched. */
struct lease {
	struct aws_session session;
	long long fetched; /* 0: not yet */
};

struct aws_credentials {
	enum source source;
	struct lease own;
	struct lease role;    /* with role_arn */
	const char *role_arn; /* the environment's; NULL: none */
	char sts_url[128];
	struct aws_service sts_service;
	struct aws_api *sts;
};

void aws_credentials_free(struct aws_credentials *credentials)
{
	if (credentials == NULL)
		return;
	aws_session_free(&credentials->own.session);
	aws_session_free(&credentials->role.session);
	aws_api_free(credentials->sts);
	free(credentials);
}

/* ---- where they come from */

/* 1 with a copy of the secret, 0 when it is not given, -1. */
static int copy_secret(const char *name, char **copy, struct error *err)
{
	struct buffer value;

	buffer_init(&value, WEB_SECRET_MAX);
	int given = settings_secret(name, &value, err);
	if (given > 0) {
		*copy = strdup(buffer_text(&value));
		if (*copy == NULL)
			given = error_no_memory(err);
		explicit_bzero(value.data, value.length);
	}
	buffer_free(&value);
	return given;
}

/* One that cannot be read is there as well: that is told when it is needed. */
static bool has_secret(const char *name)
{
	struct error ignored = ERROR_INIT;
	char *copy = NULL;
	int given = copy_secret(name, &copy, &ignored);

	if (copy != NULL)
		explicit_bzero(copy, strlen(copy));
	free(copy);
	return given != 0;
}

/* 1 when the environment has keys, 0 when it has none, -1 when it has a part of them. */
static int read_environment(struct aws_session *session, struct error *err)
{
	const char *id = settings_provider_variable("AWS_ACCESS_KEY_ID");
	int secret = copy_secret("AWS_SECRET_ACCESS_KEY", &session->secret, err);
	int token = secret < 0 ? -1 : copy_secret("AWS_SESSION_TOKEN", &session->token, err);

	if (token < 0)
		return -1;
	if (id == NULL && secret == 0 && token == 0)
		return 0;
	if (id == NULL || secret == 0)
		return error_set(err, EXIT_BAD_CONFIG,
				 "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together, and "
				 "AWS_SESSION_TOKEN only with them: set both keys, or none of the "
				 "three");
	session->id = strdup(id);
	return session->id == NULL ? error_no_memory(err) : 1;
}

static int choose_source(struct aws_credentials *credentials, struct error *err)
{
	int given = read_environment(&credentials->own.session, err);

	if (given < 0)
		return -1;
	credentials->source = given > 0				     ? FROM_ENVIRONMENT
			      : has_secret("AWS_WEB_IDENTITY_TOKEN") ? FROM_WEB_IDENTITY
			      : aws_container_is_there()	     ? FROM_CONTAINER
								     : FROM_INSTANCE;
	if (credentials->source == FROM_WEB_IDENTITY &&
	    settings_provider_variable("AWS_ROLE_ARN") == NULL)
		return error_set(
		    err, EXIT_BAD_CONFIG,
		    "AWS_WEB_IDENTITY_TOKEN_FILE needs AWS_ROLE_ARN, the role that the "
		    "token is for");
	if (credentials->source == FROM_INSTANCE &&
	    settings_provider_flag("AWS_EC2_METADATA_DISABLED"))
		return error_set(
		    err, EXIT_BAD_CONFIG,
		    "Route 53: there are no AWS credentials: set AWS_ACCESS_KEY_ID and "
		    "AWS_SECRET_ACCESS_KEY (AWS_EC2_METADATA_DISABLED keeps the "
		    "instance metadata service from being asked)");
	return 0;
}

/* STS of the region, where that is set: it is closer, and works when us-east-1 does not. */
static int prepare_role(struct aws_credentials *credentials, struct error *err)
{
	const char *region = settings_provider_variable("AWS_REGION");

	credentials->role_arn = settings_provider_variable("AWS_ROLE_ARN");
	if (credentials->role_arn == NULL)
		return 0;
	if (region == NULL)
		snprintf(credentials->sts_url, sizeof(credentials->sts_url), "%s", STS_GLOBAL);
	else
		snprintf(credentials->sts_url, sizeof(credentials->sts_url), "https://sts.%.32s.%s",
			 region, aws_partition_of(region)->domain);
	credentials->sts_service = (struct aws_service){
	    .title = "AWS STS",
	    .url = credentials->sts_url,
	    .url_variable = "STS_API_URL",
	    .region = region == NULL ? GLOBAL_REGION : region,
	    .name = "sts",
	    .denied_advice = "let the trust policy of the role in AWS_ROLE_ARN name who these "
			     "credentials are, and their own policy allow sts:AssumeRole",
	};
	credentials->sts = aws_api_new(&credentials->sts_service, err);
	return credentials->sts == NULL ? -1 : 0;
}

struct aws_credentials *aws_credentials_new(struct error *err)
{
	struct aws_credentials *credentials = calloc(1, sizeof(*credentials));

	if (credentials == NULL) {
		error_no_memory(err);
		return NULL;
	}
	if (choose_source(credentials, err) == 0 && prepare_role(credentials, err) == 0)
		return credentials;
	aws_credentials_free(credentials);
	return NULL;
}

/* ---- having them */

static bool is_good(const struct lease *lease)
{
	if (lease->session.id == NULL)
		return false;
	return lease->session.expires == 0 ||
	       lease->session.expires - time(NULL) > RENEW_BEFORE_S ||
	       clock_now_ms() - lease->fetched < RENEW_PAUSE_MS;
}

static void keep(struct lease *lease, const struct aws_session *session)
{
	aws_session_free(&lease->session);
	lease->session = *session;
	lease->fetched = clock_now_ms();
	log_hide(session->secret);
	log_hide(session->token);
}

static int fetch_own(struct aws_credentials *credentials, struct error *err)
{
	struct aws_session session = {0};

	if (is_good(&credentials->own))
		return 0;
	if (credentials->source == FROM_CONTAINER) {
		if (aws_container_session(&session, err) != 0)
			return -1;
	} else if (aws_instance_session(&session, err) != 0) {
		return error_wrap(err, "there are no AWS credentials in the environment "
				       "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or those of "
				       "a container), and none of an instance");
	}
	keep(&credentials->own, &session);
	return 0;
}

/* Has STS give keys of the role: to whom `keys` are, or to whom `more` in the body says. */
static int ask_sts(struct aws_credentials *credentials, const char *action, const char *more,
		   const struct aws_keys *keys, struct error *err)
{
	AUTO_FREE char *arn = http_escape(credentials->role_arn);
	struct aws_session session = {0};
	struct aws_answer answer;
	char body[BODY_MAX];

	if (arn == NULL)
		return error_no_memory(err);
	int length = snprintf(body, sizeof(body),
			      "Action=%s&RoleArn=%s&RoleSessionName=dstack-ingress&Version=%s%s",
			      action, arn, STS_VERSION, more);
	if (length < 0 || (size_t)length >= sizeof(body))
		return error_set(err, EXIT_BAD_CONFIG, "AWS STS: %s: the token is too long",
				 action);
	const struct aws_call call = {.name = action,
				      .method = "POST",
				      .path = "/",
				      .query = "",
				      .content_type =
					  "application/x-www-form-urlencoded; charset=utf-8",
				      .body = body};
	int result = aws_api_call(credentials->sts, keys, &call, &answer, err);
	if (result == 0 && aws_session_from_sts(answer.xml, &session, err) != 0)
		result = error_wrap(err, "AWS STS: %s", action);
	aws_answer_free(&answer);
	explicit_bzero(body, sizeof(body));
	if (result == 0)
		keep(&credentials->role, &session);
	return result;
}

/* The token is read each time: whoever writes it there puts a new one before it expires. */
static int assume_by_token(struct aws_credentials *credentials, struct error *err)
{
	struct aws_keys keys = {0};
	char *token = NULL, *escaped = NULL;
	char more[BODY_MAX] = "";
	int result = copy_secret("AWS_WEB_IDENTITY_TOKEN", &token, err);

	if (result <= 0)
		return result < 0 ? -1
				  : error_set(err, EXIT_BAD_CONFIG,
					      "AWS_WEB_IDENTITY_TOKEN is not there any more");
	log_hide(token);
	keys.secret = token;
	escaped = http_escape(token);
	if (escaped != NULL)
		snprintf(more, sizeof(more), "&WebIdentityToken=%s", escaped);
	result = escaped == NULL
		     ? error_no_memory(err)
		     : ask_sts(credentials, "AssumeRoleWithWebIdentity", more, &keys, err);
	explicit_bzero(more, sizeof(more));
	free(escaped);
	explicit_bzero(token, strlen(token));
	free(token);
	return result;
}

static int assume_role(struct aws_credentials *credentials, struct error *err)
{
	struct aws_keys own;

	if (credentials->source == FROM_WEB_IDENTITY)
		return assume_by_token(credentials, err);
	if (fetch_own(credentials, err) != 0)
		return -1;
	own = aws_session_keys(&credentials->own.session);
	return ask_sts(credentials, "AssumeRole", "", &own, err);
}

int aws_credentials_get(struct aws_credentials *credentials, struct aws_keys *keys,
			struct error *err)
{
	if (credentials->role_arn == NULL) {
		if (fetch_own(credentials, err) != 0)
			return -1;
		*keys = aws_session_keys(&credentials->own.session);
		return 0;
	}
	if (!is_good(&credentials->role) && assume_role(credentials, err) != 0)
		return -1;
	*keys = aws_session_keys(&credentials->role.session);
	return 0;
}
