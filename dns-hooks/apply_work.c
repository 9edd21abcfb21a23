#include "dns-hooks/apply_work.h"

#include "common/say.h"

#include <arpa/inet.h>

/* The gateway's addresses as public DNS has them: /etc/hosts holds for this container only. */
static int find_gateway(struct apply_work *work, struct error *err)
{
	const char *gateway = work->settings->gateway_domain;
	struct address_list found;

	if (work->addresses.count > 0)
		return 0;
	resolver_allow(&work->view.resolver, RESOLVER_BUDGET_MS);
	if (resolver_addresses(&work->view.resolver, gateway, 0, &found, err) != 0)
		return error_wrap(err, "cannot find the addresses of GATEWAY_DOMAIN");
	for (size_t i = 0; i < found.count; i++) {
		const struct sockaddr_storage *address = &found.items[i];
		bool is_v6 = address->ss_family == AF_INET6;
		char text[INET6_ADDRSTRLEN] = "";
		struct record record;
		inet_ntop(address->ss_family,
			  is_v6 ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
				: (const void *)&((const struct sockaddr_in *)address)->sin_addr,
			  text, sizeof(text));
		if (record_make(&record, gateway, is_v6 ? RECORD_AAAA : RECORD_A, 0, text, err) !=
			0 ||
		    record_list_add(&work->addresses, &record, err) != 0)
			return -1;
	}
	if (work->addresses.count == 0)
		return error_set(
		    err, EXIT_FAILED,
		    "GATEWAY_DOMAIN (%s) has no address in DNS, so the alias cannot be "
		    "made of addresses",
		    gateway);
	return 0;
}

int apply_work_out(struct apply_work *work, const struct desired_records *desired, const char *zone,
		   const struct record_list *present, struct plan *plan, struct error *err)
{
	const char *why =
	    desired->alias ? plan_why_addresses(desired, zone, present, &work->rules) : NULL;

	if (why != NULL && find_gateway(work, err) != 0)
		return -1;
	if (plan_make(desired, zone, present, why == NULL ? NULL : &work->addresses, &work->rules,
		      plan, err) != 0)
		return -1;
	if (why != NULL && plan->changes.count > 0)
		say_into(&plan->notes, "addresses of %s instead of a CNAME: %s",
			 work->rules.gateway, why);
	return 0;
}
