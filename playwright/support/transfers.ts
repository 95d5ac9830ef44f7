/** The database as a file, out of a page and into one. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Page } from '@playwright/test'

/** An export, for this process. */
export async function exported(
  page: Page,
  options: { blobs?: boolean; damaged?: boolean } = {},
): Promise<Buffer> {
  const base64 = await page.evaluate(async (options) => {
    const bytes = await window.stepwell.exportDatabase(options)
    let text = ''
    for (let at = 0; at < bytes.length; at += 0x8000) {
      text += String.fromCharCode(...bytes.subarray(at, at + 0x8000))
    }
    return btoa(text)
  }, options)
  return Buffer.from(base64, 'base64')
}

export type Form = 'Uint8Array' | 'ArrayBuffer' | 'Blob'

export const imported = (page: Page, file: Buffer, form: Form = 'Uint8Array') =>
  page.evaluate(
    ([base64, form]) => {
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
      const forms = { Uint8Array: bytes, ArrayBuffer: bytes.buffer, Blob: new Blob([bytes]) }
      return window.outcome(window.stepwell.importDatabase(forms[form]))
    },
    [file.toString('base64'), form] as const,
  )

/** What the `sqlite3` command line says. */
export function sqlite3(file: Buffer, sql: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'stepwell-export-'))
  try {
    const name = path.join(folder, 'export.sqlite3')
    writeFileSync(name, file)
    return execFileSync('sqlite3', ['-readonly', name, sql], { encoding: 'utf8' }).trim()
  } finally {
    rmSync(folder, { recursive: true })
  }
}
