// The least of an app with jobs and React, for the sizes: as its README has it.
import { createDurably, defineJob } from '@coji/durably'
import * as hooks from '@coji/durably-react/spa'
import { SQLocalKysely } from 'sqlocal/kysely'
import { z } from 'zod'

const job = defineJob({
  name: 'job',
  input: z.object({}),
  run: async (step) => {
    await step.run('step', () => 1)
  },
})
const { dialect } = new SQLocalKysely('app.sqlite3')

globalThis.used = [createDurably({ dialect, jobs: { job } }), hooks]
