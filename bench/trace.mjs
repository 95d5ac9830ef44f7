// The tasks of a page's main thread, as the browser traces them.
const TASK = 'RunTask'
const CATEGORIES = ['disabled-by-default-devtools.timeline', 'blink.user_timing', '__metadata']

/** The longest task of the page's main thread while `work` ran, in milliseconds. */
export async function longestTask(lab, page, work) {
  const browser = lab.context.browser()
  await browser.startTracing(page, { categories: CATEGORIES })
  // The thread is known by the task that does this.
  await page.evaluate(() => performance.mark('here'))
  let events = []
  try {
    await work()
  } finally {
    const text = (await browser.stopTracing()).toString()
    events = JSON.parse(text).traceEvents
  }
  const main = mainThread(events)
  const tasks = events.filter(({ name, pid, tid }) => name === TASK && isOf(main, pid, tid))
  if (tasks.length === 0) throw new Error('no task was traced')
  return Math.max(...tasks.map(({ dur = 0 }) => dur)) / 1_000
}

/** Of the page that set the mark. */
function mainThread(events) {
  const here = events.find(({ name, cat }) => name === 'here' && cat.includes('user_timing'))
  if (here === undefined) throw new Error('the page was not traced')
  return here
}

function isOf(thread, pid, tid) {
  return thread.pid === pid && thread.tid === tid
}
