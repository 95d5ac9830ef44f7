/// <reference lib="webworker" />
/** Asks over a port, waits for the answer, asks again; then tells how often per second. Runs in a worker. */
const UNMEASURED = 20
/** About what a step's result is. */
const QUESTION = { name: 'step', output: 'x'.repeat(100) }

addEventListener(
  'message',
  async ({ data }: MessageEvent<{ count: number; port: MessagePort }>) => {
    const { count, port } = data
    let answered: () => void = () => undefined
    port.onmessage = () => answered()
    const ask = (index: number) =>
      new Promise<void>((resolve) => {
        answered = resolve
        port.postMessage({ ...QUESTION, index })
      })
    for (let i = 0; i < UNMEASURED; i++) await ask(i)
    const start = performance.now()
    for (let i = 0; i < count; i++) await ask(UNMEASURED + i)
    postMessage(count / ((performance.now() - start) / 1_000))
  },
)

export {}
