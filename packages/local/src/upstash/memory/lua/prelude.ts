/**
 * Lua that makes a plain Lua 5.1 machine look like Redis's: the redis table, the sandbox, and `__run`, which runs one
 * script. The host provides `__call(text)`, which performs one command, and `__sha1hex(text)`.
 */
export const PRELUDE: string = String.raw`
local call_host, sha1_host, getinfo = __call, __sha1hex, debug.getinfo
local loadstring, setfenv, setmetatable, rawset = loadstring, setfenv, setmetatable, rawset
local type, tostring, tonumber, error, select = type, tostring, tonumber, error, select
local xpcall, unpack, concat, fmt = xpcall, unpack, table.concat, string.format
local gsub, byte, char, gmatch, sub = string.gsub, string.byte, string.char, string.gmatch, string.sub

local function escape(s)
  return (gsub(s, "[^ !-$&-~]", function(c) return fmt("%%%02x", byte(c)) end))
end
local function unescape(s)
  return (gsub(s, "%%(%x%x)", function(h) return char(tonumber(h, 16)) end))
end

local function decode(next_token)
  local token = next_token()
  local kind, rest = sub(token, 1, 1), sub(token, 2)
  if kind == "n" then return false end
  if kind == "i" then return tonumber(rest) end
  if kind == "s" then return unescape(rest) end
  if kind == "+" then return { ok = unescape(rest) } end
  if kind == "-" then return { err = unescape(rest) } end
  local items = {}
  for at = 1, tonumber(rest) do items[at] = decode(next_token) end
  return items
end

-- %d cannot be used for large numbers: this machine's integers have 32 bits, while those of Redis have 64.
local function integer(n)
  if n ~= n then return "0" end
  return (gsub(fmt("%.0f", n < 0 and math.ceil(n) or math.floor(n)), "^%-0$", "0"))
end

local function encode(value, tokens)
  local kind = type(value)
  if kind == "string" then tokens[#tokens + 1] = "s" .. escape(value)
  elseif kind == "number" then tokens[#tokens + 1] = "i" .. integer(value)
  elseif kind == "boolean" and value then tokens[#tokens + 1] = "i1"
  elseif kind == "table" then
    if type(value.err) == "string" then tokens[#tokens + 1] = "-" .. escape(value.err)
    elseif type(value.ok) == "string" then tokens[#tokens + 1] = "+" .. escape(value.ok)
    else
      local length = 0
      while value[length + 1] ~= nil do length = length + 1 end
      tokens[#tokens + 1] = "*" .. length
      for at = 1, length do encode(value[at], tokens) end
    end
  else tokens[#tokens + 1] = "n" end
end

local function perform(...)
  local count = select("#", ...)
  if count == 0 then return { err = "ERR Please specify at least one argument for this redis.call() call" } end
  local tokens = { "*" .. count }
  for at = 1, count do
    local value = select(at, ...)
    if type(value) == "number" then value = fmt("%.17g", value) end
    if type(value) ~= "string" then
      return { err = "ERR Lua redis lib command arguments must be strings or integers" }
    end
    tokens[#tokens + 1] = "s" .. escape(value)
  end
  return decode(gmatch(call_host(concat(tokens, "\n")), "[^\n]+"))
end

local redis = { LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3 }
redis.pcall = perform
function redis.call(...)
  local reply = perform(...)
  if type(reply) == "table" and reply.err then error(reply, 0) end
  return reply
end
function redis.error_reply(text)
  if sub(text, 1, 1) == "-" then return { err = sub(text, 2) } end
  return { err = text }
end
function redis.status_reply(text) return { ok = text } end
function redis.sha1hex(text) return sha1_host(escape(text)) end
function redis.log() end
function redis.replicate_commands() return true end

local allowed = { redis = redis, string = string, table = table, math = math, _VERSION = _VERSION }
for _, name in ipairs({ "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget",
  "rawset", "select", "setmetatable", "tonumber", "tostring", "type", "unpack", "xpcall" }) do
  allowed[name] = _G[name]
end

-- As in Redis 7, where a script's own pcall sees the text of an error reply instead of the table.
local function flatten(fine, problem, ...)
  if not fine and type(problem) == "table" and problem.err then problem = problem.err end
  return fine, problem, ...
end
local plain_pcall = pcall
allowed.pcall = function(...) return flatten(plain_pcall(...)) end

local plain_format = string.format
function string.format(form, ...)
  local values, at = { ... }, 0
  local count = select("#", ...)
  form = gsub(form, "(%%[%-+ #0]*%d*%.?%d*)(%a?%%?)", function(flags, kind)
    if kind == "%" then return nil end
    at = at + 1
    local number = (kind == "d" or kind == "i") and tonumber(values[at])
    if not number then return nil end
    values[at] = tonumber(integer(number))
    return flags .. ".0f"
  end)
  return plain_format(form, unpack(values, 1, count))
end

local function user_line()
  for level = 2, 20 do
    local info = getinfo(level, "Sl")
    if not info then return nil end
    if info.source == "@user_script" then return info.currentline end
  end
end

local function explain(problem)
  local reply = problem
  if type(problem) ~= "table" then reply = { err = "ERR " .. tostring(problem) } end
  return { err = tostring(reply.err), line = user_line() }
end

local function environment(keys, argv)
  local env = { KEYS = keys, ARGV = argv }
  env._G = env
  allowed.loadstring = function(text, name)
    local chunk, problem = loadstring(text, name)
    if chunk then setfenv(chunk, env) end
    return chunk, problem
  end
  return setmetatable(env, {
    __index = function(_, name)
      local value = allowed[name]
      if value == nil then
        error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
      end
      return value
    end,
    __newindex = function() error("Attempt to modify a readonly table", 2) end,
  })
end

function __run(sha, text, keys, argv)
  local chunk, problem = loadstring(unescape(text), "@user_script")
  if not chunk then return "-" .. escape("ERR Error compiling script (new function): " .. problem) end
  local env = environment(decode(gmatch(keys, "[^\n]+")), decode(gmatch(argv, "[^\n]+")))
  setfenv(chunk, env)
  local fine, result = xpcall(chunk, explain)
  local tokens = {}
  if fine then
    encode(result, tokens)
    return concat(tokens, "\n")
  end
  -- Unlike in Redis the line is unknown after a tail call (return redis.call(...)), because redis.call is Lua here.
  return "-" .. escape(result.err .. " script: " .. sha .. ", on @user_script:" .. (result.line or "?") .. ".")
end

function __compiles(text)
  local chunk, problem = loadstring(unescape(text), "@user_script")
  return chunk and "+OK" or "-" .. escape("ERR Error compiling script (new function): " .. problem)
end

for _, name in ipairs({ "__call", "__sha1hex", "debug", "os", "io", "package", "require", "module", "dofile",
  "loadfile", "print", "newproxy", "collectgarbage", "gcinfo", "load" }) do
  rawset(_G, name, nil)
end
`
