/** BroadcastChannels whose messages a test lets through one by one, and locks that are held until they are let go. */
import { vi } from 'vitest'

interface Posted {
  readonly name: string
  readonly data: unknown
  readonly from: FakeChannel
}

/** Messages on their way. */
let posted: Posted[] = []
let open: FakeChannel[] = []

export class FakeChannel {
  onmessage: ((event: { readonly data: unknown }) => void) | null = null
  isClosed = false
  readonly name: string

  constructor(name: string) {
    this.name = name
    open.push(this)
  }

  postMessage(data: unknown): void {
    if (this.isClosed) throw new Error('closed')
    posted.push({ name: this.name, data: structuredClone(data), from: this })
  }

  close(): void {
    this.isClosed = true
    open = open.filter((channel) => channel !== this)
  }
}

export function installChannels(): void {
  posted = []
  open = []
  vi.stubGlobal('BroadcastChannel', FakeChannel)
}

export function openChannels(): string[] {
  return open.map(({ name }) => name)
}

/** Lets the messages of channels whose name ends so through, oldest first; what they carried. */
export function deliver(suffix = ''): unknown[] {
  const [now, later] = [
    posted.filter(({ name }) => name.endsWith(suffix)),
    posted.filter(({ name }) => !name.endsWith(suffix)),
  ]
  posted = later
  for (const { name, data, from } of now) {
    for (const channel of open) {
      if (channel.name === name && channel !== from) channel.onmessage?.({ data })
    }
  }
  return now.map(({ data }) => data)
}

/** What is on its way never arrives. */
export function lose(): void {
  posted = []
}

/** What any script of the origin may do. */
export function say(name: string, data: unknown): void {
  for (const channel of open) if (channel.name === name) channel.onmessage?.({ data })
}

export class FakeLocks implements LockManager {
  readonly #held = new Map<string, () => void>()
  readonly #waiting: { name: string; grant: () => void }[] = []

  async request<T>(
    name: string,
    optionsOrCallback: LockOptions | LockGrantedCallback<T>,
    granted?: LockGrantedCallback<T>,
  ): Promise<Awaited<T>> {
    const callback = typeof optionsOrCallback === 'function' ? optionsOrCallback : granted
    const options = typeof optionsOrCallback === 'function' ? {} : optionsOrCallback
    const { signal, ifAvailable } = options
    if (callback === undefined) throw new TypeError('no callback')
    await Promise.resolve()
    signal?.throwIfAborted()
    if (ifAvailable === true && this.#held.has(name)) return await callback(null)
    if (this.#held.has(name)) {
      await new Promise<void>((grant, reject) => {
        this.#waiting.push({ name, grant })
        signal?.addEventListener('abort', () => reject(signal.reason))
      })
    }
    let letGo: () => void = () => undefined
    const lost = new Promise<never>((_, reject) => {
      letGo = () => reject(new DOMException('gone', 'AbortError'))
    })
    this.#held.set(name, letGo)
    try {
      return await Promise.race([callback({ name, mode: 'exclusive' }), lost])
    } finally {
      this.#release(name)
    }
  }

  query(): Promise<LockManagerSnapshot> {
    return Promise.reject(new Error('not used here'))
  }

  /** As when the page that holds it has gone. */
  drop(name: string): void {
    this.#held.get(name)?.()
  }

  get held(): string[] {
    return [...this.#held.keys()]
  }

  #release(name: string): void {
    this.#held.delete(name)
    const at = this.#waiting.findIndex((entry) => entry.name === name)
    if (at >= 0) this.#waiting.splice(at, 1)[0]?.grant()
  }
}

/** Promises that are settled are seen after this. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}
