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
