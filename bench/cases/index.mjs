// All cases, in the order in which they run.
import { cases as firstStep } from './first-step.mjs'
import { cases as idle } from './idle.mjs'
import { cases as reporting } from './reporting.mjs'
import { cases as scale } from './scale.mjs'
import { cases as sizes } from './sizes.mjs'
import { cases as starts } from './starts.mjs'
import { cases as steps } from './steps.mjs'
import { cases as tabs } from './tabs.mjs'
import { cases as values } from './values.mjs'

export const CASES = [
  ...steps,
  ...firstStep,
  ...starts,
  ...tabs,
  ...reporting,
  ...scale,
  ...values,
  ...idle,
  ...sizes,
]
