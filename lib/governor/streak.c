#include <mskgov/common.h>
