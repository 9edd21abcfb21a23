/*
 * What certbot has made elsewhere comes onto the volume; ended at any system call, the volume is
 * one of two good states.
 */
#include "test/unit/supervisor/commit_scene.h"

/* Real certbot takes a third of a second: it looks at every so-many-th state if
 * INGRESS_CERTBOT_EVERY says so (test/e2e/test_killed_commits.py). */
static bool is_for_certbot(unsigned kills)
{
	const char *every = getenv("INGRESS_CERTBOT_EVERY");

	return every != NULL && kills % strtoul(every, NULL, 10) == 0;
}

/* What certbot says of the volume: one whole lineage, or that there is none. */
static void ask_certbot(const struct scene *scene, bool has_lineage)
{
	static const char *const wrong[] = {"INVALID", "parsefail", "could not", "rror",
					    "were invalid"};
	char work[300], logs[300];
	const char *const argv[] = {"/usr/bin/certbot", "certificates", "--config-dir",
				    scene->volume,	"--work-dir",	work,
				    "--logs-dir",	logs,		NULL};
	struct buffer said;

	snprintf(work, sizeof(work), "%s-work", scene->volume);
	snprintf(logs, sizeof(logs), "%s-logs", scene->volume);
	buffer_init(&said, 16384);
	run(argv, NULL, &said);
	const char *text = buffer_text(&said);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (strstr(text, wrong[i]) != NULL)
			fail_msg("certbot complains: %s", text_of(logs, "letsencrypt.log"));
	assert_contains(text, has_lineage ? "Certificate Name: example.com" : "No certificates");
	buffer_free(&said);
}

static void kill_everywhere(const char *scratch, bool is_renewal)
{
	struct scene scene;
	unsigned kills = 0, fresh = 0, asked = 0;
	bool is_done = false;

	set_scene(&scene, scratch, is_renewal);
	const struct made_pair *before = is_renewal ? &scene.old : NULL;
	while (!is_done) {
		copy_tree(scene.before, scene.volume);
		is_done = commit_up_to(&scene, ++kills);
		const struct made_pair *seen = certbot_sees(&scene);
		assert_true(seen == before || seen == &scene.fresh);
		if (is_for_certbot(kills)) {
			ask_certbot(&scene, seen != NULL);
			asked++;
		}
		const struct made_pair *found = next_start_finds(&scene);
		assert_true(found == before || found == &scene.fresh);
		/* What was there for certbot is there for the next start, or the newer one. */
		assert_true(seen != &scene.fresh || found == &scene.fresh);
		assert_true(certbot_sees(&scene) == found);
		fresh += found == &scene.fresh;
		remove_tree(scene.volume);
	}
	print_message("%u kills, %u of them past the point of no return, certbot asked %u times\n",
		      kills, fresh, asked);
	assert_true(kills > 30 && fresh > 1 && fresh < kills);
	clear_scene(&scene);
}

static void a_renewal_is_whole_wherever_it_is_ended(void **state)
{
	kill_everywhere(*state, true);
}

static void a_new_lineage_is_whole_wherever_it_is_ended(void **state)
{
	kill_everywhere(*state, false);
}

/* ---- how it is laid out */

static void assert_leads(const char *volume, const char *link_name, const char *expected)
{
	char path[512], target[512];

	snprintf(path, sizeof(path), "%s/%s", volume, link_name);
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	assert_true(length > 0);
	target[length] = '\0';
	assert_string_equal(target, expected);
}

static void a_new_lineage_is_laid_out_as_certbot_does(void **state)
{
	struct scene scene;
	char path[512];
	struct stat info;

	set_scene(&scene, *state, false);
	copy_tree(scene.before, scene.volume);
	do_commit(&scene);
	assert_leads(scene.volume, "live/example.com/cert.pem",
		     "../../archive/example.com/cert1.pem");
	assert_string_equal(text_of(scene.volume, "archive/example.com/privkey1.pem"),
			    scene.fresh.key);
	assert_true(is_there(scene.volume, "live/example.com/README"));
	snprintf(path, sizeof(path), "%s/archive/example.com/privkey1.pem", scene.volume);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	const char *conf = text_of(scene.volume, "renewal/example.com.conf");
	snprintf(path, sizeof(path), "archive_dir = %s/archive/example.com\n", scene.volume);
	assert_contains(conf, path);
	snprintf(path, sizeof(path), "fullchain = %s/live/example.com/fullchain.pem\n",
		 scene.volume);
	assert_contains(conf, path);
	assert_contains(conf, "[renewalparams]\naccount = new\nauthenticator = manual\n");
	assert_lacks(conf, "/room");
	clear_scene(&scene);
}

/* How an adopted lineage is renewed by its own certbot stays as it is. */
static void a_renewal_keeps_what_the_volume_says_of_renewing(void **state)
{
	struct scene scene;

	set_scene(&scene, *state, true);
	copy_tree(scene.before, scene.volume);
	do_commit(&scene);
	assert_leads(scene.volume, "live/example.com/privkey.pem",
		     "../../archive/example.com/privkey2.pem");
	assert_string_equal(text_of(scene.volume, "archive/example.com/privkey1.pem"),
			    scene.old.key);
	const char *conf = text_of(scene.volume, "renewal/example.com.conf");
	assert_contains(conf, "authenticator = dns-cloudflare\n"
			      "dns_cloudflare_credentials = /root/c.ini\n");
	assert_contains(conf, "renew_hook = reload\n");
	assert_contains(conf, "account = new\n");
	assert_contains(conf, "server = https://ca.test/dir\n");
	assert_contains(conf, "key_type = ecdsa\n");
	assert_lacks(conf, "manual");
	assert_lacks(conf, "/room");
	assert_lacks(conf, "other.test");
	clear_scene(&scene);
}

static void a_conf_that_certbot_cannot_read_is_made_anew(void **state)
{
	static const char *const broken[] = {
	    "",
	    "nonsense\n",
	    "[renewalparams]\nserver = x\n",
	    "[renewalparams\nauthenticator = manual\n",
	    "a = '''\n[renewalparams]\nauthenticator = manual\n",
	    "[renewalparams]\nauthenticator = a\n[renewalparams]\n",
	    "[renewalparams]\nauthenticator = a\nauthenticator = b\n",
	    "[renewalparams]\nauthenticator = \"a\n"};
	struct scene scene;
	char folder[512];

	set_scene(&scene, *state, true);
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		copy_tree(scene.before, scene.volume);
		snprintf(folder, sizeof(folder), "%s/renewal", scene.volume);
		write_text(folder, "example.com.conf", broken[i]);
		do_commit(&scene);
		const char *conf = text_of(scene.volume, "renewal/example.com.conf");
		assert_contains(conf, "authenticator = manual\nmanual_auth_hook = hook auth\n");
		assert_lacks(conf, "nonsense");
		assert_lacks(conf, "/room");
		remove_tree(scene.volume);
	}
	clear_scene(&scene);
}

/* Files in live/ that are none of certbot's links, a link that leads nowhere, no archive. */
static void a_lineage_that_certbot_would_refuse_is_mended(void **state)
{
	static const char *const spoil[] = {
	    ("rm live/example.com/privkey.pem && cp archive/example.com/privkey1.pem "
	     "live/example.com/privkey.pem"),
	    "rm archive/example.com/cert1.pem",
	    "rm -r archive",
	    "rm live/example.com/*",
	    ": > archive/example.com/privkey1.pem",
	    "rm renewal/example.com.conf"};
	struct scene scene;

	set_scene(&scene, *state, true);
	for (size_t i = 0; i < sizeof(spoil) / sizeof(*spoil); i++) {
		copy_tree(scene.before, scene.volume);
		const char *const argv[] = {"/bin/sh", "-c", spoil[i], NULL};
		run(argv, scene.volume, NULL);
		do_commit(&scene);
		assert_ptr_equal(certbot_sees(&scene), &scene.fresh);
		remove_tree(scene.volume);
	}
	clear_scene(&scene);
}

static void a_new_key_is_the_same_group_s_as_the_one_before(void **state)
{
	struct scene scene;
	char path[512];
	struct stat info;

	set_scene(&scene, *state, true);
	copy_tree(scene.before, scene.volume);
	snprintf(path, sizeof(path), "%s/archive/example.com/privkey1.pem", scene.volume);
	bool is_root = geteuid() == 0;
	if (is_root)
		assert_int_equal(chown(path, 0, 4321), 0);
	assert_int_equal(chmod(path, 0640), 0);
	do_commit(&scene);
	snprintf(path, sizeof(path), "%s/archive/example.com/privkey2.pem", scene.volume);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0640);
	if (is_root)
		assert_int_equal(info.st_gid, 4321);
	clear_scene(&scene);
}

static void what_does_not_fit_together_stays_outside(void **state)
{
	struct error err = ERROR_INIT;
	struct scene scene;
	char archive[512];

	set_scene(&scene, *state, true);
	copy_tree(scene.before, scene.volume);
	snprintf(archive, sizeof(archive), "%s/archive/example.com", scene.made);
	write_text(archive, "privkey1.pem", scene.old.key);
	assert_int_equal(commit(&scene, &err), -1);
	assert_contains(err.text, "cannot be put onto the volume");
	assert_ptr_equal(certbot_sees(&scene), &scene.old);
	clear_scene(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_new_lineage_is_laid_out_as_certbot_does),
	    scratch_test(a_renewal_keeps_what_the_volume_says_of_renewing),
	    scratch_test(a_conf_that_certbot_cannot_read_is_made_anew),
	    scratch_test(a_lineage_that_certbot_would_refuse_is_mended),
	    scratch_test(a_new_key_is_the_same_group_s_as_the_one_before),
	    scratch_test(what_does_not_fit_together_stays_outside),
	    scratch_test(a_renewal_is_whole_wherever_it_is_ended),
	    scratch_test(a_new_lineage_is_whole_wherever_it_is_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
