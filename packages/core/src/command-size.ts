/** How much memory a command takes on its way. */
import { sizeOf } from './codec/codec.js'
import type { Command } from './generated/protocol.js'

/** About what a command takes of the limit: its payloads, and something for the rest. */
export function sizeOfCommand(command: Command): number {
  switch (command.type) {
    case 'trigger':
      return sizeOf(command.run.input) + 100
    case 'batchTrigger':
      return command.runs.reduce((sum, { input }) => sum + sizeOf(input) + 100, 100)
    case 'retrigger':
      return sizeOf(command.input) + 100
    case 'signal':
      return sizeOf(command.value ?? '') + 100
    default:
      return 100
  }
}
