-- kill -9 at random moments: while files are saved again and again, and while a model trains with BackupAndRestore.
-- LUBDUB_KILLS sets how many of each there are (`make kills`: 200).
local lfs = require "lfs"

local lubdub = require "lubdub"
local backup = require "lubdub.backup"
local child = require "support.child"
local temporary = require "support.temporary"
local trainings = require "support.trainings"

local KILLS = math.tointeger(os.getenv "LUBDUB_KILLS" or 3)

-- A model whose every weight is `value`; the same in this process and in those that are killed.
local code = [[
local lubdub = require "lubdub"
local function new_model(value)
  local layers = lubdub.layers
  local model = lubdub.Sequential { layers.Input { 64 }, layers.Dense { units = 512 }, layers.Dense { units = 2 } }
  model:compile { optimizer = "adam", loss = "mse" }
  local list = model:get_weights()
  for i, weight in ipairs(list) do list[i] = weight * 0 + value end
  model:set_weights(list)
  model.labels = { value, value + 1 }
  return model
end
local function save(path, value)
  if path:find "backup$" then
    return require "lubdub.backup".write(path, { value = value, weights = new_model(value):get_weights() })
  end
  local model = new_model(value)
  if path:find "weights" then return model:save_weights(path) end
  return model:save(path)
end
]]
local new_model = assert(load(code .. "return new_model"))()

local function all_are(model, value)
  for _, weight in ipairs(model:get_weights()) do
    if weight:min() ~= value or weight:max() ~= value then return false end
  end
  return true
end

-- The value of the model in a file; an error where the file is not whole.
local function value_in(path)
  if path:find "backup$" then
    local found = assert(backup.read(path))
    assert.is_true(all_are({ get_weights = function() return found.weights end }, found.value))
    return found.value
  end
  local model
  if path:find "weights" then
    model = new_model(-1)
    assert(model:load_weights(path))
  else
    model = assert(lubdub.load_model(path))
    assert.equal(model:get_weights()[1]:max(), model.labels[1])
  end
  local value = model:get_weights()[1]:max()
  assert.is_true(all_are(model, value))
  return math.tointeger(value)
end

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

  local loop = code .. [[
local path, value = "%s", %d
while true do
  value = value + 1
  assert(save(path, value))
  if ready then ready() ready = nil end
end]]

  for _, name in ipairs { "m.h5", "m.keras", "m.weights.h5", "m.backup" } do
    it("while " .. name .. " is saved leaves the old file or the new one", function()
      local random, value = lubdub.random.RandomState(#name), 0
      for _ = 1, KILLS do
        assert.is_true((child.kill(folder, loop:format(name, value), random:random_sample() * 0.03)))
        local now = value_in(folder .. "/" .. name)
        assert.is_true(now > value)
        value = now
        for file in lfs.dir(folder) do
          assert.is_true(file:find "^%.+$" ~= nil or file == name or file == name .. ".part", file)
        end
      end
      -- and what is left aside does not stand in the way
      assert(child.run(folder, code .. ("assert(save(%q, %d))"):format(name, value + 1)))
      assert.equal(value + 1, value_in(folder .. "/" .. name))
      assert.is_nil(lfs.attributes(folder .. "/" .. name .. ".part"))
    end)
  end

  -- Trains in another process, and is ready when it has done so many epochs. The last lines are what it ends with.
  local training = [[
require("lubdub").on_warning(function() end)
local backup, left = require("lubdub").callbacks.BackupAndRestore "backup", %d
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
      local expected, random = trainings.run(name, folder) .. "\n", lubdub.random.RandomState(40 + i)
      local function start_anew()
        for _, file in ipairs { "best.keras", "seven.weights.h5", "log.csv" } do os.remove(folder .. "/" .. file) end
      end
      start_anew()
      local kills, killed, text = 0, false, nil
      for _ = 1, 4 * KILLS do
        killed, text = child.kill(folder, training:format(random:randint(0, 3), name, folder),
          random:random_sample() * 0.006)
        if killed then
          kills = kills + 1
        else
          assert.equal(expected, text)
          start_anew()
        end
        if kills == KILLS then break end
      end
      text = child.run(folder, "local function ready() end " .. training:format(99, name, folder))
      assert.equal(expected, text)
      for file in lfs.dir(folder) do assert.is_nil(file:find "part$" or file:find "^backup") end
    end)
  end
end)
