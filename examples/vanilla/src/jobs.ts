/** The job, and the entry of the worker that runs it. The page imports this module too, for its name and types. */
import { defineJob } from '@stepwell/core'
import { serveJobs } from '@stepwell/core/executor'
import { shrinkPhoto } from './photo.ts'
import { type ZipEntry, zip } from './zip.ts'

export interface Order {
  /** As the visitor gave them: they are stored with the run, so that it can go on without the page. */
  readonly photos: readonly File[]
  /** The longest side of what is made, in pixels. */
  readonly edge: number
  readonly type: 'image/webp' | 'image/jpeg'
}

export const shrink = defineJob({
  name: 'shrink',
  run: async (step, { photos, edge, type }: Order) => {
    const shrunk: ZipEntry[] = []
    const unreadable: string[] = []
    for (const [i, photo] of photos.entries()) {
      // One step, since a decoded picture cannot be stored. What it returns, and how far that is, are on the disk before
      // the next one starts.
      const made = await step.run(`photo-${i}`, async ({ log, progress }) => {
        const made = await shrinkPhoto(photo, edge, type)
        if (made === null) log.warn(`${photo.name} is no picture that this browser can read`)
        progress(i + 1, photos.length)
        return made
      })
      if (made === null) unreadable.push(photo.name)
      else shrunk.push(made)
    }
    if (shrunk.length === 0)
      throw new Error('None of them is a picture that this browser can read.')
    const archive = await step.run('zip', () => zip(shrunk))
    return { archive, unreadable }
  },
})

export const jobs = serveJobs({ shrink })
