// One of three servers on loopback: `plc` (a PLC directory in memory), `pds` (a personal data
// server that keeps its data), `relay` (what a relay adds to a PDS: it names its hosts; and DID
// documents in the form of today, which Jetstream verifies signatures by).
//
// Usage: node pds.mjs MODULES plc PORT
//        node pds.mjs MODULES pds PORT FOLDER PLC_URL
//        node pds.mjs MODULES relay PORT PDS_URL PLC_URL

import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import net from 'node:net'

const [modules, role, portText, ...rest] = process.argv.slice(2)
const require = createRequire(`${modules}/`)
const port = Number(portText)

// Left to themselves, both servers listen on every interface.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (at, ...others) {
  return listen.call(this, at, ...(typeof at === 'number' ? ['127.0.0.1'] : []), ...others)
}

async function plc() {
  const { Database, PlcServer } = require('@did-plc/server')
  await PlcServer.create({ db: Database.mock(), port }).start()
}

async function pds(folder, didPlcUrl) {
  const { PDS, envToCfg, envToSecrets, readEnv } = require('@atproto/pds')
  mkdirSync(`${folder}/blobs`, { recursive: true })
  const env = {
    ...readEnv(),
    devMode: true,
    port,
    hostname: 'localhost',
    dataDirectory: folder,
    blobstoreDiskLocation: `${folder}/blobs`,
    didPlcUrl,
    serviceHandleDomains: ['.test'],
    jwtSecret: 'loopback',
    adminPassword: 'loopback',
    // Any key will do; the same one after a restart.
    plcRotationKeyK256PrivateKeyHex: createHash('sha256').update(folder).digest('hex'),
    inviteRequired: false,
    rateLimitsEnabled: false,
    disableSsrfProtection: true,
  }
  const server = await PDS.create(envToCfg(env), envToSecrets(env))
  await server.start()
}

// The PLC server states keys as it did in 2022; the directory of today states them as Multikey.
async function didDocument(plcUrl, did) {
  const { alsoKnownAs, services, verificationMethods } = await (
    await fetch(`${plcUrl}/${did}/data`)
  ).json()
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
    id: did,
    alsoKnownAs,
    verificationMethod: [
      {
        id: `${did}#atproto`,
        type: 'Multikey',
        controller: did,
        publicKeyMultibase: verificationMethods.atproto.replace('did:key:', ''),
      },
    ],
    service: Object.entries(services).map(([id, { type, endpoint }]) => ({
      id: `#${id}`,
      type,
      serviceEndpoint: endpoint,
    })),
  }
}

// Jetstream asks a relay which hosts there are, and everything else as of a PDS.
async function relay(pdsUrl, plcUrl) {
  const upstream = new URL(pdsUrl)
  const forward = (request) => ({
    host: upstream.hostname,
    port: upstream.port,
    path: request.url,
    method: request.method,
    headers: { ...request.headers, host: upstream.host },
  })
  const server = http.createServer(async (request, response) => {
    const json = (body) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(body))
    }
    if (request.url.startsWith('/xrpc/com.atproto.sync.listHosts')) {
      const host = { hostname: `127.0.0.1:${port}`, status: 'active', seq: 1, accountCount: 1 }
      return json({ hosts: [host] })
    }
    if (request.url.startsWith('/did:')) {
      try {
        return json(await didDocument(plcUrl, request.url.slice(1)))
      } catch {
        response.writeHead(404)
        return response.end()
      }
    }
    const answer = (reply) => {
      response.writeHead(reply.statusCode, reply.headers)
      reply.pipe(response)
    }
    const outgoing = http.request(forward(request), answer)
    outgoing.on('error', () => response.destroy())
    request.pipe(outgoing)
  })
  server.on('upgrade', (request, socket, head) => {
    const outgoing = net.connect(Number(upstream.port), upstream.hostname, () => {
      const lines = Object.entries(forward(request).headers).map(([k, v]) => `${k}: ${v}`)
      outgoing.write(`GET ${request.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
      outgoing.write(head)
      outgoing.pipe(socket).pipe(outgoing)
    })
    for (const end of [socket, outgoing]) {
      end.on('error', () => {})
      end.on('close', () => (end === socket ? outgoing : socket).destroy())
    }
  })
  server.listen(port)
}

await { plc, pds, relay }[role](...rest)
