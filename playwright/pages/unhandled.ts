/** What nobody handles in a worker is told to the page, where the tests look for it. */
const CHANNEL = 'unhandled'

export function tellUnhandled(): void {
  if (typeof window !== 'undefined') return
  const channel = new BroadcastChannel(CHANNEL)
  addEventListener('unhandledrejection', ({ reason }) => {
    channel.postMessage(`in a worker: ${reason instanceof Error ? reason.stack : String(reason)}`)
  })
}

export function onUnhandled(listener: (text: string) => void): void {
  new BroadcastChannel(CHANNEL).onmessage = ({ data }: MessageEvent<unknown>) => {
    listener(String(data))
  }
}
