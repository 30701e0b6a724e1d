// Spinlocks, and interrupts off and on. Handout: spinlock.h, irq.h.

import { ring0 } from './ring0.ts'

/** `spinlock_t`. `name` is told when somebody waits for it for ever. */
export class Spinlock {
  readonly name: string
  /** The CPU that holds it, or -1. */
  holder = -1

  constructor(name = 'lock') {
    this.name = name
  }
}

/** `irq_disable_save()`: interrupts off. @returns 1 if they were on, else 0 */
export function irqDisableSave(): number {
  const were = ring0.interrupts ? 1 : 0
  if (were) ring0.setInterrupts(false)
  return were
}
/** `irq_enable_restore(flags)`: interrupts as they were. */
export function irqEnableRestore(flags: number): void {
  if (flags) ring0.setInterrupts(true)
}

/** `spinlock_init(lock)`: nobody holds it. */
export function spinlockInit(lock: Spinlock): void {
  lock.holder = -1
}
/** `spin_lock(lock)`: wait until nobody holds the lock, then hold it. It may not be held by this CPU already: that waits for ever. */
export function spinLock(lock: Spinlock): void {
  ring0.charge(1)
  while (lock.holder >= 0) ring0.wait(`${lock.name}, held by CPU ${lock.holder}`, () => lock.holder < 0)
  lock.holder = ring0.cpu
}
/** `spin_unlock(lock)` */
export function spinUnlock(lock: Spinlock): void {
  ring0.charge(1)
  lock.holder = -1
}
/** `spin_lock_irq_save(lock)`: interrupts off, then hold the lock. @returns what spinUnlockIrqRestore wants */
export function spinLockIrqSave(lock: Spinlock): number {
  const flags = irqDisableSave()
  spinLock(lock)
  return flags
}
/** `spin_unlock_irq_restore(lock, flags)` */
export function spinUnlockIrqRestore(lock: Spinlock, flags: number): void {
  spinUnlock(lock)
  irqEnableRestore(flags)
}
