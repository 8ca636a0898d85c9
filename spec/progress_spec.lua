-- Lines that tell how far a job is, on a terminal and off it; the progress of fit.
local lubdub = require "lubdub"
local progress = require "lubdub.progress"
local layers, Tensor = lubdub.layers, lubdub.Tensor

local written
local stream = {
  write = function(_, ...) written[#written + 1] = table.concat { ... } end,
  flush = function() end,
}

local function small_fit(options)
  local model = lubdub.Sequential { layers.Input { 2 }, layers.Dense { units = 2, activation = "softmax" }, seed = 1 }
  model:compile { optimizer = "sgd", loss = "categorical_crossentropy", metrics = { "accuracy" } }
  return model:fit(Tensor.ones { 10, 2 }, Tensor { { 0, 1 } } + Tensor.zeros { 10, 2 }, options), model
end

describe("progress", function()
  before_each(function() written = {} end)
  after_each(function() progress.redirect() end)

  it("writes durations for people", function()
    local expected = { [0.004] = "0.00 s", [9.99] = "9.99 s", [9.999] = "10 s", [59.4] = "59 s", [59.6] = "1:00 min",
      [185] = "3:05 min", [3599.7] = "1:00:00 h", [3723] = "1:02:03 h" }
    for seconds, text in pairs(expected) do assert.equal(text, progress.duration(seconds)) end
  end)

  it("shows no bar where there is no terminal", function()
    progress.redirect(stream)
    assert.is_false(progress.on_terminal())
    local bar = progress.bar { label = "files", total = 10 }
    bar:update(5, "text")
    bar:clear()
    assert.same({}, written)
    bar:finish "10 files"
    assert.equal("10 files\n", table.concat(written))
  end)

  it("redraws one line on a terminal, no wider than it", function()
    progress.redirect(stream, 60)
    local bar = progress.bar { label = "files", total = 10, unit = "file" }
    bar:update(5, ("long text "):rep(20))
    bar:update(6, "too early to be drawn")
    assert.equal(1, #written)
    local line = written[1]:match("^\r(.*)\27%[K$")
    assert.equal(59, #line)
    assert.truthy(line:find("files [==========..........] 5/10", 1, true))
    bar:finish "done"
    assert.equal("\r\27[Kdone\n", table.concat(written, "", 2))
  end)

  it("counts where the total is not known", function()
    progress.redirect(stream, 60)
    progress.bar { label = "files" }:update(5)
    assert.truthy(written[1]:find("^\rfiles 5 %- .*/step"))
  end)

  it("keeps messages whole between redraws", function()
    progress.redirect(stream, 60)
    progress.bar { total = 3 }:update(1)
    progress.say "a message"
    progress.say "another"
    assert.equal("\r\27[Ka message\nanother\n", table.concat(written, "", 2))
  end)

  it("is one line per epoch and a last one for the time", function()
    progress.redirect(stream)
    small_fit { epochs = 12 }
    local lines = {}
    for line in table.concat(written):gmatch "(.-)\n" do lines[#lines + 1] = line end
    assert.equal(13, #lines)
    assert.truthy(lines[3]:find("^Epoch  3/12 %- [%d.]+ s %- loss: %d%.%d%d%d%d %- accuracy: %d%.%d%d%d%d$"), lines[3])
    assert.truthy(lines[13]:find("^12 epochs in [%d.]+ s$"))
  end)

  it("ends an epoch with the same line on a terminal, and draws no bar with verbose = 2", function()
    progress.redirect(stream, 100)
    small_fit { epochs = 1, batch_size = 2 }
    local text = table.concat(written)
    assert.truthy(text:find("Epoch 1/1 [====................] 1/5 - ", 1, true), text)
    assert.truthy(text:find("\r\27[KEpoch 1/1 - ", 1, true))
    written = {}
    small_fit { epochs = 1, batch_size = 2, verbose = 2 }
    assert.is_nil(table.concat(written):find("\r", 1, true))
  end)

  it("is quiet with verbose = 0, and shows no bar for a short evaluate or predict", function()
    progress.redirect(stream, 100)
    local _, model = small_fit { epochs = 2, verbose = 0 }
    model:evaluate(Tensor.ones { 3, 2 }, Tensor { { 0, 1 }, { 0, 1 }, { 1, 0 } })
    model:predict(Tensor.ones { 3, 2 })
    assert.equal("", table.concat(written))
  end)

  it("draws a bar only after its delay, and wipes what was drawn", function()
    progress.redirect(stream, 100)
    local bar = progress.bar { total = 3, delay = 1000 }
    bar:update(1)
    bar:clear()
    assert.same({}, written)
    bar = progress.bar { total = 3 }
    bar:update(1)
    bar:clear()
    assert.equal("\r\27[K", written[#written])
  end)
end)
