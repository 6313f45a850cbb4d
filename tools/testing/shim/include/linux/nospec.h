/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The index as it is after a wrong guess of the processor's: 0 where it is out of
 * bounds. So a check that was forgotten shows as item 0.
 */
#ifndef SHIM_LINUX_NOSPEC_H
#define SHIM_LINUX_NOSPEC_H

#define array_index_nospec(index, size) ({				\
	__typeof__(index) _index = (index);				\
	(__typeof__(index))(_index < (size) ? _index : 0);		\
})

#endif /* SHIM_LINUX_NOSPEC_H */
