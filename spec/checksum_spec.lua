-- The same bits on every CPU that fuses multiply and add, for any number of threads, and in another process.
local lubdub = require "lubdub"
local json = require "support.json"

describe("eight steps of training", function()
  local golden = json "eight_steps.json"
  local _, variants = lubdub.cpu()

  for _, variant in ipairs(variants) do
    it("give the weights that are known, with the kernels for " .. variant, function()
      local command = ("LUBDUB_CPU=%s LUA_PATH='%s' LUA_CPATH='%s' lua5.4 spec/support/eight_steps.lua 2>&1"):format(
        variant, package.path, package.cpath)
      local pipe <close> = assert(io.popen(command))
      local digests, lines = {}, 0
      for line in pipe:lines() do
        local net, threads, digest = line:match "^(%w+)\t(%d)\t(%x+)$"
        assert.truthy(net, line)
        digests[net] = digests[net] or digest
        assert.are.equal(digests[net], digest, net .. " on " .. threads .. " threads")
        lines = lines + 1
      end
      assert.are.equal(8, lines)
      if variant ~= "plain" then assert.are.same(golden, digests) end -- it rounds products before it adds them
    end)
  end
end)
