/* `ingressctl verify`: is what answers there the attested app?  Needs no daemon and no settings. */
#ifndef SUPERVISOR_VERIFY_H
#define SUPERVISOR_VERIFY_H

/* `argv[0]` is "verify".  The exit status: 0 only if nothing failed and nothing required was left
 * unchecked. */
int verify_command(int argc, char **argv);

#endif
