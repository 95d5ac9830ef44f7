/**
 * The commands that were not answered yet. They are kept until they are, and sent again to a restarted engine under the
 * same request id, which makes a resend harmless.
 */
import type { ReplyTo } from '../connection.js'
import { fromErrorInfo, StepwellError } from '../errors.js'
import type { ClientReply, ClientRequest, Command, Reply } from '../generated/protocol.js'
import { randomId } from './request-id.js'

const OPEN_MAX = 1000
/** Counted in characters: almost all payloads are one byte each. */
const OPEN_CHARS_MAX = 8 * 1024 * 1024

type Post = (requests: readonly ClientRequest[]) => void

interface OpenRequest {
  readonly request: ClientRequest
  readonly chars: number
  readonly owner: object
  wasSent: boolean
  settle(reply: Reply): void
  reject(error: StepwellError): void
}

export interface Requests {
  /** @param owner whose request it is, for `rejectOf`. */
  add<C extends Command>(command: C, owner: object): Promise<ReplyTo<C>>
  answered(replies: readonly ClientReply[]): void
  /** There is an engine: sends what is open to it, and from now on one array per microtask checkpoint. */
  attach(post: Post): void
  /** There is none: what comes is kept. */
  detach(): void
  /** @param errorFor told whether the request may have reached an engine. */
  rejectAll(errorFor: (wasSent: boolean) => StepwellError): void
  rejectOf(owner: object, errorFor: (wasSent: boolean) => StepwellError): void
  /** Whether an engine owes an answer. */
  readonly isWaiting: boolean
}

export function createRequests(): Requests {
  const open = new Map<string, OpenRequest>()
  let unsent: OpenRequest[] = []
  let chars = 0
  let post: Post | null = null
  let isScheduled = false

  const remove = (id: string): OpenRequest | undefined => {
    const entry = open.get(id)
    if (entry === undefined) return undefined
    open.delete(id)
    chars -= entry.chars
    return entry
  }
  const flush = () => {
    isScheduled = false
    if (post === null || unsent.length === 0) return
    const batch = unsent.filter(({ request }) => open.has(request.requestId))
    unsent = []
    for (const entry of batch) entry.wasSent = true
    if (batch.length > 0) post(batch.map(({ request }) => request))
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
    add(command, owner) {
      const size = sizeOf(command)
      const refusal = limitError(open.size, chars, size)
      if (refusal !== null) return Promise.reject(refusal)
      const requestId = randomId()
      return new Promise((resolve, reject) => {
        const settle = (reply: Reply) => {
          if (isReplyTo(command, reply)) resolve(reply)
          else reject(refused(command, reply))
        }
        const request = { requestId, command }
        const entry = { request, chars: size, owner, wasSent: false, settle, reject }
        open.set(requestId, entry)
        chars += size
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
      flush()
    },
    detach() {
      post = null
    },
    rejectAll: (errorFor) => rejectWhere(() => true, errorFor),
    rejectOf: (owner, errorFor) => rejectWhere((entry) => entry.owner === owner, errorFor),
    get isWaiting() {
      return post !== null && open.size > 0
    },
  }
}

function sizeOf(command: Command): number {
  return command.type === 'trigger' ? command.input.length + 100 : 100
}

function limitError(openCount: number, openChars: number, size: number): StepwellError | null {
  if (size > OPEN_CHARS_MAX) {
    return new StepwellError(
      'payload_too_large',
      `The input is ${size} characters long as JSON, and ${OPEN_CHARS_MAX} is the limit. Store large data elsewhere ` +
        '(OPFS, Cache, IndexedDB, a server) and pass its key.',
    )
  }
  if (openCount < OPEN_MAX && openChars + size <= OPEN_CHARS_MAX) return null
  return new StepwellError(
    'limit_exceeded',
    `${openCount} commands with ${openChars} characters wait for an answer, and ${OPEN_MAX} commands or ` +
      `${OPEN_CHARS_MAX} characters are the limit. Await earlier ones first.`,
  )
}

const REPLY_TYPES: Readonly<Record<Command['type'], Reply['type']>> = {
  trigger: 'triggered',
  getRun: 'run',
  getRuns: 'runs',
  getSteps: 'steps',
  getLogs: 'logs',
  cancel: 'run',
  retry: 'run',
  getStatus: 'status',
}

function isReplyTo<C extends Command>(command: C, reply: Reply): reply is ReplyTo<C> {
  return REPLY_TYPES[command.type] === reply.type
}

function refused(command: Command, reply: Reply): StepwellError {
  if (reply.type === 'error') return fromErrorInfo(reply.error)
  return new StepwellError(
    'internal',
    `The engine answered ${command.type} with ${reply.type}. This is a bug in Stepwell: please report it.`,
  )
}
