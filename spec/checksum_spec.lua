-- The same bits on every CPU that fuses multiply and add, for any number of threads, and in another process.
local lubdub = require "lubdub"
local json = require "support.json"

-- What `script` prints in a process of its own with the kernels for `variant`: digests by net, after checking that
-- each is the same for 1 to 4 threads.
local function digests_of(script, variant)
  local command = ("LUBDUB_CPU=%s LUA_PATH='%s' LUA_CPATH='%s' lua5.4 spec/support/%s.lua 2>&1"):format(
    variant, package.path, package.cpath, script)
  local pipe <close> = assert(io.popen(command))
  local digests, times = {}, {}
  for line in pipe:lines() do
    local net, threads, digest = line:match "^(%w+)\t(%d)\t(%x+)$"
    assert.truthy(net, line)
    digests[net] = digests[net] or digest
    times[net] = (times[net] or 0) + 1
    assert.are.equal(digests[net], digest, net .. " on " .. threads .. " threads")
  end
  for net, count in pairs(times) do assert.are.equal(4, count, net) end
  return digests
end

local function known(what, script, golden)
  describe(what, function()
    local _, variants = lubdub.cpu()
    for _, variant in ipairs(variants) do
      it("give the bits that are known, with the kernels for " .. variant, function()
        local digests = digests_of(script, variant)
        if variant == "plain" then -- it rounds products before it adds them
          for net in pairs(golden) do assert.truthy(digests[net], net) end
        else
          assert.are.same(golden, digests)
        end
      end)
    end
  end)
end

known("eight steps of training", "eight_steps", json "eight_steps.json")
known("nets with every kind of layer", "zoo", json "zoo.json")

describe("random convolutions", function()
  local _, variants = lubdub.cpu()
  local expected
  for _, variant in ipairs(variants) do
    it("give the same bits on all threads, with the kernels for " .. variant, function()
      local digests = digests_of("random_blocks", variant)
      assert.truthy(digests.blocks40)
      if variant == "plain" then return end
      expected = expected or digests
      assert.are.same(expected, digests)
    end)
  end
end)
