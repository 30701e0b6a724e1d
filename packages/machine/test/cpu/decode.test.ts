// The decoder beside another one, iced-x86, on random byte strings.

import { Code, CpuidFeature, Decoder, DecoderOptions, Mnemonic } from 'iced-x86'
import { expect, test } from 'vitest'
import { alwaysTraps, Builder, isConst } from '../../src/cpu/builder.ts'
import { decode, encodings, isDecoded, MAX_LENGTH, mean, readLine } from '../../src/cpu/decode.ts'
import { VECTOR_GP, VECTOR_UD } from '../../src/x86-64.ts'
import { Random } from '../oracle/vectors.ts'

const STRINGS = 400_000
const STRIDE = 16
const AT = 0x40_0000n
const MODE = { code: 64, user: false, down: false } as const

/** What iced-x86 decodes and this machine refuses: families by the feature that iced-x86 says they belong to. */
const FAMILIES: readonly (readonly [reason: string, features: string])[] = [
  ['x87: no floating point', 'FPU FPU287 FPU387'],
  ['MMX and 3DNow!: superseded by SSE', 'MMX D3NOW D3NOWEXT'],
  [
    'SSE and AVX: no vector registers',
    'SSE SSE2 SSE3 SSSE3 SSE4_1 SSE4_2 SSE4A AVX AVX2 AVX512F AVX512VL AVX512BW AVX512DQ AVX512CD AVX_IFMA F16C FMA FMA4 XOP AES PCLMULQDQ SHA GFNI VAES',
  ],
  ['VEX and XOP coded integer instructions: behind AVX', 'BMI2 TBM LWP'],
  [
    'not told by CPUID: their state would have to be kept',
    'FXSR XSAVE XSAVEOPT XSAVEC XSAVES PKU OSPKE AMX_TILE MPX',
  ],
  ['virtualization: no VMX, no SVM', 'VMX SVM SKINIT_or_SVM INVEPT INVVPID SEV_ES SEV_SNP INVLPGB TDX'],
  ['security extensions: not told by CPUID', 'CET_SS CET_IBT SMX SGX1 SMAP PCONFIG TSE KEYLOCKER UINTR'],
  ['transactions: not told by CPUID', 'RTM HLE HLE_or_RTM TSXLDTRK'],
  [
    'not told by CPUID: waiting, tracing, random numbers, cache hints',
    'MONITOR MONITORX WAITPKG PTWRITE RDRAND RDSEED CLFLUSHOPT CLWB CLDEMOTE CLZERO SERIALIZE ENQCMD MOVDIR64B MOVDIRI ADX MOVBE',
  ],
  [
    'not told by CPUID: segment bases, processor number, MSR lists, flexible return',
    'FSGSBASE RDPID RDPRU LKGS FRED WRMSRNS MSRLIST MCOMMIT INVPCID OSS',
  ],
  ['of no use without a 32-bit kernel: SYSENTER and SYSEXIT', 'SEP'],
  ['performance counters and system management mode', 'RDPMC SMM'],
]
const MNEMONICS: readonly (readonly [reason: string, mnemonics: string])[] = [
  ['x87: waits for it', 'Wait'],
  ['segmentation beyond what 64-bit kernels use', 'Verr Verw Lar Lsl Lfs Lgs Lss'],
  ['0F0D with a register is a NOP on CPUs of Intel, #UD on those of AMD', 'Reservednop'],
]
const words = (table: readonly (readonly [string, string])[]): ReadonlySet<string> =>
  new Set(table.flatMap(([, list]) => list.split(' ')))
const REFUSED_FEATURES = words(FAMILIES)
const REFUSED_MNEMONICS = words(MNEMONICS)

const OPCODES = encodings()
/** Prefixes, an opcode that exists more often than not, and anything behind it. */
function fill(bytes: Uint8Array, from: number, r: Random): void {
  for (let i = 0; i < STRIDE; i++) bytes[from + i] = r.below(256)
  let at = from
  const prefixes = r.pick([0, 0, 0, 1, 1, 2, 3, 13])
  for (let i = 0; i < prefixes; i++)
    bytes[at++] = r.pick([0x66, 0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x3e, 0x64, 0x65, 0x48])
  if (r.once(2)) bytes[at++] = 0x40 | r.below(16)
  if (r.once(4)) return
  const e = r.pick(OPCODES)
  if (e.map) bytes[at++] = 0x0f
  bytes[at++] = e.opcode
  if (e.modrm.length > 0 && !r.once(4)) bytes[at++] = r.pick(e.modrm)
}

type Verdict = 'invalid' | number
/** The length, if the bytes are an instruction. UD0, UD1 and UD2 are. */
function ours(bytes: Uint8Array, from: number, b: Builder): Verdict {
  const i = decode(bytes, from, AT)
  if (!isDecoded(i)) return 'invalid'
  const refused = mean(b, i, AT).steps.some(
    (s) => s.do === 'trapIf' && isConst(s.cond) && s.vector === VECTOR_UD,
  )
  return refused && !i.row.name.startsWith('ud') ? 'invalid' : i.length
}
interface Theirs {
  readonly verdict: Verdict
  readonly mnemonic: string
  readonly features: readonly string[]
}
function theirs(decoder: Decoder, from: number): Theirs {
  decoder.position = from
  decoder.ip = AT
  const i = decoder.decode()
  const verdict = i.code === Code.INVALID ? 'invalid' : i.length
  const features = Array.from(i.cpuidFeatures() as Int32Array, (f) => CpuidFeature[f]!)
  const mnemonic = Mnemonic[i.mnemonic]!
  i.free()
  return { verdict, mnemonic, features }
}
const isRefused = ({ mnemonic, features }: Theirs): boolean =>
  REFUSED_MNEMONICS.has(mnemonic) || features.some((f) => REFUSED_FEATURES.has(f))
const isGate = (bytes: Uint8Array, from: number): boolean => {
  const i = decode(bytes, from, AT)
  return isDecoded(i) && i.row.name === 'gate'
}
const hex = (bytes: Uint8Array, from: number): string =>
  [...bytes.subarray(from, from + STRIDE)].map((x) => x.toString(16).padStart(2, '0')).join(' ')

test(`on ${STRINGS} random strings both decoders find the same instructions and lengths, but for the families that are not modelled`, () => {
  const bytes = new Uint8Array((STRINGS + 2) * STRIDE)
  const r = new Random(20)
  for (let i = 0; i < STRINGS; i++) fill(bytes, i * STRIDE, r)
  const decoder = new Decoder(64, bytes, DecoderOptions.None)
  const b = new Builder(MODE)
  const wrong: string[] = []
  let agreed = 0
  for (let from = 0; from < STRINGS * STRIDE; from += STRIDE) {
    const [mine, other] = [ours(bytes, from, b), theirs(decoder, from)]
    if (mine === other.verdict) agreed++
    else if (mine === 'invalid' ? !isRefused(other) : other.verdict !== 'invalid' || !isGate(bytes, from))
      wrong.push(
        `${hex(bytes, from)}: ${mine}, iced-x86 says ${other.mnemonic} (${other.features}) ${other.verdict}`,
      )
  }
  decoder.free()
  expect(wrong.slice(0, 10)).toEqual([])
  expect(agreed).toBeGreaterThan(300_000)
}, 60_000)

test('every encoding of the table is found by at least one of its byte strings', () => {
  const missing = OPCODES.filter(({ form, prefix, map, opcode, modrm }) => {
    const bytes = Uint8Array.from([
      ...(prefix ? [prefix] : []),
      ...(map ? [0x0f] : []),
      opcode,
      ...modrm.slice(0, 1),
      ...new Array<number>(15).fill(0),
    ])
    const i = decode(bytes, 0, AT)
    const isNop = opcode === 0x90 && map === 0
    return !isDecoded(i) || (i.row !== form.row && !isNop)
  })
  expect(missing.map((e) => e.form.enc)).toEqual([])
  expect(OPCODES.length).toBeGreaterThan(350)
})

const at = (...bytes: number[]): ReturnType<typeof decode> =>
  decode(Uint8Array.from([...bytes, ...new Array<number>(16).fill(0)]), 0, AT)
const nameOf = (...bytes: number[]): string | number => {
  const i = at(...bytes)
  return isDecoded(i) ? i.row.name : i.vector
}
test('an instruction of 15 bytes is one, of 16 bytes #GP', () => {
  expect(at(...new Array<number>(14).fill(0x66), 0x90)).toMatchObject({ length: MAX_LENGTH })
  expect(at(...new Array<number>(15).fill(0x66), 0x90)).toEqual({ vector: VECTOR_GP, needed: MAX_LENGTH })
  expect(at(...new Array<number>(10).fill(0x2e), 0xc7, 0x00, 1, 0, 0, 0)).toEqual({
    vector: VECTOR_GP,
    needed: MAX_LENGTH,
  })
})
test('LOCK is #UD but before a lockable instruction whose destination is memory', () => {
  expect(nameOf(0xf0, 0x01, 0x00)).toBe('add') // lock add [rax], eax
  expect(nameOf(0xf0, 0x01, 0xc0)).toBe(VECTOR_UD) // a register
  expect(nameOf(0xf0, 0x03, 0x00)).toBe(VECTOR_UD) // memory is the source
  expect(nameOf(0xf0, 0x39, 0x00)).toBe(VECTOR_UD) // cmp
  expect(nameOf(0xf0, 0x0f, 0xba, 0x20, 1)).toBe(VECTOR_UD) // bt
  expect(nameOf(0xf0, 0x0f, 0xc7, 0x08)).toBe('cmpxchg8b')
})
test('REX counts only just before the opcode', () => {
  const wide = (...bytes: number[]): number | undefined => {
    const i = at(...bytes)
    return isDecoded(i) ? i.operands[0]?.w : undefined
  }
  expect(wide(0x48, 0x01, 0xc0)).toBe(64)
  expect(wide(0x48, 0x3e, 0x01, 0xc0)).toBe(32)
  expect(wide(0x48, 0x66, 0x01, 0xc0)).toBe(16)
  expect(wide(0x66, 0x48, 0x01, 0xc0)).toBe(64)
})
test('what 64-bit mode has given up is #UD', () => {
  const gone = [
    0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x62, 0x82, 0x9a, 0xc4,
    0xc5, 0xce, 0xd4, 0xd5, 0xd6, 0xea,
  ]
  for (const opcode of gone) expect([opcode, nameOf(opcode, 0xc0)]).toEqual([opcode, VECTOR_UD])
})
test('the gate opcode is an instruction in the kernel and #UD for a user', () => {
  const meaning = (user: boolean): ReturnType<typeof mean> =>
    mean(new Builder({ ...MODE, user }), at(0x0f, 0x3f, 0x34, 0x12), AT)
  expect(meaning(false).system?.operands[0].imm).toBe(0x1234n)
  expect(alwaysTraps(meaning(true))).toBe(true)
})
test('another mode than 64 bits is refused', () => {
  expect(() => decode(Uint8Array.of(0x90), 0, 0n, 32 as 64)).toThrow('the mode must be 64 bits, got 32')
})
test('a line of code ends before an instruction that crosses into the next page', () => {
  const bytes = new Uint8Array(0x2000).fill(0x90)
  bytes.set([0x48, 0xb8], 0xffb) // mov rax, imm64: 10 bytes
  expect(readLine(bytes, 0xff0, 0x40_0ff0n, MODE)?.meanings.length).toBe(11)
  expect(readLine(bytes, 0xffb, 0x40_0ffbn, MODE)).toBeUndefined()
  const line = readLine(bytes, 0xffb, 0x40_0ffbn, MODE, 1, bytes.subarray(0x1000))
  expect(line?.crosses).toBe(true)
  expect(line?.meanings[0]?.regs[0]?.value.imm).toBe(0x9090_9090_9090_9090n)
})
