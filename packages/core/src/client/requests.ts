/**
 * The commands that were not answered yet. They are kept until they are, and sent again to a restarted engine under the
 * same request id, which makes a resend harmless.
 */
import type { NewBlob } from '../codec/codec.js'
import { sizeOfCommand } from '../command-size.js'
import type { ReplyTo } from '../connection.js'
import { fromErrorInfo, StepwellError } from '../errors.js'
import type { ClientReply, ClientRequest, Command, Reply } from '../generated/protocol.js'
import { randomId } from '../random-id.js'

const OPEN_MAX = 1000
/** Text is counted in characters: almost all are one byte each. Blobs cost no memory here. */
const OPEN_SIZE_MAX = 8 * 1024 * 1024

type Post = (requests: readonly ClientRequest[], blobs: readonly NewBlob[]) => void

interface OpenRequest {
  readonly request: ClientRequest
  readonly blobs: readonly NewBlob[]
  readonly size: number
  readonly owner: object
  wasSent: boolean
  /** To a second engine, after the first may have carried it out. */
  wasResent: boolean
  settle(reply: Reply): void
  reject(error: StepwellError): void
}

export interface Requests {
  /** @param owner whose request it is, for `rejectOf`. */
  add<C extends Command>(command: C, owner: object, blobs?: readonly NewBlob[]): Promise<ReplyTo<C>>
  answered(replies: readonly ClientReply[]): void
  /** There is an engine: sends what is open to it, and from now on one array per microtask checkpoint. */
  attach(post: Post): void
  /** There is none: what comes is kept. */
  detach(): void
  /** @param errorFor told whether the request may have reached an engine. */
  rejectAll(errorFor: (wasSent: boolean) => StepwellError): void
  rejectOf(owner: object, errorFor: (wasSent: boolean) => StepwellError): void
  /** Whether an answer is owed. */
  readonly isWaiting: boolean
}

/** One command with the largest payload must fit, beside others. */
export function openSizeMaxOf(payloadBytesMax: number): number {
  return Math.max(OPEN_SIZE_MAX, 2 * payloadBytesMax)
}

/** @param openSizeMax how much payload may wait for answers. */
export function createRequests(openSizeMax: number = OPEN_SIZE_MAX): Requests {
  const open = new Map<string, OpenRequest>()
  let unsent: OpenRequest[] = []
  let openSize = 0
  let post: Post | null = null
  let isScheduled = false

  const remove = (id: string): OpenRequest | undefined => {
    const entry = open.get(id)
    if (entry === undefined) return undefined
    open.delete(id)
    openSize -= entry.size
    return entry
  }
  const flush = () => {
    isScheduled = false
    if (post === null || unsent.length === 0) return
    const batch = unsent.filter(({ request }) => open.has(request.requestId))
    unsent = []
    for (const entry of batch) entry.wasSent = true
    if (batch.length === 0) return
    post(
      batch.map(({ request }) => request),
      batch.flatMap(({ blobs }) => blobs),
    )
  }
  const schedule = () => {
    if (isScheduled || post === null) return
    isScheduled = true
    queueMicrotask(flush)
  }
  const rejectWhere = (
    matches: (entry: OpenRequest) => boolean,
    errorFor: (wasSent: boolean) => StepwellError,
  ) => {
    for (const [id, entry] of [...open]) {
      if (!matches(entry)) continue
      remove(id)
      entry.reject(errorFor(entry.wasSent))
    }
  }
  return {
    add(command, owner, blobs = []) {
      const size = sizeOfCommand(command)
      const refusal = limitError(open.size, openSize, size, openSizeMax)
      if (refusal !== null) return Promise.reject(refusal)
      const requestId = randomId()
      return new Promise((resolve, reject) => {
        const settle = (given: Reply) => {
          const reply = entry.wasResent ? answerToResend(command, given) : given
          if (isReplyTo(command, reply)) resolve(reply)
          else reject(refused(command, reply))
        }
        const request = { requestId, command }
        const wasSent = false
        const entry = { request, blobs, size, owner, wasSent, wasResent: false, settle, reject }
        open.set(requestId, entry)
        openSize += size
        unsent.push(entry)
        schedule()
      })
    },
    answered(replies) {
      for (const { requestId, reply } of replies) remove(requestId)?.settle(reply)
    },
    attach(next) {
      post = next
      unsent = [...open.values()]
      for (const entry of unsent) entry.wasResent ||= entry.wasSent
      flush()
    },
    detach() {
      post = null
    },
    rejectAll: (errorFor) => rejectWhere(() => true, errorFor),
    rejectOf: (owner, errorFor) => rejectWhere((entry) => entry.owner === owner, errorFor),
    get isWaiting() {
      return open.size > 0
    },
  }
}

function limitError(
  openCount: number,
  openSize: number,
  size: number,
  openSizeMax: number,
): StepwellError | null {
  if (size > openSizeMax) {
    return new StepwellError(
      'payload_too_large',
      `The command carries ${size} bytes of input, and ${openSizeMax} is the limit. Pass large data as a Blob or File, ` +
        'which does not count, or several commands.',
    )
  }
  if (openCount < OPEN_MAX && openSize + size <= openSizeMax) return null
  return new StepwellError(
    'limit_exceeded',
    `${openCount} commands with ${openSize} bytes wait for an answer, and ${OPEN_MAX} commands or ` +
      `${openSizeMax} bytes are the limit. Await earlier ones first.`,
  )
}

const REPLY_TYPES: Readonly<Record<Command['type'], Reply['type']>> = {
  trigger: 'triggered',
  batchTrigger: 'batchTriggered',
  retrigger: 'triggered',
  getRun: 'run',
  getRuns: 'runs',
  getSteps: 'steps',
  getLogs: 'logs',
  cancel: 'run',
  retry: 'run',
  deleteRun: 'deleted',
  purgeRuns: 'deleted',
  signal: 'signalled',
  getStatus: 'status',
}

export function isReplyTo<C extends Command>(command: C, reply: Reply): reply is ReplyTo<C> {
  return REPLY_TYPES[command.type] === reply.type
}

/** Of all commands only a deletion leaves no row that would know the request again. That it is gone is what was wanted. */
function answerToResend(command: Command, reply: Reply): Reply {
  const isGone = reply.type === 'error' && reply.error.code === 'not_found'
  if (command.type !== 'deleteRun' || !isGone) return reply
  return { type: 'deleted', count: 0, hasMore: false }
}

function refused(command: Command, reply: Reply): StepwellError {
  if (reply.type === 'error') return fromErrorInfo(reply.error)
  return new StepwellError(
    'internal',
    `The engine answered ${command.type} with ${reply.type}. This is a bug in Stepwell: please report it.`,
  )
}
