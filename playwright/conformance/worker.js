// Runs scenarios by their names: `{ directory, names }` in, `{ passed }` out for each, to the first that fails. That one
// panics, and nothing of the wasm may be used after that: the page starts another worker then.

import init, { StepwellConformance } from './wasm/stepwell_wasm.js'

// The panic hook tells message and place here; what is thrown after it says only `unreachable`.
let told = ''
console.error = (text) => {
  told += text
}

async function run({ directory, names }) {
  await init()
  if (names === undefined) return globalThis.postMessage({ names: StepwellConformance.names() })
  const suite = await StepwellConformance.open(directory)
  for (const name of names) {
    if (suite.run(name) === 0) throw new Error('it opened no store')
    globalThis.postMessage({ passed: name })
  }
}

globalThis.onmessage = async ({ data }) => {
  try {
    await run(data)
    globalThis.postMessage({ isDone: true })
  } catch (error) {
    // Without the stack, which names the panic's machinery only.
    const [panicked] = told.split('\n\nStack:')
    const failure = panicked || error?.message || String(error)
    globalThis.postMessage({ failure, isDone: true })
  }
}
