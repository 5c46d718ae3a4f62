/*
 * Answers, as a client reads them: every view lies in the frame, the fields account for no
 * more bytes than there are, and what the broker's side writes is read as it was.
 */
#include "codec/kafka.h"
#include "codec/kafka_client.h"

#include "fuzz.h"

#include <mskgov/error.h>

/* The big-endian number of `count` bytes. */
static uint64_t number(const uint8_t *bytes, size_t count) {
  uint64_t value = 0;

  while (count-- > 0)
    value = value << 8 | *bytes++;

  return value;
}

static void check_handshake(const uint8_t *data, size_t size) {
  size_t used = 4 + 2 + 4, found = 0, count;
  gov_kafka_handshake_answer answer;
  gov_kafka_view name;
  int rc = gov_kafka_handshake_answer_parse(&answer, data, size);

  FUZZ_CHECK(rc == 0 || rc == MSKGOV_ERR_PROTOCOL);
  if (rc)
    return;
  FUZZ_CHECK((uint32_t)answer.correlation == number(data, 4));
  FUZZ_CHECK((uint16_t)answer.error == number(data + 4, 2));
  FUZZ_CHECK(answer.count == (number(data + 6, 4) == UINT32_MAX ? 0 : number(data + 6, 4)));
  for (count = answer.count; gov_kafka_mechanisms_next(&answer, &name); found++) {
    FUZZ_CHECK(fuzz_is_within(name.data, name.length, data, size));
    used += 2 + name.length;
  }
  FUZZ_CHECK(found == count && used <= size);
}

/* The same answer, written by the broker's side. */
static void check_written(const gov_kafka_authenticate_answer *answer) {
  gov_kafka_request request = {
      .api = GOV_KAFKA_SASL_AUTHENTICATE, .version = 1, .correlation = answer->correlation};
  char *text =
      answer->text.data ? fuzz_string(answer->text.data, answer->text.length) : NULL;
  gov_kafka_authenticate_answer again;
  gov_buffer frame;

  gov_buffer_init(&frame, answer->text.length + 100);
  gov_kafka_write_sasl_authenticate(&frame, &request, (gov_kafka_error)answer->error, text,
                                    "", (uint64_t)answer->session_lifetime_ms);
  FUZZ_CHECK(!frame.failed);
  FUZZ_CHECK(
      gov_kafka_authenticate_answer_parse(&again, frame.data + 4, frame.length - 4) == 0);
  FUZZ_CHECK(again.correlation == answer->correlation && again.error == answer->error);
  FUZZ_CHECK(again.session_lifetime_ms == answer->session_lifetime_ms);
  FUZZ_CHECK(again.auth_bytes.length == 0);
  FUZZ_CHECK((again.text.data != NULL) == (text != NULL));
  FUZZ_CHECK(!text || (again.text.length == strlen(text) &&
                       memcmp(again.text.data, text, again.text.length) == 0));
  gov_buffer_fini(&frame);
  free(text);
}

static void check_authenticate(const uint8_t *data, size_t size) {
  size_t at = 4 + 2 + 2 + 4; /* the lifetime, but for the lengths of text and bytes */
  gov_kafka_authenticate_answer answer;
  int rc = gov_kafka_authenticate_answer_parse(&answer, data, size);

  FUZZ_CHECK(rc == 0 || rc == MSKGOV_ERR_PROTOCOL);
  if (rc)
    return;
  FUZZ_CHECK((uint32_t)answer.correlation == number(data, 4));
  FUZZ_CHECK((uint16_t)answer.error == number(data + 4, 2));
  FUZZ_CHECK(answer.text.data
                 ? fuzz_is_within(answer.text.data, answer.text.length, data, size)
                 : !answer.text.length && number(data + 6, 2) == UINT16_MAX);
  at += answer.text.length;
  FUZZ_CHECK(
      answer.auth_bytes.data
          ? fuzz_is_within(answer.auth_bytes.data, answer.auth_bytes.length, data, size)
          : !answer.auth_bytes.length && number(data + at - 4, 4) == UINT32_MAX);
  at += answer.auth_bytes.length;
  FUZZ_CHECK(at + 8 <= size && answer.session_lifetime_ms >= 0);
  FUZZ_CHECK((uint64_t)answer.session_lifetime_ms == number(data + at, 8));
  check_written(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  check_handshake(data, size);
  check_authenticate(data, size);

  return 0;
}
