/*
 * Keeps what is seldom needed out of the way of what is needed at every request: code that
 * is marked stands apart, so that the registers and the lines it takes are not paid for.
 */
#ifndef GOV_BASE_COLD_H
#define GOV_BASE_COLD_H

#if defined(__GNUC__)
#define GOV_COLD __attribute__((cold, noinline))
#else
#define GOV_COLD
#endif

#endif
