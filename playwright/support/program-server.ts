/** A server that is a program of its own, and tells its address on standard output only. */
import { spawn } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'

const START_MS_MAX = 30_000

export interface Site {
  readonly origin: string
  close(): Promise<void>
}

/** @param command its address is taken from the first `http://127.0.0.1:…` or `http://localhost:…` that it prints. */
export async function startProgram(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<Site> {
  const server = spawn(command, args, {
    cwd,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: some programs are scripts that start the server as their child.
    detached: true,
  })
  let isOver = false
  const ended = new Promise<void>((resolve) => {
    server.once('close', () => {
      isOver = true
      resolve()
    })
  })
  const close = () => {
    if (server.pid !== undefined && !isOver) process.kill(-server.pid, 'SIGKILL')
    return ended
  }
  const origin = await new Promise<string>((resolve, reject) => {
    let said = ''
    const fail = (why: string) => {
      void close()
      clearTimeout(timer)
      reject(new Error(`${command} ${args.join(' ')} ${why}:\n${said}`))
    }
    const timer = setTimeout(() => fail('named no address in time'), START_MS_MAX)
    const hear = (text: string) => {
      said += stripVTControlCharacters(text)
      const [found] = said.match(/http:\/\/(127\.0\.0\.1|localhost):\d+(?=\s|\/)/) ?? []
      if (found === undefined) return
      clearTimeout(timer)
      resolve(found)
    }
    for (const stream of [server.stdout, server.stderr]) {
      stream.setEncoding('utf8').on('data', hear)
    }
    server.on('error', (error) => fail(`could not be started (${error.message})`))
    server.on('close', () => fail('ended'))
  })
  return { origin, close }
}
