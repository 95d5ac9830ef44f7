/** What the driver calls of Stepwell. */
import type { Part } from '../part.js'
import { react } from './react.js'
import { starting } from './starting.js'
import { storing } from './storing.js'
import { waiting } from './waiting.js'
import { working } from './working.js'

export const calls = {
  ...working,
  ...starting,
  ...storing,
  ...waiting,
  ...react,
} satisfies Part['calls']
