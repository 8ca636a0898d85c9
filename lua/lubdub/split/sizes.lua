--- How many rows go to train and to test.
-- @module lubdub.split.sizes
local blame = require "lubdub.blame"

local function check(where, name, size, n, what)
  local kind = math.type(size)
  if not kind then blame("%s: %s must be a number, got %s", where, name, type(size)) end
  local low, high = 0, kind == "integer" and n or 1
  if not (size > low and size < high) then
    blame("%s: %s must be a share above 0 and below 1, or a whole number from 1 to %d (there are %d %s), got %s",
      where, name, n - 1, n, what, size)
  end
end

--- The two sizes, as scikit-learn rounds them: test up, train down, and what is not given is the rest.
-- @tparam string where the asking function, for messages
-- @tparam integer n how many rows (or groups) there are
-- @tparam table options `test_size` and `train_size`: a share (float) or a count (integer), or nil or false
-- @tparam number default the `test_size` where neither is given
-- @tparam ?string what "rows" or "groups", for messages
-- @treturn integer train
-- @treturn integer test
return function(where, n, options, default, what)
  what = what or "rows"
  local test_size, train_size = options.test_size or nil, options.train_size or nil
  if not test_size and not train_size then test_size = default end
  if test_size then check(where, "test_size", test_size, n, what) end
  if train_size then check(where, "train_size", train_size, n, what) end
  if math.type(test_size) == "float" and math.type(train_size) == "float" and test_size + train_size > 1 then
    blame("%s: test_size and train_size add up to %s, more than 1", where, test_size + train_size)
  end

  local n_test = math.type(test_size) == "float" and math.ceil(test_size * n) or test_size
  local n_train = math.type(train_size) == "float" and math.floor(train_size * n) or train_size
  n_train = n_train or n - n_test
  n_test = n_test or n - n_train
  if n_train + n_test > n then
    blame("%s: train_size %d and test_size %d are more than the %d %s", where, n_train, n_test, n, what)
  elseif n_train == 0 then
    blame("%s: no %s would be left to train on (%d %s, %d of them for test)", where, what, n, what, n_test)
  end
  return n_train, n_test
end
