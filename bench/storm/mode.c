#include "storm/mode.h"

#include <string.h>

const storm_mode storm_modes[STORM_MODES] = {
    {
        .name = "ungoverned",
        .sentence = "librdkafka's back-off as it comes: 100 ms to 10 s.",
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
        .backoff_base_ms = 1000,
        .backoff_max_ms = 1000,
    },
    {
        .name = "local",
        .sentence = "one mskgov governor per process, with quota / processes.",
        .budget = STORM_BUDGET_SHARE,
    },
    {
        .name = "host",
        .sentence = "one mskgov governor per process; they share the quota through the "
                    "store of the host.",
        .budget = STORM_BUDGET_HOST,
    },
    {
        .name = "adaptive",
        .sentence = "one mskgov governor per process, each with the whole quota and no "
                    "store in common: its rate follows what the brokers reject.",
        .budget = STORM_BUDGET_ALONE,
    },
};

const char *const storm_mode_names[] = {"ungoverned", "advised",  "local",
                                        "host",       "adaptive", NULL};
const char *const storm_mode_names_later[] = {"fleet", NULL};

const storm_mode *storm_mode_find(const char *name) {
  for (int i = 0; i < STORM_MODES; i++)
    if (!strcmp(storm_modes[i].name, name))
      return &storm_modes[i];

  return NULL;
}
