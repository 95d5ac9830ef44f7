// Running other programs: output shown while it is captured, process groups that end when we end.

import { spawn } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

/** The folder for everything that the scripts write and git ignores. */
export const CACHE = path.join(ROOT, '.cache')

const running = new Set()

/** The program of an npm dependency of the workspace root. */
export function bin(name) {
  return path.join(ROOT, 'node_modules/.bin', name)
}

/**
 * Runs a program to its end and never throws: `code` is 127 when it could not be started.
 *
 * `quiet` captures without showing. `timeoutMs` ends the whole process group, so that a hung
 * browser does not hang the suite.
 */
export function run(command, args, { cwd = ROOT, env = {}, quiet = false, timeoutMs } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
    })
    running.add(child)
    let output = ''
    let timedOut = false
    const timer =
      timeoutMs &&
      setTimeout(() => {
        timedOut = true
        endGroup(child)
      }, timeoutMs)
    const finish = (code) => {
      clearTimeout(timer)
      running.delete(child)
      if (timedOut) {
        const seconds = Math.round(timeoutMs / 1000)
        console.log(`${path.basename(command)} was ended: it took longer than ${seconds} s`)
      }
      resolve({ code: timedOut ? 124 : code, output })
    }
    const take = (stream) => (chunk) => {
      output += chunk
      if (!quiet) stream.write(chunk)
    }
    child.stdout.setEncoding('utf8').on('data', take(process.stdout))
    child.stderr.setEncoding('utf8').on('data', take(process.stderr))
    child.on('error', () => finish(127))
    child.on('close', (code) => finish(code ?? 1))
  })
}

/** Does the program start and end well? */
export async function works(command, args = ['--version']) {
  return (await run(command, args, { quiet: true })).code === 0
}

/** Like `run`, for a step without which nothing else makes sense. */
export async function must(command, args, options) {
  const { code, output } = await run(command, args, options)
  if (code !== 0) {
    const shown = options?.quiet ? `:\n${output.trim()}` : ''
    throw new Failure(`\`${path.basename(command)} ${args.join(' ')}\` failed (${code})${shown}`)
  }
  return output
}

/** A failure that the reader can act on: printed without a stack. */
export class Failure extends Error {}

/** Runs `main` when the file is the program, not when it is imported. */
export async function program(meta, main) {
  if (process.argv[1] !== fileURLToPath(meta.url)) return
  try {
    await main(process.argv.slice(2))
  } catch (error) {
    console.error(error instanceof Failure ? `\n${error.message}` : error)
    process.exitCode = 1
  }
}

function endGroup(child) {
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    for (const child of running) endGroup(child)
    process.exit(130)
  })
}
