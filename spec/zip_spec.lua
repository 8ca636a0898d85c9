-- Archives as the library writes and reads them, beside those that Lua alone makes.
local h5 = require "lubdub.h5"
local random = require "lubdub.random"
local temporary = require "support.temporary"
local zip = require "lubdub.zip"
local zip_of = require "support.zip"

local folder, remove, path
setup(function()
  folder, remove = temporary.folder()
  path = folder .. "/a.zip"
end)
teardown(function() remove() end)

local function slurp()
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

describe("zip.write", function()
  it("writes what the format says, checksums included", function()
    local generator = random.RandomState(7)
    for round = 1, 60 do
      local members = {}
      for i = 1, generator:randint(0, 4) do
        local bytes = generator:randint(0, 255, generator:randint(1, round < 50 and 40 or 4000))
        members[i] = { ("folder/%d"):format(i), string.char(table.unpack(bytes)) }
      end
      assert.is_true(zip.write(path, members))
      assert.equal(zip_of(members), slurp())
    end
  end)

  it("writes long members a part at a time, of which the checksum knows nothing", function()
    local part = 8 << 20
    for _, size in ipairs { part, part + 1 } do
      local members = { { "before", "b" }, { "long", ("lub dub "):rep(size // 8 + 1):sub(1, size) }, { "behind", "" } }
      assert.is_true(zip.write(path, members))
      assert.is_true(zip_of(members) == slurp())
    end
  end)

  it("counts more members than the old format can", function()
    local members = {}
    for i = 1, 65535 do members[i] = { ("%x"):format(i), i == 65535 and "last" or "" } end
    assert.is_true(zip.write(path, members))
    local archive <close> = assert(zip.open(path))
    assert.equal("last", archive:read "ffff")
    assert.equal("", archive:read "1")
    assert.is_nil(archive:read "10000")
  end)

  it("refuses what is no member", function()
    assert.error_matches(function() zip.write(path, { { "a", 7 } }) end, "a member's bytes must be a string")
    assert.error_matches(function() zip.write(path, { "a" }) end, "a list of { name, bytes } expected")
    assert.error_matches(function() zip.write(path, { { {}, "a" } }) end, "a member's name must be a string")
    assert.error_matches(function() zip.write(path, { { ("n"):rep(65536), "a" } }) end,
      "a member's name is longer than 65535 bytes")
    assert.is_true(zip.write(path, { { ("n"):rep(65535), "a" } }))
    local archive <close> = assert(zip.open(path))
    assert.equal("a", archive:read(("n"):rep(65535)))
  end)
end)

describe("an archive's members", function()
  it("are read as strings or as bytes, which an archive and an HDF5 file are made of again", function()
    local file <close> = assert(h5.create())
    assert(file:write("/a/b", 3.5))
    local image = assert(file:image())
    assert.is_true(zip.write(path, { { "file", image }, { "none", "" } }))
    local archive <close> = assert(zip.open(path))
    local bytes, text = assert(archive:bytes "file"), archive:read "file"
    assert.equal(tostring(image), text)
    assert.equal(text, tostring(bytes))
    assert.equal("", tostring(archive:bytes "none"))
    assert.is_nil(archive:bytes "absent")
    assert.is_true(zip.write(path .. "2", { { "file", bytes } }))
    archive:close()
    local reader <close> = assert(h5.open_buffer(bytes, "again"))
    bytes = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.equal("dataset", reader:kind "/a/b")
    assert.error_matches(function() archive:bytes "file" end, "the archive is closed")
  end)

  it("are not those of an image, which is taken back when its file changes", function()
    local file <close> = assert(h5.create())
    local image = assert(file:image())
    assert.error_matches(function() h5.open_buffer(image) end, "a file's image is only lent")
    file:close()
    assert.error_matches(function() h5.open_buffer(image) end, "a file's image is only lent")
    assert.error_matches(function() zip.write(path, { { "a", image } }) end, "a member's bytes must be a string")
  end)

  it("that are damaged are refused", function()
    for _, method in ipairs { "read", "bytes" } do
      local file <close> = assert(io.open(path, "wb"))
      file:write(zip_of { { "a", "text", crc = 7 } })
      file:close()
      local archive <close> = assert(zip.open(path))
      assert.same({ nil, path .. ": a: CRC error" }, { archive[method](archive, "a") })
    end
  end)
end)
