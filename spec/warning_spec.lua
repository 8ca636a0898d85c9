-- Warnings: once per message and object.
local warning = require "lubdub.warning"
local warned = require "support.warned"

describe("lubdub.warning", function()
  local said = warned(before_each, after_each)

  it("says a message once for each object, whatever the object prints", function()
    local alike = { __tostring = function() return "EarlyStopping()" end }
    local first, second = setmetatable({}, alike), setmetatable({}, alike)
    for _ = 1, 2 do
      for _, object in ipairs { first, second, "a.wav", "b.wav" } do warning.warn("cut", object) end
      warning.warn "cut"
      warning.warn "other"
    end
    assert.same({ "cut", "cut", "cut", "cut", "cut", "other" }, said)
  end)
end)
