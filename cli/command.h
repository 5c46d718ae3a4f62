/*
 * The commands of mskgov: one file each, one table of all.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

typedef struct cli_command {
  const char *name;
  const char *program; /* "mskgov <name>", for messages */
  const char *what;    /* one line for the overview */
  /* argv[0] is the command's name. Returns the exit status. */
  int (*run)(int argc, char **argv);
} cli_command;

int cli_token_run(int argc, char **argv);
int cli_whoami_run(int argc, char **argv);
int cli_broker_run(int argc, char **argv);
int cli_top_run(int argc, char **argv);

#endif
