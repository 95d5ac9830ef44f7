/** Which browser, and with which flags. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type BrowserContext, chromium } from '@playwright/test'
import { addJitter } from './jitter.js'

export const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Debian's Chromium where there is one, else the one that Playwright downloads. */
export function executablePath(): string {
  const named = process.env['STEPWELL_CHROMIUM']
  const known = [named, '/usr/bin/chromium', '/usr/bin/google-chrome']
  return (
    known.find((file) => file !== undefined && file !== '' && existsSync(file)) ??
    chromium.executablePath()
  )
}

/** A profile on disk, for incognito contexts are slow and forgetful. */
export function makeProfile(): string {
  return mkdtempSync(path.join(tmpdir(), 'stepwell-profile-'))
}

export function removeProfile(profile: string): void {
  // A browser that is going down may still write a file or two.
  rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}

export interface LaunchOptions {
  /** Playwright switches the back/forward cache off by default. */
  readonly bfcache?: boolean
  readonly args?: readonly string[]
}

export async function launch(
  profile: string,
  { bfcache = false, args = [] }: LaunchOptions = {},
): Promise<BrowserContext> {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: executablePath(),
    args: [...FLAGS, ...args],
    ignoreDefaultArgs: bfcache ? ['--disable-back-forward-cache'] : [],
  })
  await addJitter(context)
  return context
}
