// How far a capsule is kept from the host.

/**
 * Weakest first; each level has what those before it have: `realm` a process of its own, and in it a bare, frozen realm
 * for the student's code; `permission` Node's permission model; `limits` an end to memory and CPU time; `bwrap` files,
 * processes and network of its own.
 */
export const LEVELS = ['realm', 'permission', 'limits', 'bwrap'] as const
export type Level = (typeof LEVELS)[number]
export const reaches = (level: Level, wanted: Level): boolean =>
  LEVELS.indexOf(level) >= LEVELS.indexOf(wanted)
/** 'bwrap', or 'bwrap, strict'. */
export const isolationWords = ({ level, strict = false }: { level: Level; strict?: boolean }): string =>
  strict ? `${level}, strict` : level
