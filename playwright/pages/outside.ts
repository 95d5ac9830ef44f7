/** The test server as jobs and pages see it: a witness that outlives the browser, and gates that tests open. */

/** Counts a key outside of the browser; how often it has come, this time included. */
export async function witness(key: string): Promise<number> {
  const response = await fetch(`/witness/${key}`, { method: 'POST' })
  return response.json()
}

/** The counts of all keys under a prefix. */
export async function witnessed(prefix: string): Promise<Record<string, number>> {
  const response = await fetch(`/witness/${prefix}`)
  return response.json()
}

/** Hangs until the test opens the gate. */
export async function gate(name: string, signal?: AbortSignal): Promise<void> {
  await fetch(gateUrl(name), signal === undefined ? {} : { signal })
}

/** A host name of its own for each gate: a browser opens six connections a host, and a gate holds one for long. */
function gateUrl(name: string): string {
  const host = name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return `http://${host}.gate.localhost:${location.port}/gate/${name}`
}
