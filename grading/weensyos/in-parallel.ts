/** So many at a time: a grade is one busy process. */
const JOBS = 2

/** `work` for each of `items`. @returns in the order of `items` */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at]!)
  }
  await Promise.all(Array.from({ length: JOBS }, worker))
  return results
}
