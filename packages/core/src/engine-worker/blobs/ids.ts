/** Which blobs a message's payloads name. */
import type { BlobId, Command, ExecutorEnvelope } from '../../generated/protocol.js'

const NONE: readonly BlobId[] = []

export function blobIdsOfCommand(command: Command): readonly BlobId[] {
  switch (command.type) {
    case 'trigger':
      return command.run.blobs
    case 'batchTrigger':
      return command.runs.flatMap(({ blobs }) => blobs)
    case 'retrigger':
    case 'signal':
      return command.blobs
    default:
      return NONE
  }
}

export function blobIdsOfEnvelope({ message }: ExecutorEnvelope): readonly BlobId[] {
  if (message.type === 'stepInvoke') return message.children.flatMap(({ blobs }) => blobs)
  return 'blobs' in message ? message.blobs : NONE
}
