#include "test/unit/common/unit.h"

#include "common/hex.h"
#include "evidence/file_set.h"
#include "evidence/sha256sum.h"

static void add(struct file_set *set, const char *name, const char *content)
{
	struct error err = ERROR_INIT;

	if (file_set_add(set, name, content, strlen(content), &err) != 0)
		fail_msg("%s", err.text);
}

static void files_are_sorted_and_found(void **state)
{
	AUTO_FILE_SET struct file_set set = FILE_SET_INIT;

	(void)state;
	add(&set, "c", "3");
	add(&set, "a", "1");
	add(&set, "d", "4");
	add(&set, "b", "2");
	assert_int_equal(set.count, 4);
	assert_int_equal(set.total, 4);
	for (size_t i = 0; i < 4; i++) {
		char name[] = {(char)('a' + i), '\0'};
		char content[] = {(char)('1' + i), '\0'};
		assert_string_equal(set.files[i].name, name);
		assert_ptr_equal(file_set_find(&set, name), &set.files[i]);
		assert_string_equal(set.files[i].data, content);
	}
	assert_null(file_set_find(&set, ""));
	assert_null(file_set_find(&set, "aa"));
	assert_null(file_set_find(&set, "e"));
}

/* FIPS 180-4's examples, by way of NIST's "SHA_All.pdf" */
static void digests_are_those_of_sha256(void **state)
{
	AUTO_FILE_SET struct file_set set = FILE_SET_INIT;

	(void)state;
	add(&set, "abc", "abc");
	add(&set, "empty", "");
	assert_string_equal(set.files[0].sha256, "ba7816bf8f01cfea414140de5dae2223"
						 "b00361a396177a9cb410ff61f20015ad");
	assert_string_equal(set.files[1].sha256, "e3b0c44298fc1c149afbf4c8996fb924"
						 "27ae41e4649b934ca495991b7852b855");
}

static void sha256sum_writes_what_coreutils_reads(void **state)
{
	AUTO_FILE_SET struct file_set set = FILE_SET_INIT;
	struct buffer text;

	(void)state;
	add(&set, "cert-*.example.com.pem", "abc");
	add(&set, "acme-account.json", "");
	buffer_init(&text, 1000);
	assert_int_equal(sha256sum_write(&set, &text), 0);
	assert_string_equal(
	    buffer_text(&text),
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  acme-account.json\n"
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  "
	    "cert-*.example.com.pem\n");
	buffer_free(&text);
}

static void sha256sum_fails_when_the_buffer_is_full(void **state)
{
	AUTO_FILE_SET struct file_set set = FILE_SET_INIT;
	struct buffer text;

	(void)state;
	add(&set, "a", "1");
	buffer_init(&text, 67); /* a line of 68 */
	assert_int_equal(sha256sum_write(&set, &text), -1);
	assert_true(text.failed);
	buffer_free(&text);
}

static void names_that_would_need_care_are_refused(void **state)
{
	static const char *const bad[] = {"",	 ".",	 "..",	 "..data", ".x",  "a/b", "/a",
					  "a b", "a\nb", "a\\b", "a<b",	   "a\"", "a&b", "a%2e"};
	AUTO_FILE_SET struct file_set set = FILE_SET_INIT;
	char longest[FILE_SET_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error err = ERROR_INIT;
		assert_false(file_set_name_is_allowed(bad[i]));
		assert_int_equal(file_set_add(&set, bad[i], "x", 1, &err), -1);
		assert_contains(err.text, "is no name for an evidence file");
	}
	assert_int_equal(set.count, 0);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_false(file_set_name_is_allowed(longest));
	longest[FILE_SET_NAME_MAX] = '\0';
	assert_true(file_set_name_is_allowed(longest));
	assert_true(file_set_name_is_allowed("cert-*.xn--bcher-kva.example.pem"));
}

static void a_name_twice_is_refused(void **state)
{
	AUTO_FILE_SET struct file_set set = FILE_SET_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	add(&set, "a", "1");
	assert_int_equal(file_set_add(&set, "a", "2", 1, &err), -1);
	assert_contains(err.text, "two evidence files named a");
	assert_string_equal(set.files[0].data, "1");
}

static void limits_hold(void **state)
{
	AUTO_FILE_SET struct file_set set = FILE_SET_INIT;
	AUTO_FREE char *large = calloc(1, EVIDENCE_FILE_MAX + 1);
	struct error err = ERROR_INIT;
	char name[32];

	(void)state;
	assert_non_null(large);
	assert_int_equal(file_set_add(&set, "a", large, EVIDENCE_FILE_MAX + 1, &err), -1);
	assert_contains(err.text, "a has 33554433 bytes, more than 33554432");
	for (int i = 0; i < FILE_SET_TOTAL_MAX / EVIDENCE_FILE_MAX; i++) {
		snprintf(name, sizeof(name), "large-%d", i);
		assert_int_equal(file_set_add(&set, name, large, EVIDENCE_FILE_MAX, &err), 0);
	}
	assert_int_equal(file_set_add(&set, "fits", large, FILE_SET_TOTAL_MAX - set.total, &err),
			 0);
	assert_int_equal(file_set_add(&set, "one-more", "x", 1, &err), -1);
	assert_contains(err.text, "more than 134217728 bytes");
	file_set_free(&set);
	for (int i = 0; i < FILE_SET_COUNT_MAX; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		assert_int_equal(file_set_add(&set, name, "", 0, &err), 0);
	}
	assert_int_equal(file_set_add(&set, "one-more", "", 0, &err), -1);
	assert_contains(err.text, "more than 10100 evidence files");
}

static void hex_goes_both_ways(void **state)
{
	unsigned char bytes[256], back[256];
	char text[513];

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	hex_encode(bytes, sizeof(bytes), text);
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text, "000102", 6);
	assert_true(hex_is_valid(text));
	assert_int_equal(hex_decode(text, 512, back), 0);
	assert_memory_equal(back, bytes, sizeof(bytes));
	assert_int_equal(hex_decode("aAfF", 4, back), 0);
	assert_memory_equal(back, "\xaa\xff", 2);
}

static void what_is_no_hex_is_refused(void **state)
{
	static const char *const bad[] = {"0",	"g0", "0g", "0x", " 0", "0 ",
					  "-1", "0/", "0:", "@0", "0G", "`0"};
	unsigned char out[8];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(hex_decode(bad[i], strlen(bad[i]), out), -1);
		assert_false(hex_is_valid(bad[i]));
	}
	assert_true(hex_is_valid(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files_are_sorted_and_found),
	    cmocka_unit_test(digests_are_those_of_sha256),
	    cmocka_unit_test(sha256sum_writes_what_coreutils_reads),
	    cmocka_unit_test(sha256sum_fails_when_the_buffer_is_full),
	    cmocka_unit_test(names_that_would_need_care_are_refused),
	    cmocka_unit_test(a_name_twice_is_refused),
	    cmocka_unit_test(limits_hold),
	    cmocka_unit_test(hex_goes_both_ways),
	    cmocka_unit_test(what_is_no_hex_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
