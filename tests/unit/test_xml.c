/*
 * XML against the sample answers of the "AWS Security Token Service API Reference", and
 * what is not allowed. It watches expat's memory: that all of it is wiped, and that the
 * reader comes through when there is none.
 */
#include "codec/xml.h"
#include "harness.h"
#include "sts_answers.h"

#include <string.h>

static struct {
  bool reading;   /* the rest counts while it is set */
  int made;       /* blocks */
  int wiped;      /* and freed */
  bool looking;   /* for the secret, in memory that is filled at first, for valgrind */
  int of_secrets; /* of the wiped ones: with the secret in them */
  int allowed;    /* blocks before one that is not there; -1: all are there */
  int left;       /* of them */
} memory = {.allowed = -1, .left = -1};

void __real_gov_secret_free(void *freed, size_t length);
void __wrap_gov_secret_free(void *freed, size_t length);
void *__real_gov_secret_alloc(size_t length);
void *__wrap_gov_secret_alloc(size_t length);

void __wrap_gov_secret_free(void *freed, size_t length) {
  if (freed && memory.reading) {
    memory.wiped++;
    memory.of_secrets +=
        memory.looking && memmem(freed, length, STS_SECRET, strlen(STS_SECRET));
  }
  __real_gov_secret_free(freed, length);
}

void *__wrap_gov_secret_alloc(size_t length) {
  void *made;

  if (memory.left >= 0 && memory.left-- == 0)
    return NULL;
  memory.made += memory.reading;
  made = __real_gov_secret_alloc(length);

  return made && memory.looking ? memset(made, 0xa5, length) : made;
}

/* One field of one document; a limit of 0 stands for one that is large enough. */
static int read_one(const char *document, size_t length, const char *path, size_t limit,
                    gov_buffer *text, bool *found, mskgov_error_info *error) {
  gov_xml_field field = {path, text, true};
  int rc;

  gov_buffer_init(text, limit ? limit : 4096);
  memset(error, 0, sizeof(*error));
  memory.left = memory.allowed;
  memory.reading = true;
  rc = gov_xml_read(document, length, &field, 1, error);
  memory.reading = false;
  memory.left = -1;
  *found = field.found;
  ck_assert_int_eq(error->code, rc);

  return rc;
}

/* A text of NULL: nothing is found. */
static const struct {
  const char *document, *path, *text;
} texts[] = {
    {sts_assume_role, "AssumeRoleResponse/AssumeRoleResult/Credentials/AccessKeyId",
     "ASIAIOSFODNN7EXAMPLE"},
    {sts_assume_role, "AssumeRoleResponse/AssumeRoleResult/Credentials/SecretAccessKey",
     STS_SECRET},
    /* The reference breaks the token into lines, STS does not: what is inside stays. */
    {sts_assume_role, "AssumeRoleResponse/AssumeRoleResult/Credentials/SessionToken",
     "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQW\n"
     "       +scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="},
    {sts_assume_role, "AssumeRoleResponse/ResponseMetadata/RequestId",
     "c6104cbe-af31-11e0-8154-cbc7ccf896c7"},
    {sts_assume_role, "AssumeRoleResponse/AssumeRoleResult/Credentials", ""},
    {sts_assume_role, "AssumeRoleResponse/AssumeRoleResult/AccessKeyId", NULL},
    {sts_assume_role, "AssumeRoleResponse/AssumeRoleResult/Credential", NULL},
    {sts_assume_role, "AssumeRoleResponse/AssumeRoleResult/Credentials/AccessKeyId/x",
     NULL},
    {sts_web_identity,
     "AssumeRoleWithWebIdentityResponse/AssumeRoleWithWebIdentityResult/Credentials/"
     "SessionToken",
     "AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE"},
    {sts_web_identity,
     "AssumeRoleWithWebIdentityResponse/AssumeRoleWithWebIdentityResult/"
     "SubjectFromWebIdentityToken",
     "amzn1.account.AF6RHO7KZU5XRVQJGXK6HB56KR2A"},
    {sts_caller_identity, "GetCallerIdentityResponse/GetCallerIdentityResult/Account",
     "123456789012"},
    {sts_refusal, "ErrorResponse/Error/Code", "ExpiredTokenException"},
    {sts_refusal, "ErrorResponse/Error/Message",
     "Token must be within the lifetime of <sub>, \"0\" & '1'"},
    {sts_refusal, "ErrorResponse/RequestId", "c6104cbe-af31-11e0-8154-cbc7ccf896c7"},
    /* the form */
    {"<a/>", "a", ""},
    {"<a></a>", "a", ""},
    {"<a> \t\r\n </a>", "a", ""},
    {"<a>\n x\ty \r\n</a>", "a", "x\ty"},
    {"<a>\xc2\xa0x\xc2\xa0</a>", "a", "\xc2\xa0x\xc2\xa0"},
    {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>x</a>\n", "a", "x"},
    {"\xef\xbb\xbf<a>x</a>", "a", "x"},
    {"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>", "a", "\xc3\xa9"},
    {"<a>&#x41;&#66;&#x1f600;</a>", "a", "AB\xf0\x9f\x98\x80"},
    {"<a>1<![CDATA[<b>&amp;</b>]]>2</a>", "a", "1<b>&amp;</b>2"},
    {"<a>1<!-- 2 -->3<?four 5?>6</a>", "a", "136"},
    {"<a b='c'>x</a>", "a", "x"},
    {"<a>x</a><!-- end --><?end?>", "a", "x"},
    /* paths */
    {"<s:a xmlns:s='urn:x'><s:b>x</s:b></s:a>", "a/b", "x"},
    {"<s:a xmlns:s='urn:x'><b xmlns='urn:y'>x</b></s:a>", "a/b", "x"},
    {"<s:a><t:b>x</t:b></s:a>", "a/b", "x"},
    {"<a><b>1</b><b>2</b></a>", "a/b", "1"},
    {"<a><b/><b>2</b></a>", "a/b", ""},
    {"<a><c><b>1</b></c><b>2</b></a>", "a/b", "2"},
    {"<a><b><b>1</b></b></a>", "a/b/b", "1"},
    {"<a><b><c>1</c></b><b><d>2</d></b></a>", "a/b/d", "2"},
    {"<a><a>1</a></a>", "a/a", "1"},
    {"<a><bc>1</bc><b>2</b></a>", "a/b", "2"},
    {"<a> 1 <b> 2 </b> 3 </a>", "a", "1  3"},
    {"<a><B>1</B></a>", "a/b", NULL},
    {"<a><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><b/><c>1</c></a>",
     "a/c", "1"},
    /* the depth that is allowed */
    {"<a><b><c><d><e><f><g><h><i><j><k><l><m><n><o><p>x</p></o></n></m></l></k></j></i></h>"
     "</g></f></e></d></c></b></a>",
     "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p", "x"},
};

START_TEST(test_texts) {
  const char *expected = texts[_i].text;
  mskgov_error_info error;
  gov_buffer text;
  bool found;

  ck_assert_msg(read_one(texts[_i].document, strlen(texts[_i].document), texts[_i].path, 0,
                         &text, &found, &error) == 0,
                "%s", error.text);
  ck_assert_msg(found == (expected != NULL), "%s in %s", texts[_i].path,
                texts[_i].document);
  if (expected) {
    ck_assert_str_eq(text.data, expected);
    ck_assert_uint_eq(text.length, strlen(expected));
  } else {
    ck_assert_uint_eq(text.length, 0);
  }
  gov_buffer_fini(&text);
}
END_TEST

#define BILLION                                                                            \
  "<!DOCTYPE a [<!ENTITY x \"hush\"><!ENTITY y \"&x;&x;&x;&x;&x;&x;&x;&x;\">]><a>&y;</a>"

static const struct {
  const char *document, *expected;
} refused[] = {
    {"", "malformed at line 1: no element found"},
    {" ", "malformed at line 1: no element found"},
    {"hush", "malformed at line 1: "},
    {"{\"a\": \"hush\"}", "malformed at line 1: "},
    {"<a>hush", "malformed at line 1: no element found"},
    {"<a>\nhush</b>", "malformed at line 2: mismatched tag"},
    {"<a>hush</a", "malformed at line 1: unclosed token"},
    {"<a>hush</a>hush", "malformed at line 1: junk after document element"},
    {"<a>hush</a><a/>", "malformed at line 1: junk after document element"},
    {"<a>hush &b;</a>", "malformed at line 1: undefined entity"},
    {"<a>hush &#0;</a>", "malformed at line 1: reference to invalid character number"},
    {"<a>hush\x01</a>", "malformed at line 1: not well-formed"},
    {"<a>hush\xff</a>", "malformed at line 1: not well-formed"},
    {"<a b='hush' b='hush'/>", "malformed at line 1: duplicate attribute"},
    {"<?xml version='1.0' encoding='hush'?><a/>", "malformed at line 1: unknown encoding"},
    {"<!DOCTYPE a><a>hush</a>", "has a DOCTYPE at line 1"},
    {"\n\n<!DOCTYPE a SYSTEM 'http://hush/'><a>hush</a>", "has a DOCTYPE at line 3"},
    {"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///hush'>]><a>&x;</a>", "has a DOCTYPE"},
    {"<!DOCTYPE a [<!ENTITY % x SYSTEM 'file:///hush'> %x;]><a/>", "has a DOCTYPE"},
    {BILLION, "has a DOCTYPE"},
    {"<hush>x</hush>", "another root element than is expected, at line 1"},
    {"<ab>hush</ab>", "another root element"},
    {"<hush><a>x</a></hush>", "another root element"},
    {"<:>x</:>", "another root element"},
    {"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>\n<hush>",
     "more than 16 elements within one another at line 2"},
    {"<a>12345678\n9</a>", "a text of more than 8 bytes in a at line 1"},
    {"<a>1234567\n9</a>", "a text of more than 8 bytes in a at line"},
    {"<a>1234567<b/>\n8</a>", "a text of more than 8 bytes in a at line"},
};

START_TEST(test_what_is_refused) {
  const char *document = refused[_i].document;
  mskgov_error_info error;
  gov_buffer text;
  bool found;

  ck_assert_msg(read_one(document, strlen(document), "a", 8, &text, &found, &error) ==
                    MSKGOV_ERR_PROTOCOL,
                "\"%s\" was taken", document);
  ck_assert_msg(strstr(error.text, refused[_i].expected), "\"%s\" lacks \"%s\"", error.text,
                refused[_i].expected);
  ck_assert_msg(!strstr(error.text, "hush"), "%s", error.text);
  gov_buffer_fini(&text);
}
END_TEST

START_TEST(test_limit_of_a_text) {
  static const char *const fits[] = {"<a>12345678</a>", "<a>\n 1234<b>hush</b>5678</a>",
                                     "<a>1234567\n</a>", "<a>&#x10ffff;&#x10ffff;</a>"};
  mskgov_error_info error;
  gov_buffer text;
  bool found;

  for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
    ck_assert_int_eq(read_one(fits[i], strlen(fits[i]), "a", 8, &text, &found, &error), 0);
    ck_assert(found);
    gov_buffer_fini(&text);
  }
}
END_TEST

/* The text before the end of its element is not found, as it may lack a part. */
START_TEST(test_what_is_cut_off) {
  size_t length = strlen(sts_assume_role);
  mskgov_error_info error;
  gov_buffer text;
  bool found;

  for (size_t i = 0; i < length; i++) {
    const char *end = strstr(sts_assume_role, "</AccessKeyId>");
    int rc = read_one(sts_assume_role, i,
                      "AssumeRoleResponse/AssumeRoleResult/Credentials/AccessKeyId", 0,
                      &text, &found, &error);

    /* The line end after the root is no part of it. */
    ck_assert_int_eq(rc, i == length - 1 ? 0 : MSKGOV_ERR_PROTOCOL);
    ck_assert_int_eq(found, sts_assume_role + i >= end + strlen("</AccessKeyId>"));
    gov_buffer_fini(&text);
  }
}
END_TEST

START_TEST(test_several_fields) {
  gov_buffer all[5];
  gov_xml_field fields[] = {
      {"ErrorResponse/Error/Code", &all[0], true},
      {"AssumeRoleResponse/AssumeRoleResult/Credentials/Expiration", &all[1], false},
      {"AssumeRoleResponse/AssumeRoleResult/PackedPolicySize", &all[2], false},
      {"AssumeRoleResponse/AssumeRoleResult/PackedPolicySize", &all[3], false},
      {"AssumeRoleResponse/AssumeRoleResult/Absent", &all[4], true}};

  for (size_t i = 0; i < 5; i++)
    gov_buffer_init(&all[i], 64);
  ck_assert_int_eq(gov_xml_read(sts_assume_role, strlen(sts_assume_role), fields, 5, NULL),
                   0);
  ck_assert(!fields[0].found);
  ck_assert(fields[1].found);
  ck_assert_str_eq(all[1].data, "2019-11-09T13:34:41Z");
  ck_assert_str_eq(all[2].data, "6");
  ck_assert_str_eq(all[3].data, "6");
  ck_assert(!fields[4].found);
  for (size_t i = 0; i < 5; i++)
    gov_buffer_fini(&all[i]);
}
END_TEST

/* "<a>", a letter, "</a>" in UTF-16, its byte order mark first. */
START_TEST(test_utf16) {
  static const char document[] = "\xff\xfe<\0a\0>\0\xe9\0<\0/\0a\0>";
  mskgov_error_info error;
  gov_buffer text;
  bool found;

  ck_assert_int_eq(read_one(document, sizeof(document), "a", 0, &text, &found, &error), 0);
  ck_assert(found);
  ck_assert_str_eq(text.data, "\xc3\xa9");
  gov_buffer_fini(&text);
}
END_TEST

START_TEST(test_large_documents) {
  size_t length = GOV_XML_LENGTH_MAX + 1;
  char *document = malloc(length), name[GOV_XML_PATH_MAX + 10];
  mskgov_error_info error;
  gov_buffer text;
  bool found;

  ck_assert_ptr_nonnull(document);
  memset(document, ' ', length);
  memcpy(document, "<a/>", 4);
  ck_assert_int_eq(read_one(document, length - 1, "a", 0, &text, &found, &error), 0);
  gov_buffer_fini(&text);
  ck_assert_int_eq(read_one(document, length, "a", 0, &text, &found, &error),
                   MSKGOV_ERR_PROTOCOL);
  ck_assert_ptr_nonnull(strstr(error.text, "1048577 bytes; allowed are 1048576"));

  /* "a/" and a name of as many bytes as are left, and of one more. */
  memset(name, 'n', sizeof(name));
  for (int more = 0; more <= 1; more++) {
    int of_name = GOV_XML_PATH_MAX - 2 + more;

    snprintf(document, length, "<a><%.*s/></a>", of_name, name);
    ck_assert_int_eq(read_one(document, strlen(document), "a", 0, &text, &found, &error),
                     more ? MSKGOV_ERR_PROTOCOL : 0);
    gov_buffer_fini(&text);
  }
  ck_assert_ptr_nonnull(strstr(error.text, "a path of names of more than 512 bytes"));
  ck_assert_ptr_null(strstr(error.text, "nnn"));
  free(document);
}
END_TEST

START_TEST(test_memory_is_wiped) {
  mskgov_error_info error;
  gov_buffer text;
  bool found;

  memory.made = memory.wiped = memory.of_secrets = 0;
  memory.looking = true;
  ck_assert_int_eq(read_one(sts_assume_role, strlen(sts_assume_role),
                            "AssumeRoleResponse/ResponseMetadata/RequestId", 0, &text,
                            &found, &error),
                   0);
  memory.looking = false;
  ck_assert_int_ge(memory.of_secrets, 1);
  ck_assert_int_ge(memory.made, 5);
  ck_assert_int_eq(memory.wiped, memory.made - 1); /* `text` has the last */
  gov_buffer_fini(&text);
}
END_TEST

/* Whichever block cannot be had, the call says so. */
START_TEST(test_no_memory) {
  static const struct {
    const char *document, *path;
  } cases[] = {
      {sts_assume_role, "AssumeRoleResponse/AssumeRoleResult/Credentials/SessionToken"},
      {"<a/>", "a"}};
  mskgov_error_info error;
  gov_buffer text;
  bool found;

  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    const char *document = cases[i].document;
    int all;

    memory.made = 0;
    ck_assert_int_eq(
        read_one(document, strlen(document), cases[i].path, 0, &text, &found, &error), 0);
    gov_buffer_fini(&text);
    all = memory.made;
    ck_assert_int_ge(all, 5);

    for (memory.allowed = 0; memory.allowed < all; memory.allowed++) {
      ck_assert_int_eq(
          read_one(document, strlen(document), cases[i].path, 0, &text, &found, &error),
          MSKGOV_ERR_NO_MEMORY);
      gov_buffer_fini(&text);
    }
    memory.allowed = -1;
  }
}
END_TEST

TEST_MAIN("xml", TEST_TABLE(test_texts, texts), TEST_TABLE(test_what_is_refused, refused),
          TEST(test_limit_of_a_text), TEST(test_what_is_cut_off), TEST(test_several_fields),
          TEST(test_utf16), TEST(test_large_documents), TEST(test_memory_is_wiped),
          TEST(test_no_memory))
