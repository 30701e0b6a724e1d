// Numbers of points. The one place that rounds them.

/**
 * A whole number of parts of a point, half a part up.
 *
 * @param perPoint  so many parts are a point
 */
export const inParts = (points: number, perPoint: number): number =>
  // 1.005 is a little less than that in binary; it counts as what it was meant to be
  Math.round(points * perPoint * (1 + Number.EPSILON))

/** To hundredths of a point. */
export const rounded = (points: number): number => inParts(points, 100) / 100

/** `3.5 points` */
export const pointsWord = (points: number): string =>
  `${rounded(points)} ${rounded(points) === 1 ? 'point' : 'points'}`
