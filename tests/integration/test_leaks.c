/*
 * The command at its loudest, with a canary in every place where there can be a secret: none
 * of what it prints holds one, but for the token that `mskgov token` is asked for.
 */
#include "../unit/aws_environment.h"
#include "../unit/harness.h"
#include "leak_cases.h"
#include "leak_run.h"
#include "leak_search.h"

#include <sys/stat.h>

#define BROKER "b-1.demo.abcde1.c2.kafka.eu-west-1.amazonaws.com:9098"
/* The SHA-1 of "corp". */
#define SSO_FILE ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json"

/* What comes before the token in what a command prints; NULL: it prints none. */
static const struct {
  const char *words[6];
  const char *before_token;
} commands[] = {
    {{"token"}, ""},
    {{"whoami", "--json"}, NULL},
    {{"token", "--json"}, "\"token\": \""},
    {{"whoami"}, NULL},
    {{"token", "--mechanism", "aws-msk-iam", "--broker", BROKER},
     "\"x-amz-security-token\":\""},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static char home[64];
static http_stub services;

/* A copy with the placeholders filled in. */
static char *expand(const char *text) {
  char *expanded;
  size_t length;
  FILE *out = open_memstream(&expanded, &length);

  ck_assert_ptr_nonnull(out);
  while (*text)
    if (strncmp(text, "{home}", 6) == 0) {
      fputs(home, out);
      text += 6;
    } else if (strncmp(text, "{port}", 6) == 0) {
      fprintf(out, "%u", services.port);
      text += 6;
    } else {
      fputc(*text++, out);
    }
  fclose(out);

  return expanded;
}

static void in_home(char path[256], const char *name) {
  snprintf(path, 256, "%s/%s", home, name);
}

static void put_file(const char *name, const char *text, size_t length) {
  char path[256];
  FILE *file;

  if (!text)
    return;
  in_home(path, name);
  file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(text, 1, length ? length : strlen(text), file),
                    length ? length : strlen(text));
  ck_assert_int_eq(fclose(file), 0);
}

static const char *const folders[] = {".aws", ".aws/sso", ".aws/sso/cache"};
static const char *const files[] = {".aws/config", ".aws/credentials", "token", SSO_FILE};

static void make_home(const leak_case *test) {
  char path[256];

  strcpy(home, "/tmp/mskgov-leaks-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(home));
  for (size_t i = 0; i < 3; i++) {
    in_home(path, folders[i]);
    ck_assert_int_eq(mkdir(path, 0700), 0);
  }
  put_file(files[0], test->config, 0);
  put_file(files[1], test->credentials, test->credentials_length);
  put_file(files[2], test->token, 0);
  put_file(files[3], test->sso, 0);
  setenv("HOME", home, 1);
}

static void remove_home(void) {
  char path[256];

  for (size_t i = 0; i < 4; i++) {
    in_home(path, files[i]);
    unlink(path);
  }
  for (size_t i = 3; i-- > 0;) {
    in_home(path, folders[i]);
    ck_assert_int_eq(rmdir(path), 0);
  }
  ck_assert_int_eq(rmdir(home), 0);
}

static void add_option(const char *variable, const char *option) {
  const char *before = getenv(variable);
  char options[4096];

  snprintf(options, sizeof(options), "%s%s%s", before ? before : "", before ? " " : "",
           option);
  setenv(variable, options, 1);
}

static void set_environment(const leak_case *test) {
  aws_environment_clear();
  unsetenv("AWS_CONFIG_FILE");
  unsetenv("AWS_SHARED_CREDENTIALS_FILE");
  setenv("AWS_REGION", "eu-west-1", 1);
  /* The cache's thread may outlive main, and with it what OpenSSL keeps for a thread. */
  add_option("ASAN_OPTIONS", "detect_leaks=0");
  add_option("TSAN_OPTIONS", "atexit_sleep_ms=0");
  for (size_t i = 0; test->environment[i]; i++) {
    char *entry = expand(test->environment[i]), *value = strchr(entry, '=');

    *value++ = '\0';
    ck_assert_int_eq(setenv(entry, value, 1), 0);
    free(entry);
  }
}

static leak_output run_command(const leak_case *test, size_t command) {
  const char *words[16] = {LEAKS_COMMAND};
  size_t count = 1, answers = 0;
  leak_output output;

  for (size_t i = 0; i < 6 && commands[command].words[i]; i++)
    words[count++] = commands[command].words[i];
  for (size_t i = 0; i < 6 && test->arguments[i]; i++)
    words[count++] = test->arguments[i];
  while (answers < 5 && test->answers[answers].text)
    answers++;

  http_stub_start(&services, test->answers, answers ? answers : 1);
  set_environment(test);
  output = leak_run(words);
  http_stub_stop(&services);

  return output;
}

/* Base64url, up to the first byte that is none. */
static size_t decode(const char *text, char *out, size_t size) {
  static const char letters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  unsigned bits = 0, count = 0;
  const char *letter;
  size_t used = 0;

  for (; *text && (letter = strchr(letters, *text)); text++) {
    bits = bits << 6 | (unsigned)(letter - letters);
    count += 6;
    if (count >= 8) {
      count -= 8;
      ck_assert_uint_lt(used, size);
      out[used++] = (char)(bits >> count);
    }
  }

  return used;
}

/* Looks at the token, which may hold the session's, and takes it out of the text. */
static void check_token(const char *where, const char *before, leak_text *text) {
  static char token[65536], url[65536];
  char *start = strstr(text->data, before);
  size_t length, at;

  ck_assert_msg(start, "%s: there is no %s", where, before);
  start += strlen(before);
  length = strcspn(start, "\"\n");
  ck_assert_uint_lt(length, sizeof(token));
  memcpy(token, start, length);
  token[length] = '\0';
  memset(start, '.', length);

  ck_assert_msg(leak_search(token, length, false, &at), "%s: the search is blind", where);
  leak_assert_none(where, token, length, true);
  length = decode(token, url, sizeof(url));
  if (strncmp(before, "\"x-amz", 6) != 0)
    ck_assert_int_eq(strncmp(url, "https://kafka.eu-west-1.amazonaws.com/", 38), 0);
  leak_assert_none(where, url, length, true);
}

static void check_case(const leak_case *test) {
  size_t count = test->says ? 2 : COMMANDS;
  char where[256];

  make_home(test);
  for (size_t i = test->slow ? 1 : 0; i < count; i++) {
    leak_output output = run_command(test, i);

    snprintf(where, sizeof(where), "%s: %s", test->name, commands[i].words[0]);
    ck_assert_msg(test->says ? output.status > 0 && strstr(output.err.data, test->says)
                             : output.status == 0 && output.err.length == 0,
                  "%s: %d, %s", where, output.status, output.err.data);
    if (!test->says && commands[i].before_token)
      check_token(where, commands[i].before_token, &output.out);
    leak_assert_none(where, output.out.data, output.out.length, false);
    leak_assert_none(where, output.err.data, output.err.length, false);
    leak_output_free(&output);
  }
  remove_home();
}

START_TEST(test_environment) {
  check_case(&from_environment[_i]);
}
END_TEST

START_TEST(test_files) {
  check_case(&from_files[_i]);
}
END_TEST

START_TEST(test_processes) {
  check_case(&from_processes[_i]);
}
END_TEST

START_TEST(test_web_identity) {
  check_case(&from_web_identity[_i]);
}
END_TEST

START_TEST(test_metadata) {
  check_case(&from_metadata[_i]);
}
END_TEST

START_TEST(test_sso) {
  check_case(&from_sso[_i]);
}
END_TEST

START_TEST(test_endless_line) {
  static char text[1 << 17];
  leak_case test = {
      .name = "an endless line", .credentials = text, .says = "bytes; allowed are"};
  size_t used = (size_t)sprintf(text, "[default]\naws_secret_access_key = ");

  while (used < sizeof(text) - sizeof(CANARY_FILE_SECRET))
    used += (size_t)sprintf(text + used, "%s", CANARY_FILE_SECRET);
  check_case(&test);
}
END_TEST

/* The process's standard error is its own, and comes through: a leak on purpose, by which
   the search shows that it sees what the command prints. */
START_TEST(test_leak_is_found) {
  static const leak_case test = {
      .config = PROCESS("sh -c 'echo oops " CANARY_PROCESS_SECRET " >&2; exit 1'")};
  leak_output output;
  const canary *found;
  size_t at;

  make_home(&test);
  output = run_command(&test, 0);
  found = leak_search(output.err.data, output.err.length, false, &at);
  ck_assert_ptr_nonnull(found);
  ck_assert_str_eq(found->text, CANARY_PROCESS_SECRET);
  ck_assert_uint_eq(at, 5);
  leak_output_free(&output);
  remove_home();
}
END_TEST

/* CANARY_FILE_SECRET as Python's base64, urllib.parse and bytes.hex write it. */
static const struct {
  const char *text;
  bool is_leak;
} texts[] = {
    {"YJXGKTf++5pVGhvD5gX6FawGvd/5xBROrKG1/GGS", true},
    {"YJXGKTf%2B%2B5pVGhvD5gX6FawGvd%2F5xBROrKG1%2FGGS", true},
    {"XGKTf%2B%2B5", true},
    {"XGKTf%2b%2b5", true},
    {"XGKTf%252B%252B5", true},
    {"gX6FawGvd\\/5", true},
    {"YJXGKTf++5pV...", true},
    {"YJXGKTf++5p...", false},
    {"...BROrKG1/GGS", false},
    {"...xBROrKG1/GGS", true},
    {"SPACED YJXGKT f++5pVGhvD5", false},
    {"WUpYR0tUZisrNXBWR2h2RDVnWDZGYXdHdmQvNXhCUk9yS0cxL0dHUw==", true},
    {"WUpYR0tUZiUyQiUyQjVwVkdodkQ1Z1g2RmF3R3ZkJTJGNXhCUk9yS0cxJTJGR0dT", true},
    {"eFlKWEdLVGYrKzVwVkdodkQ1Z1g2RmF3R3ZkLzV4QlJPcktHMS9HR1M=", true},
    {"eFlKWEdLVGYlMkIlMkI1cFZHaHZENWdYNkZhd0d2ZCUyRjV4QlJPcktHMSUyRkdHUw==", true},
    {"eHlZSlhHS1RmKys1cFZHaHZENWdYNkZhd0d2ZC81eEJST3JLRzEvR0dT", true},
    {"eHlZSlhHS1RmJTJCJTJCNXBWR2h2RDVnWDZGYXdHdmQlMkY1eEJST3JLRzElMkZHR1M=", true},
    {"594a58474b54662b2b35705647687644356758364661774776642f357842524f724b47312f474753",
     true},
    {"594A58474B54662B2B35705647687644356758364661774776642F357842524F724B47312F474753",
     true},
};

START_TEST(test_forms) {
  const canary *found;
  size_t at;

  found = leak_search(texts[_i].text, strlen(texts[_i].text), false, &at);
  ck_assert_msg(!found == !texts[_i].is_leak, "%s", texts[_i].text);
  if (found)
    ck_assert_str_eq(found->text, CANARY_FILE_SECRET);
}
END_TEST

int main(void) {
  const test_entry entries[] = {TEST_TABLE(test_forms, texts),
                                TEST(test_leak_is_found),
                                TEST_TABLE(test_environment, from_environment),
                                TEST_TABLE(test_files, from_files),
                                TEST_TABLE(test_processes, from_processes),
                                TEST_TABLE(test_web_identity, from_web_identity),
                                TEST_TABLE(test_metadata, from_metadata),
                                TEST_TABLE(test_sso, from_sso),
                                TEST(test_endless_line)};

  leak_search_init(); /* once, and not in every child that runs a test */

  return test_run("leaks", entries, sizeof(entries) / sizeof(entries[0]));
}
