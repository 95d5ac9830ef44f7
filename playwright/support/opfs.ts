/** What lies in the origin private file system of a page. */
import type { Page } from '@playwright/test'

/** The names of the files beside a database. */
export function blobFiles(page: Page, database: string): Promise<string[]> {
  return page.evaluate(async (database) => {
    const names: string[] = []
    try {
      const root = await navigator.storage.getDirectory()
      const folder = await root.getDirectoryHandle(`stepwell-${database}`)
      for await (const name of (await folder.getDirectoryHandle('blobs')).keys()) names.push(name)
    } catch (error) {
      if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error
    }
    return names
  }, database)
}

export interface Replacement {
  /** What the database's file holds from now on; left out: what it held. */
  readonly bytes?: Buffer
  /** The name of the file in the pool is overwritten. */
  readonly breaksHeader?: boolean
}

/**
 * Changes the files of a database once nobody has them open; its WAL is emptied where the database gets other bytes. The
 * pool keeps each file behind 4,096 bytes of its own.
 */
export async function replaceDatabase(
  page: Page,
  database: string,
  { bytes, breaksHeader = false }: Replacement,
): Promise<void> {
  await untilFree(page, database)
  const changed = await page.evaluate(
    async ({ database, base64, breaksHeader }) => {
      const header = 4096
      const root = await navigator.storage.getDirectory()
      const folder = await root.getDirectoryHandle(`stepwell-${database}`)
      const pool = await folder.getDirectoryHandle('.opaque')
      // Listed to the end before the first is written: what Chromium writes into meanwhile is a file of the same folder.
      const files: FileSystemFileHandle[] = []
      for await (const entry of pool.values()) {
        if (entry instanceof FileSystemFileHandle && !entry.name.endsWith('.crswap'))
          files.push(entry)
      }
      let changed = 0
      for (const file of files) {
        const head = new Uint8Array(await (await file.getFile()).slice(0, 512).arrayBuffer())
        const name = new TextDecoder().decode(head.subarray(0, head.indexOf(0)))
        if (name === '') continue
        const stream = await file.createWritable({ keepExistingData: true })
        if (base64 !== null) await stream.truncate(header)
        if (base64 !== null && !name.endsWith('-wal')) {
          const data = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
          await stream.write({ type: 'write', position: header, data })
        }
        if (breaksHeader && !name.endsWith('-wal')) {
          await stream.write({ type: 'write', position: 0, data: new Uint8Array(512).fill(0xff) })
        }
        await stream.close()
        changed += 1
      }
      return changed
    },
    { database, base64: bytes?.toString('base64') ?? null, breaksHeader },
  )
  if (changed === 0) throw new Error(`there is no database ${database}`)
}

/** The names in the folder of a database. */
export function namesBeside(page: Page, database: string): Promise<string[]> {
  return page.evaluate(async (database) => {
    const names: string[] = []
    const root = await navigator.storage.getDirectory()
    const folder = await root.getDirectoryHandle(`stepwell-${database}`)
    for await (const name of folder.keys()) names.push(name)
    return names.sort()
  }, database)
}

/** Waits until nobody has the files of a database open: a worker that is going down has them for a moment. */
export async function untilFree(page: Page, database: string): Promise<void> {
  await page.waitForFunction(async (database) => {
    const root = await navigator.storage.getDirectory()
    const folder = await root.getDirectoryHandle(`stepwell-${database}`)
    const pool = await folder.getDirectoryHandle('.opaque')
    const files = [await folder.getFileHandle('.lock')]
    for await (const entry of pool.values()) {
      if (entry instanceof FileSystemFileHandle && !entry.name.endsWith('.crswap'))
        files.push(entry)
    }
    try {
      for (const file of files) await (await file.createWritable()).abort()
      return true
    } catch {
      return false
    }
  }, database)
}
