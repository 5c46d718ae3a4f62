/*
 * A loopback port that is ours from the bind to the close, whether it listens or not.
 *
 * It rests on two properties of Linux. A listening socket that is shut down stops
 * listening in one step, what waits in its backlog included, and may listen again later;
 * in between a connect is refused. And it keeps its port, provided that the port was bound
 * by its number. So there is never a moment in which somebody else could take the port.
 *
 * Threads: the caller's.
 */
#ifndef GOV_BROKER_PORT_H
#define GOV_BROKER_PORT_H

#include <mskgov/error.h>

#include <stdint.h>

/*
 * Binds a socket, non-blocking and closed on exec, to `*port` of 127.0.0.1; 0: a free one,
 * which is then in *port. Returns 0 and sets *fd (owned), or MSKGOV_ERR_SYSTEM.
 */
int gov_port_bind(int *fd, uint16_t *port, mskgov_error_info *error);

/* Listens, also after gov_port_silence. Returns 0 or MSKGOV_ERR_SYSTEM. */
int gov_port_listen(int fd, int backlog, mskgov_error_info *error);

/* Refuses connections from now on, those that nobody has accepted yet too. */
void gov_port_silence(int fd);

#endif
