/* ROUTING_MAP_FILE: routes by the thousand, more than one variable may hold. */
#include "test_settings_fixture.h"

enum { MANY = 10000, VARIABLE_MAX = 4096 };

struct scene {
	char *folder, *path;
	char variable[VARIABLE_MAX];
};

static void scene_open(struct scene *scene, void **state, const char *content, size_t length)
{
	struct error err = ERROR_INIT;

	scene->folder = *state;
	scene->path = file_join(scene->folder, "routes");
	assert_non_null(scene->path);
	assert_int_equal(file_write(scene->path, 0644, content, length, &err), 0);
	snprintf(scene->variable, sizeof(scene->variable), "ROUTING_MAP_FILE=%s", scene->path);
}

static void a_file_is_read_like_the_variable(void **state)
{
	static const char content[] = "# two\napp.example.com=app:81\n\na.example.com=a:1\n";
	struct scene scene;
	struct loaded loaded;

	scene_open(&scene, state, content, strlen(content));
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
	scene_open(&scene, state, buffer_text(&text), text.length);
	buffer_free(&text);
	fixture_load(&loaded, scene.variable, "DOMAINS=*.example.com");
	assert_good(&loaded);
	assert_true(loaded.settings->route_count >= MANY);
	fixture_free(&loaded);
	free(scene.path);
}

static void what_is_wrong_in_it_is_told(void **state)
{
	struct scene scene;
	struct loaded loaded;

	scene_open(&scene, state, "app.example.com=app:0\n", 22);
	fixture_load(&loaded, scene.variable);
	assert_null(loaded.settings);
	assert_contains(buffer_text(&loaded.problems), "ROUTING_MAP");
	assert_contains(buffer_text(&loaded.problems), "app.example.com=app:0");
	fixture_free(&loaded);
	free(scene.path);
}

static void a_zero_byte_is_refused(void **state)
{
	struct scene scene;
	struct loaded loaded;

	scene_open(&scene, state, "app.example.com=app:80\n\0x", 25);
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
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_file_is_read_like_the_variable),
	    scratch_test(ten_thousand_routes),
	    scratch_test(what_is_wrong_in_it_is_told),
	    scratch_test(a_zero_byte_is_refused),
	    cmocka_unit_test(a_missing_file_is_named),
	    cmocka_unit_test(a_relative_path_is_refused),
	    cmocka_unit_test(one_of_both_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
