// Databases that several cases look at. Each is filled once.

export const STORED_NONE = 50
export const STORED_SOME = 20_000
export const STORED_MANY = 100_000
export const ASLEEP = 10_000

/** One with so many ended runs, of both. */
export function storedPlace(lab, count) {
  const place = { database: `stored-${count}` }
  return lab.fixture(place.database, async () => {
    console.log(`  storing ${count} ended runs`)
    const runs = lab.size(count, Math.min(count, 500))
    const concurrency = 256
    await lab.inPage(({ call }) => call('stepwell', 'fill', { ...place, concurrency }, runs))
    if (lab.without === null) await lab.inPage(({ call }) => call('durably', 'fill', place, runs))
    return place
  })
}

/** One of Stepwell with many runs that sleep for a year. */
export function asleepPlace(lab) {
  const place = { database: 'asleep' }
  return lab.fixture(place.database, async () => {
    console.log(`  sending ${ASLEEP} runs to sleep`)
    await lab.inPage(({ call }) => call('stepwell', 'fallAsleep', place, lab.size(ASLEEP, 500)))
    return place
  })
}
