import { createHash } from 'node:crypto'

/** A Lua script and the name that Redis knows it by. */
export interface Script {
  readonly text: string
  readonly sha: string
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/**
 * What is under a key, as `{state, tag, body}`. Something else under the key, or a hash of someone else's, is there
 * and has no tag. The `=` keeps a client that deserializes on its own from making a number of a tag or an object of a
 * body. The time goes first, in whole ms: rounded down, so that it is true to 1 ms.
 */
const LOOK = `
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function look(key)
  if redis.call('EXISTS', key) == 0 then return {'absent', '=', '='} end
  local fields = redis.pcall('HMGET', key, 'tag', 'body')
  if fields.err then return {'there', '=', '='} end
  return {'there', '=' .. (fields[1] or ''), '=' .. (fields[2] or '')}
end
`

/**
 * KEYS: what to look at. Answers with the time, then an image for each key. Deleting a field that no record has changes
 * nothing, but a replica, which tells its own clock and may lag behind, refuses it by READONLY. Other errors of it do not matter.
 */
export const READ: Script = script(`${LOOK}
local write = redis.pcall('HDEL', KEYS[1], 'warmtoken:is-primary')
if type(write) == 'table' and write.err and string.find(write.err, 'READONLY', 1, true) then return write end
local answer = {now()}
for i, key in ipairs(KEYS) do answer[i + 1] = look(key) end
return answer
`)

/**
 * KEYS: one key. ARGV: the expected state (`absent`, or `there`), the expected tag, the new tag, the new body, and until
 * when to keep it, in ms; where it is announced, also the channel and the text. Whether that may be published does not matter to
 * the write. Answers with the time and the image found, or `{'swapped'}`: also when the write had been
 * applied before, so that a repeat of a request whose answer was lost is known for what it is.
 */
export const SWAP: Script = script(`${LOOK}
local key, expected, seen, tag, body, keepUntil = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local found = look(key)
if found[1] == 'there' and found[2] == '=' .. tag then return {now(), {'swapped'}} end
if found[1] ~= expected then return {now(), found} end
if expected == 'there' and found[2] ~= '=' .. seen then return {now(), found} end
if found[1] == 'there' and found[2] == '=' then redis.call('DEL', key) end
redis.call('HSET', key, 'tag', tag, 'body', body)
redis.call('PEXPIREAT', key, keepUntil)
if ARGV[7] then redis.pcall('PUBLISH', ARGV[6], ARGV[7]) end
return {now(), {'swapped'}}
`)

/** ARGV: a cursor, a pattern, and about how many keys to look at. Answers with the time, `{cursor}` and the keys. */
export const SCAN: Script = script(`${LOOK}
local page = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local keys = {}
for i, key in ipairs(page[2]) do keys[i] = '=' .. key end
return {now(), {'=' .. page[1]}, keys}
`)

/**
 * KEYS: topics, each a sorted set of connections by their end. ARGV: the connection and its end, in ms. Those whose end has
 * come are removed, and the set lives as long as its last member.
 */
export const FOLLOW: Script = script(`${LOOK}
local at = now()
for _, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', at)
  local last = tonumber(redis.call('ZSCORE', key, ARGV[1]) or '0')
  if tonumber(ARGV[2]) > last then redis.call('ZADD', key, ARGV[2], ARGV[1]) end
  local left = redis.call('PTTL', key)
  if left < 0 or at + left < tonumber(ARGV[2]) then redis.call('PEXPIREAT', key, ARGV[2]) end
end
return {at}
`)

/** KEYS: topics. ARGV: the connection that leaves them. */
export const LEAVE: Script = script(`${LOOK}
for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end
return {now()}
`)

/**
 * KEYS: one topic. ARGV: the end after which the page begins, empty for the first, and how many connections it has at least.
 * All of one end are on one page. Answers with the time, `{next}`, empty where there is none, and the connections.
 */
export const FOLLOWERS: Script = script(`${LOOK}
local at, key, from, limit = now(), KEYS[1], ARGV[1], tonumber(ARGV[2])
local min = '(' .. (from == '' and string.format('%.0f', at) or from)
local found = redis.call('ZRANGEBYSCORE', key, min, '+inf', 'WITHSCORES', 'LIMIT', 0, limit + 1)
local next = ''
if #found / 2 > limit then
  next = found[2 * limit]
  found = redis.call('ZRANGEBYSCORE', key, min, next, 'WITHSCORES')
end
local connections = {}
for i = 1, #found, 2 do connections[#connections + 1] = '=' .. found[i] end
return {at, {'=' .. next}, connections}
`)

/** ARGV: a channel and the texts that are published on it. */
export const ANNOUNCE: Script = script(`${LOOK}
for i = 2, #ARGV do redis.call('PUBLISH', ARGV[1], ARGV[i]) end
return {now()}
`)
