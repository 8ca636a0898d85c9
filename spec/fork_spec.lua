-- A host that forks: the child has none of the threads, and must not wait for them.
local lubdub = require "lubdub"
local augment = lubdub.augment
local noise = require "support.noise"
local fork = require "support.fork"

local SR, ROWS = 2000, 24
local mfcc = lubdub.MFCC { sr = SR, n_mfcc = 6, n_fft = 256, hop_length = 128, n_mels = 20 }

local function signals()
  local x = {}
  for i = 1, ROWS do x[i] = noise(4000, i) end
  return lubdub.Tensor.stack(x)
end

describe("in the child of a fork", function()
  local threads
  before_each(function()
    threads = lubdub.num_threads()
    lubdub.set_num_threads(2)
  end)
  after_each(function() lubdub.set_num_threads(threads) end)

  local function it_forks(name, test)
    it(name, function()
      if not fork then return pending "no C compiler to build spec/support/fork.c with" end
      test()
    end)
  end

  -- Of a stretch of sounds, so that the background is at work whenever the fork comes.
  local function source(x)
    return augment.source(x, nil, { plan = mfcc, batch_size = 4, background = true,
      augment.time_stretch { rate = { 0.8, 1.2 } } })
  end

  local function list(iterate)
    local all = {}
    for x in iterate do all[#all + 1] = x:clone() end
    return all
  end

  it_forks("a preparation that was under way gives the same batches", function()
    local x = signals()
    local expected = list(source(x)(1, 5))
    assert.equal(ROWS / 4, #expected)
    for batches = 0, 5 do
      local iterate = source(x)(1, 5)
      for _ = 1, batches do iterate() end
      local how, number = fork(function()
        local rest = list(iterate)
        assert(#rest == #expected - batches, "so many batches: " .. #rest)
        for i, batch in ipairs(rest) do assert(batch:equal(expected[batches + i]), "batch " .. batches + i) end
      end, 30)
      assert.same({ "exit", 0 }, { how, number })
      local rest = list(iterate) -- and so it does in the parent
      assert.equal(#expected - batches, #rest)
      for i, batch in ipairs(rest) do assert.is_true(batch:equal(expected[batches + i])) end
    end
  end)

  it_forks("a preparation that was under way may be left", function()
    local x = signals()
    for _ = 1, 4 do
      local iterate = source(x)(1, 5)
      iterate()
      assert.same({ "exit", 0 }, { fork(function()
        iterate = nil -- luacheck: ignore
        collectgarbage()
        collectgarbage()
      end, 30) })
    end
  end)

  it_forks("threads are started anew", function()
    local clips, x = {}, signals()
    for i = 1, ROWS do clips[i] = { audio = x[i], samplerate = SR } end
    local set = lubdub.Dataset(clips)
    local expected = set:extract(mfcc, { duration = 1, progress = false }) -- the parent has its threads
    assert.same({ "exit", 0 }, { fork(function()
      assert(set:extract(mfcc, { duration = 1, progress = false }):equal(expected))
    end, 30) })
  end)
end)
