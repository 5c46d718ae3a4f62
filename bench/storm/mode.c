#include "storm/mode.h"

#include <string.h>

const storm_mode storm_modes[STORM_MODES] = {
    {
        .name = "ungoverned",
        .sentence = "librdkafka as it comes: its own back-off, 100 ms to 10 s.",
    },
    {
        /*
         * Amazon MSK's advice to clients with IAM: reconnect.backoff.ms=1000, and a
         * random sleep before a client is created. In the Java client, for which it is
         * written, that setting ends the growth of the back-off too, hence the same
         * maximum. How long to sleep is left open; clients / quota is the least that
         * gives a broker no more than its quota on average.
         */
        .name = "advised",
        .sentence = "AWS's advice: reconnect.backoff.ms=1000, and a random sleep of up to "
                    "clients / quota before a client is created.",
        .spread = true,
        .settings = {{"reconnect.backoff.ms", "1000"},
                     {"reconnect.backoff.max.ms", "1000"},
                     {NULL, NULL}},
    },
    {
        .name = "local",
        .sentence = "one mskgov governor per process, with quota / processes.",
        .governed = true,
    },
};

const char *const storm_mode_names[] = {"ungoverned", "advised", "local", NULL};
const char *const storm_mode_names_later[] = {"host", "fleet", "adaptive", NULL};

const storm_mode *storm_mode_find(const char *name) {
  for (int i = 0; i < STORM_MODES; i++)
    if (!strcmp(storm_modes[i].name, name))
      return &storm_modes[i];

  return NULL;
}
