/** `defineParentJob`: a job that runs others and, if it is told to, makes one result of theirs. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { AnyJob, Job, JobOutput, JobTaking, Labels } from './infer.js'
import {
  checkDefinition,
  checkJobName,
  freezeJob,
  isJob,
  type JobPolicy,
  POLICY_OPTIONS,
  type StoredLabels,
} from './job.js'
import { checkFunction, checkOptions, invalid, shown } from './options.js'
import type { InvokeCall, Settled, Step } from './step.js'

/** The steps that a parent job makes itself. */
const CHILDREN_STEP = 'children'
const FINALIZE_STEP = 'finalize'
const OPTIONS = ['name', 'input', 'labels', ...POLICY_OPTIONS, 'run', 'finalize']

/** What the function of a parent job returns: a result of its own, and the children to run. */
export interface ParentPlan<O, Js extends readonly AnyJob[]> {
  readonly output: O
  /** At most 1,000: a job and its input each, and the options of a child beside them. */
  readonly children: { readonly [K in keyof Js]: InvokeCall<Js[K]> }
}

/** What a parent job without `finalize` returns. */
export interface ParentOutput<O, Js extends readonly AnyJob[]> {
  readonly output: O
  /** The children's outputs, in the order of the plan. */
  readonly children: { -readonly [K in keyof Js]: JobOutput<Js[K]> }
}

/** What `finalize` is given. */
export interface ParentResults<P, O, Js extends readonly AnyJob[]> {
  /** The parent's input. */
  readonly input: P
  /** What the parent's function returned as `output`. */
  readonly output: O
  /** How each child ended, in the order of the plan. */
  readonly children: { -readonly [K in keyof Js]: Settled<JobOutput<Js[K]>> }
}

declare const unset: unique symbol
/** No output that anybody can return. */
type Unset = typeof unset

/**
 * What a job as `finalize` must take. The compiler looks at it once before it has looked at `run`: then, as the output
 * shows, nothing is known, and any job fits.
 */
type FinalizeInput<P, O, Js extends readonly AnyJob[]> = [O] extends [Unset]
  ? never
  : ParentResults<P, O, Js>

export interface ParentJobConfig<N extends string, P, I, O, Js extends readonly AnyJob[], R, L, LI>
  extends JobPolicy {
  /** The job's identity in the database: keep it when you move or rename code. */
  readonly name: N
  /** Standard Schema v1. Its output is what is stored and what `run` gets. */
  readonly input?: StandardSchemaV1<I, P>
  /** Standard Schema v1 of an object of texts. Its output is what is stored. */
  readonly labels?: StandardSchemaV1<LI, L>
  /** Plans the children. May have steps; like any job's function it is run again after an interruption. */
  readonly run: (step: Step, input: P) => ParentPlan<O, Js> | Promise<ParentPlan<O, Js>>
  /**
   * Makes the job's output once all children have ended, however they ended: a function of this run, whose steps have
   * other names than those of `run`, or another job, with a retry and a timeout of its own. Left out: the first child that
   * fails fails the job and cancels the others, and the output is `{ output, children }`.
   */
  readonly finalize?:
    | ((step: Step, results: ParentResults<P, O, Js>) => R | Promise<R>)
    | JobTaking<NoInfer<FinalizeInput<P, O, Js>>, R>
}

/**
 * Defines a job that runs children: `run` returns `{ output, children: [{ job, input }] }`, they are run, and `finalize`
 * makes the job's output of `{ input, output, children }`. It is an ordinary job that calls `step.invokeAll('children', …)`
 * and, where `finalize` is a job, `step.invoke('finalize', …)`: steps of your own cannot have these two names
 * (`duplicate_step`). The children's jobs, and a job as `finalize`, must be among those that are served.
 */
export function defineParentJob<
  const N extends string,
  const Js extends readonly AnyJob[],
  P = void,
  I = P,
  O = Unset,
  R = ParentOutput<O, Js>,
  L extends StoredLabels = Labels,
  LI = L,
>(config: ParentJobConfig<N, P, I, O, Js, R, L, LI>): Job<N, I, P, R, LI> {
  if (config === undefined) {
    throw invalid('defineParentJob takes an object with at least name and run.')
  }
  const options = checkOptions(config, 'defineParentJob', OPTIONS)
  const what = checkJobName(options['name'], 'defineParentJob')
  checkFunction(options['run'], `The option run ${what}`)
  checkFinalize(options['finalize'], `The option finalize ${what}`)
  const { name, run, finalize } = config
  return freezeJob({
    name,
    ...checkDefinition(options, what),
    async run(step: Step, input: P) {
      const plan = await run(step, input)
      checkPlan(plan, what)
      const { output, children } = plan
      if (finalize === undefined) {
        return { output, children: await step.invokeAll(CHILDREN_STEP, children) }
      }
      const settled = await step.invokeAll(CHILDREN_STEP, children, { mode: 'settled' })
      const results = { input, output, children: settled }
      return typeof finalize === 'function'
        ? finalize(step, results)
        : step.invoke<AnyJob>(FINALIZE_STEP, jobOf(finalize), results)
    },
  })
}

/** Whether it takes the results was checked where its types are known. */
function jobOf(finalize: JobTaking<never, unknown>): AnyJob {
  return { name: finalize.name, '~definition': finalize['~definition'] }
}

function checkFinalize(value: unknown, name: string): void {
  if (value === undefined || typeof value === 'function' || isJob(value)) return
  throw invalid(`${name} must be a function or a job, and is ${shown(value)}.`)
}

/** The children themselves are checked where they are invoked. */
function checkPlan(value: unknown, what: string): void {
  const name = `The result of the function run ${what}`
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${name} must be { output, children }, and is ${shown(value)}.`)
  }
  const { children } = checkOptions(value, name, ['output', 'children'])
  if (Array.isArray(children)) return
  throw invalid(
    `${name}: children must be an array of { job, input, … }, and is ${shown(children)}.`,
  )
}
