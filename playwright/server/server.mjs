// The server of the test pages: static files without any special header unless told otherwise, the witness, and the gates.
//
//   POST /witness/<key>       counts, answers the count
//   GET  /witness/<prefix>    the counts of all keys under it
//   GET  /gate/<name>         hangs until the gate is opened
//   POST /gate/<name>/open
//   GET  /plain               a page without Stepwell, to go away to
// @ts-check

import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'
import { createGates } from './gates.mjs'
import { createWitness } from './witness.mjs'

/** @type {Record<string, string>} */
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
}

const PLAIN = '<!doctype html><meta charset="utf-8"><title>plain</title><h1>Plain page</h1>'

/** @typedef {Awaited<ReturnType<typeof startServer>>} TestServer */

/**
 * @param {{ root: string, hashed?: string, headers?: Record<string, string>, port?: number }} options `root`: the folder of static files.
 *   `hashed`: under which path their names change with their content, so that browsers keep them, as sites have it.
 *   `headers`: sent with everything. `port`: any that is free where it is left out.
 */
export async function startServer({ root, hashed, headers = {}, port: wanted = 0 }) {
  const witness = createWitness()
  const gates = createGates()
  const server = createServer((request, response) => {
    // Gates and witness are called across origins: each gate has a host name of its own, see `gateUrl` in the pages.
    response.setHeader('access-control-allow-origin', '*')
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    const url = new URL(request.url ?? '/', 'http://server')
    const pathname = decodeURIComponent(url.pathname)
    if (pathname.startsWith('/witness/')) return onWitness(pathname.slice(9), request, response)
    if (pathname.startsWith('/gate/')) return onGate(pathname.slice(6), request, response)
    if (pathname === '/plain') return send(response, PLAIN, TYPES['.html'])
    const isHashed = hashed !== undefined && pathname.startsWith(hashed)
    sendFile(root, pathname, response, isHashed ? 'max-age=31536000, immutable' : 'max-age=0')
  })

  /** @type {(key: string, request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void} */
  const onWitness = (key, request, response) => {
    const answer = request.method === 'POST' ? witness.add(key) : witness.counts(key)
    send(response, JSON.stringify(answer), TYPES['.json'])
  }
  /** @type {typeof onWitness} */
  const onGate = (name, request, response) => {
    if (request.method === 'POST' && name.endsWith('/open')) {
      gates.gate(name.slice(0, -5)).open()
      return send(response, 'true', TYPES['.json'])
    }
    const leave = gates.gate(name).arrive(() => send(response, 'true', TYPES['.json']))
    response.on('close', leave)
  }

  const port = await new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(wanted, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('no port'))
      else resolve(address.port)
    })
  })
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    /** The same server, for the browser another origin. */
    otherOrigin: `http://localhost:${port}`,
    witness,
    gate: gates.gate,
    async close() {
      gates.openAll()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {string} body
 * @param {string | undefined} type
 */
function send(response, body, type) {
  response.writeHead(200, { 'content-type': type ?? 'text/plain', 'cache-control': 'no-store' })
  response.end(body)
}

/**
 * @param {string} root
 * @param {string} pathname
 * @param {import('node:http').ServerResponse} response
 * @param {string} caching
 */
function sendFile(root, pathname, response, caching) {
  let file = path.join(root, path.normalize(pathname))
  if (file.startsWith(root) && existsSync(file) && statSync(file).isDirectory()) {
    file = path.join(file, 'index.html')
  }
  if (!file.startsWith(root) || !existsSync(file)) {
    response.writeHead(404, { 'content-type': 'text/plain' })
    response.end(`There is no ${pathname}.`)
    return
  }
  // No `no-store` on pages: it would keep them out of the back/forward cache.
  const type = TYPES[path.extname(file)] ?? 'application/octet-stream'
  response.writeHead(200, { 'content-type': type, 'cache-control': caching })
  createReadStream(file).pipe(response)
}
