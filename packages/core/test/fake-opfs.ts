/** As much of OPFS as the engine's files need, in memory, with what can go wrong. */

export interface FakeOpfs {
  readonly storage: { getDirectory(): Promise<unknown> }
  /** The content of `stepwell-test/blobs`. */
  readonly files: Map<string, Uint8Array>
  /** Every write and flush, in order: `write a 0+4`, `flush a`. */
  readonly calls: string[]
  /** Called before each write; may throw. */
  onWrite: (name: string) => void
  /** How many opens of a file fail as locked. */
  locked: number
}

export function fakeOpfs(): FakeOpfs {
  const files = new Map<string, Uint8Array>()
  let hasFolder = false
  const calls: string[] = []
  const fake: FakeOpfs = {
    files,
    calls,
    onWrite: () => undefined,
    locked: 0,
    storage: {
      getDirectory: async () => ({
        getDirectoryHandle: async () => ({
          async getDirectoryHandle(_name: string, { create = false } = {}) {
            hasFolder ||= create
            if (!hasFolder) throw new DOMException('no folder', 'NotFoundError')
            return folder
          },
        }),
      }),
    },
  }
  const contentOf = (name: string): Uint8Array => {
    const content = files.get(name)
    if (content === undefined) throw new DOMException(name, 'NotFoundError')
    return content
  }
  const accessTo = (name: string) => ({
    getSize: () => contentOf(name).length,
    truncate: (size: number) => void files.set(name, contentOf(name).slice(0, size)),
    write(bytes: Uint8Array, { at }: { at: number }) {
      fake.onWrite(name)
      calls.push(`write ${name} ${at}+${bytes.length}`)
      const before = contentOf(name)
      const after = new Uint8Array(Math.max(before.length, at + bytes.length))
      after.set(before)
      after.set(bytes, at)
      files.set(name, after)
      return bytes.length
    },
    flush: () => void calls.push(`flush ${name}`),
    close: () => void calls.push(`close ${name}`),
  })
  const folder = {
    async getFileHandle(name: string, { create = false } = {}) {
      if (create && !files.has(name)) files.set(name, new Uint8Array(0))
      contentOf(name)
      return {
        getFile: async () => new File([contentOf(name).slice()], name),
        async createSyncAccessHandle() {
          if (fake.locked > 0) {
            fake.locked -= 1
            throw new DOMException('locked', 'NoModificationAllowedError')
          }
          return accessTo(name)
        },
      }
    },
    async removeEntry(name: string) {
      contentOf(name)
      files.delete(name)
    },
    async *keys() {
      yield* [...files.keys()]
    },
  }
  return fake
}
