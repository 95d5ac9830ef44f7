/** A tab on which answers are lost, as where a leader dies when it has committed and not answered yet. */

declare global {
  interface Window {
    /** The epoch of the leader whose answers are lost; `null`: all come. */
    deafTo: number | null
  }
}

/** To be called before a client is made. */
export function loseAnswers(): void {
  window.deafTo = null
  const Channel = globalThis.BroadcastChannel
  globalThis.BroadcastChannel = class extends Channel {
    constructor(name: string) {
      super(name)
      if (!name.includes(':reply:')) return
      // The first listener: no other hears what it stops.
      this.addEventListener('message', (event) => {
        const { type, epoch } = Object(event.data)
        if (type === 'replies' && epoch === window.deafTo) event.stopImmediatePropagation()
      })
    }
  }
}
