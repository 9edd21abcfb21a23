#include "supervisor/evidence/key_origin.h"

#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "supervisor/children/jobs.h"
#include "supervisor/domains/schedule.h"
#include "supervisor/evidence/key_record_file.h"
#include "supervisor/store/certificate_store.h"
#include "supervisor/store/served_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RUN_TIMEOUT = 30,
	ANSWER_MAX = 48 * 1024 * 1024, /* a record of 12 MB, its keys, and JSON's quoting */
	MADE_PER_RUN = 64,
	MADE_TEXT_MAX = DOMAIN_MAX + CERTIFICATE_SPKI_SIZE + CERTIFICATE_SERIAL_MAX + 4,
	/* The command, "--record-fd 3", two words for each key, NULL. */
	WORDS_MAX = 4 + 2 * MADE_PER_RUN,
};

typedef char spki_text[CERTIFICATE_SPKI_SIZE];

struct key_of_domain {
	/* Of an order: where it goes, the key there before, whether certbot has ended well. */
	domain_name lineage;
	spki_text before;
	bool ordered;
	/* Made, and not recorded yet; "": none. */
	spki_text made;
	char made_serial[CERTIFICATE_SERIAL_MAX];
	bool sent; /* to the program that runs now */
	/* What was last told of which key. */
	spki_text told_key;
	const char *told;
	bool renewed; /* ADOPTED_KEYS=renew has had its order */
};

struct key_origin {
	struct key_origin_options options;
	struct key_of_domain *domains;
	size_t domain_count;
	struct key_record_file file;
	spki_text *recorded; /* sorted */
	size_t recorded_count;
	bool tried, answered, unsupported;
	bool running, again;
	unsigned failures;
	time_t failing_since;
	struct error error;
	struct event *retry, *renewals;
};

static void run(struct key_origin *o);

/* ---- what is known */

static int compare(const void *left, const void *right)
{
	return strcmp(left, right);
}

static bool is_recorded(const struct key_origin *o, const char *spki)
{
	return o->recorded_count > 0 &&
	       bsearch(spki, o->recorded, o->recorded_count, sizeof(*o->recorded), compare) != NULL;
}

const char *key_origin_of(const struct key_origin *o, size_t domain)
{
	const struct served_pair *pair = &o->options.pairs[domain];

	if (!pair->present)
		return NULL;
	if (is_recorded(o, pair->spki))
		return "made here";
	if (o->unsupported)
		return "adopted";
	if (strcmp(pair->spki, o->domains[domain].made) == 0) /* about to be recorded */
		return "made here";
	return o->answered ? "adopted" : NULL;
}

/* Whether there was something to tell. */
static bool tell(struct key_origin *o, size_t domain)
{
	struct key_of_domain *d = &o->domains[domain];
	const char *spki = o->options.pairs[domain].spki;
	const char *origin = key_origin_of(o, domain);

	if (origin == NULL || (origin == d->told && strcmp(d->told_key, spki) == 0))
		return false;
	const char *name = o->options.settings->domains[domain];
	bool is_adopted = strcmp(origin, "adopted") == 0;

	d->told = origin;
	d->renewed = d->renewed && is_adopted;
	snprintf(d->told_key, sizeof(d->told_key), "%s", spki);
	if (is_adopted)
		log_info("[%s] the private key is adopted: nothing shows that this app made it",
			 name);
	else if (d->lineage[0] != '\0') /* each start would say so of the others */
		log_info("[%s] the private key is made here", name);
	return true;
}

/* ---- ADOPTED_KEYS=renew */

/* Only while the record can be written: else each start would order anew. */
static void renew_adopted(struct key_origin *o)
{
	const struct settings *s = o->options.settings;

	if (s->adopted_keys != ADOPTED_RENEW || !o->answered || o->failing_since != 0)
		return;
	for (size_t i = 0; i < o->domain_count; i++) {
		const char *origin = key_origin_of(o, i);
		struct error err = ERROR_INIT;
		if (origin == NULL || strcmp(origin, "adopted") != 0 || o->domains[i].renewed)
			continue;
		if (o->options.renew(s->domains[i], o->options.arg, &err) != 0) {
			long delay = err.retry_after > 0 ? (long)err.retry_after : BUDGET_WINDOW;
			log_warn("[%s] the adopted key is not renewed yet: %s", s->domains[i],
				 err.text);
			event_add(o->renewals, &(struct timeval){delay, 0});
			continue;
		}
		o->domains[i].renewed = true;
		log_info("[%s] a certificate with a key made here is ordered (ADOPTED_KEYS)",
			 s->domains[i]);
	}
}

static void on_renewals(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	renew_adopted(arg);
}

/* ---- a run of the program */

/* The keys that the answer names take the place of those known before. */
static int take_keys(struct key_origin *o, const cJSON *answer, struct error *err)
{
	const cJSON *keys = json_array(answer, "keys"), *key;
	size_t count = keys == NULL ? 0 : (size_t)cJSON_GetArraySize(keys);
	spki_text *list = calloc(count + 1, sizeof(*list));

	if (list == NULL)
		return error_no_memory(err);
	free(o->recorded);
	o->recorded = list;
	o->recorded_count = 0;
	cJSON_ArrayForEach(key, keys)
	{
		const char *text = cJSON_GetStringValue(key);
		if (text != NULL && strlen(text) == sizeof(*list) - 1)
			memcpy(list[o->recorded_count++], text, sizeof(*list));
	}
	qsort(list, o->recorded_count, sizeof(*list), compare);
	return 0;
}

static int take_answer(struct key_origin *o, const cJSON *answer, struct error *err)
{
	const char *record = json_string(answer, "record");

	if (record == NULL)
		return error_set(err, EXIT_FAILED, "ingress-evidence origin gave no record");
	if (take_keys(o, answer, err) != 0)
		return -1;
	return key_record_file_save(&o->file, record, json_string(answer, "rejected"), err);
}

static void finish_sent(struct key_origin *o, bool recorded)
{
	for (size_t i = 0; i < o->domain_count; i++) {
		struct key_of_domain *d = &o->domains[i];
		/* Another order may have made another one meanwhile. */
		if (d->sent && recorded && is_recorded(o, d->made))
			d->made[0] = '\0';
		d->sent = false;
	}
}

static bool any_made(const struct key_origin *o)
{
	for (size_t i = 0; i < o->domain_count; i++)
		if (o->domains[i].made[0] != '\0')
			return true;
	return false;
}

static void failed(struct key_origin *o, const struct error *err)
{
	long delay = schedule_backoff(++o->failures, 0);
	bool known = o->failing_since != 0 && strcmp(o->error.text, err->text) == 0;

	o->unsupported = err->code == EXIT_BAD_CONFIG;
	if (known)
		log_debug("%s", err->text);
	else
		log_warn("%s", err->text);
	if (o->failing_since == 0)
		o->failing_since = time(NULL);
	o->error = *err;
	finish_sent(o, false);
	event_add(o->retry, &(struct timeval){delay, 0});
}

static void succeeded(struct key_origin *o)
{
	if (o->failing_since != 0)
		log_info("the origin of keys is recorded again");
	o->answered = true;
	o->unsupported = false;
	o->failures = 0;
	o->failing_since = 0;
	o->error.text[0] = '\0';
	finish_sent(o, true);
}

static void on_done(const struct process_result *result, void *arg)
{
	struct key_origin *o = arg;
	struct error err = ERROR_INIT;
	AUTO_JSON cJSON *answer = NULL;

	o->running = false;
	if (jobs_are_stopping(o->options.jobs))
		return;
	if (process_check(result, "ingress-evidence origin", &err) == 0)
		answer = json_parse(buffer_text(result->output), result->output->length,
				    "the answer of ingress-evidence origin", &err);
	if (answer == NULL || take_answer(o, answer, &err) != 0)
		failed(o, &err);
	else
		succeeded(o);
	bool news = !o->tried;
	o->tried = true;
	for (size_t i = 0; i < o->domain_count; i++)
		news = tell(o, i) || news;
	if (news)
		o->options.told(o->options.arg);
	if (o->failing_since == 0 && (o->again || any_made(o)))
		run(o);
	renew_adopted(o);
}

/* `texts` keeps those words that are made here. */
static void make_words(struct key_origin *o, bool has_record, const char *words[WORDS_MAX],
		       char texts[MADE_PER_RUN][MADE_TEXT_MAX])
{
	size_t count = 0, made = 0;

	words[count++] = "origin";
	if (has_record) {
		words[count++] = "--record-fd";
		words[count++] = "3";
	}
	for (size_t i = 0; i < o->domain_count && made < MADE_PER_RUN; i++) {
		struct key_of_domain *d = &o->domains[i];
		if (d->made[0] == '\0')
			continue;
		snprintf(texts[made], MADE_TEXT_MAX, "%s=%s:%s", o->options.settings->domains[i],
			 d->made, d->made_serial);
		words[count++] = "--made";
		words[count++] = texts[made++];
		d->sent = true;
	}
	words[count] = NULL;
}

static int start(struct key_origin *o, struct error *err)
{
	const char *words[WORDS_MAX];
	char texts[MADE_PER_RUN][MADE_TEXT_MAX];
	AUTO_CLOSE int record = key_record_file_open(&o->file);
	const struct job job = {
	    .program = JOB_EVIDENCE,
	    .words = words,
	    .timeout = RUN_TIMEOUT,
	    .capture_max = ANSWER_MAX,
	    .third_fd = record,
	    .done = on_done,
	    .arg = o,
	};

	make_words(o, record >= 0, words, texts);
	return jobs_start(o->options.jobs, &job, err) == NULL ? -1 : 0;
}

static void run(struct key_origin *o)
{
	struct error err = ERROR_INIT;

	o->again = o->running;
	if (o->running || jobs_are_stopping(o->options.jobs))
		return;
	event_del(o->retry);
	o->running = true;
	if (start(o, &err) != 0) {
		o->running = false;
		failed(o, &err);
	}
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	run(arg);
}

void key_origin_start(struct key_origin *o)
{
	run(o);
}

/* ---- orders */

void key_origin_before_order(struct key_origin *o, size_t domain, const struct lineage *lineage,
			     const char *name)
{
	struct key_of_domain *d = &o->domains[domain];

	d->ordered = false;
	snprintf(d->before, sizeof(d->before), "%s", lineage == NULL ? "" : lineage->spki_sha256);
	snprintf(d->lineage, sizeof(d->lineage), "%s", name);
}

const char *key_origin_ordered(const struct key_origin *o, size_t domain)
{
	return o->domains[domain].lineage;
}

void key_origin_after_order(struct key_origin *o, size_t domain)
{
	o->domains[domain].ordered = true;
}

void key_origin_look(struct key_origin *o, size_t domain, const struct lineage *lineage)
{
	struct key_of_domain *d = &o->domains[domain];

	if (!d->ordered || lineage == NULL)
		return;
	d->ordered = false;
	if (strcmp(lineage->spki_sha256, d->before) == 0 || strcmp(d->lineage, lineage->name) != 0)
		return;
	snprintf(d->made, sizeof(d->made), "%s", lineage->spki_sha256);
	snprintf(d->made_serial, sizeof(d->made_serial), "%s", lineage->serial);
	if (o->failing_since == 0)
		run(o);
}

void key_origin_installed(struct key_origin *o, size_t domain)
{
	tell(o, domain);
	renew_adopted(o);
}

/* ---- the object */

struct key_origin *key_origin_new(const struct key_origin_options *options, struct error *err)
{
	struct key_origin *o = calloc(1, sizeof(*o));

	if (o == NULL)
		goto no_memory;
	o->options = *options;
	o->domain_count = options->settings->domain_count;
	o->domains = calloc(o->domain_count, sizeof(*o->domains));
	o->retry = evtimer_new(options->base, on_retry, o);
	o->renewals = evtimer_new(options->base, on_renewals, o);
	if (o->domains == NULL || o->retry == NULL || o->renewals == NULL ||
	    key_record_file_init(&o->file, options->settings->letsencrypt_dir, err) != 0)
		goto no_memory;
	return o;
no_memory:
	key_origin_free(o);
	error_no_memory(err);
	return NULL;
}

void key_origin_free(struct key_origin *o)
{
	if (o == NULL)
		return;
	if (o->retry != NULL)
		event_free(o->retry);
	if (o->renewals != NULL)
		event_free(o->renewals);
	free(o->recorded);
	free(o->domains);
	key_record_file_clear(&o->file);
	free(o);
}

void key_origin_get_status(const struct key_origin *o, struct key_origin_status *status)
{
	*status =
	    (struct key_origin_status){o->error.text, o->failing_since, o->file.rejected.text};
}
