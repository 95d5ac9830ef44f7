/// <reference lib="webworker" />
/** Answers at once. Runs in a worker. */
addEventListener('message', ({ data }: MessageEvent<{ port: MessagePort }>) => {
  const { port } = data
  port.onmessage = ({ data: question }) => port.postMessage(question)
  postMessage('ready')
})

export {}
