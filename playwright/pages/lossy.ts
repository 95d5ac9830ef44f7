/** A tab on which what a leader says is lost, as where it dies when it has committed and has told nobody yet. */

declare global {
  interface Window {
    /** The epoch of the leader whose answers and events are lost; `null`: all come. */
    deafTo: number | null
    /** How many events of each type were lost for certain. */
    lost: Record<string, number>
  }
}

/** To be called before a client is made. */
export function loseMessages(): void {
  window.deafTo = null
  window.lost = {}
  const Channel = globalThis.BroadcastChannel
  globalThis.BroadcastChannel = class extends Channel {
    constructor(name: string) {
      super(name)
      // The first listener: no other hears what it stops.
      this.addEventListener('message', (event) => {
        const { type, epoch, repliedTo } = Object(event.data)
        const isLost = type === 'replies' || type === 'events'
        if (!isLost || epoch !== window.deafTo) return
        event.stopImmediatePropagation()
        // What comes with replies as well may be heard with them.
        if (type === 'events' && repliedTo.length === 0) count(event.data)
      })
    }
  }
}

function count(message: { readonly events: readonly { readonly type: string }[] }): void {
  for (const { type } of message.events) window.lost[type] = (window.lost[type] ?? 0) + 1
}
