/* What the CA has issued and the volume does not take is not lost, and not ordered again. */
#include "test/unit/supervisor/volume.h"

#include "supervisor/store/certificate_store.h"

static const char SERVER[] = "https://ca.test/dir";
static const char NAME[] = "example.com";

struct scene {
	char made[256], volume[256], kept[256], stands_in_the_way[300];
	struct made_pair pair;
	struct certificate_store *store;
};

static struct certificate_store *open_store(const struct scene *scene)
{
	struct error err = ERROR_INIT;
	struct certificate_store *store = store_open(scene->volume, SERVER, &err);

	if (store == NULL || store_keep_in(store, scene->kept, &err) != 0)
		fail_msg("%s", err.text);
	return store;
}

static void make_anew(struct scene *scene, long serial)
{
	free_pair(&scene->pair);
	scene->pair = make_pair(NAME, serial, true);
	put_version(scene->made, NAME, 1, &scene->pair);
}

/* Nothing can be put where the volume's archive should be. */
static void set_scene(struct scene *scene, const char *scratch)
{
	*scene = (struct scene){.pair = {NULL}};
	snprintf(scene->made, sizeof(scene->made), "%s/room", scratch);
	snprintf(scene->volume, sizeof(scene->volume), "%s/volume", scratch);
	snprintf(scene->kept, sizeof(scene->kept), "%s/run/kept", scratch);
	snprintf(scene->stands_in_the_way, sizeof(scene->stands_in_the_way), "%s/archive",
		 scene->volume);
	make_anew(scene, 1);
	put_conf(scene->made, NAME, "authenticator = manual\nserver = https://ca.test/dir\n");
	make_folder(scene->volume);
	write_text(scene->volume, "archive", "");
	scene->store = open_store(scene);
}

static void clear_scene(struct scene *scene)
{
	store_close(scene->store);
	free_pair(&scene->pair);
}

static int commit(const struct scene *scene, struct error *err)
{
	return store_commit(scene->store, NAME, NAME, scene->made, err);
}

static const struct lineage *found(const struct scene *scene)
{
	const struct lineage *lineage;
	struct error err = ERROR_INIT;

	if (store_find(scene->store, NAME, &lineage, &err) != 1)
		fail_msg("%s", err.text);
	assert_string_equal(lineage->serial, scene->pair.serial);
	return lineage;
}

static void assert_kept(const struct scene *scene)
{
	const struct lineage *lineage = found(scene);
	struct error err = ERROR_INIT;
	struct buffer key;

	assert_true(lineage->is_kept);
	assert_string_equal(lineage->name, NAME);
	assert_false(store_is_foreign(scene->store, lineage));
	buffer_init(&key, CERTIFICATE_PEM_MAX);
	assert_int_equal(file_read(lineage->privkey_path, &key, &err), 0);
	assert_string_equal(buffer_text(&key), scene->pair.key);
	buffer_free(&key);
}

static void it_is_found_and_put_onto_the_volume_later(void **state)
{
	struct error err = ERROR_INIT;
	struct scene scene;
	domain_name name;

	set_scene(&scene, *state);
	assert_int_equal(store_put_kept(scene.store, NAME, &err), 0);
	assert_int_equal(commit(&scene, &err), 1);
	assert_contains(err.text, "cannot be put onto the volume");
	assert_kept(&scene);
	assert_int_equal(store_new_name(scene.store, "*.example.com", name, &err), 0);
	assert_string_equal(name, "example.com-0001");
	store_close(scene.store);
	scene.store = open_store(&scene); /* where only the program has ended */
	assert_kept(&scene);
	assert_int_equal(store_put_kept(scene.store, NAME, &err), -1);
	assert_kept(&scene);
	assert_int_equal(unlink(scene.stands_in_the_way), 0);
	assert_int_equal(store_put_kept(scene.store, NAME, &err), 0);
	assert_false(found(&scene)->is_kept);
	store_close(scene.store);
	scene.store = store_open(scene.volume, SERVER, &err);
	assert_false(found(&scene)->is_kept);
	clear_scene(&scene);
}

static void one_that_the_volume_takes_comes_in_its_place(void **state)
{
	struct error err = ERROR_INIT;
	struct scene scene;

	set_scene(&scene, *state);
	assert_int_equal(commit(&scene, &err), 1);
	make_anew(&scene, 2);
	assert_int_equal(commit(&scene, &err), 1);
	assert_kept(&scene);
	assert_int_equal(unlink(scene.stands_in_the_way), 0);
	make_anew(&scene, 3);
	assert_int_equal(commit(&scene, &err), 0);
	assert_false(found(&scene)->is_kept);
	assert_int_equal(store_put_kept(scene.store, NAME, &err), 0);
	assert_false(found(&scene)->is_kept);
	clear_scene(&scene);
}

static void one_for_other_names_is_neither_put_nor_kept(void **state)
{
	const char *const names[] = {NAME, "www.example.com", NULL};
	const struct lineage *lineage;
	struct error err = ERROR_INIT;
	struct scene scene;

	set_scene(&scene, *state);
	free_pair(&scene.pair);
	scene.pair = make_pair_of(names, 4, true);
	put_version(scene.made, NAME, 1, &scene.pair);
	assert_int_equal(commit(&scene, &err), -1);
	assert_contains(err.text, "a certificate for other names than example.com alone: "
				  "example.com, www.example.com");
	assert_int_equal(store_find(scene.store, NAME, &lineage, &err), 0);
	clear_scene(&scene);
}

static void one_that_haproxy_refuses_hides_none_that_it_takes(void **state)
{
	struct made_pair before = make_pair(NAME, 9, true);
	const struct lineage *lineage;
	struct error err = ERROR_INIT;
	struct scene scene;

	set_scene(&scene, *state);
	assert_int_equal(commit(&scene, &err), 1);
	assert_int_equal(unlink(scene.stands_in_the_way), 0);
	put_version(scene.volume, NAME, 1, &before);
	put_conf(scene.volume, NAME, "authenticator = manual\nserver = https://ca.test/dir\n");
	assert_int_equal(store_refresh(scene.store, &err), 0);
	lineage = found(&scene);
	assert_true(lineage->is_kept);
	store_refuse(scene.store, lineage->serial, lineage->spki_sha256);
	assert_int_equal(store_find(scene.store, NAME, &lineage, &err), 1);
	assert_string_equal(lineage->serial, before.serial);
	assert_false(lineage->is_refused);
	free_pair(&before);
	clear_scene(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(it_is_found_and_put_onto_the_volume_later),
	    scratch_test(one_that_the_volume_takes_comes_in_its_place),
	    scratch_test(one_for_other_names_is_neither_put_nor_kept),
	    scratch_test(one_that_haproxy_refuses_hides_none_that_it_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
