-- A limit on file sizes (ulimit -f): every writer fails with a reason, nothing half-written is left, the process lives.
local lfs = require "lfs"
local temporary = require "support.temporary"

local code = [[
local lubdub = require "lubdub"
local Tensor = lubdub.Tensor
local noise = Tensor.randn { 40000, seed = 1 } * 0.1
for _, name in ipairs { "a.wav", "a.flac", "a.ogg", "a.aiff" } do print(lubdub.audio.write(name, noise, 8000)) end
local logger = lubdub.callbacks.CSVLogger "a.csv"
logger:on_train_begin()
print(pcall(function()
  for epoch = 1, 10000 do logger:on_epoch_end(epoch, { loss = 1 / epoch }) end
end))
logger:on_train_interrupt()
print "alive"]]

describe("a limit on file sizes", function()
  it("is a reason, not the end of the process", function()
    local folder, remove = temporary.folder()
    finally(remove)
    local script = temporary.write(folder, "run.lua", code)
    local function absolute(path) return (path:gsub("%f[^;\0]([^/;][^;]*)", lfs.currentdir() .. "/%1")) end
    local pipe <close> = assert(io.popen(("cd '%s' && ulimit -f 8 && LUA_PATH='%s' LUA_CPATH='%s' lua5.4 '%s' 2>&1")
      :format(folder, absolute(package.path), absolute(package.cpath), script)))
    local expected = {}
    for _, name in ipairs { "a.wav", "a.flac", "a.ogg", "a.aiff" } do
      expected[#expected + 1] = "nil\t" .. name .. ": File too large\n"
    end
    assert.equal(table.concat(expected) .. "false\tCSVLogger: a.csv: File too large\nalive\n", pipe:read "a")
    local log = assert(io.open(folder .. "/a.csv", "rb"))
    local text = log:read "a"
    log:close()
    local lines = 0
    for line in text:gmatch "[^\r]*\r\n" do
      assert.equal(lines == 0 and "epoch,loss,val_loss\r\n" or line:match "^%d+,[%d.e-]+,NA\r\n$", line)
      lines = lines + 1
    end
    assert.is_true(lines > 100)
    assert.equal("\r\n", text:sub(-2)) -- no half line
    for name in lfs.dir(folder) do
      assert.is_true(name:find "^%.+$" ~= nil or name == "run.lua" or name == "a.csv", name)
    end
  end)
end)
