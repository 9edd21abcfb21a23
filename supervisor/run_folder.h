/*
 * RUN_DIR and what lies in it.  One supervisor has it at a time; the claim is a lock on
 * the folder itself, so that nothing is left behind by a killed one.
 *
 *   certs/          certificates that are installed, with their keys (0600)
 *   haproxy/        configurations, `current`, master.sock
 *   chroot/         HAProxy's worker: the sockets of the evidence and of its own frontends
 *   certbot/        a room for each order while it runs, of a user of its own: certbot_room.h
 *   kept/           certificates that the volume has not taken, see store_kept.h
 *   control.sock    for ingressctl
 *   addresses       of backends that are known by name, for the next start
 */
#ifndef SUPERVISOR_RUN_FOLDER_H
#define SUPERVISOR_RUN_FOLDER_H

#include "common/error.h"
#include "common/settings.h"

struct run_folder;

/* Makes it if need be and claims it: EXIT_TRY_LATER when another supervisor has it (one
 * that is just ending is waited for). */
struct run_folder *run_folder_open(const struct settings *settings, struct error *err);
void run_folder_close(struct run_folder *folder);

const char *run_folder_certs(const struct run_folder *folder);
const char *run_folder_chroot(const struct run_folder *folder);
const char *run_folder_control_socket(const struct run_folder *folder);
const char *run_folder_addresses(const struct run_folder *folder);
const char *run_folder_domains(const struct run_folder *folder);
const char *run_folder_kept(const struct run_folder *folder);

#endif
