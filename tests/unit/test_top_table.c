/*
 * The table of `mskgov top`, against lines laid out by hand.
 */
#include "top_table.h"

#include "harness.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const top_process processes[] = {
    {"consumer", 12345, {40, 2, 1000, 1100, 997, 0}},
    {"ev\x1b[2Ji\x7f\x9b", 7, {300, 2, 200, 250, TOP_UNKNOWN, 3}},
};

/* 79 of 100 and 2399 of 3000 are below 80 percent, 80 and 2400 are not. */
static const top_broker brokers[] = {
    {"b-1.demo.abcdef.c2.kafka.eu-west-1.amazonaws.com:9098",
     100,
     100,
     70,
     3000,
     {340, 4, 1200, 1350, 1000, 3},
     processes,
     COUNT(processes)},
    {"b-2:9098", 79, 100, 100, UINT32_MAX, {0, 0, 7, 7, 0, 0}, NULL, 0},
};

static const top_table table = {"/run/user/0/mskgov/host-store", 2, 1500, brokers,
                                COUNT(brokers)};

static const struct {
  const char *name;
  top_style style;
  const char *text;
} tables[] = {
    {"as wide as it needs, totals",
     {.processes = true},
     "2 members, 2 brokers, rates in 1.5 s, /run/user/0/mskgov/host-store\n"
     "BROKER / PROCESS                                         RATE             OPEN CONN "
     " WAIT GRANTED REJECT ADAPT\n"
     "b-1.demo.abcdef.c2.kafka.eu-west-1.amazonaws.com:9098 100/100 ###### 1200/3000    4 "
     "  340    1350      3   70%\n"
     "  12345 consumer                                                     1000         2 "
     "   40    1100      0\n"
     "      7 ev?[2Ji??                                                     200         2 "
     "  300     250      3\n"
     "b-2:9098                                               79/100 #####.       7/-    0 "
     "    0       7      0  100%\n"},
    {"80 columns, rates",
     {.width = 80, .processes = true, .per_second = true},
     "2 members, 2 brokers, rates in 1.5 s, /run/user/0/mskgov/host-store\n"
     "BROKER / PROCESS           RATE             OPEN CONN  WAIT GRANT/S REJECT ADAPT\n"
     "b-1.demo.abcdef.c~:9098 100/100 ###### 1200/3000    4   340   100.0      3   70%\n"
     "  12345 consumer                       1000         2    40    99.7      0\n"
     "      7 ev?[2Ji??                       200         2   300       -      3\n"
     "b-2:9098                 79/100 #####.       7/-    0     0     0.0      0  100%\n"},
    {"without room for the bar",
     {.width = 70},
     "2 members, 2 brokers, rates in 1.5 s, /run/user/0/mskgov/host-store\n"
     "BROKER                  RATE      OPEN CONN  WAIT GRANTED REJECT ADAPT\n"
     "b-1.demo.abcde~:9098 100/100 1200/3000    4   340    1350      3   70%\n"
     "b-2:9098              79/100       7/-    0     0       7      0  100%\n"},
    {"colours: the quota is near at 80 percent, something was rejected",
     {.width = 70, .color = true},
     "2 members, 2 brokers, rates in 1.5 s, /run/user/0/mskgov/host-store\n"
     "BROKER                  RATE      OPEN CONN  WAIT GRANTED REJECT ADAPT\n"
     "b-1.demo.abcde~:9098 \x1b[33m100/100\x1b[0m 1200/3000    4   340    1350"
     " \x1b[31m     3\x1b[0m   70%\n"
     "b-2:9098              79/100       7/-    0     0       7      0  100%\n"},
    {"without room for much",
     {.width = 34},
     "2 members, 2 brokers, rates in 1.~\n"
     "BROKER              RATE      OPEN\n"
     "b-1.demo.a~:9098 100/100 1200/3000\n"
     "b-2:9098          79/100       7/-\n"},
    {"without room",
     {.width = 3},
     "2 ~\n"
     "BR~\n"
     "b-~\n"
     "b-~\n"},
};

START_TEST(lines_are_as_laid_out) {
  char *text = top_table_format(&table, &tables[_i].style);

  ck_assert_msg(!strcmp(text, tables[_i].text), "%s:\n%s\nexpected:\n%s", tables[_i].name,
                text, tables[_i].text);
  free(text);
}
END_TEST

static const struct {
  uint32_t used, limit, open, connecting, connections_limit;
  bool rate, connections;
} nears[] = {
    {79, 100, 2399, 0, 3000, false, false},
    {80, 100, 2400, 0, 3000, true, true},
    {3, 4, 2000, 399, 3000, false, false},
    {4, 4, 2000, 400, 3000, true, true}, /* those on their way count, too */
    {0, 0, 0, 0, 0, false, false},
    {UINT32_MAX, UINT32_MAX - 1, UINT32_MAX, UINT32_MAX, UINT32_MAX, true, false},
    {9, UINT32_MAX, 0, 0, 1, false, false},
};

START_TEST(what_is_near_a_quota_is_yellow) {
  const top_broker broker = {"b",
                             nears[_i].used,
                             nears[_i].limit,
                             100,
                             nears[_i].connections_limit,
                             {0, nears[_i].connecting, nears[_i].open, 0, 0, 0},
                             NULL,
                             0};
  const top_table one = {"/x", 1, 1000, &broker, 1};
  const top_style style = {.color = true};
  char *text = top_table_format(&one, &style), *at = text;
  int yellow = 0;

  for (; (at = strstr(at, "\x1b[33m")); at++)
    yellow++;
  /* the rate and its bar are two cells */
  ck_assert_int_eq(yellow, 2 * nears[_i].rate + nears[_i].connections);
  free(text);
}
END_TEST

/* However narrow or wide: no line is longer than allowed, and all are there. */
START_TEST(lines_fit) {
  const top_style style = {.width = (unsigned)_i + 1, .processes = true};
  char *text = top_table_format(&table, &style), *rest, *line;
  int lines = 0;

  for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    ck_assert_msg(strlen(line) <= style.width, "%u: \"%s\"", style.width, line);
    lines++;
  }
  ck_assert_int_eq(lines, TOP_HEAD_LINES + 4);
  free(text);
}
END_TEST

START_TEST(an_empty_store_is_a_head) {
  const top_table empty = {"/x\n/host-store", 0, 0, NULL, 0};
  const top_style style = {0};
  char *text = top_table_format(&empty, &style);

  ck_assert_ptr_eq(strstr(text, "0 members, 0 brokers, /x?/host-store\nBROKER "), text);
  free(text);
}
END_TEST

TEST_MAIN("top_table", TEST_TABLE(lines_are_as_laid_out, tables),
          TEST_TABLE(what_is_near_a_quota_is_yellow, nears), TEST_LOOP(lines_fit, 200),
          TEST(an_empty_store_is_a_head))
