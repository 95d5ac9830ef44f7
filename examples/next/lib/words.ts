/** Texts for people. */
export const shortId = (runId: string) => runId.slice(-6)
export const count = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`
/** Only in the browser: the server does not know the visitor's time zone. */
export const clock = (timestamp: number) => new Date(timestamp).toLocaleTimeString('en-GB')
