/*
 * A hint to the processor, within a loop: another one holds the word.
 */
#ifndef GOV_BASE_RELAX_H
#define GOV_BASE_RELAX_H

static inline void gov_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

#endif
