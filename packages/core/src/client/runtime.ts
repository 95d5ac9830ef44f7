/**
 * What a page loads when its client first connects: the tab, the commands, and what reads for the hooks. It is loaded by
 * `import()` from `front.ts`. No module may import it statically, but for its types.
 */
import { createCodec } from '../codec/codec.js'
import type { RunEvent } from '../generated/protocol.js'
import { createParts, type Parts } from '../observers/parts.js'
import { createCommands } from './commands.js'
import { type ClientConnection, createConnection } from './connection.js'
import type { Commands } from './core.js'
import { type StepwellRunEvent, toPublicEvent } from './events.js'
import type { Page } from './front.js'
import type { SharedConfig } from './shared.js'
import { checkExportOptions, checkImport } from './transfer-options.js'
import { beginAndWait, triggerAndWait, type UntypedBegun } from './trigger-and-wait.js'
import type { UntypedCommands } from './typed.js'

export interface Runtime extends UntypedCommands, Pick<Commands, 'readRuns' | 'subscribe'> {
  readonly connection: ClientConnection
  /** What stands behind the hooks. */
  readonly parts: Parts
  beginAndWait(job: unknown, input: unknown, options: unknown): Promise<UntypedBegun>
  toPublicEvent(event: RunEvent): StepwellRunEvent
}

export function startRuntime(page: Page): Runtime {
  return createRuntime(createConnection(page), page.config)
}

export function createRuntime(
  connection: ClientConnection,
  { jobs, serializer, limits }: Pick<SharedConfig, 'jobs' | 'serializer' | 'limits'>,
): Runtime {
  const codec = createCodec({ serializer, payloadBytesMax: limits.payloadBytes })
  const commands = createCommands(connection, jobs, codec)
  return {
    ...commands,
    connection,
    parts: createParts(commands),
    triggerAndWait: (job, input, options) => triggerAndWait(commands, job, input, options),
    beginAndWait: (job, input, options) => beginAndWait(commands, job, input, options),
    async getSteps(runId, options) {
      return commands.getSteps(runId, commands.checkStepsOptions(options))
    },
    async exportDatabase(options) {
      return connection.exportDatabase(checkExportOptions(options))
    },
    async importDatabase(file) {
      await connection.transfer({ type: 'stepwell:import', file: checkImport(file) })
    },
    persist: connection.persist,
    toPublicEvent: (event) => toPublicEvent(codec, event),
  }
}
