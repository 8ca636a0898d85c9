--- What lubdub warns of in each test of a block, instead of on stderr: `local said = warned(before_each, after_each)`
-- is a list of messages, empty at the start of every test.
local warning = require "lubdub.warning"

return function(before_each, after_each)
  local said = {}
  before_each(function()
    for i = #said, 1, -1 do said[i] = nil end
    warning.on_warning(function(message) said[#said + 1] = message end)
  end)
  after_each(function() warning.on_warning(nil) end)
  return said
end
