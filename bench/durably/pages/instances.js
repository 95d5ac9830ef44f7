// durably's instances of a page: one for each database that is asked for. They poll only while they are measured.
import { createDurably, withLogPersistence } from '@coji/durably'
import { SQLocalKysely } from 'sqlocal/kysely'
import { jobs } from './jobs.js'

/** The settings of its documentation for browsers, which are the shortest that it shows. */
const DOCUMENTED = { pollingIntervalMs: 100, leaseRenewIntervalMs: 500, leaseMs: 3_000 }

const instances = new Map()

/** @param place `{ database, defaults?, concurrency?, keeps? }`: with its defaults, and whether steps and logs stay. */
export function instanceOf(place) {
  const known = instances.get(place.database)
  if (known !== undefined) return known
  const { database, defaults = false, concurrency, keeps = false } = place
  const local = new SQLocalKysely(`durably-${database}.sqlite3`)
  const durably = createDurably({
    dialect: local.dialect,
    ...(defaults ? {} : DOCUMENTED),
    ...(concurrency === undefined ? {} : { maxConcurrentRuns: concurrency }),
    preserveSteps: keeps,
    jobs,
  })
  const stored = countStored(durably)
  if (keeps) durably.use(withLogPersistence())
  const instance = { durably, local, stored, pollingMs: defaults ? 1_000 : 100 }
  instances.set(database, instance)
  return instance
}

/** How many lines were stored: the plugin for logs does not wait for them, and nothing else tells. */
function countStored({ storage }) {
  const stored = { lines: 0, onLine: () => undefined }
  const createLog = storage.createLog
  storage.createLog = async (line) => {
    const log = await createLog.call(storage, line)
    stored.lines += 1
    stored.onLine(stored.lines)
    return log
  }
  return stored
}

/** Polls while `work` runs, and is idle when it begins. */
export async function polling(place, work) {
  const instance = instanceOf(place)
  await instance.durably.migrate()
  instance.durably.start()
  try {
    return await work(instance)
  } finally {
    await instance.durably.stop()
  }
}

/** Resolves when so many runs were completed. */
export function completed({ durably }, count) {
  return new Promise((resolve) => {
    let seen = 0
    const off = durably.on('run:complete', () => {
      seen += 1
      if (seen < count) return
      off()
      resolve()
    })
  })
}
