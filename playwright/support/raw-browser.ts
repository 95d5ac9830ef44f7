/** A browser in a process group of its own, so that all of it can be killed in one blow. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { type BrowserContext, chromium } from '@playwright/test'
import { executablePath, FLAGS } from './browser.js'

export interface RawBrowser {
  readonly context: BrowserContext
  /** SIGKILL to every process of the browser; resolves when they are gone. */
  kill(): Promise<void>
}

const START_MS_MAX = 20_000

export async function startRawBrowser(profile: string): Promise<RawBrowser> {
  const portFile = path.join(profile, 'DevToolsActivePort')
  rmSync(portFile, { force: true })
  const child = spawn(
    executablePath(),
    [
      ...FLAGS,
      '--headless=new',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile}`,
      '--hide-crash-restore-bubble',
      'about:blank',
    ],
    { detached: true, stdio: 'ignore' },
  )
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const endpoint = await readEndpoint(portFile, child)
  const browser = await chromium.connectOverCDP(endpoint)
  const [context] = browser.contexts()
  if (context === undefined) throw new Error('the browser has no default context')
  return {
    context,
    async kill() {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await ended
      await browser.close().catch(() => undefined)
    },
  }
}

/** Chromium tells its port in a file only, and nothing says when. */
async function readEndpoint(file: string, child: ChildProcess): Promise<string> {
  const startedAt = performance.now()
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the browser ended with ${child.exitCode}`)
    if (performance.now() - startedAt > START_MS_MAX) throw new Error(`no ${file}`)
    const [port, target] = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
    if (port !== undefined && target !== undefined) return `ws://127.0.0.1:${port}${target}`
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
