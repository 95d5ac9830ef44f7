/** A tab on which what a leader says is lost, as where it dies when it has committed and has told nobody yet. */

declare global {
  interface Window {
    /** The epoch of the leader whose answers and events are lost; `null`: all come. */
    deafTo: number | null
  }
}

/** To be called before a client is made. */
export function loseMessages(): void {
  window.deafTo = null
  const Channel = globalThis.BroadcastChannel
  globalThis.BroadcastChannel = class extends Channel {
    constructor(name: string) {
      super(name)
      // The first listener: no other hears what it stops.
      this.addEventListener('message', (event) => {
        const { type, epoch } = Object(event.data)
        const isLost = type === 'replies' || type === 'events'
        if (isLost && epoch === window.deafTo) event.stopImmediatePropagation()
      })
    }
  }
}
