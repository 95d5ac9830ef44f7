/** From answers to public values, with the Blobs and Files in them read first. */
import type { Codec, ReadBlobs } from '../codec/codec.js'
import type { Connection } from '../connection.js'
import { toStepwellError } from '../errors.js'
import type {
  BlobId,
  TriggerResult,
  Run as WireRun,
  Step as WireStep,
} from '../generated/protocol.js'
import type { Step } from '../types.js'
import { blobIdsOfRuns, blobIdsOfSteps, toRun, toStep, type UntypedRun } from './convert.js'
import type { UntypedTriggered } from './core.js'

export interface Decoding {
  toRun(run: WireRun): Promise<UntypedRun>
  /** Without those that were deleted after they were told. One that cannot be read says so, and hides no other. */
  toRuns(runs: readonly WireRun[]): Promise<UntypedRun[]>
  toSteps(steps: readonly WireStep[]): Promise<Step[]>
  toTriggered(result: TriggerResult): Promise<UntypedTriggered>
}

const UNREAD: Pick<Codec, 'decode'> = { decode: () => undefined }

export function createDecoding(connection: Connection, codec: Codec): Decoding {
  const toRuns = async (runs: readonly WireRun[]) => {
    const blobs = await readBlobs(connection, blobIdsOfRuns(runs))
    if (blobs === undefined) return runs.map((run) => toListed(run))
    const present = await Promise.all(runs.map((run) => isPresent(run, blobs)))
    return runs.filter((_, i) => present[i]).map((run) => toListed(run, blobs))
  }
  const toListed = (run: WireRun, blobs?: ReadBlobs): UntypedRun => {
    try {
      return toRun(codec, run, blobs)
    } catch (reason) {
      return { ...toRun(UNREAD, run), unreadable: toStepwellError(reason) }
    }
  }
  /** Files go with their run: one that is missing while its run is there is an error, which decoding tells. */
  const isPresent = async (run: WireRun, blobs: ReadBlobs): Promise<boolean> => {
    if (blobIdsOfRuns([run]).every((id) => blobs.has(id))) return true
    const { run: again } = await connection.request({ type: 'getRun', runId: run.id })
    return again !== undefined
  }
  const toOneRun = async (run: WireRun) =>
    toRun(codec, run, await readBlobs(connection, blobIdsOfRuns([run])))
  return {
    toRun: toOneRun,
    toRuns,
    async toSteps(steps) {
      const blobs = await readBlobs(connection, blobIdsOfSteps(steps))
      return steps.map((step) => toStep(codec, step, blobs))
    },
    async toTriggered({ run, disposition }) {
      return { id: run.id, disposition, run: await toOneRun(run) }
    },
  }
}

/** Those that the engine still has: decoding says which one is missing. */
async function readBlobs(
  connection: Connection,
  ids: readonly BlobId[],
): Promise<ReadBlobs | undefined> {
  if (ids.length === 0) return undefined
  const found = new Map<BlobId, Blob>()
  const read = async (id: BlobId) => {
    const blob = await connection.readBlob(id)
    if (blob !== null) found.set(id, blob)
  }
  await Promise.all([...new Set(ids)].map(read))
  return found
}
