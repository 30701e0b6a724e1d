export const ROOM = 1
