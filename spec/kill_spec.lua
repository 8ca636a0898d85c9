-- kill -9 at random moments: while files are saved again and again, and while a model trains with BackupAndRestore.
-- LUBDUB_KILLS sets how many of each there are (`make kills`: 200).
local lfs = require "lfs"

local lubdub = require "lubdub"
local child = require "support.child"
local constants = require "support.constants"
local temporary = require "support.temporary"
local trainings = require "support.trainings"

local KILLS = math.tointeger(os.getenv "LUBDUB_KILLS" or 3)

describe("kill -9", function()
  local folder, remove
  before_each(function()
    folder, remove = temporary.folder()
    lubdub.on_warning(function() end)
  end)
  after_each(function()
    lubdub.on_warning(nil)
    remove()
  end)

  local loop = [[
local constants, path, value = require "support.constants", "%s", %d
while true do
  value = value + 1
  assert(constants.save(path, value))
  if ready then ready() ready = nil end
end]]

  for _, name in ipairs(constants.names) do
    it("while " .. name .. " is saved leaves the old file or the new one", function()
      local random, value = lubdub.random.RandomState(#name), 0
      for _ = 1, KILLS do
        assert.is_true((child.kill(folder, loop:format(name, value), random:random_sample() * 0.03)))
        local now = constants.read(folder .. "/" .. name)
        assert.is_true(now > value)
        value = now
        for file in lfs.dir(folder) do
          assert.is_true(file:find "^%.+$" ~= nil or file == name or file == name .. ".part", file)
        end
      end
      -- and what is left aside does not stand in the way
      assert(constants.save(folder .. "/" .. name, value + 1))
      assert.equal(value + 1, constants.read(folder .. "/" .. name))
      assert.is_nil(lfs.attributes(folder .. "/" .. name .. ".part"))
    end)
  end

  -- Trains in another process, and is ready when it has done so many epochs. Prints what it ends with. The backup is
  -- kept, since the kill may also come between the end of fit and that of the process.
  local training = [[
require("lubdub").on_warning(function() end)
local backup = require("lubdub").callbacks.BackupAndRestore { path = "backup", delete_checkpoint = false }
local left = %d
local result = require("support.trainings").run("%s", "%s", function(options)
  table.insert(options.callbacks, backup)
  table.insert(options.callbacks, { on_epoch_begin = function()
    if left == 0 then ready() end
    left = left - 1
  end })
end)
print(result)
if left >= 0 then ready() end]]

  for i, name in ipairs(trainings.names) do
    it("again and again does not change how the training '" .. name .. "' ends", function()
      local function start_anew()
        for _, file in ipairs { "best.keras", "seven.weights.h5", "backup" } do os.remove(folder .. "/" .. file) end
        temporary.write(folder, "log.csv", "# earlier\r\n")
      end
      start_anew()
      local expected, random = trainings.run(name, folder) .. "\n", lubdub.random.RandomState(40 + i)
      start_anew()
      local kills = 0
      for _ = 1, 4 * KILLS do
        local killed, text = child.kill(folder, training:format(random:randint(0, 3), name, folder),
          random:random_sample() * 0.006)
        if killed then
          kills = kills + 1
        else
          assert.equal(expected, text)
          start_anew()
        end
        if kills == KILLS then break end
      end
      local text = child.run(folder, "local function ready() end " .. training:format(99, name, folder))
      assert.equal(expected, text)
      for file in lfs.dir(folder) do assert.is_nil(file:find "part$") end
    end)
  end
end)
