#include "supervisor/store/file_print.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	/* Within a tick of the kernel's clock (10 ms at most) two changes have the same time. */
	FRESH_MS = 50,
};

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static void mix(struct file_print *print, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		print->value = (print->value ^ bytes[i]) * FNV_PRIME;
}

static bool is_fresh(const struct timespec *changed)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	long long age = (long long)(now.tv_sec - changed->tv_sec) * 1000 +
			(now.tv_nsec - changed->tv_nsec) / 1000000;
	/* What lies in the future was changed by another clock, and says nothing. */
	return age >= 0 && age < FRESH_MS;
}

struct file_print file_print_begin(void)
{
	return (struct file_print){FNV_OFFSET, false};
}

void file_print_add(struct file_print *print, const char *path)
{
	struct stat info;

	if (stat(path, &info) != 0) {
		mix(print, &errno, sizeof(errno));
		return;
	}
	mix(print, &info.st_dev, sizeof(info.st_dev));
	mix(print, &info.st_ino, sizeof(info.st_ino));
	mix(print, &info.st_size, sizeof(info.st_size));
	mix(print, &info.st_mtim, sizeof(info.st_mtim));
	mix(print, &info.st_ctim, sizeof(info.st_ctim));
	print->is_fresh = print->is_fresh || is_fresh(&info.st_ctim);
}

uint64_t file_print_end(const struct file_print *print)
{
	if (print->is_fresh)
		return 0;
	return print->value == 0 ? 1 : print->value;
}

uint64_t file_print_of_text(const char *text)
{
	struct file_print print = file_print_begin();

	mix(&print, text, strlen(text));
	return file_print_end(&print);
}
