#include "dns-hooks/providers/namecheap_answer.h"

#include "dns-hooks/records/dns_name.h"
#include "dns-hooks/web/web_answer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	ERRORS_SHOWN_MAX = 4,
	WORDS_MAX = 500,
	COUNT_MAX = 1000000,
	NOT_OUR_DNS = 2030288,
};

#define ADVICE_KEY                                                                         \
	"check NAMECHEAP_USERNAME and NAMECHEAP_API_KEY, and that API access is switched " \
	"on at Namecheap (Profile, Tools, API Access)"
#define ADVICE_IP                                                                             \
	"Namecheap answers only whitelisted IPv4 addresses: enter the one that this machine " \
	"calls from there (Profile, Tools, API Access), and in NAMECHEAP_CLIENT_IP"
#define ADVICE_ACCOUNT "the account in NAMECHEAP_USERNAME does not have this domain"
#define ADVICE_SERVERS                                                                          \
	"the domain's name servers are not Namecheap's: set DNS_PROVIDER to who has its zone, " \
	"or choose Namecheap BasicDNS for it"

static const struct meaning {
	long number;
	enum exit_code code;
	const char *advice;
} meanings[] = {
    {NAMECHEAP_TOO_MANY_REQUESTS, EXIT_TRY_LATER, ""},
    {1010105, EXIT_BAD_CONFIG, ADVICE_IP},
    {1011105, EXIT_BAD_CONFIG, ADVICE_IP},
    {1011150, EXIT_BAD_CONFIG, ADVICE_IP},
    {1017105, EXIT_BAD_CONFIG, ADVICE_IP},
    {1017150, EXIT_BAD_CONFIG, ADVICE_IP},
    {1050900, EXIT_UNREACHABLE, ""},
    {2016166, EXIT_FAILED, ADVICE_ACCOUNT},
    {2019166, EXIT_FAILED, ADVICE_ACCOUNT},
    {2030166, EXIT_FAILED, "the account may not edit this domain"},
    {NOT_OUR_DNS, EXIT_FAILED, ADVICE_SERVERS},
    {3050900, EXIT_UNREACHABLE, ""},
};

void namecheap_answer_free(struct namecheap_answer *answer)
{
	xml_free(answer->xml);
	answer->xml = NULL;
	answer->response = NULL;
}

/* The first digit of a number tells where the error is: 1 in who is asking, 2 to 4 in what is
 * asked, 5 in Namecheap. */
static struct meaning meaning_of(long number)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].number == number)
			return meanings[i];
	if (number / 1000000 == 1)
		return (struct meaning){number, EXIT_BAD_CONFIG, ADVICE_KEY};
	if (number / 1000000 == 5)
		return (struct meaning){number, EXIT_UNREACHABLE, ""};
	return (struct meaning){number, EXIT_FAILED, ""};
}

/* A whole number from 0 to `maximum`; -1 for anything else. */
static long read_count(const char *text, long maximum)
{
	char *end = NULL;

	if (text == NULL || !isdigit((unsigned char)*text))
		return -1;
	long number = strtol(text, &end, 10);
	return *end != '\0' || number > maximum ? -1 : number;
}

/* "error 2019166: Domain not found, error ...". */
static void read_errors(struct namecheap_answer *answer, char words[WORDS_MAX])
{
	const struct xml_element *errors = xml_child(xml_root(answer->xml), "Errors");
	const struct xml_element *error = xml_child(errors, "Error");
	int shown = 0;

	for (; error != NULL && shown < ERRORS_SHOWN_MAX; error = xml_next(error, "Error")) {
		const char *number = xml_attribute(error, "Number");
		size_t used = strlen(words);
		snprintf(words + used, WORDS_MAX - used, "%serror %.20s: %.200s",
			 shown == 0 ? "" : ", ", number == NULL ? "?" : number, xml_text(error));
		if (shown++ == 0)
			answer->number = read_count(number, 9999999);
	}
}

static int explain(const struct namecheap_answer *answer, const struct web_answer *web,
		   const char *words, struct error *err)
{
	struct meaning meaning = {0, web_exit_code(web->status), ""};

	if (answer->status == NAMECHEAP_STATUS_RATE_LIMIT)
		meaning = (struct meaning){
		    0, EXIT_TRY_LATER, "that is its rate limit (20 calls a minute, 700 an hour)"};
	else if (answer->number != 0)
		meaning = meaning_of(answer->number);
	web_answer_refused(web, meaning.code, words, meaning.advice, err);
	if (meaning.code == EXIT_TRY_LATER && err->retry_after == 0)
		err->retry_after = NAMECHEAP_RATE_LIMIT_S;
	return -1;
}

int namecheap_judge(struct namecheap_answer *answer, const char *call, const char *body,
		    size_t length, struct error *err)
{
	const struct web_answer web = {"Namecheap", call, answer->status, answer->retry_after};
	char words[WORDS_MAX] = "";

	answer->response = NULL;
	answer->number = 0;
	answer->xml = answer->status == NAMECHEAP_STATUS_RATE_LIMIT
			  ? NULL
			  : xml_parse(body, length, "the answer", err);
	if (answer->status == NAMECHEAP_STATUS_RATE_LIMIT)
		return explain(answer, &web, words, err);
	if (answer->xml == NULL)
		return web_answer_unreadable(&web, err);
	const struct xml_element *root = xml_root(answer->xml);
	const char *status = xml_attribute(root, "Status");
	if (strcmp(xml_name(root), "ApiResponse") != 0 || status == NULL) {
		error_set(err, EXIT_UNREACHABLE, "the answer is no ApiResponse with a Status");
		return web_answer_unreadable(&web, err);
	}
	read_errors(answer, words);
	bool is_success = answer->status >= 200 && answer->status < 300 &&
			  strcasecmp(status, "OK") == 0 && *words == '\0';
	if (!is_success)
		return explain(answer, &web, *words == '\0' ? "without a reason" : words, err);
	answer->response = xml_child(root, "CommandResponse");
	if (answer->response != NULL && xml_next(answer->response, "CommandResponse") == NULL)
		return 0;
	answer->response = NULL;
	error_set(err, EXIT_UNREACHABLE, "the answer has not one CommandResponse");
	return web_answer_unreadable(&web, err);
}

bool namecheap_knows_no_such_domain(const struct namecheap_answer *answer)
{
	return answer->number / 1000000 == 2 && answer->number != NOT_OUR_DNS;
}

bool namecheap_serves_elsewhere(const struct namecheap_answer *answer)
{
	return answer->number == NOT_OUR_DNS;
}

/* ---- results */

static int not_understood(const char *zone_name, const char *what, struct error *err)
{
	return error_set(err, EXIT_UNREACHABLE,
			 "Namecheap: the answer about %s is not understood: %s", zone_name, what);
}

/* The one result element, which must be about that domain; NULL with err. */
static const struct xml_element *result_of(const struct namecheap_answer *answer, const char *name,
					   const char *domain_attribute, const char *zone_name,
					   struct error *err)
{
	const struct xml_element *result = xml_child(answer->response, name);
	const char *domain = NULL;

	if (result == NULL || xml_next(result, name) != NULL) {
		not_understood(zone_name, "it has not one result of that command", err);
		return NULL;
	}
	domain = xml_attribute(result, domain_attribute);
	if (domain == NULL || strcasecmp(domain, zone_name) != 0) {
		not_understood(zone_name, "it is about another domain", err);
		return NULL;
	}
	return result;
}

/* An attribute that says something and has no parameter in setHosts, or NULL. */
static const char *odd_attribute(const struct xml_element *element)
{
	/* What goes back, what is judged apart, and Namecheap's own labels. */
	static const char *const known[] = {
	    "Name",	   "Type",	    "Address", "MXPref", "TTL",
	    "IsActive",	   "IsDDNSEnabled", "HostId",  "HostID", "AssociatedAppTitle",
	    "FriendlyName"};
	const char *name = NULL;

	for (size_t i = 0; (name = xml_attribute_name(element, i)) != NULL; i++) {
		const char *value = xml_attribute(element, name);
		bool is_known = *value == '\0' || strcasecmp(value, "false") == 0;
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			is_known = is_known || strcmp(known[k], name) == 0;
		if (!is_known)
			return name;
	}
	return NULL;
}

static bool is_true(const char *text)
{
	return text != NULL && strcasecmp(text, "true") == 0;
}

static int copy_attributes(const struct xml_element *element, struct namecheap_host *host,
			   struct error *err)
{
	/* The documentation has it in both ways. */
	const char *id = xml_attribute(element, "HostId"),
		   *other = xml_attribute(element, "HostID");
	const struct {
		char **to;
		const char *text;
	} texts[] = {
	    {&host->id, id != NULL	? id
			: other != NULL ? other
					: ""},
	    {&host->name, xml_attribute(element, "Name")},
	    {&host->type, xml_attribute(element, "Type")},
	    {&host->address, xml_attribute(element, "Address")},
	    {&host->mx_pref, xml_attribute(element, "MXPref")},
	    {&host->ttl, xml_attribute(element, "TTL")},
	    {&host->odd, odd_attribute(element)},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		*texts[i].to = texts[i].text == NULL ? NULL : strdup(texts[i].text);
		if (texts[i].text != NULL && *texts[i].to == NULL)
			return error_no_memory(err);
	}
	return 0;
}

static int read_host(const struct xml_element *element, struct namecheap_zone *zone,
		     struct error *err)
{
	const char *active = xml_attribute(element, "IsActive");
	struct namecheap_host host = {
	    .is_dynamic = is_true(xml_attribute(element, "IsDDNSEnabled")),
	    .is_inactive = active != NULL && !is_true(active),
	};
	int result = -1;

	if (strcasecmp(xml_name(element), "host") != 0)
		return not_understood(zone->name, "it has something else than hosts", err);
	if (copy_attributes(element, &host, err) == 0) {
		if (host.name != NULL && *host.name != '\0' && host.type != NULL &&
		    *host.type != '\0' && host.address != NULL)
			return namecheap_zone_add(zone, &host, err);
		result = not_understood(zone->name, "a host lacks Name, Type or Address", err);
	}
	namecheap_host_free(&host);
	return result;
}

int namecheap_read_zone(const struct namecheap_answer *answer, const char *zone_name,
			struct namecheap_zone *zone, struct error *err)
{
	const struct xml_element *result = NULL;

	*zone = (struct namecheap_zone){0};
	result = result_of(answer, "DomainDNSGetHostsResult", "Domain", zone_name, err);
	if (result == NULL || dns_name_normal(zone_name, zone->name) != 0)
		return -1;
	const char *ours = xml_attribute(result, "IsUsingOurDNS");
	const char *email_type = xml_attribute(result, "EmailType");
	const char *counted = xml_attribute(result, "HostCount");
	if (ours == NULL)
		return not_understood(zone_name, "it lacks IsUsingOurDNS", err);
	zone->is_served = is_true(ours);
	zone->email_type = email_type == NULL ? NULL : strdup(email_type);
	if (email_type != NULL && zone->email_type == NULL)
		return error_no_memory(err);
	const struct xml_element *element = xml_child(result, NULL);
	for (; element != NULL; element = xml_next(element, NULL))
		if (strcmp(xml_name(element), "Warnings") != 0 &&
		    read_host(element, zone, err) != 0)
			return -1;
	if (counted != NULL && read_count(counted, COUNT_MAX) != (long)zone->count)
		return not_understood(zone_name, "it has not as many hosts as it says", err);
	return 0;
}

int namecheap_read_written(const struct namecheap_answer *answer, const char *zone_name,
			   struct error *err)
{
	const struct xml_element *result =
	    result_of(answer, "DomainDNSSetHostsResult", "Domain", zone_name, err);

	if (result == NULL)
		return -1;
	if (is_true(xml_attribute(result, "IsSuccess")))
		return 0;
	return error_set(err, EXIT_FAILED,
			 "Namecheap: domains.dns.setHosts of %s does not say IsSuccess=\"true\"",
			 zone_name);
}

int namecheap_read_host_count(const struct namecheap_answer *answer, const char *zone_name,
			      long *count, struct error *err)
{
	const struct xml_element *result =
	    result_of(answer, "DomainGetInfoResult", "DomainName", zone_name, err);
	const struct xml_element *details = xml_child(result, "DnsDetails");

	if (result == NULL)
		return -1;
	*count = details == NULL ? -1 : read_count(xml_attribute(details, "HostCount"), COUNT_MAX);
	return *count >= 0 ? 0 : not_understood(zone_name, "it has no HostCount", err);
}

/* ---- listing */

static int take_domains(const struct xml_element *result, namecheap_take *take, void *user,
			long *count, struct error *err)
{
	const struct xml_element *element = xml_child(result, NULL);

	for (*count = 0; element != NULL; element = xml_next(element, NULL)) {
		const char *text = xml_attribute(element, "Name");
		domain_name name;
		if (strcmp(xml_name(element), "Domain") != 0 || text == NULL)
			return error_set(err, EXIT_UNREACHABLE,
					 "Namecheap: domains.getList: a domain lacks its name");
		(*count)++;
		/* One that is longer than names are is no zone of ours. */
		if (dns_name_normal(text, name) == 0 && take(name, user, err) != 0)
			return -1;
	}
	return 0;
}

int namecheap_next_page(struct namecheap_listing *listing, const struct namecheap_answer *answer,
			namecheap_take *take, void *user, struct error *err)
{
	const struct xml_element *result = xml_child(answer->response, "DomainGetListResult");
	const struct xml_element *paging = xml_child(answer->response, "Paging");
	long total = read_count(xml_child_text(paging, "TotalItems"), COUNT_MAX);
	long page = read_count(xml_child_text(paging, "CurrentPage"), COUNT_MAX);
	long count = 0;

	if (result == NULL || total < 0 || page < 0)
		return error_set(
		    err, EXIT_UNREACHABLE,
		    "Namecheap: domains.getList: the answer lacks its result, TotalItems "
		    "or CurrentPage");
	if (listing->total < 0)
		listing->total = total;
	if (take_domains(result, take, user, &count, err) != 0)
		return -1;
	listing->seen += count;
	listing->page++;
	/* An empty listing may count no pages at all. */
	bool is_that_page = page == listing->page || (total == 0 && page == 0);
	if (is_that_page && total == listing->total && listing->seen <= total &&
	    (count > 0 || listing->seen == total))
		return 0;
	return error_set(
	    err, EXIT_TRY_LATER,
	    "Namecheap: domains.getList: %ld of %ld domains came by page %ld (the first "
	    "page announced %ld): the listing is not whole",
	    listing->seen, total, page, listing->total);
}
