// What the lab's screen means, and what it must show once a step is done. Handout: "Memory system layout" and the steps.

import type { Live } from '@pagewalk/grader'

export const LEGEND: NonNullable<Live['legend']> = [
  'Above: physical memory. Below: an address space; they take turns.',
  'A sign is a page, 64 in a row, and tells who owns the physical page:',
  'K kernel   R reserved   . free   1 to 9, A to F: a process (A is 10)',
  'blank          no page is mapped there',
  'reverse video  the process may touch the page',
  'darker         the page is in use more than once',
]

/** The first sentence of each fits on a line by itself. */
export const EXPECTS: NonNullable<Live['expects']> = {
  1: 'Below 0x100000 only the console, the R at 0x0B8000, is in reverse. All from 0x100000 on still is.',
  2: 'In its address space only the pages of a process are in reverse video. The first row of physical memory has the page tables of each: its number 4 or 5 times.',
  3: 'Physical memory is a mix of numbers, low free pages too. Each address space still has one strip, of its own number and in its own quarter.',
  4: 'Each address space has its own stack page at the lower right, 0x2FF000. Its strip grows towards it until physical memory is full.',
  5: 'After f, each of four processes has its own number from 0x100000 on. Another number in reverse video is a page that is shared.',
  6: 'After f, in all four address spaces the page at 0x100000 is a darker 1. So it is in physical memory, once.',
  7: 'After e, strips of the numbers 1 to 9 and A to F come and go, for ever. Pages of those that are gone are free again.',
}
