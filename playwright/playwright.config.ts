import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: 'tests',
  globalSetup: './support/build-pages.ts',
  // A retry would hide a race.
  retries: 0,
  forbidOnly: process.env['CI'] !== undefined,
  workers: 2,
  fullyParallel: false,
  timeout: 30_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
  outputDir: '../.cache/playwright-results',
})
