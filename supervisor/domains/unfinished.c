#include "supervisor/domains/unfinished.h"

#include "common/utc.h"
#include "supervisor/domains/domain_wait.h"
#include "supervisor/domains/domains.h"
#include "supervisor/store/served_pair.h"

#include <time.h>

enum {
	DESCRIBED_MOST = 5,
	DESCRIPTION_MAX = 16 * 1024,
};

static void describe_failure(const struct domain_view *view, struct buffer *text)
{
	char until[UTC_SIZE];

	buffer_printf(text, "%s has failed (attempt %u), ", lifecycle_step_name(view->step),
		      view->failures);
	if (!domain_wait_is_costly(view->step) || view->next_at <= time(NULL)) {
		buffer_puts(text, "it is tried again at the next start");
		return;
	}
	utc_write(view->next_at, until);
	buffer_printf(text, "it is tried again from %s on", until);
}

static bool is_ordering(const struct domain_view *view)
{
	return view->running && view->step == STEP_ISSUE;
}

/* What keeps the domain from its certificate, if anything does. */
static void describe_way(const struct domain_view *view, bool has_certificate, struct buffer *text)
{
	if (view->forced && has_certificate)
		buffer_puts(text, "the renewal that was asked for is not done, and is not begun by "
				  "the next start");
	else if (is_ordering(view))
		buffer_puts(text, "its certificate's order is ended, it begins anew at the next "
				  "start");
	else if (view->for_operator)
		buffer_printf(text, "it waits for the operator (%s)",
			      lifecycle_step_name(view->step));
	else if (view->failures > 0)
		describe_failure(view, text);
	else if (!has_certificate)
		buffer_puts(text, "it has no certificate yet");
}

static void describe(const struct domain_view *view, bool has_certificate, struct buffer *text)
{
	describe_way(view, has_certificate, text);
	if (view->note[0] != '\0')
		buffer_printf(text, "%sthis is not over: %s", text->length > 0 ? ", and " : "",
			      view->note);
}

void unfinished_describe(const struct domains *domains, const struct served_pair *pairs,
			 struct buffer *text)
{
	size_t unfinished = 0;

	for (size_t i = 0; i < domains_count(domains); i++) {
		struct domain_view view;
		struct buffer own;
		domains_look(domains, i, &view);
		buffer_init(&own, DESCRIPTION_MAX);
		describe(&view, pairs[i].present, &own);
		if (own.length > 0 && unfinished++ < DESCRIBED_MOST)
			buffer_printf(text, "; %s: %s", view.name, buffer_text(&own));
		buffer_free(&own);
	}
	if (unfinished > DESCRIBED_MOST)
		buffer_printf(text, "; and %zu more", unfinished - DESCRIBED_MOST);
}
