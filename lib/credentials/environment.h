/*
 * Variables of the environment, as the providers read them.
 */
#ifndef GOV_CREDENTIALS_ENVIRONMENT_H
#define GOV_CREDENTIALS_ENVIRONMENT_H

/* The value of a variable, borrowed from the environment; NULL if it is not set, or empty. */
const char *gov_environment_variable(const char *name);

#endif
