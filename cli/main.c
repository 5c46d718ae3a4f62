/*
 * mskgov: the command for operators.
 */
#include "command.h"
#include "tool.h"

#include <string.h>

static const cli_command commands[] = {
    {"token", "mskgov token", "print an IAM token, for SASL OAUTHBEARER or AWS_MSK_IAM",
     cli_token_run},
    {"whoami", "mskgov whoami", "tell whose the AWS credentials are, and where from",
     cli_whoami_run},
    {"broker", "mskgov broker", "run a cluster in a box that enforces a connection quota",
     cli_broker_run},
    {"top", "mskgov top", "show who shares the connection quotas of this host",
     cli_top_run},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int print_help(void) {
  fputs("Usage: mskgov COMMAND [OPTION]...\n"
        "Lets fleets of Kafka clients live inside the connection quotas of Amazon MSK.\n"
        "\n"
        "Commands\n",
        stdout);
  for (size_t i = 0; i < COMMANDS; i++)
    printf("  %-10s %s\n", commands[i].name, commands[i].what);
  fputs("\n"
        "  --help     this text; 'mskgov COMMAND --help' tells more\n"
        "  --version  the version\n"
        "\n"
        "Exit status: 0 done; 1 it ran, and the answer is no; 2 the command line is "
        "wrong;\n"
        "3 it could not run.\n"
        "\n"
        "Example: mskgov token --region eu-west-1\n",
        stdout);

  return tool_flush();
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : NULL;

  tool_begin("mskgov");
  if (!name)
    return tool_usage("a command is missing: token, whoami, broker or top");
  if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
    return print_help();
  if (!strcmp(name, "--version")) {
    printf("mskgov %s\n", mskgov_version());
    return tool_flush();
  }

  for (size_t i = 0; i < COMMANDS; i++)
    if (!strcmp(name, commands[i].name)) {
      tool_begin(commands[i].program);
      return commands[i].run(argc - 1, argv + 1);
    }

  if (name[0] == '-')
    return tool_usage("there is no option \"%s\"", name);

  return tool_usage("there is no command \"%s\"; there are: token, whoami, broker, top",
                    name);
}
