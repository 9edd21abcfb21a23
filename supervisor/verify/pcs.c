#include "supervisor/verify/pcs.h"

#include "common/file.h"
#include "common/http.h"
#include "common/json.h"
#include "supervisor/verify/pcs_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	URL_MAX = 1024,
	ANSWER_MAX = 2 * 1024 * 1024,
	ATTEMPTS = 3,
	REQUEST_MS = 10000,
	BUDGET_MS = 30000, /* of each of the four requests */
};

static const char *const tcb_chain_headers[] = {
    "TCB-Info-Issuer-Chain",
    "SGX-TCB-Info-Issuer-Chain",
    NULL,
};
static const char *const qe_chain_headers[] = {
    "SGX-Enclave-Identity-Issuer-Chain",
    "Enclave-Identity-Issuer-Chain",
    NULL,
};

struct server {
	char base[URL_MAX]; /* without a slash at its end */
	const char *ca_file;
};

/* ---- the URL */

static int parse_url(const char *url, struct server *server, struct error *err)
{
	static const char *const ends[] = {"/sgx/certification/v4", "/tdx/certification/v4"};
	size_t length = strlen(url);

	while (length > 0 && url[length - 1] == '/')
		length--;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		size_t end = strlen(ends[i]);
		if (length > end && memcmp(url + length - end, ends[i], end) == 0)
			length -= end;
	}
	if (strncmp(url, "https://", 8) != 0 || length <= 8 || length >= URL_MAX - 200 ||
	    strpbrk(url, "?#@ ") != NULL)
		return error_set(err, EXIT_USAGE_ERROR,
				 "--pccs: \"%.100s\" is not https://HOST[:PORT][/PATH]", url);
	snprintf(server->base, sizeof(server->base), "%.*s", (int)length, url);
	return 0;
}

/* ---- asking */

static int refuse_status(const char *url, long status, struct error *err)
{
	if (status == 404)
		return error_set(err, EXIT_FAILED, "%s: the server has no such thing (status 404)",
				 url);
	if (status == 429 || status >= 500)
		return error_set(err, EXIT_TRY_LATER, "%s: the server is busy (status %ld)", url,
				 status);
	return error_set(err, EXIT_FAILED, "%s: status %ld", url, status);
}

/* http_response_free() in every case. */
static int get(const struct server *server, const char *url, const char *const *headers,
	       struct http_response *response, struct error *err)
{
	const struct http_request request = {
	    .url = url,
	    .ca_bundle = server->ca_file,
	    .timeout_ms = REQUEST_MS,
	    .body_max = ANSWER_MAX,
	    .wanted_headers = headers,
	};

	if (http_perform_retrying(&request, response, ATTEMPTS, BUDGET_MS, err) != 0)
		return -1;
	return response->status == 200 ? 0 : refuse_status(url, response->status, err);
}

static int add_signed(const struct server *server, const char *path, const char *name,
		      const char *member, const char *const *headers, cJSON *collateral,
		      struct error *err)
{
	char url[URL_MAX + 100];
	struct http_response response;

	snprintf(url, sizeof(url), "%s%s", server->base, path);
	int rc = get(server, url, headers, &response, err);
	if (rc == 0 &&
	    pcs_add_signed(collateral, name, member, &response.body, response.header, err) != 0)
		rc = error_wrap(err, "%s", url);
	http_response_free(&response);
	return rc;
}

static int add_crl(const struct server *server, const char *url, const char *name,
		   cJSON *collateral, long *status, struct error *err)
{
	struct http_response response;
	int rc = get(server, url, NULL, &response, err);

	*status = response.status;
	if (rc == 0 && pcs_add_crl(collateral, name, &response.body, err) != 0)
		rc = error_wrap(err, "%s", url);
	http_response_free(&response);
	return rc;
}

/* A PCCS hands it out; Intel's own service leaves it where the root certificate says. */
static int add_root_crl(const struct server *server, cJSON *collateral, struct error *err)
{
	char url[URL_MAX + 100];
	long status = 0;

	snprintf(url, sizeof(url), "%s/sgx/certification/v4/rootcacrl", server->base);
	if (add_crl(server, url, "root_ca_crl", collateral, &status, err) == 0)
		return 0;
	if (status != 404)
		return -1;
	AUTO_FREE char *elsewhere =
	    pcs_root_crl_url(json_string(collateral, "tcb_info_issuer_chain"), err);
	if (elsewhere == NULL)
		return -1;
	if (strncmp(elsewhere, "https://", 8) != 0)
		return error_set(err, EXIT_FAILED,
				 "the root certificate's list is at \"%.100s\", which is not https",
				 elsewhere);
	return add_crl(server, elsewhere, "root_ca_crl", collateral, &status, err);
}

static int fetch(const struct server *server, const char *fmspc, const char *pck_ca,
		 cJSON *collateral, struct error *err)
{
	char path[100], url[URL_MAX + 100];
	long status = 0;

	snprintf(path, sizeof(path), "/tdx/certification/v4/tcb?fmspc=%.32s", fmspc);
	if (add_signed(server, path, "tcb_info", "tcbInfo", tcb_chain_headers, collateral, err) !=
	    0)
		return -1;
	if (add_signed(server, "/tdx/certification/v4/qe/identity", "qe_identity",
		       "enclaveIdentity", qe_chain_headers, collateral, err) != 0)
		return -1;
	snprintf(url, sizeof(url), "%s/sgx/certification/v4/pckcrl?ca=%.16s&encoding=der",
		 server->base, pck_ca);
	if (add_crl(server, url, "pck_crl", collateral, &status, err) != 0)
		return -1;
	return add_root_crl(server, collateral, err);
}

int pcs_fetch(const char *url, const char *ca_file, const char *fmspc, const char *pck_ca,
	      struct buffer *collateral, struct error *err)
{
	AUTO_JSON cJSON *object = cJSON_CreateObject();
	struct server server = {.ca_file = ca_file};

	if (object == NULL)
		return error_no_memory(err);
	if (parse_url(url, &server, err) != 0)
		return -1;
	if (fetch(&server, fmspc, pck_ca, object, err) != 0)
		return error_wrap(err, "--pccs");
	AUTO_FREE char *text = json_print(object, false, err);
	if (text == NULL)
		return -1;
	buffer_puts(collateral, text);
	return buffer_check(collateral, "the collateral", err);
}
