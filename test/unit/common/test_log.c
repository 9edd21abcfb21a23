#include "stderr.h"

#include "common/json.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>

#define TIME_PATTERN "20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"

/* ---- lines */

static void a_text_line_has_time_level_program_and_message(void **state)
{
	(void)state;
	log_setup("ingressd", LOG_INFO, LOG_TEXT);
	log_info("port %d is open", 443);
	assert_matches(written(), "^" TIME_PATTERN " info ingressd: port 443 is open\n$");
	log_error("no");
	assert_matches(written(), "^" TIME_PATTERN " error ingressd: no\n$");
	log_child("haproxy", LOG_WARN, "Proxy started.");
	assert_matches(written(), "^" TIME_PATTERN " warn haproxy: Proxy started\\.\n$");
}

static void a_json_line_is_one_object(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	log_setup("ingressd", LOG_INFO, LOG_JSON);
	log_warn("say \"%s\" \\ and\na\xff", "hi");
	const char *line = written();
	AUTO_JSON cJSON *object = json_parse(line, strlen(line), "line", &err);
	assert_non_null(object);
	assert_int_equal(strchr(line, '\n') - line, strlen(line) - 1);
	assert_matches(json_string(object, "time"), "^" TIME_PATTERN "$");
	assert_string_equal(json_string(object, "level"), "warn");
	assert_string_equal(json_string(object, "program"), "ingressd");
	assert_string_equal(json_string(object, "message"), "say \"hi\" \\ and\\na\\xff");
}

/* What the last line says of `name`; NULL: nothing. */
static void assert_says(const char *name, const char *value)
{
	struct error err = ERROR_INIT;
	const char *line = written();
	AUTO_JSON cJSON *object = json_parse(line, strlen(line), "line", &err);

	assert_non_null(object);
	if (value == NULL)
		assert_null(cJSON_GetObjectItem(object, name));
	else
		assert_string_equal(json_string(object, name), value);
}

static void the_domain_that_a_line_is_about_is_a_field(void **state)
{
	(void)state;
	log_setup("ingressd", LOG_INFO, LOG_JSON);
	log_child("ingress-dns", LOG_INFO, "[*.example.com] it is so");
	assert_says("domain", "*.example.com");
	log_child("ingress-dns", LOG_INFO, "[app.example.com] it is so");
	assert_says("message", "it is so");
	log_child("haproxy", LOG_WARN, "[ALERT] (7) : it is so");
	assert_says("domain", NULL);
	log_child("haproxy", LOG_WARN, "[app.example.com");
	assert_says("message", "[app.example.com");
}

static void facts_are_fields_and_the_domain_stands_in_the_text(void **state)
{
	const struct log_facts facts = {.domain = "app.example.com",
					.step = "issue",
					.serial = "0A",
					.not_after = 1800000000,
					.next_at = 1800000001,
					.attempt = 3};
	struct error err = ERROR_INIT;

	(void)state;
	log_setup("ingressd", LOG_INFO, LOG_TEXT);
	log_facts(LOG_WARN, &facts, "it is %s", "so");
	assert_matches(written(), "warn ingressd: \\[app\\.example\\.com\\] it is so\n$");
	log_setup("ingressd", LOG_INFO, LOG_JSON);
	log_facts(LOG_WARN, &facts, "it is %s", "so");
	const char *line = written();
	AUTO_JSON cJSON *object = json_parse(line, strlen(line), "line", &err);
	assert_string_equal(json_string(object, "domain"), "app.example.com");
	assert_string_equal(json_string(object, "step"), "issue");
	assert_string_equal(json_string(object, "serial"), "0A");
	assert_string_equal(json_string(object, "not_after"), "2027-01-15T08:00:00Z");
	assert_string_equal(json_string(object, "next_at"), "2027-01-15T08:00:01Z");
	assert_int_equal(json_integer(object, "attempt", 0), 3);
	assert_string_equal(json_string(object, "message"), "it is so");
}

static void a_program_that_works_for_one_domain_says_so_in_every_line(void **state)
{
	(void)state;
	log_setup("ingress-dns", LOG_INFO, LOG_PREFIXED);
	log_about("app.example.com");
	log_info("it is so");
	assert_string_equal(written(), "<6>[app.example.com] it is so\n");
	log_about(NULL);
	log_info("it is so");
	assert_string_equal(written(), "<6>it is so\n");
}

static void lines_below_the_level_are_not_written(void **state)
{
	(void)state;
	log_setup("x", LOG_WARN, LOG_TEXT);
	assert_true(log_enabled(LOG_WARN));
	assert_false(log_enabled(LOG_INFO));
	log_info("a");
	log_debug("b");
	log_child("c", LOG_DEBUG, "c");
	assert_string_equal(written(), "");
	log_warn("d");
	assert_contains(written(), "d\n");
}

static void controls_do_not_reach_the_terminal(void **state)
{
	(void)state;
	log_setup("x", LOG_INFO, LOG_TEXT);
	log_info("a\033[2Jb\nforged line");
	assert_matches(written(), "info x: a\\\\x1b\\[2Jb\\\\nforged line\n$");
}

static void long_lines_are_cut_but_whole(void **state)
{
	char message[3 * LOG_LINE_MAX];

	(void)state;
	memset(message, '"', sizeof(message));
	message[sizeof(message) - 1] = '\0';
	log_setup("x", LOG_INFO, LOG_TEXT);
	log_info("%s", message);
	const char *line = written();
	assert_int_equal(strlen(line), LOG_LINE_MAX);
	assert_int_equal(line[LOG_LINE_MAX - 1], '\n');

	log_setup("x", LOG_INFO, LOG_JSON);
	log_info("%s", message);
	line = written();
	struct error err = ERROR_INIT;
	assert_in_range(strlen(line), LOG_LINE_MAX - 100, LOG_LINE_MAX);
	AUTO_JSON cJSON *object = json_parse(line, strlen(line), "line", &err);
	assert_non_null(object);
	assert_memory_equal(json_string(object, "message"), message, 1000);
}

static void errno_is_left_alone(void **state)
{
	(void)state;
	log_setup("x", LOG_INFO, LOG_TEXT);
	close(STDERR_FILENO); /* so that the write fails; the teardown opens it again */
	errno = ENOTTY;
	log_info("a");
	log_child("c", LOG_INFO, "a");
	assert_int_equal(errno, ENOTTY);
}

static void the_environment_sets_level_and_format(void **state)
{
	(void)state;
	setenv("LOG_LEVEL", "debug", 1);
	setenv("LOG_FORMAT", "json", 1);
	log_setup_from_environment("x");
	log_debug("a");
	assert_contains(written(), "\"level\":\"debug\"");
	setenv("LOG_LEVEL", "loud", 1);
	setenv("LOG_FORMAT", "xml", 1);
	log_setup_from_environment("x");
	log_debug("a");
	assert_string_equal(written(), "");
	log_info("b");
	assert_matches(written(), "info x: b\n$");
	unsetenv("LOG_LEVEL");
	unsetenv("LOG_FORMAT");
}

static void a_supervised_program_writes_its_level_in_front(void **state)
{
	(void)state;
	setenv("INGRESS_SUPERVISED", "1", 1);
	log_setup_from_environment("ingress-dns");
	log_error("a\nb");
	log_warn("c");
	log_info("<d>");
	assert_string_equal(written(), "<3>a\\nb\n<4>c\n<6><d>\n");
	unsetenv("INGRESS_SUPERVISED");
	log_setup_from_environment("ingress-dns");
	log_info("e");
	assert_matches(written(), "info ingress-dns: e\n$");
}

static void a_level_in_front_is_taken_off(void **state)
{
	static const char *const plain[] = {"", "<", "<3", "<9>x", "<info>x", "3>x", "x<3>"};
	enum log_level level = LOG_INFO;

	(void)state;
	assert_string_equal(log_strip_prefix("<3>bad", &level), "bad");
	assert_int_equal(level, LOG_ERROR);
	assert_string_equal(log_strip_prefix("<7>", &level), "");
	assert_int_equal(level, LOG_DEBUG);
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		level = LOG_INFO;
		assert_string_equal(log_strip_prefix(plain[i], &level), plain[i]);
		assert_int_equal(level, LOG_INFO);
	}
}

/* ---- secrets: those of one test stay hidden in the next */

static void secrets_are_masked_wherever_they_are(void **state)
{
	(void)state;
	log_setup("x", LOG_INFO, LOG_TEXT);
	log_hide("tok-123456");
	log_info("tok-123456, Bearer tok-123456tok-123456;");
	assert_matches(written(), "x: \\*\\*\\*, Bearer \\*\\*\\*;\n$");
	log_child("certbot", LOG_INFO, "key=tok-123456");
	assert_matches(written(), "certbot: key=\\*\\*\\*\n$");
	log_setup("x", LOG_INFO, LOG_JSON);
	log_hide("pa\"ss\\word");
	log_info("it is pa\"ss\\word");
	assert_contains(written(), "\"message\":\"it is ***\"");
}

static void short_secrets_would_mask_ordinary_words(void **state)
{
	(void)state;
	log_setup("x", LOG_INFO, LOG_TEXT);
	log_hide("");
	log_hide("admin");
	log_info("admin");
	assert_matches(written(), "x: admin\n$");
}

static void a_secret_made_of_the_mask_ends(void **state)
{
	(void)state;
	log_setup("x", LOG_INFO, LOG_TEXT);
	log_hide("******");
	log_hide("a***bcd");
	log_info("[************] [a***bcda***bcd] [aa***bcdbcd]");
	assert_matches(written(), "x: \\[\\*\\*\\*\\] \\[\\*\\*\\*\\] \\[a\\*\\*\\*bcd\\]\n$");
}

static void overlapping_secrets_leave_nothing(void **state)
{
	(void)state;
	log_setup("x", LOG_INFO, LOG_TEXT);
	log_hide("abcdefgh");
	log_hide("efghijkl");
	log_hide("xyxyxy");
	log_info("<abcdefghijkl> <xyxyxyxy>");
	assert_matches(written(), "x: <\\*\\*\\*> <\\*\\*\\*>\n$");
}

static void a_secret_at_the_cut_is_not_shown_in_part(void **state)
{
	char message[2 * LOG_LINE_MAX];
	char secret[200];

	(void)state;
	memset(secret, 'k', sizeof(secret));
	memcpy(secret, "CUT-SECRET-", 11);
	secret[sizeof(secret) - 1] = '\0';
	log_hide(secret);
	log_setup("x", LOG_INFO, LOG_TEXT);
	for (size_t before = LOG_LINE_MAX - 220; before < LOG_LINE_MAX; before += 5) {
		snprintf(message, sizeof(message), "%*s%s end", (int)before, "", secret);
		log_info("%s", message);
		assert_lacks(written(), "CUT-SE");
	}
}

static void the_same_secret_again_takes_no_room(void **state)
{
	(void)state;
	log_setup("x", LOG_INFO, LOG_TEXT);
	for (int i = 0; i < 100; i++)
		log_hide("seen-before");
	log_hide("one-more-secret");
	log_info("one-more-secret");
	assert_lacks(written(), "one-more");
}

#define stderr_test(function) \
	cmocka_unit_test_setup_teardown(function, catch_stderr, release_stderr)

/* ---- a reader that is stuck, as a container engine that has stopped reading */

enum { LINES_LOST = 50 };

/* A pipe that is full. */
static void fill_pipe(int ends[2])
{
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	while (write(ends[1], caught, 4096) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0); /* writing would wait from here on */
}

static void empty_pipe(int end)
{
	while (read(end, caught, sizeof(caught)) > 0)
		;
}

static long passed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void log_to_stuck_reader(const int ends[2])
{
	struct timespec start;

	alarm(20);
	dup2(ends[1], STDERR_FILENO);
	log_setup("x", LOG_INFO, LOG_TEXT);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < LINES_LOST; i++)
		log_info("lost");
	if (passed_ms(&start) > 2000) /* a wait for each of them takes five seconds */
		_exit(8);
	empty_pipe(ends[0]);
	log_info("kept");
	log_info("kept too");
	_exit(7);
}

static void a_full_standard_error_costs_lines_neither_the_program_nor_its_time(void **state)
{
	int ends[2];
	int status;

	(void)state;
	fill_pipe(ends);
	pid_t child = fork();
	if (child == 0)
		log_to_stuck_reader(ends);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	ssize_t length = read(ends[0], caught, sizeof(caught) - 1);
	assert_true(length > 0);
	caught[length] = '\0';
	assert_matches(caught, "^" TIME_PATTERN " warn x: 50 lines are missing here: [^\n]*\n" //
		       TIME_PATTERN " info x: kept\n" TIME_PATTERN " info x: kept too\n$");
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    stderr_test(a_text_line_has_time_level_program_and_message),
	    stderr_test(a_json_line_is_one_object),
	    stderr_test(the_domain_that_a_line_is_about_is_a_field),
	    stderr_test(facts_are_fields_and_the_domain_stands_in_the_text),
	    stderr_test(a_program_that_works_for_one_domain_says_so_in_every_line),
	    stderr_test(lines_below_the_level_are_not_written),
	    stderr_test(controls_do_not_reach_the_terminal),
	    stderr_test(long_lines_are_cut_but_whole),
	    stderr_test(errno_is_left_alone),
	    stderr_test(the_environment_sets_level_and_format),
	    stderr_test(a_supervised_program_writes_its_level_in_front),
	    cmocka_unit_test(a_level_in_front_is_taken_off),
	    stderr_test(secrets_are_masked_wherever_they_are),
	    stderr_test(short_secrets_would_mask_ordinary_words),
	    stderr_test(a_secret_made_of_the_mask_ends),
	    stderr_test(overlapping_secrets_leave_nothing),
	    stderr_test(a_secret_at_the_cut_is_not_shown_in_part),
	    stderr_test(the_same_secret_again_takes_no_room),
	    cmocka_unit_test(a_full_standard_error_costs_lines_neither_the_program_nor_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
