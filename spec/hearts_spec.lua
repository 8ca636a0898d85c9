local lubdub = require "lubdub"

describe("datasets.hearts", function()
  local synth = package.loaded["lubdub.synth"]
  after_each(function() package.loaded["lubdub.synth"] = synth end)

  it("is what the synthesizer makes, with the patient as the group", function()
    local asked
    package.loaded["lubdub.synth"] = { hearts = function(options)
      asked = options
      local rows = {}
      for i = 1, options.n do
        rows[i] = { audio = lubdub.Tensor.zeros { 4000 }, samplerate = 4000, patient = "p" .. i // 2,
          label = i % 2 == 0 and "murmur" or "normal" }
      end
      return rows
    end }
    local clips = lubdub.datasets.hearts { n = 6, seed = 3 }
    assert.same({ n = 6, seed = 3 }, asked)
    assert.equal(6, #clips)
    assert.same(clips:column "patient", clips:column "group")
    assert.equal(1, clips[1].duration)
    assert.equal("group", clips:group_column())
    assert.equal(3, clips:value_counts("label").murmur)
  end)
end)
