local dkjson = require "dkjson"
local h5 = require "lubdub.h5"
local crc32 = require "support.crc32"

local golden = "spec/golden/"

local function slurp(name)
  local file <close> = assert(io.open(name, "rb"))
  return file:read "a"
end

-- What h5py reads from every HDF5 file here.
local contents = assert(dkjson.decode(slurp(golden .. "h5_contents.json")))
for path, content in pairs(assert(dkjson.decode(slurp(golden .. "h5_contents_dialects.json")))) do
  contents[path] = content
end

-- Objects that h5py reads and this reader refuses: path = reason, for all files or one.
local unread = {
  ["/lzf"] = "is compressed by the filter 32000 (lzf), which is not read: save it with gzip or uncompressed",
  ["/nine_axes"] = "has 9 axes, and at most 8 can be read",
  ["/null"] = "has no shape",
  ["/text"] = "holds no numbers",
  ["/compound"] = "holds no numbers",
  ["bad_virtual"] = "its numbers lie in other files, which are not opened",
  ["bad_external_storage"] = "its numbers lie in other files, which are not opened",
  ["bad_huge"] = "declares a shape of (1048576, 1048576), but the file holds no such amount of numbers",
}
local latest = "is stored so that it can grow, in the form of HDF5's latest version, which is not read: " ..
  "save the model without libver=\"latest\" (h5repack converts it)"
local unread_latest = { ["/one_way"] = latest, ["/two_ways"] = latest,
  ["/empty_chunked"] = latest }

-- One NaN for all, as in the golden values.
local function normal_bytes(tensor)
  local bytes = tensor:to_bytes()
  return (bytes:gsub("....", function(four)
    local value = ("<f"):unpack(four)
    return value ~= value and "\0\0\xc0\x7f" or four
  end))
end

local function check_attribute(expected, file, object, name)
  local where = object .. " @" .. name
  if expected.numbers then
    local numbers, shape = file:attribute_numbers(object, name)
    assert.same(expected.numbers, numbers, where)
    assert.same(expected.shape, shape, where)
    local text, reason = file:attribute(object, name)
    assert.is_nil(text)
    assert.matches(": attribute " .. name .. " holds no text$", reason)
    return
  end
  local value = assert(file:attribute(object, name))
  if expected.length then value = { #value, crc32(value) } end
  local wanted = expected.length and { expected.length, expected.crc } or expected.string or expected.strings
  assert.same(wanted, value, where)
end

local function reason_of(path, object)
  local base = path:match "([^/]+)%.h5$"
  return base:find "^latest" and unread_latest[object:match "/[^/]*$"] or unread[object:match "/[^/]*$"]
    or object:find "kernel$" and unread[base]
end

local function check_dataset(expected, file, path, object)
  local reason = reason_of(path, object)
  local tensor, got = file:read(object)
  if reason then
    assert.is_nil(tensor, object)
    assert.equal(golden .. path .. ": " .. object .. ": " .. reason, got)
  elseif expected.shape then
    assert.is_truthy(tensor, got)
    assert.same(expected.shape, tensor:shape(), object)
    assert.equal(expected.crc, crc32(normal_bytes(tensor)), object)
    local shape, number = file:shape(object)
    assert.same(expected.shape, shape)
    assert.equal(expected.integer, number == "int64", object)
  else
    assert.is_nil(tensor, object)
  end
end

local function check_file(expected, file, path)
  for object, item in pairs(expected) do
    assert.equal(item.kind, file:kind(object), object)
    local names = {}
    for name, value in pairs(item.attributes) do
      names[#names + 1] = name
      check_attribute(value, file, object, name)
    end
    table.sort(names)
    assert.same(names, file:attributes(object))
    assert.equal(1, select("#", file:attribute(object, "none")))
    if item.kind == "group" then
      local members = assert(file:members(object))
      assert.same(item.members, members, object)
    elseif item.kind == "dataset" then
      check_dataset(item, file, path, object)
    end
  end
  assert.is_nil(file:kind "/nothing of this name")
end

describe("h5 reader: reads what h5py reads", function()
  local paths = {}
  for path in pairs(contents) do paths[#paths + 1] = path end
  table.sort(paths)
  for _, path in ipairs(paths) do
    it("from " .. path, function()
      local file <close> = assert(h5.open(golden .. path))
      check_file(contents[path], file, path)
    end)
  end

  it("from memory, too", function()
    for _, path in ipairs { "h5/types.h5", "h5/user_block.h5", "h5/latest.h5", "notebook_net.h5" } do
      local file <close> = assert(h5.open_buffer(slurp(golden .. path), golden .. path))
      assert.equal("h5.File(" .. golden .. path .. ")", tostring(file))
      collectgarbage()
      check_file(contents[path], file, path)
    end
  end)
end)
