/*
 * Memory for secrets. What the kernel leaves out of core dumps it marks "dd" in the process's
 * smaps, which is where these tests look.
 */
#include "base/secret.h"

#include "harness.h"
#include "threads.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define FROM_HEAP true
#else
#define FROM_HEAP false
#endif

/* Whether a core dump leaves this address out. */
static bool is_left_out(const void *address) {
  FILE *maps = fopen("/proc/self/smaps", "r");
  char line[512];
  bool here = false, answer = false;
  unsigned long from, to;

  ck_assert_ptr_nonnull(maps);
  while (fgets(line, sizeof(line), maps)) {
    if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
      here = (unsigned long)address >= from && (unsigned long)address < to;
    else if (here && strncmp(line, "VmFlags:", 8) == 0)
      answer = strstr(line, " dd") != NULL;
  }
  fclose(maps);

  return answer;
}

/* Around every change of kind, and above the largest block. */
static const size_t sizes[] = {1,     8,      63,    64,    65,     128,
                               129,   4096,   4097,  32768, 65535,  65536,
                               65537, 131072, 65600, 99999, 1000000};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

START_TEST(test_is_left_out_of_core_dumps) {
  char *memory = gov_secret_alloc(sizes[_i]), *other = malloc(100);

  ck_assert_ptr_nonnull(memory);
  memset(memory, 's', sizes[_i]);
  if (!FROM_HEAP) {
    ck_assert(is_left_out(memory));
    ck_assert(is_left_out(memory + sizes[_i] - 1));
  }
  ck_assert(!is_left_out(other)); /* the test can see a difference */
  gov_secret_free(memory, sizes[_i]);
  free(other);
}
END_TEST

START_TEST(test_blocks_are_apart_and_aligned) {
  enum { COUNT = 3000 };
  static unsigned char *blocks[COUNT];
  static size_t lengths[COUNT];

  for (int i = 0; i < COUNT; i++) {
    lengths[i] = sizes[(size_t)i % SIZES] % 70000 + 1;
    blocks[i] = gov_secret_alloc(lengths[i]);
    ck_assert_ptr_nonnull(blocks[i]);
    ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
    memset(blocks[i], i & 255, lengths[i]);
    if (i % 3 == 2) { /* holes, that later ones take */
      gov_secret_free(blocks[i - 1], lengths[i - 1]);
      blocks[i - 1] = NULL;
    }
  }
  for (int i = 0; i < COUNT; i++) {
    for (size_t k = 0; blocks[i] && k < lengths[i]; k += 61)
      ck_assert_uint_eq(blocks[i][k], i & 255);
    gov_secret_free(blocks[i], lengths[i]);
  }
}
END_TEST

START_TEST(test_zeroed_wiped_and_used_again) {
  char *memory = gov_secret_alloc(200), *again;

  if (FROM_HEAP) { /* which may keep it back for a while */
    gov_secret_free(memory, 200);
    return;
  }
  memset(memory, 's', 200);
  gov_secret_free(memory, 200);
  again = gov_secret_alloc(256); /* the same kind */
  ck_assert_ptr_eq(again, memory);
  for (int i = (int)sizeof(void *); i < 200; i++)
    ck_assert_int_eq(again[i], 0);
  memset(again, 's', 256);
  gov_secret_free(again, 256);
  again = gov_secret_zalloc(130);
  for (int i = 0; i < 130; i++)
    ck_assert_int_eq(again[i], 0);
  gov_secret_free(again, 130);
  gov_secret_free(NULL, 10);
}
END_TEST

START_TEST(test_strings) {
  char source[] = "wJalrXUtnFEMI", *copy = gov_secret_strdup(source);

  memset(source, 'x', sizeof(source) - 1);
  ck_assert_str_eq(copy, "wJalrXUtnFEMI");
  gov_secret_free_string(copy);
  copy = gov_secret_strdup("");
  ck_assert_str_eq(copy, "");
  gov_secret_free_string(copy);
  gov_secret_free_string(NULL);
}
END_TEST

START_TEST(test_no_memory) {
  /* Written so that no compiler sees a size that cannot be. */
  volatile size_t half = SIZE_MAX / 2;

  if (!FROM_HEAP) {
    ck_assert_ptr_null(gov_secret_alloc(half));
    ck_assert_ptr_null(gov_secret_alloc(half * 2 + 1));
  }
}
END_TEST

static void *churn(void *argument) {
  unsigned char mark = *(unsigned char *)argument;
  unsigned char *held[8] = {NULL};

  for (unsigned i = 0; i < 20000; i++) {
    unsigned char **place = &held[i % 8];
    size_t length = 50 + (i * 37) % 3000, old = 50 + ((i - 8) * 37) % 3000;

    if (*place) {
      if ((*place)[0] != mark || (*place)[old - 1] != mark)
        return argument;
      gov_secret_free(*place, old);
    }
    *place = gov_secret_alloc(length);
    memset(*place, mark, length);
  }
  for (unsigned i = 20000 - 8; i < 20000; i++)
    gov_secret_free(held[i % 8], 50 + (i * 37) % 3000);
  *(unsigned char *)argument = 0;

  return NULL;
}

START_TEST(test_many_threads) {
  unsigned char marks[] = {1, 2, 3, 4};

  test_threads_run(4, churn, marks, 1);
  for (int i = 0; i < 4; i++)
    ck_assert_uint_eq(marks[i], 0);
}
END_TEST

/* A child goes on where the parent's threads were in the middle of it. */
START_TEST(test_fork) {
  unsigned char marks[] = {1, 2};
  pthread_t threads[2];
  int status;

  for (int i = 0; i < 2; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, &marks[i]), 0);
  for (int i = 0; i < 50; i++) {
    pid_t child = fork();

    if (child == 0) {
      char *memory;

      alarm(10);
      memory = gov_secret_alloc(100);
      if (!memory)
        _exit(1);
      gov_secret_free(memory, 100);
      raise(SIGKILL); /* at an exit the sanitizers would miss the parent's threads */
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
}
END_TEST

TEST_MAIN("secret", TEST_TABLE(test_is_left_out_of_core_dumps, sizes),
          TEST(test_blocks_are_apart_and_aligned), TEST(test_zeroed_wiped_and_used_again),
          TEST(test_strings), TEST(test_no_memory), TEST(test_many_threads),
          TEST(test_fork))
