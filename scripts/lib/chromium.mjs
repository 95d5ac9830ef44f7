// Which Chromium the tests and benchmarks use. STEPWELL_CHROMIUM names one of your own.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { ROOT } from './process.mjs'

const KNOWN = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** The path of a Chromium, or undefined. Not `chromium-browser`: on Ubuntu that is a stub for snap. */
export function findChromium() {
  const own = process.env.STEPWELL_CHROMIUM
  if (own) return own
  return [...KNOWN, downloadedByPlaywright()].find((file) => file && existsSync(file))
}

function downloadedByPlaywright() {
  try {
    const require = createRequire(path.join(ROOT, 'package.json'))
    return require('@playwright/test').chromium.executablePath()
  } catch {
    return undefined // Nothing is installed yet.
  }
}
