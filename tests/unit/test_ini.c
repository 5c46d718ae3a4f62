/*
 * The ini files of AWS's tools. What is expected is what botocore 1.44 reads out of the
 * same text (botocore.configloader.load_config under Python 3.11), told as a list of
 * sections and settings. Rows marked SDKS differ from it: they are read as aws-c-sdkutils
 * reads them. Rows marked OURS are read as codec/ini.h says. The comment says what botocore
 * makes of them.
 */
#include "codec/ini.h"
#include "base/buffer.h"
#include "base/error.h"
#include "harness.h"

#include <string.h>

#define ROOM 200000

/* What was told: "[name]" and "name=value", each with a ";" behind; "/" is a line end. */
typedef struct told_list {
  gov_buffer text;
  int calls, fail_at; /* the call that is answered with MSKGOV_ERR_STATE; 0: none */
} told_list;

static int answer(told_list *told) {
  return ++told->calls == told->fail_at ? MSKGOV_ERR_STATE : 0;
}

static int on_section(void *self, const char *name) {
  told_list *told = self;

  gov_buffer_append_string(&told->text, "[");
  gov_buffer_append_string(&told->text, name);
  gov_buffer_append_string(&told->text, "];");

  return answer(told);
}

static int on_setting(void *self, const char *name, const char *value) {
  told_list *told = self;

  gov_buffer_append_string(&told->text, name);
  gov_buffer_append_string(&told->text, "=");
  for (; *value; value++)
    gov_buffer_append(&told->text, *value == '\n' ? "/" : value, 1);
  gov_buffer_append_string(&told->text, ";");

  return answer(told);
}

static void start(told_list *told) {
  *told = (told_list){0};
  gov_buffer_init(&told->text, ROOM);
  gov_buffer_append(&told->text, "", 0);
}

/* The text is put into memory of its exact size, for the sanitizers. */
static int read_text(told_list *told, const char *text, size_t length, unsigned *line,
                     mskgov_error_info *error) {
  gov_ini_handler handler = {on_section, on_setting, told};
  char *copy = malloc(length ? length : 1);
  int rc;

  ck_assert_ptr_nonnull(copy);
  memcpy(copy, text, length);
  gov_error_reset(error);
  rc = gov_ini_read(copy, length, &handler, line, error);
  free(copy);

  return rc;
}

static const struct {
  const char *text, *expected;
} readings[] = {
    {"", ""},
    {"\n\n  \n", ""},
    {"[default]", "[default];"},
    {"[default]\na=1", "[default];a=1;"},
    {"[default]\n\ta\t=\t1\t\nb =  2 3  \n", "[default];a=1;b=2 3;"},
    {"[default]\nA_B=Xy\nAws_Access_Key_Id=AKID\n",
     "[default];a_b=Xy;aws_access_key_id=AKID;"},
    {"[default]\na=\nb= \nc=1\n", "[default];a=;b=;c=1;"},
    {"[default]\na = \"q\"\n", "[default];a=\"q\";"},
    {"[default]\na b=1\n", "[default];a b=1;"},
    {"[default]\na==1\nb=c=d\n", "[default];a==1;b=c=d;"},
    {"[default]\na:1\nb : c=1\nd=e:1\nf=https://h:1/?a=b\n",
     "[default];a=1;b=c=1;d=e:1;f=https://h:1/?a=b;"},
    {"[default]\na=\xc3\xa9\n\xc3\x89=1\n",
     "[default];a=\xc3\xa9;\xc3\x89=1;"}, /* OURS: a small letter */

    /* comments */
    {"# x\n;y\n[default]\n# x=1\n; y=1\n  # z=1\na=1\n", "[default];a=1;"},
    {"[default]\na=b#c\nb=b;c\nc=#b\nd=https://d-1.awsapps.com/start#/\n",
     "[default];a=b#c;b=b;c;c=#b;d=https://d-1.awsapps.com/start#/;"},
    {"[default]\na = b # c\nb = b\t;c\nc = b # c ; d\n",
     "[default];a=b;b=b;c=b;"},              /* SDKS: part of the value */
    {"[default]\na= #b\n", "[default];a=;"}, /* SDKS: #b */
    {"[default] # c\na=1\n", "[default];a=1;"},
    {"[default];c\na=1\n", "[default];a=1;"},
    {"[profile x#y]\na=1\n", "[profile x#y];a=1;"},

    /* line ends */
    {"[default]\r\na=1\r\n\r\nb=2\r\n", "[default];a=1;b=2;"},
    {"[default]\ra=1\rb=2", "[default];a=1;b=2;"},
    {"[default]\ra=1\r", "[default];a=1;"},
    {"[default]\na=1\x0b\nb=1\x0c\n", "[default];a=1;b=1;"},
    {"\xef\xbb\xbf[default]\na=1\n", "[default];a=1;"}, /* OURS: an error */

    /* sections */
    {"[profile  x]\na=1\n[sso-session s]\nb=2\n", "[profile  x];a=1;[sso-session s];b=2;"},
    {"[profile \"my profile\"]\n", "[profile \"my profile\"];"},
    {"  [default]\na=1\n", "[default];a=1;"},
    {"[default]x=1\na=1\n", "[default];a=1;"},
    {"[x]\n  [y]\nz=1\n", "[x];[y];z=1;"},
    {"[ profile x\t]\na=1\n", "[profile x];a=1;"},   /* SDKS: the name is trimmed */
    {"[a]b]\na=1\n", "[a];a=1;"},                    /* SDKS: a]b */
    {"[profile x] # of [y]\n", "[profile x];"},      /* SDKS: x] # of [y */
    {"[DEFAULT]\na=1\n[x]\n", "[DEFAULT];a=1;[x];"}, /* SDKS: a is also in x */
    {"[x]\na=1\na=2\n[y]\n[x]\nA=3\n", "[x];a=1;a=2;[y];[x];a=3;"}, /* SDKS: an error */

    /* continuation lines */
    {"[default]\na=1\n  two\n\tthree = 3\nb=2\n", "[default];a=1/two/three = 3;b=2;"},
    {"[default]\na=1\n  two\n", "[default];a=1/two;"},
    {"[default]\na=1\n  two", "[default];a=1/two;"},
    {"[default]\na=1\n [profile x]\nb=2\n", "[default];a=1/[profile x];b=2;"},
    {"[default]\na=1\n[profile x]\n  b=2\n", "[default];a=1;[profile x];b=2;"},
    {"[default]\na=1\n# x\n  # y\n  b=2\n", "[default];a=1/b=2;"},
    {"[default]\na=1\n  b # c\n", "[default];a=1/b # c;"},
    {"[default]\n a=1\n b=2\n", "[default];a=1;b=2;"},
    {"[default]\n a=1\n  b=2\n c=3\nd=4\n", "[default];a=1/b=2;c=3;d=4;"},
    {"[default]\n  a=1\n b=2\n", "[default];a=1;b=2;"},
    {"[default]\na=1\n\n  b\n", "[default];a=1/b;"}, /* SDKS: 1//b */
    {"[default]\na=1\n  b=2\n   c=3\n d=4\n", "[default];a=1/b=2/c=3/d=4;"},

    /* nested settings */
    {"[default]\ns3 =\n  max_concurrent_requests = 20\n  aws_session_token=x\nb=2\n",
     "[default];s3=;b=2;"},
    {"[default]\ns3=\n\n # c\n  a = 20\n  b=\n    c=1\n[x]\n", "[default];s3=;[x];"},
    {"[default]\ns3 = # c\n  a = 20\n", "[default];s3=;"}, /* SDKS: # c/a = 20 */
    {"[default]\ns3 =\n  a=1", "[default];s3=;"},
};

START_TEST(test_readings) {
  const char *text = readings[_i].text;
  mskgov_error_info error;
  unsigned line = 99;
  told_list told;

  start(&told);
  ck_assert_msg(read_text(&told, text, strlen(text), &line, &error) == 0, "%s", error.text);
  ck_assert_str_eq(told.text.data, readings[_i].expected);
  ck_assert_uint_eq(line, 0);
  ck_assert_int_eq(error.code, 0);
  gov_buffer_fini(&told.text);
}
END_TEST

/* Each has "hush" in its line, which no error repeats. */
static const struct {
  const char *text;
  size_t length; /* 0: up to the NUL */
  unsigned line;
  const char *expected; /* in the error */
  const char *before;   /* told before it */
} refusals[] = {
    {"hush=1\n[default]\n", 0, 1, "before the first setting", ""},
    {"# c\n\nhush\n", 0, 3, "before the first setting", ""},
    {"[default]\nhush\n", 0, 2, "name = value", "[default];"},
    {"[default]\na=1\nhush\nb=1\n", 0, 3, "name = value", "[default];a=1;"},
    {"[default]\r\na=1\r\nhush\r\nb=1\r\n", 0, 3, "name = value", "[default];a=1;"},
    {"[default]\ra=1\rhush", 0, 3, "name = value", "[default];a=1;"},
    {"[default]\n=hush\n", 0, 2, "name = value", "[default];"},
    {"[default]\n : hush\n", 0, 2, "name = value", "[default];"},
    {"[default]\n[hush\na=1\n", 0, 2, "no \"]\"", "[default];"},
    {"[hush\n", 0, 1, "no \"]\"", ""},
    {"[]hush\n", 0, 1, "has 0 bytes; allowed are 1 to 512", ""},
    {"[default]\n[]=hush\n", 0, 2, "has 0 bytes; allowed are 1 to 512",
     "[default];"},                           /* OURS: a setting "[]" */
    {"[ \t]hush\n", 0, 1, "has 0 bytes", ""}, /* OURS: a section " " */
    {"[hush=1\n", 0, 1, "no \"]\"", ""},
    {"[default]\n[hush=1\n", 0, 2, "no \"]\"", "[default];"}, /* SDKS: a setting "[hush" */
    {"[default]\ns3=\n  hush\n", 0, 3, "below a setting without a value", "[default];"},
    {"[default]\ns3=\n  a=1\n  hush\nb=1\n", 0, 4, "below a setting without", "[default];"},
    {"[default]\naws_session_token=\n  hush:1\n", 0, 3, "without a value", "[default];"},
    {"[default]\na=hush\0\n", 18, 2, "NUL", "[default];"}, /* OURS: kept */
    {"[default]\n# hush\0\na=1\n", 22, 2, "NUL", "[default];"},
    {"\0", 1, 1, "NUL", ""},
    {"[\0d\0]\0", 6, 1, "UTF-8", ""},
};

START_TEST(test_refusals) {
  const char *text = refusals[_i].text;
  size_t length = refusals[_i].length ? refusals[_i].length : strlen(text);
  mskgov_error_info error;
  unsigned line = 99;
  told_list told;

  start(&told);
  ck_assert_int_eq(read_text(&told, text, length, &line, &error), MSKGOV_ERR_INVALID);
  ck_assert_int_eq(error.code, MSKGOV_ERR_INVALID);
  ck_assert_msg(strstr(error.text, refusals[_i].expected), "%s", error.text);
  ck_assert_ptr_null(strstr(error.text, "hush"));
  ck_assert_uint_eq(line, refusals[_i].line);
  ck_assert_str_eq(told.text.data, refusals[_i].before);
  gov_buffer_fini(&told.text);

  start(&told);
  ck_assert_int_eq(read_text(&told, text, length, NULL, NULL), MSKGOV_ERR_INVALID);
  gov_buffer_fini(&told.text);
}
END_TEST

/* "[s]\n", then `before`, `count` times "x", and `after`. */
static int read_long(told_list *told, const char *before, size_t count, const char *after,
                     unsigned *line, mskgov_error_info *error) {
  gov_buffer text;
  int rc;

  start(told);
  gov_buffer_init(&text, ROOM);
  gov_buffer_append_string(&text, before);
  memset(gov_buffer_extend(&text, count), 'x', count);
  gov_buffer_append_string(&text, after);
  ck_assert(!text.failed);
  rc = read_text(told, text.data, text.length, line, error);
  gov_buffer_fini(&text);

  return rc;
}

/* Lines of 32768 bytes and values of as many, names of sections of 512. */
static const struct {
  const char *before;
  size_t count;
  const char *after;
  unsigned line; /* of the error; 0: none */
  const char *expected;
} bounds[] = {
    {"[s]\na=", 32766, "", 0, ""},
    {"[s]\na=", 32767, "", 2, "32769 bytes; allowed are 32768"},
    {"[s]\na=", 32766, "\r\nb=1\r\n", 0, ""},
    {"[s]\na=", 32767, "\nb=1\n", 2, "32769 bytes; allowed are 32768"},
    {"#", 32767, "\n", 0, ""},
    {"#", 32768, "\n", 1, "32769 bytes; allowed are 32768"},
    {"[s]\na=1\n ", 32766, "\n", 0, ""},
    {"[s]\na=12\n ", 32766, "\n", 3, "more than 32768 bytes"},
    {"[s]\na=\n b=", 32765, "\n c=1\n", 0, ""},
    {"[", 512, "]\n", 0, ""},
    {"[ ", 512, " ] # more\n", 0, ""},
    {"[", 513, "]\n", 1, "has 513 bytes; allowed are 1 to 512"},
    {"[s]\n", 32767, "=", 0, ""},
};

START_TEST(test_bounds) {
  mskgov_error_info error;
  unsigned line = 99;
  told_list told;
  int rc = read_long(&told, bounds[_i].before, bounds[_i].count, bounds[_i].after, &line,
                     &error);

  ck_assert_msg(rc == (bounds[_i].line ? MSKGOV_ERR_INVALID : 0), "%s", error.text);
  ck_assert_uint_eq(line, bounds[_i].line);
  ck_assert_msg(strstr(error.text, bounds[_i].expected), "%s", error.text);
  gov_buffer_fini(&told.text);
}
END_TEST

/* A token as long as STS hands out, and a profile's name, come out whole. */
START_TEST(test_nothing_is_cut) {
  mskgov_error_info error;
  told_list told;

  ck_assert_int_eq(read_long(&told, "[s]\na=", 2048, "\n", NULL, &error), 0);
  ck_assert_uint_eq(told.text.length, strlen("[s];a=;") + 2048);
  gov_buffer_fini(&told.text);
  ck_assert_int_eq(read_long(&told, "[profile ", 300, "]\n", NULL, &error), 0);
  ck_assert_uint_eq(told.text.length, strlen("[profile ];") + 300);
  gov_buffer_fini(&told.text);
}
END_TEST

/* The code goes out, the line is that of what was told, and nothing is told after it. */
static const struct {
  int fail_at;
  unsigned line;
  const char *told;
} failures[] = {
    {1, 1, "[s];"},
    {2, 2, "[s];a=1/2;"},
    {3, 5, "[s];a=1/2;b=;"},
    {4, 7, "[s];a=1/2;b=;[t];"},
    {5, 8, "[s];a=1/2;b=;[t];c=3;"},
};

START_TEST(test_handler_ends_it) {
  const char *text = "[s]\na=1\n 2\n\nb=\n  n=1\n[t]\nc=3\n# end\n";
  mskgov_error_info error;
  unsigned line = 99;
  told_list told;

  start(&told);
  told.fail_at = failures[_i].fail_at;
  ck_assert_int_eq(read_text(&told, text, strlen(text), &line, &error), MSKGOV_ERR_STATE);
  ck_assert_int_eq(error.code, 0);
  ck_assert_uint_eq(line, failures[_i].line);
  ck_assert_str_eq(told.text.data, failures[_i].told);
  gov_buffer_fini(&told.text);
}
END_TEST

START_TEST(test_no_text) {
  gov_ini_handler handler = {on_section, on_setting, NULL};

  ck_assert_int_eq(gov_ini_read(NULL, 0, &handler, NULL, NULL), 0);
}
END_TEST

TEST_MAIN("ini", TEST_TABLE(test_readings, readings), TEST_TABLE(test_refusals, refusals),
          TEST_TABLE(test_bounds, bounds), TEST(test_nothing_is_cut),
          TEST_TABLE(test_handler_ends_it, failures), TEST(test_no_text))
