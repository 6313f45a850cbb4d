/* SPDX-License-Identifier: GPL-2.0 */
/* NetworkManager's keyfiles. */
#ifndef KVPCTL_KEYFILE_H
#define KVPCTL_KEYFILE_H

#include <stdio.h>

#include "backend.h"

/* A whole profile for the job's interface, with this UUID. */
void keyfile_put(FILE *out, const struct job *job, const char *uuid);

#endif /* KVPCTL_KEYFILE_H */
