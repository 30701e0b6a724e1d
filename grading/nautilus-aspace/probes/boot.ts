// How a submission is booted for a check: as ever, with its own shell; or without shells, and with a probe as the only
// thread beside the idle ones.

import type { Machine } from '@pagewalk/machine'
import { type BootConfig, bootWith, type KernelModule } from '@pagewalk/nautilus-aspace/lib/boot.ts'
import { nkThreadStart, type Thread } from '@pagewalk/nautilus-aspace/lib/kernel.ts'
import { changeProbes } from './changes.ts'
import { eagerProbes } from './eager.ts'
import { extraProbes } from './extra.ts'
import { type Host, Probe, type ProbeBody, type ProbeConfig } from './kit.ts'
import { lazyProbes } from './lazy.ts'
import { regionProbes } from './regions.ts'

const PROBES: ReadonlyMap<string, ProbeBody> = new Map(
  [eagerProbes, regionProbes, lazyProbes, changeProbes, extraProbes].flatMap((probes) =>
    Object.entries(probes),
  ),
)

/** What a scenario of this lab boots: the lab's own configuration, or a probe. */
export type GradedBoot = BootConfig & Partial<ProbeConfig>

export function boot(machine: Machine, kernel: KernelModule, config: GradedBoot, host: Host): void {
  const { probe } = config
  if (probe === undefined) return bootWith(machine, kernel, config)
  const body = PROBES.get(probe)
  if (!body) throw new Error(`there is no probe ${probe}`)
  // dirty: pages come with other people's bytes in them, as on a machine that has run for a while
  bootWith(machine, kernel, { ...config, shells: [], dirty: true }, () => {
    nkThreadStart(() => alone(new Probe(host), body, { ...config, probe }), null, 'probe', 0)
  })
}

/** A probe to its end; `end` is noted if it came there by itself. */
function alone(p: Probe, body: ProbeBody, config: ProbeConfig): Thread {
  return p.guarded(function* probe() {
    yield* body(p, config)
    p.note('end')
  })()
}
