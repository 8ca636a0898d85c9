local lubdub = require "lubdub"
local temporary = require "support.temporary"
local warned = require "support.warned"

describe("datasets.folder", function()
  local said = warned(before_each, after_each)
  local folder, remove
  before_each(function() folder, remove = temporary.folder() end)
  after_each(function() remove() end)

  it("takes the names of folders for labels, in the order of bytes", function()
    for _, name in ipairs { "normal/b.wav", "normal/a/deep/c.FLAC", "Murmür 2/ä ö.ogg", "Murmür 2/z.mp3", "loose.aiff",
      "normal/.hidden.wav", "normal/notes.txt", "__MACOSX/x.wav", "empty/readme" } do
      temporary.write(folder, name)
    end
    local clips = lubdub.datasets.folder(folder)
    assert.same({ "Murmür 2/z.mp3", "Murmür 2/ä ö.ogg", "loose.aiff", "normal/a/deep/c.FLAC", "normal/b.wav" },
      clips:column "name")
    assert.same({ "Murmür 2", "Murmür 2", false, "normal", "normal" }, clips:column("label", false))
    assert.equal(folder .. "/loose.aiff", clips[3].path)
    assert.equal(folder .. "/loose.aiff", lubdub.datasets.folder(folder .. "/")[3].path)
    assert.matches("in no folder, so without a label: 1 %(loose.aiff%); clips:check%(%) lists them", said[1])
  end)

  it("comes to an end where a link leads back up", function()
    local lfs = require "lfs"
    temporary.write(folder, "normal/a.wav")
    assert(lfs.link(folder, folder .. "/normal/up", true))
    assert.same({ "normal/a.wav" }, lubdub.datasets.folder(folder):column "name")
  end)

  it("names a folder that is not there or empty", function()
    local ok, message = pcall(lubdub.datasets.folder, folder)
    assert.is_false(ok)
    assert.is_truthy(message:find("datasets.folder: " .. folder .. ": no sound files", 1, true))
    ok, message = pcall(lubdub.datasets.folder, folder .. "/nowhere")
    assert.is_false(ok)
    assert.is_truthy(message:find(folder .. "/nowhere: No such file", 1, true))
    ok, message = pcall(lubdub.datasets.folder)
    assert.is_false(ok)
    assert.matches("expected a path, got nil", message)
  end)
end)

describe("datasets.make_folder", function()
  it("makes a path, once or again, and says why not", function()
    local lfs = require "lfs"
    local folder, remove = temporary.folder()
    assert.is_true(lubdub.datasets.make_folder(folder .. "/a b/ü//c/"))
    assert.equal("directory", lfs.attributes(folder .. "/a b/ü/c", "mode"))
    assert.is_true(lubdub.datasets.make_folder(folder .. "/a b"))
    local file = temporary.write(folder, "file")
    local made, reason = lubdub.datasets.make_folder(file .. "/below")
    assert.is_nil(made)
    assert.equal(file .. ": not a folder", reason)
    remove()
    assert.is_false(pcall(lubdub.datasets.make_folder))
  end)
end)
