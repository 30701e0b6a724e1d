// What neither WebAssembly nor 64-bit typed arrays can do: division of 128 by 64 bits. Pure functions of 64-bit
// values, called by number; the even ones unsigned, the odd ones signed. Rare, so BigInt will do.

type Divide = (high: bigint, low: bigint, divisor: bigint) => { quotient: bigint; remainder: bigint }
const u64 = (x: bigint): bigint => BigInt.asUintN(64, x)

const unsigned: Divide = (high, low, divisor) => {
  const dividend = (u64(high) << 64n) | u64(low)
  return { quotient: dividend / u64(divisor), remainder: dividend % u64(divisor) }
}
const signed: Divide = (high, low, divisor) => {
  const dividend = BigInt.asIntN(128, (u64(high) << 64n) | u64(low))
  const by = BigInt.asIntN(64, divisor)
  return { quotient: dividend / by, remainder: dividend % by }
}

export const Helper = { quotient: 0, remainder: 2, overflows: 4 } as const
/** Arguments in either sign (WebAssembly passes i64 as signed); results in [0, 2^64). The divisor is not 0. */
export const helpers: readonly ((high: bigint, low: bigint, divisor: bigint) => bigint)[] = [
  (high, low, divisor) => u64(unsigned(high, low, divisor).quotient),
  (high, low, divisor) => u64(signed(high, low, divisor).quotient),
  (high, low, divisor) => u64(unsigned(high, low, divisor).remainder),
  (high, low, divisor) => u64(signed(high, low, divisor).remainder),
  (high, low, divisor) => BigInt(unsigned(high, low, divisor).quotient >> 64n !== 0n),
  (high, low, divisor) => {
    const { quotient } = signed(high, low, divisor)
    return BigInt(quotient !== BigInt.asIntN(64, quotient))
  },
]
