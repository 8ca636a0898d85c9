--- The noise of spec/golden/make_signal.py: n samples in [-1, 1), exact in float32.
local Tensor = require("lubdub.core").Tensor

--- @tparam integer n
-- @tparam integer seed
-- @treturn Tensor (n,)
return function(n, seed)
  local x, state = {}, seed
  for i = 1, n do
    state = (state * 1664525 + 1013904223) & 0xffffffff
    x[i] = (state >> 16) / 32768 - 1
  end
  return Tensor(x)
end
