/* From an environment to settings: each row in turn, then what is between them. */
#include "common/file.h"
#include "common/settings.h"
#include "common/settings/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_NAME_SIZE = 64 };

/* ---- one row */

static bool is_visible(const struct loading *in, const struct setting *row)
{
	return (in->audience & FOR_SUPERVISOR) != 0 || (row->audience & in->audience) != 0;
}

/* The check's verdict on the value in effect, and whether this version can do it. */
static void judge(struct loading *in, const struct setting *row, struct setting_state *state)
{
	const char *plain = row->check(in, row, state->value);

	state->wrong = plain == NULL || settings_refuse_not_yet(in, row, plain);
	if (plain != NULL)
		state->value = plain;
}

static const char *source_of(const struct setting *row, const char *given)
{
	if (given != NULL)
		return "environment";
	return row->fallback != NULL || row->unset != NULL ? "default" : "not set";
}

static void load_plain(struct loading *in, const struct setting *row, struct setting_state *state,
		       const char *given)
{
	state->given = given;
	state->value = given != NULL ? given : row->fallback;
	state->source = source_of(row, given);
	if (given != NULL && strlen(given) > SETTINGS_VALUE_MAX) {
		settings_wrong(in, row, given, "must be at most %d bytes long", SETTINGS_VALUE_MAX);
		state->wrong = true;
	} else if (state->value != NULL) {
		judge(in, row, state);
	}
}

/* "file PATH", for the table of --check. */
static const char *file_source(struct loading *in, const struct setting *row, const char *path)
{
	char shown[SETTING_SHOWN_SIZE];
	char source[SETTING_SHOWN_SIZE + sizeof("file ")];

	if ((row->flags & SETTING_SECRET) != 0)
		settings_show_secret_path(path, shown);
	else
		settings_show(path, strlen(path), shown);
	snprintf(source, sizeof(source), "file %s", shown);
	const char *kept = settings_keep(in, source, strlen(source));
	return kept == NULL ? "file" : kept;
}

static void refuse_both(struct loading *in, const struct setting *row, struct setting_state *state)
{
	settings_problem(in, "%s and %s_FILE are both set: keep one of them", row->name, row->name);
	state->source = "environment";
	state->wrong = true;
}

/* The file's content, kept like a value of the environment; NULL after it was reported. */
static const char *read_value(struct loading *in, const struct setting *row, const char *path)
{
	char shown[SETTING_SHOWN_SIZE], hint[SETTING_HINT_SIZE];
	struct error err = ERROR_INIT;
	struct buffer text;
	const char *kept = NULL;

	buffer_init(&text, SETTINGS_VALUE_MAX);
	settings_show(path, strlen(path), shown);
	settings_hint(path, strlen(path), hint);
	if (path[0] != '/') {
		settings_problem(in, "%s_FILE is \"%s\": must be an absolute path%s", row->name,
				 shown, hint);
	} else if (file_read(path, &text, &err) != 0) {
		settings_problem(in, "%s_FILE is \"%s\": %s%s", row->name, shown, err.text, hint);
	} else if (memchr(buffer_text(&text), '\0', text.length) != NULL) {
		settings_hint(buffer_text(&text), text.length, hint);
		settings_problem(in, "%s_FILE is \"%s\": the file has a zero byte in it%s",
				 row->name, shown, hint);
	} else {
		kept = settings_keep(in, buffer_text(&text), text.length);
	}
	buffer_free(&text);
	return kept;
}

static void load_from_file(struct loading *in, const struct setting *row,
			   struct setting_state *state, const char *path)
{
	const char *content = read_value(in, row, path);

	if (content == NULL) {
		state->given = path;
		state->wrong = true;
	} else {
		in->is_file = true;
		load_plain(in, row, state, content);
		in->is_file = false;
	}
	state->source = file_source(in, row, path);
}

static void load_secret(struct loading *in, const struct setting *row, struct setting_state *state,
			const char *plain, const char *path)
{
	struct error err = ERROR_INIT;
	struct buffer secret;

	state->given = plain != NULL ? plain : path;
	state->value = state->given == NULL ? NULL : "***";
	state->source = "not set";
	if (plain != NULL && path != NULL)
		refuse_both(in, row, state);
	if (plain != NULL)
		state->source = "environment";
	else if (path != NULL)
		state->source = file_source(in, row, path);
	if (state->given == NULL || state->wrong)
		return;

	buffer_init(&secret, SETTING_SECRET_MAX + 1);
	if (settings_read_secret(row->name, plain, path, &secret, &err) != 0) {
		in->no_memory = in->no_memory || err.code == EXIT_TRY_LATER;
		settings_problem(in, "%s", err.text);
		state->wrong = true;
	} else {
		state->wrong = row->check(in, row, buffer_text(&secret)) == NULL;
		settings_doubt_secret(in, row, buffer_text(&secret), path != NULL);
		explicit_bzero(secret.data, secret.length);
	}
	buffer_free(&secret);
}

static void load_row(struct loading *in, const struct setting *row, struct setting_state *state)
{
	char *const *environment = in->settings->store->environment;
	bool visible = is_visible(in, row);
	char file_name[FILE_NAME_SIZE];

	const char *given = visible ? settings_given(environment, row->name) : NULL;
	if (!setting_may_be_file(row)) {
		load_plain(in, row, state, given);
		return;
	}
	snprintf(file_name, sizeof(file_name), "%s_FILE", row->name);
	const char *path = visible ? settings_given(environment, file_name) : NULL;
	if ((row->flags & SETTING_SECRET) != 0)
		load_secret(in, row, state, given, path);
	else if (given != NULL && path != NULL)
		refuse_both(in, row, state);
	else if (path != NULL)
		load_from_file(in, row, state, path);
	else
		load_plain(in, row, state, given);
}

/* ---- all of them */

static void describe_sources(struct settings *settings)
{
	struct setting_state *app_id = settings_state(settings, "APP_ID");

	if (app_id->given == NULL)
		app_id->source = "guest agent";
}

static void load_all(struct loading *in)
{
	for (size_t i = 0; i < settings_table_length; i++)
		load_row(in, &settings_table[i], &in->settings->store->states[i]);
	describe_sources(in->settings);
	/* What is between settings is judged where all of them are seen. */
	if ((in->audience & (FOR_SUPERVISOR | FOR_DNS)) != 0) {
		settings_finish_domains(in);
		settings_check_names_together(in);
		settings_choose_provider(in);
	}
	if ((in->audience & FOR_SUPERVISOR) != 0) {
		settings_check_together(in);
		settings_check_setup(in);
		settings_finish_routes(in);
		settings_review_names(in);
	}
	settings_close_findings(in);
}

static struct settings *new_settings(char *const *environment)
{
	struct settings *settings = calloc(1, sizeof(*settings));

	if (settings == NULL)
		return NULL;
	settings->store = calloc(1, sizeof(*settings->store));
	if (settings->store != NULL)
		settings->store->states =
		    calloc(settings_table_length, sizeof(*settings->store->states));
	if (settings->store == NULL || settings->store->states == NULL) {
		settings_free(settings);
		return NULL;
	}
	settings->store->environment = environment;
	return settings;
}

/* Settings, good or not (`*wrong` counts the problems); NULL only when memory ran out. */
static struct settings *judge_environment(char *const *environment, unsigned audience,
					  struct buffer *problems, struct buffer *warnings,
					  size_t *wrong, struct error *err)
{
	struct loading in = {.settings = new_settings(environment),
			     .audience = audience,
			     .problems = {.lines = problems},
			     .warnings = {.lines = warnings}};

	if (in.settings != NULL)
		load_all(&in);
	if (in.settings == NULL || in.no_memory) {
		settings_free(in.settings);
		error_no_memory(err);
		return NULL;
	}
	*wrong = in.problems.count;
	return in.settings;
}

static int report_count(size_t wrong, struct error *err)
{
	if (wrong == 0)
		return 0;
	return error_set(err, EXIT_BAD_CONFIG, "%zu setting%s wrong", wrong,
			 wrong == 1 ? " is" : "s are");
}

/* Of a program that somebody waits for, the error is what becomes known. */
static int report_first(size_t wrong, const struct buffer *problems, struct error *err)
{
	const char *first = buffer_text(problems);
	int length = (int)strcspn(first, "\n");

	if (wrong <= 1)
		return wrong == 0 ? 0 : error_set(err, EXIT_BAD_CONFIG, "%.*s", length, first);
	return error_set(err, EXIT_BAD_CONFIG, "%.*s; and %zu more of its settings are wrong",
			 length, first, wrong - 1);
}

struct settings *settings_load_for(unsigned audience, char *const *environ_block,
				   struct buffer *problems, struct buffer *warnings,
				   struct error *err)
{
	size_t wrong;
	struct settings *settings =
	    judge_environment(environ_block, audience, problems, warnings, &wrong, err);

	if (settings == NULL ||
	    (audience == FOR_SUPERVISOR ? report_count(wrong, err)
					: report_first(wrong, problems, err)) == 0)
		return settings;
	settings_free(settings);
	return NULL;
}

const char *settings_other_problems(const struct buffer *problems)
{
	const char *end = strchr(buffer_text(problems), '\n');

	return end == NULL ? "" : end + 1;
}

struct settings *settings_load(char *const *environ_block, struct buffer *problems,
			       struct buffer *warnings, struct error *err)
{
	return settings_load_for(FOR_SUPERVISOR, environ_block, problems, warnings, err);
}

int settings_check(char *const *environ_block, FILE *out, struct buffer *problems,
		   struct buffer *warnings, struct error *err)
{
	size_t wrong;
	struct settings *settings =
	    judge_environment(environ_block, FOR_SUPERVISOR, problems, warnings, &wrong, err);

	if (settings == NULL)
		return -1;
	int printed = settings_print(settings, out);
	settings_free(settings);
	if (printed != 0)
		return error_set(err, EXIT_FAILED, "cannot write the table of settings");
	return report_count(wrong, err);
}
