/*
 * A worker: a process of its own that is the clients of one mode, or a share of them.
 *
 * It is this program again, started with --worker. Lines come in on standard input:
 *
 *   {"clients":…, …}   what to be (config.h)
 *   go                 the clients want their connections now
 *   stop               tell the results and end
 *
 * and JSON lines go out on standard output: {"ready":true} once it could go, {"up":…} ten
 * times a second, {"pairs":[[wanted_ns, up_ns],…],"rss_mib":…,"dropped":…} at the end, the
 * pairs client by client and in each in the order of the brokers, and {"error":"…"} if it
 * has to give up. When standard input ends or the parent dies, the worker ends at once.
 */
#ifndef STORM_WORKER_H
#define STORM_WORKER_H

/* Runs a worker; returns the exit status. */
int storm_worker_run(void);

#endif
