// What the checks are worth: 20 points a step, 10 for each of the two that are extra credit. The checks with 0 points are what others stand on; a handed-out
// kernel passes them. A changed point is a new version and a line in CHANGELOG.md.

import type { Rubric } from '@pagewalk/grader'

export const rubric: Rubric = {
  version: 'weensyos-2',
  steps: [
    {
      id: '1',
      title: 'Kernel isolation',
      extra: false,
      checks: [
        { check: 'boots', points: 0 },
        { check: 'system-calls-answered', points: 0 },
        { check: 'kernel-memory-protected', points: 9 },
        { check: 'console-open', points: 4 },
        { check: 'kernel-addresses-refused', points: 5 },
        { check: 'kernel-access-stopped', points: 2 },
      ],
    },
    {
      id: '2',
      title: 'Isolated address spaces',
      extra: false,
      checks: [
        { check: 'own-page-tables', points: 6 },
        { check: 'processes-isolated', points: 7 },
        { check: 'process-memory-works', points: 4 },
        { check: 'foreign-access-stopped', points: 2 },
        { check: 'soft-reboot', points: 1 },
      ],
    },
    {
      id: '3',
      title: 'Virtual page allocation',
      extra: false,
      checks: [
        { check: 'page-alloc-any-page', points: 6 },
        { check: 'heap-pages-recorded', points: 4 },
        { check: 'heap-pages-usable', points: 3 },
        { check: 'page-alloc-returns-zero', points: 1 },
        { check: 'odd-addresses-refused', points: 2 },
        { check: 'mapped-address-kept', points: 1 },
        { check: 'memory-runs-out', points: 3 },
      ],
    },
    {
      id: '4',
      title: 'Overlapping address spaces',
      extra: false,
      checks: [
        { check: 'stack-at-top', points: 8 },
        { check: 'stack-aligned', points: 2 },
        { check: 'stack-page-recorded', points: 2 },
        { check: 'whole-address-space', points: 4 },
        { check: 'heaps-fill-memory', points: 4 },
      ],
    },
    {
      id: '5',
      title: 'Fork',
      extra: false,
      checks: [
        { check: 'fork-returns-twice', points: 3 },
        { check: 'fork-copies-memory', points: 4 },
        { check: 'fork-shares-nothing-writable', points: 4 },
        { check: 'fork-makes-four', points: 2 },
        { check: 'fork-copies-registers', points: 1 },
        { check: 'fork-child-console', points: 1 },
        { check: 'fork-pages-recorded', points: 1 },
        { check: 'fork-slots-run-out', points: 1 },
        { check: 'fork-without-memory', points: 1 },
        { check: 'fork-copies-every-page', points: 1 },
        { check: 'soft-reboot-fork', points: 1 },
      ],
    },
    {
      id: '6',
      title: 'Shared read-only memory',
      extra: true,
      checks: [
        { check: 'code-read-only', points: 4 },
        { check: 'code-shared', points: 3 },
        { check: 'shared-pages-counted', points: 2 },
        { check: 'code-write-stopped', points: 1 },
      ],
    },
    {
      id: '7',
      title: 'Freeing memory',
      extra: true,
      checks: [
        { check: 'exit-frees', points: 3 },
        { check: 'exit-any-order', points: 2 },
        { check: 'memory-comes-back', points: 2 },
        { check: 'fork-rolls-back', points: 2 },
        { check: 'pages-conserved', points: 1 },
      ],
    },
  ],
}
