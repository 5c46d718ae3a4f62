/*
 * fuzz_<target> <directory or file>...: feeds a target with every file, in the order of
 * names, and with what becomes of each by small damage: every beginning of it, and all of
 * it but one byte. So a corpus also has its bite where there is no libFuzzer.
 *
 * Exit status: 0 all held, 1 a directory is missing or empty, 2 usage. What does not hold
 * ends the program, which then says which input it was.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 65536
#define PATH_SIZE 4096

/* There under AddressSanitizer and its like, which end the program by themselves. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static struct {
  char file[PATH_SIZE];
  const char *damage;
  size_t at, files, inputs;
} now;

static void tell_where(void) {
  fprintf(stderr, "The input was %s, %s %zu\n", now.file, now.damage, now.at);
}

static void on_signal(int number) {
  tell_where(); /* not async-signal-safe, and all is lost anyway */
  signal(number, SIG_DFL);
  raise(number);
}

static void feed(const uint8_t *data, size_t length, const char *damage, size_t at) {
  uint8_t *copy = fuzz_copy(data, length);

  now.damage = damage;
  now.at = at;
  now.inputs++;
  LLVMFuzzerTestOneInput(copy, length);
  free(copy);
}

static void feed_all(uint8_t *data, size_t length) {
  feed(data, length, "all of its bytes:", length);
  for (size_t i = 0; i < length; i++)
    feed(data, i, "only the bytes before", i);
  for (size_t i = length; i-- > 0;) {
    uint8_t dropped = data[i];

    memmove(data + i, data + i + 1, length - i - 1);
    feed(data, length - 1, "without byte", i);
    memmove(data + i + 1, data + i, length - i - 1);
    data[i] = dropped;
  }
}

static bool replay_file(void) {
  FILE *file = fopen(now.file, "rb");
  uint8_t *data = malloc(FILE_MAX + 1);
  size_t length = file && data ? fread(data, 1, FILE_MAX + 1, file) : 0;
  bool ok = file && data && !ferror(file) && length <= FILE_MAX;

  if (ok)
    feed_all(data, length);
  else
    fprintf(stderr, "%s cannot be read, or has more than %d bytes\n", now.file, FILE_MAX);
  if (file)
    fclose(file);
  free(data);
  now.files += ok;

  return ok;
}

static int is_visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

static bool replay(const char *path) {
  struct dirent **entries;
  struct stat status;
  bool ok = true;
  int count;

  snprintf(now.file, sizeof(now.file), "%s", path);
  if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
    return replay_file();

  count = scandir(path, &entries, is_visible, alphasort);
  if (count <= 0)
    fprintf(stderr, "%s: %s\n", path, count < 0 ? strerror(errno) : "has no files");
  if (count < 0)
    return false;

  for (int i = 0; i < count; i++) {
    snprintf(now.file, sizeof(now.file), "%s/%s", path, entries[i]->d_name);
    ok = replay_file() && ok;
    free(entries[i]);
  }
  free(entries);

  return ok && count > 0;
}

int main(int argc, char **argv) {
  bool ok = true;

  if (argc < 2) {
    fprintf(stderr, "Usage: %s <directory or file>...\n", argv[0]);
    return 2;
  }

  signal(SIGABRT, on_signal);
  if (__sanitizer_set_death_callback) {
    __sanitizer_set_death_callback(tell_where);
  } else {
    signal(SIGSEGV, on_signal);
    signal(SIGBUS, on_signal);
  }

  for (int i = 1; i < argc; i++)
    ok = replay(argv[i]) && ok;
  printf("%zu files, %zu inputs\n", now.files, now.inputs);

  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
