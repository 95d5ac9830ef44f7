/** What an executor does with values beyond JSON. */
import superjson from 'superjson'
import { afterEach, describe, expect, test } from 'vitest'
import { blobIdsOf, createCodec, type Serializer } from '../src/codec/codec.js'
import type { Executor } from '../src/executor/runtime.js'
import { defineJob } from '../src/job.js'
import {
  assign,
  quiet,
  type ScriptedEngine,
  stored,
  welcome,
  welcomedExecutor,
} from './scripted-engine.js'

let open: { executor: Executor; engine: ScriptedEngine }[] = []
afterEach(() => {
  for (const { executor, engine } of open) {
    executor.close()
    engine.close()
  }
  open = []
})

async function serve(jobs: object, serializer?: Serializer): Promise<ScriptedEngine> {
  const started = await welcomedExecutor(jobs, null, serializer)
  open.push(started)
  return started.engine
}

const strict = createCodec()
const rich = createCodec({ serializer: superjson })

describe('a serializer', () => {
  const job = defineJob({
    name: 'job',
    run: async (step, { at }: { at: Date }) => {
      const later = await step.run('later', () => new Map([['at', new Date(at.getTime() + 1)]]))
      return later.get('at')
    },
  })
  const { payload: input } = rich.encode({ at: new Date(5) }, 'x')

  test('carries the input, the results and the output', async () => {
    const engine = await serve({ job }, superjson)
    engine.send(assign('job', { input }))
    await engine.next('stepStart')
    const { output } = await engine.take('stepCommit')
    expect(rich.decode(output)).toEqual(new Map([['at', new Date(6)]]))
    expect(rich.decode((await engine.take('runComplete')).output)).toEqual(new Date(6))
  })

  test('that is not here fails the run, and not in silence', async () => {
    const engine = await serve({ job })
    engine.send(assign('job', { input }))
    expect((await engine.take('runFail')).error).toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/serializer "custom", and there is none here/),
    })
  })

  test('that is not here for a memoised result fails the run, even where the job catches it', async () => {
    const catching = defineJob({
      name: 'job',
      run: (step) => step.run('later', () => 1).catch(() => 'caught'),
    })
    const engine = await serve({ catching })
    engine.send(assign('job', { memo: [stored('later', 0, input)] }))
    expect((await engine.take('runFail')).error).toMatchObject({
      code: 'invalid_input',
      stepName: 'later',
    })
  })
})

describe('Blobs', () => {
  const reading = defineJob({
    name: 'job',
    run: async (step, { file }: { file: File }) => {
      const made = await step.run('make', () => new Blob(['new']))
      return `${file.name}: ${await file.text()}, ${await made.text()}`
    },
  })
  const input = strict.encode({ file: new File(['old'], 'a.txt') }, 'x')
  const made = strict.encode(new Blob(['new']), 'x')

  test('that an assignment names are read before its function starts, each once', async () => {
    const engine = await serve({ reading })
    const memo = [stored('make', 0, made.payload)]
    engine.send(assign('job', { input: input.payload, memo }))
    expect(await engine.rest()).toEqual([])
    expect(engine.blobs.asked).toEqual([input.blobs[0]?.id, made.blobs[0]?.id])
    for (const { id, blob } of [...input.blobs, ...made.blobs]) {
      engine.say({ type: 'blob', id, blob: new Blob([blob]) })
    }
    expect((await engine.take('runComplete')).output).toBe('"a.txt: old, new"')
  })

  test('are asked for again where the engine is restarted', async () => {
    const engine = await serve({ reading })
    engine.send(assign('job', { input: input.payload }))
    await engine.rest()
    open[0]?.executor.setJobs(new Map([['job', reading]]))
    await engine.next('hello')
    engine.send(welcome(1, { runId: 'run-1', generation: 2 }))
    await quiet()
    expect(engine.blobs.asked).toEqual([input.blobs[0]?.id, input.blobs[0]?.id])
  })

  test('that come from stored values are not stored again in the same run', async () => {
    const passing = defineJob({
      name: 'job',
      run: async (step, { file }: { file: File }) => {
        const made = await step.run('make', () => ({ file, blob: new Blob(['new']) }))
        return [file, made.file, made.blob, new Blob([made.blob])]
      },
    })
    const engine = await serve({ passing })
    const [file] = input.blobs
    engine.send(assign('job', { input: input.payload }))
    await engine.rest()
    engine.say({ type: 'blob', id: file?.id ?? '', blob: new Blob(['old']) })
    await engine.next('stepStart')
    const step = await engine.take('stepCommit')
    expect(step.blobs).toHaveLength(1)
    const end = await engine.take('runComplete')
    expect(end.blobs).toHaveLength(1)
    const [copy] = end.blobs
    expect(blobIdsOf(end.output)).toEqual([file?.id, file?.id, step.blobs[0], copy])
    expect(engine.blobs.came).toEqual([...step.blobs, ...end.blobs])
  })

  test('that are gone fail the run by name', async () => {
    const engine = await serve({ reading })
    engine.send(assign('job', { input: input.payload }))
    await engine.rest()
    engine.say({ type: 'blob', id: input.blobs[0]?.id ?? '', blob: null })
    const { error } = await engine.take('runFail')
    expect(error.message).toMatch(/The file "a\.txt" .*deleted/)
  })

  test('of a result go beside its message, and again with it to a restarted engine', async () => {
    const engine = await serve({ reading })
    engine.send(assign('job', { input: input.payload }))
    await engine.rest()
    const [file] = input.blobs
    engine.say({ type: 'blob', id: file?.id ?? '', blob: new Blob(['old']) })
    await engine.next('stepStart')
    const { blobs } = await engine.next('stepCommit')
    expect(engine.blobs.came).toEqual(blobs)
    open[0]?.executor.setJobs(new Map([['job', reading]]))
    await engine.next('hello')
    engine.send(welcome(1, { runId: 'run-1', generation: 2 }))
    expect(await engine.take('stepCommit')).toMatchObject({ generation: 2, blobs })
    expect(engine.blobs.came).toEqual([...blobs, ...blobs])
  })

  test('of a result that cannot be read fail the step, with its log lines', async () => {
    const job = defineJob({
      name: 'job',
      run: async (step) => {
        try {
          await step.run('make', ({ log }) => {
            log.info('line')
            return new Blob(['x'])
          })
        } catch (error) {
          return error instanceof Error ? `caught: ${error.message}` : ''
        }
        return 'stored'
      },
    })
    const engine = await serve({ job })
    engine.send(assign('job'))
    await engine.next('stepStart')
    const { seq } = await engine.next('stepCommit')
    engine.say({ type: 'unstorable', seq, error: { code: 'invalid_input', message: 'No.' } })
    expect(await engine.take('stepFail')).toMatchObject({
      stepName: 'make',
      error: { code: 'invalid_input', message: 'No.' },
      report: { firstOrdinal: 1, logs: [{ message: 'line' }] },
    })
    expect((await engine.take('runComplete')).output).toBe('"caught: No."')
  })

  test('of an output that cannot be read fail the run', async () => {
    const job = defineJob({ name: 'job', run: () => [new Blob(['x'])] })
    const engine = await serve({ job })
    engine.send(assign('job'))
    const { seq } = await engine.next('runComplete')
    engine.say({ type: 'unstorable', seq, error: { code: 'invalid_input', message: 'No.' } })
    expect((await engine.take('runFail')).error).toMatchObject({
      message: 'No.',
      stepName: undefined,
    })
  })
})

describe('log lines', () => {
  test('carry bytes, and say why they carry no Blob', async () => {
    const job = defineJob({
      name: 'job',
      run: (step, input: readonly Blob[]) => {
        step.log.info('bytes', { data: Uint8Array.of(1, 2) })
        step.log.info('blob', [new Blob(['x'])])
        step.log.info('a stored blob', input)
      },
    })
    const engine = await serve({ job })
    const { payload, blobs } = strict.encode([new Blob(['x'])], 'x')
    engine.send(assign('job', { input: payload }))
    await engine.rest()
    for (const { id, blob } of blobs) engine.say({ type: 'blob', id, blob })
    const { report } = await engine.take('runComplete')
    const [bytes, blob, stored] = report.logs.map(({ data = '' }) => strict.decode(data))
    expect(bytes).toEqual({ data: Uint8Array.of(1, 2) })
    expect(blob).toMatch(/cannot keep Blobs/)
    expect(stored).toMatch(/cannot keep Blobs/)
  })

  test('stop at the limit of the run, counting those of earlier executions, with one marker', async () => {
    const job = defineJob({
      name: 'job',
      run: (step) => {
        for (let i = 1; i <= 5; i++) step.log.info(`${i}`)
      },
    })
    const logged = async (logCount: number) => {
      const engine = await serve({ job })
      engine.send(assign('job', { logCount }))
      return (await engine.take('runComplete')).report.logs.map(({ message }) => message)
    }
    const marker = expect.stringMatching(/at most 100000 log lines.*logLines.*dropped/)
    expect(await logged(99_995)).toEqual(['1', '2', '3', '4', '5'])
    expect(await logged(99_998)).toEqual(['1', '2', marker])
    expect(await logged(100_000)).toEqual([marker])
    expect(await logged(100_001)).toEqual([])
  })
})
