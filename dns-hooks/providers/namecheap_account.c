#include "dns-hooks/providers/namecheap_account.h"

#include "common/deadline.h"
#include "dns-hooks/records/dns_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE_SIZE = 100, /* the most that there is */
	/* Of a longer list only the first page is read: asking for a few names costs less. */
	LISTED_MAX = 500,
	PARAMETERS_MAX = 1024,
	KNOWN_MAX = 4096,
};

/* Whether the account has a domain of that name. */
struct known_domain {
	domain_name name;
	bool is_here;
};

struct namecheap_account {
	struct namecheap_api *api;
	struct known_domain *known; /* the names of a run share suffixes */
	size_t known_count;
	bool is_listed;
};

struct namecheap_account *namecheap_account_new(struct error *err)
{
	struct namecheap_account *account = calloc(1, sizeof(*account));

	if (account == NULL) {
		error_no_memory(err);
		return NULL;
	}
	account->api = namecheap_api_new(err);
	if (account->api != NULL)
		return account;
	namecheap_account_free(account);
	return NULL;
}

void namecheap_account_free(struct namecheap_account *account)
{
	if (account == NULL)
		return;
	namecheap_api_free(account->api);
	free(account->known);
	free(account);
}

struct namecheap_api *namecheap_account_api(struct namecheap_account *account)
{
	return account->api;
}

/* ---- domains */

static int remember(struct namecheap_account *account, const char *name, bool is_here,
		    struct error *err)
{
	struct known_domain *known = NULL;

	if (account->known_count == KNOWN_MAX)
		return 0; /* it will be asked again */
	known = reallocarray(account->known, account->known_count + 1, sizeof(*known));
	if (known == NULL)
		return error_no_memory(err);
	account->known = known;
	known += account->known_count++;
	known->is_here = is_here;
	snprintf(known->name, sizeof(known->name), "%s", name);
	return 0;
}

static int take_domain(const char *domain, void *user, struct error *err)
{
	return remember(user, domain, true, err);
}

static int list_domains(struct namecheap_account *account, struct error *err)
{
	struct namecheap_listing listing = {.total = -1};

	while (listing.total < 0 || (listing.seen < listing.total && listing.total <= LISTED_MAX)) {
		struct namecheap_answer answer;
		char parameters[PARAMETERS_MAX];
		snprintf(parameters, sizeof(parameters), "&ListType=ALL&Page=%ld&PageSize=%d",
			 listing.page + 1, PAGE_SIZE);
		int result =
		    namecheap_ask(account->api, "domains.getList", "", parameters, &answer, err);
		if (result == 0)
			result = namecheap_next_page(&listing, &answer, take_domain, account, err);
		namecheap_answer_free(&answer);
		if (result != 0)
			return -1;
	}
	account->is_listed = true;
	return 0;
}

static const struct known_domain *find_known(const struct namecheap_account *account,
					     const char *name)
{
	for (size_t i = 0; i < account->known_count; i++)
		if (strcmp(account->known[i].name, name) == 0)
			return &account->known[i];
	return NULL;
}

static int ask_for_hosts(const struct namecheap_account *account, const char *zone_name,
			 struct namecheap_answer *answer, struct error *err)
{
	struct buffer parameters;

	*answer = (struct namecheap_answer){0};
	buffer_init(&parameters, PARAMETERS_MAX);
	int result = namecheap_zone_parameters(zone_name, &parameters, err);
	if (result == 0)
		result = namecheap_ask(account->api, "domains.dns.getHosts", zone_name,
				       buffer_text(&parameters), answer, err);
	buffer_free(&parameters);
	return result;
}

/* Whether the account has the domain, by asking for its hosts; remembered. */
static int probe(struct namecheap_account *account, const char *name, struct error *err)
{
	struct namecheap_answer answer;
	struct error trouble = ERROR_INIT;
	bool is_here = ask_for_hosts(account, name, &answer, &trouble) == 0 ||
		       namecheap_serves_elsewhere(&answer);
	bool is_known = is_here || namecheap_knows_no_such_domain(&answer);

	namecheap_answer_free(&answer);
	if (!is_known) {
		*err = trouble;
		return -1;
	}
	return remember(account, name, is_here, err) != 0 ? -1 : is_here;
}

/* No registry has names with underscores or wildcards. */
static bool can_be_registered(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == strlen(name);
}

int namecheap_find_domain(struct namecheap_account *account, const char *name, domain_name found,
			  struct error *err)
{
	if (!account->is_listed && list_domains(account, err) != 0)
		return -1;
	for (const char *at = name; strchr(at, '.') != NULL; at = strchr(at, '.') + 1) {
		const struct known_domain *known = find_known(account, at);
		if (known != NULL && known->is_here)
			return dns_name_normal(at, found) == 0 ? 1 : 0;
	}
	/* A single label is a registry's. */
	for (const char *at = name; strchr(at, '.') != NULL; at = strchr(at, '.') + 1) {
		if (!can_be_registered(at) || find_known(account, at) != NULL)
			continue;
		int is_here = probe(account, at, err);
		if (is_here != 0)
			return is_here > 0 && dns_name_normal(at, found) == 0 ? 1 : -1;
	}
	return 0;
}

/* ---- a zone */

static int no_hosts(const char *zone_name, const char *but, struct error *err)
{
	return error_set(err, EXIT_TRY_LATER,
			 "Namecheap shows no records at all in the zone %s, but %s: nothing is "
			 "written, since a change of any record replaces all of them. If the zone "
			 "is empty indeed, make some record at Namecheap first",
			 zone_name, but);
}

/* An empty zone is rare (Namecheap puts its parking page into it), and taking a full one for
 * empty would be the end of it: another command has to say the same. */
static int confirm_empty(const struct namecheap_account *account, const char *zone_name,
			 struct error *err)
{
	struct namecheap_answer answer;
	char parameters[PARAMETERS_MAX], but[80];
	long count = -1;

	snprintf(parameters, sizeof(parameters), "&DomainName=%s", zone_name);
	int result =
	    namecheap_ask(account->api, "domains.getInfo", zone_name, parameters, &answer, err);
	if (result == 0)
		result = namecheap_read_host_count(&answer, zone_name, &count, err);
	namecheap_answer_free(&answer);
	if (result != 0)
		return error_wrap(err,
				  "Namecheap shows no records at all in the zone %s, and whether "
				  "that is so cannot be told",
				  zone_name);
	snprintf(but, sizeof(but), "counts %ld", count);
	return count == 0 ? 0 : no_hosts(zone_name, but, err);
}

int namecheap_fetch_zone(const struct namecheap_account *account, const char *zone_name,
			 size_t hosts_before, struct namecheap_zone *zone, struct error *err)
{
	struct namecheap_answer answer;
	char but[80];

	*zone = (struct namecheap_zone){0};
	int result = ask_for_hosts(account, zone_name, &answer, err);
	if (result == 0)
		result = namecheap_read_zone(&answer, zone_name, zone, err);
	namecheap_answer_free(&answer);
	if (result != 0)
		return -1;
	if (!zone->is_served)
		return error_set(err, EXIT_FAILED,
				 "%s has other name servers than Namecheap's, so nobody would see "
				 "what is written there: set DNS_PROVIDER to who has its zone, or "
				 "choose Namecheap BasicDNS for it",
				 zone_name);
	if (zone->count > 0)
		return 0;
	snprintf(but, sizeof(but), "there were %zu a moment ago", hosts_before);
	return hosts_before > 0 ? no_hosts(zone_name, but, err)
				: confirm_empty(account, zone_name, err);
}
