/* ROUTING_MAP_FILE and DOMAINS_FILE: names by the thousand, more than one variable may hold. */
#include "test_settings_fixture.h"

#include "common/settings/table.h"

enum { MANY = 10000, VARIABLE_MAX = 4096 };

struct scene {
	char *folder, *path;
	char variable[VARIABLE_MAX];
};

/* A file with that content, and "NAME=its path" in `variable`. */
static void scene_open(struct scene *scene, void **state, const char *name, const char *content,
		       size_t length)
{
	struct error err = ERROR_INIT;

	scene->folder = *state;
	scene->path = file_join(scene->folder, name);
	assert_non_null(scene->path);
	assert_int_equal(file_write(scene->path, 0644, content, length, &err), 0);
	snprintf(scene->variable, sizeof(scene->variable), "%s=%s", name, scene->path);
}

/* ---- routes */

static void a_file_is_read_like_the_variable(void **state)
{
	static const char content[] = "# two\napp.example.com=app:81\n\na.example.com=a:1\n";
	struct scene scene;
	struct loaded loaded;

	scene_open(&scene, state, "ROUTING_MAP_FILE", content, strlen(content));
	fixture_load(&loaded, scene.variable, "DOMAINS=*.example.com");
	assert_good(&loaded);
	assert_string_equal(loaded.settings->routes[0].pattern, "app.example.com");
	assert_int_equal(loaded.settings->routes[0].target.port, 81);
	assert_string_equal(loaded.settings->routes[1].pattern, "a.example.com");
	fixture_free(&loaded);
	free(scene.path);
}

static void ten_thousand_routes(void **state)
{
	struct scene scene;
	struct loaded loaded;
	struct buffer text;

	buffer_init(&text, SETTINGS_VALUE_MAX);
	for (int i = 0; i < MANY; i++)
		buffer_printf(&text, "n%d.example.com=host%d:80\n", i, i % 100);
	scene_open(&scene, state, "ROUTING_MAP_FILE", buffer_text(&text), text.length);
	buffer_free(&text);
	fixture_load(&loaded, scene.variable, "DOMAINS=*.example.com");
	assert_good(&loaded);
	assert_true(loaded.settings->route_count >= MANY);
	fixture_free(&loaded);
	free(scene.path);
}

static void what_is_wrong_in_it_is_told_with_its_line(void **state)
{
	static const char content[] = "# one\n\na.example.com=a:1\napp.example.com=app:0 # x\nb\n";
	struct scene scene;
	struct loaded loaded;

	scene_open(&scene, state, "ROUTING_MAP_FILE", content, strlen(content));
	fixture_load(&loaded, scene.variable);
	assert_refused(&loaded,
		       "ROUTING_MAP_FILE has \"app.example.com=app:0\" (line 4): must be "
		       "domain=host:port; the port is not a number from 1 to 65535\n"
		       "ROUTING_MAP_FILE has \"b\" (line 5): must be domain=host:port, such as "
		       "app.example.com=app:8080\n");
	fixture_free(&loaded);
	free(scene.path);
}

static void a_zero_byte_is_refused(void **state)
{
	struct scene scene;
	struct loaded loaded;

	scene_open(&scene, state, "ROUTING_MAP_FILE", "app.example.com=app:80\n\0x", 25);
	fixture_load(&loaded, scene.variable);
	assert_null(loaded.settings);
	assert_contains(buffer_text(&loaded.problems), "the file has a zero byte in it");
	fixture_free(&loaded);
	free(scene.path);
}

static void a_missing_file_is_named(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "ROUTING_MAP_FILE=/nonexistent/routes");
	assert_refused(&loaded, "ROUTING_MAP_FILE is \"/nonexistent/routes\": cannot read "
				"/nonexistent/routes: No such file or directory\n");
	fixture_free(&loaded);
}

static void a_relative_path_is_refused(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "ROUTING_MAP_FILE=routes");
	assert_refused(&loaded, "ROUTING_MAP_FILE is \"routes\": must be an absolute path\n");
	fixture_free(&loaded);
}

static void one_of_both_is_enough(void **state)
{
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "ROUTING_MAP_FILE=/routes", "ROUTING_MAP=app.example.com=app:1");
	assert_refused(&loaded,
		       "ROUTING_MAP and ROUTING_MAP_FILE are both set: keep one of them\n");
	fixture_free(&loaded);
	fixture_load(&loaded, "DOMAINS_FILE=/domains", "DOMAINS=app.example.com");
	assert_refused(&loaded, "DOMAINS and DOMAINS_FILE are both set: keep one of them\n");
	fixture_free(&loaded);
}

/* ---- domains */

static void domains_are_read_from_a_file(void **state)
{
	static const char content[] = "\n# ours\r\nB.example.com.\r\nc.example.com, *.example.com";
	struct scene scene;
	struct loaded loaded;

	scene_open(&scene, state, "DOMAINS_FILE", content, strlen(content));
	fixture_load(&loaded, scene.variable);
	assert_good(&loaded);
	assert_int_equal(loaded.settings->domain_count, 4);
	assert_string_equal(loaded.settings->domains[0], "app.example.com"); /* DOMAIN */
	assert_string_equal(loaded.settings->domains[1], "b.example.com");
	assert_string_equal(loaded.settings->domains[3], "*.example.com");
	fixture_free(&loaded);
	free(scene.path);
}

static void a_wrong_domain_is_told_with_its_line(void **state)
{
	static const char content[] = "b.example.com\n\n# c\nc d.example.com\n";
	struct scene scene;
	struct loaded loaded;

	scene_open(&scene, state, "DOMAINS_FILE", content, strlen(content));
	fixture_load(&loaded, scene.variable);
	assert_null(loaded.settings);
	assert_contains(buffer_text(&loaded.problems),
			"DOMAINS_FILE has \"c d.example.com\" (line 4): must be a domain name");
	fixture_free(&loaded);
	free(scene.path);
}

static void a_file_without_a_domain_is_no_domain(void **state)
{
	struct scene scene;
	struct loaded loaded;

	scene_open(&scene, state, "DOMAINS_FILE", "# none\n", 7);
	fixture_load(&loaded, scene.variable, "DOMAIN=");
	assert_refused(&loaded,
		       "DOMAIN is not set: give the domain to serve, or several in DOMAINS\n");
	fixture_free(&loaded);
	free(scene.path);
}

/* ---- children */

static struct settings *load_child(const struct loaded *loaded)
{
	struct buffer problems, warnings;
	struct error err = ERROR_INIT;
	char **environment = settings_child_environment(loaded->settings, FOR_DNS, NULL, &err);

	assert_non_null(environment);
	assert_null(settings_given(environment, "DOMAINS"));
	buffer_init(&problems, FIXTURE_TEXT_MAX);
	buffer_init(&warnings, FIXTURE_TEXT_MAX);
	struct settings *child =
	    settings_load_for(FOR_DNS, environment, &problems, &warnings, &err);
	assert_string_equal(buffer_text(&problems), "");
	assert_non_null(child);
	settings_free_environment(environment);
	buffer_free(&problems);
	buffer_free(&warnings);
	return child;
}

/* Its parent has read the file once; a child that reads it later must not know other names. */
static void children_know_the_domains_of_their_parent(void **state)
{
	static const char content[] = "b.example.com\nc.example.com\n";
	struct error err = ERROR_INIT;
	struct scene scene;
	struct loaded loaded;
	char *copy = file_join(*state, "copy");

	scene_open(&scene, state, "DOMAINS_FILE", content, strlen(content));
	fixture_load(&loaded, scene.variable);
	assert_good(&loaded);
	assert_int_equal(settings_copy_domains(loaded.settings, copy, &err), 0);
	assert_int_equal(file_write(scene.path, 0644, "d.example.com", 13, &err), 0);
	struct settings *child = load_child(&loaded);
	assert_int_equal(child->domain_count, 3);
	assert_string_equal(child->domains[2], "c.example.com");
	settings_free(child);
	assert_int_equal(settings_copy_domains(loaded.settings, "/nowhere/copy", &err), -1);
	assert_contains(err.text, "/nowhere/copy");
	fixture_free(&loaded);
	free(scene.path);
	free(copy);
}

static void domains_of_the_environment_need_no_copy(void **state)
{
	struct error err = ERROR_INIT;
	struct loaded loaded;

	(void)state;
	fixture_load(&loaded, "DOMAINS=b.example.com");
	assert_good(&loaded);
	assert_int_equal(settings_copy_domains(loaded.settings, "/nowhere/copy", &err), 0);
	fixture_free(&loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_file_is_read_like_the_variable),
	    scratch_test(ten_thousand_routes),
	    scratch_test(what_is_wrong_in_it_is_told_with_its_line),
	    scratch_test(a_zero_byte_is_refused),
	    cmocka_unit_test(a_missing_file_is_named),
	    cmocka_unit_test(a_relative_path_is_refused),
	    cmocka_unit_test(one_of_both_is_enough),
	    scratch_test(domains_are_read_from_a_file),
	    scratch_test(a_wrong_domain_is_told_with_its_line),
	    scratch_test(a_file_without_a_domain_is_no_domain),
	    scratch_test(children_know_the_domains_of_their_parent),
	    cmocka_unit_test(domains_of_the_environment_need_no_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
