/* All of mskgov. The headers, one per noun, can be included one by one as well. */
#ifndef MSKGOV_H
#define MSKGOV_H

#include <mskgov/authenticator.h>
#include <mskgov/broker.h>
#include <mskgov/common.h>
#include <mskgov/connection.h>
#include <mskgov/credentials.h>
#include <mskgov/error.h>
#include <mskgov/event.h>
#include <mskgov/governor.h>
#include <mskgov/host.h>
#include <mskgov/metrics.h>
#include <mskgov/permit.h>
#include <mskgov/profile.h>
#include <mskgov/quota.h>
#include <mskgov/rdkafka.h>
#include <mskgov/region.h>
#include <mskgov/sts.h>

#endif
