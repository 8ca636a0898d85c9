--- The file of callbacks.BackupAndRestore: one table, whole or not at all.
--
--    lubdub backup 1\n     what it is, and its version
--    0123456789abcdef\n    a hash of what follows (core.fingerprint.digest)
--    ...                   the table (lubdub.pack)
--
-- It is written aside, synced and renamed (csrc/base/aside.h); what the hash does not fit was not written by lubdub.
-- @module lubdub.backup
local core = require "lubdub.core"
local pack = require "lubdub.pack"

local backup = {}

local KIND, HEAD = "lubdub backup ", "lubdub backup 1\n"
local DIGEST = 16 -- characters

--- Writes a table.
-- @tparam string path
-- @tparam table value
-- @return true, or nil and "path: reason"
-- @raise on a value that cannot be kept (lubdub.pack)
function backup.write(path, value)
  local bytes = pack.encode(value, "backup")
  return core.write_aside(path, HEAD .. core.fingerprint.digest(bytes) .. "\n" .. bytes)
end

local function parse(text)
  if text:sub(1, #HEAD) ~= HEAD then
    if text == "" then return nil, "the file is empty" end
    if text:sub(1, #KIND) == KIND then return nil, "is the backup of another version of lubdub" end
    return nil, "is no backup of lubdub"
  end
  local digest, bytes = text:sub(#HEAD + 1, #HEAD + DIGEST), text:sub(#HEAD + DIGEST + 2)
  if core.fingerprint.digest(bytes) ~= digest then return nil, "is damaged: its checksum is another one" end
  local ok, value = pcall(pack.decode, bytes)
  if not ok or type(value) ~= "table" then return nil, "is damaged" end
  return value
end

--- Reads what backup.write wrote.
-- @tparam string path
-- @treturn[1] table
-- @return[2] nil, and "path: reason"; nothing else where there is no file
function backup.read(path)
  local file, reason, code = io.open(path, "rb")
  if not file then
    if code == 2 then return nil end -- ENOENT
    return nil, reason
  end
  local closing <close> = file -- luacheck: ignore
  local head = file:read(#HEAD)
  local rest = head == HEAD and file:read "a" or ""
  if not rest then return nil, path .. ": cannot be read" end
  if head == nil and select(2, file:read(0)) then return nil, path .. ": " .. select(2, file:read(0)) end
  local value, why = parse((head or "") .. rest)
  if not value then return nil, path .. ": " .. why end
  return value
end

return backup
