/** This worker's engine is that of all tabs: it serves those that follow, and hands over where another should lead. */
import { isNewerBuild } from '../builds.js'
import type { BlobId, ClientId, ClientRequest, EngineStatus } from '../generated/protocol.js'
import type { StorageLoss } from '../types.js'
import { BUILD_ID } from '../wire.js'
import type { Audience } from './audience.js'
import type { NewBlobs } from './blobs/blobs.js'
import { createFollowers } from './followers.js'
import { createHandOver } from './hand-over.js'
import type { EngineInstance } from './instance.js'
import type { TransferRequest } from './transfers.js'

export interface LeadershipOptions {
  readonly database: string
  readonly engine: EngineInstance
  readonly persisted: boolean
  readonly loss: StorageLoss | null
  /** Those of this tab's code. */
  readonly jobs: readonly string[]
  readonly audience: Audience
  readonly push: (clientId: ClientId, requests: readonly ClientRequest[], news: NewBlobs) => void
  readonly onRead: (clientId: ClientId, id: BlobId) => void
  readonly onTransfer: (clientId: ClientId, request: TransferRequest) => void
  readonly onHandOver: (next: ClientId) => void
  /** A tab of a newer build is open. */
  readonly onOutdated: (buildId: string) => void
  /** Runs what calls the engine. */
  readonly guarded: (call: () => void) => void
}

export interface Leadership {
  setJobs(jobs: readonly string[]): void
  setStatus(status: EngineStatus): void
  /** A batch was committed: is another tab to lead now? */
  consider(): void
  yieldToVisible(): void
  tellReleased(next: ClientId | null): void
  close(): void
}

export function lead(options: LeadershipOptions): Leadership {
  const { engine, guarded } = options
  const followers = createFollowers({
    database: options.database,
    locks: navigator.locks,
    epoch: engine.epoch(),
    persisted: options.persisted,
    loss: options.loss,
    status: () => engine.status(),
    onRequests: options.push,
    onRead: options.onRead,
    onTransfer: options.onTransfer,
    onJoined: () => guarded(() => handOver.consider()),
    onOtherBuild(buildId) {
      if (isNewerBuild(buildId, BUILD_ID)) options.onOutdated(buildId)
    },
  })
  const handOver = createHandOver({
    followers,
    activeRuns: () => engine.activeRuns(),
    handOver: options.onHandOver,
  })
  handOver.setJobs(options.jobs)
  handOver.setStatus(engine.status())
  options.audience.add(followers)
  return { ...handOver, tellReleased: followers.tellReleased, close: followers.close }
}
