/* SPDX-License-Identifier: GPL-2.0 */
/* The program never sets a locale: these know ASCII, as far as callers ask. */
#include <ctype.h>
